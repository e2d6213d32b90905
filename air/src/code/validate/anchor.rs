//! Traps (rule R9): an instruction that has no row, such as an inversion of zero, must be missed by somebody.
//!
//! Facts exist on demand. That one has no row makes a proof impossible only if one of its results (or of its bundle,
//! which is the same row) is read by a row that runs whenever it does: an ordered row in a
//! block that lies on every path from here to the end of the region, or a fact without a gate in such a block that is
//! itself read like that. *Attack without:* divide by zero and drop the quotient.

use std::collections::HashMap;

use super::graph::Graph;
use super::{BlockId, CellId, Entry, Program, ValidateError as E};
use crate::code::{OUTPUT, STACK_SIZE, Terminator};

/// Checks that every instruction that may have no row is anchored.
pub(super) fn check(program: &Program, graph: &Graph) -> Result<(), E> {
    if !program.entries.iter().any(Entry::traps) {
        return Ok(());
    }
    // Who computes a cell, and where.
    let mut producers: HashMap<CellId, (u32, BlockId)> = HashMap::new();
    for (b, block) in program.blocks.iter().enumerate() {
        for entry in block.entries.clone() {
            let code = &program.entries[entry as usize];
            if matches!(code, Entry::Copy(_)) {
                // A gate or pull does not force what it reads.
                continue;
            }
            let (base, count) = code.results().unwrap_or_default();
            for id in base..base + count {
                producers.insert(id, (entry, b as BlockId));
            }
        }
    }
    // By entry: whenever its block runs, the row exists.
    let mut forced = vec![false; program.entries.len()];
    let read = |forced: &mut [bool], cell: CellId, reader: BlockId| {
        if let Some(&(entry, block)) = producers.get(&cell)
            && graph.postdominators.is_above(reader, block)
        {
            forced[entry as usize] = true;
        }
    };
    let halt = graph.ends[Program::ROOT as usize];
    for cell in OUTPUT..OUTPUT + STACK_SIZE as CellId {
        read(&mut forced, cell, halt);
    }
    // Readers before what they read.
    for &b in graph.order.iter().rev() {
        let block = &program.blocks[b as usize];
        // Rows that run whenever the block does: of a decision, what both rows read.
        let row = match block.terminator {
            Terminator::Branch { zero, .. } => Some(zero.0),
            Terminator::Enter { entry, .. } => Some(entry),
            Terminator::EnterIf { skip, .. } => Some(skip),
            Terminator::Loop { exit, .. } => Some(exit),
            Terminator::Goto { .. }
            | Terminator::Select { .. }
            | Terminator::Jump { .. }
            | Terminator::Return { .. }
            | Terminator::Halt => None,
        };
        if let Some(row) = row {
            program.entries[row as usize].for_each_read(|cell| read(&mut forced, cell, b));
        }
        for index in block.entries.clone().rev() {
            let entry = &program.entries[index as usize];
            let exists = match entry {
                Entry::Assert(_) | Entry::Effect(_) => true,
                Entry::Arith(_) | Entry::Single(_) | Entry::Inverse(_) | Entry::Fact(_) => {
                    forced[index as usize]
                }
                Entry::Copy(_) | Entry::Frame(_) | Entry::Leave(_) => false,
            };
            if exists {
                entry.for_each_read(|cell| read(&mut forced, cell, b));
            } else if entry.traps() {
                return Err(E::Unanchored { entry: index });
            }
        }
    }
    Ok(())
}
