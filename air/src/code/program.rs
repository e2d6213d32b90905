//! Programs: the table, and the schedule by which a processor runs it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Action, CellId, Entry, Pc};

pub type BlockId = u32;
pub type RegionId = u32;

/// What kind of frame a region runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegionKind {
    Root,
    /// A loop body; exactly one region encloses it.
    Loop {
        parent: RegionId,
    },
    Procedure,
}

/// Code that runs in one kind of frame.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Region {
    pub kind: RegionKind,
    /// Pc at which frames of this region start; its parameters are named after it.
    pub entry_pc: Pc,
    pub entry_block: BlockId,
    /// For reports: procedure or loop, with its place in the source.
    pub name: String,
}

/// How a block ends. Entry indices point into [`Program::entries`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Terminator {
    /// Continue in the same frame; nothing is recorded.
    Goto {
        block: BlockId,
    },
    /// A branch without effects: the machine has no control flow here, only gates at the join.
    Select {
        cond: CellId,
        nonzero: BlockId,
        zero: BlockId,
    },
    /// A branch with effects; both rows are entries of the leave chip.
    Branch {
        nonzero: (u32, BlockId),
        zero: (u32, BlockId),
    },
    /// An unconditional jump row.
    Jump {
        entry: u32,
        block: BlockId,
    },
    /// Opens a frame of `region` (call, or entry of a loop) and continues at `next` when it is left.
    Enter {
        entry: u32,
        region: RegionId,
        next: BlockId,
    },
    /// The same if the tested value is non-zero, otherwise the branch row `skip` leads to `skipped`.
    EnterIf {
        entry: u32,
        region: RegionId,
        skip: u32,
        next: BlockId,
        skipped: BlockId,
    },
    /// End of a loop body: next iteration or exit.
    Loop {
        back: u32,
        exit: u32,
    },
    Return {
        entry: u32,
    },
    Halt,
}

/// Entries evaluated one after the other, and what follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    pub region: RegionId,
    /// Indices into [`Program::entries`]: bundles, copies, assertions.
    pub entries: Range<u32>,
    /// Copies pushed into the frame that the terminator opens (for a loop: only if it goes on).
    pub pushes: Range<u32>,
    pub terminator: Terminator,
}

/// A program of the machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Program {
    pub entries: Vec<Entry>,
    pub blocks: Vec<Block>,
    pub regions: Vec<Region>,
    /// What the host does, in the order of the schedule.
    pub actions: Vec<Action>,
    /// The pc at which the execution starts, in frame 0.
    pub entry: Pc,
    /// The pc at which it ends, in frame 0.
    pub halt: Pc,
}

impl Program {
    /// Region of the root frame.
    pub const ROOT: RegionId = 0;
}
