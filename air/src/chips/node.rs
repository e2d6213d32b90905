//! A node of a Merkle tree and the two below it, in constraints of degree 3.
//!
//! # What a row proves
//! If the tree with root R has the node D at (level, index), and D is the hash of `left` and `right`, then it has
//!
//! ```text
//! left  at (level + 1, 2·index)
//! right at (level + 1, 2·index + 1)
//! ```
//! The *top* row of a tree needs no D before it: level and index are 0, and D is R.
//!
//! A row belongs to no frame and no instruction. What it proves is named by its arguments, so it is there once however often it is
//! needed, by however many paths. Its children are private: nothing but D determines them, and D does so unless somebody finds a
//! collision. So the way is from the root down (rule R12 of the soundness page).
//!
//! [`node_compact`](super::node_compact) does the same in degree 7.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use plica_hash_rpo::constants::{CAPACITY, DIGEST, ROUNDS, WIDTH as LANES};

use super::rpo::{self, Round};
use crate::bus::ChipBuilder;
use crate::chip::columns;

pub mod head;
#[cfg(test)]
pub(super) mod head_tests;
use head::{Head, NodeRow};

/// The last round, of which only the digest matters.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Last<T> {
    /// Cubes of the inputs of the first S-boxes.
    pub cubes: [T; LANES],
    pub digest: [T; DIGEST],
    /// Cubes of the digest.
    pub digest_cubes: [T; DIGEST],
}

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cols<T> {
    pub head: Head<T>,
    pub rounds: [Round<T>; ROUNDS - 1],
    pub last: Last<T>,
}
columns!(Cols);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &NAMES;

const NAMES: [&str; head::CONSTRAINTS.len() + (ROUNDS - 1) * 3 * LANES + LANES + 2 * DIGEST] = {
    use super::rpo::head::lane_names;
    macro_rules! lanes {
        ($round:literal) => {
            &lane_names!($round, "cube", "cube of the result", "result")
        };
    }
    head::concat(&[
        &head::CONSTRAINTS,
        lanes!("round 0"),
        lanes!("round 1"),
        lanes!("round 2"),
        lanes!("round 3"),
        lanes!("round 4"),
        lanes!("round 5"),
        &lane_names!("round 6", "cube"),
        &head::digest_names!("cube of the result", "result"),
    ])
};

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let last = &cols.last;
    head::eval(&cols.head, last.digest, builder);
    let state = rpo::eval_rounds(cols.head.state::<AB>(), &cols.rounds, builder);
    let r = ROUNDS - 1;
    let results = (&last.digest, &last.digest_cubes);
    let middle = rpo::eval_cubes(r, &state, &last.cubes, results.0, results.1, builder);
    let lanes = last.digest_cubes.iter().zip(&last.digest);
    for ((&cube, &x), middle) in lanes.zip(&middle[CAPACITY..]) {
        let cube: AB::Expr = cube.into();
        builder.assert_eq(cube.square() * x, middle.clone());
    }
}

/// Fills a row.
pub fn fill(cols: &mut Cols<Felt>, row: &NodeRow) {
    let rounds = rpo::rounds(&row.state());
    let last = &rounds[ROUNDS - 1];
    let digest = |lanes: &[Felt; LANES]| std::array::from_fn(|j| lanes[CAPACITY + j]);
    *cols = Cols {
        head: Head::new(row),
        rounds: std::array::from_fn(|r| rounds[r]),
        last: Last {
            cubes: last.cubes,
            digest: digest(&last.state),
            digest_cubes: digest(&last.state_cubes),
        },
    };
}

#[cfg(test)]
mod tests;
