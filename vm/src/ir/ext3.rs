//! The cubic extension K = F[X]/(X³ − X − 1), in which this proof system has its challenges: a0 + a1·X + a2·X², on the stack as
//! `[a2, a1, a0]`.
//!
//! An element is three items of the stack, and a word that ends with 0 for the chip; both are free where they cancel, as for other
//! words ([`super::word`]). An element of F is one of K, and stays a single cell.

use p3_field::PrimeCharacteristicRing;
use plica_air::code::{EffectOp, FactOp};
use plica_field::Felt;

use super::build::{Scope, constant};
use super::stack::Stack;
use super::translate::Translator;
use super::{Ir, Operand};
use crate::syntax::Instruction;

/// The coefficients of 1, X and X².
pub(super) type Cubic = [Operand; 3];

const ZERO: Operand = constant(Felt::ZERO);

/// An element of F in K.
const fn embedded(a: Operand) -> Cubic {
    [a, ZERO, ZERO]
}

/// The element of F that this one is, as far as that is known.
fn in_base(a: Cubic) -> Option<Operand> {
    (a[1..] == [ZERO, ZERO]).then_some(a[0])
}

impl Stack {
    /// The element of the extension whose last coefficient is `n` below the top.
    fn cubic(&self, n: usize) -> Cubic {
        [2, 1, 0].map(|j| self.peek(n + j))
    }
}

impl Translator<'_> {
    pub(super) fn ext3_instruction(
        &mut self,
        instruction: &Instruction,
        stack: &mut Stack,
        scope: &mut Scope,
    ) {
        use Instruction as I;
        let ir = &mut self.ir;
        if let I::SumPreimage(blocks) = instruction {
            return ir.sum_preimage(scope, stack, *blocks);
        }
        // [b2, b1, b0, a2, a1, a0, ..], or [a2, a1, a0, ..] with one operand.
        let (upper, lower) = (stack.cubic(0), stack.cubic(3));
        let (taken, result) = match instruction {
            I::Ext3Add => (6, ir.ext3_sum(scope, lower, upper, Felt::ONE)),
            I::Ext3Sub => (6, ir.ext3_sum(scope, lower, upper, Felt::NEG_ONE)),
            I::Ext3Mul => (6, ir.ext3_mul_add(scope, lower, upper, embedded(ZERO))),
            I::Ext3Div => {
                let inverse = ir.ext3_inverse(scope, upper);
                (6, ir.ext3_mul_add(scope, lower, inverse, embedded(ZERO)))
            }
            I::Ext3Inv => (3, ir.ext3_inverse(scope, upper)),
            other => unreachable!("{other:?} is no instruction of the cubic extension"),
        };
        stack.replace(taken, &result);
    }
}

impl Ir {
    /// The value that is this element.
    fn ext3(&mut self, scope: &mut Scope, coefficients: Cubic) -> Operand {
        self.fact(scope, FactOp::Ext3Pack, &coefficients)[0]
    }

    /// The coefficients of the result of an instruction.
    fn ext3_fact(&mut self, scope: &mut Scope, op: FactOp, operands: &[Operand]) -> Cubic {
        let result = self.fact(scope, op, operands)[0];
        let [c0, c1, c2, _] = self.unpack(scope, result);
        [c0, c1, c2]
    }

    /// `[b, x, m2, m1, m0, a2, a1, a0, D, ..]`, without b if it is an immediate.
    fn sum_preimage(&mut self, scope: &mut Scope, stack: &mut Stack, immediate: Option<u32>) {
        let blocks = immediate.map_or(stack.peek(0), |b| constant(Felt::from_u32(b)));
        let n = usize::from(immediate.is_none());
        let digest = self.pack(scope, stack.word(n + 7));
        let [a, m] = [n + 4, n + 1].map(|at| self.ext3(scope, stack.cubic(at)));
        let operands = [digest, a, m, stack.peek(n), blocks];
        let sums = self.effect(scope, EffectOp::SumPreimage, &operands);
        let coefficients = |sum: &Operand| {
            let [c0, c1, c2, _] = self.unpack(scope, *sum);
            [c0, c1, c2]
        };
        let sums: Vec<Cubic> = sums.iter().map(coefficients).collect();
        stack.replace(n + 11, sums.as_flattened());
    }

    /// Whether an element is there as a value already.
    fn is_whole(&self, a: Cubic) -> bool {
        self.words.ext3(&a).is_some()
    }

    /// a + w·b. In the chip if an operand is a value of K, or nothing is known of both: one instruction instead of three, and mostly they
    /// are put together for something else as well. Else coefficient by coefficient. A product is multiplied once more in the row
    /// of the sum: its own row is there only if something else reads it.
    pub(super) fn ext3_sum(&mut self, scope: &mut Scope, a: Cubic, b: Cubic, w: Felt) -> Cubic {
        if w == Felt::ONE {
            for (product, c) in [(b, a), (a, b)] {
                if let Some((op, [x, y])) = self.words.product(&product) {
                    let (op, c) = match in_base(c) {
                        Some(c) => (op, c),
                        None if op == FactOp::Ext3Mul => (FactOp::Ext3MulAdd, self.ext3(scope, c)),
                        None => (FactOp::Ext3ScaleAdd, self.ext3(scope, c)),
                    };
                    return self.ext3_fact(scope, op, &[x, y, c]);
                }
            }
        }
        let is_open = |x: Cubic| x.iter().all(|c| c.value().is_some());
        if self.is_whole(a) || self.is_whole(b) || is_open(a) && is_open(b) {
            return self.ext3_mul_add(scope, b, embedded(constant(w)), a);
        }
        std::array::from_fn(|j| self.sum(scope, a[j], b[j], w))
    }

    /// a·b + c
    pub(super) fn ext3_mul_add(
        &mut self,
        scope: &mut Scope,
        a: Cubic,
        b: Cubic,
        c: Cubic,
    ) -> Cubic {
        let (a, b) = if in_base(a).is_some() { (b, a) } else { (a, b) };
        let Some(scalar) = in_base(b) else {
            let words = [a, b].map(|x| self.ext3(scope, x));
            let (op, c) = match in_base(c) {
                Some(c) => (FactOp::Ext3Mul, c),
                None => (FactOp::Ext3MulAdd, self.ext3(scope, c)),
            };
            return self.ext3_fact(scope, op, &[words[0], words[1], c]);
        };
        if let Some(a) = in_base(a) {
            let product = self.product(scope, a, scalar, Felt::ZERO);
            return [self.sum(scope, product, c[0], Felt::ONE), c[1], c[2]];
        }
        if scalar == ZERO {
            return c;
        }
        if scalar == constant(Felt::ONE) && c == embedded(ZERO) {
            return a;
        }
        let a = self.ext3(scope, a);
        let (op, c) = match in_base(c) {
            Some(c) => (FactOp::Ext3Scale, c),
            None => (FactOp::Ext3ScaleAdd, self.ext3(scope, c)),
        };
        self.ext3_fact(scope, op, &[a, scalar, c])
    }

    /// 1/a; traps on 0.
    pub(super) fn ext3_inverse(&mut self, scope: &mut Scope, a: Cubic) -> Cubic {
        if let Some(a) = in_base(a) {
            return embedded(self.invert(scope, a));
        }
        let a = self.ext3(scope, a);
        self.ext3_fact(scope, FactOp::Ext3Inverse, &[a])
    }
}
