//! Proofs in the lifted format: one height for the low-degree test, one quotient, RPO throughout. Made to be verified inside the machine.
//!
//! The statement is that of the crate: tables of different heights, each with its constraints and its bus columns. The proof differs
//! from a batch proof of Plonky3 in this:
//!
//! * **Lifting.** Let N be the largest height. A column f of a table of n rows is committed to as f(X^(N/n)), whose values are those of f,
//!   repeated (`domain.rs`). All openings are then at ζ and at the next point ζ·g, g of order N; all tables share the vanishing polynomial
//!   X^N − 1, and the low-degree test starts at one height.
//! * **One quotient** for all constraints of all tables, folded with one ladder of powers of α.
//! * **One sponge per leaf** over the rows of all tables in a tree, in whole blocks (`tree.rs`); no roots besides those of the trees.
//! * **One ladder** of powers of a challenge sums up the columns of a tree, with those that fill up blocks (`layout.rs`); powers of another one batch trees and points.
//! * **Leaves of coefficients** in the low-degree test (`fold.rs`).
//! * **A transcript of digests** (`transcript.rs`): a chain of two-to-one hashes.
//!
//! # Why a lifted table is as good as the table
//!
//! A prover may commit to any polynomials of degree below N, not only to those in X^(N/n). Constraints hold at all points x of the subgroup of
//! order N, with the selectors of the table taken at x^(N/n), and the next point is x·g. As x walks through the N points, x^(N/n) walks N/n times
//! through the n points of the table. So the walk splits into N/n blocks of n points, and on each the columns satisfy every
//! constraint of a table of n rows: the accumulator of the bus starts at 0 and ends at the terminal, which is one number of the transcript
//! for all blocks. The first block alone is a valid table with that terminal, whatever the others are. (This needs an accumulator and a
//! terminal per table: one for all would only be the average of the blocks.) Preprocessed columns are the key's, and repeat.
//!
//! For this the last row of a block must not depend on the row after it, which is of the next block and not its own first. The
//! constraints of the bus do not; a table with one that does is refused unless it has the full height N, by prover and verifier
//! ([`crate::InstanceError::Wraps`]).

mod bus;
mod describe;
mod domain;
mod draws;
mod fold;
mod layout;
mod machine;
mod proof;
mod prove;
#[cfg(test)]
mod tests;
mod tree;
mod verify;

use p3_field::PrimeCharacteristicRing;
use plica_field::coefficients;
use plica_hash_rpo::constants::RATE;
use plica_hash_rpo::transcript::{Transcript, control};

use crate::instances::InstanceList;
use crate::transcript::{Frame, encode_bytes, number};
use crate::types::{EXT_DEGREE, Ext, Felt, Word};

pub use describe::{Constraint, DescribeError, Description, TableDescription};
pub(crate) use domain::MAX_LOG_SIZE;
pub use domain::shift;
pub use draws::Draws;
pub use fold::{ARITY, Coefficients, LEAF, leaf};
pub use layout::{LOG_ARITY, Layout, MAX_LOG_FINAL, MIN_LOG_HEIGHT, Segment, TreeKind, TreeLayout};
pub use machine::{KindDescription, Machine, MachineError, Occurrence, ROOM, Room};
pub use proof::{LiftedProof, Opening};
pub(crate) use prove::{Preprocessed, prove};
pub use verify::query_indices;
pub(crate) use verify::{Rejection, verify};

/// What the words of the list of tables end with.
const LIST: u64 = 3;

/// Protocol and machine.
fn domain_of(version: u16, air_set: &[u8; 32]) -> Vec<Felt> {
    let mut domain = encode_bytes(b"plica lifted proof");
    domain.push(number(version.into()));
    domain.extend(encode_bytes(air_set));
    domain
}

