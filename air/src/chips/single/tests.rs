use proptest::prelude::*;

use super::*;
use crate::chip::ChipKind;
use crate::chips::arith::tests::{operand, operation};
use crate::code::ArithOp;
use crate::testing::{
    Forgery, MULT, adversarial, balance, cell, check_forgeries, check_lookup_binds, felt,
    positions, second_solutions, violated,
};

const CHIP: ChipKind = ChipKind::Single;
const FRAMES: [i64; INSTRUCTIONS] = [7, 9, 11, 13];
const IDS: [u32; INSTRUCTIONS] = [100, 200, 300, 400];

/// These instructions on these operands.
fn row(ops: [ArithOp; INSTRUCTIONS], operands: [[Felt; 2]; INSTRUCTIONS]) -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; WIDTH];
    for (i, cols) in Cols::of_mut(&mut row).instructions.iter_mut().enumerate() {
        let entry = ArithSingle {
            id: IDS[i],
            op: ops[i],
        };
        let [a, b] = operands[i];
        let values = [a, b, ops[i].eval(a, b)];
        fill(cols, felt(FRAMES[i]), &entry, values, felt(MULT));
    }
    row
}

/// (2−4)·10 + 9·4 = 16 everywhere.
fn affine() -> Vec<Felt> {
    let op = ArithOp::Affine {
        a: 50,
        b: felt(4),
        w: felt(9),
    };
    row([op; INSTRUCTIONS], [[felt(10), felt(4)]; INSTRUCTIONS])
}

/// (10+9)·4 = 76 and 10 + 9·4 = 46 in turn.
fn mixed() -> Vec<Felt> {
    let product = ArithOp::Product {
        a: 50,
        b: 51,
        w: felt(9),
    };
    let sum = ArithOp::Sum {
        a: 52,
        b: 53,
        w: felt(9),
    };
    let ops = [product, sum, product, sum];
    row(ops, [[felt(10), felt(4)]; INSTRUCTIONS])
}

fn mults() -> Vec<usize> {
    let positions = positions(WIDTH);
    let instructions = Cols::of(&positions).instructions;
    instructions.map(|cols| cols.lane.mult).to_vec()
}

#[test]
fn each_constraint_stops_a_forgery() {
    let mut forgeries = Vec::new();
    for i in 0..INSTRUCTIONS {
        let result = |value| cell(FRAMES[i], IDS[i], value);
        let wrong = |right, wrong| vec![(result(right), -MULT), (result(wrong), MULT)];
        // Another constant than the program's: (2−5)·10 + 9·5 = 15.
        forgeries.push(Forgery::new(
            format!("instruction {i}: immediate"),
            affine(),
            |row| {
                let lane = &mut Cols::of_mut(row).instructions[i].lane;
                lane.b = felt(5);
                lane.c = felt(15);
            },
            wrong(16, 15),
        ));
        for (honest, right) in [(affine(), 16), (mixed(), [76, 46][i % 2])] {
            forgeries.push(Forgery::new(
                format!("instruction {i}: result"),
                honest,
                |row| Cols::of_mut(row).instructions[i].lane.c = felt(1234),
                wrong(right, 1234),
            ));
        }
    }
    check_forgeries(CHIP, &forgeries);
}

#[test]
fn the_program_fixes_ids_shapes_and_constants() {
    let positions = positions(WIDTH);
    let columns: Vec<usize> = Cols::of(&positions)
        .instructions
        .iter()
        .flat_map(|Instruction { id, lane, .. }| [*id, lane.a_id, lane.b_id, lane.s, lane.w])
        .collect();
    check_lookup_binds(CHIP, &mixed(), &columns);
    check_lookup_binds(CHIP, &affine(), &columns);
}

#[test]
fn no_bundle_is_looked_up() {
    let entries = balance(CHIP, &mixed()).into_keys().filter(|m| m[0] >= 16);
    assert!(entries.into_iter().all(|m| m[0] == Class::Single as u64));
}

#[test]
fn each_instruction_has_its_own_frame() {
    let sent = balance(CHIP, &mixed());
    for i in 0..INSTRUCTIONS {
        let [a, b] = [[50, 51], [52, 53]][i % 2];
        let result = [76, 46][i % 2];
        let expected = [
            (cell(FRAMES[i], a, 10), -1),
            (cell(FRAMES[i], b, 4), -1),
            (cell(FRAMES[i], IDS[i], result), MULT),
        ];
        for (message, count) in expected {
            assert_eq!(sent.get(&message), Some(&felt(count)), "{message:?}");
        }
    }
    assert_eq!(sent.len(), 4 * INSTRUCTIONS);
}

#[test]
fn a_constant_operand_is_not_read() {
    let sent = balance(CHIP, &affine());
    for (i, frame) in FRAMES.into_iter().enumerate() {
        assert_eq!(sent.get(&cell(frame, 4, 4)), None, "instruction {i}");
    }
    assert_eq!(sent.len(), 3 * INSTRUCTIONS);
}

#[test]
fn padding_duplicates_a_fact_and_provides_nothing() {
    for honest in [mixed(), affine()] {
        let mut padding = honest.clone();
        for column in mults() {
            padding[column] = Felt::ZERO;
        }
        assert!(violated(CHIP, &padding).is_empty());
        let consumed: Vec<Felt> = balance(CHIP, &padding).into_values().collect();
        assert!(consumed.iter().all(|count| *count == Felt::NEG_ONE));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_result_is_a_function_of_the_operands(
        first in operation(),
        second in operation(),
        random in operand(),
    ) {
        let ops = [first.0, second.0, first.0, second.0];
        let honest = row(ops, [first.1, second.1, first.1, second.1]);
        let lane = Cols::of(&honest).instructions[3].lane;
        let mut candidates = adversarial(&[lane.a, lane.b, lane.c]);
        candidates.push(random);
        let others = second_solutions(CHIP, &honest, &mults(), &candidates);
        prop_assert_eq!(others, 0);
    }
}
