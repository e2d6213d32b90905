//! The end of a fold: a witness of the one claim that is left.

use p3_field::PrimeCharacteristicRing;
use p3_maybe_rayon::prelude::*;
use plica_field::{Ext, Felt};
use thiserror::Error;

use super::{Planes, Undecided};
use crate::challenge::Challenge;
use crate::commit::Commitment;
use crate::key::CommitmentKey;
use crate::multilinear::eq_table;
use crate::params::Parameters;
use crate::ring::{DEGREE, RingElement};
use crate::witness::Witness;

/// Ring elements with coefficients that are no digits any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldedWitness(pub Vec<[i32; DEGREE]>);

/// A claim that this is no witness of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecideError {
    #[error("the key is one of other parameters")]
    Key,
    #[error("the witness has {got} ring elements, not {expected}")]
    Length { got: usize, expected: usize },
    #[error("coefficient {plane} of element {element} is {value}, whose size is not below {bound}")]
    Norm {
        element: usize,
        plane: usize,
        value: i32,
        bound: u64,
    },
    #[error("the witness is not that of the commitment")]
    Commitment,
    #[error("the planes have other values at the point")]
    Planes,
}

impl FoldedWitness {
    /// Σ ρᵢ·zᵢ over the integers.
    pub(super) fn combine(challenges: &[Challenge], witnesses: &[Witness]) -> Self {
        let length = witnesses.first().map_or(0, Witness::length);
        let element = |element: usize| {
            let mut product = [0i32; 2 * DEGREE];
            for (challenge, witness) in challenges.iter().zip(witnesses) {
                for plane in 0..DEGREE {
                    let digit = i32::from(witness.digit(element, plane));
                    if digit != 0 {
                        let terms = product[plane..].iter_mut().zip(challenge.coefficients());
                        terms.for_each(|(sum, &c)| *sum += digit * i32::from(c));
                    }
                }
            }
            // As in `RingElement::reduce`.
            for k in (DEGREE..2 * DEGREE).rev() {
                let top = product[k];
                product[k - DEGREE / 2] -= top;
                product[k - DEGREE] -= top;
            }
            core::array::from_fn(|k| product[k])
        };
        let used = witnesses.iter().map(Witness::used).max().unwrap_or(0);
        let mut elements: Vec<_> = (0..used).into_par_iter().map(element).collect();
        elements.resize(length, [0; DEGREE]);
        Self(elements)
    }

    /// Its commitment, out of those of its digits in base 3. Coefficients must be below the bound.
    fn commit(&self, key: &CommitmentKey, parameters: &Parameters) -> Commitment {
        // Digits −1, 0, 1 of so many places reach (3ᵏ − 1)/2.
        let places = (1..).find(|&k| (3u64.pow(k) - 1) / 2 >= parameters.bound() - 1);
        let places = places.expect("the bound is finite") as usize;
        let mut parts = vec![Witness::zero(self.0.len()); places];
        for (element, coefficients) in self.0.iter().enumerate() {
            for (plane, &coefficient) in coefficients.iter().enumerate() {
                let mut rest = coefficient;
                for part in &mut parts {
                    let digit = (rest + 1).rem_euclid(3) - 1;
                    part.set(element, plane, digit.into()).expect("a digit");
                    rest = (rest - digit) / 3;
                }
                debug_assert_eq!(rest, 0, "below the bound");
            }
        }
        let mut sum = vec![RingElement::<Felt>::ZERO; key.rows()];
        for (commitment, power) in key.commit_all(&parts).iter().zip(crate::digits::powers()) {
            for (sum, row) in sum.iter_mut().zip(&commitment.0) {
                *sum += row.scaled(power);
            }
        }
        Commitment(sum)
    }

    /// Its planes at a point.
    fn planes(&self, point: &[Ext]) -> Planes {
        let mut planes = Planes::ZERO;
        for (coefficients, weight) in self.0.iter().zip(eq_table(point)) {
            for (plane, &coefficient) in planes.0.iter_mut().zip(coefficients) {
                *plane += weight * signed(coefficient);
            }
        }
        planes
    }
}

fn signed(value: i32) -> Felt {
    let size = Felt::from_u32(value.unsigned_abs());
    if value < 0 { -size } else { size }
}

impl Undecided {
    /// Decides the claim: whether this is a witness of it.
    ///
    /// # Errors
    /// What is wrong.
    pub fn decide(self, key: &CommitmentKey, witness: &FoldedWitness) -> Result<(), DecideError> {
        let parameters = &self.parameters;
        if (key.rows(), key.length()) != (parameters.rows, parameters.length()) {
            return Err(DecideError::Key);
        }
        let (got, expected) = (witness.0.len(), parameters.length());
        if got != expected {
            return Err(DecideError::Length { got, expected });
        }
        let bound = parameters.bound();
        for (element, coefficients) in witness.0.iter().enumerate() {
            for (plane, &value) in coefficients.iter().enumerate() {
                if u64::from(value.unsigned_abs()) >= bound {
                    return Err(DecideError::Norm {
                        element,
                        plane,
                        value,
                        bound,
                    });
                }
            }
        }
        if witness.commit(key, parameters) != self.commitment {
            return Err(DecideError::Commitment);
        }
        if witness.planes(&self.point) != self.planes {
            return Err(DecideError::Planes);
        }
        Ok(())
    }
}
