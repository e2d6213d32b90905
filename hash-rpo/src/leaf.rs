//! The hash of Merkle leaves.

use p3_symmetric::CryptographicHasher;
use plica_field::Felt;

use crate::constants::{CAPACITY, DIGEST, RATE, WIDTH};
use crate::kernel;

/// Hashes the rows of committed matrices: blocks of eight overwrite the rate of a zero state, the last block is filled up with
/// zeros, a permutation follows each block, the digest is lanes 4–7 of the last state. No element: the zero digest.
///
/// The capacity starts at zero and carries no length. That is sound because the length is not the prover's to choose: the
/// verifier knows the width of every matrix of a commitment and hashes exactly that many opened values, so two rows under the
/// same commitment have the same number of blocks and their zeros in the same places.
/// Do not use it for data whose length a prover chooses; [`hash_elements`](crate::hash_elements) is for that.
///
/// A row of a multiple of eight elements has the digest that [`hash_elements`](crate::hash_elements) gives. Unlike Plonky3's
/// padding-free sponge, the digest is a function of the row filled up with zeros alone: no lane of the previous block survives
/// in a short last block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RpoLeafHasher;

impl RpoLeafHasher {
    #[inline(always)]
    fn absorb<T, I, F>(input: I, permute: F) -> [T; DIGEST]
    where
        T: Copy + Default,
        I: IntoIterator<Item = T>,
        F: Fn(&mut [T; WIDTH]),
    {
        let mut state = [T::default(); WIDTH];
        let mut filled = 0;
        for x in input {
            state[CAPACITY + filled] = x;
            filled += 1;
            if filled == RATE {
                permute(&mut state);
                filled = 0;
            }
        }
        if filled != 0 {
            state[CAPACITY + filled..].fill(T::default());
            permute(&mut state);
        }
        core::array::from_fn(|i| state[CAPACITY + i])
    }
}

impl CryptographicHasher<Felt, [Felt; DIGEST]> for RpoLeafHasher {
    #[inline]
    fn hash_iter<I: IntoIterator<Item = Felt>>(&self, input: I) -> [Felt; DIGEST] {
        Self::absorb(input, kernel::permute)
    }
}

/// One row per lane of the packing.
#[cfg(any(
    all(target_arch = "x86_64", target_feature = "avx2"),
    all(target_arch = "aarch64", target_feature = "neon"),
    all(target_arch = "wasm32", target_feature = "simd128"),
))]
impl CryptographicHasher<crate::permutation::Packed, [crate::permutation::Packed; DIGEST]>
    for RpoLeafHasher
{
    #[inline]
    fn hash_iter<I: IntoIterator<Item = crate::permutation::Packed>>(
        &self,
        input: I,
    ) -> [crate::permutation::Packed; DIGEST] {
        Self::absorb(input, kernel::permute_packed)
    }
}
