use p3_field::Field;
use proptest::prelude::*;

use super::*;
use crate::chip::ChipKind;
use crate::code::InverseOp;
use crate::testing::{
    Forgery, MULT, adversarial, balance, cell, check_forgeries, check_lookup_binds, felt,
    positions, second_solutions, violated,
};

const CHIP: ChipKind = ChipKind::Inverse;
const FRAMES: [i64; BUNDLES] = [7, 9];
const IDS: [u32; BUNDLES] = [100, 200];

/// Both bundles with these instructions on these operands.
fn row(ops: [InverseOp; LANES], operands: [Felt; LANES]) -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; WIDTH];
    for (i, bundle) in Cols::of_mut(&mut row).bundles.iter_mut().enumerate() {
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
    fill_hints(&mut row);
    row
}

/// Every lane subtracts 5 from `a`, then tests or inverts.
fn uniform(a: i64, invert: bool) -> Vec<Felt> {
    let op = |a| InverseOp {
        a,
        k: felt(5),
        invert,
    };
    row([op(50), op(51)], [felt(a); LANES])
}

fn mults() -> Vec<usize> {
    let positions = positions(WIDTH);
    let bundles = Cols::of(&positions).bundles;
    bundles
        .iter()
        .flat_map(|bundle| bundle.lanes.map(|lane| lane.mult))
        .collect()
}

#[test]
fn each_constraint_stops_a_forgery() {
    let mut forgeries = Vec::new();
    for i in 0..BUNDLES {
        for j in 0..LANES {
            let name = |constraint: &str| format!("bundle {i} lane {j}: {constraint}");
            let result = |value| cell(FRAMES[i], IDS[i] + j as u32, value);
            let wrong = |right, wrong| vec![(result(right), -MULT), (result(wrong), MULT)];
            // 5 = 5 denied
            forgeries.push(Forgery::new(
                name("indicator"),
                uniform(5, false),
                |row| Cols::of_mut(row).bundles[i].lanes[j].out = Felt::ZERO,
                wrong(1, 0),
            ));
            // 9 = 5 claimed
            forgeries.push(Forgery::new(
                name("zero result"),
                uniform(9, false),
                |row| {
                    let lane = &mut Cols::of_mut(row).bundles[i].lanes[j];
                    lane.out = Felt::ONE;
                    lane.hint = Felt::ZERO;
                },
                wrong(0, 1),
            ));
            // 1/(4−5) = 77
            forgeries.push(Forgery::new(
                name("inverse result"),
                uniform(4, true),
                |row| Cols::of_mut(row).bundles[i].lanes[j].out = felt(77),
                wrong(-1, 77),
            ));
            // 1/0 = 77: no honest row exists, the closest is 1/(4−5)
            let (a_id, fp) = (50 + j as u32, FRAMES[i]);
            let mut gain = wrong(-1, 77);
            gain.extend([(cell(fp, a_id, 4), 1), (cell(fp, a_id, 5), -1)]);
            forgeries.push(Forgery::new(
                name("indicator"),
                uniform(4, true),
                |row| {
                    let lane = &mut Cols::of_mut(row).bundles[i].lanes[j];
                    lane.a = felt(5);
                    lane.hint = felt(77);
                    lane.out = felt(77);
                },
                gain,
            ));
        }
    }
    check_forgeries(CHIP, &forgeries);
}

#[test]
fn no_row_inverts_zero() {
    let mut row = uniform(4, true);
    for value in adversarial(&row.clone()) {
        for hint in adversarial(&[value]) {
            let lane = &mut Cols::of_mut(&mut row).bundles[1].lanes[0];
            lane.a = lane.k;
            lane.out = value;
            lane.hint = hint;
            assert!(violated(CHIP, &row).contains(&"bundle 1 lane 0: indicator"));
        }
    }
}

#[test]
fn the_program_fixes_ids_and_kinds() {
    let positions = positions(WIDTH);
    let columns: Vec<usize> = Cols::of(&positions)
        .bundles
        .iter()
        .flat_map(|bundle| {
            let lanes = bundle.lanes.iter();
            lanes
                .flat_map(|lane| [lane.a_id, lane.k, lane.inv])
                .chain([bundle.id])
        })
        .collect();
    check_lookup_binds(CHIP, &uniform(5, false), &columns);
    check_lookup_binds(CHIP, &uniform(4, true), &columns);
}

#[test]
fn padding_duplicates_a_fact_and_provides_nothing() {
    for honest in [uniform(5, false), uniform(9, false), uniform(9, true)] {
        let mut padding = honest.clone();
        for column in mults() {
            padding[column] = Felt::ZERO;
        }
        assert!(violated(CHIP, &padding).is_empty());
        let consumed: Vec<Felt> = balance(CHIP, &padding).into_values().collect();
        assert!(consumed.iter().all(|count| *count == Felt::NEG_ONE));
    }
}

#[test]
fn only_the_hint_of_a_true_zero_test_is_free() {
    let candidates = adversarial(&[]);
    assert!(second_solutions(CHIP, &uniform(5, false), &mults(), &candidates) > 0);
    assert_eq!(
        second_solutions(CHIP, &uniform(9, false), &mults(), &candidates),
        0
    );
    assert_eq!(
        second_solutions(CHIP, &uniform(9, true), &mults(), &candidates),
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_result_is_a_function_of_the_operand(
        first in operation(),
        second in operation(),
        random in operand(),
    ) {
        let honest = row([first.0, second.0], [first.1, second.1]);
        let lane = Cols::of(&honest).bundles[0].lanes[0];
        let d = lane.a - lane.k;
        let mut candidates = adversarial(&[d, lane.out]);
        candidates.extend([random, Felt::ONE - d * random]);
        second_solutions(CHIP, &honest, &mults(), &candidates);
    }
}
