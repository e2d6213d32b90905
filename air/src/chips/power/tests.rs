use super::*;
use crate::chip::ChipKind;
use crate::code::{FactOp, Operand};
use crate::testing::{
    MULT, cell, check_lookup_binds, check_padding, felt, message, positions, report, with_fact_row,
};

const CHIP: ChipKind = ChipKind::Power;
const A: u32 = 50;

fn row(a: u64) -> Vec<Felt> {
    let counts = limbs::Counts::default();
    let mut row = vec![Felt::ZERO; WIDTH];
    for (i, cols) in Cols::of_mut(&mut row).facts.iter_mut().enumerate() {
        let at = (7 + i as i64, 100 * (1 + i as u32));
        let values = [Felt::from_u64(a)];
        with_fact_row(FactOp::Power, at, &[Operand::Cell(A)], &values, |row| {
            fill(cols, row, &counts);
        });
    }
    row
}

/// What is read and what is given is one row of the table, which ends with 2^63; `limbs` tests what it has.
#[test]
fn operand_and_result_are_looked_up_together() {
    for a in [0, 1, 31, 32, 62, 63] {
        let messages = report(CHIP, &row(a)).messages;
        for i in 0..FACTS {
            let (fp, id) = (7 + i as i64, 100 * (1 + i as u32));
            let power = Felt::from_u64(1 << a);
            let given = [felt(1), felt(fp), Felt::from_u32(id), power];
            let looked_up = [Felt::from_u8(POWER), Felt::from_u64(a), power];
            let expected = [
                (cell(fp, A, a as i64), Felt::NEG_ONE),
                (message(&given), felt(MULT)),
                (message(&looked_up), Felt::NEG_ONE),
            ];
            assert_eq!(messages[4 * i + 1..][..3], expected);
        }
    }
}

#[test]
fn larger_exponents_trap() {
    for a in [64, 65, 1 << 32, Felt::ORDER_U64 - 1] {
        assert!(!FactOp::Power.eval(&[Felt::from_u64(a)], &mut [Felt::ZERO]));
    }
}

#[test]
fn the_program_fixes_ids() {
    let positions = positions(WIDTH);
    let facts = Cols::of(&positions).facts;
    let columns: Vec<usize> = facts.iter().flat_map(|f| [f.id, f.a_id]).collect();
    check_lookup_binds(CHIP, &row(5), &columns);
}

#[test]
fn padding_duplicates_a_fact_and_provides_nothing() {
    let positions = positions(WIDTH);
    let mults = Cols::of(&positions).facts.map(|fact| fact.mult);
    check_padding(CHIP, &row(5), &mults);
}
