use p3_field::{Field, PrimeField64};
use proptest::prelude::*;

use super::*;
use crate::chip::ChipKind;
use crate::code::{FactOp, Operand};
use crate::testing::{
    FRAMES, Forgery, IDS, MULT, adversarial, cell, check_forgeries, check_lookup_binds,
    check_padding, felt, limbs_changed, number, positions, second_solutions, tests_of_both,
    violated, with_facts,
};

const A: u32 = 50;
const B: u32 = 51;
const C: u32 = 52;

fn filled<const N: usize>(op: FactOp, operands: &[Operand], values: &[u64]) -> Vec<Felt> {
    let counts = limbs::Counts::default();
    let mut row = vec![Felt::ZERO; width::<N>()];
    let values: Vec<Felt> = values.iter().map(|&value| Felt::from_u64(value)).collect();
    with_facts::<N>(op, operands, &values, |i, values| {
        fill(&mut Row::<_, N>::of_mut(&mut row).facts[i], values, &counts);
    });
    fill_hints::<N>(&mut row);
    row
}

/// All instructions of a row are a·b + c; b and c may be constants.
fn product<const N: usize>(values: [u64; 3], constants: [bool; 2]) -> Vec<Felt> {
    let operand = |j: usize, id| {
        if constants[j] {
            Operand::Imm(Felt::from_u64(values[1 + j]))
        } else {
            Operand::Cell(id)
        }
    };
    let operands = [Operand::Cell(A), operand(0, B), operand(1, C)];
    filled::<N>(FactOp::U32Mul, &operands, &values)
}

fn split<const N: usize>(a: u64) -> Vec<Felt> {
    filled::<N>(FactOp::Split, &[Operand::Cell(A)], &[a])
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
        let low = |value| cell(fp, IDS[i], value);
        let high = |value| cell(fp, IDS[i] + 1, value);
        // What the low half becomes, from one small number to another.
        let becomes = |from: i64, to: i64| {
            let mut gain = vec![(low(from), -MULT), (low(to), MULT)];
            gain.extend(limbs_changed([from, 0, 0], [to, 0, 0]));
            gain
        };
        // 3·5 + 2 = 18
        forgeries.push(Forgery::new(
            name("product"),
            product::<N>([3, 5, 2], [false, false]),
            |row| Row::<_, N>::of_mut(row).facts[i].low[0] = felt(18),
            becomes(17, 18),
        ));
        // 3 = 4 + 2^32·(2^32 − 1) − p
        let mut gain = becomes(3, 4);
        gain.extend([(high(0), -MULT), (high(0xffff_ffff), MULT)]);
        gain.extend(limbs_changed([0, 0, 0], [0xfff, 0xfff, 0xff]));
        forgeries.push(Forgery::new(
            name("canonical"),
            split::<N>(3),
            |row| {
                let fact = &mut Row::<_, N>::of_mut(row).facts[i];
                fact.low[0] = felt(4);
                fact.high = [0xfff, 0xfff, 0xff].map(felt);
            },
            gain,
        ));
        // The constant 5 is taken for 6.
        forgeries.push(Forgery::new(
            name("immediate b"),
            product::<N>([3, 5, 2], [true, false]),
            |row| {
                let fact = &mut Row::<_, N>::of_mut(row).facts[i];
                fact.b = felt(6);
                fact.low[0] = felt(20);
            },
            becomes(17, 20),
        ));
        // The constant 2 is taken for 3.
        forgeries.push(Forgery::new(
            name("immediate c"),
            product::<N>([3, 5, 2], [false, true]),
            |row| {
                let fact = &mut Row::<_, N>::of_mut(row).facts[i];
                fact.c = felt(3);
                fact.low[0] = felt(18);
            },
            becomes(17, 18),
        ));
        // The code of "c is a constant" is 4, which is also 2·2: c is read, and b is not read but given.
        let mut gain = becomes(20, 161);
        gain.extend([
            (cell(fp, B, 4), 1),
            (cell(fp, B, i64::from(B)), 1),
            (cell(fp, 8, 8), -1),
        ]);
        forgeries.push(Forgery::new(
            name("immediate b is boolean"),
            product::<N>([3, 4, 8], [false, true]),
            |row| {
                let fact = &mut Row::<_, N>::of_mut(row).facts[i];
                fact.immediates = [Felt::TWO, Felt::ZERO];
                fact.b = Felt::from_u32(B);
                fact.low[0] = felt(161);
            },
            gain,
        ));
        // The code of "b is a constant" is 2, which is also 4·½: b is read, and c half.
        let mut gain = becomes(18, 64);
        gain.extend([(cell(fp, C, 6), 1), (cell(fp, 4, 4), -1)]);
        let mut forgery = Forgery::new(
            name("immediate c is boolean"),
            product::<N>([3, 4, 6], [true, false]),
            |row| {
                let fact = &mut Row::<_, N>::of_mut(row).facts[i];
                fact.immediates = [Felt::ZERO, Felt::TWO.inverse()];
                fact.c = Felt::from_u32(C);
                fact.low[0] = felt(64);
            },
            gain,
        );
        forgery.also(cell(fp, C, i64::from(C)), -Felt::TWO.inverse());
        forgeries.push(forgery);
    }
    check_forgeries(chip, &forgeries);
}

