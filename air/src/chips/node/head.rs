//! What a row about a node of a Merkle tree says to the bus, whatever its constraints for the hash.

use p3_field::PrimeCharacteristicRing;
use plica_field::{Felt, Word};
use plica_hash_rpo::State;
use plica_hash_rpo::constants::{CAPACITY, DIGEST, WIDTH as LANES};

use crate::bus::{self, ChipBuilder, Place};

/// Columns before the rounds.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Head<T> {
    /// 1 if the node is the root.
    pub top: T,
    pub level: T,
    pub index: T,
    /// The tree.
    pub root: [T; DIGEST],
    /// The nodes below.
    pub left: [T; DIGEST],
    pub right: [T; DIGEST],
    /// How often each of them is read.
    pub mults: [T; 2],
}

/// Names of the constraints on these columns, in order.
pub const CONSTRAINTS: [&str; 7] = [
    "top is boolean",
    "top: level 0",
    "top: index 0",
    "top: element 0 of the root",
    "top: element 1 of the root",
    "top: element 2 of the root",
    "top: element 3 of the root",
];

/// A node whose children are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeRow {
    pub root: Word,
    pub level: u64,
    pub index: u64,
    pub children: [Word; 2],
    /// How often each child is read.
    pub mults: [u32; 2],
}

impl NodeRow {
    /// The state that is permuted.
    pub(in crate::chips) fn state(&self) -> State {
        let mut state = [Felt::ZERO; LANES];
        state[CAPACITY..].copy_from_slice(self.children.as_flattened());
        state
    }
}

/// Constraints and messages of a row whose node is `digest`.
pub fn eval<AB: ChipBuilder>(head: &Head<AB::Var>, digest: [AB::Var; DIGEST], builder: &mut AB) {
    let top: AB::Expr = head.top.into();
    builder.assert_bool(head.top);
    builder.assert_zero(top.clone() * head.level);
    builder.assert_zero(top.clone() * head.index);
    for (node, root) in digest.into_iter().zip(head.root) {
        builder.assert_zero(top.clone() * (node.into() - root));
    }

    let place = Place {
        level: head.level.into(),
        index: head.index.into(),
    };
    bus::read_node(builder, head.root, place, digest, AB::Expr::ONE - top);
    let children = [head.left, head.right].into_iter().zip(head.mults);
    for (side, (child, mult)) in children.enumerate() {
        let place = Place {
            level: head.level.into() + AB::Expr::ONE,
            index: head.index.into() * AB::Expr::TWO + AB::Expr::from_usize(side),
        };
        bus::provide_node(builder, head.root, place, child, mult);
    }
}

impl<T: Copy> Head<T> {
    /// The state that is permuted: the capacity is zero, as in every two-to-one hash.
    pub(in crate::chips) fn state<AB: ChipBuilder<Var = T>>(&self) -> [AB::Expr; LANES]
    where
        T: Into<AB::Expr>,
    {
        let rate = [self.left, self.right];
        std::array::from_fn(|lane| match lane.checked_sub(CAPACITY) {
            Some(j) => rate.as_flattened()[j].into(),
            None => AB::Expr::ZERO,
        })
    }
}

impl Head<Felt> {
    pub(in crate::chips) fn new(row: &NodeRow) -> Self {
        let [left, right] = row.children;
        Self {
            top: Felt::from_bool(row.level == 0),
            level: Felt::from_u64(row.level),
            index: Felt::from_u64(row.index),
            root: row.root,
            left,
            right,
            mults: row.mults.map(Felt::from_u32),
        }
    }
}

/// The lists one behind the other.
pub(in crate::chips) const fn concat<const N: usize>(
    lists: &[&[&'static str]],
) -> [&'static str; N] {
    let mut names = [""; N];
    let (mut i, mut list) = (0, 0);
    while list < lists.len() {
        let mut k = 0;
        while k < lists[list].len() {
            names[i] = lists[list][k];
            i += 1;
            k += 1;
        }
        list += 1;
    }
    assert!(i == N);
    names
}

/// `"round 6, lane 4: what"` and so on: the lanes of the digest for each of the given words.
macro_rules! digest_names {
    ($($what:literal),*) => {
        [$(
            concat!("round 6, lane 4: ", $what),
            concat!("round 6, lane 5: ", $what),
            concat!("round 6, lane 6: ", $what),
            concat!("round 6, lane 7: ", $what),
        )*]
    };
}
pub(in crate::chips) use digest_names;
