use p3_field::Field;
use plica_hash_rpo::{State, permute};
use proptest::prelude::*;

use super::head_tests::{Subject, state};
use super::*;
use crate::chip::ChipKind;
use crate::code::FactOp;
use crate::testing::{
    Forgery, check_every_column_is_noticed, check_forgeries, check_padding, violated,
};

const SUBJECT: Subject = Subject {
    chip: ChipKind::Rpo,
    fill: |row, values| {
        fill(Cols::of_mut(row), values);
        fill_rounds(row);
    },
    result: WIDTH - 2 * LANES,
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
        let mut after = middle.map(|w| w.exp_u64(plica_hash_rpo::constants::INV_ALPHA));
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
    let op = FactOp::Permute;
    let honest = SUBJECT.row(op);
    for r in 0..ROUNDS {
        for (column, what) in [
            (Column::Cube, "cube"),
            (Column::StateCube, "cube of the result"),
            (Column::State, "result"),
        ] {
            for lane in 0..LANES {
                let mut forged = honest.clone();
                Cols::of_mut(&mut forged).rounds = forged_rounds(&state(op), (r, column, lane));
                forgeries.push(Forgery::new(
                    format!("round {r}, lane {lane}: {what}"),
                    honest.clone(),
                    |row| row.copy_from_slice(&forged),
                    SUBJECT.results_changed(op, &honest, &forged),
                ));
            }
        }
    }
    check_forgeries(SUBJECT.chip, &forgeries);
}

#[test]
fn the_program_fixes_instruction_and_operands() {
    SUBJECT.check_head();
}

#[test]
fn every_column_is_noticed() {
    for op in [FactOp::Permute, FactOp::Merge] {
        check_every_column_is_noticed(SUBJECT.chip, &SUBJECT.row(op));
    }
}

#[test]
fn padding_duplicates_a_fact_and_provides_nothing() {
    let mults = head::Head::of_positions().mults;
    check_padding(SUBJECT.chip, &SUBJECT.row(FactOp::Permute), &mults);
    check_padding(SUBJECT.chip, &SUBJECT.row(FactOp::Merge), &mults);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_are_permutations(lanes in prop::array::uniform12(any::<u64>())) {
        let state = lanes.map(Felt::new);
        let row = SUBJECT.row_of(FactOp::Permute, &state);
        prop_assert!(violated(SUBJECT.chip, &row).is_empty());
        let mut permuted = state;
        permute(&mut permuted);
        prop_assert_eq!(SUBJECT.given(&row), head_tests::words(&permuted));
    }
}
