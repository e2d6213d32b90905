//! Rescue Prime Optimized: one permutation per row, in constraints of degree 7.
//!
//! # What a row proves
//! What a row of [`rpo`](super::rpo) proves, and of the same entries of the program. Round r takes x to x′ with
//!
//! ```text
//! x′⁷ = M·(M·x + ARK1[r])⁷ + ARK2[r]
//! ```
//! element by element. That is 105 main columns instead of 273, but eight quotient chunks instead of two.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use plica_hash_rpo::constants::{ARK1, ARK2, ROUNDS, WIDTH as LANES};
use plica_hash_rpo::{State, linear, rounds_of_many};

use super::rpo::head::{self, Head};
use crate::bus::ChipBuilder;
use crate::chip::columns;
use crate::trace::FactRow;

/// Instructions per row.
pub const FACTS: usize = 1;

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cols<T> {
    pub head: Head<T>,
    /// The state before the first round.
    pub state: [T; LANES],
    /// The states after each round.
    pub rounds: [[T; LANES]; ROUNDS],
}
columns!(Cols);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &NAMES;

const NAMES: [&str; head::CONSTRAINTS.len() + ROUNDS * LANES] = {
    let rounds: [[&str; LANES]; ROUNDS] = [
        head::lane_names!("round 0", "result"),
        head::lane_names!("round 1", "result"),
        head::lane_names!("round 2", "result"),
        head::lane_names!("round 3", "result"),
        head::lane_names!("round 4", "result"),
        head::lane_names!("round 5", "result"),
        head::lane_names!("round 6", "result"),
    ];
    head::names(rounds)
};

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    head::eval(&cols.head, &cols.state, &cols.rounds[ROUNDS - 1], builder);
    eval_rounds(cols.state.map(Into::into), &cols.rounds, builder);
}

/// The constraints of the first rounds from `state` on; the state behind them.
pub(super) fn eval_rounds<AB: ChipBuilder>(
    mut state: [AB::Expr; LANES],
    rounds: &[[AB::Var; LANES]],
    builder: &mut AB,
) -> [AB::Expr; LANES] {
    for (r, after) in rounds.iter().enumerate() {
        let middle = middle::<AB>(r, &state);
        state = after.map(Into::into);
        for (x, middle) in state.iter().zip(middle) {
            builder.assert_eq(x.exp_const_u64::<7>(), middle);
        }
    }
    state
}

/// x′⁷ = M·(M·x + ARK1[r])⁷ + ARK2[r] in round r
pub(super) fn middle<AB: ChipBuilder>(r: usize, state: &[AB::Expr; LANES]) -> [AB::Expr; LANES] {
    let seventh = linear(state, &ARK1[r]).map(|y| y.exp_const_u64::<7>());
    linear(&seventh, &ARK2[r])
}

/// Fills a row but for its rounds, which [`fill_rounds`] writes.
pub fn fill(cols: &mut Cols<Felt>, row: &FactRow<'_>) {
    cols.head = Head::new(row);
    cols.state = head::state(row);
}

/// Writes the rounds of whole rows, several at a time.
pub fn fill_rounds(rows: &mut [Felt]) {
    let states: Vec<State> = rows
        .chunks_exact(WIDTH)
        .map(|row| Cols::of(row).state)
        .collect();
    rounds_of_many(&states, |i, rounds| {
        let cols = Cols::of_mut(&mut rows[i * WIDTH..][..WIDTH]);
        cols.rounds = rounds.map(|[_, after]| after);
    });
}

#[cfg(test)]
mod tests;
