//! Memory, procedure locals and advice: effects, with words between them and the stack.
//!
//! Addresses are not checked here. An access to one of 2^32 or more has no row and stops the processor.

use std::collections::HashSet;

use p3_field::PrimeCharacteristicRing;
use plica_air::code::{ADVICE_VALUES, EffectOp};
use plica_field::Felt;

use super::build::{Scope, constant};
use super::stack::Stack;
use super::translate::{Result, Translator};
use super::{Ir, Operand};
use crate::syntax::{Body, Instruction, NodeKind, Program, Span};

/// Frame pointer at the start of a context.
pub(super) const FRAMES: u64 = 1 << 30;

impl Translator<'_> {
    pub(super) fn memory_instruction(
        &mut self,
        instruction: &Instruction,
        span: Span,
        stack: &mut Stack,
        scope: &mut Scope,
    ) -> Result<()> {
        use Instruction as I;
        let local = |index: u16| (0, self.local(index));
        match *instruction {
            I::MemLoad(a) => self.ir.load(stack, scope, address(stack, a)),
            I::MemLoadW(a) => self.ir.load_word(stack, scope, address(stack, a)),
            I::MemStore(a) => self.ir.store(stack, scope, address(stack, a)),
            I::MemStoreW(a) => self.ir.store_word(stack, scope, address(stack, a)),
            I::MemStream => {
                let words = self.ir.double_address(stack, scope).map(|address| {
                    let word = self.ir.effect(scope, EffectOp::LoadWord, &[address])[0];
                    self.ir.unpack(scope, word)
                });
                self.ir.show_double_word(stack, scope, words);
            }
            I::LocLoad(index) => self.ir.load(stack, scope, local(index)),
            I::LocLoadW(index) => self.ir.load_word(stack, scope, local(index)),
            I::LocStore(index) => self.ir.store(stack, scope, local(index)),
            I::LocStoreW(index) => self.ir.store_word(stack, scope, local(index)),
            I::LocAddr(index) => stack.push(self.local(index)),
            _ => return self.unsupported(span),
        }
        Ok(())
    }

    pub(super) fn advice_instruction(
        &mut self,
        instruction: &Instruction,
        span: Span,
        stack: &mut Stack,
        scope: &mut Scope,
    ) -> Result<()> {
        use Instruction as I;
        match *instruction {
            I::AdvPush(count) => {
                let mut left = usize::from(count);
                while left > 0 {
                    let taken = left.min(ADVICE_VALUES);
                    let values = self.ir.advice(scope, taken);
                    values[..taken].iter().for_each(|&value| stack.push(value));
                    left -= taken;
                }
            }
            I::AdvLoadW => {
                let values = self.ir.advice(scope, ADVICE_VALUES);
                stack.replace(4, &values);
            }
            I::AdvPipe => {
                let words = self.ir.double_address(stack, scope).map(|address| {
                    let values = self.ir.advice(scope, ADVICE_VALUES);
                    let word = self.ir.pack(scope, values);
                    self.ir.effect(scope, EffectOp::StoreWord, &[address, word]);
                    values
                });
                self.ir.show_double_word(stack, scope, words);
            }
            _ => return self.unsupported(span),
        }
        Ok(())
    }

    /// The address of a local of the current procedure.
    fn local(&self, index: u16) -> Operand {
        let below_last = u64::from(self.locals - 1 - index);
        constant(Felt::from_u64(self.frame - below_last))
    }
}

/// The address in an immediate or on top of the stack, and how many items it takes there.
fn address(stack: &Stack, immediate: Option<u32>) -> (usize, Operand) {
    match immediate {
        Some(address) => (0, constant(Felt::from_u32(address))),
        None => (1, stack.peek(0)),
    }
}

impl Ir {
    fn load(&mut self, stack: &mut Stack, scope: &mut Scope, (above, address): (usize, Operand)) {
        let value = self.effect(scope, EffectOp::LoadElement, &[address]);
        stack.replace(above, &value);
    }

