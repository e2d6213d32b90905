//! Four field elements as a word.
//!
//! # What a row proves
//! The word is the four operands; a constant operand stands in the program table in place of an id.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use crate::bus::{self, ChipBuilder};
use crate::chip::columns_with_narrow_twin;
use crate::code::Class;
use crate::trace::FactRow;

/// Instructions per row. The narrow twin has fewer.
pub const FACTS: usize = 4;

/// One component.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Component<T> {
    /// Program: the component is a constant.
    pub immediate: T,
    /// Program: id of the operand, or its value.
    pub src: T,
    pub value: T,
}

/// One instruction.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Fact<T> {
    pub fp: T,
    /// Program: id of the word.
    pub id: T,
    pub components: [Component<T>; 4],
    /// How often the word is read.
    pub mult: T,
}

/// A row of N instructions.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Row<T, const N: usize> {
    pub facts: [Fact<T>; N],
}
columns_with_narrow_twin!(FACTS, narrow: 1);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &[
    "fact 0: immediate 0 is boolean",
    "fact 0: immediate 0",
    "fact 0: immediate 1 is boolean",
    "fact 0: immediate 1",
    "fact 0: immediate 2 is boolean",
    "fact 0: immediate 2",
    "fact 0: immediate 3 is boolean",
    "fact 0: immediate 3",
    "fact 1: immediate 0 is boolean",
    "fact 1: immediate 0",
    "fact 1: immediate 1 is boolean",
    "fact 1: immediate 1",
    "fact 1: immediate 2 is boolean",
    "fact 1: immediate 2",
    "fact 1: immediate 3 is boolean",
    "fact 1: immediate 3",
    "fact 2: immediate 0 is boolean",
    "fact 2: immediate 0",
    "fact 2: immediate 1 is boolean",
    "fact 2: immediate 1",
    "fact 2: immediate 2 is boolean",
    "fact 2: immediate 2",
    "fact 2: immediate 3 is boolean",
    "fact 2: immediate 3",
    "fact 3: immediate 0 is boolean",
    "fact 3: immediate 0",
    "fact 3: immediate 1 is boolean",
    "fact 3: immediate 1",
    "fact 3: immediate 2 is boolean",
    "fact 3: immediate 2",
    "fact 3: immediate 3 is boolean",
    "fact 3: immediate 3",
];

fn eval_row<AB: ChipBuilder, const N: usize>(row: &Row<AB::Var, N>, builder: &mut AB) {
    for fact in &row.facts {
        let mut code = AB::Expr::ZERO;
        for (j, component) in fact.components.iter().enumerate() {
            let immediate: AB::Expr = component.immediate.into();
            // The lookup has the flags as one number, so they must be its digits.
            builder.assert_bool(component.immediate);
            // immediate·(value − src) = 0
            builder.assert_zero(immediate.clone() * (component.value.into() - component.src));
            code += immediate * AB::Expr::from_u32(1 << j);
        }
        let [c0, c1, c2, c3] = fact.components.map(|component| component.src.into());
        bus::lookup(
            builder,
            [
                AB::Expr::from_u8(Class::Pack as u8),
                fact.id.into(),
                code,
                c0,
                c1,
                c2,
                c3,
            ],
            AB::Expr::ONE,
        );
        for component in &fact.components {
            let is_cell = AB::Expr::ONE - component.immediate;
            bus::read(builder, fact.fp, component.src, component.value, is_cell);
        }
        let word = fact.components.map(|component| component.value);
        bus::provide_word(builder, fact.fp, fact.id, word, fact.mult);
    }
}

/// Fills one instruction.
pub fn fill(cols: &mut Fact<Felt>, row: &FactRow<'_>) {
    *cols = Fact {
        fp: row.fp,
        id: row.id(),
        components: std::array::from_fn(|j| Component {
            immediate: row.immediate(j),
            src: row.operand_field(j),
            value: row.operands[j],
        }),
        mult: row.mults[0],
    };
}

#[cfg(test)]
mod tests;
