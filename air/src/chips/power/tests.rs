use super::*;
use crate::chip::ChipKind;
use crate::code::{FactOp, Operand};
use crate::testing::{
    MULT, cell, check_lookup_binds, check_padding, felt, message, positions, report, tests_of_both,
    with_fact_row,
};

const A: u32 = 50;

fn row<const N: usize>(a: u64) -> Vec<Felt> {
    let counts = limbs::Counts::default();
    let mut row = vec![Felt::ZERO; width::<N>()];
    for (i, cols) in Row::<_, N>::of_mut(&mut row).facts.iter_mut().enumerate() {
        let at = (7 + i as i64, 100 * (1 + i as u32));
        let values = [Felt::from_u64(a)];
        with_fact_row(FactOp::Power, at, &[Operand::Cell(A)], &values, |row| {
            fill(cols, row, &counts);
        });
    }
    row
}

/// What is read and what is given is one row of the table, which ends with 2^63; `limbs` tests what it has.
fn operand_and_result_are_looked_up_together<const N: usize>(chip: ChipKind) {
    for a in [0, 1, 31, 32, 62, 63] {
        let messages = report(chip, &row::<N>(a)).messages;
        for i in 0..N {
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

fn the_program_fixes_ids<const N: usize>(chip: ChipKind) {
    let positions = positions(width::<N>());
    let facts = Row::<_, N>::of(&positions).facts;
    let columns: Vec<usize> = facts.iter().flat_map(|f| [f.id, f.a_id]).collect();
    check_lookup_binds(chip, &row::<N>(5), &columns);
}

fn padding_duplicates_a_fact_and_provides_nothing<const N: usize>(chip: ChipKind) {
    let positions = positions(width::<N>());
    let mults = Row::<_, N>::of(&positions).facts.map(|fact| fact.mult);
    check_padding(chip, &row::<N>(5), &mults);
}

tests_of_both!(
    Power, FACTS, PowerNarrow:
    operand_and_result_are_looked_up_together,
    the_program_fixes_ids,
    padding_duplicates_a_fact_and_provides_nothing,
);
