//! Control flow: what the pcs of the table say, against what the schedule says.
//!
//! A chain of ordered rows can only follow pcs. The checks here make it follow the schedule: every pc belongs to one
//! row (or to the two rows of a decision that exclude each other), rows of one block have consecutive pcs, and every
//! target is the pc of the next ordered row on the path that the schedule takes. Regions are entered and left only by
//! rows of their own kind, so that the frame a row runs in is always one of its region.

use std::collections::HashSet;

use super::graph::Graph;
use super::{BlockId, CellId, Entry, Pc, Program, RegionId, ValidateError as E};
use crate::code::{FIRST_PC, FrameEntry, LeaveEntry, PC_STRIDE, RegionKind, Terminator};
use plica_field::Felt;

/// A row that opens frames.
#[derive(Clone, Copy)]
pub(super) struct Opener {
    pub(super) block: BlockId,
    pub(super) pc: Pc,
    pub(super) back: bool,
}

pub(super) struct Flow {
    /// By region: the rows that open its frames.
    pub(super) openers: Vec<Vec<Opener>>,
    /// By loop region: pc of the exit.
    pub(super) exits: Vec<Option<Pc>>,
}

impl Flow {
    /// Checks the control flow.
    pub(super) fn check(program: &Program, graph: &Graph) -> Result<Self, E> {
        pcs(program)?;
        ends(program, graph)?;
        let openers = openers(program)?;
        let next = next_pcs(program, graph)?;
        for (r, region) in program.regions.iter().enumerate() {
            let expected = next[region.entry_block as usize];
            let found = region.entry_pc;
            // Also for the root: nobody may enter it, but its parameter ids follow from this pc.
            if found != expected {
                return Err(E::EntryPc {
                    region: r as RegionId,
                    found,
                    expected,
                });
            }
        }
        let start = program.regions[Program::ROOT as usize].entry_pc;
        if program.entry != start {
            return Err(E::EntryPc {
                region: Program::ROOT,
                found: program.entry,
                expected: start,
            });
        }
        let mut exits = vec![None; program.regions.len()];
        for (b, block) in program.blocks.iter().enumerate() {
            targets(program, &next, b as BlockId)?;
            if let Terminator::Loop { exit, .. } = block.terminator {
                exits[block.region as usize] = program.entries[exit as usize].pc();
            }
        }
        Ok(Self { openers, exits })
    }
}

/// The pc at which the rows of a terminator stand.
fn terminator_pc(program: &Program, terminator: &Terminator) -> Option<Pc> {
    let row = match *terminator {
        Terminator::Goto { .. } | Terminator::Select { .. } | Terminator::Halt => return None,
        Terminator::Branch { nonzero, .. } => nonzero.0,
        Terminator::Jump { entry, .. }
        | Terminator::Enter { entry, .. }
        | Terminator::EnterIf { entry, .. }
        | Terminator::Return { entry } => entry,
        Terminator::Loop { back, .. } => back,
    };
    program.entries[row as usize].pc()
}

/// Unique pcs in range. The second row of a decision shares its pc with the first, which [`decision`] checks.
fn pcs(program: &Program) -> Result<(), E> {
    let halt = program.halt;
    // The id ranges behind all pcs must exist, and every pc belongs to an entry.
    let last = FIRST_PC as u64 + program.entries.len() as u64;
    if halt < FIRST_PC || u64::from(halt) > last || halt >= CellId::MAX / PC_STRIDE - 1 {
        return Err(E::HaltRange { pc: halt });
    }
    let mut seen = HashSet::new();
    let mut check = |entry: u32| match program.entries[entry as usize].pc() {
        Some(pc) if !(FIRST_PC..halt).contains(&pc) => Err(E::PcRange { entry, pc }),
        Some(pc) if !seen.insert(pc) => Err(E::SharedPc { entry, pc }),
        _ => Ok(()),
    };
    for (b, block) in program.blocks.iter().enumerate() {
        block.entries.clone().try_for_each(&mut check)?;
        match block.terminator {
            Terminator::Goto { .. } | Terminator::Select { .. } | Terminator::Halt => {}
            Terminator::Jump { entry, .. }
            | Terminator::Return { entry }
            | Terminator::Enter { entry, .. } => check(entry)?,
            Terminator::Branch {
                nonzero: (first, _),
                ..
            }
            | Terminator::EnterIf { entry: first, .. }
            | Terminator::Loop { back: first, .. } => {
                check(first)?;
                if !decision(program, &block.terminator) {
                    return Err(E::Mismatch {
                        block: b as BlockId,
                    });
                }
            }
        }
        if !rows_fit(program, &block.terminator) {
            return Err(E::Mismatch {
                block: b as BlockId,
            });
        }
    }
    Ok(())
}

