use p3_field::PrimeField64;

use super::*;
use crate::bus::WIDTH;
use crate::check::check_row;
use crate::chip::ChipKind;
use crate::testing::adversarial;

#[test]
fn a_row_provides_its_entry_and_nothing_else() {
    let entry: [Felt; TUPLE_WIDTH] = std::array::from_fn(|i| Felt::from_usize(20 + i));
    for mult in adversarial(&[]) {
        let report = check_row(ChipKind::Program, &[mult], &entry, &[]);
        assert!(report.constraints.is_empty());
        let mut tuple = [0; WIDTH];
        tuple[..TUPLE_WIDTH].copy_from_slice(&entry.map(|field| field.as_canonical_u64()));
        let expected: Vec<_> = (mult != Felt::ZERO)
            .then_some((tuple, mult))
            .into_iter()
            .collect();
        assert_eq!(report.messages, expected);
    }
}

#[test]
fn padding_provides_only_the_empty_tuple() {
    let report = check_row(
        ChipKind::Program,
        &[Felt::NEG_ONE],
        &[Felt::ZERO; TUPLE_WIDTH],
        &[],
    );
    assert_eq!(report.messages, [([0; WIDTH], Felt::NEG_ONE)]);
}
