//! Plica's proof system.
//!
//! A *machine* is an ordered set of kinds of tables ([`AirSet`]). A *program* fixes which of the machine's preprocessed
//! tables there are, and their contents: [`setup`] commits to them and makes the keys. [`prove`] proves one run, given as filled tables; [`verify`] checks
//! the proof against key and public values; [`check`] says what is wrong with tables. One interface serves every [`Profile`]; a profile is data.
//!
//! The proof is a batch-STARK proof of Plonky3 (one FRI for all tables, LogUp buses between them) over Goldilocks and its cubic
//! extension. This crate adds what that leaves to its caller: which tables may be there ([`InstanceList`]), what the transcript
//! is bound to, the number of queries and the security of a proof ([`security`]), keys with a digest, and file formats.
//!
//! # What a verifier may conclude
//!
//! If [`verify`] accepts, then (up to the reported error) someone knows traces for the listed tables which satisfy all constraints,
//! agree with the preprocessed columns that the key commits to, have these public values, and whose buses balance.
//!
//! Proofs are **not zero-knowledge**: they reveal evaluations and rows of the traces. Do not prove secrets with it.

#[cfg(test)]
extern crate self as plica_fri;

mod airs;
mod batch;
mod bus;
mod check;
mod container;
mod hash;
mod instances;
mod johnson;
mod key;
pub mod lifted;
mod openings;
mod profile;
mod proof;
mod prove;
mod quotient;
pub mod security;
mod shape;
mod table;
mod transcript;
mod types;
mod verify;
mod wraps;

#[cfg(test)]
mod fixed_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
#[path = "../tests/toy/mod.rs"]
mod toy;

pub use airs::{
    AirSet, AirSetError, Fingerprint, Kind, KindColumns, LOOKUP_DEGREE, Presence, Table,
};
pub use check::{CheckError, Place, check};
pub use container::{FileError, FileKind, MAX_STORE_BYTES, open_store, seal_store};
pub use hash::{Cap, Challenger, Commitments, HashError, HashKind, Path, Paths, Tree};
pub use instances::{Instance, InstanceError, InstanceList, PinnedTable};
pub use key::{
    KeyError, MAX_METADATA, ProvingKey, SetupError, VerifyingKey, setup, setup_with_heights,
};
pub use lifted::LiftedProof;
pub use profile::{Format, Profile, ProfileId};
pub use proof::{Proof, ProofBody};
pub use prove::{ProveError, Trace, plan, prove};
pub use security::{Model, SecurityError, SecurityReport, SecurityTarget};
pub use shape::ShapeError;
pub use transcript::PROTOCOL_VERSION;
pub use types::{BatchProof, Config, Ext, Felt, Matrix, Pcs, Word};
pub use verify::{VerifyError, verify};
