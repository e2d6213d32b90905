//! What the tests of both chips share: rows, and forgeries of what they have in common.

use p3_field::PrimeCharacteristicRing;
use plica_field::{Felt, Word};
use plica_hash_rpo::constants::{CAPACITY, DIGEST, WIDTH as LANES};
use plica_hash_rpo::{State, merge};
use proptest::prelude::*;

use super::head::{Head, NodeRow};
use crate::check::Message;
use crate::chip::ChipKind;
use crate::testing::{
    Forgery, MULT, balance, check_every_column_is_noticed, check_padding, felt, node, positions,
    violated,
};

/// The rows of both chips begin with these columns.
const HEAD: usize = size_of::<Head<u8>>();

/// A chip, how it fills a row, and where the digest is.
pub(in crate::chips) struct Subject {
    pub(in crate::chips) chip: ChipKind,
    pub(in crate::chips) fill: fn(&mut [Felt], &NodeRow),
    pub(in crate::chips) digest: usize,
}

pub(in crate::chips) fn word(seed: i64) -> Word {
    [1, 2, 3, 4].map(|j| felt(1000 * seed + j))
}

/// The state with these words as rate.
pub(in crate::chips) fn state(children: [Word; 2]) -> State {
    let mut state = [Felt::ZERO; LANES];
    state[CAPACITY..].copy_from_slice(children.as_flattened());
    state
}

fn children() -> [Word; 2] {
    [word(1), word(2)]
}

/// At index 5 of level 3.
pub(in crate::chips) fn inner() -> NodeRow {
    NodeRow {
        root: word(9),
        level: 3,
        index: 5,
        children: children(),
        mults: [MULT as u32; 2],
    }
}

fn top() -> NodeRow {
    NodeRow {
        root: merge(children()),
        level: 0,
        index: 0,
        ..inner()
    }
}

impl Subject {
    pub(in crate::chips) fn row(&self, of: &NodeRow) -> Vec<Felt> {
        let mut row = vec![Felt::ZERO; self.chip.width()];
        (self.fill)(&mut row, of);
        row
    }

    fn digest(&self, row: &[Felt]) -> Word {
        std::array::from_fn(|j| row[self.digest + j])
    }

    /// What reads the node of an honest inner row, and the node of a forged one.
    pub(in crate::chips) fn digest_changed(
        &self,
        honest: &[Felt],
        forged: &[Felt],
    ) -> Vec<(Message, i64)> {
        let NodeRow { root, .. } = inner();
        let [from, to] = [honest, forged].map(|row| node(3, 5, root, self.digest(row)));
        vec![(from, 1), (to, -1)]
    }

    pub(in crate::chips) fn head_forgeries(&self) -> Vec<Forgery> {
        let head = Head::of_positions();
        let honest = self.row(&top());
        let NodeRow { root, .. } = top();
        let [left, right] = children();
        let given = |level: i64, index: i64, root: Word| {
            [
                (node(level, index, root, left), MULT),
                (node(level, index + 1, root, right), MULT),
            ]
        };
        let gone = given(1, 0, root).map(|(message, count)| (message, -count));
        let instead = |gained: [(Message, i64); 2]| [gone, gained].concat();
        let mut forgeries = vec![
            // The node of a row that reads nothing is what the prover likes.
            Forgery::new(
                "top is boolean",
                honest.clone(),
                |row| row[head.top] = Felt::TWO,
                vec![(node(0, 0, root, root), 1)],
            ),
            // A root as a tree further down.
            Forgery::new(
                "top: level 0",
                honest.clone(),
                |row| row[head.level] = felt(5),
                instead(given(6, 0, root)),
            ),
            Forgery::new(
                "top: index 0",
                honest.clone(),
                |row| row[head.index] = felt(7),
                instead(given(1, 14, root)),
            ),
        ];
        // Children of another root.
        for j in 0..DIGEST {
            let mut other = root;
            other[j] += Felt::ONE;
            forgeries.push(Forgery::new(
                format!("top: element {j} of the root"),
                honest.clone(),
                |row| row[head.root[j]] = other[j],
                instead(given(1, 0, other)),
            ));
        }
        forgeries
    }

