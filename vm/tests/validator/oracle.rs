//! What a mutant that the validator accepts must satisfy: the argument once more, in a naive way.

use super::*;

/// What a provider's row consumes so that another one cannot exist beside it: a cell and its value.
type Guard = Option<(CellId, Felt)>;

/// Cells that exist behind each block, by the definition of "on every path": what is there behind all predecessors, and
/// what the block adds. `None` where something is provided twice.
pub(crate) fn available(program: &Program) -> Option<Vec<HashSet<CellId>>> {
    let mut before: Vec<Option<HashSet<CellId>>> = vec![None; program.blocks.len()];
    let mut providers: BTreeMap<CellId, Vec<Guard>> = BTreeMap::new();
    for (r, region) in program.regions.iter().enumerate() {
        let mut start = HashSet::new();
        if r == 0 {
            start.extend(INPUT..INPUT + STACK_SIZE as CellId);
        } else {
            start.extend((0..PARAMS).map(|j| param(region.entry_pc, j)));
        }
        for block in &program.blocks {
            let opens = match block.terminator {
                Terminator::Enter { region, .. } | Terminator::EnterIf { region, .. } => {
                    region as usize == r
                }
                Terminator::Loop { .. } => block.region as usize == r,
                _ => false,
            };
            for push in block.pushes.clone().filter(|_| opens) {
                if let Entry::Copy(copy) = &program.entries[push as usize] {
                    start.extend(results(&Entry::Copy(*copy)));
                }
            }
        }
        before[region.entry_block as usize] = Some(start);
    }
    let mut behind = vec![HashSet::new(); program.blocks.len()];
    // Blocks in an order in which predecessors come first: as often as it takes.
    let mut settled = false;
    while !settled {
        settled = true;
        for b in 0..program.blocks.len() {
            let Some(mut cells) = before[b].clone() else {
                continue;
            };
            let block = &program.blocks[b];
            for entry in block.entries.clone() {
                cells.extend(results(&program.entries[entry as usize]));
            }
            behind[b] = cells.clone();
            let mut pass = |to: u32, cells: &HashSet<CellId>| {
                let known = &mut before[to as usize];
                let met = match known {
                    Some(known) => known.intersection(cells).copied().collect(),
                    None => cells.clone(),
                };
                settled &= known.as_ref().is_some_and(|known| known.len() == met.len());
                *known = Some(met);
            };
            let mut opened = cells.clone();
            if let Terminator::Enter { entry, region, .. }
            | Terminator::EnterIf { entry, region, .. } = block.terminator
            {
                opened.insert(handle(program.entries[entry as usize].pc()?));
                opened.extend(exit_pc(program, region).map(exit_link));
            }
            match block.terminator {
                Terminator::Goto { block } | Terminator::Jump { block, .. } => pass(block, &cells),
                Terminator::Select { nonzero, zero, .. } => {
                    pass(nonzero, &cells);
                    pass(zero, &cells);
                }
                Terminator::Branch { nonzero, zero } => {
                    pass(nonzero.1, &cells);
                    pass(zero.1, &cells);
                }
                Terminator::Enter { next, .. } => pass(next, &opened),
                Terminator::EnterIf { next, skipped, .. } => {
                    pass(next, &opened);
                    pass(skipped, &cells);
                }
                Terminator::Loop { .. } | Terminator::Return { .. } | Terminator::Halt => {}
            }
        }
    }
    // Providers of one cell have different values of one key, or are pushes of different rows.
    for entry in &program.entries {
        let guard = match entry {
            Entry::Copy(copy) => match copy.kind {
                CopyKind::Gate { bit } => Some((copy.key, bit)),
                CopyKind::Push => Some((CALL, Felt::from_u32(copy.key))),
                CopyKind::Pull => None,
            },
            _ => None,
        };
        for cell in results(entry) {
            providers.entry(cell).or_default().push(guard);
        }
    }
    for providers in providers.values() {
        for (i, first) in providers.iter().enumerate() {
            for second in &providers[i + 1..] {
                match (first, second) {
                    (Some(a), Some(b)) if a.0 == b.0 && a.1 != b.1 => {}
                    _ => return None,
                }
            }
        }
    }
    Some(behind)
}

pub(crate) fn results(entry: &Entry) -> std::ops::Range<CellId> {
    let (base, count) = entry.results().unwrap_or_default();
    base..base + count
}

fn exit_pc(program: &Program, region: u32) -> Option<u32> {
    program
        .blocks
        .iter()
        .find_map(|block| match block.terminator {
            Terminator::Loop { exit, .. } if block.region == region => {
                program.entries[exit as usize].pc()
            }
            _ => None,
        })
}

