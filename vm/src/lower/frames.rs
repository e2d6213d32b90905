//! Rows that open frames and leave them: loops and calls, what is handed to a new frame and what is fetched from one that was
//! left.

use std::collections::HashMap;

use p3_field::PrimeCharacteristicRing;
use plica_air::code::{
    CellId, CopyKind, Entry as CodeEntry, FrameEntry, LeaveEntry, PARAMS, Pc, RegionKind,
    Terminator, exit_link, handle,
};
use plica_field::Felt;

use super::branches::Gates;
use super::need::{Entry, Step};
use super::region::RegionCode;
use super::schedule::{Pending, Source};
use super::{Interface, Lowering, Passed, Place};
use crate::ir::{Operand, Origin, Outcome, RegionId, ValueId};

/// What a frame row and the copies behind it hand to a new frame.
struct Handover {
    row: [Source; PARAMS],
    pushes: Vec<(CellId, Source)>,
    words: Vec<(CellId, Source)>,
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

impl RegionCode<'_, '_> {
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

    pub(super) fn enter_loop(
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

    pub(super) fn call(
        &mut self,
        region: RegionId,
        args: &[Operand],
        results: &[Outcome],
        origin: Origin,
    ) {
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
    pub(super) fn step(
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
}
