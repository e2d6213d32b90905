//! Witnesses: digits −1, 0, 1, fifty-four to a ring element, kept as planes.
//!
//! Plane l has the l-th digit of every ring element. It is two sets of positions, those of 1 and those of −1, as bits: two bits a digit, and what
//! a commitment adds up stands together.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use thiserror::Error;

use crate::ring::{DEGREE, RingElement};

/// Ring elements in one machine word of a plane.
pub(crate) const BLOCK: usize = 64;

/// Where one digit of every ring element is 1, and where it is −1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plane {
    pub(crate) plus: Vec<u64>,
    pub(crate) minus: Vec<u64>,
}

/// n ring elements whose coefficients are −1, 0 or 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    planes: Vec<Plane>,
    length: usize,
}

/// A digit other than −1, 0, 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("digit {plane} of element {element} is {digit}; digits are -1, 0 and 1")]
pub struct DigitError {
    pub element: usize,
    pub plane: usize,
    pub digit: i64,
}

impl Witness {
    /// All digits zero.
    #[must_use]
    pub fn zero(length: usize) -> Self {
        let words = length.div_ceil(BLOCK);
        let plane = Plane {
            plus: vec![0; words],
            minus: vec![0; words],
        };
        Self {
            planes: vec![plane; DEGREE],
            length,
        }
    }

    /// From the digits of each ring element.
    ///
    /// # Errors
    /// The first digit that is none.
    pub fn from_digits(digits: &[[i8; DEGREE]]) -> Result<Self, DigitError> {
        let mut witness = Self::zero(digits.len());
        for (element, digits) in digits.iter().enumerate() {
            for (plane, &digit) in digits.iter().enumerate() {
                witness.set(element, plane, digit.into())?;
            }
        }
        Ok(witness)
    }

    /// Ring elements.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.length
    }

    /// One digit.
    ///
    /// # Panics
    /// If there is no such element or plane.
    #[must_use]
    pub fn digit(&self, element: usize, plane: usize) -> i8 {
        assert!(element < self.length, "within the witness");
        let (word, bit) = (element / BLOCK, element % BLOCK);
        let Plane { plus, minus } = &self.planes[plane];
        (plus[word] >> bit & 1) as i8 - (minus[word] >> bit & 1) as i8
    }

    /// Changes one digit.
    ///
    /// # Errors
    /// If it is none.
    ///
    /// # Panics
    /// If there is no such element or plane.
    pub fn set(&mut self, element: usize, plane: usize, digit: i64) -> Result<(), DigitError> {
        assert!(element < self.length, "within the witness");
        let (plus, minus) = match digit {
            0 => (0, 0),
            1 => (1, 0),
            -1 => (0, 1),
            _ => {
                return Err(DigitError {
                    element,
                    plane,
                    digit,
                });
            }
        };
        let (word, bit) = (element / BLOCK, element % BLOCK);
        let planes = &mut self.planes[plane];
        for (words, value) in [(&mut planes.plus, plus), (&mut planes.minus, minus)] {
            words[word] = words[word] & !(1 << bit) | value << bit;
        }
        Ok(())
    }

    /// One ring element.
    #[must_use]
    pub fn element(&self, element: usize) -> RingElement<Felt> {
        RingElement(core::array::from_fn(|plane| {
            match self.digit(element, plane) {
                0 => Felt::ZERO,
                1 => Felt::ONE,
                _ => -Felt::ONE,
            }
        }))
    }

    pub(crate) fn planes(&self) -> &[Plane] {
        &self.planes
    }

    /// Ring elements up to the last one that is not zero, or up to sixty-three more.
    #[must_use]
    pub fn used(&self) -> usize {
        let last = |words: &[u64]| words.iter().rposition(|&word| word != 0);
        let planes = self.planes.iter();
        let last = planes.flat_map(|plane| [last(&plane.plus), last(&plane.minus)]);
        let words = last.flatten().max().map_or(0, |word| word + 1);
        self.length.min(words * BLOCK)
    }

    /// Digits that are not zero: what a commitment costs.
    #[must_use]
    pub fn weight(&self) -> usize {
        let ones = |words: &[u64]| -> usize { words.iter().map(|w| w.count_ones() as usize).sum() };
        let planes = self.planes.iter();
        planes
            .map(|plane| ones(&plane.plus) + ones(&plane.minus))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_kept() {
        let digit = |element: usize, plane: usize| ((element * 7 + plane * 5) % 3) as i8 - 1;
        let digits: Vec<[i8; DEGREE]> = (0..130)
            .map(|element| core::array::from_fn(|plane| digit(element, plane)))
            .collect();
        let mut witness = Witness::from_digits(&digits).expect("digits");
        let mut weight = 0;
        for (element, digits) in digits.iter().enumerate() {
            for (plane, &digit) in digits.iter().enumerate() {
                assert_eq!(witness.digit(element, plane), digit);
                weight += usize::from(digit != 0);
            }
        }
        assert_eq!((witness.length(), witness.weight()), (130, weight));
        assert_eq!((witness.used(), Witness::zero(130).used()), (130, 0));
        let mut sparse = Witness::zero(400);
        sparse.set(64, 3, -1).expect("a digit");
        assert_eq!(sparse.used(), 128);
        for digit in [1, -1, 0, -1, 1, 0] {
            witness.set(129, 53, digit).expect("a digit");
            assert_eq!(i64::from(witness.digit(129, 53)), digit);
        }
        let before = witness.clone();
        for digit in [2, -2, i64::MIN] {
            let error = witness.set(64, 3, digit).expect_err("no digit");
            assert_eq!((error.element, error.plane, error.digit), (64, 3, digit));
        }
        assert_eq!(witness, before);
        let mut wrong = digits;
        wrong[77][11] = 2;
        assert!(Witness::from_digits(&wrong).is_err());
    }
}
