//! No text makes the parser panic, and every diagnostic can be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use miette::{GraphicalReportHandler, GraphicalTheme};
use plica_vm::syntax::{MemoryModules, parse_program};

fuzz_target!(|text: &str| {
    let modules = MemoryModules::default().with("m", text);
    if let Err(error) = parse_program(text, "fuzz", &modules) {
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
        handler.render_report(&mut String::new(), &error).unwrap();
    }
});
