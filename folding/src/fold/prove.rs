//! The prover of a fold.

use p3_maybe_rayon::prelude::*;
use plica_field::{Ext, Felt};
use plica_hash_rpo::transcript::Transcript;
use tracing::{info_span, instrument};

use super::digits;
use super::rows::RowSum;
use super::verify::{combine, row_point};
use super::{
    Bus, FoldProof, FoldedWitness, Planes, ProveError, Undecided, column_factors, digit_powers,
    start, weights_of_instances,
};
use crate::challenge::Challenge;
use crate::commit::Commitment;
use crate::fractions::{self, Fraction};
use crate::key::CommitmentKey;
use crate::multilinear::eq_table;
use crate::params::Parameters;
use crate::relation::Row;
use crate::shape::{Shape, TableShape, Trace};
use crate::sumcheck::{self, Part, SumcheckProof};
use crate::witness::Witness;

/// One execution: what it says, and the tables that show it.
#[derive(Clone, Debug)]
pub struct Instance {
    pub public_values: Vec<Felt>,
    /// In the order of the shape.
    pub traces: Vec<Trace>,
}

/// Folds instances. It does not look whether they are true: what comes out of false ones is refused.
///
/// # Errors
/// See [`ProveError`].
#[instrument(name = "fold", skip_all, fields(instances = instances.len()))]
pub fn prove(
    parameters: &Parameters,
    key: &CommitmentKey,
    shape: &Shape,
    instances: &[Instance],
) -> Result<(FoldProof, Undecided, FoldedWitness), ProveError> {
    check(parameters, key, shape, instances)?;
    let witness = |(number, instance): (usize, &Instance)| {
        let witness = shape.witness(&instance.traces);
        witness.map_err(|reason| ProveError::Trace {
            instance: number,
            reason,
        })
    };
    let witnesses: Vec<_> = info_span!("digits of the traces")
        .in_scope(|| instances.par_iter().enumerate().map(witness).collect());
    let witnesses: Vec<Witness> = witnesses.into_iter().collect::<Result<_, _>>()?;
    let commitments = info_span!("commit").in_scope(|| key.commit_all(&witnesses));
    let digits = Digits::Of(&witnesses);
    let (proof, at, mut transcript) =
        prove_with(parameters, shape, instances, commitments, &digits);
    // The verifier's last step draws the challenges that combine the witnesses as well.
    let drawn = challenges(parameters, &proof.planes, &mut transcript.clone());
    let witness = info_span!("combine").in_scope(|| FoldedWitness::combine(&drawn, &witnesses));
    let (commitment, planes) = combine(parameters, &proof, &mut transcript);
    let undecided = Undecided {
        parameters: *parameters,
        commitment,
        point: at,
        planes,
    };
    Ok((proof, undecided, witness))
}

/// Everything up to the planes, and their point: with commitments to digits that the traces are made of.
pub(super) fn prove_with(
    parameters: &Parameters,
    shape: &Shape,
    instances: &[Instance],
    commitments: Vec<Commitment>,
    digits: &Digits<'_>,
) -> (FoldProof, Vec<Ext>, Transcript) {
    let public_values: Vec<&[Felt]> = instances.iter().map(|i| &i.public_values[..]).collect();
    let mut transcript = start(parameters, shape, &public_values, &commitments);
    let bus = Bus::draw(shape, &mut transcript);

    let log_instances = instances.len().next_power_of_two().ilog2() as usize;
    let leaves = info_span!("fractions").in_scope(|| leaves(shape, &bus, instances, log_instances));
    let (mut roots, fractions, claim) = info_span!("sums of fractions")
        .in_scope(|| fractions::prove(leaves, 1 << log_instances, &mut transcript));
    roots.truncate(instances.len());

    let (leaf_point, instance_point) = claim.point.split_at(shape.log_leaves());
    let row_point = row_point(shape, leaf_point, &mut transcript);
    let (mu, lambda) = (transcript.challenge(), transcript.challenge());
    let (sums, _) = RowSum::all(shape, &bus, leaf_point, (mu, lambda));
    let parts = shape.tables().iter().zip(&sums).enumerate();
    let parts = parts.map(|(number, (table, sum))| {
        let point = [&row_point[..table.log_height], instance_point].concat();
        part(table, sum, number, &point, instances, log_instances)
    });
    let degree = shape.degree() + 1;
    let (rows, point, finals) = info_span!("sum over rows").in_scope(|| {
        let (parts, log_rows) = (parts.collect(), shape.log_rows());
        sumcheck::prove_parts(parts, log_rows, log_instances, degree, &mut transcript)
    });
    let columns: Vec<Vec<Ext>> = shape
        .tables()
        .iter()
        .zip(finals)
        .map(|(table, finals)| finals[..table.relation.columns()].to_vec())
        .collect();
    let (point, of_instances) = point.split_at(shape.log_rows());
    let weights = weights_of_instances(of_instances, instances.len());

    for columns in &columns {
        transcript.absorb_ext(columns);
    }
    let (digits_proof, at, planes) = info_span!("sum over digits")
        .in_scope(|| prove_digits(shape, digits, point, &weights, &mut transcript));

    let proof = FoldProof {
        commitments,
        roots,
        fractions,
        rows,
        columns,
        digits: digits_proof,
        planes,
    };
    (proof, at, transcript)
}

