use super::*;
use crate::bus::{ABSORBED, ABSORBING};
use crate::check::Message;
use crate::chip::ChipKind;
use crate::code::{EffectOp, Operand};
use crate::testing::{
    Forgery, MULT, adversarial, balance, cell, check_forgeries, check_lookup_binds,
    check_real_is_boolean, check_silent, felt, message, positions, second_solutions, state, sums,
    violated, with_effect_row, word,
};

const CHIP: ChipKind = ChipKind::Sum;
const ID: u32 = 100;
/// Ids of digest, a, m, x and number of blocks.
const IDS: [u32; 5] = [50, 51, 52, 53, 54];
const DIGEST_OF: [i64; 4] = [60, 61, 62, -1];
const A: [i64; 3] = [70, 71, 72];
const M: [i64; 3] = [80, 81, 82];
const X: i64 = 900;
const BLOCKS: i64 = 7;
const S: [i64; 3] = [90, 91, 92];
const U: [i64; 3] = [95, 96, 97];

fn with_zero([c0, c1, c2]: [i64; 3]) -> [i64; 4] {
    [c0, c1, c2, 0]
}

/// At clock 11 and pc 6 in frame 7.
fn row(constants: bool) -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; WIDTH];
    let [digest, a, m, x, blocks] = IDS.map(Operand::Cell);
    let [x, blocks] = match constants {
        true => [X, BLOCKS].map(|value| Operand::Imm(felt(value))),
        false => [x, blocks],
    };
    let values = [DIGEST_OF, with_zero(A), with_zero(M)].concat();
    let values = [values, vec![X, BLOCKS]].concat();
    let results = [with_zero(S), with_zero(U)].concat();
    let operands = [digest, a, m, x, blocks];
    with_effect_row(
        EffectOp::SumPreimage,
        ID,
        &operands,
        &values,
        &results,
        0,
        |values| fill(Cols::of_mut(&mut row), values),
    );
    row
}

fn padding() -> Vec<Felt> {
    let mut row = vec![Felt::ONE; WIDTH];
    fill_padding(Cols::of_mut(&mut row));
    row
}

/// What a row reads of a message, for any x and number of blocks.
fn absorbed(x: i64, blocks: i64) -> Message {
    let fact = Sums {
        blocks: felt(blocks),
        state: DIGEST_OF.map(felt),
        a: A.map(felt),
        m: M.map(felt),
        x: felt(x),
        s: S.map(felt),
        u: U.map(felt),
    };
    sums(i64::from(ABSORBED), fact)
}

fn nothing(a: [i64; 3], m: [i64; 3], x: i64) -> Message {
    let fact = Sums {
        blocks: Felt::ZERO,
        state: [Felt::ZERO; 4],
        a: a.map(felt),
        m: m.map(felt),
        x: felt(x),
        s: [Felt::ZERO; 3],
        u: [Felt::ZERO; 3],
    };
    sums(i64::from(ABSORBING), fact)
}

fn lookup(constants: bool) -> Message {
    let [digest, a, m, x, blocks] = IDS.map(i64::from);
    let [x, blocks] = match constants {
        true => [X, BLOCKS],
        false => [x, blocks],
    };
    let code = if constants { 24 } else { 0 };
    message(&[51, 6, 0, code, digest, a, m, x, blocks, i64::from(ID)].map(felt))
}

