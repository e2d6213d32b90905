//! Arithmetic of the cubic extension K = F\[X\]/(X³ − X − 1): products and sums, and inverses.
//!
//! # What a row proves
//! ```text
//! inverse = 0   out = a·b + c
//! inverse = 1   out = 1/b, no row if b = 0      a·b = 1,  c = a − 1
//! ```
//! An operand is a word (a₀, a₁, a₂, 0) for a₀ + a₁X + a₂X². A scalar cell is such a tuple, too: the element a₀ of F. The result is
//! not a column: it is a·b + c in both cases, which is a for an inverse. K is a field, so b ≠ 0 has one inverse and 0 has none; an
//! inverse traps by having no row, and the assembler anchors its result (rule R9).
//!
//! `inverse` alone determines the code in the lookup, of which only those of the two instructions exist.

use p3_field::{BasedVectorSpace, PrimeCharacteristicRing};
use plica_field::{Ext, Felt, coefficients};

use crate::bus::{self, ChipBuilder};
use crate::chip::{columns_with_narrow_twin, four_facts};
use crate::code::{Class, FactOp, MAX_OPERANDS};
use crate::trace::FactRow;

/// Instructions per row. The narrow twin has fewer.
pub const FACTS: usize = 4;

/// The code of an inverse in the lookup: its instruction, and that operands 0 and 2 are no cells.
const INVERSE: u32 = 1 << MAX_OPERANDS | 0b101;
const _: () = assert!(FactOp::Ext3MulAdd.opcode() == 0 && FactOp::Ext3Inverse.opcode() == 1);

/// One instruction.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Fact<T> {
    pub fp: T,
    /// Program: id of the result.
    pub id: T,
    /// Program: 1 for an inverse, 0 for a product and sum.
    pub inverse: T,
    /// Program: ids of a, b and c; 0 for those that are not read.
    pub ids: [T; 3],
    pub a: [T; 3],
    pub b: [T; 3],
    pub c: [T; 3],
    /// How often the result is read.
    pub mult: T,
}

/// A row of N instructions.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Row<T, const N: usize> {
    pub facts: [Fact<T>; N],
}
columns_with_narrow_twin!(FACTS, narrow: 2);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = four_facts![
    "inverse: product 0",
    "inverse: result 0",
    "inverse: product 1",
    "inverse: result 1",
    "inverse: product 2",
    "inverse: result 2",
];

/// The coefficients of a·b, with X³ = X + 1 and X⁴ = X² + X.
pub(super) fn product<E: PrimeCharacteristicRing>(a: &[E; 3], b: &[E; 3]) -> [E; 3] {
    let term = |i: usize, j: usize| a[i].clone() * b[j].clone();
    let third = term(1, 2) + term(2, 1);
    let fourth = term(2, 2);
    [
        term(0, 0) + third.clone(),
        term(0, 1) + term(1, 0) + third + fourth.clone(),
        term(0, 2) + term(1, 1) + term(2, 0) + fourth,
    ]
}

/// An element of K as a word on the bus.
fn word<AB: ChipBuilder>([c0, c1, c2]: [impl Into<AB::Expr>; 3]) -> [AB::Expr; 4] {
    [c0.into(), c1.into(), c2.into(), AB::Expr::ZERO]
}

fn eval_row<AB: ChipBuilder, const N: usize>(row: &Row<AB::Var, N>, builder: &mut AB) {
    for fact in &row.facts {
        let inverse: AB::Expr = fact.inverse.into();
        let product = product::<AB::Expr>(&fact.a.map(Into::into), &fact.b.map(Into::into));
        for (i, coefficient) in product.iter().enumerate() {
            let one = AB::Expr::from_bool(i == 0);
            // inverse·(a·b − 1) = 0
            builder.assert_zero(inverse.clone() * (coefficient.clone() - one.clone()));
            // inverse·(c + 1 − a) = 0
            builder.assert_zero(inverse.clone() * (one + fact.c[i] - fact.a[i]));
        }

        let [a_id, b_id, c_id] = fact.ids;
        bus::lookup(
            builder,
            [
                AB::Expr::from_u8(Class::Ext3 as u8),
                fact.id.into(),
                inverse.clone() * AB::Expr::from_u32(INVERSE),
                a_id.into(),
                b_id.into(),
                c_id.into(),
            ],
            AB::Expr::ONE,
        );
        let reads = AB::Expr::ONE - inverse;
        bus::read_word_if(builder, fact.fp, a_id, word::<AB>(fact.a), reads.clone());
        bus::read_word(builder, fact.fp, b_id, word::<AB>(fact.b));
        bus::read_word_if(builder, fact.fp, c_id, word::<AB>(fact.c), reads);
        // Last, because fields of degree 2 fill a column of the bus argument alone.
        let mut coefficients = product.into_iter().zip(fact.c);
        let out = std::array::from_fn(|_| {
            let (coefficient, c) = coefficients.next().expect("three of them");
            coefficient + c
        });
        bus::provide_word(builder, fact.fp, fact.id, word::<AB>(out), fact.mult);
    }
}

/// Fills one instruction.
pub fn fill(cols: &mut Fact<Felt>, row: &FactRow<'_>) {
    let [a, b, c] = row.entry.op.ext3_operands(&row.operands);
    let is_inverse = row.entry.op == FactOp::Ext3Inverse;
    let (a, b, c) = if is_inverse {
        let inverse = Ext::from_basis_coefficients_fn(|i| row.results[i]);
        (inverse, a, inverse - Ext::ONE)
    } else {
        (a, b, c)
    };
    *cols = Fact {
        fp: row.fp,
        id: row.id(),
        inverse: Felt::from_bool(is_inverse),
        ids: std::array::from_fn(|j| row.operand_field(j)),
        a: coefficients(a),
        b: coefficients(b),
        c: coefficients(c),
        mult: row.mults[0],
    };
}

#[cfg(test)]
mod tests;
