//! The bus: every message between chips, one function per kind.
//!
//! All messages share one LogUp bus and one width, so that interactions of different kinds pack two per
//! extension column. The first field tells kinds apart:
//!
//! ```text
//! cell      (1, frame, id, v0, v1, v2, v3, 0, …)
//! state     (2, clk, pc, fp, 0, …)
//! limb 12   (3, v), v < 2^12
//! limb 8    (4, v), v < 2^8
//! and       (5, x, y, x & y), x and y < 2^6
//! power     (6, v, 2^v), v < 64
//! memory    (8, 0, context, address, w0, w1, w2, w3, clk)
//! address   (9, context, address)
//! node      (12, level, index, r0, r1, r2, r3, v0, v1, v2, v3)
//! change    (13, level, index, r0, r1, r2, r3, s0, s1, s2, s3)
//! absorbing (14, k, c0, c1, c2, c3, a0, a1, a2, m0, m1, m2, x, s0, s1, s2, u0, u1, u2)
//! absorbed  (15, k, d0, d1, d2, d3, …, the same)
//! program   (class ≥ 16, entry fields…)
//! ```
//!
//! Padding stands on the right and every tuple has exactly [`WIDTH`] fields by type, so tuples of different
//! kinds cannot alias (hole 19 of the soundness page).
//!
//! Signs: what a row *provides* counts positively with a multiplicity that the prover chooses, what it *consumes*
//! counts −1. Soundness (lemma L1) needs the consumed counts to be exactly 0 or 1; it needs nothing of the
//! provided ones, except that they vanish on padding rows.

use p3_air::AirBuilder;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Count, InteractionBuilder};

use crate::code::TUPLE_WIDTH;

mod sums;
pub use sums::{Sums, provide_sums, read_absorbed, read_absorbing};

/// Name under which the proof system knows the bus.
pub const BUS: &str = "machine";

/// Fields of every message, as many as the widest has. Zeros behind the last field of a kind cost nothing.
pub const WIDTH: usize = 19;
const _: () = assert!(TUPLE_WIDTH <= WIDTH);

/// Kind of a cell message.
pub const CELL: u8 = 1;
/// Kind of a state message.
pub const STATE: u8 = 2;

/// Kind of a 12-bit limb.
pub const LIMB_12: u8 = 3;
/// Kind of an 8-bit limb.
pub const LIMB_8: u8 = 4;
/// Kind of a conjunction of two 6-bit digits.
pub const AND: u8 = 5;
/// Kind of a power of two.
pub const POWER: u8 = 6;

/// Kind of a word in memory as an access left it.
pub const MEMORY: u8 = 8;
/// Kind of a link of the chain of touched addresses.
pub const ADDRESS: u8 = 9;
/// Kind of a node of a Merkle tree.
pub const NODE: u8 = 12;
/// Kind of a path on which two Merkle trees have the same siblings.
pub const CHANGE: u8 = 13;
/// Kind of a message of which some blocks are in the sponge.
pub const ABSORBING: u8 = 14;
/// Kind of a message that is in the sponge as a whole.
pub const ABSORBED: u8 = ABSORBING + 1;
/// Second field of a memory message: the memory that programs see.
const RAM: u8 = 0;

/// Builders a chip can be evaluated with.
pub trait ChipBuilder: AirBuilder<F = plica_field::Felt> + InteractionBuilder {}
impl<AB: AirBuilder<F = plica_field::Felt> + InteractionBuilder> ChipBuilder for AB {}

fn send<AB: ChipBuilder>(builder: &mut AB, message: [AB::Expr; WIDTH], count: Count<AB::Expr>) {
    builder.push_interaction(BUS, message, count);
}

fn message<AB: ChipBuilder, const N: usize>(fields: [AB::Expr; N]) -> [AB::Expr; WIDTH] {
    const { assert!(N <= WIDTH) };
    let mut fields = fields.into_iter();
    std::array::from_fn(|_| fields.next().unwrap_or(AB::Expr::ZERO))
}

fn cell<AB: ChipBuilder>(
    frame: impl Into<AB::Expr>,
    id: impl Into<AB::Expr>,
    value: impl Into<AB::Expr>,
) -> [AB::Expr; WIDTH] {
    message::<AB, 4>([
        AB::Expr::from_u8(CELL),
        frame.into(),
        id.into(),
        value.into(),
    ])
}

