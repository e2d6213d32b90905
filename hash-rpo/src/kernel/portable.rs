//! One state on any processor: integer arithmetic on 64-bit words.
//!
//! A lane is a `u64` that represents its residue modulo p = 2^64 − 2^32 + 1 and need not be below p.
//! The linear layer works on the 32-bit halves of the lanes in the frequency domain (see [`super::mds`]), where the matrix has
//! entries that are powers of two, and adds the round constants before the one reduction per lane.

use p3_field::PrimeField64;
use plica_field::Felt;

use super::mds::multiply;
use crate::constants::{ARK1_VALUES, ARK2_VALUES, ROUNDS, WIDTH};

/// 2^64 mod p.
const EPSILON: u64 = 0xffff_ffff;

type Lanes = [u64; WIDTH];

/// Applies the permutation to one state, capacity first.
pub(crate) fn permute(state: &mut [Felt; WIDTH]) {
    let mut lanes = state.map(|x| x.as_canonical_u64());
    for r in 0..ROUNDS {
        lanes = linear(&lanes, &ARK1_VALUES[r]).map(pow7);
        lanes = inverse_pow7(&linear(&lanes, &ARK2_VALUES[r]));
    }
    *state = lanes.map(Felt::new);
}

/// M·x + c.
#[inline(always)]
fn linear(x: &Lanes, constants: &[u64; WIDTH]) -> Lanes {
    let low = multiply(&x.map(|v| (v & EPSILON) as i64));
    let high = multiply(&x.map(|v| (v >> 32) as i64));
    // A row of M sums to 160, so both halves are below 2^40 and the sum below 2^72 + 2^65.
    core::array::from_fn(|i| {
        let sum = u128::from(low[i] as u64)
            + (u128::from(high[i] as u64) << 32)
            + u128::from(constants[i]);
        let top = (sum >> 64) as u64;
        let (result, carry) = (sum as u64).overflowing_add((top << 32) - top);
        // After a carry the result is below 2^42, so this cannot carry again.
        result + (u64::from(carry).wrapping_neg() & EPSILON)
    })
}

/// Reduces to 64 bits with 2^64 ≡ 2^32 − 1 and 2^96 ≡ −1.
#[inline(always)]
fn reduce(x: u128) -> u64 {
    let (low, high) = (x as u64, (x >> 64) as u64);
    let (mut t, borrow) = low.overflowing_sub(high >> 32);
    if borrow {
        // Taken with probability 2^-32: `high >> 32` < 2^32, so t >= 2^64 − 2^32 and this cannot borrow.
        t -= EPSILON;
    }
    let middle = (high & EPSILON) * EPSILON;
    let (result, carry) = t.overflowing_add(middle);
    // middle <= 2^64 − 2^33 + 1, so after a carry the result is below that and this cannot carry again.
    result + (u64::from(carry).wrapping_neg() & EPSILON)
}

#[inline(always)]
fn mul(x: u64, y: u64) -> u64 {
    reduce(u128::from(x) * u128::from(y))
}

#[inline(always)]
fn square(x: u64) -> u64 {
    mul(x, x)
}

#[inline(always)]
fn pow7(x: u64) -> u64 {
    let x2 = square(x);
    mul(square(x2), mul(x2, x))
}

/// `x^(2^n) · y`, lane by lane.
#[inline(always)]
fn square_multiply(x: &Lanes, n: usize, y: &Lanes) -> Lanes {
    let mut t = *x;
    for _ in 0..n {
        t = t.map(square);
    }
    core::array::from_fn(|i| mul(t[i], y[i]))
}

/// x^(1/7): 63 squarings and 10 multiplications. The exponent is, in binary, 21 digits 100, then 000110 without its leading
/// digits, then ones in pairs; the comments give the exponent reached in binary, a bracketed group repeated.
#[inline(always)]
fn inverse_pow7(x: &Lanes) -> Lanes {
    let t1 = x.map(square); // 10
    let t2 = t1.map(square); // 100
    let t3 = square_multiply(&t2, 3, &t2); // (100)2
    let t4 = square_multiply(&t3, 6, &t3); // (100)4
    let t5 = square_multiply(&t4, 12, &t4); // (100)8
    let t6 = square_multiply(&t5, 6, &t3); // (100)10
    let t7 = square_multiply(&t6, 31, &t6); // (100)10 0 (100)10
    core::array::from_fn(|i| {
        let a = square(square(mul(square(t7[i]), t6[i])));
        mul(a, mul(mul(t1[i], t2[i]), x[i]))
    })
}
