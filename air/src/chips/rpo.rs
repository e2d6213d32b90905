//! Rescue Prime Optimized: one permutation per row, in constraints of degree 3.
//!
//! # What a row proves
//! With the state s of twelve elements, capacity in 0–3, rate in 4–11, and P the permutation:
//!
//! ```text
//! permute   capacity, A, B ↦ the words of P(capacity ‖ A ‖ B)
//! merge     A, B           ↦ the digest, lanes 4–7 of P((c₀, c₁, 0, 0) ‖ A ‖ B)     c₀, c₁ constants
//! ```
//!
//! Round r takes x to x′ with
//!
//! ```text
//! y = M·x + ARK1[r]      x′⁷ = M·y⁷ + ARK2[r]
//! ```
//! In degree 3 that is z = y³, hence y⁷ = z²·y, and t = x′³, hence x′⁷ = t²·x′. Seven is prime to p − 1, so x′ is determined: a row is a
//! function of the state it starts from.
//!
//! [`rpo_compact`](super::rpo_compact) does the same without z and t, in degree 7.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use plica_hash_rpo::constants::{ARK1, ARK2, ROUNDS, WIDTH as LANES};
use plica_hash_rpo::{State, linear, rounds_of_many};

use crate::bus::ChipBuilder;
use crate::chip::columns;
use crate::trace::FactRow;

pub mod head;
#[cfg(test)]
pub(super) mod head_tests;
use head::Head;

/// Instructions per row.
pub const FACTS: usize = 1;

/// One round.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Round<T> {
    /// z: cubes of the inputs of the first S-boxes.
    pub cubes: [T; LANES],
    /// x′: the state after the round.
    pub state: [T; LANES],
    /// t: cubes of the state after the round.
    pub state_cubes: [T; LANES],
}

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cols<T> {
    pub head: Head<T>,
    /// The state before the first round.
    pub state: [T; LANES],
    pub rounds: [Round<T>; ROUNDS],
}
columns!(Cols);

/// Constraints per round.
const PER_ROUND: usize = 3 * LANES;

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &NAMES;

const NAMES: [&str; head::CONSTRAINTS.len() + ROUNDS * PER_ROUND] = {
    macro_rules! lanes {
        ($round:literal) => {
            head::lane_names!($round, "cube", "cube of the result", "result")
        };
    }
    let rounds: [[&str; PER_ROUND]; ROUNDS] = [
        lanes!("round 0"),
        lanes!("round 1"),
        lanes!("round 2"),
        lanes!("round 3"),
        lanes!("round 4"),
        lanes!("round 5"),
        lanes!("round 6"),
    ];
    head::names(rounds)
};

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    head::eval(
        &cols.head,
        &cols.state,
        &cols.rounds[ROUNDS - 1].state,
        builder,
    );
    eval_rounds(cols.state.map(Into::into), &cols.rounds, builder);
}

/// The constraints of the first rounds from `state` on; the state behind them.
pub(super) fn eval_rounds<AB: ChipBuilder>(
    mut state: [AB::Expr; LANES],
    rounds: &[Round<AB::Var>],
    builder: &mut AB,
) -> [AB::Expr; LANES] {
    for (r, round) in rounds.iter().enumerate() {
        let middle = eval_cubes(
            r,
            &state,
            &round.cubes,
            &round.state,
            &round.state_cubes,
            builder,
        );
        let results = round.state_cubes.iter().zip(&round.state);
        for ((&cube, &x), middle) in results.zip(middle) {
            let cube: AB::Expr = cube.into();
            builder.assert_eq(cube.square() * x, middle);
        }
        state = round.state.map(Into::into);
    }
    state
}

/// The constraints of round `r` on cubes: those of the inputs of its first S-boxes, and of as many results as there are. Its result x′
/// has x′⁷ = what this returns.
pub(super) fn eval_cubes<AB: ChipBuilder>(
    r: usize,
    state: &[AB::Expr; LANES],
    cubes: &[AB::Var; LANES],
    results: &[AB::Var],
    result_cubes: &[AB::Var],
    builder: &mut AB,
) -> [AB::Expr; LANES] {
    let y = linear(state, &ARK1[r]);
    // z = y³
    for (&cube, y) in cubes.iter().zip(&y) {
        builder.assert_eq(cube, y.cube());
    }
    // t = x′³
    for (&cube, &x) in result_cubes.iter().zip(results) {
        let x: AB::Expr = x.into();
        builder.assert_eq(cube, x.cube());
    }
    // t²·x′ = M·(z²·y) + ARK2
    let mut cubes = cubes.iter();
    let seventh = y.map(|y| {
        let cube: AB::Expr = (*cubes.next().expect("one per lane")).into();
        cube.square() * y
    });
    linear(&seventh, &ARK2[r])
}

/// Fills a row but for its rounds, which [`fill_rounds`] writes.
pub fn fill(cols: &mut Cols<Felt>, row: &FactRow<'_>) {
    cols.head = Head::new(row);
    cols.state = head::state(row);
}

impl Round<Felt> {
    /// From what enters the first S-boxes, and the state after the round.
    pub(super) fn new([entering, after]: &[State; 2]) -> Self {
        Self {
            cubes: entering.map(|y| y.cube()),
            state: *after,
            state_cubes: after.map(|x| x.cube()),
        }
    }
}

/// The rounds from a state on.
pub(super) fn rounds(state: &State) -> [Round<Felt>; ROUNDS] {
    let mut found = None;
    rounds_of_many(std::slice::from_ref(state), |_, rounds| {
        found = Some(rounds.each_ref().map(Round::new));
    });
    found.expect("one state")
}

/// Writes the rounds of whole rows, several at a time.
pub fn fill_rounds(rows: &mut [Felt]) {
    let states: Vec<State> = rows
        .chunks_exact(WIDTH)
        .map(|row| Cols::of(row).state)
        .collect();
    rounds_of_many(&states, |i, rounds| {
        let cols = Cols::of_mut(&mut rows[i * WIDTH..][..WIDTH]);
        cols.rounds = rounds.each_ref().map(Round::new);
    });
}

#[cfg(test)]
mod tests;
