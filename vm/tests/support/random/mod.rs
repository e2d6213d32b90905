//! Random programs: nested loops, branches, `repeat`, procedures and checks, with a static stack depth, in the core of
//! the language. [`Features`] add the rest.
#![allow(dead_code, reason = "every test crate uses a part")]

mod statements;

use std::fmt::Write as _;

use plica_field::Felt;
use plica_vm::inputs::Inputs;

/// What a random program may contain beside the core of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Features {
    /// Order, parity, powers and logarithms of field elements.
    pub(crate) comparisons: bool,
    /// The quadratic extension.
    pub(crate) extension: bool,
    /// The cubic extension, which the reference implementation does not have.
    pub(crate) ext3: bool,
    /// 32-bit integers.
    pub(crate) u32: bool,
    /// Helpers of STARK verifiers.
    pub(crate) stark: bool,
    /// Memory.
    pub(crate) memory: bool,
    /// Procedure locals.
    pub(crate) locals: bool,
    /// Loops that push, and `sdepth`.
    pub(crate) dynamic_depth: bool,
    /// `call`, and with `memory` also `dynexec` and `dyncall`.
    pub(crate) calls: bool,
    /// Hashing.
    pub(crate) hashing: bool,
    /// Merkle trees.
    pub(crate) merkle: bool,
    /// Advice.
    pub(crate) advice: bool,
}

impl Features {
    pub(crate) const NONE: Self = Self {
        comparisons: false,
        extension: false,
        ext3: false,
        u32: false,
        stark: false,
        memory: false,
        locals: false,
        dynamic_depth: false,
        calls: false,
        hashing: false,
        merkle: false,
        advice: false,
    };
    pub(crate) const ALL: Self = Self {
        comparisons: true,
        extension: true,
        ext3: true,
        u32: true,
        stark: true,
        memory: true,
        locals: true,
        dynamic_depth: true,
        calls: true,
        hashing: true,
        merkle: true,
        advice: true,
    };
}

/// What the compiler can do of the language beside its core.
pub(crate) const ENABLED: Features = Features {
    comparisons: true,
    extension: true,
    ext3: true,
    u32: true,
    stark: true,
    hashing: true,
    memory: true,
    locals: true,
    dynamic_depth: true,
    calls: true,
    advice: true,
    merkle: true,
};

/// SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// Stack elements that statements read and write.
const VARIABLES: usize = 7;
/// Procedures leave as many elements on top alone: counters of the loops that call them.
const PROCEDURE_BASE: usize = 4;

struct Generator {
    rng: Rng,
    text: String,
    /// Procedures that may be called here.
    callable: usize,
    features: Features,
    /// How many locals the current procedure has.
    locals: usize,
}

/// A program of the core language; the same for the same seed.
pub(crate) fn random_program(seed: u64) -> String {
    random_program_with(seed, Features::NONE)
}

/// What [`random_program_with`] is run on: small numbers and large ones, and advice.
pub(crate) fn random_inputs(seed: u64) -> Inputs {
    let mut rng = Rng(!seed);
    let mut values = |count: usize| -> Vec<Felt> {
        let value = |_| match rng.below(3) {
            0 => Felt::new(*rng.pick(statements::CONSTANTS)),
            _ => Felt::new(rng.below(4) as u64),
        };
        (0..count).map(value).collect()
    };
    Inputs {
        operand_stack: values(16),
        advice_stack: values(200),
        advice_map: statements::messages().into_iter().collect(),
        ..Inputs::default()
    }
}

/// A program; the same for the same seed and features.
pub(crate) fn random_program_with(seed: u64, features: Features) -> String {
    let mut generator = Generator {
        rng: Rng(seed),
        text: String::new(),
        callable: 0,
        features,
        locals: 0,
    };
    for p in 0..generator.rng.below(3) {
        if features.locals {
            generator.locals = generator.rng.below(4);
            writeln!(generator.text, "proc.p{p}.{}", generator.locals).unwrap();
        } else {
            writeln!(generator.text, "proc.p{p}").unwrap();
        }
        // Long ones are called by the machine, short ones inlined.
        let statements = *generator.rng.pick(&[2, 12]);
        generator.statements(PROCEDURE_BASE, 1, statements);
        generator.text.push_str("end\n");
        generator.callable = p + 1;
    }
    generator.locals = 0;
    generator.text.push_str("begin\n");
    let statements = 3 + generator.rng.below(5);
    generator.statements(0, 3, statements);
    generator.text.push_str("end\n");
    generator.text
}

