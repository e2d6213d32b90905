//! The ring R = F\[X\]/(X⁵⁴ + X²⁷ + 1), and the same over the challenge field.
//!
//! X⁵⁴ + X²⁷ + 1 is the 81st cyclotomic polynomial, so X has order 81. As p mod 81 = 4 has order 27, it splits into two factors of degree 27
//! over F, X²⁷ − ω and X²⁷ − ω², ω a cube root of one: R is a product of two fields of order p²⁷. Every element other than zero whose
//! coefficients are below √p/√3 ≈ 2.48·10⁹ is a unit (Lyubashevsky and Seiler, "Short, Invertible Elements in Partially Splitting
//! Cyclotomic Rings", Eurocrypt 2018, theorem 1.1), which challenges rely on.

use core::ops::{Add, AddAssign, Sub};

use p3_field::PrimeCharacteristicRing;
use plica_field::{Ext, Felt};

/// Coefficients of a ring element.
pub const DEGREE: usize = 54;

/// Where the reduction polynomial has its middle term.
const MIDDLE: usize = DEGREE / 2;

/// Σ aₖ·Xᵏ, k < 54.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingElement<T>(pub [T; DEGREE]);

impl<T: PrimeCharacteristicRing + Copy> RingElement<T> {
    pub const ZERO: Self = Self([T::ZERO; DEGREE]);

    /// Reduces a polynomial whose coefficients these are.
    ///
    /// # Panics
    /// If it has more than 2·54 of them.
    #[must_use]
    pub fn reduce(polynomial: &[T]) -> Self {
        assert!(polynomial.len() <= 2 * DEGREE, "a product at most");
        let mut all = [T::ZERO; 2 * DEGREE];
        all[..polynomial.len()].copy_from_slice(polynomial);
        // X^k = −X^(k−27) − X^(k−54), from the top as a term may land above 54 again.
        for k in (DEGREE..all.len()).rev() {
            let top = all[k];
            all[k - MIDDLE] -= top;
            all[k - DEGREE] -= top;
        }
        Self(core::array::from_fn(|k| all[k]))
    }

    /// X·a.
    #[must_use]
    pub fn times_x(&self) -> Self {
        let top = self.0[DEGREE - 1];
        let mut out = Self::ZERO;
        out.0[1..].copy_from_slice(&self.0[..DEGREE - 1]);
        out.0[0] = -top;
        out.0[MIDDLE] -= top;
        out
    }

    /// The product with an element over a smaller ring: over itself, or of the base field.
    #[must_use]
    pub fn times<S: Copy>(&self, other: &RingElement<S>) -> Self
    where
        T: core::ops::Mul<S, Output = T>,
    {
        let mut product = [T::ZERO; 2 * DEGREE];
        for (i, &a) in self.0.iter().enumerate() {
            for (out, &b) in product[i..].iter_mut().zip(&other.0) {
                *out += a * b;
            }
        }
        Self::reduce(&product)
    }

    /// Each coefficient times a scalar.
    #[must_use]
    pub fn scaled<S: Copy>(&self, scalar: S) -> Self
    where
        T: core::ops::Mul<S, Output = T>,
    {
        Self(self.0.map(|a| a * scalar))
    }

    /// The coefficient of 1.
    pub const fn constant(&self) -> T {
        self.0[0]
    }

    /// The element b with constant(b·c) = ⟨a, c⟩ for all c: the inner product of coefficients as a product in the ring.
    #[must_use]
    pub fn dual(&self) -> Self {
        let a = &self.0;
        Self(core::array::from_fn(|k| match k {
            0 => a[0],
            k if k < MIDDLE => -a[MIDDLE - k] - a[DEGREE - k],
            k => -a[DEGREE - k],
        }))
    }
}

impl RingElement<Felt> {
    /// The same element over the challenge field.
    #[must_use]
    pub fn lift(&self) -> RingElement<Ext> {
        RingElement(self.0.map(Ext::from))
    }
}

impl<T: PrimeCharacteristicRing + Copy> Add for RingElement<T> {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl<T: PrimeCharacteristicRing + Copy> AddAssign for RingElement<T> {
    fn add_assign(&mut self, other: Self) {
        for (a, b) in self.0.iter_mut().zip(other.0) {
            *a += b;
        }
    }
}

impl<T: PrimeCharacteristicRing + Copy> Sub for RingElement<T> {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(core::array::from_fn(|k| self.0[k] - other.0[k]))
    }
}

