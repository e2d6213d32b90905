//! Procedures: `exec`, `call`, and through a root in memory.

use std::fmt::Write as _;

use p3_field::PrimeCharacteristicRing;
use plica_field::{Felt, Word};
use plica_hash_rpo::hash_elements;
use plica_vm::syntax::{Body, NodeKind, ProcId, Program, Section};

use super::memory::address;
use super::{FLOOR, FRAMES, Machine, Result, SYSCALL_FRAMES, Stop, fail};
use crate::support::Failure;

impl Machine<'_> {
    /// Runs the procedure at this place.
    pub(super) fn exec(&mut self, callee: ProcId) -> Result<()> {
        let program = self.program;
        let procedure = &program[callee];
        let outer = std::mem::replace(&mut self.locals, procedure.locals);
        self.frame += u32::from(procedure.locals);
        self.body(&procedure.body)?;
        self.frame -= u32::from(procedure.locals);
        self.locals = outer;
        Ok(())
    }

    /// Runs the procedure in a new context.
    pub(super) fn call(&mut self, callee: ProcId) -> Result<()> {
        let context = self.contexts;
        self.contexts += 1;
        let opener = self.root_of(callee);
        self.isolated(callee, context, FRAMES, opener)
    }

    /// Runs the procedure of the kernel in the root context.
    pub(super) fn syscall(&mut self, callee: ProcId) -> Result<()> {
        self.isolated(callee, 0, SYSCALL_FRAMES, self.opener)
    }

    fn isolated(&mut self, callee: ProcId, context: u64, frame: u32, opener: Word) -> Result<()> {
        let hidden: Vec<Felt> = self.stack.drain(..self.stack.len() - FLOOR).collect();
        let context = std::mem::replace(&mut self.context, context);
        let frame = std::mem::replace(&mut self.frame, frame);
        let opener = std::mem::replace(&mut self.opener, opener);
        self.exec(callee)?;
        if self.stack.len() != FLOOR {
            return fail(Failure::CallDepth);
        }
        self.stack.splice(..0, hidden);
        self.context = context;
        self.frame = frame;
        self.opener = opener;
        Ok(())
    }

    /// The procedure whose root stands at the address on top of the stack.
    pub(super) fn pop_procedure(&mut self) -> Result<ProcId> {
        let root = self.word_at(address(self.peek(0))?);
        self.replace(1, &[]);
        let position = self.roots().iter().position(|known| *known == root);
        // Equal roots are equal code.
        position
            .and_then(|position| self.program.ids().nth(position))
            .ok_or(Stop::Failed(Failure::UnknownProcedure))
    }

    pub(super) fn root_of(&mut self, procedure: ProcId) -> Word {
        self.roots()[procedure.index()]
    }

    fn roots(&mut self) -> &[Word] {
        let program = self.program;
        self.roots.get_or_insert_with(|| roots(program))
    }
}

/// The roots: digests of the code without names, advice injectors and debugging, in which `exec` is the callee's code.
fn roots(program: &Program) -> Vec<Word> {
    let mut texts: Vec<String> = Vec::new();
    for procedure in &program.procedures {
        let mut text = String::new();
        describe(&procedure.body, &texts, &mut text);
        if procedure.locals > 0 {
            text = format!("locals {} ({text})", procedure.locals);
        }
        texts.push(text);
    }
    let digest =
        |text: &String| hash_elements(&text.bytes().map(Felt::from_u8).collect::<Vec<_>>());
    texts.iter().map(digest).collect()
}

fn describe(body: &Body, callees: &[String], text: &mut String) {
    for node in body {
        match &node.kind {
            NodeKind::Op(instruction) => {
                let silent = matches!(
                    instruction.info().section,
                    Section::Injectors | Section::Events
                );
                if !silent || instruction.name() == "emit" {
                    write!(text, "{instruction:?}; ").unwrap();
                }
            }
            NodeKind::Exec(callee) => text.push_str(&callees[callee.index()]),
            NodeKind::If {
                then, otherwise, ..
            } => {
                text.push_str("if (");
                describe(then, callees, text);
                text.push_str(") else (");
                describe(otherwise, callees, text);
                text.push_str("); ");
            }
            NodeKind::While { body } => {
                text.push_str("while (");
                describe(body, callees, text);
                text.push_str("); ");
            }
            NodeKind::Repeat { count, body } => {
                write!(text, "repeat {count} (").unwrap();
                describe(body, callees, text);
                text.push_str("); ");
            }
            NodeKind::Call(callee) => {
                write!(text, "call ({}); ", callees[callee.index()]).unwrap();
            }
            NodeKind::Procref(target) => {
                write!(text, "procref ({}); ", callees[target.index()]).unwrap();
            }
            other => write!(text, "{other:?}; ").unwrap(),
        }
    }
}
