//! Random programs: the compiled machine code against the literal interpreter, and their traces against every
//! constraint. `PLICA_SEED=n PLICA_CASES=m` continues elsewhere.

#[path = "support/random/mod.rs"]
mod random;
#[path = "support/reference/mod.rs"]
mod reference;
mod support;

use plica_air::{check, trace};
use plica_field::Felt;
use plica_vm::compile::{RunErrorKind, compile};
use plica_vm::inputs::Inputs;
use plica_vm::ir::CompileErrorKind;
use plica_vm::syntax::{NoModules, parse_program};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use random::{ENABLED, random_inputs, random_program_with};
use reference::{Stop, interpret};
use support::Failure;

fn parameter(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Writes programs of raw stack instructions, keeping track of the depth so that it is static, or not if it is `loose`.
struct Writer {
    loose: bool,
    rng: TestRng,
    text: String,
    procedures: usize,
    /// Instructions left.
    budget: usize,
}

impl Writer {
    fn below(&mut self, n: usize) -> usize {
        (self.rng.next_u64() % n as u64) as usize
    }

    fn word(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push(' ');
    }

    /// One instruction; returns the depth after it.
    fn instruction(&mut self, depth: usize) -> usize {
        let n16 = self.below(16);
        let n15 = 1 + self.below(15);
        let n14 = 2 + self.below(14);
        let (n4, n3) = (self.below(4), 1 + self.below(3));
        let n2 = 2 + self.below(2);
        let k = self.below(4);
        let (text, net): (String, isize) = match self.below(44) {
            0 | 1 => ("drop".into(), -1),
            2 => ("dropw".into(), -4),
            3 => ("padw".into(), 4),
            4 | 5 => (format!("push.{k}"), 1),
            6 => (format!("push.{k}.{}.{n16}", k + 1), 3),
            7..=9 => (format!("dup.{n16}"), 1),
            10 => (format!("dupw.{n4}"), 4),
            11 | 12 => (format!("swap.{n15}"), 0),
            13 => (format!("swapw.{n3}"), 0),
            14 => ("swapdw".into(), 0),
            15 | 16 => (format!("movup.{n14}"), 0),
            17 | 18 => (format!("movdn.{n14}"), 0),
            19 => (format!("movupw.{n2}"), 0),
            20 => (format!("movdnw.{n2}"), 0),
            21 | 22 => ("add".into(), -1),
            23 => ("sub".into(), -1),
            24 => ("mul".into(), -1),
            25 => (format!("add.{k}"), 0),
            26 => (format!("sub.{k}"), 0),
            27 if k == 0 => {
                // Drops first and pushes afterwards.
                self.word("mul.0");
                return (depth - 1).max(16) + 1;
            }
            27 => (format!("mul.{k}"), 0),
            28 => ("neg".into(), 0),
            29 => (format!("dup.{n16} dup eq.0 add inv"), 1),
            30 => ("div".into(), -1),
            31 => (format!("eq.{k}"), 0),
            32 => (format!("neq.{k}"), 0),
            33 => ("eq".into(), -1),
            34 => ("eqw".into(), 1),
            35 => (format!("eq.{k} not"), 0),
            36 => (format!("eq.{k} swap neq.1 and"), -1),
            37 => (format!("eq.{k} swap neq.2 or"), -1),
            38 => (format!("eq.{k} swap eq.1 xor"), -1),
            39 => (format!("eq.{k} cswap"), -1),
            40 => (format!("eq.{k} cdrop"), -2),
            41 => (format!("eq.{k} cswapw"), -1),
            42 => (format!("eq.{k} cdropw"), -5),
            _ => (format!("exp.{}", k + 1), 0),
        };
        self.word(&text);
        // Texts of several instructions stay above the floor in between.
        depth.saturating_add_signed(net).max(16)
    }

    fn fix(&mut self, from: usize, to: usize) {
        if self.loose && self.below(2) == 0 {
            return;
        }
        for _ in to..from {
            self.word("drop");
        }
        for _ in from..to {
            self.word("push.3");
        }
    }

    fn body(&mut self, mut depth: usize, nesting: usize) -> usize {
        self.word("nop");
        for _ in 0..1 + self.below(7) {
            if self.budget == 0 {
                break;
            }
            self.budget -= 1;
            depth = self.statement(depth, nesting);
        }
        depth
    }

    fn statement(&mut self, depth: usize, nesting: usize) -> usize {
        let k = self.below(3);
        let n = self.below(16);
        match self.below(if nesting == 0 { 20 } else { 28 }) {
            0 if self.procedures > 0 => {
                let p = self.below(self.procedures);
                self.word(&format!("exec.p{p}"));
                // Procedures keep the depth: `procedure` fixes it for their callers' worst case.
                depth
            }
            1 => {
                self.word(&format!("dup.{n} dup mul dup assert_eq.err=5"));
                // dup, square, dup, and both gone: one more element than before was taken back.
                depth - 1 + 1
            }
            20..=23 => {
                let sense = ["if.true", "if.false"][self.below(2)];
                self.word(&format!("dup.{n} eq.{k} {sense}"));
                let then = self.body(depth, nesting - 1);
                self.word("else");
                let otherwise = self.body(depth, nesting - 1);
                self.fix(otherwise, then);
                self.word("end");
                then
            }
            24 | 25 => {
                self.word(&format!("push.{} push.1 while.true", k + 1));
                let after = self.body(depth + 1, nesting - 1);
                self.fix(after, depth + 1);
                // Whatever is on top now counts down; a random value will not reach 0.
                self.word(&format!(
                    "drop dup.{n} eq.{k} push.0 and push.{k} swap end drop"
                ));
                depth
            }
            26 => {
                self.word(&format!("dup.{n} eq.{k} while.true"));
                let after = self.body(depth, nesting - 1);
                self.fix(after, depth);
                self.word(&format!("dup.{} eq.{k} end", (n + 1) % 16));
                depth
            }
            27 => {
                let count = [1, 2, 3, 20, 70][self.below(5)];
                self.word(&format!("repeat.{count}"));
                let after = self.body(depth, nesting - 1);
                if count > 3 {
                    self.fix(after, depth);
                    self.word("end");
                    return depth;
                }
                self.word("end");
                // The depth after several rounds is left to the final correction, by interpretation.
                let mut reached = depth;
                let step = after as isize - depth as isize;
                for _ in 0..count {
                    reached = reached.saturating_add_signed(step).max(16);
                }
                reached
            }
            _ => self.instruction(depth),
        }
    }
}

fn random_program(seed: u64, loose: bool) -> String {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut writer = Writer {
        loose,
        rng: TestRng::from_seed(RngAlgorithm::ChaCha, &bytes),
        text: String::new(),
        procedures: 0,
        budget: 60,
    };
    for p in 0..writer.below(3) {
        writer.word(&format!("proc.p{p}"));
        let after = writer.body(16, 1);
        writer.fix(after, 16);
        writer.word("end\n");
        writer.procedures = p + 1;
    }
    writer.word("begin");
    writer.body(16, 3);
    // Back to the floor, whatever the depth is.
    writer.word("repeat.400 drop end push.7 drop end");
    writer.text
}

/// What happened to a case, for the statistics at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    Output,
    Failure,
    OutOfFuel,
}

