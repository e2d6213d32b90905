//! 32-bit checks: a field element as a cell that is known to be below 2^32.
//!
//! # What a row proves
//! ```text
//! out = a, in limbs of 12, 12 and 8 bits
//! ```
//! The limbs are a function of `a`, and an `a` of 2^32 or more has none, so the instruction traps by having no row; the
//! assembler anchors its result (rule R9). Uniqueness never rests on a check elsewhere (hole 6 of the soundness page): who
//! needs a 32-bit operand reads the new cell.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use super::limbs::{self, Limbs};
use crate::bus::{self, ChipBuilder};
use crate::chip::columns_with_narrow_twin;
use crate::code::Class;
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
    /// Program: id of the operand.
    pub a_id: T,
    /// The operand, and the result.
    pub a: Limbs<T>,
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

/// No constraint besides the lookup argument's: operand and result are one expression.
pub const CONSTRAINTS: &[&str] = &[];

fn eval_row<AB: ChipBuilder, const N: usize>(row: &Row<AB::Var, N>, builder: &mut AB) {
    for fact in &row.facts {
        bus::lookup(
            builder,
            [
                AB::Expr::from_u8(Class::U32Check as u8),
                fact.id.into(),
                AB::Expr::ZERO,
                fact.a_id.into(),
            ],
            AB::Expr::ONE,
        );
        let a: AB::Expr = limbs::join(&fact.a);
        bus::read(builder, fact.fp, fact.a_id, a.clone(), AB::Expr::ONE);
        bus::provide(builder, fact.fp, fact.id, a, fact.mult);
        limbs::check(builder, &fact.a);
    }
}

/// Fills one instruction.
pub fn fill(cols: &mut Fact<Felt>, row: &FactRow<'_>, counts: &limbs::Counts) {
    *cols = Fact {
        fp: row.fp,
        id: row.id(),
        a_id: row.operand_field(0),
        a: counts.split(row.operands[0]),
        mult: row.mults[0],
    };
}

#[cfg(test)]
mod tests;
