//! One region: its statements as blocks, its frames as rows.

use std::collections::{HashMap, HashSet};

use p3_field::PrimeCharacteristicRing;
use plica_air::code::{
    self, ArithBundle, ArithOp, Entry as CodeEntry, FactOp, INPUT, LeaveEntry, OUTPUT, PARAMS,
    Terminator, param,
};
use plica_field::Felt;

use super::block::Builder;
use super::branches::Gates;
use super::need::Step;
use super::schedule::{Checked, Pending};
use super::{EntryInfo, Interface, Lowering, Passed, Place};
use crate::ir::liveness::has_effects;
use crate::ir::{End, Operand, Origin, RegionId, Stmt, ValueId};

/// Lowers a region whose callees and loops have been lowered.
pub(super) fn lower(
    lowering: &mut Lowering<'_>,
    region: RegionId,
    id: code::RegionId,
) -> Interface {
    let ir = lowering.ir;
    let r = ir.region(region);
    let entry_pc = lowering.next_pc;
    let step = match &r.end {
        End::Loop {
            cond: Operand::Value(v),
            next,
        } => Some(Step::of(ir, *v, next)),
        _ => None,
    };
    let needed = lowering.needed(region, step);
    let is_root = matches!(r.end, End::Root { .. });
    let anchor = if is_root { INPUT } else { param(entry_pc, 0) };
    let is_dispatcher = ir.dispatcher == Some(region);
    let places = if is_dispatcher {
        lowering.interface(region).places.clone()
    } else {
        place_params(lowering, region, step, &needed)
    };

    let mut builder = Builder::new(lowering, region, id, anchor);
    for (i, (&p, &place)) in r.params.iter().zip(&places).enumerate() {
        match place {
            _ if is_root => builder.cells.set(p, INPUT + i as u32),
            Place::Row(j) => builder.cells.set(p, param(entry_pc, j)),
            Place::Pushed(cell) | Place::PushedWord(cell) => builder.cells.set(p, cell),
            Place::Dead => {}
        }
    }
    let entry_block = builder.current();
    let mut code = RegionCode {
        builder,
        needed,
        constants: Vec::new(),
    };
    code.list(&r.body, Some((region, step)));

    let mut interface = Interface {
        id,
        entry_pc,
        places,
        results: Vec::new(),
        exit_pc: 0,
    };
    match &r.end {
        End::Root { outputs } => code.outputs(outputs, r.origin),
        End::Loop { cond, next } => {
            interface.exit_pc = code.step(*cond, next, step, &interface, r.origin);
            let wanted = &code.builder.lowering.wanted[region.index()];
            interface.results = next
                .iter()
                .zip(wanted)
                .enumerate()
                .map(|(i, (&operand, &wanted))| {
                    if !wanted {
                        Passed::Dead
                    } else if step.is_some_and(|s| s.counter == Some(i)) {
                        // The loop ended because this is zero.
                        Passed::Const(Felt::ZERO)
                    } else {
                        code.passed(operand)
                    }
                })
                .collect();
        }
        End::Procedure { results } => {
            let mut results = results.clone();
            if is_dispatcher {
                // Its callers count on cells.
                for result in &mut results {
                    *result = Operand::Value(code.value(*result, r.origin));
                }
            }
            code.builder.end_block(|b| {
                let pc = b.lowering.take_pc();
                let entry = CodeEntry::Leave(LeaveEntry::Return { pc });
                Terminator::Return {
                    entry: b.lowering.push_row(entry, r.origin),
                }
            });
            let wanted = &code.builder.lowering.wanted[region.index()];
            interface.results = results
                .iter()
                .zip(wanted)
                .map(|(&operand, &wanted)| {
                    if wanted {
                        code.passed(operand)
                    } else {
                        Passed::Dead
                    }
                })
                .collect();
        }
    }
    let machine_region = &mut lowering.program.regions[id as usize];
    machine_region.entry_pc = entry_pc;
    machine_region.entry_block = entry_block;
    if is_root {
        lowering.program.entry = entry_pc;
    }
    interface
}

