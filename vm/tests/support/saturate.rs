//! All facts that could exist: the pure rows of a table, derived from the cells that an execution's ordered rows give.
//!
//! A prover is free to add any row whose operands exist, in any frame and for code that never ran. This model adds them
//! all and looks for a cell with two values. It needs no proof and no constraints, only the meaning of each entry.
#![allow(dead_code, reason = "every test crate uses a part")]

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use p3_field::{Field, PrimeCharacteristicRing, PrimeField64};
use plica_air::code::{
    CellId, CopyKind, Entry, INPUT, Layout, LeaveEntry, MAX_RESULTS, PARAMS, Program, Terminator,
    exit_link, handle, param,
};
use plica_air::record::{Execution, Outcome};
use plica_field::Felt;

/// A frame and an id. Frames are field elements: a broken program may use any value as a link.
pub(crate) type Cell = (Felt, CellId);

/// The components of a cell; a scalar is the first of them.
pub(crate) type Value = [Felt; 4];

fn scalar(value: Felt) -> Value {
    [value, Felt::ZERO, Felt::ZERO, Felt::ZERO]
}

/// A cell with two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Equivocation {
    pub(crate) cell: Cell,
    pub(crate) values: [Value; 2],
}

/// Which entries look at a cell, by the way they do.
#[derive(Default)]
struct Readers {
    /// In the frame of the row.
    own: Vec<u32>,
    /// As the source of a pull, in the frame that the key names.
    pulled: Vec<u32>,
    /// As the key of a pull.
    links: bool,
}

pub(crate) struct Saturation<'a> {
    entries: &'a [Entry],
    readers: HashMap<CellId, Readers>,
    pub(crate) cells: HashMap<Cell, Value>,
    /// By the frame named: link cells with that value.
    links: HashMap<Felt, Vec<Cell>>,
    pending: Vec<Cell>,
    /// Rows found.
    pub(crate) rows: usize,
}

impl<'a> Saturation<'a> {
    pub(crate) fn new(entries: &'a [Entry]) -> Self {
        let mut readers: HashMap<CellId, Readers> = HashMap::new();
        for (e, entry) in entries.iter().enumerate() {
            let e = e as u32;
            let mut own = |id: CellId| readers.entry(id).or_default().own.push(e);
            match entry {
                Entry::Arith(_) | Entry::Inverse(_) | Entry::Single(_) | Entry::Fact(_) => {
                    entry.for_each_read(own);
                }
                Entry::Copy(copy) => {
                    own(copy.key);
                    if copy.kind == CopyKind::Pull {
                        readers.entry(copy.key).or_default().links = true;
                        for &src in copy.sources() {
                            readers.entry(src).or_default().pulled.push(e);
                        }
                    } else {
                        copy.sources().iter().copied().for_each(own);
                    }
                }
                // Ordered: they provide what the execution says.
                Entry::Frame(_) | Entry::Leave(_) | Entry::Assert(_) | Entry::Effect(_) => {}
            }
        }
        Self {
            entries,
            readers,
            cells: HashMap::new(),
            links: HashMap::new(),
            pending: Vec::new(),
            rows: 0,
        }
    }

    /// Provides a cell.
    pub(crate) fn put(&mut self, frame: Felt, id: CellId, value: Felt) -> Result<(), Equivocation> {
        self.put_value(frame, id, scalar(value))
    }

    pub(crate) fn put_value(
        &mut self,
        frame: Felt,
        id: CellId,
        value: Value,
    ) -> Result<(), Equivocation> {
        let cell = (frame, id);
        match self.cells.entry(cell) {
            Slot::Occupied(known) if *known.get() == value => Ok(()),
            Slot::Occupied(known) => Err(Equivocation {
                cell,
                values: [*known.get(), value],
            }),
            Slot::Vacant(slot) => {
                slot.insert(value);
                self.pending.push(cell);
                Ok(())
            }
        }
    }

