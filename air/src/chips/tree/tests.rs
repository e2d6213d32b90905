use plica_field::Word;

use super::*;
use crate::check::Message;
use crate::chip::ChipKind;
use crate::code::Operand;
use crate::testing::{
    Forgery, MULT, adversarial, balance, cell, change, check_forgeries, check_lookup_binds,
    check_real_is_boolean, check_silent, felt, message, node, positions, second_solutions, state,
    violated, with_effect_row, word,
};

const CHIP: ChipKind = ChipKind::Tree;
const ID: u32 = 100;
/// Ids of root, depth, index and new node.
const IDS: [u32; 4] = [50, 51, 52, 53];
const DEPTH: i64 = 9;
const INDEX: i64 = 300;
const ROOT: [i64; 4] = [60, 61, 62, 63];
const NEW: [i64; 4] = [70, 71, 72, -1];
const NODE: [i64; 4] = [80, 81, 82, 83];
const NEW_ROOT: [i64; 4] = [90, 91, 92, 93];

fn felts(word: [i64; 4]) -> Word {
    word.map(felt)
}

/// At clock 11 and pc 6 in frame 7.
fn row(op: EffectOp, constants: bool) -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; WIDTH];
    let [root, depth, index, new] = IDS.map(Operand::Cell);
    let place = match constants {
        true => [DEPTH, INDEX].map(|value| Operand::Imm(felt(value))),
        false => [depth, index],
    };
    let mut operands = vec![root, place[0], place[1]];
    let mut values = [&ROOT[..], &[DEPTH, INDEX]].concat();
    let mut results = NODE.to_vec();
    if op == EffectOp::ReplaceNode {
        operands.push(new);
        values.extend(NEW);
        results.extend(NEW_ROOT);
    }
    with_effect_row(op, ID, &operands, &values, &results, 0, |values| {
        fill(Cols::of_mut(&mut row), values);
    });
    row
}

fn all() -> [Vec<Felt>; 4] {
    let [read, replace] = [EffectOp::ReadNode, EffectOp::ReplaceNode];
    [
        row(read, false),
        row(read, true),
        row(replace, false),
        row(replace, true),
    ]
}

fn padding() -> Vec<Felt> {
    let mut row = vec![Felt::ONE; WIDTH];
    fill_padding(Cols::of_mut(&mut row));
    row
}

/// What a row reads and gives beside state and program.
fn expected(op: EffectOp, constants: bool) -> Vec<(Message, Felt)> {
    let [root, node_there] = [ROOT, NODE].map(felts);
    let mut expected = vec![
        (word(7, IDS[0], ROOT), -1),
        (node(DEPTH, INDEX, root, node_there), -1),
        (word(7, ID, NODE), MULT),
    ];
    if !constants {
        expected.push((cell(7, IDS[1], DEPTH), -1));
        expected.push((cell(7, IDS[2], INDEX), -1));
    }
    if op == EffectOp::ReplaceNode {
        let [new, new_root] = [NEW, NEW_ROOT].map(felts);
        expected.extend([
            (word(7, IDS[3], NEW), -1),
            (node(DEPTH, INDEX, new_root, new), -1),
            (change(DEPTH, INDEX, [root, new_root]), -1),
            (word(7, ID + 1, NEW_ROOT), MULT),
        ]);
    }
    expected.into_iter().map(|(m, n)| (m, felt(n))).collect()
}

fn lookup(op: EffectOp, constants: bool) -> Message {
    let replaces = op == EffectOp::ReplaceNode;
    let place = match constants {
        true => [DEPTH, INDEX],
        false => [IDS[1], IDS[2]].map(i64::from),
    };
    let new = if replaces { i64::from(IDS[3]) } else { 0 };
    let [id, root] = [ID, IDS[0]].map(i64::from);
    let fields = [
        50,
        6,
        i64::from(replaces),
        if constants { 6 } else { 0 },
        id,
        root,
        place[0],
        place[1],
        new,
    ];
    message(&fields.map(felt))
}

#[test]
fn a_row_reads_what_trees_say() {
    for op in [EffectOp::ReadNode, EffectOp::ReplaceNode] {
        for constants in [false, true] {
            let row = row(op, constants);
            assert_eq!(violated(CHIP, &row), [] as [&str; 0]);
            let mut all = expected(op, constants);
            all.extend([
                (state(11, 6, 7), Felt::NEG_ONE),
                (state(12, 7, 7), Felt::ONE),
                (lookup(op, constants), Felt::NEG_ONE),
            ]);
            all.sort_unstable();
            let found: Vec<_> = balance(CHIP, &row).into_iter().collect();
            assert_eq!(found, all);
        }
    }
}

