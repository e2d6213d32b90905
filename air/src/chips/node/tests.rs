use p3_field::Field;
use plica_hash_rpo::State;
use plica_hash_rpo::constants::{ARK1, ARK2, INV_ALPHA};
use plica_hash_rpo::linear;
use proptest::prelude::*;

use super::head_tests::{Subject, any_children, inner, state};
use super::*;
use crate::chip::ChipKind;
use crate::testing::{Forgery, check_forgeries};

const SUBJECT: Subject = Subject {
    chip: ChipKind::Node,
    fill: |row, values| fill(Cols::of_mut(row), values),
    digest: WIDTH - 2 * DIGEST,
};

/// Columns of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Cube,
    StateCube,
    State,
}

/// The rounds from a state on, column by column, with one that breaks its constraint and only that; all later ones fit it.
fn forged_rounds(
    state: &State,
    (at, column, lane): (usize, Column, usize),
) -> [Round<Felt>; ROUNDS] {
    let mut before = *state;
    std::array::from_fn(|r| {
        let here = |c: Column| (r == at && c == column).then_some(lane);
        let y = linear(&before, &ARK1[r]);
        let mut cubes = y.map(|y| y.cube());
        if let Some(lane) = here(Column::Cube) {
            cubes[lane] += Felt::ONE;
        }
        let seventh = std::array::from_fn(|j| cubes[j].square() * y[j]);
        let middle = linear(&seventh, &ARK2[r]);
        let mut after = middle.map(|w| w.exp_u64(INV_ALPHA));
        if let Some(lane) = here(Column::State) {
            after[lane] += Felt::ONE;
        }
        let mut state_cubes = after.map(|x| x.cube());
        if let Some(lane) = here(Column::StateCube) {
            // t = 1/s and x′ = w·s² solve t²·x′ = w.
            let s = Felt::from_u32(3);
            state_cubes[lane] = s.inverse();
            after[lane] = middle[lane] * s.square();
        }
        before = after;
        Round {
            cubes,
            state: after,
            state_cubes,
        }
    })
}

#[test]
fn each_constraint_stops_a_forgery() {
    let mut forgeries = SUBJECT.head_forgeries();
    let honest = SUBJECT.row(&inner());
    for r in 0..ROUNDS {
        for (column, what) in [
            (Column::Cube, "cube"),
            (Column::StateCube, "cube of the result"),
            (Column::State, "result"),
        ] {
            for lane in 0..LANES {
                let in_digest = (CAPACITY..CAPACITY + DIGEST).contains(&lane);
                if r == ROUNDS - 1 && column != Column::Cube && !in_digest {
                    continue;
                }
                let rounds = forged_rounds(&state(inner().children), (r, column, lane));
                let mut forged = honest.clone();
                let cols = Cols::of_mut(&mut forged);
                cols.rounds.copy_from_slice(&rounds[..ROUNDS - 1]);
                let last = &rounds[ROUNDS - 1];
                cols.last = Last {
                    cubes: last.cubes,
                    digest: std::array::from_fn(|j| last.state[CAPACITY + j]),
                    digest_cubes: std::array::from_fn(|j| last.state_cubes[CAPACITY + j]),
                };
                forgeries.push(Forgery::new(
                    format!("round {r}, lane {lane}: {what}"),
                    honest.clone(),
                    |row| row.copy_from_slice(&forged),
                    SUBJECT.digest_changed(&honest, &forged),
                ));
            }
        }
    }
    check_forgeries(SUBJECT.chip, &forgeries);
}

#[test]
fn a_row_says_what_is_below_a_node() {
    SUBJECT.check_messages();
}

#[test]
fn a_node_below_the_root_is_read() {
    SUBJECT.check_inner_rows_are_not_tops();
}

#[test]
fn every_column_is_noticed() {
    SUBJECT.check_columns();
}

#[test]
fn padding_provides_nothing() {
    SUBJECT.check_padding();
}

#[test]
fn a_node_has_no_other_children() {
    SUBJECT.check_other_children();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_node_has_no_children_by_chance(children in any_children()) {
        SUBJECT.check_children(children);
    }
}
