//! Tables that are no list of instances: boundary, program, addresses; and those of facts about trees.

use std::sync::atomic::Ordering;

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use rayon::prelude::*;

use super::{Generator, Heights, Table, chunks, rows};
use crate::chip::ChipKind;
use crate::chips::{absorb, absorb_compact, addresses, boundary, program};
use crate::code::INPUT;

impl Generator<'_> {
    /// A row for each address touched, in order.
    pub(super) fn addresses(&self) -> Vec<Table> {
        let kind = ChipKind::Addresses;
        let touched = &self.execution.touched;
        let mut done = 0;
        let heights = self.heights.of(touched.len());
        heights
            .into_iter()
            .map(|height| {
                let first = done;
                done += height;
                let trace = rows(kind, height, |r, row| {
                    let cols = addresses::Cols::of_mut(row);
                    let at = first + r;
                    match touched.get(at) {
                        Some(own) => {
                            let previous = at.checked_sub(1).map(|before| &touched[before]);
                            addresses::fill(cols, own, previous, &self.limbs);
                        }
                        None => addresses::fill_padding(cols),
                    }
                });
                Table { kind, trace }
            })
            .collect()
    }

    /// A row for each block of a message whose sums are asked for.
    pub(super) fn messages(&self, allowed: impl Fn(ChipKind) -> bool) -> Vec<Table> {
        let list = &self.absorbed.rows;
        let kind = ChipKind::Absorb;
        let kind = kind.twin().filter(|&twin| allowed(twin)).unwrap_or(kind);
        let is_compact = kind == ChipKind::AbsorbCompact;
        let mut tables = listed(kind, self.heights, list, |row, block, real| {
            let head = if is_compact {
                let cols = absorb_compact::Cols::of_mut(row);
                absorb_compact::fill(cols, block);
                &mut cols.head
            } else {
                let cols = absorb::Cols::of_mut(row);
                absorb::fill(cols, block);
                &mut cols.head
            };
            if !real {
                head.mult = Felt::ZERO;
            }
        });
        for table in &mut tables {
            let fill_rounds = match is_compact {
                true => absorb_compact::fill_rounds,
                false => absorb::fill_rounds,
            };
            chunks(&mut table.trace.values, kind.width()).for_each(fill_rounds);
        }
        tables
    }

    pub(super) fn program(&self) -> Table {
        let trace = rows(ChipKind::Program, self.program.table_height(), |r, row| {
            let count = self.lookups.get(r);
            program::Cols::of_mut(row).mult =
                count.map_or(Felt::ZERO, |c| Felt::from_u32(c.load(Ordering::Relaxed)));
        });
        Table {
            kind: ChipKind::Program,
            trace,
        }
    }

    pub(super) fn boundary(&self) -> Table {
        let root = self.frame(0);
        let trace = rows(ChipKind::Boundary, 1, |_, row| {
            *boundary::Cols::of_mut(row) = boundary::Cols {
                clk: Felt::from_u64(self.execution.clk),
                last: match self.execution.touched.last() {
                    Some(touched) => touched.place().map(Felt::from_u64),
                    None => addresses::START.map(Felt::from_i64),
                },
                mults: std::array::from_fn(|j| self.mult(root, INPUT + j as u32)),
            };
        });
        Table {
            kind: ChipKind::Boundary,
            trace,
        }
    }
}

/// The tables of a chip whose rows are listed; the last one is duplicated, not `real`, to fill them up.
pub(super) fn listed<T: Sync>(
    kind: ChipKind,
    heights: Heights,
    list: &[T],
    fill: impl Fn(&mut [Felt], &T, bool) + Sync,
) -> Vec<Table> {
    let mut done = 0;
    let heights = heights.of(list.len());
    heights
        .into_iter()
        .map(|height| {
            let first = done;
            done += height;
            let trace = rows(kind, height, |r, row| {
                let own = list.get(first + r);
                let shown = own.or(list.last()).expect("there are rows");
                fill(row, shown, own.is_some());
            });
            Table { kind, trace }
        })
        .collect()
}
