use p3_field::Field;
use proptest::prelude::*;

use super::*;
use crate::chip::ChipKind;
use crate::code::ArithOp;
use crate::testing::{
    Forgery, MULT, adversarial, balance, cell, check_forgeries, check_lookup_binds, felt,
    positions, second_solutions, violated,
};

const CHIP: ChipKind = ChipKind::Arith;
const FRAMES: [i64; BUNDLES] = [7, 9];
const IDS: [u32; BUNDLES] = [100, 200];

/// Both bundles with these instructions, on these operands.
fn row(ops: [ArithOp; LANES], operands: [[Felt; 2]; LANES], mult: i64) -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; WIDTH];
    for (i, bundle) in Cols::of_mut(&mut row).bundles.iter_mut().enumerate() {
        let entry = ArithBundle { id: IDS[i], ops };
        let values = std::array::from_fn(|j| {
            let [a, b] = operands[j];
            [a, b, ops[j].eval(a, b)]
        });
        fill(bundle, felt(FRAMES[i]), &entry, values, [felt(mult); LANES]);
    }
    row
}

/// (2−4)·10 + 9·4 = 16 in every lane.
fn affine() -> Vec<Felt> {
    let op = |a| ArithOp::Affine {
        a,
        b: felt(4),
        w: felt(9),
    };
    row([op(50), op(51)], [[felt(10), felt(4)]; LANES], MULT)
}

/// (10+9)·4 = 76 and 10 + 9·4 = 46.
fn mixed() -> Vec<Felt> {
    let ops = [
        ArithOp::Product {
            a: 50,
            b: 51,
            w: felt(9),
        },
        ArithOp::Sum {
            a: 52,
            b: 53,
            w: felt(9),
        },
    ];
    row(ops, [[felt(10), felt(4)]; LANES], MULT)
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
            let result = |value| cell(FRAMES[i], IDS[i] + j as u32, value);
            let wrong = |right, wrong| vec![(result(right), -MULT), (result(wrong), MULT)];
            // Another constant than the program's: (2−5)·10 + 9·5 = 15.
            forgeries.push(Forgery::new(
                format!("bundle {i} lane {j}: immediate"),
                affine(),
                |row| {
                    let lane = &mut Cols::of_mut(row).bundles[i].lanes[j];
                    lane.b = felt(5);
                    lane.c = felt(15);
                },
                wrong(16, 15),
            ));
            for (honest, right) in [(affine(), 16), (mixed(), [76, 46][j])] {
                forgeries.push(Forgery::new(
                    format!("bundle {i} lane {j}: result"),
                    honest,
                    |row| Cols::of_mut(row).bundles[i].lanes[j].c = felt(1234),
                    wrong(right, 1234),
                ));
            }
        }
    }
    check_forgeries(CHIP, &forgeries);
}

#[test]
fn the_program_fixes_ids_shapes_and_constants() {
    let positions = positions(WIDTH);
    let columns: Vec<usize> = Cols::of(&positions)
        .bundles
        .iter()
        .flat_map(|bundle| {
            let lanes = bundle.lanes.iter();
            lanes
                .flat_map(|lane| [lane.a_id, lane.b_id, lane.s, lane.w])
                .chain([bundle.id])
        })
        .collect();
    check_lookup_binds(CHIP, &mixed(), &columns);
    check_lookup_binds(CHIP, &affine(), &columns);
}

#[test]
fn a_constant_operand_is_not_read_and_a_cell_is_read_once() {
    let reads = |row: &[Felt], id| balance(CHIP, row).get(&cell(7, id, 4)).copied();
    assert_eq!(reads(&mixed(), 51), Some(Felt::NEG_ONE));
    assert_eq!(reads(&affine(), 4), None);
}

#[test]
fn padding_duplicates_a_fact_and_provides_nothing() {
    for honest in [mixed(), affine()] {
        let mut padding = honest.clone();
        for column in mults() {
            padding[column] = Felt::ZERO;
        }
        assert!(violated(CHIP, &padding).is_empty());
        let consumed: Vec<Felt> = balance(CHIP, &padding).into_values().collect();
        assert!(consumed.iter().all(|count| *count == Felt::NEG_ONE));
    }
}

pub(in crate::chips) fn operand() -> impl Strategy<Value = Felt> {
    prop_oneof![
        proptest::sample::select(adversarial(&[])),
        any::<u64>().prop_map(Felt::from_u64),
    ]
}

pub(in crate::chips) fn operation() -> impl Strategy<Value = (ArithOp, [Felt; 2])> {
    (
        0..3u8,
        operand(),
        operand(),
        operand(),
        40..90u32,
        40..90u32,
    )
        .prop_map(|(s, x, y, w, a, b)| {
            let op = match s {
                0 => ArithOp::Product { a, b, w },
                1 => ArithOp::Sum { a, b, w },
                _ => ArithOp::Affine { a, b: y, w },
            };
            (op, [x, y])
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_result_is_a_function_of_the_operands(
        first in operation(),
        second in operation(),
        random in operand(),
    ) {
        let honest = row([first.0, second.0], [first.1, second.1], MULT);
        let lane = Cols::of(&honest).bundles[0].lanes[1];
        let mut candidates = adversarial(&[lane.a, lane.b, lane.c]);
        candidates.push(random);
        let others = second_solutions(CHIP, &honest, &mults(), &candidates);
        prop_assert_eq!(others, 0);
    }

    #[test]
    fn an_affine_operation_has_the_slope_and_offset_asked_for(
        a in operand(), slope in operand(), offset in operand(),
    ) {
        if let Some(op) = ArithOp::affine(40, slope, offset) {
            let b = op.b().field();
            prop_assert_eq!(op.eval(a, b), slope * a + offset);
        } else {
            prop_assert!(slope == Felt::TWO && offset.try_inverse().is_some());
        }
    }
}
