use p3_field::{Field, PrimeField64};
use proptest::prelude::*;

use super::*;
use crate::chip::ChipKind;
use crate::code::{MAX_RESULTS, Operand};
use crate::testing::{
    FRAMES, Forgery, IDS, MULT, adversarial, balance, check_every_column_is_noticed,
    check_forgeries, check_lookup_binds, check_padding, felt, positions, second_solutions,
    tests_of_both, violated, with_facts, word_of,
};

/// Ids of the operands.
const SRC: [u32; 3] = [50, 51, 52];

fn ext(coefficients: [i64; 3]) -> Ext {
    Ext::from_basis_coefficients_fn(|i| felt(coefficients[i]))
}

/// The cell of an element on the bus.
fn cell(frame: i64, id: u32, value: Ext) -> crate::check::Message {
    let [c0, c1, c2] = coefficients(value);
    word_of(frame, id, [c0, c1, c2, Felt::ZERO])
}

/// A row of the same instruction in every place.
fn row<const N: usize>(op: FactOp, operands: &[Ext]) -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; width::<N>()];
    let types = op.signature().operands;
    let values: Vec<Felt> = operands
        .iter()
        .zip(types)
        .flat_map(|(&value, ty)| {
            let [c0, c1, c2] = coefficients(value);
            [c0, c1, c2, Felt::ZERO].into_iter().take(ty.components())
        })
        .collect();
    let cells = SRC.map(Operand::Cell);
    with_facts::<N>(op, &cells[..types.len()], &values, |i, values| {
        fill(&mut Row::<_, N>::of_mut(&mut row).facts[i], values);
    });
    row
}

fn samples() -> [Ext; 3] {
    [ext([2, 3, 5]), ext([7, -11, 13]), ext([17, 19, -23])]
}

fn mul_add<const N: usize>() -> Vec<Felt> {
    row::<N>(FactOp::Ext3MulAdd, &samples())
}

fn inverse<const N: usize>() -> Vec<Felt> {
    row::<N>(FactOp::Ext3Inverse, &samples()[..1])
}

fn mults<const N: usize>() -> Vec<usize> {
    let positions = positions(width::<N>());
    Row::<_, N>::of(&positions)
        .facts
        .map(|fact| fact.mult)
        .to_vec()
}

/// Makes a an element for which a·b has this value, and c what leaves the result a.
fn forge(cols: &mut Fact<Felt>, product: Ext) -> Ext {
    let b = Ext::from_basis_coefficients_fn(|i| cols.b[i]);
    let a = product * b.inverse();
    (cols.a, cols.c) = (coefficients(a), coefficients(a - Ext::ONE));
    // a·b + c
    product + a - Ext::ONE
}

fn each_constraint_stops_a_forgery<const N: usize>(chip: ChipKind) {
    let honest = samples()[0].inverse();
    let mut forgeries = Vec::new();
    for i in 0..N {
        for j in 0..3 {
            let at = (FRAMES[i], IDS[i]);
            let unit = Ext::from_basis_coefficients_fn(|k| felt(i64::from(k == j)));
            let gain = |value| {
                let lost = cell(at.0, at.1, honest);
                vec![(lost, -MULT), (cell(at.0, at.1, value), MULT)]
            };
            // The inverse of something else.
            let mut forgery = inverse::<N>();
            let forged = forge(
                &mut Row::<_, N>::of_mut(&mut forgery).facts[i],
                Ext::ONE + unit,
            );
            forgeries.push(Forgery::new(
                format!("fact {i}: inverse: product {j}"),
                inverse::<N>(),
                |row| row.copy_from_slice(&forgery),
                gain(forged),
            ));
            // The inverse and something more.
            forgeries.push(Forgery::new(
                format!("fact {i}: inverse: result {j}"),
                inverse::<N>(),
                |row| Row::<_, N>::of_mut(row).facts[i].c[j] += Felt::ONE,
                gain(honest + unit),
            ));
        }
    }
    check_forgeries(chip, &forgeries);
}

/// The second solution that a product and sum has none of: what is read determines what is given.
fn the_result_is_a_function_of_the_operands<const N: usize>(chip: ChipKind) {
    let few: Vec<Felt> = adversarial(&[])
        .into_iter()
        .chain([felt(2), felt(3)])
        .collect();
    for operands in [samples(), [Ext::ZERO; 3], [ext([0, 0, 1]); 3]] {
        let row = row::<N>(FactOp::Ext3MulAdd, &operands);
        assert_eq!(second_solutions(chip, &row, &mults::<N>(), &few), 0);
    }
}

/// An inverse is the only one, also of elements with zeros among their coefficients.
fn an_inverse_is_a_function_of_the_operand<const N: usize>(chip: ChipKind) {
    for operand in [[2, 3, 5], [1, 0, 0], [0, 1, 0], [0, 0, -1], [0, 4, 1]] {
        let row = row::<N>(FactOp::Ext3Inverse, &[ext(operand)]);
        let few = adversarial(&row[..19]);
        assert_eq!(second_solutions(chip, &row, &mults::<N>(), &few), 0);
    }
}

