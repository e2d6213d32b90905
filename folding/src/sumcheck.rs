//! The sum-check protocol (Lund, Fortnow, Karloff and Nisan, FOCS 1990): that Σ g(x) over {0,1}ⁿ is a claimed value, for a polynomial g of a
//! known degree in each variable.
//!
//! A round's message is the values of its univariate polynomial at 0, 2, 3, …, d. That at 1 follows from the claim, which the verifier has computed itself or
//! from the round before, so no round can state a sum of its own.

use p3_field::{Field, PrimeCharacteristicRing};
use p3_maybe_rayon::prelude::*;
use plica_field::{Ext, Felt};
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
        let weights = vec![Ext::ONE; 2 << left];
        let values = weighted_round(&weights, &tables, degree, false, &combine);
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

/// A polynomial in the columns of a table.
pub trait RowPolynomial: Sync {
    /// Its value at a row.
    fn at_row(&self, row: &[Felt]) -> Ext;
    /// The same over the extension.
    fn at_point(&self, row: &[Ext]) -> Ext;
}

/// A summand of a sum over rows and instances: Σ weight·polynomial, in the first `log_rows` row variables and all of the instances. In the sum over all row variables it is divided
/// by two for each that it does not have, so that its own sum is what it adds.
pub struct Part<'a> {
    pub log_rows: usize,
    /// By row (low bits) and instance.
    pub weights: Vec<Ext>,
    /// Column by column, each in the same order.
    pub columns: Vec<Vec<Felt>>,
    /// Of weight and polynomial together.
    pub degree: usize,
    pub polynomial: &'a dyn RowPolynomial,
}

/// Columns before and after the first variable is set.
enum Columns {
    Rows(Vec<Vec<Felt>>),
    Points(Vec<Vec<Ext>>),
}

/// What is left of a part.
struct Rest<'a> {
    log_rows: usize,
    degree: usize,
    weights: Vec<Ext>,
    columns: Columns,
    polynomial: &'a dyn RowPolynomial,
}

impl Rest<'_> {
    /// The values at 0, 2, …, `degree` of the sum over the other variables. Where the own degree is lower, from as many as that takes.
    fn round(&self, degree: usize) -> Vec<Ext> {
        let with_1 = self.degree < degree;
        let values = match &self.columns {
            Columns::Rows(columns) => {
                let polynomial = |row: &[Felt]| self.polynomial.at_row(row);
                weighted_round(&self.weights, columns, self.degree, with_1, polynomial)
            }
            Columns::Points(columns) => {
                let polynomial = |row: &[Ext]| self.polynomial.at_point(row);
                weighted_round(&self.weights, columns, self.degree, with_1, polynomial)
            }
        };
        match with_1 {
            true => extended(values, degree),
            false => values,
        }
    }

    /// The sum over all that is left.
    fn sum(&self) -> Ext {
        let at = |x: usize| match &self.columns {
            Columns::Rows(columns) => {
                let row: Vec<Felt> = columns.iter().map(|column| column[x]).collect();
                self.polynomial.at_row(&row)
            }
            Columns::Points(columns) => {
                let row: Vec<Ext> = columns.iter().map(|column| column[x]).collect();
                self.polynomial.at_point(&row)
            }
        };
        let weights = self.weights.iter().enumerate();
        weights.map(|(x, &weight)| weight * at(x)).sum()
    }

    fn bind(&mut self, challenge: Ext) {
        bind(&mut self.weights, challenge);
        self.columns = match core::mem::replace(&mut self.columns, Columns::Points(vec![])) {
            Columns::Rows(columns) => {
                let bound = |column: Vec<Felt>| {
                    let pairs = column.as_chunks::<2>().0.iter();
                    let values = pairs.map(|&[low, high]| challenge * (high - low) + low);
                    values.collect()
                };
                Columns::Points(columns.into_par_iter().map(bound).collect())
            }
            Columns::Points(mut columns) => {
                let all = columns.par_iter_mut();
                all.for_each(|column| bind(column, challenge));
                Columns::Points(columns)
            }
        };
    }

    /// The columns where nothing is left.
    fn finals(self) -> Vec<Ext> {
        match self.columns {
            Columns::Rows(columns) => columns.iter().map(|column| column[0].into()).collect(),
            Columns::Points(columns) => columns.iter().map(|column| column[0]).collect(),
        }
    }
}

