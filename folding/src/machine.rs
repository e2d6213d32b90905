//! Executions of the machine as instances of a fold.
//!
//! The relation is that of the STARK, chip by chip: constraints and interactions come from the same code, and so do the traces, with one table for each chip. Runs of
//! one program are of one shape if the same chips have rows; each table gets the height of the highest, and each column the digits of its largest value.

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
    #[error("a table of `{0}` would have more than 2^255 rows")]
    Height(&'static str),
    #[error("`{chip}`: {reason}")]
    Relation {
        chip: &'static str,
        reason: RelationError,
    },
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// The shape of these runs of a program, and each of them as an instance of it.
///
/// # Errors
/// If they are not alike, or too long for a witness of 2^`log_length` ring elements.
pub fn instances(
    compiled: &Compiled,
    runs: &[Execution],
    log_length: usize,
) -> Result<(Shape, Vec<Instance>), MachineError> {
    let heights = heights(compiled, runs)?;
    let traces = runs.iter().map(|run| {
        trace::generate_with(&compiled.program, &compiled.layout, run, heights, |_| false)
    });
    let traces: Vec<Vec<trace::Table>> = traces.collect();
    let kinds: Vec<ChipKind> = traces[0].iter().map(|table| table.kind).collect();
    let tables = kinds.iter().enumerate().map(|(number, &kind)| {
        let own = traces.iter().map(|tables| &tables[number].trace);
        let height = traces[0][number].trace.values.len() / kind.width();
        input(compiled, kind, height, own)
    });
    let shape = Shape::new(tables.collect::<Result<_, _>>()?, log_length)?;
    let instances = runs.iter().zip(traces).map(|(run, tables)| Instance {
        public_values: run.public_values(),
        traces: tables.into_iter().map(|table| table.trace).collect(),
    });
    Ok((shape, instances.collect()))
}

/// One table for each chip, as high as that of the run with most rows.
fn heights(compiled: &Compiled, runs: &[Execution]) -> Result<Heights, MachineError> {
    let counts = runs
        .iter()
        .map(|run| trace::row_counts(&compiled.program, run, |_| false));
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
            let log_height = most.next_power_of_two().ilog2();
            let log_height = u8::try_from(log_height);
            let log_height = log_height.map_err(|_| MachineError::Height(kind.name()))?;
            heights = heights.with_least(kind, log_height);
        }
    }
    Ok(heights)
}

fn input<'a>(
    compiled: &Compiled,
    kind: ChipKind,
    height: usize,
    traces: impl Iterator<Item = &'a Trace>,
) -> Result<TableInput, MachineError> {
    let relation = Relation::new(kind.name(), &kind);
    let relation = relation.map_err(|reason| MachineError::Relation {
        chip: kind.name(),
        reason,
    })?;
    let fixed = match kind.preprocessed() {
        true => chip::preprocessed(&compiled.program, kind),
        false => None,
    };
    Ok(TableInput {
        relation,
        log_height: height.ilog2() as usize,
        fixed: fixed.unwrap_or_else(|| Trace::new(vec![], 0)),
        widths: Shape::widths(traces),
    })
}
