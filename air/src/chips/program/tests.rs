use p3_field::PrimeField64;

use super::*;
use crate::bus::WIDTH;
use crate::check::check_row;
use crate::chip::ChipKind;
use crate::testing::adversarial;

#[test]
fn a_row_provides_its_entries_and_nothing_else() {
    let entries: [Felt; PREPROCESSED_WIDTH] = std::array::from_fn(|i| Felt::from_usize(20 + i));
    for mult in adversarial(&[]) {
        for lane in 0..LANES {
            let mut mults = [Felt::ZERO; LANES];
            mults[lane] = mult;
            let report = check_row(ChipKind::Program, &mults, &entries, &[]);
            assert!(report.constraints.is_empty());
            let mut tuple = [0; WIDTH];
            let entry = &entries[lane * TUPLE_WIDTH..][..TUPLE_WIDTH];
            for (field, value) in tuple.iter_mut().zip(entry) {
                *field = value.as_canonical_u64();
            }
            let expected: Vec<_> = (mult != Felt::ZERO)
                .then_some((tuple, mult))
                .into_iter()
                .collect();
            assert_eq!(report.messages, expected);
        }
    }
}

#[test]
fn padding_provides_only_the_empty_tuple() {
    let report = check_row(
        ChipKind::Program,
        &[Felt::NEG_ONE; LANES],
        &[Felt::ZERO; PREPROCESSED_WIDTH],
        &[],
    );
    assert_eq!(report.messages, [([0; WIDTH], Felt::NEG_ONE); LANES]);
}
