//! Memory, one word: loads and stores. Ordered.
//!
//! # What a row proves
//! An [access]; the word afterwards is the value: the result of a load, the operand of a store. A load leaves it,
//! too.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use super::access::{self, Access};
use super::limbs;
use crate::bus::{self, ChipBuilder};
use crate::chip::columns;
use crate::code::Class;
use crate::trace::EffectRow;

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cols<T> {
    pub access: Access<T>,
    /// The word as it was.
    pub word: [T; 4],
    /// The word afterwards.
    pub value: [T; 4],
}
columns!(Cols);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &[
    access::CONSTRAINTS[0],
    access::CONSTRAINTS[1],
    access::CONSTRAINTS[2],
    access::CONSTRAINTS[3],
    access::CONSTRAINTS[4],
    "a load keeps element 0",
    "a load keeps element 1",
    "a load keeps element 2",
    "a load keeps element 3",
];

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let words = [cols.word, cols.value];
    access::eval(builder, &cols.access, Class::MemoryWord, words);
    let load = AB::Expr::ONE - cols.access.store;
    for (old, new) in cols.word.into_iter().zip(cols.value) {
        builder.assert_zero(load.clone() * (new.into() - old));
    }
    let Access {
        fp,
        value_id,
        count,
        ..
    } = cols.access;
    bus::provide_word(builder, fp, value_id, cols.value, count);
}

/// Fills a row.
pub fn fill(cols: &mut Cols<Felt>, row: &EffectRow<'_>, counts: &limbs::Counts) {
    access::fill(&mut cols.access, row, counts);
    cols.word = row.memory.word;
    cols.value = if cols.access.store == Felt::ONE {
        std::array::from_fn(|j| row.stored()[j])
    } else {
        std::array::from_fn(|j| row.results[j])
    };
}

/// A row outside the chain: all zeros is silent and satisfies every constraint.
pub fn fill_padding(cols: &mut Cols<Felt>) {
    *cols = *Cols::of(&[Felt::ZERO; WIDTH]);
}

#[cfg(test)]
mod tests;
