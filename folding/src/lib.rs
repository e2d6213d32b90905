//! Folding: many executions of the machine, committed with a lattice, become one claim that is decided once.
//!
//! The protocol is SuperNeo's ("Neo and SuperNeo", ePrint 2026/242) over Goldilocks and the 81st cyclotomic ring, with witnesses read as
//! planes; `docs/folding.md` has it with its soundness argument. From the bottom up:
//!
//! * [`ring`]: R = F\[X\]/(X⁵⁴ + X²⁷ + 1), over the base field and over the challenge field;
//! * [`challenge`]: short ring elements, and by how much they make others grow;
//! * [`params`]: the parameters, the guard of the norm, and the hardness that they are worth;
//! * [`key`], [`witness`], [`commit`]: Ajtai commitments, whose cost is an addition per non-zero digit and word;
//! * [`multilinear`], [`sumcheck`], [`fractions`]: what reductions are made of;
//! * [`relation`], [`digits`], [`shape`]: tables of an AIR as digits of a witness;
//! * [`fold`]: many instances become one claim, which is decided;
//! * [`machine`]: executions of the machine as instances.

pub mod challenge;
pub mod commit;
pub mod digits;
pub mod fold;
pub mod fractions;
pub mod key;
pub mod machine;
pub mod multilinear;
pub mod params;
pub mod relation;
pub mod ring;
pub mod shape;
pub mod sumcheck;
pub mod witness;

pub use challenge::{Challenge, ChallengeSet};
pub use commit::Commitment;
pub use key::CommitmentKey;
pub use params::{NormError, Parameters};
pub use ring::{DEGREE, RingElement};
pub use witness::{DigitError, Witness};
