//! Folds of a toy machine: what is accepted is what a literal check accepts, and nothing that was changed.

use std::collections::HashMap;
use std::sync::OnceLock;

use p3_air::{Air, AirBuilder, BaseAir, WindowAccess};
use p3_field::{BasedVectorSpace, Field, PrimeCharacteristicRing};
use p3_lookup::{Count, InteractionBuilder};
use p3_matrix::dense::RowMajorMatrix;

use super::prove::Digits;
use super::*;
use crate::challenge::ChallengeSet;
use crate::key::CommitmentKey;
use crate::multilinear::eq_table;
use crate::relation::{Relation, RelationError, Row};
use crate::shape::{TableInput, Trace};
use crate::witness::Witness;

/// A machine that squares public value 0 and says that it is public value 1, with a number below eight on the side.
#[derive(Clone, Copy)]
enum Toy {
    /// Column: the number of times that the input is read, 0 or 1.
    Statement,
    /// Columns a, b, small, real: b = a² if real.
    Square,
    /// The numbers below eight, and how often each is asked for.
    Numbers,
    /// As the statement, without its constraint.
    Bare,
    /// Column a is 8.
    Eight,
    /// On another bus; with a tuple of another length.
    Elsewhere,
    Longer,
    /// Says something of the next row.
    Next,
    /// Tells the first row from others.
    First,
}

impl BaseAir<Felt> for Toy {
    fn width(&self) -> usize {
        match self {
            Self::Square => 4,
            _ => 1,
        }
    }

    fn preprocessed_width(&self) -> usize {
        usize::from(matches!(self, Self::Numbers))
    }

    fn num_public_values(&self) -> usize {
        match self {
            Self::Statement | Self::Bare => 2,
            _ => 0,
        }
    }
}

impl<AB: AirBuilder<F = Felt> + InteractionBuilder> Air<AB> for Toy {
    fn eval(&self, builder: &mut AB) {
        let main = builder.main();
        let row: Vec<AB::Expr> = main.current_slice().iter().map(|&v| v.into()).collect();
        let next: Vec<AB::Expr> = main.next_slice().iter().map(|&v| v.into()).collect();
        let send = |builder: &mut AB, tag: u8, value: AB::Expr, count| {
            builder.push_interaction("toy", [AB::Expr::from_u8(tag), value], count);
        };
        match self {
            Self::Statement | Self::Bare => {
                let public: Vec<AB::Expr> =
                    builder.public_values().iter().map(|&v| v.into()).collect();
                let read = row[0].clone();
                if matches!(self, Self::Statement) {
                    builder.assert_bool(read.clone());
                    // Over instances a public value is of degree 1.
                    let scaled = public[0].clone() * read.clone();
                    builder.assert_zero(scaled.clone() * read.clone() - scaled);
                }
                send(builder, 1, public[0].clone(), Count::provided(read));
                send(
                    builder,
                    2,
                    public[1].clone(),
                    Count::bounded(AB::Expr::NEG_ONE, 1),
                );
            }
            Self::Square => {
                let [a, b, small, real] = [0, 1, 2, 3].map(|i| row[i].clone());
                builder.assert_bool(real.clone());
                builder.assert_zero(real.clone() * (b.clone() - a.clone() * a.clone()));
                let consumed = Count::bounded(-real.clone(), 1);
                send(builder, 1, a, consumed.clone());
                send(builder, 2, b, Count::provided(real));
                send(builder, 3, small, consumed);
            }
            Self::Numbers => {
                let value = builder.preprocessed().current_slice()[0].into();
                send(builder, 3, value, Count::provided(row[0].clone()));
            }
            Self::Elsewhere => {
                let count = Count::provided(AB::Expr::ONE);
                builder.push_interaction("other", [AB::Expr::ONE, row[0].clone()], count);
            }
            Self::Longer => {
                let count = Count::provided(AB::Expr::ONE);
                let tuple = [AB::Expr::ONE, row[0].clone(), AB::Expr::ZERO];
                builder.push_interaction("toy", tuple, count);
            }
            Self::Eight => builder.assert_eq(row[0].clone(), AB::Expr::from_u8(8)),
            Self::Next => builder.assert_zero(next[0].clone() - row[0].clone()),
            Self::First => builder.when_first_row().assert_zero(row[0].clone()),
        }
    }
}

