use super::*;
use crate::check::Message;
use crate::chip::ChipKind;
use crate::code::{EffectOp, Operand};
use crate::testing::{
    Forgery, MULT, adversarial, balance, cell, check_forgeries, check_lookup_binds,
    check_real_is_boolean, check_silent, felt, limb_messages, limbs_changed, memory, positions,
    second_solutions, state, with_effect_row, word,
};

const CHIP: ChipKind = ChipKind::MemoryWord;
/// Cells: the address, the value stored, the value loaded.
const ADDRESS: u32 = 50;
const STORED: u32 = 51;
const LOADED: u32 = 52;
/// What stands at the address, and since when.
const WORD: [i64; 4] = [80, 81, 82, 83];
const BEFORE: u64 = 3;
const PLACE: i64 = 20;
const VALUE: [i64; 4] = [90, 91, 92, 93];

/// At clock 11 and pc 6 in frame 7.
fn row(op: EffectOp, address: Operand) -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; WIDTH];
    let store = op == EffectOp::StoreWord;
    let operands = [address, Operand::Cell(STORED)];
    let results = if store { &[][..] } else { &WORD[..] };
    let id = if store { 0 } else { LOADED };
    let operands = &operands[..op.signature().operands.len()];
    let counts = limbs::Counts::default();
    with_effect_row(
        op,
        id,
        operands,
        &operand_values(),
        results,
        BEFORE,
        |values| {
            let mut values = *values;
            values.memory.word = WORD.map(felt);
            fill(Cols::of_mut(&mut row), &values, &counts);
        },
    );
    row
}

fn load() -> Vec<Felt> {
    row(EffectOp::LoadWord, Operand::Cell(ADDRESS))
}

fn store() -> Vec<Felt> {
    row(EffectOp::StoreWord, Operand::Cell(ADDRESS))
}

fn at_constant(op: EffectOp) -> Vec<Felt> {
    row(op, Operand::Imm(felt(PLACE)))
}

fn rows() -> Vec<Vec<Felt>> {
    vec![
        load(),
        store(),
        at_constant(EffectOp::LoadWord),
        at_constant(EffectOp::StoreWord),
    ]
}

fn padding() -> Vec<Felt> {
    let mut row = vec![Felt::ONE; WIDTH];
    fill_padding(Cols::of_mut(&mut row));
    row
}

/// The address and the word stored.
fn operand_values() -> [i64; 5] {
    let [a, b, c, d] = VALUE;
    [PLACE, a, b, c, d]
}

#[test]
fn a_row_takes_the_word_as_it_was_and_gives_it_as_it_is() {
    for row in rows() {
        let cols = *Cols::of(&row);
        let messages = balance(CHIP, &row);
        let mut expected = vec![
            (state(11, 6, 7), -1),
            (state(12, 7, 7), 1),
            (memory(0, PLACE, WORD, BEFORE as i64), -1),
        ];
        if cols.access.store == Felt::ONE {
            expected.push((memory(0, PLACE, VALUE, 11), 1));
            expected.push((word(7, STORED, VALUE), -1));
        } else {
            expected.push((memory(0, PLACE, WORD, 11), 1));
            expected.push((word(7, LOADED, WORD), MULT));
        }
        if cols.access.immediate == Felt::ZERO {
            expected.push((cell(7, ADDRESS, PLACE), -1));
        }
        // 11 − 3 − 1
        expected.extend(limb_messages([7, 0, 0]).iter().map(|&limb| (limb, -1)));
        for (message, count) in &expected {
            assert_eq!(messages.get(message), Some(&felt(*count)), "{message:?}");
        }
        assert_eq!(messages.len(), expected.len() + 1, "and the lookup");
    }
}

fn reversed(row: &[Felt]) -> Vec<(Message, i64)> {
    let messages = balance(CHIP, row).into_iter();
    messages
        .map(|(message, count)| (message, if count == Felt::ONE { -2 } else { 2 }))
        .collect()
}

