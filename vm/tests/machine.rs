//! The corpus on the machine: outputs, failures, and traces that satisfy every constraint and balance the bus.

mod support;

use p3_field::PrimeField64;
use plica_air::code::{Entry, Program};
use plica_air::{check, trace};
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

fn inputs(case: &Case) -> Inputs {
    case.run_inputs()
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
            RunErrorKind::NotU32 { .. } => Failure::NotU32,
            RunErrorKind::MemoryAddress { .. } => Failure::MemoryAddress,
            RunErrorKind::AdviceStack => Failure::AdviceStack,
            RunErrorKind::Host(failure) => failure.into(),
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

/// How many instructions of the program's loops stand alone in a bundle, and how many in the chip for single ones.
fn without_partner(source: &str) -> [usize; 2] {
    let program = parse_program(source, "odd", &NoModules).expect("parses");
    let program = compile(&program).expect("compiles").program;
    let loops = program
        .blocks
        .iter()
        .filter(|block| block.region != Program::ROOT)
        .flat_map(|block| block.entries.clone());
    let mut counts = [0; 2];
    for entry in loops {
        match program.entries[entry as usize] {
            Entry::Arith(bundle) => counts[0] += usize::from(bundle.ops[0] == bundle.ops[1]),
            Entry::Single(_) => counts[1] += 1,
            _ => {}
        }
    }
    let singles = program
        .entries
        .iter()
        .filter(|e| matches!(e, Entry::Single(_)));
    assert_eq!(singles.count(), counts[1], "none in code that runs once");
    counts
}

#[test]
fn an_odd_instruction_stands_alone_where_it_runs_often() {
    // Long enough that `repeat` keeps one copy of it per iteration.
    let long = |instructions: usize| format!("repeat.8 {} end", "dup.1 mul ".repeat(instructions));
    let cases = [
        // Straight code; eight iterations.
        ("dup.1 mul".to_owned(), [0, 0]),
        (long(200), [0, 0]),
        (long(201), [1, 0]),
        // As often as it takes, for all that the compiler knows; so does what lies inside.
        ("dup.1 while.true add dup.1 end".to_owned(), [0, 1]),
        (
            "dup.1 while.true dup.3 add mul dup.1 end".to_owned(),
            [0, 0],
        ),
        // The outer body has two: the start of the counter, and the check that the condition is Boolean.
        (format!("dup.1 while.true {} dup.1 end", long(200)), [0, 2]),
        (format!("dup.1 while.true {} dup.1 end", long(201)), [0, 3]),
    ];
    for (body, expected) in cases {
        let found = without_partner(&format!("begin {body} end"));
        assert_eq!(found, expected, "{body}");
    }
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
