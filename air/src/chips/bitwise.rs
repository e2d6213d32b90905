//! 32-bit and, or, xor.
//!
//! # What a row proves
//! For operands a and b below 2^32 (by their types), in six digits of 6 bits each, and a & b digit by digit from the limb
//! table:
//!
//! ```text
//! a = Σ x_i·64^i,   b = Σ y_i·64^i,   and = Σ (x_i & y_i)·64^i
//!
//! operation 0   and   out = and
//! operation 1   or    out = a + b − and
//! operation 2   xor   out = a + b − 2·and
//! ```
//! Six digits below 64 are a number below 2^36, which does not wrap around p, so the digits are those of the integers a
//! and b, and everything else is a function of them. The result is below 2^32 because a and b are.

use p3_field::{Field, PrimeCharacteristicRing, PrimeField64};
use plica_field::Felt;

use super::limbs;
use crate::bus::{self, AND, ChipBuilder};
use crate::chip::{columns_with_narrow_twin, four_facts};
use crate::code::{Class, MAX_OPERANDS};
use crate::trace::FactRow;

/// Instructions per row. The narrow twin has fewer.
pub const FACTS: usize = 4;
/// Digits of 6 bits that hold 32 bits.
pub const DIGITS: usize = 6;

/// A digit of a, of b, and their conjunction.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Digit<T> {
    pub x: T,
    pub y: T,
    pub and: T,
}

/// One instruction.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Fact<T> {
    pub fp: T,
    /// Program: id of the result.
    pub id: T,
    /// Program: 0 and, 1 or, 2 xor.
    pub operation: T,
    /// Program: b is a constant.
    pub immediate: T,
    /// Program: id of a.
    pub a_id: T,
    /// Program: id of b, or its value.
    pub b_id: T,
    /// Least significant first.
    pub digits: [Digit<T>; DIGITS],
    pub out: T,
    /// How often the result is read.
    pub mult: T,
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
    "operation is 0, 1 or 2",
    "immediate is boolean",
    "immediate",
    "result",
];

fn eval_row<AB: ChipBuilder, const N: usize>(row: &Row<AB::Var, N>, builder: &mut AB) {
    for fact in &row.facts {
        let number = |digit: fn(&Digit<AB::Var>) -> AB::Var| -> AB::Expr {
            let digits = fact.digits.iter().enumerate();
            digits
                .map(|(i, d)| digit(d).into() * AB::Expr::from_u64(1 << (6 * i)))
                .sum()
        };
        let (a, b, and) = (number(|d| d.x), number(|d| d.y), number(|d| d.and));
        let t: AB::Expr = fact.operation.into();
        let immediate: AB::Expr = fact.immediate.into();
        // The lookup has operation and flag as one number, so they must be its digits.
        builder.assert_zero(t.clone() * (t.clone() - AB::Expr::ONE) * (t.clone() - AB::Expr::TWO));
        builder.assert_bool(fact.immediate);
        // immediate·(b − b_id) = 0
        builder.assert_zero(immediate.clone() * (b.clone() - fact.b_id));
        // With t the operation, a + b counts 0, 1, 1 and a & b counts 1, −1, −2.
        let half = Felt::TWO.inverse();
        let of_sum = t.clone() * (AB::Expr::from_u8(3) - t.clone()) * half;
        let of_and = AB::Expr::ONE + t.clone() * (t.clone() - AB::Expr::from_u8(5)) * half;
        builder.assert_zero(of_sum * (a.clone() + b.clone()) + of_and * and - fact.out);

        bus::lookup(
            builder,
            [
                AB::Expr::from_u8(Class::Bitwise as u8),
                fact.id.into(),
                t * AB::Expr::from_u32(1 << MAX_OPERANDS) + immediate.clone() * AB::Expr::TWO,
                fact.a_id.into(),
                fact.b_id.into(),
            ],
            AB::Expr::ONE,
        );
        bus::read(builder, fact.fp, fact.a_id, a, AB::Expr::ONE);
        let is_cell = AB::Expr::ONE - immediate;
        bus::read(builder, fact.fp, fact.b_id, b, is_cell);
        bus::provide(builder, fact.fp, fact.id, fact.out, fact.mult);
        for digit in &fact.digits {
            bus::limb(builder, AND, [digit.x, digit.y, digit.and]);
        }
    }
}

/// Fills one instruction.
pub fn fill(cols: &mut Fact<Felt>, row: &FactRow<'_>, counts: &limbs::Counts) {
    let [a, b] = [0, 1].map(|j| row.scalar(j).as_canonical_u64());
    *cols = Fact {
        fp: row.fp,
        id: row.id(),
        operation: Felt::from_u32(row.entry.op.opcode()),
        immediate: row.immediate(1),
        a_id: row.operand_field(0),
        b_id: row.operand_field(1),
        digits: std::array::from_fn(|i| {
            let [x, y] = [a, b].map(|number| number >> (6 * i) & 63);
            Digit {
                x: Felt::from_u64(x),
                y: Felt::from_u64(y),
                and: Felt::from_u64(counts.and(x, y)),
            }
        }),
        out: row.results[0],
        mult: row.mults[0],
    };
}

#[cfg(test)]
mod tests;
