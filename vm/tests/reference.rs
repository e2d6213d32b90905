//! The literal interpreter does what the corpus says. This is what makes it worth comparing the compiler with.

#[path = "support/reference/mod.rs"]
mod reference;
mod support;

use std::collections::BTreeMap;
use std::path::Path;

use p3_field::PrimeField64;
use plica_vm::inputs::{Inputs, outputs_from_json};
use plica_vm::syntax::{NoModules, parse_program};
use reference::{Stop, interpret, interpret_counted};
use support::{Case, Expected, load_corpus};

fn outcome(case: &Case) -> Expected {
    let program = parse_program(&case.source, &case.name, &case.modules())
        .unwrap_or_else(|error| panic!("{}: {error}", case.name));
    match interpret(&program, &case.run_inputs(), 1 << 22) {
        Ok(outputs) => Expected::Outputs(outputs.map(|value| value.as_canonical_u64())),
        Err(Stop::Failed(failure)) => Expected::Fails(failure),
        Err(Stop::OutOfFuel) => panic!("{}: does not halt", case.name),
    }
}

#[test]
fn the_literal_interpreter_agrees_with_the_corpus() {
    let mut wrong = Vec::new();
    for case in load_corpus() {
        if matches!(case.expected, Expected::Rejected(_)) {
            continue;
        }
        let found = outcome(&case);
        if found != case.expected {
            wrong.push(format!("{}: {}, found {found}", case.name, case.expected));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `bench/programs/operations.json` has the number of MASM operations that a run of each program executes, for figures in
/// operations per second. `UPDATE_DOCS=1` writes it.
#[test]
fn the_bench_programs_compute_what_they_say_in_as_many_operations_as_they_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench/programs");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let mut counted = BTreeMap::new();
    for file in std::fs::read_dir(&folder).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        let Some(name) = file.strip_suffix(".inputs").filter(|n| !n.contains('.')) else {
            continue;
        };
        let program = parse_program(&read(&format!("{name}.masm")), name, &NoModules).unwrap();
        let inputs = Inputs::from_json(&read(&file)).unwrap();
        let (outputs, operations) = interpret_counted(&program, &inputs, 1 << 26).unwrap();
        let expected = outputs_from_json(&read(&format!("{name}.outputs"))).unwrap();
        assert_eq!(outputs, expected, "{name}");
        counted.insert(name.to_owned(), operations);
    }
    let text = serde_json::to_string_pretty(&counted).unwrap() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(folder.join("operations.json"), &text).unwrap();
    }
    assert_eq!(text, read("operations.json"));
}
