//! Forged rows: what the tests of the chips share.
//!
//! A completeness test never finds a missing constraint, so each constraint has a [`Forgery`]: an honest row changed so
//! that this constraint fails and no other, and the difference it makes on the bus, which is what the attacker would
//! gain without the constraint. [`second_solutions`] looks for forgeries that no constraint forbids.

pub(crate) mod access;
mod messages;
mod rows;

use std::collections::BTreeMap;

use p3_field::{Field, PrimeCharacteristicRing};
use plica_field::Felt;

use crate::check::{Message, RowReport, check_row};
use crate::chip::ChipKind;

pub(crate) use messages::{
    address, and_message, call, cell, change, limb_messages, limbs_changed, memory, message, node,
    state, sums, word, word_of,
};
pub(crate) use rows::{FRAMES, IDS, number, with_effect_row, with_fact_row, with_facts};

/// Multiplicity of every provided cell of the honest rows.
pub(crate) const MULT: i64 = 3;

pub(crate) fn felt(value: i64) -> Felt {
    Felt::from_i64(value)
}

/// Makes tests of functions of a chip with N facts per row: of the chip, and of its narrow twin.
macro_rules! tests_of_both {
    ($wide:ident, $per_row:ident, $narrow:ident: $($test:ident),* $(,)?) => {
        $(
            mod $test {
                use crate::chip::ChipKind;

                #[test]
                fn wide() {
                    assert_eq!(ChipKind::$wide.per_row(), super::$per_row);
                    super::$test::<{ super::$per_row }>(ChipKind::$wide);
                }

                #[test]
                fn narrow() {
                    assert_eq!(ChipKind::$wide.twin(), Some(ChipKind::$narrow));
                    super::$test::<{ ChipKind::$narrow.per_row() }>(ChipKind::$narrow);
                }
            }
        )*
    };
}
pub(crate) use tests_of_both;

/// A row of facts with multiplicities of zero satisfies every constraint and provides nothing.
pub(crate) fn check_padding(chip: ChipKind, honest: &[Felt], mults: &[usize]) {
    let mut padding = honest.to_vec();
    for &column in mults {
        padding[column] = Felt::ZERO;
    }
    assert!(violated(chip, &padding).is_empty());
    let counts = report(chip, &padding).messages;
    assert!(counts.iter().all(|(_, count)| *count == Felt::NEG_ONE));
    assert!(!counts.is_empty());
}

/// A row without preprocessed columns and public values, evaluated.
pub(crate) fn report(chip: ChipKind, row: &[Felt]) -> RowReport {
    check_row(chip, row, &[], &[])
}

/// Names of the constraints that a row violates.
pub(crate) fn violated(chip: ChipKind, row: &[Felt]) -> Vec<&'static str> {
    let values = report(chip, row).constraints;
    assert_eq!(values.len(), chip.constraints().len());
    let names = chip.constraints().iter().zip(values);
    names
        .filter(|(_, value)| *value != Felt::ZERO)
        .map(|(&name, _)| name)
        .collect()
}

/// What a row puts on the bus, summed per message.
pub(crate) fn balance(chip: ChipKind, row: &[Felt]) -> BTreeMap<Message, Felt> {
    let mut sums = BTreeMap::new();
    for (message, count) in report(chip, row).messages {
        *sums.entry(message).or_default() += count;
    }
    sums.retain(|_, sum| *sum != Felt::ZERO);
    sums
}

/// What `forged` puts on the bus beyond `honest`.
pub(crate) fn difference(
    chip: ChipKind,
    honest: &[Felt],
    forged: &[Felt],
) -> BTreeMap<Message, Felt> {
    let mut sums = balance(chip, forged);
    for (message, count) in balance(chip, honest) {
        *sums.entry(message).or_default() -= count;
    }
    sums.retain(|_, sum| *sum != Felt::ZERO);
    sums
}

/// A row that violates one constraint, and why the constraint is there.
pub(crate) struct Forgery {
    constraint: String,
    honest: Vec<Felt>,
    forged: Vec<Felt>,
    /// Messages gained (or lost) against the honest row.
    gain: Vec<(Message, Felt)>,
}

impl Forgery {
    pub(crate) fn new(
        constraint: impl Into<String>,
        honest: Vec<Felt>,
        forge: impl FnOnce(&mut [Felt]),
        gain: Vec<(Message, i64)>,
    ) -> Self {
        let mut forged = honest.clone();
        forge(&mut forged);
        Self {
            constraint: constraint.into(),
            honest,
            forged,
            gain: gain
                .into_iter()
                .map(|(m, count)| (m, felt(count)))
                .collect(),
        }
    }

    /// A message that is gained by a fraction.
    pub(crate) fn also(&mut self, message: Message, count: Felt) {
        self.gain.push((message, count));
    }
}

/// Each forgery violates its constraint and no other, differs on the bus as it says, and every constraint has one.
pub(crate) fn check_forgeries(chip: ChipKind, forgeries: &[Forgery]) {
    for forgery in forgeries {
        let name = &forgery.constraint;
        assert!(violated(chip, &forgery.honest).is_empty(), "{name}");
        assert_eq!(violated(chip, &forgery.forged), [name], "{name}");
        let mut gain: BTreeMap<Message, Felt> = BTreeMap::new();
        for &(message, count) in &forgery.gain {
            *gain.entry(message).or_default() += count;
        }
        gain.retain(|_, count| *count != Felt::ZERO);
        assert!(!gain.is_empty(), "{name}: nobody would forge this");
        assert_eq!(
            difference(chip, &forgery.honest, &forgery.forged),
            gain,
            "{name}"
        );
    }
    for name in chip.constraints() {
        assert!(
            forgeries.iter().any(|f| f.constraint == *name),
            "no forgery of `{name}`"
        );
    }
}

