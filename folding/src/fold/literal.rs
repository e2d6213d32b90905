//! The sum over ring elements, literally: a table for each plane of each instance, whatever numbers are in it.
//!
//! What the fast prover ([`super::digits`]) is compared with, and what makes folds of numbers that are no digits.

use p3_field::PrimeCharacteristicRing;
use plica_field::Ext;
use plica_hash_rpo::transcript::Transcript;

use super::digits::Sum;
use super::{DIGITS_DEGREE, Planes};
use crate::multilinear::eq_table;
use crate::ring::{DEGREE, RingElement};
use crate::sumcheck::{self, SumcheckProof};

/// The number of an instance in a ring element and a plane.
pub(super) type Digit<'a> = &'a (dyn Fn(usize, usize, usize) -> i8 + Sync);

/// Proves the sum. Returns its point and the planes there as well.
pub(super) fn prove(
    digit: Digit<'_>,
    sum: &Sum<'_>,
    transcript: &mut Transcript,
) -> (SumcheckProof, Vec<Ext>, Vec<Planes>) {
    let digit = |instance, element, plane| {
        let digit = digit(instance, element, plane);
        let size = Ext::from_u8(digit.unsigned_abs());
        if digit < 0 { -size } else { size }
    };
    let size = 1 << sum.theta.len();
    let mut tables: Vec<Vec<Ext>> = vec![eq_table(sum.theta)];
    for plane in 0..DEGREE {
        tables.push(
            sum.functional
                .iter()
                .map(|weights| weights[plane])
                .collect(),
        );
    }
    for plane in 0..DEGREE {
        let combined = |element| {
            let terms = sum.weights.iter().enumerate();
            let terms = terms.map(|(i, &weight)| weight * digit(i, element, plane));
            terms.sum()
        };
        tables.push((0..size).map(combined).collect());
    }
    for instance in 0..sum.weights.len() {
        for plane in 0..DEGREE {
            tables.push(
                (0..size)
                    .map(|element| digit(instance, element, plane))
                    .collect(),
            );
        }
    }
    let combine = |row: &[Ext]| {
        let (weight, row) = (row[0], &row[1..]);
        let (functional, row) = row.split_at(DEGREE);
        let (combined, planes) = row.split_at(DEGREE);
        let linear: Ext = functional.iter().zip(combined).map(|(&a, &b)| a * b).sum();
        let ranges: Ext = planes
            .iter()
            .zip(sum.gammas.as_flattened())
            .map(|(&plane, &gamma)| gamma * (plane.cube() - plane))
            .sum();
        linear + weight * ranges
    };
    let (proof, point, finals) = sumcheck::prove(tables, DIGITS_DEGREE, combine, transcript);
    let planes = finals[1 + 2 * DEGREE..].as_chunks::<DEGREE>().0;
    (
        proof,
        point,
        planes.iter().copied().map(RingElement).collect(),
    )
}
