//! The cubic extension against polynomials modulo X³ − X − 1 over 128-bit integers, scalar and packed.

use p3_field::extension::HasFrobenius;
use p3_field::{
    BasedVectorSpace, ExtensionField, Field, PackedFieldExtension, PackedValue,
    PrimeCharacteristicRing, PrimeField64, TwoAdicField,
};
use plica_field::{Ext, Felt, MODULUS};
use proptest::prelude::*;

type PackedExt = <Ext as ExtensionField<Felt>>::ExtensionPacking;
const LANES: usize = <<Felt as Field>::Packing as PackedValue>::WIDTH;

/// Coefficients of 1, X, X², canonical.
type Poly = [u64; 3];

fn add(x: Poly, y: Poly) -> Poly {
    core::array::from_fn(|i| ((u128::from(x[i]) + u128::from(y[i])) % u128::from(MODULUS)) as u64)
}

fn negate(x: Poly) -> Poly {
    x.map(|x| (MODULUS - x) % MODULUS)
}

/// The schoolbook product, reduced from the top: X^k = X^(k−2) + X^(k−3).
fn multiply(x: Poly, y: Poly) -> Poly {
    let p = u128::from(MODULUS);
    let mut product = [0u128; 5];
    for i in 0..3 {
        for j in 0..3 {
            product[i + j] = (product[i + j] + u128::from(x[i]) * u128::from(y[j]) % p) % p;
        }
    }
    for k in [4, 3] {
        product[k - 2] = (product[k - 2] + product[k]) % p;
        product[k - 3] = (product[k - 3] + product[k]) % p;
    }
    core::array::from_fn(|i| product[i] as u64)
}

fn power(x: Poly, exponent: u64) -> Poly {
    (0..64).rev().fold([1, 0, 0], |acc, bit| {
        let square = multiply(acc, acc);
        if exponent >> bit & 1 == 1 {
            multiply(square, x)
        } else {
            square
        }
    })
}

fn coefficients(x: &Ext) -> &[Felt] {
    x.as_basis_coefficients_slice()
}

fn pack(x: &[Ext]) -> PackedExt {
    PackedFieldExtension::<Felt, Ext>::from_ext_slice(x)
}

fn lane(x: PackedExt, j: usize) -> Ext {
    PackedFieldExtension::<Felt, Ext>::extract(&x, j)
}

fn poly(x: Ext) -> Poly {
    core::array::from_fn(|i| coefficients(&x)[i].as_canonical_u64())
}

fn felt() -> impl Strategy<Value = Felt> {
    prop_oneof![
        any::<u64>(),
        0..3u64,
        MODULUS - 2..MODULUS + 2,
        (1 << 32) - 2..(1u64 << 32) + 2,
        u64::MAX - 2..=u64::MAX
    ]
    .prop_map(Felt::new)
}

fn ext() -> impl Strategy<Value = Ext> {
    prop::array::uniform3(felt()).prop_map(Ext::new)
}

