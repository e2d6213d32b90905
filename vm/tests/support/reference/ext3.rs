//! The cubic extension: a0 + a1·X + a2·X² with X³ = X + 1, on the stack as `[a2, a1, a0]`.

use p3_field::{BasedVectorSpace, Field};
use plica_field::{Ext, Felt};
use plica_vm::syntax::Instruction;

use super::{Machine, Result, Stop};
use crate::support::Failure;

impl Machine<'_> {
    pub(super) fn ext3_instruction(&mut self, instruction: &Instruction) -> Result<()> {
        use Instruction as I;
        let [upper, lower] =
            [0, 3].map(|n| -> Ext { Ext::from_basis_coefficients_fn(|j| self.peek(n + 2 - j)) });
        let (taken, result) = match instruction {
            I::Ext3Add => (6, lower + upper),
            I::Ext3Sub => (6, lower - upper),
            I::Ext3Mul => (6, lower * upper),
            I::Ext3Div => (6, lower * inverse(upper)?),
            I::Ext3Inv => (3, inverse(upper)?),
            other => unreachable!("{other:?}"),
        };
        let coefficients: &[Felt] = result.as_basis_coefficients_slice();
        self.replace(taken, coefficients);
        Ok(())
    }
}

fn inverse(a: Ext) -> Result<Ext> {
    a.try_inverse().ok_or(Stop::Failed(Failure::DivisionByZero))
}
