//! What the commands print.

use std::io::Write;

use plica::{Analysis, Error, Felt, SecurityReport, format_felt};
use serde_json::json;

/// Prints to standard output. A reader that has gone away is no failure of ours.
pub(super) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = out.write_all(b"\n");
    }
    let _ = out.flush();
}

/// Field elements as JSON has them.
pub(super) fn decimals(values: &[Felt]) -> Vec<String> {
    values.iter().map(|&value| format_felt(value)).collect()
}

pub(super) fn print_json(value: &serde_json::Value) {
    print(&value.to_string());
}

/// Prints an error: a report with the source text, or one JSON object, on standard error.
pub(super) fn error(error: Error, json: bool) {
    let category = error.category();
    if json {
        let mut value = json!({
            "error": error.to_string(),
            "category": format!("{category:?}"),
            "exit_code": category as u8,
        });
        if let Some((file, line, column)) = place(&error) {
            value["file"] = file.into();
            value["line"] = line.into();
            value["column"] = column.into();
        }
        let _ = writeln!(std::io::stderr(), "{value}");
    } else {
        let report = miette::Report::new(error);
        let _ = writeln!(std::io::stderr(), "{report:?}");
    }
}

/// File, line and column that an error points at, counted from 1.
fn place(error: &Error) -> Option<(String, usize, usize)> {
    use miette::Diagnostic;
    let label = error.labels()?.next()?;
    let contents = error.source_code()?.read_span(label.inner(), 0, 0).ok()?;
    let file = contents.name().unwrap_or_default().to_owned();
    Some((file, contents.line() + 1, contents.column() + 1))
}

pub(super) fn security(report: &SecurityReport) -> serde_json::Value {
    use plica::Model;
    let round = |bits: f64| (bits * 10.0).round() / 10.0;
    json!({
        "proven": round(report.bits(Model::Proven)),
        "johnson": report.johnson.as_ref().map(|j| round(j.bits)),
        "unique_decoding": round(report.unique_decoding.bits),
        "conjectured": round(report.conjectured.bits),
        "queries": report.queries,
    })
}

/// Places at which the stack goes to memory that are listed.
const SPILLS_SHOWN: usize = 10;

pub(super) fn analysis(analysis: &Analysis) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    let mut line = |args: std::fmt::Arguments<'_>| {
        let _ = writeln!(text, "{args}");
    };
    line(format_args!(
        "{} ordered steps, {} frames, {} cells",
        analysis.clock - 1,
        analysis.frames,
        analysis.total_cells
    ));
    line(format_args!(
        "predicted: {:.2} s on two cores, {} MB",
        analysis.prediction.seconds,
        analysis.prediction.bytes >> 20
    ));
    line(format_args!(""));
    line(format_args!(
        "{:<14} {:>10} {:>16} {:>10} {:>8} {:>12}",
        "chip", "rows", "tables", "free", "columns", "cells"
    ));
    for chip in &analysis.chips {
        let tables: Vec<String> = chip.padded.iter().map(usize::to_string).collect();
        line(format_args!(
            "{:<14} {:>10} {:>16} {:>10} {:>8} {:>12}",
            chip.chip,
            chip.rows,
            tables.join(" + "),
            chip.free,
            chip.columns,
            chip.cells
        ));
    }
    if let Some(quotient) = &analysis.quotient {
        line(format_args!(
            "{:<14} {:>10} {:>16} {:>10} {:>8} {:>12}",
            "quotient", "", quotient.rows, "", quotient.columns, quotient.cells
        ));
    }
    line(format_args!(""));
    line(format_args!(
        "{:<40} {:>12} {:>12}",
        "procedure", "entries run", "cells"
    ));
    for procedure in &analysis.procedures {
        line(format_args!(
            "{:<40} {:>12} {:>12}",
            procedure.procedure, procedure.executed, procedure.cells
        ));
    }
    let spilled = &analysis.spilled;
    if spilled.items > 0 {
        line(format_args!(""));
        line(format_args!(
            "stack in memory, where its depth is not known: {} items moved, {} of the cells above",
            spilled.items, spilled.cells
        ));
        for (place, items) in spilled.places.iter().take(SPILLS_SHOWN) {
            line(format_args!("{place:<40} {items:>12} items"));
        }
        if let Some(more) = spilled
            .places
            .get(SPILLS_SHOWN..)
            .filter(|more| !more.is_empty())
        {
            line(format_args!("and at {} more places", more.len()));
        }
    }
    text
}
