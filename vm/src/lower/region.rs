//! One region: its statements as blocks, its frames as rows.

use std::collections::{HashMap, HashSet};

use p3_field::PrimeCharacteristicRing;
use plica_air::code::{
    self, ArithBundle, ArithOp, BlockId, CellId, CopyKind, Entry as CodeEntry, FactOp, FrameEntry,
    INPUT, LeaveEntry, OUTPUT, PARAMS, Pc, RegionKind, Terminator, exit_link, handle, param,
};
use plica_field::Felt;

use super::block::Builder;
use super::need::{Entry, Step, Test};
use super::schedule::{Checked, Pending, Source};
use super::{EntryInfo, Interface, Lowering, Passed, Place};
use crate::ir::liveness::has_effects;
use crate::ir::{End, Operand, Origin, Outcome, RegionId, Stmt, ValueId};

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

/// What a frame row and the copies behind it hand to a new frame.
struct Handover {
    row: [Source; PARAMS],
    pushes: Vec<(CellId, Source)>,
    words: Vec<(CellId, Source)>,
}

struct RegionCode<'a, 'b> {
    builder: Builder<'a, 'b>,
    needed: HashSet<ValueId>,
    /// Constants that have a cell, by enclosing list: a cell made in a branch does not exist after it.
    constants: Vec<HashMap<Felt, ValueId>>,
}

