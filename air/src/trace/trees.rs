//! Rows about Merkle trees: each node on a path once, each step of a change once.

use std::collections::HashMap;

use plica_field::Word;

use super::Heights;
use crate::chip::ChipKind;
use crate::chips::change::ChangeRow;
use crate::chips::node::head::NodeRow;
use crate::record::{TreeAccess, TreePath};

/// Everything that the looks at trees need, with how often it is read.
#[derive(Debug, Default)]
pub(super) struct Trees {
    pub(super) nodes: Vec<NodeRow>,
    pub(super) changes: Vec<ChangeRow>,
    /// By root, level and index of the node.
    node_at: HashMap<(Word, u64, u64), usize>,
    /// By roots, and level and index of what the row says.
    change_at: HashMap<([Word; 2], u64, u64), usize>,
}

impl Trees {
    /// The rows for these looks, padding of the tables included.
    pub(super) fn new(accesses: &[TreeAccess], heights: Heights) -> Self {
        let mut trees = Self::default();
        for access in accesses {
            trees.path(&access.path);
            if let Some(replaced) = &access.replaced {
                trees.path(replaced);
                trees.change(&access.path, replaced.root);
            }
        }
        // Padding duplicates the last row, which then reads once more per duplicate.
        let duplicates = |kind, rows: usize| heights.padding(kind, rows) as u32;
        if let Some(&last) = trees.changes.last() {
            trees.count_change(&last, duplicates(ChipKind::Change, trees.changes.len()));
        }
        if let Some(&last) = trees.nodes.last() {
            trees.count_node(&last, duplicates(ChipKind::Node, trees.nodes.len()));
        }
        trees
    }

    /// The nodes above the one to which a path leads, which is read.
    fn path(&mut self, path: &TreePath) {
        let mut index = 0;
        for (level, step) in (0..).zip(&path.levels) {
            self.node(NodeRow {
                root: path.root,
                level,
                index,
                children: step.children(),
                mults: [0; 2],
            });
            index = 2 * index + u64::from(step.is_right);
        }
        self.read(path.root, path.levels.len() as u64, index, 1);
    }

    fn node(&mut self, row: NodeRow) {
        let next = self.nodes.len();
        let name = (row.root, row.level, row.index);
        if *self.node_at.entry(name).or_insert(next) == next {
            self.nodes.push(row);
            self.count_node(&row, 1);
        }
    }

    /// A row below the top reads what it is about.
    fn count_node(&mut self, row: &NodeRow, times: u32) {
        if row.level > 0 {
            self.read(row.root, row.level, row.index, times);
        }
    }

    /// Somebody reads the node at this place.
    fn read(&mut self, root: Word, level: u64, index: u64, times: u32) {
        let parent = self.node_at[&(root, level - 1, index / 2)];
        self.nodes[parent].mults[(index % 2) as usize] += times;
    }

    /// The same siblings on a path and in the tree with the other root. The last step is read.
    fn change(&mut self, path: &TreePath, root: Word) {
        let mut index = 0;
        for (level, step) in (0..).zip(&path.levels) {
            let row = ChangeRow {
                roots: [path.root, root],
                level,
                index,
                is_right: step.is_right,
                sibling: step.sibling,
                mult: 0,
            };
            index = 2 * index + u64::from(step.is_right);
            let next = self.changes.len();
            let name = (row.roots, level + 1, index);
            if *self.change_at.entry(name).or_insert(next) == next {
                self.changes.push(row);
                self.count_change(&row, 1);
            }
        }
        let last = self.change_at[&([path.root, root], path.levels.len() as u64, index)];
        self.changes[last].mult += 1;
    }

    /// What a step reads: the sibling in both trees, and the step before.
    fn count_change(&mut self, row: &ChangeRow, times: u32) {
        let sibling = 2 * row.index + u64::from(!row.is_right);
        for root in row.roots {
            self.read(root, row.level + 1, sibling, times);
        }
        if row.level > 0 {
            let before = self.change_at[&(row.roots, row.level, row.index)];
            self.changes[before].mult += times;
        }
    }
}
