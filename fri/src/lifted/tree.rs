//! Merkle trees over tables of different heights, lifted to the tallest.
//!
//! A leaf is one sponge over the rows of all tables at one index, lower tables first, those of one height filled up with zeros to whole
//! blocks. So the state after the lower tables is computed once per row of theirs, and hashing is proportional to cells.
//!
//! Leaves are in natural order: the leaf at index i has row i mod 2^m of a table of 2^m rows. So a verifier finds the index in each tree by
//! dropping high bits. Matrices are in bit-reversed order, in which lifting repeats rows: row r of the tallest, of 2^h rows, goes
//! with row r >> (h − m).

use p3_field::PrimeCharacteristicRing;
use p3_matrix::Matrix as _;
use p3_maybe_rayon::prelude::*;
use p3_util::reverse_slice_index_bits;
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
                    absorb(states, group, start);
                    for (word, state) in out.iter_mut().zip(states) {
                        word.copy_from_slice(&state[kept..kept + DIGEST]);
                    }
                });
            words = next;
            rest = higher;
        }
        Self::above(words)
    }

    /// Over leaves that are hashed already, in bit-reversed order.
    pub(crate) fn above(mut leaves: Vec<Word>) -> Self {
        reverse_slice_index_bits(&mut leaves);
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
                let both =
                    known.get(index + 1) == Some(&(position ^ 1)) && position.is_multiple_of(2);
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

/// Takes rows of matrices of one height, from `start` on, into as many sponges.
fn absorb(states: &mut [State], matrices: &[&Matrix], start: usize) {
    let width: usize = matrices.iter().map(|matrix| matrix.width).sum();
    let padded = width.next_multiple_of(RATE);
    let mut rows = Felt::zero_vec(padded * states.len());
    for (row, out) in (start..).zip(rows.chunks_exact_mut(padded)) {
        let mut rest = out;
        for matrix in matrices {
            let (columns, after) = rest.split_at_mut(matrix.width);
            columns.copy_from_slice(&matrix.values[row * matrix.width..][..matrix.width]);
            rest = after;
        }
    }
    absorb_rows(states, &rows, padded);
}

/// Takes rows of whole blocks into as many sponges.
fn absorb_rows(states: &mut [State], rows: &[Felt], width: usize) {
    for from in (0..width).step_by(RATE) {
        for (state, row) in states.iter_mut().zip(rows.chunks_exact(width)) {
            state[CAPACITY..].copy_from_slice(&row[from..from + RATE]);
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
            absorb_rows(&mut states, leaves, length);
            states.into_iter().map(|state| digest(&state))
        })
        .collect()
}

fn digest(state: &State) -> Word {
    core::array::from_fn::<_, DIGEST, _>(|i| state[CAPACITY + i])
}
