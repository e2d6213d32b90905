//! Canonical bytes: an element is eight bytes, little-endian, and below p.
//!
//! Every element has exactly one encoding. Decoding refuses a value that is not below p, so that two different byte strings
//! never decode to the same element.

use p3_field::{BasedVectorSpace, PrimeField64};

use crate::{Ext, Felt, MODULUS, Word, coefficients};

/// Bytes of one element of the base field.
pub const FELT_BYTES: usize = 8;

/// A reason to refuse bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    /// The element at this position is p or more.
    #[error("element {index} is {value}, which is not below the modulus {MODULUS}")]
    NotCanonical { index: usize, value: u64 },
    /// The number of bytes is wrong.
    #[error("expected {expected} bytes, got {got}")]
    Length { expected: usize, got: usize },
}

/// Types made of a fixed number of base-field elements, with one encoding per value.
pub trait Canonical: Sized {
    /// Number of base-field elements.
    const ELEMENTS: usize;
    /// Number of bytes of the encoding.
    const BYTES: usize = FELT_BYTES * Self::ELEMENTS;

    /// The base-field element at `index` < [`Self::ELEMENTS`].
    fn element(&self, index: usize) -> Felt;

    /// Builds the value from its elements, asked for in order.
    ///
    /// # Errors
    /// Those of `next`.
    fn from_elements<E>(next: impl FnMut(usize) -> Result<Felt, E>) -> Result<Self, E>;

    /// Appends the encoding to `out`.
    fn write_bytes(&self, out: &mut Vec<u8>) {
        for i in 0..Self::ELEMENTS {
            out.extend_from_slice(&felt_to_bytes(self.element(i)));
        }
    }

    /// The encoding.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::BYTES);
        self.write_bytes(&mut out);
        out
    }

    /// Decodes exactly [`Self::BYTES`] bytes.
    ///
    /// # Errors
    /// [`EncodingError::Length`] for any other number of bytes, [`EncodingError::NotCanonical`] for an element not below p.
    fn from_bytes(bytes: &[u8]) -> Result<Self, EncodingError> {
        if bytes.len() != Self::BYTES {
            return Err(EncodingError::Length {
                expected: Self::BYTES,
                got: bytes.len(),
            });
        }
        let (chunks, _) = bytes.as_chunks::<FELT_BYTES>();
        Self::from_elements(|index| {
            let value = u64::from_le_bytes(chunks[index]);
            felt_from_u64(value).ok_or(EncodingError::NotCanonical { index, value })
        })
    }
}

/// The element with this canonical value, or nothing for a value of p or more.
#[inline]
pub const fn felt_from_u64(value: u64) -> Option<Felt> {
    if value < MODULUS {
        Some(Felt::new(value))
    } else {
        None
    }
}

/// The eight bytes of an element.
#[inline]
pub fn felt_to_bytes(x: Felt) -> [u8; FELT_BYTES] {
    x.as_canonical_u64().to_le_bytes()
}

/// The element with these eight bytes.
///
/// # Errors
/// [`EncodingError::NotCanonical`] for a value not below p.
#[inline]
pub fn felt_from_bytes(bytes: [u8; FELT_BYTES]) -> Result<Felt, EncodingError> {
    let value = u64::from_le_bytes(bytes);
    felt_from_u64(value).ok_or(EncodingError::NotCanonical { index: 0, value })
}

impl Canonical for Felt {
    const ELEMENTS: usize = 1;

    fn element(&self, _index: usize) -> Felt {
        *self
    }

    fn from_elements<E>(mut next: impl FnMut(usize) -> Result<Felt, E>) -> Result<Self, E> {
        next(0)
    }
}

/// Coefficients of 1, X, X², in this order.
impl Canonical for Ext {
    const ELEMENTS: usize = <Self as BasedVectorSpace<Felt>>::DIMENSION;

    fn element(&self, index: usize) -> Felt {
        coefficients(*self)[index]
    }

    fn from_elements<E>(mut next: impl FnMut(usize) -> Result<Felt, E>) -> Result<Self, E> {
        Ok(Self::new([next(0)?, next(1)?, next(2)?]))
    }
}

impl Canonical for Word {
    const ELEMENTS: usize = 4;

    fn element(&self, index: usize) -> Felt {
        self[index]
    }

    fn from_elements<E>(mut next: impl FnMut(usize) -> Result<Felt, E>) -> Result<Self, E> {
        Ok([next(0)?, next(1)?, next(2)?, next(3)?])
    }
}