#[cfg(test)]
mod tests {
    use p3_field::Field;
    use proptest::prelude::*;

    use super::*;

    fn element() -> impl Strategy<Value = RingElement<Felt>> {
        prop::collection::vec(any::<u64>(), DEGREE)
            .prop_map(|values| RingElement(core::array::from_fn(|k| Felt::new(values[k]))))
    }

    fn power_of_x(exponent: usize) -> RingElement<Felt> {
        let mut one = RingElement::ZERO;
        one.0[0] = Felt::ONE;
        (0..exponent).fold(one, |x, _| x.times_x())
    }

    #[test]
    fn x_has_order_81_and_its_27th_power_is_a_cube_root() {
        let one = power_of_x(0);
        assert_eq!(power_of_x(81), one);
        for exponent in [1, 3, 9, 27, 54] {
            assert_ne!(power_of_x(exponent), one);
        }
        let omega = power_of_x(27);
        assert_eq!(omega.times(&omega) + omega + one, RingElement::ZERO);
        // The two factors over F: X²⁷ is ω in one, ω² in the other.
        let omega = Felt::new(0xffff_ffff_0000_0001 - 0x1_0000_0000);
        assert_eq!(omega * omega + omega + Felt::ONE, Felt::ZERO);
        assert!(omega.exp_u64(3).is_one());
    }

    proptest! {
        #[test]
        fn multiplication_by_x_is_multiplication(a in element()) {
            prop_assert_eq!(a.times_x(), a.times(&power_of_x(1)));
        }

        #[test]
        fn it_is_a_commutative_ring(a in element(), b in element(), c in element()) {
            prop_assert_eq!(a.times(&b), b.times(&a));
            prop_assert_eq!(a.times(&b).times(&c), a.times(&b.times(&c)));
            prop_assert_eq!(a.times(&(b + c)), a.times(&b) + a.times(&c));
            prop_assert_eq!(a.times(&(b - c)), a.times(&b) - a.times(&c));
            prop_assert_eq!(a.lift().times(&b), a.times(&b).lift());
            prop_assert_eq!(a.lift().times(&b.lift()), a.times(&b).lift());
        }

        #[test]
        fn the_dual_makes_inner_products(a in element(), b in element()) {
            let inner: Felt = a.0.iter().zip(&b.0).map(|(&x, &y)| x * y).sum();
            prop_assert_eq!(a.dual().times(&b).constant(), inner);
        }
    }

    #[test]
    fn short_differences_are_units() {
        // The norm of a short element to the base field, in both factors, is not zero: a literal check of the theorem on a few.
        for seed in 0..8u64 {
            let short = RingElement(core::array::from_fn(|k| {
                let digit = (seed * 54 + k as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61;
                Felt::from_u64(digit % 5) - Felt::TWO
            }));
            if short != RingElement::ZERO {
                assert!(inverse(&short).is_some());
            }
        }
    }

    /// By Gaussian elimination on the matrix of the multiplication.
    fn inverse(a: &RingElement<Felt>) -> Option<RingElement<Felt>> {
        let mut columns = vec![*a];
        for _ in 1..DEGREE {
            columns.push(columns[columns.len() - 1].times_x());
        }
        let mut rows: Vec<Vec<Felt>> = (0..DEGREE)
            .map(|k| {
                let right = Felt::from_bool(k == 0);
                columns.iter().map(|c| c.0[k]).chain([right]).collect()
            })
            .collect();
        for k in 0..DEGREE {
            let pivot = (k..DEGREE).find(|&row| !rows[row][k].is_zero())?;
            rows.swap(k, pivot);
            let scale = rows[k][k].inverse();
            rows[k].iter_mut().for_each(|x| *x *= scale);
            let pivot = rows[k].clone();
            for (_, row) in rows.iter_mut().enumerate().filter(|&(row, _)| row != k) {
                let factor = row[k];
                for (x, &p) in row.iter_mut().zip(&pivot) {
                    *x -= factor * p;
                }
            }
        }
        let found = RingElement(core::array::from_fn(|k| rows[k][DEGREE]));
        assert_eq!(found.times(a), power_of_x(0));
        Some(found)
    }
}
