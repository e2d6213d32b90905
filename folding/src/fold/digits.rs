//! The sum over ring elements, fast: what literal tables of all planes would give, from digits as long as there are few values.
//!
//! Before round t + 1 a plane's value at a place depends on 2ᵗ digits, so it is one of 3^(2ᵗ). A round's polynomial needs, of each pair of such values, only the sum of the weights of
//! the places where it stands. So the first three rounds add weights up by pair, from bits, and multiply at the end; tables are written out for the fourth, an eighth as long.
//!
//! The weight eq(θ, ·) stays outside: with places x of the variables behind the round's,
//!
//! ```text
//! Σ_x eq(θ, (r, X, x))·γ·(z³ − z)  =  eq(θ₁…, r)·eq(θ_t, X)·Σ_x eq(θ_t₊₁…, x)·γ·(z³ − z)
//! ```
//!
//! whose last factor has degree 3 in X: z = u + X·e gives (u³ − u) + (3u² − 1)·e·X + 3u·e²·X² + e³·X³.

use p3_field::PrimeCharacteristicRing;
use p3_maybe_rayon::prelude::*;
use plica_field::Ext;
use plica_hash_rpo::transcript::Transcript;

use super::Planes;
use crate::multilinear::{bind, eq_table};
use crate::ring::{DEGREE, RingElement};
use crate::sumcheck::SumcheckProof;
use crate::witness::{BLOCK, Plane, Witness};

/// Rounds that count pairs: their values are one of 3, 9, 81.
const COUNTED: usize = 3;

/// Coefficients of a polynomial of degree 3.
type Cubic = [Ext; 4];

/// What the sum is made of.
pub(super) struct Sum<'a> {
    /// By ring element, the weight of each plane in the linear part.
    pub(super) functional: &'a [[Ext; DEGREE]],
    /// Of the instances in that part.
    pub(super) weights: &'a [Ext],
    /// Of the planes in the checks of range, by instance.
    pub(super) gammas: &'a [[Ext; DEGREE]],
    pub(super) theta: &'a [Ext],
}

/// Where a plane's values come from.
struct Digits<'a> {
    plane: &'a Plane,
    gamma: Ext,
}

impl Digits<'_> {
    /// The digits of 2^`log_group` ring elements as a number in base 3, where 2 is −1: group by group, those that are all zero left out.
    fn groups(&self, log_group: usize) -> impl Iterator<Item = (usize, usize)> {
        let (size, mask) = (1 << log_group, (1u64 << (1 << log_group)) - 1);
        let words = self.plane.plus.iter().zip(&self.plane.minus).enumerate();
        let words = words.filter(|(_, (plus, minus))| **plus | **minus != 0);
        words.flat_map(move |(word, (&plus, &minus))| {
            (0..BLOCK >> log_group).filter_map(move |group| {
                let bits = |word: u64| (word >> (group * size) & mask) as usize;
                let (plus, minus) = (bits(plus), bits(minus));
                let number = IN_BASE_3[plus] + 2 * IN_BASE_3[minus];
                (number != 0).then_some(((word << (6 - log_group)) + group, number))
            })
        })
    }
}

/// A byte's bits as digits in base 3.
const IN_BASE_3: [usize; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut bit, mut power) = (0, 1);
        while bit < 8 {
            table[byte] += (byte >> bit & 1) * power;
            power *= 3;
            bit += 1;
        }
        byte += 1;
    }
    table
};

/// (u + X·e)³ − (u + X·e), with e = v − u.
fn cubic(u: Ext, v: Ext) -> Cubic {
    let e = v - u;
    let (u2, e2) = (u.square(), e.square());
    let three = |x: Ext| x.double() + x;
    [
        u * (u2 - Ext::ONE),
        e * (three(u2) - Ext::ONE),
        three(u * e2),
        e * e2,
    ]
}

fn add(sums: &mut Cubic, terms: Cubic, weight: Ext) {
    for (sum, term) in sums.iter_mut().zip(terms) {
        *sum += weight * term;
    }
}

/// Proves the sum. Returns its point and the planes there as well.
pub(super) fn prove(
    witnesses: &[Witness],
    sum: &Sum<'_>,
    transcript: &mut Transcript,
) -> (SumcheckProof, Vec<Ext>, Vec<Planes>) {
    let variables = sum.theta.len();
    let mut linear = Linear::new(witnesses, sum);
    let digits: Vec<Digits<'_>> = witnesses
        .iter()
        .zip(sum.gammas)
        .flat_map(|(witness, gammas)| {
            let planes = witness.planes().iter().zip(gammas);
            planes.map(|(plane, &gamma)| Digits { plane, gamma })
        })
        .collect();
    // Which values the digits of a place may have, by their number; then the values themselves.
    let mut values = vec![Ext::ZERO, Ext::ONE, -Ext::ONE];
    let mut tables: Vec<Vec<Ext>> = Vec::new();
    let (mut rounds, mut point) = (Vec::new(), Vec::new());
    let mut before = Ext::ONE;
    for round in 0..variables {
        let places = eq_table(&sum.theta[round + 1..]);
        let ranges = if round < COUNTED {
            counted(&digits, &values, &places, round + 1)
        } else {
            from_tables(&tables, &digits, &places)
        };
        let own = linear.round();
        let theta = sum.theta[round];
        let message = [0, 2, 3, 4].map(|x| {
            let x = Ext::from_u8(x);
            let range = ranges.iter().rev().fold(Ext::ZERO, |sum, &c| sum * x + c);
            let at = theta * x;
            let eq = at.double() + Ext::ONE - theta - x;
            own[0] + x * (own[1] + x * own[2]) + before * eq * range
        });
        transcript.absorb_ext(&message);
        let challenge = transcript.challenge();
        let at = theta * challenge;
        before *= at.double() + Ext::ONE - theta - challenge;
        linear.bind(challenge);
        if round < COUNTED {
            let low = values.clone();
            values = low
                .iter()
                .flat_map(|&v| low.iter().map(move |&u| u + challenge * (v - u)))
                .collect();
            if round + 1 == COUNTED.min(variables) {
                tables = written_out(&digits, &values, round + 1, places.len());
            }
        } else {
            tables
                .par_iter_mut()
                .for_each(|table| bind(table, challenge));
        }
        rounds.push(message.to_vec());
        point.push(challenge);
    }
    if variables == 0 {
        tables = written_out(&digits, &values, 0, 1);
    }
    let planes: Vec<Ext> = tables.iter().map(|table| table[0]).collect();
    let planes = planes.as_chunks::<DEGREE>().0.iter().copied();
    let planes = planes.map(RingElement).collect();
    (SumcheckProof(rounds), point, planes)
}

