//! Sums of fractions by GKR (Papini and Haböck, "Improving logarithmic derivative lookups using GKR", ePrint 2023/1284): that Σ pₓ/qₓ has a
//! claimed value, for many instances at once, without a column of partial sums.
//!
//! Fractions are added two by two, (p₀·q₁ + p₁·q₀)/(q₀·q₁), layer by layer, until each instance has one: its *root*, which the prover states. A
//! claim about both polynomials of a layer at a point comes down, by a sum-check, to the same about the layer with twice as many fractions. At the
//! end stand the values of p and q of all leaves at one point.
//!
//! Positions: that of a leaf are the low bits, the instance is the high bits. A layer's pairs differ in the lowest bit.

use p3_field::{Field, PrimeCharacteristicRing};
use p3_maybe_rayon::prelude::*;
use plica_field::Ext;
use plica_hash_rpo::transcript::Transcript;
use thiserror::Error;

use crate::multilinear::{bind, eq, eq_table, evaluate};
use crate::sumcheck::{SumcheckError, SumcheckProof};

/// A numerator and a denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    pub numerator: Ext,
    pub denominator: Ext,
}

impl Fraction {
    /// 0/1, which adds nothing.
    pub const ZERO: Self = Self {
        numerator: Ext::ZERO,
        denominator: Ext::ONE,
    };

    fn plus(self, other: Self) -> Self {
        Self {
            numerator: self.numerator * other.denominator + other.numerator * self.denominator,
            denominator: self.denominator * other.denominator,
        }
    }
}

/// What the prover sends below the roots: by layer a sum-check and, at its point, numerators and denominators of both halves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FractionsProof(pub Vec<Layer>);

/// One layer of [`FractionsProof`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    pub sumcheck: SumcheckProof,
    /// At position bit 0 and 1.
    pub halves: [Fraction; 2],
}

/// What it comes down to: numerator and denominator of the leaves' polynomials at a point, position first, then instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaves {
    pub point: Vec<Ext>,
    pub value: Fraction,
}

/// A proof that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FractionsError {
    #[error("{got} layers, not {expected}")]
    Layers { got: usize, expected: usize },
    #[error("layer {layer}: {reason}")]
    Sumcheck { layer: usize, reason: SumcheckError },
    #[error("layer {0} does not add up")]
    Sum(usize),
    #[error("the denominator of instance {0} is zero")]
    Zero(usize),
    #[error("{0} instances, which is no power of two")]
    Instances(usize),
}

/// The degree of what is summed over: eq, and a product of two.
const DEGREE: usize = 3;

/// Numerators and denominators of a layer.
struct Tables {
    numerators: Vec<Ext>,
    denominators: Vec<Ext>,
}

impl Tables {
    fn of(fractions: &[Fraction]) -> Self {
        Self {
            numerators: fractions.iter().map(|f| f.numerator).collect(),
            denominators: fractions.iter().map(|f| f.denominator).collect(),
        }
    }
}

/// Adds up the fractions of each of `instances` instances, of which both are powers of two, and proves it. Returns the roots.
///
/// # Panics
/// If the numbers do not fit.
pub fn prove(
    leaves: Vec<Fraction>,
    instances: usize,
    transcript: &mut Transcript,
) -> (Vec<Fraction>, FractionsProof, Leaves) {
    assert!(instances.is_power_of_two() && leaves.len().is_power_of_two());
    assert!(leaves.len() >= instances, "a leaf for each instance");
    let mut layers = vec![leaves];
    while layers[layers.len() - 1].len() > instances {
        let last = &layers[layers.len() - 1];
        let next = last.par_chunks_exact(2).map(|pair| pair[0].plus(pair[1]));
        layers.push(next.collect());
    }
    let roots = layers.pop().expect("the roots");
    let (mut point, mut value) = start(&roots, transcript);
    let mut proof = Vec::with_capacity(layers.len());
    for layer in layers.into_iter().rev() {
        let lambda = transcript.challenge();
        let claim = value.numerator + lambda * value.denominator;
        let (sumcheck, at, halves) = prove_layer(&layer, &point, claim, lambda, transcript);
        Leaves { point, value } = descend(halves, at, transcript);
        proof.push(Layer { sumcheck, halves });
    }
    (roots, FractionsProof(proof), Leaves { point, value })
}