fn frame(program: &Program, entry: u32) -> Option<&FrameEntry> {
    match &program.entries[entry as usize] {
        Entry::Frame(frame) => Some(frame),
        _ => None,
    }
}

fn leave(program: &Program, entry: u32) -> Option<&LeaveEntry> {
    match &program.entries[entry as usize] {
        Entry::Leave(leave) => Some(leave),
        _ => None,
    }
}

/// Whether exactly one of the two rows of a decision is possible, whatever the values: one pc, and the tests "t ≠ 0"
/// and "t = 0" of one t.
fn decision(program: &Program, terminator: &Terminator) -> bool {
    type Tested = (Pc, CellId, Felt);
    let branch = |entry: u32, sense: bool| -> Option<Tested> {
        match *leave(program, entry)? {
            LeaveEntry::Branch {
                pc,
                src,
                step,
                nonzero,
                ..
            } if nonzero == sense => Some((pc, src, step)),
            _ => None,
        }
    };
    let opening = |entry: u32| -> Option<Tested> {
        let frame = frame(program, entry)?;
        frame.test.then_some((frame.pc, frame.src[0], frame.step))
    };
    let (first, second) = match *terminator {
        Terminator::Branch { nonzero, zero } => (branch(nonzero.0, true), branch(zero.0, false)),
        Terminator::EnterIf { entry, skip, .. } => (opening(entry), branch(skip, false)),
        Terminator::Loop { back, exit } => {
            let exit = match leave(program, exit) {
                Some(&LeaveEntry::Exit { pc, src, step }) => Some((pc, src, step)),
                _ => None,
            };
            (opening(back), exit)
        }
        _ => return true,
    };
    first.is_some() && first == second
}

/// Whether the rows of a terminator are of its kind. [`decision`] has checked those that stand in pairs.
fn rows_fit(program: &Program, terminator: &Terminator) -> bool {
    match *terminator {
        Terminator::Jump { entry, .. } => {
            matches!(leave(program, entry), Some(LeaveEntry::Jump { .. }))
        }
        Terminator::Return { entry } => {
            matches!(leave(program, entry), Some(LeaveEntry::Return { .. }))
        }
        Terminator::Enter { entry, .. } => {
            // A test without the row for the other case would be a trap that the schedule does not know.
            frame(program, entry).is_some_and(|frame| !frame.back && !frame.test)
        }
        Terminator::EnterIf { entry, .. } => frame(program, entry).is_some_and(|frame| !frame.back),
        Terminator::Loop { back, .. } => frame(program, back).is_some_and(|frame| frame.back),
        Terminator::Goto { .. }
        | Terminator::Select { .. }
        | Terminator::Branch { .. }
        | Terminator::Halt => true,
    }
}

/// Each region ends as its kind does: a loop that returned would leave no link, a procedure that looped would run as a
/// frame of its caller's choosing.
fn ends(program: &Program, graph: &Graph) -> Result<(), E> {
    for (region, &end) in program.regions.iter().zip(&graph.ends) {
        let fits = matches!(
            (region.kind, program.blocks[end as usize].terminator),
            (RegionKind::Root, Terminator::Halt)
                | (RegionKind::Loop { .. }, Terminator::Loop { .. })
                | (RegionKind::Procedure, Terminator::Return { .. })
        );
        if !fits {
            return Err(E::WrongEnd { block: end });
        }
    }
    Ok(())
}

