//! The language in its most literal form: a stack, and one arm per instruction. The compiler is compared with it.

use p3_field::{Field, PrimeCharacteristicRing, PrimeField64};
use plica_field::Felt;
use plica_vm::syntax::{Exponent, Instruction, Node, NodeKind, Program};

use super::Failure;

/// Why a run has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Failed(Failure),
    OutOfFuel,
}

type Result<T> = std::result::Result<T, Stop>;

const FLOOR: usize = 16;

/// Runs `program` on `inputs`, top first.
pub(crate) fn interpret(program: &Program, inputs: &[Felt; 16], fuel: u64) -> Result<[Felt; 16]> {
    let mut machine = Machine {
        program,
        stack: inputs.iter().rev().copied().collect(),
        fuel,
    };
    machine.body(&program.main)?;
    if machine.stack.len() > FLOOR {
        return Err(Stop::Failed(Failure::Depth));
    }
    Ok(std::array::from_fn(|n| machine.peek(n)))
}

struct Machine<'a> {
    program: &'a Program,
    /// Bottom first.
    stack: Vec<Felt>,
    fuel: u64,
}

impl Machine<'_> {
    fn peek(&self, n: usize) -> Felt {
        self.stack[self.stack.len() - 1 - n]
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

    fn body(&mut self, body: &[Node]) -> Result<()> {
        for node in body {
            self.fuel = self.fuel.checked_sub(1).ok_or(Stop::OutOfFuel)?;
            match &node.kind {
                NodeKind::Op(instruction) => self.instruction(instruction)?,
                NodeKind::If {
                    then, otherwise, ..
                } => {
                    let taken = if self.pop_boolean()? { then } else { otherwise };
                    self.body(taken)?;
                }
                NodeKind::While { body } => {
                    while self.pop_boolean()? {
                        self.body(body)?;
                    }
                }
                NodeKind::Repeat { count, body } => {
                    for _ in 0..*count {
                        self.body(body)?;
                    }
                }
                NodeKind::Exec(callee) => {
                    let program = self.program;
                    self.body(&program[*callee].body)?;
                }
                other => panic!("not in the core language: {other:?}"),
            }
        }
        Ok(())
    }

    fn binary(
        &mut self,
        immediate: Option<Felt>,
        op: impl Fn(Felt, Felt) -> Result<Felt>,
    ) -> Result<()> {
        let (taken, a, b) = match immediate {
            Some(b) => (1, self.peek(0), b),
            None => (2, self.peek(1), self.peek(0)),
        };
        let out = op(a, b)?;
        self.replace(taken, &[out]);
        Ok(())
    }

    fn logic(&mut self, op: impl Fn(bool, bool) -> bool) -> Result<()> {
        let a = boolean(self.peek(1))?;
        let b = boolean(self.peek(0))?;
        self.replace(2, &[Felt::from_bool(op(a, b))]);
        Ok(())
    }

    fn swap_items(&mut self, m: usize, n: usize) {
        let top = self.stack.len() - 1;
        self.stack.swap(top - m, top - n);
    }

    fn instruction(&mut self, instruction: &Instruction) -> Result<()> {
        use Instruction as I;
        let fail = |failure| Err(Stop::Failed(failure));
        match instruction {
            I::Nop => {}
            I::Drop => self.replace(1, &[]),
            I::DropW => self.replace(4, &[]),
            I::PadW => self.replace(0, &[Felt::ZERO; 4]),
            I::Push(values) => values.iter().for_each(|&v| self.replace(0, &[v])),
            I::Dup(n) => self.replace(0, &[self.peek((*n).into())]),
            I::DupW(n) => {
                let n = 4 * usize::from(*n);
                let word: Vec<Felt> = (0..4).rev().map(|j| self.peek(n + j)).collect();
                self.replace(0, &word);
            }
            I::Swap(n) => self.swap_items(0, (*n).into()),
            I::SwapW(n) => (0..4).for_each(|j| self.swap_items(j, 4 * usize::from(*n) + j)),
            I::SwapDW => (0..8).for_each(|j| self.swap_items(j, j + 8)),
            I::MovUp(n) => {
                let at = self.stack.len() - 1 - usize::from(*n);
                let item = self.stack.remove(at);
                self.stack.push(item);
            }
            I::MovDn(n) => {
                let item = self.stack.pop().expect("never empty");
                let at = self.stack.len() - usize::from(*n);
                self.stack.insert(at, item);
            }
            I::MovUpW(n) => {
                let end = self.stack.len() - 4 * usize::from(*n);
                let word: Vec<Felt> = self.stack.drain(end - 4..end).collect();
                self.stack.extend(word);
            }
            I::MovDnW(n) => {
                let word = self.stack.split_off(self.stack.len() - 4);
                let at = self.stack.len() - 4 * usize::from(*n);
                self.stack.splice(at..at, word);
            }
            I::CSwap | I::CSwapW => {
                let width = if matches!(instruction, I::CSwap) {
                    1
                } else {
                    4
                };
                if self.pop_boolean()? {
                    (0..width).for_each(|j| self.swap_items(j, width + j));
                }
            }
            I::CDrop | I::CDropW => {
                let width = if matches!(instruction, I::CDrop) {
                    1
                } else {
                    4
                };
                let keep_upper = self.pop_boolean()?;
                let top: Vec<Felt> = (0..2 * width).rev().map(|n| self.peek(n)).collect();
                let kept = if keep_upper {
                    &top[width..]
                } else {
                    &top[..width]
                };
                self.replace(2 * width, kept);
            }
            I::Add(b) => self.binary(*b, |a, b| Ok(a + b))?,
            I::Sub(b) => self.binary(*b, |a, b| Ok(a - b))?,
            I::Mul(Some(b)) if *b == Felt::ZERO => {
                self.replace(1, &[]);
                self.replace(0, &[Felt::ZERO]);
            }
            I::Mul(b) => self.binary(*b, |a, b| Ok(a * b))?,
            I::Div(b) => self.binary(*b, |a, b| Ok(a * invert(b)?))?,
            I::Neg => {
                let a = self.peek(0);
                self.replace(1, &[-a]);
            }
            I::Inv => {
                let inverse = invert(self.peek(0))?;
                self.replace(1, &[inverse]);
            }
            I::Exp(Exponent::Value(b)) if *b == Felt::ZERO => {
                self.replace(1, &[]);
                self.replace(0, &[Felt::ONE]);
            }
            I::Exp(Exponent::Value(b)) => {
                let power = self.peek(0).exp_u64(b.as_canonical_u64());
                self.replace(1, &[power]);
            }
            I::Not => {
                let a = boolean(self.peek(0))?;
                self.replace(1, &[Felt::from_bool(!a)]);
            }
            I::And => self.logic(|a, b| a & b)?,
            I::Or => self.logic(|a, b| a | b)?,
            I::Xor => self.logic(|a, b| a ^ b)?,
            I::Eq(b) => self.binary(*b, |a, b| Ok(Felt::from_bool(a == b)))?,
            I::Neq(b) => self.binary(*b, |a, b| Ok(Felt::from_bool(a != b)))?,
            I::EqW => {
                let equal = (0..4).all(|j| self.peek(j) == self.peek(4 + j));
                self.replace(0, &[Felt::from_bool(equal)]);
            }
            I::Assert(code) => {
                if self.pop() != Felt::ONE {
                    return fail(Failure::Assertion(*code));
                }
            }
            I::AssertZ(code) => {
                if self.pop() != Felt::ZERO {
                    return fail(Failure::Assertion(*code));
                }
            }
            I::AssertEq(code) => {
                if self.peek(0) != self.peek(1) {
                    return fail(Failure::Assertion(*code));
                }
                self.replace(2, &[]);
            }
            I::AssertEqW(code) => {
                if (0..4).any(|j| self.peek(j) != self.peek(4 + j)) {
                    return fail(Failure::Assertion(*code));
                }
                self.replace(8, &[]);
            }
            other => panic!("not in the core language: {other:?}"),
        }
        Ok(())
    }
}

fn boolean(value: Felt) -> Result<bool> {
    match value.as_canonical_u64() {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Stop::Failed(Failure::NotBinary)),
    }
}

fn invert(value: Felt) -> Result<Felt> {
    value
        .try_inverse()
        .ok_or(Stop::Failed(Failure::DivisionByZero))
}
