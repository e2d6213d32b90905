use proptest::prelude::*;

use super::*;
use crate::chip::ChipKind;
use crate::code::{FactOp, Operand};
use crate::testing::{
    MULT, cell, check_lookup_binds, check_padding, felt, message, number, positions, report,
    tests_of_both, with_fact_row,
};

const A: u32 = 50;

fn row<const N: usize>(a: u64) -> Vec<Felt> {
    let counts = limbs::Counts::default();
    let mut row = vec![Felt::ZERO; width::<N>()];
    for (i, cols) in Row::<_, N>::of_mut(&mut row).facts.iter_mut().enumerate() {
        let at = (7 + i as i64, 100 * (1 + i as u32));
        let values = [Felt::from_u64(a)];
        with_fact_row(FactOp::BitLength, at, &[Operand::Cell(A)], &values, |row| {
            fill(cols, row, &counts);
        });
    }
    row
}

/// Operand and power follow from the limbs, for honest rows as they should.
fn operand_result_and_power_belong_together<const N: usize>(chip: ChipKind) {
    let cases = [
        (0, 0),
        (1, 1),
        (2, 2),
        (3, 2),
        (4, 3),
        ((1 << 31) - 1, 31),
        (1 << 31, 32),
        ((1 << 32) - 1, 32),
    ];
    for (a, length) in cases {
        let messages = report(chip, &row::<N>(a)).messages;
        for i in 0..N {
            let (fp, id) = (7 + i as i64, 100 * (1 + i as u32));
            let expected = [
                (cell(fp, A, a as i64), Felt::NEG_ONE),
                (cell(fp, id, length), felt(MULT)),
                (
                    message(&[i64::from(POWER), length, 1 << length].map(felt)),
                    Felt::NEG_ONE,
                ),
            ];
            assert_eq!(messages[10 * i + 1..][..3], expected);
        }
    }
}

fn the_program_fixes_ids<const N: usize>(chip: ChipKind) {
    let positions = positions(width::<N>());
    let facts = Row::<_, N>::of(&positions).facts;
    let columns: Vec<usize> = facts.iter().flat_map(|f| [f.id, f.a_id]).collect();
    check_lookup_binds(chip, &row::<N>(5), &columns);
}

fn padding_duplicates_a_fact_and_provides_nothing<const N: usize>(chip: ChipKind) {
    let positions = positions(width::<N>());
    let mults = Row::<_, N>::of(&positions).facts.map(|fact| fact.mult);
    check_padding(chip, &row::<N>(5), &mults);
}

tests_of_both!(
    BitLength, FACTS, BitLengthNarrow:
    operand_result_and_power_belong_together,
    the_program_fixes_ids,
    padding_duplicates_a_fact_and_provides_nothing,
);

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Rule R3: a length and an operand determine both numbers, which are in range for one length only.
    #[test]
    fn one_length_is_in_range(a in number()) {
        let odd = Felt::from_u64(2 * a + 1);
        let lengths: Vec<u64> = (0..64)
            .filter(|&length| {
                let power = Felt::from_u64(1 << length);
                let below = odd - power;
                let above = power - Felt::ONE - below;
                [below, above].iter().all(|v| v.as_canonical_u64() >> 32 == 0)
            })
            .collect();
        prop_assert_eq!(lengths, [u64::from(u64::BITS - a.leading_zeros())]);
    }
}
