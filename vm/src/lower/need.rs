//! What the rows of one region refer to, once tests are fused into them.

use std::collections::{HashMap, HashSet};

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use super::{Lowering, Place};
use crate::ir::liveness::has_effects;
use crate::ir::{End, Ir, Join, Operand, PureOp, RegionId, Stmt, ValueId};

/// A condition in the form that ordered rows test: src + step is not zero (or is).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Test {
    pub(super) src: ValueId,
    pub(super) step: Felt,
    pub(super) nonzero: bool,
}

impl Test {
    /// The test that is true where the Boolean `cond` is 1.
    pub(super) fn of(ir: &Ir, cond: ValueId) -> Self {
        match ir.value(cond).op {
            Some(PureOp::Affine { a, slope, offset })
                if slope == Felt::NEG_ONE && offset == Felt::ONE && ir.value(a).boolean =>
            {
                let inner = Self::of(ir, a);
                Self {
                    nonzero: !inner.nonzero,
                    ..inner
                }
            }
            Some(PureOp::IsZero { a, k }) => Self {
                src: a,
                step: -k,
                nonzero: false,
            },
            _ => Self {
                src: cond,
                step: Felt::ZERO,
                nonzero: true,
            },
        }
    }

    /// Whether src + step is `operand`.
    pub(super) fn tests(self, ir: &Ir, operand: Operand) -> bool {
        let Operand::Value(v) = operand else {
            return false;
        };
        if v == self.src {
            return self.step == Felt::ZERO;
        }
        matches!(ir.value(v).op, Some(PureOp::Affine { a, slope, offset })
            if a == self.src && slope == Felt::ONE && offset == self.step)
    }
}

/// How a loop steps: its test, and the parameter that the step row itself advances.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) test: Test,
    /// This parameter's next value is the tested value, so it is zero when the loop ends.
    pub(super) counter: Option<usize>,
}

impl Step {
    /// For a loop that goes on while `cond` is 1.
    pub(super) fn of(ir: &Ir, cond: ValueId, next: &[Operand]) -> Self {
        let plain = Self {
            test: Test {
                src: cond,
                step: Felt::ZERO,
                nonzero: true,
            },
            counter: None,
        };
        let test = Test::of(ir, cond);
        // Step rows go on if the tested value is not zero; the opposite sense tests the Boolean itself.
        if !test.nonzero {
            return plain;
        }
        let Some(counter) = next.iter().position(|&n| test.tests(ir, n)) else {
            return Self {
                test,
                counter: None,
            };
        };
        // Where the tested value is itself src' + offset, let the row add the offset.
        let test = match ir.value(test.src).op {
            Some(PureOp::Affine { a, slope, offset }) if slope == Felt::ONE => Test {
                src: a,
                step: test.step + offset,
                nonzero: true,
            },
            _ => test,
        };
        Self {
            test,
            counter: Some(counter),
        }
    }
}

/// How a conditional loop is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Always,
    /// The opening row tests.
    Tested(Test),
    /// A branch row tests, then the frame is opened.
    Branched(Test),
}

impl Lowering<'_> {
    /// How the loop `region` is entered with `init`.
    pub(super) fn entry(&self, cond: Option<ValueId>, region: RegionId, init: &[Operand]) -> Entry {
        let Some(cond) = cond else {
            return Entry::Always;
        };
        let test = Test::of(self.ir, cond);
        let first = self
            .interface(region)
            .places
            .iter()
            .position(|&p| p == Place::Row(0));
        let fits = first.is_none_or(|i| test.tests(self.ir, init[i]));
        if test.nonzero && fits {
            Entry::Tested(test)
        } else {
            Entry::Branched(test)
        }
    }

    /// Values of `region` that some row needs. `step` is that of a loop whose condition is not constant.
    pub(super) fn needed(&self, region: RegionId, step: Option<Step>) -> HashSet<ValueId> {
        let mut analysis = Needs {
            lowering: self,
            joins: HashMap::new(),
            facts: HashMap::new(),
            needed: HashSet::new(),
            pending: Vec::new(),
        };
        let r = self.ir.region(region);
        analysis.stmts(&r.body);
        match &r.end {
            End::Root { outputs } => outputs.iter().for_each(|&o| analysis.operand(o)),
            End::Loop { next, .. } => {
                if let Some(step) = step {
                    analysis.value(step.test.src);
                }
                let counter = step.and_then(|s| s.counter);
                for (i, &n) in next.iter().enumerate() {
                    let passed_on = self.live.value(r.params[i]);
                    if counter != Some(i) && (passed_on || self.wanted[region.index()][i]) {
                        analysis.operand(n);
                    }
                }
            }
            End::Procedure { results } => {
                for (i, &result) in results.iter().enumerate() {
                    if self.wanted[region.index()][i] {
                        analysis.operand(result);
                    }
                }
            }
        }
        analysis.close();
        analysis.needed
    }
}

