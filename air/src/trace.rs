//! From an execution to the main traces of all chips.
//!
//! 1. List the instances: which entry ran in which frame, per chip (`Instances`).
//! 2. Pad: chips of facts are filled up with duplicates of their last instance.
//! 3. Count the reads of every cell and the lookups of every entry, duplicates included.
//! 4. Fill the rows, in parallel; chips that did not run have no table.

use std::sync::atomic::{AtomicU32, Ordering};

use p3_field::PrimeCharacteristicRing;
use p3_matrix::dense::RowMajorMatrix;
use plica_field::Felt;
use rayon::prelude::*;
use tracing::instrument;

use crate::chip::ChipKind;
use crate::chips::{arith, assert, boundary, copy, frame, inverse, leave, program, single};
use crate::code::{
    ArithOp, CopyKind, Entry, FrameEntry, INPUT, Layout, LeaveEntry, NO_SLOT, OUTPUT, Operand,
    PARAMS, Program, STACK_SIZE, Terminator, exit_link, handle, param,
};
use crate::record::{Execution, Frame, FrameIndex, Outcome, Step};

/// A main trace and the chip it belongs to.
#[derive(Clone, Debug)]
pub struct Table {
    pub kind: ChipKind,
    pub trace: RowMajorMatrix<Felt>,
}

/// An instance of a fact: no place in time.
#[derive(Clone, Copy, Debug)]
struct Fact {
    frame: FrameIndex,
    entry: u32,
}

/// An instance of an ordered entry.
#[derive(Clone, Copy, Debug)]
struct Event {
    clk: u64,
    frame: FrameIndex,
    entry: u32,
    /// The frame opened or returned to, otherwise the own frame.
    other: FrameIndex,
}

/// Everything that ran, by chip.
#[derive(Clone, Debug, Default)]
struct Instances {
    arith: Vec<Fact>,
    inverse: Vec<Fact>,
    copy: Vec<Fact>,
    frame: Vec<Event>,
    leave: Vec<Event>,
    assert: Vec<Event>,
    single: Vec<Fact>,
}

impl Instances {
    fn append(mut self, mut other: Self) -> Self {
        self.arith.append(&mut other.arith);
        self.inverse.append(&mut other.inverse);
        self.copy.append(&mut other.copy);
        self.frame.append(&mut other.frame);
        self.leave.append(&mut other.leave);
        self.assert.append(&mut other.assert);
        self.single.append(&mut other.single);
        self
    }

    fn push_entry(&mut self, program: &Program, step: &Step, entry: u32, clk: &mut u64) {
        let fact = Fact {
            frame: step.frame,
            entry,
        };
        match program.entries[entry as usize] {
            Entry::Arith(_) => self.arith.push(fact),
            Entry::Inverse(_) => self.inverse.push(fact),
            Entry::Copy(_) => self.copy.push(fact),
            Entry::Single(_) => self.single.push(fact),
            Entry::Assert(_) => {
                self.assert.push(Event {
                    clk: *clk,
                    frame: step.frame,
                    entry,
                    other: step.frame,
                });
                *clk += 1;
            }
            Entry::Frame(_) | Entry::Leave(_) => unreachable!("only terminators open and leave"),
        }
    }

    fn push_step(&mut self, program: &Program, execution: &Execution, step: &Step) {
        let block = &program.blocks[step.block as usize];
        let mut clk = step.clk;
        for entry in block.entries.clone() {
            self.push_entry(program, step, entry, &mut clk);
        }
        let event = |entry, other| Event {
            clk,
            frame: step.frame,
            entry,
            other,
        };
        let parent = execution.frames[step.frame as usize].parent;
        match (block.terminator, step.outcome) {
            (
                Terminator::Enter { entry, .. }
                | Terminator::EnterIf { entry, .. }
                | Terminator::Loop { back: entry, .. },
                Outcome::Opened(opened),
            ) => {
                self.frame.push(event(entry, opened));
                for push in block.pushes.clone() {
                    self.copy.push(Fact {
                        frame: step.frame,
                        entry: push,
                    });
                }
            }
            (Terminator::EnterIf { skip: entry, .. }, Outcome::Zero)
            | (Terminator::Jump { entry, .. }, _)
            | (
                Terminator::Branch {
                    zero: (entry, _), ..
                },
                Outcome::Zero,
            )
            | (
                Terminator::Branch {
                    nonzero: (entry, _),
                    ..
                },
                Outcome::NonZero,
            ) => self.leave.push(event(entry, step.frame)),
            (Terminator::Loop { exit: entry, .. }, Outcome::Zero)
            | (Terminator::Return { entry }, _) => self.leave.push(event(entry, parent)),
            (Terminator::Goto { .. } | Terminator::Select { .. } | Terminator::Halt, _) => {}
            (terminator, outcome) => {
                unreachable!("{outcome:?} is no outcome of {terminator:?}")
            }
        }
    }
}

