//! The sum-check protocol (Lund, Fortnow, Karloff and Nisan, FOCS 1990): that Σ g(x) over {0,1}ⁿ is a claimed value, for a polynomial g of a
//! known degree in each variable.
//!
//! A round's message is the values of its univariate polynomial at 0, 2, 3, …, d. That at 1 follows from the claim, which the verifier has computed itself or
//! from the round before, so no round can state a sum of its own.

use p3_field::{Field, PrimeCharacteristicRing};
use p3_maybe_rayon::prelude::*;
use plica_field::Ext;
use plica_hash_rpo::transcript::Transcript;
use thiserror::Error;

use crate::multilinear::bind;

/// What the prover sends: of each round the values of its polynomial at 0, 2, …, d.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SumcheckProof(pub Vec<Vec<Ext>>);

/// A proof that cannot be one of this sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SumcheckError {
    #[error("{got} rounds, not {expected}")]
    Rounds { got: usize, expected: usize },
    #[error("round {round} has {got} values, not {expected}")]
    Values {
        round: usize,
        got: usize,
        expected: usize,
    },
}

/// What a sum comes down to: g at a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reduced {
    pub point: Vec<Ext>,
    pub value: Ext,
}

/// Proves the sum of `combine` over rows of the tables. Returns the values of the tables at the point as well.
///
/// # Panics
/// If the tables have different sizes, or one that is no power of two.
pub fn prove(
    mut tables: Vec<Vec<Ext>>,
    degree: usize,
    combine: impl Fn(&[Ext]) -> Ext + Sync,
    transcript: &mut Transcript,
) -> (SumcheckProof, Vec<Ext>, Vec<Ext>) {
    let size = tables.first().map_or(1, Vec::len);
    assert!(size.is_power_of_two(), "a value for each corner");
    assert!(tables.iter().all(|table| table.len() == size), "one size");
    let mut rounds = Vec::new();
    let mut point = Vec::new();
    for left in (0..size.ilog2()).rev() {
        let values = round(&tables, 1 << left, degree, &combine);
        transcript.absorb_ext(&values);
        let challenge = transcript.challenge();
        tables
            .par_iter_mut()
            .for_each(|table| bind(table, challenge));
        rounds.push(values);
        point.push(challenge);
    }
    let finals = tables.iter().map(|table| table[0]).collect();
    (SumcheckProof(rounds), point, finals)
}

/// What is summed up of a row of tables.
pub type Combine<'a> = Box<dyn Fn(&[Ext]) -> Ext + Sync + 'a>;

/// A summand of a sum over rows and instances: a polynomial in the first `log_rows` row variables and all of the instances. In the sum over all row variables it is divided by two
/// for each that it does not have, so that its own sum is what it adds.
pub struct Part<'a> {
    /// Values by row (low bits) and instance.
    pub tables: Vec<Vec<Ext>>,
    pub log_rows: usize,
    /// What is summed up of a row of the tables.
    pub combine: Combine<'a>,
}

/// Proves the sum of all parts over 2^`log_rows` rows and 2^`log_instances` instances; rows are bound first. Returns the point and the values of each part's tables there.
///
/// # Panics
/// If a table has another size than its part's rows and the instances.
pub fn prove_parts(
    mut parts: Vec<Part<'_>>,
    log_rows: usize,
    log_instances: usize,
    degree: usize,
    transcript: &mut Transcript,
) -> (SumcheckProof, Vec<Ext>, Vec<Vec<Ext>>) {
    for part in &parts {
        let size = 1 << (part.log_rows + log_instances);
        assert!(part.log_rows <= log_rows, "rows of the highest");
        assert!(part.tables.iter().all(|table| table.len() == size));
    }
    let half = Ext::TWO.inverse();
    let (mut rounds, mut point) = (Vec::new(), Vec::new());
    for round_number in 0..log_rows + log_instances {
        let mut values = vec![Ext::ZERO; degree.max(1)];
        for part in &parts {
            let size = part.tables.first().map_or(1, Vec::len);
            let in_rows = round_number < log_rows;
            let own = if in_rows && round_number >= part.log_rows {
                // It does not have this variable: a constant, halved for this one and those before.
                let row = |x: usize| part.tables.iter().map(|table| table[x]).collect::<Vec<_>>();
                let sum: Ext = (0..size).map(|x| (part.combine)(&row(x))).sum();
                let passed = round_number + 1 - part.log_rows;
                vec![sum * half.exp_u64(passed as u64); values.len()]
            } else {
                let missing = if in_rows { 0 } else { log_rows - part.log_rows };
                let scale = half.exp_u64(missing as u64);
                let own = round(&part.tables, size / 2, degree, &*part.combine);
                own.into_iter().map(|value| value * scale).collect()
            };
            values
                .iter_mut()
                .zip(own)
                .for_each(|(sum, own)| *sum += own);
        }
        transcript.absorb_ext(&values);
        let challenge = transcript.challenge();
        for part in &mut parts {
            if round_number < part.log_rows || round_number >= log_rows {
                part.tables
                    .par_iter_mut()
                    .for_each(|table| bind(table, challenge));
            }
        }
        rounds.push(values);
        point.push(challenge);
    }
    let finals = parts
        .iter()
        .map(|part| part.tables.iter().map(|table| table[0]).collect());
    (SumcheckProof(rounds), point, finals.collect())
}