#[test]
fn a_row_reads_what_a_message_comes_to() {
    for constants in [false, true] {
        let row = row(constants);
        assert_eq!(violated(CHIP, &row), [] as [&str; 0]);
        let mut expected = vec![
            (state(11, 6, 7), -1),
            (state(12, 7, 7), 1),
            (lookup(constants), -1),
            (word(7, IDS[0], DIGEST_OF), -1),
            (word(7, IDS[1], with_zero(A)), -1),
            (word(7, IDS[2], with_zero(M)), -1),
            (absorbed(X, BLOCKS), -1),
            (nothing(A, M, X), MULT),
            (word(7, ID, with_zero(S)), MULT),
            (word(7, ID + 1, with_zero(U)), MULT),
        ];
        if !constants {
            expected.push((cell(7, IDS[3], X), -1));
            expected.push((cell(7, IDS[4], BLOCKS), -1));
        }
        let mut expected: Vec<_> = expected.into_iter().map(|(m, n)| (m, felt(n))).collect();
        expected.sort_unstable();
        let found: Vec<_> = balance(CHIP, &row).into_iter().collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn each_constraint_stops_a_forgery() {
    let mut forgeries = Vec::new();
    // A reversed step. It gives nothing, or padding would be what the row violates.
    let mut silent = row(false);
    let cols = Cols::of_mut(&mut silent);
    cols.mults = [Felt::ZERO; 2];
    cols.starts = Felt::ZERO;
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
    // Flags whose sum is that of others, so that x and the number of blocks would be constants by fractions.
    let constants = row(true);
    let code = |code: i64| {
        let mut message = lookup(true);
        message[3] = code as u64;
        message
    };
    let changed = [
        ("constant x is boolean", 0, 8 * 3 + 16),
        ("constant number of blocks is boolean", 1, 8 + 16 * 3),
    ];
    for (constraint, flag, instead) in changed {
        let (id, value) = [(X as u32, X), (BLOCKS as u32, BLOCKS)][flag];
        let mut forgery = Forgery::new(
            constraint,
            constants.clone(),
            |row| Cols::of_mut(row).immediates[flag] = felt(3),
            Vec::new(),
        );
        forgery.also(code(24), Felt::ONE);
        forgery.also(code(instead), Felt::NEG_ONE);
        forgery.also(cell(7, id, value), felt(2));
        forgeries.push(forgery);
    }
    // Another point, or another length, than the program's.
    for (constraint, j) in [("constant x", 0), ("constant number of blocks", 1)] {
        let mut scalars = [X, BLOCKS];
        scalars[j] += 1;
        let mut gain = vec![
            (absorbed(X, BLOCKS), 1),
            (absorbed(scalars[0], scalars[1]), -1),
        ];
        if j == 0 {
            gain.push((nothing(A, M, X), -MULT));
            gain.push((nothing(A, M, X + 1), MULT));
        }
        forgeries.push(Forgery::new(
            constraint,
            constants.clone(),
            |row| Cols::of_mut(row).scalars = scalars.map(felt),
            gain,
        ));
    }
    // Padding that gives sums nobody has taken.
    for (constraint, j) in [
        ("padding gives no sum", 0),
        ("padding gives no sum at x", 1),
    ] {
        let id = ID + j as u32;
        forgeries.push(Forgery::new(
            constraint,
            padding(),
            |row| {
                let cols = Cols::of_mut(row);
                cols.fp = felt(7);
                cols.id = Felt::from_u32(ID);
                cols.sums[j] = S.map(felt);
                cols.mults[j] = Felt::ONE;
            },
            vec![(word(7, id, with_zero(S)), 1)],
        ));
    }
    // What it would say is true; but padding says nothing.
    forgeries.push(Forgery::new(
        "padding begins no message",
        padding(),
        |row| {
            let cols = Cols::of_mut(row);
            cols.a = A.map(felt);
            cols.starts = Felt::ONE;
        },
        vec![(nothing(A, [0; 3], 0), 1)],
    ));
    check_forgeries(CHIP, &forgeries);
}

#[test]
fn real_is_0_or_1() {
    check_real_is_boolean(CHIP, &[row(false), row(true), padding()]);
}

#[test]
fn padding_is_silent() {
    check_silent(CHIP, &padding());
}

#[test]
fn the_program_fixes_instruction_and_operands() {
    let cols = *Cols::of(&positions(WIDTH));
    let columns = [
        &[cols.pc, cols.id][..],
        &cols.immediates,
        &cols.word_ids,
        &cols.scalar_ids,
    ];
    for constants in [false, true] {
        check_lookup_binds(CHIP, &row(constants), &columns.concat());
    }
}

/// With what a row reads held fixed, nothing else can be given, whatever the sums of no blocks are asked for.
#[test]
fn the_results_are_what_the_message_comes_to() {
    let cols = *Cols::of(&positions(WIDTH));
    let mults = [&cols.mults[..], &[cols.starts]].concat();
    let few = [Felt::ZERO, Felt::ONE, Felt::TWO, Felt::NEG_ONE, felt(83)];
    for constants in [false, true] {
        let row = row(constants);
        assert_eq!(second_solutions(CHIP, &row, &mults, &few), 0);
        for column in (0..WIDTH).filter(|column| !mults.contains(column)) {
            for value in adversarial(&row) {
                let mut changed = row.clone();
                changed[column] = value;
                let same = balance(CHIP, &changed) == balance(CHIP, &row);
                assert!(value == row[column] || !same || !violated(CHIP, &changed).is_empty());
            }
        }
    }
}
