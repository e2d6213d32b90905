//! The clock as a value. Ordered.
//!
//! # What a row proves
//! (clk, pc, f) → (clk+1, pc+1, f), and the cell `id` of f is clk. No other row of the chain has this clock, so the value is a
//! name that nothing else has: compilers take it for the contexts of calls.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use crate::bus::{self, ChipBuilder};
use crate::chip::columns;
use crate::code::Class;
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
    /// Program: id of the result.
    pub id: T,
    /// How often the result is read.
    pub mult: T,
}
columns!(Cols);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &["real is boolean", "padding gives nothing"];

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let real: AB::Expr = cols.real.into();

    builder.assert_bool(cols.real);
    builder.assert_zero((AB::Expr::ONE - real.clone()) * cols.mult);

    let next = cols.clk.into() + AB::Expr::ONE;
    bus::receive_state(builder, cols.clk, cols.pc, cols.fp, real.clone());
    let pc = cols.pc.into() + AB::Expr::ONE;
    bus::send_state(builder, next, pc, cols.fp, real.clone());
    let nothing = AB::Expr::ZERO;
    bus::lookup(
        builder,
        [
            AB::Expr::from_u8(Class::Clock as u8),
            cols.pc.into(),
            nothing.clone(),
            nothing,
            cols.id.into(),
        ],
        real,
    );
    bus::provide(builder, cols.fp, cols.id, cols.clk, cols.mult);
}

/// Fills a row.
pub fn fill(cols: &mut Cols<Felt>, row: &EffectRow<'_>) {
    *cols = Cols {
        real: Felt::ONE,
        clk: Felt::from_u64(row.clk),
        pc: Felt::from_u32(row.entry.pc),
        fp: row.fp,
        id: Felt::from_u32(row.entry.id),
        mult: row.mults[0],
    };
}

/// A row outside the chain: all zeros is silent and satisfies every constraint.
pub fn fill_padding(cols: &mut Cols<Felt>) {
    *cols = *Cols::of(&[Felt::ZERO; WIDTH]);
}

#[cfg(test)]
mod tests;
