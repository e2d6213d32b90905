//! One file per chip.
//!
//! | chip | rows are | kind |
//! |---|---|---|
//! | [`boundary`] | the statement: public inputs and outputs, start and end of the chain | one row |
//! | [`program`] | the program table | preprocessed |
//! | [`limbs`] | what 32-bit arithmetic looks up | preprocessed, only if used |
//! | [`arith`] | field additions and multiplications | facts |
//! | [`inverse`] | zero tests and inversions | facts |
//! | [`u32_check`] | 32-bit checks | facts |
//! | [`u32_add`] | 32-bit additions and subtractions | facts |
//! | [`u32_mul`] | 32-bit multiplications with addition, and splits of field elements | facts |
//! | [`u32_div`] | 32-bit divisions with remainder | facts |
//! | [`u32_shift`] | 32-bit shifts and rotations by constants | facts |
//! | [`bitwise`] | 32-bit and, or, xor | facts |
//! | [`power`] | powers of two | facts |
//! | [`bit_length`] | number of bits of 32-bit numbers | facts |
//! | [`bits`] | the bits of 32-bit numbers | facts |
//! | [`pack`], [`unpack`] | between elements and words | facts |
//! | [`ext3`] | products, sums and inverses in the cubic extension | facts |
//! | [`rpo`] | permutations and two-to-one hashes | facts |
//! | [`rpo_compact`] | the same in fewer columns of higher degree | facts |
//! | [`copy`] | gates at joins, values pulled and pushed between frames | facts |
//! | [`word_copy`] | the same for words | facts |
//! | [`frame`] | opening of frames: loop entry, loop step, call | ordered |
//! | [`leave`] | loop exit, return, branch, jump | ordered |
//! | [`mod@assert`] | equality checks and touches | ordered |
//! | [`memory_element`], [`memory_word`] | loads and stores, both an [`access`] | ordered |
//! | [`advice`] | values that the prover chooses | ordered |
//! | [`tree`] | a node of a Merkle tree read or replaced | ordered |
//! | [`node`] | the two nodes below a node of a Merkle tree | facts |
//! | [`node_compact`] | the same in fewer columns of higher degree | facts |
//! | [`change`] | the same sibling in two Merkle trees | facts |
//! | [`sum`] | sums over a message with a known digest | ordered |
//! | [`absorb`] | a block of such a message in the sponge and in the sums | facts |
//! | [`absorb_compact`] | the same in fewer columns of higher degree | facts |
//! | [`clock`] | the clock as a value | ordered |
//! | [`addresses`] | the addresses that a run touches | one each |
//! | [`single`] | field instructions without a partner | facts |
//!
//! Chips of facts with several entries per row have a twin each, `narrow`, with fewer.
//!
//! Chips of facts have no flag for real rows: they are padded with duplicates of a real row whose results have
//! multiplicity 0, so every row is a fact. Ordered chips have the column `real`.

pub mod absorb;
pub mod absorb_compact;
pub mod access;
pub mod addresses;
pub mod advice;
pub mod arith;
pub mod assert;
pub mod bit_length;
pub mod bits;
pub mod bitwise;
pub mod boundary;
pub mod change;
pub mod clock;
pub mod copy;
pub mod ext3;
pub mod frame;
pub mod inverse;
pub mod leave;
pub mod limbs;
pub mod memory_element;
pub mod memory_word;
pub mod node;
pub mod node_compact;
pub mod pack;
pub mod power;
pub mod program;
pub mod rpo;
pub mod rpo_compact;
pub mod single;
pub mod sum;
pub mod tree;
pub mod u32_add;
pub mod u32_check;
pub mod u32_div;
pub mod u32_mul;
pub mod u32_shift;
pub mod unpack;
pub mod word_copy;
