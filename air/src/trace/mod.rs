//! From an execution to the main traces of all chips.
//!
//! 1. List the instances: which entry ran in which frame, per chip (`Instances`).
//! 2. Pad: chips of facts are filled up with duplicates of their last instance.
//! 3. Count the reads of every cell and the lookups of every entry, duplicates included.
//! 4. Fill the rows, in parallel; chips that did not run have no table.

mod count;
mod events;
mod facts;
mod instances;
mod row;
mod sums;
mod tables;
mod trees;

use std::sync::atomic::{AtomicU32, Ordering};

use p3_field::PrimeCharacteristicRing;
use p3_matrix::dense::RowMajorMatrix;
use plica_field::Felt;
use rayon::prelude::*;
use tracing::instrument;

use crate::chip::{ChipKind, Role, has_table};
use crate::chips::{limbs, program};
use crate::code::{Layout, NO_SLOT, Operand, Program};
use crate::record::{Execution, Frame, FrameIndex};
use instances::collect;
use sums::Absorbed;
use trees::Trees;

pub use instances::Heights;
pub use row::{EffectRow, FactRow};

/// A main trace and the chip it belongs to.
#[derive(Clone, Debug)]
pub struct Table {
    pub kind: ChipKind,
    pub trace: RowMajorMatrix<Felt>,
}

/// The rows that each chip with rows needs for `execution`, without padding, with the twins ([`ChipKind::twin`]) that `allowed` allows in
/// place of their originals.
pub fn row_counts(
    code: &Program,
    execution: &Execution,
    allowed: impl Fn(ChipKind) -> bool,
) -> Vec<(ChipKind, usize)> {
    let instances = collect(code, execution);
    let trees = Trees::new(&execution.trees, Heights::FEW_CELLS);
    let absorbed = Absorbed::listed(execution, Heights::FEW_CELLS);
    let rows = |kind, used| match kind {
        ChipKind::Boundary => 1,
        ChipKind::Program => code.entries.len().div_ceil(program::LANES),
        ChipKind::Limbs if has_table(code, kind) => limbs::HEIGHT,
        ChipKind::Addresses => execution.touched.len(),
        ChipKind::Node => trees.nodes.len(),
        ChipKind::Change => trees.changes.len(),
        ChipKind::Absorb => absorbed.rows.len(),
        _ => instances.rows(kind, used),
    };
    let kinds = ChipKind::ALL.into_iter();
    kinds
        .map(|kind| (kind, kind.or_twin(&allowed)))
        .map(|(kind, used)| (used, rows(kind, used)))
        .filter(|&(_, rows)| rows > 0)
        .collect()
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

/// The traces of all chips that ran, in the order of [`ChipKind`], higher instances first.
pub fn generate(program: &Program, layout: &Layout, execution: &Execution) -> Vec<Table> {
    generate_with(program, layout, execution, Heights::FEW_CELLS, |_| false)
}

/// The same with other heights, and with the twins ([`ChipKind::twin`]) that `allowed` allows in place of their originals.
#[instrument(name = "trace generation", skip_all)]
pub fn generate_with(
    program: &Program,
    layout: &Layout,
    execution: &Execution,
    heights: Heights,
    allowed: impl Fn(ChipKind) -> bool,
) -> Vec<Table> {
    let instances = collect(program, execution);
    let mut generator = Generator {
        program,
        layout,
        execution,
        heights,
        absorbed: Absorbed::new(execution, heights),
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

    // The chips that are used, with their instances, which are listed under the originals.
    let of_facts: Vec<_> = ChipKind::ALL
        .into_iter()
        .filter(|kind| matches!(kind.role(), Role::Facts(_)))
        .map(|kind| {
            let used = kind.or_twin(&allowed);
            let heights = heights.of(used, instances.rows(kind, used));
            (used, &instances.facts[kind as usize], heights)
        })
        .collect();
    generator.count(&instances);
    for (used, facts, heights) in &of_facts {
        generator.count_padding(facts, heights, used.per_row());
    }

    let mut tables = vec![generator.boundary(), generator.program()];
    for (used, facts, heights) in &of_facts {
        tables.extend(generator.facts(*used, facts, heights));
    }
    for kind in ChipKind::ALL.into_iter().filter(|kind| kind.ordered()) {
        tables.extend(generator.events(kind, &instances.events[kind as usize]));
    }
    tables.extend(generator.addresses());
    tables.extend(generator.trees(&allowed));
    tables.extend(generator.messages(&allowed));
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
    heights: Heights,
    absorbed: Absorbed,
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
