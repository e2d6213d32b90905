//! Which trapping results need a touch (rule R9).
//!
//! A fact that has no row makes a proof impossible only if somebody must read its result. A result is *anchored* if a
//! row of the chain that runs whenever the instruction runs reads it, directly or through facts without gates. Any
//! other trapping result is read by a touch.

use std::collections::HashSet;

use super::need::{Entry, Step, Test};
use super::{Lowering, Place};
use crate::ir::liveness::has_effects;
use crate::ir::{End, Operand, RegionId, Stmt, ValueId};

impl Lowering<'_> {
    /// Trapping results of `stmts`, in order, that no row reached on the same path reads. `end` is the region that
    /// ends behind the list, if one does.
    pub(super) fn unanchored(
        &self,
        stmts: &[Stmt],
        end: Option<(RegionId, Option<Step>)>,
    ) -> Vec<ValueId> {
        // By instruction; whichever result is read, the row must exist.
        let trapping: Vec<&[ValueId]> = stmts
            .iter()
            .filter_map(|stmt| match stmt {
                Stmt::Op { out, op, .. } if op.traps() => Some(std::slice::from_ref(out)),
                Stmt::Fact {
                    outs,
                    trap: Some(_),
                    ..
                } => Some(outs.as_slice()),
                _ => None,
            })
            .collect();
        if trapping.is_empty() {
            return Vec::new();
        }
        let mut read: HashSet<ValueId> = HashSet::new();
        let mut operand = |o: Operand| {
            read.extend(o.value());
        };
        for stmt in stmts {
            match stmt {
                // The host reads without a row.
                Stmt::Op { .. } | Stmt::Fact { .. } | Stmt::Host { .. } => {}
                Stmt::Effect { operands, .. } => operands.iter().copied().for_each(&mut operand),
                Stmt::Assert { a, b, .. } => {
                    operand(*a);
                    operand(*b);
                }
                Stmt::If {
                    cond,
                    then,
                    otherwise,
                    ..
                } => {
                    if has_effects(then) || has_effects(otherwise) {
                        operand(Operand::Value(Test::of(self.ir, *cond).src));
                    }
                }
                Stmt::Loop {
                    cond, region, init, ..
                } => match self.entry(*cond, *region, init) {
                    Entry::Always => self.row_sources(*region, init).for_each(&mut operand),
                    Entry::Tested(test) | Entry::Branched(test) => {
                        operand(Operand::Value(test.src));
                    }
                },
                Stmt::Call { region, args, .. } => {
                    self.row_sources(*region, args).for_each(&mut operand);
                }
            }
        }
        if let Some((region, step)) = end {
            match &self.ir.region(region).end {
                End::Root { outputs } => outputs.iter().copied().for_each(&mut operand),
                End::Loop { .. } => {
                    if let Some(step) = step {
                        operand(Operand::Value(step.test.src));
                    }
                }
                // A caller may drop a result.
                End::Procedure { .. } => {}
            }
        }
        // Backwards through the facts of this very list.
        for stmt in stmts.iter().rev() {
            match stmt {
                Stmt::Op { out, op, .. } if read.contains(out) => read.extend(op.operands()),
                Stmt::Fact { outs, operands, .. } if outs.iter().any(|out| read.contains(out)) => {
                    read.extend(operands.iter().filter_map(|o| o.value()));
                }
                _ => {}
            }
        }
        trapping
            .into_iter()
            .filter(|outs| !outs.iter().any(|out| read.contains(out)))
            .map(|outs| outs[0])
            .collect()
    }

    fn row_sources<'a>(
        &'a self,
        region: RegionId,
        values: &'a [Operand],
    ) -> impl Iterator<Item = Operand> + 'a {
        self.interface(region)
            .places
            .iter()
            .zip(values)
            .filter(|(place, _)| matches!(place, Place::Row(_)))
            .map(|(_, &value)| value)
    }
}
