//! Hashing and Merkle trees.

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_field::Felt;
use plica_hash_rpo::{State, hash_elements, merge, permute};
use plica_vm::syntax::Instruction;

use super::{Machine, Result, fail};
use crate::support::Failure;

impl Machine<'_> {
    /// The hasher's state in the top twelve items: its first element is the deepest.
    pub(super) fn hasher_state(&self) -> State {
        std::array::from_fn(|i| self.peek(11 - i))
    }

    pub(super) fn hash_instruction(&mut self, instruction: &Instruction) -> Result<()> {
        use Instruction as I;
        match *instruction {
            I::HPerm => {
                let mut state = self.hasher_state();
                permute(&mut state);
                self.replace(12, &state);
            }
            I::Hash => {
                let digest = hash_elements(&self.peek_word(0));
                self.replace(4, &digest);
            }
            I::HMerge => {
                let digest = merge([self.peek_word(4), self.peek_word(0)]);
                self.replace(8, &digest);
            }
            I::MTreeGet => {
                let (depth, index) = self.node_position(0)?;
                let root = self.peek_word(2);
                let node = self.advice.store.node(root, depth, index)?;
                self.replace(6, &[root, node].concat());
            }
            I::MTreeSet => {
                let (depth, index) = self.node_position(0)?;
                let (root, new) = (self.peek_word(2), self.peek_word(6));
                let old = self.advice.store.node(root, depth, index)?;
                let root = self.advice.store.update(root, depth, index, new)?;
                self.replace(10, &[root, old].concat());
            }
            I::MTreeMerge => {
                let (left, right) = (self.peek_word(4), self.peek_word(0));
                let parent = self.advice.store.join(left, right);
                self.replace(8, &parent);
            }
            I::MTreeVerify(code) => {
                let (depth, index) = self.node_position(4)?;
                let node = self.advice.store.node(self.peek_word(6), depth, index)?;
                if node != self.peek_word(0) {
                    return fail(Failure::MerkleVerify(code));
                }
            }
            ref other => unreachable!("{other:?}"),
        }
        Ok(())
    }

    /// `[d, i, ..]` of the instructions that need a path: there is none to the root itself.
    fn node_position(&self, at: usize) -> Result<(u64, u64)> {
        let [depth, index] = [self.peek(at), self.peek(at + 1)];
        if depth == Felt::ZERO {
            return fail(Failure::MerkleLookup);
        }
        Ok((depth.as_canonical_u64(), index.as_canonical_u64()))
    }
}
