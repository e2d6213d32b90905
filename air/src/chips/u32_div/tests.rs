use p3_field::PrimeField64;
use proptest::prelude::*;

use super::*;
use crate::chip::ChipKind;
use crate::code::{FactOp, Operand};
use crate::testing::{
    FRAMES, Forgery, IDS, MULT, adversarial, cell, check_forgeries, check_lookup_binds,
    check_padding, felt, limbs_changed, message, number, positions, tests_of_both, violated,
    with_facts,
};

const A: u32 = 50;
const B: u32 = 51;

/// All instructions of a row are a/b.
fn row<const N: usize>(a: u64, b: u64, immediate: bool) -> Vec<Felt> {
    let counts = limbs::Counts::default();
    let mut row = vec![Felt::ZERO; width::<N>()];
    let values = [a, b].map(Felt::from_u64);
    let second = if immediate {
        Operand::Imm(values[1])
    } else {
        Operand::Cell(B)
    };
    with_facts::<N>(
        FactOp::U32Div,
        &[Operand::Cell(A), second],
        &values,
        |i, values| {
            fill(&mut Row::<_, N>::of_mut(&mut row).facts[i], values, &counts);
        },
    );
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
        // Quotient, remainder, slack.
        let becomes = |from: [i64; 3], to: [i64; 3]| {
            let mut gain = Vec::new();
            for j in 0..2 {
                let result = |value| cell(fp, IDS[i] + j as u32, value);
                if from[j] != to[j] {
                    gain.extend([(result(from[j]), -MULT), (result(to[j]), MULT)]);
                }
            }
            for j in 0..3 {
                gain.extend(limbs_changed([from[j], 0, 0], [to[j], 0, 0]));
            }
            gain
        };
        let set = |row: &mut [Felt], values: [i64; 3]| {
            let fact = &mut Row::<_, N>::of_mut(row).facts[i];
            let limbs = values.map(|value| [felt(value), Felt::ZERO, Felt::ZERO]);
            [fact.quotient, fact.remainder, fact.slack] = limbs;
        };
        // 170 / 50 = 4
        forgeries.push(Forgery::new(
            name("quotient"),
            row::<N>(170, 50, false),
            |row| set(row, [4, 20, 29]),
            becomes([3, 20, 29], [4, 20, 29]),
        ));
        // The constant 50 is taken for 60.
        forgeries.push(Forgery::new(
            name("immediate"),
            row::<N>(170, 50, true),
            |row| set(row, [2, 50, 9]),
            becomes([3, 20, 29], [2, 50, 9]),
        ));
        // A flag of 2 gives b in the place of reading it, and looks an entry up that no program has.
        let entry = |code| {
            let fields = [28, i64::from(IDS[i]), code, i64::from(A), i64::from(B)];
            message(&fields.map(felt))
        };
        let mut gain = becomes([3, 20, 29], [3, 17, 33]);
        gain.extend([
            (entry(0), 1),
            (entry(4), -1),
            (cell(fp, B, 50), 1),
            (cell(fp, B, 51), 1),
        ]);
        forgeries.push(Forgery::new(
            name("immediate is boolean"),
            row::<N>(170, 50, false),
            |row| {
                set(row, [3, 17, 33]);
                Row::<_, N>::of_mut(row).facts[i].immediate = Felt::TWO;
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
        .flat_map(|fact| [fact.id, fact.immediate, fact.a_id, fact.b_id])
        .collect();
    check_lookup_binds(chip, &row::<N>(17, 5, false), &columns);
    check_lookup_binds(chip, &row::<N>(17, 5, true), &columns);
}

fn padding_duplicates_a_fact_and_provides_nothing<const N: usize>(chip: ChipKind) {
    check_padding(chip, &row::<N>(17, 5, false), &mults::<N>());
}

/// The row with this quotient and this remainder, if they and the slack have limbs.
fn with<const N: usize>(
    honest: &[Felt],
    b: u64,
    quotient: Felt,
    remainder: Felt,
) -> Option<Vec<Felt>> {
    let slack = Felt::from_u64(b) - Felt::ONE - remainder;
    let mut row = honest.to_vec();
    let fact = &mut Row::<_, N>::of_mut(&mut row).facts[0];
    let places = [&mut fact.quotient, &mut fact.remainder, &mut fact.slack];
    for (place, value) in places.into_iter().zip([quotient, remainder, slack]) {
        if value.as_canonical_u64() >> 32 != 0 {
            return None;
        }
        *place = limbs::Counts::default().split(value);
    }
    Some(row)
}

tests_of_both!(
    U32Div, FACTS, U32DivNarrow:
    each_constraint_stops_a_forgery,
    the_program_fixes_ids_and_kinds,
    padding_duplicates_a_fact_and_provides_nothing,
);

/// Rule R3: quotients near the right one, at the edges, and those that a remainder out of range would make right.
fn check_one_quotient<const N: usize>(chip: ChipKind, a: u64, b: u64, other: u64) {
    let honest = row::<N>(a, b, false);
    let mut quotients = adversarial(&[Felt::from_u64(a / b)]);
    quotients.push(Felt::from_u64(other));
    quotients.push(Felt::from_u64(a) / Felt::from_u64(b));
    quotients.sort_unstable();
    quotients.dedup();
    let mut solutions = Vec::new();
    for quotient in quotients {
        let remainder = Felt::from_u64(a) - quotient * Felt::from_u64(b);
        if let Some(row) = with::<N>(&honest, b, quotient, remainder)
            && violated(chip, &row).is_empty()
        {
            solutions.push([quotient, remainder].map(|value| value.as_canonical_u64()));
        }
    }
    assert_eq!(solutions, [[a / b, a % b]]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_quotient_is_in_range(a in number(), b in number(), other in number()) {
        check_one_quotient::<FACTS>(ChipKind::U32Div, a, b.max(1), other);
        check_one_quotient::<{ narrow::PER_ROW }>(ChipKind::U32DivNarrow, a, b.max(1), other);
    }

    /// Nothing is divided by 0: no remainder is smaller.
    #[test]
    fn no_row_divides_by_zero(remainder in number()) {
        let honest = row::<FACTS>(5, 7, false);
        let forged = with::<FACTS>(&honest, 0, Felt::ZERO, Felt::from_u64(remainder));
        prop_assert!(forged.is_none());
    }
}
