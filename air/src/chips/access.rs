//! What the two chips of memory share: one access to one address. Ordered.
//!
//! # What a row proves
//! The word at an address is taken as it was left at an earlier clock and given back as it is now:
//!
//! ```text
//! (clk, pc, f) → (clk+1, pc+1, f)
//! takes (context, address, old word, clk′),   clk′ = clk − 1 − gap,   0 ≤ gap < 2^32
//! gives (context, address, new word, clk)
//! ```
//! The first tuple of an address (the zero word, clock 0) comes from its one row in the table of addresses, which also takes the
//! last one; so the accesses of an address lie on one path through increasing clocks, and each takes what the one before it gave
//! (rule R10). That table has no address of 2^32 or more, so such an access has no row.
//!
//! An address is a scalar cell, whose other components are zero, or a constant: both mean context 0. Or it is a word (address,
//! context, 0, 0). Which contexts there are is up to the program; a compiler takes clocks for them ([`super::clock`]).

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use super::limbs::{self, Limbs};
use crate::bus::{self, ChipBuilder};
use crate::code::Class;
use crate::trace::EffectRow;

/// Columns of an access but the words.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Access<T> {
    /// 0 on padding rows.
    pub real: T,
    pub clk: T,
    /// Program.
    pub pc: T,
    pub fp: T,
    /// Program: 1 to store, 0 to load.
    pub store: T,
    /// Program: the address is a constant.
    pub immediate: T,
    /// Program: id of the address, or the address.
    pub address_id: T,
    pub address: T,
    pub context: T,
    /// Program: id of the value loaded or stored.
    pub value_id: T,
    /// clk − clk′ − 1
    pub gap: Limbs<T>,
    /// How often a loaded value is read; −1 for a store, which reads the value.
    pub count: T,
}

/// Names of the constraints, in order. Those of a chip follow.
pub const CONSTRAINTS: [&str; 5] = [
    "real is boolean",
    "immediate address",
    "immediate address: context",
    "a store reads its value",
    "padding gives no value",
];

/// Constraints and messages of an access, but that of the value, whose count is the column `count`.
pub fn eval<AB: ChipBuilder>(
    builder: &mut AB,
    cols: &Access<AB::Var>,
    class: Class,
    [old, new]: [[AB::Var; 4]; 2],
) {
    let real: AB::Expr = cols.real.into();
    let immediate: AB::Expr = cols.immediate.into();

    builder.assert_bool(cols.real);
    // `store` and `immediate` are fields of the lookup, so they are what the program says on real rows.
    builder.assert_zero(immediate.clone() * (cols.address.into() - cols.address_id));
    builder.assert_zero(immediate.clone() * cols.context);
    builder.assert_zero(cols.store.into() * (cols.count.into() + AB::Expr::ONE));
    builder.assert_zero((AB::Expr::ONE - real.clone()) * cols.count);

    let next = cols.clk.into() + AB::Expr::ONE;
    bus::receive_state(builder, cols.clk, cols.pc, cols.fp, real.clone());
    let pc = cols.pc.into() + AB::Expr::ONE;
    bus::send_state(builder, next, pc, cols.fp, real.clone());
    bus::lookup(
        builder,
        [
            AB::Expr::from_u8(class as u8),
            cols.pc.into(),
            cols.store.into(),
            cols.immediate.into(),
            cols.address_id.into(),
            cols.value_id.into(),
        ],
        real.clone(),
    );
    let is_cell = real.clone() * (AB::Expr::ONE - immediate);
    let address = [cols.address, cols.context];
    bus::read_address(builder, cols.fp, cols.address_id, address, is_cell);
    let gap: AB::Expr = limbs::join(&cols.gap);
    let before = cols.clk.into() - AB::Expr::ONE - gap;
    bus::take_memory(
        builder,
        cols.context,
        cols.address,
        old,
        before,
        real.clone(),
    );
    bus::give_memory(
        builder,
        cols.context,
        cols.address,
        new,
        cols.clk,
        real.clone(),
    );
    limbs::check_if(builder, &cols.gap, real);
}

/// Fills the columns of a row.
pub fn fill(cols: &mut Access<Felt>, row: &EffectRow<'_>, counts: &limbs::Counts) {
    let before = row.memory.clk;
    let store = Felt::from_u32(row.entry.op.opcode());
    *cols = Access {
        real: Felt::ONE,
        clk: Felt::from_u64(row.clk),
        pc: Felt::from_u32(row.entry.pc),
        fp: row.fp,
        store,
        immediate: Felt::from_u32(row.entry.immediates()),
        address_id: row.entry.operands[0].field(),
        address: row.operands[0],
        context: row.context(),
        value_id: if store == Felt::ONE {
            row.entry.operands[1].field()
        } else {
            Felt::from_u32(row.entry.id)
        },
        gap: counts.split(Felt::from_u64(row.clk - before - 1)),
        count: if store == Felt::ONE {
            Felt::NEG_ONE
        } else {
            row.mults[0]
        },
    };
}
