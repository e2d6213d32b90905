//! From an execution to the main traces of all chips.
//!
//! 1. List the instances: which entry ran in which frame, per chip (`Instances`).
//! 2. Pad: chips of facts are filled up with duplicates of their last instance.
//! 3. Count the reads of every cell and the lookups of every entry, duplicates included.
//! 4. Fill the rows, in parallel; chips that did not run have no table.

mod trees;

use std::sync::atomic::{AtomicU32, Ordering};

use p3_field::PrimeCharacteristicRing;
use p3_matrix::dense::RowMajorMatrix;
use plica_field::Felt;
use rayon::prelude::*;
use tracing::instrument;

use crate::chip::{ChipKind, Role, has_table};
use crate::chips::{
    addresses, advice, arith, assert, bit_length, bits, bitwise, boundary, change, clock, copy,
    ext3, frame, inverse, leave, limbs, memory_element, memory_word, node, node_compact, pack,
    power, program, rpo, rpo_compact, single, tree, u32_add, u32_check, u32_div, u32_mul,
    u32_shift, unpack, word_copy,
};
use crate::code::{
    ArithOp, CopyEntry, CopyKind, EffectEntry, Entry, FactEntry, FrameEntry, INPUT, Layout,
    LeaveEntry, MAX_COMPONENTS, MAX_RESULTS, NO_SLOT, OUTPUT, Operand, PARAMS, Program, STACK_SIZE,
    Terminator, Type, exit_link, handle, param,
};
use crate::record::{Execution, Frame, FrameIndex, Outcome, Remembered, Step};
use trees::Trees;

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

/// What the row of a [`FactEntry`] says, for the chip to write down.
#[derive(Clone, Copy, Debug)]
pub struct FactRow<'a> {
    /// Name of the frame.
    pub fp: Felt,
    pub entry: &'a FactEntry,
    /// Values of the operands, one element after the other.
    pub operands: [Felt; MAX_COMPONENTS],
    /// Values of the results, one element after the other.
    pub results: &'a [Felt],
    /// How often each result is read.
    pub mults: &'a [Felt],
}

impl FactRow<'_> {
    /// Id of the first result.
    pub fn id(&self) -> Felt {
        Felt::from_u32(self.entry.id)
    }

    fn row_operand(&self, j: usize) -> Operand {
        let mut operands = self.entry.row_operands();
        operands.nth(j).expect("an operand of the row")
    }

    /// Id of an operand, or the constant in its place.
    pub fn operand_field(&self, j: usize) -> Felt {
        self.row_operand(j).field()
    }

    /// 1 if the operand is a constant.
    pub fn immediate(&self, j: usize) -> Felt {
        Felt::from_bool(!self.row_operand(j).is_cell())
    }

    /// The value of an operand of an instruction that has no words.
    pub fn scalar(&self, j: usize) -> Felt {
        match self.row_operand(j) {
            Operand::Imm(value) => value,
            Operand::Cell(_) => self.operands[j],
        }
    }
}

/// What the row of an [`EffectEntry`] says, for the chip to write down.
#[derive(Clone, Copy, Debug)]
pub struct EffectRow<'a> {
    pub clk: u64,
    /// Name of the frame.
    pub fp: Felt,
    pub entry: &'a EffectEntry,
    /// Values of the operands, one element after the other.
    pub operands: [Felt; MAX_COMPONENTS],
    /// Values of the results, one element after the other.
    pub results: [Felt; MAX_RESULTS],
    /// How often each result is read.
    pub mults: [Felt; MAX_RESULTS],
    /// What an access to memory found.
    pub memory: Remembered,
}

impl EffectRow<'_> {
    /// The context of an access.
    pub fn context(&self) -> Felt {
        if self.entry.op.has_context() {
            self.operands[1]
        } else {
            Felt::ZERO
        }
    }

    /// The elements of the value that a store stores.
    pub fn stored(&self) -> &[Felt] {
        &self.operands[self.entry.op.stored_at()..]
    }
}

/// Everything that ran, by [`ChipKind`].
#[derive(Clone, Debug)]
struct Instances {
    facts: Vec<Vec<Fact>>,
    events: Vec<Vec<Event>>,
}