/// The values at 0, 2, …, `degree` of Σ combine over the other variables.
fn round(
    tables: &[Vec<Ext>],
    half: usize,
    degree: usize,
    combine: &(impl Fn(&[Ext]) -> Ext + Sync + ?Sized),
) -> Vec<Ext> {
    let at = |x: usize| -> Vec<Ext> {
        let lows = tables.iter().map(|table| table[2 * x]);
        let steps: Vec<Ext> = tables
            .iter()
            .map(|table| table[2 * x + 1] - table[2 * x])
            .collect();
        let mut row: Vec<Ext> = lows.collect();
        let mut values = vec![combine(&row)];
        for argument in 1..=degree {
            row.iter_mut()
                .zip(&steps)
                .for_each(|(value, &step)| *value += step);
            if argument > 1 {
                values.push(combine(&row));
            }
        }
        values
    };
    let zero = || vec![Ext::ZERO; degree.max(1)];
    let add = |mut a: Vec<Ext>, b: Vec<Ext>| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        a
    };
    (0..half).into_par_iter().map(at).reduce(zero, add)
}

impl SumcheckProof {
    /// Follows the rounds from a claimed sum to the value that g must have at the point that comes out. Whether it has it is for the
    /// caller to check.
    ///
    /// # Errors
    /// If the proof has another shape than one of `rounds` rounds and this degree.
    pub fn reduce(
        &self,
        claim: Ext,
        rounds: usize,
        degree: usize,
        transcript: &mut Transcript,
    ) -> Result<Reduced, SumcheckError> {
        if self.0.len() != rounds {
            return Err(SumcheckError::Rounds {
                got: self.0.len(),
                expected: rounds,
            });
        }
        let (mut value, mut point) = (claim, Vec::with_capacity(rounds));
        for (round, values) in self.0.iter().enumerate() {
            let expected = degree.max(1);
            if values.len() != expected {
                return Err(SumcheckError::Values {
                    round,
                    got: values.len(),
                    expected,
                });
            }
            transcript.absorb_ext(values);
            let challenge = transcript.challenge();
            let mut all = vec![values[0], value - values[0]];
            all.extend(&values[1..]);
            value = interpolate(&all, challenge);
            point.push(challenge);
        }
        Ok(Reduced { point, value })
    }
}

/// The value at x of the polynomial with these values at 0, 1, 2, ….
fn interpolate(values: &[Ext], x: Ext) -> Ext {
    let weight = |i: usize| {
        let (mut above, mut below) = (Ext::ONE, Ext::ONE);
        for j in (0..values.len()).filter(|&j| j != i) {
            above *= x - Ext::from_usize(j);
            below *= Ext::from_usize(i) - Ext::from_usize(j);
        }
        above * below.inverse()
    };
    values
        .iter()
        .enumerate()
        .map(|(i, &value)| value * weight(i))
        .sum()
}

#[cfg(test)]
mod tests {
    use plica_field::Felt;
    use proptest::prelude::*;

    use super::*;
    use crate::multilinear::{evaluate, tests::elements};

    fn transcript() -> Transcript {
        Transcript::new(&[Felt::new(7)])
    }

    /// a·b·c + a, of degree 3.
    fn combine(row: &[Ext]) -> Ext {
        row[0] * row[1] * row[2] + row[0]
    }

