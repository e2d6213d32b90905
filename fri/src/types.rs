//! The fields and the one stark configuration that every profile shares.

use p3_commit::ExtensionMmcs;
use p3_dft::Radix2DitParallel;
use p3_fri::TwoAdicFriPcs;
use p3_uni_stark::StarkConfig;

use crate::hash::{Challenger, Commitments};

pub use plica_field::{Ext, Felt, Word};

/// A table of field elements, row by row.
pub type Matrix = p3_matrix::dense::RowMajorMatrix<Felt>;

/// Number of base-field coefficients of one [`Ext`] element.
pub(crate) const EXT_DEGREE: usize = 3;

/// Bits of a challenge, rounded down: log2(p^3) = 191.99…
pub(crate) const CHALLENGE_BITS: usize = 191;

pub(crate) type Dft = Radix2DitParallel<Felt>;
pub(crate) type ExtCommitments = ExtensionMmcs<Felt, Ext, Commitments>;

/// The polynomial commitment scheme of every profile: FRI over two-adic cosets.
pub type Pcs = TwoAdicFriPcs<Felt, Dft, Commitments, ExtCommitments>;

/// The stark configuration of every profile.
///
/// One type for all hashes: the hash is a run-time choice inside [`Commitments`] and [`Challenger`], so a machine's
/// constraints are compiled once, not once per hash.
pub type Config = StarkConfig<Pcs, Ext, Challenger>;

/// The inner proof: a stock batch-STARK proof.
pub type BatchProof = p3_batch_stark::BatchProof<Config>;
