use std::collections::BTreeSet;

use super::*;
use crate::check::{Message, check_row};
use crate::chip::ChipKind;
use crate::testing::{adversarial, limb_messages};

fn fields(message: Message) -> [u64; 4] {
    [message[0], message[1], message[2], message[3]]
}

/// Everything the table can provide, with multiplicities of one.
fn provided() -> BTreeSet<[u64; 4]> {
    let table = preprocessed();
    assert_eq!(table.values.len(), HEIGHT * PREPROCESSED_WIDTH);
    let rows = table.values.chunks_exact(PREPROCESSED_WIDTH);
    rows.flat_map(|fixed| check_row(ChipKind::Limbs, &[Felt::ONE; WIDTH], fixed, &[]).messages)
        .map(|(message, count)| {
            assert_eq!(count, Felt::ONE);
            assert_eq!(message[4..], [0; crate::bus::WIDTH - 4]);
            fields(message)
        })
        .collect()
}

#[test]
fn the_table_has_what_it_says_and_nothing_else() {
    let mut expected = BTreeSet::new();
    expected.extend((0..1 << 12).map(|v| [u64::from(LIMB_12), v, 0, 0]));
    expected.extend((0..1 << 8).map(|v| [u64::from(LIMB_8), v, 0, 0]));
    expected.extend((0..64).map(|v| [u64::from(POWER), v, 1 << v, 0]));
    for x in 0..64 {
        expected.extend((0..64).map(|y| [u64::from(AND), x, y, x & y]));
    }
    assert_eq!(provided(), expected);
}

/// No multiplicity makes a row provide a limb or a power that its flags exclude.
#[test]
fn excluded_messages_have_no_multiplicity() {
    let table = preprocessed();
    for (v, fixed) in table.values.chunks_exact(PREPROCESSED_WIDTH).enumerate() {
        if v < 256 {
            continue;
        }
        for mult in adversarial(&[]) {
            let report = check_row(ChipKind::Limbs, &[mult; WIDTH], fixed, &[]);
            let tags: BTreeSet<u64> = report.messages.iter().map(|(m, _)| m[0]).collect();
            assert!(!tags.contains(&u64::from(LIMB_8)));
            assert!(!tags.contains(&u64::from(POWER)));
        }
        if v > 300 {
            break;
        }
    }
}

#[test]
fn counts_are_what_rows_ask_for() {
    let counts = Counts::default();
    let limbs = counts.split(Felt::from_u32(0xabcd_ef12));
    assert_eq!(limbs, [0xf12, 0xcde, 0xab].map(Felt::from_u32));
    assert_eq!(join::<Felt>(&limbs), Felt::from_u32(0xabcd_ef12));
    assert_eq!(counts.and(0b110, 0b011), 0b010);
    assert_eq!(counts.power(63), 1 << 63);
    let trace = counts.trace();
    let table = preprocessed();
    let mut asked = Vec::new();
    for (row, fixed) in trace
        .values
        .chunks_exact(WIDTH)
        .zip(table.values.chunks_exact(PREPROCESSED_WIDTH))
    {
        asked.extend(check_row(ChipKind::Limbs, row, fixed, &[]).messages);
    }
    asked.sort_unstable_by_key(|(message, _)| *message);
    let [low, middle, high] = limb_messages([0xf12, 0xcde, 0xab]).map(fields);
    let mut expected = vec![
        low,
        middle,
        high,
        [u64::from(AND), 0b110, 0b011, 0b010],
        [u64::from(POWER), 63, 1 << 63, 0],
    ];
    expected.sort_unstable();
    let asked: Vec<[u64; 4]> = asked.into_iter().map(|(m, _)| fields(m)).collect();
    assert_eq!(asked, expected);
}
