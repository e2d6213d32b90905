//! The corpus on the machine: outputs, failures, and traces that satisfy every constraint and balance the bus.

mod support;

use p3_field::PrimeField64;
use plica_air::code::{Class, Entry, FactOp, Program};
use plica_air::{check, trace};
use plica_field::Felt;
use plica_vm::compile::{Compiled, RunErrorKind, compile};
use plica_vm::inputs::Inputs;
use plica_vm::ir::CompileErrorKind;
use plica_vm::syntax::{NoModules, parse_program};
use support::{Case, Expected, Failure, load_corpus};

const MAX_CYCLES: u64 = 1 << 24;

fn compiled(case: &Case) -> Result<Compiled, CompileErrorKind> {
    let program = parse_program(&case.source, &case.name, &case.modules()).expect("parses");
    compile(&program).map_err(|error| error.kind)
}

fn inputs(case: &Case) -> Inputs {
    case.run_inputs()
}

fn runnable() -> Vec<Case> {
    load_corpus()
        .into_iter()
        .filter(|case| !matches!(case.expected, Expected::Rejected(_)))
        .collect()
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
            RunErrorKind::NotU32 { .. } | RunErrorKind::Shift => Failure::NotU32,
            RunErrorKind::Exponent { .. } => Failure::Assertion(0),
            RunErrorKind::LogOfZero => Failure::LogOfZero,
            RunErrorKind::MemoryAddress { .. } => Failure::MemoryAddress,
            RunErrorKind::AdviceStack => Failure::AdviceStack,
            RunErrorKind::FriSegment => Failure::FriSegment,
            RunErrorKind::FriFolding => Failure::FriFolding,
            RunErrorKind::MerklePath { code } => Failure::MerkleVerify(code),
            RunErrorKind::CallDepth { .. } => Failure::CallDepth,
            RunErrorKind::UnknownProcedure => Failure::UnknownProcedure,
            RunErrorKind::FinalDepth => Failure::Depth,
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

/// How many 32-bit checks a program has.
fn checks(source: &str) -> usize {
    let program = parse_program(source, "checks", &NoModules).expect("parses");
    let program = compile(&program).expect("compiles").program;
    let is_check =
        |entry: &&Entry| matches!(entry, Entry::Fact(fact) if fact.op == FactOp::U32Check);
    program.entries.iter().filter(is_check).count()
}

#[test]
fn a_number_is_checked_once_per_path() {
    let cases = [
        ("dup.1 dup.1 u32lt movdn.2 u32xor add", 2),
        // Results and constants are in range.
        ("u32wrapping_add.3 push.5 u32and dup u32popcnt add", 1),
        ("u32split u32wrapping_mul u32not", 0),
        ("u32testw drop u32cast u32clz", 0),
        (
            "u32assert u32clz u32not u32ctz u32cto u32clo u32popcnt push.9 u32and",
            1,
        ),
        // Choices between constants, and what is computed from Booleans.
        ("eq.3 not dup.1 eq.2 mul u32wrapping_add.1", 0),
        ("dup.1 eq.3 if.true push.70000 else push.5 end u32and.7", 0),
        // A sum of two of them may be no Boolean, but it is small; the compiler does not go that far.
        ("eq.3 dup add u32wrapping_add.1", 1),
        (
            "dup.1 eq.3 if.true push.4294967296 else push.5 end u32and.7",
            1,
        ),
        (
            "push.0 dup.1 neq.0 while.true u32not dup.2 neq.0 end u32not",
            0,
        ),
        // Inlined, unrolled and called.
        ("u32assert repeat.3 u32not u32clz u32wrapping_add.1 end", 1),
        (
            "u32assert repeat.300 u32not u32clz u32wrapping_add.1 end",
            1,
        ),
        // One side of a branch says nothing about the other, and nothing about what follows.
        (
            "dup.1 eq.3 if.true dup u32wrapping_add.1 else u32assert push.7 end u32xor",
            3,
        ),
        // What enters a loop in range stays so.
        (
            "u32assert dup.1 neq.0 while.true u32wrapping_mul.5 dup.1 neq.0 end",
            1,
        ),
        (
            "dup.1 neq.0 while.true u32wrapping_mul.5 dup.1 neq.0 end",
            1,
        ),
        // A constant that an immediate names is checked, one that makes the instruction trivial is not.
        ("u32wrapping_add.0 u32or.0 u32shl.0 u32div.1 u32and.0", 0),
        ("u32overflowing_add.0 drop", 1),
    ];
    for (body, expected) in cases {
        let source = format!("begin {body} drop drop end");
        assert_eq!(checks(&source), expected, "{body}");
    }
}

/// How many elements of the cubic extension a program puts together, and how many operations on them it has.
fn elements(source: &str) -> [usize; 2] {
    let program = parse_program(source, "elements", &NoModules).expect("parses");
    let program = compile(&program).expect("compiles").program;
    let mut counts = [0; 2];
    for entry in &program.entries {
        if let Entry::Fact(fact) = entry {
            counts[0] += usize::from(fact.op == FactOp::Ext3Pack);
            counts[1] += usize::from(fact.op.class() == Class::Ext3);
        }
    }
    counts
}

#[test]
fn an_element_of_the_extension_stays_one_value() {
    let cases = [
        // Two operands, and one more; results are values.
        ("ext3mul", [2, 1]),
        ("ext3mul ext3mul", [3, 2]),
        ("dup.5 dup.5 dup.5 ext3mul ext3mul", [2, 2]),
        ("ext3div dup.2 dup.2 dup.2 ext3mul ext3inv ext3sub", [3, 5]),
        // A sum is one instruction, too.
        ("ext3add ext3sub", [3, 2]),
        ("ext3add ext3mul", [3, 2]),
        // The sum of a product and something else is one row; the product has its own if it is read.
        ("ext3mul ext3add", [3, 1]),
        ("ext3mul movup.5 movup.5 movup.5 ext3add", [3, 1]),
        ("ext3mul ext3sub", [3, 2]),
        (
            "ext3mul dup.5 dup.5 dup.5 dup.5 dup.5 dup.5 ext3add",
            [3, 2],
        ),
        // An element of the base field needs no word.
        ("push.5.0.0 ext3mul push.7.0.0 ext3add", [1, 1]),
        (
            "ext3mul push.7.0.0 ext3add ext3mul push.8.0.0 ext3add",
            [3, 2],
        ),
        ("movup.4 push.0.0 ext3mul", [1, 1]),
        ("push.1.0.0 ext3mul", [0, 0]),
        // Of constants everything is computed, and nothing left.
        (
            "push.1.2.3 push.4.5.6 ext3mul ext3inv drop drop drop",
            [0, 0],
        ),
        // Nobody asks for it, but it may fail.
        ("ext3mul drop drop drop", [0, 0]),
        ("ext3inv drop drop drop", [1, 1]),
    ];
    for (body, expected) in cases {
        let source = format!("begin {body} repeat.9 movup.15 drop end end");
        assert_eq!(elements(&source), expected, "{body}");
    }
}

#[test]
fn failures_say_what_is_wrong() {
    let cases = [
        (
            "u32assert.err=7",
            1 << 32,
            "expected a 32-bit number, found 4294967296 (error code 7)",
        ),
        (
            "u32assert",
            1 << 40,
            "expected a 32-bit number, found 1099511627776",
        ),
        (
            "push.9 u32wrapping_add",
            1 << 32,
            "expected a 32-bit number, found 4294967296",
        ),
        ("push.9 swap u32div", 0, "division by zero"),
        (
            "push.9 swap u32shl",
            64,
            "a shift or rotation by more bits than a 32-bit number has",
        ),
        (
            "push.9 swap u32shr",
            32,
            "a shift or rotation by more bits than a 32-bit number has",
        ),
        (
            "push.9 swap u32rotr",
            33,
            "a shift or rotation by more bits than a 32-bit number has",
        ),
        ("pow2", 64, "the exponent is not below 2^6"),
        ("push.3 swap exp.u5", 32, "the exponent is not below 2^5"),
        (
            "push.3 swap exp.u40",
            1 << 40,
            "the exponent is not below 2^40",
        ),
        ("ilog2", 0, "logarithm of zero"),
        ("push.0 swap ext2inv", 0, "division by zero"),
    ];
    for (body, input, expected) in cases {
        // The result is dropped: an instruction that fails does so even if nobody needs it.
        let source = format!("begin {body} drop push.0 swap drop end");
        let program = parse_program(&source, "failing", &NoModules).expect("parses");
        let compiled = compile(&program).expect("compiles");
        let stack = Inputs::from_stack(vec![Felt::new(input)]).initial_stack();
        let error = compiled.run(&stack, MAX_CYCLES).expect_err(body);
        assert_eq!(error.to_string(), expected, "{body}");
    }
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