/// Two rows, so that the test is quick; nothing is hidden by them.
const PARAMETERS: Parameters = Parameters {
    name: "toy",
    rows: 2,
    log_length: 6,
    log_bound: 14,
    challenges: ChallengeSet::SEVEN,
};

const TABLES: [(&str, Toy, usize); 3] = [
    ("statement", Toy::Statement, 0),
    ("square", Toy::Square, 2),
    ("numbers", Toy::Numbers, 3),
];

fn shape() -> &'static Shape {
    static SHAPE: OnceLock<Shape> = OnceLock::new();
    SHAPE.get_or_init(|| shape_with(PARAMETERS.log_length).expect("it fits"))
}

fn shape_with(log_length: usize) -> Result<Shape, crate::shape::ShapeError> {
    let input = |(name, toy, log_height): (&'static str, Toy, usize)| {
        let fixed = match toy {
            Toy::Numbers => RowMajorMatrix::new((0..8).map(Felt::from_u8).collect(), 1),
            _ => RowMajorMatrix::new(vec![], 0),
        };
        let relation = Relation::new(name, &toy).expect("of single rows");
        let widths = match toy {
            Toy::Square => vec![41, 41, 3, 1],
            Toy::Numbers => vec![2],
            _ => vec![1],
        };
        TableInput {
            relation,
            log_height,
            fixed,
            widths,
        }
    };
    Shape::new(TABLES.map(input).to_vec(), log_length)
}

fn key() -> &'static CommitmentKey {
    static KEY: OnceLock<CommitmentKey> = OnceLock::new();
    KEY.get_or_init(|| CommitmentKey::new(&PARAMETERS))
}

fn instance(input: u64) -> Instance {
    let a = Felt::new(input);
    let small = input % 8;
    let mut square = vec![Felt::ZERO; 16];
    square[..4].copy_from_slice(&[a, a * a, Felt::new(small), Felt::ONE]);
    let mut numbers = vec![Felt::ZERO; 8];
    numbers[small as usize] = Felt::ONE;
    let traces = [(vec![Felt::ONE], 1), (square, 4), (numbers, 1)];
    Instance {
        public_values: vec![a, a * a],
        traces: traces
            .map(|(values, width)| Trace::new(values, width))
            .to_vec(),
    }
}

fn instances(count: u64) -> Vec<Instance> {
    (0..count)
        .map(|i| instance(0x9e37_79b9 * (i + 3) + i))
        .collect()
}

fn public_values(instances: &[Instance]) -> Vec<Vec<Felt>> {
    instances.iter().map(|i| i.public_values.clone()).collect()
}

/// Whether constraints hold and messages cancel, looked at one by one.
fn is_valid(instance: &Instance) -> bool {
    let mut values = Vec::new();
    let mut holds = true;
    // In two pairs of challenges that nobody knew, a tuple is its denominator.
    let mut balance: HashMap<Ext, Felt> = HashMap::new();
    let alpha = Ext::from_basis_coefficients_fn(|i| Felt::new(0x1234_5678_9abc + i as u64));
    let powers = powers(alpha * alpha + Ext::TWO, 2);
    for (table, trace) in shape().tables().iter().zip(&instance.traces) {
        for row in 0..1 << table.log_height {
            let row = Row {
                columns: &trace.values[row * trace.width..][..trace.width],
                fixed: match table.relation.fixed() {
                    0 => &[],
                    _ => table.fixed_row(row),
                },
                public_values: &instance.public_values,
            };
            table.relation.evaluate(
                row,
                (alpha, &powers),
                &mut values,
                |_, value| holds &= value == Felt::ZERO,
                |_, count, tuple| *balance.entry(tuple).or_default() += count,
            );
        }
    }
    holds && balance.values().all(|&sum| sum == Felt::ZERO)
}