    fn sum(tables: &[Vec<Ext>]) -> Ext {
        (0..tables[0].len())
            .map(|x| combine(&tables.iter().map(|table| table[x]).collect::<Vec<_>>()))
            .sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_sum_comes_down_to_a_value(variables in 0usize..6, values in elements(3 * 32)) {
            let tables: Vec<Vec<Ext>> = values.chunks(32).map(|t| t[..1 << variables].to_vec()).collect();
            let (proof, point, finals) = prove(tables.clone(), 3, combine, &mut transcript());
            let claim = sum(&tables);
            let reduced = proof.reduce(claim, variables, 3, &mut transcript()).expect("a proof");
            prop_assert_eq!(&reduced.point, &point);
            prop_assert_eq!(reduced.value, combine(&finals));
            for (table, value) in tables.iter().zip(finals) {
                prop_assert_eq!(evaluate(table, &point), value);
            }
        }

        #[test]
        fn nothing_else_does(values in elements(3 * 8), wrong in 0usize..9, by in elements(1)) {
            let tables: Vec<Vec<Ext>> = values.chunks(8).map(<[Ext]>::to_vec).collect();
            let claim = sum(&tables);
            let (mut proof, ..) = prove(tables.clone(), 3, combine, &mut transcript());
            let holds = |proof: &SumcheckProof, claim| {
                let reduced = proof.reduce(claim, 3, 3, &mut transcript()).expect("of the shape");
                let row: Vec<Ext> = tables.iter().map(|t| evaluate(t, &reduced.point)).collect();
                reduced.value == combine(&row)
            };
            prop_assert!(holds(&proof, claim));
            prop_assert_eq!(holds(&proof, claim + by[0]), by[0] == Ext::ZERO);
            proof.0[wrong / 3][wrong % 3] += by[0];
            prop_assert_eq!(holds(&proof, claim), by[0] == Ext::ZERO);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn parts_of_fewer_rows_count_once(values in elements(3 * 32 + 3 * 4), log_rows in 0usize..=3) {
            let (high, low) = values.split_at(3 * 32);
            let tables = |values: &[Ext], size: usize| -> Vec<Vec<Ext>> {
                values.chunks(values.len() / 3).map(|t| t[..size].to_vec()).collect()
            };
            // Of 2^3 rows, and of fewer; four instances.
            let low: Vec<Ext> = low.iter().cycle().take(3 * 32).copied().collect();
            let parts = [(3, tables(high, 32)), (log_rows, tables(&low, 4 << log_rows))];
            let claim: Ext = parts.iter().map(|(_, tables)| sum(tables)).sum();
            let given = parts.iter().map(|(log_rows, tables)| Part {
                tables: tables.clone(),
                log_rows: *log_rows,
                combine: Box::new(combine),
            });
            let (proof, point, finals) = prove_parts(given.collect(), 3, 2, 3, &mut transcript());
            let reduced = proof.reduce(claim, 5, 3, &mut transcript()).expect("a proof");
            prop_assert_eq!(&reduced.point, &point);
            let mut value = Ext::ZERO;
            for ((log_rows, tables), finals) in parts.iter().zip(&finals) {
                let own: Vec<Ext> = point[..*log_rows].iter().chain(&point[3..]).copied().collect();
                for (table, &value) in tables.iter().zip(finals) {
                    prop_assert_eq!(evaluate(table, &own), value);
                }
                value += combine(finals) * Ext::TWO.inverse().exp_u64(3 - *log_rows as u64);
            }
            prop_assert_eq!(reduced.value, value);
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        let tables = vec![vec![Ext::TWO; 8]; 3];
        let (proof, ..) = prove(tables, 3, combine, &mut transcript());
        let reduce = |proof: &SumcheckProof| proof.reduce(Ext::ZERO, 3, 3, &mut transcript());
        assert!(reduce(&proof).is_ok());
        let mut fewer = proof.clone();
        fewer.0.pop();
        let expected = SumcheckError::Rounds {
            got: 2,
            expected: 3,
        };
        assert_eq!(reduce(&fewer), Err(expected));
        for change in [
            |v: &mut Vec<Ext>| v.push(Ext::ONE),
            |v: &mut Vec<Ext>| v.clear(),
        ] {
            let mut other = proof.clone();
            change(&mut other.0[1]);
            assert!(matches!(
                reduce(&other),
                Err(SumcheckError::Values { round: 1, .. })
            ));
        }
    }
}
