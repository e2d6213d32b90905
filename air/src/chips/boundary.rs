//! The statement: public inputs and outputs, start and end of the chain.
//!
//! # What the row proves
//! ```text
//! inputs    (0, INPUT + j)  = public value j           for j < 16, provided
//! outputs   (0, OUTPUT + j) = public value 16 + j      consumed
//! chain     starts with the state (1, entry, 0), ends with (clk, halt, 0)
//! addresses start in front of address 0 of context 0, end wherever they end
//! ```
//! Entry and halt are preprocessed: fixed by the key, which also pins the height of this table to 1. Without that
//! a prover could start two chains, each asserting on the other's values (attacks A1 and A2 of the soundness page).

use p3_air::AirBuilder;
use p3_field::PrimeCharacteristicRing;
use p3_matrix::dense::RowMajorMatrix;
use plica_field::Felt;

use super::addresses;
use crate::bus::{self, ChipBuilder};
use crate::chip::{columns, preprocessed_row};
use crate::code::{INPUT, OUTPUT, Program, STACK_SIZE};

/// Entry pc and halt pc.
pub const PREPROCESSED_WIDTH: usize = 2;
/// 16 inputs, then 16 outputs, top of the stack first.
pub const NUM_PUBLIC_VALUES: usize = 2 * STACK_SIZE;

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cols<T> {
    /// Clock at the end.
    pub clk: T,
    /// Context and address of the last row of the table of addresses; where the chain starts if there is none.
    pub last: [T; 2],
    /// How often each input is read.
    pub mults: [T; STACK_SIZE],
}
columns!(Cols);

/// No constraint besides the lookup argument's: the statement is in the messages.
pub const CONSTRAINTS: &[&str] = &[];

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let [entry, halt] = preprocessed_row::<AB, PREPROCESSED_WIDTH>(builder);
    let public: Vec<AB::Expr> = public_values(builder);
    let (inputs, outputs) = public.split_at(STACK_SIZE);

    for (j, (input, &mult)) in inputs.iter().zip(&cols.mults).enumerate() {
        let id = AB::Expr::from_u32(INPUT + j as u32);
        bus::provide(builder, AB::Expr::ZERO, id, input.clone(), mult);
    }
    for (j, output) in outputs.iter().enumerate() {
        let id = AB::Expr::from_u32(OUTPUT + j as u32);
        bus::read(builder, AB::Expr::ZERO, id, output.clone(), AB::Expr::ONE);
    }
    bus::send_state(builder, AB::Expr::ONE, entry, AB::Expr::ZERO, AB::Expr::ONE);
    bus::receive_state(builder, cols.clk, halt, AB::Expr::ZERO, AB::Expr::ONE);
    bus::give_address(
        builder,
        addresses::START.map(AB::Expr::from_i64),
        AB::Expr::ONE,
    );
    bus::take_address(builder, cols.last.map(Into::into), AB::Expr::ONE);
}

fn public_values<AB: AirBuilder>(builder: &AB) -> Vec<AB::Expr> {
    let values: Vec<AB::Expr> = builder.public_values().iter().map(|&v| v.into()).collect();
    assert_eq!(values.len(), NUM_PUBLIC_VALUES);
    values
}

/// Entry pc and halt pc of `code`.
pub fn preprocessed(code: &Program) -> RowMajorMatrix<Felt> {
    RowMajorMatrix::new(
        vec![Felt::from_u32(code.entry), Felt::from_u32(code.halt)],
        PREPROCESSED_WIDTH,
    )
}

#[cfg(test)]
mod tests;
