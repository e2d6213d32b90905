//! The permutation, one file per instruction set.

mod mds;
mod portable;

use p3_field::PackedValue;
use plica_field::Felt;

use crate::constants::WIDTH;

/// Permutes one state, capacity first.
#[inline]
pub(crate) fn permute(state: &mut [Felt; WIDTH]) {
    portable::permute(state);
}

/// Permutes as many states as the packing has lanes, capacity first.
#[inline]
pub(crate) fn permute_packed<P: PackedValue<Value = Felt>>(state: &mut [P; WIDTH]) {
    for lane in 0..P::WIDTH {
        let mut one = core::array::from_fn(|i| state[i].as_slice()[lane]);
        permute(&mut one);
        for (packed, x) in state.iter_mut().zip(one) {
            packed.as_slice_mut()[lane] = x;
        }
    }
}
