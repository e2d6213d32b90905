//! The hash functions of the profiles, behind one commitment scheme and one challenger.
//!
//! Each profile fixes one hash for Merkle trees, Fiat–Shamir and grinding. The prover and verifier are generic code from
//! `p3-batch-stark`; instantiating them once per hash would compile every constraint of the machine once per hash. The hash
//! is therefore a run-time choice: [`Commitments`], [`Challenger`], [`Cap`] and [`Paths`] are enums that forward each call to
//! the concrete type. Every forwarded byte and field element is the one that the concrete type alone would produce.
//!
//! A proof may carry a value of another hash than its profile's. The shape check rejects that before anything is absorbed;
//! below it, the commitment scheme rejects it again ([`HashError::WrongHash`]).

use std::sync::Arc;

use p3_blake3::Blake3;
use p3_challenger::{
    CanObserve, CanSample, CanSampleBits, FieldChallenger, GrindingChallenger, HashChallenger,
    SerializingChallenger64,
};
use p3_commit::{BatchOpening, BatchOpeningRef, Mmcs};
use p3_keccak::Keccak256Hash;
use p3_matrix::{Dimensions, Matrix};
use p3_merkle_tree::{MerkleCap, MerkleTree, MerkleTreeError, MerkleTreeMmcs, PrunedMerklePaths};
use p3_symmetric::{CompressionFunctionFromHasher, SerializingHasher};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::openings::{Rpo, holds};
use crate::types::{Ext, Felt};
use plica_hash_rpo::{RpoChallenger, RpoMmcs, rpo_challenger, rpo_mmcs};

/// The hash function of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashKind {
    /// Rescue-Prime Optimized over Goldilocks, width 12; digests of 4 field elements.
    Rpo,
    /// BLAKE3; digests of 32 bytes.
    Blake3,
    /// Keccak-256 (the EVM's); digests of 32 bytes.
    Keccak,
}

impl HashKind {
    /// Bits of collision resistance that security reports credit the digest with.
    #[must_use]
    pub const fn collision_bits(self) -> usize {
        // 32-byte digests, and 4 elements of 64 bits with 256 bits of sponge capacity.
        128
    }

    /// Number in key digests and transcripts.
    pub(crate) const fn code(self) -> u32 {
        match self {
            Self::Rpo => 1,
            Self::Blake3 => 2,
            Self::Keccak => 3,
        }
    }

    const fn is_bytes(self) -> bool {
        matches!(self, Self::Blake3 | Self::Keccak)
    }
}

/// Why a commitment or opening was not accepted.
#[derive(Debug, Error)]
pub enum HashError {
    /// The Merkle tree rejects the opening.
    #[error(transparent)]
    Merkle(#[from] MerkleTreeError),
    /// A commitment or authentication path belongs to another hash than the profile's.
    #[error("a commitment or path of another hash than the profile's")]
    WrongHash,
}

type ByteMmcs<H> =
    MerkleTreeMmcs<Felt, u8, SerializingHasher<H>, CompressionFunctionFromHasher<H, 2, 32>, 2, 32>;
type ByteChallenger<H> = SerializingChallenger64<Felt, HashChallenger<u8, H, 32>>;

/// A Merkle commitment: the cap of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cap {
    /// RPO digests.
    Felts(MerkleCap<Felt, [Felt; 4]>),
    /// BLAKE3 or Keccak-256 digests.
    Bytes(MerkleCap<Felt, [u8; 32]>),
}

impl Cap {
    /// Number of digests: a power of two.
    #[must_use]
    pub const fn num_roots(&self) -> usize {
        match self {
            Self::Felts(cap) => cap.num_roots(),
            Self::Bytes(cap) => cap.num_roots(),
        }
    }

    /// Whether the digests have the form of this hash's.
    pub(crate) const fn is_of(&self, hash: HashKind) -> bool {
        matches!(self, Self::Bytes(_)) == hash.is_bytes()
    }
}

/// The authentication paths of one multi-opening, shared siblings sent once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Paths {
    /// RPO digests.
    Felts(PrunedMerklePaths<Felt, 4>),
    /// BLAKE3 or Keccak-256 digests.
    Bytes(PrunedMerklePaths<u8, 32>),
}

