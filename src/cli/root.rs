//! Roots of aggregates: which key goes with them, and what they are worth.

use plica::aggregate::{
    Aggregator, Child, ClaimTree, Compressor, aggregate_key, compressed_key, node_claim,
    union_bound, verify_compressed, verify_root,
};
use plica::{Error, Profile, Proof, SecurityReport, SecurityTarget, VerifyingKey, Word};

type Result<T> = std::result::Result<T, Error>;

/// A root with what it proves.
pub(super) struct Root {
    /// The digest of the key to which nodes are held.
    aggregator: Word,
    /// Its own key: that one, or the compressor's.
    pub(super) key: VerifyingKey,
    pub(super) tree: ClaimTree,
    pub(super) proof: Proof,
}

impl Root {
    pub(super) fn new(aggregator: &Aggregator, tree: ClaimTree, proof: Proof) -> Self {
        let key = aggregator.key().clone();
        Self {
            aggregator: key.digest(),
            key,
            tree,
            proof,
        }
    }

    /// The root for a tree that is in a file, under the key that goes with the profile of the proof.
    pub(super) fn given(target: SecurityTarget, tree: ClaimTree, proof: Proof) -> Result<Self> {
        let node = aggregate_key(target)?;
        let aggregator = node.digest();
        let key = match proof.profile() == Profile::SMALL.id {
            true => compressed_key(target)?,
            false => node,
        };
        Ok(Self {
            aggregator,
            key,
            tree,
            proof,
        })
    }

    pub(super) fn compressed(self, aggregator: &Aggregator) -> Result<Self> {
        let compressor = Compressor::new(aggregator)?;
        let claim = node_claim(self.aggregator, self.tree.digest());
        let proven = compressor.compress(&Child {
            key: &self.key,
            claim: &claim,
            proof: &self.proof,
        });
        let proven = proven.map_err(Error::Node)?;
        Ok(Self {
            aggregator: self.aggregator,
            key: compressor.key().clone(),
            tree: ClaimTree::Node(vec![self.tree]),
            proof: proven.proof,
        })
    }

    pub(super) fn verify(&self, min_security: SecurityTarget) -> Result<SecurityReport> {
        let (key, tree, proof) = (&self.key, &self.tree, &self.proof);
        let report = if key.digest() == self.aggregator {
            verify_root(key, tree, proof, min_security)
        } else {
            verify_compressed(key, self.aggregator, tree, proof, min_security)
        };
        Ok(report?)
    }
}

/// What all proofs of an aggregate are worth together.
pub(super) struct Union {
    pub(super) proofs: usize,
    bits: f64,
}

impl Union {
    /// Of proofs with this many bits each: leaves and nodes.
    pub(super) fn of(tree: &ClaimTree, bits: f64) -> Self {
        let proofs = tree.proofs();
        Self {
            proofs,
            bits: union_bound(bits, proofs),
        }
    }

    /// Never more than it is.
    pub(super) fn rounded(&self) -> f64 {
        (self.bits * 10.0).floor() / 10.0
    }
}

impl std::fmt::Display for Union {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bits = self.rounded();
        write!(f, "Union bound over {} proofs: {bits:.1} bits", self.proofs)
    }
}
