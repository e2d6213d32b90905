//! The bits of a 32-bit number, and how many are set.
//!
//! # What a row proves
//! For an operand a below 2^32 (by its type):
//!
//! ```text
//! a = Σ bit_i·2^i,   bit_i ∈ {0, 1},   ones = Σ bit_i
//! ```
//! 32 bits are a number below 2^32, which does not wrap around p, so they are those of the integer a; `ones` is a function
//! of them.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use crate::bus::{self, ChipBuilder};
use crate::chip::columns;
use crate::code::Class;
use crate::trace::FactRow;

/// Instructions per row.
pub const FACTS: usize = 1;
/// Bits of the operand.
pub const BITS: usize = 32;

/// One instruction.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Fact<T> {
    pub fp: T,
    /// Program: id of the least significant bit; the others follow, then the number of ones.
    pub id: T,
    /// Program: id of the operand.
    pub a_id: T,
    pub bits: [T; BITS],
    /// How often each bit is read, and the number of ones.
    pub mults: [T; BITS + 1],
}

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cols<T> {
    pub facts: [Fact<T>; FACTS],
}
columns!(Cols);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &[
    "bit 0 is boolean",
    "bit 1 is boolean",
    "bit 2 is boolean",
    "bit 3 is boolean",
    "bit 4 is boolean",
    "bit 5 is boolean",
    "bit 6 is boolean",
    "bit 7 is boolean",
    "bit 8 is boolean",
    "bit 9 is boolean",
    "bit 10 is boolean",
    "bit 11 is boolean",
    "bit 12 is boolean",
    "bit 13 is boolean",
    "bit 14 is boolean",
    "bit 15 is boolean",
    "bit 16 is boolean",
    "bit 17 is boolean",
    "bit 18 is boolean",
    "bit 19 is boolean",
    "bit 20 is boolean",
    "bit 21 is boolean",
    "bit 22 is boolean",
    "bit 23 is boolean",
    "bit 24 is boolean",
    "bit 25 is boolean",
    "bit 26 is boolean",
    "bit 27 is boolean",
    "bit 28 is boolean",
    "bit 29 is boolean",
    "bit 30 is boolean",
    "bit 31 is boolean",
];

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    for fact in &Cols::of(row).facts {
        for bit in fact.bits {
            builder.assert_bool(bit);
        }
        let weighted = fact.bits.iter().enumerate();
        let a: AB::Expr = weighted
            .map(|(i, &bit)| bit.into() * AB::Expr::from_u64(1 << i))
            .sum();
        let ones: AB::Expr = fact.bits.iter().map(|&bit| bit.into()).sum();
        bus::lookup(
            builder,
            [
                AB::Expr::from_u8(Class::Bits as u8),
                fact.id.into(),
                AB::Expr::ZERO,
                fact.a_id.into(),
            ],
            AB::Expr::ONE,
        );
        bus::read(builder, fact.fp, fact.a_id, a, AB::Expr::ONE);
        let results = fact.bits.iter().map(|&bit| bit.into()).chain([ones]);
        for (j, (value, mult)) in results.zip(fact.mults).enumerate() {
            let id = fact.id.into() + AB::Expr::from_usize(j);
            bus::provide(builder, fact.fp, id, value, mult);
        }
    }
}

/// Fills one instruction.
pub fn fill(cols: &mut Fact<Felt>, row: &FactRow<'_>) {
    *cols = Fact {
        fp: row.fp,
        id: row.id(),
        a_id: row.operand_field(0),
        bits: std::array::from_fn(|i| row.results[i]),
        mults: std::array::from_fn(|j| row.mults[j]),
    };
}

#[cfg(test)]
mod tests;
