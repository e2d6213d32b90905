//! Ordered rows.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use rayon::prelude::*;

use super::instances::Event;
use super::row::EffectRow;
use super::{Generator, Table, chunks, rows};
use crate::chip::ChipKind;
use crate::chips::{advice, assert, clock, frame, leave, memory_element, memory_word, sum, tree};
use crate::code::{Entry, FrameEntry, LeaveEntry, PARAMS, exit_link, handle, param};
use crate::record::{Frame, Remembered};

impl Generator<'_> {
    pub(super) fn events(&self, kind: ChipKind, events: &[Event]) -> Vec<Table> {
        let mut done = 0;
        let heights = self.heights.of(kind, events.len());
        heights
            .into_iter()
            .map(|height| {
                let rest = &events[done.min(events.len())..];
                done += height;
                let mut trace = rows(kind, height, |r, row| {
                    self.fill_event(kind, row, rest.get(r))
                });
                if kind == ChipKind::Frame {
                    chunks(&mut trace.values, frame::WIDTH).for_each(frame::fill_inverses);
                }
                Table { kind, trace }
            })
            .collect()
    }

    /// Fills an ordered row; without an event it is padding.
    pub(super) fn fill_event(&self, kind: ChipKind, row: &mut [Felt], event: Option<&Event>) {
        match (kind, event) {
            (ChipKind::Frame, Some(event)) => self.frame_row(frame::Cols::of_mut(row), event),
            (ChipKind::Frame, None) => frame::fill_padding(frame::Cols::of_mut(row)),
            (ChipKind::Leave, Some(event)) => self.leave_row(leave::Cols::of_mut(row), event),
            (ChipKind::Leave, None) => leave::fill_padding(leave::Cols::of_mut(row)),
            (ChipKind::Assert, Some(event)) => self.assert_row(assert::Cols::of_mut(row), event),
            (ChipKind::Assert, None) => assert::fill_padding(assert::Cols::of_mut(row)),
            (ChipKind::MemoryElement, Some(event)) => self.effect_row(event, |values| {
                let cols = memory_element::Cols::of_mut(row);
                memory_element::fill(cols, values, &self.limbs);
            }),
            (ChipKind::MemoryElement, None) => {
                memory_element::fill_padding(memory_element::Cols::of_mut(row));
            }
            (ChipKind::MemoryWord, Some(event)) => self.effect_row(event, |values| {
                memory_word::fill(memory_word::Cols::of_mut(row), values, &self.limbs);
            }),
            (ChipKind::MemoryWord, None) => {
                memory_word::fill_padding(memory_word::Cols::of_mut(row));
            }
            (ChipKind::Advice, Some(event)) => self.effect_row(event, |values| {
                advice::fill(advice::Cols::of_mut(row), values);
            }),
            (ChipKind::Advice, None) => advice::fill_padding(advice::Cols::of_mut(row)),
            (ChipKind::Tree, Some(event)) => self.effect_row(event, |values| {
                tree::fill(tree::Cols::of_mut(row), values);
            }),
            (ChipKind::Tree, None) => tree::fill_padding(tree::Cols::of_mut(row)),
            (ChipKind::Sum, Some(event)) => self.effect_row(event, |values| {
                sum::fill(sum::Cols::of_mut(row), values);
            }),
            (ChipKind::Sum, None) => sum::fill_padding(sum::Cols::of_mut(row)),
            (ChipKind::Clock, Some(event)) => self.effect_row(event, |values| {
                clock::fill(clock::Cols::of_mut(row), values);
            }),
            (ChipKind::Clock, None) => clock::fill_padding(clock::Cols::of_mut(row)),
            _ => unreachable!("{kind:?} has no ordered rows"),
        }
    }

    /// Collects what a row of an [`EffectEntry`] says.
    pub(super) fn effect_row(&self, event: &Event, fill: impl FnOnce(&EffectRow<'_>)) {
        let typed = &self.program.entries[event.entry as usize];
        let Entry::Effect(entry) = typed else {
            unreachable!("chips of effects have their own entries")
        };
        let frame = self.frame(event.frame);
        let [results, mults] = self.results(frame, typed, true);
        let memory = if entry.op.is_access() {
            let accesses = &self.execution.accesses;
            let at = accesses.binary_search_by_key(&event.clk, |access| access.clk);
            accesses[at.expect("every access is recorded")].found
        } else {
            Remembered::default()
        };
        fill(&EffectRow {
            clk: event.clk,
            fp: Felt::from_u64(frame.name),
            entry,
            operands: self.operands(frame, typed),
            results,
            mults,
            memory,
            starts: self.absorbed.starts(event.clk),
        });
    }

    pub(super) fn frame_row(&self, cols: &mut frame::Cols<Felt>, event: &Event) {
        let Entry::Frame(entry) = &self.program.entries[event.entry as usize] else {
            unreachable!()
        };
        let (frame, opened) = (self.frame(event.frame), self.frame(event.other));
        let opening = frame::Opening {
            clk: Felt::from_u64(event.clk),
            fp: Felt::from_u64(frame.name),
            parent: Felt::from_u64(self.frame(opened.parent).name),
            return_pc: Felt::from_u32(opened.return_pc),
            values: entry.src.map(|src| self.value(frame, src)),
            handle_mult: self.mult(frame, handle(entry.pc)),
            mults: self.param_mults(opened, entry),
        };
        frame::fill(cols, entry, &opening);
    }

    pub(super) fn param_mults(&self, opened: &Frame, entry: &FrameEntry) -> [Felt; PARAMS] {
        std::array::from_fn(|j| self.mult(opened, param(entry.target, j)))
    }

    pub(super) fn leave_row(&self, cols: &mut leave::Cols<Felt>, event: &Event) {
        let Entry::Leave(entry) = &self.program.entries[event.entry as usize] else {
            unreachable!()
        };
        let (frame, other) = (self.frame(event.frame), self.frame(event.other));
        let next_pc = match *entry {
            LeaveEntry::Return { .. } | LeaveEntry::Exit { .. } => frame.return_pc,
            LeaveEntry::Branch { target, .. } | LeaveEntry::Jump { target, .. } => target,
        };
        let link_mult = match *entry {
            LeaveEntry::Exit { pc, .. } => self.mult(other, exit_link(pc)),
            _ => Felt::ZERO,
        };
        let leaving = leave::Leaving {
            clk: Felt::from_u64(event.clk),
            fp: Felt::from_u64(frame.name),
            value: entry
                .tested()
                .map_or(Felt::ZERO, |(src, _)| self.value(frame, src)),
            next_pc: Felt::from_u32(next_pc),
            next_fp: Felt::from_u64(other.name),
            link_mult,
        };
        leave::fill(cols, entry, &leaving);
    }

    pub(super) fn assert_row(&self, cols: &mut assert::Cols<Felt>, event: &Event) {
        let Entry::Assert(entry) = &self.program.entries[event.entry as usize] else {
            unreachable!()
        };
        let frame = self.frame(event.frame);
        let values = entry.slots.map(|slot| self.operand(frame, slot));
        assert::fill(
            cols,
            entry,
            Felt::from_u64(event.clk),
            Felt::from_u64(frame.name),
            values,
        );
    }
}