/// No a satisfies a·0 = 1, whatever else is in the row.
fn no_row_inverts_zero<const N: usize>(chip: ChipKind) {
    let mut results = [Felt::ZERO; MAX_RESULTS];
    assert!(!FactOp::Ext3Inverse.eval(&[Felt::ZERO; 4], &mut results));
    let mut row = inverse::<N>();
    for cols in &mut Row::<_, N>::of_mut(&mut row).facts {
        cols.b = [Felt::ZERO; 3];
    }
    let few = adversarial(&[]);
    for &x in &few {
        for &y in &few {
            for cols in &mut Row::<_, N>::of_mut(&mut row).facts {
                (cols.a, cols.c) = ([x, y, x], [x - Felt::ONE, y, x]);
            }
            let found = violated(chip, &row);
            assert_eq!(found.len(), N);
            assert!(
                found
                    .iter()
                    .all(|name| name.ends_with("inverse: product 0"))
            );
        }
    }
}

/// A word with a fourth element is nobody's operand: what a row reads ends with 0.
fn operands_and_results_end_with_zero<const N: usize>(chip: ChipKind) {
    for row in [mul_add::<N>(), inverse::<N>()] {
        let words = balance(chip, &row).into_keys().filter(|m| m[0] == 1);
        let mut seen = 0;
        for message in words {
            assert!(message[6..].iter().all(|&field| field == 0));
            seen += 1;
        }
        assert!(seen >= 2 * N);
    }
}

/// The same row stands for operands in F: their tuple is that of a scalar cell.
fn a_scalar_is_an_element_of_the_extension<const N: usize>(chip: ChipKind) {
    let [a, ..] = samples();
    let (b, c) = (ext([9, 0, 0]), ext([-4, 0, 0]));
    let expected = row::<N>(FactOp::Ext3MulAdd, &[a, b, c]);
    for op in [FactOp::Ext3Mul, FactOp::Ext3ScaleAdd, FactOp::Ext3Scale] {
        assert_eq!(row::<N>(op, &[a, b, c]), expected, "{op:?}");
    }
    let read = balance(chip, &expected);
    let scalar = crate::testing::cell(FRAMES[0], SRC[1], 9);
    assert_eq!(read.get(&scalar), Some(&Felt::NEG_ONE));
}

fn the_program_fixes_the_instruction_and_its_ids<const N: usize>(chip: ChipKind) {
    let positions = positions(width::<N>());
    let facts = Row::<_, N>::of(&positions).facts;
    let columns: Vec<usize> = facts
        .iter()
        .flat_map(|fact| [fact.id, fact.inverse].into_iter().chain(fact.ids))
        .collect();
    check_lookup_binds(chip, &mul_add::<N>(), &columns);
    check_lookup_binds(chip, &inverse::<N>(), &columns);
}

fn every_column_is_noticed<const N: usize>(chip: ChipKind) {
    check_every_column_is_noticed(chip, &mul_add::<N>());
    check_every_column_is_noticed(chip, &inverse::<N>());
}

fn padding_duplicates_a_fact_and_provides_nothing<const N: usize>(chip: ChipKind) {
    check_padding(chip, &mul_add::<N>(), &mults::<N>());
    // An inverse reads one operand; the other reads are there with count 0.
    let mut padding = inverse::<N>();
    for column in mults::<N>() {
        padding[column] = Felt::ZERO;
    }
    assert!(violated(chip, &padding).is_empty());
    assert!(
        balance(chip, &padding)
            .values()
            .all(|&count| count == Felt::NEG_ONE)
    );
}

tests_of_both!(
    Ext3, FACTS, Ext3Narrow:
    each_constraint_stops_a_forgery,
    the_result_is_a_function_of_the_operands,
    an_inverse_is_a_function_of_the_operand,
    no_row_inverts_zero,
    operands_and_results_end_with_zero,
    a_scalar_is_an_element_of_the_extension,
    the_program_fixes_the_instruction_and_its_ids,
    every_column_is_noticed,
    padding_duplicates_a_fact_and_provides_nothing,
);

fn elements() -> impl Strategy<Value = Ext> {
    let edges = vec![0, 1, 2, u64::from(u32::MAX), 1 << 32, Felt::ORDER_U64 - 1];
    let coefficient = prop_oneof![proptest::sample::select(edges), any::<u64>()];
    prop::array::uniform3(coefficient)
        .prop_map(|c| Ext::from_basis_coefficients_fn(|i| Felt::from_u64(c[i])))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn rows_compute_in_the_extension(operands in prop::array::uniform3(elements())) {
        let [a, b, c] = operands;
        let cases = [(FactOp::Ext3MulAdd, Some(a * b + c)), (FactOp::Ext3Inverse, a.try_inverse())];
        for (op, expected) in cases {
            let Some(expected) = expected else {
                continue;
            };
            let operands = &operands[..op.signature().operands.len()];
            let rows = [
                (ChipKind::Ext3, row::<FACTS>(op, operands)),
                (ChipKind::Ext3Narrow, row::<{ narrow::PER_ROW }>(op, operands)),
            ];
            for (chip, row) in rows {
                prop_assert!(violated(chip, &row).is_empty());
                let provided = balance(chip, &row);
                prop_assert_eq!(provided.get(&cell(FRAMES[0], IDS[0], expected)), Some(&felt(MULT)));
            }
        }
    }
}
