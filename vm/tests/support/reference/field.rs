//! Field elements, assertions, and the quadratic extension.

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_field::Felt;
use plica_vm::syntax::{Exponent, Instruction};

use super::{Machine, Result, boolean, fail, invert, to_u32};
use crate::support::Failure;

/// a0 + a1·φ, where φ² = φ − 2.
pub(super) type Quadratic = [Felt; 2];

pub(super) fn add([a0, a1]: Quadratic, [b0, b1]: Quadratic) -> Quadratic {
    [a0 + b0, a1 + b1]
}

pub(super) fn sub([a0, a1]: Quadratic, [b0, b1]: Quadratic) -> Quadratic {
    [a0 - b0, a1 - b1]
}

pub(super) fn mul([a0, a1]: Quadratic, [b0, b1]: Quadratic) -> Quadratic {
    // a0b0 + (a0b1 + a1b0)φ + a1b1(φ − 2)
    [a0 * b0 - (a1 * b1).double(), a0 * b1 + a1 * b0 + a1 * b1]
}

pub(super) fn scale([a0, a1]: Quadratic, b: Felt) -> Quadratic {
    [a0 * b, a1 * b]
}

fn inverse(a: Quadratic) -> Result<Quadratic> {
    let [a0, a1] = a;
    // The other root of X² − X + 2 is 1 − φ, so that this is the conjugate; the norm is in the base field.
    let conjugate = [a0 + a1, -a1];
    let [norm, zero] = mul(a, conjugate);
    assert_eq!(zero, Felt::ZERO);
    Ok(scale(conjugate, invert(norm)?))
}

impl Machine<'_> {
    fn binary(
        &mut self,
        immediate: Option<Felt>,
        op: impl Fn(Felt, Felt) -> Result<Felt>,
    ) -> Result<()> {
        let (taken, a, b) = self.operands(immediate);
        let out = op(a, b)?;
        self.replace(taken, &[out]);
        Ok(())
    }

    /// Compares canonical integers.
    fn compare(&mut self, immediate: Option<Felt>, op: impl Fn(u64, u64) -> bool) -> Result<()> {
        self.binary(immediate, |a, b| {
            Ok(Felt::from_bool(op(
                a.as_canonical_u64(),
                b.as_canonical_u64(),
            )))
        })
    }

    fn logic(&mut self, op: impl Fn(bool, bool) -> bool) -> Result<()> {
        let a = boolean(self.peek(1))?;
        let b = boolean(self.peek(0))?;
        self.replace(2, &[Felt::from_bool(op(a, b))]);
        Ok(())
    }

    fn unary(&mut self, op: impl Fn(Felt) -> Result<Felt>) -> Result<()> {
        let out = op(self.peek(0))?;
        self.replace(1, &[out]);
        Ok(())
    }

    pub(super) fn field_instruction(&mut self, instruction: &Instruction) -> Result<()> {
        use Instruction as I;
        match instruction {
            I::Add(b) => self.binary(*b, |a, b| Ok(a + b)),
            I::Sub(b) => self.binary(*b, |a, b| Ok(a - b)),
            I::Mul(b) => self.binary(*b, |a, b| Ok(a * b)),
            I::Div(b) => self.binary(*b, |a, b| Ok(a * invert(b)?)),
            I::Neg => self.unary(|a| Ok(-a)),
            I::Inv => self.unary(invert),
            I::Exp(Exponent::Stack) => self.binary(None, |a, b| Ok(power(a, b))),
            I::Exp(Exponent::Value(b)) => self.binary(Some(*b), |a, b| Ok(power(a, b))),
            I::Exp(Exponent::Bits(bits)) => self.binary(None, |a, b| {
                if b.as_canonical_u64() >> bits != 0 {
                    return fail(Failure::Assertion(0));
                }
                Ok(power(a, b))
            }),
            I::Pow2 => self.unary(|a| {
                if a.as_canonical_u64() > 63 {
                    return fail(Failure::Assertion(0));
                }
                Ok(power(Felt::TWO, a))
            }),
            I::ILog2 => self.unary(|a| match a.as_canonical_u64().checked_ilog2() {
                Some(log) => Ok(Felt::from_u32(log)),
                None => fail(Failure::LogOfZero),
            }),
            I::Not => self.unary(|a| Ok(Felt::from_bool(!boolean(a)?))),
            I::And => self.logic(|a, b| a & b),
            I::Or => self.logic(|a, b| a | b),
            I::Xor => self.logic(|a, b| a ^ b),
            I::Eq(b) => self.compare(*b, |a, b| a == b),
            I::Neq(b) => self.compare(*b, |a, b| a != b),
            I::Lt(b) => self.compare(*b, |a, b| a < b),
            I::Lte(b) => self.compare(*b, |a, b| a <= b),
            I::Gt(b) => self.compare(*b, |a, b| a > b),
            I::Gte(b) => self.compare(*b, |a, b| a >= b),
            I::IsOdd => self.unary(|a| Ok(Felt::from_bool(a.as_canonical_u64() % 2 == 1))),
            I::EqW => {
                let equal = self.peek_word(0) == self.peek_word(4);
                self.replace(0, &[Felt::from_bool(equal)]);
                Ok(())
            }
            other => unreachable!("{other:?}"),
        }
    }

    pub(super) fn assertion(&mut self, instruction: &Instruction) -> Result<()> {
        use Instruction as I;
        let (holds, code, taken) = match instruction {
            I::Assert(code) => (self.peek(0) == Felt::ONE, code, 1),
            I::AssertZ(code) => (self.peek(0) == Felt::ZERO, code, 1),
            I::AssertEq(code) => (self.peek(0) == self.peek(1), code, 2),
            I::AssertEqW(code) => (self.peek_word(0) == self.peek_word(4), code, 8),
            I::U32Assert(_) => return to_u32(self.peek(0)).map(|_| ()),
            I::U32Assert2(_) => return (0..2).try_for_each(|n| to_u32(self.peek(n)).map(|_| ())),
            I::U32AssertW(_) => return (0..4).try_for_each(|n| to_u32(self.peek(n)).map(|_| ())),
            other => unreachable!("{other:?}"),
        };
        if !holds {
            return fail(Failure::Assertion(*code));
        }
        self.replace(taken, &[]);
        Ok(())
    }

    pub(super) fn extension_instruction(&mut self, instruction: &Instruction) -> Result<()> {
        use Instruction as I;
        // [b1, b0, a1, a0, ..], or [a1, a0, ..] with one operand.
        let upper = [self.peek(1), self.peek(0)];
        let lower = [self.peek(3), self.peek(2)];
        let (taken, result) = match instruction {
            I::Ext2Add => (4, add(lower, upper)),
            I::Ext2Sub => (4, sub(lower, upper)),
            I::Ext2Mul => (4, mul(lower, upper)),
            I::Ext2Div => (4, mul(lower, inverse(upper)?)),
            I::Ext2Neg => (2, upper.map(|x| -x)),
            I::Ext2Inv => (2, inverse(upper)?),
            other => unreachable!("{other:?}"),
        };
        self.replace(taken, &result);
        Ok(())
    }
}

/// The exponent as a canonical integer; 0^0 = 1.
fn power(base: Felt, exponent: Felt) -> Felt {
    base.exp_u64(exponent.as_canonical_u64())
}
