//! Merkle trees: paths from a node up to the root.
//!
//! The host knows the trees. It puts the path on the advice stack, from where it is taken at once: siblings from the node upwards,
//! the node itself in front of them where the program asks for it. Nothing of that is trusted: what is hashed from it must be the root.
//!
//! An index has one decomposition into bits, since it is taken from the canonical halves of the index and nothing may
//! remain behind the last bit. Were it a sum of bits in the field instead, i and i + p would be one index at depth 64.

use p3_field::PrimeCharacteristicRing;
use plica_air::code::{ADVICE_VALUES, EffectOp, FactOp, HostOp, Type};
use plica_field::Felt;
use plica_hash_rpo::constants::DIGEST;

use super::build::{Scope, constant};
use super::compare::Order;
use super::hash::Elements;
use super::stack::Stack;
use super::translate::Translator;
use super::{End, Ir, Operand, Region, Trap};
use crate::syntax::Instruction;

/// Depth of the deepest tree.
const MAX_DEPTH: u64 = 64;
/// Levels whose sides are the bits of one half of the index.
const HALF: u64 = 32;

/// What is the matter if the circuit finds that a place is none, which the host finds first.
const NO_PLACE: Trap = Trap::MerklePath { code: 0 };

/// A place in a tree, as an instruction has it on the stack: `[d, i, R, ..]`.
#[derive(Clone, Copy, Debug)]
struct Place {
    depth: Operand,
    index: Operand,
    root: Elements,
}

impl Place {
    /// The place whose depth is item `n` of the stack.
    fn on(stack: &Stack, n: usize) -> Self {
        Self {
            depth: stack.peek(n),
            index: stack.peek(n + 1),
            root: stack.word(n + 2),
        }
    }

    /// The operands of the host's actions.
    fn operands(&self) -> Vec<Operand> {
        [&[self.depth, self.index], self.root.as_slice()].concat()
    }
}

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
                let place = Place::on(stack, 0);
                self.ir.push_path(scope, &place, true);
                let node = self.ir.advice_word(scope);
                self.climb(scope, &place, &[node], NO_PLACE);
                let node = self.ir.unpack(scope, node);
                stack.replace(6, &[place.root, node].concat());
            }
            I::MTreeSet => {
                let place = Place::on(stack, 0);
                let new = stack.word(6);
                self.ir.push_path(scope, &place, true);
                let operands = [place.operands(), new.to_vec()].concat();
                self.ir.host(scope, HostOp::ReplaceNode, &operands);
                let old = self.ir.advice_word(scope);
                let new = self.ir.pack(scope, new);
                // One path with both nodes, so that nothing but the node changes.
                let roots = self.climb(scope, &place, &[old, new], NO_PLACE);
                let [old, root] = [old, roots[1]].map(|word| self.ir.unpack(scope, word));
                stack.replace(10, &[root, old].concat());
            }
            I::MTreeVerify(code) => {
                let place = Place::on(stack, 4);
                let node = stack.word(0);
                self.ir.push_path(scope, &place, false);
                let node = self.ir.pack(scope, node);
                self.climb(scope, &place, &[node], Trap::MerklePath { code });
            }
            I::MTreeMerge => {
                let [left, right] = [stack.word(DIGEST), stack.word(0)];
                let operands = [left, right].concat();
                self.ir.host(scope, HostOp::JoinNodes, &operands);
                let parent = self.ir.merge(scope, left, right);
                stack.replace(2 * DIGEST, &parent);
            }
            ref other => unreachable!("{other:?} is about no tree"),
        }
    }

    /// The roots of the trees that have one of `nodes` each at this place, and are otherwise alike. The first must be that of
    /// the place.
    fn climb(
        &mut self,
        scope: &mut Scope,
        place: &Place,
        nodes: &[Operand],
        trap: Trap,
    ) -> Vec<Operand> {
        let mut nodes = nodes.to_vec();
        match place.depth {
            Operand::Const(depth) => match constant_depth(depth) {
                Some(depth) => {
                    for side in self.sides(place.index, depth, scope) {
                        self.ir.level(scope, &mut nodes, side);
                    }
                }
                None => self.ir.fail(scope, NO_PLACE),
            },
            Operand::Value(_) => self.climb_loops(scope, place, &mut nodes),
        }
        let found = self.ir.unpack(scope, nodes[0]);
        for (element, root) in found.into_iter().zip(place.root) {
            self.ir.assert_equal(scope, element, root, trap);
        }
        nodes
    }

    /// On which side the node and its ancestors are, the node first: the bits of the index, which has no others.
    fn sides(&mut self, index: Operand, depth: u8, scope: &mut Scope) -> Vec<Operand> {
        match depth {
            1 => vec![self.boolean(index, scope)],
            _ => self.bounded_digits(index, depth, NO_PLACE, scope),
        }
    }

    /// The same for a depth that is known when the program runs: a loop over the lower half of the index, and one over the
    /// upper half, which is skipped at depth 32 and less.
    fn climb_loops(&mut self, scope: &mut Scope, place: &Place, nodes: &mut Vec<Operand>) {
        let depth = self.u32_or(place.depth, NO_PLACE, scope);
        let ir = &mut self.ir;
        let is_zero = ir.equals_constant(scope, depth, Felt::ZERO);
        ir.assert_equal(scope, is_zero, constant(Felt::ZERO), NO_PLACE);
        let deepest = constant(Felt::from_u64(MAX_DEPTH));
        let fits = ir.compare(scope, Order::Lte, depth, deepest);
        ir.assert_equal(scope, fits, constant(Felt::ONE), NO_PLACE);

        // The levels of the loops: min(depth, 32), and the others.
        let half = constant(Felt::from_u64(HALF));
        let difference = ir.fact(scope, FactOp::U32Sub, &[depth, half]);
        let negated = ir.product(scope, difference[1], difference[0], Felt::NEG_ONE);
        let upper = ir.affine(scope, negated, Felt::NEG_ONE, Felt::ZERO);
        let lower = ir.sum(scope, depth, negated, Felt::ONE);
        let is_low = ir.equals_constant(scope, upper, Felt::ZERO);
        let is_high = ir.not(scope, is_low);

        let [low, high] = ir.split(scope, place.index);
        ir.levels(scope, None, lower, low, nodes);
        ir.levels(scope, Some(is_high), upper, high, nodes);
    }
}

