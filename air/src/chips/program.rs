//! The program table.
//!
//! # What a row proves
//! The preprocessed columns, committed in the verifying key, are three entries of the program; the row provides each as
//! often as it is looked up. Padding has class 0, which no chip looks up; its multiplicity is free and
//! harmless.
//!
//! Three entries share a row because a program with more entries than any other table has rows would set the height of the whole proof,
//! and interactions of one row share columns of the bus.

use p3_field::PrimeCharacteristicRing;
use p3_matrix::dense::RowMajorMatrix;
use plica_field::Felt;

use crate::bus::{self, ChipBuilder};
use crate::chip::{columns, preprocessed_row};
use crate::code::{Program, TUPLE_WIDTH};

/// Entries of a row.
pub const LANES: usize = 3;
pub const PREPROCESSED_WIDTH: usize = LANES * TUPLE_WIDTH;

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cols<T> {
    /// How often each entry is looked up.
    pub mults: [T; LANES],
}
columns!(Cols);

/// No constraint besides the lookup argument's.
pub const CONSTRAINTS: &[&str] = &[];

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let mut fields = preprocessed_row::<AB, PREPROCESSED_WIDTH>(builder).into_iter();
    for mult in cols.mults {
        let entry = core::array::from_fn(|_| fields.next().expect("one per column"));
        bus::program_entry(builder, entry, mult);
    }
}

/// Rows of the program table.
pub fn height(code: &Program) -> usize {
    code.entries.len().div_ceil(LANES).next_power_of_two()
}

/// The program table of `code`.
pub fn preprocessed(code: &Program) -> RowMajorMatrix<Felt> {
    let mut values: Vec<Felt> = code
        .entries
        .iter()
        .flat_map(|entry| entry.tuple())
        .collect();
    values.resize(height(code) * PREPROCESSED_WIDTH, Felt::ZERO);
    RowMajorMatrix::new(values, PREPROCESSED_WIDTH)
}

#[cfg(test)]
mod tests;
