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
//! | [`pack`], [`unpack`] | between elements and words | facts |
//! | [`copy`] | gates at joins, values pulled and pushed between frames | facts |
//! | [`frame`] | opening of frames: loop entry, loop step, call | ordered |
//! | [`leave`] | loop exit, return, branch, jump | ordered |
//! | [`mod@assert`] | equality checks and touches | ordered |
//! | [`memory_element`], [`memory_word`] | loads and stores, both an [`access`] | ordered |
//! | [`advice`] | values that the prover chooses | ordered |
//! | [`addresses`] | the addresses that a run touches | one each |
//! | [`single`] | field instructions without a partner | facts |
//!
//! Chips of facts have no flag for real rows: they are padded with duplicates of a real row whose results have
//! multiplicity 0, so every row is a fact. Ordered chips have the column `real`.

pub mod access;
pub mod addresses;
pub mod advice;
pub mod arith;
pub mod assert;
pub mod boundary;
pub mod copy;
pub mod frame;
pub mod inverse;
pub mod leave;
pub mod limbs;
pub mod memory_element;
pub mod memory_word;
pub mod pack;
pub mod program;
pub mod single;
pub mod u32_add;
pub mod u32_check;
pub mod unpack;