/// One layer's sum-check, its point, and both halves there.
///
/// The weight eq(point, ·) stays outside: with the variables before bound to r and those behind at x, the sum is
///
/// ```text
/// eq(point₁…, r)·eq(point_t, X)·Σ_x eq(point_t₊₁…, x)·(p₀·q₁ + q₀·(p₁ + λ·q₁))
/// ```
///
/// whose last factor is of degree 2. Its values at 0 and its highest coefficient are summed up, that at 1 follows from the claim.
fn prove_layer(
    layer: &[Fraction],
    point: &[Ext],
    claim: Ext,
    lambda: Ext,
    transcript: &mut Transcript,
) -> (SumcheckProof, Vec<Ext>, [Fraction; 2]) {
    let pairs = layer.as_chunks::<2>().0;
    let table = |of: &(dyn Fn(&[Fraction; 2]) -> Ext + Sync)| -> Vec<Ext> {
        pairs.par_iter().map(of).collect()
    };
    let mut tables = [
        table(&|pair| pair[0].numerator),
        table(&|pair| pair[1].denominator),
        table(&|pair| pair[0].denominator),
        table(&|pair| pair[1].numerator + lambda * pair[1].denominator),
    ];
    let mut weights = eq_table(point);
    let (mut before, mut claim) = (Ext::ONE, claim);
    let (mut rounds, mut at) = (Vec::new(), Vec::new());
    for &coordinate in point {
        // Over the variable of this round both weights add up to that of the others.
        let sums = weights.as_chunks::<2>().0.par_iter();
        weights = sums.map(|&[low, high]| low + high).collect();
        let [at_0, highest, directly] = layer_round(&tables, &weights, coordinate == Ext::ZERO);
        let at_1 = match coordinate.try_inverse() {
            Some(inverse) => (claim - (Ext::ONE - coordinate) * at_0) * inverse,
            None => directly,
        };
        let value = |x: Ext| at_0 + x * (at_1 - at_0 - highest + x * highest);
        let eq = |x: Ext| (coordinate * x).double() + Ext::ONE - coordinate - x;
        let message = [0, 2, 3].map(|x| {
            let x = Ext::from_u8(x);
            before * eq(x) * value(x)
        });
        transcript.absorb_ext(&message);
        let challenge = transcript.challenge();
        before *= eq(challenge);
        claim = value(challenge);
        let bound = tables.par_iter_mut();
        bound.for_each(|table| bind(table, challenge));
        rounds.push(message.to_vec());
        at.push(challenge);
    }
    let [p0, q1, q0, a] = tables.map(|table| table[0]);
    let halves = [(p0, q0), (a - lambda * q1, q1)].map(|(numerator, denominator)| Fraction {
        numerator,
        denominator,
    });
    (SumcheckProof(rounds), at, halves)
}

/// Of Σ weight·(a·b + c·d) the value at 0 and the coefficient of X²; if asked for, that at 1.
fn layer_round(tables: &[Vec<Ext>; 4], weights: &[Ext], with_1: bool) -> [Ext; 3] {
    let [a, b, c, d] = tables.each_ref().map(|table| table.as_chunks::<2>().0);
    let at = |(x, &weight): (usize, &Ext)| {
        let [a, b, c, d] = [a[x], b[x], c[x], d[x]];
        let step = |pair: [Ext; 2]| pair[1] - pair[0];
        let at_1 = match with_1 {
            true => a[1] * b[1] + c[1] * d[1],
            false => Ext::ZERO,
        };
        [
            weight * (a[0] * b[0] + c[0] * d[0]),
            weight * (step(a) * step(b) + step(c) * step(d)),
            weight * at_1,
        ]
    };
    let zero = || [Ext::ZERO; 3];
    let sums = weights.par_iter().enumerate().map(at);
    sums.reduce(zero, |a, b| core::array::from_fn(|k| a[k] + b[k]))
}

/// Both rules of addition, combined: numerators and denominators of two fractions.
fn added(pair: &[Ext], lambda: Ext) -> Ext {
    let [p0, q0, p1, q1] = [pair[0], pair[1], pair[2], pair[3]];
    p0 * q1 + p1 * q0 + lambda * q0 * q1
}

