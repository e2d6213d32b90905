//! Benches and comparisons.
//!
//! * `cargo bench -p plica-bench --bench rpo`: one permutation, beside other implementations.
//! * `cargo bench -p plica-bench --bench commit`: low-degree extension and Merkle commitment, per hash.
//! * `cargo bench -p plica-bench --bench prove`: a whole proof and its verification, per profile.
//! * `cargo run --release -p plica-bench --bin peers`: whole processes beside the peers, in one run.
//! * `cargo run --release -p plica-bench --bin recursion`: layers of recursion beside plonky2's.
//! * `cargo run --release -p plica-bench --bin phases`: how fast programs run, and what share of proving the traces are.
//!
//! `bench/programs` has the programs ([`program`]), `*.outputs` what they compute.

pub mod merkle;
pub mod program;

use std::path::PathBuf;

use plica::{Inputs, Plica};
use program::{Dialect, Source};

/// The folder with the programs.
pub fn programs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("programs")
}

/// A program of [`programs`] with its inputs.
///
/// # Panics
/// If there is no such program or it is not one of this release.
pub fn load(name: &str) -> (Plica, Inputs) {
    let source = Source::read(name, Dialect::Release11).unwrap_or_else(|error| panic!("{error}"));
    let program = Plica::assemble(&source.text, name).expect("the program assembles");
    let inputs = Inputs::from_json(&source.inputs).expect("the inputs are well-formed");
    (program, inputs)
}
