//! Powers of two.
//!
//! # What a row proves
//! `(a, out)` is a row (v, 2^v) of the limb table, v < 64. So `out` is a function of `a`, and an `a` of 64 or more has no
//! row: the instruction traps, and the assembler anchors its result (rule R9). 2^63 is below p.

use p3_field::PrimeCharacteristicRing;
use p3_field::PrimeField64;
use plica_field::Felt;

use super::limbs;
use crate::bus::{self, ChipBuilder, POWER};
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
    /// Program: id of the exponent.
    pub a_id: T,
    pub a: T,
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

/// No constraint besides the lookup argument's.
pub const CONSTRAINTS: &[&str] = &[];

fn eval_row<AB: ChipBuilder, const N: usize>(row: &Row<AB::Var, N>, builder: &mut AB) {
    for fact in &row.facts {
        bus::lookup(
            builder,
            [
                AB::Expr::from_u8(Class::Power as u8),
                fact.id.into(),
                AB::Expr::ZERO,
                fact.a_id.into(),
            ],
            AB::Expr::ONE,
        );
        bus::read(builder, fact.fp, fact.a_id, fact.a, AB::Expr::ONE);
        bus::provide(builder, fact.fp, fact.id, fact.out, fact.mult);
        bus::limb(builder, POWER, [fact.a, fact.out]);
    }
}

/// Fills one instruction.
pub fn fill(cols: &mut Fact<Felt>, row: &FactRow<'_>, counts: &limbs::Counts) {
    let a = row.scalar(0);
    *cols = Fact {
        fp: row.fp,
        id: row.id(),
        a_id: row.operand_field(0),
        a,
        out: Felt::from_u64(counts.power(a.as_canonical_u64())),
        mult: row.mults[0],
    };
}

#[cfg(test)]
mod tests;
