//! What proving a run costs, before it is proven.

use std::collections::BTreeMap;

use plica_air::chip::ChipKind;
use plica_air::code::Entry;
use plica_air::record::Execution;
use plica_air::trace;
use plica_fri::lifted::{Layout, TreeKind, TreeLayout};
use plica_fri::{Format, Instance, InstanceList, KindColumns, Profile, Proof, SecurityTarget};
use plica_vm::compile::Compiled;
use plica_vm::prover::{exists_under, heights_under, least_rows, machine};
use serde::Serialize;

/// Rows and cells of one chip.
#[derive(Clone, Debug, Serialize)]
pub struct ChipUsage {
    pub chip: &'static str,
    /// Rows that the run needs.
    pub rows: usize,
    /// Rows of the tables that hold them, each a power of two.
    pub padded: Vec<usize>,
    /// Rows that could be added without a larger table.
    pub free: usize,
    /// Committed base-field columns: main, preprocessed, bus argument, and the quotient where each table has its own.
    pub columns: usize,
    /// Committed cells, padding included, before the blow-up.
    pub cells: u64,
}

/// The one quotient of all tables, in the profiles that have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct QuotientUsage {
    /// Rows: those of the highest table, or more.
    pub rows: usize,
    /// Committed base-field columns.
    pub columns: usize,
    /// Committed cells, before the blow-up.
    pub cells: u64,
}

/// Cells spent in one procedure, in code inlined from it included.
#[derive(Clone, Debug, Serialize)]
pub struct ProcedureUsage {
    pub procedure: String,
    /// Program entries executed.
    pub executed: u64,
    /// Cells of the rows they take, without padding.
    pub cells: u64,
}

/// What the stack costs where its depth is not known, so that its lower items are in memory.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SpillUsage {
    /// Items stored and loaded.
    pub items: u64,
    /// Cells of the rows that move them, without padding.
    pub cells: u64,
    /// Where, with the number of items, the most first.
    pub places: Vec<(String, u64)>,
}

/// An estimate from the number of cells; see `docs/performance.md` for its calibration.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Prediction {
    /// Proving time on two cores, in seconds.
    pub seconds: f64,
    /// Peak memory, in bytes.
    pub bytes: u64,
}

/// What proving a run costs.
#[derive(Clone, Debug, Serialize)]
pub struct Analysis {
    /// Ordered steps of the run.
    pub clock: u64,
    /// Frames opened: calls and loop iterations.
    pub frames: usize,
    pub chips: Vec<ChipUsage>,
    /// None where the columns of each chip include its own.
    pub quotient: Option<QuotientUsage>,
    pub procedures: Vec<ProcedureUsage>,
    /// The part of it that moves items of the stack to memory and back.
    pub spilled: SpillUsage,
    pub total_cells: u64,
    pub prediction: Prediction,
}

/// Columns of a proof in the lifted format: what whoever verifies it in the machine pays for. None for another format, or if there are tables
/// that no such proof has.
#[must_use]
pub fn columns(proof: &Proof) -> Option<usize> {
    let profile = Profile::by_id(proof.profile())?;
    let mut tables = proof.instances().tables().iter();
    let exist = tables.all(|table| machine().is_available(table.kind.into(), &profile));
    let lifted = profile.format == Format::Lifted && exist;
    let layout = lifted.then(|| Layout::new(machine(), &profile, proof.instances()))?;
    Some(layout.trees.iter().map(TreeLayout::width).sum())
}

impl Analysis {
    /// Columns of the proof, all tables together.
    #[must_use]
    pub fn columns(&self) -> usize {
        let chips = self.chips.iter();
        let own: usize = chips.map(|chip| chip.columns * chip.padded.len()).sum();
        own + self.quotient.map_or(0, |quotient| quotient.columns)
    }

