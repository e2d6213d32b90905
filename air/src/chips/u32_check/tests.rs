use super::*;
use crate::chip::ChipKind;
use crate::code::{FactOp, Operand};
use crate::testing::{
    MULT, cell, check_lookup_binds, check_padding, felt, limb_messages, positions, report,
    tests_of_both, with_fact_row,
};

const A: u32 = 50;

fn row<const N: usize>(a: u64) -> Vec<Felt> {
    let counts = limbs::Counts::default();
    let mut row = vec![Felt::ZERO; width::<N>()];
    for (i, cols) in Row::<_, N>::of_mut(&mut row).facts.iter_mut().enumerate() {
        let at = (7 + i as i64, 100 * (1 + i as u32));
        let values = [Felt::from_u64(a)];
        with_fact_row(FactOp::U32Check, at, &[Operand::Cell(A)], &values, |row| {
            fill(cols, row, &counts);
        });
    }
    row
}

/// The operand that is read, the result that is given and the limbs that are looked up are one number, whatever the columns.
fn a_row_says_one_number_three_times<const N: usize>(chip: ChipKind) {
    for (value, limbs) in [
        (0, [0, 0, 0]),
        (0xabcd_ef12, [0xf12, 0xcde, 0xab]),
        (0xffff_ffff, [0xfff, 0xfff, 0xff]),
    ] {
        let row = row::<N>(value);
        let messages = report(chip, &row).messages;
        let [low, middle, high] = limb_messages(limbs);
        let value = value as i64;
        for i in 0..N {
            let (fp, id) = (7 + i as i64, 100 * (1 + i as u32));
            let expected = [
                (cell(fp, A, value), Felt::NEG_ONE),
                (cell(fp, id, value), felt(MULT)),
                (low, Felt::NEG_ONE),
                (middle, Felt::NEG_ONE),
                (high, Felt::NEG_ONE),
            ];
            assert_eq!(messages[6 * i + 1..][..5], expected);
        }
    }
}

/// 2^32 and p − 1 have no limbs in range: a limb that makes up for it is looked up as it is.
fn larger_numbers_need_a_limb_that_the_table_does_not_have<const N: usize>(chip: ChipKind) {
    let mut forged = row::<N>(5);
    Row::<_, N>::of_mut(&mut forged).facts[0].a[2] = felt(256);
    let messages = report(chip, &forged).messages;
    assert!(messages.contains(&(cell(7, 100, 5 + (1 << 32)), felt(MULT))));
    assert!(messages.contains(&(limb_messages([5, 0, 256])[2], Felt::NEG_ONE)));
    let table = limbs::preprocessed();
    let bytes = table.values.chunks_exact(limbs::PREPROCESSED_WIDTH);
    assert!(
        bytes
            .filter(|row| row[4] == Felt::ONE)
            .all(|row| row[0] != felt(256))
    );
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
    U32Check, FACTS, U32CheckNarrow:
    a_row_says_one_number_three_times,
    larger_numbers_need_a_limb_that_the_table_does_not_have,
    the_program_fixes_ids,
    padding_duplicates_a_fact_and_provides_nothing,
);
