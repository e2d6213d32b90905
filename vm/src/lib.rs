//! The Plica virtual machine.
//!
//! [`syntax`] turns MASM source text into a resolved [`syntax::Program`]; [`inputs`] reads what a program is run on and
//! writes what it computed.

pub mod claim;
pub mod compile;
pub mod inputs;
pub mod ir;
pub mod joint;
pub mod lower;
pub mod processor;
pub mod prover;
pub mod syntax;
