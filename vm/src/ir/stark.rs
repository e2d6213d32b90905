//! Helpers of STARK verifiers: folding, and the combination of opened columns, in the quadratic extension.

use p3_field::{Field, PrimeCharacteristicRing, TwoAdicField};
use plica_air::code::EffectOp;
use plica_field::Felt;

use super::build::{Scope, constant};
use super::ext2::Quadratic;
use super::stack::{CONTEXT, Stack};
use super::translate::{Result, Translator};
use super::{Ir, Operand, Trap};
use crate::syntax::{Instruction, Span};

/// The generator of the coset on which the folded values stand.
const SHIFT: u8 = 7;

/// τ⁻ᵏ for the four segments of the domain; τ has order 4.
fn segment_points() -> [Felt; 4] {
    let step = Felt::two_adic_generator(2).inverse();
    std::array::from_fn(|k| step.exp_u64(k as u64))
}

impl Stack {
    /// The element of the extension whose upper half is `n` below the top.
    fn quadratic(&self, n: usize) -> Quadratic {
        [self.peek(n + 1), self.peek(n)]
    }
}

impl Translator<'_> {
    pub(super) fn stark_instruction(
        &mut self,
        instruction: &Instruction,
        span: Span,
        stack: &mut Stack,
        scope: &mut Scope,
    ) -> Result<()> {
        match instruction {
            Instruction::FriExt2Fold4 => self.ir.fold4(stack, scope),
            Instruction::RCombBase => self.ir.combine(stack, scope),
            _ => return self.unsupported(span),
        }
        Ok(())
    }
}

impl Ir {
    /// `[v7, .., v0, position, segment, poe, expected, α, layer, ..]`: folds four values of the extension into one, after a check
    /// that the one of this segment is what the layer before was folded to.
    fn fold4(&mut self, stack: &mut Stack, scope: &mut Scope) {
        let values = [6, 4, 2, 0].map(|n| stack.quadratic(n));
        let [position, segment, poe] = [8, 9, 10].map(|n| stack.peek(n));
        let (expected, alpha) = (stack.quadratic(11), stack.quadratic(13));
        let layer = stack.peek(15);

        let flags = [0u8, 1, 2, 3].map(|k| self.equals_constant(scope, segment, Felt::from_u8(k)));
        let known = self.weighted(scope, flags.map(|flag| (flag, Felt::ONE)));
        self.assert_equal(scope, known, constant(Felt::ONE), Trap::FriSegment);
        for (j, expected) in expected.into_iter().enumerate() {
            let terms = std::array::from_fn(|k| {
                let chosen = self.product(scope, flags[k], values[k][j], Felt::ZERO);
                (chosen, Felt::ONE)
            });
            let value = self.weighted(scope, terms);
            self.assert_equal(scope, value, expected, Trap::FriFolding);
        }
        let points = segment_points();
        let point = self.weighted(scope, std::array::from_fn(|k| (flags[k], points[k])));

        // Half of α/(7·poe·point), half of that times τ⁻¹ for the other pair, and half of its square.
        let x = self.product(scope, poe, point, Felt::ZERO);
        let inverse = self.invert(scope, x);
        let scale = (Felt::TWO * Felt::from_u8(SHIFT)).inverse();
        let inverse = self.affine(scope, inverse, scale, Felt::ZERO);
        let half = alpha.map(|a| self.product(scope, a, inverse, Felt::ZERO));
        let turned = half.map(|e| self.affine(scope, e, points[1], Felt::ZERO));
        let square = self.ext2_product(scope, half, half);
        let square = square.map(|e| self.affine(scope, e, Felt::TWO, Felt::ZERO));

        let [q0, q1, q2, q3] = values;
        let t = self.fold2(scope, q0, q2, half);
        let s = self.fold2(scope, q1, q3, turned);
        let next = self.fold2(scope, t, s, square);
        let squared = self.product(scope, poe, poe, Felt::ZERO);
        let results = [
            next[0],
            next[1],
            position,
            self.product(scope, squared, squared, Felt::ZERO),
            self.affine(scope, layer, Felt::ONE, Felt::TWO),
            point,
            squared,
            flags[0],
            flags[1],
            flags[2],
            flags[3],
            s[0],
            s[1],
            t[0],
            t[1],
        ];
        stack.replace(16, &results);
    }

    /// (f + g)/2 + (f − g)·e/2, with e/2 given.
    fn fold2(
        &mut self,
        scope: &mut Scope,
        f: Quadratic,
        g: Quadratic,
        half: Quadratic,
    ) -> Quadratic {
        let sum = self.ext2_sum(scope, f, g, Felt::ONE);
        let difference = self.ext2_sum(scope, f, g, Felt::NEG_ONE);
        let odd = self.ext2_product(scope, difference, half);
        self.ext2_sum(scope, odd, sum, Felt::ONE.halve())
    }

    /// The sum of these values times these constants; the first constant is 1.
    fn weighted(
        &mut self,
        scope: &mut Scope,
        [(first, one), rest @ ..]: [(Operand, Felt); 4],
    ) -> Operand {
        debug_assert_eq!(one, Felt::ONE);
        rest.into_iter().fold(first, |sum, (value, weight)| {
            self.sum(scope, sum, value, weight)
        })
    }

    /// `[T7, .., T0, p, r, x, z, a, ..]`: adds α·(T0 − Tz) to p and α·(T0 − Tg) to r, with α at address a, Tz and Tg at z. The
    /// addresses move on, and T0 to the top.
    fn combine(&mut self, stack: &mut Stack, scope: &mut Scope) {
        let value = [stack.peek(7), constant(Felt::ZERO)];
        let [x, z, a] = [12, 13, 14].map(|n| stack.peek(n));
        let context = stack.at(CONTEXT);
        let [alpha, opened] = [a, z].map(|address| {
            let word = self.access(scope, EffectOp::LoadWord, context, address, None)[0];
            self.unpack(scope, word)
        });
        let alpha = [alpha[0], alpha[1]];
        let next = [a, z].map(|address| self.affine(scope, address, Felt::ONE, Felt::ONE));
        let mut results = vec![next[0], next[1], x];
        for (sum, opened) in [(10, [opened[2], opened[3]]), (8, [opened[0], opened[1]])] {
            let difference = self.ext2_sum(scope, opened, value, Felt::NEG_ONE);
            let product = self.ext2_product(scope, difference, alpha);
            results.extend(self.ext2_sum(scope, stack.quadratic(sum), product, Felt::NEG_ONE));
        }
        results.extend((0..7).rev().map(|n| stack.peek(n)));
        results.push(value[0]);
        stack.replace(15, &results);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_points_are_those_of_the_language() {
        let expected = [
            1,
            18_446_462_594_437_873_665,
            18_446_744_069_414_584_320,
            1 << 48,
        ];
        assert_eq!(segment_points(), expected.map(Felt::new));
    }
}