/// Takes in the roots; their polynomials at a drawn point.
fn start(roots: &[Fraction], transcript: &mut Transcript) -> (Vec<Ext>, Fraction) {
    let flat: Vec<Ext> = roots
        .iter()
        .flat_map(|f| [f.numerator, f.denominator])
        .collect();
    transcript.absorb_ext(&flat);
    let point: Vec<Ext> = (0..roots.len().ilog2())
        .map(|_| transcript.challenge())
        .collect();
    let value = combined(roots, &point);
    (point, value)
}

fn combined(fractions: &[Fraction], point: &[Ext]) -> Fraction {
    let Tables {
        numerators,
        denominators,
    } = Tables::of(fractions);
    Fraction {
        numerator: evaluate(&numerators, point),
        denominator: evaluate(&denominators, point),
    }
}

/// The values at a point between two halves.
fn between([low, high]: [Fraction; 2], at: Ext) -> Fraction {
    let mix = |low: Ext, high: Ext| low + at * (high - low);
    Fraction {
        numerator: mix(low.numerator, high.numerator),
        denominator: mix(low.denominator, high.denominator),
    }
}

/// Takes in the values of both halves; the claim about the layer that they are halves of.
fn descend(halves: [Fraction; 2], mut at: Vec<Ext>, transcript: &mut Transcript) -> Leaves {
    let flat: Vec<Ext> = halves
        .iter()
        .flat_map(|f| [f.numerator, f.denominator])
        .collect();
    transcript.absorb_ext(&flat);
    let bit = transcript.challenge();
    at.insert(0, bit);
    Leaves {
        value: between(halves, bit),
        point: at,
    }
}

impl FractionsProof {
    /// Follows the layers from the roots to a claim about the leaves, 2^`log_leaves` of each instance. Whether the leaves have these values is
    /// for the caller to check, and so are the number of roots, which must not be the proof's choice, and what they add up to.
    ///
    /// # Errors
    /// If the proof is not one for these roots. A root with denominator zero is refused, as it would be a sum of anything.
    pub fn reduce(
        &self,
        roots: &[Fraction],
        log_leaves: usize,
        transcript: &mut Transcript,
    ) -> Result<Leaves, FractionsError> {
        if !roots.len().is_power_of_two() {
            return Err(FractionsError::Instances(roots.len()));
        }
        if let Some(zero) = roots.iter().position(|root| root.denominator == Ext::ZERO) {
            return Err(FractionsError::Zero(zero));
        }
        if self.0.len() != log_leaves {
            return Err(FractionsError::Layers {
                got: self.0.len(),
                expected: log_leaves,
            });
        }
        let (mut point, mut value) = start(roots, transcript);
        for (index, layer) in self.0.iter().enumerate() {
            let lambda = transcript.challenge();
            let claim = value.numerator + lambda * value.denominator;
            let reduced = layer
                .sumcheck
                .reduce(claim, point.len(), DEGREE, transcript);
            let reduced = reduced.map_err(|reason| FractionsError::Sumcheck {
                layer: index,
                reason,
            })?;
            let [low, high] = layer.halves;
            let pair = [
                low.numerator,
                low.denominator,
                high.numerator,
                high.denominator,
            ];
            if eq(&point, &reduced.point) * added(&pair, lambda) != reduced.value {
                return Err(FractionsError::Sum(index));
            }
            Leaves { point, value } = descend(layer.halves, reduced.point, transcript);
        }
        Ok(Leaves { point, value })
    }
}

#[cfg(test)]
mod tests {
    use plica_field::Felt;
    use proptest::prelude::*;

    use super::*;
    use crate::multilinear::tests::elements;

    fn transcript() -> Transcript {
        Transcript::new(&[Felt::new(11)])
    }

    fn fractions(values: &[Ext]) -> Vec<Fraction> {
        let pairs = values.chunks_exact(2);
        let fraction = |pair: &[Ext]| Fraction {
            numerator: pair[0],
            denominator: pair[1] + Ext::from_bool(pair[1] == Ext::ZERO),
        };
        pairs.map(fraction).collect()
    }

