//! Mutants: what a change of a cell is, and what becomes of it.

use super::*;

/// What a mutation changes, and whether the result may be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
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

pub(crate) struct Mutants {
    name: &'static str,
    pub(crate) original: Program,
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

    pub(crate) fn try_one(&mut self, class: Class, what: &str, mutate: impl FnOnce(&mut Program)) {
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
pub(crate) fn other_operations(op: ArithOp) -> [(&'static str, ArithOp); 2] {
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