fn word<AB: ChipBuilder>(
    frame: impl Into<AB::Expr>,
    id: impl Into<AB::Expr>,
    value: [impl Into<AB::Expr>; 4],
) -> [AB::Expr; WIDTH] {
    let [v0, v1, v2, v3] = value.map(Into::into);
    let tag = AB::Expr::from_u8(CELL);
    message::<AB, 7>([tag, frame.into(), id.into(), v0, v1, v2, v3])
}

/// Provides the word cell (frame, id) = value `multiplicity` times.
pub fn provide_word<AB: ChipBuilder>(
    builder: &mut AB,
    frame: impl Into<AB::Expr>,
    id: impl Into<AB::Expr>,
    value: [impl Into<AB::Expr>; 4],
    multiplicity: impl Into<AB::Expr>,
) {
    let m = word::<AB>(frame, id, value);
    send(builder, m, Count::provided(multiplicity.into()));
}

/// Consumes the word cell (frame, id) = value.
pub fn read_word<AB: ChipBuilder>(
    builder: &mut AB,
    frame: impl Into<AB::Expr>,
    id: impl Into<AB::Expr>,
    value: [impl Into<AB::Expr>; 4],
) {
    let m = word::<AB>(frame, id, value);
    send(builder, m, Count::bounded(AB::Expr::NEG_ONE, 1));
}

/// Consumes the word cell (frame, id) = value if `flag` is 1; the chip keeps `flag` boolean.
pub fn read_word_if<AB: ChipBuilder>(
    builder: &mut AB,
    frame: impl Into<AB::Expr>,
    id: impl Into<AB::Expr>,
    value: [impl Into<AB::Expr>; 4],
    flag: impl Into<AB::Expr>,
) {
    let m = word::<AB>(frame, id, value);
    send(builder, m, Count::bounded(-flag.into(), 1));
}

/// Consumes an address if `flag` is 1: the cell (frame, id) with the components address and context. A scalar cell is an
/// address of context 0.
pub fn read_address<AB: ChipBuilder>(
    builder: &mut AB,
    frame: impl Into<AB::Expr>,
    id: impl Into<AB::Expr>,
    [address, context]: [impl Into<AB::Expr>; 2],
    flag: impl Into<AB::Expr>,
) {
    let zero = AB::Expr::ZERO;
    let value = [address.into(), context.into(), zero.clone(), zero];
    let m = word::<AB>(frame, id, value);
    send(builder, m, Count::bounded(-flag.into(), 1));
}

fn memory<AB: ChipBuilder>(
    context: impl Into<AB::Expr>,
    address: impl Into<AB::Expr>,
    value: [impl Into<AB::Expr>; 4],
    clk: impl Into<AB::Expr>,
) -> [AB::Expr; WIDTH] {
    let [w0, w1, w2, w3] = value.map(Into::into);
    message::<AB, 9>([
        AB::Expr::from_u8(MEMORY),
        AB::Expr::from_u8(RAM),
        context.into(),
        address.into(),
        w0,
        w1,
        w2,
        w3,
        clk.into(),
    ])
}

/// Takes the word at an address as the access at `clk` left it, if `flag` is 1. Given once and taken once.
pub fn take_memory<AB: ChipBuilder>(
    builder: &mut AB,
    context: impl Into<AB::Expr>,
    address: impl Into<AB::Expr>,
    value: [impl Into<AB::Expr>; 4],
    clk: impl Into<AB::Expr>,
    flag: impl Into<AB::Expr>,
) {
    let m = memory::<AB>(context, address, value, clk);
    send(builder, m, Count::bounded(-flag.into(), 1));
}

/// Gives the word at an address as the access at `clk` leaves it, if `flag` is 1.
pub fn give_memory<AB: ChipBuilder>(
    builder: &mut AB,
    context: impl Into<AB::Expr>,
    address: impl Into<AB::Expr>,
    value: [impl Into<AB::Expr>; 4],
    clk: impl Into<AB::Expr>,
    flag: impl Into<AB::Expr>,
) {
    let m = memory::<AB>(context, address, value, clk);
    send(builder, m, Count::bounded(flag.into(), 1));
}

/// A place in a Merkle tree: its level below the root, and its index there.
#[derive(Clone, Debug)]
pub struct Place<E> {
    pub level: E,
    pub index: E,
}

fn of_trees<AB: ChipBuilder>(
    tag: u8,
    place: Place<AB::Expr>,
    words: [[AB::Expr; 4]; 2],
) -> [AB::Expr; WIDTH] {
    let [[r0, r1, r2, r3], [v0, v1, v2, v3]] = words;
    let tag = AB::Expr::from_u8(tag);
    message::<AB, 11>([
        tag,
        place.level,
        place.index,
        r0,
        r1,
        r2,
        r3,
        v0,
        v1,
        v2,
        v3,
    ])
}