    fn load_word(
        &mut self,
        stack: &mut Stack,
        scope: &mut Scope,
        (above, address): (usize, Operand),
    ) {
        let word = self.effect(scope, EffectOp::LoadWord, &[address])[0];
        let elements = self.unpack(scope, word);
        stack.replace(above + 4, &elements);
    }

    fn store(&mut self, stack: &mut Stack, scope: &mut Scope, (above, address): (usize, Operand)) {
        let operands = [address, stack.peek(above)];
        self.effect(scope, EffectOp::StoreElement, &operands);
        stack.drop(above + 1);
    }

    fn store_word(
        &mut self,
        stack: &mut Stack,
        scope: &mut Scope,
        (above, address): (usize, Operand),
    ) {
        // The deepest element is the word's first.
        let elements = std::array::from_fn(|j| stack.peek(above + 3 - j));
        let word = self.pack(scope, elements);
        self.effect(scope, EffectOp::StoreWord, &[address, word]);
        stack.drop(above);
    }

    /// The next values of the advice, of which `count` are asked for.
    fn advice(&mut self, scope: &mut Scope, count: usize) -> [Operand; ADVICE_VALUES] {
        let count = count as u8;
        let values = self.effect(scope, EffectOp::Advice { count }, &[]);
        std::array::from_fn(|j| values[1 + j])
    }

    /// The two addresses of a transfer of two words.
    fn double_address(&mut self, stack: &Stack, scope: &mut Scope) -> [Operand; 2] {
        let first = stack.peek(12);
        [first, self.affine(scope, first, Felt::ONE, Felt::ONE)]
    }

    /// The end of such a transfer: the words replace the top eight items, the second one on top, and the address at position 12
    /// moves on.
    fn show_double_word(&mut self, stack: &mut Stack, scope: &mut Scope, words: [[Operand; 4]; 2]) {
        let next = self.affine(scope, stack.peek(12), Felt::ONE, Felt::TWO);
        stack.set(stack.depth() - 1 - 12, next);
        stack.replace(8, words.as_flattened());
    }
}

/// By procedure: whether its code depends on the frame pointer, itself or through one that it executes.
pub(super) fn uses_frame(program: &Program) -> Vec<bool> {
    let own = |body: &Body| {
        let (mut locals, mut callees) = (false, HashSet::new());
        let mut pending = vec![body];
        while let Some(body) = pending.pop() {
            for node in body {
                match &node.kind {
                    NodeKind::Op(instruction) => {
                        locals |= matches!(
                            instruction,
                            Instruction::LocAddr(_)
                                | Instruction::LocLoad(_)
                                | Instruction::LocLoadW(_)
                                | Instruction::LocStore(_)
                                | Instruction::LocStoreW(_)
                        );
                    }
                    NodeKind::Exec(callee) => {
                        callees.insert(callee.index());
                    }
                    NodeKind::If {
                        then, otherwise, ..
                    } => pending.extend([then, otherwise]),
                    NodeKind::While { body } | NodeKind::Repeat { body, .. } => pending.push(body),
                    _ => {}
                }
            }
        }
        (locals, callees)
    };
    let (mut uses, callees): (Vec<bool>, Vec<HashSet<usize>>) =
        program.procedures.iter().map(|p| own(&p.body)).unzip();
    let mut callers = vec![Vec::new(); uses.len()];
    for (caller, callees) in callees.iter().enumerate() {
        for &callee in callees {
            callers[callee].push(caller);
        }
    }
    let mut pending: Vec<usize> = (0..uses.len()).filter(|&p| uses[p]).collect();
    while let Some(procedure) = pending.pop() {
        for &caller in &callers[procedure] {
            if !std::mem::replace(&mut uses[caller], true) {
                pending.push(caller);
            }
        }
    }
    uses
}
