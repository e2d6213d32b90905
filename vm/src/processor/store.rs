//! The Merkle store: of each node that is known to be one of a tree, the two nodes below it.

use std::collections::{BTreeMap, HashMap};

use plica_field::Word;
use plica_hash_rpo::merge;

use crate::inputs::MerkleTree;

/// Depth of a sparse tree, and of the deepest empty one.
const MAX_DEPTH: u8 = 64;

#[derive(Debug)]
pub(super) struct Store {
    children: HashMap<Word, [Word; 2]>,
}

impl Store {
    /// The empty trees of every depth, and these.
    pub(super) fn new(trees: &[MerkleTree]) -> Self {
        let mut store = Self {
            children: HashMap::new(),
        };
        // By height.
        let mut empty = vec![Word::default()];
        for height in 0..usize::from(MAX_DEPTH) {
            let parent = store.join([empty[height]; 2]);
            empty.push(parent);
        }
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
        store
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
    fn join(&mut self, children: [Word; 2]) -> Word {
        let parent = merge(children);
        self.children.insert(parent, children);
        parent
    }

    /// The node at a depth and index below `root`, if it is known.
    pub(super) fn node(&self, root: Word, depth: u64, index: u64) -> Option<Word> {
        let below = depth >= 64 || index >> depth == 0;
        if depth > u64::from(MAX_DEPTH) || !below || !self.children.contains_key(&root) {
            return None;
        }
        (0..depth).rev().try_fold(root, |node, level| {
            let children = self.children.get(&node)?;
            Some(children[usize::from(index >> level & 1 == 1)])
        })
    }
}
