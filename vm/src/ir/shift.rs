//! Shifts and rotations of 32-bit numbers, and what counts their bits.

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_air::code::FactOp;
use plica_field::Felt;

use super::build::{Scope, constant};
use super::stack::Stack;
use super::translate::Translator;
use super::{Ir, Operand, Trap};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shift {
    Left,
    Right,
    RotateLeft,
    RotateRight,
}

/// What is counted in a 32-bit number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    Ones,
    LeadingZeros,
    TrailingZeros,
    LeadingOnes,
    TrailingOnes,
}

impl Translator<'_> {
    /// A shift of [b, a, ..] or of [a, ..] by the immediate b.
    pub(super) fn u32_shift(
        &mut self,
        shift: Shift,
        immediate: Option<u8>,
        stack: &mut Stack,
        scope: &mut Scope,
    ) {
        let (taken, a, b) = match immediate {
            Some(b) => (1, stack.peek(0), constant(Felt::from_u8(b))),
            None => (2, stack.peek(1), stack.peek(0)),
        };
        let a = self.u32(a, scope);
        let out = match b {
            Operand::Const(b) if b.as_canonical_u64() < 32 => {
                let bits = b.as_canonical_u64() as u32;
                self.ir.shift_by(scope, shift, a, bits)
            }
            b if shift == Shift::RotateRight => self.rotate_right(a, b, scope),
            b => self.ir.shift_by_value(scope, shift, a, b),
        };
        stack.replace(taken, &[out]);
    }

    /// Alone among them, the rotation to the right accepts b = 32.
    fn rotate_right(&mut self, a: Operand, b: Operand, scope: &mut Scope) -> Operand {
        // With this check 32 − b is an exponent for b from 0 to 32 only.
        let b = self.u32_or(b, Trap::Shift, scope);
        let ir = &mut self.ir;
        let left = ir.affine(scope, b, Felt::NEG_ONE, Felt::from_u8(32));
        let factor = ir.fact_or(scope, FactOp::Power, &[left], Trap::Shift)[0];
        // At most (2^32 − 1)·2^32 = p − 1.
        let product = ir.product(scope, a, factor, Felt::ZERO);
        let halves = ir.split(scope, product);
        ir.fact(scope, FactOp::U32Add, &halves)[0]
    }
}

impl Ir {
    /// A shift or rotation by fewer than 32 bits.
    fn shift_by(&mut self, scope: &mut Scope, shift: Shift, a: Operand, bits: u32) -> Operand {
        if bits == 0 {
            return a;
        }
        let (op, left) = match shift {
            Shift::Left => (FactOp::U32Shl, bits),
            Shift::Right => (FactOp::U32Shr, 32 - bits),
            Shift::RotateLeft => (FactOp::U32Rotl, bits),
            Shift::RotateRight => (FactOp::U32Rotl, 32 - bits),
        };
        let factor = constant(Felt::from_u32(1 << left));
        self.fact(scope, op, &[a, factor])[0]
    }

    /// a shifted to the right by fewer than 32 bits.
    pub(super) fn shift_right(&mut self, scope: &mut Scope, a: Operand, bits: u32) -> Operand {
        self.shift_by(scope, Shift::Right, a, bits)
    }

    /// A shift or a rotation to the left by b; traps if that is 32 or more.
    fn shift_by_value(
        &mut self,
        scope: &mut Scope,
        shift: Shift,
        a: Operand,
        b: Operand,
    ) -> Operand {
        let factor = self.fact_or(scope, FactOp::Power, &[b], Trap::Shift);
        let factor = self.fact_or(scope, FactOp::U32Check, &factor, Trap::Shift)[0];
        if shift == Shift::Right {
            return self.fact(scope, FactOp::U32Div, &[a, factor])[0];
        }
        let halves = self.u32_product(scope, a, factor, constant(Felt::ZERO));
        match shift {
            Shift::Left => halves[0],
            _ => self.fact(scope, FactOp::U32Add, &halves)[0],
        }
    }

    /// a·b + c as its low and its high half, for 32-bit numbers.
    pub(super) fn u32_product(
        &mut self,
        scope: &mut Scope,
        a: Operand,
        b: Operand,
        c: Operand,
    ) -> [Operand; 2] {
        // The second factor may stand in the program table.
        let (a, b) = match a {
            Operand::Const(_) => (b, a),
            Operand::Value(_) => (a, b),
        };
        let halves = self.fact(scope, FactOp::U32Mul, &[a, b, c]);
        [halves[0], halves[1]]
    }

    /// 2^32 − 1 − a for a 32-bit number.
    pub(super) fn u32_not(&mut self, scope: &mut Scope, a: Operand) -> Operand {
        let ones = Felt::from_u32(u32::MAX);
        let out = self.affine(scope, a, Felt::NEG_ONE, ones);
        self.narrow(out)
    }

    /// Counts bits of a 32-bit number.
    pub(super) fn count_bits(&mut self, scope: &mut Scope, count: Count, a: Operand) -> Operand {
        match count {
            Count::Ones => self.fact(scope, FactOp::Bits, &[a])[32],
            Count::LeadingZeros => {
                let length = self.fact(scope, FactOp::BitLength, &[a])[0];
                let out = self.affine(scope, length, Felt::NEG_ONE, Felt::from_u8(32));
                self.narrow(out)
            }
            Count::LeadingOnes => {
                let zeros = self.u32_not(scope, a);
                self.count_bits(scope, Count::LeadingZeros, zeros)
            }
            // The lowest bits as a number of that length: (a | (a − 1)) − a, and a − (a & (a + 1)). Both hold for all zeros and
            // all ones, where a ∓ 1 wraps around.
            Count::TrailingZeros => {
                let next = self.fact(scope, FactOp::U32Sub, &[a, constant(Felt::ONE)])[0];
                let filled = self.fact(scope, FactOp::U32Or, &[a, next])[0];
                let lowest = self.fact(scope, FactOp::U32Sub, &[filled, a])[0];
                self.fact(scope, FactOp::BitLength, &[lowest])[0]
            }
            Count::TrailingOnes => {
                let next = self.fact(scope, FactOp::U32Add, &[a, constant(Felt::ONE)])[0];
                let cleared = self.fact(scope, FactOp::U32And, &[a, next])[0];
                let lowest = self.fact(scope, FactOp::U32Sub, &[a, cleared])[0];
                self.fact(scope, FactOp::BitLength, &[lowest])[0]
            }
        }
    }
}
