//! What a program needs of what it says.

use std::collections::HashSet;

use super::{End, Ir, Operand, RegionId, Stmt, ValueId};

/// Values that a list of statements reads directly, nested branches included, other regions excluded.
pub fn used_values(stmts: &[Stmt], used: &mut HashSet<ValueId>) {
    let mut pending = vec![stmts];
    while let Some(stmts) = pending.pop() {
        for stmt in stmts {
            match stmt {
                Stmt::Op { op, .. } => used.extend(op.operands()),
                Stmt::Fact { operands, .. }
                | Stmt::Effect { operands, .. }
                | Stmt::Host { operands, .. } => {
                    used.extend(operands.iter().filter_map(|o| o.value()))
                }
                Stmt::Assert { a, b, .. } => used.extend([a, b].iter().filter_map(|o| o.value())),
                Stmt::If {
                    cond,
                    then,
                    otherwise,
                    joins,
                    ..
                } => {
                    used.insert(*cond);
                    for join in joins {
                        used.extend(join.then.value());
                        used.extend(join.otherwise.value());
                    }
                    pending.extend([then.as_slice(), otherwise.as_slice()]);
                }
                Stmt::Loop { cond, init, .. } => {
                    used.extend(cond);
                    used.extend(init.iter().filter_map(|o| o.value()));
                }
                Stmt::Call { args, .. } => used.extend(args.iter().filter_map(|o| o.value())),
            }
        }
    }
}

/// Which values and regions an execution can depend on.
#[derive(Debug)]
pub struct Liveness {
    values: Vec<bool>,
    regions: Vec<bool>,
}

impl Liveness {
    pub fn value(&self, v: ValueId) -> bool {
        self.values[v.index()]
    }

    pub fn region(&self, r: RegionId) -> bool {
        self.regions[r.index()]
    }

    /// Everything that the outputs, the checks and the control flow of `ir` depend on.
    pub fn of(ir: &Ir) -> Self {
        let mut analysis = Analysis {
            live: Self {
                values: vec![false; ir.values.len()],
                regions: vec![false; ir.regions.len()],
            },
            edges: vec![Vec::new(); ir.values.len()],
            pending: Vec::new(),
        };
        analysis.region(ir, ir.root());
        while let Some(v) = analysis.pending.pop() {
            for next in std::mem::take(&mut analysis.edges[v.index()]) {
                analysis.mark(next);
            }
        }
        analysis.live
    }
}

struct Analysis {
    live: Liveness,
    /// For each value, those it is computed from.
    edges: Vec<Vec<ValueId>>,
    pending: Vec<ValueId>,
}

impl Analysis {
    fn mark(&mut self, v: ValueId) {
        if !std::mem::replace(&mut self.live.values[v.index()], true) {
            self.pending.push(v);
        }
    }

    fn mark_operand(&mut self, operand: Operand) {
        if let Operand::Value(v) = operand {
            self.mark(v);
        }
    }

    /// `to` is computed from `from`.
    fn edge(&mut self, to: ValueId, from: Operand) {
        if let Operand::Value(from) = from {
            if self.live.values[to.index()] {
                self.mark(from);
            }
            self.edges[to.index()].push(from);
        }
    }

    fn region(&mut self, ir: &Ir, region: RegionId) {
        if std::mem::replace(&mut self.live.regions[region.index()], true) {
            return;
        }
        let r = ir.region(region);
        self.stmts(ir, &r.body);
        match &r.end {
            End::Root { outputs } => outputs.iter().for_each(|&o| self.mark_operand(o)),
            End::Loop { cond, next } => {
                self.mark_operand(*cond);
                for (&param, &next) in r.params.iter().zip(next) {
                    self.edge(param, next);
                }
            }
            End::Procedure { .. } => {}
        }
    }

    fn stmts(&mut self, ir: &Ir, stmts: &[Stmt]) {
        stacker::maybe_grow(64 << 10, 1 << 20, || {
            for stmt in stmts {
                self.stmt(ir, stmt);
            }
        });
    }

    fn stmt(&mut self, ir: &Ir, stmt: &Stmt) {
        match stmt {
            Stmt::Op { out, op, .. } => {
                for operand in op.operands() {
                    self.edge(*out, Operand::Value(operand));
                }
                if op.traps() {
                    self.mark(*out);
                }
            }
            Stmt::Fact {
                outs,
                operands,
                trap,
                ..
            } => {
                for &out in outs {
                    for &operand in operands {
                        self.edge(out, operand);
                    }
                    if trap.is_some() {
                        self.mark(out);
                    }
                }
            }
            Stmt::Effect { operands, .. } | Stmt::Host { operands, .. } => {
                operands.iter().for_each(|&o| self.mark_operand(o));
            }
            Stmt::Assert { a, b, .. } => {
                self.mark_operand(*a);
                self.mark_operand(*b);
            }
            Stmt::If {
                cond,
                then,
                otherwise,
                joins,
                ..
            } => {
                for join in joins {
                    self.edge(join.out, join.then);
                    self.edge(join.out, join.otherwise);
                    self.edge(join.out, Operand::Value(*cond));
                }
                self.stmts(ir, then);
                self.stmts(ir, otherwise);
                if has_effects(then) || has_effects(otherwise) {
                    self.mark(*cond);
                }
            }
            Stmt::Loop {
                cond,
                region,
                init,
                results,
                ..
            } => {
                self.region(ir, *region);
                let body = ir.region(*region);
                let End::Loop { next, .. } = &body.end else {
                    unreachable!("a loop statement names a loop region")
                };
                for (&param, &init) in body.params.iter().zip(init) {
                    self.edge(param, init);
                }
                for result in results {
                    self.edge(result.out, next[result.index]);
                    // A skipped loop hands its start values on, chosen by the condition.
                    if let Some(cond) = cond {
                        self.edge(result.out, init[result.index]);
                        self.edge(result.out, Operand::Value(*cond));
                    }
                }
                if let Some(cond) = cond {
                    self.mark(*cond);
                }
            }
            Stmt::Call {
                region,
                args,
                results,
                ..
            } => {
                self.region(ir, *region);
                let body = ir.region(*region);
                let End::Procedure { results: passed } = &body.end else {
                    unreachable!("a call names a procedure region")
                };
                for (&param, &arg) in body.params.iter().zip(args) {
                    self.edge(param, arg);
                    if ir.dispatcher == Some(*region) {
                        // It is handed all it may need before it is known what that is.
                        self.mark_operand(arg);
                    }
                }
                for result in results {
                    self.edge(result.out, passed[result.index]);
                }
            }
        }
    }
}

/// Whether a list contains something that runs for its effect: an effect, a check, a loop, a call, or what may trap.
pub fn has_effects(stmts: &[Stmt]) -> bool {
    stmts.iter().any(|stmt| match stmt {
        Stmt::Op { op, .. } => op.traps(),
        Stmt::Fact { trap, .. } => trap.is_some(),
        Stmt::Effect { .. }
        | Stmt::Host { .. }
        | Stmt::Assert { .. }
        | Stmt::Loop { .. }
        | Stmt::Call { .. } => true,
        Stmt::If {
            then, otherwise, ..
        } => has_effects(then) || has_effects(otherwise),
    })
}
