//! The verifier of a fold. All sizes come from shape, parameters and the number of claims that it was asked about.

use p3_field::{Field, PrimeCharacteristicRing};
use plica_field::{Ext, Felt};
use plica_hash_rpo::transcript::Transcript;

use super::prove::challenges;
use super::rows::RowSum;
use super::{
    Bus, DIGITS_DEGREE, FoldError, FoldProof, Planes, Undecided, column_factors, digit_powers,
    start, weights_of_instances,
};
use crate::commit::Commitment;
use crate::fractions::Fraction;
use crate::multilinear::{eq, eq_table};
use crate::params::Parameters;
use crate::relation::Row;
use crate::ring::RingElement;
use crate::shape::{Shape, TableShape};

fn equal(part: &'static str, got: usize, expected: usize) -> Result<(), FoldError> {
    if got == expected {
        Ok(())
    } else {
        Err(FoldError::Count {
            part,
            got,
            expected,
        })
    }
}

/// Checks a fold of instances with these public values, in their order.
///
/// # Errors
/// See [`FoldError`].
pub fn verify(
    parameters: &Parameters,
    shape: &Shape,
    public_values: &[Vec<Felt>],
    proof: &FoldProof,
) -> Result<Undecided, FoldError> {
    let instances = public_values.len();
    if instances == 0 {
        return Err(FoldError::Nothing);
    }
    parameters.norm_of_fold(instances)?;
    if shape.log_length() != parameters.log_length {
        return Err(FoldError::Length {
            shape: shape.log_length(),
            parameters: parameters.log_length,
        });
    }
    equal("commitments", proof.commitments.len(), instances)?;
    equal("sums of fractions", proof.roots.len(), instances)?;
    equal("tables", proof.columns.len(), shape.tables().len())?;
    equal("planes", proof.planes.len(), instances)?;
    for commitment in &proof.commitments {
        equal("rows of a commitment", commitment.0.len(), parameters.rows)?;
    }
    for (table, columns) in shape.tables().iter().zip(&proof.columns) {
        equal("columns", columns.len(), table.relation.columns())?;
    }
    for values in public_values {
        equal("public values", values.len(), shape.public_values())?;
    }

    let values: Vec<&[Felt]> = public_values.iter().map(Vec::as_slice).collect();
    let mut transcript = start(parameters, shape, &values, &proof.commitments);
    let bus = Bus::draw(shape, &mut transcript);
    if let Some(instance) = unbalanced(&proof.roots) {
        return Err(FoldError::Bus(instance));
    }
    let log_instances = instances.next_power_of_two().ilog2() as usize;
    let mut roots = proof.roots.clone();
    roots.resize(1 << log_instances, proof.roots[0]);
    let leaves = proof
        .fractions
        .reduce(&roots, shape.log_leaves(), &mut transcript)?;

    // Rows.
    let (leaf_point, instance_point) = leaves.point.split_at(shape.log_leaves());
    let row_point = row_point(shape, leaf_point, &mut transcript);
    let (mu, lambda) = (transcript.challenge(), transcript.challenge());
    let (sums, padding) = RowSum::all(shape, &bus, leaf_point, (mu, lambda));
    let claim = leaves.value.numerator + mu * leaves.value.denominator - padding;
    let log_rows = shape.log_rows();
    let rounds = log_rows + log_instances;
    let degree = shape.degree() + 1;
    let reduced = proof.rows.reduce(claim, rounds, degree, &mut transcript);
    let reduced = reduced.map_err(FoldError::Rows)?;
    let (point, of_instances) = reduced.point.split_at(log_rows);
    let weights = weights_of_instances(of_instances, instances);
    let public = combined_public_values(shape, public_values, &weights);
    let of_instances = eq(instance_point, of_instances);
    let half = Ext::TWO.inverse();
    let mut value = Ext::ZERO;
    let mut scratch = Vec::new();
    for ((table, sum), columns) in shape.tables().iter().zip(&sums).zip(&proof.columns) {
        let rows = &point[..table.log_height];
        let row = Row {
            columns,
            fixed: &fixed_at(table, rows),
            public_values: &public,
        };
        let scale = half.exp_u64((log_rows - table.log_height) as u64);
        let weight = eq(&row_point[..table.log_height], rows);
        value += scale * weight * sum.at(row, &mut scratch);
    }
    if value * of_instances != reduced.value {
        return Err(FoldError::Relation);
    }

    // Digits.
    for columns in &proof.columns {
        transcript.absorb_ext(columns);
    }
    let (eta, gamma) = (transcript.challenge(), transcript.challenge());
    let theta: Vec<Ext> = (0..shape.log_length())
        .map(|_| transcript.challenge())
        .collect();
    let factors = column_factors(shape, eta);
    let columns = factors.iter().flatten().zip(proof.columns.iter().flatten());
    let claim = columns.map(|(&factor, &value)| factor * value).sum();
    let reduced = proof
        .digits
        .reduce(claim, shape.log_length(), DIGITS_DEGREE, &mut transcript);
    let reduced = reduced.map_err(FoldError::Digits)?;
    let functional = shape.functional_at(&factors, point, &reduced.point);
    let (mut linear, mut ranges) = (Ext::ZERO, Ext::ZERO);
    let gammas = digit_powers(gamma, instances);
    for ((planes, &weight), gammas) in proof.planes.iter().zip(&weights).zip(&gammas) {
        for ((&plane, &factor), &gamma) in planes.0.iter().zip(&functional).zip(gammas) {
            linear += weight * factor * plane;
            ranges += gamma * (plane.cube() - plane);
        }
    }
    if linear + eq(&theta, &reduced.point) * ranges != reduced.value {
        return Err(FoldError::Planes);
    }
    let (commitment, planes) = combine(parameters, proof, &mut transcript);
    Ok(Undecided {
        parameters: *parameters,
        commitment,
        point: reduced.point,
        planes,
    })
}

