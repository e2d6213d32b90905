use plica_hash_rpo::State;
use plica_hash_rpo::constants::INV_ALPHA;

use super::super::absorb::head_tests::{Subject, chosen, end, inner, middle, shared_tests, state};
use super::*;
use crate::chip::ChipKind;

const SUBJECT: Subject = Subject {
    chip: ChipKind::AbsorbCompact,
    fill: |row, values| {
        fill(Cols::of_mut(row), values);
        fill_rounds(row);
    },
};

/// The states from one on, with one lane of one round that breaks its constraint; all later ones fit it. Also what goes into the last
/// S-boxes.
fn forged_rounds(state: &State, at: (usize, usize)) -> ([State; ROUNDS - 1], State) {
    let mut before = *state;
    let rounds = std::array::from_fn(|r| {
        before = middle(r, &before).map(|w| w.exp_u64(INV_ALPHA));
        if r == at.0 {
            before[at.1] += Felt::ONE;
        }
        before
    });
    (rounds, middle(ROUNDS - 1, &before))
}

#[test]
fn each_constraint_stops_a_forgery() {
    let mut forgeries = vec![SUBJECT.forgery_of_last(|_| {})];
    let of = inner();
    for i in 0..3 {
        forgeries.push(SUBJECT.forgery(format!("sum {i}"), &of, |row| {
            Cols::of_mut(row).head.s_after[i] += Felt::ONE;
        }));
    }
    forgeries.push(SUBJECT.forgery("sum at x", &of, |row| {
        Cols::of_mut(row).head.value += Felt::ONE;
    }));
    for of in [inner(), end()] {
        for r in 0..ROUNDS - 1 {
            for lane in 0..LANES {
                let (rounds, middle) = forged_rounds(&state(&of), (r, lane));
                let name = format!("round {r}, lane {lane}: result");
                forgeries.push(SUBJECT.forgery(name, &of, |row| {
                    let cols = Cols::of_mut(row);
                    cols.rounds = rounds;
                    cols.head.out = chosen(&middle, cols.head.last);
                }));
            }
        }
        for j in 0..DIGEST {
            let name = format!("round 6, out {j}: result");
            forgeries.push(SUBJECT.forgery(name, &of, |row| {
                Cols::of_mut(row).head.out[j] += Felt::ONE;
            }));
        }
    }
    SUBJECT.check_forgeries(&forgeries);
}

shared_tests!(SUBJECT, &[Felt::ZERO, Felt::ONE, Felt::NEG_ONE]);