fn fold(instances: &[Instance]) -> (FoldProof, Undecided, FoldedWitness) {
    prove(&PARAMETERS, key(), shape(), instances).expect("of the shape")
}

fn check(public: &[Vec<Felt>], proof: &FoldProof) -> Result<Undecided, FoldError> {
    verify(&PARAMETERS, shape(), public, proof)
}

/// Whether a fold is accepted in the end.
fn accepted(public: &[Vec<Felt>], proof: &FoldProof, witness: &FoldedWitness) -> bool {
    match check(public, proof) {
        Ok(undecided) => undecided.decide(key(), witness).is_ok(),
        Err(_) => false,
    }
}

#[test]
fn folds_of_any_number_are_accepted() {
    for count in [1, 2, 3, 4, 5, 8] {
        let instances = instances(count);
        assert!(instances.iter().all(is_valid));
        let (proof, undecided, witness) = fold(&instances);
        let found = check(&public_values(&instances), &proof).expect("accepted");
        assert_eq!(found, undecided, "{count}");
        found.decide(key(), &witness).expect("a witness");
    }
}

/// The fast sum over digits and the literal one send the same.
#[test]
fn both_provers_send_the_same() {
    let transcript = || plica_hash_rpo::transcript::Transcript::new(&[Felt::new(3)]);
    let mut random = 9u64;
    let mut draw = |bits: u32| {
        random = random
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405);
        random >> (64 - bits)
    };
    // Of all small lengths, dense and sparse, and with empty words between.
    for (variables, instances, empty) in [
        (0, 1, 1),
        (1, 2, 2),
        (2, 1, 3),
        (3, 3, 2),
        (5, 2, 9),
        (8, 2, 3),
        (9, 1, 200),
    ] {
        let length = 1 << variables;
        let mut witnesses = vec![Witness::zero(length); instances];
        for witness in &mut witnesses {
            for element in (0..length).filter(|element| element % empty != 1) {
                for plane in 0..DEGREE {
                    let digit = [0, 1, -1, 1][draw(2) as usize];
                    witness.set(element, plane, digit).expect("a digit");
                }
            }
        }
        let mut element = || Ext::from_basis_coefficients_fn(|_| Felt::new(draw(63)));
        let functional: Vec<_> = (0..length)
            .map(|_| [(); DEGREE].map(|()| element()))
            .collect();
        let weights: Vec<_> = (0..instances).map(|_| element()).collect();
        let theta: Vec<_> = (0..variables).map(|_| element()).collect();
        let sum = super::digits::Sum {
            functional: &functional,
            weights: &weights,
            gammas: &digit_powers(element(), instances),
            theta: &theta,
        };
        let fast = super::digits::prove(&witnesses, &sum, &mut transcript());
        let digit = |i: usize, element, plane| witnesses[i].digit(element, plane);
        let literal = super::literal::prove(&digit, &sum, &mut transcript());
        assert_eq!(fast, literal, "{variables} variables");
    }
}

/// Each cell of each table and each public value, changed alone: the fold is accepted if and only if a literal check finds nothing.
#[test]
fn it_proves_what_a_literal_check_finds() {
    let honest = instances(3);
    let (mut refused, mut free) = (0, 0);
    for table in 0..TABLES.len() {
        for cell in 0..honest[1].traces[table].values.len() {
            let mut changed = honest.clone();
            let value = &mut changed[1].traces[table].values[cell];
            *value = if *value == Felt::ONE {
                Felt::ZERO
            } else {
                Felt::ONE
            };
            let valid = is_valid(&changed[1]);
            let (proof, _, witness) = fold(&changed);
            let found = accepted(&public_values(&changed), &proof, &witness);
            assert_eq!(found, valid, "table {table}, cell {cell}");
            if valid { free += 1 } else { refused += 1 }
        }
    }
    for value in 0..2 {
        let mut changed = honest.clone();
        changed[1].public_values[value] += Felt::ONE;
        assert!(!is_valid(&changed[1]));
        let (proof, _, witness) = fold(&changed);
        assert!(!accepted(&public_values(&changed), &proof, &witness));
    }
    // Rows that are not real may have anything in a, b and small.
    assert_eq!((refused, free), (25 - 9, 9));
}

