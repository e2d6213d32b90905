//! Powers with an exponent that is not known to the compiler, and logarithms.

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_air::code::FactOp;
use plica_field::Felt;

use super::build::{Scope, constant};
use super::stack::Stack;
use super::translate::{Translator, power};
use super::{Ir, Operand, Trap};

impl Translator<'_> {
    /// `exp` on [b, a, ..]; `bits` bounds b.
    pub(super) fn power(&mut self, stack: &mut Stack, scope: &mut Scope, bits: Option<u8>) {
        let (base, exponent) = (stack.peek(1), stack.peek(0));
        let out = match (exponent, bits) {
            (Operand::Const(exponent), bits) => {
                let exponent = exponent.as_canonical_u64();
                if let Some(bits) = bits
                    && exponent >> bits != 0
                {
                    self.ir.fail(scope, Trap::Exponent { bits });
                }
                power(&mut self.ir, scope, base, exponent)
            }
            (exponent, Some(bits)) => {
                let digits = self.bounded_digits(exponent, bits, scope);
                self.ir.power_of_digits(scope, base, &digits)
            }
            (exponent, None) => {
                let [low, high] = self.ir.split(scope, exponent);
                let mut digits = self.ir.bits(scope, low);
                if high != constant(Felt::ZERO) {
                    digits.extend(self.ir.bits(scope, high));
                }
                self.ir.power_of_digits(scope, base, &digits)
            }
        };
        stack.replace(2, &[out]);
    }

    /// The lowest `bits` bits of a number that has no others; traps if it has.
    fn bounded_digits(&mut self, a: Operand, bits: u8, scope: &mut Scope) -> Vec<Operand> {
        let trap = Trap::Exponent { bits };
        if bits == 0 {
            self.ir.assert_equal(scope, a, constant(Felt::ZERO), trap);
            return Vec::new();
        }
        let (mut digits, top, top_bits) = if bits <= 32 {
            (Vec::new(), self.u32_or(a, trap, scope), bits)
        } else {
            let [low, high] = self.ir.split(scope, a);
            (self.ir.bits(scope, low), high, bits - 32)
        };
        if top_bits < 32 {
            let rest = self.ir.shift_right(scope, top, u32::from(top_bits));
            self.ir
                .assert_equal(scope, rest, constant(Felt::ZERO), trap);
        }
        let top_digits = self.ir.bits(scope, top);
        digits.extend(&top_digits[..usize::from(top_bits)]);
        digits
    }
}

impl Ir {
    /// The bits of a 32-bit number, least significant first.
    fn bits(&mut self, scope: &mut Scope, a: Operand) -> Vec<Operand> {
        let mut bits = self.fact(scope, FactOp::Bits, &[a]);
        bits.truncate(32);
        bits
    }

    /// a^b, where `digits` are the bits of b, least significant first: squares, and multiplies by 1 + bit·(a − 1).
    fn power_of_digits(&mut self, scope: &mut Scope, a: Operand, digits: &[Operand]) -> Operand {
        let mut result = constant(Felt::ONE);
        for &bit in digits.iter().rev() {
            let square = self.product(scope, result, result, Felt::ZERO);
            let excess = self.product(scope, a, bit, Felt::NEG_ONE);
            result = self.product(scope, excess, square, Felt::ONE);
        }
        result
    }

    /// ⌊log₂ a⌋ of a canonical integer; traps on 0.
    pub(super) fn log2(&mut self, scope: &mut Scope, a: Operand) -> Operand {
        let is_zero = self.equals_constant(scope, a, Felt::ZERO);
        self.assert_equal(scope, is_zero, constant(Felt::ZERO), Trap::LogOfZero);
        let [low, high] = self.split(scope, a);
        let low_length = self.fact(scope, FactOp::BitLength, &[low])[0];
        if high == constant(Felt::ZERO) {
            return self.affine(scope, low_length, Felt::ONE, Felt::NEG_ONE);
        }
        // The length is 32 and that of the high half, or, if that is 0, the length of the low half.
        let high_length = self.fact(scope, FactOp::BitLength, &[high])[0];
        let is_short = self.equals_constant(scope, high, Felt::ZERO);
        let missing = self.product(scope, low_length, is_short, -Felt::from_u8(32));
        let beyond = self.sum(scope, high_length, missing, Felt::ONE);
        self.affine(scope, beyond, Felt::ONE, Felt::from_u8(31))
    }
}
