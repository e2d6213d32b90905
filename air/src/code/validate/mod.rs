//! The validator: rule R7 of the soundness argument, for the program table that a key commits to.
//!
//! Cells have no times: a prover may add any row whose operands exist, in any frame. That every cell has one value,
//! and that no value supports itself, is therefore a property of the *program table*, and the verifier never checks
//! it. [`validate()`] does, once, when a key is made. The schedule (blocks, regions, terminators) is only the witness:
//! it says in which order the table is meant, and the validator checks that the table leaves no other reading.
//!
//! # What is checked, and what it prevents
//! | check | without it |
//! |---|---|
//! | every entry stands at one place of the schedule | a prover instantiates an entry that the rest knows nothing of |
//! | blocks of a region are acyclic, between one entry and one end | a pc runs twice in a frame: two handles, two frames under one name |
//! | pcs are unique, and lead where the schedule goes | the chain skips an assertion, or two ordered rows compete for a step |
//! | paired rows (branch, conditional entry, loop end) test the same value | both rows of a pair are possible, the prover chooses |
//! | a region is entered by its own kind of row; loops from one place | a loop body leaves to another caller; two exits give one link cell |
//! | ids have one provider, or providers that exclude one another | one cell with two values |
//! | results do not overlap each other or the ids that follow from pcs | the same, through the second lane of a bundle |
//! | a definition lies on every path to its use | a value from the future, or two facts that support each other |
//! | a join is read only behind both of its sides | two joins with different keys support each other |
//! | the key of a join follows from the value that the branch tests | the chain takes one side, the cell the value of the other |
//! | links are named by rows that open or leave frames, never computed | reading the frame of another activation |
//! | a pull reads cells that lie on every path through the left region | a fact of a branch that did not run |
//! | a push goes through the handle of the row in front of it | every iteration of a loop delivers the result, not the last |
//! | operands have the type that their chip relies on | a u32 chip computes with 2^32 + 1: a division with two results |
//! | every instruction reads a cell | it has rows in frames that were never opened |
//! | outputs are defined in the root on every path to the halt | the statement is about a cell that nothing vouches for |
//! | inversions are read by the chain whenever they run (R9) | a division by zero has no row, and nobody misses it |
//!
//! Flags, classes and shapes are in range because [`Entry`] cannot express others.
//!
//! # Why that is enough
//! Order the cells of a frame by the place of their definition (a join counts where its sides meet). Every fact then
//! has its operands before itself; a pulled cell belongs to a frame that was left before, a parameter to one that was
//! opened later than its source was defined. So support is well-founded: by induction along the chain, each cell that
//! exists has the one value that its only open provider gives it, and frames that were never opened are empty, as no
//! instruction is without an operand.

mod anchor;
mod cells;
mod flow;
mod gates;
mod graph;
mod types;

use super::{BlockId, CellId, Entry, Pc, Program, RegionId, Type};
use cells::Cells;
use flow::Flow;
use graph::Graph;

/// Why a program is not sound, or not in the form that the validator understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidateError {
    #[error("region {region}: the root is region 0, and no other")]
    Root { region: RegionId },
    #[error("block {block} belongs to region {region}, which does not exist")]
    UnknownRegion { block: BlockId, region: RegionId },
    #[error("block {block} names entry {entry}, beyond the end of the table")]
    UnknownEntry { block: BlockId, entry: u32 },
    #[error("entry {entry} is used at more than one place")]
    SharedEntry { entry: u32 },
    #[error("entry {entry} is used nowhere")]
    OrphanEntry { entry: u32 },
    #[error("block {block}: entry {entry} cannot stand where it does")]
    Misplaced { block: BlockId, entry: u32 },
    #[error("block {block} continues in block {target}, which is not in its region")]
    ForeignBlock { block: BlockId, target: BlockId },
    #[error("region {region} does not start with a block of its own")]
    EntryBlock { region: RegionId },
    #[error("block {block} cannot be reached")]
    Unreachable { block: BlockId },
    #[error("block {block} lies on a cycle: going back means opening a frame")]
    Backward { block: BlockId },
    #[error("region {region} ends at more than one place")]
    SeveralEnds { region: RegionId },
    #[error("block {block} ends its region in the manner of another kind")]
    WrongEnd { block: BlockId },
    #[error("block {block} may not enter region {region}")]
    WrongEntry { block: BlockId, region: RegionId },
    #[error("loop region {region} is entered from more than one place")]
    SeveralEntries { region: RegionId },
    #[error("nothing that runs enters region {region}")]
    NeverEntered { region: RegionId },
    #[error("block {block}: the rows that end it do not belong together")]
    Mismatch { block: BlockId },
    #[error("entry {entry} has pc {pc}, which is out of range")]
    PcRange { entry: u32, pc: Pc },
    #[error("entry {entry} has pc {pc}, which another entry has")]
    SharedPc { entry: u32, pc: Pc },
    #[error("the halt, pc {pc}, is out of range")]
    HaltRange { pc: Pc },
    #[error("block {block} is reached by pc {found}, but continues with pc {expected}")]
    Target {
        block: BlockId,
        found: Pc,
        expected: Pc,
    },
    #[error("block {block} chooses without a row between code at pc {0} and at pc {1}", .pcs[0], .pcs[1])]
    Undecided { block: BlockId, pcs: [Pc; 2] },
    #[error("region {region} is entered at pc {found}, but starts with pc {expected}")]
    EntryPc {
        region: RegionId,
        found: Pc,
        expected: Pc,
    },
    #[error("entry {entry} provides cell {cell}, which is not for results")]
    Reserved { entry: u32, cell: CellId },
    #[error("entry {entry} provides cell {cell}, which another entry provides")]
    SharedCell { entry: u32, cell: CellId },
    #[error(
        "entry {entry} is a side of a join whose sides do not exclude each other or do not meet"
    )]
    Join { entry: u32 },
    #[error(
        "entry {entry} is a side of a join, but its key does not follow from the branch before it"
    )]
    Gate { entry: u32 },
    #[error(
        "cell {cell} is pushed by some of the rows that open region {region}, but not once by each"
    )]
    PushMissing { region: RegionId, cell: CellId },
    #[error(
        "entry {entry} pushes through cell {cell}, which is not the handle of the frame being opened"
    )]
    PushKey { entry: u32, cell: CellId },
    #[error("block {block} reads cell {cell}, which nothing provides")]
    Unknown { block: BlockId, cell: CellId },
    #[error("block {block} reads cell {cell} of another region")]
    ForeignCell { block: BlockId, cell: CellId },
    #[error("block {block} reads cell {cell}, which is not defined on every path to it")]
    Undefined { block: BlockId, cell: CellId },
    #[error("block {block} uses cell {cell}, a link, as a value")]
    LinkAsValue { block: BlockId, cell: CellId },
    #[error("block {block} uses cell {cell}, a value, as a link")]
    ValueAsLink { block: BlockId, cell: CellId },
    #[error("entry {entry} has constants where it may not, of the wrong type, or nothing else")]
    Malformed { entry: u32 },
    #[error("entry {entry} reads cell {cell} as {wanted:?}, which is {found:?}")]
    Type {
        entry: u32,
        cell: CellId,
        wanted: Type,
        found: Type,
    },
    #[error("output cell {cell} is a word")]
    WordOutput { cell: CellId },
    #[error("output cell {cell} is not provided")]
    NoOutput { cell: CellId },
    #[error("entry {entry} may fail, but nothing that runs whenever it does reads its result")]
    Unanchored { entry: u32 },
}

