//! Messages as the tests write them.

use p3_field::PrimeField64;
use plica_field::{Felt, Word};

use super::felt;
use crate::bus::{ADDRESS, AND, CELL, CHANGE, LIMB_8, LIMB_12, MEMORY, NODE, STATE, Sums, WIDTH};
use crate::check::Message;

pub(crate) fn message(fields: &[Felt]) -> Message {
    let mut message = [0; WIDTH];
    for (slot, field) in message.iter_mut().zip(fields) {
        *slot = field.as_canonical_u64();
    }
    message
}

/// The cell (frame, id) = value on the bus.
pub(crate) fn cell(frame: i64, id: u32, value: i64) -> Message {
    message(&[i64::from(CELL), frame, i64::from(id), value].map(felt))
}

/// The word cell (frame, id) on the bus.
pub(crate) fn word(frame: i64, id: u32, value: [i64; 4]) -> Message {
    word_of(frame, id, value.map(felt))
}

/// The same with any elements.
pub(crate) fn word_of(frame: i64, id: u32, value: [Felt; 4]) -> Message {
    let [v0, v1, v2, v3] = value;
    let [tag, frame, id] = [i64::from(CELL), frame, i64::from(id)].map(felt);
    message(&[tag, frame, id, v0, v1, v2, v3])
}

/// The CALL cell of `frame` on the bus.
pub(crate) fn call(frame: i64, parent: i64, return_pc: i64) -> Message {
    message(&[i64::from(CELL), frame, 0, parent, return_pc].map(felt))
}

/// A state on the bus.
pub(crate) fn state(clk: i64, pc: i64, fp: i64) -> Message {
    message(&[i64::from(STATE), clk, pc, fp].map(felt))
}

/// The word at an address as the access at `clk` left it, on the bus.
pub(crate) fn memory(context: i64, address: i64, value: [i64; 4], clk: i64) -> Message {
    let [w0, w1, w2, w3] = value;
    message(&[i64::from(MEMORY), 0, context, address, w0, w1, w2, w3, clk].map(felt))
}

/// A link of the chain of addresses on the bus.
pub(crate) fn address(context: i64, address: i64) -> Message {
    message(&[i64::from(ADDRESS), context, address].map(felt))
}

/// The limb lookups of a 32-bit number, whatever its limbs are.
pub(crate) fn limb_messages(limbs: [i64; 3]) -> [Message; 3] {
    let tags = [LIMB_12, LIMB_12, LIMB_8];
    std::array::from_fn(|j| message(&[i64::from(tags[j]), limbs[j]].map(felt)))
}

/// The lookup of a conjunction of two digits.
pub(crate) fn and_message(x: i64, y: i64, and: i64) -> Message {
    message(&[i64::from(AND), x, y, and].map(felt))
}

/// What changes on the bus when a row looks other limbs up.
pub(crate) fn limbs_changed(from: [i64; 3], to: [i64; 3]) -> Vec<(Message, i64)> {
    let pairs = limb_messages(from).into_iter().zip(limb_messages(to));
    pairs
        .filter(|(from, to)| from != to)
        .flat_map(|(from, to)| [(from, 1), (to, -1)])
        .collect()
}

/// The fact that the tree with a root has a node at (level, index), on the bus.
pub(crate) fn node(level: i64, index: i64, root: Word, node: Word) -> Message {
    of_trees(NODE, level, index, [root, node])
}

/// The fact that two trees have the same siblings on the way to (level, index), on the bus.
pub(crate) fn change(level: i64, index: i64, roots: [Word; 2]) -> Message {
    of_trees(CHANGE, level, index, roots)
}

fn of_trees(tag: u8, level: i64, index: i64, words: [Word; 2]) -> Message {
    let place = [i64::from(tag), level, index].map(felt);
    message(&[&place[..], words.as_flattened()].concat())
}

/// The fact about the blocks of a message, of either kind, on the bus.
pub(crate) fn sums(kind: i64, fact: Sums<Felt>) -> Message {
    let head = [felt(kind), fact.blocks];
    let fields = [
        &head[..],
        &fact.state,
        &fact.a,
        &fact.m,
        &[fact.x],
        &fact.s,
        &fact.u,
    ];
    message(&fields.concat())
}
