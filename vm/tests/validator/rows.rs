//! Attacks by name: rows of the chain, regions and outputs.

use super::*;

#[test]
fn two_entries_with_one_pc() {
    let mut p = named_program("if_with_checks");
    let checks = find(&p, |e| matches!(e, Entry::Assert(_)));
    let pc = p.entries[checks[0]].pc().expect("ordered");
    if let Entry::Assert(check) = &mut p.entries[checks[1]] {
        check.pc = pc;
    }
    rejected!(p, E::SharedPc { .. });
}

#[test]
fn paired_rows_that_test_different_values() {
    for name in [
        "if_with_checks",
        "while",
        "conditional_loops",
        "counted_by_input",
    ] {
        let p = named_program(name);
        for row in find(
            &p,
            |e| matches!(e, Entry::Leave(leave) if leave.tested().is_some()),
        ) {
            let mut p = p.clone();
            if let Entry::Leave(LeaveEntry::Branch { step, .. } | LeaveEntry::Exit { step, .. }) =
                &mut p.entries[row]
            {
                *step += Felt::ONE;
            }
            rejected!(p, E::Mismatch { .. });
        }
        for row in find(&p, |e| matches!(e, Entry::Frame(frame) if frame.test)) {
            let mut p = p.clone();
            if let Entry::Frame(frame) = &mut p.entries[row] {
                frame.test = false;
            }
            rejected!(p, E::Mismatch { .. });
        }
    }
}

#[test]
fn orphan_entry() {
    let mut p = named_program("straight");
    let id = fresh(&p);
    p.entries.push(double_of(INPUT, id));
    rejected!(p, E::OrphanEntry { .. });
}

#[test]
fn entry_used_twice() {
    let mut p = named_program("while");
    let entries = p.blocks[p.regions[0].entry_block as usize].entries.clone();
    let body = p.regions[1].entry_block as usize;
    p.blocks[body].entries = entries;
    assert!(validate(&p).is_err());
}

#[test]
fn skipped_assertion() {
    let mut p = named_program("if_with_checks");
    let halt = p.halt;
    let branch = find(&p, |e| matches!(e, Entry::Leave(LeaveEntry::Branch { .. })))[0];
    if let Entry::Leave(LeaveEntry::Branch { target, .. }) = &mut p.entries[branch] {
        *target = halt;
    }
    rejected!(p, E::Target { .. });
    let mut p = named_program("if_with_checks");
    p.entry += 1;
    rejected!(p, E::EntryPc { .. });
    let mut p = named_program("if_with_checks");
    p.halt -= 1;
    assert!(validate(&p).is_err());
}

#[test]
fn missing_output() {
    let mut p = named_program("straight");
    let at = find(&p, |e| results(e).start == OUTPUT + 4)[0];
    p.entries.remove(at);
    renumber(&mut p, |i| i - u32::from(i > at as u32));
    rejected!(p, E::NoOutput { .. });
}

#[test]
fn dropped_division() {
    let mut p = named_program("if_with_checks");
    let trap = find(&p, |e| matches!(e, Entry::Inverse(e) if e.ops[0].invert))[0];
    let result = results(&p.entries[trap]).start;
    for entry in &mut p.entries {
        if let Entry::Assert(check) = entry {
            for slot in check
                .slots
                .iter_mut()
                .filter(|s| **s == Operand::Cell(result))
            {
                *slot = Operand::Imm(Felt::ZERO);
            }
        }
    }
    rejected!(p, E::Unanchored { .. });
}

#[test]
fn loop_entered_from_two_places() {
    let mut p =
        program("begin repeat.200 dup.1 add swap end dup.2 mul repeat.300 dup.3 mul swap end end");
    let loops: Vec<_> = (p.blocks.iter().enumerate())
        .filter_map(|(b, block)| match block.terminator {
            Terminator::Enter { entry, region, .. } => Some((b, entry, region)),
            _ => None,
        })
        .collect();
    let (block, row, _) = loops[0];
    let other = loops[1].2;
    let pc = p.regions[other as usize].entry_pc;
    if let Entry::Frame(frame) = &mut p.entries[row as usize] {
        frame.target = pc;
    }
    if let Terminator::Enter { region, .. } = &mut p.blocks[block].terminator {
        *region = other;
    }
    rejected!(p, E::SeveralEntries { .. });
}

#[test]
fn cell_of_another_region() {
    let mut p = named_program("while");
    let body = p.regions[1].entry_block as usize;
    let id = fresh(&p);
    append(&mut p, body, double_of(INPUT + 3, id));
    rejected!(p, E::ForeignCell { .. });
}

/// The machine does not branch where the schedule selects.
#[test]
fn checks_on_one_side_of_a_selection() {
    let mut p = named_program("if_with_checks");
    let block = p
        .blocks
        .iter()
        .position(|b| matches!(b.terminator, Terminator::Branch { .. }))
        .expect("a branch");
    let Terminator::Branch { nonzero, zero } = p.blocks[block].terminator else {
        unreachable!("just found")
    };
    p.blocks[block].terminator = Terminator::Select {
        cond: INPUT + 1,
        nonzero: nonzero.1,
        zero: zero.1,
    };
    let first = nonzero.0.min(zero.0);
    p.entries.drain(first as usize..first as usize + 2);
    renumber(&mut p, |i| if i > first { i - 2 } else { i });
    rejected!(p, E::Undecided { .. });
}

#[test]
fn loops_that_return() {
    let mut p = named_program("while");
    let body = p
        .blocks
        .iter()
        .position(|b| matches!(b.terminator, Terminator::Loop { .. }))
        .expect("a loop");
    let Terminator::Loop { exit, back } = p.blocks[body].terminator else {
        unreachable!("just found")
    };
    p.blocks[body].terminator = Terminator::Return { entry: exit };
    p.entries.remove(back as usize);
    renumber(&mut p, |i| i - u32::from(i > back));
    let exit = exit - u32::from(exit > back);
    let pc = p.entries[exit as usize].pc().expect("ordered");
    p.entries[exit as usize] = Entry::Leave(LeaveEntry::Return { pc });
    rejected!(p, E::WrongEnd { .. });
}
