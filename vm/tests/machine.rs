//! The corpus on the machine: outputs, failures, and traces that satisfy every constraint and balance the bus.

mod support;

use p3_field::PrimeField64;
use plica_air::{check, trace};
use plica_field::Felt;
use plica_vm::compile::{Compiled, RunErrorKind, compile};
use plica_vm::inputs::Inputs;
use plica_vm::ir::CompileErrorKind;
use plica_vm::syntax::{NoModules, parse_program};
use support::{Case, Expected, Failure, load_corpus};

const MAX_CYCLES: u64 = 1 << 24;

fn compiled(case: &Case) -> Result<Compiled, CompileErrorKind> {
    let program = parse_program(&case.source, &case.name, &NoModules).expect("parses");
    compile(&program).map_err(|error| error.kind)
}

fn inputs(case: &Case) -> [Felt; 16] {
    let stack: Vec<Felt> = case.inputs.iter().map(|&v| Felt::new(v)).collect();
    Inputs::from_stack(stack).initial_stack()
}

/// Whether a case needs what the compiler does not have yet: bit decompositions and dynamic stack depth.
fn is_for_later(case: &Case) -> bool {
    matches!(
        compiled(case),
        Err(CompileErrorKind::Unsupported(_)
            | CompileErrorKind::BranchDepth { .. }
            | CompileErrorKind::LoopDepth { .. })
    )
}

fn runnable() -> Vec<Case> {
    load_corpus()
        .into_iter()
        .filter(|case| !matches!(case.expected, Expected::Rejected(_)) && !is_for_later(case))
        .collect()
}

#[test]
fn only_exponents_and_dynamic_depth_are_for_later() {
    let later: Vec<String> = load_corpus()
        .into_iter()
        .filter(|case| !matches!(case.expected, Expected::Rejected(_)) && is_for_later(case))
        .map(|case| case.name)
        .collect();
    insta::assert_snapshot!(later.join("\n"));
}

fn outcome(case: &Case) -> Result<[u64; 16], Failure> {
    let program = match compiled(case) {
        Ok(program) => program,
        Err(CompileErrorKind::FinalDepth(_)) => return Err(Failure::Depth),
        Err(other) => panic!("{}: {other}", case.name),
    };
    match program.run(&inputs(case), MAX_CYCLES) {
        Ok(run) => Ok(run.outputs.map(|v| v.as_canonical_u64())),
        Err(error) => Err(match error.kind {
            RunErrorKind::Assertion { code } => Failure::Assertion(code),
            RunErrorKind::NotBinary { .. } => Failure::NotBinary,
            RunErrorKind::DivisionByZero => Failure::DivisionByZero,
            RunErrorKind::CycleLimit { .. } => panic!("{}: does not halt", case.name),
        }),
    }
}

#[test]
fn programs_do_what_the_corpus_says() {
    let mut wrong = Vec::new();
    for case in runnable() {
        let expected = match &case.expected {
            Expected::Outputs(outputs) => Ok(*outputs),
            Expected::Fails(failure) => Err(*failure),
            Expected::Rejected(_) => unreachable!("not runnable"),
        };
        let found = outcome(&case);
        if found != expected {
            wrong.push(format!("{}: {found:?}, expected {expected:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn traces_satisfy_every_constraint_and_balance_the_bus() {
    let mut proven = 0;
    for case in runnable() {
        let Expected::Outputs(outputs) = case.expected else {
            continue;
        };
        let program = compiled(&case).expect("compiles");
        let execution = program.record(&inputs(&case), MAX_CYCLES).expect("runs");
        assert_eq!(
            execution.outputs.map(|v| v.as_canonical_u64()),
            outputs,
            "{}",
            case.name
        );
        let tables = trace::generate(&program.program, &program.layout, &execution);
        let findings = check::check(&program.program, &tables, &execution.public_values());
        assert!(findings.is_empty(), "{}: {findings:?}", case.name);
        proven += 1;
    }
    assert!(proven > 100);
}
