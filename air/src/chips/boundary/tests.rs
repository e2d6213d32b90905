use p3_field::PrimeField64;

use super::*;
use crate::check::{Message, check_row};
use crate::chip::ChipKind;
use crate::testing::{address, adversarial, cell, felt, state};

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
        expected.push((cell(0, INPUT + j as u32, 100 + j), felt(33 + j)));
    }
    for j in 0..STACK_SIZE as i64 {
        expected.push((cell(0, OUTPUT + j as u32, 200 + j), Felt::NEG_ONE));
    }
    expected.push((state(1, 5, 0), Felt::ONE));
    expected.push((state(30, 9, 0), Felt::NEG_ONE));
    expected.push((address(0, -1), Felt::ONE));
    expected.push((address(31, 32), Felt::NEG_ONE));
    assert_eq!(messages(&row), expected);
}

#[test]
fn the_prover_chooses_only_the_last_clock_and_address_and_how_often_inputs_are_read() {
    for value in adversarial(&[]) {
        for column in 0..WIDTH {
            let mut row = vec![Felt::ONE; WIDTH];
            row[column] = value;
            let tuples = |m: Vec<(Message, Felt)>| -> Vec<Message> {
                m.into_iter().map(|(message, _)| message).collect()
            };
            let mut expected = tuples(messages(&[Felt::ONE; WIDTH]));
            let last = expected.len() - 1;
            match column {
                0 => expected[last - 2][1] = value.as_canonical_u64(),
                1 | 2 => expected[last][column] = value.as_canonical_u64(),
                _ if value == Felt::ZERO => {
                    expected.remove(column - 3);
                }
                _ => {}
            }
            assert_eq!(tuples(messages(&row)), expected);
        }
    }
}
