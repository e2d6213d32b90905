//! 32-bit shifts and rotations by constants.
//!
//! # What a row proves
//! For an operand a below 2^32 (by its type) and the constant k = 2^n, n ≤ 31, which stands in the program table:
//!
//! ```text
//! a·k = low + 2^32·high,   low < 2^32,   high < 2^31 + 2^23
//!
//! operation 0   shift left by n          out = low
//! operation 1   shift right by 32 − n    out = high
//! operation 2   rotation left by n       out = low + high
//! ```
//! One solution: neither a·k < 2^63 nor low + 2^32·high < 2^64 − 2^32 wraps around p, so low and high are the halves of the
//! product. They have no bit in common, because k is a power of two, which the validator checks; so out < 2^32 in all
//! three cases. The limbs of `high` are not unique ([`limbs::join_31`]), their number is.

use p3_field::{Field, PrimeCharacteristicRing};
use plica_field::Felt;

use super::limbs::{self, Limbs};
use crate::bus::{self, ChipBuilder};
use crate::chip::{columns_with_narrow_twin, four_facts};
use crate::code::{Class, MAX_OPERANDS};
use crate::trace::FactRow;

/// Instructions per row. The narrow twin has fewer.
pub const FACTS: usize = 4;

/// One instruction.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Fact<T> {
    pub fp: T,
    /// Program: id of the result.
    pub id: T,
    /// Program: which result it is.
    pub operation: T,
    /// Program: id of a.
    pub a_id: T,
    /// Program: the power of two.
    pub factor: T,
    pub a: T,
    pub low: Limbs<T>,
    pub high: Limbs<T>,
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
pub const CONSTRAINTS: &[&str] = four_facts!["product", "result"];

fn eval_row<AB: ChipBuilder, const N: usize>(row: &Row<AB::Var, N>, builder: &mut AB) {
    for fact in &row.facts {
        let low: AB::Expr = limbs::join(&fact.low);
        let high: AB::Expr = limbs::join_31(&fact.high);
        // a·k = low + 2^32·high
        builder.assert_zero(
            fact.a.into() * fact.factor - low.clone() - high.clone() * AB::Expr::from_u64(1 << 32),
        );
        // With t the operation, low counts 1, 0, 1 and high 0, 1, 1.
        let t: AB::Expr = fact.operation.into();
        let takes_low = (t.clone() - AB::Expr::ONE).square();
        let takes_high = t.clone() * (AB::Expr::from_u8(3) - t.clone()) * Felt::TWO.inverse();
        builder.assert_zero(takes_low * low + takes_high * high - fact.out);

        bus::lookup(
            builder,
            [
                AB::Expr::from_u8(Class::U32Shift as u8),
                fact.id.into(),
                // The factor is always a constant.
                t * AB::Expr::from_u32(1 << MAX_OPERANDS) + AB::Expr::TWO,
                fact.a_id.into(),
                fact.factor.into(),
            ],
            AB::Expr::ONE,
        );
        bus::read(builder, fact.fp, fact.a_id, fact.a, AB::Expr::ONE);
        bus::provide(builder, fact.fp, fact.id, fact.out, fact.mult);
        limbs::check(builder, &fact.low);
        limbs::check(builder, &fact.high);
    }
}

/// Fills one instruction.
pub fn fill(cols: &mut Fact<Felt>, row: &FactRow<'_>, counts: &limbs::Counts) {
    use p3_field::PrimeField64;
    let (a, factor) = (row.scalar(0), row.scalar(1));
    let product = (a * factor).as_canonical_u64();
    *cols = Fact {
        fp: row.fp,
        id: row.id(),
        operation: Felt::from_u32(row.entry.op.opcode()),
        a_id: row.operand_field(0),
        factor,
        a,
        low: counts.split(Felt::from_u64(product & 0xffff_ffff)),
        high: counts.split_31(Felt::from_u64(product >> 32)),
        out: row.results[0],
        mult: row.mults[0],
    };
}

#[cfg(test)]
mod tests;
