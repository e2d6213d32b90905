//! What attacks by name share.

use super::*;

pub(crate) fn named_program(name: &str) -> Program {
    let found = PROGRAMS.iter().find(|(known, _)| *known == name);
    program(found.expect("a program of the list").1)
}

/// Positions of the entries that fit.
pub(crate) fn find(program: &Program, fits: impl Fn(&Entry) -> bool) -> Vec<usize> {
    let entries = program.entries.iter().enumerate();
    entries.filter(|(_, e)| fits(e)).map(|(i, _)| i).collect()
}

pub(crate) fn find_copies(program: &Program, fits: impl Fn(CopyKind) -> bool) -> Vec<usize> {
    find(
        program,
        |e| matches!(e, Entry::Copy(copy) if fits(copy.kind)),
    )
}

pub(crate) fn copy(program: &mut Program, at: usize) -> &mut CopyEntry {
    match &mut program.entries[at] {
        Entry::Copy(copy) => copy,
        other => panic!("{other:?} is no copy"),
    }
}

/// Puts `entry` at the end of the entries of `block`.
pub(crate) fn append(program: &mut Program, block: usize, entry: Entry) {
    let range = program.blocks[block].entries.clone();
    let at = if range.is_empty() {
        program.entries.len() as u32
    } else {
        range.end
    };
    program.entries.insert(at as usize, entry);
    // Ranges that begin here move; the one that ends here does not.
    for other in &mut program.blocks {
        for range in [&mut other.entries, &mut other.pushes] {
            if range.start >= at {
                *range = range.start + 1..range.end + 1;
            }
        }
    }
    let mut rows = program.clone();
    renumber(&mut rows, |i| i + u32::from(i >= at));
    for (block, moved) in program.blocks.iter_mut().zip(&rows.blocks) {
        block.terminator = moved.terminator;
    }
    program.blocks[block].entries = if range.is_empty() {
        at..at + 1
    } else {
        range.start..at + 1
    };
}

pub(crate) fn fresh(program: &Program) -> CellId {
    let used = program.entries.iter().map(|entry| results(entry).end).max();
    used.unwrap_or_default().max(first_pure_id(program.halt))
}

pub(crate) fn double_of(cell: CellId, id: CellId) -> Entry {
    Entry::Arith(ArithBundle {
        id,
        ops: [ArithOp::add(cell, cell); 2],
    })
}

pub(crate) fn block_of(program: &Program, entry: usize) -> usize {
    let holds = |block: &Block| block.entries.contains(&(entry as u32));
    program.blocks.iter().position(holds).expect("in a block")
}

macro_rules! rejected {
    ($program:expr, $pattern:pat) => {
        let result = validate(&$program);
        assert!(matches!(result, Err($pattern)), "{result:?}");
    };
}
pub(crate) use rejected;
