//! Control flow: `if`, `while`, and bodies that are translated apart from their place.

use std::collections::HashSet;

use plica_air::code::Type;
use plica_field::Felt;

use p3_field::PrimeCharacteristicRing;

use super::build::{Scope, constant};
use super::stack::{BELOW, FLOOR, HIDDEN, Stack};
use super::translate::{Result, Translator};
use super::{End, Operand, Region, Stmt, ValueId};
use crate::syntax::{Body, Span};

/// A body translated on a stack of unknown values.
pub(super) struct Detached {
    /// What the slots of the stack were: values of their own, or constants that the body leaves alone.
    pub(super) entry: Vec<Operand>,
    pub(super) stmts: Vec<Stmt>,
    pub(super) stack: Stack,
}

impl Detached {
    /// The value that stood in a slot.
    pub(super) fn import(&self, slot: usize) -> ValueId {
        self.entry[slot].value().expect("no constant is carried")
    }

    /// Whether the body leaves something else in a slot.
    pub(super) fn changes(&self, slot: usize) -> bool {
        self.stack.at(slot) != self.entry[slot]
    }

    /// Whether the body can run again on what it leaves.
    pub(super) fn is_steady(&self) -> bool {
        let known = matches!(self.entry[BELOW], Operand::Const(_));
        self.stack.len() == self.entry.len() && !(known && self.changes(BELOW))
    }
}

/// One way of an `if`.
struct Way {
    scope: Scope,
    stack: Stack,
}