fn shorten<V>(values: &mut Vec<V>) {
    values.pop();
}

#[test]
fn nothing_that_was_sent_can_be_changed() {
    let instances = instances(3);
    let public = public_values(&instances);
    let (proof, _, witness) = fold(&instances);
    assert!(accepted(&public, &proof, &witness));
    let refused = |what: &str, change: &dyn Fn(&mut FoldProof)| {
        let mut changed = proof.clone();
        change(&mut changed);
        assert_ne!(changed, proof, "{what}");
        assert!(!accepted(&public, &changed, &witness), "{what}");
    };
    for instance in 0..3 {
        for row in 0..PARAMETERS.rows {
            for coefficient in 0..DEGREE {
                refused("commitment", &|p| {
                    p.commitments[instance].0[row].0[coefficient] += Felt::ONE;
                });
            }
        }
        for plane in 0..DEGREE {
            refused("plane", &|p| p.planes[instance].0[plane] += Ext::ONE);
        }
        refused("numerator", &|p| p.roots[instance].numerator += Ext::ONE);
        refused("denominator", &|p| {
            p.roots[instance].denominator += Ext::ONE
        });
    }
    for layer in 0..proof.fractions.0.len() {
        for half in 0..2 {
            refused("half", &|p| {
                p.fractions.0[layer].halves[half].numerator += Ext::ONE
            });
            refused("half", &|p| {
                p.fractions.0[layer].halves[half].denominator += Ext::ONE
            });
        }
        for round in 0..proof.fractions.0[layer].sumcheck.0.len() {
            for value in 0..3 {
                refused("layer", &|p| {
                    p.fractions.0[layer].sumcheck.0[round][value] += Ext::ONE
                });
            }
        }
    }
    for round in 0..proof.rows.0.len() {
        for value in 0..proof.rows.0[round].len() {
            refused("rows", &|p| p.rows.0[round][value] += Ext::ONE);
        }
    }
    for table in 0..proof.columns.len() {
        for column in 0..proof.columns[table].len() {
            refused("column", &|p| p.columns[table][column] += Ext::ONE);
        }
    }
    for round in 0..proof.digits.0.len() {
        for value in 0..proof.digits.0[round].len() {
            refused("digits", &|p| p.digits.0[round][value] += Ext::ONE);
        }
    }
    // Lengths.
    refused("a commitment less", &|p| shorten(&mut p.commitments));
    refused("a row less", &|p| shorten(&mut p.commitments[1].0));
    refused("a root less", &|p| shorten(&mut p.roots));
    refused("a root more", &|p| p.roots.push(p.roots[0]));
    refused("a layer less", &|p| shorten(&mut p.fractions.0));
    refused("a round less", &|p| shorten(&mut p.rows.0));
    refused("a value more", &|p| p.rows.0[0].push(Ext::ZERO));
    refused("a table less", &|p| shorten(&mut p.columns));
    refused("a column less", &|p| shorten(&mut p.columns[1]));
    refused("a round less", &|p| shorten(&mut p.digits.0));
    refused("planes less", &|p| shorten(&mut p.planes));
}

