//! The last step: the same node once more, over the root alone, in a profile of few queries.

use plica_field::Word;
use plica_fri::{Profile, Proof, SecurityReport, SecurityTarget, VerifyingKey};
use plica_vm::prover::{self, Proven, ProvingKey, VerifyClaimError};
use tracing::instrument;

use super::{Aggregator, AggregatorError, Child, ClaimTree, NodeError, statement_claim};

/// Makes roots small, for one security target.
///
/// What it proves is the run of a node with one child, so its claims are the root's, one level deeper. Its key is another one, because
/// of the profile; the key on its stack is still the aggregator's, to which the children of nodes are held.
pub struct Compressor<'a> {
    aggregator: &'a Aggregator,
    proving: ProvingKey,
}

impl<'a> Compressor<'a> {
    /// For the nodes of an aggregator, in profile `small`.
    ///
    /// # Errors
    /// If the target is out of reach.
    pub fn new(aggregator: &'a Aggregator) -> Result<Self, AggregatorError> {
        Self::under(&Profile::SMALL, aggregator)
    }

    /// In another profile, as tests have it.
    ///
    /// # Errors
    /// If the target is out of reach.
    #[instrument(name = "compressor", skip_all)]
    pub fn under(profile: &Profile, aggregator: &'a Aggregator) -> Result<Self, AggregatorError> {
        let target = aggregator.key().target();
        let (proving, _) = prover::setup(aggregator.compiled(), profile, target)?;
        Ok(Self {
            aggregator,
            proving,
        })
    }

    /// The key under which compressed roots are verified.
    #[must_use]
    pub const fn key(&self) -> &VerifyingKey {
        self.proving.verifying_key()
    }

    /// Proves the node over a root, or over any other proof that nodes take. It proves the tree whose only child is the root's.
    ///
    /// # Errors
    /// See [`NodeError`].
    #[instrument(name = "compress", skip_all)]
    pub fn compress(&self, root: &Child<'_>) -> Result<Proven, NodeError> {
        self.aggregator.prove_under(&self.proving, &[*root])
    }
}

/// Verifies that a compressed root proves a tree of claims. `key` must be the [`Compressor`]'s and `aggregator` the digest of the
/// aggregator's key, both for a target that the caller trusts.
///
/// # Errors
/// If the proof is not accepted. Never panics, whatever the proof.
pub fn verify_compressed(
    key: &VerifyingKey,
    aggregator: Word,
    tree: &ClaimTree,
    proof: &Proof,
    min_security: SecurityTarget,
) -> Result<SecurityReport, VerifyClaimError> {
    let claim = statement_claim(key.digest(), aggregator, tree.digest());
    prover::verify(key, &claim, proof, min_security)
}
