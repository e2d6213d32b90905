use super::*;
use crate::chip::ChipKind;
use crate::code::OUTPUT;
use crate::testing::{
    Forgery, MULT, adversarial, balance, call, cell, check_forgeries, check_lookup_binds,
    check_real_is_boolean, check_silent, felt, positions, second_solutions, state, violated,
};

const CHIP: ChipKind = ChipKind::Leave;

/// At clock 11 in frame 7; whoever leaves goes to pc 4 of frame 2.
fn row(entry: LeaveEntry, value: i64, link_mult: i64) -> Vec<Felt> {
    let (next_pc, next_fp) = match entry {
        LeaveEntry::Return { .. } | LeaveEntry::Exit { .. } => (4, 2),
        LeaveEntry::Branch { target, .. } | LeaveEntry::Jump { target, .. } => (target.into(), 7),
    };
    let leaving = Leaving {
        clk: felt(11),
        fp: felt(7),
        value: felt(value),
        next_pc: felt(next_pc),
        next_fp: felt(next_fp),
        link_mult: felt(link_mult),
    };
    let mut row = vec![Felt::ZERO; WIDTH];
    fill(Cols::of_mut(&mut row), &entry, &leaving);
    row
}

fn returns() -> Vec<Felt> {
    row(LeaveEntry::Return { pc: 6 }, 0, 0)
}

/// Leaves a loop whose counter, decremented, is zero.
fn exits(link_mult: i64) -> Vec<Felt> {
    let entry = LeaveEntry::Exit {
        pc: 6,
        src: 50,
        step: Felt::NEG_ONE,
    };
    row(entry, 1, link_mult)
}

fn branches(nonzero: bool) -> Vec<Felt> {
    let entry = LeaveEntry::Branch {
        pc: 6,
        src: 50,
        step: felt(-3),
        nonzero,
        target: 9,
    };
    row(entry, if nonzero { 5 } else { 3 }, 0)
}

fn jumps() -> Vec<Felt> {
    row(LeaveEntry::Jump { pc: 6, target: 9 }, 0, 0)
}

fn rows() -> Vec<Vec<Felt>> {
    vec![
        returns(),
        exits(MULT),
        branches(true),
        branches(false),
        jumps(),
    ]
}

fn padding() -> Vec<Felt> {
    let mut row = vec![Felt::ONE; WIDTH];
    fill_padding(Cols::of_mut(&mut row));
    row
}

#[test]
fn each_constraint_stops_a_forgery() {
    let mut forgeries = Vec::new();
    for honest in [
        returns(),
        exits(0),
        branches(true),
        branches(false),
        jumps(),
    ] {
        // A reversed row: takes the state it should send, and provides the cells and the entry that it should consume.
        let reversed = balance(CHIP, &honest)
            .into_iter()
            .map(|(message, count)| (message, if count == Felt::ONE { -2 } else { 2 }))
            .collect();
        forgeries.push(Forgery::new(
            "real is boolean",
            honest,
            |row| Cols::of_mut(row).real = Felt::NEG_ONE,
            reversed,
        ));
    }
    let read = |right, wrong| vec![(cell(7, 50, right), 1), (cell(7, 50, wrong), -1)];
    forgeries.extend([
        // The branch for other values than 3, on a 3.
        Forgery::new(
            "condition: not zero",
            branches(true),
            |row| Cols::of_mut(row).value = felt(3),
            read(5, 3),
        ),
        // The branch for 3, on a 5.
        Forgery::new(
            "condition: zero",
            branches(false),
            |row| Cols::of_mut(row).value = felt(5),
            read(3, 5),
        ),
        // A loop left early.
        Forgery::new(
            "condition: zero",
            exits(MULT),
            |row| Cols::of_mut(row).value = felt(5),
            read(1, 5),
        ),
    ]);
    for honest in [branches(true), branches(false), jumps()] {
        forgeries.push(Forgery::new(
            "a branch stays in its frame",
            honest.clone(),
            |row| Cols::of_mut(row).next_fp = felt(8),
            vec![(state(12, 9, 7), -1), (state(12, 9, 8), 1)],
        ));
        forgeries.push(Forgery::new(
            "a branch goes to its target",
            honest,
            |row| Cols::of_mut(row).next_pc = felt(99),
            vec![(state(12, 9, 7), -1), (state(12, 99, 7), 1)],
        ));
    }
    for (honest, frame) in [
        (returns(), 2),
        (branches(true), 7),
        (branches(false), 7),
        (jumps(), 7),
    ] {
        forgeries.push(Forgery::new(
            "only an exit gives a link",
            honest,
            |row| Cols::of_mut(row).link_mult = Felt::ONE,
            vec![(cell(frame, exit_link(6), 7), 1)],
        ));
    }
    // Id 8·2 + 5 is a public output.
    forgeries.push(Forgery::new(
        "padding gives no link",
        padding(),
        |row| {
            let cols = Cols::of_mut(row);
            cols.leave = Felt::ONE;
            cols.test = Felt::ONE;
            cols.pc = felt(2);
            cols.fp = felt(42);
            cols.link_mult = Felt::ONE;
        },
        vec![(cell(0, OUTPUT + 4, 42), 1)],
    ));
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
fn return_and_exit_take_the_call_cell() {
    for row in [returns(), exits(MULT)] {
        let messages = balance(CHIP, &row);
        assert_eq!(messages.get(&call(7, 2, 4)), Some(&Felt::NEG_ONE));
        assert_eq!(messages.get(&state(12, 4, 2)), Some(&Felt::ONE));
    }
    for row in [branches(true), branches(false), jumps()] {
        assert!(!balance(CHIP, &row).keys().any(|m| m[..3] == [1, 7, 0]));
    }
}

#[test]
fn no_row_branches_on_another_zero() {
    let mut row = branches(true);
    for inv in adversarial(&row.clone()) {
        let cols = Cols::of_mut(&mut row);
        cols.value = felt(3);
        cols.inv = inv;
        assert_eq!(violated(CHIP, &row), ["condition: not zero"]);
    }
}

#[test]
fn the_program_fixes_ids_condition_target_and_kind() {
    let positions = positions(WIDTH);
    let cols = Cols::of(&positions);
    let columns = [
        cols.pc,
        cols.leave,
        cols.test,
        cols.nonzero,
        cols.src,
        cols.step,
        cols.target,
    ];
    for row in rows() {
        check_lookup_binds(CHIP, &row, &columns);
    }
}

#[test]
fn what_a_row_gives_is_a_function_of_what_it_takes() {
    let positions = positions(WIDTH);
    let mults = [Cols::of(&positions).link_mult];
    for row in rows() {
        let free = second_solutions(CHIP, &row, &mults, &adversarial(&row));
        // The inverse is free unless something is tested for not being zero.
        assert_eq!(free > 0, Cols::of(&row).nonzero == Felt::ZERO);
    }
}
