//! Checks: up to four cells read at a known point of the execution. Ordered.
//!
//! # What a row proves
//! (clk, pc, f) → (clk+1, pc+1, f), the four slots are cells of f or constants of the program, and slot 0 = slot 1
//! and slot 2 = slot 3 where the entry says so. Without an equality it is a *touch*: its operands are consumed by
//! a row of the chain, so the facts that compute them exist, and an instruction that must trap does (rule R9).

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use crate::bus::{self, ChipBuilder};
use crate::chip::columns;
use crate::code::{AssertEntry, Class};

/// Operands per row.
pub const SLOTS: usize = 4;

/// One operand.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Slot<T> {
    /// Program: id of the cell, or the constant.
    pub id: T,
    /// Program: the operand is a cell.
    pub is_cell: T,
    pub value: T,
}

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cols<T> {
    /// 0 on padding rows.
    pub real: T,
    pub clk: T,
    /// Program.
    pub pc: T,
    pub fp: T,
    pub slots: [Slot<T>; SLOTS],
    /// Program: slots 2i and 2i+1 are equal.
    pub equal: [T; 2],
}
columns!(Cols);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &[
    "real is boolean",
    "slot 0: flag is boolean",
    "slot 1: flag is boolean",
    "slot 2: flag is boolean",
    "slot 3: flag is boolean",
    "slot 0: immediate",
    "slot 1: immediate",
    "slot 2: immediate",
    "slot 3: immediate",
    "equality 0: flag is boolean",
    "equality 1: flag is boolean",
    "equality 0",
    "equality 1",
];

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let real: AB::Expr = cols.real.into();

    builder.assert_bool(cols.real);
    // The six flags share one field of the program entry, so that field pins them only if each is boolean.
    for slot in &cols.slots {
        builder.assert_bool(slot.is_cell);
    }
    for slot in &cols.slots {
        builder.assert_zero(
            (AB::Expr::ONE - slot.is_cell.into()) * (slot.value.into() - slot.id.into()),
        );
    }
    for equal in cols.equal {
        builder.assert_bool(equal);
    }
    for (i, equal) in cols.equal.into_iter().enumerate() {
        let (x, y) = (&cols.slots[2 * i], &cols.slots[2 * i + 1]);
        builder.assert_zero(equal.into() * (x.value.into() - y.value.into()));
    }

    let flags = cols
        .slots
        .iter()
        .map(|slot| slot.is_cell)
        .chain(cols.equal)
        .enumerate()
        .map(|(i, flag)| flag.into() * AB::Expr::from_u8(1 << i))
        .sum::<AB::Expr>();
    bus::receive_state(builder, cols.clk, cols.pc, cols.fp, real.clone());
    bus::send_state(
        builder,
        cols.clk.into() + AB::Expr::ONE,
        cols.pc.into() + AB::Expr::ONE,
        cols.fp,
        real.clone(),
    );
    bus::lookup(
        builder,
        [
            AB::Expr::from_u8(Class::Assert as u8),
            cols.pc.into(),
            cols.slots[0].id.into(),
            cols.slots[1].id.into(),
            cols.slots[2].id.into(),
            cols.slots[3].id.into(),
            flags,
        ],
        real.clone(),
    );
    for slot in &cols.slots {
        let flag = slot.is_cell.into() * real.clone();
        bus::read(builder, cols.fp, slot.id, slot.value, flag);
    }
}

/// Fills a row.
pub fn fill(
    cols: &mut Cols<Felt>,
    entry: &AssertEntry,
    clk: Felt,
    fp: Felt,
    values: [Felt; SLOTS],
) {
    *cols = Cols {
        real: Felt::ONE,
        clk,
        pc: Felt::from_u32(entry.pc),
        fp,
        slots: std::array::from_fn(|j| Slot {
            id: entry.slots[j].field(),
            is_cell: Felt::from_bool(entry.slots[j].is_cell()),
            value: values[j],
        }),
        equal: entry.equal.map(Felt::from_bool),
    };
}

/// A row outside the chain: all zeros is silent and satisfies every constraint.
pub fn fill_padding(cols: &mut Cols<Felt>) {
    *cols = *Cols::of(&[Felt::ZERO; WIDTH]);
}

#[cfg(test)]
mod tests;