/// The rows that open frames of each region, which must all be reachable from the root.
fn openers(program: &Program) -> Result<Vec<Vec<Opener>>, E> {
    let mut openers: Vec<Vec<Opener>> = vec![Vec::new(); program.regions.len()];
    let mut enters: Vec<Vec<RegionId>> = vec![Vec::new(); program.regions.len()];
    for (b, block) in program.blocks.iter().enumerate() {
        let b = b as BlockId;
        let (region, entry, conditional) = match block.terminator {
            Terminator::Enter { entry, region, .. } => (region, entry, false),
            Terminator::EnterIf { entry, region, .. } => (region, entry, true),
            Terminator::Loop { back, .. } => (block.region, back, true),
            _ => continue,
        };
        let wrong = E::WrongEntry { block: b, region };
        let target = program.regions.get(region as usize).ok_or(wrong)?;
        let frame = frame(program, entry).ok_or(wrong)?;
        match target.kind {
            RegionKind::Root => return Err(wrong),
            RegionKind::Procedure if conditional => return Err(wrong),
            // The exit link is a cell of the frame that entered the loop.
            RegionKind::Loop { parent } if !frame.back && parent != block.region => {
                return Err(wrong);
            }
            _ => {}
        }
        if frame.target != target.entry_pc {
            return Err(E::EntryPc {
                region,
                found: frame.target,
                expected: target.entry_pc,
            });
        }
        if frame.back {
            // Comes on top of the entry that is counted below.
        } else if matches!(target.kind, RegionKind::Loop { .. })
            && openers[region as usize].iter().any(|opener| !opener.back)
        {
            return Err(E::SeveralEntries { region });
        } else {
            enters[block.region as usize].push(region);
        }
        openers[region as usize].push(Opener {
            block: b,
            pc: frame.pc,
            back: frame.back,
        });
    }
    let mut reached = vec![false; program.regions.len()];
    let mut pending = vec![Program::ROOT];
    while let Some(region) = pending.pop() {
        if !std::mem::replace(&mut reached[region as usize], true) {
            pending.append(&mut enters[region as usize]);
        }
    }
    match reached.iter().position(|&reached| !reached) {
        Some(region) => Err(E::NeverEntered {
            region: region as RegionId,
        }),
        None => Ok(openers),
    }
}

/// By block: the pc of the first ordered row that runs from its start on.
fn next_pcs(program: &Program, graph: &Graph) -> Result<Vec<Pc>, E> {
    let mut next = vec![0; program.blocks.len()];
    for &b in graph.order.iter().rev() {
        let block = &program.blocks[b as usize];
        let own = block
            .entries
            .clone()
            .find_map(|entry| program.entries[entry as usize].pc());
        next[b as usize] = match own {
            Some(pc) => pc,
            None => after_entries(program, &next, b)?,
        };
    }
    Ok(next)
}

/// The pc of the first ordered row behind the entries of a block.
fn after_entries(program: &Program, next: &[Pc], b: BlockId) -> Result<Pc, E> {
    let terminator = &program.blocks[b as usize].terminator;
    if let Some(pc) = terminator_pc(program, terminator) {
        return Ok(pc);
    }
    match *terminator {
        Terminator::Goto { block } => Ok(next[block as usize]),
        // The machine does not branch here, so no ordered row may depend on the side.
        Terminator::Select { nonzero, zero, .. } => {
            let pcs = [next[nonzero as usize], next[zero as usize]];
            if pcs[0] == pcs[1] {
                Ok(pcs[0])
            } else {
                Err(E::Undecided { block: b, pcs })
            }
        }
        _ => Ok(program.halt),
    }
}

/// Where the rows of a block lead.
fn targets(program: &Program, next: &[Pc], b: BlockId) -> Result<(), E> {
    let block = &program.blocks[b as usize];
    let expect = |block: BlockId, found: Pc, expected: Pc| {
        if found == expected {
            Ok(())
        } else {
            Err(E::Target {
                block,
                found,
                expected,
            })
        }
    };
    let mut last: Option<Pc> = None;
    for entry in block.entries.clone() {
        if let Some(pc) = program.entries[entry as usize].pc() {
            if let Some(last) = last {
                expect(b, last + 1, pc)?;
            }
            last = Some(pc);
        }
    }
    if let Some(last) = last {
        expect(b, last + 1, after_entries(program, next, b)?)?;
    }
    let leads = |entry: u32, to: BlockId| match leave(program, entry) {
        Some(&(LeaveEntry::Branch { target, .. } | LeaveEntry::Jump { target, .. })) => {
            expect(to, target, next[to as usize])
        }
        _ => Err(E::Mismatch { block: b }),
    };
    match block.terminator {
        Terminator::Branch { nonzero, zero } => {
            leads(nonzero.0, nonzero.1)?;
            leads(zero.0, zero.1)
        }
        Terminator::Jump { entry, block: to } => leads(entry, to),
        Terminator::Enter { next: to, .. } | Terminator::EnterIf { next: to, .. } => {
            if let Terminator::EnterIf { skip, skipped, .. } = block.terminator {
                leads(skip, skipped)?;
            }
            let pc = terminator_pc(program, &block.terminator).unwrap_or_default();
            expect(to, pc + 1, next[to as usize])
        }
        Terminator::Goto { .. }
        | Terminator::Select { .. }
        | Terminator::Loop { .. }
        | Terminator::Return { .. }
        | Terminator::Halt => Ok(()),
    }
}