    /// Adds every row that can exist.
    pub(crate) fn run(&mut self) -> Result<(), Equivocation> {
        while let Some((frame, id)) = self.pending.pop() {
            let Some(readers) = self.readers.get(&id) else {
                continue;
            };
            let (own, pulled) = (readers.own.clone(), readers.pulled.clone());
            if readers.links {
                let [named, ..] = self.cells[&(frame, id)];
                self.links.entry(named).or_default().push((frame, id));
            }
            for entry in own {
                self.fire(entry, frame)?;
            }
            if !pulled.is_empty() {
                let links = self.links.get(&frame).cloned().unwrap_or_default();
                for entry in pulled {
                    if let Entry::Copy(copy) = self.entries[entry as usize] {
                        for &(reader, key) in &links {
                            if key == copy.key {
                                self.fire(entry, reader)?;
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds the row of `entry` in `frame`, if its operands exist.
    fn fire(&mut self, entry: u32, frame: Felt) -> Result<(), Equivocation> {
        let get_value = |frame: Felt, id: CellId| self.cells.get(&(frame, id)).copied();
        let get = |frame: Felt, id: CellId| get_value(frame, id).map(|[value, ..]| value);
        let mut wide: Vec<(Felt, CellId, Value)> = Vec::new();
        let mut provided = Vec::with_capacity(4);
        let row = (|| match &self.entries[entry as usize] {
            Entry::Arith(e) => {
                for (j, op) in e.ops.iter().enumerate() {
                    // Both instructions stand in one row, so the second finds the first's result there.
                    let operand = |id: CellId| match provided.first() {
                        Some(&(_, _, first)) if id == e.id => Some(first),
                        _ => get(frame, id),
                    };
                    let a = operand(op.a())?;
                    let b = match op.b() {
                        plica_air::code::Operand::Cell(id) => operand(id)?,
                        plica_air::code::Operand::Imm(value) => value,
                    };
                    provided.push((frame, e.id + j as CellId, op.eval(a, b)));
                }
                Some(())
            }
            Entry::Single(e) => {
                let a = get(frame, e.op.a())?;
                let b = match e.op.b() {
                    plica_air::code::Operand::Cell(id) => get(frame, id)?,
                    plica_air::code::Operand::Imm(value) => value,
                };
                provided.push((frame, e.id, e.op.eval(a, b)));
                Some(())
            }
            Entry::Inverse(e) => {
                for (j, op) in e.ops.iter().enumerate() {
                    let a = match provided.first() {
                        Some(&(_, _, first)) if op.a == e.id => first,
                        _ => get(frame, op.a)?,
                    };
                    let d = a - op.k;
                    let out = if op.invert {
                        d.try_inverse()?
                    } else {
                        Felt::from_bool(d == Felt::ZERO)
                    };
                    provided.push((frame, e.id + j as CellId, out));
                }
                Some(())
            }
            Entry::Fact(e) => {
                let signature = e.op.signature();
                let mut operands = Vec::new();
                for (operand, ty) in e.operands().iter().zip(signature.operands) {
                    let value = match *operand {
                        plica_air::code::Operand::Cell(id) => get_value(frame, id)?,
                        plica_air::code::Operand::Imm(value) => scalar(value),
                    };
                    operands.extend(&value[..ty.components()]);
                }
                let mut results = [Felt::ZERO; MAX_RESULTS];
                if !e.op.eval(&operands, &mut results) {
                    return None;
                }
                let mut rest = results.as_slice();
                for (id, ty) in e.results() {
                    let (own, others) = rest.split_at(ty.components());
                    let mut value = scalar(own[0]);
                    value[..own.len()].copy_from_slice(own);
                    wide.push((frame, id, value));
                    rest = others;
                }
                Some(())
            }
            Entry::Copy(e) => {
                let key = get(frame, e.key)?;
                let (from, to) = match e.kind {
                    CopyKind::Pull => (key, frame),
                    CopyKind::Push => (frame, key),
                    CopyKind::Gate { bit } if bit == key => (frame, frame),
                    CopyKind::Gate { .. } => return None,
                };
                for (&src, id) in e.sources().iter().zip(e.base..) {
                    wide.push((to, id, get_value(from, src)?));
                }
                Some(())
            }
            Entry::Frame(_) | Entry::Leave(_) | Entry::Assert(_) | Entry::Effect(_) => None,
        })();
        if row.is_some() {
            self.rows += 1;
            for (frame, id, value) in provided {
                self.put(frame, id, value)?;
            }
            for (frame, id, value) in wide {
                self.put_value(frame, id, value)?;
            }
        }
        Ok(())
    }
}

/// The cells that the boundary and the ordered rows of an execution provide.
pub(crate) fn ordered_cells(
    program: &Program,
    layout: &Layout,
    execution: &Execution,
) -> Vec<(Cell, Value)> {
    let mut cells = Vec::new();
    for (j, &input) in execution.inputs.iter().enumerate() {
        cells.push(((Felt::ZERO, INPUT + j as CellId), scalar(input)));
    }
    for step in &execution.steps {
        let frame = &execution.frames[step.frame as usize];
        let name = Felt::from_u64(frame.name);
        for entry in program.blocks[step.block as usize].entries.clone() {
            if let Entry::Effect(effect) = &program.entries[entry as usize] {
                for (id, ty) in effect.results() {
                    let at = frame.base + layout.slot(id) as usize;
                    let mut value = scalar(Felt::ZERO);
                    let components = &execution.values[at..at + ty.components()];
                    value[..components.len()].copy_from_slice(components);
                    cells.push(((name, id), value));
                }
            }
        }
        let terminator = program.blocks[step.block as usize].terminator;
        let opener = match terminator {
            Terminator::Enter { entry, .. } | Terminator::EnterIf { entry, .. } => Some(entry),
            Terminator::Loop { back, .. } => Some(back),
            _ => None,
        };
        match (step.outcome, terminator) {
            (Outcome::Opened(opened), _) => {
                let entry = opener.expect("the terminator opens frames");
                let Entry::Frame(row) = &program.entries[entry as usize] else {
                    unreachable!("frames are opened by frame rows")
                };
                let opened = &execution.frames[opened as usize];
                let opened_name = Felt::from_u64(opened.name);
                cells.push(((name, handle(row.pc)), scalar(opened_name)));
                for j in 0..PARAMS {
                    let id = param(row.target, j);
                    let value = execution.values[opened.base + layout.slot(id) as usize];
                    cells.push(((opened_name, id), scalar(value)));
                }
            }
            (Outcome::Zero, Terminator::Loop { exit, .. }) => {
                if let Entry::Leave(LeaveEntry::Exit { pc, .. }) = program.entries[exit as usize] {
                    let parent = execution.frames[frame.parent as usize].name;
                    cells.push(((Felt::from_u64(parent), exit_link(pc)), scalar(name)));
                }
            }
            _ => {}
        }
    }
    cells
}

/// Saturates `entries`, starting from what the ordered rows of `execution`, an execution of `program`, provide.
pub(crate) fn saturate<'a>(
    entries: &'a [Entry],
    program: &Program,
    layout: &Layout,
    execution: &Execution,
) -> Result<Saturation<'a>, Equivocation> {
    let mut saturation = Saturation::new(entries);
    for ((frame, id), value) in ordered_cells(program, layout, execution) {
        saturation.put_value(frame, id, value)?;
    }
    saturation.run()?;
    Ok(saturation)
}

/// Results of pure entries in blocks that ran, where the facts do not give what the processor computed: the cell, the
/// processor's value, the fact.
pub(crate) fn differences(
    saturation: &Saturation<'_>,
    program: &Program,
    layout: &Layout,
    execution: &Execution,
) -> Vec<(Cell, [u64; 4], Option<[u64; 4]>)> {
    let mut found = Vec::new();
    for step in &execution.steps {
        let frame = &execution.frames[step.frame as usize];
        for entry in program.blocks[step.block as usize].entries.clone() {
            let entry = &program.entries[entry as usize];
            let cells: Vec<(CellId, usize)> = match entry {
                Entry::Fact(_) | Entry::Effect(_) => {
                    let results = entry.typed_results().into_iter().flatten();
                    results.map(|(id, ty)| (id, ty.components())).collect()
                }
                other => {
                    let (base, count) = other.results().unwrap_or_default();
                    let components = match other {
                        Entry::Copy(copy) => copy.components(),
                        _ => 1,
                    };
                    (base..base + count).map(|id| (id, components)).collect()
                }
            };
            for (id, components) in cells {
                let at = frame.base + layout.slot(id) as usize;
                let mut computed = scalar(Felt::ZERO);
                computed[..components].copy_from_slice(&execution.values[at..at + components]);
                let cell = (Felt::from_u64(frame.name), id);
                let fact = saturation.cells.get(&cell).copied();
                if fact != Some(computed) {
                    let show = |value: Value| value.map(|v| v.as_canonical_u64());
                    found.push((cell, show(computed), fact.map(show)));
                }
            }
        }
    }
    found
}
