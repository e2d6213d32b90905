//! Merkle trees over tables of different heights, lifted to the tallest.
//!
//! Positions are in bit-reversed order, in which lifting repeats rows: the leaf at position r of a tree of height 2^h has row
//! r >> (h − m) of a table of height 2^m. A leaf is one sponge over all tables, lower ones first, each filled up with zeros to whole
//! blocks. So the state after the lower tables is computed once per row of theirs, and hashing is proportional to cells.

use p3_field::PrimeCharacteristicRing;
use p3_matrix::Matrix as _;
use p3_maybe_rayon::prelude::*;
use plica_hash_rpo::constants::{CAPACITY, DIGEST, RATE};
use plica_hash_rpo::{State, permute_many};

use crate::types::{Felt, Matrix, Word};

/// States that are permuted together.
const BATCH: usize = 64;

/// A tree; levels from the leaves to the root.
#[derive(Debug)]
pub(crate) struct MerkleTree {
    levels: Vec<Vec<Word>>,
}

impl MerkleTree {
    /// Over matrices by ascending height, rows in bit-reversed order.
    pub(crate) fn over(matrices: &[&Matrix]) -> Self {
        // What the next tables start from: capacities, and in the end the digests.
        let mut words = vec![Word::default()];
        let mut rest = matrices;
        while let Some(first) = rest.first() {
            let height = first.height();
            let count = rest.iter().take_while(|m| m.height() == height).count();
            let (group, higher) = rest.split_at(count);
            let lift = height / words.len();
            let kept = if higher.is_empty() { CAPACITY } else { 0 };
            let mut next = vec![Word::default(); height];
            next.par_chunks_mut(BATCH)
                .enumerate()
                .for_each(|(batch, out)| {
                    let start = batch * BATCH;
                    let mut states = [[Felt::ZERO; CAPACITY + RATE]; BATCH];
                    let states = &mut states[..out.len()];
                    for (row, state) in (start..).zip(states.iter_mut()) {
                        state[..CAPACITY].copy_from_slice(&words[row / lift]);
                    }
                    for matrix in group {
                        absorb(states, matrix, start);
                    }
                    for (word, state) in out.iter_mut().zip(states) {
                        word.copy_from_slice(&state[kept..kept + DIGEST]);
                    }
                });
            words = next;
            rest = higher;
        }
        Self::above(words)
    }

    /// Over leaves that are hashed already.
    pub(crate) fn above(leaves: Vec<Word>) -> Self {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let above = below
                .par_chunks(2 * BATCH)
                .flat_map_iter(|nodes| {
                    let mut states = [[Felt::ZERO; CAPACITY + RATE]; BATCH];
                    let pairs = nodes.len() / 2;
                    for (state, pair) in states.iter_mut().zip(nodes.chunks_exact(2)) {
                        state[CAPACITY..].copy_from_slice(pair.as_flattened());
                    }
                    permute_many(&mut states[..pairs]);
                    states.into_iter().take(pairs).map(|state| digest(&state))
                })
                .collect();
            levels.push(above);
        }
        Self { levels }
    }

    pub(crate) fn root(&self) -> Word {
        self.levels[self.levels.len() - 1][0]
    }

    /// The siblings that a verifier lacks who knows the leaves at these positions: level by level from the leaves, by position.
    pub(crate) fn siblings(&self, positions: &[usize]) -> Vec<Word> {
        let mut known: Vec<usize> = positions.to_vec();
        known.sort_unstable();
        known.dedup();
        let mut siblings = Vec::new();
        for level in &self.levels[..self.levels.len() - 1] {
            let mut index = 0;
            let mut parents = Vec::with_capacity(known.len());
            while index < known.len() {
                let position = known[index];
                let both = known.get(index + 1) == Some(&(position ^ 1)) && position % 2 == 0;
                if !both {
                    siblings.push(level[position ^ 1]);
                }
                index += 1 + usize::from(both);
                parents.push(position / 2);
            }
            known = parents;
        }
        siblings
    }
}

/// Takes rows of a matrix, from `start` on, into as many sponges.
fn absorb(states: &mut [State], matrix: &Matrix, start: usize) {
    let width = matrix.width();
    for from in (0..width).step_by(RATE) {
        let to = (from + RATE).min(width);
        for (row, state) in states.iter_mut().enumerate() {
            let at = (start + row) * width;
            let (filled, rest) = state[CAPACITY..].split_at_mut(to - from);
            filled.copy_from_slice(&matrix.values[at + from..at + to]);
            rest.fill(Felt::ZERO);
        }
        permute_many(states);
    }
}

/// Digests of messages of whole blocks, all of one length, one after the other.
pub(crate) fn hash_leaves(leaves: &[Felt], length: usize) -> Vec<Word> {
    leaves
        .par_chunks(BATCH * length)
        .flat_map_iter(|leaves| {
            let mut states = vec![[Felt::ZERO; CAPACITY + RATE]; leaves.len() / length];
            for from in (0..length).step_by(RATE) {
                for (state, leaf) in states.iter_mut().zip(leaves.chunks_exact(length)) {
                    state[CAPACITY..].copy_from_slice(&leaf[from..from + RATE]);
                }
                permute_many(&mut states);
            }
            states.into_iter().map(|state| digest(&state))
        })
        .collect()
}

fn digest(state: &State) -> Word {
    core::array::from_fn::<_, DIGEST, _>(|i| state[CAPACITY + i])
}
