//! A block of a message goes into the sponge and into two sums, in constraints of degree 8.
//!
//! # What a row proves
//! What a row of [`absorb`](super::absorb) proves. The rounds are those of [`rpo_compact`], and
//!
//! ```text
//! out⁷ = (1 − last)·(lanes of the capacity) + last·(lanes of the digest)      before the last S-boxes
//! ```
//! and the powers of a and x are inside the constraints for the sums. That is 108 main columns instead of 280, but eight quotient chunks
//! instead of two.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use plica_hash_rpo::constants::{CAPACITY, DIGEST, ROUNDS, WIDTH as LANES};

use super::absorb::head::{self, AbsorbRow, Head, add};
use super::ext3::product;
use super::rpo_compact;
use crate::bus::ChipBuilder;
use crate::chip::columns;

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cols<T> {
    pub head: Head<T>,
    /// The states after each round but the last.
    pub rounds: [[T; LANES]; ROUNDS - 1],
}
columns!(Cols);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &NAMES;

const NAMES: [&str; head::CONSTRAINTS.len() + 4 + (ROUNDS - 1) * LANES + DIGEST] = {
    use super::node::head::concat;
    use super::rpo::head::lane_names;
    concat(&[
        &head::CONSTRAINTS,
        &["sum 0", "sum 1", "sum 2", "sum at x"],
        &lane_names!("round 0", "result"),
        &lane_names!("round 1", "result"),
        &lane_names!("round 2", "result"),
        &lane_names!("round 3", "result"),
        &lane_names!("round 4", "result"),
        &lane_names!("round 5", "result"),
        &head::out_names!("result"),
    ])
};

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let head = &cols.head;
    head::eval(head, builder);

    let a: [AB::Expr; 3] = head.a.map(Into::into);
    let x: AB::Expr = head.x.into();
    let [first, rest @ ..] = head.data.map(Into::into);
    let mut own = [first.clone(), AB::Expr::ZERO, AB::Expr::ZERO];
    let mut value = first;
    for v in rest {
        own = product(&own, &a);
        own[0] += v.clone();
        value = value * x.clone() + v;
    }
    let before = product(&head.s.map(Into::into), &head.m.map(Into::into));
    for (found, expected) in head.s_after.into_iter().zip(add(before, own)) {
        builder.assert_eq(found, expected);
    }
    builder.assert_eq(head.value, value);

    let state = rpo_compact::eval_rounds(head.state::<AB>(), &cols.rounds, builder);
    let middle = rpo_compact::middle::<AB>(ROUNDS - 1, &state);
    let (capacity, rate) = middle.split_at(CAPACITY);
    let last: AB::Expr = head.last.into();
    for (j, x) in head.out.into_iter().enumerate() {
        let x: AB::Expr = x.into();
        let difference = rate[j].clone() - capacity[j].clone();
        let chosen = capacity[j].clone() + last.clone() * difference;
        builder.assert_eq(x.exp_const_u64::<7>(), chosen);
    }
}

/// Fills a row but for its rounds, which [`fill_rounds`] writes.
pub fn fill(cols: &mut Cols<Felt>, row: &AbsorbRow) {
    cols.head = Head::new(row);
}

/// Writes the rounds of whole rows, several at a time, and what the rows give.
pub fn fill_rounds(rows: &mut [Felt]) {
    head::fill_rounds(rows, WIDTH, |row, rounds| {
        for (state, [_, after]) in Cols::of_mut(row).rounds.iter_mut().zip(rounds) {
            *state = *after;
        }
    });
}

#[cfg(test)]
mod tests;
