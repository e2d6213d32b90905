//! The field of Plica: Goldilocks, its cubic extension, and words of four elements.
//!
//! Arithmetic is Plonky3's. This crate fixes the types and their one encoding:
//!
//! | form | [`Felt`] | [`Ext`] | [`Word`] |
//! |---|---|---|---|
//! | bytes ([`Canonical`]) | 8, little-endian | 24: coefficients of 1, X, X² | 32 |
//! | text ([`parse_felt`], [`parse_word`]) | decimal | – | `0x` and 64 hexadecimal digits |
//! | serde ([`serde_canonical`]) | decimal string or 8 bytes | three of them | four of them |
//!
//! Decoders refuse every value that is not below p, so each value has exactly one encoding.

mod encoding;
pub mod serde_canonical;
mod text;

use p3_field::BasedVectorSpace;

pub use encoding::{
    Canonical, EncodingError, FELT_BYTES, felt_from_bytes, felt_from_u64, felt_to_bytes,
};
pub use p3_field as p3;
/// The base field, p = 2^64 − 2^32 + 1.
pub use p3_goldilocks::Goldilocks as Felt;
pub use text::{TextError, format_felt, format_word, parse_felt, parse_word};

/// The challenge field `F[X]/(X³ − X − 1)`, 192 bits.
pub type Ext = p3_field::extension::CubicTrinomialExtensionField<Felt>;

/// Four field elements: a digest, or a word of memory.
pub type Word = [Felt; 4];

/// The order p of [`Felt`].
pub const MODULUS: u64 = 0xffff_ffff_0000_0001;

/// The coefficients of 1, X, X².
#[inline]
pub fn coefficients(value: Ext) -> [Felt; 3] {
    let slice: &[Felt] = value.as_basis_coefficients_slice();
    [slice[0], slice[1], slice[2]]
}