/// Heights of the tables that hold `rows` rows: one power of two, or two where the second instance avoids at least
/// a quarter of the padding that the next power would bring.
pub fn table_heights(rows: usize) -> Vec<usize> {
    const WORTH_SPLITTING: usize = 1 << 10;
    if rows == 0 {
        return Vec::new();
    }
    let single = rows.next_power_of_two();
    let half = single / 2;
    if single >= WORTH_SPLITTING && rows > half {
        let rest = (rows - half).next_power_of_two();
        if rest <= half / 2 {
            return vec![half, rest];
        }
    }
    vec![single]
}

/// The rows each chip needs for `execution`, without padding.
pub fn row_counts(program: &Program, execution: &Execution) -> Vec<(ChipKind, usize)> {
    let instances = collect(program, execution);
    vec![
        (ChipKind::Boundary, 1),
        (ChipKind::Program, program.entries.len()),
        (
            ChipKind::Arith,
            instances.arith.len().div_ceil(arith::BUNDLES),
        ),
        (
            ChipKind::Inverse,
            instances.inverse.len().div_ceil(inverse::BUNDLES),
        ),
        (ChipKind::Copy, instances.copy.len()),
        (ChipKind::Frame, instances.frame.len()),
        (ChipKind::Leave, instances.leave.len()),
        (ChipKind::Assert, instances.assert.len()),
        (
            ChipKind::Single,
            instances.single.len().div_ceil(single::INSTRUCTIONS),
        ),
    ]
}

/// How often each entry of the program table ran.
pub fn entry_counts(program: &Program, execution: &Execution) -> Vec<u32> {
    let instances = collect(program, execution);
    let mut counts = vec![0; program.entries.len()];
    let facts = [
        &instances.arith,
        &instances.inverse,
        &instances.copy,
        &instances.single,
    ];
    let events = [&instances.frame, &instances.leave, &instances.assert];
    let entries = facts
        .into_iter()
        .flatten()
        .map(|fact| fact.entry)
        .chain(events.into_iter().flatten().map(|event| event.entry));
    for entry in entries {
        counts[entry as usize] += 1;
    }
    counts
}

fn collect(program: &Program, execution: &Execution) -> Instances {
    execution
        .steps
        .par_chunks(1 << 14)
        .map(|steps| {
            let mut instances = Instances::default();
            for step in steps {
                instances.push_step(program, execution, step);
            }
            instances
        })
        .reduce(Instances::default, Instances::append)
}