impl Paths {
    /// Number of sibling digests.
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Felts(paths) => paths.sibling_hashes.len(),
            Self::Bytes(paths) => paths.sibling_hashes.len(),
        }
    }

    pub(crate) const fn is_of(&self, hash: HashKind) -> bool {
        matches!(self, Self::Bytes(_)) == hash.is_bytes()
    }
}

/// The authentication path of a single opening (not used in proofs; required by the commitment trait).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Path {
    /// RPO digests.
    Felts(Vec<[Felt; 4]>),
    /// BLAKE3 or Keccak-256 digests.
    Bytes(Vec<[u8; 32]>),
}

/// A Merkle tree and the matrices under it, shared: a proving key's tree serves many proofs.
pub enum Tree<M> {
    /// With RPO digests.
    Felts(Arc<MerkleTree<Felt, Felt, M, 2, 4>>),
    /// With BLAKE3 or Keccak-256 digests.
    Bytes(Arc<MerkleTree<Felt, u8, M, 2, 32>>),
}

impl<M> Clone for Tree<M> {
    fn clone(&self) -> Self {
        match self {
            Self::Felts(tree) => Self::Felts(tree.clone()),
            Self::Bytes(tree) => Self::Bytes(tree.clone()),
        }
    }
}

/// The commitment scheme of a profile: binary Merkle trees over matrices of different heights.
#[derive(Clone, Debug)]
pub enum Commitments {
    /// With RPO.
    Rpo(RpoMmcs),
    /// With BLAKE3.
    Blake3(ByteMmcs<Blake3>),
    /// With Keccak-256.
    Keccak(ByteMmcs<Keccak256Hash>),
}

impl Commitments {
    /// Trees of this hash whose commitment is the layer of 2^`cap_height` digests.
    #[must_use]
    pub fn new(hash: HashKind, cap_height: usize) -> Self {
        match hash {
            HashKind::Rpo => Self::Rpo(rpo_mmcs(cap_height)),
            HashKind::Blake3 => Self::Blake3(byte_mmcs(Blake3, cap_height)),
            HashKind::Keccak => Self::Keccak(byte_mmcs(Keccak256Hash, cap_height)),
        }
    }
}

fn byte_mmcs<H: Copy>(hash: H, cap_height: usize) -> ByteMmcs<H> {
    MerkleTreeMmcs::new(
        SerializingHasher::new(hash),
        CompressionFunctionFromHasher::new(hash),
        cap_height,
    )
}

/// Runs `$body` with `$mmcs` and `$tree` bound to the concrete scheme and its tree; both come from the same prover.
macro_rules! with_tree {
    ($self:expr, $data:expr, |$mmcs:ident, $tree:ident| $body:expr) => {
        match ($self, $data) {
            (Commitments::Rpo($mmcs), Tree::Felts($tree)) => $body.felts(),
            (Commitments::Blake3($mmcs), Tree::Bytes($tree)) => $body.bytes(),
            (Commitments::Keccak($mmcs), Tree::Bytes($tree)) => $body.bytes(),
            // Trees are made by `commit` of the same value and never read from outside.
            _ => unreachable!("a tree of another hash"),
        }
    };
}

/// Lifts the results of a concrete scheme into the enums.
struct Opened<V, P>(V, P);

impl<V> Opened<V, PrunedMerklePaths<Felt, 4>> {
    fn felts(self) -> (V, Paths) {
        (self.0, Paths::Felts(self.1))
    }
}
impl<V> Opened<V, PrunedMerklePaths<u8, 32>> {
    fn bytes(self) -> (V, Paths) {
        (self.0, Paths::Bytes(self.1))
    }
}
impl<V> Opened<V, Vec<[Felt; 4]>> {
    fn felts(self) -> (V, Path) {
        (self.0, Path::Felts(self.1))
    }
}
impl<V> Opened<V, Vec<[u8; 32]>> {
    fn bytes(self) -> (V, Path) {
        (self.0, Path::Bytes(self.1))
    }
}

