//! The block graphs of all regions as one: order, dominators, post-dominators.
//!
//! The graph is acyclic (that is checked first), so one pass in topological order finds the dominators: the immediate
//! dominator of a block is the lowest common ancestor, in the tree so far, of its predecessors. Trees have skew-binary
//! jump pointers, which makes every query logarithmic whatever the shape of the program.

use super::ValidateError;
use crate::code::{BlockId, Program, Terminator};

/// Blocks to which a block hands over within its frame.
pub(super) fn successors(terminator: &Terminator) -> impl Iterator<Item = BlockId> + use<> {
    let [first, second] = match *terminator {
        Terminator::Goto { block } | Terminator::Jump { block, .. } => [Some(block), None],
        Terminator::Select { nonzero, zero, .. } => [Some(nonzero), Some(zero)],
        Terminator::Branch { nonzero, zero } => [Some(nonzero.1), Some(zero.1)],
        Terminator::Enter { next, .. } => [Some(next), None],
        Terminator::EnterIf { next, skipped, .. } => [Some(next), Some(skipped)],
        Terminator::Loop { .. } | Terminator::Return { .. } | Terminator::Halt => [None, None],
    };
    first.into_iter().chain(second)
}

/// A forest over blocks with logarithmic ancestor queries.
pub(super) struct Tree {
    parent: Vec<BlockId>,
    jump: Vec<BlockId>,
    depth: Vec<u32>,
}

impl Tree {
    /// Dominators, if `order` is topological and `before` are the predecessors. All predecessors of a block must have
    /// one root.
    fn new<'a>(
        order: impl Iterator<Item = BlockId>,
        before: impl Fn(BlockId) -> &'a [BlockId],
        blocks: usize,
    ) -> Self {
        let mut tree = Self {
            parent: (0..blocks as BlockId).collect(),
            jump: (0..blocks as BlockId).collect(),
            depth: vec![0; blocks],
        };
        for block in order {
            let parent = before(block).iter().copied().reduce(|a, b| tree.meet(a, b));
            if let Some(parent) = parent {
                tree.attach(block, parent);
            }
        }
        tree
    }

    fn attach(&mut self, block: BlockId, parent: BlockId) {
        let depth = |b: BlockId| self.depth[b as usize];
        let once = self.jump[parent as usize];
        let twice = self.jump[once as usize];
        let same = depth(parent) - depth(once) == depth(once) - depth(twice);
        self.jump[block as usize] = if same { twice } else { parent };
        self.depth[block as usize] = self.depth[parent as usize] + 1;
        self.parent[block as usize] = parent;
    }

    fn climb(&self, mut block: BlockId, depth: u32) -> BlockId {
        while self.depth[block as usize] > depth {
            let jump = self.jump[block as usize];
            block = if self.depth[jump as usize] >= depth {
                jump
            } else {
                self.parent[block as usize]
            };
        }
        block
    }

    fn meet(&self, a: BlockId, b: BlockId) -> BlockId {
        let depth = self.depth[a as usize].min(self.depth[b as usize]);
        let (mut a, mut b) = (self.climb(a, depth), self.climb(b, depth));
        while a != b {
            let jumps = (self.jump[a as usize], self.jump[b as usize]);
            (a, b) = if jumps.0 == jumps.1 {
                (self.parent[a as usize], self.parent[b as usize])
            } else {
                jumps
            };
        }
        a
    }

    /// The block above `block`; a root is above itself.
    pub(super) fn parent(&self, block: BlockId) -> BlockId {
        self.parent[block as usize]
    }

    /// The child of `ancestor` that is `block` or above it.
    pub(super) fn child_towards(&self, ancestor: BlockId, block: BlockId) -> Option<BlockId> {
        let child = self.climb(block, self.depth[ancestor as usize] + 1);
        (child != ancestor && self.parent[child as usize] == ancestor).then_some(child)
    }

    /// Whether `a` is `b` or above it.
    pub(super) fn is_above(&self, a: BlockId, b: BlockId) -> bool {
        self.climb(b, self.depth[a as usize]) == a
    }
}

/// What [`Graph::new`] learns about the blocks.
pub(super) struct Graph {
    /// Topological.
    pub(super) order: Vec<BlockId>,
    pub(super) predecessors: Vec<Vec<BlockId>>,
    /// By region: the one block without successors.
    pub(super) ends: Vec<BlockId>,
    pub(super) dominators: Tree,
    pub(super) postdominators: Tree,
}

impl Graph {
    /// Checks that every region is an acyclic graph between its entry block and one end, with no other block.
    pub(super) fn new(program: &Program) -> Result<Self, ValidateError> {
        let blocks = program.blocks.len();
        let mut predecessors = vec![Vec::new(); blocks];
        let mut after = vec![Vec::new(); blocks];
        for (b, block) in program.blocks.iter().enumerate() {
            for target in successors(&block.terminator) {
                let known = program.blocks.get(target as usize);
                if known.is_none_or(|known| known.region != block.region) {
                    return Err(ValidateError::ForeignBlock {
                        block: b as BlockId,
                        target,
                    });
                }
                predecessors[target as usize].push(b as BlockId);
                after[b].push(target);
            }
        }
        for (r, region) in program.regions.iter().enumerate() {
            let entry = program.blocks.get(region.entry_block as usize);
            if entry.is_none_or(|entry| entry.region as usize != r) {
                return Err(ValidateError::EntryBlock { region: r as u32 });
            }
        }

        // Kahn's algorithm. Only entry blocks may lack predecessors, so all that is ordered is reachable.
        let mut waiting: Vec<usize> = predecessors.iter().map(Vec::len).collect();
        let mut order = Vec::with_capacity(blocks);
        for (b, block) in program.blocks.iter().enumerate() {
            let is_entry = program.regions[block.region as usize].entry_block as usize == b;
            match (waiting[b], is_entry) {
                (0, true) => order.push(b as BlockId),
                (0, false) => {
                    return Err(ValidateError::Unreachable {
                        block: b as BlockId,
                    });
                }
                _ => {}
            }
        }
        let mut done = 0;
        while let Some(&block) = order.get(done) {
            done += 1;
            for &next in &after[block as usize] {
                waiting[next as usize] -= 1;
                if waiting[next as usize] == 0 {
                    order.push(next);
                }
            }
        }
        if let Some(block) = waiting.iter().position(|&count| count > 0) {
            return Err(ValidateError::Backward {
                block: block as BlockId,
            });
        }

        let mut ends = vec![None; program.regions.len()];
        for (b, block) in program.blocks.iter().enumerate() {
            if after[b].is_empty() && ends[block.region as usize].replace(b as BlockId).is_some() {
                return Err(ValidateError::SeveralEnds {
                    region: block.region,
                });
            }
        }
        // A finite acyclic graph with an entry has an end.
        let ends = ends.into_iter().map(|end| end.expect("acyclic")).collect();
        let dominators = Tree::new(order.iter().copied(), |b| &predecessors[b as usize], blocks);
        let postdominators = Tree::new(order.iter().rev().copied(), |b| &after[b as usize], blocks);
        Ok(Self {
            order,
            predecessors,
            ends,
            dominators,
            postdominators,
        })
    }
}
