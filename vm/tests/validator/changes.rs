//! Changes of entries, of the table and of the schedule.

use super::*;

pub(crate) fn mutate_entries(mutants: &mut Mutants, rng: &mut Rng) {
    let pcs: Vec<u32> = mutants
        .original
        .entries
        .iter()
        .filter_map(Entry::pc)
        .collect();
    let halt = mutants.original.halt;
    for e in 0..mutants.original.entries.len() {
        let entry = mutants.original.entries[e];
        let mut put = |class: Class, what: &str, new: Entry| {
            mutants.try_one(class, &format!("entry {e}, {what}"), |p| p.entries[e] = new);
        };
        if let Some(pc) = entry.pc() {
            for other in [pc - 1, pc + 1, pc + 2, halt, 0, u32::MAX, *rng.pick(&pcs)] {
                let mut new = entry;
                match &mut new {
                    Entry::Frame(e) => e.pc = other,
                    Entry::Assert(e) => e.pc = other,
                    Entry::Effect(e) => e.pc = other,
                    Entry::Leave(
                        LeaveEntry::Return { pc }
                        | LeaveEntry::Exit { pc, .. }
                        | LeaveEntry::Branch { pc, .. }
                        | LeaveEntry::Jump { pc, .. },
                    ) => *pc = other,
                    _ => unreachable!("has a pc"),
                }
                put(Class::Never, "pc", new);
            }
        }
        match entry {
            Entry::Arith(bundle) => {
                for lane in 0..2 {
                    for (what, op) in other_operations(bundle.ops[lane]) {
                        let mut new = bundle;
                        new.ops[lane] = op;
                        put(Class::Constant, what, Entry::Arith(new));
                    }
                    // Half of it, in the other chip: the other result has lost its provider.
                    let single = ArithSingle {
                        id: bundle.id + lane as CellId,
                        op: bundle.ops[lane],
                    };
                    put(Class::Result, "one lane", Entry::Single(single));
                }
                let mut new = bundle;
                new.ops.swap(0, 1);
                put(Class::Operand, "lanes swapped", Entry::Arith(new));
            }
            Entry::Single(single) => {
                for (what, op) in other_operations(single.op) {
                    put(
                        Class::Constant,
                        what,
                        Entry::Single(ArithSingle { op, ..single }),
                    );
                }
                // As a bundle it takes the next id too.
                let bundle = ArithBundle {
                    id: single.id,
                    ops: [single.op; 2],
                };
                put(Class::Result, "bundle", Entry::Arith(bundle));
            }
            Entry::Fact(fact) => {
                for (j, operand) in fact.operands().iter().enumerate() {
                    let mut new = fact;
                    if let Operand::Imm(value) = *operand {
                        new.operands[j] = Operand::Imm(value + Felt::ONE);
                        // It may have left its type.
                        put(Class::Operand, "constant", Entry::Fact(new));
                    } else {
                        new.operands[j] = Operand::Imm(Felt::ONE);
                        put(Class::Removed, "constant for a cell", Entry::Fact(new));
                    }
                }
                for &op in FactOp::ALL {
                    // The other results and types may be missed by nobody.
                    let new = FactEntry { op, ..fact };
                    put(Class::Operand, op.name(), Entry::Fact(new));
                }
            }
            Entry::Effect(effect) => {
                for (j, operand) in effect.operands().iter().enumerate() {
                    let mut new = effect;
                    // Another address or value; one reader less for a cell.
                    new.operands[j] = match *operand {
                        Operand::Imm(value) => Operand::Imm(value + Felt::ONE),
                        Operand::Cell(_) => Operand::Imm(Felt::ONE),
                    };
                    put(Class::Constant, "operand", Entry::Effect(new));
                }
                for &op in EffectOp::ALL {
                    // The same operands and results, or such as nobody misses.
                    let new = EffectEntry { op, ..effect };
                    put(Class::Operand, op.name(), Entry::Effect(new));
                }
            }
            Entry::Inverse(bundle) => {
                for lane in 0..2 {
                    let mut new = bundle;
                    new.ops[lane].k += Felt::ONE;
                    put(Class::Constant, "k", Entry::Inverse(new));
                    let mut new = bundle;
                    new.ops[lane].invert ^= true;
                    // Valid if it was a test that a row reads, or no test any more.
                    put(Class::Constant, "invert", Entry::Inverse(new));
                }
            }
            Entry::Copy(copy) => {
                for kind in [
                    CopyKind::Pull,
                    CopyKind::Push,
                    CopyKind::Gate { bit: Felt::ZERO },
                    CopyKind::Gate { bit: Felt::ONE },
                    CopyKind::Gate { bit: Felt::TWO },
                ] {
                    let mut new = copy;
                    new.kind = kind;
                    // A gate for a value that the key never has is a join without this side: no proof where it is taken.
                    let unused = kind == CopyKind::Gate { bit: Felt::TWO }
                        && matches!(copy.kind, CopyKind::Gate { .. });
                    let class = if unused {
                        Class::Constant
                    } else {
                        Class::Never
                    };
                    put(class, "kind", Entry::Copy(new));
                }
                // A word where elements are wanted, or the other way round.
                let new = CopyEntry {
                    word: !copy.word,
                    ..copy
                };
                put(Class::Never, "word", Entry::Copy(new));
            }
            Entry::Frame(frame) => {
                let mut flags = [frame; 3];
                flags[0].test ^= true;
                flags[1].back ^= true;
                flags[2].test ^= true;
                flags[2].back ^= true;
                for new in flags {
                    put(Class::Never, "flags", Entry::Frame(new));
                }
                let step = if frame.test {
                    Class::Never
                } else {
                    Class::Constant
                };
                let mut new = frame;
                new.step += Felt::ONE;
                put(step, "step", Entry::Frame(new));
                for target in [
                    frame.target + 1,
                    frame.target - 1,
                    frame.pc,
                    frame.pc + 1,
                    halt,
                    *rng.pick(&pcs),
                ] {
                    let mut new = frame;
                    new.target = target;
                    put(Class::Never, "target", Entry::Frame(new));
                }
            }
            Entry::Leave(leave) => {
                let pc = leave.pc();
                let (src, step) = leave.tested().unwrap_or((INPUT, Felt::ZERO));
                let branch = |src, step, nonzero, target| LeaveEntry::Branch {
                    pc,
                    src,
                    step,
                    nonzero,
                    target,
                };
                let mut news = vec![
                    LeaveEntry::Return { pc },
                    LeaveEntry::Exit { pc, src, step },
                    LeaveEntry::Exit {
                        pc,
                        src,
                        step: step + Felt::ONE,
                    },
                ];
                for target in [pc, pc + 1, pc + 2, pc - 1, halt, 0, *rng.pick(&pcs)] {
                    news.push(LeaveEntry::Jump { pc, target });
                    news.push(branch(src, step, true, target));
                    news.push(branch(src, step, false, target));
                }
                if let LeaveEntry::Branch {
                    nonzero, target, ..
                } = leave
                {
                    news.push(branch(src, step, !nonzero, target));
                    news.push(branch(src, step + Felt::ONE, nonzero, target));
                }
                for new in news {
                    put(Class::Never, "row", Entry::Leave(new));
                }
            }
            Entry::Assert(check) => {
                for i in 0..2 {
                    let mut new = check;
                    new.equal[i] ^= true;
                    put(Class::Constant, "equality", Entry::Assert(new));
                }
                for j in 0..4 {
                    let mut new = check;
                    new.slots[j] = Operand::Imm(Felt::from_u8(77));
                    // One reader less, which may have been the anchor of an inversion.
                    put(Class::Constant, "slot", Entry::Assert(new));
                }
            }
        }
    }
}