impl Mmcs<Felt> for Commitments {
    type ProverData<M> = Tree<M>;
    type Commitment = Cap;
    type Proof = Path;
    type MultiProof = Paths;
    type Error = HashError;

    fn commit<M: Matrix<Felt>>(&self, inputs: Vec<M>) -> (Cap, Tree<M>) {
        match self {
            Self::Rpo(mmcs) => {
                let (cap, tree) = mmcs.commit(inputs);
                (Cap::Felts(cap), Tree::Felts(Arc::new(tree)))
            }
            Self::Blake3(mmcs) => {
                let (cap, tree) = mmcs.commit(inputs);
                (Cap::Bytes(cap), Tree::Bytes(Arc::new(tree)))
            }
            Self::Keccak(mmcs) => {
                let (cap, tree) = mmcs.commit(inputs);
                (Cap::Bytes(cap), Tree::Bytes(Arc::new(tree)))
            }
        }
    }

    fn open_batch<M: Matrix<Felt>>(
        &self,
        index: usize,
        tree: &Tree<M>,
    ) -> BatchOpening<Felt, Self> {
        let (values, path) = with_tree!(self, tree, |mmcs, tree| {
            let (values, path) = mmcs.open_batch(index, tree).unpack();
            Opened(values, path)
        });
        BatchOpening::new(values, path)
    }

    fn get_matrices<'a, M: Matrix<Felt>>(&self, tree: &'a Tree<M>) -> Vec<&'a M> {
        match (self, tree) {
            (Self::Rpo(mmcs), Tree::Felts(tree)) => mmcs.get_matrices(tree),
            (Self::Blake3(mmcs), Tree::Bytes(tree)) => mmcs.get_matrices(tree),
            (Self::Keccak(mmcs), Tree::Bytes(tree)) => mmcs.get_matrices(tree),
            _ => unreachable!("a tree of another hash"),
        }
    }

    fn verify_batch(
        &self,
        cap: &Cap,
        dimensions: &[Dimensions],
        index: usize,
        opening: BatchOpeningRef<'_, Felt, Self>,
    ) -> Result<(), HashError> {
        let (values, path) = opening.unpack();
        match (self, cap, path) {
            (Self::Rpo(mmcs), Cap::Felts(cap), Path::Felts(path)) => {
                mmcs.verify_batch(cap, dimensions, index, BatchOpeningRef::new(values, path))?;
            }
            (Self::Blake3(mmcs), Cap::Bytes(cap), Path::Bytes(path)) => {
                mmcs.verify_batch(cap, dimensions, index, BatchOpeningRef::new(values, path))?;
            }
            (Self::Keccak(mmcs), Cap::Bytes(cap), Path::Bytes(path)) => {
                mmcs.verify_batch(cap, dimensions, index, BatchOpeningRef::new(values, path))?;
            }
            _ => return Err(HashError::WrongHash),
        }
        Ok(())
    }

    fn open_multi_batch<M: Matrix<Felt>>(
        &self,
        indices: &[usize],
        tree: &Tree<M>,
    ) -> (Vec<Vec<Vec<Felt>>>, Paths) {
        with_tree!(self, tree, |mmcs, tree| {
            let (values, paths) = mmcs.open_multi_batch(indices, tree);
            Opened(values, paths)
        })
    }

    fn verify_multi_batch<R: AsRef<[Felt]> + PartialEq>(
        &self,
        cap: &Cap,
        dimensions: &[Dimensions],
        indices: &[usize],
        values: &[Vec<R>],
        paths: &Paths,
    ) -> Result<(), HashError> {
        match (self, cap, paths) {
            (Self::Rpo(mmcs), Cap::Felts(cap), Paths::Felts(paths)) => {
                let (height, siblings) = (mmcs.cap_height(), &paths.sibling_hashes);
                if !holds::<Rpo, R>(cap.roots(), height, dimensions, indices, values, siblings) {
                    mmcs.verify_multi_batch(cap, dimensions, indices, values, paths)?;
                }
            }
            (Self::Blake3(mmcs), Cap::Bytes(cap), Paths::Bytes(paths)) => {
                let (height, siblings) = (mmcs.cap_height(), &paths.sibling_hashes);
                if !holds::<Blake3, R>(cap.roots(), height, dimensions, indices, values, siblings) {
                    mmcs.verify_multi_batch(cap, dimensions, indices, values, paths)?;
                }
            }
            (Self::Keccak(mmcs), Cap::Bytes(cap), Paths::Bytes(paths)) => {
                mmcs.verify_multi_batch(cap, dimensions, indices, values, paths)?;
            }
            _ => return Err(HashError::WrongHash),
        }
        Ok(())
    }
}

