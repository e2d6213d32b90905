//! Many witnesses: of three columns all twenty-seven signed sums, once for all planes of all witnesses.

use super::limbs::{Limbs, MOST_TERMS, Sum};
use super::{PlaneSums, TILE};
use crate::ring::DEGREE;
use crate::witness::{BLOCK, Witness};

/// Columns whose signed sums are in one table.
const GROUP: usize = 3;
/// Signed sums of so many columns.
const ENTRIES: usize = 27;
/// Tables that are used together.
const TABLES: usize = 4;
/// Columns of these.
const COLUMNS: usize = GROUP * TABLES;
/// Words that are added up together: with so many, the tables and the sums of a witness stay in the first cache.
const WORDS: usize = TILE / 2;
/// Such steps after which sums of limbs are carried over.
const MOST_STEPS: usize = MOST_TERMS / COLUMNS;

/// [`WORDS`] words in limbs.
type Column = Limbs<{ 3 * WORDS / 8 }>;

/// Which entries of the tables a witness takes: by step, then plane.
pub(super) struct Indices(Vec<[[u8; TABLES]; DEGREE]>);

impl Indices {
    pub(super) fn new(witness: &Witness) -> Self {
        let step = |step: usize| {
            let of_plane = |plane: usize| {
                let plane = &witness.planes()[plane];
                let positive = bits(&plane.plus, step * COLUMNS);
                let negative = bits(&plane.minus, step * COLUMNS);
                core::array::from_fn(|table| {
                    let of_table = |bits: usize| bits >> (GROUP * table) & ((1 << GROUP) - 1);
                    index(of_table(positive), of_table(negative)) as u8
                })
            };
            core::array::from_fn(of_plane)
        };
        Self((0..witness.length().div_ceil(COLUMNS)).map(step).collect())
    }
}

/// The sums of a tile, for each witness.
pub(super) fn sums(tile: &[u64], witnesses: &[Indices]) -> Vec<PlaneSums> {
    let mut sums = vec![vec![[Sum::default(); TILE]; DEGREE]; witnesses.len()];
    let mut running = vec![[Column::ZERO; DEGREE]; witnesses.len()];
    for half in 0..TILE / WORDS {
        let words = half * WORDS..(half + 1) * WORDS;
        for (step, columns) in tile.chunks(COLUMNS * TILE).enumerate() {
            let mut groups = columns.chunks(GROUP * TILE);
            let tables: [Table; TABLES] = core::array::from_fn(|_| {
                let columns = groups.next().unwrap_or_default().chunks_exact(TILE);
                Table::new(columns.map(|column| &column[words.clone()]))
            });
            for (running, indices) in running.iter_mut().zip(witnesses) {
                for (sum, indices) in running.iter_mut().zip(&indices.0[step]) {
                    for (table, &index) in tables.iter().zip(indices) {
                        *sum = sum.plus(&table.0[usize::from(index) % TABLE_SIZE]);
                    }
                }
            }
            if step % MOST_STEPS == MOST_STEPS - 1 {
                carry(&mut sums, &mut running, words.clone());
            }
        }
        carry(&mut sums, &mut running, words);
    }
    sums
}

fn carry(sums: &mut [PlaneSums], running: &mut [[Column; DEGREE]], words: core::ops::Range<usize>) {
    for (sums, running) in sums.iter_mut().zip(running) {
        for (sums, sum) in sums.iter_mut().zip(running) {
            Sum::add_limbs(&mut sums[words.clone()], sum);
            *sum = Column::ZERO;
        }
    }
}

/// [`COLUMNS`] bits of a plane from a position on; those behind the end are zero.
fn bits(words: &[u64], position: usize) -> usize {
    let (word, shift) = (position / BLOCK, position % BLOCK);
    let low = words[word] >> shift;
    let high = match shift > BLOCK - COLUMNS {
        true => words
            .get(word + 1)
            .map_or(0, |next| next << (BLOCK - shift)),
        false => 0,
    };
    ((low | high) & ((1 << COLUMNS) - 1)) as usize
}

/// Where the sum with these columns added and those subtracted stands: Σ (digit + 1)·3^column.
const fn index(positive: usize, negative: usize) -> usize {
    const TERNARY: [usize; 1 << GROUP] = [0, 1, 3, 4, 9, 10, 12, 13];
    ENTRIES / 2 + TERNARY[positive] - TERNARY[negative]
}

/// A power of two, so that no index is out of bounds.
const TABLE_SIZE: usize = ENTRIES.next_power_of_two();

/// All signed sums of three columns, or of fewer: sums with one that is not there are as if it were zero.
struct Table([Column; TABLE_SIZE]);

impl Table {
    fn new<'a>(columns: impl Iterator<Item = &'a [u64]>) -> Self {
        let mut table = [Column::ZERO; TABLE_SIZE];
        let middle = ENTRIES / 2;
        // From each entry so far, one more with the column added and one with it subtracted.
        for (column, words) in columns.enumerate() {
            let limbs = Column::split(words);
            let step = 3usize.pow(column as u32);
            let reach = (step - 1) / 2;
            for at in middle - reach..=middle + reach {
                table[at + step] = table[at].plus(&limbs);
                table[at - step] = table[at].minus(&limbs);
            }
        }
        Self(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signed_sum_is_where_it_belongs() {
        let columns = [0, 8, 16].map(|shift| [1u64 << shift; WORDS]);
        let table = Table::new(columns.iter().map(|words| &words[..]));
        for positive in 0..8usize {
            for negative in 0..8 {
                if positive & negative == 0 {
                    let digit = |column: usize| {
                        (positive >> column & 1) as i64 - (negative >> column & 1) as i64
                    };
                    let expected: i64 = (0..GROUP).map(|c| digit(c) << (8 * c)).sum();
                    let mut sums = [Sum::default(); WORDS];
                    Sum::add_limbs(&mut sums, &table.0[index(positive, negative)]);
                    let expected = match expected < 0 {
                        true => -plica_field::Felt::new(expected.unsigned_abs()),
                        false => plica_field::Felt::new(expected.unsigned_abs()),
                    };
                    assert!(sums.iter().all(|sum| sum.reduced() == expected));
                }
            }
        }
    }

    #[test]
    fn bits_across_words() {
        let words = [1 << 52 | 1 << 63, 0b10];
        let all = [52, 53, 63, 64].map(|at| bits(&words, at));
        assert_eq!(all, [1 | 1 << 11, 1 << 10, 0b101, 0b010]);
        assert_eq!(bits(&words[..1], 63), 1);
    }
}
