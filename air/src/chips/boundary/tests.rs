use p3_field::PrimeField64;

use super::*;
use crate::check::{Message, check_row};
use crate::chip::ChipKind;
use crate::testing::{adversarial, cell, felt, state};

/// Entry 5, halt 9, inputs 100…, outputs 200….
fn messages(row: &[Felt]) -> Vec<(Message, Felt)> {
    let public: Vec<Felt> = (0..STACK_SIZE as i64)
        .map(|j| felt(100 + j))
        .chain((0..STACK_SIZE as i64).map(|j| felt(200 + j)))
        .collect();
    let report = check_row(ChipKind::Boundary, row, &[felt(5), felt(9)], &public);
    assert!(report.constraints.is_empty());
    report.messages
}

#[test]
fn the_row_states_inputs_outputs_start_and_end() {
    let row: Vec<Felt> = (0..WIDTH as i64).map(|j| felt(30 + j)).collect();
    let mut expected = Vec::new();
    for j in 0..STACK_SIZE as i64 {
        expected.push((cell(0, INPUT + j as u32, 100 + j), felt(31 + j)));
    }
    for j in 0..STACK_SIZE as i64 {
        expected.push((cell(0, OUTPUT + j as u32, 200 + j), Felt::NEG_ONE));
    }
    expected.push((state(1, 5, 0), Felt::ONE));
    expected.push((state(30, 9, 0), Felt::NEG_ONE));
    assert_eq!(messages(&row), expected);
}

#[test]
fn the_prover_chooses_only_the_last_clock_and_how_often_inputs_are_read() {
    for value in adversarial(&[]) {
        for column in 0..WIDTH {
            let mut row = vec![Felt::ONE; WIDTH];
            row[column] = value;
            let tuples = |m: Vec<(Message, Felt)>| -> Vec<Message> {
                m.into_iter().map(|(message, _)| message).collect()
            };
            let mut expected = tuples(messages(&[Felt::ONE; WIDTH]));
            if column == 0 {
                expected.last_mut().unwrap()[1] = value.as_canonical_u64();
            } else if value == Felt::ZERO {
                expected.remove(column - 1);
            }
            assert_eq!(tuples(messages(&row)), expected);
        }
    }
}
