use super::*;
use crate::chip::ChipKind;
use crate::code::{FactOp, Operand};
use crate::testing::{
    MULT, cell, check_lookup_binds, check_padding, felt, positions, report, tests_of_both,
    with_fact_row, word,
};

const WORD: u32 = 50;
const VALUES: [i64; 4] = [60, 61, 62, -1];

fn row<const N: usize>() -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; width::<N>()];
    let values = VALUES.map(felt);
    for (i, cols) in Row::<_, N>::of_mut(&mut row).facts.iter_mut().enumerate() {
        let at = (7 + i as i64, 100 * (1 + i as u32));
        with_fact_row(FactOp::Unpack, at, &[Operand::Cell(WORD)], &values, |row| {
            fill(cols, row);
        });
    }
    row
}

fn a_row_gives_the_components_of_the_word_it_reads<const N: usize>(chip: ChipKind) {
    let messages = report(chip, &row::<N>()).messages;
    for i in 0..N {
        let (fp, id) = (7 + i as i64, 100 * (1 + i as u32));
        let mut expected = vec![(word(fp, WORD, VALUES), Felt::NEG_ONE)];
        expected.extend((0..4).map(|j| (cell(fp, id + j, VALUES[j as usize]), felt(MULT))));
        assert_eq!(messages[6 * i + 1..][..5], expected);
    }
}

fn the_program_fixes_ids<const N: usize>(chip: ChipKind) {
    let positions = positions(width::<N>());
    let facts = Row::<_, N>::of(&positions).facts;
    let columns: Vec<usize> = facts.iter().flat_map(|f| [f.id, f.word_id]).collect();
    check_lookup_binds(chip, &row::<N>(), &columns);
}

fn padding_duplicates_a_fact_and_provides_nothing<const N: usize>(chip: ChipKind) {
    let positions = positions(width::<N>());
    let facts = Row::<_, N>::of(&positions).facts;
    let mults: Vec<usize> = facts.iter().flat_map(|fact| fact.mults).collect();
    check_padding(chip, &row::<N>(), &mults);
}

tests_of_both!(
    Unpack, FACTS, UnpackNarrow:
    a_row_gives_the_components_of_the_word_it_reads,
    the_program_fixes_ids,
    padding_duplicates_a_fact_and_provides_nothing,
);
