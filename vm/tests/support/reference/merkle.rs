//! The Merkle store: which two nodes a node is made of.

use std::collections::{BTreeMap, HashMap};

use p3_field::PrimeCharacteristicRing;
use plica_field::{Felt, Word};
use plica_hash_rpo::merge;
use plica_vm::inputs::MerkleTree;

use super::{Result, Stop};
use crate::support::Failure;

#[derive(Debug)]
pub(super) struct Store {
    children: HashMap<Word, [Word; 2]>,
}

impl Store {
    /// The empty trees of every depth up to 64, and these.
    pub(super) fn new(trees: &[MerkleTree]) -> Self {
        let mut store = Self {
            children: HashMap::new(),
        };
        let mut empty = vec![[Felt::ZERO; 4]];
        for depth in 0..64 {
            empty.push(store.join(empty[depth], empty[depth]));
        }
        for tree in trees {
            let mut nodes = BTreeMap::new();
            let mut fill = None;
            match tree {
                MerkleTree::Full(leaves) => {
                    let depth = leaves.len().ilog2() as u8;
                    nodes.extend(
                        (0..)
                            .zip(leaves)
                            .map(|(index, leaf)| ((depth, index), *leaf)),
                    );
                }
                MerkleTree::Sparse(leaves) => {
                    nodes.extend(leaves.iter().map(|(index, leaf)| ((64, *index), *leaf)));
                    fill = Some(&empty[..]);
                }
                MerkleTree::Partial(leaves) => {
                    nodes.extend(
                        leaves
                            .iter()
                            .map(|(depth, index, node)| ((*depth, *index), *node)),
                    );
                }
            }
            store.add_tree(nodes, fill);
        }
        store
    }

    /// Joins nodes from the deepest to the root. A sibling that is not given is the empty tree if there may be such.
    fn add_tree(&mut self, mut nodes: BTreeMap<(u8, u64), Word>, empty: Option<&[Word]>) {
        while let Some((&(depth, index), &node)) = nodes.last_key_value() {
            if depth == 0 {
                return;
            }
            nodes.remove(&(depth, index));
            let sibling = nodes
                .remove(&(depth, index ^ 1))
                .or_else(|| empty.map(|empty| empty[usize::from(64 - depth)]))
                .expect("a partial tree has every sibling");
            let parent = if index % 2 == 0 {
                self.join(node, sibling)
            } else {
                self.join(sibling, node)
            };
            nodes.insert((depth - 1, index / 2), parent);
        }
    }

    /// Makes the parent of two nodes known.
    pub(super) fn join(&mut self, left: Word, right: Word) -> Word {
        let parent = merge([left, right]);
        self.children.insert(parent, [left, right]);
        parent
    }

    /// The nodes on the way from below `root` to the node at this place, each with its sibling and whether it is the
    /// right one of the two; the node itself is the last.
    fn path(&self, root: Word, depth: u64, index: u64) -> Result<Vec<(Word, Word, bool)>> {
        let lost = Stop::Failed(Failure::MerkleLookup);
        if depth > 64 || depth < 64 && index >> depth != 0 || !self.children.contains_key(&root) {
            return Err(lost);
        }
        let mut path = Vec::new();
        let mut node = root;
        for level in (0..depth).rev() {
            let [left, right] = *self.children.get(&node).ok_or(lost)?;
            let is_right = index >> level & 1 == 1;
            let sibling;
            (node, sibling) = if is_right {
                (right, left)
            } else {
                (left, right)
            };
            path.push((node, sibling, is_right));
        }
        Ok(path)
    }

    pub(super) fn node(&self, root: Word, depth: u64, index: u64) -> Result<Word> {
        let path = self.path(root, depth, index)?;
        Ok(path.last().map_or(root, |(node, ..)| *node))
    }

    /// The root after a node was replaced. The old tree stays known.
    pub(super) fn update(&mut self, root: Word, depth: u64, index: u64, new: Word) -> Result<Word> {
        let mut node = new;
        for (_, sibling, is_right) in self.path(root, depth, index)?.into_iter().rev() {
            node = if is_right {
                self.join(sibling, node)
            } else {
                self.join(node, sibling)
            };
        }
        Ok(node)
    }
}
