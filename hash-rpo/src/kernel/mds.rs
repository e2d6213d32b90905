//! The MDS matrix in the frequency domain.
//!
//! A circulant matrix of order 12 = 3 · 4 acts as a product of polynomials modulo X^12 − 1. Writing an index as i = 3j + k and
//! transforming along j with the real Fourier transform of length 4 leaves three products of length 3:
//! modulo Y³ − 1 (from the sums), modulo Y³ + 1 (from the alternating sums), and modulo Y³ − i over the Gaussian integers.
//! The paper's row was chosen so that the transformed coefficients, with the 1/4 of the inverse transform in them, are
//! (16, 8, 16), (−8, 1, 1) and (−1 + 2i, −1 + i, 4 + 8i): shifts and additions only.

use core::ops::{Add, Neg, Shl, Sub};

use crate::constants::WIDTH;

/// M·x over the integers. Exact as long as no sum overflows: intermediate values stay below 2^9 times the largest input.
#[inline(always)]
pub(crate) fn multiply<T>(x: &[T; WIDTH]) -> [T; WIDTH]
where
    T: Copy + Add<Output = T> + Sub<Output = T> + Neg<Output = T> + Shl<u32, Output = T>,
{
    // Forward: for each residue k, the sum, the alternating sum, and the Gaussian integer (x0 − x2) + i·(x9 − x3).
    let forward = |k: usize| {
        let (p, q) = (x[k] + x[k + 6], x[k + 3] + x[k + 9]);
        (p + q, p - q, x[k] - x[k + 6], x[k + 9] - x[k + 3])
    };
    let (s0, a0, r0, i0) = forward(0);
    let (s1, a1, r1, i1) = forward(1);
    let (s2, a2, r2, i2) = forward(2);

    // Sums times 16 + 8Y + 16Y² modulo Y³ − 1 = 16·(s0 + s1 + s2) − 8·(one of them).
    let total = (s0 + s1 + s2) << 4;
    let u0 = total - (s2 << 3);
    let u1 = total - (s0 << 3);
    let u2 = total - (s1 << 3);

    // Alternating sums times −8 + Y + Y² modulo Y³ + 1.
    let v0 = -(a0 << 3) - a1 - a2;
    let v1 = a0 - (a1 << 3) - a2;
    let v2 = a0 + a1 - (a2 << 3);

    // Gaussian integers times (−1 + 2i) + (−1 + i)Y + (4 + 8i)Y², with Y³ replaced by −i.
    //   w0 = z0·(−1 + 2i) + z1·(8 − 4i) + z2·(1 + i)
    //   w1 = z0·(−1 + i) + z1·(−1 + 2i) + z2·(8 − 4i)
    //   w2 = z0·(4 + 8i) + z1·(−1 + i) + z2·(−1 + 2i)
    let w0r = (r1 << 3) + (i1 << 2) - r0 - (i0 << 1) + r2 - i2;
    let w0i = (r0 << 1) - i0 + (i1 << 3) - (r1 << 2) + r2 + i2;
    let w1r = (r2 << 3) + (i2 << 2) - r1 - (i1 << 1) - r0 - i0;
    let w1i = (r1 << 1) - i1 + (i2 << 3) - (r2 << 2) + r0 - i0;
    let w2r = (r0 << 2) - (i0 << 3) - r1 - i1 - r2 - (i2 << 1);
    let w2i = (r0 << 3) + (i0 << 2) + r1 - i1 + (r2 << 1) - i2;

    // Back: sums and differences.
    let back = |u: T, v: T, wr: T, wi: T| {
        let (p, q) = (u + v, u - v);
        [p + wr, q - wi, p - wr, q + wi]
    };
    let [y0, y3, y6, y9] = back(u0, v0, w0r, w0i);
    let [y1, y4, y7, y10] = back(u1, v1, w1r, w1i);
    let [y2, y5, y8, y11] = back(u2, v2, w2r, w2i);
    [y0, y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::constants::MDS_ROW;

    proptest! {
        #[test]
        fn the_frequency_domain_product_is_the_matrix_product(x in prop::array::uniform12(0..1i64 << 32)) {
            let expected: [i64; WIDTH] = core::array::from_fn(|i| {
                (0..WIDTH).map(|j| MDS_ROW[(j + WIDTH - i) % WIDTH] as i64 * x[j]).sum()
            });
            prop_assert_eq!(multiply(&x), expected);
        }
    }
}
