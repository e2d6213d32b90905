//! Four states at a time: a vector holds one lane of each.

use plica_field::Felt;

use super::{
    Constants, Elements, LANES, Lane, PAIRS, Vector, inverse_pow7, load, mul, normalise, pow7,
    square, store,
};
use crate::constants::WIDTH;
use crate::kernel::mds::multiply;

/// Number of states.
pub(crate) const BATCH: usize = LANES;

/// The twelve lanes of the four states.
#[derive(Clone, Copy)]
struct States([Lane; WIDTH]);

/// Keeps the compiler from holding all lanes in registers across a step, which it has far too few of.
#[inline(always)]
fn settle(x: &mut Lane) {
    // SAFETY: an empty instruction sequence.
    unsafe {
        core::arch::asm!("/* {0} */", in(reg) core::ptr::from_mut(x), options(nostack, preserves_flags));
    }
}

// Twelve lanes are independent, which hides the latency of a square. They do not fit into the registers, so a step goes through
// memory, lane by lane, and steps are not inlined into one another.
impl Elements for States {
    #[inline(never)]
    fn square(&mut self) {
        let k = Constants::load();
        for x in &mut self.0 {
            *x = square(*x, k);
            settle(x);
        }
    }

    #[inline(never)]
    fn square_normalise(&mut self) {
        let k = Constants::load();
        for x in &mut self.0 {
            *x = normalise(square(*x, k), k);
            settle(x);
        }
    }

    #[inline(never)]
    fn mul(&mut self, y: &Self) {
        let k = Constants::load();
        for (x, y) in self.0.iter_mut().zip(&y.0) {
            *x = mul(*x, *y, k);
            settle(x);
        }
    }

    #[inline(never)]
    fn mul_normalise(&mut self, y: &Self) {
        let k = Constants::load();
        for (x, y) in self.0.iter_mut().zip(&y.0) {
            *x = normalise(mul(*x, *y, k), k);
            settle(x);
        }
    }
}

/// x ← M·x + c, normalised.
#[inline(never)]
fn linear(States(x): &mut States, constants: &[[f64; 2]; WIDTH]) {
    let k = Constants::load();
    let a = multiply(&x.map(|x| x.a));
    let b = multiply(&x.map(|x| x.b));
    for i in 0..WIDTH {
        let [ca, cb] = constants[i].map(Vector::splat);
        x[i] = normalise(
            Lane {
                a: a[i] + ca,
                b: b[i] + cb,
            },
            k,
        );
    }
}

/// Applies the permutation to four states, capacity first: `state[i][j]` is lane i of state j.
pub(crate) fn permute(state: &mut [[Felt; BATCH]; WIDTH]) {
    let mut x = States(core::array::from_fn(|i| load(&state[i])));
    for [first, second] in &PAIRS {
        linear(&mut x, first);
        pow7(&mut x);
        linear(&mut x, second);
        inverse_pow7(&mut x);
    }
    let k = Constants::load();
    for (x, to) in x.0.into_iter().zip(state) {
        store(normalise(x, k), to);
    }
}
