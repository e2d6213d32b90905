use super::*;
use crate::chip::ChipKind;
use crate::testing::{
    Forgery, MULT, adversarial, balance, cell, check_every_column_is_noticed, check_forgeries,
    check_lookup_binds, check_padding, felt, positions, second_solutions, word,
};

const CHIP: ChipKind = ChipKind::WordCopy;
const FP: i64 = 7;
const KEY: u32 = 44;
const BASE: u32 = 200;
const SRC: u32 = 50;
const VALUE: [i64; 4] = [10, 11, 12, 13];

/// In frame 7, the word of cell 50 to cell 200.
fn row(kind: CopyKind, y: i64) -> Vec<Felt> {
    let entry = CopyEntry {
        kind,
        key: KEY,
        base: BASE,
        src: [SRC, 0, 0, 0],
        word: true,
    };
    let mut row = vec![Felt::ZERO; WIDTH];
    fill(
        Cols::of_mut(&mut row),
        felt(FP),
        felt(y),
        &entry,
        VALUE.map(felt),
        felt(MULT),
    );
    row
}

fn rows() -> [Vec<Felt>; 3] {
    let gate = CopyKind::Gate { bit: Felt::ONE };
    [row(CopyKind::Pull, 3), row(CopyKind::Push, 3), row(gate, 1)]
}

fn mult() -> usize {
    Cols::of(&positions(WIDTH)).mult
}

#[test]
fn each_constraint_stops_a_forgery() {
    let mut forgeries = Vec::new();
    let [pull, push, gate] = rows();
    for (honest, from, to) in [(pull, 3, FP), (push, FP, 3), (gate.clone(), FP, FP)] {
        // Frame 4: a sibling, or an earlier iteration.
        forgeries.push(Forgery::new(
            "source frame",
            honest.clone(),
            |row| Cols::of_mut(row).from = felt(4),
            vec![(word(from, SRC, VALUE), 1), (word(4, SRC, VALUE), -1)],
        ));
        forgeries.push(Forgery::new(
            "destination frame",
            honest,
            |row| Cols::of_mut(row).to = felt(4),
            vec![(word(to, BASE, VALUE), -MULT), (word(4, BASE, VALUE), MULT)],
        ));
    }
    // The branch that was not taken.
    forgeries.push(Forgery::new(
        "gate",
        gate,
        |row| Cols::of_mut(row).y = Felt::ZERO,
        vec![(cell(FP, KEY, 1), 1), (cell(FP, KEY, 0), -1)],
    ));
    check_forgeries(CHIP, &forgeries);
}

#[test]
fn the_program_fixes_ids_and_kind() {
    let positions = positions(WIDTH);
    let cols = Cols::of(&positions);
    let columns = [
        cols.key, cols.base, cols.pull, cols.push, cols.bit, cols.src,
    ];
    for row in rows() {
        check_lookup_binds(CHIP, &row, &columns);
    }
}

#[test]
fn the_key_is_read_in_the_own_frame() {
    for (row, y) in rows().iter().zip([3, 3, 1]) {
        let read = balance(CHIP, row);
        assert_eq!(read.get(&cell(FP, KEY, y)), Some(&Felt::NEG_ONE));
    }
}

#[test]
fn padding_duplicates_a_fact_and_provides_nothing() {
    for row in rows() {
        check_padding(CHIP, &row, &[mult()]);
    }
}

#[test]
fn a_word_is_copied_whole() {
    for row in rows() {
        check_every_column_is_noticed(CHIP, &row);
        let found = second_solutions(CHIP, &row, &[mult()], &adversarial(&row));
        assert_eq!(found, 0);
    }
}