/// A depth at which a tree can have nodes.
fn constant_depth(depth: Felt) -> Option<u8> {
    use p3_field::PrimeField64;
    let depth = depth.as_canonical_u64();
    (1..=MAX_DEPTH).contains(&depth).then_some(depth as u8)
}

impl Ir {
    fn push_path(&mut self, scope: &mut Scope, place: &Place, with_node: bool) {
        let op = HostOp::PushPath { node: with_node };
        self.host(scope, op, &place.operands());
    }

    /// The next word of the advice.
    fn advice_word(&mut self, scope: &mut Scope) -> Operand {
        let count = ADVICE_VALUES as u8;
        self.effect(scope, EffectOp::Advice { count }, &[])[0]
    }

    /// Goes from nodes to their parents: the sibling, of which there is one for all of them, is next in the advice.
    fn level(&mut self, scope: &mut Scope, nodes: &mut [Operand], side: Operand) {
        let sibling = self.advice_word(scope);
        for node in nodes {
            let children = match side {
                Operand::Const(side) if side == Felt::ZERO => [*node, sibling],
                Operand::Const(_) => [sibling, *node],
                Operand::Value(side) => {
                    let pairs = vec![(sibling, *node), (*node, sibling)];
                    let chosen = self.branch(scope, side, Vec::new(), Vec::new(), pairs);
                    [chosen[0], chosen[1]]
                }
            };
            let [left, right] = children;
            let zero = constant(Felt::ZERO);
            *node = self.fact(scope, FactOp::Merge, &[left, right, zero, zero])[0];
        }
    }

    /// Goes up `count` levels, which is not zero if `cond` is 1 or absent, by the bits of `index`, which must have no others.
    fn levels(
        &mut self,
        scope: &mut Scope,
        cond: Option<Operand>,
        count: Operand,
        index: Operand,
        nodes: &mut Vec<Operand>,
    ) {
        let origin = scope.origin;
        let types = [Type::Felt, Type::U32].into_iter();
        let types = types.chain(nodes.iter().map(|_| Type::Word));
        let params: Vec<_> = types
            .map(|ty| {
                let param = self.new_value();
                self.values[param.index()].ty = ty;
                param
            })
            .collect();
        let mut body = Scope::new(origin);
        let mut inside: Vec<Operand> = params.iter().map(|&v| Operand::Value(v)).collect();
        let known = self.values.len();
        let operands = [inside[1], constant(Felt::TWO)];
        let halved = self.fact(&mut body, FactOp::U32Div, &operands);
        let side = self.mark_boolean(known, halved[1]);
        self.level(&mut body, &mut inside[2..], side);
        inside[1] = halved[0];
        inside[0] = self.affine(&mut body, inside[0], Felt::ONE, Felt::NEG_ONE);
        let done = self.equals_constant(&mut body, inside[0], Felt::ZERO);
        let again = self.not(&mut body, done);
        let region = self.add_region(Region {
            params,
            body: body.stmts,
            end: End::Loop {
                cond: again,
                next: inside,
            },
            origin,
            // At most.
            trip_count: Some(HALF),
        });
        let init = [&[count, index], nodes.as_slice()].concat();
        let all: Vec<usize> = (0..init.len()).collect();
        let results = self.enter_loop(scope, cond, region, &init, &all, &all[1..]);
        let zero = constant(Felt::ZERO);
        self.assert_equal(scope, results[0], zero, NO_PLACE);
        *nodes = results[1..].to_vec();
    }
}