/// Other claims than those that were folded: changed, in another order, one more, one less.
#[test]
fn a_fold_is_one_of_its_claims() {
    let instances = instances(3);
    let public = public_values(&instances);
    let (proof, _, witness) = fold(&instances);
    for instance in 0..3 {
        for value in 0..2 {
            let mut changed = public.clone();
            changed[instance][value] += Felt::ONE;
            assert!(!accepted(&changed, &proof, &witness));
        }
    }
    let mut swapped = public.clone();
    swapped.swap(1, 2);
    assert!(!accepted(&swapped, &proof, &witness));
    assert!(matches!(
        check(&public[..2], &proof),
        Err(FoldError::Count { .. })
    ));
    let mut more = public.clone();
    more.push(public[0].clone());
    assert!(matches!(check(&more, &proof), Err(FoldError::Count { .. })));
    assert_eq!(check(&[], &proof), Err(FoldError::Nothing));
    let mut short = public;
    short[0].pop();
    assert!(matches!(
        check(&short, &proof),
        Err(FoldError::Count { .. })
    ));
}

/// Messages that cancel over two instances only.
#[test]
fn each_instance_has_a_sum_of_its_own() {
    let mut both = instances(2);
    // The second one reads its number from the table of the first.
    let small = |instance: &Instance| instance.traces[1].values[2];
    let of_second = small(&both[1]);
    assert_ne!(small(&both[0]), of_second);
    let place = (0..8)
        .find(|&i| Felt::from_u8(i) == of_second)
        .expect("small");
    both[1].traces[2].values[usize::from(place)] = Felt::ZERO;
    both[0].traces[2].values[usize::from(place)] = Felt::ONE;
    let (proof, ..) = fold(&both);
    let sum = |i: usize| proof.roots[i].numerator * proof.roots[i].denominator.inverse();
    assert_eq!(sum(0) + sum(1), Ext::ZERO);
    let result = check(&public_values(&both), &proof);
    assert_eq!(result, Err(FoldError::Bus(0)));
    let mut zero = proof;
    zero.roots[0].denominator = Ext::ZERO;
    zero.roots[0].numerator = Ext::ZERO;
    zero.roots[1] = Fraction::ZERO;
    let result = check(&public_values(&both), &zero);
    assert!(matches!(result, Err(FoldError::Fractions(_))), "{result:?}");
}

/// A prover whose digits are other ones: the same value in the column, a 2 in the commitment.
#[test]
fn a_digit_out_of_range_is_refused() {
    let instances = instances(2);
    for forged in [false, true] {
        let digit_of = |witnesses: &[Witness], i: usize, element: usize, plane: usize| {
            let digit = witnesses[i].digit(element, plane);
            // In the second instance −1 and 1 behind it, the number 2, may as well be 2 and 0.
            let pair = |e, p| (witnesses[1].digit(e, p), witnesses[1].digit(e, p + 1)) == (-1, 1);
            let places = (0..64).flat_map(|e| (0..40).map(move |p| (e, p)));
            let (e, p) = places
                .clone()
                .find(|&(e, p)| e >= 8 && pair(e, p))
                .expect("some 2");
            match forged && i == 1 && element == e {
                true if plane == p => 2,
                true if plane == p + 1 => 0,
                _ => digit,
            }
        };
        let witnesses: Vec<Witness> = instances
            .iter()
            .map(|i| shape().witness(&i.traces).expect("of the shape"))
            .collect();
        let element = |i: usize, element: usize| {
            RingElement(core::array::from_fn(|plane| {
                let digit = digit_of(&witnesses, i, element, plane);
                let size = Felt::from_u8(digit.unsigned_abs());
                if digit < 0 { -size } else { size }
            }))
        };
        let commitments: Vec<Commitment> = (0..2)
            .map(|i| {
                let row = |row| {
                    let products = (0..64).map(|j| key().element(row, j).times(&element(i, j)));
                    products.fold(RingElement::ZERO, |sum, product| sum + product)
                };
                Commitment((0..PARAMETERS.rows).map(row).collect())
            })
            .collect();
        let digit = |i, element, plane| digit_of(&witnesses, i, element, plane);
        let proof = super::prove::prove_with(
            &PARAMETERS,
            shape(),
            &instances,
            commitments,
            &Digits::Literally(&digit),
        );
        let result = check(&public_values(&instances), &proof.0);
        match forged {
            false => assert!(result.is_ok()),
            true => assert_eq!(result, Err(FoldError::Planes)),
        }
    }
}

