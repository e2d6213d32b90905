//! The permutation as Plonky3 expects it: rate first.

use p3_symmetric::{CryptographicPermutation, Permutation};
use plica_field::Felt;

use crate::constants::{CAPACITY, RATE, WIDTH};
use crate::kernel;

/// RPO behind Plonky3's traits, with the lanes rotated so that the rate comes first: lane i of this permutation is lane
/// i + 4 mod 12 of [`permute`](crate::permute).
///
/// Plonky3 absorbs into the first lanes and truncates to the first lanes. After the rotation both mean the rate and the digest
/// of RPO, so Plonky3's truncated two-to-one compression is [`merge`](crate::merge).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RpoPermutation;

/// Lanes in the order of the paper: capacity first.
#[inline(always)]
fn capacity_first<T: Copy>(x: &[T; WIDTH]) -> [T; WIDTH] {
    core::array::from_fn(|i| x[(i + RATE) % WIDTH])
}

/// Lanes in Plonky3's order: rate first.
#[inline(always)]
fn rate_first<T: Copy>(x: &[T; WIDTH]) -> [T; WIDTH] {
    core::array::from_fn(|i| x[(i + CAPACITY) % WIDTH])
}

impl Permutation<[Felt; WIDTH]> for RpoPermutation {
    #[inline]
    fn permute_mut(&self, lanes: &mut [Felt; WIDTH]) {
        let mut state = capacity_first(lanes);
        kernel::permute(&mut state);
        *lanes = rate_first(&state);
    }
}

impl CryptographicPermutation<[Felt; WIDTH]> for RpoPermutation {}

// The packing of `Felt` on targets that have one. It has to be named: an implementation for `<Felt as Field>::Packing` would
// overlap with the scalar one, because on all other targets the packing of `Felt` is `Felt` itself.
#[cfg(all(
    target_arch = "x86_64",
    target_feature = "avx2",
    not(target_feature = "avx512f")
))]
pub(crate) use p3_goldilocks::PackedGoldilocksAVX2 as Packed;
#[cfg(all(target_arch = "x86_64", target_feature = "avx512f"))]
pub(crate) use p3_goldilocks::PackedGoldilocksAVX512 as Packed;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
pub(crate) use p3_goldilocks::PackedGoldilocksNeon as Packed;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use p3_goldilocks::PackedGoldilocksWasmSimd128 as Packed;

#[cfg(any(
    all(target_arch = "x86_64", target_feature = "avx2"),
    all(target_arch = "aarch64", target_feature = "neon"),
    all(target_arch = "wasm32", target_feature = "simd128"),
))]
const _: () = {
    impl Permutation<[Packed; WIDTH]> for RpoPermutation {
        #[inline]
        fn permute_mut(&self, lanes: &mut [Packed; WIDTH]) {
            let mut state = capacity_first(lanes);
            kernel::permute_packed(&mut state);
            *lanes = rate_first(&state);
        }
    }

    impl CryptographicPermutation<[Packed; WIDTH]> for RpoPermutation {}
};
