use proptest::prelude::*;

use super::*;
use crate::chip::ChipKind;
use crate::chips::arith::tests::{operand, operation};
use crate::code::ArithOp;
use crate::testing::{
    Forgery, MULT, adversarial, balance, cell, check_forgeries, check_lookup_binds, felt,
    positions, second_solutions, tests_of_both, violated,
};

const FRAMES: [i64; INSTRUCTIONS] = [7, 9, 11, 13];
const IDS: [u32; INSTRUCTIONS] = [100, 200, 300, 400];

/// These instructions on these operands.
fn row<const N: usize>(
    ops: [ArithOp; INSTRUCTIONS],
    operands: [[Felt; 2]; INSTRUCTIONS],
) -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; width::<N>()];
    for (i, cols) in Row::<_, N>::of_mut(&mut row)
        .instructions
        .iter_mut()
        .enumerate()
    {
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
fn affine<const N: usize>() -> Vec<Felt> {
    let op = ArithOp::Affine {
        a: 50,
        b: felt(4),
        w: felt(9),
    };
    row::<N>([op; INSTRUCTIONS], [[felt(10), felt(4)]; INSTRUCTIONS])
}

/// (10+9)·4 = 76 and 10 + 9·4 = 46 in turn.
fn mixed<const N: usize>() -> Vec<Felt> {
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
    row::<N>(ops, [[felt(10), felt(4)]; INSTRUCTIONS])
}

fn mults<const N: usize>() -> Vec<usize> {
    let positions = positions(width::<N>());
    let instructions = Row::<_, N>::of(&positions).instructions;
    instructions.map(|cols| cols.lane.mult).to_vec()
}

fn each_constraint_stops_a_forgery<const N: usize>(chip: ChipKind) {
    let mut forgeries = Vec::new();
    for i in 0..N {
        let result = |value| cell(FRAMES[i], IDS[i], value);
        let wrong = |right, wrong| vec![(result(right), -MULT), (result(wrong), MULT)];
        // Another constant than the program's: (2−5)·10 + 9·5 = 15.
        forgeries.push(Forgery::new(
            format!("instruction {i}: immediate"),
            affine::<N>(),
            |row| {
                let lane = &mut Row::<_, N>::of_mut(row).instructions[i].lane;
                lane.b = felt(5);
                lane.c = felt(15);
            },
            wrong(16, 15),
        ));
        for (honest, right) in [(affine::<N>(), 16), (mixed::<N>(), [76, 46][i % 2])] {
            forgeries.push(Forgery::new(
                format!("instruction {i}: result"),
                honest,
                |row| Row::<_, N>::of_mut(row).instructions[i].lane.c = felt(1234),
                wrong(right, 1234),
            ));
        }
    }
    check_forgeries(chip, &forgeries);
}

fn the_program_fixes_ids_shapes_and_constants<const N: usize>(chip: ChipKind) {
    let positions = positions(width::<N>());
    let columns: Vec<usize> = Row::<_, N>::of(&positions)
        .instructions
        .iter()
        .flat_map(|Instruction { id, lane, .. }| [*id, lane.a_id, lane.b_id, lane.s, lane.w])
        .collect();
    check_lookup_binds(chip, &mixed::<N>(), &columns);
    check_lookup_binds(chip, &affine::<N>(), &columns);
}

fn no_bundle_is_looked_up<const N: usize>(chip: ChipKind) {
    let entries = balance(chip, &mixed::<N>())
        .into_keys()
        .filter(|m| m[0] >= 16);
    assert!(entries.into_iter().all(|m| m[0] == Class::Single as u64));
}

fn each_instruction_has_its_own_frame<const N: usize>(chip: ChipKind) {
    let sent = balance(chip, &mixed::<N>());
    for i in 0..N {
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
    assert_eq!(sent.len(), 4 * N);
}

fn a_constant_operand_is_not_read<const N: usize>(chip: ChipKind) {
    let sent = balance(chip, &affine::<N>());
    for (i, frame) in FRAMES.into_iter().enumerate().take(N) {
        assert_eq!(sent.get(&cell(frame, 4, 4)), None, "instruction {i}");
    }
    assert_eq!(sent.len(), 3 * N);
}

fn padding_duplicates_a_fact_and_provides_nothing<const N: usize>(chip: ChipKind) {
    for honest in [mixed::<N>(), affine::<N>()] {
        let mut padding = honest.clone();
        for column in mults::<N>() {
            padding[column] = Felt::ZERO;
        }
        assert!(violated(chip, &padding).is_empty());
        let consumed: Vec<Felt> = balance(chip, &padding).into_values().collect();
        assert!(consumed.iter().all(|count| *count == Felt::NEG_ONE));
    }
}

tests_of_both!(
    Single, INSTRUCTIONS, SingleNarrow:
    each_constraint_stops_a_forgery,
    the_program_fixes_ids_shapes_and_constants,
    no_bundle_is_looked_up,
    each_instruction_has_its_own_frame,
    a_constant_operand_is_not_read,
    padding_duplicates_a_fact_and_provides_nothing,
);

fn check_freedom<const N: usize>(
    chip: ChipKind,
    ops: [ArithOp; INSTRUCTIONS],
    operands: [[Felt; 2]; INSTRUCTIONS],
    random: Felt,
) {
    let honest = row::<N>(ops, operands);
    let lane = Row::<_, N>::of(&honest).instructions[N - 1].lane;
    let mut candidates = adversarial(&[lane.a, lane.b, lane.c]);
    candidates.push(random);
    let others = second_solutions(chip, &honest, &mults::<N>(), &candidates);
    assert_eq!(others, 0);
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
        let operands = [first.1, second.1, first.1, second.1];
        check_freedom::<INSTRUCTIONS>(ChipKind::Single, ops, operands, random);
        check_freedom::<{ narrow::PER_ROW }>(ChipKind::SingleNarrow, ops, operands, random);
    }
}
