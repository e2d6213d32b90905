use p3_field::Field;
use proptest::prelude::*;

use super::*;
use crate::chip::ChipKind;
use crate::code::{FactOp, Operand};
use crate::testing::{
    FRAMES, Forgery, IDS, MULT, adversarial, cell, check_forgeries, check_lookup_binds,
    check_padding, felt, limbs_changed, number, positions, tests_of_both, violated, with_facts,
};

const A: u32 = 50;
const B: u32 = 51;

/// All instructions of a row are this one.
fn row<const N: usize>(op: FactOp, a: u64, b: u64, immediate: bool) -> Vec<Felt> {
    let counts = limbs::Counts::default();
    let mut row = vec![Felt::ZERO; width::<N>()];
    let values = [a, b].map(Felt::from_u64);
    let second = if immediate {
        Operand::Imm(values[1])
    } else {
        Operand::Cell(B)
    };
    with_facts::<N>(op, &[Operand::Cell(A), second], &values, |i, values| {
        fill(&mut Row::<_, N>::of_mut(&mut row).facts[i], values, &counts);
    });
    row
}

fn mults<const N: usize>() -> Vec<usize> {
    let positions = positions(width::<N>());
    let facts = Row::<_, N>::of(&positions).facts;
    facts.iter().flat_map(|fact| fact.mults).collect()
}

fn each_constraint_stops_a_forgery<const N: usize>(chip: ChipKind) {
    let mut forgeries = Vec::new();
    for i in 0..N {
        let name = |constraint: &str| format!("fact {i}: {constraint}");
        let fp = FRAMES[i];
        let result = |value| cell(fp, IDS[i], value);
        let carry = |value| cell(fp, IDS[i] + 1, value);
        let moved = |from, to| vec![(from, -MULT), (to, MULT)];
        // 5 + 6 = 12
        let mut gain = moved(result(11), result(12));
        gain.extend(limbs_changed([11, 0, 0], [12, 0, 0]));
        forgeries.push(Forgery::new(
            name("sum"),
            row::<N>(FactOp::U32Add, 5, 6, false),
            |row| Row::<_, N>::of_mut(row).facts[i].out[0] = felt(12),
            gain,
        ));
        // 5 + 0 carries, because the constant is taken for 2^32.
        forgeries.push(Forgery::new(
            name("immediate"),
            row::<N>(FactOp::U32Add, 5, 0, true),
            |row| {
                let fact = &mut Row::<_, N>::of_mut(row).facts[i];
                fact.b = Felt::from_u64(1 << 32);
                fact.carry = Felt::ONE;
            },
            moved(carry(0), carry(1)),
        ));
        // 5 + 6 carries −1; the result is 2^32 too large, which the limb table would stop.
        let mut gain = moved(result(11), result(11 + (1 << 32)));
        gain.extend(moved(carry(0), carry(-1)));
        gain.extend(limbs_changed([11, 0, 0], [11, 0, 256]));
        forgeries.push(Forgery::new(
            name("carry is boolean"),
            row::<N>(FactOp::U32Add, 5, 6, false),
            |row| {
                let fact = &mut Row::<_, N>::of_mut(row).facts[i];
                fact.carry = Felt::NEG_ONE;
                fact.out[2] = felt(256);
            },
            gain,
        ));
        // The code of "add a constant" is 2, which is also 16·⅛: 5 + ¾·(cell 8) = 11.
        let mut gain = moved(result(13), result(11));
        gain.extend(limbs_changed([13, 0, 0], [11, 0, 0]));
        gain.push((cell(fp, 8, 8), -1));
        forgeries.push(Forgery::new(
            name("subtract is boolean"),
            row::<N>(FactOp::U32Add, 5, 8, true),
            |row| {
                let fact = &mut Row::<_, N>::of_mut(row).facts[i];
                fact.subtract = Felt::from_u32(8).inverse();
                fact.immediate = Felt::ZERO;
                fact.out[0] = felt(11);
            },
            gain,
        ));
        // The code of "subtract a cell" is 16, which is also 2·8: the addition of b's id, and b is not read but given.
        let honest = row::<N>(FactOp::U32Sub, 6, u64::from(B), false);
        let mut gain = moved(result(6 + (1 << 32) - 51), result(57));
        gain.extend(moved(carry(1), carry(0)));
        gain.extend(limbs_changed([0xfd3, 0xfff, 0xff], [57, 0, 0]));
        gain.push((cell(fp, B, i64::from(B)), 8));
        forgeries.push(Forgery::new(
            name("immediate is boolean"),
            honest,
            |row| {
                let fact = &mut Row::<_, N>::of_mut(row).facts[i];
                fact.subtract = Felt::ZERO;
                fact.immediate = felt(8);
                fact.carry = Felt::ZERO;
                fact.out = [felt(57), Felt::ZERO, Felt::ZERO];
            },
            gain,
        ));
    }
    check_forgeries(chip, &forgeries);
}

fn the_program_fixes_ids_and_kinds<const N: usize>(chip: ChipKind) {
    let positions = positions(width::<N>());
    let facts = Row::<_, N>::of(&positions).facts;
    let columns: Vec<usize> = facts
        .iter()
        .flat_map(|fact| [fact.id, fact.subtract, fact.immediate, fact.a_id, fact.b_id])
        .collect();
    check_lookup_binds(chip, &row::<N>(FactOp::U32Add, 5, 6, false), &columns);
    check_lookup_binds(chip, &row::<N>(FactOp::U32Sub, 5, 6, true), &columns);
}

fn padding_duplicates_a_fact_and_provides_nothing<const N: usize>(chip: ChipKind) {
    check_padding(chip, &row::<N>(FactOp::U32Sub, 5, 6, false), &mults::<N>());
}

tests_of_both!(
    U32Add, FACTS, U32AddNarrow:
    each_constraint_stops_a_forgery,
    the_program_fixes_ids_and_kinds,
    padding_duplicates_a_fact_and_provides_nothing,
);

/// Rule R3: whatever the carry, only one result is in range.
fn check_one_result<const N: usize>(chip: ChipKind, op: FactOp, a: u64, b: u64) {
    let honest = row::<N>(op, a, b, false);
    let right = Row::<_, N>::of(&honest).facts[0];
    let mut solutions = 0;
    for carry in adversarial(&[right.carry]) {
        let mut forged = honest.clone();
        let fact = &mut Row::<_, N>::of_mut(&mut forged).facts[0];
        let sign = Felt::ONE - fact.subtract.double();
        let out = fact.a + sign * (fact.b - carry * Felt::from_u64(1 << 32));
        // A result of 2^32 or more has no limbs in the table.
        let out = p3_field::PrimeField64::as_canonical_u64(&out);
        if out >> 32 != 0 {
            continue;
        }
        fact.carry = carry;
        fact.out = limbs::Counts::default().split(Felt::from_u64(out));
        if violated(chip, &forged).is_empty() {
            assert_eq!(forged, honest);
            solutions += 1;
        }
    }
    assert_eq!(solutions, 1);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_result_is_in_range(a in number(), b in number(), subtract in any::<bool>()) {
        let op = if subtract { FactOp::U32Sub } else { FactOp::U32Add };
        check_one_result::<FACTS>(ChipKind::U32Add, op, a, b);
        check_one_result::<{ narrow::PER_ROW }>(ChipKind::U32AddNarrow, op, a, b);
    }
}
