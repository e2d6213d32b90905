//! Executions of the machine as instances of a fold.
//!
//! The relation is that of the STARK, chip by chip: constraints and interactions come from the same code, and so do the traces, with one table for each chip. Runs of
//! one program are of one shape if the same chips have rows; each table gets the height of the highest, and each column the digits of its largest value.

use p3_matrix::Matrix as _;
use plica_air::chip::{self, ChipKind};
use plica_air::record::Execution;
use plica_air::trace::{self, Heights};
use plica_vm::compile::Compiled;
use thiserror::Error;

use crate::fold::Instance;
use crate::relation::{Relation, RelationError};
use crate::shape::{Shape, ShapeError, TableInput, Trace};

/// Why runs do not fold together.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MachineError {
    #[error("there is no run")]
    Nothing,
    #[error(
        "run {run} has rows of `{chip}` and run 0 has none, or the other way round: runs that fold together use the same chips"
    )]
    Chips { run: usize, chip: &'static str },
    #[error("tables stand in another order than chips, or twice")]
    Order,
    #[error("the table of `{0}` is not that of the program")]
    Fixed(&'static str),
    #[error("`{chip}`: {reason}")]
    Relation {
        chip: &'static str,
        reason: RelationError,
    },
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// The table of a chip in a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChipTable {
    pub kind: ChipKind,
    /// log2 of the rows.
    pub log_height: usize,
    /// Digits of each column.
    pub widths: Vec<usize>,
}

/// The shape of a program's runs with these tables: what a verifier makes of the program and of what a prover says about heights and digits.
///
/// Heights and digits are the prover's choice, as they are in a STARK. What a program fixes is not: the tables with preprocessed columns are there, once, with its columns
/// and at their height, so there is one statement.
///
/// # Errors
/// If the tables are not those of a run of this program, or too long for a witness of 2^`log_length` ring elements.
pub fn shape(
    compiled: &Compiled,
    tables: &[ChipTable],
    log_length: usize,
) -> Result<Shape, MachineError> {
    if !tables.windows(2).all(|pair| pair[0].kind < pair[1].kind) {
        return Err(MachineError::Order);
    }
    let fixed = |kind: ChipKind| match kind.preprocessed() {
        true => chip::preprocessed(&compiled.program, kind),
        false => None,
    };
    let listed = |kind: &ChipKind| tables.iter().any(|table| table.kind == *kind);
    let mut missing = ChipKind::ALL.into_iter().filter(|kind| !listed(kind));
    if let Some(kind) = missing.find(|&kind| fixed(kind).is_some()) {
        return Err(MachineError::Fixed(kind.name()));
    }
    let input = |table: &ChipTable| {
        let name = table.kind.name();
        let relation = Relation::new(name, &table.kind);
        let relation = relation.map_err(|reason| MachineError::Relation { chip: name, reason })?;
        let fixed = match (table.kind.preprocessed(), fixed(table.kind)) {
            (true, Some(fixed)) if fixed.height().ilog2() as usize == table.log_height => fixed,
            (true, _) => return Err(MachineError::Fixed(name)),
            (false, _) => Trace::new(vec![], 0),
        };
        Ok(TableInput {
            relation,
            log_height: table.log_height,
            fixed,
            widths: table.widths.clone(),
        })
    };
    let tables: Result<_, MachineError> = tables.iter().map(input).collect();
    Ok(Shape::new(tables?, log_length)?)
}

/// The tables of runs of a program, and each run as an instance of their shape.
///
/// # Errors
/// If the runs are not alike.
pub fn instances(
    compiled: &Compiled,
    runs: &[Execution],
) -> Result<(Vec<ChipTable>, Vec<Instance>), MachineError> {
    let heights = heights(compiled, runs)?;
    let traces = runs.iter().map(|run| {
        trace::generate_with(&compiled.program, &compiled.layout, run, heights, is_used)
    });
    let traces: Vec<Vec<trace::Table>> = traces.collect();
    let tables = traces[0]
        .iter()
        .enumerate()
        .map(|(number, table)| ChipTable {
            kind: table.kind,
            log_height: table.trace.height().ilog2() as usize,
            widths: Shape::widths(traces.iter().map(|tables| &tables[number].trace)),
        });
    let tables = tables.collect();
    let instances = runs.iter().zip(traces).map(|(run, tables)| Instance {
        public_values: run.public_values(),
        traces: tables.into_iter().map(|table| table.trace).collect(),
    });
    Ok((tables, instances.collect()))
}

/// Which twins take the place of their originals: those with a third of the columns for a permutation, in constraints of a higher degree, which cost a sum-check little.
const fn is_used(twin: ChipKind) -> bool {
    matches!(
        twin,
        ChipKind::RpoCompact | ChipKind::NodeCompact | ChipKind::AbsorbCompact
    )
}

/// One table for each chip, as high as that of the run with most rows.
fn heights(compiled: &Compiled, runs: &[Execution]) -> Result<Heights, MachineError> {
    let counts = runs
        .iter()
        .map(|run| trace::row_counts(&compiled.program, run, is_used));
    let counts: Vec<Vec<(ChipKind, usize)>> = counts.collect();
    let first = counts.first().ok_or(MachineError::Nothing)?;
    let mut heights = Heights::ONE_TABLE;
    for kind in ChipKind::ALL {
        let rows = |counts: &[(ChipKind, usize)]| {
            let own = counts.iter().find(|&&(other, _)| other == kind);
            own.map(|&(_, rows)| rows)
        };
        let expected = rows(first).is_some();
        let mut most = 0;
        for (run, counts) in counts.iter().enumerate() {
            let rows = rows(counts);
            if rows.is_some() != expected {
                let chip = kind.name();
                return Err(MachineError::Chips { run, chip });
            }
            most = most.max(rows.unwrap_or(0));
        }
        if most > 0 {
            let alike = |other: &ChipKind| *other == kind || other.twin() == Some(kind);
            heights = ChipKind::ALL
                .into_iter()
                .filter(alike)
                .fold(heights, |heights, kind| heights.with_least(kind, most));
        }
    }
    Ok(heights)
}
