//! Copies: up to four values per row, within a frame or between two.
//!
//! # What a row proves
//! All kinds consume a key cell (f, key) = y and copy four values, src_j to base + j:
//!
//! ```text
//! pull   from frame y into frame f     y is a link (validator: links are never computed)
//! push   from frame f into frame y     y is the handle of the row that opened frame y
//! gate   within frame f, if y = bit    joins, and results guarded by a procedure number
//! ```
//! Copies are facts: no clock. A pull may go through any link, because it writes only into its own frame; a push
//! only through the opening handle, of which exactly one exists per frame (rule R6). Otherwise every iteration of
//! a loop could deliver the result instead of the last one.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use crate::bus::{self, ChipBuilder};
use crate::chip::columns;
use crate::code::{Class, CopyEntry, CopyKind};

/// Values per row.
pub const LANES: usize = 4;

/// One copied value.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Lane<T> {
    /// Program: id of the source.
    pub src: T,
    pub value: T,
    /// How often the copy is read.
    pub mult: T,
}

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cols<T> {
    /// The frame whose instruction this is.
    pub fp: T,
    /// Program: id of the key cell.
    pub key: T,
    /// Value of the key: a frame, or the selecting value of a gate.
    pub y: T,
    /// Frame that is read.
    pub from: T,
    /// Frame that is written.
    pub to: T,
    /// Program: id of the first destination.
    pub base: T,
    /// Program: 1 for a pull.
    pub pull: T,
    /// Program: 1 for a push; neither for a gate.
    pub push: T,
    /// Program: value that opens a gate.
    pub bit: T,
    pub lanes: [Lane<T>; LANES],
}
columns!(Cols);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &["source frame", "destination frame", "gate"];

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let frames = [cols.fp, cols.y, cols.from, cols.to];
    route(builder, frames, [cols.pull, cols.push], cols.bit);

    bus::lookup(
        builder,
        [
            AB::Expr::from_u8(Class::Copy as u8),
            cols.key.into(),
            cols.base.into(),
            cols.pull.into(),
            cols.push.into(),
            cols.bit.into(),
            cols.lanes[0].src.into(),
            cols.lanes[1].src.into(),
            cols.lanes[2].src.into(),
            cols.lanes[3].src.into(),
        ],
        AB::Expr::ONE,
    );
    bus::read(builder, cols.fp, cols.key, cols.y, AB::Expr::ONE);
    for (j, lane) in cols.lanes.iter().enumerate() {
        bus::read(builder, cols.from, lane.src, lane.value, AB::Expr::ONE);
        bus::provide(
            builder,
            cols.to,
            cols.base.into() + AB::Expr::from_usize(j),
            lane.value,
            lane.mult,
        );
    }
}

/// The constraints on frames and key, which copies of elements and of words have in common.
pub(super) fn route<AB: ChipBuilder>(
    builder: &mut AB,
    [fp, y, from, to]: [AB::Var; 4],
    [pull, push]: [AB::Var; 2],
    bit: AB::Var,
) {
    let crossing = y.into() - fp;
    // from = pull ? y : f
    builder.assert_zero(from.into() - fp - crossing.clone() * pull);
    // to = push ? y : f
    builder.assert_zero(to.into() - fp - crossing * push);
    // A gate opens for one value of its key: (1 − pull − push)·(y − bit) = 0.
    builder.assert_zero((AB::Expr::ONE - pull - push) * (y.into() - bit));
}

/// The program's kind as columns: pull, push, and the value that opens a gate.
pub(super) fn kind_columns(kind: CopyKind) -> [Felt; 3] {
    match kind {
        CopyKind::Pull => [Felt::ONE, Felt::ZERO, Felt::ZERO],
        CopyKind::Push => [Felt::ZERO, Felt::ONE, Felt::ZERO],
        CopyKind::Gate { bit } => [Felt::ZERO, Felt::ZERO, bit],
    }
}

/// Fills a row; `y` is the value of the key cell.
pub fn fill(
    cols: &mut Cols<Felt>,
    fp: Felt,
    y: Felt,
    entry: &CopyEntry,
    values: [Felt; LANES],
    mults: [Felt; LANES],
) {
    let [pull, push, bit] = kind_columns(entry.kind);
    *cols = Cols {
        fp,
        key: Felt::from_u32(entry.key),
        y,
        from: if entry.kind == CopyKind::Pull { y } else { fp },
        to: if entry.kind == CopyKind::Push { y } else { fp },
        base: Felt::from_u32(entry.base),
        pull,
        push,
        bit,
        lanes: std::array::from_fn(|j| Lane {
            src: Felt::from_u32(entry.src[j]),
            value: values[j],
            mult: mults[j],
        }),
    };
}

#[cfg(test)]
mod tests;