impl Default for Instances {
    fn default() -> Self {
        Self {
            facts: vec![Vec::new(); ChipKind::ALL.len()],
            events: vec![Vec::new(); ChipKind::ALL.len()],
        }
    }
}

impl Instances {
    fn append(mut self, mut other: Self) -> Self {
        for (own, other) in self.facts.iter_mut().zip(&mut other.facts) {
            own.append(other);
        }
        for (own, other) in self.events.iter_mut().zip(&mut other.events) {
            own.append(other);
        }
        self
    }

    /// Rows of a chip of facts or of ordered rows, without padding.
    fn rows(&self, kind: ChipKind) -> usize {
        self.facts[kind as usize].len().div_ceil(kind.per_row()) + self.events[kind as usize].len()
    }

    fn push_fact(&mut self, kind: ChipKind, frame: FrameIndex, entry: u32) {
        self.facts[kind as usize].push(Fact { frame, entry });
    }

    fn push_entry(&mut self, program: &Program, step: &Step, entry: u32, clk: &mut u64) {
        let kind = ChipKind::of(program.entries[entry as usize].class());
        if kind.ordered() {
            self.events[kind as usize].push(Event {
                clk: *clk,
                frame: step.frame,
                entry,
                other: step.frame,
            });
            *clk += 1;
        } else {
            self.push_fact(kind, step.frame, entry);
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
                self.events[ChipKind::Frame as usize].push(event(entry, opened));
                for push in block.pushes.clone() {
                    let kind = ChipKind::of(program.entries[push as usize].class());
                    self.push_fact(kind, step.frame, push);
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
            ) => self.events[ChipKind::Leave as usize].push(event(entry, step.frame)),
            (Terminator::Loop { exit: entry, .. }, Outcome::Zero)
            | (Terminator::Return { entry }, _) => {
                self.events[ChipKind::Leave as usize].push(event(entry, parent));
            }
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
    let trees = Trees::new(&execution.trees);
    let rows = |kind| match kind {
        ChipKind::Boundary => 1,
        ChipKind::Program => program.entries.len(),
        ChipKind::Limbs if has_table(program, kind) => limbs::HEIGHT,
        ChipKind::Addresses => execution.touched.len(),
        ChipKind::Node => trees.nodes.len(),
        ChipKind::Change => trees.changes.len(),
        _ => instances.rows(kind),
    };
    ChipKind::ALL.map(|kind| (kind, rows(kind))).to_vec()
}

/// How often each entry of the program table ran.
pub fn entry_counts(program: &Program, execution: &Execution) -> Vec<u32> {
    let instances = collect(program, execution);
    let mut counts = vec![0; program.entries.len()];
    let facts = instances.facts.iter().flatten().map(|fact| fact.entry);
    let events = instances.events.iter().flatten().map(|event| event.entry);
    for entry in facts.chain(events) {
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
pub fn generate(program: &Program, layout: &Layout, execution: &Execution) -> Vec<Table> {
    generate_with(program, layout, execution, |_| false)
}

/// The same with the twins ([`ChipKind::twin`]) that `allowed` allows in place of their originals.
#[instrument(name = "trace generation", skip_all)]
pub fn generate_with(
    program: &Program,
    layout: &Layout,
    execution: &Execution,
    allowed: impl Fn(ChipKind) -> bool,
) -> Vec<Table> {
    let instances = collect(program, execution);
    let mut generator = Generator {
        program,
        layout,
        execution,
        reads: Vec::new(),
        lookups: Vec::new(),
        limbs: limbs::Counts::default(),
    };
    generator
        .reads
        .resize_with(execution.values.len(), AtomicU32::default);
    generator
        .lookups
        .resize_with(program.entries.len(), AtomicU32::default);

    let of_facts = || {
        let kinds = ChipKind::ALL.into_iter();
        kinds.filter(|kind| matches!(kind.role(), Role::Facts(_)))
    };
    let heights = |kind| table_heights(instances.rows(kind));
    generator.count(&instances);
    for kind in of_facts() {
        let facts = &instances.facts[kind as usize];
        generator.count_padding(facts, &heights(kind), kind.per_row());
    }

    let mut tables = vec![generator.boundary(), generator.program()];
    for kind in of_facts() {
        let facts = &instances.facts[kind as usize];
        let twin = kind.twin().filter(|&twin| allowed(twin));
        tables.extend(generator.facts(twin.unwrap_or(kind), facts, &heights(kind)));
    }
    for kind in ChipKind::ALL.into_iter().filter(|kind| kind.ordered()) {
        tables.extend(generator.events(kind, &instances.events[kind as usize]));
    }
    tables.extend(generator.addresses());
    let trees = Trees::new(&execution.trees);
    tables.extend(match ChipKind::Node.twin().filter(|&twin| allowed(twin)) {
        Some(twin) => listed(twin, &trees.nodes, |row, node, real| {
            let cols = node_compact::Cols::of_mut(row);
            node_compact::fill(cols, node);
            if !real {
                cols.head.mults = [Felt::ZERO; 2];
            }
        }),
        None => listed(ChipKind::Node, &trees.nodes, |row, node, real| {
            let cols = node::Cols::of_mut(row);
            node::fill(cols, node);
            if !real {
                cols.head.mults = [Felt::ZERO; 2];
            }
        }),
    });
    tables.extend(listed(
        ChipKind::Change,
        &trees.changes,
        |row, step, real| {
            let cols = change::Cols::of_mut(row);
            change::fill(cols, step);
            if !real {
                cols.mult = Felt::ZERO;
            }
        },
    ));
    // Last, when all other rows have said what they look up.
    if has_table(program, ChipKind::Limbs) {
        tables.push(Table {
            kind: ChipKind::Limbs,
            trace: generator.limbs.trace(),
        });
    }
    tables.sort_by_key(|table| table.kind);
    tables
}

/// Whole rows in parallel chunks.
fn chunks(values: &mut [Felt], width: usize) -> impl IndexedParallelIterator<Item = &mut [Felt]> {
    values.par_chunks_mut(width << 8)
}

struct Generator<'a> {
    program: &'a Program,
    layout: &'a Layout,
    execution: &'a Execution,
    /// Reads of each value of the execution.
    reads: Vec<AtomicU32>,
    /// Lookups of each program entry.
    lookups: Vec<AtomicU32>,
    /// Lookups of the limb table.
    limbs: limbs::Counts,
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
        for facts in &instances.facts {
            facts.par_iter().for_each(|fact| self.count_fact(fact, 1));
            self.count_lookups(facts.par_iter().map(|fact| fact.entry));
        }
        for events in &instances.events {
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
        match &self.program.entries[fact.entry as usize] {
            Entry::Copy(entry) => {
                self.read(frame, entry.key, times);
                let from = match entry.kind {
                    CopyKind::Pull => self.linked(frame, entry.key),
                    CopyKind::Push | CopyKind::Gate { .. } => frame,
                };
                for &src in entry.sources() {
                    self.read(from, src, times);
                }
            }
            own => own.for_each_read(|id| self.read(frame, id, times)),
        }
    }

    fn count_event(&self, event: &Event) {
        let frame = self.frame(event.frame);
        let entry = &self.program.entries[event.entry as usize];
        entry.for_each_read(|id| self.read(frame, id, 1));
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

    fn facts(&self, kind: ChipKind, facts: &[Fact], heights: &[usize]) -> Vec<Table> {
        let Some(last) = facts.last() else {
            return Vec::new();
        };
        let per_row = kind.per_row();
        let mut done = 0;
        heights
            .iter()
            .map(|&height| {
                let rest = &facts[done.min(facts.len())..];
                done += height * per_row;
                let mut trace = rows(kind, height, |r, row| {
                    for j in 0..per_row {
                        let fact = rest.get(r * per_row + j);
                        self.fill_fact(kind, row, j, fact.unwrap_or(last), fact.is_some());
                    }
                });
                let fill_hints: fn(&mut [Felt]) = match kind {
                    ChipKind::Inverse => inverse::fill_hints,
                    ChipKind::U32Mul => u32_mul::fill_hints,
                    ChipKind::Rpo => rpo::fill_rounds,
                    ChipKind::RpoCompact => rpo_compact::fill_rounds,
                    _ => |_| {},
                };
                chunks(&mut trace.values, kind.width()).for_each(fill_hints);
                Table { kind, trace }
            })
            .collect()
    }

    /// Fills place `j` of a row of facts.
    fn fill_fact(&self, kind: ChipKind, row: &mut [Felt], j: usize, fact: &Fact, real: bool) {
        let limbs = &self.limbs;
        match kind {
            ChipKind::Arith => {
                self.arith_row(&mut arith::Cols::of_mut(row).bundles[j], fact, real);
            }
            ChipKind::Inverse => {
                self.inverse_row(&mut inverse::Cols::of_mut(row).bundles[j], fact, real);
            }
            ChipKind::Single => {
                let cols = &mut single::Cols::of_mut(row).instructions[j];
                self.single_row(cols, fact, real);
            }
            ChipKind::Copy => self.copy_row(copy::Cols::of_mut(row), fact, real),
            ChipKind::WordCopy => {
                self.word_copy_row(word_copy::Cols::of_mut(row), fact, real);
            }
            ChipKind::U32Check => self.fact_row(fact, real, |values| {
                u32_check::fill(&mut u32_check::Cols::of_mut(row).facts[j], values, limbs);
            }),
            ChipKind::U32Add => self.fact_row(fact, real, |values| {
                u32_add::fill(&mut u32_add::Cols::of_mut(row).facts[j], values, limbs);
            }),
            ChipKind::U32Mul => self.fact_row(fact, real, |values| {
                u32_mul::fill(&mut u32_mul::Cols::of_mut(row).facts[j], values, limbs);
            }),
            ChipKind::U32Div => self.fact_row(fact, real, |values| {
                u32_div::fill(&mut u32_div::Cols::of_mut(row).facts[j], values, limbs);
            }),
            ChipKind::U32Shift => self.fact_row(fact, real, |values| {
                u32_shift::fill(&mut u32_shift::Cols::of_mut(row).facts[j], values, limbs);
            }),
            ChipKind::Bitwise => self.fact_row(fact, real, |values| {
                bitwise::fill(&mut bitwise::Cols::of_mut(row).facts[j], values, limbs);
            }),
            ChipKind::Power => self.fact_row(fact, real, |values| {
                power::fill(&mut power::Cols::of_mut(row).facts[j], values, limbs);
            }),
            ChipKind::BitLength => self.fact_row(fact, real, |values| {
                bit_length::fill(&mut bit_length::Cols::of_mut(row).facts[j], values, limbs);
            }),
            ChipKind::Bits => self.fact_row(fact, real, |values| {
                bits::fill(&mut bits::Cols::of_mut(row).facts[j], values);
            }),
            ChipKind::Pack => self.fact_row(fact, real, |values| {
                pack::fill(&mut pack::Cols::of_mut(row).facts[j], values);
            }),
            ChipKind::Unpack => self.fact_row(fact, real, |values| {
                unpack::fill(&mut unpack::Cols::of_mut(row).facts[j], values);
            }),
            ChipKind::Ext3 => self.fact_row(fact, real, |values| {
                ext3::fill(&mut ext3::Cols::of_mut(row).facts[j], values);
            }),
            ChipKind::Rpo => self.fact_row(fact, real, |values| {
                rpo::fill(rpo::Cols::of_mut(row), values);
            }),
            ChipKind::RpoCompact => self.fact_row(fact, real, |values| {
                rpo_compact::fill(rpo_compact::Cols::of_mut(row), values);
            }),
            ChipKind::Boundary
            | ChipKind::Program
            | ChipKind::Limbs
            | ChipKind::Frame
            | ChipKind::Leave
            | ChipKind::Assert
            | ChipKind::MemoryElement
            | ChipKind::MemoryWord
            | ChipKind::Advice
            | ChipKind::Tree
            | ChipKind::Node
            | ChipKind::NodeCompact
            | ChipKind::Change
            | ChipKind::Clock
            | ChipKind::Addresses => unreachable!("{kind:?} has no facts"),
        }
    }

    /// Collects what a row of a [`FactEntry`] says.
    fn fact_row(&self, fact: &Fact, real: bool, fill: impl FnOnce(&FactRow<'_>)) {
        let Entry::Fact(entry) = &self.program.entries[fact.entry as usize] else {
            unreachable!("chips of facts have their own entries")
        };
        let frame = self.frame(fact.frame);
        let typed = &self.program.entries[fact.entry as usize];
        let [results, mults] = self.results(frame, typed, real);
        fill(&FactRow {
            fp: Felt::from_u64(frame.name),
            entry,
            operands: self.operands(frame, typed),
            results: &results,
            mults: &mults[..entry.op.signature().results.len()],
        });
    }

    /// Collects what a row of an [`EffectEntry`] says.
    fn effect_row(&self, event: &Event, fill: impl FnOnce(&EffectRow<'_>)) {
        let typed = &self.program.entries[event.entry as usize];
        let Entry::Effect(entry) = typed else {
            unreachable!("chips of effects have their own entries")
        };
        let frame = self.frame(event.frame);
        let [results, mults] = self.results(frame, typed, true);
        let memory = if entry.op.is_access() {
            let accesses = &self.execution.accesses;
            let at = accesses.binary_search_by_key(&event.clk, |access| access.clk);
            accesses[at.expect("every access is recorded")].found
        } else {
            Remembered::default()
        };
        fill(&EffectRow {
            clk: event.clk,
            fp: Felt::from_u64(frame.name),
            entry,
            operands: self.operands(frame, typed),
            results,
            mults,
            memory,
        });
    }

    /// The components of a cell of the frame.
    fn components(&self, frame: &Frame, id: u32, ty: Type) -> &[Felt] {
        let start = self.position(frame, id);
        &self.execution.values[start..start + ty.components()]
    }

    /// Operands of a fact or effect, one element after the other.
    fn operands(&self, frame: &Frame, entry: &Entry) -> [Felt; MAX_COMPONENTS] {
        let mut values = [Felt::ZERO; MAX_COMPONENTS];
        let mut at = 0;
        for (operand, ty) in entry.typed_operands().into_iter().flatten() {
            match operand {
                Operand::Cell(id) => {
                    let value = self.components(frame, id, ty);
                    values[at..at + ty.components()].copy_from_slice(value);
                }
                Operand::Imm(value) => values[at] = value,
            }
            at += ty.components();
        }
        values
    }

    /// Results of a fact or effect, one element after the other, and how often each is read.
    fn results(&self, frame: &Frame, entry: &Entry, real: bool) -> [[Felt; MAX_RESULTS]; 2] {
        let mut values = [Felt::ZERO; MAX_RESULTS];
        let mut mults = [Felt::ZERO; MAX_RESULTS];
        let mut at = 0;
        for (k, (id, ty)) in entry.typed_results().into_iter().flatten().enumerate() {
            let value = self.components(frame, id, ty);
            values[at..at + ty.components()].copy_from_slice(value);
            at += ty.components();
            mults[k] = self.mult_if(real, frame, id);
        }
        [values, mults]
    }

    fn events(&self, kind: ChipKind, events: &[Event]) -> Vec<Table> {
        let mut done = 0;
        table_heights(events.len())
            .into_iter()
            .map(|height| {
                let rest = &events[done.min(events.len())..];
                done += height;
                let mut trace = rows(kind, height, |r, row| {
                    self.fill_event(kind, row, rest.get(r))
                });
                if kind == ChipKind::Frame {
                    chunks(&mut trace.values, frame::WIDTH).for_each(frame::fill_inverses);
                }
                Table { kind, trace }
            })
            .collect()
    }

    /// Fills an ordered row; without an event it is padding.
    fn fill_event(&self, kind: ChipKind, row: &mut [Felt], event: Option<&Event>) {
        match (kind, event) {
            (ChipKind::Frame, Some(event)) => self.frame_row(frame::Cols::of_mut(row), event),
            (ChipKind::Frame, None) => frame::fill_padding(frame::Cols::of_mut(row)),
            (ChipKind::Leave, Some(event)) => self.leave_row(leave::Cols::of_mut(row), event),
            (ChipKind::Leave, None) => leave::fill_padding(leave::Cols::of_mut(row)),
            (ChipKind::Assert, Some(event)) => self.assert_row(assert::Cols::of_mut(row), event),
            (ChipKind::Assert, None) => assert::fill_padding(assert::Cols::of_mut(row)),
            (ChipKind::MemoryElement, Some(event)) => self.effect_row(event, |values| {
                let cols = memory_element::Cols::of_mut(row);
                memory_element::fill(cols, values, &self.limbs);
            }),
            (ChipKind::MemoryElement, None) => {
                memory_element::fill_padding(memory_element::Cols::of_mut(row));
            }
            (ChipKind::MemoryWord, Some(event)) => self.effect_row(event, |values| {
                memory_word::fill(memory_word::Cols::of_mut(row), values, &self.limbs);
            }),
            (ChipKind::MemoryWord, None) => {
                memory_word::fill_padding(memory_word::Cols::of_mut(row));
            }
            (ChipKind::Advice, Some(event)) => self.effect_row(event, |values| {
                advice::fill(advice::Cols::of_mut(row), values);
            }),
            (ChipKind::Advice, None) => advice::fill_padding(advice::Cols::of_mut(row)),
            (ChipKind::Tree, Some(event)) => self.effect_row(event, |values| {
                tree::fill(tree::Cols::of_mut(row), values);
            }),
            (ChipKind::Tree, None) => tree::fill_padding(tree::Cols::of_mut(row)),
            (ChipKind::Clock, Some(event)) => self.effect_row(event, |values| {
                clock::fill(clock::Cols::of_mut(row), values);
            }),
            (ChipKind::Clock, None) => clock::fill_padding(clock::Cols::of_mut(row)),
            _ => unreachable!("{kind:?} has no ordered rows"),
        }
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

    /// The entry of a copy, the frames that it reads and writes, and the value of its key.
    fn route(&self, fact: &Fact) -> (&CopyEntry, &Frame, &Frame, Felt) {
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
        (entry, from, to, y)
    }

    fn copy_row(&self, cols: &mut copy::Cols<Felt>, fact: &Fact, real: bool) {
        let fp = Felt::from_u64(self.frame(fact.frame).name);
        let (entry, from, to, y) = self.route(fact);
        let values = entry.src.map(|src| self.value(from, src));
        let mults = std::array::from_fn(|j| self.mult_if(real, to, entry.base + j as u32));
        copy::fill(cols, fp, y, entry, values, mults);
    }

    fn word_copy_row(&self, cols: &mut word_copy::Cols<Felt>, fact: &Fact, real: bool) {
        let fp = Felt::from_u64(self.frame(fact.frame).name);
        let (entry, from, to, y) = self.route(fact);
        let start = self.position(from, entry.src[0]);
        let value = std::array::from_fn(|j| self.execution.values[start + j]);
        let mult = self.mult_if(real, to, entry.base);
        word_copy::fill(cols, fp, y, entry, value, mult);
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

    /// A row for each address touched, in order.
    fn addresses(&self) -> Vec<Table> {
        let kind = ChipKind::Addresses;
        let touched = &self.execution.touched;
        let mut done = 0;
        table_heights(touched.len())
            .into_iter()
            .map(|height| {
                let first = done;
                done += height;
                let trace = rows(kind, height, |r, row| {
                    let cols = addresses::Cols::of_mut(row);
                    let at = first + r;
                    match touched.get(at) {
                        Some(own) => {
                            let previous = at.checked_sub(1).map(|before| &touched[before]);
                            addresses::fill(cols, own, previous, &self.limbs);
                        }
                        None => addresses::fill_padding(cols),
                    }
                });
                Table { kind, trace }
            })
            .collect()
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
                last: match self.execution.touched.last() {
                    Some(touched) => touched.place().map(Felt::from_u64),
                    None => addresses::START.map(Felt::from_i64),
                },
                mults: std::array::from_fn(|j| self.mult(root, INPUT + j as u32)),
            };
        });
        Table {
            kind: ChipKind::Boundary,
            trace,
        }
    }
}

/// The tables of a chip whose rows are listed; the last one is duplicated, not `real`, to fill them up.
fn listed<T: Sync>(
    kind: ChipKind,
    list: &[T],
    fill: impl Fn(&mut [Felt], &T, bool) + Sync,
) -> Vec<Table> {
    let mut done = 0;
    table_heights(list.len())
        .into_iter()
        .map(|height| {
            let first = done;
            done += height;
            let trace = rows(kind, height, |r, row| {
                let own = list.get(first + r);
                let shown = own.or(list.last()).expect("there are rows");
                fill(row, shown, own.is_some());
            });
            Table { kind, trace }
        })
        .collect()
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
