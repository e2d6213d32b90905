//! Advice: values that the prover chooses. Ordered.
//!
//! # What a row proves
//! (clk, pc, f) → (clk+1, pc+1, f), and the cells from `id` on are a word and its four elements, one after the other. Nothing
//! constrains the values. They have one value all the same: the row stands in the chain, so it is the only one of its entry in its
//! frame.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use crate::bus::{self, ChipBuilder};
use crate::chip::columns;
use crate::code::{ADVICE_VALUES, Class};
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
    /// Program: id of the word; those of the elements follow.
    pub id: T,
    pub values: [T; ADVICE_VALUES],
    /// How often the word is read.
    pub word_mult: T,
    /// How often each element is read.
    pub mults: [T; ADVICE_VALUES],
}
columns!(Cols);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &[
    "real is boolean",
    "padding gives no word",
    "padding gives no element 0",
    "padding gives no element 1",
    "padding gives no element 2",
    "padding gives no element 3",
];

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let real: AB::Expr = cols.real.into();
    let padding = AB::Expr::ONE - real.clone();

    builder.assert_bool(cols.real);
    builder.assert_zero(padding.clone() * cols.word_mult);
    for mult in cols.mults {
        builder.assert_zero(padding.clone() * mult);
    }

    let next = cols.clk.into() + AB::Expr::ONE;
    bus::receive_state(builder, cols.clk, cols.pc, cols.fp, real.clone());
    let pc = cols.pc.into() + AB::Expr::ONE;
    bus::send_state(builder, next, pc, cols.fp, real.clone());
    let class = AB::Expr::from_u8(Class::Advice as u8);
    let nothing = AB::Expr::ZERO;
    bus::lookup(
        builder,
        [
            class,
            cols.pc.into(),
            nothing.clone(),
            nothing,
            cols.id.into(),
        ],
        real,
    );
    bus::provide_word(builder, cols.fp, cols.id, cols.values, cols.word_mult);
    for (j, (&value, &mult)) in cols.values.iter().zip(&cols.mults).enumerate() {
        let id = cols.id.into() + AB::Expr::from_usize(1 + j);
        bus::provide(builder, cols.fp, id, value, mult);
    }
}

/// Fills a row.
pub fn fill(cols: &mut Cols<Felt>, row: &EffectRow<'_>) {
    *cols = Cols {
        real: Felt::ONE,
        clk: Felt::from_u64(row.clk),
        pc: Felt::from_u32(row.entry.pc),
        fp: row.fp,
        id: Felt::from_u32(row.entry.id),
        values: std::array::from_fn(|j| row.results[j]),
        word_mult: row.mults[0],
        mults: std::array::from_fn(|j| row.mults[1 + j]),
    };
}

/// A row outside the chain: all zeros is silent and satisfies every constraint.
pub fn fill_padding(cols: &mut Cols<Felt>) {
    *cols = *Cols::of(&[Felt::ZERO; WIDTH]);
}

#[cfg(test)]
mod tests;
