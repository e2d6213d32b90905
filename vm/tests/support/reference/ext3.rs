//! The cubic extension: a0 + a1·X + a2·X² with X³ = X + 1, on the stack as `[a2, a1, a0]`.

use p3_field::{BasedVectorSpace, Field, PrimeCharacteristicRing, PrimeField64};
use plica_field::{Ext, Felt, coefficients};
use plica_hash_rpo::hash_elements;
use plica_vm::syntax::Instruction;

use super::{Machine, Result, Stop, fail};
use crate::support::Failure;

impl Machine<'_> {
    pub(super) fn ext3_instruction(&mut self, instruction: &Instruction) -> Result<()> {
        use Instruction as I;
        if let I::SumPreimage(blocks) = instruction {
            return self.sum_preimage(*blocks);
        }
        let [upper, lower] =
            [0, 3].map(|n| -> Ext { Ext::from_basis_coefficients_fn(|j| self.peek(n + 2 - j)) });
        let (taken, result) = match instruction {
            I::Ext3Add => (6, lower + upper),
            I::Ext3Sub => (6, lower - upper),
            I::Ext3Mul => (6, lower * upper),
            I::Ext3Div => (6, lower * inverse(upper)?),
            I::Ext3Inv => (3, inverse(upper)?),
            other => unreachable!("{other:?}"),
        };
        self.replace(taken, &coefficients(result));
        Ok(())
    }

    /// Both sums by their definition, with powers.
    fn sum_preimage(&mut self, immediate: Option<u32>) -> Result<()> {
        let n = usize::from(immediate.is_none());
        let blocks = immediate.map_or(self.peek(0).as_canonical_u64(), u64::from);
        let x = self.peek(n);
        let [m, a] = [n + 1, n + 4]
            .map(|n| -> Ext { Ext::from_basis_coefficients_fn(|j| self.peek(n + 2 - j)) });
        let digest = self.peek_word(n + 7);
        let elements = self.advice.lookup(digest)?;
        let fits = !elements.is_empty() && blocks.checked_mul(8) == Some(elements.len() as u64);
        if !fits || hash_elements(&elements) != digest {
            return fail(Failure::Preimage);
        }
        let generator: Ext = Ext::from_basis_coefficients_fn(|i| Felt::from_bool(i == 1));
        let (mut s, mut u) = (Ext::ZERO, Ext::ZERO);
        for (i, &v) in (0..).zip(&elements) {
            let (block, own) = (blocks - 1 - i / 8, 7 - i % 8);
            s += m.exp_u64(block) * a.exp_u64(own) * v;
            u += generator.exp_u64(block) * x.exp_u64(own) * v;
        }
        self.replace(n + 11, &[s, u].map(coefficients).concat());
        Ok(())
    }
}

fn inverse(a: Ext) -> Result<Ext> {
    a.try_inverse().ok_or(Stop::Failed(Failure::DivisionByZero))
}
