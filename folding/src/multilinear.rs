//! Multilinear polynomials, given by their values on {0,1}ⁿ.
//!
//! Position x of a table has the value at the point whose i-th coordinate is bit i of x: the first variable is the lowest bit.

use p3_field::PrimeCharacteristicRing;
use plica_field::Ext;

/// eq(point, x) for every x: 1 at the point, 0 at the other corners if the point is a corner.
#[must_use]
pub fn eq_table(point: &[Ext]) -> Vec<Ext> {
    let mut table = Vec::with_capacity(1 << point.len());
    table.push(Ext::ONE);
    // From the last variable, which is the highest bit, on: each step puts a lower bit behind.
    for &coordinate in point.iter().rev() {
        table = table
            .into_iter()
            .flat_map(|value| {
                let one = value * coordinate;
                [value - one, one]
            })
            .collect();
    }
    table
}

/// eq(a, b) = Π (aᵢ·bᵢ + (1 − aᵢ)·(1 − bᵢ)).
///
/// # Panics
/// If the points have different numbers of coordinates.
pub fn eq(a: &[Ext], b: &[Ext]) -> Ext {
    assert_eq!(a.len(), b.len(), "points of one space");
    let factors = a.iter().zip(b).map(|(&a, &b)| {
        let both = a * b;
        both.double() + Ext::ONE - a - b
    });
    factors.product()
}

/// Sets the first variable.
///
/// # Panics
/// If there is none left.
pub fn bind(table: &mut Vec<Ext>, value: Ext) {
    assert!(table.len() >= 2, "a variable to set");
    let half = table.len() / 2;
    for x in 0..half {
        let (at_zero, at_one) = (table[2 * x], table[2 * x + 1]);
        table[x] = at_zero + value * (at_one - at_zero);
    }
    table.truncate(half);
}

/// The value at a point.
///
/// # Panics
/// If the table has another size than 2ⁿ.
pub fn evaluate(table: &[Ext], point: &[Ext]) -> Ext {
    assert_eq!(table.len(), 1 << point.len(), "a value for each corner");
    let mut table = table.to_vec();
    point.iter().for_each(|&value| bind(&mut table, value));
    table[0]
}

#[cfg(test)]
pub(crate) mod tests {
    use p3_field::BasedVectorSpace;
    use plica_field::Felt;
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn element() -> impl Strategy<Value = Ext> {
        any::<[u64; 3]>().prop_map(|c| Ext::from_basis_coefficients_fn(|i| Felt::new(c[i])))
    }

    pub(crate) fn elements(count: usize) -> impl Strategy<Value = Vec<Ext>> {
        prop::collection::vec(element(), count)
    }

    fn corner(x: usize, variables: usize) -> Vec<Ext> {
        (0..variables)
            .map(|i| Ext::from_bool(x >> i & 1 == 1))
            .collect()
    }

    proptest! {
        #[test]
        fn tables_of_eq_and_evaluations(point in elements(5), other in elements(5), table in elements(32)) {
            let weights = eq_table(&point);
            for (x, &weight) in weights.iter().enumerate() {
                prop_assert_eq!(weight, eq(&point, &corner(x, 5)));
                prop_assert_eq!(evaluate(&table, &corner(x, 5)), table[x]);
            }
            let sum: Ext = weights.iter().zip(&table).map(|(&w, &v)| w * v).sum();
            prop_assert_eq!(evaluate(&table, &point), sum);
            prop_assert_eq!(evaluate(&weights, &other), eq(&point, &other));
        }
    }

    #[test]
    fn without_variables() {
        assert_eq!(eq_table(&[]), [Ext::ONE]);
        assert_eq!(eq(&[], &[]), Ext::ONE);
        assert_eq!(evaluate(&[Ext::TWO], &[]), Ext::TWO);
    }
}
