//! Stacks whose depth is not known: what does not fit the window is in memory.
//!
//! Where ways of different depths meet, and at the head of a loop that changes the depth, all items but the upper ones of a common
//! *window* are stored to a context of memory that only this uses ([`SPILL`]), the deepest first, at the addresses from 1 on. How
//! many they are is a value ([`BELOW`]). An instruction that leaves fewer than 16 items in the window is followed by loads:
//!
//! ```text
//! spill   n' = n + 1, mem[n'] = item
//! fill    item = mem[n], n' = n − 1, or 0 if n = 0
//! ```
//! Address 0 is never written, so at n = 0 a zero comes in and n stays: that is the floor. So the depth is always the window plus n.

use p3_field::PrimeCharacteristicRing;
use plica_air::code::EffectOp;
use plica_field::Felt;

use super::Trap;
use super::build::{Scope, constant};
use super::stack::{BELOW, FLOOR, SPILL, Stack};
use super::translate::Translator;
use super::{Ir, Operand};

impl Translator<'_> {
    /// Leaves `window` items in the window, which has no fewer.
    pub(super) fn spill(&mut self, stack: &mut Stack, window: usize, scope: &mut Scope) {
        scope.origin.spill = true;
        while stack.depth() > window {
            let item = stack.take_deepest();
            let count = self.ir.affine(scope, stack.at(BELOW), Felt::ONE, Felt::ONE);
            stack.set(BELOW, count);
            let context = stack.at(SPILL);
            self.ir
                .access(scope, EffectOp::StoreElement, context, count, Some(item));
            stack.observe_depth();
        }
        scope.origin.spill = false;
    }

    /// Fills the window up where an instruction has left too few items in it.
    pub(super) fn fill(&mut self, stack: &mut Stack, scope: &mut Scope) {
        scope.origin.spill = true;
        while stack.depth() < FLOOR {
            let count = stack.at(BELOW);
            let context = stack.at(SPILL);
            let loaded = self
                .ir
                .access(scope, EffectOp::LoadElement, context, count, None);
            let floor = self.ir.equals_constant(scope, count, Felt::ZERO);
            let left = self.ir.sum(scope, count, floor, Felt::ONE);
            let left = self.ir.affine(scope, left, Felt::ONE, Felt::NEG_ONE);
            stack.set(BELOW, left);
            stack.put_deepest(loaded[0]);
            if stack.is_static() {
                // The last of a known number: from here on zeros come in.
                stack.replace(0, &[]);
            }
        }
        scope.origin.spill = false;
    }

    /// Takes the top item away.
    pub(super) fn pop(&mut self, stack: &mut Stack, scope: &mut Scope) -> Operand {
        let top = stack.pop();
        self.fill(stack, scope);
        top
    }

    /// What an instruction does that drops its operand first and pushes a constant afterwards: it shows at depth 16.
    pub(super) fn drop_then_push(&mut self, value: Felt, stack: &mut Stack, scope: &mut Scope) {
        self.pop(stack, scope);
        stack.push(constant(value));
    }

    /// The depth of the stack.
    pub(super) fn depth(&mut self, stack: &mut Stack, scope: &mut Scope) -> Operand {
        let window = Felt::from_usize(stack.depth());
        stack.observe_depth();
        self.ir.affine(scope, stack.at(BELOW), Felt::ONE, window)
    }

    /// Traps unless the depth is 16.
    pub(super) fn require_floor(&mut self, stack: &Stack, trap: Trap, scope: &mut Scope) {
        if stack.depth() > FLOOR {
            self.ir.fail(scope, trap);
        } else {
            let nothing = constant(Felt::ZERO);
            self.ir.assert_equal(scope, stack.at(BELOW), nothing, trap);
        }
    }
}

impl Ir {
    /// An access to memory in a context, that of the root being 0: the results.
    pub(super) fn access(
        &mut self,
        scope: &mut Scope,
        op: EffectOp,
        context: Operand,
        address: Operand,
        stored: Option<Operand>,
    ) -> Vec<Operand> {
        let nothing = constant(Felt::ZERO);
        let (op, place) = if context == nothing {
            (op, address)
        } else {
            let place = self.pack(scope, [address, context, nothing, nothing]);
            (op.in_context(), place)
        };
        let operands: Vec<Operand> = std::iter::once(place).chain(stored).collect();
        self.effect(scope, op, &operands)
    }
}