fn check(
    parameters: &Parameters,
    key: &CommitmentKey,
    shape: &Shape,
    instances: &[Instance],
) -> Result<(), ProveError> {
    if instances.is_empty() {
        return Err(ProveError::Nothing);
    }
    parameters.norm_of_fold(instances.len())?;
    if shape.log_length() != parameters.log_length {
        return Err(ProveError::Length {
            shape: shape.log_length(),
            parameters: parameters.log_length,
        });
    }
    if (key.rows(), key.length()) != (parameters.rows, parameters.length()) {
        return Err(ProveError::Key);
    }
    let expected = shape.public_values();
    for (number, instance) in instances.iter().enumerate() {
        let got = instance.public_values.len();
        if got != expected {
            return Err(ProveError::PublicValues {
                instance: number,
                got,
                expected,
            });
        }
    }
    Ok(())
}

/// The instance whose number this is; those beyond the last one are copies of the first.
fn of(instances: &[Instance], number: usize) -> &Instance {
    instances.get(number).unwrap_or(&instances[0])
}

/// All fractions of all instances, with 0/1 where there are none.
fn leaves(shape: &Shape, bus: &Bus, instances: &[Instance], log_instances: usize) -> Vec<Fraction> {
    let size = 1 << shape.log_leaves();
    let mut leaves = vec![Fraction::ZERO; size << log_instances];
    leaves
        .par_chunks_exact_mut(size)
        .enumerate()
        .for_each(|(number, leaves)| {
            let instance = of(instances, number);
            let mut values = Vec::new();
            for (table, trace) in shape.tables().iter().zip(&instance.traces) {
                let width = trace.width;
                for row in 0..1 << table.log_height {
                    let given = Row {
                        columns: &trace.values[row * width..][..width],
                        fixed: fixed_row(table, row),
                        public_values: &instance.public_values,
                    };
                    table.relation.evaluate(
                        given,
                        (bus.alpha, &bus.powers),
                        &mut values,
                        |_, _| {},
                        |interaction, count, denominator| {
                            leaves[table.leaf(interaction, row)] = Fraction {
                                numerator: count.into(),
                                denominator,
                            };
                        },
                    );
                }
            }
        });
    leaves
}

fn fixed_row(table: &TableShape, row: usize) -> &[Felt] {
    match table.relation.fixed() {
        0 => &[],
        _ => table.fixed_row(row),
    }
}

/// A table in the sum over rows and instances: columns, fixed columns, public values.
fn part<'a>(
    table: &TableShape,
    sum: &'a RowSum<'_>,
    number: usize,
    point: &[Ext],
    instances: &[Instance],
    log_instances: usize,
) -> Part<'a> {
    let (committed, fixed) = (table.relation.columns(), table.relation.fixed());
    let all = || (0..1 << log_instances).map(|i| of(instances, i));
    let mut columns: Vec<Vec<Felt>> = Vec::new();
    columns.extend((0..committed).map(|column| {
        let of = |i: &'_ Instance| -> Vec<Felt> {
            let values = i.traces[number].values.iter();
            values.skip(column).step_by(committed).copied().collect()
        };
        all().flat_map(of).collect()
    }));
    columns.extend((0..fixed).map(|column| {
        let values = table.fixed.values.iter().skip(column).step_by(fixed);
        all().flat_map(|_| values.clone().copied()).collect()
    }));
    columns.extend((0..table.relation.public_values()).map(|value| {
        let rows = 1 << table.log_height;
        let values = all().flat_map(|i| core::iter::repeat_n(i.public_values[value], rows));
        values.collect()
    }));
    Part {
        log_rows: table.log_height,
        weights: eq_table(point),
        columns,
        degree: table.relation.degree() + 1,
        polynomial: sum,
    }
}

/// Who proves the sum over ring elements.
pub(super) enum Digits<'a> {
    /// [`super::digits`]: from witnesses.
    Of(&'a [Witness]),
    /// [`super::literal`]: from any numbers.
    #[cfg(test)]
    Literally(super::literal::Digit<'a>),
}

/// The sum-check over ring elements, its point, and the planes there. There is a weight for each instance.
fn prove_digits(
    shape: &Shape,
    digits: &Digits<'_>,
    point: &[Ext],
    weights: &[Ext],
    transcript: &mut Transcript,
) -> (SumcheckProof, Vec<Ext>, Vec<Planes>) {
    let (eta, gamma) = (transcript.challenge(), transcript.challenge());
    let theta: Vec<Ext> = (0..shape.log_length())
        .map(|_| transcript.challenge())
        .collect();
    let sum = digits::Sum {
        functional: &shape.functional(&column_factors(shape, eta), point),
        weights,
        gammas: &digit_powers(gamma, weights.len()),
        theta: &theta,
    };
    match digits {
        Digits::Of(witnesses) => digits::prove(witnesses, &sum, transcript),
        #[cfg(test)]
        Digits::Literally(digit) => super::literal::prove(*digit, &sum, transcript),
    }
}

/// Takes in the planes of all instances, and draws a challenge for each.
pub(super) fn challenges(
    parameters: &Parameters,
    planes: &[Planes],
    transcript: &mut Transcript,
) -> Vec<Challenge> {
    let flat: Vec<Ext> = planes.iter().flat_map(|planes| planes.0).collect();
    transcript.absorb_ext(&flat);
    let mut drawn: Vec<Felt> = Vec::new();
    let mut element = || {
        if drawn.is_empty() {
            drawn.extend(transcript.draw().iter().rev());
        }
        drawn.pop().expect("a word has elements")
    };
    planes
        .iter()
        .map(|_| parameters.challenges.draw(&mut element))
        .collect()
}
