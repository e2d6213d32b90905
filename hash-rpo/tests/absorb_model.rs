//! A model of the absorb chip and of what might be in its place (`docs/recursion.md`): rows as messages, no columns and no proof system.
//!
//! A row takes eight values of a leaf into the sponge and into a sum in the extension. The model says which sets of rows the bus
//! accepts, so that what the page demands of the chain (one message, or exact counts) is seen to be needed, and to be enough.

use std::collections::BTreeMap;

use p3_field::{BasedVectorSpace, PrimeCharacteristicRing, PrimeField64};
use plica_field::{Ext, Felt};
use plica_hash_rpo::constants::{CAPACITY, DIGEST, WIDTH};
use plica_hash_rpo::permute;

/// Values per row.
const RATE: usize = WIDTH - CAPACITY;

/// Tree and leaf.
const LEAF: [u64; 2] = [1 << 32, 9];

/// How rows hand on what they have come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chain {
    /// One message with capacity and sum, given as often as somebody likes; the result is named by the digest. This is the chip.
    Facts,
    /// One message with capacity and sum, given once and taken once.
    Joint,
    /// A message for each, both given once and taken once.
    Separate,
    /// A message for each, given as often as somebody likes, as cells are.
    Cells,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    block: u64,
    last: bool,
    data: [Felt; RATE],
    capacity: [Felt; CAPACITY],
    sum: Ext,
    alpha: Ext,
}

impl Row {
    /// What the sponge and the sum are after the row.
    fn after(&self) -> ([Felt; CAPACITY], [Felt; DIGEST], Ext) {
        let mut state = [Felt::ZERO; WIDTH];
        state[..CAPACITY].copy_from_slice(&self.capacity);
        state[CAPACITY..].copy_from_slice(&self.data);
        permute(&mut state);
        // acc·α⁸ + Σ α^(7 − j)·v_j
        let power = |e: usize| self.alpha.exp_u64(e as u64);
        let terms = self.data.iter().enumerate();
        let own: Ext = terms.map(|(j, &value)| power(RATE - 1 - j) * value).sum();
        let capacity = std::array::from_fn(|j| state[j]);
        let digest = std::array::from_fn(|j| state[CAPACITY + j]);
        (capacity, digest, self.sum * power(RATE) + own)
    }
}

type Message = Vec<u64>;

fn message(kind: u64, block: u64, parts: &[&[Felt]]) -> Message {
    let fields = parts
        .iter()
        .copied()
        .flatten()
        .map(|v| v.as_canonical_u64());
    [kind, LEAF[0], LEAF[1], block]
        .into_iter()
        .chain(fields)
        .collect()
}

fn coefficients(value: &Ext) -> &[Felt] {
    value.as_basis_coefficients_slice()
}

/// What rows hand from block to block.
fn links(chain: Chain, block: u64, capacity: &[Felt], alpha: &Ext, sum: &Ext) -> Vec<Message> {
    let (alpha, sum) = (coefficients(alpha), coefficients(sum));
    match chain {
        Chain::Facts | Chain::Joint => vec![message(1, block, &[capacity, alpha, sum])],
        Chain::Separate | Chain::Cells => vec![
            message(1, block, &[capacity]),
            message(2, block, &[alpha, sum]),
        ],
    }
}

/// Whether these rows balance beside a tree whose leaf has this digest and so many blocks, and a reader of `result` for `alpha`.
fn accepted(
    chain: Chain,
    rows: &[Row],
    digest: [Felt; DIGEST],
    blocks: u64,
    alpha: Ext,
    result: Ext,
) -> bool {
    let exact = matches!(chain, Chain::Joint | Chain::Separate);
    // Given once and taken once.
    let mut balance: BTreeMap<Message, i64> = BTreeMap::new();
    // Given as often as it is taken, if at all.
    let mut given = vec![message(3, blocks, &[&digest])];
    let parts = [coefficients(&alpha), coefficients(&result)];
    let mut taken = vec![match chain {
        Chain::Facts => message(5, blocks, &[&digest, parts[0], parts[1]]),
        _ => message(4, blocks, &parts),
    }];
    for row in rows {
        let (capacity, digest, sum) = row.after();
        if row.block == 0 {
            if row.capacity != [Felt::ZERO; CAPACITY] || row.sum != Ext::ZERO {
                return false;
            }
        } else {
            for link in links(chain, row.block, &row.capacity, &row.alpha, &row.sum) {
                if exact {
                    *balance.entry(link).or_default() -= 1;
                } else {
                    taken.push(link);
                }
            }
        }
        if row.last && chain == Chain::Facts {
            let parts = [&digest, coefficients(&row.alpha), coefficients(&sum)];
            given.push(message(5, row.block + 1, &parts));
        } else if row.last {
            taken.push(message(3, row.block + 1, &[&digest]));
        } else {
            for link in links(chain, row.block + 1, &capacity, &row.alpha, &sum) {
                if exact {
                    *balance.entry(link).or_default() += 1;
                } else {
                    given.push(link);
                }
            }
        }
        given.push(message(
            4,
            row.block + 1,
            &[coefficients(&row.alpha), coefficients(&sum)],
        ));
    }
    balance.values().all(|&count| count == 0) && taken.iter().all(|m| given.contains(m))
}

