//! Benches and comparisons.
//!
//! * `cargo bench -p plica-bench --bench rpo`: one permutation, beside other implementations.
//! * `cargo bench -p plica-bench --bench commit`: low-degree extension and Merkle commitment, per hash.
//! * `cargo bench -p plica-bench --bench prove`: a whole proof and its verification, per profile.
//! * `cargo run --release -p plica-bench --bin peers`: whole processes beside the peers, in one run.
//!
//! `bench/programs` has the programs, `*.outputs` what they compute.

use std::path::PathBuf;

use plica::{Inputs, Plica};

/// The folder with the programs.
pub fn programs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("programs")
}

/// A program of [`programs`] with its inputs.
///
/// # Panics
/// If there is no such program or it is not one of this release.
pub fn load(name: &str) -> (Plica, Inputs) {
    let read = |extension| {
        let path = programs().join(name).with_extension(extension);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let program = Plica::assemble(&read("masm"), name).expect("the program assembles");
    let inputs = Inputs::from_json(&read("inputs")).expect("the inputs are well-formed");
    (program, inputs)
}
