//! The inputs of `merkle16` and `merkle32`: a tree of which only the opened leaves and the siblings on their paths are given.
//!
//! The leaves are far apart, so that their paths share nothing but the upper levels. 0.23.5 hashes with Poseidon2, so its nodes, and with
//! them the root, differ from those of RPO; leaves and the siblings that no leaf is below are the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use plica_field::p3::PrimeField64;
use plica_field::{Felt, Word};

/// A set of memberships.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memberships {
    /// Of the tree.
    pub depth: u8,
    /// How many leaves are opened: 0, `stride`, 2·`stride`, …
    pub count: u64,
    /// Distance between them.
    pub stride: u64,
}

/// The memberships of a program, if it is one of these.
pub fn memberships(program: &str) -> Option<Memberships> {
    match program {
        "merkle16" => Some(Memberships {
            depth: 16,
            count: 256,
            stride: 257,
        }),
        "merkle32" => Some(Memberships {
            depth: 32,
            count: 128,
            stride: (1 << 25) - 1,
        }),
        _ => None,
    }
}

/// The hash of two nodes.
pub type Merge = fn([Word; 2]) -> Word;

/// RPO.
pub fn rpo(nodes: [Word; 2]) -> Word {
    plica_hash_rpo::merge(nodes)
}

/// Poseidon2 as `miden-crypto` has it.
pub fn poseidon2(nodes: [Word; 2]) -> Word {
    use miden_crypto::hash::poseidon2::Poseidon2;
    let theirs = nodes.map(|node| {
        let element = |j: usize| {
            miden_crypto::Felt::new(node[j].as_canonical_u64()).expect("a canonical element")
        };
        miden_crypto::Word::new(std::array::from_fn(element))
    });
    let digest = Poseidon2::merge(&theirs);
    std::array::from_fn(|j| Felt::new(digest[j].as_canonical_u64()))
}

impl Memberships {
    /// The root, and the nodes that have to be given, by depth and index: leaves and siblings.
    pub fn tree(&self, merge: Merge) -> (Word, Vec<(u8, u64, Word)>) {
        let mut level: BTreeMap<u64, Word> = (0..self.count)
            .map(|k| (k * self.stride, leaf(k)))
            .collect();
        let mut given: Vec<(u8, u64, Word)> = level
            .iter()
            .map(|(&index, &leaf)| (self.depth, index, leaf))
            .collect();
        for depth in (1..=self.depth).rev() {
            let mut above = BTreeMap::new();
            for (&index, &node) in &level {
                let sibling = level.get(&(index ^ 1)).copied().unwrap_or_else(|| {
                    let sibling = filler(depth, index ^ 1);
                    given.push((depth, index ^ 1, sibling));
                    sibling
                });
                let pair = if index & 1 == 0 {
                    [node, sibling]
                } else {
                    [sibling, node]
                };
                above.entry(index >> 1).or_insert_with(|| merge(pair));
            }
            level = above;
        }
        (level[&0], given)
    }

    /// The `.inputs` file: the root on the stack, its first element deepest, and the tree.
    ///
    /// With 0.23.5 the first entry is the top of the stack instead of the last, and so is the first element of a word: the list is the same.
    pub fn inputs(&self, merge: Merge) -> String {
        let (root, nodes) = self.tree(merge);
        let root = root.map(|element| format!("\"{}\"", element.as_canonical_u64()));
        let mut text = format!(
            "{{\"operand_stack\": [{}],\n \"merkle_store\": [{{\"partial_merkle_tree\": [",
            root.join(", ")
        );
        for (i, (depth, index, node)) in nodes.iter().enumerate() {
            let separator = if i == 0 { "" } else { "," };
            let _ = write!(
                text,
                "{separator}\n  [[{depth}, {index}], \"{}\"]",
                hex(node)
            );
        }
        text.push_str("]}]}\n");
        text
    }

    /// What the program prints: the sum of the elements of the leaves.
    pub fn sum(&self) -> u64 {
        let elements = (0..self.count).flat_map(leaf);
        elements.sum::<Felt>().as_canonical_u64()
    }
}

fn leaf(k: u64) -> Word {
    [k + 1, 2 * k + 3, 5, 7].map(Felt::new)
}

/// A node that nothing opened is below.
fn filler(depth: u8, index: u64) -> Word {
    [u64::from(depth), index, 11, 13].map(Felt::new)
}

fn hex(word: &Word) -> String {
    let bytes = word.iter().flat_map(|e| e.as_canonical_u64().to_le_bytes());
    bytes.fold(String::from("0x"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_tree_by_hand() {
        let small = Memberships {
            depth: 2,
            count: 2,
            stride: 3,
        };
        let (root, given) = small.tree(rpo);
        let left = rpo([leaf(0), filler(2, 1)]);
        let right = rpo([filler(2, 2), leaf(1)]);
        assert_eq!(root, rpo([left, right]));
        let places: Vec<(u8, u64)> = given.iter().map(|&(d, i, _)| (d, i)).collect();
        assert_eq!(places, [(2, 0), (2, 3), (2, 1), (2, 2)]);
    }

    #[test]
    fn the_hashes_are_those_of_the_peers() {
        // `push.1.2.3.4.5.6.7.8 hmerge` with 0.11.0 and, where words are read from the top, 0.23.5.
        let words = |w: [u64; 8]| {
            let w = w.map(Felt::new);
            [[w[0], w[1], w[2], w[3]], [w[4], w[5], w[6], w[7]]]
        };
        assert_eq!(
            rpo(words([1, 2, 3, 4, 5, 6, 7, 8]))[3],
            Felt::new(13608701685256682132)
        );
        assert_eq!(
            poseidon2(words([4, 3, 2, 1, 8, 7, 6, 5]))[0],
            Felt::new(15646834724388145076)
        );
    }

    #[test]
    fn the_programs_say_what_is_opened() {
        for name in ["merkle16", "merkle32"] {
            let m = memberships(name).unwrap();
            assert!((m.count - 1) * m.stride >> m.depth == 0);
            let source =
                std::fs::read_to_string(crate::programs().join(format!("{name}.masm"))).unwrap();
            for part in [
                format!("push.{} mtree_get", m.depth),
                format!("add.{} ", m.stride),
                format!("neq.{}\n", m.count * m.stride),
            ] {
                assert!(source.contains(&part), "{name}: {part}");
            }
            let outputs =
                std::fs::read_to_string(crate::programs().join(format!("{name}.outputs"))).unwrap();
            assert!(
                outputs.contains(&format!("[\"{}\", \"0\"", m.sum())),
                "{}",
                m.sum()
            );
        }
    }
}