/// The traces of all chips that ran, in the order of [`ChipKind`], higher instances first.
#[instrument(name = "trace generation", skip_all)]
pub fn generate(program: &Program, layout: &Layout, execution: &Execution) -> Vec<Table> {
    let instances = collect(program, execution);
    let mut generator = Generator {
        program,
        layout,
        execution,
        reads: Vec::new(),
        lookups: Vec::new(),
    };
    generator
        .reads
        .resize_with(execution.values.len(), AtomicU32::default);
    generator
        .lookups
        .resize_with(program.entries.len(), AtomicU32::default);

    let arith_heights = table_heights(instances.arith.len().div_ceil(arith::BUNDLES));
    let inverse_heights = table_heights(instances.inverse.len().div_ceil(inverse::BUNDLES));
    let copy_heights = table_heights(instances.copy.len());
    let single_heights = table_heights(instances.single.len().div_ceil(single::INSTRUCTIONS));
    generator.count(&instances);
    generator.count_padding(&instances.arith, &arith_heights, arith::BUNDLES);
    generator.count_padding(&instances.inverse, &inverse_heights, inverse::BUNDLES);
    generator.count_padding(&instances.copy, &copy_heights, 1);
    generator.count_padding(&instances.single, &single_heights, single::INSTRUCTIONS);

    let mut tables = vec![generator.boundary(), generator.program()];
    tables.extend(generator.facts(
        ChipKind::Arith,
        &instances.arith,
        &arith_heights,
        arith::BUNDLES,
        |g, row, fact, j, real| g.arith_row(&mut arith::Cols::of_mut(row).bundles[j], fact, real),
    ));
    let inverse_tables = generator.facts(
        ChipKind::Inverse,
        &instances.inverse,
        &inverse_heights,
        inverse::BUNDLES,
        |g, row, fact, j, real| {
            g.inverse_row(&mut inverse::Cols::of_mut(row).bundles[j], fact, real)
        },
    );
    tables.extend(inverse_tables.into_iter().map(|mut table| {
        chunks(&mut table.trace.values, inverse::WIDTH).for_each(inverse::fill_hints);
        table
    }));
    tables.extend(generator.facts(
        ChipKind::Copy,
        &instances.copy,
        &copy_heights,
        1,
        |g, row, fact, _, real| g.copy_row(copy::Cols::of_mut(row), fact, real),
    ));
    let frame_tables = generator.events(ChipKind::Frame, &instances.frame, |g, row, event| {
        let cols = frame::Cols::of_mut(row);
        match event {
            Some(event) => g.frame_row(cols, event),
            None => frame::fill_padding(cols),
        }
    });
    tables.extend(frame_tables.into_iter().map(|mut table| {
        chunks(&mut table.trace.values, frame::WIDTH).for_each(frame::fill_inverses);
        table
    }));
    tables.extend(
        generator.events(ChipKind::Leave, &instances.leave, |g, row, event| {
            let cols = leave::Cols::of_mut(row);
            match event {
                Some(event) => g.leave_row(cols, event),
                None => leave::fill_padding(cols),
            }
        }),
    );
    tables.extend(
        generator.events(ChipKind::Assert, &instances.assert, |g, row, event| {
            let cols = assert::Cols::of_mut(row);
            match event {
                Some(event) => g.assert_row(cols, event),
                None => assert::fill_padding(cols),
            }
        }),
    );
    tables.extend(generator.facts(
        ChipKind::Single,
        &instances.single,
        &single_heights,
        single::INSTRUCTIONS,
        |g, row, fact, j, real| {
            g.single_row(&mut single::Cols::of_mut(row).instructions[j], fact, real)
        },
    ));
    tables
}

/// Whole rows in parallel chunks.
fn chunks(values: &mut [Felt], width: usize) -> impl IndexedParallelIterator<Item = &mut [Felt]> {
    values.par_chunks_mut(width << 10)
}

struct Generator<'a> {
    program: &'a Program,
    layout: &'a Layout,
    execution: &'a Execution,
    /// Reads of each value of the execution.
    reads: Vec<AtomicU32>,
    /// Lookups of each program entry.
    lookups: Vec<AtomicU32>,
}