/// Proves the sum of all parts over 2^`log_rows` rows and 2^`log_instances` instances; rows are bound first. Returns the point and the values of each part's columns there.
///
/// # Panics
/// If a column has another size than its part's rows and the instances.
pub fn prove_parts(
    parts: Vec<Part<'_>>,
    log_rows: usize,
    log_instances: usize,
    degree: usize,
    transcript: &mut Transcript,
) -> (SumcheckProof, Vec<Ext>, Vec<Vec<Ext>>) {
    let rest = parts.into_iter().map(|part| {
        let size = 1 << (part.log_rows + log_instances);
        assert!(part.log_rows <= log_rows, "rows of the highest");
        assert!(part.weights.len() == size, "a weight for each row");
        assert!(part.columns.iter().all(|column| column.len() == size));
        Rest {
            log_rows: part.log_rows,
            degree: part.degree,
            weights: part.weights,
            columns: Columns::Rows(part.columns),
            polynomial: part.polynomial,
        }
    });
    let mut parts: Vec<Rest<'_>> = rest.collect();
    let half = Ext::TWO.inverse();
    let (mut rounds, mut point) = (Vec::new(), Vec::new());
    for round in 0..log_rows + log_instances {
        let mut values = vec![Ext::ZERO; degree.max(1)];
        for part in &parts {
            let in_rows = round < log_rows;
            let own = if in_rows && round >= part.log_rows {
                // It does not have this variable: a constant, halved for this one and those before.
                let passed = round + 1 - part.log_rows;
                vec![part.sum() * half.exp_u64(passed as u64); values.len()]
            } else {
                let missing = if in_rows { 0 } else { log_rows - part.log_rows };
                let scale = half.exp_u64(missing as u64);
                let own = part.round(degree).into_iter();
                own.map(|value| value * scale).collect()
            };
            values
                .iter_mut()
                .zip(own)
                .for_each(|(sum, own)| *sum += own);
        }
        transcript.absorb_ext(&values);
        let challenge = transcript.challenge();
        for part in &mut parts {
            if round < part.log_rows || round >= log_rows {
                part.bind(challenge);
            }
        }
        rounds.push(values);
        point.push(challenge);
    }
    let finals = parts.into_iter().map(Rest::finals).collect();
    (SumcheckProof(rounds), point, finals)
}

/// The values at 0, 2, …, `degree` of the polynomial that has these at 0, 1, 2, … and no higher degree than they determine.
fn extended(values: Vec<Ext>, degree: usize) -> Vec<Ext> {
    // Differences of each order at the last of the values known.
    let mut last = Vec::with_capacity(values.len());
    let mut row = values.clone();
    while let Some(&end) = row.last() {
        last.push(end);
        row = row.windows(2).map(|pair| pair[1] - pair[0]).collect();
    }
    let mut all = values;
    while all.len() <= degree {
        for order in (1..last.len()).rev() {
            let step = last[order];
            last[order - 1] += step;
        }
        all.extend(last.first());
    }
    let rest = all.split_off(2);
    all.truncate(1);
    all.extend(rest);
    all
}

