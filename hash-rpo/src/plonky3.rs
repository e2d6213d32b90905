//! The types that a Plonky3 configuration needs.

use p3_challenger::DuplexChallenger;
use p3_field::Field;
use p3_merkle_tree::MerkleTreeMmcs;
use p3_symmetric::TruncatedPermutation;
use plica_field::Felt;

use crate::constants::{DIGEST, RATE, WIDTH};
use crate::{RpoLeafHasher, RpoPermutation};

/// The packing of [`Felt`] on this target.
pub type PackedFelt = <Felt as Field>::Packing;

/// Two-to-one compression, equal to [`merge`](crate::merge).
pub type RpoCompression = TruncatedPermutation<RpoPermutation, 2, DIGEST, WIDTH>;

/// Commitments to matrices of different heights: binary Merkle trees.
pub type RpoMmcs = MerkleTreeMmcs<PackedFelt, PackedFelt, RpoLeafHasher, RpoCompression, 2, DIGEST>;

/// The Fiat–Shamir transcript: a duplex sponge.
pub type RpoChallenger = DuplexChallenger<Felt, RpoPermutation, WIDTH, RATE>;

/// The compression function.
pub const fn rpo_compression() -> RpoCompression {
    TruncatedPermutation::new(RpoPermutation)
}

/// The commitment scheme, committing to the 2^`cap_height` nodes below the root.
pub const fn rpo_mmcs(cap_height: usize) -> RpoMmcs {
    MerkleTreeMmcs::new(RpoLeafHasher, rpo_compression(), cap_height)
}

/// A transcript that has absorbed nothing.
pub fn rpo_challenger() -> RpoChallenger {
    DuplexChallenger::new(RpoPermutation)
}
