//! 32-bit addition and subtraction, with carry or borrow.
//!
//! # What a row proves
//! For operands a and b below 2^32 (by their types), with t = 1 to add and −1 to subtract:
//!
//! ```text
//! a + t·b = out + t·carry·2^32,   out < 2^32,   carry ∈ {0, 1}
//! ```
//! One solution for all operands in range: `a + b` lies in [0, 2^33), `a − b` in (−2^32, 2^32), far from wrapping around p,
//! and `out` in limbs of 12, 12 and 8 bits is the residue.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use super::limbs::{self, Limbs};
use crate::bus::{self, ChipBuilder};
use crate::chip::columns_with_narrow_twin;
use crate::code::{Class, MAX_OPERANDS};
use crate::trace::FactRow;

/// Instructions per row. The narrow twin has fewer.
pub const FACTS: usize = 4;

/// One instruction.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Fact<T> {
    pub fp: T,
    /// Program: id of the result; the carry is id + 1.
    pub id: T,
    /// Program: 1 to subtract, 0 to add.
    pub subtract: T,
    /// Program: b is a constant.
    pub immediate: T,
    /// Program: id of a.
    pub a_id: T,
    /// Program: id of b, or its value.
    pub b_id: T,
    pub a: T,
    pub b: T,
    pub out: Limbs<T>,
    pub carry: T,
    /// How often result and carry are read.
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
pub const CONSTRAINTS: &[&str] = &[
    "fact 0: subtract is boolean",
    "fact 0: immediate is boolean",
    "fact 0: immediate",
    "fact 0: carry is boolean",
    "fact 0: sum",
    "fact 1: subtract is boolean",
    "fact 1: immediate is boolean",
    "fact 1: immediate",
    "fact 1: carry is boolean",
    "fact 1: sum",
    "fact 2: subtract is boolean",
    "fact 2: immediate is boolean",
    "fact 2: immediate",
    "fact 2: carry is boolean",
    "fact 2: sum",
    "fact 3: subtract is boolean",
    "fact 3: immediate is boolean",
    "fact 3: immediate",
    "fact 3: carry is boolean",
    "fact 3: sum",
];

fn eval_row<AB: ChipBuilder, const N: usize>(row: &Row<AB::Var, N>, builder: &mut AB) {
    for fact in &row.facts {
        let immediate: AB::Expr = fact.immediate.into();
        let subtract: AB::Expr = fact.subtract.into();
        // The lookup has the flags as one number, so they must be digits of it.
        builder.assert_bool(fact.subtract);
        builder.assert_bool(fact.immediate);
        // immediate·(b − b_id) = 0
        builder.assert_zero(immediate.clone() * (fact.b.into() - fact.b_id));
        builder.assert_bool(fact.carry);
        // a + t·b = out + t·carry·2^32 with t = 1 − 2·subtract
        let out: AB::Expr = limbs::join(&fact.out);
        let sign = AB::Expr::ONE - subtract.clone().double();
        let carry = fact.carry.into() * AB::Expr::from_u64(1 << 32);
        builder.assert_zero(fact.a.into() + sign * (fact.b.into() - carry) - out.clone());

        bus::lookup(
            builder,
            [
                AB::Expr::from_u8(Class::U32Add as u8),
                fact.id.into(),
                subtract * AB::Expr::from_u32(1 << MAX_OPERANDS)
                    + immediate.clone() * AB::Expr::TWO,
                fact.a_id.into(),
                fact.b_id.into(),
            ],
            AB::Expr::ONE,
        );
        bus::read(builder, fact.fp, fact.a_id, fact.a, AB::Expr::ONE);
        bus::read(
            builder,
            fact.fp,
            fact.b_id,
            fact.b,
            AB::Expr::ONE - immediate,
        );
        bus::provide(builder, fact.fp, fact.id, out, fact.mults[0]);
        bus::provide(
            builder,
            fact.fp,
            fact.id.into() + AB::Expr::ONE,
            fact.carry,
            fact.mults[1],
        );
        limbs::check(builder, &fact.out);
    }
}

/// Fills one instruction.
pub fn fill(cols: &mut Fact<Felt>, row: &FactRow<'_>, counts: &limbs::Counts) {
    *cols = Fact {
        fp: row.fp,
        id: row.id(),
        subtract: Felt::from_u32(row.entry.op.opcode()),
        immediate: row.immediate(1),
        a_id: row.operand_field(0),
        b_id: row.operand_field(1),
        a: row.operands[0],
        b: row.operands[1],
        out: counts.split(row.results[0]),
        carry: row.results[1],
        mults: [row.mults[0], row.mults[1]],
    };
}

#[cfg(test)]
mod tests;
