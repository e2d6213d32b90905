//! The programs of the corpus do what it says.

mod support;

use plica_vm::syntax::{Program, parse_program};
use support::{Case, Expected, load_corpus};

fn parse(case: &Case) -> Result<Program, String> {
    parse_program(&case.source, &case.name, &case.modules()).map_err(|error| {
        miette::Diagnostic::code(&error)
            .expect("every diagnostic has a code")
            .to_string()
    })
}

#[test]
fn names_are_unique() {
    let mut names: Vec<String> = load_corpus().into_iter().map(|case| case.name).collect();
    names.sort();
    let total = names.len();
    names.dedup();
    assert_eq!(names.len(), total);
}

#[test]
fn rejected_programs_are_rejected_and_no_others() {
    for case in load_corpus() {
        let code = parse(&case).err();
        match &case.expected {
            Expected::Rejected(expected) => {
                assert_eq!(code, Some(format!("masm::{expected}")), "{}", case.name)
            }
            _ => assert_eq!(code, None, "{}", case.name),
        }
    }
}