impl RegionCode<'_, '_> {
    /// A value for an operand; constants get a cell.
    fn value(&mut self, operand: Operand, origin: Origin) -> ValueId {
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
    fn is_word(&self, operand: Operand) -> bool {
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
    fn list(&mut self, stmts: &[Stmt], end: Option<(RegionId, Option<Step>)>) {
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
    fn first_element(&mut self, word: ValueId, origin: Origin) -> ValueId {
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
    fn branch(&mut self, stmts: &[Stmt], gates: &Gates<'_>, bit: Felt) {
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

    /// An `if` without effects: no control flow, the gates choose.
    fn select(&mut self, then: &[Stmt], otherwise: &[Stmt], gates: &Gates<'_>) {
        let [nonzero, zero, join] = std::array::from_fn(|_| self.builder.new_block());
        self.builder.end_block(|b| Terminator::Select {
            cond: b.cells.get(gates.cond),
            nonzero,
            zero,
        });
        for (block, stmts, bit) in [(nonzero, then, Felt::ONE), (zero, otherwise, Felt::ZERO)] {
            self.builder.start_block(block);
            self.branch(stmts, gates, bit);
            self.builder.end_block(|_| Terminator::Goto { block: join });
        }
        self.builder.start_block(join);
    }

    /// An `if` with effects: branch rows.
    fn branch_with_effects(&mut self, then: &[Stmt], otherwise: &[Stmt], gates: &Gates<'_>) {
        let origin = gates.origin;
        let test = Test::of(self.builder.lowering.ir, gates.cond);
        let mut sides = [(then, Felt::ONE), (otherwise, Felt::ZERO)];
        if !test.nonzero {
            sides.reverse();
        }
        let [(first, first_bit), (second, second_bit)] = sides;
        let [first_block, second_block, join] = std::array::from_fn(|_| self.builder.new_block());

        let [nonzero, zero] = self.branch_rows(test, [first_block, second_block], origin);
        let first_pc = self.builder.lowering.next_pc;
        self.builder.start_block(first_block);
        self.branch(first, gates, first_bit);
        let mut jump = None;
        let first_ended = self.builder.end_block(|_| Terminator::Goto { block: join });
        let first_has_rows = self.builder.lowering.next_pc != first_pc;
        if first_has_rows && has_effects(second) {
            // The code of the other branch lies between here and the join.
            let pc = self.builder.lowering.take_pc();
            let entry = CodeEntry::Leave(LeaveEntry::Jump { pc, target: 0 });
            let entry = self.builder.lowering.push_row(entry, origin);
            jump = Some(entry);
            self.builder.lowering.program.blocks[first_ended as usize].terminator =
                Terminator::Jump { entry, block: join };
        }
        let second_pc = self.builder.lowering.next_pc;
        self.builder.start_block(second_block);
        self.branch(second, gates, second_bit);
        self.builder.end_block(|_| Terminator::Goto { block: join });
        let join_pc = self.builder.lowering.next_pc;

        let lowering = &mut self.builder.lowering;
        lowering.set_target(nonzero, if first_has_rows { first_pc } else { join_pc });
        lowering.set_target(zero, second_pc);
        if let Some(jump) = jump {
            lowering.set_target(jump, join_pc);
        }
        self.builder.start_block(join);
    }

    /// Ends the block with two branch rows of one pc, for the test true resp. false in the sense of "not zero".
    /// Their targets are set later.
    fn branch_rows(&mut self, test: Test, blocks: [BlockId; 2], origin: Origin) -> [u32; 2] {
        let mut rows = [0; 2];
        self.builder.end_block(|b| {
            let pc = b.lowering.take_pc();
            let src = b.cells.get(test.src);
            rows = [true, false].map(|nonzero| {
                let entry = LeaveEntry::Branch {
                    pc,
                    src,
                    step: test.step,
                    nonzero,
                    target: 0,
                };
                b.lowering.push_row(CodeEntry::Leave(entry), origin)
            });
            Terminator::Branch {
                nonzero: (rows[0], blocks[0]),
                zero: (rows[1], blocks[1]),
            }
        });
        rows
    }

    /// Copies the sources of one side of a join.
    fn gates(&mut self, gates: &Gates<'_>, bit: Felt) {
        let side = usize::from(bit == Felt::ONE);
        let (words, elements): (Vec<_>, Vec<_>) = gates
            .joins
            .iter()
            .partition(|(out, _)| self.is_word(Operand::Value(*out)));
        let elements = elements.chunks(4).map(|group| (group, false));
        let words = words.chunks(1).map(|group| (group, true));
        for (group, word) in elements.chain(words) {
            let sources = group
                .iter()
                .map(|&(_, sources)| Source::Value(self.value(sources[side], gates.origin)))
                .collect();
            self.builder.push(Pending::Copy {
                kind: CopyKind::Gate { bit },
                key: Source::Value(gates.cond),
                outs: group.iter().map(|&(out, _)| out).collect(),
                sources,
                word,
                origin: gates.origin,
            });
        }
    }

    /// What enters a frame: `operands` by parameter, `first` as parameter 0 where no parameter is.
    fn handover(
        &mut self,
        places: &[Place],
        operands: &[Operand],
        first: Option<ValueId>,
        skip: Option<usize>,
        origin: Origin,
    ) -> Handover {
        let filler = first.map_or(Source::Cell(self.builder.anchor), Source::Value);
        let mut handover = Handover {
            row: [filler; PARAMS],
            pushes: Vec::new(),
            words: Vec::new(),
        };
        for (i, (&place, &operand)) in places.iter().zip(operands).enumerate() {
            if skip == Some(i) {
                continue;
            }
            match place {
                Place::Dead => {}
                Place::Row(j) => {
                    handover.row[j] = Source::Value(self.value(operand, origin));
                }
                Place::Pushed(cell) => {
                    let source = Source::Value(self.value(operand, origin));
                    handover.pushes.push((cell, source));
                }
                Place::PushedWord(cell) => {
                    let source = Source::Value(self.value(operand, origin));
                    handover.words.push((cell, source));
                }
            }
        }
        handover
    }

    /// Ends the block with a row that opens a frame, and the pushes into it.
    fn open(
        &mut self,
        handover: &Handover,
        row: FrameRow,
        origin: Origin,
        terminator: impl FnOnce(&mut Lowering<'_>, Pc, u32) -> Terminator,
    ) -> Pc {
        let mut opened_at = 0;
        self.builder.end_block(|b| {
            let pc = b.lowering.take_pc();
            opened_at = pc;
            let entry = b.lowering.push_row(
                CodeEntry::Frame(FrameEntry {
                    pc,
                    test: row.test,
                    step: row.step,
                    target: row.target,
                    back: row.back,
                    src: handover.row.map(|source| b.cells.source(source)),
                }),
                origin,
            );
            terminator(b.lowering, pc, entry)
        });
        self.builder
            .end_pushes(&handover.pushes, &handover.words, handle(opened_at), origin);
        opened_at
    }

    fn enter_loop(
        &mut self,
        cond: Option<ValueId>,
        region: RegionId,
        init: &[Operand],
        results: &[Outcome],
        origin: Origin,
    ) {
        let interface = self.builder.lowering.interface(region).clone();
        let entry = self.builder.lowering.entry(cond, region, init);
        let id = self.builder.id;
        self.builder.lowering.program.regions[interface.id as usize].kind =
            RegionKind::Loop { parent: id };
        let results: Vec<Outcome> = results
            .iter()
            .copied()
            .filter(|r| self.needed.contains(&r.out))
            .collect();
        let link = exit_link(interface.exit_pc);
        let target = interface.entry_pc;
        let region = interface.id;

        let Some(cond) = cond else {
            let handover = self.handover(&interface.places, init, None, None, origin);
            let next = self.builder.new_block();
            let row = FrameRow::entering(target);
            self.open(&handover, row, origin, |_, _, entry| Terminator::Enter {
                entry,
                region,
                next,
            });
            self.builder.start_block(next);
            let outs: Vec<_> = results.iter().map(|r| (r.out, r.index)).collect();
            self.pull(&outs, &interface, link, origin);
            return;
        };

        // Results are joined: from the loop, or the start values where it was skipped.
        let [entered, skipped, join] = std::array::from_fn(|_| self.builder.new_block());
        match entry {
            Entry::Tested(test) => {
                let counter = interface.places.iter().position(|&p| p == Place::Row(0));
                let handover =
                    self.handover(&interface.places, init, Some(test.src), counter, origin);
                let row = FrameRow {
                    test: true,
                    step: test.step,
                    ..FrameRow::entering(target)
                };
                let src = test.src;
                let mut skip_row = None;
                self.open(&handover, row, origin, |_, pc, entry| {
                    skip_row = Some(pc);
                    Terminator::EnterIf {
                        entry,
                        region,
                        skip: 0,
                        next: entered,
                        skipped,
                    }
                });
                let pc = skip_row.expect("set by the terminator");
                let row = CodeEntry::Leave(LeaveEntry::Branch {
                    pc,
                    src: self.builder.cells.get(src),
                    step: test.step,
                    nonzero: false,
                    target: pc + 1,
                });
                let row = self.builder.lowering.push_row(row, origin);
                let current = self.builder.current() as usize;
                if let Terminator::EnterIf { skip, .. } =
                    &mut self.builder.lowering.program.blocks[current].terminator
                {
                    *skip = row;
                }
            }
            Entry::Branched(test) => {
                let enter = self.builder.new_block();
                let blocks = if test.nonzero {
                    [enter, skipped]
                } else {
                    [skipped, enter]
                };
                let mut rows = self.branch_rows(test, blocks, origin);
                if !test.nonzero {
                    rows.reverse();
                }
                self.builder.start_block(enter);
                self.constants.push(HashMap::new());
                let enter_pc = self.builder.lowering.next_pc;
                let handover = self.handover(&interface.places, init, None, None, origin);
                let row = FrameRow::entering(target);
                self.open(&handover, row, origin, |_, _, entry| Terminator::Enter {
                    entry,
                    region,
                    next: entered,
                });
                self.constants.pop();
                let after = self.builder.lowering.next_pc;
                self.builder.lowering.set_target(rows[0], enter_pc);
                self.builder.lowering.set_target(rows[1], after);
            }
            Entry::Always => unreachable!("a condition was given"),
        }
        let pulled: Vec<(ValueId, usize)> = results
            .iter()
            .map(|r| (self.builder.new_value(), r.index))
            .collect();
        let joins: Vec<_> = results
            .iter()
            .zip(&pulled)
            .map(|(r, &(out, _))| (r.out, [init[r.index], Operand::Value(out)]))
            .collect();
        let gates = Gates {
            cond,
            joins: &joins,
            origin,
        };
        self.builder.start_block(entered);
        self.pull(&pulled, &interface, link, origin);
        self.branch(&[], &gates, Felt::ONE);
        self.builder.end_block(|_| Terminator::Goto { block: join });
        self.builder.start_block(skipped);
        self.branch(&[], &gates, Felt::ZERO);
        self.builder.end_block(|_| Terminator::Goto { block: join });
        self.builder.start_block(join);
    }

    fn call(&mut self, region: RegionId, args: &[Operand], results: &[Outcome], origin: Origin) {
        let interface = self.builder.lowering.interface(region).clone();
        let handover = self.handover(&interface.places, args, None, None, origin);
        let next = self.builder.new_block();
        let row = FrameRow::entering(interface.entry_pc);
        let region = interface.id;
        let pc = self.open(&handover, row, origin, |_, _, entry| Terminator::Enter {
            entry,
            region,
            next,
        });
        self.builder.start_block(next);
        let outs: Vec<_> = results
            .iter()
            .filter(|r| self.needed.contains(&r.out))
            .map(|r| (r.out, r.index))
            .collect();
        self.pull(&outs, &interface, handle(pc), origin);
    }

    /// Fetches results of a frame that was left, through the link `key`.
    fn pull(
        &mut self,
        outs: &[(ValueId, usize)],
        interface: &Interface,
        key: CellId,
        origin: Origin,
    ) {
        let (mut cells, mut words) = (Vec::new(), Vec::new());
        for &(out, index) in outs {
            match interface.results[index] {
                Passed::Cell(cell) => cells.push((out, cell)),
                Passed::Word(cell) => words.push((out, cell)),
                Passed::Const(value) => {
                    self.builder.push(Pending::Constant { out, value, origin });
                }
                Passed::Dead => unreachable!("results that are needed are passed on"),
            }
        }
        let cells = cells.chunks(4).map(|group| (group, false));
        let words = words.chunks(1).map(|group| (group, true));
        for (group, word) in cells.chain(words) {
            self.builder.push(Pending::Copy {
                kind: CopyKind::Pull,
                key: Source::Cell(key),
                outs: group.iter().map(|&(out, _)| out).collect(),
                sources: group.iter().map(|&(_, cell)| Source::Cell(cell)).collect(),
                word,
                origin,
            });
        }
    }

    /// Ends a loop body: step or exit. Returns the pc of both rows.
    fn step(
        &mut self,
        cond: Operand,
        next: &[Operand],
        step: Option<Step>,
        interface: &Interface,
        origin: Origin,
    ) -> Pc {
        let (src, offset, counter) = match step {
            Some(step) => (step.test.src, step.test.step, step.counter),
            None => (self.value(cond, origin), Felt::ZERO, None),
        };
        let handover = self.handover(&interface.places, next, Some(src), counter, origin);
        let row = FrameRow {
            test: true,
            step: offset,
            target: interface.entry_pc,
            back: true,
        };
        let pc = self.open(&handover, row, origin, |_, _, back| Terminator::Loop {
            back,
            exit: 0,
        });
        let exit_row = CodeEntry::Leave(LeaveEntry::Exit {
            pc,
            src: self.builder.cells.get(src),
            step: offset,
        });
        let exit_row = self.builder.lowering.push_row(exit_row, origin);
        let current = self.builder.current() as usize;
        if let Terminator::Loop { exit, .. } =
            &mut self.builder.lowering.program.blocks[current].terminator
        {
            *exit = exit_row;
        }
        pc
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

/// Fields of a frame row that do not depend on its parameters.
#[derive(Clone, Copy)]
struct FrameRow {
    test: bool,
    step: Felt,
    target: Pc,
    back: bool,
}

impl FrameRow {
    const fn entering(target: Pc) -> Self {
        Self {
            test: false,
            step: Felt::ZERO,
            target,
            back: false,
        }
    }
}

/// The joins behind an `if` or a conditional loop, with their sources for 0 and 1.
struct Gates<'a> {
    cond: ValueId,
    joins: &'a [(ValueId, [Operand; 2])],
    origin: Origin,
}

impl Lowering<'_> {
    fn set_target(&mut self, entry: u32, to: Pc) {
        match &mut self.program.entries[entry as usize] {
            CodeEntry::Leave(
                LeaveEntry::Branch { target, .. } | LeaveEntry::Jump { target, .. },
            ) => *target = to,
            other => unreachable!("{other:?} has no target to set"),
        }
    }
}
