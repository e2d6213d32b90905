//! Tables that are no list of instances: boundary, program, addresses; and those of facts about trees and messages.

use std::sync::atomic::Ordering;

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use rayon::prelude::*;

use super::trees::Trees;
use super::{Generator, Table, chunks, rows};
use crate::chip::ChipKind;
use crate::chips::{
    absorb, absorb_compact, addresses, boundary, change, node, node_compact, program,
};
use crate::code::INPUT;

impl Generator<'_> {
    /// A row for each address touched, in order.
    pub(super) fn addresses(&self) -> Vec<Table> {
        let kind = ChipKind::Addresses;
        let touched = &self.execution.touched;
        let mut done = 0;
        let heights = self.heights.of(kind, touched.len());
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

    /// A row for each node and for each step of a change.
    pub(super) fn trees(&self, allowed: impl Fn(ChipKind) -> bool) -> Vec<Table> {
        let trees = Trees::new(&self.execution.trees, self.heights);
        let kind = ChipKind::Node.or_twin(allowed);
        let mut tables = self.listed(
            kind,
            &trees.nodes,
            |node| node.mults = [0; 2],
            |row, node| match kind {
                ChipKind::NodeCompact => {
                    node_compact::fill(node_compact::Cols::of_mut(row), node);
                }
                _ => node::fill(node::Cols::of_mut(row), node),
            },
        );
        tables.extend(self.listed(
            ChipKind::Change,
            &trees.changes,
            |step| step.mult = 0,
            |row, step| change::fill(change::Cols::of_mut(row), step),
        ));
        tables
    }

    /// A row for each block of a message whose sums are asked for.
    pub(super) fn messages(&self, allowed: impl Fn(ChipKind) -> bool) -> Vec<Table> {
        let kind = ChipKind::Absorb.or_twin(allowed);
        let is_compact = kind == ChipKind::AbsorbCompact;
        let mut tables = self.listed(
            kind,
            &self.absorbed.rows,
            |block| block.mult = 0,
            |row, block| match is_compact {
                true => absorb_compact::fill(absorb_compact::Cols::of_mut(row), block),
                false => absorb::fill(absorb::Cols::of_mut(row), block),
            },
        );
        for table in &mut tables {
            let fill_rounds = match is_compact {
                true => absorb_compact::fill_rounds,
                false => absorb::fill_rounds,
            };
            chunks(&mut table.trace.values, kind.width()).for_each(fill_rounds);
        }
        tables
    }

    /// The tables of a chip whose rows are listed. What fills them up is the last one, which nobody reads.
    fn listed<T: Copy + Sync>(
        &self,
        kind: ChipKind,
        list: &[T],
        unread: impl Fn(&mut T),
        fill: impl Fn(&mut [Felt], &T) + Sync,
    ) -> Vec<Table> {
        let Some(mut padding) = list.last().copied() else {
            return Vec::new();
        };
        unread(&mut padding);
        let mut rest = list;
        let mut tables = Vec::new();
        for height in self.heights.of(kind, list.len()) {
            let own;
            (own, rest) = rest.split_at(height.min(rest.len()));
            let trace = rows(kind, height, |r, row| {
                fill(row, own.get(r).unwrap_or(&padding));
            });
            tables.push(Table { kind, trace });
        }
        tables
    }

    pub(super) fn program(&self) -> Table {
        let height = program::height(self.program);
        let trace = rows(ChipKind::Program, height, |r, row| {
            let counts = self
                .lookups
                .chunks(program::LANES)
                .nth(r)
                .unwrap_or_default();
            let mults = &mut program::Cols::of_mut(row).mults;
            for (mult, count) in mults.iter_mut().zip(counts) {
                *mult = Felt::from_u32(count.load(Ordering::Relaxed));
            }
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