impl Generator {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Statements that leave the depth as it is and the first `base` elements alone.
    fn statements(&mut self, base: usize, nesting: usize, count: usize) {
        for _ in 0..count {
            self.statement(base, nesting);
        }
    }

    fn body(&mut self, base: usize, nesting: usize) {
        let count = 1 + self.rng.below(4);
        self.statements(base, nesting - 1, count);
    }

    fn variable(&mut self) -> usize {
        self.rng.below(VARIABLES)
    }

    fn statement(&mut self, base: usize, nesting: usize) {
        if self.features != Features::NONE && self.rng.below(3) > 0 {
            return self.more(base, nesting);
        }
        let (a, b, to) = (
            base + self.variable(),
            base + self.variable(),
            base + self.variable() + 1,
        );
        let constant = self.rng.below(4);
        match self.rng.below(if nesting == 0 { 8 } else { 16 }) {
            0..=2 => {
                let op = *self.rng.pick(&["add", "sub", "mul", "eq", "neq"]);
                self.line(&format!("dup.{a} dup.{} {op} swap.{to} drop", b + 1));
            }
            3..=4 => {
                let op = *self.rng.pick(&["add", "sub", "mul", "eq", "neq"]);
                self.line(&format!("dup.{a} {op}.{constant} swap.{to} drop"));
            }
            5 => self.line(&format!(
                "dup.{a} dup.{} dup eq.0 add div swap.{to} drop",
                b + 1
            )),
            6 => self.line(&format!("dup.{a} dup eq.0 add inv drop")),
            7 => self.line(&format!(
                "dup.{a} dup.{} mul dup.{} dup.{} mul assert_eq",
                b + 1,
                b + 1,
                a + 2
            )),
            8..=10 => {
                let test = *self.rng.pick(&["eq", "neq"]);
                let sense = *self.rng.pick(&["if.true", "if.false"]);
                self.line(&format!("dup.{a} {test}.{constant} {sense}"));
                self.body(base, nesting);
                if self.rng.below(3) > 0 {
                    self.line("else");
                    self.body(base, nesting);
                }
                self.line("end");
            }
            11 => {
                // A counter that the loop row can step.
                if self.rng.below(2) == 0 {
                    self.line(&format!("dup.{a} eq.{constant} dup.{} neq.0 add", b + 1));
                } else {
                    self.line(&format!("push.{constant}"));
                }
                self.line("dup neq.0 while.true sub.1");
                self.body(base + 1, nesting);
                let early = self.rng.below(2) == 0;
                self.line("dup neq.0");
                if early {
                    self.line(&format!("dup.{} neq.1 and", b + 2));
                }
                self.line("end drop");
            }
            12 => {
                // Counts up, always entered.
                self.line("push.0 push.1 while.true");
                self.body(base + 1, nesting);
                self.line(&format!("add.1 dup neq.{} end drop", constant + 1));
            }
            13 => {
                // Runs once or not at all.
                self.line(&format!("dup.{a} eq.{constant} while.true"));
                self.body(base, nesting);
                self.line("push.0 end");
            }
            14 => {
                let count = *self.rng.pick(if nesting > 2 {
                    &[2, 7, 40, 300]
                } else {
                    &[2, 3, 5, 12]
                });
                self.line(&format!("repeat.{count}"));
                self.body(base, nesting);
                self.line("end");
            }
            _ => {
                if self.callable > 0 && base <= PROCEDURE_BASE {
                    let p = self.rng.below(self.callable);
                    self.line(&format!("exec.p{p} exec.p{p}"));
                } else {
                    self.statements(base, nesting - 1, 2);
                }
            }
        }
    }
}