/// The Fiat–Shamir transcript of a profile.
#[derive(Clone, Debug)]
pub enum Challenger {
    /// A duplex sponge over RPO.
    Rpo(RpoChallenger),
    /// Absorbed bytes hashed with BLAKE3.
    Blake3(ByteChallenger<Blake3>),
    /// Absorbed bytes hashed with Keccak-256.
    Keccak(ByteChallenger<Keccak256Hash>),
}

impl Challenger {
    /// A transcript of this hash that has absorbed nothing.
    #[must_use]
    pub fn new(hash: HashKind) -> Self {
        match hash {
            HashKind::Rpo => Self::Rpo(rpo_challenger()),
            HashKind::Blake3 => Self::Blake3(ByteChallenger::from_hasher(Vec::new(), Blake3)),
            HashKind::Keccak => {
                Self::Keccak(ByteChallenger::from_hasher(Vec::new(), Keccak256Hash))
            }
        }
    }
}

macro_rules! forward {
    ($self:expr, $inner:ident => $body:expr) => {
        match $self {
            Challenger::Rpo($inner) => $body,
            Challenger::Blake3($inner) => $body,
            Challenger::Keccak($inner) => $body,
        }
    };
}

impl CanObserve<Felt> for Challenger {
    fn observe(&mut self, value: Felt) {
        forward!(self, inner => inner.observe(value));
    }

    fn observe_slice(&mut self, values: &[Felt]) {
        forward!(self, inner => inner.observe_slice(values));
    }
}

impl CanObserve<Cap> for Challenger {
    /// Absorbs a commitment. One of another hash never gets here from a verifier (shapes are checked first); if it did, its digests
    /// would be absorbed as numbers, and its openings then rejected.
    fn observe(&mut self, cap: Cap) {
        match (self, cap) {
            (Self::Rpo(inner), Cap::Felts(cap)) => inner.observe(cap),
            (Self::Rpo(inner), Cap::Bytes(cap)) => {
                for byte in cap.roots().iter().flatten() {
                    inner.observe(Felt::new(u64::from(*byte)));
                }
            }
            (Self::Blake3(inner), Cap::Bytes(cap)) => inner.observe(cap),
            (Self::Keccak(inner), Cap::Bytes(cap)) => inner.observe(cap),
            (Self::Blake3(inner), Cap::Felts(cap)) => {
                for digest in cap.roots() {
                    inner.observe_slice(digest);
                }
            }
            (Self::Keccak(inner), Cap::Felts(cap)) => {
                for digest in cap.roots() {
                    inner.observe_slice(digest);
                }
            }
        }
    }
}

impl CanSample<Felt> for Challenger {
    fn sample(&mut self) -> Felt {
        forward!(self, inner => inner.sample())
    }
}

impl CanSample<Ext> for Challenger {
    fn sample(&mut self) -> Ext {
        forward!(self, inner => inner.sample())
    }
}

impl CanSampleBits<usize> for Challenger {
    fn sample_bits(&mut self, bits: usize) -> usize {
        forward!(self, inner => inner.sample_bits(bits))
    }
}

impl FieldChallenger<Felt> for Challenger {}

impl GrindingChallenger for Challenger {
    type Witness = Felt;

    fn grind(&mut self, bits: usize) -> Felt {
        forward!(self, inner => inner.grind(bits))
    }

    fn check_witness(&mut self, bits: usize, witness: Felt) -> bool {
        forward!(self, inner => inner.check_witness(bits, witness))
    }
}
