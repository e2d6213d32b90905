//! A change of a Merkle tree: on the way to a node, two trees have the same siblings.
//!
//! # What a row proves
//! If the trees with the roots R and S have the same siblings on the way to (level, index), and the same node at
//! (level + 1, 2·index + 1 − side), then they have the same siblings on the way to (level + 1, 2·index + side).
//!
//! The *top* row needs nothing before it: there are no siblings on the way to a root. Like rows of [`node`](super::node), these belong to
//! no frame and no instruction, and are named by their arguments; they have no results at all.

use p3_field::PrimeCharacteristicRing;
use plica_field::{Felt, Word};
use plica_hash_rpo::constants::DIGEST;

use crate::bus::{self, ChipBuilder, Place};
use crate::chip::columns;

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cols<T> {
    /// 1 at the roots.
    pub top: T,
    /// The place that the way has reached.
    pub level: T,
    pub index: T,
    /// On which side the way goes on.
    pub side: T,
    /// The two trees.
    pub roots: [[T; DIGEST]; 2],
    /// The node on the other side.
    pub sibling: [T; DIGEST],
    /// How often the fact is read.
    pub mult: T,
}
columns!(Cols);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &[
    "top is boolean",
    "top: level 0",
    "top: index 0",
    "side is boolean",
];

/// A step of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeRow {
    pub roots: [Word; 2],
    pub level: u64,
    pub index: u64,
    pub is_right: bool,
    pub sibling: Word,
    /// How often the fact is read.
    pub mult: u32,
}

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let top: AB::Expr = cols.top.into();
    builder.assert_bool(cols.top);
    builder.assert_zero(top.clone() * cols.level);
    builder.assert_zero(top.clone() * cols.index);
    builder.assert_bool(cols.side);

    let here = Place {
        level: cols.level.into(),
        index: cols.index.into(),
    };
    let below = |side: AB::Expr| Place {
        level: cols.level.into() + AB::Expr::ONE,
        index: cols.index.into() * AB::Expr::TWO + side,
    };
    let side: AB::Expr = cols.side.into();
    bus::read_change(builder, cols.roots, here, AB::Expr::ONE - top);
    let other = below(AB::Expr::ONE - side.clone());
    for root in cols.roots {
        bus::read_node(builder, root, other.clone(), cols.sibling, AB::Expr::ONE);
    }
    bus::provide_change(builder, cols.roots, below(side), cols.mult);
}

/// Fills a row.
pub fn fill(cols: &mut Cols<Felt>, row: &ChangeRow) {
    *cols = Cols {
        top: Felt::from_bool(row.level == 0),
        level: Felt::from_u64(row.level),
        index: Felt::from_u64(row.index),
        side: Felt::from_bool(row.is_right),
        roots: row.roots,
        sibling: row.sibling,
        mult: Felt::from_u32(row.mult),
    };
}

#[cfg(test)]
mod tests;