/// The last factor of a round's polynomial, from the pairs of values that stand at the places.
fn counted(digits: &[Digits<'_>], values: &[Ext], places: &[Ext], log_group: usize) -> Cubic {
    let pairs = values.len() * values.len();
    let zero = || vec![Ext::ZERO; pairs];
    // Of few pairs each plane gets sums of its own, which are multiplied once; of many it is cheaper to multiply each weight.
    let few = pairs <= 81;
    let weights = digits
        .par_iter()
        .fold(zero, |mut sums, digits| {
            if few {
                let mut own = [Ext::ZERO; 81];
                for (place, pair) in digits.groups(log_group) {
                    own[pair] += places[place];
                }
                let own = sums.iter_mut().zip(own);
                own.for_each(|(sum, own)| *sum += digits.gamma * own);
            } else {
                for (place, pair) in digits.groups(log_group) {
                    sums[pair] += digits.gamma * places[place];
                }
            }
            sums
        })
        .reduce(zero, |mut a, b| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        });
    let mut sums = [Ext::ZERO; 4];
    for (pair, weight) in weights.into_iter().enumerate() {
        let (u, v) = (values[pair % values.len()], values[pair / values.len()]);
        add(&mut sums, cubic(u, v), weight);
    }
    sums
}

/// The same from tables of values.
fn from_tables(tables: &[Vec<Ext>], digits: &[Digits<'_>], places: &[Ext]) -> Cubic {
    let of_plane = |(table, digits): (&Vec<Ext>, &Digits<'_>)| {
        let mut sums = [Ext::ZERO; 4];
        for (pair, &weight) in table.as_chunks::<2>().0.iter().zip(places) {
            if *pair != [Ext::ZERO; 2] {
                add(&mut sums, cubic(pair[0], pair[1]), weight);
            }
        }
        sums.map(|sum| sum * digits.gamma)
    };
    let zero = || [Ext::ZERO; 4];
    let planes = tables.par_iter().zip(digits).map(of_plane);
    planes.reduce(zero, |a, b| core::array::from_fn(|k| a[k] + b[k]))
}

/// The planes' values where so many rounds are over.
fn written_out(
    digits: &[Digits<'_>],
    values: &[Ext],
    log_group: usize,
    places: usize,
) -> Vec<Vec<Ext>> {
    let table = |digits: &Digits<'_>| {
        let mut table = vec![Ext::ZERO; places];
        for (place, number) in digits.groups(log_group) {
            table[place] = values[number];
        }
        table
    };
    digits.par_iter().map(table).collect()
}

/// Σ_l A_l·Z_l, where Z_l is the l-th plane of all instances together: A and Z, plane by plane.
struct Linear(Vec<[Vec<Ext>; 2]>);

impl Linear {
    fn new(witnesses: &[Witness], sum: &Sum<'_>) -> Self {
        let plane = |plane: usize| {
            let factors = sum.functional.iter().map(|weights| weights[plane]);
            let mut combined = vec![Ext::ZERO; sum.functional.len()];
            for (witness, &weight) in witnesses.iter().zip(sum.weights) {
                let own = &witness.planes()[plane];
                for (words, weight) in [(&own.plus, weight), (&own.minus, -weight)] {
                    for (word, &bits) in words.iter().enumerate() {
                        let mut rest = bits;
                        while rest != 0 {
                            combined[word * BLOCK + rest.trailing_zeros() as usize] += weight;
                            rest &= rest - 1;
                        }
                    }
                }
            }
            [factors.collect(), combined]
        };
        Self((0..DEGREE).into_par_iter().map(plane).collect())
    }

    /// Coefficients of the round's polynomial.
    fn round(&self) -> [Ext; 3] {
        let of_plane = |[factors, values]: &[Vec<Ext>; 2]| {
            let mut sums = [Ext::ZERO; 3];
            let pairs = factors
                .as_chunks::<2>()
                .0
                .iter()
                .zip(values.as_chunks::<2>().0);
            for (&[a, b], &[c, d]) in pairs {
                let (low, high) = (a * c, (b - a) * (d - c));
                sums[0] += low;
                sums[1] += b * d - low - high;
                sums[2] += high;
            }
            sums
        };
        let zero = || [Ext::ZERO; 3];
        let planes = self.0.par_iter().map(of_plane);
        planes.reduce(zero, |a, b| core::array::from_fn(|k| a[k] + b[k]))
    }

    fn bind(&mut self, challenge: Ext) {
        let tables = self.0.par_iter_mut();
        tables.for_each(|tables| tables.iter_mut().for_each(|table| bind(table, challenge)));
    }
}
