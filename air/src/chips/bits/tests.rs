use p3_field::Field;

use super::*;
use crate::chip::ChipKind;
use crate::code::{FactOp, Operand};
use crate::testing::{
    Forgery, MULT, cell, check_forgeries, check_lookup_binds, check_padding, felt, message,
    positions, report, violated, with_fact_row,
};

const CHIP: ChipKind = ChipKind::Bits;
const FRAME: i64 = 7;
const ID: u32 = 100;
const A: u32 = 50;

fn row(a: u64) -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; WIDTH];
    let cols = &mut Cols::of_mut(&mut row).facts[0];
    let values = [Felt::from_u64(a)];
    with_fact_row(
        FactOp::Bits,
        (FRAME, ID),
        &[Operand::Cell(A)],
        &values,
        |row| {
            fill(cols, row);
        },
    );
    row
}

fn mults() -> Vec<usize> {
    let positions = positions(WIDTH);
    Cols::of(&positions).facts[0].mults.to_vec()
}

#[test]
fn each_constraint_stops_a_forgery() {
    let result = |j: usize, value: Felt| {
        message(&[
            Felt::ONE,
            felt(FRAME),
            Felt::from_usize(ID as usize + j),
            value,
        ])
    };
    let mut forgeries = Vec::new();
    for i in 0..BITS {
        // Twice a bit in the place of the next one, or half of the last one in the place of that before.
        let (other, value) = if i + 1 < BITS {
            (i + 1, Felt::TWO)
        } else {
            (i - 1, Felt::TWO.inverse())
        };
        forgeries.push(Forgery::new(
            format!("bit {i} is boolean"),
            row(1 << other),
            |row| {
                let bits = &mut Cols::of_mut(row).facts[0].bits;
                bits[i] = value;
                bits[other] = Felt::ZERO;
            },
            vec![
                (result(i, Felt::ZERO), -MULT),
                (result(i, value), MULT),
                (result(other, Felt::ONE), -MULT),
                (result(other, Felt::ZERO), MULT),
                (result(BITS, Felt::ONE), -MULT),
                (result(BITS, value), MULT),
            ],
        ));
    }
    check_forgeries(CHIP, &forgeries);
}

/// The bits are the columns, and operand and number of ones follow from them: there is nothing else to choose.
#[test]
fn bits_and_their_number_are_given() {
    for a in [0, 1, 0x8000_0000, 0xdead_beef, 0xffff_ffff_u64] {
        let row = row(a);
        assert!(violated(CHIP, &row).is_empty());
        let messages = report(CHIP, &row).messages;
        assert_eq!(messages[1], (cell(FRAME, A, a as i64), Felt::NEG_ONE));
        for i in 0..BITS {
            let bit = (a >> i & 1) as i64;
            let given = cell(FRAME, ID + i as u32, bit);
            assert_eq!(messages[2 + i], (given, felt(MULT)));
        }
        let ones = i64::from(a.count_ones());
        let given = cell(FRAME, ID + BITS as u32, ones);
        assert_eq!(messages[2 + BITS], (given, felt(MULT)));
    }
}

#[test]
fn the_program_fixes_ids() {
    let positions = positions(WIDTH);
    let fact = Cols::of(&positions).facts[0];
    check_lookup_binds(CHIP, &row(5), &[fact.id, fact.a_id]);
}

#[test]
fn padding_duplicates_a_fact_and_provides_nothing() {
    check_padding(CHIP, &row(5), &mults());
}