fn the_program_fixes_ids_and_kinds<const N: usize>(chip: ChipKind) {
    let positions = positions(width::<N>());
    let facts = Row::<_, N>::of(&positions).facts;
    let columns: Vec<usize> = facts
        .iter()
        .flat_map(|fact| [fact.id].into_iter().chain(fact.immediates).chain(fact.ids))
        .collect();
    for constants in [[false, false], [false, true], [true, false], [true, true]] {
        check_lookup_binds(chip, &product::<N>([3, 5, 2], constants), &columns);
    }
    check_lookup_binds(chip, &split::<N>(3), &columns);
}

/// A split is the multiplication by 1, and reads nothing but its operand.
fn a_split_reads_one_cell<const N: usize>(chip: ChipKind) {
    let row = split::<N>(Felt::NEG_ONE.as_canonical_u64());
    let fact = Row::<_, N>::of(&row).facts[0];
    assert_eq!(fact.immediates, [Felt::ONE; 2]);
    assert_eq!((fact.b, fact.c), (Felt::ONE, Felt::ZERO));
    assert_eq!((fact.ids[1], fact.ids[2]), (Felt::ONE, Felt::ZERO));
    assert!(violated(chip, &row).is_empty());
}

fn padding_duplicates_a_fact_and_provides_nothing<const N: usize>(chip: ChipKind) {
    check_padding(chip, &product::<N>([3, 5, 2], [true, true]), &mults::<N>());
    check_padding(chip, &split::<N>(1 << 40), &mults::<N>());
}

fn only_the_hint_of_a_low_half_of_zero_is_free<const N: usize>(chip: ChipKind) {
    let candidates = adversarial(&[]);
    assert!(second_solutions(chip, &split::<N>(1 << 32), &mults::<N>(), &candidates) > 0);
    assert_eq!(
        second_solutions(chip, &split::<N>(5), &mults::<N>(), &candidates),
        0
    );
}

/// Field elements at both ends, where another pair of halves has the same residue.
fn element() -> impl Strategy<Value = u64> {
    prop_oneof![
        number(),
        number().prop_map(|n| Felt::ORDER_U64 - 1 - n),
        0..Felt::ORDER_U64,
    ]
}

/// All pairs of halves with this residue that the row accepts, with the best hint for each.
fn solutions<const N: usize>(chip: ChipKind, honest: &[Felt], residue: u64) -> Vec<[u64; 2]> {
    let counts = limbs::Counts::default();
    let mut found = Vec::new();
    for value in [Some(residue), residue.checked_add(Felt::ORDER_U64)] {
        let Some(value) = value else { continue };
        let halves = [value & 0xffff_ffff, value >> 32];
        let [low, high] = halves.map(|half| counts.split(Felt::from_u64(half)));
        let distance = Felt::from_u64(0xffff_ffff - halves[1]);
        for w in adversarial(&[distance]) {
            let mut row = honest.to_vec();
            let fact = &mut Row::<_, N>::of_mut(&mut row).facts[0];
            (fact.low, fact.high, fact.w) = (low, high, w);
            if violated(chip, &row).is_empty() {
                found.push(halves);
                break;
            }
        }
    }
    found
}

tests_of_both!(
    U32Mul, FACTS, U32MulNarrow:
    each_constraint_stops_a_forgery,
    the_program_fixes_ids_and_kinds,
    a_split_reads_one_cell,
    padding_duplicates_a_fact_and_provides_nothing,
    only_the_hint_of_a_low_half_of_zero_is_free,
);

fn check_product<const N: usize>(chip: ChipKind, [a, b, c]: [u64; 3]) {
    let honest = product::<N>([a, b, c], [false, false]);
    let exact = a * b + c;
    let halves = [exact & 0xffff_ffff, exact >> 32];
    assert_eq!(solutions::<N>(chip, &honest, exact), [halves]);
    assert!(violated(chip, &honest).is_empty());
}

fn check_split<const N: usize>(chip: ChipKind, a: u64) {
    let honest = split::<N>(a);
    assert_eq!(
        solutions::<N>(chip, &honest, a),
        [[a & 0xffff_ffff, a >> 32]]
    );
    assert!(violated(chip, &honest).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Rule R3 for products.
    #[test]
    fn a_product_has_one_pair_of_halves(a in number(), b in number(), c in number()) {
        check_product::<FACTS>(ChipKind::U32Mul, [a, b, c]);
        check_product::<{ narrow::PER_ROW }>(ChipKind::U32MulNarrow, [a, b, c]);
    }

    /// Rule R3 for splits, of every field element.
    #[test]
    fn an_element_has_one_pair_of_halves(a in element()) {
        check_split::<FACTS>(ChipKind::U32Mul, a);
        check_split::<{ narrow::PER_ROW }>(ChipKind::U32MulNarrow, a);
    }
}
