//! Merkle trees: nodes are read and replaced by effects, whose rows rely on facts about trees.
//!
//! A fact names its place by level and index, which are field elements. Down to depth 63 an index is one and is below p, so no place has
//! another one's name. At depth 64 i and i + p would be one index. So a tree of depth 64 is looked at as two of depth 32, one
//! on top of the other, with the canonical halves of the index.

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_air::code::{EffectOp, HostOp, MAX_DEPTH};
use plica_field::Felt;
use plica_hash_rpo::constants::DIGEST;

use super::build::{Scope, constant};
use super::compare::Order;
use super::hash::Elements;
use super::stack::Stack;
use super::translate::Translator;
use super::{Ir, Operand, Trap};
use crate::syntax::Instruction;

/// Depth of the deepest tree.
const DEEPEST: u64 = MAX_DEPTH + 1;
/// Depth of each half of it.
const HALF: u64 = DEEPEST / 2;

/// A place in a tree whose root is a word, and what may be put there, also a word.
#[derive(Clone, Copy, Debug)]
struct Place {
    root: Operand,
    depth: Operand,
    index: Operand,
    new: Option<Operand>,
}

/// The node at a place, and the root of the tree in which it was replaced, if it was.
type Found = Vec<Operand>;

impl Translator<'_> {
    pub(super) fn merkle_instruction(
        &mut self,
        instruction: &Instruction,
        stack: &mut Stack,
        scope: &mut Scope,
    ) {
        use Instruction as I;
        match *instruction {
            I::MTreeGet => {
                let place = self.place(stack, scope, 0);
                let found = self.look(scope, place);
                let node = self.ir.unpack(scope, found[0]);
                let root = stack.word(2);
                stack.replace(6, &[root, node].concat());
            }
            I::MTreeSet => {
                let mut place = self.place(stack, scope, 0);
                place.new = Some(self.ir.pack(scope, stack.word(6)));
                let found = self.look(scope, place);
                let [old, root] = [found[0], found[1]].map(|word| self.ir.unpack(scope, word));
                stack.replace(10, &[root, old].concat());
            }
            I::MTreeVerify(code) => {
                let place = self.place(stack, scope, 4);
                let found = self.look(scope, place);
                let node = self.ir.unpack(scope, found[0]);
                self.expect(scope, node, stack.word(0), Trap::MerklePath { code });
            }
            I::MTreeMerge => {
                let [left, right] = [stack.word(DIGEST), stack.word(0)];
                // Only the host needs to know.
                let operands = [left, right].concat();
                self.ir.host(scope, HostOp::JoinNodes, &operands);
                let parent = self.ir.merge(scope, left, right);
                stack.replace(2 * DIGEST, &parent);
            }
            ref other => unreachable!("{other:?} is about no tree"),
        }
    }

    /// `[d, i, R, ..]`, below `n` items.
    fn place(&mut self, stack: &Stack, scope: &mut Scope, n: usize) -> Place {
        Place {
            root: self.ir.pack(scope, stack.word(n + 2)),
            depth: stack.peek(n),
            index: stack.peek(n + 1),
            new: None,
        }
    }

    fn expect(&mut self, scope: &mut Scope, found: Elements, expected: Elements, trap: Trap) {
        for (found, expected) in found.into_iter().zip(expected) {
            self.ir.assert_equal(scope, found, expected, trap);
        }
    }

    /// Reads or replaces a node at any depth.
    fn look(&mut self, scope: &mut Scope, place: Place) -> Found {
        match place.depth {
            Operand::Const(depth) => match depth.as_canonical_u64() {
                DEEPEST => self.ir.look_deepest(scope, place),
                _ => self.ir.look(scope, place),
            },
            Operand::Value(_) => {
                let depth = self.u32_or(place.depth, Trap::MerklePlace, scope);
                let place = Place { depth, ..place };
                let deepest = constant(Felt::from_u64(DEEPEST));
                let fits = self.ir.compare(scope, Order::Lte, depth, deepest);
                let one = constant(Felt::ONE);
                self.ir.assert_equal(scope, fits, one, Trap::MerklePlace);
                let is_deepest = self.ir.equals(scope, depth, deepest);
                let cond = is_deepest.value().expect("the depth is no constant");
                let mut branches = [Scope::new(scope.origin), Scope::new(scope.origin)];
                let found = [
                    self.ir.look_deepest(&mut branches[0], place),
                    self.ir.look(&mut branches[1], place),
                ];
                let pairs = found[0].iter().copied().zip(found[1].iter().copied());
                let [then, otherwise] = branches.map(|branch| branch.stmts);
                self.ir
                    .branch(scope, cond, then, otherwise, pairs.collect())
            }
        }
    }
}

/// Whether this is a look at a depth that no row has. It may become one where a procedure is copied to its call.
pub(super) fn is_no_place(op: EffectOp, operands: &[Operand]) -> bool {
    match (op, operands.get(EffectOp::DEPTH)) {
        (EffectOp::ReadNode | EffectOp::ReplaceNode, Some(Operand::Const(depth))) => {
            !(1..=MAX_DEPTH).contains(&depth.as_canonical_u64())
        }
        _ => false,
    }
}

impl Ir {
    /// Reads or replaces a node at a depth below 64; there is none at depth 0.
    fn look(&mut self, scope: &mut Scope, place: Place) -> Found {
        let operands = [place.root, place.depth, place.index];
        match place.new {
            Some(new) => {
                let operands = [&operands[..], &[new]].concat();
                self.effect(scope, EffectOp::ReplaceNode, &operands)
            }
            None => self.effect(scope, EffectOp::ReadNode, &operands),
        }
    }

    /// The same at depth 64: the root of the lower half is a node of the upper one.
    fn look_deepest(&mut self, scope: &mut Scope, place: Place) -> Found {
        let [low, high] = self.split(scope, place.index);
        let depth = constant(Felt::from_u64(HALF));
        let upper = Place {
            depth,
            index: high,
            new: None,
            ..place
        };
        let root = self.look(scope, upper)[0];
        let lower = Place {
            root,
            depth,
            index: low,
            ..place
        };
        let mut found = self.look(scope, lower);
        if let Some(new) = found.get_mut(1) {
            let upper = Place {
                new: Some(*new),
                ..upper
            };
            *new = self.look(scope, upper)[1];
        }
        found
    }
}
