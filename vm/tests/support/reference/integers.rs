//! 32-bit integers. An operand of 2^32 or more fails, but in the instructions made for it.

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_field::Felt;
use plica_vm::syntax::{Imm, Instruction};

use super::{Machine, Result, fail, to_u32};
use crate::support::Failure;

/// `[low, high]` of a result: with the high half on top.
fn halves(value: u64) -> [Felt; 2] {
    [Felt::from_u32(value as u32), Felt::from_u64(value >> 32)]
}

impl Machine<'_> {
    /// The operands of `[b, a, ..]`, and how many are on the stack.
    fn u32_operands(&self, immediate: &Option<Imm<u32>>) -> Result<(usize, u32, u32)> {
        let (taken, a, b) = self.operands(immediate.map(|b| Felt::from_u32(b.value)));
        Ok((taken, to_u32(a)?, to_u32(b)?))
    }

    fn u32_binary(
        &mut self,
        immediate: &Option<Imm<u32>>,
        op: impl Fn(u32, u32) -> u32,
    ) -> Result<()> {
        let (taken, a, b) = self.u32_operands(immediate)?;
        self.replace(taken, &[Felt::from_u32(op(a, b))]);
        Ok(())
    }

    fn u32_compare(
        &mut self,
        immediate: &Option<Imm<u32>>,
        op: impl Fn(&u32, &u32) -> bool,
    ) -> Result<()> {
        self.u32_binary(immediate, |a, b| u32::from(op(&a, &b)))
    }

    /// Two results of a division, the last on top.
    fn u32_divide<const N: usize>(
        &mut self,
        immediate: &Option<Imm<u32>>,
        results: impl Fn(u32, u32) -> [u32; N],
    ) -> Result<()> {
        let (taken, a, b) = self.u32_operands(immediate)?;
        if b == 0 {
            return fail(Failure::DivisionByZero);
        }
        self.replace(taken, &results(a, b).map(Felt::from_u32));
        Ok(())
    }

    fn u32_unary(&mut self, op: impl Fn(u32) -> u32) -> Result<()> {
        let a = to_u32(self.peek(0))?;
        self.replace(1, &[Felt::from_u32(op(a))]);
        Ok(())
    }

    /// A shift or rotation by at most `most`.
    fn u32_shift(
        &mut self,
        immediate: Option<u8>,
        most: u32,
        op: impl Fn(u32, u32) -> u32,
    ) -> Result<()> {
        let (taken, a, b) = self.operands(immediate.map(Felt::from_u8));
        let (a, b) = (to_u32(a)?, to_u32(b)?);
        if b > most {
            return fail(Failure::NotU32);
        }
        self.replace(taken, &[Felt::from_u32(op(a, b))]);
        Ok(())
    }

    /// a·b + c of `[b, a, c, ..]`.
    fn u32_madd(&self) -> Result<[Felt; 2]> {
        let [b, a, c] = [0, 1, 2].map(|n| to_u32(self.peek(n)));
        Ok(halves(u64::from(a?) * u64::from(b?) + u64::from(c?)))
    }

    fn u32_sum3(&self) -> Result<[Felt; 2]> {
        let mut sum = 0;
        for n in 0..3 {
            sum += u64::from(to_u32(self.peek(n))?);
        }
        Ok(halves(sum))
    }

    pub(super) fn u32_instruction(&mut self, instruction: &Instruction) -> Result<()> {
        use Instruction as I;
        match instruction {
            I::U32Test => {
                let fits = to_u32(self.peek(0)).is_ok();
                self.replace(0, &[Felt::from_bool(fits)]);
            }
            I::U32TestW => {
                let fit = self.peek_word(0).iter().all(|&a| to_u32(a).is_ok());
                self.replace(0, &[Felt::from_bool(fit)]);
            }
            I::U32Cast => {
                let [low, _] = halves(self.peek(0).as_canonical_u64());
                self.replace(1, &[low]);
            }
            I::U32Split => {
                let split = halves(self.peek(0).as_canonical_u64());
                self.replace(1, &split);
            }
            I::U32OverflowingAdd(b) => {
                let (taken, a, b) = self.u32_operands(b)?;
                self.replace(taken, &halves(u64::from(a) + u64::from(b)));
            }
            I::U32WrappingAdd(b) => self.u32_binary(b, u32::wrapping_add)?,
            I::U32OverflowingAdd3 => {
                let sum = self.u32_sum3()?;
                self.replace(3, &sum);
            }
            I::U32WrappingAdd3 => {
                let [sum, _] = self.u32_sum3()?;
                self.replace(3, &[sum]);
            }
            I::U32OverflowingSub(b) => {
                let (taken, a, b) = self.u32_operands(b)?;
                let difference = Felt::from_u32(a.wrapping_sub(b));
                self.replace(taken, &[difference, Felt::from_bool(a < b)]);
            }
            I::U32WrappingSub(b) => self.u32_binary(b, u32::wrapping_sub)?,
            I::U32OverflowingMul(b) => {
                let (taken, a, b) = self.u32_operands(b)?;
                self.replace(taken, &halves(u64::from(a) * u64::from(b)));
            }
            I::U32WrappingMul(b) => self.u32_binary(b, u32::wrapping_mul)?,
            I::U32OverflowingMadd => {
                let result = self.u32_madd()?;
                self.replace(3, &result);
            }
            I::U32WrappingMadd => {
                let [low, _] = self.u32_madd()?;
                self.replace(3, &[low]);
            }
            I::U32Div(b) => self.u32_divide(b, |a, b| [a / b])?,
            I::U32Mod(b) => self.u32_divide(b, |a, b| [a % b])?,
            I::U32DivMod(b) => self.u32_divide(b, |a, b| [a / b, a % b])?,
            I::U32And(b) => self.u32_binary(b, |a, b| a & b)?,
            I::U32Or(b) => self.u32_binary(b, |a, b| a | b)?,
            I::U32Xor(b) => self.u32_binary(b, |a, b| a ^ b)?,
            // The immediate form is a push.
            I::U32Not(Some(a)) => self.replace(0, &[Felt::from_u32(!a.value)]),
            I::U32Not(None) => self.u32_unary(|a| !a)?,
            I::U32Shl(b) => self.u32_shift(*b, 31, |a, b| a << b)?,
            I::U32Shr(b) => self.u32_shift(*b, 31, |a, b| a >> b)?,
            I::U32Rotl(b) => self.u32_shift(*b, 31, u32::rotate_left)?,
            I::U32Rotr(b) => self.u32_shift(*b, 32, u32::rotate_right)?,
            I::U32Popcnt => self.u32_unary(u32::count_ones)?,
            I::U32Clz => self.u32_unary(u32::leading_zeros)?,
            I::U32Ctz => self.u32_unary(u32::trailing_zeros)?,
            I::U32Clo => self.u32_unary(u32::leading_ones)?,
            I::U32Cto => self.u32_unary(u32::trailing_ones)?,
            I::U32Lt(b) => self.u32_compare(b, u32::lt)?,
            I::U32Lte(b) => self.u32_compare(b, u32::le)?,
            I::U32Gt(b) => self.u32_compare(b, u32::gt)?,
            I::U32Gte(b) => self.u32_compare(b, u32::ge)?,
            I::U32Min(b) => self.u32_binary(b, u32::min)?,
            I::U32Max(b) => self.u32_binary(b, u32::max)?,
            other => unreachable!("{other:?}"),
        }
        Ok(())
    }
}