/// The digit of each ring element is 2, of which z³ − z is 6: in the sum over digits that would make up for a column that is claimed to be 8, were the challenges' powers not disjoint.
#[test]
fn ranges_do_not_make_up_for_columns() {
    let table = TableInput {
        relation: Relation::new("eight", &Toy::Eight).expect("of single rows"),
        log_height: PARAMETERS.log_length,
        fixed: RowMajorMatrix::new(vec![], 0),
        widths: vec![3],
    };
    let shape = Shape::new(vec![table], PARAMETERS.log_length).expect("it fits");
    let instances = [Instance {
        public_values: vec![],
        traces: vec![Trace::new(vec![Felt::new(8); 64], 1)],
    }];
    let (proof, _, witness) = prove(&PARAMETERS, key(), &shape, &instances).expect("a fold");
    let honest = verify(&PARAMETERS, &shape, &[vec![]], &proof).expect("accepted");
    honest.decide(key(), &witness).expect("a witness");

    let mut two = RingElement::ZERO;
    two.0[0] = Felt::TWO;
    let row = |row| {
        let products = (0..64).map(|j| key().element(row, j).times(&two));
        products.fold(RingElement::ZERO, |sum, product| sum + product)
    };
    let commitments = vec![Commitment((0..PARAMETERS.rows).map(row).collect())];
    let digit = |_, _, plane| if plane == 0 { 2 } else { 0 };
    let (forged, ..) = super::prove::prove_with(
        &PARAMETERS,
        &shape,
        &instances,
        commitments,
        &Digits::Literally(&digit),
    );
    let result = verify(&PARAMETERS, &shape, &[vec![]], &forged);
    assert_eq!(result, Err(FoldError::Planes));
}

#[test]
fn what_is_left_has_to_be_decided() {
    let instances = instances(3);
    let (_, undecided, witness) = fold(&instances);
    let decide = |witness: &FoldedWitness| undecided.clone().decide(key(), witness);
    assert_eq!(decide(&witness), Ok(()));
    let mut changed = witness.clone();
    changed.0[11][53] += 1;
    assert_eq!(decide(&changed), Err(DecideError::Commitment));
    for value in [1 << 14, -(1 << 14), i32::MIN] {
        changed.0[11][53] = value;
        let error = DecideError::Norm {
            element: 11,
            plane: 53,
            value,
            bound: 1 << 14,
        };
        assert_eq!(decide(&changed), Err(error));
    }
    changed.0.pop();
    assert!(matches!(decide(&changed), Err(DecideError::Length { .. })));
    for plane in 0..DEGREE {
        let mut other = undecided.clone();
        other.planes.0[plane] += Ext::ONE;
        assert_eq!(other.decide(key(), &witness), Err(DecideError::Planes));
    }
    let mut other = undecided.clone();
    other.point[2] += Ext::ONE;
    assert_eq!(other.decide(key(), &witness), Err(DecideError::Planes));
    let larger = CommitmentKey::of_size(3, 64);
    assert_eq!(undecided.decide(&larger, &witness), Err(DecideError::Key));
}

/// Extreme challenges and digits: the witness that is combined is Σ ρ·z, below the bound that the guard allows.
#[test]
fn combined_witnesses_are_sums_of_products() {
    let most = PARAMETERS.most_claims();
    let digits = |seed: usize| {
        let digit = move |j: usize, l: usize| ((seed + 3 * j + 5 * l + j * l) % 3) as i8 - 1;
        let elements: Vec<[i8; DEGREE]> = (0..4)
            .map(|j| core::array::from_fn(|l| digit(j, l)))
            .collect();
        Witness::from_digits(&elements).expect("digits")
    };
    let witnesses: Vec<Witness> = (0..most).map(digits).collect();
    let mut state = 1u64;
    let challenges: Vec<_> = (0..most)
        .map(|_| {
            PARAMETERS.challenges.draw(|| {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                Felt::new(state)
            })
        })
        .collect();
    let combined = FoldedWitness::combine(&challenges, &witnesses);
    for (element, coefficients) in combined.0.iter().enumerate() {
        let products = challenges.iter().zip(&witnesses);
        let expected = products.fold(RingElement::<Felt>::ZERO, |sum, (challenge, witness)| {
            sum + witness.element(element).times(&challenge.element())
        });
        for (&found, expected) in coefficients.iter().zip(expected.0) {
            assert!(u64::from(found.unsigned_abs()) < PARAMETERS.bound());
            let size = Felt::from_u32(found.unsigned_abs());
            assert_eq!(if found < 0 { -size } else { size }, expected);
        }
    }
}

