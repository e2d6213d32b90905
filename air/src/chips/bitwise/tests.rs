use proptest::prelude::*;

use super::*;
use crate::chip::ChipKind;
use crate::code::{FactOp, Operand};
use crate::testing::{
    FRAMES, Forgery, IDS, MULT, and_message, cell, check_forgeries, check_lookup_binds,
    check_padding, felt, number, positions, tests_of_both, violated, with_facts,
};

const A: u32 = 50;
const B: u32 = 51;
const OPS: [FactOp; 3] = [FactOp::U32And, FactOp::U32Or, FactOp::U32Xor];

/// All instructions of a row are this one.
fn row<const N: usize>(op: FactOp, a: u64, b: u64, immediate: bool) -> Vec<Felt> {
    let counts = limbs::Counts::default();
    let mut row = vec![Felt::ZERO; width::<N>()];
    let values = [a, b].map(Felt::from_u64);
    let second = if immediate {
        Operand::Imm(values[1])
    } else {
        Operand::Cell(B)
    };
    with_facts::<N>(op, &[Operand::Cell(A), second], &values, |i, values| {
        fill(&mut Row::<_, N>::of_mut(&mut row).facts[i], values, &counts);
    });
    row
}

fn mults<const N: usize>() -> Vec<usize> {
    let positions = positions(width::<N>());
    Row::<_, N>::of(&positions)
        .facts
        .map(|fact| fact.mult)
        .to_vec()
}

fn each_constraint_stops_a_forgery<const N: usize>(chip: ChipKind) {
    let mut forgeries = Vec::new();
    for i in 0..N {
        let name = |constraint: &str| format!("fact {i}: {constraint}");
        let fp = FRAMES[i];
        let moved = |from, to| {
            let result = |value| cell(fp, IDS[i], value);
            vec![(result(from), -MULT), (result(to), MULT)]
        };
        let digit = |row: &mut [Felt], [x, y, and]: [i64; 3]| {
            Row::<_, N>::of_mut(row).facts[i].digits[0] = Digit {
                x: felt(x),
                y: felt(y),
                and: felt(and),
            };
        };
        for op in OPS {
            let right = [4, 7, 3][op.opcode() as usize];
            forgeries.push(Forgery::new(
                name("result"),
                row::<N>(op, 5, 6, false),
                |row| Row::<_, N>::of_mut(row).facts[i].out = felt(77),
                moved(right, 77),
            ));
        }
        // The constant 6 is taken for 1.
        let mut gain = moved(4, 1);
        gain.extend([(and_message(5, 6, 4), 1), (and_message(5, 1, 1), -1)]);
        forgeries.push(Forgery::new(
            name("immediate"),
            row::<N>(FactOp::U32And, 5, 6, true),
            |row| {
                digit(row, [5, 1, 1]);
                Row::<_, N>::of_mut(row).facts[i].out = felt(1);
            },
            gain,
        ));
        // The code of "or with a cell" is 16, which is also 2·8: the conjunction with b's id, and b is not read but given.
        let mut gain = moved(7, 1);
        gain.extend([(and_message(5, 6, 4), 1), (and_message(5, 51, 1), -1)]);
        gain.extend([(cell(fp, B, 6), 1), (cell(fp, B, 51), 7)]);
        forgeries.push(Forgery::new(
            name("immediate is boolean"),
            row::<N>(FactOp::U32Or, 5, 6, false),
            |row| {
                digit(row, [5, 51, 1]);
                let fact = &mut Row::<_, N>::of_mut(row).facts[i];
                fact.operation = Felt::ZERO;
                fact.immediate = felt(8);
                fact.out = felt(1);
            },
            gain,
        ));
        // The code of "and with a constant" is 2, which is also 16·⅛: 0 and (cell 128) = 23/128·128.
        let mut gain = moved(0, 23);
        gain.push((cell(fp, 128, 128), -1));
        forgeries.push(Forgery::new(
            name("operation is 0, 1 or 2"),
            row::<N>(FactOp::U32And, 0, 128, true),
            |row| {
                let fact = &mut Row::<_, N>::of_mut(row).facts[i];
                fact.operation = felt(8).inverse();
                fact.immediate = Felt::ZERO;
                fact.out = felt(23);
            },
            gain,
        ));
    }
    check_forgeries(chip, &forgeries);
}

fn the_program_fixes_ids_and_kinds<const N: usize>(chip: ChipKind) {
    let positions = positions(width::<N>());
    let facts = Row::<_, N>::of(&positions).facts;
    let columns: Vec<usize> = facts
        .iter()
        .flat_map(|fact| {
            [
                fact.id,
                fact.operation,
                fact.immediate,
                fact.a_id,
                fact.b_id,
            ]
        })
        .collect();
    for op in OPS {
        check_lookup_binds(chip, &row::<N>(op, 5, 6, false), &columns);
        check_lookup_binds(chip, &row::<N>(op, 5, 6, true), &columns);
    }
}

fn padding_duplicates_a_fact_and_provides_nothing<const N: usize>(chip: ChipKind) {
    check_padding(chip, &row::<N>(FactOp::U32Xor, 5, 6, false), &mults::<N>());
}

tests_of_both!(
    Bitwise, FACTS, BitwiseNarrow:
    each_constraint_stops_a_forgery,
    the_program_fixes_ids_and_kinds,
    padding_duplicates_a_fact_and_provides_nothing,
);

/// Everything of a row is read from the table or is the result, which one constraint determines.
fn check_results<const N: usize>(chip: ChipKind, a: u64, b: u64) {
    for (op, right) in OPS.into_iter().zip([a & b, a | b, a ^ b]) {
        let row = row::<N>(op, a, b, false);
        assert!(violated(chip, &row).is_empty());
        let fact = Row::<_, N>::of(&row).facts[N - 1];
        assert_eq!(fact.out, Felt::from_u64(right));
        for other in [a & b, a | b, a ^ b, a + b] {
            let mut forged = row.clone();
            Row::<_, N>::of_mut(&mut forged).facts[N - 1].out = Felt::from_u64(other);
            assert_eq!(violated(chip, &forged).is_empty(), other == right);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_result_is_right(a in number(), b in number()) {
        check_results::<FACTS>(ChipKind::Bitwise, a, b);
        check_results::<{ narrow::PER_ROW }>(ChipKind::BitwiseNarrow, a, b);
    }
}