#[test]
fn each_constraint_stops_a_forgery() {
    // Of a load that nobody reads: a reversed row gives back what it should take, and the past begins anew.
    let mut unread = load();
    Cols::of_mut(&mut unread).access.count = Felt::ZERO;
    let mut forgeries = vec![
        Forgery::new(
            "real is boolean",
            unread.clone(),
            |row| Cols::of_mut(row).access.real = Felt::NEG_ONE,
            reversed(&unread),
        ),
        // A load from another address than the program's.
        Forgery::new(
            "immediate address",
            at_constant(EffectOp::LoadWord),
            |row| Cols::of_mut(row).access.address = felt(21),
            vec![
                (memory(0, PLACE, WORD, 3), 1),
                (memory(0, 21, WORD, 3), -1),
                (memory(0, PLACE, WORD, 11), -1),
                (memory(0, 21, WORD, 11), 1),
            ],
        ),
        // A load from the memory of another context.
        Forgery::new(
            "immediate address: context",
            at_constant(EffectOp::LoadWord),
            |row| Cols::of_mut(row).access.context = felt(5),
            vec![
                (memory(0, PLACE, WORD, 3), 1),
                (memory(5, PLACE, WORD, 3), -1),
                (memory(0, PLACE, WORD, 11), -1),
                (memory(5, PLACE, WORD, 11), 1),
            ],
        ),
        // A store of a value that is not the operand's.
        Forgery::new(
            "a store reads its value",
            store(),
            |row| {
                let cols = Cols::of_mut(row);
                cols.access.count = Felt::ZERO;
                cols.value[0] = felt(99);
            },
            vec![
                (word(7, STORED, VALUE), 1),
                (memory(0, PLACE, VALUE, 11), -1),
                (memory(0, PLACE, [99, 91, 92, 93], 11), 1),
            ],
        ),
        Forgery::new(
            "padding gives no value",
            padding(),
            |row| {
                let cols = Cols::of_mut(row);
                cols.access.fp = felt(7);
                cols.access.value_id = felt(i64::from(LOADED));
                cols.access.count = Felt::ONE;
                cols.value = VALUE.map(felt);
                cols.word = VALUE.map(felt);
            },
            vec![(word(7, LOADED, VALUE), 1)],
        ),
    ];
    // A load that gives, and leaves, another word.
    for j in 0..4 {
        let mut other = WORD;
        other[j] = 99;
        forgeries.push(Forgery::new(
            format!("a load keeps element {j}"),
            load(),
            |row| Cols::of_mut(row).value[j] = felt(99),
            vec![
                (word(7, LOADED, WORD), -MULT),
                (word(7, LOADED, other), MULT),
                (memory(0, PLACE, WORD, 11), -1),
                (memory(0, PLACE, other, 11), 1),
            ],
        ));
    }
    check_forgeries(CHIP, &forgeries);
}

/// A stale word is one of another clock, and each tuple is taken once; a clock that is not earlier has no gap in limbs.
#[test]
fn what_is_taken_is_from_an_earlier_clock() {
    let honest = load();
    // The clock before, the same clock, a later one: gap −1 and −2 are no 32-bit numbers.
    for (gap, clk) in [([9, 0, 0], 1), ([-1, 0, 0], 11), ([-2, 0, 0], 12)] {
        let mut forged = honest.clone();
        Cols::of_mut(&mut forged).access.gap = gap.map(felt);
        let mut expected: std::collections::BTreeMap<_, _> = balance(CHIP, &honest);
        let mut change = |message: Message, count: i64| {
            *expected.entry(message).or_default() += felt(count);
        };
        change(memory(0, PLACE, WORD, 3), 1);
        change(memory(0, PLACE, WORD, clk), -1);
        for (message, count) in limbs_changed([7, 0, 0], gap) {
            change(message, count);
        }
        expected.retain(|_, count| *count != Felt::ZERO);
        assert_eq!(balance(CHIP, &forged), expected);
    }
}

/// A scalar cell is an address of context 0; one of another context has a component more.
#[test]
fn a_scalar_address_is_of_context_0() {
    let mut row = load();
    Cols::of_mut(&mut row).access.context = felt(5);
    let messages = balance(CHIP, &row);
    assert!(!messages.contains_key(&cell(7, ADDRESS, PLACE)));
    assert_eq!(
        messages.get(&word(7, ADDRESS, [PLACE, 5, 0, 0])),
        Some(&Felt::NEG_ONE)
    );
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
fn the_program_fixes_the_instruction() {
    let positions = positions(WIDTH);
    let access = Cols::of(&positions).access;
    let columns = [
        access.pc,
        access.store,
        access.immediate,
        access.address_id,
        access.value_id,
    ];
    for row in rows() {
        check_lookup_binds(CHIP, &row, &columns);
    }
}

#[test]
fn a_row_has_no_freedom() {
    let positions = positions(WIDTH);
    let access = Cols::of(&positions).access;
    for row in rows() {
        assert_eq!(
            second_solutions(CHIP, &row, &[access.count], &adversarial(&row)),
            0
        );
    }
}
