//! What the commands print.

use std::io::Write;

use plica::{Analysis, Error, SecurityReport};
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

pub(super) fn print_json(value: &serde_json::Value) {
    print(&value.to_string());
}

/// Prints an error: a report with the source text, or one JSON object, on standard error.
pub(super) fn error(error: Error, json: bool) {
    let category = error.category();
    if json {
        let value = json!({
            "error": error.to_string(),
            "category": format!("{category:?}"),
            "exit_code": category as u8,
        });
        let _ = writeln!(std::io::stderr(), "{value}");
    } else {
        let report = miette::Report::new(error);
        let _ = writeln!(std::io::stderr(), "{report:?}");
    }
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
        "{:<10} {:>10} {:>16} {:>10} {:>8} {:>12}",
        "chip", "rows", "tables", "free", "columns", "cells"
    ));
    for chip in &analysis.chips {
        let tables: Vec<String> = chip.padded.iter().map(usize::to_string).collect();
        line(format_args!(
            "{:<10} {:>10} {:>16} {:>10} {:>8} {:>12}",
            chip.chip,
            chip.rows,
            tables.join(" + "),
            chip.free,
            chip.columns,
            chip.cells
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
    text
}
