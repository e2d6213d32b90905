//! One state: three vectors hold its twelve lanes.
//!
//! Three independent squares do not fill the execution units, so the time is the latency of the chain of 63 squares.
//! Everything stays in registers, and a square has the form with the shortest critical path.

use plica_field::Felt;

use super::{
    Constants, Elements, LANES, Lane, PAIRS, TEMPORARIES, Vector, inverse_pow7, load, mul,
    normalise, pow7, store,
};
use crate::constants::{MDS_ROW, ROUNDS, WIDTH};

/// Number of vectors.
const VECTORS: usize = WIDTH / LANES;

/// Lane 4k + j of the state is element j of vector k.
#[derive(Clone, Copy)]
struct State([Lane; VECTORS]);

/// The square of [`super::begin`] and [`super::end`], with 2a + b as one operation and the multiplication by 1/φ off the critical path.
#[inline(always)]
pub(super) fn square(x: Lane, k: Constants) -> Lane {
    let u = x.a - x.b;
    let v = x.a + x.b;
    let w = x.a.mul_add(Vector::splat(2.0), x.b);
    let q0 = k.round_product(u, v);
    let q1 = k.round_product(x.b, w);
    let l0 = u.mul_sub(v, q0);
    let l1 = x.b.mul_sub(w, q1);
    Lane {
        a: l0 - q1 * k.phi_inverse,
        b: l1 + (q0 + q1) * k.phi_inverse,
    }
}

impl Elements for State {
    #[inline(always)]
    fn set_square(&mut self, x: &Self) {
        let k = Constants::load();
        self.0 = x.0.map(|x| square(x, k));
    }

    #[inline(always)]
    fn square_times(&mut self, n: usize) {
        let k = Constants::load();
        for _ in 0..n {
            self.0 = self.0.map(|x| square(x, k));
        }
    }

    #[inline(always)]
    fn mul(&mut self, y: &Self) {
        let k = Constants::load();
        self.0 = core::array::from_fn(|i| mul(self.0[i], y.0[i], k));
    }

    #[inline(always)]
    fn normalise(&mut self) {
        let k = Constants::load();
        self.0 = self.0.map(|x| normalise(x, k));
    }
}

/// The matrix by columns.
#[repr(align(32))]
struct Columns([[[f64; LANES]; VECTORS]; WIDTH]);

static COLUMNS: Columns = {
    let mut columns = [[[0.0; LANES]; VECTORS]; WIDTH];
    let mut j = 0;
    while j < WIDTH {
        let mut i = 0;
        while i < WIDTH {
            columns[j][i / LANES][i % LANES] = MDS_ROW[(j + WIDTH - i) % WIDTH] as f64;
            i += 1;
        }
        j += 1;
    }
    Columns(columns)
};

/// The round constants as vectors (a, b).
#[repr(align(32))]
struct RoundConstants([[[[[f64; LANES]; 2]; VECTORS]; 2]; ROUNDS]);

static ROUND_CONSTANTS: RoundConstants = {
    let mut vectors = [[[[[0.0; LANES]; 2]; VECTORS]; 2]; ROUNDS];
    let mut r = 0;
    while r < ROUNDS {
        let mut i = 0;
        while i < WIDTH {
            let mut half = 0;
            while half < 2 {
                let [a, b] = PAIRS[r][half][i];
                vectors[r][half][i / LANES][0][i % LANES] = a;
                vectors[r][half][i / LANES][1][i % LANES] = b;
                half += 1;
            }
            i += 1;
        }
        r += 1;
    }
    RoundConstants(vectors)
};

/// x ← M·x + c, normalised: the sum of the columns, each times its lane.
#[inline(always)]
fn linear(State(x): &mut State, constants: &[[[f64; LANES]; 2]; VECTORS]) {
    let mut sums = constants.map(|[a, b]| Lane {
        a: Vector::from_array(a),
        b: Vector::from_array(b),
    });
    let a = x.map(|x| x.a.to_array());
    let b = x.map(|x| x.b.to_array());
    for (j, column) in COLUMNS.0.iter().enumerate() {
        let a = Vector::splat(a[j / LANES][j % LANES]);
        let b = Vector::splat(b[j / LANES][j % LANES]);
        for (sum, part) in sums.iter_mut().zip(column) {
            let part = Vector::from_array(*part);
            sum.a = part.mul_add(a, sum.a);
            sum.b = part.mul_add(b, sum.b);
        }
    }
    let k = Constants::load();
    *x = sums.map(|x| normalise(x, k));
}

/// Applies the permutation to one state, capacity first.
pub(crate) fn permute(state: &mut [Felt; WIDTH]) {
    let mut x = read(state);
    let mut temporaries = [x; TEMPORARIES];
    for [first, second] in &ROUND_CONSTANTS.0 {
        linear(&mut x, first);
        pow7(&mut x, &mut temporaries[0]);
        linear(&mut x, second);
        inverse_pow7(&mut x, &mut temporaries);
    }
    *state = write(x);
}

#[inline(always)]
fn read(state: &[Felt; WIDTH]) -> State {
    let (chunks, _) = state.as_chunks();
    State(core::array::from_fn(|i| load(&chunks[i])))
}

#[inline(always)]
fn write(x: State) -> [Felt; WIDTH] {
    let k = Constants::load();
    let mut state = [Felt::new(0); WIDTH];
    let (chunks, _) = state.as_chunks_mut();
    for (x, to) in x.0.into_iter().zip(chunks) {
        store(normalise(x, k), to);
    }
    state
}