/// The values at 0, 2, …, `degree` of a weight times a polynomial in columns, summed over the other variables; if asked for, with the value at 1 in its place.
fn weighted_round<T>(
    weights: &[Ext],
    columns: &[Vec<T>],
    degree: usize,
    with_1: bool,
    polynomial: impl Fn(&[T]) -> Ext + Sync,
) -> Vec<Ext>
where
    T: PrimeCharacteristicRing + Copy + Send + Sync,
{
    struct Memory<T> {
        sums: Vec<Ext>,
        row: Vec<T>,
        steps: Vec<T>,
    }
    let count = degree.max(1) + usize::from(with_1);
    let new = || Memory {
        sums: vec![Ext::ZERO; count],
        row: Vec::with_capacity(columns.len()),
        steps: Vec::with_capacity(columns.len()),
    };
    let add = |mut memory: Memory<T>, (x, pair): (usize, &[Ext; 2])| {
        let Memory { sums, row, steps } = &mut memory;
        row.clear();
        steps.clear();
        for column in columns {
            let (low, high) = (column[2 * x], column[2 * x + 1]);
            row.push(low);
            steps.push(high - low);
        }
        let [mut weight, high] = *pair;
        let step = high - weight;
        sums[0] += weight * polynomial(row);
        for argument in 1..=degree {
            weight += step;
            row.iter_mut()
                .zip(&*steps)
                .for_each(|(value, &step)| *value += step);
            if argument > 1 || with_1 {
                sums[argument - usize::from(!with_1)] += weight * polynomial(row);
            }
        }
        memory
    };
    let pairs = weights.as_chunks::<2>().0.par_iter().enumerate();
    pairs
        .fold(new, add)
        .map(|memory| memory.sums)
        .reduce(|| vec![Ext::ZERO; count], added)
}

fn added(mut a: Vec<Ext>, b: Vec<Ext>) -> Vec<Ext> {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
    a
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
        fn parts_of_fewer_rows_count_once(
            weights in elements(32),
            values in prop::collection::vec(any::<u64>(), 2 * 32),
            log_rows in 0usize..=3,
            degree in 3usize..7,
        ) {
            // Of 2^3 rows, and of fewer; four instances.
            let columns = |size: usize| -> Vec<Vec<Felt>> {
                let columns = values.chunks(32).map(|c| c[..size].iter().map(|&v| Felt::new(v)).collect());
                columns.collect()
            };
            let parts = [(3, 32), (log_rows, 4 << log_rows)]
                .map(|(log_rows, size)| (log_rows, weights[..size].to_vec(), columns(size)));
            let claim: Ext = parts.iter().map(|(_, weights, columns)| {
                let rows = (0..weights.len()).map(|x| weights[x] * Product.at_row(&[columns[0][x], columns[1][x]]));
                rows.sum::<Ext>()
            }).sum();
            let given = parts.iter().map(|(log_rows, weights, columns)| Part {
                log_rows: *log_rows,
                weights: weights.clone(),
                columns: columns.clone(),
                degree: 3,
                polynomial: &Product,
            });
            let (proof, point, finals) = prove_parts(given.collect(), 3, 2, degree, &mut transcript());
            let reduced = proof.reduce(claim, 5, degree, &mut transcript()).expect("a proof");
            prop_assert_eq!(&reduced.point, &point);
            let mut value = Ext::ZERO;
            for ((log_rows, weights, columns), finals) in parts.iter().zip(&finals) {
                let own: Vec<Ext> = point[..*log_rows].iter().chain(&point[3..]).copied().collect();
                for (column, &value) in columns.iter().zip(finals) {
                    let column: Vec<Ext> = column.iter().map(|&v| v.into()).collect();
                    prop_assert_eq!(evaluate(&column, &own), value);
                }
                let scale = Ext::TWO.inverse().exp_u64(3 - *log_rows as u64);
                value += scale * evaluate(weights, &own) * Product.at_point(finals);
            }
            prop_assert_eq!(reduced.value, value);
        }
    }

    /// a·b + a, of degree 2.
    struct Product;

    impl RowPolynomial for Product {
        fn at_row(&self, row: &[Felt]) -> Ext {
            (row[0] * row[1] + row[0]).into()
        }

        fn at_point(&self, row: &[Ext]) -> Ext {
            row[0] * row[1] + row[0]
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
