//! The linear half of a half-round on expressions, for constraint systems.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use crate::constants::WIDTH;

/// M·x + c.
///
/// Additions only, as in the kernels: the circulant of order 12 = 3 · 4 in the frequency domain, where its coefficients are
/// (16, 8, 16), (−8, 1, 1) and (−1 + 2i, −1 + i, 4 + 8i).
#[inline(always)]
pub fn linear<E: PrimeCharacteristicRing + From<Felt>>(
    x: &[E; WIDTH],
    constants: &[Felt; WIDTH],
) -> [E; WIDTH] {
    // For each residue k modulo 3: the sum, the alternating sum, and the Gaussian integer (x0 − x2) + i·(x9 − x3).
    let forward = |k: usize| {
        let [a, b, c, d] = [0, 3, 6, 9].map(|j| x[k + j].clone());
        let (p, q) = (a.clone() + c.clone(), b.clone() + d.clone());
        (p.clone() + q.clone(), p - q, a - c, d - b)
    };
    let (s0, a0, r0, i0) = forward(0);
    let (s1, a1, r1, i1) = forward(1);
    let (s2, a2, r2, i2) = forward(2);

    // Sums times 16 + 8Y + 16Y² modulo Y³ − 1 = 16·(s0 + s1 + s2) − 8·(one of them).
    let total = (s0.clone() + s1.clone() + s2.clone()).double();
    let u = [s2, s0, s1].map(|s| (total.clone() - s).double().double().double());

    // Alternating sums times −8 + Y + Y² modulo Y³ + 1.
    let octuple = |x: &E| x.double().double().double();
    let v = [
        E::ZERO - octuple(&a0) - a1.clone() - a2.clone(),
        a0.clone() - octuple(&a1) - a2.clone(),
        a0 + a1 - octuple(&a2),
    ];

    // Gaussian integers times (−1 + 2i) + (−1 + i)Y + (4 + 8i)Y², with Y³ replaced by −i.
    //   w0 = z0·(−1 + 2i) + z1·(8 − 4i) + z2·(1 + i)
    //   w1 = z0·(−1 + i) + z1·(−1 + 2i) + z2·(8 − 4i)
    //   w2 = z0·(4 + 8i) + z1·(−1 + i) + z2·(−1 + 2i)
    // A coefficient 8 − 4i, say, is 4·(2 − i).
    let twice = |x: &E| x.double();
    let four = |x: E| x.double().double();
    let [r0d, r1d, r2d] = [&r0, &r1, &r2].map(twice);
    let [i0d, i1d, i2d] = [&i0, &i1, &i2].map(twice);
    let w = [
        (
            four(r1d.clone() + i1.clone()) - r0.clone() - i0d.clone() + r2.clone() - i2.clone(),
            r0d.clone() - i0.clone() + four(i1d.clone() - r1.clone()) + r2.clone() + i2.clone(),
        ),
        (
            four(r2d.clone() + i2.clone()) - r1.clone() - i1d - r0.clone() - i0.clone(),
            r1d - i1.clone() + four(i2d.clone() - r2.clone()) + r0.clone() - i0.clone(),
        ),
        (
            four(r0 - i0d) - r1.clone() - i1.clone() - r2 - i2d,
            four(r0d + i0) + r1 - i1 + r2d - i2,
        ),
    ];

    // Back: sums and differences.
    let mut out = [const { None }; WIDTH];
    for (k, ((u, v), (re, im))) in u.into_iter().zip(v).zip(w).enumerate() {
        let (p, q) = (u.clone() + v.clone(), u - v);
        out[k] = Some(p.clone() + re.clone());
        out[k + 3] = Some(q.clone() - im.clone());
        out[k + 6] = Some(p - re);
        out[k + 9] = Some(q + im);
    }
    let mut constants = constants.iter();
    out.map(|y: Option<E>| {
        let constant = *constants.next().expect("one constant per lane");
        y.expect("every lane is set") + E::from(constant)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::constants::{ARK1, MDS};

    proptest! {
        #[test]
        fn it_is_the_matrix_and_the_constants(x in prop::array::uniform12(any::<u64>())) {
            let x = x.map(Felt::new);
            let expected: [Felt; WIDTH] = core::array::from_fn(|i| {
                let row = MDS[i].iter().zip(&x).map(|(&m, &x)| m * x);
                row.sum::<Felt>() + ARK1[2][i]
            });
            prop_assert_eq!(linear(&x, &ARK1[2]), expected);
        }
    }
}
