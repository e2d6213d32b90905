use plica_hash_rpo::constants::INV_ALPHA;
use plica_hash_rpo::{State, permute};
use proptest::prelude::*;

use super::super::rpo::head_tests::{Subject, state, words};
use super::*;
use crate::chip::ChipKind;
use crate::code::FactOp;
use crate::testing::{
    Forgery, check_every_column_is_noticed, check_forgeries, check_padding, violated,
};

const SUBJECT: Subject = Subject {
    chip: ChipKind::RpoCompact,
    fill: |row, values| {
        fill(Cols::of_mut(row), values);
        fill_rounds(row);
    },
    result: WIDTH - LANES,
};

/// The states from one on, with one lane of one round that breaks its constraint; all later ones fit it.
fn forged_rounds(state: &State, at: (usize, usize)) -> [State; ROUNDS] {
    let mut before = *state;
    std::array::from_fn(|r| {
        let seventh = linear(&before, &ARK1[r]).map(|y| y.exp_u64(7));
        before = linear(&seventh, &ARK2[r]).map(|w| w.exp_u64(INV_ALPHA));
        if r == at.0 {
            before[at.1] += Felt::ONE;
        }
        before
    })
}

#[test]
fn each_constraint_stops_a_forgery() {
    let mut forgeries = SUBJECT.head_forgeries();
    let op = FactOp::Permute;
    let honest = SUBJECT.row(op);
    for r in 0..ROUNDS {
        for lane in 0..LANES {
            let mut forged = honest.clone();
            Cols::of_mut(&mut forged).rounds = forged_rounds(&state(op), (r, lane));
            forgeries.push(Forgery::new(
                format!("round {r}, lane {lane}: result"),
                honest.clone(),
                |row| row.copy_from_slice(&forged),
                SUBJECT.results_changed(op, &honest, &forged),
            ));
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
    let mults = Head::of_positions().mults;
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
        prop_assert_eq!(SUBJECT.given(&row), words(&permuted));
    }
}