/// Changes the numbering of entries: `place` says where each goes.
pub(crate) fn renumber(program: &mut Program, place: impl Fn(u32) -> u32) {
    for block in &mut program.blocks {
        for range in [&mut block.entries, &mut block.pushes] {
            *range = place(range.start)..place(range.end);
        }
        match &mut block.terminator {
            Terminator::Branch { nonzero, zero } => {
                nonzero.0 = place(nonzero.0);
                zero.0 = place(zero.0);
            }
            Terminator::Jump { entry, .. }
            | Terminator::Enter { entry, .. }
            | Terminator::Return { entry } => *entry = place(*entry),
            Terminator::EnterIf { entry, skip, .. } => {
                *entry = place(*entry);
                *skip = place(*skip);
            }
            Terminator::Loop { back, exit } => {
                *back = place(*back);
                *exit = place(*exit);
            }
            Terminator::Goto { .. } | Terminator::Select { .. } | Terminator::Halt => {}
        }
    }
}

/// The position at which an entry stands in a block, if it is not a row of a terminator.
fn in_block(program: &Program, e: u32) -> bool {
    let holds = |block: &Block| block.entries.contains(&e) || block.pushes.contains(&e);
    program.blocks.iter().any(holds)
}

pub(crate) fn mutate_table(mutants: &mut Mutants, rng: &mut Rng) {
    let count = mutants.original.entries.len();
    for e in 0..count {
        let entry = mutants.original.entries[e];
        let at = e as u32;
        mutants.try_one(Class::Never, &format!("entry {e} doubled, unused"), |p| {
            p.entries.push(entry);
        });
        if in_block(&mutants.original, at) {
            mutants.try_one(Class::Never, &format!("entry {e} doubled"), |p| {
                p.entries.insert(e, entry);
                renumber(p, |i| i + u32::from(i > at));
            });
            let class = match entry {
                Entry::Arith(_) | Entry::Inverse(_) | Entry::Copy(_) | Entry::Single(_) => {
                    Class::Removed
                }
                _ => Class::Never,
            };
            mutants.try_one(class, &format!("entry {e} removed"), |p| {
                p.entries.remove(e);
                renumber(p, |i| i - u32::from(i > at));
            });
        }
        let other = rng.below(count);
        let same = std::mem::discriminant(&entry)
            == std::mem::discriminant(&mutants.original.entries[other])
            && entry.pc().is_none();
        let both_in_blocks =
            in_block(&mutants.original, at) && in_block(&mutants.original, other as u32);
        if !same && !both_in_blocks {
            mutants.try_one(Class::Never, &format!("{e} and {other} exchanged"), |p| {
                p.entries.swap(e, other);
            });
        }
    }
}

