use p3_field::Field;
use proptest::prelude::*;

use super::*;
use crate::chip::ChipKind;
use crate::code::ArithOp;
use crate::testing::{
    Forgery, MULT, adversarial, balance, cell, check_forgeries, check_lookup_binds, felt,
    positions, second_solutions, tests_of_both, violated,
};

const FRAMES: [i64; BUNDLES] = [7, 9];
const IDS: [u32; BUNDLES] = [100, 200];

fn bundles<const N: usize>(row: &mut [Felt]) -> &mut [Bundle<Felt>; N] {
    &mut Row::of_mut(row).bundles
}

/// All bundles with these instructions, on these operands.
fn row<const N: usize>(
    ops: [ArithOp; LANES],
    operands: [[Felt; 2]; LANES],
    mult: i64,
) -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; width::<N>()];
    for (i, bundle) in bundles::<N>(&mut row).iter_mut().enumerate() {
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
fn affine<const N: usize>() -> Vec<Felt> {
    let op = |a| ArithOp::Affine {
        a,
        b: felt(4),
        w: felt(9),
    };
    row::<N>([op(50), op(51)], [[felt(10), felt(4)]; LANES], MULT)
}

/// (10+9)·4 = 76 and 10 + 9·4 = 46.
fn mixed<const N: usize>() -> Vec<Felt> {
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
    row::<N>(ops, [[felt(10), felt(4)]; LANES], MULT)
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
            let result = |value| cell(FRAMES[i], IDS[i] + j as u32, value);
            let wrong = |right, wrong| vec![(result(right), -MULT), (result(wrong), MULT)];
            // Another constant than the program's: (2−5)·10 + 9·5 = 15.
            forgeries.push(Forgery::new(
                format!("bundle {i} lane {j}: immediate"),
                affine::<N>(),
                |row| {
                    let lane = &mut bundles::<N>(row)[i].lanes[j];
                    lane.b = felt(5);
                    lane.c = felt(15);
                },
                wrong(16, 15),
            ));
            for (honest, right) in [(affine::<N>(), 16), (mixed::<N>(), [76, 46][j])] {
                forgeries.push(Forgery::new(
                    format!("bundle {i} lane {j}: result"),
                    honest,
                    |row| bundles::<N>(row)[i].lanes[j].c = felt(1234),
                    wrong(right, 1234),
                ));
            }
        }
    }
    check_forgeries(chip, &forgeries);
}

fn the_program_fixes_ids_shapes_and_constants<const N: usize>(chip: ChipKind) {
    let positions = positions(width::<N>());
    let columns: Vec<usize> = Row::<_, N>::of(&positions)
        .bundles
        .iter()
        .flat_map(|bundle| {
            let lanes = bundle.lanes.iter();
            lanes
                .flat_map(|lane| [lane.a_id, lane.b_id, lane.s, lane.w])
                .chain([bundle.id])
        })
        .collect();
    check_lookup_binds(chip, &mixed::<N>(), &columns);
    check_lookup_binds(chip, &affine::<N>(), &columns);
}

fn a_constant_operand_is_not_read_and_a_cell_is_read_once<const N: usize>(chip: ChipKind) {
    let reads = |row: &[Felt], id| balance(chip, row).get(&cell(7, id, 4)).copied();
    assert_eq!(reads(&mixed::<N>(), 51), Some(Felt::NEG_ONE));
    assert_eq!(reads(&affine::<N>(), 4), None);
}

fn padding_duplicates_a_fact_and_provides_nothing<const N: usize>(chip: ChipKind) {
    for honest in [mixed::<N>(), affine::<N>()] {
        let mut padding = honest.clone();
        for column in mults::<N>() {
            padding[column] = Felt::ZERO;
        }
        assert!(violated(chip, &padding).is_empty());
        let consumed: Vec<Felt> = balance(chip, &padding).into_values().collect();
        assert!(consumed.iter().all(|count| *count == Felt::NEG_ONE));
    }
}

tests_of_both!(
    Arith, BUNDLES, ArithNarrow:
    each_constraint_stops_a_forgery,
    the_program_fixes_ids_shapes_and_constants,
    a_constant_operand_is_not_read_and_a_cell_is_read_once,
    padding_duplicates_a_fact_and_provides_nothing,
);

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
        const NARROW: usize = narrow::PER_ROW;
        let (ops, operands) = ([first.0, second.0], [first.1, second.1]);
        let wide = row::<BUNDLES>(ops, operands, MULT);
        let lane = Cols::of(&wide).bundles[0].lanes[1];
        let mut candidates = adversarial(&[lane.a, lane.b, lane.c]);
        candidates.push(random);
        let others = second_solutions(ChipKind::Arith, &wide, &mults::<BUNDLES>(), &candidates);
        prop_assert_eq!(others, 0);
        let narrow = row::<NARROW>(ops, operands, MULT);
        let others = second_solutions(ChipKind::ArithNarrow, &narrow, &mults::<NARROW>(), &candidates);
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
