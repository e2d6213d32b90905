//! What an aggregate proves: a tree of claims, and its digest.
//!
//! ```text
//! leaf     merge(merge((0, 0, 0, LEAF), key), hash(public values))
//! node     merge(… merge(merge((k, 0, 0, NODE), first child), second child) …, k-th child)
//! ```
//! The first word says what follows and how much of it, so a digest determines the tree: which claims, in which order, how often, and how they
//! are grouped.

use std::fmt;

use p3_field::PrimeCharacteristicRing;
use plica_field::{Felt, Word};
use plica_hash_rpo::{hash_elements, merge};
use plica_vm::claim::Claim;
use plica_vm::joint::JointClaim;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

/// What the first word of a leaf and of a node ends with.
pub(crate) const LEAF: u64 = 0x6661_656c;
pub(crate) const NODE: u64 = 0x6564_6f6e;

/// Version of the file.
pub const TREE_VERSION: u32 = 1;

/// Levels of nodes in a file, at most.
pub const MAX_DEPTH: usize = 40;

/// A claim, the claim of a joint proof, or claims grouped as they were aggregated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ClaimTree {
    Leaf(Box<Claim>),
    /// A leaf, too: the claim about the wrapper of the program, whose public values name the runs.
    Joint(JointClaim),
    Node(Vec<Self>),
}

/// Why a text is not a tree of claims.
#[derive(Debug, Error)]
pub enum TreeError {
    #[error("not a tree of claims: {0}")]
    Json(#[from] serde_json::Error),
    #[error("version {0}; this release reads version {TREE_VERSION}")]
    Version(u32),
    #[error("a node without children")]
    Empty,
    #[error("more than {MAX_DEPTH} levels")]
    Deep,
    #[error("the text is not in canonical form (layout, order of the fields, or extra fields)")]
    NotCanonical,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TreeFile {
    version: u32,
    tree: ClaimTree,
}

fn control(count: usize, what: u64) -> Word {
    [
        Felt::from_usize(count),
        Felt::ZERO,
        Felt::ZERO,
        Felt::from_u64(what),
    ]
}

/// The digest of a claim.
pub(crate) fn leaf_digest(key: Word, public_values: &[Felt]) -> Word {
    let named = merge([control(0, LEAF), key]);
    merge([named, hash_elements(public_values)])
}

/// The digest of a node.
pub(crate) fn node_digest(children: &[Word]) -> Word {
    let start = control(children.len(), NODE);
    children
        .iter()
        .fold(start, |digest, &child| merge([digest, child]))
}

impl ClaimTree {
    /// One claim.
    #[must_use]
    pub fn leaf(claim: Claim) -> Self {
        Self::Leaf(Box::new(claim))
    }

    /// The digest, by which a proof names the tree.
    pub fn digest(&self) -> Word {
        match self {
            Self::Leaf(claim) => leaf_digest(claim.key, &claim.public_values()),
            Self::Joint(joint) => leaf_digest(joint.key, &joint.claim().public_values()),
            Self::Node(children) => {
                node_digest(&children.iter().map(Self::digest).collect::<Vec<_>>())
            }
        }
    }

    /// The claims, in order, those of joint proofs one by one. These name [`JointClaim::program`] in place of a key.
    #[must_use]
    pub fn claims(&self) -> Vec<Claim> {
        match self {
            Self::Leaf(claim) => vec![**claim],
            Self::Joint(joint) => joint.claims().collect(),
            Self::Node(children) => children.iter().flat_map(Self::claims).collect(),
        }
    }

    /// Proofs that it stands for: leaves and nodes.
    #[must_use]
    pub fn proofs(&self) -> usize {
        match self {
            Self::Leaf(_) | Self::Joint(_) => 1,
            Self::Node(children) => 1 + children.iter().map(Self::proofs).sum::<usize>(),
        }
    }

    /// Nodes, each of which is a proof of its own.
    #[must_use]
    pub fn nodes(&self) -> usize {
        match self {
            Self::Leaf(_) | Self::Joint(_) => 0,
            Self::Node(children) => 1 + children.iter().map(Self::nodes).sum::<usize>(),
        }
    }

    /// Levels of nodes.
    #[must_use]
    pub fn depth(&self) -> usize {
        match self {
            Self::Leaf(_) | Self::Joint(_) => 0,
            Self::Node(children) => 1 + children.iter().map(Self::depth).max().unwrap_or(0),
        }
    }

    fn check(&self, levels: usize) -> Result<(), TreeError> {
        let Self::Node(children) = self else {
            return Ok(());
        };
        if children.is_empty() {
            return Err(TreeError::Empty);
        }
        let below = levels.checked_sub(1).ok_or(TreeError::Deep)?;
        children.iter().try_for_each(|child| child.check(below))
    }

    /// The tree's one textual form.
    #[must_use]
    pub fn to_json(&self) -> String {
        let file = TreeFile {
            version: TREE_VERSION,
            tree: self.clone(),
        };
        let mut text = serde_json::to_string_pretty(&file).expect("strings and numbers only");
        text.push('\n');
        text
    }

    /// Reads a tree.
    ///
    /// # Errors
    /// [`TreeError`] for anything but exactly what [`Self::to_json`] writes for a tree of at most [`MAX_DEPTH`] levels.
    pub fn from_json(text: &[u8]) -> Result<Self, TreeError> {
        let file: TreeFile = serde_json::from_slice(text)?;
        if file.version != TREE_VERSION {
            return Err(TreeError::Version(file.version));
        }
        file.tree.check(MAX_DEPTH)?;
        if file.tree.to_json().as_bytes() == text {
            Ok(file.tree)
        } else {
            Err(TreeError::NotCanonical)
        }
    }
}

/// A list is a node, an object with runs a joint claim, any other object a claim.
impl<'de> Deserialize<'de> for ClaimTree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = ClaimTree;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a claim or a list of claims")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<ClaimTree, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(ClaimTree::Node)
            }

            fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<ClaimTree, A::Error> {
                let object = Map::deserialize(MapAccessDeserializer::new(object))?;
                let is_joint = object.contains_key("runs");
                let leaf = Value::Object(object);
                let leaf = match is_joint {
                    true => JointClaim::deserialize(leaf).map(ClaimTree::Joint),
                    false => Claim::deserialize(leaf).map(ClaimTree::leaf),
                };
                leaf.map_err(A::Error::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use plica_vm::joint::Run;

    use super::*;

    fn claim(n: u64) -> Claim {
        let value = |i: usize| Felt::from_u64(n * 100 + i as u64);
        Claim {
            key: std::array::from_fn(value),
            inputs: std::array::from_fn(value),
            outputs: std::array::from_fn(value),
        }
    }

    fn leaf(n: u64) -> ClaimTree {
        ClaimTree::leaf(claim(n))
    }

    /// The runs of claims, under the key of the first.
    fn joint(claims: &[Claim]) -> ClaimTree {
        let runs = claims.iter().map(|claim| Run {
            inputs: claim.inputs,
            outputs: claim.outputs,
        });
        ClaimTree::Joint(JointClaim {
            key: claims[0].key,
            runs: runs.collect(),
        })
    }

    #[test]
    fn digests_tell_trees_apart() {
        let node = ClaimTree::Node;
        let mut changed = claim(1);
        changed.outputs[15] += Felt::ONE;
        let mut other_key = claim(1);
        other_key.key[3] += Felt::ONE;
        let trees = [
            leaf(1),
            leaf(2),
            joint(&[claim(1)]),
            joint(&[changed]),
            joint(&[other_key]),
            joint(&[claim(1), claim(1)]),
            joint(&[claim(1), claim(2)]),
            joint(&[claim(1), changed]),
            node(vec![joint(&[claim(1), claim(2)])]),
            ClaimTree::leaf(changed),
            ClaimTree::leaf(other_key),
            node(vec![leaf(1)]),
            node(vec![node(vec![leaf(1)])]),
            node(vec![leaf(1), leaf(2)]),
            node(vec![leaf(2), leaf(1)]),
            node(vec![leaf(1), leaf(1)]),
            node(vec![leaf(1), leaf(1), leaf(2)]),
            node(vec![leaf(1), node(vec![leaf(1), leaf(2)])]),
            node(vec![node(vec![leaf(1), leaf(1)]), leaf(2)]),
        ];
        for (i, a) in trees.iter().enumerate() {
            for b in &trees[..i] {
                assert_ne!(a.digest(), b.digest(), "{a:?} and {b:?}");
            }
        }
    }

    #[test]
    fn a_tree_has_one_text() {
        let together = joint(&[claim(4), claim(5)]);
        assert_eq!((together.claims().len(), together.proofs()), (2, 1));
        let tree = ClaimTree::Node(vec![
            leaf(1),
            ClaimTree::Node(vec![leaf(2), leaf(3)]),
            together,
        ]);
        assert_eq!((tree.claims().len(), tree.proofs()), (5, 6));
        let text = tree.to_json();
        assert_eq!(
            ClaimTree::from_json(text.as_bytes()).expect("canonical"),
            tree
        );
        for (from, to) in [
            ("\"version\": 1", "\"version\":1"),
            ("\"tree\"", "\"extra\": 0,\n  \"tree\""),
            ("  ", "   "),
        ] {
            let other = text.replacen(from, to, 1);
            assert!(ClaimTree::from_json(other.as_bytes()).is_err(), "{from}");
        }
        assert!(ClaimTree::from_json(format!("{text} ").as_bytes()).is_err());
    }

    #[test]
    fn what_is_no_tree() {
        let file = |tree: &ClaimTree| ClaimTree::from_json(tree.to_json().as_bytes());
        assert!(matches!(
            file(&ClaimTree::Node(vec![])),
            Err(TreeError::Empty)
        ));
        let deep = |levels| {
            let wrap = |tree, _| ClaimTree::Node(vec![tree]);
            (0..levels).fold(leaf(1), wrap)
        };
        assert!(file(&deep(MAX_DEPTH)).is_ok());
        assert!(matches!(file(&deep(MAX_DEPTH + 1)), Err(TreeError::Deep)));
        // Deeper than any reader goes.
        assert!(matches!(file(&deep(1000)), Err(TreeError::Json(_))));
        let without_runs = joint(&[claim(1)]).to_json();
        let start = without_runs.find("\"runs\": [").expect("runs") + 9;
        let end = without_runs.rfind(']').expect("their end");
        let without_runs = format!("{}{}", &without_runs[..start], &without_runs[end..]);
        assert!(ClaimTree::from_json(without_runs.as_bytes()).is_err());
        for text in ["", "{}", "[]", "{\"version\": 1, \"tree\": 3}"] {
            assert!(ClaimTree::from_json(text.as_bytes()).is_err());
        }
        // What is wrong with a leaf is said.
        for (tree, what) in [(leaf(1), "inputs"), (joint(&[claim(1)]), "outputs")] {
            let text = tree.to_json().replacen(what, "wrong", 1);
            let error = ClaimTree::from_json(text.as_bytes()).expect_err("no such field");
            assert!(error.to_string().contains("wrong"), "{error}");
        }
        let text = leaf(1)
            .to_json()
            .replace("\"version\": 1", "\"version\": 2");
        assert!(ClaimTree::from_json(text.as_bytes()).is_err());
    }
}
