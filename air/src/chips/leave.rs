//! Leaving frames (loop exit, return) and branches within a frame. Ordered.
//!
//! # What a row proves
//! ```text
//! return   (clk, pc, g) → (clk+1, return pc, parent)       both from the CALL cell of g, which is taken
//! exit     the same if src + step = 0; the parent gets the link (parent, exit_link(pc)) = g
//! branch   (clk, pc, f) → (clk+1, target, f)               if src ≠ 0, or if src = 0, as the entry says
//! jump     the same without condition
//! ```
//! Only this chip gives exit links, so results of a loop are pulled from the iteration that really left it.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use crate::bus::{self, ChipBuilder};
use crate::chip::columns;
use crate::code::{Class, LeaveEntry, PC_STRIDE, exit_link};

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cols<T> {
    /// 0 on padding rows.
    pub real: T,
    pub clk: T,
    /// Program.
    pub pc: T,
    pub fp: T,
    /// Program: 1 for return and exit, 0 for branch and jump.
    pub leave: T,
    /// Program: the row has a condition.
    pub test: T,
    /// Program: the condition is "not zero" (otherwise "zero").
    pub nonzero: T,
    /// Program: id of the tested cell.
    pub src: T,
    /// Program: added to the tested cell.
    pub step: T,
    pub value: T,
    /// Inverse of the tested value, if it is not zero.
    pub inv: T,
    /// Program: where a branch goes.
    pub target: T,
    /// Where the row goes.
    pub next_pc: T,
    /// The frame in which the execution goes on.
    pub next_fp: T,
    /// How often the exit link is read.
    pub link_mult: T,
}
columns!(Cols);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &[
    "real is boolean",
    "condition: not zero",
    "condition: zero",
    "a branch stays in its frame",
    "a branch goes to its target",
    "only an exit gives a link",
    "padding gives no link",
];

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let real: AB::Expr = cols.real.into();
    let padding = AB::Expr::ONE - real.clone();
    let stays = AB::Expr::ONE - cols.leave.into();
    let tested = cols.value.into() + cols.step;
    let (test, nonzero): (AB::Expr, AB::Expr) = (cols.test.into(), cols.nonzero.into());

    builder.assert_zero(real.clone() * padding.clone());
    // nonzero·(t·inv − 1) = 0 with t = value + step; the program sets `nonzero` only beside `test`.
    builder.assert_zero(nonzero.clone() * (tested.clone() * cols.inv - AB::Expr::ONE));
    // (test − nonzero)·t = 0
    builder.assert_zero((test.clone() - nonzero) * tested);
    builder.assert_zero(stays.clone() * (cols.next_fp.into() - cols.fp));
    builder.assert_zero(stays.clone() * (cols.next_pc.into() - cols.target));
    // An exit is a row that leaves and tests: a link only if leave·test = 1. `leave` and `test` are boolean on
    // real rows by the lookup.
    builder.assert_zero((AB::Expr::ONE - test.clone() * cols.leave) * cols.link_mult);
    builder.assert_zero(padding * cols.link_mult);

    bus::receive_state(builder, cols.clk, cols.pc, cols.fp, real.clone());
    bus::send_state(
        builder,
        cols.clk.into() + AB::Expr::ONE,
        cols.next_pc,
        cols.next_fp,
        real.clone(),
    );
    bus::lookup(
        builder,
        [
            AB::Expr::from_u8(Class::Leave as u8),
            cols.pc.into(),
            cols.leave.into(),
            cols.test.into(),
            cols.nonzero.into(),
            cols.src.into(),
            cols.step.into(),
            cols.target.into(),
        ],
        real.clone(),
    );
    bus::read(builder, cols.fp, cols.src, cols.value, test * real.clone());
    let leaves = cols.leave.into() * real;
    bus::take_call(builder, cols.fp, cols.next_fp, cols.next_pc, leaves);
    bus::provide(
        builder,
        cols.next_fp,
        cols.pc.into() * AB::Expr::from_u32(PC_STRIDE) + AB::Expr::from_u32(exit_link(0)),
        cols.fp,
        cols.link_mult,
    );
}

/// What happened at a row of this chip.
#[derive(Clone, Copy, Debug)]
pub struct Leaving {
    pub clk: Felt,
    pub fp: Felt,
    /// Value of the tested cell, before the step; 0 if there is none.
    pub value: Felt,
    pub next_pc: Felt,
    pub next_fp: Felt,
    pub link_mult: Felt,
}

/// Fills a row.
pub fn fill(cols: &mut Cols<Felt>, entry: &LeaveEntry, leaving: &Leaving) {
    use p3_field::Field;
    let (target, nonzero) = match *entry {
        LeaveEntry::Branch {
            target, nonzero, ..
        } => (target, nonzero),
        LeaveEntry::Jump { target, .. } => (target, false),
        LeaveEntry::Return { .. } | LeaveEntry::Exit { .. } => (0, false),
    };
    let (src, step) = entry.tested().unwrap_or_default();
    *cols = Cols {
        real: Felt::ONE,
        clk: leaving.clk,
        pc: Felt::from_u32(entry.pc()),
        fp: leaving.fp,
        leave: Felt::from_bool(entry.leaves()),
        test: Felt::from_bool(entry.tested().is_some()),
        nonzero: Felt::from_bool(nonzero),
        src: Felt::from_u32(src),
        step,
        value: leaving.value,
        inv: if nonzero {
            (leaving.value + step).try_inverse().unwrap_or(Felt::ZERO)
        } else {
            Felt::ZERO
        },
        target: Felt::from_u32(target),
        next_pc: leaving.next_pc,
        next_fp: leaving.next_fp,
        link_mult: leaving.link_mult,
    };
}

/// A row outside the chain: all zeros is silent and satisfies every constraint.
pub fn fill_padding(cols: &mut Cols<Felt>) {
    *cols = *Cols::of(&[Felt::ZERO; WIDTH]);
}

#[cfg(test)]
mod tests;