/// Values that break arithmetic: edges of the field and of 32 bits, and relatives of the row's own values.
pub(crate) fn adversarial(row: &[Felt]) -> Vec<Felt> {
    let mut values = vec![
        Felt::ZERO,
        Felt::ONE,
        Felt::TWO,
        Felt::NEG_ONE,
        Felt::ONE.halve(),
        Felt::from_u64(u64::from(u32::MAX)),
        Felt::from_u64(1 << 32),
    ];
    let mut own = row.to_vec();
    own.sort_unstable();
    own.dedup();
    for value in own {
        values.extend([value, value + Felt::ONE, -value]);
        values.extend(value.try_inverse());
    }
    values.sort_unstable();
    values.dedup();
    values
}

/// Consumed messages (count −1) and all others, in order.
fn sides(chip: ChipKind, row: &[Felt]) -> (Vec<Message>, Vec<(Message, Felt)>) {
    let (consumed, rest): (Vec<_>, Vec<_>) = report(chip, row)
        .messages
        .into_iter()
        .partition(|(_, count)| *count == Felt::NEG_ONE);
    (consumed.into_iter().map(|(m, _)| m).collect(), rest)
}

/// Rule R3, by search: holds everything the row consumes (cells, state, program entry) and the columns `mults` fixed, and
/// varies all others, alone and in pairs. Panics at a row that satisfies the constraints and provides anything else.
///
/// Returns how many other satisfying rows there are: the freedom that hints have.
pub(crate) fn second_solutions(
    chip: ChipKind,
    honest: &[Felt],
    mults: &[usize],
    candidates: &[Felt],
) -> usize {
    assert!(violated(chip, honest).is_empty());
    let (consumed, provided) = sides(chip, honest);
    // A column that no consumed message contains; what only shifts counts is not of interest.
    let loose: Vec<usize> = (0..honest.len())
        .filter(|column| !mults.contains(column))
        .filter(|&column| {
            let mut row = honest.to_vec();
            row[column] += Felt::from_u32(12345);
            sides(chip, &row).0 == consumed
        })
        .collect();
    let mut found = 0;
    let mut row = honest.to_vec();
    for (i, &first) in loose.iter().enumerate() {
        for &second in &loose[i + 1..] {
            for &x in candidates {
                for &y in candidates {
                    row[first] = x;
                    row[second] = y;
                    if row != honest && violated(chip, &row).is_empty() {
                        assert_eq!(
                            sides(chip, &row),
                            (consumed.clone(), provided.clone()),
                            "columns {first} and {second} = {x}, {y}"
                        );
                        found += 1;
                    }
                }
            }
            row.copy_from_slice(honest);
        }
        for &x in candidates {
            row[first] = x;
            if row != honest && violated(chip, &row).is_empty() {
                assert_eq!(
                    sides(chip, &row),
                    (consumed.clone(), provided.clone()),
                    "column {first} = {x}"
                );
                found += 1;
            }
        }
        row.copy_from_slice(honest);
    }
    found
}

/// Rule R4: a change of any of these columns changes the program entry that the row looks up.
pub(crate) fn check_lookup_binds(chip: ChipKind, row: &[Felt], columns: &[usize]) {
    let entries = |row: &[Felt]| -> Vec<Message> {
        let (consumed, _) = sides(chip, row);
        consumed.into_iter().filter(|m| m[0] >= 16).collect()
    };
    assert!(!entries(row).is_empty());
    for &column in columns {
        for delta in adversarial(&[]).into_iter().filter(|d| *d != Felt::ZERO) {
            let mut changed = row.to_vec();
            changed[column] += delta;
            assert_ne!(entries(&changed), entries(row), "column {column} + {delta}");
        }
    }
}

/// Whatever column changes, a constraint or the bus notices.
pub(crate) fn check_every_column_is_noticed(chip: ChipKind, row: &[Felt]) {
    for column in 0..row.len() {
        for delta in [Felt::ONE, Felt::NEG_ONE, Felt::from_u64(1 << 32)] {
            let mut changed = row.to_vec();
            changed[column] += delta;
            let noticed =
                !violated(chip, &changed).is_empty() || !difference(chip, row, &changed).is_empty();
            assert!(noticed, "column {column} + {delta}");
        }
    }
}

/// The column `real` is 0 or 1, whatever the rest of the row is.
pub(crate) fn check_real_is_boolean(chip: ChipKind, rows: &[Vec<Felt>]) {
    for row in rows {
        for value in adversarial(row) {
            let mut changed = row.clone();
            changed[0] = value;
            let found = violated(chip, &changed).contains(&"real is boolean");
            assert_eq!(found, value != Felt::ZERO && value != Felt::ONE);
        }
    }
}

/// The row satisfies every constraint and puts nothing on the bus.
pub(crate) fn check_silent(chip: ChipKind, row: &[Felt]) {
    assert!(violated(chip, row).is_empty());
    assert!(report(chip, row).messages.is_empty());
}

/// The indices 0, 1, …, for viewing as a column struct: each field then is its own position.
pub(crate) fn positions(width: usize) -> Vec<usize> {
    (0..width).collect()
}