struct Needs<'a> {
    lowering: &'a Lowering<'a>,
    /// Joins, with their condition.
    joins: HashMap<ValueId, (Join, ValueId)>,
    /// Results of instructions with several, with the operands.
    facts: HashMap<ValueId, Vec<Operand>>,
    needed: HashSet<ValueId>,
    pending: Vec<ValueId>,
}

impl Needs<'_> {
    fn value(&mut self, v: ValueId) {
        if self.needed.insert(v) {
            self.pending.push(v);
        }
    }

    fn operand(&mut self, operand: Operand) {
        if let Operand::Value(v) = operand {
            self.value(v);
        }
    }

    fn close(&mut self) {
        while let Some(v) = self.pending.pop() {
            if let Some(op) = self.lowering.ir.value(v).op {
                op.operands().for_each(|operand| self.value(operand));
            }
            if let Some(operands) = self.facts.get(&v).cloned() {
                operands.into_iter().for_each(|o| self.operand(o));
            }
            if let Some(&(join, cond)) = self.joins.get(&v) {
                self.operand(join.then);
                self.operand(join.otherwise);
                self.value(cond);
            }
        }
    }

    fn stmts(&mut self, stmts: &[Stmt]) {
        stacker::maybe_grow(64 << 10, 1 << 20, || {
            for stmt in stmts {
                self.stmt(stmt);
            }
        });
    }

    fn stmt(&mut self, stmt: &Stmt) {
        let ir = self.lowering.ir;
        let live = self.lowering.live;
        match stmt {
            Stmt::Op { out, op, .. } => {
                if op.traps() {
                    self.value(*out);
                }
            }
            Stmt::Fact {
                outs,
                operands,
                trap,
                ..
            } => {
                for &out in outs {
                    self.facts.insert(out, operands.clone());
                }
                if trap.is_some() {
                    self.value(outs[0]);
                }
            }
            Stmt::Effect { operands, .. } | Stmt::Host { operands, .. } => {
                operands.iter().for_each(|&o| self.operand(o))
            }
            Stmt::Assert { a, b, .. } => {
                self.operand(*a);
                self.operand(*b);
            }
            Stmt::If {
                cond,
                then,
                otherwise,
                joins,
                ..
            } => {
                for join in joins {
                    self.joins.insert(join.out, (*join, *cond));
                }
                self.stmts(then);
                self.stmts(otherwise);
                if has_effects(then) || has_effects(otherwise) {
                    self.value(Test::of(ir, *cond).src);
                }
            }
            Stmt::Loop {
                cond,
                region,
                init,
                results,
                ..
            } => {
                let places = &self.lowering.interface(*region).places;
                for (&place, &init) in places.iter().zip(init) {
                    if place != Place::Dead {
                        self.operand(init);
                    }
                }
                if let Some(cond) = cond {
                    self.value(Test::of(ir, *cond).src);
                    // A result is chosen by gates, whose key is the condition as a Boolean.
                    for result in results.iter().filter(|r| live.value(r.out)) {
                        self.value(*cond);
                        self.operand(init[result.index]);
                    }
                }
            }
            Stmt::Call { region, args, .. } => {
                let places = &self.lowering.interface(*region).places;
                for (&place, &arg) in places.iter().zip(args) {
                    if place != Place::Dead {
                        self.operand(arg);
                    }
                }
            }
        }
    }
}
