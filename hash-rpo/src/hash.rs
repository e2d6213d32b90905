//! The hash functions that programs see: sponge, two-to-one compression, compression in a domain.

use p3_field::PrimeCharacteristicRing;
use plica_field::{Felt, Word};

use crate::constants::{CAPACITY, DIGEST, RATE, ROUNDS, WIDTH};
use crate::kernel;

/// The state of the permutation: capacity in lanes 0–3, rate in lanes 4–11, digest in lanes 4–7.
pub type State = [Felt; WIDTH];

/// Applies the permutation.
#[inline]
pub fn permute(state: &mut State) {
    kernel::permute(state);
}

/// Applies the permutation to many states: faster than one by one, on targets with vector instructions.
pub fn permute_many(states: &mut [State]) {
    kernel::permute_many(states);
}

/// Gives `each` the number of a state, and of each of its rounds what enters the first S-boxes and the state after the round, for the
/// traces of constraint systems.
pub fn rounds_of_many(states: &[State], each: impl FnMut(usize, &[[State; 2]; ROUNDS])) {
    kernel::rounds_of_many(states, each);
}

/// The digest of a state: lanes 4–7.
#[inline]
pub fn digest(state: &State) -> Word {
    core::array::from_fn(|i| state[CAPACITY + i])
}

/// Hashes a sequence of any length.
///
/// The capacity starts as (n mod 8, 0, 0, 0); each block of eight elements overwrites the rate and is followed by a
/// permutation; the last block is filled up with zeros. The first capacity element tells a filled-up block from a full one,
/// and the number of permutations tells the rest of the length, so sequences of different lengths never share an encoding.
/// No element: the zero word, without a permutation.
pub fn hash_elements(elements: &[Felt]) -> Word {
    let mut state = [Felt::ZERO; WIDTH];
    state[0] = Felt::from_u64((elements.len() % RATE) as u64);
    for block in elements.chunks(RATE) {
        let (filled, rest) = state[CAPACITY..].split_at_mut(block.len());
        filled.copy_from_slice(block);
        rest.fill(Felt::ZERO);
        permute(&mut state);
    }
    digest(&state)
}

/// The two-to-one compression of Merkle trees: left child first. Equal to [`hash_elements`] of the eight elements.
#[inline]
pub fn merge(children: [Word; 2]) -> Word {
    merge_in_domain(children, Felt::ZERO)
}

/// The two-to-one compression with a domain in the second capacity element. Domain 0 is [`merge`].
#[inline]
pub fn merge_in_domain(children: [Word; 2], domain: Felt) -> Word {
    let mut state = [Felt::ZERO; WIDTH];
    state[1] = domain;
    state[CAPACITY..CAPACITY + DIGEST].copy_from_slice(&children[0]);
    state[CAPACITY + DIGEST..].copy_from_slice(&children[1]);
    permute(&mut state);
    digest(&state)
}
