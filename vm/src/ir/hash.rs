//! Hashing: permutations and two-to-one hashes of words.

use p3_field::PrimeCharacteristicRing;
use plica_air::code::FactOp;
use plica_field::Felt;
use plica_hash_rpo::constants::{CAPACITY, DIGEST, WIDTH};

use super::build::{Scope, constant};
use super::stack::Stack;
use super::translate::Translator;
use super::{Ir, Operand};
use crate::syntax::Instruction;

/// A word as its elements, the first one first.
pub(super) type Elements = [Operand; DIGEST];

impl Ir {
    /// The digest of two words.
    pub(super) fn merge(&mut self, scope: &mut Scope, a: Elements, b: Elements) -> Elements {
        self.digest(scope, a, b, Felt::ZERO)
    }

    /// The digest of the elements of `a` and `b`, `length` of which count modulo 8; the others are zero.
    fn digest(&mut self, scope: &mut Scope, a: Elements, b: Elements, length: Felt) -> Elements {
        let words = [a, b].map(|elements| self.pack(scope, elements));
        let capacity = [length, Felt::ZERO].map(constant);
        let operands = [words, capacity].concat();
        let digest = self.fact(scope, FactOp::Merge, &operands)[0];
        self.unpack(scope, digest)
    }

    /// The permutation of a state, capacity first.
    fn permute(&mut self, scope: &mut Scope, state: [Operand; WIDTH]) -> [Operand; WIDTH] {
        let word = |start: usize| std::array::from_fn(|j| state[start + j]);
        let places = [CAPACITY, CAPACITY + DIGEST, 0];
        let words = places.map(|start| self.pack(scope, word(start)));
        let results = self.fact(scope, FactOp::Permute, &words);
        let mut permuted = state;
        for (start, word) in places.into_iter().zip(results) {
            let elements = self.unpack(scope, word);
            permuted[start..start + DIGEST].copy_from_slice(&elements);
        }
        permuted
    }
}

impl Stack {
    /// The word whose last element is `n` below the top.
    pub(super) fn word(&self, n: usize) -> Elements {
        std::array::from_fn(|j| self.peek(n + DIGEST - 1 - j))
    }
}

impl Translator<'_> {
    pub(super) fn hash_instruction(
        &mut self,
        instruction: &Instruction,
        stack: &mut Stack,
        scope: &mut Scope,
    ) {
        use Instruction as I;
        match instruction {
            I::HPerm => {
                let state = std::array::from_fn(|lane| stack.peek(WIDTH - 1 - lane));
                let permuted = self.ir.permute(scope, state);
                stack.replace(WIDTH, &permuted);
            }
            I::Hash => {
                let zero = [constant(Felt::ZERO); DIGEST];
                let length = Felt::from_usize(DIGEST);
                let digest = self.ir.digest(scope, stack.word(0), zero, length);
                stack.replace(DIGEST, &digest);
            }
            I::HMerge => {
                let digest = self.ir.merge(scope, stack.word(DIGEST), stack.word(0));
                stack.replace(2 * DIGEST, &digest);
            }
            _ => self.merkle_instruction(instruction, stack, scope),
        }
    }
}
