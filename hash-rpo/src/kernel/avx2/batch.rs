//! Four states at a time: a vector holds one lane of each.

use plica_field::Felt;

use super::{
    Constants, Elements, Half, LANES, Lane, PAIRS, TEMPORARIES, Vector, begin, end, inverse_pow7,
    load, mul, normalise, pow7, store,
};
use crate::constants::{ROUNDS, WIDTH};
use crate::kernel::mds::multiply;

/// The twelve lanes of the four states.
#[derive(Clone, Copy)]
struct States([Lane; WIDTH]);

/// Keeps the compiler from holding all lanes in registers across a step, which it has far too few of.
#[inline(always)]
fn settle(x: *mut Lane) {
    // SAFETY: an empty instruction sequence.
    unsafe {
        core::arch::asm!("/* {0} */", in(reg) x, options(nostack, preserves_flags));
    }
}

/// to[i] ← from[i]² for all lanes. The second half of each square is interleaved with the first half of the next one.
///
/// # Safety
/// Both pointers are valid for a state, and equal or apart.
#[inline(always)]
unsafe fn square_lanes(to: *mut Lane, from: *const Lane, k: Constants) {
    // SAFETY: the indices are below the number of lanes; lane i is written after lane i + 1 has been read and never read again.
    let read = |i: usize| unsafe { *from.add(i) };
    let write = |i: usize, x: Lane| unsafe {
        *to.add(i) = x;
        settle(to.add(i));
    };
    let mut h = begin(read(0), k);
    for i in 0..WIDTH - 1 {
        let next = read(i + 1);
        let u = next.a - next.b;
        let v = next.a + next.b;
        let l0 = h.u.mul_sub(h.v, h.q0);
        let l1 = h.b.mul_sub(h.w, h.q1);
        let w = v + next.a;
        let q = h.q0 + h.q1;
        let s0 = u.mul_add(v, k.splitter);
        let s1 = next.b.mul_add(w, k.splitter);
        let a = h.q1.mul_neg_add(k.phi_inverse, l0);
        let b = q.mul_add(k.phi_inverse, l1);
        let q0 = s0 - k.splitter;
        let q1 = s1 - k.splitter;
        write(i, Lane { a, b });
        h = Half {
            u,
            v,
            b: next.b,
            w,
            q0,
            q1,
        };
    }
    write(WIDTH - 1, end(h, k));
}

// Twelve lanes are independent, which hides the latency of a square. They do not fit into the registers, so a step goes through
// memory, lane by lane, and steps are not inlined into one another. Normalising is a step of its own: as part of a square it
// would lengthen the chain of dependent operations more than it saves in memory accesses.
impl Elements for States {
    #[inline(never)]
    fn set_square(&mut self, x: &Self) {
        // SAFETY: two states, apart.
        unsafe { square_lanes(self.0.as_mut_ptr(), x.0.as_ptr(), Constants::load()) }
    }

    #[inline(never)]
    fn square_times(&mut self, n: usize) {
        let k = Constants::load();
        let x = self.0.as_mut_ptr();
        for _ in 0..n {
            // SAFETY: one state.
            unsafe { square_lanes(x, x, k) }
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
    fn normalise(&mut self) {
        let k = Constants::load();
        for x in &mut self.0 {
            *x = normalise(*x, k);
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
pub(crate) fn permute(state: &mut [[Felt; LANES]; WIDTH]) {
    let mut x = States(core::array::from_fn(|i| load(&state[i])));
    let mut temporaries = [x; TEMPORARIES];
    for [first, second] in &PAIRS {
        linear(&mut x, first);
        pow7(&mut x, &mut temporaries[0]);
        linear(&mut x, second);
        inverse_pow7(&mut x, &mut temporaries);
    }
    write(&x, state);
}

/// Of each round, what enters the first S-boxes of four states, and the states after it, laid out as in [`permute`].
pub(crate) fn rounds(state: &[[Felt; LANES]; WIDTH]) -> [[[[Felt; LANES]; WIDTH]; 2]; ROUNDS] {
    let mut x = States(core::array::from_fn(|i| load(&state[i])));
    let mut temporaries = [x; TEMPORARIES];
    let mut rounds = [[[[Felt::new(0); LANES]; WIDTH]; 2]; ROUNDS];
    for ([first, second], [entering, after]) in PAIRS.iter().zip(&mut rounds) {
        linear(&mut x, first);
        write(&x, entering);
        pow7(&mut x, &mut temporaries[0]);
        linear(&mut x, second);
        inverse_pow7(&mut x, &mut temporaries);
        write(&x, after);
    }
    rounds
}

#[inline(always)]
fn write(x: &States, to: &mut [[Felt; LANES]; WIDTH]) {
    let k = Constants::load();
    for (&x, to) in x.0.iter().zip(to) {
        store(normalise(x, k), to);
    }
}
