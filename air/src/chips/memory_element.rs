//! Memory, one element: loads and stores of element 0 of the word at an address. Ordered.
//!
//! # What a row proves
//! An [access]; elements 1 to 3 stay as they were, and element 0 is the value: the result of a load, the operand
//! of a store. A load leaves it, too.

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
    /// Element 0 afterwards.
    pub value: T,
}
columns!(Cols);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &[
    access::CONSTRAINTS[0],
    access::CONSTRAINTS[1],
    access::CONSTRAINTS[2],
    access::CONSTRAINTS[3],
    access::CONSTRAINTS[4],
    "a load keeps the element",
];

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let [w0, w1, w2, w3] = cols.word;
    let new = [cols.value, w1, w2, w3];
    access::eval(
        builder,
        &cols.access,
        Class::MemoryElement,
        [cols.word, new],
    );
    let load = AB::Expr::ONE - cols.access.store;
    builder.assert_zero(load * (cols.value.into() - w0));
    let Access {
        fp,
        value_id,
        count,
        ..
    } = cols.access;
    bus::provide(builder, fp, value_id, cols.value, count);
}

/// Fills a row.
pub fn fill(cols: &mut Cols<Felt>, row: &EffectRow<'_>, counts: &limbs::Counts) {
    access::fill(&mut cols.access, row, counts);
    cols.word = row.memory.word;
    cols.value = if cols.access.store == Felt::ONE {
        row.stored()[0]
    } else {
        row.results[0]
    };
}

/// A row outside the chain: all zeros is silent and satisfies every constraint.
pub fn fill_padding(cols: &mut Cols<Felt>) {
    *cols = *Cols::of(&[Felt::ZERO; WIDTH]);
}

#[cfg(test)]
mod tests;