proptest! {
    #[test]
    fn operations_are_those_of_polynomials(x in ext(), y in ext(), c in felt(), n in any::<u64>()) {
        let (px, py) = (poly(x), poly(y));
        prop_assert_eq!(poly(x + y), add(px, py));
        prop_assert_eq!(poly(x - y), add(px, negate(py)));
        prop_assert_eq!(poly(-x), negate(px));
        prop_assert_eq!(poly(x * y), multiply(px, py));
        prop_assert_eq!(poly(x.square()), multiply(px, px));
        prop_assert_eq!(poly(x.cube()), multiply(multiply(px, px), px));
        prop_assert_eq!(poly(x.double()), add(px, px));
        prop_assert_eq!(poly(x * c), multiply(px, [c.as_canonical_u64(), 0, 0]));
        prop_assert_eq!(poly(x + c), add(px, [c.as_canonical_u64(), 0, 0]));
        prop_assert_eq!(poly(x.exp_u64(n)), power(px, n));
    }

    #[test]
    fn every_element_but_zero_has_an_inverse(x in ext(), y in ext()) {
        match x.try_inverse() {
            Some(inverse) => {
                prop_assert_eq!(multiply(poly(x), poly(inverse)), [1, 0, 0]);
                prop_assert_eq!(y / x * x, y);
                prop_assert_eq!(x.pseudo_inv(), inverse);
            }
            None => prop_assert_eq!(poly(x), [0; 3]),
        }
    }

    #[test]
    fn frobenius_is_the_power_p(x in ext(), c in felt()) {
        prop_assert_eq!(poly(x.frobenius()), power(poly(x), MODULUS));
        prop_assert_eq!(x.repeated_frobenius(2), x.frobenius().frobenius());
        prop_assert_eq!(x.repeated_frobenius(3), x);
        prop_assert_eq!(Ext::from(c).frobenius(), Ext::from(c));
        let norm: Ext = x.galois_orbit().into_iter().product();
        prop_assert!(ExtensionField::<Felt>::is_in_basefield(&norm));
    }

    #[test]
    fn flattening_and_reconstituting_are_inverse(x in prop::collection::vec(ext(), 0..9)) {
        let flat: Vec<Felt> = x.iter().flat_map(|x| coefficients(x).iter().copied()).collect();
        prop_assert_eq!(&<Ext as BasedVectorSpace<Felt>>::flatten_to_base(x.clone()), &flat);
        prop_assert_eq!(&<Ext as BasedVectorSpace<Felt>>::reconstitute_from_base(flat), &x);
        for x in x {
            let basis = |i| <Ext as BasedVectorSpace<Felt>>::ith_basis_element(i).unwrap();
            let sum: Ext = coefficients(&x).iter().enumerate().map(|(i, &c)| basis(i) * c).sum();
            prop_assert_eq!(sum, x);
        }
    }

    #[test]
    fn packed_operations_are_the_scalar_ones(
        x in prop::collection::vec(ext(), LANES),
        y in prop::collection::vec(ext(), LANES),
        c in prop::collection::vec(felt(), LANES),
        scalar in ext(),
        n in 0..40usize,
    ) {
        let (px, py) = (pack(&x), pack(&y));
        let pc = <Felt as Field>::Packing::from_fn(|j| c[j]);
        let power: PackedExt = PackedFieldExtension::<Felt, Ext>::packed_ext_powers(scalar).nth(n).unwrap();
        for j in 0..LANES {
            prop_assert_eq!(lane(px + py, j), x[j] + y[j]);
            prop_assert_eq!(lane(px - py, j), x[j] - y[j]);
            prop_assert_eq!(lane(-px, j), -x[j]);
            prop_assert_eq!(lane(px * py, j), x[j] * y[j]);
            prop_assert_eq!(lane(px.square(), j), x[j].square());
            prop_assert_eq!(lane(px * pc, j), x[j] * c[j]);
            prop_assert_eq!(lane(px + pc, j), x[j] + c[j]);
            prop_assert_eq!(lane(px * scalar, j), x[j] * scalar);
            prop_assert_eq!(lane(px + scalar, j), x[j] + scalar);
            prop_assert_eq!(lane(power, j), scalar.exp_u64((n * LANES + j) as u64));
        }
        let unpacked: Vec<Ext> =
            <PackedExt as PackedFieldExtension<Felt, Ext>>::to_ext_iter([px, py]).collect();
        prop_assert_eq!(unpacked, [x, y].concat());
    }
}

/// The p-th power has an orbit of three elements on X, and these are the roots: no root lies in F, so the polynomial, of degree 3,
/// is irreducible.
#[test]
fn the_polynomial_is_irreducible() {
    let x = [0, 1, 0];
    let conjugates = [x, power(x, MODULUS), power(power(x, MODULUS), MODULUS)];
    assert_ne!(conjugates[0], conjugates[1]);
    assert_ne!(conjugates[1], conjugates[2]);
    assert_ne!(conjugates[0], conjugates[2]);
    assert_eq!(power(conjugates[2], MODULUS), x);
    // (Y − x)(Y − x^p)(Y − x^p²) = Y³ − Y − 1: the conjugates are the roots.
    let sum = conjugates.into_iter().fold([0; 3], add);
    let product = conjugates.into_iter().fold([1, 0, 0], multiply);
    let pairs = [(0, 1), (0, 2), (1, 2)].map(|(i, j)| multiply(conjugates[i], conjugates[j]));
    assert_eq!(sum, [0; 3]);
    assert_eq!(product, [1, 0, 0]);
    assert_eq!(pairs.into_iter().fold([0; 3], add), [MODULUS - 1, 0, 0]);
}

#[test]
fn the_extension_has_the_two_adic_subgroup_of_the_base_field() {
    for bits in 0..=Felt::TWO_ADICITY {
        let generator = Ext::two_adic_generator(bits);
        assert_eq!(generator, Ext::from(Felt::two_adic_generator(bits)));
        assert_eq!(generator.exp_power_of_2(bits), Ext::ONE);
        if bits > 0 {
            assert_eq!(generator.exp_power_of_2(bits - 1), -Ext::ONE);
        }
    }
}
