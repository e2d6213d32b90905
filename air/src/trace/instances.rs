//! What ran: instances of entries, by chip.

use rayon::prelude::*;

use crate::chip::ChipKind;
use crate::code::{Program, Terminator};
use crate::record::{Execution, FrameIndex, Outcome, Step};

/// An instance of a fact: no place in time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fact {
    pub(super) frame: FrameIndex,
    pub(super) entry: u32,
}

/// An instance of an ordered entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) clk: u64,
    pub(super) frame: FrameIndex,
    pub(super) entry: u32,
    /// The frame opened or returned to, otherwise the own frame.
    pub(super) other: FrameIndex,
}

/// Everything that ran, by [`ChipKind`].
#[derive(Clone, Debug)]
pub(super) struct Instances {
    pub(super) facts: Vec<Vec<Fact>>,
    pub(super) events: Vec<Vec<Event>>,
}

impl Default for Instances {
    fn default() -> Self {
        Self {
            facts: vec![Vec::new(); ChipKind::ALL.len()],
            events: vec![Vec::new(); ChipKind::ALL.len()],
        }
    }
}

impl Instances {
    pub(super) fn append(mut self, mut other: Self) -> Self {
        for (own, other) in self.facts.iter_mut().zip(&mut other.facts) {
            own.append(other);
        }
        for (own, other) in self.events.iter_mut().zip(&mut other.events) {
            own.append(other);
        }
        self
    }

    /// Rows of a chip of facts or of ordered rows, without padding, when `used` takes its place: the chip itself or its twin.
    pub(super) fn rows(&self, kind: ChipKind, used: ChipKind) -> usize {
        self.facts[kind as usize].len().div_ceil(used.per_row()) + self.events[kind as usize].len()
    }

    pub(super) fn push_fact(&mut self, kind: ChipKind, frame: FrameIndex, entry: u32) {
        self.facts[kind as usize].push(Fact { frame, entry });
    }

    pub(super) fn push_entry(&mut self, program: &Program, step: &Step, entry: u32, clk: &mut u64) {
        let kind = ChipKind::of(program.entries[entry as usize].class());
        if kind.ordered() {
            self.events[kind as usize].push(Event {
                clk: *clk,
                frame: step.frame,
                entry,
                other: step.frame,
            });
            *clk += 1;
        } else {
            self.push_fact(kind, step.frame, entry);
        }
    }

    pub(super) fn push_step(&mut self, program: &Program, execution: &Execution, step: &Step) {
        let block = &program.blocks[step.block as usize];
        let mut clk = step.clk;
        for entry in block.entries.clone() {
            self.push_entry(program, step, entry, &mut clk);
        }
        let event = |entry, other| Event {
            clk,
            frame: step.frame,
            entry,
            other,
        };
        let parent = execution.frames[step.frame as usize].parent;
        match (block.terminator, step.outcome) {
            (
                Terminator::Enter { entry, .. }
                | Terminator::EnterIf { entry, .. }
                | Terminator::Loop { back: entry, .. },
                Outcome::Opened(opened),
            ) => {
                self.events[ChipKind::Frame as usize].push(event(entry, opened));
                for push in block.pushes.clone() {
                    let kind = ChipKind::of(program.entries[push as usize].class());
                    self.push_fact(kind, step.frame, push);
                }
            }
            (Terminator::EnterIf { skip: entry, .. }, Outcome::Zero)
            | (Terminator::Jump { entry, .. }, _)
            | (
                Terminator::Branch {
                    zero: (entry, _), ..
                },
                Outcome::Zero,
            )
            | (
                Terminator::Branch {
                    nonzero: (entry, _),
                    ..
                },
                Outcome::NonZero,
            ) => self.events[ChipKind::Leave as usize].push(event(entry, step.frame)),
            (Terminator::Loop { exit: entry, .. }, Outcome::Zero)
            | (Terminator::Return { entry }, _) => {
                self.events[ChipKind::Leave as usize].push(event(entry, parent));
            }
            (Terminator::Goto { .. } | Terminator::Select { .. } | Terminator::Halt, _) => {}
            (terminator, outcome) => {
                unreachable!("{outcome:?} is no outcome of {terminator:?}")
            }
        }
    }
}

/// When rows get a second, smaller table instead of padding up to the next power of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heights {
    /// Rows that it must save.
    least_saved: usize,
    /// By chip: log2 of the rows that a table has at least, if there is one.
    least: [u8; ChipKind::ALL.len()],
}

impl Heights {
    /// Where cells are what counts.
    pub const FEW_CELLS: Self = Self::saving(1 << 8);

    /// Where a table costs whoever verifies its columns once more: so many cells for each of them.
    #[must_use]
    pub const fn few_tables(cells_of_column: usize) -> Self {
        Self::saving(cells_of_column)
    }

    /// Where every opened column counts.
    pub const ONE_TABLE: Self = Self::saving(usize::MAX);

    const fn saving(least_saved: usize) -> Self {
        Self {
            least_saved,
            least: [0; ChipKind::ALL.len()],
        }
    }

    /// With room for so many rows at least in the tables of a chip, where there are any. A twin and its original need the same.
    #[must_use]
    pub const fn with_least(mut self, kind: ChipKind, rows: usize) -> Self {
        self.least[kind as usize] = rows.next_power_of_two().ilog2() as u8;
        self
    }

    /// Heights of the tables that hold `rows` rows of a chip: one power of two, or two where the second instance avoids at least
    /// a quarter of the padding that the next power would bring.
    #[must_use]
    pub fn of(self, kind: ChipKind, rows: usize) -> Vec<usize> {
        if rows == 0 {
            return Vec::new();
        }
        let single = rows.next_power_of_two();
        let least = 1 << self.least[kind as usize];
        if single <= least {
            return vec![least];
        }
        let half = single / 2;
        let rest = (rows - half).next_power_of_two();
        if rest <= half / 2 && half - rest >= self.least_saved {
            return vec![half, rest];
        }
        vec![single]
    }

    /// Rows that fill the tables up.
    pub(super) fn padding(self, kind: ChipKind, rows: usize) -> usize {
        self.of(kind, rows).iter().sum::<usize>() - rows
    }
}

pub(super) fn collect(program: &Program, execution: &Execution) -> Instances {
    execution
        .steps
        .par_chunks(1 << 14)
        .map(|steps| {
            let mut instances = Instances::default();
            for step in steps {
                instances.push_step(program, execution, step);
            }
            instances
        })
        .reduce(Instances::default, Instances::append)
}
