//! The commitment key: κ × n ring elements out of a seed.
//!
//! Column j is the output of BLAKE3 as an extendable function, keyed by the context of this scheme and by j, read as 64-bit words of which those
//! not below p are passed over: every element is uniform, nobody knows a relation between them, and a longer key begins with a shorter one.

use blake3::Hasher;
use p3_field::PrimeCharacteristicRing;
use p3_maybe_rayon::prelude::*;
use plica_field::{Felt, MODULUS};

use crate::params::Parameters;
use crate::ring::{DEGREE, RingElement};

/// What makes these keys others than any other use of the hash.
const CONTEXT: &str = "plica folding, Ajtai commitment key, version 1";

/// Words of all rows that are added up together.
pub(crate) const TILE: usize = 32;

/// Columns that a key may have, so that sums of words fit where they are added up.
pub const MOST_COLUMNS: usize = 1 << 20;

/// Columns that are generated at a time.
const PART: usize = 1 << 10;

/// M, κ rows of n ring elements. 255 MB for the standard parameters.
pub struct CommitmentKey {
    rows: usize,
    length: usize,
    /// By tile, column, then word of the tile. A column has κ·54 words: those of its first ring element, and so on; zeros fill up
    /// the last tile.
    tiles: Vec<u64>,
}

impl CommitmentKey {
    /// The key for these parameters.
    ///
    /// # Panics
    /// See [`Self::of_size`].
    #[must_use]
    pub fn new(parameters: &Parameters) -> Self {
        Self::of_size(parameters.rows, parameters.length())
    }

    /// Of another size, as tests have it.
    ///
    /// # Panics
    /// If it has more than [`MOST_COLUMNS`].
    #[must_use]
    pub fn of_size(rows: usize, length: usize) -> Self {
        assert!(length <= MOST_COLUMNS, "a key of {length} columns");
        let words = rows * DEGREE;
        let count = words.div_ceil(TILE);
        let mut tiles = vec![0; count * TILE * length];
        // A part of the columns at a time, so that the key is not in memory twice.
        for first in (0..length).step_by(PART) {
            let part = first..length.min(first + PART);
            let columns: Vec<Vec<u64>> = part
                .into_par_iter()
                .map(|column| words_of_column(column, words))
                .collect();
            tiles
                .par_chunks_mut(TILE * length)
                .enumerate()
                .for_each(|(tile, out)| {
                    let out = out.chunks_exact_mut(TILE).skip(first);
                    for (out, column) in out.zip(&columns) {
                        let part = column.iter().skip(tile * TILE);
                        out.iter_mut()
                            .zip(part)
                            .for_each(|(out, &word)| *out = word);
                    }
                });
        }
        Self {
            rows,
            length,
            tiles,
        }
    }

    /// κ.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// n.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.length
    }

    pub(crate) const fn tiles(&self) -> usize {
        (self.rows * DEGREE).div_ceil(TILE)
    }

    /// A tile: [`TILE`] words of each column.
    pub(crate) fn tile(&self, tile: usize) -> &[u64] {
        &self.tiles[tile * TILE * self.length..][..TILE * self.length]
    }

    /// One ring element.
    ///
    /// # Panics
    /// If there is no such row or column.
    #[must_use]
    pub fn element(&self, row: usize, column: usize) -> RingElement<Felt> {
        assert!(row < self.rows && column < self.length, "within the key");
        RingElement(core::array::from_fn(|k| {
            let word = row * DEGREE + k;
            Felt::from_u64(self.tile(word / TILE)[column * TILE + word % TILE])
        }))
    }
}

/// The first words of a column.
fn words_of_column(column: usize, count: usize) -> Vec<u64> {
    let mut hasher = Hasher::new_derive_key(CONTEXT);
    hasher.update(&(column as u64).to_le_bytes());
    let mut stream = hasher.finalize_xof();
    let mut words = Vec::with_capacity(count);
    let mut bytes = vec![0; 8 * count];
    while words.len() < count {
        // Another time only if words were passed over.
        bytes.truncate(8 * (count - words.len()));
        stream.fill(&mut bytes);
        let drawn = bytes.as_chunks::<8>().0.iter();
        let drawn = drawn.map(|&bytes| u64::from_le_bytes(bytes));
        words.extend(drawn.filter(|&word| word < MODULUS));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_that_of_its_seed() {
        let key = CommitmentKey::of_size(3, 5);
        for column in 0..5 {
            let words = words_of_column(column, 3 * DEGREE);
            for row in 0..3 {
                let expected = &words[row * DEGREE..][..DEGREE];
                let element = key.element(row, column);
                assert!(
                    element
                        .0
                        .iter()
                        .zip(expected)
                        .all(|(&a, &b)| a == Felt::from_u64(b))
                );
            }
        }
        // Smaller keys are parts of larger ones; columns differ.
        let larger = CommitmentKey::of_size(4, 6);
        assert_eq!(larger.element(2, 4), key.element(2, 4));
        assert_ne!(key.element(0, 0), key.element(0, 1));
        assert_ne!(key.element(0, 0), key.element(1, 0));
    }

    #[test]
    #[should_panic = "a key of 1048577 columns"]
    fn a_key_that_is_too_long() {
        let _ = CommitmentKey::of_size(1, MOST_COLUMNS + 1);
    }

    /// The first words, as anybody else may compute them.
    #[test]
    fn first_words() {
        let mut hasher = Hasher::new_derive_key("plica folding, Ajtai commitment key, version 1");
        hasher.update(&[0; 8]);
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        let expected =
            [&bytes[..8], &bytes[8..]].map(|b| u64::from_le_bytes(b.try_into().expect("eight")));
        assert!(expected.iter().all(|&word| word < MODULUS));
        assert_eq!(words_of_column(0, 2), expected);
    }
}
