//! Fiat–Shamir: a chain of two-to-one hashes.
//!
//! The state is a word. A message that is a word is taken in by one compression, a longer one by its hash, whose length the protocol
//! fixes. A challenge is the compression of the state with a counter. So every step of a verifier is a two-to-one hash of words, and
//! long messages enter as their digests: what is in them can be used without being absorbed element by element.
//!
//! ```text
//! absorb w       state ← merge(state, w)
//! absorb m       state ← merge(state, hash(m))
//! draw           merge(state, (i, 0, 0, 1)), i = 0, 1, … since the last message
//! grind n        state ← merge(state, (n, 0, 0, 2)), whose first element must end in zeros
//! ```

use p3_field::{BasedVectorSpace, PrimeCharacteristicRing, PrimeField64};
use p3_maybe_rayon::prelude::*;
use plica_field::{Ext, Felt, Word, coefficients};

use crate::constants::{CAPACITY, DIGEST, RATE};
use crate::{State, hash_elements, merge, permute_many};

/// The transcript of a lifted proof.
#[derive(Clone, Debug)]
pub struct Transcript {
    state: Word,
    drawn: u64,
}

const DRAW: u64 = 1;
const GRIND: u64 = 2;

pub fn control(value: u64, what: u64) -> Word {
    [value, 0, 0, what].map(Felt::from_u64)
}

impl Transcript {
    /// A transcript that has taken in nothing but its domain.
    pub fn new(domain: &[Felt]) -> Self {
        Self {
            state: hash_elements(domain),
            drawn: 0,
        }
    }

    pub const fn state(&self) -> Word {
        self.state
    }

    pub fn absorb(&mut self, word: Word) {
        self.state = merge([self.state, word]);
        self.drawn = 0;
    }

    /// Takes in a message whose length is known to the verifier.
    pub fn absorb_all(&mut self, elements: &[Felt]) {
        self.absorb(hash_elements(elements));
    }

    /// As [`Self::absorb_all`], coordinate by coordinate.
    pub fn absorb_ext(&mut self, elements: &[Ext]) {
        self.absorb_all(&flatten(elements));
    }

    pub fn draw(&mut self) -> Word {
        let word = merge([self.state, control(self.drawn, DRAW)]);
        self.drawn += 1;
        word
    }

    /// The next challenge.
    pub fn challenge(&mut self) -> Ext {
        let word = self.draw();
        Ext::from_basis_coefficients_fn(|i| word[i])
    }

    /// Numbers below 2^`bits`, `bits` ≤ 32: the low bits of the first elements of as many words, canonical.
    pub fn indices(&mut self, count: usize, bits: usize) -> Vec<usize> {
        debug_assert!(bits <= 32);
        let mask = (1 << bits) - 1;
        (0..count)
            .map(|_| (self.draw()[0].as_canonical_u64() & mask) as usize)
            .collect()
    }

    /// Takes in what shows the work.
    pub fn absorb_witness(&mut self, witness: Felt) {
        let [_, rest @ ..] = control(0, GRIND);
        let [a, b, c] = rest;
        self.absorb([witness, a, b, c]);
    }

    /// Whether `witness` shows the work, `bits` < 64; takes it in.
    pub fn check_work(&mut self, bits: usize, witness: Felt) -> bool {
        self.absorb_witness(witness);
        ends_in_zeros(self.state[0], bits)
    }

    /// Finds the smallest witness and takes it in; `bits` < 64, and 2^`bits` hashes on average.
    pub fn grind(&mut self, bits: usize) -> Felt {
        const BATCH: usize = 64;
        const BATCHES: usize = 64;
        let batch = |start: u64| -> Option<u64> {
            let mut states = [[Felt::ZERO; CAPACITY + RATE]; BATCH];
            for (state, witness) in states.iter_mut().zip(start..) {
                state[CAPACITY..CAPACITY + DIGEST].copy_from_slice(&self.state);
                state[CAPACITY + DIGEST..].copy_from_slice(&control(witness, GRIND));
            }
            permute_many(&mut states);
            let found = |state: &State| ends_in_zeros(state[CAPACITY], bits);
            let first = states.iter().position(found)?;
            Some(start + first as u64)
        };
        let witness = (0..)
            .step_by(BATCHES * BATCH)
            .find_map(|start| {
                (0..BATCHES)
                    .into_par_iter()
                    .find_map_first(|index| batch((start + index * BATCH) as u64))
            })
            .map(Felt::from_u64)
            .expect("some witness works");
        assert!(self.check_work(bits, witness));
        witness
    }
}

fn ends_in_zeros(element: Felt, bits: usize) -> bool {
    element.as_canonical_u64() & ((1 << bits) - 1) == 0
}

/// Coordinates of extension elements, one element after the other.
pub fn flatten(elements: &[Ext]) -> Vec<Felt> {
    elements.iter().copied().flat_map(coefficients).collect()
}
