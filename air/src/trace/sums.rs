//! Rows about messages and their sums: each fact once, however many ask for it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use p3_field::PrimeCharacteristicRing;
use plica_field::{Ext, Felt, Word};
use plica_hash_rpo::constants::{CAPACITY, RATE};
use plica_hash_rpo::{State, permute_many};
use rayon::prelude::*;

use super::Heights;
use crate::chip::ChipKind;
use crate::chips::absorb::head::AbsorbRow;
use crate::record::{Execution, Point};

/// What a row rests on: the row of the block before, or the one that says where the sums of a message begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Before {
    Nothing(usize),
    Row(usize),
}

/// Everything that the questions need, with how often it is read.
#[derive(Debug, Default)]
pub(super) struct Absorbed {
    pub(super) rows: Vec<AbsorbRow>,
    /// What each row rests on.
    before: Vec<Before>,
    /// By point: its number.
    points: HashMap<Point, usize>,
    /// By number of the point: clock of the first row that asked, which gives the beginning to all, and how often it is read.
    starts: Vec<(u64, u32)>,
    /// By clock of the row that gives it: how often a beginning is read.
    started: HashMap<u64, u32>,
}

impl Absorbed {
    /// The rows for these questions, padding of the tables included.
    pub(super) fn new(execution: &Execution, heights: Heights) -> Self {
        let mut absorbed = Self::listed(execution, heights);
        absorbed.compute();
        absorbed
    }

    /// The same without capacities and sums. Messages that begin with the same blocks share them.
    pub(super) fn listed(execution: &Execution, heights: Heights) -> Self {
        let mut absorbed = Self::default();
        let mut known = HashMap::new();
        for access in &execution.sums {
            let next = absorbed.starts.len();
            let point = *absorbed.points.entry(access.point).or_insert(next);
            if point == next {
                absorbed.starts.push((access.clk, 0));
            }
            let message = &execution.messages[access.message];
            absorbed.message(&mut known, access.point, point, message);
        }
        // Padding duplicates the last row, which then reads once more per duplicate.
        if let Some(&before) = absorbed.before.last() {
            let duplicates = heights.padding(ChipKind::Absorb, absorbed.rows.len());
            absorbed.read(before, duplicates as u32);
        }
        absorbed.started = absorbed.starts.iter().copied().collect();
        absorbed
    }

    /// How often the row at a clock is read as the beginning of a message.
    pub(super) fn starts(&self, clk: u64) -> u32 {
        self.started.get(&clk).copied().unwrap_or(0)
    }

    fn read(&mut self, before: Before, times: u32) {
        match before {
            Before::Nothing(point) => self.starts[point].1 += times,
            Before::Row(row) => self.rows[row].mult += times,
        }
    }

    /// The rows of a message, whose last one is read.
    fn message(
        &mut self,
        known: &mut HashMap<(Before, [Felt; RATE], bool), usize>,
        point: Point,
        number: usize,
        message: &[Felt],
    ) {
        let mut before = Before::Nothing(number);
        let blocks = message.len() / RATE;
        for (k, block) in message.chunks_exact(RATE).enumerate() {
            let data: [Felt; RATE] = block.try_into().expect("a block");
            let last = k + 1 == blocks;
            let row = match known.entry((before, data, last)) {
                Entry::Occupied(row) => *row.get(),
                Entry::Vacant(place) => {
                    let row = self.rows.len();
                    place.insert(row);
                    self.push(before, point, data, last);
                    row
                }
            };
            before = Before::Row(row);
        }
        self.read(before, 1);
    }

    fn push(&mut self, before: Before, point: Point, data: [Felt; RATE], last: bool) {
        let block = match before {
            Before::Nothing(_) => 0,
            Before::Row(row) => self.rows[row].block + 1,
        };
        self.read(before, 1);
        self.before.push(before);
        self.rows.push(AbsorbRow {
            block,
            last,
            point,
            s: Ext::ZERO,
            u: Ext::ZERO,
            capacity: Word::default(),
            data,
            mult: 0,
        });
    }

    /// Capacities and sums: of all first blocks, then of all second ones, and so on, to permute many states at once.
    fn compute(&mut self) {
        let mut levels: Vec<Vec<usize>> = Vec::new();
        for (number, row) in self.rows.iter().enumerate() {
            let level = row.block as usize;
            levels.resize_with(levels.len().max(level + 1), Vec::new);
            levels[level].push(number);
        }
        // By row: the capacity of the sponge behind it, where the message goes on.
        let mut behind = vec![Word::default(); self.rows.len()];
        for mut level in levels {
            for &number in &level {
                if let Before::Row(before) = self.before[number] {
                    let sums = self.rows[before].sums();
                    let row = &mut self.rows[number];
                    row.capacity = behind[before];
                    [row.s, row.u] = sums;
                }
            }
            level.retain(|&number| !self.rows[number].last);
            let mut states: Vec<State> = level.iter().map(|&i| state(&self.rows[i])).collect();
            states.par_chunks_mut(1 << 6).for_each(permute_many);
            for (number, state) in level.into_iter().zip(states) {
                behind[number] = std::array::from_fn(|lane| state[lane]);
            }
        }
    }
}

/// The state of the sponge that a row permutes.
fn state(row: &AbsorbRow) -> State {
    std::array::from_fn(|lane| match lane.checked_sub(CAPACITY) {
        Some(j) => row.data[j],
        None => row.capacity[lane],
    })
}
