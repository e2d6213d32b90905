//! Copies of words: what [`copy`](super::copy) does for four elements, for one word per row.
//!
//! # What a row proves
//! It consumes a key cell (f, key) = y and copies the word src to base, in the same three ways: *pull* from frame y, *push* into
//! frame y, *gate* within the frame if y = bit.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use super::copy::{kind_columns, route};
use crate::bus::{self, ChipBuilder};
use crate::chip::columns;
use crate::code::{Class, CopyEntry, CopyKind};

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
    /// Program: id of the destination.
    pub base: T,
    /// Program: 1 for a pull.
    pub pull: T,
    /// Program: 1 for a push; neither for a gate.
    pub push: T,
    /// Program: value that opens a gate.
    pub bit: T,
    /// Program: id of the source.
    pub src: T,
    pub value: [T; 4],
    /// How often the copy is read.
    pub mult: T,
}
columns!(Cols);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = super::copy::CONSTRAINTS;

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let frames = [cols.fp, cols.y, cols.from, cols.to];
    route(builder, frames, [cols.pull, cols.push], cols.bit);

    bus::lookup(
        builder,
        [
            AB::Expr::from_u8(Class::WordCopy as u8),
            cols.key.into(),
            cols.base.into(),
            cols.pull.into(),
            cols.push.into(),
            cols.bit.into(),
            cols.src.into(),
        ],
        AB::Expr::ONE,
    );
    bus::read(builder, cols.fp, cols.key, cols.y, AB::Expr::ONE);
    bus::read_word(builder, cols.from, cols.src, cols.value);
    bus::provide_word(builder, cols.to, cols.base, cols.value, cols.mult);
}

/// Fills a row; `y` is the value of the key cell.
pub fn fill(
    cols: &mut Cols<Felt>,
    fp: Felt,
    y: Felt,
    entry: &CopyEntry,
    value: [Felt; 4],
    mult: Felt,
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
        src: Felt::from_u32(entry.src[0]),
        value,
        mult,
    };
}

#[cfg(test)]
mod tests;
