//! Procedures given by their root: `dynexec` and `dyncall`.
//!
//! All share one region, which compares the root with those of the program's procedures and executes the one it finds.
//! A procedure in it may use the instructions itself, so the region calls itself: this is the only recursion there is. Its
//! parameters are the root, the hidden slots and a window of 16 items; its results are the number of items in memory and the
//! window.

use p3_field::PrimeCharacteristicRing;
use plica_air::code::EffectOp;
use plica_field::{Felt, Word};

use super::build::{Scope, constant};
use super::memory::FRAMES;
use super::procedures::Isolation;
use super::stack::{BELOW, CONTEXT, FLOOR, FRAME, HIDDEN, OPENER, SPILL, Stack};
use super::translate::{Result, Translator};
use super::{End, Operand, Outcome, Region, RegionId, Stmt, Trap};
use crate::syntax::{InvokeKind, ProcId, Span};

/// Elements of a root.
const ROOT: usize = 4;

impl Translator<'_> {
    /// `exec`, `call` and `procref` of a procedure given by its root in the source.
    pub(super) fn invoke_root(
        &mut self,
        kind: InvokeKind,
        root: Word,
        stack: &mut Stack,
        scope: &mut Scope,
    ) -> Result<()> {
        if kind == InvokeKind::Procref {
            self.push_root(root, stack);
            return Ok(());
        }
        // A kernel lets in through its exports only.
        let allowed =
            |callee: &ProcId| kind != InvokeKind::Syscall || self.program.kernel.contains(callee);
        let Some(callee) = self.linked(root).filter(allowed) else {
            self.ir.fail(scope, Trap::UnknownProcedure);
            return Ok(());
        };
        match kind {
            InvokeKind::Exec | InvokeKind::Procref => self.exec(callee, stack, scope),
            InvokeKind::Call => self.call(callee, Isolation::Call, stack, scope),
            InvokeKind::Syscall => self.call(callee, Isolation::Syscall, stack, scope),
        }
    }

    /// A procedure of the program with this root. Equal roots are equal code.
    fn linked(&self, root: Word) -> Option<ProcId> {
        let found = self.roots().iter().position(|&known| known == root)?;
        self.program.ids().nth(found)
    }

    /// `procref`: the last element ends on top.
    pub(super) fn push_root(&self, root: Word, stack: &mut Stack) {
        for element in root {
            stack.push(constant(element));
        }
    }

    /// `dynexec`
    pub(super) fn dynamic_exec(&mut self, span: Span, stack: &mut Stack, scope: &mut Scope) {
        let root = self.root_in_memory(stack, scope);
        self.spill(stack, FLOOR, scope);
        let hidden = stack.hidden();
        let left = self.dispatch(root, hidden, stack, span, scope);
        stack.set(BELOW, left.at(BELOW));
        for n in 0..FLOOR {
            stack.poke(n, left.peek(n));
        }
        stack.observe_depth();
    }

    /// `dyncall`
    pub(super) fn dynamic_call(&mut self, span: Span, stack: &mut Stack, scope: &mut Scope) {
        let root = self.root_in_memory(stack, scope);
        let mut hidden = stack.hidden();
        hidden[CONTEXT] = self.clock(scope);
        hidden[SPILL] = self.clock(scope);
        hidden[BELOW] = constant(Felt::ZERO);
        hidden[FRAME] = constant(Felt::from_u64(FRAMES));
        if self.uses_opener {
            hidden[OPENER].copy_from_slice(&root);
        }
        let mut left = self.dispatch(root, hidden, stack, span, scope);
        self.return_from(&mut left, stack, scope);
    }

    /// Pops an address and loads the word there.
    fn root_in_memory(&mut self, stack: &mut Stack, scope: &mut Scope) -> [Operand; ROOT] {
        let address = self.pop(stack, scope);
        let context = stack.at(CONTEXT);
        let word = self
            .ir
            .access(scope, EffectOp::LoadWord, context, address, None)[0];
        self.ir.unpack(scope, word)
    }

    /// Executes the procedure with this root on the top 16 items.
    fn dispatch(
        &mut self,
        root: [Operand; ROOT],
        hidden: [Operand; HIDDEN],
        stack: &Stack,
        span: Span,
        scope: &mut Scope,
    ) -> Stack {
        let region = self.dispatcher(span);
        let window = (0..FLOOR).rev().map(|n| stack.peek(n));
        let args = root.into_iter().chain(hidden).chain(window).collect();
        let mut results = Vec::with_capacity(1 + FLOOR);
        for index in 0..1 + FLOOR {
            let out = self.ir.new_value();
            results.push(Outcome { out, index });
        }
        let mut left: Vec<Operand> = hidden.to_vec();
        left[BELOW] = Operand::Value(results[0].out);
        left.extend(results[1..].iter().map(|result| Operand::Value(result.out)));
        scope.stmts.push(Stmt::Call {
            region,
            args,
            results,
            origin: scope.origin,
        });
        Stack::new(left)
    }

    /// The region, to be filled in by [`Self::complete_dispatcher`].
    fn dispatcher(&mut self, span: Span) -> RegionId {
        if let Some(region) = self.ir.dispatcher {
            return region;
        }
        let params = (0..ROOT + HIDDEN + FLOOR)
            .map(|_| self.ir.new_value())
            .collect();
        let region = self.ir.add_region(Region {
            params,
            body: Vec::new(),
            end: End::Procedure {
                results: vec![constant(Felt::ZERO); 1 + FLOOR],
            },
            origin: self.origin(span),
            trip_count: None,
        });
        self.ir.dispatcher = Some(region);
        region
    }

    /// Translates the region of dynamic calls, if there is one.
    pub(super) fn complete_dispatcher(&mut self) -> Result<()> {
        let Some(region) = self.ir.dispatcher else {
            return Ok(());
        };
        let Region { params, origin, .. } = self.ir.region(region).clone();
        let span = origin.span;
        let params: Vec<Operand> = params.into_iter().map(Operand::Value).collect();
        let (root, slots) = params.split_at(ROOT);
        let mut slots = slots.to_vec();
        if !self.uses_opener {
            slots[OPENER].fill(constant(Felt::ZERO));
        }
        let mut candidates: Vec<ProcId> = Vec::new();
        for id in self.program.ids() {
            let root = self.roots()[id.index()];
            if !candidates.iter().any(|c| self.roots()[c.index()] == root) {
                candidates.push(id);
            }
        }
        let detached = self.detached(slots, span, |this, stack, scope| {
            this.find(root, &candidates, span, stack, scope)?;
            this.spill(stack, FLOOR, scope);
            Ok(())
        })?;
        let stack = &detached.stack;
        let window = (HIDDEN..stack.len()).map(|slot| stack.at(slot));
        let results = std::iter::once(stack.at(BELOW)).chain(window).collect();
        let region = &mut self.ir.regions[region.index()];
        region.body = detached.stmts;
        region.end = End::Procedure { results };
        Ok(())
    }

    /// Executes the candidate with this root.
    fn find(
        &mut self,
        root: &[Operand],
        candidates: &[ProcId],
        span: Span,
        stack: &mut Stack,
        scope: &mut Scope,
    ) -> Result<()> {
        let Some((&first, others)) = candidates.split_first() else {
            self.ir.fail(scope, Trap::UnknownProcedure);
            return Ok(());
        };
        let known = self.roots()[first.index()];
        // One element tells candidates apart; all four are checked.
        let found = self.ir.equals_constant(scope, root[0], known[0]);
        stacker::maybe_grow(64 << 10, 1 << 20, || {
            self.choose(found, span, stack, scope, |this, taken, stack, scope| {
                if !taken {
                    return this.find(root, others, span, stack, scope);
                }
                for (&element, known) in root.iter().zip(known).skip(1) {
                    let trap = Trap::UnknownProcedure;
                    this.ir.assert_equal(scope, element, constant(known), trap);
                }
                this.exec(first, stack, scope)
            })
        })
    }

    /// `caller`
    pub(super) fn push_opener(&self, stack: &mut Stack) {
        let opener: Vec<Operand> = OPENER.map(|slot| stack.at(slot)).collect();
        stack.replace(ROOT, &opener);
    }
}
