use super::*;
use crate::check::Message;
use crate::chip::ChipKind;
use crate::code::Operand;
use crate::testing::{
    Forgery, adversarial, balance, cell, check_forgeries, check_lookup_binds,
    check_real_is_boolean, check_silent, felt, positions, second_solutions, state,
};

const CHIP: ChipKind = ChipKind::Assert;

/// At clock 11 and pc 6 in frame 7: operands with their values.
fn row(slots: [(Operand, i64); SLOTS], equal: [bool; 2]) -> Vec<Felt> {
    let entry = AssertEntry {
        pc: 6,
        slots: slots.map(|(operand, _)| operand),
        equal,
    };
    let mut row = vec![Felt::ZERO; WIDTH];
    let values = slots.map(|(_, value)| felt(value));
    fill(Cols::of_mut(&mut row), &entry, felt(11), felt(7), values);
    row
}

/// The cell 50 + j with a value.
fn cell_of(j: usize, value: i64) -> (Operand, i64) {
    (Operand::Cell(50 + j as u32), value)
}

fn constant(value: i64) -> (Operand, i64) {
    (Operand::Imm(felt(value)), value)
}

fn touch() -> Vec<Felt> {
    row(std::array::from_fn(|j| cell_of(j, 5)), [false; 2])
}

fn equalities() -> Vec<Felt> {
    row(
        [cell_of(0, 5), cell_of(1, 5), constant(6), cell_of(3, 6)],
        [true; 2],
    )
}

fn rows() -> Vec<Vec<Felt>> {
    vec![
        touch(),
        equalities(),
        row([constant(5); SLOTS], [false; 2]),
        row([constant(5); SLOTS], [true; 2]),
    ]
}

fn padding() -> Vec<Felt> {
    let mut row = vec![Felt::ONE; WIDTH];
    fill_padding(Cols::of_mut(&mut row));
    row
}

/// Reads cell 50 + j as `wrong`.
fn misread(j: u32, right: i64, wrong: i64) -> [(Message, i64); 2] {
    [(cell(7, 50 + j, right), 1), (cell(7, 50 + j, wrong), -1)]
}

/// The six flags share a program field, the sum of 2^i·flag_i: each flag of 2 passes for the next one.
fn flag_forgeries() -> Vec<Forgery> {
    let mut forgeries = Vec::new();
    for j in 0..SLOTS - 1 {
        // Cell 50 + j + 1 (holding its own id) is not touched: a trap behind it is skipped.
        let mut slots = [constant(60); SLOTS];
        slots[j + 1] = cell_of(j + 1, 51 + j as i64);
        forgeries.push(Forgery::new(
            format!("slot {j}: flag is boolean"),
            row(slots, [false; 2]),
            move |row| {
                let slots = &mut Cols::of_mut(row).slots;
                slots[j].is_cell = Felt::TWO;
                slots[j + 1].is_cell = Felt::ZERO;
            },
            vec![
                (cell(7, 51 + j as u32, 51 + j as i64), 1),
                (cell(7, 60, 60), -2),
            ],
        ));
    }
    // The last slot for the first equality.
    let mut gain = misread(0, 5, 6).to_vec();
    gain.push((cell(7, 60, 60), -2));
    forgeries.push(Forgery::new(
        "slot 3: flag is boolean",
        row(
            [cell_of(0, 5), constant(5), constant(5), constant(60)],
            [true, false],
        ),
        |row| {
            let cols = Cols::of_mut(row);
            cols.slots[3].is_cell = Felt::TWO;
            cols.equal[0] = Felt::ZERO;
            cols.slots[0].value = felt(6);
        },
        gain,
    ));
    // One equality for the other.
    forgeries.push(Forgery::new(
        "equality 0: flag is boolean",
        row(
            [constant(5), constant(5), cell_of(2, 5), constant(5)],
            [false, true],
        ),
        |row| {
            let cols = Cols::of_mut(row);
            cols.equal = [Felt::TWO, Felt::ZERO];
            cols.slots[2].value = felt(6);
        },
        misread(2, 5, 6).to_vec(),
    ));
    forgeries.push(Forgery::new(
        "equality 1: flag is boolean",
        row(
            [cell_of(0, 5), constant(5), constant(5), constant(5)],
            [true, false],
        ),
        |row| {
            let cols = Cols::of_mut(row);
            cols.equal = [Felt::ZERO, Felt::ONE.halve()];
            cols.slots[0].value = felt(6);
        },
        misread(0, 5, 6).to_vec(),
    ));
    forgeries
}

#[test]
fn each_constraint_stops_a_forgery() {
    let reversed = balance(CHIP, &touch())
        .into_iter()
        .map(|(message, count)| (message, if count == Felt::ONE { -2 } else { 2 }))
        .collect();
    // A reversed row provides the cells that it should read.
    let mut forgeries = vec![Forgery::new(
        "real is boolean",
        touch(),
        |row| Cols::of_mut(row).real = Felt::NEG_ONE,
        reversed,
    )];
    forgeries.extend(flag_forgeries());
    for j in 0..SLOTS {
        // Cell = 5 is asserted, but the constant is said to be 6.
        let mut slots = [constant(5); SLOTS];
        slots[j ^ 1] = cell_of(j ^ 1, 5);
        forgeries.push(Forgery::new(
            format!("slot {j}: immediate"),
            row(slots, [true; 2]),
            move |row| {
                let slots = &mut Cols::of_mut(row).slots;
                slots[j].value = felt(6);
                slots[j ^ 1].value = felt(6);
            },
            misread((j ^ 1) as u32, 5, 6).to_vec(),
        ));
    }
    for i in 0..2 {
        for j in [2 * i, 2 * i + 1] {
            forgeries.push(Forgery::new(
                format!("equality {i}"),
                row(std::array::from_fn(|j| cell_of(j, 5)), [true; 2]),
                move |row| Cols::of_mut(row).slots[j].value = felt(6),
                misread(j as u32, 5, 6).to_vec(),
            ));
        }
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
fn each_row_is_one_step_in_its_frame() {
    for row in rows() {
        let messages = balance(CHIP, &row);
        assert_eq!(messages.get(&state(11, 6, 7)), Some(&Felt::NEG_ONE));
        assert_eq!(messages.get(&state(12, 7, 7)), Some(&Felt::ONE));
    }
}

#[test]
fn the_program_fixes_operands_and_equalities() {
    let positions = positions(WIDTH);
    let cols = Cols::of(&positions);
    let mut columns = vec![cols.pc];
    columns.extend(cols.slots.iter().flat_map(|slot| [slot.id, slot.is_cell]));
    columns.extend(cols.equal);
    for row in rows() {
        check_lookup_binds(CHIP, &row, &columns);
    }
}

#[test]
fn a_row_has_no_freedom() {
    for row in rows() {
        assert_eq!(second_solutions(CHIP, &row, &[], &adversarial(&row)), 0);
    }
}
