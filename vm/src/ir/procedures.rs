//! Procedures: inlined or called, on the caller's stack and memory (`exec`) or on 16 items and memory of their own
//! (`call`, `syscall`).

use std::collections::HashSet;

use p3_field::PrimeCharacteristicRing;
use plica_air::code::{EffectOp, Type};
use plica_field::Felt;

use super::build::{Scope, constant};
use super::control::Detached;
use super::memory::{FRAMES, SYSCALL_FRAMES};
use super::replay::{Substitution, substituted};
use super::stack::{BELOW, CONTEXT, FLOOR, FRAME, HIDDEN, OPENER, SPILL, Stack};
use super::translate::{Result, Translator};
use super::{End, Operand, Outcome, Region, RegionId, Stmt, Trap, ValueId};
use crate::syntax::ProcId;

/// Bodies up to this many statements are always inlined.
const INLINE_STATEMENTS: f64 = 24.0;

/// What is known of the hidden slots where a procedure starts.
pub(super) type Known = [Option<Felt>; HIDDEN];

/// A procedure translated for one depth of the window and what is known of the hidden slots at entry.
#[derive(Clone)]
pub(super) struct Variant {
    region: RegionId,
    entry_depth: usize,
    known: Known,
    /// The same code serves every depth that is at least this; `None` if it met the floor.
    valid_from: Option<usize>,
    /// Smallest depth while it runs, entered at `entry_depth`; below the floor if it met it.
    lowest: usize,
    /// The slots at entry.
    entry: Vec<Operand>,
    /// The slots at the end, in terms of those at entry and results.
    stack: Vec<Operand>,
    stmts: f64,
}

impl Variant {
    /// Whether the code depends on a slot at entry.
    fn reads(&self, translator: &Translator<'_>, slot: usize) -> bool {
        let params = &translator.ir.region(self.region).params;
        self.entry[slot]
            .value()
            .is_some_and(|import| params.contains(&import))
    }
}

/// How a procedure gets a context of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Isolation {
    /// `call`
    Call,
    /// `syscall`
    Syscall,
}

fn known(operand: Operand) -> Option<Felt> {
    match operand {
        Operand::Const(value) => Some(value),
        Operand::Value(_) => None,
    }
}

