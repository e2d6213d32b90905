//! Mutants: whatever is changed in a program's table is rejected, or is provably another program that is sound.
//!
//! A mutant that the validator accepts must belong to one of the classes of [`Class`] that allow it, must pass
//! [`is_well_formed`], which repeats the argument in a naive way, and must not equivocate when it is run.

#[path = "support/random/mod.rs"]
mod random;
#[path = "support/saturate.rs"]
mod saturate;

use std::collections::{BTreeMap, HashSet};

use p3_field::PrimeCharacteristicRing;
use plica_air::code::{
    ArithBundle, ArithOp, ArithSingle, Block, CALL, CellId, CopyEntry, CopyKind, EffectEntry,
    EffectOp, Entry, FIRST_PC, FactEntry, FactOp, INPUT, Layout, LeaveEntry, OUTPUT, Operand,
    PARAMS, Program, Region, RegionKind, STACK_SIZE, Terminator, Type, ValidateError as E,
    exit_link, first_pure_id, handle, param, validate,
};
use plica_field::Felt;
use plica_vm::compile::compile;
use plica_vm::inputs::Start;
use plica_vm::syntax::{NoModules, parse_program};
use random::Rng;
use saturate::{differences, saturate};

const PROGRAMS: &[(&str, &str)] = &[
    ("straight", "begin dup.1 mul dup.2 add inv swap.3 end"),
    (
        "hash chain",
        "begin dup neq.0 while.true movdn.15 hash movup.15 sub.1 dup neq.0 end end",
    ),
    (
        "gates",
        "begin dup eq.0 if.true add.1 dup.2 mul else sub.3 dup.3 add end swap.2 end",
    ),
    (
        "gates_nested",
        "begin dup eq.0 if.true dup.1 eq.1 if.true add else mul end else sub end push.1 swap drop end",
    ),
    (
        "if_with_checks",
        "begin dup.1 if.true dup.2 dup.4 assert_eq add.4 else dup.3 assertz dup.1 inv drop end end",
    ),
    (
        "if_with_checks_on_one_side",
        "begin dup eq.3 if.true dup.2 dup.4 assert_eq else add.4 end end",
    ),
    (
        "while",
        "begin while.true sub.1 dup.1 dup.3 mul swap.2 drop dup neq.0 end end",
    ),
    (
        "if_in_loop",
        "begin
            while.true
                dup eq.1 if.true dup.1 dup.3 mul swap.2 drop else dup.1 add.5 swap.2 drop end
                sub.1 dup neq.0
            end
        end",
    ),
    (
        "while_of_three_levels",
        "begin
            push.3 dup neq.0 while.true
                sub.1 push.2 dup neq.0 while.true
                    sub.1 dup.2 eq.1 while.true dup.3 add.1 swap.4 drop push.0 end
                    dup.5 dup.4 add swap.6 drop dup neq.0
                end drop dup neq.0
            end drop
        end",
    ),
    (
        "repeat",
        "begin repeat.200 dup.1 add swap dup.2 mul swap.3 end end",
    ),
    (
        "repeat_of_two_levels",
        "begin repeat.100 repeat.50 dup.1 add swap.2 end dup.3 mul swap.4 end end",
    ),
    (
        "conditional_loops",
        "begin
            dup.1 eq.7 while.true dup.1 add.1 swap.2 drop push.0 end
            dup.2 while.true swap sub.1 swap dup.1 neq.0 end
        end",
    ),
    (
        "counted_by_input",
        "begin
            dup.1 dup neq.0 while.true sub.1 dup.2 dup.2 mul swap.3 drop dup neq.0 end drop
        end",
    ),
    (
        "many_variables",
        "begin
            push.5 push.1 while.true
                sub.1
                dup.1 dup.3 add swap.2 drop dup.2 dup.4 add swap.3 drop dup.3 dup.5 add swap.4 drop
                dup.4 dup.6 add swap.5 drop dup.5 dup.7 add swap.6 drop dup.6 dup.8 mul swap.7 drop
                dup.7 dup.1 mul swap.8 drop dup neq.0
            end drop
        end",
    ),
    (
        "integers",
        "begin
            u32assert2 dup.1 dup.1 u32overflowing_madd u32wrapping_mul.5 u32xor dup.2 u32split u32and
            u32rotl.3 dup.3 u32shl u32popcnt dup.1 u32divmod add is_odd
            if.true u32wrapping_add.1 else u32cast u32divmod.7 u32max end u32clz
        end",
    ),
    (
        "extension",
        "begin
            dup.5 dup.5 dup.5 dup.5 dup.5 dup.5 ext3mul dup.8 dup.8 dup.8 ext3add ext3inv ext3sub
            push.5.0.0 ext3mul dup.2 dup.2 dup.2 ext3inv drop drop drop
        end",
    ),
    (
        "integers_in_a_loop",
        "begin
            u32assert push.9 push.1 while.true
                sub.1 swap u32wrapping_mul.5 dup u32shr.3 u32or swap dup neq.0
            end drop
        end",
    ),
    (
        "procedure",
        "proc.p
            dup.1 mul dup.2 add dup.3 mul dup.4 add dup.1 mul dup.2 add dup.3 mul dup.4 add
            dup.5 mul dup.2 add dup.6 mul dup.4 add dup.7 mul dup.2 add dup.8 mul dup.4 add
            dup.1 eq.3 if.true dup.2 assertz else dup.2 mul end
            dup.1 mul dup.2 add dup.3 mul dup.4 add dup.1 mul dup.2 add dup.3 mul dup.4 add
            dup.1 inv add dup.2 mul swap.9 mul
        end
        begin exec.p swap.3 exec.p repeat.30 exec.p end end",
    ),
    (
        "memory",
        "begin
            dup.1 mem_store mem_load.7 add mem_storew.9 swap mem_store.9 mem_loadw.9 add
            dup eq.0 if.true dup.1 mem_store.7 else mem_load.9 add end
            dup.2 while.true dup.1 mem_load add swap.2 sub.1 dup eq.0 end
        end",
    ),
];