impl Generator<'_> {
    fn frame(&self, index: FrameIndex) -> &Frame {
        &self.execution.frames[index as usize]
    }

    fn position(&self, frame: &Frame, id: u32) -> usize {
        let slot = self.layout.slot(id);
        debug_assert_ne!(slot, NO_SLOT, "cell {id} has no slot");
        frame.base + slot as usize
    }

    fn value(&self, frame: &Frame, id: u32) -> Felt {
        self.execution.values[self.position(frame, id)]
    }

    fn operand(&self, frame: &Frame, operand: Operand) -> Felt {
        match operand {
            Operand::Cell(id) => self.value(frame, id),
            Operand::Imm(value) => value,
        }
    }

    /// The frame that a link cell names.
    fn linked(&self, frame: &Frame, link: u32) -> &Frame {
        use p3_field::PrimeField64;
        self.frame(self.value(frame, link).as_canonical_u64() as FrameIndex)
    }

    fn read(&self, frame: &Frame, id: u32, times: u32) {
        self.reads[self.position(frame, id)].fetch_add(times, Ordering::Relaxed);
    }

    fn mult(&self, frame: &Frame, id: u32) -> Felt {
        Felt::from_u32(self.reads[self.position(frame, id)].load(Ordering::Relaxed))
    }

    // Counting

    fn count(&self, instances: &Instances) {
        let Instances {
            arith,
            inverse,
            copy,
            frame,
            leave,
            assert,
            single,
        } = instances;
        for facts in [arith, inverse, copy, single] {
            facts.par_iter().for_each(|fact| self.count_fact(fact, 1));
            self.count_lookups(facts.par_iter().map(|fact| fact.entry));
        }
        for events in [frame, leave, assert] {
            events.par_iter().for_each(|event| self.count_event(event));
            self.count_lookups(events.par_iter().map(|event| event.entry));
        }
        let root = self.frame(0);
        for j in 0..STACK_SIZE as u32 {
            self.read(root, OUTPUT + j, 1);
        }
    }

    /// Loops look the same few entries up all the time: count per thread first.
    fn count_lookups(&self, entries: impl IndexedParallelIterator<Item = u32>) {
        entries
            .fold(
                || vec![0u32; self.lookups.len()],
                |mut counts, entry| {
                    counts[entry as usize] += 1;
                    counts
                },
            )
            .for_each(|counts| {
                for (total, count) in self.lookups.iter().zip(counts) {
                    if count != 0 {
                        total.fetch_add(count, Ordering::Relaxed);
                    }
                }
            });
    }

    fn count_fact(&self, fact: &Fact, times: u32) {
        let frame = self.frame(fact.frame);
        let read_op = |op: ArithOp| {
            self.read(frame, op.a(), times);
            if let Operand::Cell(id) = op.b() {
                self.read(frame, id, times);
            }
        };
        match &self.program.entries[fact.entry as usize] {
            Entry::Arith(entry) => entry.ops.into_iter().for_each(read_op),
            Entry::Single(entry) => read_op(entry.op),
            Entry::Inverse(entry) => {
                for op in entry.ops {
                    self.read(frame, op.a, times);
                }
            }
            Entry::Copy(entry) => {
                self.read(frame, entry.key, times);
                let from = match entry.kind {
                    CopyKind::Pull => self.linked(frame, entry.key),
                    CopyKind::Push | CopyKind::Gate { .. } => frame,
                };
                for src in entry.src {
                    self.read(from, src, times);
                }
            }
            Entry::Frame(_) | Entry::Leave(_) | Entry::Assert(_) => unreachable!(),
        }
    }

    fn count_event(&self, event: &Event) {
        let frame = self.frame(event.frame);
        match &self.program.entries[event.entry as usize] {
            Entry::Frame(entry) => {
                for src in entry.src {
                    self.read(frame, src, 1);
                }
            }
            Entry::Leave(entry) => {
                if let Some((src, _)) = entry.tested() {
                    self.read(frame, src, 1);
                }
            }
            Entry::Assert(entry) => {
                for slot in entry.slots {
                    if let Operand::Cell(id) = slot {
                        self.read(frame, id, 1);
                    }
                }
            }
            Entry::Arith(_) | Entry::Inverse(_) | Entry::Copy(_) | Entry::Single(_) => {
                unreachable!()
            }
        }
    }

    /// Padding duplicates the last fact: it is looked up and reads its operands once more per duplicate.
    fn count_padding(&self, facts: &[Fact], heights: &[usize], per_row: usize) {
        if let Some(last) = facts.last() {
            let duplicates = heights.iter().sum::<usize>() * per_row - facts.len();
            let times = u32::try_from(duplicates).expect("tables are shorter than 2^32 rows");
            self.count_fact(last, times);
            self.lookups[last.entry as usize].fetch_add(times, Ordering::Relaxed);
        }
    }

    // Filling

    fn facts(
        &self,
        kind: ChipKind,
        facts: &[Fact],
        heights: &[usize],
        per_row: usize,
        fill: impl Fn(&Self, &mut [Felt], &Fact, usize, bool) + Sync,
    ) -> Vec<Table> {
        let Some(last) = facts.last() else {
            return Vec::new();
        };
        let mut done = 0;
        heights
            .iter()
            .map(|&height| {
                let rest = &facts[done.min(facts.len())..];
                done += height * per_row;
                let trace = rows(kind, height, |r, row| {
                    for j in 0..per_row {
                        let fact = rest.get(r * per_row + j);
                        fill(self, row, fact.unwrap_or(last), j, fact.is_some());
                    }
                });
                Table { kind, trace }
            })
            .collect()
    }

    fn events(
        &self,
        kind: ChipKind,
        events: &[Event],
        fill: impl Fn(&Self, &mut [Felt], Option<&Event>) + Sync,
    ) -> Vec<Table> {
        let mut done = 0;
        table_heights(events.len())
            .into_iter()
            .map(|height| {
                let rest = &events[done.min(events.len())..];
                done += height;
                let trace = rows(kind, height, |r, row| fill(self, row, rest.get(r)));
                Table { kind, trace }
            })
            .collect()
    }

    fn mult_if(&self, real: bool, frame: &Frame, id: u32) -> Felt {
        if real {
            self.mult(frame, id)
        } else {
            Felt::ZERO
        }
    }

    fn arith_row(&self, cols: &mut arith::Bundle<Felt>, fact: &Fact, real: bool) {
        let Entry::Arith(entry) = &self.program.entries[fact.entry as usize] else {
            unreachable!()
        };
        let frame = self.frame(fact.frame);
        let values =
            std::array::from_fn(|j| self.arith_values(frame, entry.ops[j], entry.id + j as u32));
        let mults = std::array::from_fn(|j| self.mult_if(real, frame, entry.id + j as u32));
        arith::fill(cols, Felt::from_u64(frame.name), entry, values, mults);
    }

    fn single_row(&self, cols: &mut single::Instruction<Felt>, fact: &Fact, real: bool) {
        let Entry::Single(entry) = &self.program.entries[fact.entry as usize] else {
            unreachable!()
        };
        let frame = self.frame(fact.frame);
        let values = self.arith_values(frame, entry.op, entry.id);
        let mult = self.mult_if(real, frame, entry.id);
        single::fill(cols, Felt::from_u64(frame.name), entry, values, mult);
    }

    /// Operands and result of a field instruction.
    fn arith_values(&self, frame: &Frame, op: ArithOp, id: u32) -> [Felt; 3] {
        [
            self.value(frame, op.a()),
            self.operand(frame, op.b()),
            self.value(frame, id),
        ]
    }

    fn inverse_row(&self, cols: &mut inverse::Bundle<Felt>, fact: &Fact, real: bool) {
        let Entry::Inverse(entry) = &self.program.entries[fact.entry as usize] else {
            unreachable!()
        };
        let frame = self.frame(fact.frame);
        let values = std::array::from_fn(|j| {
            [
                self.value(frame, entry.ops[j].a),
                self.value(frame, entry.id + j as u32),
            ]
        });
        let mults = std::array::from_fn(|j| self.mult_if(real, frame, entry.id + j as u32));
        inverse::fill(cols, Felt::from_u64(frame.name), entry, values, mults);
    }

    fn copy_row(&self, cols: &mut copy::Cols<Felt>, fact: &Fact, real: bool) {
        let Entry::Copy(entry) = &self.program.entries[fact.entry as usize] else {
            unreachable!()
        };
        let frame = self.frame(fact.frame);
        let (from, to, y) = match entry.kind {
            CopyKind::Pull => {
                let other = self.linked(frame, entry.key);
                (other, frame, Felt::from_u64(other.name))
            }
            CopyKind::Push => {
                let other = self.linked(frame, entry.key);
                (frame, other, Felt::from_u64(other.name))
            }
            CopyKind::Gate { .. } => (frame, frame, self.value(frame, entry.key)),
        };
        let values = entry.src.map(|src| self.value(from, src));
        let mults = std::array::from_fn(|j| self.mult_if(real, to, entry.base + j as u32));
        copy::fill(cols, Felt::from_u64(frame.name), y, entry, values, mults);
    }

    fn frame_row(&self, cols: &mut frame::Cols<Felt>, event: &Event) {
        let Entry::Frame(entry) = &self.program.entries[event.entry as usize] else {
            unreachable!()
        };
        let (frame, opened) = (self.frame(event.frame), self.frame(event.other));
        let opening = frame::Opening {
            clk: Felt::from_u64(event.clk),
            fp: Felt::from_u64(frame.name),
            parent: Felt::from_u64(self.frame(opened.parent).name),
            return_pc: Felt::from_u32(opened.return_pc),
            values: entry.src.map(|src| self.value(frame, src)),
            handle_mult: self.mult(frame, handle(entry.pc)),
            mults: self.param_mults(opened, entry),
        };
        frame::fill(cols, entry, &opening);
    }

    fn param_mults(&self, opened: &Frame, entry: &FrameEntry) -> [Felt; PARAMS] {
        std::array::from_fn(|j| self.mult(opened, param(entry.target, j)))
    }

    fn leave_row(&self, cols: &mut leave::Cols<Felt>, event: &Event) {
        let Entry::Leave(entry) = &self.program.entries[event.entry as usize] else {
            unreachable!()
        };
        let (frame, other) = (self.frame(event.frame), self.frame(event.other));
        let next_pc = match *entry {
            LeaveEntry::Return { .. } | LeaveEntry::Exit { .. } => frame.return_pc,
            LeaveEntry::Branch { target, .. } | LeaveEntry::Jump { target, .. } => target,
        };
        let link_mult = match *entry {
            LeaveEntry::Exit { pc, .. } => self.mult(other, exit_link(pc)),
            _ => Felt::ZERO,
        };
        let leaving = leave::Leaving {
            clk: Felt::from_u64(event.clk),
            fp: Felt::from_u64(frame.name),
            value: entry
                .tested()
                .map_or(Felt::ZERO, |(src, _)| self.value(frame, src)),
            next_pc: Felt::from_u32(next_pc),
            next_fp: Felt::from_u64(other.name),
            link_mult,
        };
        leave::fill(cols, entry, &leaving);
    }

    fn assert_row(&self, cols: &mut assert::Cols<Felt>, event: &Event) {
        let Entry::Assert(entry) = &self.program.entries[event.entry as usize] else {
            unreachable!()
        };
        let frame = self.frame(event.frame);
        let values = entry.slots.map(|slot| self.operand(frame, slot));
        assert::fill(
            cols,
            entry,
            Felt::from_u64(event.clk),
            Felt::from_u64(frame.name),
            values,
        );
    }

    fn program(&self) -> Table {
        let trace = rows(ChipKind::Program, self.program.table_height(), |r, row| {
            let count = self.lookups.get(r);
            program::Cols::of_mut(row).mult =
                count.map_or(Felt::ZERO, |c| Felt::from_u32(c.load(Ordering::Relaxed)));
        });
        Table {
            kind: ChipKind::Program,
            trace,
        }
    }

    fn boundary(&self) -> Table {
        let root = self.frame(0);
        let trace = rows(ChipKind::Boundary, 1, |_, row| {
            *boundary::Cols::of_mut(row) = boundary::Cols {
                clk: Felt::from_u64(self.execution.clk),
                mults: std::array::from_fn(|j| self.mult(root, INPUT + j as u32)),
            };
        });
        Table {
            kind: ChipKind::Boundary,
            trace,
        }
    }
}

fn rows(
    kind: ChipKind,
    height: usize,
    fill: impl Fn(usize, &mut [Felt]) + Sync,
) -> RowMajorMatrix<Felt> {
    const ROWS_PER_TASK: usize = 1 << 8;
    let width = kind.width();
    let mut values = vec![Felt::ZERO; height * width];
    values
        .par_chunks_mut(width * ROWS_PER_TASK)
        .enumerate()
        .for_each(|(task, rows)| {
            for (r, row) in rows.chunks_exact_mut(width).enumerate() {
                fill(task * ROWS_PER_TASK + r, row);
            }
        });
    RowMajorMatrix::new(values, width)
}