#[test]
fn each_constraint_stops_a_forgery() {
    let mut forgeries = Vec::new();
    // A reversed step. It gives nothing, or padding would be what the row violates.
    let mut silent = row(EffectOp::ReadNode, false);
    Cols::of_mut(&mut silent).mults = [Felt::ZERO; 2];
    let reversed = balance(CHIP, &silent).into_iter();
    let reversed = reversed.map(|(message, count)| {
        let twice = if count == Felt::ONE { -2 } else { 2 };
        (message, twice)
    });
    forgeries.push(Forgery::new(
        "real is boolean",
        silent.clone(),
        |row| Cols::of_mut(row).real = Felt::NEG_ONE,
        reversed.collect(),
    ));
    // Two flags for one: 2·3 + 4·0 is 2·1 + 4·1, so that depth and index would be constants by halves.
    let constants = row(EffectOp::ReadNode, true);
    let [root, node_there] = [ROOT, NODE].map(felts);
    let mut forgery = Forgery::new(
        "constant depth is boolean",
        constants.clone(),
        |row| Cols::of_mut(row).immediates[0] = felt(3),
        Vec::new(),
    );
    let code = |code: i64| {
        let mut message = lookup(EffectOp::ReadNode, true);
        message[3] = code as u64;
        message
    };
    let ids = [DEPTH, INDEX].map(|id| id as u32);
    forgery.also(code(6), Felt::ONE);
    forgery.also(code(10), Felt::NEG_ONE);
    forgery.also(cell(7, ids[0], DEPTH), felt(2));
    forgeries.push(forgery);
    let mut forgery = Forgery::new(
        "constant index is boolean",
        constants.clone(),
        |row| Cols::of_mut(row).immediates[1] = felt(3),
        Vec::new(),
    );
    forgery.also(code(6), Felt::ONE);
    forgery.also(code(14), Felt::NEG_ONE);
    forgery.also(cell(7, ids[1], INDEX), felt(2));
    forgeries.push(forgery);
    // Another place than the program's.
    for (j, constraint) in ["constant depth", "constant index"].into_iter().enumerate() {
        let mut place = [DEPTH, INDEX];
        place[j] += 1;
        forgeries.push(Forgery::new(
            constraint,
            constants.clone(),
            |row| Cols::of_mut(row).place = place.map(felt),
            vec![
                (node(DEPTH, INDEX, root, node_there), 1),
                (node(place[0], place[1], root, node_there), -1),
            ],
        ));
    }
    // Padding that takes part in a change.
    forgeries.push(Forgery::new(
        "padding replaces nothing",
        padding(),
        |row| {
            let cols = Cols::of_mut(row);
            cols.fp = felt(7);
            cols.id = Felt::from_u32(ID);
            cols.replace = Felt::ONE;
            cols.new_root = felts(NEW_ROOT);
            cols.mults[1] = Felt::ONE;
        },
        vec![
            (word(7, 0, [0; 4]), -1),
            (node(0, 0, felts(NEW_ROOT), felts([0; 4])), -1),
            (change(0, 0, [felts([0; 4]), felts(NEW_ROOT)]), -1),
            (word(7, ID + 1, NEW_ROOT), 1),
        ],
    ));
    forgeries.push(Forgery::new(
        "padding gives no node",
        padding(),
        |row| {
            let cols = Cols::of_mut(row);
            cols.fp = felt(7);
            cols.id = Felt::from_u32(ID);
            cols.node = felts(NODE);
            cols.mults[0] = Felt::ONE;
        },
        vec![(word(7, ID, NODE), 1)],
    ));
    // A root for the cell behind the node, which belongs to another instruction.
    forgeries.push(Forgery::new(
        "only a replacement gives a root",
        row(EffectOp::ReadNode, false),
        |row| {
            let cols = Cols::of_mut(row);
            cols.new_root = felts(NEW_ROOT);
            cols.mults[1] = Felt::ONE;
        },
        vec![(word(7, ID + 1, NEW_ROOT), 1)],
    ));
    check_forgeries(CHIP, &forgeries);
}

#[test]
fn real_is_0_or_1() {
    let [a, b, c, d] = all();
    check_real_is_boolean(CHIP, &[a, b, c, d, padding()]);
}

#[test]
fn padding_is_silent() {
    check_silent(CHIP, &padding());
}

#[test]
fn the_program_fixes_instruction_and_operands() {
    let cols = *Cols::of(&positions(WIDTH));
    let columns = [
        cols.pc,
        cols.id,
        cols.replace,
        cols.immediates[0],
        cols.immediates[1],
        cols.root_id,
        cols.place_ids[0],
        cols.place_ids[1],
        cols.new_id,
    ];
    for row in all() {
        check_lookup_binds(CHIP, &row, &columns);
    }
}

/// With what a row reads held fixed, nothing else can be given.
#[test]
fn the_results_are_what_trees_say() {
    let mults = Cols::of(&positions(WIDTH)).mults;
    let few = [Felt::ZERO, Felt::ONE, Felt::TWO, Felt::NEG_ONE, felt(83)];
    for row in all() {
        let replaces = Cols::of(&row).replace == Felt::ONE;
        let found = second_solutions(CHIP, &row, &mults, &few);
        // A row that only reads has no use for the columns of a replacement.
        assert_eq!(found == 0, replaces);
        for value in adversarial(&row) {
            let mut changed = row.clone();
            Cols::of_mut(&mut changed).replace = value;
            let here = Cols::of(&row).replace;
            assert!(value == here || balance(CHIP, &changed) != balance(CHIP, &row));
        }
    }
}