fn program(source: &str) -> Program {
    let parsed = parse_program(source, "test", &NoModules).expect("parses");
    compile(&parsed).expect("compiles").program
}

fn programs() -> Vec<(&'static str, Program)> {
    PROGRAMS
        .iter()
        .map(|&(name, source)| (name, program(source)))
        .collect()
}

#[test]
fn compiled_programs_are_valid() {
    for (name, program) in programs() {
        assert_eq!(validate(&program), Ok(()), "{name}");
        assert!(is_well_formed(&program), "{name}");
    }
}

/// The programs have what the mutants are about.
#[test]
fn programs_are_varied() {
    let programs = programs();
    let count = |test: &dyn Fn(&Entry) -> bool| {
        let entries = programs.iter().flat_map(|(_, program)| &program.entries);
        entries.filter(|entry| test(entry)).count()
    };
    let copies = |test: fn(CopyKind) -> bool| {
        count(&move |entry| matches!(entry, Entry::Copy(copy) if test(copy.kind)))
    };
    assert!(copies(|kind| kind == CopyKind::Pull) > 5);
    assert!(copies(|kind| kind == CopyKind::Push) > 5);
    assert!(copies(|kind| matches!(kind, CopyKind::Gate { .. })) > 10);
    assert!(count(&|entry| matches!(entry, Entry::Inverse(e) if e.ops[0].invert)) > 2);
    assert!(count(&|entry| matches!(entry, Entry::Single(_))) > 5);
    assert!(count(&|entry| matches!(entry, Entry::Leave(LeaveEntry::Branch { .. }))) > 5);
    assert!(count(&|entry| matches!(entry, Entry::Leave(LeaveEntry::Jump { .. }))) > 0);
    assert!(count(&|entry| matches!(entry, Entry::Leave(LeaveEntry::Return { .. }))) > 0);
    let terminators = || {
        programs
            .iter()
            .flat_map(|(_, p)| &p.blocks)
            .map(|b| b.terminator)
    };
    assert!(terminators().any(|t| matches!(t, Terminator::Select { .. })));
    assert!(terminators().any(|t| matches!(t, Terminator::EnterIf { .. })));
    let procedures = programs.iter().flat_map(|(_, p)| &p.regions);
    assert!(
        procedures
            .filter(|r| r.kind == RegionKind::Procedure)
            .count()
            > 0
    );
}

// ---------------------------------------------------------------------------------------------------------------------
// The oracle.

/// What a provider's row consumes so that another one cannot exist beside it: a cell and its value.
type Guard = Option<(CellId, Felt)>;