/// Assigns parameters to the frame row, and to pushes where it is full.
fn place_params(
    lowering: &mut Lowering<'_>,
    region: RegionId,
    step: Option<Step>,
    needed: &HashSet<ValueId>,
) -> Vec<Place> {
    let r = lowering.ir.region(region);
    // Parameter 0 of a loop is what its step row tests.
    let (counter, mut next_row) = match r.end {
        End::Root { .. } => return vec![Place::Dead; r.params.len()],
        End::Loop { .. } => (step.and_then(|s| s.counter), 1),
        End::Procedure { .. } => (None, 0),
    };
    let mut pushed = 0;
    let mut group = 0;
    r.params
        .iter()
        .enumerate()
        .map(|(i, p)| {
            if counter == Some(i) {
                Place::Row(0)
            } else if !needed.contains(p) {
                Place::Dead
            } else if lowering.ir.value(*p).ty.components() > 1 {
                Place::PushedWord(lowering.take_ids(1))
            } else if next_row < PARAMS {
                next_row += 1;
                Place::Row(next_row - 1)
            } else {
                if pushed % 4 == 0 {
                    group = lowering.take_ids(4);
                }
                pushed += 1;
                Place::Pushed(group + (pushed - 1) % 4)
            }
        })
        .collect()
}

pub(super) struct RegionCode<'a, 'b> {
    pub(super) builder: Builder<'a, 'b>,
    pub(super) needed: HashSet<ValueId>,
    /// Constants that have a cell, by enclosing list: a cell made in a branch does not exist after it.
    pub(super) constants: Vec<HashMap<Felt, ValueId>>,
}

impl RegionCode<'_, '_> {
    /// A value for an operand; constants get a cell.
    pub(super) fn value(&mut self, operand: Operand, origin: Origin) -> ValueId {
        match operand {
            Operand::Value(v) => v,
            Operand::Const(value) => {
                if let Some(&known) = self.constants.iter().find_map(|made| made.get(&value)) {
                    return known;
                }
                let out = self.builder.new_value();
                self.builder.push(Pending::Constant { out, value, origin });
                self.constants
                    .last_mut()
                    .expect("inside a list")
                    .insert(value, out);
                out
            }
        }
    }

    fn checked(operand: Operand) -> Checked {
        match operand {
            Operand::Value(v) => Checked::Value(v),
            Operand::Const(value) => Checked::Imm(value),
        }
    }

    /// Words are values of the intermediate form; what is made here are elements.
    pub(super) fn is_word(&self, operand: Operand) -> bool {
        let values = &self.builder.lowering.ir.values;
        let known = operand.value().and_then(|v| values.get(v.index()));
        known.is_some_and(|info| info.ty.components() > 1)
    }

    fn passed(&self, operand: Operand) -> Passed {
        match operand {
            Operand::Const(value) => Passed::Const(value),
            Operand::Value(v) if self.is_word(operand) => Passed::Word(self.builder.cells.get(v)),
            Operand::Value(v) => Passed::Cell(self.builder.cells.get(v)),
        }
    }

    /// Emits a list of statements. The constants of the outermost list stay for the end of the region.
    pub(super) fn list(&mut self, stmts: &[Stmt], end: Option<(RegionId, Option<Step>)>) {
        let touched = self.builder.lowering.unanchored(stmts, end);
        self.constants.push(HashMap::new());
        stacker::maybe_grow(64 << 10, 1 << 20, || {
            for stmt in stmts {
                self.stmt(stmt);
            }
        });
        if let Some(Stmt::Op { origin, .. } | Stmt::Fact { origin, .. }) =
            stmts.iter().find(|stmt| match stmt {
                Stmt::Op { out, .. } => touched.contains(out),
                Stmt::Fact { outs, .. } => touched.contains(&outs[0]),
                _ => false,
            })
        {
            let origin = *origin;
            // A touch reads elements.
            let touched: Vec<ValueId> = touched
                .into_iter()
                .map(|v| match self.is_word(Operand::Value(v)) {
                    true => self.first_element(v, origin),
                    false => v,
                })
                .collect();
            self.builder.touch(&touched, origin);
        }
    }

    /// The first element of a word.
    pub(super) fn first_element(&mut self, word: ValueId, origin: Origin) -> ValueId {
        let outs: Vec<ValueId> = (0..4).map(|_| self.builder.new_value()).collect();
        let first = outs[0];
        self.builder.push(Pending::Fact {
            outs,
            op: FactOp::Unpack,
            operands: vec![Checked::Value(word)],
            trap: None,
            origin,
        });
        first
    }

