//! 32-bit instructions, as instructions of the chips of facts.
//!
//! An operand is checked where it is used unless its type says that it is in range; the result of the check is a new value
//! (hole 6 of the soundness page).

use p3_field::PrimeCharacteristicRing;
use plica_air::code::FactOp;
use plica_field::Felt;

use super::build::{Scope, constant};
use super::compare::Order;
use super::shift::{Count, Shift};
use super::stack::Stack;
use super::translate::{Translator, unary};
use super::{Ir, Operand, Trap};
use crate::syntax::{Imm, Instruction, Trivial};

impl Translator<'_> {
    pub(super) fn u32_instruction(
        &mut self,
        instruction: &Instruction,
        stack: &mut Stack,
        scope: &mut Scope,
    ) {
        use Instruction as I;
        match instruction.trivial() {
            Some(Trivial::Nothing) => return,
            Some(Trivial::DropThenZero) => {
                self.drop_then_push(Felt::ZERO, stack, scope);
                return;
            }
            Some(Trivial::DropThenOne) | None => {}
        }
        match instruction {
            I::U32Test => self.u32_test(1, stack, scope),
            I::U32TestW => self.u32_test(4, stack, scope),
            I::U32Cast => unary(stack, |a| self.ir.split(scope, a)[0]),
            I::U32Split => {
                let halves = self.ir.split(scope, stack.peek(0));
                stack.replace(1, &halves);
            }

            I::U32OverflowingAdd(b) => self.u32_facts(*b, FactOp::U32Add, stack, scope),
            I::U32WrappingAdd(b) => self.u32_fact(*b, FactOp::U32Add, stack, scope),
            I::U32OverflowingSub(b) => self.u32_facts(*b, FactOp::U32Sub, stack, scope),
            I::U32WrappingSub(b) => self.u32_fact(*b, FactOp::U32Sub, stack, scope),
            I::U32OverflowingAdd3 => {
                let [c, b, a] = self.u32_operands(stack, scope);
                // Below 2^34.
                let sum = self.ir.sum(scope, a, b, Felt::ONE);
                let sum = self.ir.sum(scope, sum, c, Felt::ONE);
                let halves = self.ir.split(scope, sum);
                stack.replace(3, &halves);
            }
            I::U32WrappingAdd3 => {
                let [c, b, a] = self.u32_operands(stack, scope);
                let sum = self.ir.fact(scope, FactOp::U32Add, &[a, b])[0];
                let sum = self.ir.fact(scope, FactOp::U32Add, &[sum, c])[0];
                stack.replace(3, &[sum]);
            }
            I::U32OverflowingMul(b) => self.u32_binary(*b, stack, scope, |ir, scope, a, b| {
                let zero = constant(Felt::ZERO);
                ir.u32_product(scope, a, b, zero).to_vec()
            }),
            I::U32WrappingMul(b) => self.u32_binary(*b, stack, scope, |ir, scope, a, b| {
                let zero = constant(Felt::ZERO);
                vec![ir.u32_product(scope, a, b, zero)[0]]
            }),
            I::U32OverflowingMadd => {
                let [b, a, c] = self.u32_operands(stack, scope);
                let halves = self.ir.u32_product(scope, a, b, c);
                stack.replace(3, &halves);
            }
            I::U32WrappingMadd => {
                let [b, a, c] = self.u32_operands(stack, scope);
                let [low, _] = self.ir.u32_product(scope, a, b, c);
                stack.replace(3, &[low]);
            }
            I::U32Div(b) => self.u32_fact(*b, FactOp::U32Div, stack, scope),
            I::U32Mod(b) => self.u32_binary(*b, stack, scope, |ir, scope, a, b| {
                vec![ir.fact(scope, FactOp::U32Div, &[a, b])[1]]
            }),
            I::U32DivMod(b) => self.u32_facts(*b, FactOp::U32Div, stack, scope),

            I::U32And(b) => self.u32_fact(*b, FactOp::U32And, stack, scope),
            I::U32Or(b) => self.u32_fact(*b, FactOp::U32Or, stack, scope),
            I::U32Xor(b) => self.u32_fact(*b, FactOp::U32Xor, stack, scope),
            I::U32Not(None) => {
                let a = self.u32(stack.peek(0), scope);
                let out = self.ir.u32_not(scope, a);
                stack.replace(1, &[out]);
            }
            // The complement of a literal is a push.
            I::U32Not(Some(a)) => stack.push(constant(Felt::from_u32(!a.value))),
            I::U32Shl(b) => self.u32_shift(Shift::Left, *b, stack, scope),
            I::U32Shr(b) => self.u32_shift(Shift::Right, *b, stack, scope),
            I::U32Rotl(b) => self.u32_shift(Shift::RotateLeft, *b, stack, scope),
            I::U32Rotr(b) => self.u32_shift(Shift::RotateRight, *b, stack, scope),
            I::U32Popcnt => self.u32_count(Count::Ones, stack, scope),
            I::U32Clz => self.u32_count(Count::LeadingZeros, stack, scope),
            I::U32Ctz => self.u32_count(Count::TrailingZeros, stack, scope),
            I::U32Clo => self.u32_count(Count::LeadingOnes, stack, scope),
            I::U32Cto => self.u32_count(Count::TrailingOnes, stack, scope),

            I::U32Lt(b) => self.u32_compare(*b, Order::Lt, stack, scope),
            I::U32Lte(b) => self.u32_compare(*b, Order::Lte, stack, scope),
            I::U32Gt(b) => self.u32_compare(*b, Order::Gt, stack, scope),
            I::U32Gte(b) => self.u32_compare(*b, Order::Gte, stack, scope),
            I::U32Min(b) => self.u32_binary(*b, stack, scope, |ir, scope, a, b| {
                vec![ir.u32_extreme(scope, a, b, false)]
            }),
            I::U32Max(b) => self.u32_binary(*b, stack, scope, |ir, scope, a, b| {
                vec![ir.u32_extreme(scope, a, b, true)]
            }),
            other => unreachable!("{other:?} is no 32-bit instruction"),
        }
    }

    /// Checks the top items in place: what follows knows that they are in range.
    pub(super) fn u32_assert(
        &mut self,
        count: usize,
        code: u32,
        stack: &mut Stack,
        scope: &mut Scope,
    ) {
        let checked: Vec<Operand> = (0..count)
            .rev()
            .map(|n| self.u32_or(stack.peek(n), Trap::NotU32 { code }, scope))
            .collect();
        stack.replace(count, &checked);
    }

    /// Whether the top items are all below 2^32: the sum of their high halves, which is too small to wrap around, is 0.
    fn u32_test(&mut self, count: usize, stack: &mut Stack, scope: &mut Scope) {
        let mut sum = constant(Felt::ZERO);
        for n in 0..count {
            let [_, high] = self.ir.split(scope, stack.peek(n));
            sum = self.ir.sum(scope, sum, high, Felt::ONE);
        }
        let fit = self.ir.equals_constant(scope, sum, Felt::ZERO);
        stack.push(fit);
    }

    /// The top items, top first, as 32-bit numbers.
    fn u32_operands<const N: usize>(&mut self, stack: &Stack, scope: &mut Scope) -> [Operand; N] {
        std::array::from_fn(|n| self.u32(stack.peek(n), scope))
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
        let (a, b) = (self.u32(a, scope), self.u32(b, scope));
        let out = op(&mut self.ir, scope, a, b);
        stack.replace(taken, &out);
    }

    /// All results of an instruction on two operands.
    fn u32_facts(
        &mut self,
        immediate: Option<Imm<u32>>,
        op: FactOp,
        stack: &mut Stack,
        scope: &mut Scope,
    ) {
        self.u32_binary(immediate, stack, scope, |ir, scope, a, b| {
            ir.fact(scope, op, &[a, b])
        });
    }

    /// The first result.
    fn u32_fact(
        &mut self,
        immediate: Option<Imm<u32>>,
        op: FactOp,
        stack: &mut Stack,
        scope: &mut Scope,
    ) {
        self.u32_binary(immediate, stack, scope, |ir, scope, a, b| {
            vec![ir.fact(scope, op, &[a, b])[0]]
        });
    }

    fn u32_compare(
        &mut self,
        immediate: Option<Imm<u32>>,
        order: Order,
        stack: &mut Stack,
        scope: &mut Scope,
    ) {
        self.u32_binary(immediate, stack, scope, |ir, scope, a, b| {
            vec![ir.compare(scope, order, a, b)]
        });
    }

    fn u32_count(&mut self, count: Count, stack: &mut Stack, scope: &mut Scope) {
        let a = self.u32(stack.peek(0), scope);
        let out = self.ir.count_bits(scope, count, a);
        stack.replace(1, &[out]);
    }
}
