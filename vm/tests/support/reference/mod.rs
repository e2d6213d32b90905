//! The language in its most literal form: a stack, and one arm per instruction. The compiler is compared with it.
//!
//! Each file has the instructions of some [`Section`]s; this one has the machine and control flow. A crate that uses
//! the module has the module `support`, too.
#![allow(dead_code, reason = "every test crate uses a part")]

mod advice;
mod calls;
mod ext3;
mod field;
mod hash;
mod integers;
mod memory;
mod merkle;
mod stack;
mod stark;

use std::collections::HashMap;

use p3_field::{Field, PrimeCharacteristicRing, PrimeField64};
use plica_field::{Felt, Word};
use plica_vm::inputs::Inputs;
use plica_vm::syntax::{Instruction, Node, NodeKind, Program, Section, Trivial};

use crate::support::Failure;
use advice::Advice;

/// Why a run has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Failed(Failure),
    OutOfFuel,
}

type Result<T> = std::result::Result<T, Stop>;

/// The depth that the stack never goes below.
const FLOOR: usize = 16;
/// Where the frame pointer of a new context stands.
const FRAMES: u32 = 1 << 30;
/// The same in a `syscall`.
const SYSCALL_FRAMES: u32 = 1 << 31;

/// Runs `program`; the result has the top first.
pub(crate) fn interpret(program: &Program, inputs: &Inputs, fuel: u64) -> Result<[Felt; 16]> {
    interpret_counted(program, inputs, fuel).map(|(outputs, _)| outputs)
}

/// The same with the number of nodes executed: instructions, and each entry of an `if`, `while`, `repeat` or call.
pub(crate) fn interpret_counted(
    program: &Program,
    inputs: &Inputs,
    fuel: u64,
) -> Result<([Felt; 16], u64)> {
    let mut machine = Machine {
        program,
        stack: inputs.initial_stack().into_iter().rev().collect(),
        memory: HashMap::new(),
        context: 0,
        contexts: 1,
        frame: FRAMES,
        opener: Word::default(),
        locals: 0,
        advice: Advice::new(inputs),
        roots: None,
        clock: 0,
        fuel,
    };
    machine.body(&program.main)?;
    if machine.stack.len() > FLOOR {
        return fail(Failure::Depth);
    }
    Ok((std::array::from_fn(|n| machine.peek(n)), machine.clock))
}

struct Machine<'a> {
    program: &'a Program,
    /// Bottom first, without what the callers of the current context hide.
    stack: Vec<Felt>,
    /// The words that are not zero, by context and address.
    memory: HashMap<(u64, u32), Word>,
    /// The memory context; 0 is the program's.
    context: u64,
    /// How many contexts there have been.
    contexts: u64,
    /// The address of the current procedure's last local.
    frame: u32,
    /// The root of the procedure that opened the context, or that a `syscall` came from.
    opener: Word,
    /// How many locals the current procedure has.
    locals: u16,
    advice: Advice,
    /// The roots of all procedures, once something asks for them.
    roots: Option<Vec<Word>>,
    /// How many nodes were executed.
    clock: u64,
    fuel: u64,
}

impl<'a> Machine<'a> {
    fn peek(&self, n: usize) -> Felt {
        self.stack[self.stack.len() - 1 - n]
    }

    /// The word whose topmost element, its last one, is item `n`.
    fn peek_word(&self, n: usize) -> Word {
        std::array::from_fn(|j| self.peek(n + 3 - j))
    }

    /// Takes `taken` items and pushes `given`, last on top; the floor sees the net effect.
    fn replace(&mut self, taken: usize, given: &[Felt]) {
        self.stack.truncate(self.stack.len() - taken);
        self.stack.extend(given);
        while self.stack.len() < FLOOR {
            self.stack.insert(0, Felt::ZERO);
        }
    }

    fn pop(&mut self) -> Felt {
        let top = self.peek(0);
        self.replace(1, &[]);
        top
    }

    fn pop_boolean(&mut self) -> Result<bool> {
        let top = self.pop();
        boolean(top)
    }