pub(crate) fn mutate_schedule(mutants: &mut Mutants) {
    for b in 0..mutants.original.blocks.len() {
        let blocks = mutants.original.blocks.len() as u32;
        for to in 0..blocks {
            for side in 0..2 {
                // Another witness for the same table. If it is accepted, it must be as good.
                mutants.try_one(
                    Class::Operand,
                    &format!("block {b} continues in {to}"),
                    |p| match (&mut p.blocks[b].terminator, side) {
                        (Terminator::Goto { block } | Terminator::Jump { block, .. }, 0) => {
                            *block = to;
                        }
                        (Terminator::Select { nonzero, .. }, 0) => *nonzero = to,
                        (Terminator::Select { zero, .. }, _) => *zero = to,
                        (Terminator::Branch { nonzero, .. }, 0) => nonzero.1 = to,
                        (Terminator::Branch { zero, .. }, _) => zero.1 = to,
                        (Terminator::Enter { next, .. } | Terminator::EnterIf { next, .. }, 0) => {
                            *next = to;
                        }
                        (Terminator::EnterIf { skipped, .. }, _) => *skipped = to,
                        _ => {}
                    },
                );
            }
            let exchanged = mutants.original.blocks[b].clone();
            mutants.try_one(
                Class::Operand,
                &format!("blocks {b} and {to} exchanged"),
                |p| {
                    p.blocks[b].entries = p.blocks[to as usize].entries.clone();
                    p.blocks[to as usize].entries = exchanged.entries;
                },
            );
        }
    }
}
