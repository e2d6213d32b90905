//! 32-bit division with remainder.
//!
//! # What a row proves
//! For operands a and b below 2^32 (by their types):
//!
//! ```text
//! a = q·b + r,   b = r + 1 + slack,   q, r, slack < 2^32
//! ```
//! One solution for every b > 0: q·b + r ≤ (2^32 − 1)² + 2^32 − 1 = p − 1 does not wrap around, so a = q·b + r holds for the
//! integers, and 0 ≤ r < b. Neither does r + 1 + slack wrap around, so b = 0 has no row: the instruction traps, and the
//! assembler anchors its results (rule R9).

use p3_field::PrimeCharacteristicRing;
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
    /// Program: id of the quotient; the remainder is id + 1.
    pub id: T,
    /// Program: b is a constant.
    pub immediate: T,
    /// Program: id of a.
    pub a_id: T,
    /// Program: id of b, or its value.
    pub b_id: T,
    pub a: T,
    pub quotient: Limbs<T>,
    pub remainder: Limbs<T>,
    /// b − 1 − remainder, from which b follows.
    pub slack: Limbs<T>,
    /// How often quotient and remainder are read.
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
pub const CONSTRAINTS: &[&str] = four_facts!["immediate is boolean", "immediate", "quotient"];

fn eval_row<AB: ChipBuilder, const N: usize>(row: &Row<AB::Var, N>, builder: &mut AB) {
    for fact in &row.facts {
        let [quotient, remainder, slack] = [fact.quotient, fact.remainder, fact.slack]
            .map(|limbs| limbs::join::<AB::Expr>(&limbs));
        let b = remainder.clone() + AB::Expr::ONE + slack;
        // The reads count it, so it is a flag.
        builder.assert_bool(fact.immediate);
        // immediate·(b − b_id) = 0
        builder.assert_zero(fact.immediate.into() * (b.clone() - fact.b_id));
        // a = q·b + r
        builder.assert_zero(quotient.clone() * b.clone() + remainder.clone() - fact.a);

        bus::lookup(
            builder,
            [
                AB::Expr::from_u8(Class::U32Div as u8),
                fact.id.into(),
                fact.immediate.into() * AB::Expr::TWO,
                fact.a_id.into(),
                fact.b_id.into(),
            ],
            AB::Expr::ONE,
        );
        bus::read(builder, fact.fp, fact.a_id, fact.a, AB::Expr::ONE);
        let is_cell = AB::Expr::ONE - fact.immediate;
        bus::read(builder, fact.fp, fact.b_id, b, is_cell);
        bus::provide(builder, fact.fp, fact.id, quotient, fact.mults[0]);
        let remainder_id = fact.id.into() + AB::Expr::ONE;
        bus::provide(builder, fact.fp, remainder_id, remainder, fact.mults[1]);
        for limbs in [&fact.quotient, &fact.remainder, &fact.slack] {
            limbs::check(builder, limbs);
        }
    }
}

/// Fills one instruction.
pub fn fill(cols: &mut Fact<Felt>, row: &FactRow<'_>, counts: &limbs::Counts) {
    let [quotient, remainder] = [row.results[0], row.results[1]];
    *cols = Fact {
        fp: row.fp,
        id: row.id(),
        immediate: row.immediate(1),
        a_id: row.operand_field(0),
        b_id: row.operand_field(1),
        a: row.scalar(0),
        quotient: counts.split(quotient),
        remainder: counts.split(remainder),
        slack: counts.split(row.scalar(1) - Felt::ONE - remainder),
        mults: [row.mults[0], row.mults[1]],
    };
}

#[cfg(test)]
mod tests;