fn values(blocks: usize) -> Vec<Felt> {
    (1..=(blocks * RATE) as u64).map(Felt::from_u64).collect()
}

fn alpha() -> Ext {
    Ext::from_basis_coefficients_fn(|j| Felt::from_u64(100 + j as u64))
}

/// The rows of a leaf, and its digest and sum.
fn absorb(values: &[Felt], alpha: Ext) -> (Vec<Row>, [Felt; DIGEST], Ext) {
    let blocks = values.len() / RATE;
    let (mut capacity, mut sum) = ([Felt::ZERO; CAPACITY], Ext::ZERO);
    let mut digest = [Felt::ZERO; DIGEST];
    let rows = values.chunks_exact(RATE).enumerate().map(|(block, data)| {
        let row = Row {
            block: block as u64,
            last: block + 1 == blocks,
            data: data.try_into().expect("a block"),
            capacity,
            sum,
            alpha,
        };
        (capacity, digest, sum) = row.after();
        row
    });
    let rows = rows.collect();
    (rows, digest, sum)
}

#[test]
fn honest_rows_give_the_combination_of_all_values() {
    for blocks in 1..5 {
        let values = values(blocks);
        let (rows, digest, sum) = absorb(&values, alpha());
        let horner = values
            .iter()
            .fold(Ext::ZERO, |acc, &value| acc * alpha() + value);
        assert_eq!(sum, horner);
        for chain in [Chain::Facts, Chain::Joint, Chain::Separate, Chain::Cells] {
            let accepts = |result| accepted(chain, &rows, digest, blocks as u64, alpha(), result);
            assert!(accepts(sum));
            assert!(!accepts(sum + Ext::ONE));
        }
    }
}

/// An attacker continues the honest sponge with the sum of other data. Cells allow it. One message does not, whatever the counts: nobody
/// gives that capacity with that sum. Nor do exact counts: the sponge of the other data would have to end somewhere.
#[test]
fn a_sum_of_other_data_needs_a_sponge_of_its_own() {
    let honest = values(2);
    let (rows, digest, _) = absorb(&honest, alpha());
    let mut other = honest.clone();
    other[3] += Felt::ONE;
    let (false_rows, _, _) = absorb(&other, alpha());
    // The second row takes the honest capacity and the false sum.
    let mixed = Row {
        sum: false_rows[1].sum,
        ..rows[1]
    };
    let (_, _, result) = mixed.after();
    let attack = [rows[0], false_rows[0], mixed];
    let blocks = 2;
    let accepts = |chain, rows: &[Row]| accepted(chain, rows, digest, blocks, alpha(), result);
    assert!(accepts(Chain::Cells, &attack));
    for chain in [Chain::Facts, Chain::Joint, Chain::Separate] {
        // Whichever of the rows are there, and whether they end the chain or not.
        let candidates = [rows[0], rows[1], false_rows[0], false_rows[1], mixed];
        for subset in 1u32..1 << candidates.len() {
            for ends in 0u32..1 << candidates.len() {
                let chosen: Vec<Row> = (0..candidates.len())
                    .filter(|i| subset >> i & 1 == 1)
                    .map(|i| Row {
                        last: ends >> i & 1 == 1,
                        ..candidates[i]
                    })
                    .collect();
                assert!(!accepts(chain, &chosen), "{chain:?} {subset:b} {ends:b}");
            }
        }
    }
}

/// A row in the middle may give its result to anyone: with exact counts the rest of its leaf is there, too. A fact names the digest.
#[test]
fn a_chain_that_does_not_end_is_no_chain() {
    let mut other = values(2);
    other[0] += Felt::ONE;
    let (rows, _, _) = absorb(&other, alpha());
    let (_, digest, _) = absorb(&values(2), alpha());
    let (_, _, result) = rows[0].after();
    let first = [rows[0]];
    // Read as the result of one block.
    let accepts = |chain| accepted(chain, &first, digest, 1, alpha(), result);
    assert!(accepts(Chain::Cells));
    assert!(!accepts(Chain::Joint) && !accepts(Chain::Separate) && !accepts(Chain::Facts));
    // Nor does it help to say that it is the last one.
    let ends = [Row {
        last: true,
        ..rows[0]
    }];
    assert!(!accepted(Chain::Facts, &ends, digest, 1, alpha(), result));
    let own = ends[0].after().1;
    assert!(accepted(Chain::Facts, &ends, own, 1, alpha(), result));
}