/// The first instance whose fractions do not sum to zero. That no denominator is zero is checked with the layers.
pub(super) fn unbalanced(roots: &[Fraction]) -> Option<usize> {
    roots.iter().position(|root| root.numerator != Ext::ZERO)
}

/// The point of rows at which constraints are checked: coordinates of the leaves' point, and more if these are fewer, as they are where the highest tables have no
/// interactions.
pub(super) fn row_point(
    shape: &Shape,
    leaf_point: &[Ext],
    transcript: &mut Transcript,
) -> Vec<Ext> {
    let known = leaf_point.iter().copied();
    let more = core::iter::repeat_with(|| transcript.challenge());
    known.chain(more).take(shape.log_rows()).collect()
}

/// The public values at a point of the instances.
fn combined_public_values(shape: &Shape, public_values: &[Vec<Felt>], weights: &[Ext]) -> Vec<Ext> {
    let mut sums = vec![Ext::ZERO; shape.public_values()];
    for (values, &weight) in public_values.iter().zip(weights) {
        for (sum, &value) in sums.iter_mut().zip(values) {
            *sum += weight * value;
        }
    }
    sums
}

/// The fixed columns at a point.
fn fixed_at(table: &TableShape, point: &[Ext]) -> Vec<Ext> {
    let mut values = vec![Ext::ZERO; table.relation.fixed()];
    if values.is_empty() {
        return values;
    }
    for (row, weight) in eq_table(point).into_iter().enumerate() {
        for (value, &fixed) in values.iter_mut().zip(table.fixed_row(row)) {
            *value += weight * fixed;
        }
    }
    values
}

/// Takes in the planes, and combines commitments and planes by a challenge each.
pub(super) fn combine(
    parameters: &Parameters,
    proof: &FoldProof,
    transcript: &mut Transcript,
) -> (Commitment, Planes) {
    let challenges = challenges(parameters, &proof.planes, transcript);
    let mut commitment = vec![RingElement::<Felt>::ZERO; parameters.rows];
    let mut planes = Planes::ZERO;
    for ((challenge, own), at) in challenges.iter().zip(&proof.commitments).zip(&proof.planes) {
        let challenge = challenge.element();
        for (sum, row) in commitment.iter_mut().zip(&own.0) {
            *sum += row.times(&challenge);
        }
        planes += at.times(&challenge);
    }
    (Commitment(commitment), planes)
}
