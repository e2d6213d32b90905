//! One state on any processor: integer arithmetic on 64-bit words.
//!
//! A lane is a `u64` that represents its residue modulo p = 2^64 − 2^32 + 1 and need not be below p.
//! The linear layer works on the 32-bit halves of the lanes in the frequency domain (see [`super::mds`]), where the matrix has
//! entries that are powers of two, and adds the round constants before the one reduction per lane.

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_field::Felt;

use super::mds::multiply;
use crate::constants::{ARK1_VALUES, ARK2_VALUES, ROUNDS, WIDTH};

/// 2^64 mod p.
const EPSILON: u64 = 0xffff_ffff;

type State = [Felt; WIDTH];

/// Applies the permutation to one state, capacity first.
pub(crate) fn permute(state: &mut State) {
    for r in 0..ROUNDS {
        *state = linear(state, &ARK1_VALUES[r]).map(|x| x.exp_const_u64::<7>());
        *state = inverse_pow7(&linear(state, &ARK2_VALUES[r]));
    }
}

/// Of each round, what enters the first S-boxes and the state after it, capacity first.
pub(crate) fn rounds(state: &State) -> [[State; 2]; ROUNDS] {
    let mut x = *state;
    core::array::from_fn(|r| {
        let entering = linear(&x, &ARK1_VALUES[r]);
        let middle = entering.map(|x| x.exp_const_u64::<7>());
        x = inverse_pow7(&linear(&middle, &ARK2_VALUES[r]));
        [entering, x]
    })
}

/// M·x + c.
#[inline(always)]
fn linear(x: &State, constants: &[u64; WIDTH]) -> State {
    let x = x.map(|x| x.as_canonical_u64());
    let low = multiply(&x.map(|x| (x & EPSILON) as i64));
    let high = multiply(&x.map(|x| (x >> 32) as i64));
    // A row of M sums to 160, so both halves are below 2^40 and the sum below 2^72 + 2^65.
    core::array::from_fn(|i| {
        let sum = u128::from(low[i] as u64)
            + (u128::from(high[i] as u64) << 32)
            + u128::from(constants[i]);
        // 2^64 ≡ 2^32 − 1.
        let top = (sum >> 64) as u64;
        let (result, carry) = (sum as u64).overflowing_add((top << 32) - top);
        // After a carry the result is below 2^42, so this cannot carry again.
        Felt::new(result + (u64::from(carry).wrapping_neg() & EPSILON))
    })
}

/// `x^(2^n) · y`, lane by lane: the lanes are independent, so each step is done for all of them before the next.
#[inline(always)]
fn square_multiply(x: &State, n: usize, y: &State) -> State {
    let mut t = *x;
    for _ in 0..n {
        t.iter_mut().for_each(|t| *t = t.square());
    }
    core::array::from_fn(|i| t[i] * y[i])
}

/// x^(1/7): 63 squarings and 9 multiplications. The comments give the exponents in binary, (w)n for n copies of w.
#[inline(always)]
fn inverse_pow7(x: &State) -> State {
    let t1 = x.map(|x| x.square()); // 10
    let t2 = t1.map(|x| x.square()); // 100
    let t3 = square_multiply(&t2, 3, &t2); // (100)2
    let t4 = square_multiply(&t3, 6, &t3); // (100)4
    let t5 = square_multiply(&t4, 12, &t4); // (100)8
    let t6 = square_multiply(&t5, 6, &t3); // (100)10
    let t7 = square_multiply(&t6, 31, &t6); // (100)10 0 (100)10
    core::array::from_fn(|i| {
        let a = (t7[i].square() * t6[i]).square().square();
        a * (t1[i] * t2[i] * x[i])
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// On targets with vector instructions, `kernel::permute` is another implementation.
        #[test]
        fn the_portable_kernel_is_the_selected_one(state in prop::array::uniform12(any::<u64>())) {
            let mut x = state.map(Felt::new);
            let mut y = x;
            let rounds = rounds(&x);
            crate::kernel::rounds_of_many(&[y], |i, found| assert_eq!((i, *found), (0, rounds)));
            permute(&mut x);
            crate::kernel::permute(&mut y);
            prop_assert_eq!(x, y);
        }
    }

    #[test]
    fn known_answer() {
        let mut state: State = core::array::from_fn(|i| Felt::new(i as u64));
        permute(&mut state);
        assert_eq!(state[0].as_canonical_u64(), 15056646954853821376);
        assert_eq!(state[11].as_canonical_u64(), 16548919317472389167);
    }
}
