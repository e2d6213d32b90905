//! The number of bits of a 32-bit number: ⌊log₂ a⌋ + 1, and 0 for 0.
//!
//! # What a row proves
//! For an operand a below 2^32 (by its type), with (e, 2^e) a row of the limb table, e < 64:
//!
//! ```text
//! 2^e = below + above + 1,   2·a + 1 = 2^e + below,   below, above < 2^32
//! ```
//! below + above + 1 < 2^33 does not wrap around p, and neither does 2·a + 1 < 2^33, so both equations hold for the
//! integers: 2^e ≤ 2·a + 1 < 2^(e+1), which determines e = ⌊log₂ (2·a + 1)⌋ for every a. That is the number of bits of a, 0
//! for a = 0 included.
//!
//! Neither 2^e nor a has a column: they are below + above + 1 and below + above/2.

use p3_field::{Field, PrimeCharacteristicRing, PrimeField64};
use plica_field::Felt;

use super::limbs::{self, Limbs};
use crate::bus::{self, ChipBuilder, POWER};
use crate::chip::columns_with_narrow_twin;
use crate::code::Class;
use crate::trace::FactRow;

/// Instructions per row. The narrow twin has fewer.
pub const FACTS: usize = 4;

/// One instruction.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Fact<T> {
    pub fp: T,
    /// Program: id of the result.
    pub id: T,
    /// Program: id of the operand.
    pub a_id: T,
    /// The result.
    pub length: T,
    /// 2·a + 1 − 2^length
    pub below: Limbs<T>,
    /// 2^(length + 1) − 1 − (2·a + 1)
    pub above: Limbs<T>,
    /// How often the result is read.
    pub mult: T,
}

/// A row of N instructions.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Row<T, const N: usize> {
    pub facts: [Fact<T>; N],
}
columns_with_narrow_twin!(FACTS, narrow: 1);

/// No constraint besides the lookup argument's: power and operand are expressions in the limbs.
pub const CONSTRAINTS: &[&str] = &[];

fn eval_row<AB: ChipBuilder, const N: usize>(row: &Row<AB::Var, N>, builder: &mut AB) {
    for fact in &row.facts {
        let below: AB::Expr = limbs::join(&fact.below);
        let above: AB::Expr = limbs::join(&fact.above);
        let power = below.clone() + above.clone() + AB::Expr::ONE;
        let a = below + above * Felt::TWO.inverse();
        bus::lookup(
            builder,
            [
                AB::Expr::from_u8(Class::BitLength as u8),
                fact.id.into(),
                AB::Expr::ZERO,
                fact.a_id.into(),
            ],
            AB::Expr::ONE,
        );
        bus::read(builder, fact.fp, fact.a_id, a, AB::Expr::ONE);
        bus::provide(builder, fact.fp, fact.id, fact.length, fact.mult);
        bus::limb(builder, POWER, [fact.length.into(), power]);
        limbs::check(builder, &fact.below);
        limbs::check(builder, &fact.above);
    }
}

/// Fills one instruction.
pub fn fill(cols: &mut Fact<Felt>, row: &FactRow<'_>, counts: &limbs::Counts) {
    let length = row.results[0];
    let power = counts.power(length.as_canonical_u64());
    let odd = 2 * row.scalar(0).as_canonical_u64() + 1;
    *cols = Fact {
        fp: row.fp,
        id: row.id(),
        a_id: row.operand_field(0),
        length,
        below: counts.split(Felt::from_u64(odd - power)),
        above: counts.split(Felt::from_u64(2 * power - 1 - odd)),
        mult: row.mults[0],
    };
}

#[cfg(test)]
mod tests;