    fn is_accepted(
        leaves: &[Fraction],
        roots: &[Fraction],
        proof: &FractionsProof,
    ) -> Result<bool, FractionsError> {
        let log_leaves = (leaves.len() / roots.len()).ilog2() as usize;
        let reduced = proof.reduce(roots, log_leaves, &mut transcript())?;
        Ok(combined(leaves, &reduced.point) == reduced.value)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn sums_come_down_to_leaves(values in elements(64), log_instances in 0usize..=5) {
            let leaves = fractions(&values);
            let instances = 1 << log_instances;
            let (roots, proof, claim) = prove(leaves.clone(), instances, &mut transcript());
            for (root, leaves) in roots.iter().zip(leaves.chunks(32 / instances)) {
                let sum: Ext = leaves.iter().map(|f| f.numerator * f.denominator.inverse()).sum();
                prop_assert_eq!(root.numerator, sum * root.denominator);
            }
            prop_assert_eq!(is_accepted(&leaves, &roots, &proof), Ok(true));
            let reduced = proof.reduce(&roots, 5 - log_instances, &mut transcript());
            prop_assert_eq!(reduced, Ok(claim));
        }

        /// A literal sum over tables sends the same, at corners, too.
        #[test]
        fn layers_are_those_of_the_definition(values in elements(64), point in elements(4), corner in 0usize..6) {
            let layer = fractions(&values);
            let mut point = point;
            if corner < 4 {
                point[corner] = Ext::ZERO;
            } else if corner == 4 {
                point[2] = Ext::ONE;
            }
            let lambda = values[7];
            let half = |bit: usize| {
                let half: Vec<Fraction> = layer.iter().skip(bit).step_by(2).copied().collect();
                Tables::of(&half)
            };
            let [low, high] = [0, 1].map(half);
            let tables = vec![
                eq_table(&point),
                low.numerators,
                low.denominators,
                high.numerators,
                high.denominators,
            ];
            let combine = |row: &[Ext]| row[0] * added(&row[1..], lambda);
            let rows = (0..16).map(|x| combine(&tables.iter().map(|t| t[x]).collect::<Vec<_>>()));
            let claim = rows.sum();
            let (literal, at, finals) =
                crate::sumcheck::prove(tables, DEGREE, combine, &mut transcript());
            let halves = [1, 3].map(|i| Fraction {
                numerator: finals[i],
                denominator: finals[i + 1],
            });
            let fast = prove_layer(&layer, &point, claim, lambda, &mut transcript());
            prop_assert_eq!(fast, (literal, at, halves));
        }

        #[test]
        fn nothing_else_is_accepted(values in elements(32), what in 0usize..6, at in 0usize..4, by in elements(1)) {
            prop_assume!(by[0] != Ext::ZERO);
            let mut leaves = fractions(&values);
            let (mut roots, mut proof, _) = prove(leaves.clone(), 4, &mut transcript());
            let layer = at % 2;
            match what {
                0 => leaves[at].numerator += by[0],
                1 => leaves[at].denominator += by[0],
                2 => roots[at].numerator += by[0],
                3 => roots[at].denominator += by[0],
                4 => proof.0[layer].halves[at / 2].numerator += by[0],
                _ => proof.0[layer].sumcheck.0[at / 2][at % 3] += by[0],
            }
            prop_assert_ne!(is_accepted(&leaves, &roots, &proof), Ok(true));
        }
    }

    #[test]
    fn zero_denominators_and_other_shapes_are_refused() {
        let leaves = vec![Fraction::ZERO; 16];
        let (roots, proof, _) = prove(leaves, 4, &mut transcript());
        let reduce = |roots: &[Fraction], proof: &FractionsProof, log_leaves| {
            proof.reduce(roots, log_leaves, &mut transcript())
        };
        assert!(reduce(&roots, &proof, 2).is_ok());
        let mut zero = roots.clone();
        zero[2].denominator = Ext::ZERO;
        assert_eq!(reduce(&zero, &proof, 2), Err(FractionsError::Zero(2)));
        assert_eq!(
            reduce(&roots[..3], &proof, 2),
            Err(FractionsError::Instances(3))
        );
        assert_eq!(reduce(&[], &proof, 2), Err(FractionsError::Instances(0)));
        let expected = FractionsError::Layers {
            got: 2,
            expected: 3,
        };
        assert_eq!(reduce(&roots, &proof, 3), Err(expected));
        let mut shorter = proof.clone();
        shorter.0[1].sumcheck.0.pop();
        assert!(matches!(
            reduce(&roots, &shorter, 2),
            Err(FractionsError::Sumcheck { layer: 1, .. })
        ));
    }
}
