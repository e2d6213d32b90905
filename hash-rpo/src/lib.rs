//! Rescue Prime Optimized (RPO) over Goldilocks.
//!
//! The permutation has width 12, capacity 4, rate 8, seven rounds and the S-box x⁷; each round is
//!
//! ```text
//! x ← (M·x + ARK1[r])^7        x ← (M·x + ARK2[r])^(1/7)
//! ```
//!
//! element by element, with the circulant MDS matrix M ([`constants`]). The security claim of the paper is 128 bits.
//!
//! # Lanes
//!
//! [`permute`] has the lanes of the paper: capacity 0–3, rate 4–11, digest 4–7.
//! [`RpoPermutation`] presents the same permutation to Plonky3 with the rate first. Commitment trees, the transcript and hashing
//! inside the virtual machine therefore agree: a Merkle node is [`merge`] of its children everywhere.
//!
//! # Which function for what
//!
//! | input | function | capacity at the start |
//! |---|---|---|
//! | a sequence of any length | [`hash_elements`] | (n mod 8, 0, 0, 0) |
//! | two digests | [`merge`], [`RpoCompression`] | (0, 0, 0, 0) |
//! | two digests, in domain d | [`merge_in_domain`] | (0, d, 0, 0) |
//! | a row of a committed matrix, its width known to the verifier | [`RpoLeafHasher`] | (0, 0, 0, 0) |
//!
//! [`transcript`] is Fiat–Shamir as a chain of [`merge`]: of the lifted proof format and of folding.
//!
//! # Kernels
//!
//! The kernel is chosen when the crate is compiled, by the target's vector instructions: build with `target-cpu=native` for speed.
//! With AVX2 and FMA, four states (or one) are permuted in double-precision arithmetic on exact integers; everywhere else one state
//! is permuted in 64-bit integer arithmetic. All kernels compute the same function and are tested against each other, against
//! Plonky3's implementation and against the definition. They take and return any representatives of the elements.
//!
//! No kernel promises a running time that is independent of its input.

pub mod constants;
mod hash;
mod kernel;
mod leaf;
mod linear;
mod permutation;
mod plonky3;
pub mod transcript;

pub use hash::{
    State, digest, hash_elements, merge, merge_in_domain, permute, permute_many, rounds_of_many,
};
pub use leaf::RpoLeafHasher;
pub use linear::linear;
pub use permutation::RpoPermutation;
pub use plonky3::{
    PackedFelt, RpoChallenger, RpoCompression, RpoMmcs, rpo_challenger, rpo_compression, rpo_mmcs,
};
