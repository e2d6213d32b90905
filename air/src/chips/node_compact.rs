//! A node of a Merkle tree and the two below it, in constraints of degree 7.
//!
//! # What a row proves
//! What a row of [`node`](super::node) proves; the rounds are those of [`rpo_compact`]. That is 93 main columns
//! instead of 253, but eight quotient chunks instead of two.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use plica_hash_rpo::constants::{CAPACITY, DIGEST, ROUNDS, WIDTH as LANES};
use plica_hash_rpo::rounds_of_many;

use super::node::head::{self, Head, NodeRow};
use super::rpo_compact;
use crate::bus::ChipBuilder;
use crate::chip::columns;

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cols<T> {
    pub head: Head<T>,
    /// The states after each round but the last.
    pub rounds: [[T; LANES]; ROUNDS - 1],
    pub digest: [T; DIGEST],
}
columns!(Cols);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &NAMES;

const NAMES: [&str; head::CONSTRAINTS.len() + (ROUNDS - 1) * LANES + DIGEST] = {
    use super::rpo::head::lane_names;
    head::concat(&[
        &head::CONSTRAINTS,
        &lane_names!("round 0", "result"),
        &lane_names!("round 1", "result"),
        &lane_names!("round 2", "result"),
        &lane_names!("round 3", "result"),
        &lane_names!("round 4", "result"),
        &lane_names!("round 5", "result"),
        &head::digest_names!("result"),
    ])
};

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    head::eval(&cols.head, cols.digest, builder);
    let state = rpo_compact::eval_rounds(cols.head.state::<AB>(), &cols.rounds, builder);
    let middle = rpo_compact::middle::<AB>(ROUNDS - 1, &state);
    for (x, middle) in cols.digest.into_iter().zip(&middle[CAPACITY..]) {
        let x: AB::Expr = x.into();
        builder.assert_eq(x.exp_const_u64::<7>(), middle.clone());
    }
}

/// Fills a row.
pub fn fill(cols: &mut Cols<Felt>, row: &NodeRow) {
    let mut states = [[Felt::ZERO; LANES]; ROUNDS];
    rounds_of_many(&[row.state()], |_, rounds| {
        for (state, [_, after]) in states.iter_mut().zip(rounds) {
            *state = *after;
        }
    });
    *cols = Cols {
        head: Head::new(row),
        rounds: std::array::from_fn(|r| states[r]),
        digest: std::array::from_fn(|j| states[ROUNDS - 1][CAPACITY + j]),
    };
}

#[cfg(test)]
mod tests;
