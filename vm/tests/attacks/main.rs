//! Forged traces of whole executions: the attacks of the soundness page, each with what stops it.

mod chain;
mod contexts;
mod facts;
mod forged;
mod frames;
mod memory;
mod merkle;
mod programs;
mod proofs;
mod statement;
mod sums;
#[path = "../support/mod.rs"]
mod support;
mod sweep;
mod traps;

use forged::{
    Forged, MAX_CYCLES, call, cell, felt, int, mult_columns, stack, state, stopped_by,
    stopped_by_bus,
};
use p3_field::PrimeCharacteristicRing;
use plica_air::check::{self, Violation, check};
use plica_air::chip::ChipKind;
use plica_air::chips::{
    arith, assert, boundary, copy, ext3, frame, inverse, leave, single, word_copy,
};
use plica_air::code::{CALL, Entry, INPUT, OUTPUT, exit_link, handle};
use plica_air::trace::Table;
use plica_field::Felt;
use plica_vm::compile::compile;
use plica_vm::syntax::parse_program;
use programs::{CALLS, CHECKS, EFFECTS, GATES, HASH_CHAIN, LOOP, ODD_LOOP, WIDE_LOOP};

const ZERO: Felt = Felt::ZERO;
const ONE: Felt = Felt::ONE;

fn end_clock(forged: &mut Forged, change: i64) {
    let at = forged.rows(ChipKind::Boundary)[0];
    boundary::Cols::of_mut(forged.row_mut(at)).clk += felt(change);
}
