//! Many witnesses: of three columns all twenty-seven signed sums, once for all planes of all witnesses.

use super::PlaneSums;
use super::limbs::{Limbs, MOST_TERMS, Sum};
use crate::key::TILE;
use crate::ring::DEGREE;
use crate::witness::{BLOCK, Witness};

/// Columns whose signed sums are in one table.
const GROUP: usize = 3;
/// Signed sums of so many columns.
const ENTRIES: usize = 27;
/// Groups after which sums of limbs are carried over.
const MOST_GROUPS: usize = MOST_TERMS / GROUP;

/// The sums of a tile, for each witness.
pub(super) fn sums(tile: &[u64], witnesses: &[Witness]) -> Vec<PlaneSums> {
    let mut sums = vec![vec![[Sum::default(); TILE]; DEGREE]; witnesses.len()];
    let mut running = vec![[Limbs::ZERO; DEGREE]; witnesses.len()];
    let mut groups = 0;
    for (group, columns) in tile.chunks(GROUP * TILE).enumerate() {
        let table = Table::new(columns);
        for (running, witness) in running.iter_mut().zip(witnesses) {
            for (sum, plane) in running.iter_mut().zip(witness.planes()) {
                let positive = bits(&plane.plus, group * GROUP);
                let negative = bits(&plane.minus, group * GROUP);
                sum.add(&table.0[index(positive, negative)]);
            }
        }
        groups += 1;
        if groups == MOST_GROUPS {
            carry(&mut sums, &mut running);
            groups = 0;
        }
    }
    carry(&mut sums, &mut running);
    sums
}

fn carry(sums: &mut [PlaneSums], running: &mut [[Limbs; DEGREE]]) {
    for (sums, running) in sums.iter_mut().zip(running) {
        for (sums, sum) in sums.iter_mut().zip(running) {
            Sum::add_limbs(sums, sum);
            *sum = Limbs::ZERO;
        }
    }
}

/// Three bits of a plane from a position on; those behind the end are zero.
fn bits(words: &[u64], position: usize) -> usize {
    let (word, shift) = (position / BLOCK, position % BLOCK);
    let low = words[word] >> shift;
    let high = match shift > BLOCK - GROUP {
        true => words
            .get(word + 1)
            .map_or(0, |next| next << (BLOCK - shift)),
        false => 0,
    };
    ((low | high) & 0b111) as usize
}

/// Where the sum with these columns added and those subtracted stands: Σ (digit + 1)·3^column.
const fn index(positive: usize, negative: usize) -> usize {
    const TERNARY: [usize; 8] = [0, 1, 3, 4, 9, 10, 12, 13];
    ENTRIES / 2 + TERNARY[positive] - TERNARY[negative]
}

/// All signed sums of three columns.
struct Table([Limbs; ENTRIES]);

impl Table {
    fn new(columns: &[u64]) -> Self {
        let mut table = [Limbs::ZERO; ENTRIES];
        let middle = ENTRIES / 2;
        // From each entry so far, one more with the column added and one with it subtracted.
        for (column, words) in columns.chunks_exact(TILE).enumerate() {
            let limbs = Limbs::split(words);
            let step = 3usize.pow(column as u32);
            let reach = (step - 1) / 2;
            for at in middle - reach..=middle + reach {
                let (mut more, mut less) = (table[at], table[at]);
                more.add(&limbs);
                less.sub(&limbs);
                table[at + step] = more;
                table[at - step] = less;
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
        let columns: Vec<u64> = (0..GROUP * TILE).map(|n| 1 << (n / TILE * 8)).collect();
        let table = Table::new(&columns);
        for positive in 0..8usize {
            for negative in 0..8 {
                if positive & negative == 0 {
                    let digit = |column: usize| {
                        (positive >> column & 1) as i32 - (negative >> column & 1) as i32
                    };
                    let expected: i32 = (0..GROUP).map(|c| digit(c) << (8 * c)).sum();
                    let found = &table.0[index(positive, negative)].0;
                    assert_eq!(found[0], [expected; TILE]);
                }
            }
        }
    }

    #[test]
    fn bits_across_words() {
        let words = [1 << 62 | 1 << 63, 0b10];
        assert_eq!(
            [61, 62, 63, 64].map(|at| bits(&words, at)),
            [0b110, 0b011, 0b101, 0b010]
        );
        assert_eq!(bits(&words[..1], 63), 1);
    }
}
