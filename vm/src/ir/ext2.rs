//! The quadratic extension: a0 + a1·φ with φ² = φ − 2, on the stack as `[a1, a0]`, as operations of the base field.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use super::build::Scope;
use super::stack::Stack;
use super::translate::Translator;
use super::{Ir, Operand};
use crate::syntax::Instruction;

/// a0 and a1.
pub(super) type Quadratic = [Operand; 2];

impl Translator<'_> {
    pub(super) fn extension_instruction(
        &mut self,
        instruction: &Instruction,
        stack: &mut Stack,
        scope: &mut Scope,
    ) {
        use Instruction as I;
        let ir = &mut self.ir;
        // [b1, b0, a1, a0, ..], or [a1, a0, ..] with one operand.
        let upper = [stack.peek(1), stack.peek(0)];
        let lower = [stack.peek(3), stack.peek(2)];
        let (taken, result) = match instruction {
            I::Ext2Add => (4, ir.ext2_sum(scope, lower, upper, Felt::ONE)),
            I::Ext2Sub => (4, ir.ext2_sum(scope, lower, upper, Felt::NEG_ONE)),
            I::Ext2Mul => (4, ir.ext2_product(scope, lower, upper)),
            I::Ext2Div => {
                let inverse = ir.ext2_inverse(scope, upper);
                (4, ir.ext2_product(scope, lower, inverse))
            }
            I::Ext2Neg => {
                let negative = |x| ir.affine(scope, x, Felt::NEG_ONE, Felt::ZERO);
                (2, upper.map(negative))
            }
            I::Ext2Inv => (2, ir.ext2_inverse(scope, upper)),
            other => unreachable!("{other:?} is no instruction of the extension"),
        };
        stack.replace(taken, &result);
    }
}

impl Ir {
    /// a + w·b
    pub(super) fn ext2_sum(
        &mut self,
        scope: &mut Scope,
        a: Quadratic,
        b: Quadratic,
        w: Felt,
    ) -> Quadratic {
        std::array::from_fn(|j| self.sum(scope, a[j], b[j], w))
    }

    /// a0·b0 − 2·a1·b1 and (a0 + a1)·(b0 + b1) − a0·b0
    pub(super) fn ext2_product(
        &mut self,
        scope: &mut Scope,
        [a0, a1]: Quadratic,
        [b0, b1]: Quadratic,
    ) -> Quadratic {
        let low = self.product(scope, a0, b0, Felt::ZERO);
        let high = self.product(scope, a1, b1, Felt::ZERO);
        let a = self.sum(scope, a0, a1, Felt::ONE);
        let b = self.sum(scope, b0, b1, Felt::ONE);
        let both = self.product(scope, a, b, Felt::ZERO);
        [
            self.sum(scope, low, high, -Felt::TWO),
            self.sum(scope, both, low, Felt::NEG_ONE),
        ]
    }

    /// The conjugate (a0 + a1) − a1·φ over the norm a0·(a0 + a1) + 2·a1², which is 0 for a = 0 only; traps on that.
    fn ext2_inverse(&mut self, scope: &mut Scope, [a0, a1]: Quadratic) -> Quadratic {
        let conjugate = self.sum(scope, a0, a1, Felt::ONE);
        let product = self.product(scope, a0, conjugate, Felt::ZERO);
        let square = self.product(scope, a1, a1, Felt::ZERO);
        let norm = self.sum(scope, product, square, Felt::TWO);
        let inverse = self.invert(scope, norm);
        let negative = self.product(scope, a1, inverse, Felt::ZERO);
        [
            self.product(scope, conjugate, inverse, Felt::ZERO),
            self.affine(scope, negative, Felt::NEG_ONE, Felt::ZERO),
        ]
    }
}