impl Translator<'_> {
    pub(super) fn if_else(
        &mut self,
        then: &Body,
        otherwise: &Body,
        span: Span,
        stack: &mut Stack,
        scope: &mut Scope,
    ) -> Result<()> {
        let cond = self.pop(stack, scope);
        let cond = self.boolean(cond, scope);
        self.choose(cond, span, stack, scope, |this, taken, stack, scope| {
            this.body(if taken { then } else { otherwise }, stack, scope)
        })
    }

    /// Runs `body` with the value of the Boolean `cond`. Ways of different depths meet with what the deeper one has more in
    /// memory.
    pub(super) fn choose(
        &mut self,
        cond: Operand,
        span: Span,
        stack: &mut Stack,
        scope: &mut Scope,
        mut body: impl FnMut(&mut Self, bool, &mut Stack, &mut Scope) -> Result<()>,
    ) -> Result<()> {
        let cond = match cond {
            Operand::Const(c) => return body(self, c == Felt::ONE, stack, scope),
            Operand::Value(v) => v,
        };
        let outside = self.checked.clone();
        let mut way = |taken: bool| -> Result<Way> {
            let mut way = Way {
                scope: Scope::new(self.origin(span)),
                stack: stack.clone(),
            };
            body(self, taken, &mut way.stack, &mut way.scope)?;
            self.checked.clone_from(&outside);
            way.scope.origin = self.origin(span);
            Ok(way)
        };
        let [mut then, mut otherwise] = [way(true)?, way(false)?];
        let window = then.stack.depth().min(otherwise.stack.depth());
        for way in [&mut then, &mut otherwise] {
            self.spill(&mut way.stack, window, &mut way.scope);
        }
        scope.origin = self.origin(span);
        let pairs = then.stack.iter().zip(otherwise.stack.iter()).collect();
        let (then_stmts, otherwise_stmts) = (then.scope.stmts, otherwise.scope.stmts);
        let joined = self
            .ir
            .branch(scope, cond, then_stmts, otherwise_stmts, pairs);
        let lowest = then.stack.lowest.min(otherwise.stack.lowest);
        *stack = Stack::new(joined);
        stack.lowest = lowest;
        Ok(())
    }

    /// Translates the body of a loop. Of each item it supposes what is known before the loop (`before`), as long as an
    /// iteration preserves it, so that a 32-bit number is not checked again in every iteration.
    ///
    /// If the loop is `growing`, the number of items in memory is not known inside.
    pub(super) fn iteration(
        &mut self,
        before: &Stack,
        growing: bool,
        span: Span,
        mut body: impl FnMut(&mut Self, &mut Stack, &mut Scope) -> Result<()>,
    ) -> Result<Detached> {
        /// Deeper loops suppose nothing: each level may translate what it contains twice.
        const TYPED_LEVELS: usize = 4;
        let known = |slot: usize, operand: Operand| match operand {
            Operand::Const(_) if slot < HIDDEN && !(growing && slot == BELOW) => Some(operand),
            _ => None,
        };
        let constants: Vec<Option<Operand>> = before
            .iter()
            .enumerate()
            .map(|(slot, operand)| known(slot, operand))
            .collect();
        let mut types: Vec<Type> = if self.loops < TYPED_LEVELS {
            before.iter().map(|item| self.ir.ty(item)).collect()
        } else {
            vec![Type::Felt; before.len()]
        };
        if growing {
            types[BELOW] = Type::Felt;
        }
        loop {
            let entry = std::iter::zip(&constants, &types)
                .map(|(constant, &ty)| constant.unwrap_or_else(|| self.unknown(ty)))
                .collect();
            self.loops += 1;
            let detached = self.detached(entry, span, &mut body);
            self.loops -= 1;
            let detached = detached?;
            if detached.stack.len() != types.len() {
                return Ok(detached);
            }
            let mut stable = true;
            for (ty, item) in types.iter_mut().zip(detached.stack.iter()) {
                let after = self.ir.ty(item);
                if !after.fits(*ty) {
                    *ty = ty.join(after).expect("items of the stack are no words");
                    stable = false;
                }
            }
            if stable {
                return Ok(detached);
            }
        }
    }

    /// A value of which nothing but its type is known.
    pub(super) fn unknown(&mut self, ty: Type) -> Operand {
        let import = self.ir.new_value();
        self.ir.values[import.index()].ty = ty;
        Operand::Value(import)
    }

    /// Translates `body` on these slots.
    pub(super) fn detached(
        &mut self,
        entry: Vec<Operand>,
        span: Span,
        body: impl FnOnce(&mut Self, &mut Stack, &mut Scope) -> Result<()>,
    ) -> Result<Detached> {
        let mut stack = Stack::new(entry.iter().copied());
        let mut scope = Scope::new(self.origin(span));
        let outside = std::mem::take(&mut self.checked);
        let result = body(self, &mut stack, &mut scope);
        self.checked = outside;
        result?;
        Ok(Detached {
            entry,
            stmts: scope.stmts,
            stack,
        })
    }

    pub(super) fn while_loop(
        &mut self,
        body: &Body,
        span: Span,
        stack: &mut Stack,
        scope: &mut Scope,
    ) -> Result<()> {
        let cond = self.pop(stack, scope);
        let cond = self.boolean(cond, scope);
        if cond == constant(Felt::ZERO) {
            return Ok(());
        }
        let mut again = constant(Felt::ZERO);
        let detached = self.repeated(stack, scope, span, |this, stack, scope| {
            this.body(body, stack, scope)?;
            scope.origin = this.origin(span);
            let popped = this.pop(stack, scope);
            again = this.boolean(popped, scope);
            Ok(())
        })?;
        stack.lowest = stack.lowest.min(detached.stack.lowest);
        scope.origin = self.origin(span);
        let carried = self.carried(&detached, &[again]);
        let params = carried.iter().map(|&k| detached.import(k)).collect();
        let next = carried.iter().map(|&k| detached.stack.at(k)).collect();
        let region = self.ir.add_region(Region {
            params,
            body: detached.stmts.clone(),
            end: End::Loop { cond: again, next },
            origin: scope.origin,
            trip_count: None,
        });
        let init: Vec<Operand> = carried.iter().map(|&k| stack.at(k)).collect();
        let changed: Vec<usize> = (0..carried.len())
            .filter(|&i| detached.changes(carried[i]))
            .collect();
        let invariant_constant =
            |i: usize| !changed.contains(&i) && matches!(init[i], Operand::Const(_));
        let outs = if (0..carried.len()).any(invariant_constant) {
            // A copy of the loop in which constants that no iteration changes are constants.
            let copy = self.ir.copy_loop(region, &init);
            self.ir
                .enter_loop(scope, Some(cond), copy.region, &init, &copy.kept, &changed)
        } else {
            let kept: Vec<usize> = (0..carried.len()).collect();
            self.ir
                .enter_loop(scope, Some(cond), region, &init, &kept, &changed)
        };
        for (&i, out) in changed.iter().zip(outs) {
            stack.set(carried[i], out);
        }
        Ok(())
    }

    /// The body of a loop that starts with `stack` and ends with as many slots. If its depth changes, all but 16 items go to
    /// memory before the loop and at the end of each iteration.
    pub(super) fn repeated(
        &mut self,
        stack: &mut Stack,
        scope: &mut Scope,
        span: Span,
        mut body: impl FnMut(&mut Self, &mut Stack, &mut Scope) -> Result<()>,
    ) -> Result<Detached> {
        if !self.growing.contains(&span) {
            let detached = self.iteration(stack, false, span, &mut body)?;
            if detached.is_steady() {
                return Ok(detached);
            }
            // Nobody need try again when something around this loop is translated again.
            self.growing.insert(span);
        }
        scope.origin = self.origin(span);
        self.spill(stack, FLOOR, scope);
        self.iteration(stack, true, span, |this, stack, scope| {
            body(this, stack, scope)?;
            this.spill(stack, FLOOR, scope);
            Ok(())
        })
    }

    /// Slots that a detached body reads or changes.
    pub(super) fn carried(&self, detached: &Detached, extra: &[Operand]) -> Vec<usize> {
        let mut used = HashSet::new();
        super::liveness::used_values(&detached.stmts, &mut used);
        used.extend(extra.iter().filter_map(|o| o.value()));
        let slots = 0..detached.entry.len();
        for slot in slots.clone().filter(|&slot| detached.changes(slot)) {
            used.extend(detached.stack.at(slot).value());
        }
        slots
            .filter(|&slot| {
                let import = detached.entry[slot].value();
                detached.changes(slot) || import.is_some_and(|import| used.contains(&import))
            })
            .collect()
    }
}
