//! Reads of cells and lookups of entries.

use std::sync::atomic::Ordering;

use rayon::prelude::*;

use super::Generator;
use super::instances::{Event, Fact, Instances};
use crate::code::{CopyKind, Entry, OUTPUT, STACK_SIZE};

impl Generator<'_> {
    pub(super) fn count(&self, instances: &Instances) {
        for facts in &instances.facts {
            facts.par_iter().for_each(|fact| self.count_fact(fact, 1));
            self.count_lookups(facts.par_iter().map(|fact| fact.entry));
        }
        for events in &instances.events {
            events.par_iter().for_each(|event| self.count_event(event));
            self.count_lookups(events.par_iter().map(|event| event.entry));
        }
        let root = self.frame(0);
        for j in 0..STACK_SIZE as u32 {
            self.read(root, OUTPUT + j, 1);
        }
    }

    /// Loops look the same few entries up all the time: count per thread first.
    pub(super) fn count_lookups(&self, entries: impl IndexedParallelIterator<Item = u32>) {
        entries
            .fold(
                || vec![0u32; self.lookups.len()],
                |mut counts, entry| {
                    counts[entry as usize] += 1;
                    counts
                },
            )
            .for_each(|counts| {
                for (total, count) in self.lookups.iter().zip(counts) {
                    if count != 0 {
                        total.fetch_add(count, Ordering::Relaxed);
                    }
                }
            });
    }

    pub(super) fn count_fact(&self, fact: &Fact, times: u32) {
        let frame = self.frame(fact.frame);
        match &self.program.entries[fact.entry as usize] {
            Entry::Copy(entry) => {
                self.read(frame, entry.key, times);
                let from = match entry.kind {
                    CopyKind::Pull => self.linked(frame, entry.key),
                    CopyKind::Push | CopyKind::Gate { .. } => frame,
                };
                for &src in entry.sources() {
                    self.read(from, src, times);
                }
            }
            own => own.for_each_read(|id| self.read(frame, id, times)),
        }
    }

    pub(super) fn count_event(&self, event: &Event) {
        let frame = self.frame(event.frame);
        let entry = &self.program.entries[event.entry as usize];
        entry.for_each_read(|id| self.read(frame, id, 1));
    }

    /// Padding duplicates the last fact: it is looked up and reads its operands once more per duplicate.
    pub(super) fn count_padding(&self, facts: &[Fact], heights: &[usize], per_row: usize) {
        if let Some(last) = facts.last() {
            let duplicates = heights.iter().sum::<usize>() * per_row - facts.len();
            let times = u32::try_from(duplicates).expect("tables are shorter than 2^32 rows");
            self.count_fact(last, times);
            self.lookups[last.entry as usize].fetch_add(times, Ordering::Relaxed);
        }
    }
}
