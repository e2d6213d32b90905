//! Injectors: what a program has its host do to the advice.

use plica_air::code::HostOp;

use super::Operand;
use super::build::Scope;
use super::stack::{CONTEXT, Stack};
use super::translate::{Result, Translator};
use crate::syntax::{Instruction, Span};

impl Translator<'_> {
    pub(super) fn injector(
        &mut self,
        instruction: &Instruction,
        span: Span,
        stack: &Stack,
        scope: &mut Scope,
    ) -> Result<()> {
        use Instruction as I;
        // Words have their last element on top.
        let word = |at: usize| -> [Operand; 4] { std::array::from_fn(|j| stack.peek(at + 3 - j)) };
        let items = |from: usize, count: usize| (from..from + count).map(|n| stack.peek(n));
        let (op, operands): (HostOp, Vec<Operand>) = match *instruction {
            I::AdvPushMapVal(at) => (
                HostOp::PushMapValue { counted: false },
                word(at.into()).to_vec(),
            ),
            I::AdvPushMapValN(at) => (
                HostOp::PushMapValue { counted: true },
                word(at.into()).to_vec(),
            ),
            I::AdvPushMtNode => (HostOp::PushNode, items(0, 2).chain(word(2)).collect()),
            I::AdvPushU64Div => (HostOp::PushDivision, items(0, 4).collect()),
            I::AdvPushExt2Intt => (
                HostOp::PushInterpolation,
                items(0, 3).chain([stack.at(CONTEXT)]).collect(),
            ),
            I::AdvPushSmtPeek => (HostOp::PushTreeValue, [word(0), word(4)].concat()),
            I::AdvPushSmtGet | I::AdvPushSmtSet => (HostOp::Unimplemented, Vec::new()),
            I::AdvPushSigRpoFalcon512 => (HostOp::PushSignature, [word(0), word(4)].concat()),
            I::AdvInsertMem => (
                HostOp::InsertMemory,
                word(0)
                    .into_iter()
                    .chain(items(4, 2))
                    .chain([stack.at(CONTEXT)])
                    .collect(),
            ),
            I::AdvInsertHdWord(domain) => {
                (HostOp::InsertPair { domain }, [word(4), word(0)].concat())
            }
            I::AdvInsertHPerm => (HostOp::InsertState, [word(8), word(4), word(0)].concat()),
            _ => return self.unsupported(span),
        };
        self.ir.host(scope, op, &operands);
        Ok(())
    }
}