/// The region whose frame a link names, and the block at its end.
pub(crate) fn named(program: &Program, link: CellId) -> Option<usize> {
    let opened = program
        .blocks
        .iter()
        .find_map(|block| match block.terminator {
            Terminator::Enter { entry, region, .. } | Terminator::EnterIf { entry, region, .. } => {
                let by_handle = program.entries[entry as usize].pc().map(handle) == Some(link);
                let by_exit = exit_pc(program, region).map(exit_link) == Some(link);
                (by_handle || by_exit).then_some(region)
            }
            _ => None,
        })?;
    program.blocks.iter().position(|block| {
        let ends = matches!(
            block.terminator,
            Terminator::Loop { .. } | Terminator::Return { .. }
        );
        block.region == opened && ends
    })
}

/// Whether each read finds its cell on every path, by data flow over sets of cells.
pub(crate) fn is_well_formed(program: &Program) -> bool {
    let Some(behind) = available(program) else {
        return false;
    };
    let is_link = |cell: CellId| {
        let pc_id = cell < first_pure_id(program.halt) && cell >= 40;
        pc_id && cell % 8 >= 4
    };
    for (b, block) in program.blocks.iter().enumerate() {
        // Bundles stand behind what they read; within the block only the order counts.
        let mut cells = behind[b].clone();
        for entry in block.entries.clone() {
            for cell in results(&program.entries[entry as usize]) {
                cells.remove(&cell);
            }
        }
        for entry in block.entries.clone() {
            let entry = &program.entries[entry as usize];
            match entry {
                Entry::Copy(copy) if copy.kind == CopyKind::Pull => {
                    let Some(end) = named(program, copy.key) else {
                        return false;
                    };
                    let sources = copy.sources().iter();
                    if !cells.contains(&copy.key)
                        || sources.clone().any(|src| is_link(*src))
                        || !sources.clone().all(|src| behind[end].contains(src))
                    {
                        return false;
                    }
                }
                _ => {
                    let own = match entry {
                        Entry::Arith(e) => {
                            let reads_back = |id: CellId| id == e.id;
                            let b = e.ops[0].b() == Operand::Cell(e.id);
                            (!reads_back(e.ops[0].a()) && !b).then_some(e.id)
                        }
                        Entry::Inverse(e) => (e.ops[0].a != e.id).then_some(e.id),
                        _ => None,
                    };
                    let mut fine = true;
                    entry.for_each_read(|id| {
                        fine &= (cells.contains(&id) || own == Some(id)) && !is_link(id);
                    });
                    if !fine {
                        return false;
                    }
                }
            }
            cells.extend(results(entry));
        }
        let rows: Vec<u32> = match block.terminator {
            Terminator::Branch { nonzero, zero } => vec![nonzero.0, zero.0],
            Terminator::Enter { entry, .. } => vec![entry],
            Terminator::EnterIf { entry, skip, .. } => vec![entry, skip],
            Terminator::Loop { back, exit } => vec![back, exit],
            _ => vec![],
        };
        for &row in &rows {
            let mut fine = true;
            program.entries[row as usize]
                .for_each_read(|id| fine &= cells.contains(&id) && !is_link(id));
            if !fine {
                return false;
            }
        }
        for push in block.pushes.clone() {
            let Entry::Copy(copy) = &program.entries[push as usize] else {
                return false;
            };
            let key = program.entries[rows[0] as usize].pc().map(handle);
            let known = |src: &CellId| cells.contains(src) && !is_link(*src);
            if key != Some(copy.key) || !copy.sources().iter().all(known) {
                return false;
            }
        }
        if block.terminator == Terminator::Halt
            && !(OUTPUT..OUTPUT + STACK_SIZE as CellId).all(|id| cells.contains(&id))
        {
            return false;
        }
    }
    true
}

/// Runs a mutant. Facts must not equivocate, nor contradict what the schedule computes.
pub(crate) fn check_run(program: &Program, context: &str) {
    // The processor inverts cells as they are.
    let inverts_a_difference = |entry: &Entry| match entry {
        Entry::Inverse(e) => e.ops.iter().any(|op| op.invert && op.k != Felt::ZERO),
        _ => false,
    };
    if program.entries.iter().any(inverts_a_difference) {
        return;
    }
    let layout = Layout::new(program);
    for seed in 0..2 {
        let mut rng = Rng(seed);
        let inputs = std::array::from_fn(|_| Felt::from_usize(rng.below(3)));
        let Ok(execution) =
            plica_vm::processor::record(program, &layout, &Start::from(&inputs), None, 1_000)
        else {
            continue;
        };
        let saturation = saturate(&program.entries, program, &layout, &execution)
            .unwrap_or_else(|found| panic!("{context}: {found:?}"));
        let wrong = differences(&saturation, program, &layout, &execution);
        // A fact may be missing where a key is neither 0 nor 1: then there is no proof.
        let wrong: Vec<_> = wrong.iter().filter(|(_, _, fact)| fact.is_some()).collect();
        assert!(wrong.is_empty(), "{context}: {wrong:?}");
    }
}
