//! The field of Plica: Goldilocks, its cubic extension, and words of four elements.

pub use p3_field as p3;
/// The base field, p = 2^64 − 2^32 + 1.
pub use p3_goldilocks::Goldilocks as Felt;

/// The challenge field F[X]/(X³ − X − 1), 192 bits.
pub type Ext = p3_field::extension::CubicTrinomialExtensionField<Felt>;

/// Four field elements: a digest, or a word of memory.
pub type Word = [Felt; 4];

/// The order p of [`Felt`].
pub const MODULUS: u64 = 0xffff_ffff_0000_0001;