    /// Counts the rows of a recorded run.
    pub(crate) fn of(
        compiled: &Compiled,
        execution: &Execution,
        profile: &Profile,
        target: SecurityTarget,
    ) -> Self {
        let columns = machine().columns_under(profile);
        let row_cells = |kind: ChipKind| row_cells(&columns[kind as usize], profile.format);
        let mut tables = Vec::new();
        let chips: Vec<ChipUsage> =
            trace::row_counts(&compiled.program, execution, exists_under(profile))
                .into_iter()
                .map(|(kind, rows)| {
                    let padded = if kind.preprocessed() {
                        vec![rows.next_power_of_two().max(least_rows(kind, profile))]
                    } else {
                        heights_under(profile, target).of(kind, rows)
                    };
                    tables.extend(padded.iter().map(|&height| Instance {
                        kind: kind as u16,
                        log_height: height.ilog2() as u8,
                    }));
                    let height: usize = padded.iter().sum();
                    ChipUsage {
                        chip: kind.name(),
                        rows,
                        free: height - rows,
                        padded,
                        columns: row_cells(kind),
                        cells: height as u64 * row_cells(kind) as u64,
                    }
                })
                .collect();

        let counts = trace::entry_counts(&compiled.program, execution);
        let mut procedures: Vec<ProcedureUsage> = compiled
            .procedures
            .iter()
            .map(|name| ProcedureUsage {
                procedure: name.clone(),
                executed: 0,
                cells: 0,
            })
            .collect();
        let mut spilled = SpillUsage::default();
        let mut places: BTreeMap<String, u64> = BTreeMap::new();
        for ((entry, info), &count) in compiled
            .program
            .entries
            .iter()
            .zip(&compiled.info)
            .zip(&counts)
        {
            let kind = ChipKind::of(entry.class()).or_twin(exists_under(profile));
            let cells = u64::from(count) * row_cells(kind) as u64 / kind.per_row() as u64;
            // The lanes of a bundle may come from different procedures: half each.
            let origins: Vec<_> = info.origins.iter().flatten().collect();
            for origin in &origins {
                let usage = &mut procedures[origin.procedure as usize];
                usage.executed += u64::from(count);
                usage.cells += cells / origins.len() as u64;
                if origin.spill {
                    spilled.cells += cells / origins.len() as u64;
                }
            }
            if let (Entry::Effect(effect), [origin]) = (entry, origins.as_slice())
                && origin.spill
                && effect.op.is_access()
                && count > 0
            {
                spilled.items += u64::from(count);
                *places
                    .entry(compiled.sources.locate(origin.span))
                    .or_default() += u64::from(count);
            }
        }
        spilled.places = places.into_iter().collect();
        spilled
            .places
            .sort_by_key(|&(_, items)| std::cmp::Reverse(items));
        procedures.retain(|p| p.executed > 0);
        procedures.sort_by_key(|p| std::cmp::Reverse(p.cells));

        let quotient = QuotientUsage::of(tables, profile);
        let own_cells: u64 = chips.iter().map(|c| c.cells).sum();
        let total_cells = own_cells + quotient.map_or(0, |quotient| quotient.cells);
        let largest = chips.iter().map(|chip| {
            let height = chip.padded.iter().max().copied().unwrap_or_default();
            (height * chip.columns) as u64
        });
        let largest = largest.max().unwrap_or_default();
        Self {
            clock: execution.clk,
            frames: execution.frames.len(),
            prediction: Prediction::of(total_cells, largest, quotient, profile),
            chips,
            quotient,
            procedures,
            spilled,
            total_cells,
        }
    }
}

/// Cells that each row of a chip adds.
const fn row_cells(columns: &KindColumns, format: Format) -> usize {
    let own = columns.main + columns.preprocessed + columns.bus;
    match format {
        Format::Batch => own + columns.quotient,
        Format::Lifted => own,
    }
}

impl QuotientUsage {
    fn of(tables: Vec<Instance>, profile: &Profile) -> Option<Self> {
        if profile.format == Format::Batch {
            return None;
        }
        let layout = Layout::new(machine(), profile, &InstanceList(tables));
        let quotient = &layout.tree(TreeKind::Quotient)?.segments[0];
        let rows = 1 << quotient.log_height;
        Some(Self {
            rows,
            columns: quotient.width,
            cells: (rows * quotient.width) as u64,
        })
    }
}

impl Prediction {
    /// From the cells of all tables, those of the largest, and the one quotient.
    fn of(cells: u64, largest: u64, quotient: Option<QuotientUsage>, profile: &Profile) -> Self {
        use plica_fri::HashKind;
        const FELT_BYTES: u64 = 8;
        const EXT_DEGREE: usize = 3;
        /// Start-up, queries, small tables.
        const BASE_SECONDS: f64 = 0.06;
        const BASE_BYTES: u64 = 30 << 20;
        let blowup = 1u64 << profile.log_blowup;
        let lde_cells = cells * blowup;
        let nanoseconds_per_lde_cell = match profile.hash {
            HashKind::Rpo => 370.0,
            HashKind::Blake3 => 45.0,
            HashKind::Keccak => 70.0,
        };
        // One table at a time is on the domain of the quotient, if that is larger than what is committed.
        let chunks = quotient.map_or(0, |quotient| quotient.columns / EXT_DEGREE) as u64;
        let extended = match chunks > blowup {
            true => FELT_BYTES * chunks * largest,
            false => 0,
        };
        Self {
            seconds: BASE_SECONDS + lde_cells as f64 * nanoseconds_per_lde_cell * 1e-9,
            bytes: BASE_BYTES + lde_cells * 10 + cells * 7 + extended,
        }
    }
}