/// Consumes the fact that the tree with this root has `node` at a place, if `flag` is 1.
pub fn read_node<AB: ChipBuilder>(
    builder: &mut AB,
    root: [AB::Var; 4],
    place: Place<AB::Expr>,
    node: [AB::Var; 4],
    flag: impl Into<AB::Expr>,
) {
    let words = [root, node].map(|word| word.map(Into::into));
    let m = of_trees::<AB>(NODE, place, words);
    send(builder, m, Count::bounded(-flag.into(), 1));
}

/// Provides it `multiplicity` times.
pub fn provide_node<AB: ChipBuilder>(
    builder: &mut AB,
    root: [AB::Var; 4],
    place: Place<AB::Expr>,
    node: [AB::Var; 4],
    multiplicity: impl Into<AB::Expr>,
) {
    let words = [root, node].map(|word| word.map(Into::into));
    let m = of_trees::<AB>(NODE, place, words);
    send(builder, m, Count::provided(multiplicity.into()));
}

/// Consumes the fact that two trees have the same siblings on the way to a place, if `flag` is 1.
pub fn read_change<AB: ChipBuilder>(
    builder: &mut AB,
    roots: [[AB::Var; 4]; 2],
    place: Place<AB::Expr>,
    flag: impl Into<AB::Expr>,
) {
    let words = roots.map(|word| word.map(Into::into));
    let m = of_trees::<AB>(CHANGE, place, words);
    send(builder, m, Count::bounded(-flag.into(), 1));
}

/// Provides it `multiplicity` times.
pub fn provide_change<AB: ChipBuilder>(
    builder: &mut AB,
    roots: [[AB::Var; 4]; 2],
    place: Place<AB::Expr>,
    multiplicity: impl Into<AB::Expr>,
) {
    let words = roots.map(|word| word.map(Into::into));
    let m = of_trees::<AB>(CHANGE, place, words);
    send(builder, m, Count::provided(multiplicity.into()));
}

fn address<AB: ChipBuilder>([context, address]: [AB::Expr; 2]) -> [AB::Expr; WIDTH] {
    message::<AB, 3>([AB::Expr::from_u8(ADDRESS), context, address])
}

/// Takes a link (context, address) of the chain of addresses, if `flag` is 1.
pub fn take_address<AB: ChipBuilder>(
    builder: &mut AB,
    place: [AB::Expr; 2],
    flag: impl Into<AB::Expr>,
) {
    let m = address::<AB>(place);
    send(builder, m, Count::bounded(-flag.into(), 1));
}

/// Gives a link (context, address) of the chain of addresses, if `flag` is 1.
pub fn give_address<AB: ChipBuilder>(
    builder: &mut AB,
    place: [AB::Expr; 2],
    flag: impl Into<AB::Expr>,
) {
    let m = address::<AB>(place);
    send(builder, m, Count::bounded(flag.into(), 1));
}

/// Requires a row of the limb table, of the kind `tag`.
pub fn limb<AB: ChipBuilder, const N: usize>(
    builder: &mut AB,
    tag: u8,
    fields: [impl Into<AB::Expr>; N],
) {
    limb_if(builder, tag, fields, AB::Expr::ONE);
}

/// The same if `flag` is 1; the chip keeps `flag` boolean.
pub fn limb_if<AB: ChipBuilder, const N: usize>(
    builder: &mut AB,
    tag: u8,
    fields: [impl Into<AB::Expr>; N],
    flag: impl Into<AB::Expr>,
) {
    let m = limb_message::<AB, N>(tag, fields);
    send(builder, m, Count::bounded(-flag.into(), 1));
}

/// A row of the limb table, of the kind `tag`, asked for `multiplicity` times.
pub fn provide_limb<AB: ChipBuilder, const N: usize>(
    builder: &mut AB,
    tag: u8,
    fields: [impl Into<AB::Expr>; N],
    multiplicity: impl Into<AB::Expr>,
) {
    let m = limb_message::<AB, N>(tag, fields);
    send(builder, m, Count::provided(multiplicity.into()));
}

fn limb_message<AB: ChipBuilder, const N: usize>(
    tag: u8,
    fields: [impl Into<AB::Expr>; N],
) -> [AB::Expr; WIDTH] {
    const { assert!(N < WIDTH) };
    let mut fields =
        std::iter::once(AB::Expr::from_u8(tag)).chain(fields.into_iter().map(Into::into));
    std::array::from_fn(|_| fields.next().unwrap_or(AB::Expr::ZERO))
}