    /// The operands `[b, a, ..]` of an instruction, in which an immediate stands for b, and how many are on the stack.
    fn operands(&self, immediate: Option<Felt>) -> (usize, Felt, Felt) {
        match immediate {
            Some(b) => (1, self.peek(0), b),
            None => (2, self.peek(1), self.peek(0)),
        }
    }

    fn body(&mut self, body: &'a [Node]) -> Result<()> {
        // Procedures that run themselves through `dynexec` nest as deep as the fuel lasts.
        stacker::maybe_grow(1 << 16, 1 << 20, || {
            body.iter().try_for_each(|node| self.node(&node.kind))
        })
    }

    fn node(&mut self, node: &'a NodeKind) -> Result<()> {
        self.fuel = self.fuel.checked_sub(1).ok_or(Stop::OutOfFuel)?;
        self.clock += 1;
        match node {
            NodeKind::Op(instruction) => self.instruction(instruction),
            NodeKind::If {
                then, otherwise, ..
            } => {
                let taken = if self.pop_boolean()? { then } else { otherwise };
                self.body(taken)
            }
            NodeKind::While { body } => {
                while self.pop_boolean()? {
                    self.body(body)?;
                }
                Ok(())
            }
            NodeKind::Repeat { count, body } => (0..*count).try_for_each(|_| self.body(body)),
            NodeKind::Exec(callee) => self.exec(*callee),
            NodeKind::Call(callee) => self.call(*callee),
            NodeKind::Procref(target) => {
                let root = self.root_of(*target);
                self.replace(0, &root);
                Ok(())
            }
            NodeKind::DynExec => {
                let callee = self.pop_procedure()?;
                self.exec(callee)
            }
            NodeKind::DynCall => {
                let callee = self.pop_procedure()?;
                self.call(callee)
            }
            // Roots are Plica's own, so that none in a text is one of them.
            NodeKind::InvokeRoot { .. } => fail(Failure::UnknownProcedure),
            NodeKind::Syscall(callee) => self.syscall(*callee),
        }
    }

    fn instruction(&mut self, instruction: &Instruction) -> Result<()> {
        if let Some(trivial) = instruction.trivial() {
            let constant = match trivial {
                Trivial::Nothing => return Ok(()),
                Trivial::DropThenZero => Felt::ZERO,
                Trivial::DropThenOne => Felt::ONE,
            };
            // Two steps: the floor sees both.
            self.replace(1, &[]);
            self.replace(0, &[constant]);
            return Ok(());
        }
        match instruction.info().section {
            Section::Stack => self.stack_instruction(instruction),
            Section::Field => self.field_instruction(instruction),
            Section::Assertions => self.assertion(instruction),
            Section::Extension => self.extension_instruction(instruction),
            Section::U32 => self.u32_instruction(instruction),
            Section::Environment => self.environment_instruction(instruction),
            Section::Memory | Section::Locals => self.memory_instruction(instruction),
            Section::Advice => self.advice_instruction(instruction),
            Section::Injectors => self.injector(instruction),
            Section::Hashing => self.hash_instruction(instruction),
            Section::Stark => self.stark_instruction(instruction),
            Section::Ext3 => self.ext3_instruction(instruction),
            Section::Deep => self.stack_instruction(instruction),
            Section::Events => Ok(()),
        }
    }
}

fn fail<T>(failure: Failure) -> Result<T> {
    Err(Stop::Failed(failure))
}

fn boolean(value: Felt) -> Result<bool> {
    match value.as_canonical_u64() {
        0 => Ok(false),
        1 => Ok(true),
        _ => fail(Failure::NotBinary),
    }
}

fn to_u32(value: Felt) -> Result<u32> {
    u32::try_from(value.as_canonical_u64()).map_err(|_| Stop::Failed(Failure::NotU32))
}

fn invert(value: Felt) -> Result<Felt> {
    value
        .try_inverse()
        .ok_or(Stop::Failed(Failure::DivisionByZero))
}
