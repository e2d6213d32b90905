//! The permutation, one file per instruction set.

#[cfg(all(
    target_arch = "x86_64",
    target_feature = "avx2",
    target_feature = "fma"
))]
mod avx2;
mod mds;
#[cfg_attr(
    all(
        target_arch = "x86_64",
        target_feature = "avx2",
        target_feature = "fma"
    ),
    allow(dead_code, reason = "the vector kernel serves one state as well")
)]
mod portable;

use p3_field::PackedValue;
use plica_field::Felt;

use crate::constants::WIDTH;

/// Permutes one state, capacity first.
#[inline]
pub(crate) fn permute(state: &mut [Felt; WIDTH]) {
    #[cfg(all(
        target_arch = "x86_64",
        target_feature = "avx2",
        target_feature = "fma"
    ))]
    avx2::single::permute(state);
    #[cfg(not(all(
        target_arch = "x86_64",
        target_feature = "avx2",
        target_feature = "fma"
    )))]
    portable::permute(state);
}

/// Permutes as many states as the packing has lanes, capacity first.
#[cfg(all(
    target_arch = "x86_64",
    target_feature = "avx2",
    target_feature = "fma"
))]
#[inline]
pub(crate) fn permute_packed<P: PackedValue<Value = Felt>>(state: &mut [P; WIDTH]) {
    use avx2::batch::BATCH;

    const { assert!(P::WIDTH.is_multiple_of(BATCH)) }
    for first in (0..P::WIDTH).step_by(BATCH) {
        let mut batch =
            core::array::from_fn(|i| core::array::from_fn(|j| state[i].as_slice()[first + j]));
        avx2::batch::permute(&mut batch);
        for (packed, lane) in state.iter_mut().zip(batch) {
            packed.as_slice_mut()[first..first + BATCH].copy_from_slice(&lane);
        }
    }
}

/// Permutes as many states as the packing has lanes, capacity first.
#[cfg(not(all(
    target_arch = "x86_64",
    target_feature = "avx2",
    target_feature = "fma"
)))]
#[inline]
#[allow(dead_code, reason = "unused where the packing is the field itself")]
pub(crate) fn permute_packed<P: PackedValue<Value = Felt>>(state: &mut [P; WIDTH]) {
    for lane in 0..P::WIDTH {
        let mut one = core::array::from_fn(|i| state[i].as_slice()[lane]);
        permute(&mut one);
        for (packed, x) in state.iter_mut().zip(one) {
            packed.as_slice_mut()[lane] = x;
        }
    }
}
