//! Looks at Merkle trees: a node is read, or replaced by another one. Ordered.
//!
//! # What a row proves
//! (clk, pc, f) → (clk+1, pc+1, f), and with R the word (f, root):
//!
//! ```text
//! read      (f, id) is the node of R at (depth, index)
//! replace   the same; (f, id + 1) is the root of the tree that has the node (f, new) there and the same siblings on the way
//! ```
//! That is, the row consumes facts that say so ([`node`](super::node), [`change`](super::change)): there are none for a place that the tree
//! does not have. The index needs no type. Depth 64 and more, at which two places may have one name, is for the program to exclude.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use plica_hash_rpo::constants::DIGEST;

use crate::bus::{self, ChipBuilder, Place};
use crate::chip::columns;
use crate::code::{Class, EffectOp};
use crate::trace::EffectRow;

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cols<T> {
    /// 0 on padding rows.
    pub real: T,
    pub clk: T,
    /// Program.
    pub pc: T,
    pub fp: T,
    /// Program: id of the node; that of the new root follows.
    pub id: T,
    /// Program: 1 for a replacement.
    pub replace: T,
    /// Program: depth and index are constants.
    pub immediates: [T; 2],
    /// Program: id of the root.
    pub root_id: T,
    /// Program: ids of depth and index, or their values.
    pub place_ids: [T; 2],
    /// Program: id of the new node, if it is replaced.
    pub new_id: T,
    /// Depth and index.
    pub place: [T; 2],
    pub root: [T; DIGEST],
    pub node: [T; DIGEST],
    pub new: [T; DIGEST],
    pub new_root: [T; DIGEST],
    /// How often the node is read, and the new root.
    pub mults: [T; 2],
}
columns!(Cols);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &[
    "real is boolean",
    "constant depth is boolean",
    "constant depth",
    "constant index is boolean",
    "constant index",
    "padding replaces nothing",
    "padding gives no node",
    "only a replacement gives a root",
];

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let real: AB::Expr = cols.real.into();
    let padding = AB::Expr::ONE - real.clone();
    let replace: AB::Expr = cols.replace.into();

    builder.assert_bool(cols.real);
    // The lookup has the flags as one number, so they must be its digits.
    for ((flag, value), id) in cols
        .immediates
        .into_iter()
        .zip(cols.place)
        .zip(cols.place_ids)
    {
        builder.assert_bool(flag);
        builder.assert_zero(flag.into() * (value.into() - id));
    }
    builder.assert_zero(padding.clone() * replace.clone());
    let [node_mult, root_mult] = cols.mults;
    builder.assert_zero(padding * node_mult);
    builder.assert_zero((AB::Expr::ONE - replace.clone()) * root_mult);

    bus::receive_state(builder, cols.clk, cols.pc, cols.fp, real.clone());
    let next = cols.clk.into() + AB::Expr::ONE;
    let pc = cols.pc.into() + AB::Expr::ONE;
    bus::send_state(builder, next, pc, cols.fp, real.clone());
    let [constant_depth, constant_index] = cols.immediates;
    bus::lookup(
        builder,
        [
            AB::Expr::from_u8(Class::Tree as u8),
            cols.pc.into(),
            replace.clone(),
            constant_depth.into() * AB::Expr::TWO + constant_index.into() * AB::Expr::from_u8(4),
            cols.id.into(),
            cols.root_id.into(),
            cols.place_ids[0].into(),
            cols.place_ids[1].into(),
            cols.new_id.into(),
        ],
        real.clone(),
    );
    for ((flag, value), id) in cols
        .immediates
        .into_iter()
        .zip(cols.place)
        .zip(cols.place_ids)
    {
        let is_cell = real.clone() * (AB::Expr::ONE - flag);
        bus::read(builder, cols.fp, id, value, is_cell);
    }
    bus::read_word_if(builder, cols.fp, cols.root_id, cols.root, real.clone());
    bus::read_word_if(builder, cols.fp, cols.new_id, cols.new, replace.clone());

    let [depth, index] = cols.place;
    let place = Place {
        level: depth.into(),
        index: index.into(),
    };
    bus::read_node(builder, cols.root, place.clone(), cols.node, real);
    bus::read_node(
        builder,
        cols.new_root,
        place.clone(),
        cols.new,
        replace.clone(),
    );
    bus::read_change(builder, [cols.root, cols.new_root], place, replace);
    bus::provide_word(builder, cols.fp, cols.id, cols.node, node_mult);
    let root_id = cols.id.into() + AB::Expr::ONE;
    bus::provide_word(builder, cols.fp, root_id, cols.new_root, root_mult);
}

/// Fills a row.
pub fn fill(cols: &mut Cols<Felt>, row: &EffectRow<'_>) {
    let replaces = row.entry.op == EffectOp::ReplaceNode;
    let word = |values: &[Felt], start: usize| std::array::from_fn(|j| values[start + j]);
    let operand = |j: usize| row.entry.operands[j];
    let when = |flag: bool, value: Felt| if flag { value } else { Felt::ZERO };
    *cols = Cols {
        real: Felt::ONE,
        clk: Felt::from_u64(row.clk),
        pc: Felt::from_u32(row.entry.pc),
        fp: row.fp,
        id: Felt::from_u32(row.entry.id),
        replace: Felt::from_bool(replaces),
        immediates: [1, 2].map(|j| Felt::from_bool(!operand(j).is_cell())),
        root_id: operand(0).field(),
        place_ids: [operand(1).field(), operand(2).field()],
        new_id: operand(3).field(),
        place: [row.operands[4], row.operands[5]],
        root: word(&row.operands, 0),
        node: word(&row.results, 0),
        new: word(&row.operands, 6),
        new_root: word(&row.results, 4),
        mults: [row.mults[0], when(replaces, row.mults[1])],
    };
}

/// A row outside the chain: all zeros is silent and satisfies every constraint.
pub fn fill_padding(cols: &mut Cols<Felt>) {
    *cols = *Cols::of(&[Felt::ZERO; WIDTH]);
}

#[cfg(test)]
mod tests;