#[test]
fn too_many_claims_are_refused() {
    let most = PARAMETERS.most_claims();
    let public = vec![instance(3).public_values; most + 1];
    let (proof, ..) = fold(&instances(1));
    assert!(matches!(check(&public, &proof), Err(FoldError::Norm(_))));
    let many = vec![instance(3); most + 1];
    let result = prove(&PARAMETERS, key(), shape(), &many);
    assert!(matches!(result, Err(ProveError::Norm(_))));
}

#[test]
fn what_is_not_of_the_shape_is_refused() {
    let prove = |instances: &[Instance]| prove(&PARAMETERS, key(), shape(), instances).map(|_| ());
    assert_eq!(prove(&[]), Err(ProveError::Nothing));
    let mut wide = instances(2);
    wide[1].traces[2].values[3] = Felt::new(5);
    let reason = TraceError::Digits {
        table: "numbers",
        row: 3,
        column: 0,
        digits: 3,
        width: 2,
    };
    assert_eq!(
        prove(&wide),
        Err(ProveError::Trace {
            instance: 1,
            reason
        })
    );
    let mut short = instances(2);
    short[0].traces[1].values.truncate(12);
    let reason = TraceError::Size("square");
    assert_eq!(
        prove(&short),
        Err(ProveError::Trace {
            instance: 0,
            reason
        })
    );
    short[0].traces.pop();
    assert!(matches!(
        prove(&short),
        Err(ProveError::Trace { instance: 0, .. })
    ));
    let mut fewer = instances(1);
    fewer[0].public_values.pop();
    assert!(matches!(
        prove(&fewer),
        Err(ProveError::PublicValues { .. })
    ));

    assert_eq!(
        Relation::new("next", &Toy::Next).err(),
        Some(RelationError::NextRow)
    );
    assert_eq!(
        Relation::new("first", &Toy::First).err(),
        Some(RelationError::Selector)
    );
    assert!(matches!(
        shape_with(2),
        Err(crate::shape::ShapeError::Length { .. })
    ));
}

/// A table whose columns have no digits takes no ring elements, however high a prover says that it is: a verifier would look for more variables than there are.
#[test]
fn tables_without_digits_are_no_higher_than_witnesses() {
    use crate::shape::ShapeError;
    let shape = |log_height| {
        let table = TableInput {
            relation: Relation::new("square", &Toy::Square).expect("of single rows"),
            log_height,
            fixed: RowMajorMatrix::new(vec![], 0),
            widths: vec![0; 4],
        };
        Shape::new(vec![table], PARAMETERS.log_length)
    };
    let highest = shape(PARAMETERS.log_length).expect("it fits");
    let rows = 1 << PARAMETERS.log_length;
    let instances = [Instance {
        public_values: vec![],
        traces: vec![Trace::new(vec![Felt::ZERO; 4 * rows], 4)],
    }];
    let (proof, _, witness) = prove(&PARAMETERS, key(), &highest, &instances).expect("a fold");
    let undecided = verify(&PARAMETERS, &highest, &[vec![]], &proof).expect("accepted");
    undecided.decide(key(), &witness).expect("a witness");
    for log_height in [PARAMETERS.log_length + 1, 24, 64, usize::MAX] {
        let error = ShapeError::Height("square", log_height);
        assert_eq!(shape(log_height).err(), Some(error));
    }
}

