//! The tests of the public interface: one binary, because each one compiles the toy machine's prover.

mod completeness;
mod optional;
mod rejection;
mod security;
#[path = "../toy/mod.rs"]
mod toy;
mod twins;