    /// A row says that the children of a node are there, and reads the node unless it is the root.
    pub(in crate::chips) fn check_messages(&self) {
        let [left, right] = children();
        for of in [top(), inner()] {
            let row = self.row(&of);
            assert_eq!(violated(self.chip, &row), [] as [&str; 0]);
            let (level, index) = (of.level as i64, of.index as i64);
            let mut expected = vec![
                (node(level + 1, 2 * index, of.root, left), felt(MULT)),
                (node(level + 1, 2 * index + 1, of.root, right), felt(MULT)),
            ];
            if level > 0 {
                let digest = merge(of.children);
                expected.push((node(level, index, of.root, digest), Felt::NEG_ONE));
            }
            expected.sort_unstable();
            let found: Vec<_> = balance(self.chip, &row).into_iter().collect();
            assert_eq!(found, expected);
        }
    }

    /// A node that is not the root of the tree cannot do without being read.
    pub(in crate::chips) fn check_inner_rows_are_not_tops(&self) {
        let head = Head::of_positions();
        let mut row = self.row(&inner());
        row[head.top] = Felt::ONE;
        let found = violated(self.chip, &row);
        assert_eq!(found.len(), 6, "{found:?}");
    }

    pub(in crate::chips) fn check_columns(&self) {
        for of in [top(), inner()] {
            check_every_column_is_noticed(self.chip, &self.row(&of));
        }
    }

    pub(in crate::chips) fn check_padding(&self) {
        let mults = Head::of_positions().mults;
        check_padding(self.chip, &self.row(&inner()), &mults);
        // Of a root nothing is read, so there is nothing at all.
        let mut row = self.row(&top());
        for column in mults {
            row[column] = Felt::ZERO;
        }
        crate::testing::check_silent(self.chip, &row);
    }

    /// With the node given, other children satisfy no row: each child alone, both exchanged, and at random.
    pub(in crate::chips) fn check_children(&self, others: [Word; 2]) {
        let honest = inner();
        let digest = merge(honest.children);
        let row = self.row(&NodeRow {
            children: others,
            ..honest
        });
        assert_eq!(violated(self.chip, &row), [] as [&str; 0]);
        assert_eq!(self.digest(&row) == digest, others == honest.children);
        // The same with the node that was asked for.
        let mut forged = row.clone();
        forged[self.digest..self.digest + DIGEST].copy_from_slice(&digest);
        let satisfied = violated(self.chip, &forged).is_empty();
        assert_eq!(satisfied, others == honest.children);
    }

    pub(in crate::chips) fn check_other_children(&self) {
        let [left, right] = children();
        self.check_children([left, right]);
        self.check_children([right, left]);
        for j in 0..DIGEST {
            for delta in [Felt::ONE, Felt::NEG_ONE, Felt::from_u64(1 << 32)] {
                let mut other = left;
                other[j] += delta;
                self.check_children([other, right]);
                let mut other = right;
                other[j] += delta;
                self.check_children([left, other]);
            }
        }
    }
}

/// Eight elements as two words.
pub(in crate::chips) fn any_children() -> impl Strategy<Value = [Word; 2]> {
    prop::array::uniform8(any::<u64>()).prop_map(|lanes| {
        let lanes = lanes.map(Felt::new);
        [0, 4].map(|start| std::array::from_fn(|j| lanes[start + j]))
    })
}

impl Head<usize> {
    /// Each field is its own column.
    pub(in crate::chips) fn of_positions() -> Self {
        let positions: [usize; HEAD] = positions(HEAD).try_into().expect("as many");
        let four = |start: usize| std::array::from_fn(|j| positions[start + j]);
        Self {
            top: positions[0],
            level: positions[1],
            index: positions[2],
            root: four(3),
            left: four(7),
            right: four(11),
            mults: [positions[15], positions[16]],
        }
    }
}
