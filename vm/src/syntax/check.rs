//! Rules for the code that is assembled, that is, for the entry point and what it reaches.

use super::ast::{Body, NodeKind};
use super::diagnostic::{ErrorKind, Raised, Result};
use super::instruction::Instruction;
use super::span::Span;

/// Most instructions of a body; a nested body counts as one.
const MAX_NODES: usize = 65535;

/// Checks a body and all bodies inside; `what` and `span` are what opened it, `locals` is what its procedure declares.
pub(super) fn check(body: &Body, what: &'static str, span: Span, locals: u16) -> Result<()> {
    let mut pending = vec![(body, what, span)];
    while let Some((body, what, span)) = pending.pop() {
        if body.len() > MAX_NODES {
            return Err(Raised::new(ErrorKind::BodyTooLong, span));
        }
        let mut decorators = 0;
        for node in body {
            match &node.kind {
                NodeKind::Op(instruction) => {
                    check_instruction(instruction, node.span, locals)?;
                    decorators += usize::from(instruction.is_decorator());
                }
                NodeKind::If {
                    then, otherwise, ..
                } => {
                    pending.extend([(then, "if", node.span), (otherwise, "if", node.span)]);
                }
                NodeKind::While { body } => pending.push((body, "while", node.span)),
                NodeKind::Repeat { body, .. } => pending.push((body, "repeat", node.span)),
                _ => {}
            }
        }
        if !body.is_empty() && decorators == body.len() {
            return Err(Raised::new(ErrorKind::OnlyDecorators(what), span));
        }
    }
    Ok(())
}

fn check_instruction(instruction: &Instruction, span: Span, locals: u16) -> Result<()> {
    match *instruction {
        Instruction::LocLoad(index)
        | Instruction::LocLoadW(index)
        | Instruction::LocStore(index)
        | Instruction::LocStoreW(index)
        | Instruction::LocAddr(index)
            if index >= locals =>
        {
            Err(Raised::new(
                ErrorKind::NoSuchLocal {
                    index,
                    declared: locals,
                },
                span,
            ))
        }
        _ => Ok(()),
    }
}
