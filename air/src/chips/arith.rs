//! Field instructions: two bundles of two per row.
//!
//! # What a row proves
//! For each of two independent bundles (own frame): the bundle is in the program table, its operands are cells of
//! that frame, and its results are
//!
//! ```text
//! c = (1−s)·a·b + s·a + w·b        s = 0: (a+w)·b    s = 1: a + w·b    s = 2: (2−b)·a + w·b, b a constant
//! ```
//! That is a function of (a, b) for all field values (rule R3), so the chip is made of facts: no clock, no flag for
//! real rows.
//!
//! # Why two bundles of two
//! One program lookup and one result id serve two instructions; a second bundle shares the accumulator and the
//! quotient. 16.5 cells per instruction; wider rows are cheaper still but waste slots in short blocks.
//! An instruction without a partner has a chip of its own, [`super::single`], with the same [`Lane`].

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use crate::bus::{self, ChipBuilder};
use crate::chip::columns_with_narrow_twin;
use crate::code::{ArithBundle, ArithOp, Class, Operand};

/// Bundles per row. The narrow twin has fewer.
pub const BUNDLES: usize = 2;
/// Instructions per bundle.
pub const LANES: usize = 2;

/// One instruction.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Lane<T> {
    /// Program: id of operand a.
    pub a_id: T,
    /// Program: id of operand b, or its value if s = 2.
    pub b_id: T,
    /// Program: shape, 0, 1 or 2.
    pub s: T,
    /// Program: constant of the shape.
    pub w: T,
    pub a: T,
    pub b: T,
    pub c: T,
    /// How often the result is read.
    pub mult: T,
}

/// One instruction of frame `fp` with the result cell `id`: constraints, reads and result. The lookup is the row's.
pub(super) fn eval_lane<AB: ChipBuilder>(
    builder: &mut AB,
    fp: AB::Var,
    id: AB::Expr,
    lane: &Lane<AB::Var>,
) {
    let (s, a, b): (AB::Expr, AB::Expr, AB::Expr) = (lane.s.into(), lane.a.into(), lane.b.into());

    // s ∈ {0, 1, 2} by the lookup; s·(s−1)/2 is 1 exactly for the constant operand.
    let immediate = s.clone() * (s.clone() - AB::Expr::ONE) * Felt::ONE.halve();
    // A constant operand is the program field itself: s(s−1)·(b − b_id) = 0.
    builder.assert_zero(immediate.clone() * (b.clone() - lane.b_id));

    // c = (1−s)·a·b + s·a + w·b
    builder.assert_zero(
        (AB::Expr::ONE - s.clone()) * a.clone() * b.clone() + s * a + b.clone() * lane.w - lane.c,
    );

    bus::read(builder, fp, lane.a_id, lane.a, AB::Expr::ONE);
    // A constant operand is not read from a cell.
    bus::read(builder, fp, lane.b_id, b, AB::Expr::ONE - immediate);
    bus::provide(builder, fp, id, lane.c, lane.mult);
}

impl Lane<Felt> {
    /// The instruction on these values of (a, b, c).
    pub(super) fn of(op: ArithOp, [a, b, c]: [Felt; 3], mult: Felt) -> Self {
        let [a_id, b_id, s, w] = op.fields();
        debug_assert!(matches!(op.b(), Operand::Cell(_)) || b == b_id);
        Self {
            a_id,
            b_id,
            s,
            w,
            a,
            b,
            c,
            mult,
        }
    }
}

/// One bundle: a frame, a program entry, two instructions.
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
    "bundle 0 lane 0: immediate",
    "bundle 0 lane 0: result",
    "bundle 0 lane 1: immediate",
    "bundle 0 lane 1: result",
    "bundle 1 lane 0: immediate",
    "bundle 1 lane 0: result",
    "bundle 1 lane 1: immediate",
    "bundle 1 lane 1: result",
];

fn eval_row<AB: ChipBuilder, const N: usize>(row: &Row<AB::Var, N>, builder: &mut AB) {
    for bundle in &row.bundles {
        bus::lookup(
            builder,
            [
                AB::Expr::from_u8(Class::Arith as u8),
                bundle.id.into(),
                bundle.lanes[0].a_id.into(),
                bundle.lanes[0].b_id.into(),
                bundle.lanes[0].s.into(),
                bundle.lanes[0].w.into(),
                bundle.lanes[1].a_id.into(),
                bundle.lanes[1].b_id.into(),
                bundle.lanes[1].s.into(),
                bundle.lanes[1].w.into(),
            ],
            AB::Expr::ONE,
        );
        for (j, lane) in bundle.lanes.iter().enumerate() {
            let id = bundle.id.into() + AB::Expr::from_usize(j);
            eval_lane(builder, bundle.fp, id, lane);
        }
    }
}

/// Fills one bundle. `values` are those of (a, b, c) per lane, `mults` of the results.
pub fn fill(
    cols: &mut Bundle<Felt>,
    fp: Felt,
    entry: &ArithBundle,
    values: [[Felt; 3]; LANES],
    mults: [Felt; LANES],
) {
    cols.fp = fp;
    cols.id = Felt::from_u32(entry.id);
    for j in 0..LANES {
        cols.lanes[j] = Lane::of(entry.ops[j], values[j], mults[j]);
    }
}

#[cfg(test)]
pub(super) mod tests;
