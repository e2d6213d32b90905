use super::*;
use crate::chip::ChipKind;
use crate::code::EffectOp;
use crate::testing::{
    Forgery, MULT, balance, cell, check_forgeries, check_lookup_binds, check_real_is_boolean,
    check_silent, felt, positions, state, with_effect_row, word,
};

const CHIP: ChipKind = ChipKind::Advice;
const ID: u32 = 100;
const VALUES: [i64; 4] = [60, 61, 62, -1];

/// At clock 11 and pc 6 in frame 7.
fn row() -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; WIDTH];
    let op = EffectOp::Advice { count: 4 };
    let results = [VALUES, VALUES].concat();
    with_effect_row(op, ID, &[], &[], &results, 0, |values| {
        fill(Cols::of_mut(&mut row), values);
    });
    row
}

fn padding() -> Vec<Felt> {
    let mut row = vec![Felt::ONE; WIDTH];
    fill_padding(Cols::of_mut(&mut row));
    row
}

#[test]
fn a_row_gives_the_word_and_its_elements() {
    let messages = balance(CHIP, &row());
    let mut expected = vec![
        (state(11, 6, 7), Felt::NEG_ONE),
        (state(12, 7, 7), Felt::ONE),
        (word(7, ID, VALUES), felt(MULT)),
    ];
    for (j, value) in VALUES.into_iter().enumerate() {
        expected.push((cell(7, ID + 1 + j as u32, value), felt(MULT)));
    }
    for (message, count) in &expected {
        assert_eq!(messages.get(message), Some(count));
    }
    // And the lookup.
    assert_eq!(messages.len(), expected.len() + 1);
}

#[test]
fn each_constraint_stops_a_forgery() {
    let mut forgeries = Vec::new();
    // A reversed step.
    let reversed = balance(CHIP, &row());
    let reversed = reversed
        .into_iter()
        .filter(|(message, _)| message[0] != 1)
        .map(|(message, count)| (message, if count == Felt::ONE { -2 } else { 2 }))
        .collect();
    forgeries.push(Forgery::new(
        "real is boolean",
        // Nothing is given, or padding would be what the row violates.
        {
            let mut row = row();
            let cols = Cols::of_mut(&mut row);
            cols.word_mult = Felt::ZERO;
            cols.mults = [Felt::ZERO; 4];
            row
        },
        |row| Cols::of_mut(row).real = Felt::NEG_ONE,
        reversed,
    ));
    let place = |row: &mut [Felt]| {
        let cols = Cols::of_mut(row);
        cols.fp = felt(7);
        cols.id = felt(i64::from(ID));
        cols.values = VALUES.map(felt);
    };
    forgeries.push(Forgery::new(
        "padding gives no word",
        padding(),
        |row| {
            place(row);
            Cols::of_mut(row).word_mult = Felt::ONE;
        },
        vec![(word(7, ID, VALUES), 1)],
    ));
    for (j, value) in VALUES.into_iter().enumerate() {
        forgeries.push(Forgery::new(
            format!("padding gives no element {j}"),
            padding(),
            |row| {
                place(row);
                Cols::of_mut(row).mults[j] = Felt::ONE;
            },
            vec![(cell(7, ID + 1 + j as u32, value), 1)],
        ));
    }
    check_forgeries(CHIP, &forgeries);
}

#[test]
fn real_is_0_or_1() {
    check_real_is_boolean(CHIP, &[row(), padding()]);
}

#[test]
fn padding_is_silent() {
    check_silent(CHIP, &padding());
}

#[test]
fn the_program_fixes_the_place_and_the_id() {
    let positions = positions(WIDTH);
    let cols = Cols::of(&positions);
    check_lookup_binds(CHIP, &row(), &[cols.pc, cols.id]);
}