/// Provides the scalar cell (frame, id) = value `multiplicity` times.
pub fn provide<AB: ChipBuilder>(
    builder: &mut AB,
    frame: impl Into<AB::Expr>,
    id: impl Into<AB::Expr>,
    value: impl Into<AB::Expr>,
    multiplicity: impl Into<AB::Expr>,
) {
    let m = cell::<AB>(frame, id, value);
    send(builder, m, Count::provided(multiplicity.into()));
}

/// Consumes the scalar cell (frame, id) = value if `flag` is 1; the chip keeps `flag` boolean.
pub fn read<AB: ChipBuilder>(
    builder: &mut AB,
    frame: impl Into<AB::Expr>,
    id: impl Into<AB::Expr>,
    value: impl Into<AB::Expr>,
    flag: impl Into<AB::Expr>,
) {
    let m = cell::<AB>(frame, id, value);
    send(builder, m, Count::bounded(-flag.into(), 1));
}

/// The CALL cell of a frame: (parent frame, return pc). Given once and taken once.
fn call<AB: ChipBuilder>(
    frame: impl Into<AB::Expr>,
    parent: impl Into<AB::Expr>,
    return_pc: impl Into<AB::Expr>,
) -> [AB::Expr; WIDTH] {
    message::<AB, 5>([
        AB::Expr::from_u8(CELL),
        frame.into(),
        AB::Expr::from_u32(crate::code::CALL),
        parent.into(),
        return_pc.into(),
    ])
}

/// Gives the CALL cell of a frame that is being opened, if `flag` is 1.
pub fn give_call<AB: ChipBuilder>(
    builder: &mut AB,
    frame: impl Into<AB::Expr>,
    parent: impl Into<AB::Expr>,
    return_pc: impl Into<AB::Expr>,
    flag: impl Into<AB::Expr>,
) {
    let m = call::<AB>(frame, parent, return_pc);
    send(builder, m, Count::bounded(flag.into(), 1));
}

/// Takes the CALL cell of a frame that is being left, if `flag` is 1.
pub fn take_call<AB: ChipBuilder>(
    builder: &mut AB,
    frame: impl Into<AB::Expr>,
    parent: impl Into<AB::Expr>,
    return_pc: impl Into<AB::Expr>,
    flag: impl Into<AB::Expr>,
) {
    let m = call::<AB>(frame, parent, return_pc);
    send(builder, m, Count::bounded(-flag.into(), 1));
}

fn state<AB: ChipBuilder>(
    clk: impl Into<AB::Expr>,
    pc: impl Into<AB::Expr>,
    fp: impl Into<AB::Expr>,
) -> [AB::Expr; WIDTH] {
    message::<AB, 4>([AB::Expr::from_u8(STATE), clk.into(), pc.into(), fp.into()])
}

/// Receives the state at which an ordered row runs.
pub fn receive_state<AB: ChipBuilder>(
    builder: &mut AB,
    clk: impl Into<AB::Expr>,
    pc: impl Into<AB::Expr>,
    fp: impl Into<AB::Expr>,
    flag: impl Into<AB::Expr>,
) {
    let m = state::<AB>(clk, pc, fp);
    send(builder, m, Count::bounded(-flag.into(), 1));
}

/// Sends the state after an ordered row.
pub fn send_state<AB: ChipBuilder>(
    builder: &mut AB,
    clk: impl Into<AB::Expr>,
    pc: impl Into<AB::Expr>,
    fp: impl Into<AB::Expr>,
    flag: impl Into<AB::Expr>,
) {
    let m = state::<AB>(clk, pc, fp);
    send(builder, m, Count::bounded(flag.into(), 1));
}

/// Looks an entry of the program table up, if `flag` is 1.
pub fn lookup<AB: ChipBuilder, const N: usize>(
    builder: &mut AB,
    fields: [AB::Expr; N],
    flag: impl Into<AB::Expr>,
) {
    let m = message::<AB, N>(fields);
    send(builder, m, Count::bounded(-flag.into(), 1));
}

/// A row of the program table, looked up `multiplicity` times.
pub fn program_entry<AB: ChipBuilder>(
    builder: &mut AB,
    fields: [AB::Expr; TUPLE_WIDTH],
    multiplicity: impl Into<AB::Expr>,
) {
    let m = message::<AB, TUPLE_WIDTH>(fields);
    send(builder, m, Count::provided(multiplicity.into()));
}
