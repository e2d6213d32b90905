//! Helpers of STARK verifiers.

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_field::Felt;
use plica_vm::syntax::Instruction;

use super::field::{Quadratic, add, mul, scale, sub};
use super::memory::address;
use super::{Machine, Result, fail, invert};
use crate::support::Failure;

/// τ⁻ᵏ, where τ has order 4.
const TAU_POWERS: [u64; 4] = [
    1,
    18446462594437873665,
    18446744069414584320,
    281474976710656,
];

impl Machine<'_> {
    pub(super) fn stark_instruction(&mut self, instruction: &Instruction) -> Result<()> {
        match instruction {
            Instruction::FriExt2Fold4 => self.fold4(),
            Instruction::RCombBase => self.combine(),
            other => unreachable!("{other:?}"),
        }
    }

    /// The element of the extension whose upper half is item `n`.
    fn peek_quadratic(&self, n: usize) -> Quadratic {
        [self.peek(n + 1), self.peek(n)]
    }

    fn fold4(&mut self) -> Result<()> {
        // v7 is on top.
        let [q3, q2, q1, q0] = [0, 2, 4, 6].map(|n| self.peek_quadratic(n));
        let (position, segment, poe) = (self.peek(8), self.peek(9), self.peek(10));
        let (expected, alpha) = (self.peek_quadratic(11), self.peek_quadratic(13));
        let layer = self.peek(15);
        let segment = segment.as_canonical_u64();
        if segment > 3 {
            return fail(Failure::FriSegment);
        }
        let segment = segment as usize;
        if [q0, q1, q2, q3][segment] != expected {
            return fail(Failure::FriFolding);
        }
        let tau = TAU_POWERS.map(Felt::from_u64);
        let x = Felt::from_u8(7) * poe * tau[segment];
        let e = scale(alpha, invert(x)?);
        let t = fold2(q0, q2, e);
        let s = fold2(q1, q3, scale(e, tau[1]));
        let next = fold2(t, s, mul(e, e));
        let [flag0, flag1, flag2, flag3] = [0, 1, 2, 3].map(|k| Felt::from_bool(k == segment));
        self.replace(
            16,
            &[
                next[0],
                next[1],
                position,
                poe.exp_u64(4),
                layer + Felt::TWO,
                tau[segment],
                poe.square(),
                flag0,
                flag1,
                flag2,
                flag3,
                s[0],
                s[1],
                t[0],
                t[1],
            ],
        );
        Ok(())
    }

    fn combine(&mut self) -> Result<()> {
        let values: [Felt; 8] = std::array::from_fn(|n| self.peek(7 - n));
        let (p, r) = (self.peek_quadratic(8), self.peek_quadratic(10));
        let [x, z, a] = [12, 13, 14].map(|n| self.peek(n));
        let [a0, a1, ..] = self.word_at(address(a)?);
        let [z0, z1, g0, g1] = self.word_at(address(z)?);
        let value = [values[0], Felt::ZERO];
        let p = add(p, mul([a0, a1], sub(value, [z0, z1])));
        let r = add(r, mul([a0, a1], sub(value, [g0, g1])));
        let mut stack = vec![a + Felt::ONE, z + Felt::ONE, x, r[0], r[1], p[0], p[1]];
        stack.extend(&values[1..]);
        stack.push(values[0]);
        self.replace(15, &stack);
        Ok(())
    }
}

/// Half of f + g + (f − g)·e.
fn fold2(f: Quadratic, g: Quadratic, e: Quadratic) -> Quadratic {
    let sum = add(add(f, g), mul(sub(f, g), e));
    sum.map(|x| x.halve())
}
