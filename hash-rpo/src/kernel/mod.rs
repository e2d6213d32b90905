//! The permutation, one file per instruction set.
//!
//! The choice is made at compile time, as Plonky3 chooses the packing of the field: with AVX2 and FMA in the target, `avx2` serves
//! a single state and, four at a time, the lanes of packed states (eight-lane packings take two batches); everywhere else
//! `portable` serves all.

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

#[cfg(all(
    target_arch = "x86_64",
    target_feature = "avx2",
    target_feature = "fma"
))]
pub(crate) use avx2::single::permute;
use p3_field::PackedValue;
use plica_field::Felt;
#[cfg(not(all(
    target_arch = "x86_64",
    target_feature = "avx2",
    target_feature = "fma"
)))]
pub(crate) use portable::permute;

use crate::constants::{ROUNDS, WIDTH};

/// Permutes four states, capacity first: `batch[i][j]` is lane i of state j.
#[cfg(all(
    target_arch = "x86_64",
    target_feature = "avx2",
    target_feature = "fma"
))]
use avx2::batch::{permute as permute_batch, rounds as rounds_of_batch};

/// Permutes four states, capacity first: `batch[i][j]` is lane i of state j.
#[cfg(not(all(
    target_arch = "x86_64",
    target_feature = "avx2",
    target_feature = "fma"
)))]
fn permute_batch(batch: &mut [[Felt; BATCH]; WIDTH]) {
    for j in 0..BATCH {
        let mut state = core::array::from_fn(|i| batch[i][j]);
        permute(&mut state);
        for (lane, x) in batch.iter_mut().zip(state) {
            lane[j] = x;
        }
    }
}

/// Of each round, what enters the first S-boxes of four states, and the states after it.
#[cfg(not(all(
    target_arch = "x86_64",
    target_feature = "avx2",
    target_feature = "fma"
)))]
fn rounds_of_batch(batch: &[[Felt; BATCH]; WIDTH]) -> [[[[Felt; BATCH]; WIDTH]; 2]; ROUNDS] {
    let rounds: [_; BATCH] =
        core::array::from_fn(|j| portable::rounds(&core::array::from_fn(|i| batch[i][j])));
    core::array::from_fn(|r| {
        core::array::from_fn(|half| {
            core::array::from_fn(|i| core::array::from_fn(|j| rounds[j][r][half][i]))
        })
    })
}

/// Number of states of a batch.
const BATCH: usize = 4;

/// Permutes many states, capacity first.
pub(crate) fn permute_many(states: &mut [[Felt; WIDTH]]) {
    let (batches, rest) = states.as_chunks_mut::<BATCH>();
    for states in batches {
        let mut batch = core::array::from_fn(|i| core::array::from_fn(|j| states[j][i]));
        permute_batch(&mut batch);
        for (j, state) in states.iter_mut().enumerate() {
            *state = core::array::from_fn(|i| batch[i][j]);
        }
    }
    rest.iter_mut().for_each(permute);
}

/// Gives `each` the number of a state, and of each of its rounds what enters the first S-boxes and the state after the round.
pub(crate) fn rounds_of_many(
    states: &[[Felt; WIDTH]],
    mut each: impl FnMut(usize, &[[[Felt; WIDTH]; 2]; ROUNDS]),
) {
    for (b, states) in states.chunks(BATCH).enumerate() {
        // A batch that is not full is filled up with one of its states.
        let batch =
            core::array::from_fn(|i| core::array::from_fn(|j| states[j.min(states.len() - 1)][i]));
        let rounds = rounds_of_batch(&batch);
        for j in 0..states.len() {
            each(
                b * BATCH + j,
                &rounds
                    .each_ref()
                    .map(|halves| halves.each_ref().map(|lanes| lanes.map(|lane| lane[j]))),
            );
        }
    }
}

/// Permutes as many states as the packing has lanes, capacity first.
#[inline]
#[cfg_attr(
    not(any(
        test,
        target_feature = "avx2",
        target_feature = "neon",
        target_feature = "simd128"
    )),
    allow(dead_code, reason = "the packing is the field itself")
)]
pub(crate) fn permute_packed<P: PackedValue<Value = Felt>>(state: &mut [P; WIDTH]) {
    let batched = P::WIDTH - P::WIDTH % BATCH;
    for first in (0..batched).step_by(BATCH) {
        let mut batch =
            core::array::from_fn(|i| core::array::from_fn(|j| state[i].as_slice()[first + j]));
        permute_batch(&mut batch);
        for (packed, lane) in state.iter_mut().zip(batch) {
            packed.as_slice_mut()[first..first + BATCH].copy_from_slice(&lane);
        }
    }
    for j in batched..P::WIDTH {
        let mut one = core::array::from_fn(|i| state[i].as_slice()[j]);
        permute(&mut one);
        for (packed, x) in state.iter_mut().zip(one) {
            packed.as_slice_mut()[j] = x;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check<const N: usize>(values: &[u64]) {
        let mut packed: [[Felt; N]; WIDTH] =
            core::array::from_fn(|i| core::array::from_fn(|j| Felt::new(values[N * i + j])));
        let mut states: Vec<[Felt; WIDTH]> = (0..N)
            .map(|j| core::array::from_fn(|i| packed[i][j]))
            .collect();
        let expected: Vec<[Felt; WIDTH]> = states
            .iter()
            .map(|x| {
                let mut x = *x;
                portable::permute(&mut x);
                x
            })
            .collect();
        let mut seen = 0;
        rounds_of_many(&states, |j, rounds| {
            assert_eq!((j, *rounds), (seen, portable::rounds(&states[j])));
            seen += 1;
        });
        assert_eq!(seen, N);
        permute_packed(&mut packed);
        permute_many(&mut states);
        assert_eq!(states, expected);
        for (j, state) in expected.iter().enumerate() {
            assert_eq!(packed.map(|x| x[j]), *state);
        }
    }

    proptest! {
        /// The widths of the packings of all targets, and one that is no multiple of the batch.
        #[test]
        fn packings_of_every_width(values in prop::collection::vec(any::<u64>(), 12 * WIDTH)) {
            check::<1>(&values);
            check::<2>(&values);
            check::<4>(&values);
            check::<8>(&values);
            check::<11>(&values);
        }
    }
}
