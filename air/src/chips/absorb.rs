//! A block of a message goes into the sponge and into two sums, in constraints of degree 3.
//!
//! # What a row proves
//! If there are k blocks after which the sponge has the capacity C and the sums are s and u, then there are k + 1 blocks after which it has the
//! capacity C′, and sums s′ and u′: the same blocks and that of the row, v₀ … v₇. With P the permutation, and K = F\[X\]/(X³ − X − 1):
//!
//! ```text
//! (C′, rate) = P(C, v₀ … v₇)
//! s′ = s·m + Σⱼ a^(7−j)·vⱼ      a, m in K
//! u′ = u·X + Σⱼ x^(7−j)·vⱼ      x in F
//! ```
//! The row of the *last* block says it of a whole message, with its digest in the place of the capacity. No blocks at all have capacity
//! and sums 0: that is what the row that asks says ([`sum`](super::sum)).
//!
//! A row belongs to no frame and no instruction, and a fact about a message is there once however often it is needed. The values of the block
//! are private. Every fact is true of some message, and no two messages of one length have one digest unless somebody finds a
//! collision; so what a fact about a digest says is determined by its arguments (rule R13 of the soundness page).
//!
//! The rounds are those of [`rpo`]; of the last one there are four lanes, of the capacity or of the digest. Two values of the
//! block and two powers go into each step of a sum. [`absorb_compact`](super::absorb_compact) does the same in degree 8.

use p3_field::PrimeCharacteristicRing;
use plica_field::{Felt, coefficients};
use plica_hash_rpo::constants::{CAPACITY, DIGEST, ROUNDS, WIDTH as LANES};

use super::ext3::product;
use super::rpo::{self, Round};
use crate::bus::ChipBuilder;
use crate::chip::columns;

pub mod head;
#[cfg(test)]
pub(super) mod head_tests;
use head::{AbsorbRow, Head, RATE, add, horner, scaled};

/// The last round, of which only four lanes matter.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Last<T> {
    /// Cubes of the inputs of the first S-boxes.
    pub cubes: [T; LANES],
    /// What the lanes of the digest have before the last S-boxes, less what those of the capacity have.
    pub difference: [T; DIGEST],
    /// Cubes of the lanes that the row gives.
    pub out_cubes: [T; DIGEST],
}

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cols<T> {
    pub head: Head<T>,
    /// a²
    pub square: [T; 3],
    /// The sum of the first half of the block at a.
    pub half: [T; 3],
    /// x²
    pub base_square: T,
    /// The sum of the first half of the block at x.
    pub base_half: T,
    pub rounds: [Round<T>; ROUNDS - 1],
    pub last: Last<T>,
}
columns!(Cols);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &NAMES;

const NAMES: [&str; head::CONSTRAINTS.len() + 12 + (ROUNDS - 1) * 3 * LANES + LANES + 3 * DIGEST] = {
    use super::node::head::concat;
    use super::rpo::head::lane_names;
    macro_rules! lanes {
        ($round:literal) => {
            &lane_names!($round, "cube", "cube of the result", "result")
        };
    }
    concat(&[
        &head::CONSTRAINTS,
        &[
            "square of a 0",
            "square of a 1",
            "square of a 2",
            "half of the sum 0",
            "half of the sum 1",
            "half of the sum 2",
            "sum 0",
            "sum 1",
            "sum 2",
            "square of x",
            "half of the sum at x",
            "sum at x",
        ],
        lanes!("round 0"),
        lanes!("round 1"),
        lanes!("round 2"),
        lanes!("round 3"),
        lanes!("round 4"),
        lanes!("round 5"),
        &lane_names!("round 6", "cube"),
        &head::out_names!("difference", "cube", "result"),
    ])
};

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let head = &cols.head;
    head::eval(head, builder);
    eval_sums(cols, builder);

    let last = &cols.last;
    let state = rpo::eval_rounds(head.state::<AB>(), &cols.rounds, builder);
    let middle = rpo::eval_cubes(ROUNDS - 1, &state, &last.cubes, &[], &[], builder);
    let (capacity, rate) = middle.split_at(CAPACITY);
    for (j, &difference) in last.difference.iter().enumerate() {
        builder.assert_eq(difference, rate[j].clone() - capacity[j].clone());
    }
    for (&cube, x) in last.out_cubes.iter().zip(head.out) {
        builder.assert_eq(cube, x.into().cube());
    }
    for (j, &cube) in last.out_cubes.iter().enumerate() {
        let cube: AB::Expr = cube.into();
        let chosen = capacity[j].clone() + last.difference[j].into() * head.last;
        builder.assert_eq(cube.square() * head.out[j], chosen);
    }
}

/// The sums, of four values in each step: (v₀·a + v₁)·a² + v₂·a + v₃ and so on.
fn eval_sums<AB: ChipBuilder>(cols: &Cols<AB::Var>, builder: &mut AB) {
    let head = &cols.head;
    let a = head.a.map(Into::into);
    let square = cols.square.map(Into::into);
    let half: [AB::Expr; 3] = cols.half.map(Into::into);
    let data: [AB::Expr; RATE] = head.data.map(Into::into);
    // v·a + v′
    let pair = |v: usize| {
        let mut sum = scaled(&a, &data[v]);
        sum[0] += data[v + 1].clone();
        sum
    };
    assert_equal(builder, cols.square, product(&a, &a));
    let first = product(&pair(0), &square);
    assert_equal(builder, cols.half, add(first, pair(2)));
    let third = add(product(&half, &square), pair(4));
    let own = add(product(&third, &square), pair(6));
    let before = product(&head.s.map(Into::into), &head.m.map(Into::into));
    assert_equal(builder, head.s_after, add(before, own));

    let x: AB::Expr = head.x.into();
    let square: AB::Expr = cols.base_square.into();
    let pair = |v: usize| data[v].clone() * x.clone() + data[v + 1].clone();
    builder.assert_eq(cols.base_square, x.square());
    builder.assert_eq(cols.base_half, pair(0) * square.clone() + pair(2));
    let third = cols.base_half.into() * square.clone() + pair(4);
    builder.assert_eq(head.value, third * square + pair(6));
}

fn assert_equal<AB: ChipBuilder>(builder: &mut AB, found: [AB::Var; 3], expected: [AB::Expr; 3]) {
    for (found, expected) in found.into_iter().zip(expected) {
        builder.assert_eq(found, expected);
    }
}

/// Fills a row but for its rounds, which [`fill_rounds`] writes.
pub fn fill(cols: &mut Cols<Felt>, row: &AbsorbRow) {
    let first = &row.data[..RATE / 2];
    cols.head = Head::new(row);
    cols.square = coefficients(row.point.a.square());
    cols.half = coefficients(horner(first, row.point.a));
    cols.base_square = row.point.x.square();
    cols.base_half = horner(first, row.point.x);
}

/// Writes the rounds of whole rows, several at a time, and what the rows give.
pub fn fill_rounds(rows: &mut [Felt]) {
    head::fill_rounds(rows, WIDTH, |row, rounds| {
        let cols = Cols::of_mut(row);
        let (last, before) = rounds.split_last().expect("seven rounds");
        for (round, found) in cols.rounds.iter_mut().zip(before) {
            *round = Round::new(found);
        }
        let [entering, after] = last;
        let seventh = |lane: usize| after[lane].exp_const_u64::<7>();
        cols.last = Last {
            cubes: entering.map(|y| y.cube()),
            difference: std::array::from_fn(|j| seventh(CAPACITY + j) - seventh(j)),
            out_cubes: cols.head.out.map(|x| x.cube()),
        };
    });
}

#[cfg(test)]
mod tests;