/// The inputs of a raw program.
fn raw_inputs(seed: u64) -> Inputs {
    let mut inputs = [Felt::new(0); 16];
    for (i, input) in inputs.iter_mut().enumerate() {
        *input = Felt::new((seed >> (i % 8 * 2) & 3) + u64::from(i % 5 == 4));
    }
    Inputs::from_stack(inputs)
}

fn one(seed: u64, source: &str, inputs: &Inputs) -> Seen {
    let with_trace = seed.is_multiple_of(4);
    let program = parse_program(source, "random", &NoModules)
        .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{source}"));
    let expected = interpret(&program, inputs, 100_000);
    if expected == Err(Stop::OutOfFuel) {
        return Seen::OutOfFuel;
    }
    let compiled = match compile(&program) {
        Ok(compiled) => compiled,
        Err(error) => match error.kind {
            CompileErrorKind::FinalDepth(_) => {
                // Another failure may come before.
                assert!(matches!(expected, Err(Stop::Failed(_))), "seed {seed}");
                return Seen::Failure;
            }
            other => panic!("seed {seed}: {other}\n{source}"),
        },
    };
    let found = compiled.run(inputs, 1 << 22);
    match (expected, found) {
        (Ok(outputs), Ok(run)) => {
            assert_eq!(run.outputs, outputs, "seed {seed}\n{source}");
            if with_trace {
                let execution = compiled.record(inputs, 1 << 22).expect("runs");
                assert_eq!(execution.outputs, outputs, "seed {seed}\n{source}");
                let tables = trace::generate(&compiled.program, &compiled.layout, &execution);
                let findings = check::check(&compiled.program, &tables, &execution.public_values());
                assert!(findings.is_empty(), "seed {seed}: {findings:?}\n{source}");
            }
            Seen::Output
        }
        (Err(Stop::Failed(failure)), Err(error)) => {
            let kind = match error.kind {
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
                RunErrorKind::CycleLimit { .. } => panic!("seed {seed}: does not halt\n{source}"),
            };
            assert_eq!(kind, failure, "seed {seed}\n{source}");
            Seen::Failure
        }
        (expected, found) => {
            panic!("seed {seed}: {found:?}, expected {expected:?}\n{source}")
        }
    }
}

/// Compares a number of programs, most of which must get through for that to be worth something.
fn compare_all(program: impl Fn(u64) -> (String, Inputs)) {
    let first = parameter("PLICA_SEED", 0);
    let cases = parameter("PLICA_CASES", 3000);
    let mut seen = std::collections::BTreeMap::new();
    for seed in first..first + cases {
        let (source, inputs) = program(seed);
        *seen.entry(one(seed, &source, &inputs)).or_insert(0u64) += 1;
    }
    println!("{seen:?}");
    assert!(
        seen.get(&Seen::Output).copied().unwrap_or(0) * 3 > cases,
        "{seen:?}"
    );
}

#[test]
fn compiled_programs_agree_with_the_literal_interpreter() {
    compare_all(|seed| (random_program(seed, false), raw_inputs(seed)));
}

#[test]
fn programs_of_any_depth_agree_with_the_literal_interpreter() {
    compare_all(|seed| (random_program(seed, true), raw_inputs(seed)));
}

#[test]
fn structured_programs_agree_with_the_literal_interpreter() {
    compare_all(|seed| (random_program_with(seed, ENABLED), random_inputs(seed)));
}
