//! The low-degree test: FRI with folding by eight, over leaves of coefficients.
//!
//! In bit-reversed order the eight points x with one u = x⁸ are neighbours; their indices agree but for the three highest bits. The polynomial f of the layer is Σ xᵐ·fₘ(x⁸), m < 8, and a
//! leaf holds the values fₘ(u) instead of those of f. Both say the same; but a verifier who has the leaf then needs no interpolation:
//!
//! * the value of f at one of the points is Σ xᵐ·fₘ(u),
//! * the value at u of the folded polynomial is Σ βᵐ·fₘ(u).
//!
//! Both are evaluations of the leaf by Horner's rule. A leaf is 24 elements, coordinate by coordinate from the highest to the lowest, and
//! in each the coefficients by descending power.

use p3_field::{BasedVectorSpace, Field, PrimeCharacteristicRing, TwoAdicField};
use p3_matrix::Matrix as _;
use p3_matrix::dense::RowMajorMatrix;
use p3_maybe_rayon::prelude::*;
use p3_util::reverse_bits_len;
use plica_hash_rpo::transcript::Transcript;

use super::domain;
use super::layout::LOG_ARITY;
use super::tree::{MerkleTree, hash_leaves};
use crate::types::{Dft, EXT_DEGREE, Ext, Felt, Word};

/// Values that are folded to one.
pub const ARITY: usize = 1 << LOG_ARITY;
/// Elements of a leaf.
pub const LEAF: usize = ARITY * EXT_DEGREE;

/// The values f₀(u), …, f₇(u).
pub type Coefficients = [Ext; ARITY];

/// A committed layer. Coefficients are in bit-reversed order, leaves in natural.
pub(crate) struct Layer {
    pub(crate) coefficients: Vec<Coefficients>,
    pub(crate) tree: MerkleTree,
}

/// A leaf as it is hashed.
pub fn leaf(coefficients: &Coefficients) -> [Felt; LEAF] {
    let mut out = [Felt::ZERO; LEAF];
    for (m, coefficient) in coefficients.iter().enumerate() {
        let coordinates = <Ext as BasedVectorSpace<Felt>>::as_basis_coefficients_slice(coefficient);
        for (c, &coordinate) in coordinates.iter().enumerate() {
            out[(EXT_DEGREE - 1 - c) * ARITY + ARITY - 1 - m] = coordinate;
        }
    }
    out
}

/// Σ xᵐ·fₘ.
pub(crate) fn evaluate<X: Copy>(coefficients: &[Ext], x: X) -> Ext
where
    Ext: core::ops::Mul<X, Output = Ext>,
{
    coefficients
        .iter()
        .rev()
        .fold(Ext::ZERO, |sum, &coefficient| sum * x + coefficient)
}

/// Commits to the foldings of a polynomial of degree below 2^`log_height`, given by its values in bit-reversed order. Returns the layers and
/// the coefficients of what is left.
pub(crate) fn commit(
    mut values: Vec<Ext>,
    mut log_height: usize,
    rounds: usize,
    transcript: &mut Transcript,
) -> (Vec<Layer>, Vec<Ext>) {
    let log_blowup = values.len().ilog2() as usize - log_height;
    let mut layers = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let coefficients = split(&values, log_height);
        let leaves: Vec<Felt> = coefficients.par_iter().flat_map_iter(leaf).collect();
        let tree = MerkleTree::above(hash_leaves(&leaves, LEAF));
        transcript.absorb(tree.root());
        let beta: Ext = transcript.challenge();
        values = coefficients
            .par_iter()
            .map(|coefficients| evaluate(coefficients, beta))
            .collect();
        log_height -= LOG_ARITY;
        layers.push(Layer { coefficients, tree });
    }
    p3_util::reverse_slice_index_bits(&mut values);
    let shift = domain::shift(log_height);
    let matrix = RowMajorMatrix::new_col(values).flatten_to_base::<Felt>();
    let coefficients = p3_dft::TwoAdicSubgroupDft::coset_idft_batch(&Dft::default(), matrix, shift);
    debug_assert_eq!(coefficients.height() >> log_blowup, 1 << log_height);
    let last = coefficients
        .rows()
        .take(1 << log_height)
        .map(|row| {
            let row: Vec<Felt> = row.collect();
            Ext::from_basis_coefficients_fn(|i| row[i])
        })
        .collect::<Vec<_>>();
    (layers, last)
}

