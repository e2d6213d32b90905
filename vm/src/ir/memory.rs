//! Memory, procedure locals and advice: effects, with words between them and the stack.
//!
//! Addresses are not checked here. An access to one of 2^32 or more has no row and stops the processor.

use std::collections::HashSet;

use p3_field::PrimeCharacteristicRing;
use plica_air::code::{ADVICE_VALUES, EffectOp};
use plica_field::Felt;

use super::build::{Scope, constant};
use super::stack::{CONTEXT, FRAME, Stack};
use super::translate::{Result, Translator};
use super::{Ir, Operand};
use crate::syntax::{Body, Instruction, NodeKind, Program, Span};

/// Frame pointer at the start of a context.
pub(super) const FRAMES: u64 = 1 << 30;
/// Frame pointer at the start of a `syscall`.
pub(super) const SYSCALL_FRAMES: u64 = 1 << 31;
/// The context of what the root's stack spills. No clock comes up to it, and addresses of it follow those of context 0 in order.
pub(super) const ROOT_SPILL: u64 = 1 << 32;

impl Translator<'_> {
    pub(super) fn memory_instruction(
        &mut self,
        instruction: &Instruction,
        span: Span,
        stack: &mut Stack,
        scope: &mut Scope,
    ) -> Result<()> {
        use Instruction as I;
        match *instruction {
            I::MemLoad(a) => self.ir.load(stack, scope, address(stack, a)),
            I::MemLoadW(a) => self.ir.load_word(stack, scope, address(stack, a)),
            I::MemStore(a) => self.ir.store(stack, scope, address(stack, a)),
            I::MemStoreW(a) => self.ir.store_word(stack, scope, address(stack, a)),
            I::MemStream => {
                let context = stack.at(CONTEXT);
                let words = self.ir.double_address(stack, scope).map(|address| {
                    let op = EffectOp::LoadWord;
                    let word = self.ir.access(scope, op, context, address, None)[0];
                    self.ir.unpack(scope, word)
                });
                self.ir.show_double_word(stack, scope, words);
            }
            I::LocLoad(index) => {
                let local = self.local(index, stack, scope);
                self.ir.load(stack, scope, (0, local));
            }
            I::LocLoadW(index) => {
                let local = self.local(index, stack, scope);
                self.ir.load_word(stack, scope, (0, local));
            }
            I::LocStore(index) => {
                let local = self.local(index, stack, scope);
                self.ir.store(stack, scope, (0, local));
            }
            I::LocStoreW(index) => {
                let local = self.local(index, stack, scope);
                self.ir.store_word(stack, scope, (0, local));
            }
            I::LocAddr(index) => {
                let local = self.local(index, stack, scope);
                stack.push(local);
            }
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
                let context = stack.at(CONTEXT);
                let words = self.ir.double_address(stack, scope).map(|address| {
                    let values = self.ir.advice(scope, ADVICE_VALUES);
                    let word = self.ir.pack(scope, values);
                    let op = EffectOp::StoreWord;
                    self.ir.access(scope, op, context, address, Some(word));
                    values
                });
                self.ir.show_double_word(stack, scope, words);
            }
            _ => return self.unsupported(span),
        }
        Ok(())
    }

    /// The address of a local of the current procedure.
    fn local(&mut self, index: u16, stack: &Stack, scope: &mut Scope) -> Operand {
        let below_last = Felt::from_u16(self.locals - 1 - index);
        self.ir
            .affine(scope, stack.at(FRAME), Felt::ONE, -below_last)
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
        let context = stack.at(CONTEXT);
        let value = self.access(scope, EffectOp::LoadElement, context, address, None);
        stack.replace(above, &value);
    }

    fn load_word(
        &mut self,
        stack: &mut Stack,
        scope: &mut Scope,
        (above, address): (usize, Operand),
    ) {
        let context = stack.at(CONTEXT);
        let word = self.access(scope, EffectOp::LoadWord, context, address, None)[0];
        let elements = self.unpack(scope, word);
        stack.replace(above + 4, &elements);
    }

    fn store(&mut self, stack: &mut Stack, scope: &mut Scope, (above, address): (usize, Operand)) {
        let (context, value) = (stack.at(CONTEXT), stack.peek(above));
        let op = EffectOp::StoreElement;
        self.access(scope, op, context, address, Some(value));
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
        let context = stack.at(CONTEXT);
        let op = EffectOp::StoreWord;
        self.access(scope, op, context, address, Some(word));
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
        stack.poke(12, next);
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
                    // Whatever these execute.
                    NodeKind::DynExec | NodeKind::InvokeRoot { .. } => locals = true,
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

/// Whether something asks who opened a context.
pub(super) fn uses_opener(program: &Program) -> bool {
    let mut pending: Vec<&Body> = program.procedures.iter().map(|p| &p.body).collect();
    while let Some(body) = pending.pop() {
        for node in body {
            match &node.kind {
                NodeKind::Op(Instruction::Caller) => return true,
                NodeKind::If {
                    then, otherwise, ..
                } => pending.extend([then, otherwise]),
                NodeKind::While { body } | NodeKind::Repeat { body, .. } => pending.push(body),
                _ => {}
            }
        }
    }
    false
}
