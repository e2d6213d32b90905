//! 32-bit multiplication with addition, and splits of field elements into halves.
//!
//! # What a row proves
//! ```text
//! a·b + c = low + 2^32·high (mod p),   low, high < 2^32,   low·(1 − (2^32 − 1 − high)·w) = 0
//! ```
//! Every residue has exactly one such pair. `low + 2^32·high` takes the values 0 … 2^64 − 1, of which only those from p up
//! repeat a residue; they are the pairs with high = 2^32 − 1 and low > 0, for which no `w` satisfies the last equation. For
//! all other pairs there is one: `w` is an inverse if low ≠ 0, and free otherwise; it reaches no bus.
//!
//! So a row is a function of a, b and c for *all* field elements. A multiplication has operands below 2^32 (by their
//! types), for which a·b + c ≤ (2^32 − 1)² + 2^32 − 1 = p − 1 does not wrap around: the halves are those of the integer. A
//! split is the row with b = 1 and c = 0; its a may be any field element, and the halves are those of the canonical integer
//! (hole 7 of the soundness page).

use p3_field::{PrimeCharacteristicRing, batch_multiplicative_inverse};
use plica_field::Felt;

use super::limbs::{self, Limbs};
use crate::bus::{self, ChipBuilder};
use crate::chip::{columns_with_narrow_twin, four_facts};
use crate::code::Class;
use crate::trace::FactRow;

/// Instructions per row. The narrow twin has fewer.
pub const FACTS: usize = 4;

/// One instruction.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Fact<T> {
    pub fp: T,
    /// Program: id of the low half; the high half is id + 1.
    pub id: T,
    /// Program: b is a constant, c is one.
    pub immediates: [T; 2],
    /// Program: ids of a, b and c, or the values of the latter.
    pub ids: [T; 3],
    pub a: T,
    pub b: T,
    pub c: T,
    pub low: Limbs<T>,
    pub high: Limbs<T>,
    /// 1/(2^32 − 1 − high), or anything if low = 0.
    pub w: T,
    /// How often the halves are read.
    pub mults: [T; 2],
}

/// A row of N instructions.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Row<T, const N: usize> {
    pub facts: [Fact<T>; N],
}
columns_with_narrow_twin!(FACTS, narrow: 1);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = four_facts![
    "immediate b is boolean",
    "immediate b",
    "immediate c is boolean",
    "immediate c",
    "product",
    "canonical",
];

fn eval_row<AB: ChipBuilder, const N: usize>(row: &Row<AB::Var, N>, builder: &mut AB) {
    for fact in &row.facts {
        let [a_id, b_id, c_id] = fact.ids;
        let [immediate_b, immediate_c] = fact.immediates;
        // The lookup has the flags as one number, so they must be its digits.
        // immediate·(value − id) = 0
        for (flag, value, id) in [(immediate_b, fact.b, b_id), (immediate_c, fact.c, c_id)] {
            builder.assert_bool(flag);
            builder.assert_zero(flag.into() * (value.into() - id));
        }
        let low: AB::Expr = limbs::join(&fact.low);
        let high: AB::Expr = limbs::join(&fact.high);
        // a·b + c = low + 2^32·high
        builder.assert_zero(
            fact.a.into() * fact.b + fact.c
                - low.clone()
                - high.clone() * AB::Expr::from_u64(1 << 32),
        );
        // low·(1 − (2^32 − 1 − high)·w) = 0
        let distance = AB::Expr::from_u32(u32::MAX) - high.clone();
        builder.assert_zero(low.clone() * (AB::Expr::ONE - distance * fact.w));

        bus::lookup(
            builder,
            [
                AB::Expr::from_u8(Class::U32Mul as u8),
                fact.id.into(),
                immediate_b.into() * AB::Expr::TWO + immediate_c.into() * AB::Expr::from_u8(4),
                a_id.into(),
                b_id.into(),
                c_id.into(),
            ],
            AB::Expr::ONE,
        );
        bus::read(builder, fact.fp, a_id, fact.a, AB::Expr::ONE);
        bus::read(builder, fact.fp, b_id, fact.b, AB::Expr::ONE - immediate_b);
        bus::read(builder, fact.fp, c_id, fact.c, AB::Expr::ONE - immediate_c);
        bus::provide(builder, fact.fp, fact.id, low, fact.mults[0]);
        let high_id = fact.id.into() + AB::Expr::ONE;
        bus::provide(builder, fact.fp, high_id, high, fact.mults[1]);
        limbs::check(builder, &fact.low);
        limbs::check(builder, &fact.high);
    }
}

/// Fills one instruction. The place of `w` holds what it is the inverse of, for [`fill_hints`].
pub fn fill(cols: &mut Fact<Felt>, row: &FactRow<'_>, counts: &limbs::Counts) {
    let [low, high] = [row.results[0], row.results[1]];
    *cols = Fact {
        fp: row.fp,
        id: row.id(),
        immediates: [row.immediate(1), row.immediate(2)],
        ids: std::array::from_fn(|j| row.operand_field(j)),
        a: row.scalar(0),
        b: row.scalar(1),
        c: row.scalar(2),
        low: counts.split(low),
        high: counts.split(high),
        w: if low == Felt::ZERO {
            Felt::ZERO
        } else {
            Felt::from_u32(u32::MAX) - high
        },
        mults: [row.mults[0], row.mults[1]],
    };
}

/// Replaces what [`fill`] left in the place of the hints by its inverse, for all rows with one field inversion
/// (Montgomery's trick).
pub fn fill_hints<const N: usize>(rows: &mut [Felt]) {
    let has_hint = |fact: &&mut Fact<Felt>| fact.w != Felt::ZERO;
    let mut pending: Vec<&mut Fact<Felt>> = rows
        .chunks_exact_mut(width::<N>())
        .flat_map(|row| &mut Row::<_, N>::of_mut(row).facts)
        .filter(has_hint)
        .collect();
    let distances: Vec<Felt> = pending.iter().map(|fact| fact.w).collect();
    let inverses = batch_multiplicative_inverse(&distances);
    for (fact, inverse) in pending.iter_mut().zip(inverses) {
        fact.w = inverse;
    }
}

#[cfg(test)]
mod tests;
