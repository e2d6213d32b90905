//! Zero tests and inversions: two bundles of two per row.
//!
//! # What a row proves
//! With d = a − k (k from the program):
//!
//! ```text
//! test    (inv = 0)   out = 1 if d = 0, else 0        d·hint = 1 − out,  d·out = 0
//! invert  (inv = 1)   out = 1/d, no row if d = 0      d·hint = 1,        out = hint
//! ```
//! `out` is a function of a: for the test, d ≠ 0 forces out = 0, and d = 0 forces out = 1; `hint` is free when
//! d = 0 but reaches no bus. For the inverse, d·out = 1 has at most one solution; 0 has none, so the instruction
//! traps by having no row, and the assembler anchors its result (rule R9).

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use crate::bus::{self, ChipBuilder};
use crate::chip::columns_with_narrow_twin;
use crate::code::{Class, InverseBundle};

/// Bundles per row. The narrow twin has fewer.
pub const BUNDLES: usize = 2;
/// Instructions per bundle.
pub const LANES: usize = 2;

/// One instruction.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Lane<T> {
    /// Program: id of the operand.
    pub a_id: T,
    /// Program: subtracted from it.
    pub k: T,
    /// Program: 1 to invert, 0 to test.
    pub inv: T,
    pub a: T,
    /// 1/d, or anything if d = 0.
    pub hint: T,
    pub out: T,
    /// How often the result is read.
    pub mult: T,
}

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Bundle<T> {
    pub fp: T,
    /// Program: id of the first result; the second is id + 1.
    pub id: T,
    pub lanes: [Lane<T>; LANES],
}

/// A row of N bundles.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Row<T, const N: usize> {
    pub bundles: [Bundle<T>; N],
}
columns_with_narrow_twin!(BUNDLES, narrow: 1);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &[
    "bundle 0 lane 0: indicator",
    "bundle 0 lane 0: zero result",
    "bundle 0 lane 0: inverse result",
    "bundle 0 lane 1: indicator",
    "bundle 0 lane 1: zero result",
    "bundle 0 lane 1: inverse result",
    "bundle 1 lane 0: indicator",
    "bundle 1 lane 0: zero result",
    "bundle 1 lane 0: inverse result",
    "bundle 1 lane 1: indicator",
    "bundle 1 lane 1: zero result",
    "bundle 1 lane 1: inverse result",
];

fn eval_row<AB: ChipBuilder, const N: usize>(row: &Row<AB::Var, N>, builder: &mut AB) {
    for bundle in &row.bundles {
        bus::lookup(
            builder,
            [
                AB::Expr::from_u8(Class::Inverse as u8),
                bundle.id.into(),
                bundle.lanes[0].a_id.into(),
                bundle.lanes[0].k.into(),
                bundle.lanes[0].inv.into(),
                bundle.lanes[1].a_id.into(),
                bundle.lanes[1].k.into(),
                bundle.lanes[1].inv.into(),
            ],
            AB::Expr::ONE,
        );
        for (j, lane) in bundle.lanes.iter().enumerate() {
            let d = lane.a.into() - lane.k.into();
            let test = AB::Expr::ONE - lane.inv.into();

            // d·hint = 1 − (1−inv)·out
            builder.assert_zero(d.clone() * lane.hint - AB::Expr::ONE + test.clone() * lane.out);
            // (1−inv)·d·out = 0
            builder.assert_zero(test * d * lane.out);
            // inv·(out − hint) = 0
            builder.assert_zero(lane.inv.into() * (lane.out.into() - lane.hint));

            bus::read(builder, bundle.fp, lane.a_id, lane.a, AB::Expr::ONE);
            bus::provide(
                builder,
                bundle.fp,
                bundle.id.into() + AB::Expr::from_usize(j),
                lane.out,
                lane.mult,
            );
        }
    }
}

/// Fills one bundle. `values` are those of (a, out) per lane; hints are written by [`fill_hints`].
pub fn fill(
    cols: &mut Bundle<Felt>,
    fp: Felt,
    entry: &InverseBundle,
    values: [[Felt; 2]; LANES],
    mults: [Felt; LANES],
) {
    cols.fp = fp;
    cols.id = Felt::from_u32(entry.id);
    for j in 0..LANES {
        let op = entry.ops[j];
        let [a, out] = values[j];
        cols.lanes[j] = Lane {
            a_id: Felt::from_u32(op.a),
            k: op.k,
            inv: Felt::from_bool(op.invert),
            a,
            hint: if op.invert { out } else { a - op.k },
            out,
            mult: mults[j],
        };
    }
}

/// Replaces the difference d that [`fill`] left as the hint of a zero test by its inverse, for all rows with one
/// field inversion (Montgomery's trick).
pub fn fill_hints<const N: usize>(rows: &mut [Felt]) {
    use p3_field::batch_multiplicative_inverse;
    let is_test = |lane: &Lane<Felt>| lane.inv == Felt::ZERO && lane.hint != Felt::ZERO;
    let lanes = |row: &Row<Felt, N>| row.bundles.map(|b| b.lanes).into_iter().flatten();
    let differences: Vec<Felt> = rows
        .chunks_exact(width::<N>())
        .flat_map(|row| lanes(Row::of(row)).filter(is_test).map(|lane| lane.hint))
        .collect();
    let mut inverses = batch_multiplicative_inverse(&differences).into_iter();
    for row in rows.chunks_exact_mut(width::<N>()) {
        for bundle in &mut Row::<_, N>::of_mut(row).bundles {
            for lane in &mut bundle.lanes {
                if is_test(lane) {
                    lane.hint = inverses.next().expect("one inverse per difference");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
