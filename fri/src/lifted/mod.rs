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
//! * **One ladder** of powers of a challenge batches all columns at all points, with those that fill up blocks (`layout.rs`).
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
mod fold;
mod layout;
mod proof;
mod prove;
#[cfg(test)]
mod tests;
mod transcript;
mod tree;
mod verify;

use p3_field::{BasedVectorSpace, PrimeCharacteristicRing};

use crate::instances::InstanceList;
use crate::transcript::{Frame, encode_bytes, number};
use crate::types::{EXT_DEGREE, Ext, Felt};
use transcript::Transcript;

pub use describe::{Constraint, DescribeError, Description, TableDescription};
pub use domain::shift;
pub use fold::{ARITY, Coefficients, LEAF, leaf};
pub use layout::{LOG_ARITY, Layout, Segment, TreeKind, TreeLayout};
pub use proof::{LiftedProof, Opening};
pub(crate) use prove::{Preprocessed, prove};
pub use verify::query_indices;
pub(crate) use verify::{Rejection, verify};

/// Protocol and machine.
fn domain_of(version: u16, air_set: &[u8; 32]) -> Vec<Felt> {
    let mut domain = encode_bytes(b"plica lifted proof");
    domain.push(number(version.into()));
    domain.extend(encode_bytes(air_set));
    domain
}

/// The tables of a proof.
fn list_of(instances: &InstanceList) -> Vec<Felt> {
    let tables = instances.tables();
    let mut list = vec![number(tables.len() as u64)];
    for instance in tables {
        list.push(number(instance.kind.into()));
        list.push(number(instance.log_height.into()));
    }
    list
}

/// The transcript up to the first commitment: protocol and machine; then key, tables and public values.
fn start(frame: &Frame<'_>, public_values: &[Felt]) -> Transcript {
    let mut transcript = Transcript::new(&domain_of(frame.version, frame.air_set));
    transcript.absorb(*frame.key);
    transcript.absorb_all(&list_of(frame.instances));
    transcript.absorb_all(public_values);
    transcript
}

/// Takes in the values claimed for a tree at a point: filled up as the leaves are, coordinate by coordinate, each a message of its own. So
/// their sum in the batching is that of the leaves, of the same form.
fn absorb_claims(transcript: &mut Transcript, tree: &TreeLayout, claims: &[Ext]) {
    let padded = tree.pad(claims, Ext::ZERO);
    for coordinate in 0..EXT_DEGREE {
        let message: Vec<Felt> = padded
            .iter()
            .map(|claim| {
                <Ext as BasedVectorSpace<Felt>>::as_basis_coefficients_slice(claim)[coordinate]
            })
            .collect();
        transcript.absorb_all(&message);
    }
}

/// What the sum of each tree at each point is multiplied with: powers that continue where the next one's ladder ends.
fn weights(layout: &Layout, batching: Ext) -> Vec<Ext> {
    let openings: Vec<_> = layout.openings().collect();
    let mut weight = Ext::ONE;
    let mut weights: Vec<Ext> = openings
        .iter()
        .rev()
        .map(|(tree, _)| {
            let this = weight;
            weight *= batching.exp_u64(tree.padded() as u64);
            this
        })
        .collect();
    weights.reverse();
    weights
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