/// Checks rule R7: whatever rows a prover builds from the table, they behave as the schedule says.
///
/// Takes time O(n log n) and no recursion, whatever the program.
///
/// # Errors
/// The first violation found.
pub fn validate(program: &Program) -> Result<(), ValidateError> {
    places(program)?;
    let graph = Graph::new(program)?;
    let flow = Flow::check(program, &graph)?;
    let cells = Cells::define(program, &graph, &flow)?;
    cells.check_reads()?;
    gates::check(program, &graph, &cells.joins)?;
    types::check(program)?;
    anchor::check(program, &graph)
}

/// Every entry at exactly one place of the schedule, of the class that belongs there.
fn places(program: &Program) -> Result<(), ValidateError> {
    use super::{CopyKind, RegionKind, Terminator};
    use ValidateError as E;

    if program.regions.is_empty() {
        return Err(E::Root { region: 0 });
    }
    for (r, region) in program.regions.iter().enumerate() {
        let is_root = matches!(region.kind, RegionKind::Root);
        if is_root != (r == Program::ROOT as usize) {
            return Err(E::Root { region: r as u32 });
        }
    }
    let mut used = vec![false; program.entries.len()];
    for (b, block) in program.blocks.iter().enumerate() {
        let b = b as BlockId;
        if block.region as usize >= program.regions.len() {
            return Err(E::UnknownRegion {
                block: b,
                region: block.region,
            });
        }
        let mut take = |entry: u32, fits: &dyn Fn(&Entry) -> bool| {
            let slot = used.get_mut(entry as usize);
            let slot = slot.ok_or(E::UnknownEntry { block: b, entry })?;
            if std::mem::replace(slot, true) {
                return Err(E::SharedEntry { entry });
            }
            if !fits(&program.entries[entry as usize]) {
                return Err(E::Misplaced { block: b, entry });
            }
            Ok(())
        };
        for entry in block.entries.clone() {
            take(entry, &|e| match e {
                Entry::Arith(_)
                | Entry::Single(_)
                | Entry::Inverse(_)
                | Entry::Fact(_)
                | Entry::Effect(_)
                | Entry::Assert(_) => true,
                Entry::Copy(copy) => copy.kind != CopyKind::Push,
                Entry::Frame(_) | Entry::Leave(_) => false,
            })?;
        }
        let is_push = |e: &Entry| matches!(e, Entry::Copy(copy) if copy.kind == CopyKind::Push);
        for entry in block.pushes.clone() {
            take(entry, &is_push)?;
        }
        let is_frame = |e: &Entry| matches!(e, Entry::Frame(_));
        let is_leave = |e: &Entry| matches!(e, Entry::Leave(_));
        let opens = match block.terminator {
            Terminator::Goto { .. } | Terminator::Select { .. } | Terminator::Halt => false,
            Terminator::Branch { nonzero, zero } => {
                take(nonzero.0, &is_leave)?;
                take(zero.0, &is_leave)?;
                false
            }
            Terminator::Jump { entry, .. } | Terminator::Return { entry } => {
                take(entry, &is_leave)?;
                false
            }
            Terminator::Enter { entry, .. } => {
                take(entry, &is_frame)?;
                true
            }
            Terminator::EnterIf { entry, skip, .. } => {
                take(entry, &is_frame)?;
                take(skip, &is_leave)?;
                true
            }
            Terminator::Loop { back, exit } => {
                take(back, &is_frame)?;
                take(exit, &is_leave)?;
                true
            }
        };
        if !opens && let Some(entry) = block.pushes.clone().next() {
            return Err(E::Misplaced { block: b, entry });
        }
    }
    match used.iter().position(|&used| !used) {
        Some(entry) => Err(E::OrphanEntry {
            entry: entry as u32,
        }),
        None => Ok(()),
    }
}