/// Cells that exist behind each block, by the definition of "on every path": what is there behind all predecessors, and
/// what the block adds. `None` where something is provided twice.
fn available(program: &Program) -> Option<Vec<HashSet<CellId>>> {
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

fn results(entry: &Entry) -> std::ops::Range<CellId> {
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
fn named(program: &Program, link: CellId) -> Option<usize> {
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
fn is_well_formed(program: &Program) -> bool {
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
fn check_run(program: &Program, context: &str) {
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

// ---------------------------------------------------------------------------------------------------------------------
// Mutants.

/// What a mutation changes, and whether the result may be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// A constant of an instruction: another function of the same operands. Valid.
    Constant,
    /// An operand: valid if the other cell is a value that is defined on every path to here.
    Operand,
    /// The ids of results: valid if every read still finds a definition before it (results that nobody reads, or lanes
    /// with the same instruction).
    Result,
    /// An entry less: valid if nobody read its results.
    Removed,
    /// Pcs, targets, flags, kinds, links, tests of paired rows, entries too many: never valid.
    Never,
}

struct Mutants {
    name: &'static str,
    original: Program,
    accepted: BTreeMap<Class, usize>,
    rejected: BTreeMap<Class, usize>,
}

impl Mutants {
    fn of(name: &'static str, original: &Program) -> Self {
        Self {
            name,
            original: original.clone(),
            accepted: BTreeMap::new(),
            rejected: BTreeMap::new(),
        }
    }

    fn try_one(&mut self, class: Class, what: &str, mutate: impl FnOnce(&mut Program)) {
        let mut mutant = self.original.clone();
        mutate(&mut mutant);
        if mutant.entries == self.original.entries && mutant.blocks == self.original.blocks {
            return;
        }
        let context = format!("{}: {what}", self.name);
        if validate(&mutant).is_err() {
            *self.rejected.entry(class).or_default() += 1;
            return;
        }
        *self.accepted.entry(class).or_default() += 1;
        assert_ne!(class, Class::Never, "{context}: accepted");
        assert!(is_well_formed(&mutant), "{context}: accepted");
        check_run(&mutant, &context);
    }
}

/// A cell of an entry and what it is.
fn cells_of(entry: &mut Entry) -> Vec<(&mut CellId, Class)> {
    fn operands(op: &mut ArithOp) -> Vec<(&mut CellId, Class)> {
        match op {
            ArithOp::Product { a, b, .. } | ArithOp::Sum { a, b, .. } => {
                vec![(a, Class::Operand), (b, Class::Operand)]
            }
            ArithOp::Affine { a, .. } => vec![(a, Class::Operand)],
        }
    }
    let mut cells = Vec::new();
    match entry {
        Entry::Arith(e) => {
            cells.push((&mut e.id, Class::Result));
            cells.extend(e.ops.iter_mut().flat_map(operands));
        }
        Entry::Single(e) => {
            cells.push((&mut e.id, Class::Result));
            cells.extend(operands(&mut e.op));
        }
        Entry::Effect(e) => {
            if !e.op.signature().results.is_empty() {
                cells.push((&mut e.id, Class::Result));
            }
            for operand in &mut e.operands {
                if let Operand::Cell(id) = operand {
                    cells.push((id, Class::Operand));
                }
            }
        }
        Entry::Fact(e) => {
            cells.push((&mut e.id, Class::Result));
            for operand in &mut e.operands {
                if let Operand::Cell(id) = operand {
                    cells.push((id, Class::Operand));
                }
            }
        }
        Entry::Inverse(e) => {
            cells.push((&mut e.id, Class::Result));
            for op in &mut e.ops {
                cells.push((&mut op.a, Class::Operand));
            }
        }
        Entry::Copy(e) => {
            let key = match e.kind {
                CopyKind::Push | CopyKind::Gate { .. } => Class::Never,
                CopyKind::Pull => Class::Operand,
            };
            let base = match e.kind {
                CopyKind::Pull => Class::Result,
                // The other side, or the other row, still has the old one.
                CopyKind::Push | CopyKind::Gate { .. } => Class::Never,
            };
            let count = e.sources().len();
            cells.push((&mut e.key, key));
            cells.push((&mut e.base, base));
            for src in &mut e.src[..count] {
                cells.push((src, Class::Operand));
            }
        }
        Entry::Frame(e) => {
            let tested = if e.test { Class::Never } else { Class::Operand };
            for (j, src) in e.src.iter_mut().enumerate() {
                cells.push((src, if j == 0 { tested } else { Class::Operand }));
            }
        }
        Entry::Leave(LeaveEntry::Exit { src, .. } | LeaveEntry::Branch { src, .. }) => {
            // The paired row tests the old one.
            cells.push((src, Class::Never));
        }
        Entry::Leave(_) => {}
        Entry::Assert(e) => {
            for slot in &mut e.slots {
                if let Operand::Cell(id) = slot {
                    cells.push((id, Class::Operand));
                }
            }
        }
    }
    cells
}

fn all_cells(program: &Program) -> Vec<CellId> {
    let mut cells: Vec<CellId> = (0..INPUT + STACK_SIZE as CellId).collect();
    for entry in &program.entries {
        cells.extend(results(entry));
        if let Some(pc) = entry.pc() {
            cells.extend([handle(pc), exit_link(pc), param(pc, 0), param(pc, 3)]);
        }
    }
    cells.sort_unstable();
    cells.dedup();
    cells
}

fn mutate_cells(mutants: &mut Mutants, rng: &mut Rng) {
    let known = all_cells(&mutants.original);
    for e in 0..mutants.original.entries.len() {
        let mut entry = mutants.original.entries[e];
        let count = cells_of(&mut entry).len();
        for c in 0..count {
            let (old, class) = {
                let cells = &cells_of(&mut entry)[c];
                (*cells.0, cells.1)
            };
            let mut others = vec![
                old.wrapping_sub(2),
                old.wrapping_sub(1),
                old.wrapping_add(1),
                old.wrapping_add(2),
                CALL,
                OUTPUT,
                CellId::MAX,
                CellId::MAX - 3,
                1 << 30,
            ];
            others.extend((0..6).map(|_| *rng.pick(&known)));
            for other in others {
                mutants.try_one(class, &format!("entry {e}, cell {c} := {other}"), |p| {
                    *cells_of(&mut p.entries[e])[c].0 = other;
                });
            }
        }
    }
}

/// Other functions of the same operands: another constant; a constant as a cell, a cell as a constant.
fn other_operations(op: ArithOp) -> [(&'static str, ArithOp); 2] {
    let mut shifted = op;
    match &mut shifted {
        ArithOp::Product { w, .. } | ArithOp::Sum { w, .. } | ArithOp::Affine { w, .. } => {
            *w += Felt::ONE;
        }
    }
    let shape = match op {
        ArithOp::Product { a, b, w } => ArithOp::Sum { a, b, w },
        ArithOp::Sum { a, b, w } => ArithOp::Affine {
            a,
            b: Felt::from_u32(b),
            w,
        },
        ArithOp::Affine { a, w, .. } => ArithOp::Product { a, b: a, w },
    };
    [("w", shifted), ("shape", shape)]
}

fn mutate_entries(mutants: &mut Mutants, rng: &mut Rng) {
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
fn renumber(program: &mut Program, place: impl Fn(u32) -> u32) {
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

fn mutate_table(mutants: &mut Mutants, rng: &mut Rng) {
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

fn mutate_schedule(mutants: &mut Mutants) {
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

#[test]
fn mutants_are_rejected_or_sound() {
    let mut rng = Rng(1);
    let mut accepted: BTreeMap<Class, usize> = BTreeMap::new();
    let mut rejected: BTreeMap<Class, usize> = BTreeMap::new();
    for (name, program) in programs() {
        let mut mutants = Mutants::of(name, &program);
        mutate_cells(&mut mutants, &mut rng);
        mutate_entries(&mut mutants, &mut rng);
        mutate_table(&mut mutants, &mut rng);
        mutate_schedule(&mut mutants);
        for (sum, part) in [
            (&mut accepted, mutants.accepted),
            (&mut rejected, mutants.rejected),
        ] {
            for (class, count) in part {
                *sum.entry(class).or_default() += count;
            }
        }
    }
    println!("accepted {accepted:?}\nrejected {rejected:?}");
    assert!(rejected[&Class::Never] > 2000);
    assert!(accepted[&Class::Constant] > 100);
    assert!(rejected[&Class::Operand] > accepted[&Class::Operand]);
}

// ---------------------------------------------------------------------------------------------------------------------
// Attacks by name.

fn named_program(name: &str) -> Program {
    let found = PROGRAMS.iter().find(|(known, _)| *known == name);
    program(found.expect("a program of the list").1)
}

/// Positions of the entries that fit.
fn find(program: &Program, fits: impl Fn(&Entry) -> bool) -> Vec<usize> {
    let entries = program.entries.iter().enumerate();
    entries.filter(|(_, e)| fits(e)).map(|(i, _)| i).collect()
}

fn find_copies(program: &Program, fits: impl Fn(CopyKind) -> bool) -> Vec<usize> {
    find(
        program,
        |e| matches!(e, Entry::Copy(copy) if fits(copy.kind)),
    )
}

fn copy(program: &mut Program, at: usize) -> &mut CopyEntry {
    match &mut program.entries[at] {
        Entry::Copy(copy) => copy,
        other => panic!("{other:?} is no copy"),
    }
}

/// Puts `entry` at the end of the entries of `block`.
fn append(program: &mut Program, block: usize, entry: Entry) {
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

fn fresh(program: &Program) -> CellId {
    let used = program.entries.iter().map(|entry| results(entry).end).max();
    used.unwrap_or_default().max(first_pure_id(program.halt))
}

fn double_of(cell: CellId, id: CellId) -> Entry {
    Entry::Arith(ArithBundle {
        id,
        ops: [ArithOp::add(cell, cell); 2],
    })
}

fn block_of(program: &Program, entry: usize) -> usize {
    let holds = |block: &Block| block.entries.contains(&(entry as u32));
    program.blocks.iter().position(holds).expect("in a block")
}

macro_rules! rejected {
    ($program:expr, $pattern:pat) => {
        let result = validate(&$program);
        assert!(matches!(result, Err($pattern)), "{result:?}");
    };
}

#[test]
fn backward_jump() {
    let mut p = named_program("if_with_checks");
    let (jump, to) = p
        .blocks
        .iter()
        .enumerate()
        .find_map(|(b, block)| match block.terminator {
            Terminator::Jump { entry, .. } => Some((b, entry)),
            _ => None,
        })
        .expect("a jump");
    let start = p.regions[0].entry_block;
    p.blocks[jump].terminator = Terminator::Jump {
        entry: to,
        block: start,
    };
    let entry_pc = p.entry;
    if let Entry::Leave(LeaveEntry::Jump { target, .. }) = &mut p.entries[to as usize] {
        *target = entry_pc;
    }
    rejected!(p, E::Backward { .. });
    // The table alone, with the old schedule.
    let mut p = named_program("if_with_checks");
    if let Entry::Leave(LeaveEntry::Jump { target, .. }) = &mut p.entries[to as usize] {
        *target = entry_pc;
    }
    rejected!(p, E::Target { .. });
}

#[test]
fn use_before_definition() {
    let mut p = named_program("straight");
    let facts = find(&p, |e| matches!(e, Entry::Arith(_)));
    let later = results(&p.entries[facts[1]]).start;
    if let Entry::Arith(first) = &mut p.entries[facts[0]] {
        first.ops[0] = ArithOp::add(later, INPUT);
    }
    rejected!(p, E::Undefined { .. });
}

#[test]
fn a_bundle_that_supports_itself() {
    for lane in 0..2 {
        let mut p = named_program("straight");
        let fact = find(&p, |e| matches!(e, Entry::Arith(_)))[0];
        if let Entry::Arith(bundle) = &mut p.entries[fact] {
            // The second may read the first, nothing else of its bundle.
            bundle.ops[lane] = ArithOp::mul(bundle.id + 1, INPUT);
        }
        rejected!(p, E::Undefined { .. });
    }
}

/// The instruction of a loop body that has no partner, the first of the program.
fn single(program: &mut Program) -> &mut ArithSingle {
    let singles = program.entries.iter_mut().filter_map(|entry| match entry {
        Entry::Single(single) => Some(single),
        _ => None,
    });
    singles.into_iter().next().expect("a single instruction")
}

#[test]
fn a_single_instruction_that_supports_itself() {
    let mut p = named_program("while");
    let entry = single(&mut p);
    // There is no other lane whose result it could read, so not even its own id.
    entry.op = ArithOp::mul(entry.id, entry.op.a());
    rejected!(p, E::Undefined { .. });
}

#[test]
fn a_single_instruction_before_its_operand() {
    let mut p = named_program("if_in_loop");
    let singles = find(&p, |e| matches!(e, Entry::Single(_)));
    let block = block_of(&p, singles[0]);
    // A result of the other side of the branch.
    let other = singles.iter().find(|&&at| block_of(&p, at) != block);
    let foreign = results(&p.entries[*other.expect("two sides")]).start;
    let entry = single(&mut p);
    entry.op = ArithOp::add(foreign, entry.op.a());
    rejected!(p, E::Undefined { .. });
}

#[test]
fn a_single_instruction_on_a_link() {
    let mut p = named_program("while_of_three_levels");
    let pull = find_copies(&p, |kind| kind == CopyKind::Pull)
        .into_iter()
        .find(|&at| {
            let region = p.blocks[block_of(&p, at)].region;
            region != Program::ROOT
        })
        .expect("a loop in a loop");
    let link = copy(&mut p, pull).key;
    let (block, id) = (block_of(&p, pull), fresh(&p));
    let op = ArithOp::add(link, link);
    append(&mut p, block, Entry::Single(ArithSingle { id, op }));
    rejected!(p, E::LinkAsValue { .. });
}

#[test]
fn a_single_instruction_on_a_cell_of_another_region() {
    let mut p = named_program("while");
    single(&mut p).op = ArithOp::add(INPUT, INPUT);
    rejected!(p, E::ForeignCell { .. });
}

#[test]
fn a_single_instruction_beside_another_provider() {
    let mut p = named_program("if_in_loop");
    let (block, id) = (
        block_of(&p, find(&p, |e| matches!(e, Entry::Single(_)))[0]),
        single(&mut p).id,
    );
    let op = single(&mut p).op;
    for entry in [
        Entry::Single(ArithSingle { id, op }),
        Entry::Arith(ArithBundle { id, ops: [op; 2] }),
        Entry::Arith(ArithBundle {
            id: id - 1,
            ops: [op; 2],
        }),
    ] {
        let mut p = p.clone();
        append(&mut p, block, entry);
        rejected!(p, E::SharedCell { .. });
    }
}

#[test]
fn a_single_result_in_the_place_of_names() {
    let p = named_program("while");
    let loop_pc = p.regions[1].entry_pc;
    for id in [
        CALL,
        INPUT,
        OUTPUT,
        param(loop_pc, 0),
        handle(p.entry),
        exit_link(loop_pc),
    ] {
        let mut p = p.clone();
        single(&mut p).id = id;
        rejected!(p, E::Reserved { .. });
    }
}

#[test]
fn a_single_instruction_among_the_pushes() {
    let mut p = named_program("many_variables");
    let at = find_copies(&p, |kind| kind == CopyKind::Push)[0];
    let id = fresh(&p);
    p.entries[at] = Entry::Single(ArithSingle {
        id,
        op: ArithOp::add(INPUT, INPUT),
    });
    rejected!(p, E::Misplaced { .. });
}

#[test]
fn two_providers() {
    let mut p = named_program("straight");
    let facts = find(&p, |e| matches!(e, Entry::Arith(_)));
    let id = results(&p.entries[facts[0]]).start;
    if let Entry::Arith(second) = &mut p.entries[facts[1]] {
        second.id = id;
    }
    rejected!(p, E::SharedCell { .. });
}

#[test]
fn overlapping_results() {
    let mut p = named_program("straight");
    let facts = find(&p, |e| matches!(e, Entry::Arith(_)));
    let id = results(&p.entries[facts[0]]).start;
    if let Entry::Arith(second) = &mut p.entries[facts[1]] {
        second.id = id + 1;
    }
    rejected!(p, E::SharedCell { .. });
}

#[test]
fn results_in_the_place_of_names() {
    let mut p = named_program("many_variables");
    let fact = find(&p, |e| matches!(e, Entry::Arith(_)))[0];
    assert_ne!(p.blocks[block_of(&p, fact)].region, Program::ROOT);
    let loop_pc = p.regions[1].entry_pc;
    for id in [
        CALL,
        INPUT,
        param(loop_pc, 0),
        handle(p.entry),
        exit_link(loop_pc),
        33,
        31,
    ] {
        if let Entry::Arith(bundle) = &mut p.entries[fact] {
            bundle.id = id;
        }
        rejected!(p, E::Reserved { .. });
    }
}

#[test]
fn link_from_a_computed_value() {
    let mut p = named_program("repeat");
    let pull = find_copies(&p, |kind| kind == CopyKind::Pull)[0];
    copy(&mut p, pull).key = INPUT;
    rejected!(p, E::ValueAsLink { .. });
}

#[test]
fn link_as_a_value() {
    let mut p = named_program("repeat");
    let pull = find_copies(&p, |kind| kind == CopyKind::Pull)[0];
    let link = copy(&mut p, pull).key;
    let (block, id) = (block_of(&p, pull), fresh(&p));
    append(&mut p, block, double_of(link, id));
    rejected!(p, E::LinkAsValue { .. });
}

#[test]
fn call_cell_as_a_value_or_link() {
    let mut p = named_program("while");
    let body = p.regions[1].entry_block as usize;
    let id = fresh(&p);
    append(&mut p, body, double_of(CALL, id));
    rejected!(p, E::Unknown { cell: CALL, .. });

    // The parent's frame through the CALL cell.
    let mut p = named_program("while");
    let entry = CopyEntry {
        kind: CopyKind::Pull,
        key: CALL,
        base: id,
        src: [INPUT; 4],
        word: false,
    };
    append(&mut p, body, Entry::Copy(entry));
    rejected!(p, E::Unknown { cell: CALL, .. });
}

/// Results of a loop, read before it is entered: they could be its start values.
#[test]
fn pull_from_the_future() {
    let mut p = named_program("repeat");
    let pull = find_copies(&p, |kind| kind == CopyKind::Pull)[0];
    let mut early = *copy(&mut p, pull);
    early.base = fresh(&p);
    let start = p.regions[0].entry_block as usize;
    append(&mut p, start, Entry::Copy(early));
    rejected!(p, E::Undefined { .. });
}

/// The way around a loop knows nothing of its last iteration.
#[test]
fn pull_where_the_loop_was_skipped() {
    let mut p = named_program("counted_by_input");
    let skipped = p.blocks.iter().find_map(|block| match block.terminator {
        Terminator::EnterIf { skipped, .. } => Some(skipped as usize),
        _ => None,
    });
    let skipped = skipped.expect("a conditional loop");
    let pulls = find_copies(&p, |kind| kind == CopyKind::Pull);
    for pull in pulls {
        let mut p = p.clone();
        let mut other = *copy(&mut p, pull);
        other.base = fresh(&p);
        append(&mut p, skipped, Entry::Copy(other));
        rejected!(p, E::Undefined { .. });
    }
    let id = fresh(&p);
    append(&mut p, skipped, double_of(INPUT, id));
    assert_eq!(validate(&p), Ok(()));
}

#[test]
fn pull_of_a_source_that_is_not_on_every_path() {
    let mut p = named_program("procedure");
    let pull = find_copies(&p, |kind| kind == CopyKind::Pull)
        .into_iter()
        .find(|&e| {
            named(&p, copy(&mut p.clone(), e).key)
                .is_some_and(|end| matches!(p.blocks[end].terminator, Terminator::Return { .. }))
        })
        .expect("a pull from the procedure");
    let link = copy(&mut p, pull).key;
    let end = named(&p, link).expect("a link");
    let region = p.blocks[end].region;
    let behind = available(&p).expect("unique providers");
    let somewhere = p
        .blocks
        .iter()
        .filter(|block| block.region == region)
        .flat_map(|block| block.entries.clone())
        .flat_map(|entry| results(&p.entries[entry as usize]))
        .find(|cell| !behind[end].contains(cell))
        .expect("a cell of a branch");
    copy(&mut p, pull).src[0] = somewhere;
    rejected!(p, E::Undefined { .. });
}

#[test]
fn push_through_another_link() {
    let p = named_program("many_variables");
    let pull = find_copies(&p, |kind| kind == CopyKind::Pull)[0];
    let exit = copy(&mut p.clone(), pull).key;
    for push in find_copies(&p, |kind| kind == CopyKind::Push) {
        let own = copy(&mut p.clone(), push).key;
        let pcs = p.entries.iter().filter_map(Entry::pc);
        for key in pcs
            .map(handle)
            .chain([CALL, exit])
            .filter(|&key| key != own)
        {
            let mut p = p.clone();
            copy(&mut p, push).key = key;
            rejected!(p, E::PushKey { .. });
        }
    }
    // A result pushed to the parent instead of pulled by it.
    let mut p = named_program("many_variables");
    copy(&mut p, pull).kind = CopyKind::Push;
    rejected!(p, E::Misplaced { .. });
}

#[test]
fn pushes_that_some_rows_leave_out() {
    let p = named_program("many_variables");
    for push in find_copies(&p, |kind| kind == CopyKind::Push) {
        let mut p = p.clone();
        let base = fresh(&p);
        copy(&mut p, push).base = base;
        rejected!(p, E::PushMissing { .. });
    }
}

#[test]
fn gates_with_equal_bits() {
    let p = named_program("gates");
    for gate in find_copies(&p, |kind| matches!(kind, CopyKind::Gate { .. })) {
        let mut p = p.clone();
        if let CopyKind::Gate { bit } = &mut copy(&mut p, gate).kind {
            *bit = Felt::ONE - *bit;
        }
        rejected!(p, E::Join { .. });
    }
}

#[test]
fn gates_with_different_keys() {
    let mut p = named_program("gates");
    let gate = find_copies(&p, |kind| matches!(kind, CopyKind::Gate { .. }))[0];
    copy(&mut p, gate).key = INPUT + 1;
    rejected!(p, E::Join { .. });
}

/// Exclusive, but by a value that the branch does not test.
#[test]
fn gates_of_another_condition() {
    let mut p = named_program("gates");
    for gate in find_copies(&p, |kind| matches!(kind, CopyKind::Gate { .. })) {
        copy(&mut p, gate).key = INPUT + 1;
    }
    rejected!(p, E::Gate { .. });
    let mut p = named_program("gates");
    for gate in find_copies(&p, |kind| matches!(kind, CopyKind::Gate { .. })) {
        if let CopyKind::Gate { bit } = &mut copy(&mut p, gate).kind {
            *bit = Felt::ONE - *bit;
        }
    }
    rejected!(p, E::Gate { .. });
}

/// Two joins, each read on one side by the other's source, support each other if their keys disagree.
#[test]
fn join_read_on_its_own_side() {
    let p = named_program("gates");
    for gate in find_copies(&p, |kind| matches!(kind, CopyKind::Gate { .. })) {
        let mut p = p.clone();
        let joined = copy(&mut p, gate).base;
        let (block, id) = (block_of(&p, gate), fresh(&p));
        append(&mut p, block, double_of(joined, id));
        rejected!(p, E::Undefined { .. });
    }
}

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

/// The first fact of an instruction, to be changed.
fn fact(program: &mut Program, op: FactOp) -> &mut FactEntry {
    let facts = program.entries.iter_mut().filter_map(|entry| match entry {
        Entry::Fact(fact) => Some(fact),
        _ => None,
    });
    let mut facts = facts.filter(|fact| fact.op == op);
    facts.next().expect("the program has one")
}

#[test]
fn an_operand_that_is_no_integer() {
    for op in [
        FactOp::U32Mul,
        FactOp::U32Div,
        FactOp::U32And,
        FactOp::U32Xor,
        FactOp::U32Rotl,
        FactOp::BitLength,
        FactOp::Bits,
    ] {
        let mut p = named_program("integers");
        fact(&mut p, op).operands[0] = Operand::Cell(INPUT + 7);
        rejected!(p, E::Type { .. });
    }
    // A split takes it.
    let mut p = named_program("integers");
    fact(&mut p, FactOp::Split).operands[0] = Operand::Cell(INPUT + 7);
    assert_eq!(validate(&p), Ok(()));
}

/// The complement of a number is one; 31 less the length of a number is not.
#[test]
fn a_result_that_leaves_its_range() {
    let source = "begin u32assert u32clz u32not u32popcnt end";
    let p = program(source);
    assert_eq!(validate(&p), Ok(()));
    let complements = [(32, 31), (u64::from(u32::MAX), 1 << 32), (32, 1 << 40)];
    for (honest, forged) in complements {
        let mut p = program(source);
        let affine = |offset: u64| {
            ArithOp::affine(0, Felt::NEG_ONE, Felt::new(offset)).expect("has the form")
        };
        let (ArithOp::Affine { w: old, .. }, ArithOp::Affine { w: new, .. }) =
            (affine(honest), affine(forged))
        else {
            unreachable!("affine maps")
        };
        let ops = p.entries.iter_mut().filter_map(|entry| match entry {
            Entry::Arith(bundle) => Some(&mut bundle.ops),
            _ => None,
        });
        let mut changed = 0;
        for op in ops.flatten() {
            if let ArithOp::Affine { w, .. } = op
                && *w == old
            {
                *w = new;
                changed += 1;
            }
        }
        assert!(changed > 0);
        rejected!(p, E::Type { .. });
    }
}

/// The chip reads words that end with 0, so others must not be operands; nor may a scalar, which has one slot.
#[test]
fn an_operand_that_is_no_element_of_the_extension() {
    let source = "begin mem_loadw.1 ext3mul dup.2 dup.2 dup.2 ext3inv ext3sub end";
    let p = program(source);
    assert_eq!(validate(&p), Ok(()));
    let word = p.entries.iter().find_map(|entry| match entry {
        Entry::Effect(effect) if effect.op == EffectOp::LoadWord => Some(effect.id),
        _ => None,
    });
    for op in [FactOp::Ext3Mul, FactOp::Ext3Inverse, FactOp::Ext3ScaleAdd] {
        let places = op.signature().operands.len();
        for place in (0..places).filter(|&j| op.signature().operands[j] == Type::Ext3) {
            for other in [
                Operand::Cell(INPUT + 7),
                Operand::Cell(word.expect("loaded")),
            ] {
                let mut p = program(source);
                fact(&mut p, op).operands[place] = other;
                rejected!(p, E::Type { .. });
            }
            let mut p = program(source);
            fact(&mut p, op).operands[place] = Operand::Imm(Felt::ZERO);
            assert!(matches!(
                validate(&p),
                Err(E::Malformed { .. } | E::Type { .. })
            ));
        }
    }
    // The same word, but of four elements that may be anything.
    let mut p = program(source);
    let packed = fact(&mut p, FactOp::Ext3Pack);
    (packed.op, packed.operands[3]) = (FactOp::Pack, Operand::Cell(INPUT + 7));
    rejected!(p, E::Type { .. });
    // An element of the extension is a word that can be taken apart, but no scalar.
    let mut p = program(source);
    let element = fact(&mut p, FactOp::Ext3Mul).id;
    let last = Operand::Cell(fact(&mut p, FactOp::Ext3ScaleAdd).id);
    let unpacks =
        |e: &Entry| matches!(e, Entry::Fact(f) if f.op == FactOp::Unpack && f.operands[0] == last);
    assert!(p.entries.iter().any(unpacks));
    fact(&mut p, FactOp::Ext3ScaleAdd).operands[1] = Operand::Cell(element);
    rejected!(p, E::Type { .. });
}

/// What is copied as a word is an element of the extension only if all that is copied to its place is.
#[test]
fn a_choice_between_an_element_of_the_extension_and_a_word() {
    let source = "begin
        dup.5 dup.5 dup.5 dup.5 dup.5 dup.5 ext3mul movup.3
        if.true swapw hash swapw else swapw push.1.2.3.4 hmerge swapw end
        ext3inv drop drop
    end";
    let p = program(source);
    assert_eq!(validate(&p), Ok(()));
    let gates = find(&p, |e| matches!(e, Entry::Copy(e) if e.word));
    assert_eq!(gates.len(), 2);
    let chosen = results(&p.entries[gates[0]]).start;
    for copied in 0..4 {
        let mut p = program(source);
        let element = fact(&mut p, FactOp::Ext3Mul).id;
        for (j, &gate) in gates.iter().enumerate() {
            if let Entry::Copy(gate) = &mut p.entries[gate]
                && copied >> j & 1 == 1
            {
                gate.src[0] = element;
            }
        }
        assert_eq!(validate(&p), Ok(()));
        fact(&mut p, FactOp::Ext3Inverse).operands[0] = Operand::Cell(chosen);
        if copied == 3 {
            assert_eq!(validate(&p), Ok(()));
        } else {
            rejected!(p, E::Type { .. });
        }
    }
}

/// An inverse in the extension that nobody reads is read by a touch, through one of its elements.
#[test]
fn dropped_inverse_in_the_extension() {
    let mut p = program("begin ext3inv drop drop drop end");
    assert_eq!(validate(&p), Ok(()));
    let element = fact(&mut p, FactOp::Unpack).id;
    let mut touched = 0;
    for entry in &mut p.entries {
        if let Entry::Assert(check) = entry {
            for slot in &mut check.slots {
                if *slot == Operand::Cell(element) {
                    *slot = Operand::Imm(Felt::ZERO);
                    touched += 1;
                }
            }
        }
    }
    assert_eq!(touched, 1);
    rejected!(p, E::Unanchored { .. });
}

/// What enters the loop is a 32-bit number because a step hands one on, and the other way round.
#[test]
fn a_loop_that_hands_on_no_integer() {
    let mut p = named_program("integers_in_a_loop");
    assert_eq!(validate(&p), Ok(()));
    let product = fact(&mut p, FactOp::U32Mul);
    (product.op, product.operands[1]) = (FactOp::Power, Operand::Imm(Felt::ZERO));
    product.operands[2] = Operand::Imm(Felt::ZERO);
    rejected!(p, E::Type { .. });
}

#[test]
fn a_shift_by_no_power_of_two() {
    for factor in [0, 3, (1 << 31) + 1] {
        let mut p = named_program("integers");
        fact(&mut p, FactOp::U32Rotl).operands[1] = Operand::Imm(Felt::new(factor));
        rejected!(p, E::Malformed { .. });
    }
    let mut p = named_program("integers");
    let rotation = fact(&mut p, FactOp::U32Rotl);
    rotation.operands[1] = rotation.operands[0];
    rejected!(p, E::Malformed { .. });
}

/// A division by a constant always has a row, one by a cell must be read.
#[test]
fn dropped_integer_division() {
    let p = program("begin u32assert u32div.3 drop end");
    assert!(
        find(
            &p,
            |e| matches!(e, Entry::Fact(e) if e.op == FactOp::U32Div)
        )
        .is_empty()
    );
    let mut p = program("begin u32assert2 u32div drop end");
    let at = find(
        &p,
        |e| matches!(e, Entry::Fact(e) if e.op == FactOp::U32Div),
    )[0];
    assert!(p.entries[at].traps());
    for entry in &mut p.entries {
        if let Entry::Assert(touch) = entry {
            touch.slots = [Operand::Cell(INPUT); 4];
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

// ---------------------------------------------------------------------------------------------------------------------
// Programs that nobody would write.

/// A root region of these blocks, with an empty end that halts.
fn root_of(mut blocks: Vec<Block>) -> Program {
    let copies = |j: u32| double_of(INPUT, OUTPUT + 2 * j);
    let entries: Vec<Entry> = (0..STACK_SIZE as u32 / 2).map(copies).collect();
    blocks.push(Block {
        region: 0,
        entries: 0..entries.len() as u32,
        pushes: 0..0,
        terminator: Terminator::Halt,
    });
    Program {
        entries,
        blocks,
        regions: vec![Region {
            kind: RegionKind::Root,
            entry_pc: FIRST_PC,
            entry_block: 0,
            name: String::new(),
        }],
        actions: Vec::new(),
        entry: FIRST_PC,
        halt: FIRST_PC,
    }
}

const fn empty(terminator: Terminator) -> Block {
    Block {
        region: 0,
        entries: 0..0,
        pushes: 0..0,
        terminator,
    }
}

/// Chains, ladders and fans of many blocks: no recursion, no quadratic time.
#[test]
fn large_programs_are_quick() {
    const N: u32 = 200_000;
    let shapes: [fn(u32) -> (u32, u32); 4] = [
        |i| (i + 1, i + 1),
        |i| (i + 1, (i + 2).min(N)),
        |i| (i + 1, N),
        |i| ((2 * i + 1).min(N), (2 * i + 2).min(N)),
    ];
    for shape in shapes {
        let block = |i| {
            let (nonzero, zero) = shape(i);
            empty(Terminator::Select {
                cond: INPUT,
                nonzero,
                zero,
            })
        };
        assert_eq!(validate(&root_of((0..N).map(block).collect())), Ok(()));
    }
    let mut cycle = root_of(
        (0..N)
            .map(|i| empty(Terminator::Goto { block: i + 1 }))
            .collect(),
    );
    cycle.blocks[N as usize - 1].terminator = Terminator::Select {
        cond: INPUT,
        nonzero: N,
        zero: 1,
    };
    rejected!(cycle, E::Backward { .. });
}

#[test]
fn nonsense_is_rejected() {
    let good = || root_of(vec![empty(Terminator::Goto { block: 1 })]);
    assert_eq!(validate(&good()), Ok(()));
    let change = |f: fn(&mut Program)| {
        let mut p = good();
        f(&mut p);
        validate(&p).expect_err("nonsense")
    };
    assert_eq!(change(|p| p.regions.clear()), E::Root { region: 0 });
    change(|p| p.blocks.clear());
    change(|p| p.entries.clear());
    change(|p| p.halt = u32::MAX);
    change(|p| (p.entry, p.halt) = (0, 0));
    change(|p| p.regions[0].entry_block = 9);
    change(|p| p.blocks[0].region = 9);
    change(|p| p.blocks[0].terminator = Terminator::Goto { block: 9 });
    change(|p| p.blocks[0].terminator = Terminator::Return { entry: u32::MAX });
    change(|p| p.blocks[0].entries = 0..u32::MAX);
    change(|p| p.blocks[0].pushes = u32::MAX - 1..u32::MAX);
    change(|p| p.blocks[1].pushes = 0..8);
    change(|p| p.blocks.push(empty(Terminator::Halt)));
    change(|p| p.regions[0].kind = RegionKind::Procedure);
    change(|p| p.regions.push(p.regions[0].clone()));
}
