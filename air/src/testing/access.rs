//! What the tests of both chips of memory share: an access at clock 11 and pc 6 in frame 7 to an address that was left at clock 3.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use super::{
    adversarial, balance, cell, check_lookup_binds, felt, limbs_changed, memory, second_solutions,
    with_effect_row, word,
};
use crate::check::Message;
use crate::chip::ChipKind;
use crate::chips::access::Access;
use crate::code::{EffectOp, Operand};
use crate::trace::EffectRow;

/// Cells: the address, the value stored, the value loaded.
pub(crate) const ADDRESS: u32 = 50;
pub(crate) const STORED: u32 = 51;
pub(crate) const LOADED: u32 = 52;
/// What stands at the address, and since when.
pub(crate) const WORD: [i64; 4] = [80, 81, 82, 83];
pub(crate) const BEFORE: u64 = 3;
pub(crate) const PLACE: i64 = 20;

/// Hands `fill` what the row of a load or store says; `stored` are the elements of the value.
pub(crate) fn with_access(
    op: EffectOp,
    address: Operand,
    stored: &[i64],
    fill: impl FnOnce(&EffectRow<'_>),
) {
    let operands = [address, Operand::Cell(STORED)];
    let operands = &operands[..op.signature().operands.len()];
    let results: usize = op
        .signature()
        .results
        .iter()
        .map(|ty| ty.components())
        .sum();
    let id = if results == 0 { 0 } else { LOADED };
    let values = [&[PLACE], stored].concat();
    with_effect_row(op, id, operands, &values, &WORD[..results], BEFORE, |row| {
        let mut row = *row;
        row.memory.word = WORD.map(felt);
        fill(&row);
    });
}

/// The address in a cell, and in the program table.
pub(crate) fn addresses() -> [Operand; 2] {
    [Operand::Cell(ADDRESS), Operand::Imm(felt(PLACE))]
}

/// What a row that is taken −1 times changes.
pub(crate) fn reversed(chip: ChipKind, row: &[Felt]) -> Vec<(Message, i64)> {
    let messages = balance(chip, row).into_iter();
    messages
        .map(|(message, count)| (message, if count == Felt::ONE { -2 } else { 2 }))
        .collect()
}

/// A stale word is one of another clock, and each tuple is taken once; a clock that is not earlier has no gap in limbs. `columns` are
/// those of the access, by their positions.
pub(crate) fn check_clocks(chip: ChipKind, load: &[Felt], columns: &Access<usize>) {
    // The clock before, the same clock, a later one: gap −1 and −2 are no 32-bit numbers.
    for (gap, clk) in [([9, 0, 0], 1), ([-1, 0, 0], 11), ([-2, 0, 0], 12)] {
        let mut forged = load.to_vec();
        for (&column, limb) in columns.gap.iter().zip(gap) {
            forged[column] = felt(limb);
        }
        let mut expected = balance(chip, load);
        let mut change = |message: Message, count: i64| {
            *expected.entry(message).or_default() += felt(count);
        };
        change(memory(0, PLACE, WORD, BEFORE as i64), 1);
        change(memory(0, PLACE, WORD, clk), -1);
        for (message, count) in limbs_changed([7, 0, 0], gap) {
            change(message, count);
        }
        expected.retain(|_, count| *count != Felt::ZERO);
        assert_eq!(balance(chip, &forged), expected);
    }
}

/// A scalar cell is an address of context 0; one of another context has a component more.
pub(crate) fn check_context(chip: ChipKind, load: &[Felt], columns: &Access<usize>) {
    let mut row = load.to_vec();
    row[columns.context] = felt(5);
    let messages = balance(chip, &row);
    assert!(!messages.contains_key(&cell(7, ADDRESS, PLACE)));
    let read = messages.get(&word(7, ADDRESS, [PLACE, 5, 0, 0]));
    assert_eq!(read, Some(&Felt::NEG_ONE));
}

/// The program fixes the instruction, and what a row takes fixes the rest.
pub(crate) fn check_instruction(chip: ChipKind, rows: &[Vec<Felt>], columns: &Access<usize>) {
    let fixed = [
        columns.pc,
        columns.store,
        columns.immediate,
        columns.address_id,
        columns.value_id,
    ];
    for row in rows {
        check_lookup_binds(chip, row, &fixed);
    }
}

/// No row has a second solution.
pub(crate) fn check_freedom(chip: ChipKind, rows: &[Vec<Felt>], columns: &Access<usize>) {
    for row in rows {
        let found = second_solutions(chip, row, &[columns.count], &adversarial(row));
        assert_eq!(found, 0);
    }
}