/// The tables of a proof, word by word: their number, then kind and height of each.
fn list_of(instances: &InstanceList) -> Vec<Word> {
    let tables = instances.tables();
    let count = control(tables.len() as u64, LIST);
    let mut list = vec![count];
    list.extend(tables.iter().map(|instance| {
        let [kind, _, zero, tag] = control(instance.kind.into(), LIST);
        [kind, number(instance.log_height.into()), zero, tag]
    }));
    list
}

/// The transcript up to the first commitment: protocol and machine, tables; then key and public values.
fn start(frame: &Frame<'_>, public_values: &[Felt]) -> Transcript {
    let mut transcript = start_of_tables(frame.version, frame.air_set, frame.instances);
    transcript.absorb(*frame.key);
    transcript.absorb_all(public_values);
    transcript
}

/// The transcript that has taken in protocol, machine and tables.
fn start_of_tables(version: u16, air_set: &[u8; 32], instances: &InstanceList) -> Transcript {
    let mut transcript = Transcript::new(&domain_of(version, air_set));
    for word in list_of(instances) {
        transcript.absorb(word);
    }
    transcript
}

/// Takes in what each table adds to the bus.
fn absorb_terminals(transcript: &mut Transcript, terminals: &[Ext]) {
    for terminal in terminals {
        let [a, b, c] = coefficients(*terminal);
        transcript.absorb([a, b, c, Felt::ZERO]);
    }
}

/// Takes in the claimed values: table by table those in each tree at each point, then the quotient's. Coordinates are messages of their own, with
/// zeros in front that fill up the first block: their sums put together make the sum of the table's columns in a leaf.
fn absorb_claims(transcript: &mut Transcript, layout: &Layout, claims: &[Vec<Ext>]) {
    let quotient = |tree: &TreeLayout| tree.kind == TreeKind::Quotient;
    let mut absorb = |claims: &[Ext]| {
        for coordinate in 0..EXT_DEGREE {
            let values = claims.iter().map(|&claim| coefficients(claim)[coordinate]);
            let message = fill_up(&values.collect::<Vec<_>>(), Felt::ZERO);
            transcript.absorb_all(&message);
        }
    };
    for table in 0..layout.tables() {
        for ((tree, _), claims) in layout.openings().zip(claims) {
            if let Some(range) = tree.range_of(table).filter(|_| !quotient(tree)) {
                absorb(&claims[range]);
            }
        }
    }
    for ((tree, _), claims) in layout.openings().zip(claims) {
        if quotient(tree) {
            absorb(claims);
        }
    }
}

/// Takes in the final polynomial, with zeros in the place of the powers that it does not have.
fn absorb_last(transcript: &mut Transcript, last: &[Ext]) {
    let mut last = last.to_vec();
    last.resize(last.len().max(1 << MAX_LOG_FINAL), Ext::ZERO);
    transcript.absorb_ext(&last);
}

/// Puts zeros in front, up to whole blocks.
#[must_use]
pub fn fill_up<V: Copy>(values: &[V], zero: V) -> Vec<V> {
    let mut message = vec![zero; values.len().next_multiple_of(RATE) - values.len()];
    message.extend_from_slice(values);
    message
}

/// What the sum of each tree at each point is multiplied with: powers of a challenge of its own.
fn weights(layout: &Layout, outer: Ext) -> Vec<Ext> {
    outer.powers().collect_n(layout.openings().count())
}

/// Σ aⁱ·vᵢ, the highest power first, of a row that is filled up as leaves are.
fn ladder<F: Copy + PrimeCharacteristicRing>(tree: &TreeLayout, row: &[F], batching: Ext) -> Ext
where
    Ext: core::ops::Add<F, Output = Ext>,
{
    tree.pad(row, F::ZERO)
        .into_iter()
        .fold(Ext::ZERO, |sum, value| sum * batching + value)
}

/// The distinct indices of queries in a tree of 2^`log_leaves` leaves, ascending.
fn distinct(indices: &[usize], log_leaves: usize) -> Vec<usize> {
    let mask = (1 << log_leaves) - 1;
    let mut distinct: Vec<usize> = indices.iter().map(|index| index & mask).collect();
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}