    /// Emits a branch of an `if`, whose constants do not exist after it.
    pub(super) fn branch(&mut self, stmts: &[Stmt], gates: &Gates<'_>, bit: Felt) {
        self.list(stmts, None);
        self.gates(gates, bit);
        self.constants.pop();
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Op { out, op, origin } => {
                if self.needed.contains(out) {
                    self.builder.op(*out, *op, *origin);
                }
            }
            Stmt::Fact {
                outs,
                op,
                operands,
                trap,
                origin,
            } => {
                if outs.iter().any(|out| self.needed.contains(out)) {
                    let operands = self.fact_operands(*op, operands, *origin);
                    self.builder.push(Pending::Fact {
                        outs: outs.clone(),
                        op: *op,
                        operands,
                        trap: *trap,
                        origin: *origin,
                    });
                }
            }
            Stmt::Effect {
                outs,
                op,
                operands,
                origin,
            } => {
                let immediates = op.signature().immediates;
                let operands = self.operands(immediates, operands, *origin);
                self.builder.push(Pending::Effect {
                    outs: outs.clone(),
                    op: *op,
                    operands,
                    origin: *origin,
                });
            }
            Stmt::Host {
                op,
                operands,
                origin,
            } => self.builder.push(Pending::Host {
                op: *op,
                operands: operands.iter().map(|&o| Self::checked(o)).collect(),
                origin: *origin,
            }),
            Stmt::Assert { a, b, trap, origin } => {
                self.builder
                    .check(Self::checked(*a), Self::checked(*b), *trap, *origin);
            }
            Stmt::If {
                cond,
                then,
                otherwise,
                joins,
                origin,
            } => {
                let joins: Vec<_> = joins
                    .iter()
                    .filter(|join| self.needed.contains(&join.out))
                    .map(|join| (join.out, [join.otherwise, join.then]))
                    .collect();
                let gates = Gates {
                    cond: *cond,
                    joins: &joins,
                    origin: *origin,
                };
                if has_effects(then) || has_effects(otherwise) {
                    self.branch_with_effects(then, otherwise, &gates);
                } else if !joins.is_empty() {
                    self.select(then, otherwise, &gates);
                }
            }
            Stmt::Loop {
                cond,
                region,
                init,
                results,
                origin,
            } => self.enter_loop(*cond, *region, init, results, *origin),
            Stmt::Call {
                region,
                args,
                results,
                origin,
            } => self.call(*region, args, results, *origin),
        }
    }

    /// Operands of a fact or effect; constants get a cell unless they may stand in the program table.
    fn operands(&mut self, immediates: u8, operands: &[Operand], origin: Origin) -> Vec<Checked> {
        let operands = operands.iter().enumerate();
        operands
            .map(|(j, &operand)| match operand {
                Operand::Const(value) if immediates >> j & 1 == 1 => Checked::Imm(value),
                other => Checked::Value(self.value(other, origin)),
            })
            .collect()
    }

    fn fact_operands(&mut self, op: FactOp, operands: &[Operand], origin: Origin) -> Vec<Checked> {
        let mut checked = self.operands(op.signature().immediates, operands, origin);
        // An instruction reads at least one cell, or it would have rows in frames that do not exist.
        if checked.iter().all(|c| matches!(c, Checked::Imm(_))) {
            checked[0] = Checked::Value(self.value(operands[0], origin));
        }
        checked
    }

    /// Copies the outputs into their cells and halts.
    fn outputs(&mut self, outputs: &[Operand], origin: Origin) {
        let anchor = self.builder.anchor;
        self.builder.end_block(|b| {
            let ops: Vec<ArithOp> = outputs
                .iter()
                .map(|&output| {
                    match output {
                        Operand::Value(v) => ArithOp::affine(b.cells.get(v), Felt::ONE, Felt::ZERO),
                        Operand::Const(value) => ArithOp::affine(anchor, Felt::ZERO, value),
                    }
                    .expect("slope is not 2")
                })
                .collect();
            for (j, pair) in ops.chunks_exact(2).enumerate() {
                let bundle = ArithBundle {
                    id: OUTPUT + 2 * j as u32,
                    ops: [pair[0], pair[1]],
                };
                b.append(
                    CodeEntry::Arith(bundle),
                    EntryInfo {
                        origins: [Some(origin); 2],
                        trap: None,
                    },
                );
            }
            Terminator::Halt
        });
    }
}
