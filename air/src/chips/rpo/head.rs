//! What a row that proves a permutation says to the bus, whatever its constraints for the rounds.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use plica_hash_rpo::State;
use plica_hash_rpo::constants::{CAPACITY, DIGEST, WIDTH as LANES};

use crate::bus::{self, ChipBuilder};
use crate::code::{Class, FactOp, MAX_OPERANDS};
use crate::trace::FactRow;

/// Columns beside the states.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Head<T> {
    pub fp: T,
    /// Program: id of the first result.
    pub id: T,
    /// Program: 1 for a merge, 0 for a permutation.
    pub merge: T,
    /// Program: id of the first word of the rate.
    pub a_id: T,
    /// Program: id of the second word of the rate.
    pub b_id: T,
    /// Program: id of the capacity, or its first element.
    pub c_id: T,
    /// How often each result is read.
    pub mults: [T; 3],
}

/// Names of the constraints on these columns, in order.
pub const CONSTRAINTS: [&str; 5] = [
    "merge: first element of the capacity",
    "merge: third element of the capacity",
    "merge: fourth element of the capacity",
    "merge: no second word",
    "merge: no third word",
];

/// The code of a merge in the lookup: its instruction, and that operands 2 and 3 are constants.
const MERGE: u32 = 1 << MAX_OPERANDS | 0b1100;
const _: () = assert!(FactOp::Permute.opcode() == 0 && FactOp::Merge.opcode() == 1);

/// The lanes of a state as words: both halves of the rate, then the capacity.
fn words<T: Copy>(state: &[T; LANES]) -> [[T; DIGEST]; 3] {
    [CAPACITY, CAPACITY + DIGEST, 0].map(|start| std::array::from_fn(|j| state[start + j]))
}

/// Constraints and messages of a row that takes `before` to `after`.
pub fn eval<AB: ChipBuilder>(
    head: &Head<AB::Var>,
    before: &[AB::Var; LANES],
    after: &[AB::Var; LANES],
    builder: &mut AB,
) {
    let merge: AB::Expr = head.merge.into();
    // The capacity of a merge is (c₀, c₁, 0, 0); c₁ is a field of the lookup.
    builder.assert_zero(merge.clone() * (before[0].into() - head.c_id));
    builder.assert_zero(merge.clone() * before[2]);
    builder.assert_zero(merge.clone() * before[3]);
    // The ids behind a digest belong to others.
    builder.assert_zero(merge.clone() * head.mults[1]);
    builder.assert_zero(merge.clone() * head.mults[2]);

    // First, because a field of degree 2 fills a column of the bus argument alone.
    bus::lookup(
        builder,
        [
            AB::Expr::from_u8(Class::Rpo as u8),
            head.id.into(),
            merge.clone() * AB::Expr::from_u32(MERGE),
            head.a_id.into(),
            head.b_id.into(),
            head.c_id.into(),
            merge.clone() * before[1],
        ],
        AB::Expr::ONE,
    );
    let [a, b, capacity] = words(before);
    bus::read_word(builder, head.fp, head.a_id, a);
    bus::read_word(builder, head.fp, head.b_id, b);
    let permutes = AB::Expr::ONE - merge;
    bus::read_word_if(builder, head.fp, head.c_id, capacity, permutes);
    for (j, (word, mult)) in words(after).into_iter().zip(head.mults).enumerate() {
        let id = head.id.into() + AB::Expr::from_usize(j);
        bus::provide_word(builder, head.fp, id, word, mult);
    }
}

impl Head<Felt> {
    pub(crate) fn new(row: &FactRow<'_>) -> Self {
        Self {
            fp: row.fp,
            id: row.id(),
            merge: Felt::from_bool(row.entry.op == FactOp::Merge),
            a_id: row.operand_field(0),
            b_id: row.operand_field(1),
            c_id: row.operand_field(2),
            // A merge has one result.
            mults: std::array::from_fn(|j| row.mults.get(j).copied().unwrap_or_default()),
        }
    }
}

/// The state before the permutation.
pub(crate) fn state(row: &FactRow<'_>) -> State {
    row.entry.op.rpo_state(&row.operands)
}

/// The names of all constraints: those of the head, then those of the rounds.
pub(in crate::chips) const fn names<const N: usize, const PER_ROUND: usize, const ROUNDS: usize>(
    rounds: [[&'static str; PER_ROUND]; ROUNDS],
) -> [&'static str; N] {
    let mut names = [""; N];
    let mut i = 0;
    while i < CONSTRAINTS.len() {
        names[i] = CONSTRAINTS[i];
        i += 1;
    }
    while i < N {
        let k = i - CONSTRAINTS.len();
        names[i] = rounds[k / PER_ROUND][k % PER_ROUND];
        i += 1;
    }
    names
}

/// `"round 0, lane 0: what"` and so on: all lanes for each of the given words.
macro_rules! lane_names {
    ($round:literal, $($what:literal),*) => {
        [$(
            concat!($round, ", lane 0: ", $what),
            concat!($round, ", lane 1: ", $what),
            concat!($round, ", lane 2: ", $what),
            concat!($round, ", lane 3: ", $what),
            concat!($round, ", lane 4: ", $what),
            concat!($round, ", lane 5: ", $what),
            concat!($round, ", lane 6: ", $what),
            concat!($round, ", lane 7: ", $what),
            concat!($round, ", lane 8: ", $what),
            concat!($round, ", lane 9: ", $what),
            concat!($round, ", lane 10: ", $what),
            concat!($round, ", lane 11: ", $what),
        )*]
    };
}
pub(in crate::chips) use lane_names;
