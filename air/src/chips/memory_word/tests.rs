use super::*;
use crate::chip::ChipKind;
use crate::code::{EffectOp, Operand};
use crate::testing::access::{
    ADDRESS, BEFORE, LOADED, PLACE, STORED, WORD, addresses, check_clocks, check_context,
    check_freedom, check_instruction, reversed, with_access,
};
use crate::testing::{
    Forgery, MULT, balance, cell, check_forgeries, check_real_is_boolean, check_silent, felt,
    limb_messages, memory, positions, state, word,
};

const CHIP: ChipKind = ChipKind::MemoryWord;
const VALUE: [i64; 4] = [90, 91, 92, 93];

fn row(op: EffectOp, address: Operand) -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; WIDTH];
    let counts = limbs::Counts::default();
    with_access(op, address, &VALUE, |values| {
        fill(Cols::of_mut(&mut row), values, &counts);
    });
    row
}

/// The columns of the access, by their positions.
fn access() -> access::Access<usize> {
    Cols::of(&positions(WIDTH)).access
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
    let ops = [EffectOp::LoadWord, EffectOp::StoreWord];
    let rows = addresses().map(|address| ops.map(|op| row(op, address)));
    rows.into_iter().flatten().collect()
}

fn padding() -> Vec<Felt> {
    let mut row = vec![Felt::ONE; WIDTH];
    fill_padding(Cols::of_mut(&mut row));
    row
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
            reversed(CHIP, &unread),
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

#[test]
fn what_is_taken_is_from_an_earlier_clock() {
    check_clocks(CHIP, &load(), &access());
}

#[test]
fn a_scalar_address_is_of_context_0() {
    check_context(CHIP, &load(), &access());
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
    check_instruction(CHIP, &rows(), &access());
}

#[test]
fn a_row_has_no_freedom() {
    check_freedom(CHIP, &rows(), &access());
}
