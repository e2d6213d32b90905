//! The program table.
//!
//! # What a row proves
//! The preprocessed columns, committed in the verifying key, are an entry of the program; the row provides it as
//! often as it is looked up. Padding rows have class 0, which no chip looks up; their multiplicity is free and
//! harmless.

use p3_field::PrimeCharacteristicRing;
use p3_matrix::dense::RowMajorMatrix;
use plica_field::Felt;

use crate::bus::{self, ChipBuilder};
use crate::chip::{columns, preprocessed_row};
use crate::code::{Program, TUPLE_WIDTH};

pub const PREPROCESSED_WIDTH: usize = TUPLE_WIDTH;

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cols<T> {
    /// How often the entry is looked up.
    pub mult: T,
}
columns!(Cols);

/// No constraint besides the lookup argument's.
pub const CONSTRAINTS: &[&str] = &[];

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let entry = preprocessed_row::<AB, TUPLE_WIDTH>(builder);
    bus::program_entry(builder, entry, cols.mult);
}

/// The program table of `code`.
pub fn preprocessed(code: &Program) -> RowMajorMatrix<Felt> {
    let mut values: Vec<Felt> = code
        .entries
        .iter()
        .flat_map(|entry| entry.tuple())
        .collect();
    values.resize(code.table_height() * TUPLE_WIDTH, Felt::ZERO);
    RowMajorMatrix::new(values, TUPLE_WIDTH)
}

#[cfg(test)]
mod tests;
