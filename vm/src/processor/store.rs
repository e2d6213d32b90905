//! The Merkle store: of each node that is known to be one of a tree, the two nodes below it.
//!
//! A node is found by its hash, so whatever is in a store is true, and what is not in it cannot be proven: a root names one tree.
//! Replacing a node leaves the old tree as it was.

mod file;

use std::collections::{BTreeMap, HashMap};

use plica_air::record::{Level, TreeAccess, TreePath};
use plica_field::Word;
use plica_hash_rpo::merge;

use super::host::HostFailure;
use crate::inputs::MerkleTree;

/// Depth of a sparse tree, and of the deepest empty one.
const MAX_DEPTH: u8 = 64;

/// Merkle trees, addressed by their roots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerkleStore {
    children: HashMap<Word, [Word; 2]>,
    /// The roots of the empty trees, by height.
    empty: Vec<Word>,
}

impl Default for MerkleStore {
    /// The empty trees of every depth up to 64, whose leaves are zero words.
    fn default() -> Self {
        let mut store = Self {
            children: HashMap::new(),
            empty: vec![Word::default()],
        };
        for height in 0..usize::from(MAX_DEPTH) {
            let parent = store.join([store.empty[height]; 2]);
            store.empty.push(parent);
        }
        store
    }
}

impl MerkleStore {
    /// The root of the tree of this depth (at most 64) with zero words as leaves.
    pub fn empty_root(&self, depth: u8) -> Option<Word> {
        self.empty.get(usize::from(depth)).copied()
    }

    /// The node at a depth and index below `root`, if it is known.
    pub fn get(&self, root: Word, depth: u8, index: u64) -> Option<Word> {
        self.node(root, u64::from(depth), index).ok()
    }

    /// How many nodes have known children, those of empty trees left out.
    pub fn len(&self) -> usize {
        self.children.len() - usize::from(MAX_DEPTH)
    }

    /// Whether it has empty trees only.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes these trees known.
    pub(super) fn extend(&mut self, trees: &[MerkleTree]) {
        let empty = self.empty.clone();
        let store = self;
        for tree in trees {
            match tree {
                MerkleTree::Full(leaves) => {
                    let depth = leaves.len().ilog2() as u8;
                    let nodes = (0..)
                        .zip(leaves)
                        .map(|(index, &leaf)| ((depth, index), leaf));
                    store.add(nodes.collect(), None);
                }
                MerkleTree::Sparse(leaves) => {
                    let nodes = leaves
                        .iter()
                        .map(|&(index, leaf)| ((MAX_DEPTH, index), leaf));
                    store.add(nodes.collect(), Some(&empty));
                }
                MerkleTree::Partial(nodes) => {
                    let nodes = nodes
                        .iter()
                        .map(|&(depth, index, node)| ((depth, index), node));
                    store.add(nodes.collect(), None);
                }
            }
        }
    }

    /// Joins nodes, by (depth, index), from the deepest up to the root. A sibling that is not given is the root of an empty tree, if
    /// there may be such; otherwise nothing above is known.
    fn add(&mut self, mut nodes: BTreeMap<(u8, u64), Word>, empty: Option<&[Word]>) {
        while let Some(((depth, index), node)) = nodes.pop_last() {
            if depth == 0 {
                return;
            }
            let given = nodes.remove(&(depth, index ^ 1));
            let sibling =
                given.or_else(|| empty.map(|empty| empty[usize::from(MAX_DEPTH - depth)]));
            let Some(sibling) = sibling else {
                continue;
            };
            let parent = if index & 1 == 0 {
                self.join([node, sibling])
            } else {
                self.join([sibling, node])
            };
            nodes.insert((depth - 1, index >> 1), parent);
        }
    }

    /// Makes the parent of two nodes known.
    pub(super) fn join(&mut self, children: [Word; 2]) -> Word {
        let parent = merge(children);
        self.children.insert(parent, children);
        parent
    }

    /// The way from `root` down to the node at a depth and index.
    fn path(&self, root: Word, depth: u64, index: u64) -> Result<TreePath, HostFailure> {
        if depth > u64::from(MAX_DEPTH) || depth < 64 && index >> depth != 0 {
            return Err(HostFailure::Position);
        }
        if !self.children.contains_key(&root) {
            return Err(HostFailure::Root);
        }
        let mut above = root;
        let levels = (0..depth).rev().map(|level| {
            let &[left, right] = self.children.get(&above).ok_or(HostFailure::Node)?;
            let is_right = index >> level & 1 == 1;
            let (node, sibling) = if is_right {
                (right, left)
            } else {
                (left, right)
            };
            above = node;
            Ok(Level {
                node,
                sibling,
                is_right,
            })
        });
        let levels = levels.collect::<Result<_, _>>()?;
        Ok(TreePath { root, levels })
    }

    /// The node at a depth and index below `root`.
    pub(super) fn node(&self, root: Word, depth: u64, index: u64) -> Result<Word, HostFailure> {
        let path = self.path(root, depth, index)?;
        Ok(path.levels.last().map_or(root, |level| level.node))
    }

    /// Makes the tree known that has `node` at a depth and index and is otherwise that of `root`; the root of it.
    pub(super) fn replace(
        &mut self,
        root: Word,
        depth: u64,
        index: u64,
        node: Word,
    ) -> Result<Word, HostFailure> {
        let path = self.path(root, depth, index)?;
        let levels = path.levels.iter().rev();
        Ok(levels.fold(node, |node, &level| {
            self.join(Level { node, ..level }.children())
        }))
    }

    /// A look at a node, which is not the root, and its replacement if there is a `new` one.
    pub(super) fn access(
        &mut self,
        root: Word,
        [depth, index]: [u64; 2],
        new: Option<Word>,
    ) -> Result<TreeAccess, HostFailure> {
        if depth == 0 {
            return Err(HostFailure::Position);
        }
        let path = self.path(root, depth, index)?;
        let replaced = match new {
            Some(new) => {
                let root = self.replace(root, depth, index, new)?;
                Some(self.path(root, depth, index)?)
            }
            None => None,
        };
        Ok(TreeAccess { path, replaced })
    }
}
