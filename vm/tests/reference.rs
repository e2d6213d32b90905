//! The literal interpreter does what the corpus says. This is what makes it worth comparing the compiler with.

#[path = "support/reference/mod.rs"]
mod reference;
mod support;

use p3_field::PrimeField64;
use plica_vm::syntax::parse_program;
use reference::{Stop, interpret};
use support::{Case, Expected, load_whole_corpus};

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
    for case in load_whole_corpus() {
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