#[test]
fn tuples_that_could_be_confused_are_refused() {
    use crate::shape::ShapeError;
    let table = |name, toy: Toy| TableInput {
        relation: Relation::new(name, &toy).expect("of single rows"),
        log_height: 0,
        fixed: RowMajorMatrix::new(vec![], 0),
        widths: vec![1],
    };
    let with = |other| Shape::new(vec![table("statement", Toy::Statement), other], 6);
    assert!(with(table("bare", Toy::Bare)).is_ok());
    let elsewhere = with(table("elsewhere", Toy::Elsewhere)).err();
    assert_eq!(elsewhere, Some(ShapeError::Bus("elsewhere")));
    let longer = with(table("longer", Toy::Longer)).err();
    assert_eq!(longer, Some(ShapeError::Tuples("longer")));
}

/// Columns as functionals of the planes, and these functionals at a point.
#[test]
fn columns_are_functionals_of_planes() {
    let shape = shape();
    let instance = instance(77);
    let witness = shape.witness(&instance.traces).expect("of the shape");
    let mut random = 5u64;
    let mut draw = || {
        Ext::from_basis_coefficients_fn(|_| {
            random = random
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(0x1405);
            Felt::new(random)
        })
    };
    let point: Vec<Ext> = (0..shape.log_rows()).map(|_| draw()).collect();
    let factors = column_factors(shape, draw());
    let functional = shape.functional(&factors, &point);
    let mut found = Ext::ZERO;
    for (element, weights) in functional.iter().enumerate() {
        for (&weight, digit) in weights.iter().zip(witness.element(element).0) {
            found += weight * digit;
        }
    }
    let mut expected = Ext::ZERO;
    for ((table, trace), factors) in shape.tables().iter().zip(&instance.traces).zip(&factors) {
        let rows = eq_table(&point[..table.log_height]);
        for (row, weight) in rows.into_iter().enumerate() {
            for (column, &factor) in factors.iter().enumerate() {
                expected += weight * factor * trace.values[row * trace.width + column];
            }
        }
    }
    assert_eq!(found, expected);
    let at: Vec<Ext> = (0..shape.log_length()).map(|_| draw()).collect();
    let mut sums = [Ext::ZERO; DEGREE];
    for (weights, eq) in functional.iter().zip(eq_table(&at)) {
        sums.iter_mut()
            .zip(weights)
            .for_each(|(sum, &w)| *sum += eq * w);
    }
    assert_eq!(shape.functional_at(&factors, &point, &at), sums);
}

/// Whatever a verifier relies on is in the digest.
#[test]
fn digests_tell_shapes_apart() {
    let digest = |change: &dyn Fn(&mut Vec<TableInput>)| {
        let mut tables: Vec<TableInput> = TABLES
            .map(|(name, toy, log_height)| TableInput {
                relation: Relation::new(name, &toy).expect("of single rows"),
                log_height,
                fixed: match toy {
                    Toy::Numbers => RowMajorMatrix::new((0..8).map(Felt::from_u8).collect(), 1),
                    _ => RowMajorMatrix::new(vec![], 0),
                },
                widths: vec![2; toy.width()],
            })
            .to_vec();
        change(&mut tables);
        Shape::new(tables, 6).expect("it fits").digest()
    };
    let digests = [
        digest(&|_| {}),
        digest(&|t| t.swap(0, 1)),
        digest(&|t| shorten(t)),
        digest(&|t| t[1].log_height = 3),
        digest(&|t| t[1].widths[2] = 3),
        digest(&|t| t[2].fixed.values[7] = Felt::new(9)),
        digest(&|t| t[0].relation = Relation::new("bare", &Toy::Bare).expect("of single rows")),
    ];
    for (i, a) in digests.iter().enumerate() {
        assert!(digests[i + 1..].iter().all(|b| a != b), "{i}");
    }
}
