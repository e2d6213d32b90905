//! What the row of an instruction says, for the chip to write down.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use proptest::prelude::*;

use super::{MULT, felt};
use crate::code::{
    EffectEntry, EffectOp, FactEntry, FactOp, MAX_COMPONENTS, MAX_EFFECT_OPERANDS, MAX_OPERANDS,
    MAX_RESULTS, Operand,
};
use crate::record::Remembered;
use crate::trace::{EffectRow, FactRow};

/// Frames and results of the four instructions of a row.
pub(crate) const FRAMES: [i64; 4] = [7, 9, 11, 13];
pub(crate) const IDS: [u32; 4] = [100, 200, 300, 400];

/// Hands `fill` what the row of an effect says at clock 11 and pc 6 in frame 7, with every result read [`MULT`] times; an access
/// finds the zero word, left there at clock `before`.
pub(crate) fn with_effect_row(
    op: EffectOp,
    id: u32,
    operands: &[Operand],
    values: &[i64],
    results: &[i64],
    before: u64,
    fill: impl FnOnce(&EffectRow<'_>),
) {
    let mut all = [Operand::Imm(Felt::ZERO); MAX_EFFECT_OPERANDS];
    all[..operands.len()].copy_from_slice(operands);
    let entry = EffectEntry {
        pc: 6,
        op,
        id,
        operands: all,
    };
    assert!(entry.is_well_formed());
    let mut row = EffectRow {
        clk: 11,
        fp: felt(7),
        entry: &entry,
        operands: [Felt::ZERO; MAX_COMPONENTS],
        results: [Felt::ZERO; MAX_RESULTS],
        mults: [felt(MULT); MAX_RESULTS],
        memory: Remembered {
            clk: before,
            ..Remembered::default()
        },
        starts: MULT as u32,
    };
    for (slot, &value) in row.operands.iter_mut().zip(values) {
        *slot = felt(value);
    }
    for (slot, &value) in row.results.iter_mut().zip(results) {
        *slot = felt(value);
    }
    fill(&row);
}

/// A 32-bit number, often one at which something changes.
pub(crate) fn number() -> impl Strategy<Value = u64> {
    let edges = vec![
        0,
        1,
        2,
        0xfff,
        0x1000,
        (1 << 31) - 1,
        1 << 31,
        (1 << 32) - 2,
        (1 << 32) - 1,
    ];
    prop_oneof![proptest::sample::select(edges), 0..1u64 << 32]
}

/// Hands `fill` what the row of an instruction says, with every result read [`MULT`] times.
pub(crate) fn with_fact_row(
    op: FactOp,
    (frame, id): (i64, u32),
    operands: &[Operand],
    values: &[Felt],
    fill: impl FnOnce(&FactRow<'_>),
) {
    let mut all = [Operand::Imm(Felt::ZERO); MAX_OPERANDS];
    all[..operands.len()].copy_from_slice(operands);
    let entry = FactEntry {
        op,
        id,
        operands: all,
    };
    assert!(entry.is_well_formed());
    let mut operands = [Felt::ZERO; MAX_COMPONENTS];
    operands[..values.len()].copy_from_slice(values);
    let mut results = [Felt::ZERO; MAX_RESULTS];
    assert!(op.eval(&operands, &mut results));
    let mut mults = [Felt::ZERO; MAX_RESULTS];
    mults[..op.signature().results.len()].fill(felt(MULT));
    fill(&FactRow {
        fp: felt(frame),
        entry: &entry,
        operands,
        results: &results,
        mults: &mults,
    });
}

/// The same for each of the N instructions of a row.
pub(crate) fn with_facts<const N: usize>(
    op: FactOp,
    operands: &[Operand],
    values: &[Felt],
    mut fill: impl FnMut(usize, &FactRow<'_>),
) {
    for (i, at) in FRAMES.into_iter().zip(IDS).enumerate().take(N) {
        with_fact_row(op, at, operands, values, |row| fill(i, row));
    }
}
