use p3_field::Field;
use proptest::prelude::*;

use super::*;
use crate::chip::ChipKind;
use crate::code::InverseOp;
use crate::testing::{
    Forgery, MULT, adversarial, balance, cell, check_forgeries, check_lookup_binds, felt,
    positions, second_solutions, tests_of_both, violated,
};

const FRAMES: [i64; BUNDLES] = [7, 9];
const IDS: [u32; BUNDLES] = [100, 200];

/// All bundles with these instructions on these operands.
fn row<const N: usize>(ops: [InverseOp; LANES], operands: [Felt; LANES]) -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; width::<N>()];
    for (i, bundle) in Row::<_, N>::of_mut(&mut row).bundles.iter_mut().enumerate() {
        let entry = InverseBundle { id: IDS[i], ops };
        let values = std::array::from_fn(|j| {
            let d = operands[j] - ops[j].k;
            let out = if ops[j].invert {
                d.inverse()
            } else {
                Felt::from_bool(d == Felt::ZERO)
            };
            [operands[j], out]
        });
        fill(bundle, felt(FRAMES[i]), &entry, values, [felt(MULT); LANES]);
    }
    fill_hints::<N>(&mut row);
    row
}

/// Every lane subtracts 5 from `a`, then tests or inverts.
fn uniform<const N: usize>(a: i64, invert: bool) -> Vec<Felt> {
    let op = |a| InverseOp {
        a,
        k: felt(5),
        invert,
    };
    row::<N>([op(50), op(51)], [felt(a); LANES])
}

fn mults<const N: usize>() -> Vec<usize> {
    let positions = positions(width::<N>());
    let bundles = Row::<_, N>::of(&positions).bundles;
    bundles
        .iter()
        .flat_map(|bundle| bundle.lanes.map(|lane| lane.mult))
        .collect()
}

fn each_constraint_stops_a_forgery<const N: usize>(chip: ChipKind) {
    let mut forgeries = Vec::new();
    for i in 0..N {
        for j in 0..LANES {
            let name = |constraint: &str| format!("bundle {i} lane {j}: {constraint}");
            let result = |value| cell(FRAMES[i], IDS[i] + j as u32, value);
            let wrong = |right, wrong| vec![(result(right), -MULT), (result(wrong), MULT)];
            // 5 = 5 denied
            forgeries.push(Forgery::new(
                name("indicator"),
                uniform::<N>(5, false),
                |row| Row::<_, N>::of_mut(row).bundles[i].lanes[j].out = Felt::ZERO,
                wrong(1, 0),
            ));
            // 9 = 5 claimed
            forgeries.push(Forgery::new(
                name("zero result"),
                uniform::<N>(9, false),
                |row| {
                    let lane = &mut Row::<_, N>::of_mut(row).bundles[i].lanes[j];
                    lane.out = Felt::ONE;
                    lane.hint = Felt::ZERO;
                },
                wrong(0, 1),
            ));
            // 1/(4−5) = 77
            forgeries.push(Forgery::new(
                name("inverse result"),
                uniform::<N>(4, true),
                |row| Row::<_, N>::of_mut(row).bundles[i].lanes[j].out = felt(77),
                wrong(-1, 77),
            ));
            // 1/0 = 77: no honest row exists, the closest is 1/(4−5)
            let (a_id, fp) = (50 + j as u32, FRAMES[i]);
            let mut gain = wrong(-1, 77);
            gain.extend([(cell(fp, a_id, 4), 1), (cell(fp, a_id, 5), -1)]);
            forgeries.push(Forgery::new(
                name("indicator"),
                uniform::<N>(4, true),
                |row| {
                    let lane = &mut Row::<_, N>::of_mut(row).bundles[i].lanes[j];
                    lane.a = felt(5);
                    lane.hint = felt(77);
                    lane.out = felt(77);
                },
                gain,
            ));
        }
    }
    check_forgeries(chip, &forgeries);
}

