//! 32-bit instructions, as instructions of the chips of facts.
//!
//! An operand is checked where it is used unless its type says that it is in range; the result of the check is a new value
//! (hole 6 of the soundness page).

use p3_field::PrimeCharacteristicRing;
use plica_air::code::FactOp;
use plica_field::Felt;

use super::build::{Scope, constant};
use super::stack::Stack;
use super::translate::{Result, Translator};
use super::{Ir, Operand};
use crate::syntax::{Imm, Instruction, Span, Trivial};

impl Translator<'_> {
    pub(super) fn u32_instruction(
        &mut self,
        instruction: &Instruction,
        span: Span,
        stack: &mut Stack,
        scope: &mut Scope,
    ) -> Result<()> {
        use Instruction as I;
        match instruction.trivial() {
            Some(Trivial::Nothing) => return Ok(()),
            Some(Trivial::DropThenZero) => {
                stack.drop(1);
                stack.push(constant(Felt::ZERO));
                return Ok(());
            }
            Some(Trivial::DropThenOne) | None => {}
        }
        match instruction {
            I::U32Assert(_) => self.u32_assert(1, stack, scope),
            I::U32Assert2(_) => self.u32_assert(2, stack, scope),
            I::U32AssertW(_) => self.u32_assert(4, stack, scope),

            I::U32OverflowingAdd(b) => self.u32_binary(*b, stack, scope, |ir, scope, a, b| {
                ir.fact(scope, FactOp::U32Add, &[a, b])
            }),
            I::U32WrappingAdd(b) => self.u32_binary(*b, stack, scope, |ir, scope, a, b| {
                vec![ir.fact(scope, FactOp::U32Add, &[a, b])[0]]
            }),
            I::U32OverflowingSub(b) => self.u32_binary(*b, stack, scope, |ir, scope, a, b| {
                ir.fact(scope, FactOp::U32Sub, &[a, b])
            }),
            I::U32WrappingSub(b) => self.u32_binary(*b, stack, scope, |ir, scope, a, b| {
                vec![ir.fact(scope, FactOp::U32Sub, &[a, b])[0]]
            }),
            _ => return self.unsupported(span),
        }
        Ok(())
    }

    /// Checks the top items in place: what follows knows that they are in range.
    fn u32_assert(&mut self, count: usize, stack: &mut Stack, scope: &mut Scope) {
        let checked: Vec<Operand> = (0..count)
            .rev()
            .map(|n| self.ir.u32(scope, stack.peek(n)))
            .collect();
        stack.replace(count, &checked);
    }

    /// Applies an operation to [b, a, ..], or to [a, ..] and the immediate b. Of several results the last ends on top.
    fn u32_binary(
        &mut self,
        immediate: Option<Imm<u32>>,
        stack: &mut Stack,
        scope: &mut Scope,
        op: impl FnOnce(&mut Ir, &mut Scope, Operand, Operand) -> Vec<Operand>,
    ) {
        let (taken, a, b) = match immediate {
            Some(b) => (1, stack.peek(0), constant(Felt::from_u32(b.value))),
            None => (2, stack.peek(1), stack.peek(0)),
        };
        let (a, b) = (self.ir.u32(scope, a), self.ir.u32(scope, b));
        let out = op(&mut self.ir, scope, a, b);
        stack.replace(taken, &out);
    }
}
