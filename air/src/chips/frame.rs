//! Opening of frames: loop entry, loop step, call. Ordered.
//!
//! # What a row proves
//! At state (clk, pc, f) the row opens the frame g := clk, which nothing else can be called (clocks do not repeat,
//! rule R5), hands it up to four parameters and goes to its first instruction:
//!
//! ```text
//! (clk, pc, f) → (clk+1, target, g)
//! parameters   (f, src_j) = v_j  becomes  (g, param j) = v_j, with `step` added to parameter 0
//! test         parameter 0 of the new frame is not zero
//! CALL cell    entry, call: (g, CALL) = (f, pc+1);  loop step: the one of f, taken from it and handed on
//! handle       (f, handle(pc)) = g, through which copies push further parameters or pull results
//! ```
//! A loop whose condition is "counter ≠ 0" steps and tests its counter here, without an instruction of its own.
//! Every CALL cell is given once and taken once, so each frame is left at most once.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use crate::bus::{self, ChipBuilder};
use crate::chip::columns;
use crate::code::{Class, FrameEntry, PARAMS, PC_STRIDE, handle};

/// One parameter.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Param<T> {
    /// Program: id of the source in the frame that opens.
    pub src: T,
    pub value: T,
    /// How often the parameter is read in the new frame.
    pub mult: T,
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
    /// Program: parameter 0 must not be zero.
    pub test: T,
    /// Inverse of the stepped parameter 0, if tested.
    pub inv: T,
    /// Program: added to parameter 0.
    pub step: T,
    /// Program: first pc of the new frame.
    pub target: T,
    /// Program: a loop step.
    pub back: T,
    /// Frame to return to.
    pub parent: T,
    /// Where to return to.
    pub return_pc: T,
    /// How often the handle is read.
    pub handle_mult: T,
    pub params: [Param<T>; PARAMS],
}
columns!(Cols);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &[
    "real is boolean",
    "test",
    "parent of a new frame",
    "return pc of a new frame",
    "padding gives no handle",
    "padding gives no parameter 0",
    "padding gives no parameter 1",
    "padding gives no parameter 2",
    "padding gives no parameter 3",
];

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let real: AB::Expr = cols.real.into();
    let padding = AB::Expr::ONE - real.clone();
    let opens = AB::Expr::ONE - cols.back.into();
    let first = cols.params[0].value.into() + cols.step;

    builder.assert_zero(real.clone() * padding.clone());
    // test·(p₀·inv − 1) = 0
    builder.assert_zero(cols.test.into() * (first.clone() * cols.inv - AB::Expr::ONE));
    // (1−back)·(parent − f) = 0, (1−back)·(return_pc − pc − 1) = 0
    builder.assert_zero(opens.clone() * (cols.parent.into() - cols.fp));
    builder.assert_zero(opens * (cols.return_pc.into() - cols.pc - AB::Expr::ONE));
    builder.assert_zero(padding.clone() * cols.handle_mult);
    for param in &cols.params {
        builder.assert_zero(padding.clone() * param.mult);
    }

    bus::receive_state(builder, cols.clk, cols.pc, cols.fp, real.clone());
    bus::send_state(
        builder,
        cols.clk.into() + AB::Expr::ONE,
        cols.target,
        cols.clk,
        real.clone(),
    );
    bus::lookup(
        builder,
        [
            AB::Expr::from_u8(Class::Frame as u8),
            cols.pc.into(),
            cols.test.into(),
            cols.step.into(),
            cols.target.into(),
            cols.back.into(),
            cols.params[0].src.into(),
            cols.params[1].src.into(),
            cols.params[2].src.into(),
            cols.params[3].src.into(),
        ],
        real.clone(),
    );
    let back = cols.back.into() * real.clone();
    bus::take_call(builder, cols.fp, cols.parent, cols.return_pc, back);
    bus::give_call(builder, cols.clk, cols.parent, cols.return_pc, real.clone());
    let stride = AB::Expr::from_u32(PC_STRIDE);
    bus::provide(
        builder,
        cols.fp,
        cols.pc.into() * stride.clone() + AB::Expr::from_u32(handle(0)),
        cols.clk,
        cols.handle_mult,
    );
    for (j, param) in cols.params.iter().enumerate() {
        bus::read(builder, cols.fp, param.src, param.value, real.clone());
        let value = if j == 0 {
            first.clone()
        } else {
            param.value.into()
        };
        bus::provide(
            builder,
            cols.clk,
            cols.target.into() * stride.clone() + AB::Expr::from_usize(j),
            value,
            param.mult,
        );
    }
}

/// What happened when a frame was opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    pub clk: Felt,
    pub fp: Felt,
    pub parent: Felt,
    pub return_pc: Felt,
    /// Sources of the parameters, before the step.
    pub values: [Felt; PARAMS],
    pub handle_mult: Felt,
    pub mults: [Felt; PARAMS],
}

/// Fills a row. A tested value stands in `inv` until [`fill_inverses`].
pub fn fill(cols: &mut Cols<Felt>, entry: &FrameEntry, opening: &Opening) {
    *cols = Cols {
        real: Felt::ONE,
        clk: opening.clk,
        pc: Felt::from_u32(entry.pc),
        fp: opening.fp,
        test: Felt::from_bool(entry.test),
        inv: if entry.test {
            opening.values[0] + entry.step
        } else {
            Felt::ZERO
        },
        step: entry.step,
        target: Felt::from_u32(entry.target),
        back: Felt::from_bool(entry.back),
        parent: opening.parent,
        return_pc: opening.return_pc,
        handle_mult: opening.handle_mult,
        params: std::array::from_fn(|j| Param {
            src: Felt::from_u32(entry.src[j]),
            value: opening.values[j],
            mult: opening.mults[j],
        }),
    };
}

/// A row outside the chain: silent on the bus, and satisfying every constraint.
pub fn fill_padding(cols: &mut Cols<Felt>) {
    *cols = *Cols::of(&[Felt::ZERO; WIDTH]);
    cols.back = Felt::ONE;
}

/// Replaces the tested values that [`fill`] left in `inv` by their inverses, with one field inversion.
pub fn fill_inverses(rows: &mut [Felt]) {
    use p3_field::batch_multiplicative_inverse;
    let tested = |c: &Cols<Felt>| c.test == Felt::ONE;
    let values: Vec<Felt> = rows
        .chunks_exact(WIDTH)
        .map(Cols::of)
        .filter(|c| tested(c))
        .map(|c| c.inv)
        .collect();
    let mut inverses = batch_multiplicative_inverse(&values).into_iter();
    for row in rows.chunks_exact_mut(WIDTH) {
        let cols = Cols::of_mut(row);
        if tested(cols) {
            cols.inv = inverses.next().expect("one inverse per tested row");
        }
    }
}

#[cfg(test)]
mod tests;