impl Translator<'_> {
    /// `exec`
    pub(super) fn exec(
        &mut self,
        callee: ProcId,
        stack: &mut Stack,
        scope: &mut Scope,
    ) -> Result<()> {
        let mut at_entry = stack.hidden().map(known);
        at_entry[BELOW] = Some(Felt::ZERO);
        let mut variant = self.variant(callee, stack.depth(), at_entry)?;
        if !stack.is_static() && variant.valid_from.is_none() {
            // What reaches below the window must know that something is there.
            self.spill(stack, FLOOR, scope);
            at_entry[BELOW] = None;
            variant = self.variant(callee, FLOOR, at_entry)?;
        }
        let shift = stack.depth() - variant.entry_depth;
        let own = |slot: usize| if slot < HIDDEN { slot } else { slot + shift };
        let mut substitution = Substitution::new();
        for (slot, entry) in variant.entry.iter().enumerate() {
            if let Operand::Value(import) = *entry {
                substitution.insert(import, stack.at(own(slot)));
            }
        }
        self.run(callee, &variant, &mut substitution, scope);
        let mut hidden = stack.hidden();
        if variant.stack[BELOW] != variant.entry[BELOW] {
            hidden[BELOW] = substituted(&substitution, variant.stack[BELOW]);
        }
        let below = (HIDDEN..HIDDEN + shift).map(|slot| stack.at(slot));
        let above = variant.stack[HIDDEN..]
            .iter()
            .map(|&operand| substituted(&substitution, operand));
        // What the callee meets, its callers meet: a floor reached here makes them specific to their depth, too.
        let lowest = stack.lowest.min(variant.lowest + shift);
        let slots: Vec<Operand> = hidden.into_iter().chain(below).chain(above).collect();
        *stack = Stack::new(slots);
        stack.lowest = lowest;
        Ok(())
    }

    /// `call` and `syscall`: the callee sees the top 16 items over zeros and must leave 16. Its memory is that of a new
    /// context, named by a clock, or that of the root.
    pub(super) fn call(
        &mut self,
        callee: ProcId,
        isolation: Isolation,
        stack: &mut Stack,
        scope: &mut Scope,
    ) -> Result<()> {
        let mut hidden = stack.hidden();
        hidden[BELOW] = constant(Felt::ZERO);
        let mut at_entry = hidden.map(known);
        at_entry[SPILL] = None;
        match isolation {
            Isolation::Call => {
                at_entry[CONTEXT] = None;
                at_entry[FRAME] = Some(Felt::from_u64(FRAMES));
                if self.uses_opener {
                    let root = self.roots()[callee.index()];
                    for (slot, element) in OPENER.zip(root) {
                        at_entry[slot] = Some(element);
                    }
                }
            }
            Isolation::Syscall => {
                at_entry[CONTEXT] = Some(Felt::ZERO);
                at_entry[FRAME] = Some(Felt::from_u64(SYSCALL_FRAMES));
            }
        }
        let variant = self.variant(callee, FLOOR, at_entry)?;
        let top = stack.len() - FLOOR;
        let mut substitution = Substitution::new();
        for (slot, entry) in variant.entry.iter().enumerate() {
            let Operand::Value(import) = *entry else {
                continue;
            };
            let operand = match slot {
                CONTEXT | SPILL if variant.reads(self, slot) => self.clock(scope),
                CONTEXT | SPILL => continue,
                slot if slot < HIDDEN => hidden[slot],
                slot => stack.at(top + slot - HIDDEN),
            };
            substitution.insert(import, operand);
        }
        self.run(callee, &variant, &mut substitution, scope);
        let left = variant.stack.iter();
        let mut left = Stack::new(left.map(|&operand| substituted(&substitution, operand)));
        self.return_from(&mut left, stack, scope);
        Ok(())
    }

    /// Puts what an isolated procedure leaves in the place of the top 16 items.
    pub(super) fn return_from(&mut self, left: &mut Stack, stack: &mut Stack, scope: &mut Scope) {
        let depth = left.is_static().then(|| left.depth());
        self.require_floor(left, Trap::CallDepth { depth }, scope);
        for n in 0..FLOOR {
            stack.poke(n, left.peek(n));
        }
    }

    /// A number that no other row of the execution gets.
    pub(super) fn clock(&mut self, scope: &mut Scope) -> Operand {
        self.ir.effect(scope, EffectOp::Clock, &[])[0]
    }

    /// Emits the code of a callee, or a call of it.
    fn run(
        &mut self,
        callee: ProcId,
        variant: &Variant,
        substitution: &mut Substitution,
        scope: &mut Scope,
    ) {
        if variant.stmts <= INLINE_STATEMENTS || self.call_sites[callee.index()] <= 1 {
            let body = self.ir.region(variant.region).body.clone();
            self.ir.replay(scope, &body, substitution);
        } else {
            self.call_region(variant, substitution, scope);
        }
    }

    fn call_region(
        &mut self,
        variant: &Variant,
        substitution: &mut Substitution,
        scope: &mut Scope,
    ) {
        let region = self.ir.region(variant.region);
        let args = region
            .params
            .iter()
            .map(|p| substituted(substitution, Operand::Value(*p)))
            .collect();
        let End::Procedure { results } = &region.end else {
            unreachable!("variants are procedure regions")
        };
        let results = results.clone();
        let results = results
            .iter()
            .enumerate()
            .map(|(index, &result)| {
                let out = self.ir.new_value();
                let ty = self.ir.ty(result);
                let boolean = self.ir.is_boolean(result);
                let info = &mut self.ir.values[out.index()];
                info.boolean = boolean;
                info.ty = ty;
                let source = result.value().expect("results of procedures are values");
                substitution.insert(source, Operand::Value(out));
                Outcome { out, index }
            })
            .collect();
        scope.stmts.push(Stmt::Call {
            region: variant.region,
            args,
            results,
            origin: scope.origin,
        });
    }

    /// The procedure as a region, for a window of `depth` items at entry.
    fn variant(&mut self, callee: ProcId, depth: usize, known: Known) -> Result<Variant> {
        let mut known = known;
        if !self.uses_frame[callee.index()] {
            known[FRAME] = Some(Felt::from_u64(FRAMES));
        }
        let fits = |v: &&Variant| {
            let deep = v.entry_depth == depth || v.valid_from.is_some_and(|least| depth >= least);
            deep && v.known == known
        };
        if let Some(variant) = self
            .procedures
            .get(&callee)
            .and_then(|variants| variants.iter().find(fits))
        {
            return Ok(variant.clone());
        }
        // Sixteen items above the floor are all that any instruction can reach in one step; a body that stays above
        // the floor from there serves every greater depth.
        let program = self.program;
        let procedure = &program.procedures[callee.index()];
        let outer = std::mem::replace(&mut self.procedure, callee.index() as u32 + 1);
        let locals = std::mem::replace(&mut self.locals, procedure.locals);
        let mut entry: Vec<Operand> = Vec::with_capacity(HIDDEN + depth);
        for slot in 0..HIDDEN + depth {
            let constant = known.get(slot).copied().flatten().map(constant);
            entry.push(constant.unwrap_or_else(|| self.unknown(Type::Felt)));
        }
        let detached = self.detached(entry, procedure.span, |this, stack, scope| {
            if procedure.locals > 0 {
                let words = Felt::from_u16(procedure.locals);
                let frame = this.ir.affine(scope, stack.at(FRAME), Felt::ONE, words);
                stack.set(FRAME, frame);
            }
            this.body(&procedure.body, stack, scope)
        });
        let origin = self.origin(procedure.span);
        self.procedure = outer;
        self.locals = locals;
        let Detached {
            entry,
            stmts,
            mut stack,
        } = detached?;
        // The caller's own.
        for slot in (0..HIDDEN).filter(|&slot| slot != BELOW) {
            stack.set(slot, entry[slot]);
        }

        let mut used = HashSet::new();
        super::liveness::used_values(&stmts, &mut used);
        let imported: Vec<ValueId> = entry.iter().filter_map(|o| o.value()).collect();
        let known_values: HashSet<ValueId> = imported.iter().copied().collect();
        let mut results = Vec::new();
        let mut seen = HashSet::new();
        for operand in stack.iter() {
            if let Operand::Value(v) = operand
                && !known_values.contains(&v)
                && seen.insert(v)
            {
                results.push(operand);
            }
        }
        let met_floor = stack.lowest < FLOOR;
        let weight = self.ir.weigh(&stmts).stmts;
        let region = self.ir.add_region(Region {
            params: imported.into_iter().filter(|v| used.contains(v)).collect(),
            body: stmts,
            end: End::Procedure { results },
            origin,
            trip_count: None,
        });
        let variant = Variant {
            region,
            entry_depth: depth,
            known,
            valid_from: (!met_floor).then_some(depth),
            lowest: stack.lowest,
            entry,
            stack: stack.iter().collect(),
            stmts: weight,
        };
        self.procedures
            .entry(callee)
            .or_default()
            .push(variant.clone());
        Ok(variant)
    }
}
