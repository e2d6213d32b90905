use super::*;
use crate::chip::ChipKind;
use crate::code::{OUTPUT, param};
use crate::testing::{
    Forgery, MULT, adversarial, balance, call, cell, check_forgeries, check_lookup_binds,
    check_real_is_boolean, check_silent, felt, positions, second_solutions, violated,
};

const CHIP: ChipKind = ChipKind::Frame;

/// At clock 11 and pc 6, frame 7 opens a frame at pc 9 with the values 5, 20, 30, 40 of cells 50 to 53, the first one
/// decremented.
fn row(test: bool, back: bool, mult: i64) -> Vec<Felt> {
    let entry = FrameEntry {
        pc: 6,
        test,
        step: Felt::NEG_ONE,
        target: 9,
        back,
        src: [50, 51, 52, 53],
    };
    let opening = Opening {
        clk: felt(11),
        fp: felt(7),
        parent: felt(if back { 2 } else { 7 }),
        return_pc: felt(if back { 4 } else { 7 }),
        values: [5, 20, 30, 40].map(felt),
        handle_mult: felt(mult),
        mults: [felt(mult); PARAMS],
    };
    let mut row = vec![Felt::ZERO; WIDTH];
    fill(Cols::of_mut(&mut row), &entry, &opening);
    fill_inverses(&mut row);
    row
}

fn rows() -> Vec<Vec<Felt>> {
    let kinds = [(false, false), (true, false), (false, true), (true, true)];
    kinds.map(|(test, back)| row(test, back, MULT)).to_vec()
}

fn padding() -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; WIDTH];
    fill_padding(Cols::of_mut(&mut row));
    row
}

fn mults() -> Vec<usize> {
    let positions = positions(WIDTH);
    let cols = Cols::of(&positions);
    let mut columns = vec![cols.handle_mult];
    columns.extend(cols.params.map(|param| param.mult));
    columns
}

#[test]
fn each_constraint_stops_a_forgery() {
    // A reversed row: takes the state it should send, and provides the cells and the entry that it should consume.
    let unread = row(false, false, 0);
    let reversed = balance(CHIP, &unread)
        .into_iter()
        .map(|(message, count)| (message, if count == Felt::ONE { -2 } else { 2 }))
        .collect();
    let mut forgeries = vec![
        Forgery::new(
            "real is boolean",
            unread,
            |row| Cols::of_mut(row).real = Felt::NEG_ONE,
            reversed,
        ),
        // A loop step although the counter is zero.
        Forgery::new(
            "test",
            row(true, false, MULT),
            |row| Cols::of_mut(row).params[0].value = Felt::ONE,
            vec![
                (cell(7, 50, 5), 1),
                (cell(7, 50, 1), -1),
                (cell(11, param(9, 0), 4), -MULT),
                (cell(11, param(9, 0), 0), MULT),
            ],
        ),
        // A frame that returns to someone else.
        Forgery::new(
            "parent of a new frame",
            row(false, false, MULT),
            |row| Cols::of_mut(row).parent = felt(8),
            vec![(call(11, 7, 7), -1), (call(11, 8, 7), 1)],
        ),
        // A frame that returns elsewhere.
        Forgery::new(
            "return pc of a new frame",
            row(false, false, MULT),
            |row| Cols::of_mut(row).return_pc = felt(99),
            vec![(call(11, 7, 7), -1), (call(11, 7, 99), 1)],
        ),
        // Id 8·2 + 4 is a public output.
        Forgery::new(
            "padding gives no handle",
            padding(),
            |row| {
                let cols = Cols::of_mut(row);
                cols.clk = felt(42);
                cols.pc = felt(2);
                cols.handle_mult = Felt::ONE;
            },
            vec![(cell(0, OUTPUT + 3, 42), 1)],
        ),
    ];
    for j in 0..PARAMS {
        // Ids from 8·3 are public outputs.
        forgeries.push(Forgery::new(
            format!("padding gives no parameter {j}"),
            padding(),
            |row| {
                let cols = Cols::of_mut(row);
                cols.target = felt(3);
                cols.params[j].value = felt(42);
                cols.params[j].mult = Felt::ONE;
            },
            vec![(cell(0, OUTPUT + 7 + j as u32, 42), 1)],
        ));
    }
    check_forgeries(CHIP, &forgeries);
}

#[test]
fn real_is_0_or_1() {
    let mut rows = rows();
    rows.push(padding());
    check_real_is_boolean(CHIP, &rows);
}

#[test]
fn padding_is_silent() {
    check_silent(CHIP, &padding());
}

#[test]
fn a_loop_step_takes_the_call_cell_that_it_hands_on() {
    let step = balance(CHIP, &row(true, true, MULT));
    assert_eq!(step.get(&call(7, 2, 4)), Some(&Felt::NEG_ONE));
    assert_eq!(step.get(&call(11, 2, 4)), Some(&Felt::ONE));
    let entry = balance(CHIP, &row(true, false, MULT));
    assert!(!entry.keys().any(|m| m[..3] == [1, 7, 0]));
}

#[test]
fn no_row_opens_on_a_counter_that_becomes_zero() {
    let mut row = row(true, true, MULT);
    for inv in adversarial(&row.clone()) {
        let cols = Cols::of_mut(&mut row);
        cols.params[0].value = -cols.step;
        cols.inv = inv;
        assert_eq!(violated(CHIP, &row), ["test"]);
    }
}

#[test]
fn the_program_fixes_ids_step_target_and_kind() {
    let positions = positions(WIDTH);
    let cols = Cols::of(&positions);
    let mut columns = vec![cols.pc, cols.test, cols.step, cols.target, cols.back];
    columns.extend(cols.params.map(|param| param.src));
    for row in rows() {
        check_lookup_binds(CHIP, &row, &columns);
    }
}

#[test]
fn what_a_row_gives_is_a_function_of_what_it_takes() {
    for row in rows() {
        let free = second_solutions(CHIP, &row, &mults(), &adversarial(&row));
        // The inverse is free where nothing is tested.
        assert_eq!(free > 0, Cols::of(&row).test == Felt::ZERO);
    }
}