/// The coefficients of each group of neighbours.
fn split(values: &[Ext], log_height: usize) -> Vec<Coefficients> {
    let log_size = values.len().ilog2() as usize;
    let log_groups = log_size - LOG_ARITY;
    let root = Felt::two_adic_generator(LOG_ARITY).inverse();
    let powers: [Felt; ARITY] = root.powers().collect_n(ARITY).try_into().expect("eight");
    let eighth = Felt::from_usize(ARITY).inverse();
    // The first point of each group, inverted: s·g^(bit-reversed index of the group).
    let first = domain::shift(log_height).inverse();
    let step = Felt::two_adic_generator(log_size).inverse();
    values
        .par_chunks(ARITY * 64)
        .enumerate()
        .flat_map_iter(|(chunk, values)| {
            let groups = values.chunks_exact(ARITY).enumerate();
            groups.map(move |(index, values)| {
                let group = chunk * 64 + index;
                let exponent = reverse_bits_len(group, log_groups) as u64;
                let inverse = first * step.exp_u64(exponent);
                interpolate(values, inverse, &powers, eighth)
            })
        })
        .collect()
}

/// The coefficients of the polynomial of degree below 8 with these values at x, x·ω, …, in bit-reversed order; given are 1/x, the powers of
/// 1/ω, and 1/8.
fn interpolate(
    values: &[Ext],
    inverse: Felt,
    powers: &[Felt; ARITY],
    eighth: Felt,
) -> Coefficients {
    let mut a: Coefficients = core::array::from_fn(|i| values[i]);
    let mut half = 1;
    while half < ARITY {
        for block in a.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (j, (x, y)) in low.iter_mut().zip(high).enumerate() {
                let t = *y * powers[j * ARITY / (2 * half)];
                *y = *x - t;
                *x += t;
            }
        }
        half *= 2;
    }
    let mut scale = eighth;
    for value in &mut a {
        *value *= scale;
        scale *= inverse;
    }
    a
}

/// What the verifier knows of a layer: its root, the folding challenge, the log2 of the number of its leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fold {
    pub(crate) root: Word,
    pub(crate) beta: Ext,
    pub(crate) log_leaves: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polynomial(length: usize) -> Vec<Ext> {
        (0..length as u64)
            .map(|i| {
                Ext::from_basis_coefficients_fn(|c| {
                    Felt::from_u64((3 * i + c as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
                })
            })
            .collect()
    }

    #[test]
    fn leaves_are_what_the_values_come_from() {
        let (log_height, log_blowup) = (8, 1);
        let f = polynomial(1 << log_height);
        let points = domain::points(log_height, log_height + log_blowup);
        let values: Vec<Ext> = points.iter().map(|&x| evaluate(&f, x)).collect();
        let groups = split(&values, log_height);
        for (position, &x) in points.iter().enumerate() {
            assert_eq!(evaluate(&groups[position / ARITY], x), values[position]);
            // The parts by the residues of the powers.
            let u = x.exp_power_of_2(LOG_ARITY);
            for (m, &value) in groups[position / ARITY].iter().enumerate() {
                let part: Vec<Ext> = f.iter().skip(m).step_by(ARITY).copied().collect();
                assert_eq!(evaluate(&part, u), value);
            }
        }
    }

    #[test]
    fn folding_ends_in_a_polynomial() {
        let (log_height, log_blowup) = (8, 2);
        let f = polynomial(1 << log_height);
        let points = domain::points(log_height, log_height + log_blowup);
        let values: Vec<Ext> = points.iter().map(|&x| evaluate(&f, x)).collect();
        let mut transcript = Transcript::new(&[]);
        let (layers, last) = commit(values.clone(), log_height, 2, &mut transcript);
        assert_eq!(last.len(), 4);
        let mut transcript = Transcript::new(&[]);
        let (mut x, mut position, mut value) = (points[333], 333, values[333]);
        for layer in &layers {
            transcript.absorb(layer.tree.root());
            let beta: Ext = transcript.challenge();
            position /= ARITY;
            let coefficients = &layer.coefficients[position];
            assert_eq!(evaluate(coefficients, x), value);
            value = evaluate(coefficients, beta);
            x = x.exp_power_of_2(LOG_ARITY);
        }
        assert_eq!(evaluate(&last, x), value);
    }
}
