use proptest::prelude::*;

use super::*;
use crate::chip::ChipKind;
use crate::code::{FactEntry, FactOp, MAX_OPERANDS, Operand};
use crate::testing::{
    FRAMES, Forgery, IDS, MULT, cell, check_forgeries, check_lookup_binds, check_padding, felt,
    limbs_changed, number, positions, tests_of_both, violated, with_facts,
};

const A: u32 = 50;
const OPS: [FactOp; 3] = [FactOp::U32Shl, FactOp::U32Shr, FactOp::U32Rotl];

/// All instructions of a row are this one, with the factor 2^bits.
fn row<const N: usize>(op: FactOp, a: u64, bits: u32) -> Vec<Felt> {
    let counts = limbs::Counts::default();
    let mut row = vec![Felt::ZERO; width::<N>()];
    let values = [a, 1 << bits].map(Felt::from_u64);
    let operands = [Operand::Cell(A), Operand::Imm(values[1])];
    with_facts::<N>(op, &operands, &values, |i, values| {
        fill(&mut Row::<_, N>::of_mut(&mut row).facts[i], values, &counts);
    });
    row
}

fn mults<const N: usize>() -> Vec<usize> {
    let positions = positions(width::<N>());
    Row::<_, N>::of(&positions)
        .facts
        .map(|fact| fact.mult)
        .to_vec()
}

fn each_constraint_stops_a_forgery<const N: usize>(chip: ChipKind) {
    let mut forgeries = Vec::new();
    for i in 0..N {
        let name = |constraint: &str| format!("fact {i}: {constraint}");
        let result = |value| cell(FRAMES[i], IDS[i], value);
        // 3·4 = 13
        let mut gain = vec![(result(12), -MULT), (result(13), MULT)];
        gain.extend(limbs_changed([12, 0, 0], [13, 0, 0]));
        forgeries.push(Forgery::new(
            name("product"),
            row::<N>(FactOp::U32Shl, 3, 2),
            |row| {
                let fact = &mut Row::<_, N>::of_mut(row).facts[i];
                fact.low[0] = felt(13);
                fact.out = felt(13);
            },
            gain,
        ));
        for (op, right) in [(OPS[0], 1 << 31), (OPS[1], 1), (OPS[2], (1 << 31) + 1)] {
            forgeries.push(Forgery::new(
                name("result"),
                row::<N>(op, 3, 31),
                |row| Row::<_, N>::of_mut(row).facts[i].out = felt(77),
                vec![(result(right), -MULT), (result(77), MULT)],
            ));
        }
    }
    check_forgeries(chip, &forgeries);
}

fn the_program_fixes_ids_and_kinds<const N: usize>(chip: ChipKind) {
    let positions = positions(width::<N>());
    let facts = Row::<_, N>::of(&positions).facts;
    let columns: Vec<usize> = facts
        .iter()
        .flat_map(|fact| [fact.id, fact.operation, fact.a_id, fact.factor])
        .collect();
    for op in OPS {
        check_lookup_binds(chip, &row::<N>(op, 5, 6), &columns);
    }
}

fn padding_duplicates_a_fact_and_provides_nothing<const N: usize>(chip: ChipKind) {
    check_padding(chip, &row::<N>(FactOp::U32Rotl, 5, 6), &mults::<N>());
}

/// A sum of halves that have bits in common would not be a 32-bit number.
#[test]
fn only_powers_of_two_are_factors() {
    let well_formed = |op, factor| {
        let mut operands = [Operand::Imm(Felt::ZERO); MAX_OPERANDS];
        operands[..2].copy_from_slice(&[Operand::Cell(A), factor]);
        FactEntry {
            op,
            id: 100,
            operands,
        }
        .is_well_formed()
    };
    for op in OPS {
        for factor in [1, 2, 1 << 31] {
            assert!(well_formed(op, Operand::Imm(Felt::from_u64(factor))));
        }
        for factor in [0, 3, (1 << 31) + 1, (1 << 32) - 1, 1 << 32, 1 << 63] {
            assert!(!well_formed(op, Operand::Imm(Felt::from_u64(factor))));
        }
        assert!(!well_formed(op, Operand::Cell(51)));
    }
}

/// Whatever their limbs, the halves stay below p together, so that no other pair has the residue of a product.
#[test]
fn the_largest_halves_do_not_reach_p() {
    use p3_field::PrimeField64;
    let most: Felt = limbs::join_31(&[0xfff, 0xfff, 0xff].map(Felt::from_u32));
    let most = most.as_canonical_u64();
    assert!(most < (1 << 31) + (1 << 23));
    assert!(u128::from(most) << 32 | 0xffff_ffff < u128::from(Felt::ORDER_U64));
}

tests_of_both!(
    U32Shift, FACTS, U32ShiftNarrow:
    each_constraint_stops_a_forgery,
    the_program_fixes_ids_and_kinds,
    padding_duplicates_a_fact_and_provides_nothing,
);

fn check_shift<const N: usize>(chip: ChipKind, op: FactOp, [a, right]: [u32; 2], bits: u32) {
    let row = row::<N>(op, u64::from(a), bits);
    assert!(violated(chip, &row).is_empty());
    assert_eq!(
        Row::<_, N>::of(&row).facts[N - 1].out,
        Felt::from_u32(right)
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_shift_is_right(a in number(), bits in 0u32..32) {
        let a = a as u32;
        let right = [
            a << bits,
            a.checked_shr(32 - bits).unwrap_or(0),
            a.rotate_left(bits),
        ];
        for (op, right) in OPS.into_iter().zip(right) {
            check_shift::<FACTS>(ChipKind::U32Shift, op, [a, right], bits);
            check_shift::<{ narrow::PER_ROW }>(ChipKind::U32ShiftNarrow, op, [a, right], bits);
        }
    }
}
