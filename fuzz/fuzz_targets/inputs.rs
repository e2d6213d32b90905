//! No text makes the readers of input and output files panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plica_vm::inputs::{Inputs, outputs_from_json};

fuzz_target!(|text: &str| {
    let _ = Inputs::from_json(text);
    let _ = outputs_from_json(text);
});
