use super::*;
use crate::chip::ChipKind;
use crate::code::EffectOp;
use crate::testing::{
    Forgery, MULT, balance, cell, check_forgeries, check_lookup_binds, check_real_is_boolean,
    check_silent, felt, positions, state, with_effect_row,
};

const CHIP: ChipKind = ChipKind::Clock;
const ID: u32 = 100;

/// At clock 11 and pc 6 in frame 7.
fn row() -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; WIDTH];
    with_effect_row(EffectOp::Clock, ID, &[], &[], &[11], 0, |values| {
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
fn a_row_gives_its_clock() {
    let messages = balance(CHIP, &row());
    let expected = [
        (state(11, 6, 7), Felt::NEG_ONE),
        (state(12, 7, 7), Felt::ONE),
        (cell(7, ID, 11), felt(MULT)),
    ];
    for (message, count) in &expected {
        assert_eq!(messages.get(message), Some(count));
    }
    // And the lookup.
    assert_eq!(messages.len(), expected.len() + 1);
}

#[test]
fn each_constraint_stops_a_forgery() {
    // A reversed step that gives nothing, or padding would be what the row violates.
    let mut step = row();
    Cols::of_mut(&mut step).mult = Felt::ZERO;
    let reversed = balance(CHIP, &step)
        .into_iter()
        .map(|(message, count)| (message, if count == Felt::ONE { -2 } else { 2 }))
        .collect();
    let forgeries = [
        Forgery::new(
            "real is boolean",
            step,
            |row| Cols::of_mut(row).real = Felt::NEG_ONE,
            reversed,
        ),
        Forgery::new(
            "padding gives nothing",
            padding(),
            |row| {
                let cols = Cols::of_mut(row);
                cols.fp = felt(7);
                cols.id = felt(i64::from(ID));
                cols.clk = felt(3);
                cols.mult = Felt::ONE;
            },
            vec![(cell(7, ID, 3), 1)],
        ),
    ];
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
