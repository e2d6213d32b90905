//! What an execution leaves behind: the values of all frames, and which blocks ran in which frame.
//!
//! Rows of all chips follow from it and from the program, each independent of the others.

use p3_field::PrimeCharacteristicRing;
use plica_field::{Ext, Felt, Word, coefficients};

use crate::code::{BlockId, Pc, RegionId, STACK_SIZE};

/// Index of a frame in [`Execution::frames`].
pub type FrameIndex = u32;

/// One activation of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    pub region: RegionId,
    /// Clock of the row that opened it; 0 for the root.
    pub name: u64,
    /// First value in [`Execution::values`].
    pub base: usize,
    /// Where it returns to.
    pub parent: FrameIndex,
    pub return_pc: Pc,
}

/// One execution of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub frame: FrameIndex,
    pub block: BlockId,
    /// Clock at its first ordered entry.
    pub clk: u64,
    /// What the terminator did.
    pub outcome: Outcome,
}

/// The word at an address, and the clock of the access that left it there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    pub word: Word,
    pub clk: u64,
}

/// An access to memory: what it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    pub clk: u64,
    pub found: Remembered,
}

/// An address of the memory, and what the last access left there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    pub context: u64,
    pub address: u32,
    pub left: Remembered,
}

impl Touched {
    /// Context and address.
    pub fn place(&self) -> [u64; 2] {
        [self.context, u64::from(self.address)]
    }
}

/// A step of the way down a Merkle tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    pub node: Word,
    /// The other child of the parent.
    pub sibling: Word,
    /// Whether the node is the right one of the two.
    pub is_right: bool,
}

impl Level {
    /// Both children of the parent, the left one first.
    pub const fn children(&self) -> [Word; 2] {
        if self.is_right {
            [self.sibling, self.node]
        } else {
            [self.node, self.sibling]
        }
    }
}

/// The way from a root to a node, which is on the last level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreePath {
    pub root: Word,
    pub levels: Vec<Level>,
}

/// A look at a Merkle tree: the way to the node, and the same way in the tree in which it was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeAccess {
    pub path: TreePath,
    pub replaced: Option<TreePath>,
}

/// Where the sums of a message are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Point {
    /// Challenge of the elements of a block.
    pub a: Ext,
    /// Challenge of the blocks.
    pub m: Ext,
    /// Base point.
    pub x: Felt,
}

impl Point {
    /// The sums s and u with one block more: s·m + Σⱼ a^(n−1−j)·vⱼ and u·X + Σⱼ x^(n−1−j)·vⱼ.
    #[inline]
    pub fn step(&self, [s, u]: [Ext; 2], block: &[Felt]) -> [Ext; 2] {
        let (mut own, mut value) = (Ext::ZERO, Felt::ZERO);
        for &v in block {
            own = own * self.a + v;
            value = value * self.x + v;
        }
        let [u0, u1, u2] = coefficients(u);
        // X·(u₀ + u₁X + u₂X²) = u₂ + (u₀ + u₂)X + u₁X²
        let u = Ext::new([u2 + value, u0 + u2, u1]);
        [s * self.m + own, u]
    }
}

/// The sums of a message were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SumAccess {
    /// Clock of the row that asked.
    pub clk: u64,
    /// Which of [`Execution::messages`].
    pub message: usize,
    pub point: Point,
}

/// What the terminator of a block did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The only possibility.
    Next,
    /// Opened this frame.
    Opened(FrameIndex),
    /// A branch on a value other than zero.
    NonZero,
    /// A branch on zero, a loop not entered, a loop left.
    Zero,
}

/// A complete, accepted execution.
///
/// A link (handle or exit link) is stored as the index of the frame it names.
#[derive(Clone, Debug)]
pub struct Execution {
    pub frames: Vec<Frame>,
    pub values: Vec<Felt>,
    pub steps: Vec<Step>,
    /// By clock.
    pub accesses: Vec<Access>,
    /// By place, each once.
    pub touched: Vec<Touched>,
    /// In no order that matters.
    pub trees: Vec<TreeAccess>,
    /// Messages of whose blocks there are sums, each once.
    pub messages: Vec<Vec<Felt>>,
    /// By clock.
    pub sums: Vec<SumAccess>,
    /// Clock at the halt.
    pub clk: u64,
    /// Top of the stack first.
    pub inputs: [Felt; STACK_SIZE],
    pub outputs: [Felt; STACK_SIZE],
}

impl Execution {
    /// The public values in the order of the boundary chip.
    pub fn public_values(&self) -> Vec<Felt> {
        self.inputs.iter().chain(&self.outputs).copied().collect()
    }
}
