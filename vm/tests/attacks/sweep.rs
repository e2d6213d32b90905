//! Every cell of every table matters: changed alone, it violates a constraint or unbalances the bus.

use std::collections::{BTreeMap, BTreeSet};

use p3_field::PrimeCharacteristicRing;
use plica_air::check::Message;
use plica_air::chip::ChipKind;
use plica_air::chips::{
    addresses, advice, assert, clock, frame, inverse, leave, limbs, memory_element, memory_word,
    sum, tree, u32_mul,
};
use plica_air::code::Class;
use plica_field::Felt;
use plica_fri::Profile;
use plica_vm::syntax::parse_program;

use super::forged::{Forged, mult_columns};
use super::programs;
use crate::support::{Expected, load_corpus};

const HINT: &str = "inverse of zero: zero times anything is not one, and the hint reaches no bus";

type Free = (usize, &'static str);

fn hints_of_products(facts: &[u32_mul::Fact<Felt>], at: &[u32_mul::Fact<usize>]) -> Vec<Free> {
    let facts = facts.iter().zip(at);
    facts
        .filter(|(fact, _)| fact.low == [Felt::ZERO; 3])
        .map(|(_, at)| (at.w, HINT))
        .collect()
}

fn hints_of_tests(bundles: &[inverse::Bundle<Felt>], at: &[inverse::Bundle<usize>]) -> Vec<Free> {
    let lanes = bundles.iter().flat_map(|bundle| &bundle.lanes);
    lanes
        .zip(at.iter().flat_map(|bundle| &bundle.lanes))
        .filter(|(lane, _)| lane.a == lane.k)
        .map(|(_, at)| (at.hint, HINT))
        .collect()
}

/// Columns that may hold another value in this row without any effect, each with the reason. Everything else must be caught.
fn free_columns(kind: ChipKind, r: usize, row: &[Felt]) -> Vec<Free> {
    const UNTESTED: &str = "the inverse is used only by rows that test for not being zero";
    const SILENT: &str = "a padding row sends nothing, so what it would send does not matter";
    const NO_CONDITION: &str = "without a condition nothing is read and nothing is tested";
    const UNREAD: &str = "advice that nobody reads";
    const READ_ONLY: &str = "a node that is read is not replaced by another one";
    const NOT_THERE: &str = "the row of the fixed table has no such message";
    let at: Vec<usize> = (0..kind.width()).collect();
    let mut free = Vec::new();
    match kind {
        // Rows of the key, and facts without padding rows.
        ChipKind::Boundary
        | ChipKind::Program
        | ChipKind::Arith
        | ChipKind::ArithNarrow
        | ChipKind::Copy
        | ChipKind::Single
        | ChipKind::SingleNarrow
        | ChipKind::U32Check
        | ChipKind::U32CheckNarrow
        | ChipKind::U32Add
        | ChipKind::U32AddNarrow
        | ChipKind::U32Div
        | ChipKind::U32DivNarrow
        | ChipKind::U32Shift
        | ChipKind::U32ShiftNarrow
        | ChipKind::Bitwise
        | ChipKind::BitwiseNarrow
        | ChipKind::Power
        | ChipKind::PowerNarrow
        | ChipKind::BitLength
        | ChipKind::BitLengthNarrow
        | ChipKind::Bits
        | ChipKind::Pack
        | ChipKind::PackNarrow
        | ChipKind::Unpack
        | ChipKind::UnpackNarrow
        | ChipKind::Ext3
        | ChipKind::Ext3Narrow
        | ChipKind::Rpo
        | ChipKind::RpoCompact
        | ChipKind::Node
        | ChipKind::NodeCompact
        | ChipKind::Change
        | ChipKind::Absorb
        | ChipKind::AbsorbCompact
        | ChipKind::WordCopy => {}
        ChipKind::Limbs => {
            let at = limbs::Cols::of(&at);
            if r >= 1 << 8 {
                free.push((at.limb_8, NOT_THERE));
            }
            if r >= 64 {
                free.push((at.power, NOT_THERE));
            }
        }
        ChipKind::U32Mul => {
            let facts = u32_mul::Cols::of(row).facts;
            free.extend(hints_of_products(&facts, &u32_mul::Cols::of(&at).facts));
        }
        ChipKind::U32MulNarrow => {
            let facts = u32_mul::narrow::Cols::of(row).facts;
            free.extend(hints_of_products(
                &facts,
                &u32_mul::narrow::Cols::of(&at).facts,
            ));
        }
        ChipKind::Inverse => {
            let bundles = inverse::Cols::of(row).bundles;
            free.extend(hints_of_tests(&bundles, &inverse::Cols::of(&at).bundles));
        }
        ChipKind::InverseNarrow => {
            let bundles = inverse::narrow::Cols::of(row).bundles;
            free.extend(hints_of_tests(
                &bundles,
                &inverse::narrow::Cols::of(&at).bundles,
            ));
        }
        ChipKind::Frame => {
            let (cols, at) = (frame::Cols::of(row), frame::Cols::of(&at));
            if cols.test == Felt::ZERO {
                free.push((at.inv, UNTESTED));
            }
            if cols.real == Felt::ZERO {
                let columns = [
                    at.clk,
                    at.pc,
                    at.fp,
                    at.step,
                    at.target,
                    at.parent,
                    at.return_pc,
                ];
                free.extend(columns.map(|c| (c, SILENT)));
                free.extend(
                    at.params
                        .iter()
                        .flat_map(|p| [p.src, p.value])
                        .map(|c| (c, SILENT)),
                );
            }
        }
        ChipKind::Leave => {
            let (cols, at) = (leave::Cols::of(row), leave::Cols::of(&at));
            if cols.nonzero == Felt::ZERO {
                free.push((at.inv, UNTESTED));
            }
            if cols.test == Felt::ZERO {
                free.push((at.value, NO_CONDITION));
            }
            if cols.real == Felt::ZERO {
                let columns = [at.clk, at.pc, at.leave, at.test, at.src, at.step];
                free.extend(columns.map(|c| (c, SILENT)));
            }
        }
        ChipKind::MemoryElement | ChipKind::MemoryWord => {
            let (cols, at, word, value) = match kind {
                ChipKind::MemoryElement => {
                    let at = memory_element::Cols::of(&at);
                    let cols = memory_element::Cols::of(row).access;
                    (cols, at.access, at.word, vec![at.value])
                }
                _ => {
                    let at = memory_word::Cols::of(&at);
                    let cols = memory_word::Cols::of(row).access;
                    (cols, at.access, at.word, at.value.to_vec())
                }
            };
            if cols.real == Felt::ZERO {
                let columns = [
                    at.clk,
                    at.pc,
                    at.fp,
                    at.immediate,
                    at.address_id,
                    at.address,
                    at.context,
                    at.value_id,
                ];
                free.extend(columns.map(|c| (c, SILENT)));
                free.extend(at.gap.map(|c| (c, SILENT)));
                // What a load keeps is tied to the value all the same.
                let kept = value.len();
                free.extend(word[kept..].iter().map(|&c| (c, SILENT)));
            }
        }
        ChipKind::Advice => {
            let (cols, at) = (advice::Cols::of(row), advice::Cols::of(&at));
            if cols.real == Felt::ZERO {
                let columns = [at.clk, at.pc, at.fp, at.id];
                free.extend(columns.map(|c| (c, SILENT)));
                free.extend(at.values.map(|c| (c, SILENT)));
            }
            // Values are free, but who reads them reads others then; those that nobody reads are not there.
            if cols.word_mult == Felt::ZERO {
                let values = cols.mults.iter().zip(at.values);
                let unread = values.filter(|(mult, _)| **mult == Felt::ZERO);
                free.extend(unread.map(|(_, c)| (c, UNREAD)));
            }
        }
        ChipKind::Tree => {
            let (cols, at) = (tree::Cols::of(row), tree::Cols::of(&at));
            if cols.replace == Felt::ZERO {
                let columns = [at.new, at.new_root].concat();
                free.extend(columns.into_iter().map(|c| (c, READ_ONLY)));
            }
            if cols.real == Felt::ZERO {
                let columns = [at.clk, at.pc, at.fp, at.id, at.root_id, at.new_id];
                let columns = columns.into_iter().chain(at.place_ids).chain(at.place);
                let columns = columns.chain(at.immediates).chain(at.root).chain(at.node);
                free.extend(columns.map(|c| (c, SILENT)));
            }
        }
        ChipKind::Sum => {
            let (cols, at) = (sum::Cols::of(row), sum::Cols::of(&at));
            if cols.real == Felt::ZERO {
                let columns = [
                    &[at.clk, at.pc, at.fp, at.id][..],
                    &at.immediates,
                    &at.word_ids,
                    &at.scalar_ids,
                    &at.digest,
                    &at.a,
                    &at.m,
                    &at.scalars,
                    at.sums.as_flattened(),
                ];
                free.extend(columns.concat().into_iter().map(|c| (c, SILENT)));
            }
        }
        ChipKind::Clock => {
            let (cols, at) = (clock::Cols::of(row), clock::Cols::of(&at));
            if cols.real == Felt::ZERO {
                let columns = [at.clk, at.pc, at.fp, at.id];
                free.extend(columns.map(|c| (c, SILENT)));
            }
        }
        ChipKind::Addresses => {
            let (cols, at) = (addresses::Cols::of(row), addresses::Cols::of(&at));
            if cols.real == Felt::ZERO {
                free.push((at.clk, SILENT));
                free.extend(at.word.map(|c| (c, SILENT)));
            }
        }
        ChipKind::Assert => {
            let (cols, at) = (assert::Cols::of(row), assert::Cols::of(&at));
            if cols.real == Felt::ZERO {
                // Flags of padding rows are free to be 1, not to be anything.
                let columns = [at.clk, at.pc, at.fp, at.equal[0], at.equal[1]];
                free.extend(columns.map(|c| (c, SILENT)));
                free.extend(at.slots.map(|slot| (slot.is_cell, SILENT)));
            }
        }
    }
    free
}

fn sums(forged: &Forged, at: (usize, usize), row: &[Felt]) -> Option<BTreeMap<Message, Felt>> {
    let report = forged.report(at, row);
    if report.constraints.iter().any(|value| *value != Felt::ZERO) {
        return None;
    }
    let mut sums: BTreeMap<Message, Felt> = BTreeMap::new();
    for (message, count) in report.messages {
        *sums.entry(message).or_default() += count;
    }
    sums.retain(|_, sum| *sum != Felt::ZERO);
    Some(sums)
}

/// Mixed bits, for deltas that no structure explains.
fn noise(seed: u64) -> Felt {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    Felt::from_u64((x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) | 1)
}

/// Changes each cell of each row of the trace. Since the honest trace is balanced, a change goes unnoticed exactly if the row
/// satisfies its constraints and sends what it sent before.
fn sweep_rows(forged: &Forged, name: &str) {
    for kind in ChipKind::ALL {
        for at in forged.rows(kind) {
            let honest = forged.row(at).to_vec();
            let before = sums(forged, at, &honest).expect("honest rows are valid");
            let free = free_columns(kind, at.1, &honest);
            let mut row = honest.clone();
            for column in 0..row.len() {
                let deltas = [Felt::ONE, Felt::NEG_ONE, noise((at.1 * 64 + column) as u64)];
                let unnoticed = deltas
                    .iter()
                    .filter(|&&delta| {
                        row[column] = honest[column] + delta;
                        sums(forged, at, &row).as_ref() == Some(&before)
                    })
                    .count();
                row[column] = honest[column];
                let reason = free.iter().find(|(c, _)| *c == column);
                assert_eq!(
                    unnoticed > 0,
                    reason.is_some(),
                    "{name}: {} row {at:?} column {column}: {unnoticed} changes unnoticed, listed as {reason:?}",
                    kind.name(),
                );
            }
        }
    }
}

/// Honest traces of all programs, without the twins of chips and with them.
fn with_and_without_twins() -> impl Iterator<Item = (&'static str, Forged)> {
    let profiles = [Profile::FAST, Profile::LIFTED];
    profiles.into_iter().flat_map(|profile| {
        programs::ALL.iter().map(move |(name, source, inputs)| {
            (*name, Forged::honest_under(source, inputs, &profile))
        })
    })
}

#[test]
fn no_unlisted_column_is_free() {
    let mut seen = BTreeSet::new();
    for (name, forged) in with_and_without_twins() {
        for kind in ChipKind::ALL {
            if !forged.rows(kind).is_empty() {
                seen.insert((kind, true));
            }
            let padded = kind.ordered() || kind == ChipKind::Addresses;
            if padded && forged.rows(kind).len() > forged.steps(kind).len() {
                seen.insert((kind, false));
            }
        }
        sweep_rows(&forged, name);
    }
    // Every chip, and padding of every chip that has padding rows.
    assert_eq!(seen.len(), ChipKind::ALL.len() + 9);
}

#[test]
fn no_unlisted_column_is_free_in_the_corpus() {
    let mut swept = 0;
    for case in load_corpus() {
        if !matches!(case.expected, Expected::Outputs(_)) {
            continue;
        }
        let parsed = parse_program(&case.source, &case.name, &case.modules()).expect("parses");
        let Ok(compiled) = plica_vm::compile::compile(&parsed) else {
            continue;
        };
        let Some(forged) = Forged::of(compiled, &case.run_inputs()) else {
            continue;
        };
        let tables = forged.tables.iter();
        let own = tables.filter(|table| table.kind != ChipKind::Limbs);
        let cells: usize = own.map(|table| table.trace.values.len()).sum();
        if cells < 10_000 {
            sweep_rows(&forged, &case.name);
            swept += 1;
        }
    }
    assert!(swept > 100, "only {swept} programs");
}

#[test]
fn the_checker_notices_each_change_in_a_whole_trace() {
    let (_, source, inputs) = programs::ALL[0];
    let honest = Forged::honest(source, inputs);
    for kind in ChipKind::ALL {
        let rows = honest.rows(kind);
        for at in [rows.first(), rows.last()].into_iter().flatten() {
            let free = free_columns(kind, at.1, honest.row(*at));
            for column in 0..kind.width() {
                for delta in [Felt::ONE, noise(column as u64)] {
                    let mut forged = honest.clone();
                    forged.row_mut(*at)[column] += delta;
                    if !free.iter().any(|(c, _)| *c == column) {
                        assert!(!forged.findings().is_empty(), "{kind:?} {at:?} {column}");
                    }
                }
            }
        }
    }
}

/// Of each chip: kinds of messages as (chip, first field, consumed), 0 for CALL cells. None of them cancels within its row, so
/// dropping or altering any of them leaves the bus open.
#[test]
fn honest_traces_send_every_kind_of_message() {
    let mut seen = BTreeSet::new();
    for (_, forged) in with_and_without_twins() {
        for kind in ChipKind::ALL {
            for at in forged.rows(kind) {
                assert!(
                    sums(&forged, at, forged.row(at)).is_some_and(|sums| !sums.is_empty()
                        || kind.ordered()
                        || matches!(
                            kind,
                            ChipKind::Program | ChipKind::Limbs | ChipKind::Addresses
                        ))
                );
                for (message, count) in forged.report(at, forged.row(at)).messages {
                    let call = message[0] == 1 && message[2] == 0;
                    let class = if call { 0 } else { message[0] };
                    seen.insert((kind.name(), class, count == Felt::NEG_ONE));
                }
            }
        }
    }
    let expected = [
        ("boundary", 1, false),
        ("boundary", 1, true),
        ("boundary", 2, false),
        ("boundary", 2, true),
        ("program", 16, false),
        ("program", 17, false),
        ("program", 18, false),
        ("program", 19, false),
        ("program", 20, false),
        ("program", 21, false),
        ("program", 22, false),
        ("arith", 1, false),
        ("arith", 1, true),
        ("arith", 16, true),
        ("arith narrow", 1, false),
        ("arith narrow", 1, true),
        ("arith narrow", 16, true),
        ("inverse", 1, false),
        ("inverse", 1, true),
        ("inverse", 17, true),
        ("inverse narrow", 1, false),
        ("inverse narrow", 1, true),
        ("inverse narrow", 17, true),
        ("copy", 1, false),
        ("copy", 1, true),
        ("copy", 18, true),
        ("frame", 0, false),
        ("frame", 0, true),
        ("frame", 1, false),
        ("frame", 1, true),
        ("frame", 2, false),
        ("frame", 2, true),
        ("frame", 19, true),
        ("leave", 0, true),
        ("leave", 1, false),
        ("leave", 1, true),
        ("leave", 2, false),
        ("leave", 2, true),
        ("leave", 20, true),
        ("assert", 1, true),
        ("assert", 2, false),
        ("assert", 2, true),
        ("assert", 21, true),
        ("single", 1, false),
        ("single", 1, true),
        ("single", 22, true),
        ("single narrow", 1, false),
        ("single narrow", 1, true),
        ("single narrow", 22, true),
        ("limbs", 3, false),
        ("limbs", 4, false),
        ("u32 check", 1, false),
        ("u32 check", 1, true),
        ("u32 check", 3, true),
        ("u32 check", 4, true),
        ("u32 check", 23, true),
        ("u32 check narrow", 1, false),
        ("u32 check narrow", 1, true),
        ("u32 check narrow", 3, true),
        ("u32 check narrow", 4, true),
        ("u32 check narrow", 23, true),
        ("u32 add", 1, false),
        ("u32 add", 1, true),
        ("u32 add", 3, true),
        ("u32 add", 4, true),
        ("u32 add", 24, true),
        ("u32 add narrow", 1, false),
        ("u32 add narrow", 1, true),
        ("u32 add narrow", 3, true),
        ("u32 add narrow", 4, true),
        ("u32 add narrow", 24, true),
        ("u32 mul", 1, false),
        ("u32 mul", 1, true),
        ("u32 mul", 3, true),
        ("u32 mul", 4, true),
        ("u32 mul", 27, true),
        ("u32 mul narrow", 1, false),
        ("u32 mul narrow", 1, true),
        ("u32 mul narrow", 3, true),
        ("u32 mul narrow", 4, true),
        ("u32 mul narrow", 27, true),
        ("u32 div", 1, false),
        ("u32 div", 1, true),
        ("u32 div", 3, true),
        ("u32 div", 4, true),
        ("u32 div", 28, true),
        ("u32 div narrow", 1, false),
        ("u32 div narrow", 1, true),
        ("u32 div narrow", 3, true),
        ("u32 div narrow", 4, true),
        ("u32 div narrow", 28, true),
        ("u32 shift", 1, false),
        ("u32 shift", 1, true),
        ("u32 shift", 3, true),
        ("u32 shift", 4, true),
        ("u32 shift", 29, true),
        ("u32 shift narrow", 1, false),
        ("u32 shift narrow", 1, true),
        ("u32 shift narrow", 3, true),
        ("u32 shift narrow", 4, true),
        ("u32 shift narrow", 29, true),
        ("limbs", 5, false),
        ("bitwise", 1, false),
        ("bitwise", 1, true),
        ("bitwise", 5, true),
        ("bitwise", 30, true),
        ("bitwise narrow", 1, false),
        ("bitwise narrow", 1, true),
        ("bitwise narrow", 5, true),
        ("bitwise narrow", 30, true),
        ("limbs", 6, false),
        ("power", 1, false),
        ("power", 1, true),
        ("power", 6, true),
        ("power", 31, true),
        ("power narrow", 1, false),
        ("power narrow", 1, true),
        ("power narrow", 6, true),
        ("power narrow", 31, true),
        ("bit length", 1, false),
        ("bit length", 1, true),
        ("bit length", 3, true),
        ("bit length", 4, true),
        ("bit length", 6, true),
        ("bit length", 32, true),
        ("bit length narrow", 1, false),
        ("bit length narrow", 1, true),
        ("bit length narrow", 3, true),
        ("bit length narrow", 4, true),
        ("bit length narrow", 6, true),
        ("bit length narrow", 32, true),
        ("bits", 1, false),
        ("bits", 1, true),
        ("bits", 33, true),
        ("pack", 1, false),
        ("pack", 1, true),
        ("pack", 25, true),
        ("unpack", 1, false),
        ("unpack", 1, true),
        ("unpack", 26, true),
        ("pack narrow", 1, false),
        ("pack narrow", 1, true),
        ("pack narrow", 25, true),
        ("unpack narrow", 1, false),
        ("unpack narrow", 1, true),
        ("unpack narrow", 26, true),
        ("ext3", 1, false),
        ("ext3", 1, true),
        ("ext3", Class::Ext3 as u64, true),
        ("ext3 narrow", 1, false),
        ("ext3 narrow", 1, true),
        ("ext3 narrow", Class::Ext3 as u64, true),
        ("memory element", 1, false),
        ("memory element", 1, true),
        ("memory element", 2, false),
        ("memory element", 2, true),
        ("memory element", 3, true),
        ("memory element", 4, true),
        ("memory element", 8, false),
        ("memory element", 8, true),
        ("memory element", 40, true),
        ("memory word", 1, false),
        ("memory word", 1, true),
        ("memory word", 2, false),
        ("memory word", 2, true),
        ("memory word", 8, false),
        ("memory word", 8, true),
        ("memory word", 41, true),
        ("advice", 1, false),
        ("advice", 2, false),
        ("advice", 2, true),
        ("advice", 42, true),
        ("addresses", 3, true),
        ("addresses", 4, true),
        ("addresses", 8, false),
        ("addresses", 8, true),
        ("addresses", 9, false),
        ("addresses", 9, true),
    ];
    for message in expected {
        assert!(seen.contains(&message), "no honest row sends {message:?}");
    }
}

#[test]
fn multiplicities_are_exact() {
    for (name, honest) in with_and_without_twins() {
        for kind in ChipKind::ALL {
            for at in honest.rows(kind) {
                let free = free_columns(kind, at.1, honest.row(at));
                let listed = |column: &usize| free.iter().any(|(c, _)| c == column);
                for column in mult_columns(kind).into_iter().filter(|c| !listed(c)) {
                    for value in [Felt::NEG_ONE, honest.row(at)[column] + Felt::ONE] {
                        let mut row = honest.row(at).to_vec();
                        // A store reads its value: −1 is right.
                        if row[column] == value {
                            continue;
                        }
                        row[column] = value;
                        let before = sums(&honest, at, honest.row(at));
                        assert_ne!(sums(&honest, at, &row), before, "{name} {at:?}");
                    }
                }
            }
        }
    }
}