fn no_row_inverts_zero<const N: usize>(chip: ChipKind) {
    let mut row = uniform::<N>(4, true);
    let name = format!("bundle {} lane 0: indicator", N - 1);
    for value in adversarial(&row.clone()) {
        for hint in adversarial(&[value]) {
            let lane = &mut Row::<_, N>::of_mut(&mut row).bundles[N - 1].lanes[0];
            lane.a = lane.k;
            lane.out = value;
            lane.hint = hint;
            assert!(violated(chip, &row).contains(&name.as_str()));
        }
    }
}

fn the_program_fixes_ids_and_kinds<const N: usize>(chip: ChipKind) {
    let positions = positions(width::<N>());
    let columns: Vec<usize> = Row::<_, N>::of(&positions)
        .bundles
        .iter()
        .flat_map(|bundle| {
            let lanes = bundle.lanes.iter();
            lanes
                .flat_map(|lane| [lane.a_id, lane.k, lane.inv])
                .chain([bundle.id])
        })
        .collect();
    check_lookup_binds(chip, &uniform::<N>(5, false), &columns);
    check_lookup_binds(chip, &uniform::<N>(4, true), &columns);
}

fn padding_duplicates_a_fact_and_provides_nothing<const N: usize>(chip: ChipKind) {
    for honest in [
        uniform::<N>(5, false),
        uniform::<N>(9, false),
        uniform::<N>(9, true),
    ] {
        let mut padding = honest.clone();
        for column in mults::<N>() {
            padding[column] = Felt::ZERO;
        }
        assert!(violated(chip, &padding).is_empty());
        let consumed: Vec<Felt> = balance(chip, &padding).into_values().collect();
        assert!(consumed.iter().all(|count| *count == Felt::NEG_ONE));
    }
}

fn only_the_hint_of_a_true_zero_test_is_free<const N: usize>(chip: ChipKind) {
    let candidates = adversarial(&[]);
    assert!(second_solutions(chip, &uniform::<N>(5, false), &mults::<N>(), &candidates) > 0);
    assert_eq!(
        second_solutions(chip, &uniform::<N>(9, false), &mults::<N>(), &candidates),
        0
    );
    assert_eq!(
        second_solutions(chip, &uniform::<N>(9, true), &mults::<N>(), &candidates),
        0
    );
}

fn operand() -> impl Strategy<Value = Felt> {
    prop_oneof![
        proptest::sample::select(adversarial(&[])),
        any::<u64>().prop_map(Felt::from_u64),
    ]
}

/// A test, often of a zero; or an inversion of something else.
fn operation() -> impl Strategy<Value = (InverseOp, Felt)> {
    (
        any::<bool>(),
        any::<bool>(),
        operand(),
        operand(),
        40..90u32,
    )
        .prop_map(|(invert, equal, x, k, a)| {
            let x = match (invert, equal) {
                (false, true) => k,
                (true, _) if x == k => k + Felt::ONE,
                _ => x,
            };
            (InverseOp { a, k, invert }, x)
        })
}

tests_of_both!(
    Inverse, BUNDLES, InverseNarrow:
    each_constraint_stops_a_forgery,
    no_row_inverts_zero,
    the_program_fixes_ids_and_kinds,
    padding_duplicates_a_fact_and_provides_nothing,
    only_the_hint_of_a_true_zero_test_is_free,
);

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_result_is_a_function_of_the_operand(
        first in operation(),
        second in operation(),
        random in operand(),
    ) {
        const NARROW: usize = narrow::PER_ROW;
        let (ops, operands) = ([first.0, second.0], [first.1, second.1]);
        let wide = row::<BUNDLES>(ops, operands);
        let lane = Cols::of(&wide).bundles[0].lanes[0];
        let d = lane.a - lane.k;
        let mut candidates = adversarial(&[d, lane.out]);
        candidates.extend([random, Felt::ONE - d * random]);
        second_solutions(ChipKind::Inverse, &wide, &mults::<BUNDLES>(), &candidates);
        let narrow = row::<NARROW>(ops, operands);
        second_solutions(ChipKind::InverseNarrow, &narrow, &mults::<NARROW>(), &candidates);
    }
}
