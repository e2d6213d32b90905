//! A word as four field elements.
//!
//! # What a row proves
//! The four results are the components of the word.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

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
    /// Program: id of the first result.
    pub id: T,
    /// Program: id of the word.
    pub word_id: T,
    pub word: [T; 4],
    /// How often each component is read.
    pub mults: [T; 4],
}

/// A row of N instructions.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Row<T, const N: usize> {
    pub facts: [Fact<T>; N],
}
columns_with_narrow_twin!(FACTS, narrow: 1);

/// No constraint besides the lookup argument's: what is read is what is given.
pub const CONSTRAINTS: &[&str] = &[];

fn eval_row<AB: ChipBuilder, const N: usize>(row: &Row<AB::Var, N>, builder: &mut AB) {
    for fact in &row.facts {
        bus::lookup(
            builder,
            [
                AB::Expr::from_u8(Class::Unpack as u8),
                fact.id.into(),
                AB::Expr::ZERO,
                fact.word_id.into(),
            ],
            AB::Expr::ONE,
        );
        bus::read_word(builder, fact.fp, fact.word_id, fact.word);
        for (j, (&value, &mult)) in fact.word.iter().zip(&fact.mults).enumerate() {
            let id = fact.id.into() + AB::Expr::from_usize(j);
            bus::provide(builder, fact.fp, id, value, mult);
        }
    }
}

/// Fills one instruction.
pub fn fill(cols: &mut Fact<Felt>, row: &FactRow<'_>) {
    *cols = Fact {
        fp: row.fp,
        id: row.id(),
        word_id: row.operand_field(0),
        word: std::array::from_fn(|j| row.operands[j]),
        mults: std::array::from_fn(|j| row.mults[j]),
    };
}

#[cfg(test)]
mod tests;
