//! Field instructions without a partner: four per row.
//!
//! # What a row proves
//! The same as a lane of [`super::arith`], by the same constraints, for four independent instructions: each has its own
//! frame, program entry and result id. It is a function of (a, b) for all field values (rule R3), and padding repeats it.
//!
//! # Why a chip of its own
//! 18.25 cells per instruction. In a bundle an instruction costs 16.5, but 33 if the other lane is a filler: the body of
//! a loop with an odd number of instructions has one such lane in every iteration.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use super::arith::{Lane, eval_lane};
use crate::bus::{self, ChipBuilder};
use crate::chip::columns_with_narrow_twin;
use crate::code::{ArithSingle, Class};

/// Instructions per row. The narrow twin has fewer.
pub const INSTRUCTIONS: usize = 4;

/// One instruction: a frame, a program entry, a lane.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Instruction<T> {
    pub fp: T,
    /// Program: id of the result.
    pub id: T,
    pub lane: Lane<T>,
}

/// A row of N instructions.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Row<T, const N: usize> {
    pub instructions: [Instruction<T>; N],
}
columns_with_narrow_twin!(INSTRUCTIONS, narrow: 1);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &[
    "instruction 0: immediate",
    "instruction 0: result",
    "instruction 1: immediate",
    "instruction 1: result",
    "instruction 2: immediate",
    "instruction 2: result",
    "instruction 3: immediate",
    "instruction 3: result",
];

fn eval_row<AB: ChipBuilder, const N: usize>(row: &Row<AB::Var, N>, builder: &mut AB) {
    for instruction in &row.instructions {
        let lane = &instruction.lane;
        bus::lookup(
            builder,
            [
                AB::Expr::from_u8(Class::Single as u8),
                instruction.id.into(),
                lane.a_id.into(),
                lane.b_id.into(),
                lane.s.into(),
                lane.w.into(),
            ],
            AB::Expr::ONE,
        );
        eval_lane(builder, instruction.fp, instruction.id.into(), lane);
    }
}

/// Fills one instruction. `values` are those of (a, b, c), `mult` of the result.
pub fn fill(
    cols: &mut Instruction<Felt>,
    fp: Felt,
    entry: &ArithSingle,
    values: [Felt; 3],
    mult: Felt,
) {
    *cols = Instruction {
        fp,
        id: Felt::from_u32(entry.id),
        lane: Lane::of(entry.op, values, mult),
    };
}

#[cfg(test)]
mod tests;
