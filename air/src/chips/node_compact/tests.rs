use plica_hash_rpo::State;
use plica_hash_rpo::constants::{ARK1, ARK2, INV_ALPHA};
use plica_hash_rpo::linear;
use proptest::prelude::*;

use super::super::node::head_tests::{Subject, any_children, inner, state};
use super::*;
use crate::chip::ChipKind;
use crate::testing::{Forgery, check_forgeries};

const SUBJECT: Subject = Subject {
    chip: ChipKind::NodeCompact,
    fill: |row, values| fill(Cols::of_mut(row), values),
    digest: WIDTH - DIGEST,
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
    let honest = SUBJECT.row(&inner());
    for r in 0..ROUNDS {
        for lane in 0..LANES {
            if r == ROUNDS - 1 && !(CAPACITY..CAPACITY + DIGEST).contains(&lane) {
                continue;
            }
            let rounds = forged_rounds(&state(inner().children), (r, lane));
            let mut forged = honest.clone();
            let cols = Cols::of_mut(&mut forged);
            cols.rounds.copy_from_slice(&rounds[..ROUNDS - 1]);
            cols.digest = std::array::from_fn(|j| rounds[ROUNDS - 1][CAPACITY + j]);
            forgeries.push(Forgery::new(
                format!("round {r}, lane {lane}: result"),
                honest.clone(),
                |row| row.copy_from_slice(&forged),
                SUBJECT.digest_changed(&honest, &forged),
            ));
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
