//! AVX2 and FMA: elements are pairs of doubles that hold integers. Arithmetic and the two S-boxes; [`batch`] permutes four states
//! at a time, [`single`] one.
//!
//! # Representation
//!
//! Let φ = 2^32. Modulo p = φ² − φ + 1 a residue is x = a + bφ with φ² = φ − 1. A [`Lane`] holds a and b of four elements as
//! doubles whose values are integers, of either sign, not reduced. With φ² = φ − 1,
//!
//! ```text
//! x² = c0 + c1·φ,   c0 = a² − b² = (a − b)(a + b),   c1 = 2ab + b² = b(2a + b).
//! ```
//!
//! Each c is too long for a double, so it is split into q + l, where q is the multiple of φ nearest to c:
//! adding and subtracting [`SPLITTER`] = 3·2^83, whose last place is worth 2^32, rounds the product inside a fused
//! multiply-add, and a second one gives l = c − q exactly. Replacing φ² once more,
//!
//! ```text
//! x² = (l0 − q1/φ) + (l1 + q0/φ + q1/φ)·φ.
//! ```
//!
//! That is six multiply-adds and six additions: no carry, no comparison, no branch. Nothing is lost to rounding as long as
//!
//! 1. the factors are exact: |2a| + |b| < 2^53;
//! 2. the splitter has its last place at 2^32 and is not left: |c0|, |c1| < 2^83;
//! 3. the results are exact: they are below 2^53.
//!
//! Sums and differences of two q are exact under condition 2: they are multiples of 2^32 below 2^85.
//!
//! # Growth
//!
//! Measure |a| and |b| in units of 2^31 and let both be at most X. Then |l| <= 1, |c1| <= 3X²·2^62, and
//! |c0 + c1| = |a² + 2ab| <= 3X²·2^62, so the square is bounded by 1 + 3X²/2 (and a rounding of 2^-31, included below).
//! A product is bounded by 2 + 3XY/2. Condition 2 says 3X² < 2^21.
//!
//! [`normalise`] brings any pair below 2^52 back to 1 + 2^-10: with q_a, q_b the nearest multiples of φ,
//! x = (a − q_a − q_b/φ) + (b − q_b + q_b/φ + q_a/φ)·φ. It costs two thirds of a square, so it is applied as rarely as the bounds
//! allow: after every fourth square or so. The chain of [`inverse_pow7`] notes the bound of each intermediate value, and a test runs
//! the recurrences above over the same chain and checks every condition.
//!
//! The matrix is applied to a and to b separately, in the frequency domain, where its entries are powers of two; rows sum to 160
//! and intermediate values stay below 2^9 times the largest entry, which keeps them below 2^53 as well.
//!
//! The arithmetic assumes rounding to nearest, which Rust guarantees. All values are integers, so nothing is subnormal.

use core::arch::x86_64::*;
use core::ops::{Add, Mul, Neg, Shl, Sub};

use plica_field::Felt;

use crate::constants::{ARK1_VALUES, ARK2_VALUES, ROUNDS, WIDTH};

pub(crate) mod batch;
pub(crate) mod single;

/// Number of elements of a vector.
const LANES: usize = 4;

/// 1.5·2^84: doubles near it are multiples of 2^32.
const SPLITTER: f64 = (3u128 << 83) as f64;
/// 1/φ.
const PHI_INVERSE: f64 = 1.0 / (1u64 << 32) as f64;

/// Four doubles.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Vector(__m256d);

// SAFETY (all methods): this file is compiled only when the target has AVX2 and FMA, which the intrinsics require; the pointers
// are those of arrays of four doubles.
impl Vector {
    #[inline(always)]
    fn splat(x: f64) -> Self {
        Self(unsafe { _mm256_set1_pd(x) })
    }

    #[inline(always)]
    fn from_array(x: [f64; LANES]) -> Self {
        Self(unsafe { _mm256_loadu_pd(x.as_ptr()) })
    }

    #[inline(always)]
    fn to_array(self) -> [f64; LANES] {
        let mut x = [0.0; LANES];
        unsafe { _mm256_storeu_pd(x.as_mut_ptr(), self.0) };
        x
    }

    /// self·x + y.
    #[inline(always)]
    fn mul_add(self, x: Self, y: Self) -> Self {
        Self(unsafe { _mm256_fmadd_pd(self.0, x.0, y.0) })
    }

    /// self·x − y.
    #[inline(always)]
    fn mul_sub(self, x: Self, y: Self) -> Self {
        Self(unsafe { _mm256_fmsub_pd(self.0, x.0, y.0) })
    }

    /// y − self·x.
    #[inline(always)]
    fn mul_neg_add(self, x: Self, y: Self) -> Self {
        Self(unsafe { _mm256_fnmadd_pd(self.0, x.0, y.0) })
    }
}

impl Add for Vector {
    type Output = Self;
    #[inline(always)]
    fn add(self, y: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_add_pd(self.0, y.0) })
    }
}

impl Sub for Vector {
    type Output = Self;
    #[inline(always)]
    fn sub(self, y: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_sub_pd(self.0, y.0) })
    }
}

impl Mul for Vector {
    type Output = Self;
    #[inline(always)]
    fn mul(self, y: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_mul_pd(self.0, y.0) })
    }
}

impl Neg for Vector {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self::splat(0.0) - self
    }
}

/// Multiplication by 2^n.
impl Shl<u32> for Vector {
    type Output = Self;
    #[inline(always)]
    fn shl(self, n: u32) -> Self {
        self * Self::splat((1u64 << n) as f64)
    }
}

/// Four elements a + bφ.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Lane {
    a: Vector,
    b: Vector,
}

/// The constants in registers.
#[derive(Clone, Copy)]
struct Constants {
    splitter: Vector,
    phi_inverse: Vector,
}

impl Constants {
    #[inline(always)]
    fn load() -> Self {
        Self {
            splitter: Vector::splat(SPLITTER),
            phi_inverse: Vector::splat(PHI_INVERSE),
        }
    }

    /// The multiple of φ nearest to x·y.
    #[inline(always)]
    fn round_product(self, x: Vector, y: Vector) -> Vector {
        x.mul_add(y, self.splitter) - self.splitter
    }

    /// The multiple of φ nearest to x.
    #[inline(always)]
    fn round(self, x: Vector) -> Vector {
        (x + self.splitter) - self.splitter
    }
}

/// A square whose products have been rounded and not yet split: the state between [`begin`] and [`end`].
struct Half {
    u: Vector,
    v: Vector,
    b: Vector,
    w: Vector,
    q0: Vector,
    q1: Vector,
}

/// The first half of x².
#[inline(always)]
fn begin(x: Lane, k: Constants) -> Half {
    let u = x.a - x.b;
    let v = x.a + x.b;
    let w = v + x.a;
    let q0 = k.round_product(u, v);
    let q1 = k.round_product(x.b, w);
    Half {
        u,
        v,
        b: x.b,
        w,
        q0,
        q1,
    }
}

/// The second half of x².
#[inline(always)]
fn end(h: Half, k: Constants) -> Lane {
    let l0 = h.u.mul_sub(h.v, h.q0);
    let l1 = h.b.mul_sub(h.w, h.q1);
    Lane {
        a: h.q1.mul_neg_add(k.phi_inverse, l0),
        b: (h.q0 + h.q1).mul_add(k.phi_inverse, l1),
    }
}

/// x·y with three products: ac, bd and (a + b)(c + d), of which c0 = ac − bd and c1 = (a + b)(c + d) − ac.
#[inline(always)]
fn mul(x: Lane, y: Lane, k: Constants) -> Lane {
    let s = x.a + x.b;
    let t = y.a + y.b;
    let q1 = k.round_product(x.a, y.a);
    let q2 = k.round_product(x.b, y.b);
    let q3 = k.round_product(s, t);
    let l1 = x.a.mul_sub(y.a, q1);
    let l2 = x.b.mul_sub(y.b, q2);
    let l3 = s.mul_sub(t, q3);
    Lane {
        a: (q3 - q1).mul_neg_add(k.phi_inverse, l1 - l2),
        b: (q3 - q2).mul_add(k.phi_inverse, l3 - l1),
    }
}

#[inline(always)]
fn normalise(x: Lane, k: Constants) -> Lane {
    let qa = k.round(x.a);
    let qb = k.round(x.b);
    let la = x.a - qa;
    // b − q_b·(1 − 1/φ): exact, because the result is a small integer.
    let lb = qb.mul_neg_add(Vector::splat(1.0 - PHI_INVERSE), x.b);
    Lane {
        a: qb.mul_neg_add(k.phi_inverse, la),
        b: qa.mul_add(k.phi_inverse, lb),
    }
}

/// A whole state, or several, on which the S-boxes work element by element.
trait Elements: Copy {
    /// self ← x².
    fn set_square(&mut self, x: &Self);
    /// x ← x^(2^n), nothing normalised.
    fn square_times(&mut self, n: usize);
    /// x ← x·y.
    fn mul(&mut self, y: &Self);
    /// x ← x, in a normalised representation.
    fn normalise(&mut self);
}

/// self ← x^(2^n) for n > 0, normalised after every fourth square.
#[inline(always)]
fn set_power<E: Elements>(to: &mut E, x: &E, n: usize) {
    to.set_square(x);
    for i in 1..=n / 4 {
        to.square_times(if i == 1 { 3 } else { 4 });
        to.normalise();
    }
    to.square_times(if n < 4 { n - 1 } else { n % 4 });
}

/// x ← x^7, with a temporary. The comments are bounds, in units of 2^31.
#[inline(always)]
fn pow7<E: Elements>(x: &mut E, x2: &mut E) {
    x2.set_square(x); // 2.6
    x.mul(x2); // 6: x³
    x2.square_times(1); // 11: x⁴
    x.mul(x2); // 103
}

/// Number of temporaries of [`inverse_pow7`].
const TEMPORARIES: usize = 7;

/// x ← x^(1/7): the chain of the portable kernel. The comments are bounds, in units of 2^31.
#[inline(always)]
fn inverse_pow7<E: Elements>(x: &mut E, temporaries: &mut [E; TEMPORARIES]) {
    let [t1, t2, t3, t4, t5, t6, t7] = temporaries;
    t1.set_square(x); // 2.6
    t2.set_square(t1); // 11
    t2.normalise(); // 1
    set_power(t3, t2, 3); // 172
    t3.mul(t2); // 261
    t3.normalise(); // 1
    set_power(t4, t3, 6); // 11
    t4.mul(t3); // 19
    t4.normalise(); // 1
    set_power(t5, t4, 12); // 1
    t5.mul(t4); // 4
    t5.normalise(); // 1
    set_power(t6, t5, 6); // 11
    t6.mul(t3); // 19
    t6.normalise(); // 1
    set_power(t7, t6, 31); // 172
    t7.mul(t6); // 261
    t7.square_times(1); // 102 000
    t7.mul(t6); // 154 000
    t7.normalise(); // 1
    t7.square_times(2); // 11
    t1.mul(t2); // 6
    x.mul(t1); // 11
    x.mul(t7); // 184
}

/// The round constants as pairs (a, b).
const PAIRS: [[[[f64; 2]; WIDTH]; 2]; ROUNDS] = {
    let mut pairs = [[[[0.0; 2]; WIDTH]; 2]; ROUNDS];
    let mut r = 0;
    while r < ROUNDS {
        let mut i = 0;
        while i < WIDTH {
            pairs[r][0][i] = split(ARK1_VALUES[r][i]);
            pairs[r][1][i] = split(ARK2_VALUES[r][i]);
            i += 1;
        }
        r += 1;
    }
    pairs
};

/// The pair (a, b) of a canonical value.
const fn split(x: u64) -> [f64; 2] {
    [(x & 0xffff_ffff) as f64, (x >> 32) as f64]
}

/// Reads a lane: any representatives below 2^64.
#[inline(always)]
fn load(x: &[Felt; LANES]) -> Lane {
    const TWO_52: f64 = (1u64 << 52) as f64;
    // SAFETY: `Felt` is a transparent u64, so `x` is 32 readable bytes; the instructions are in the target.
    unsafe {
        let x = _mm256_loadu_si256(x.as_ptr().cast());
        // 2^52 + n for 0 <= n < 2^32 has n as its low bits.
        let exponent = _mm256_castpd_si256(_mm256_set1_pd(TWO_52));
        let a = _mm256_blend_epi32::<0b1010_1010>(x, exponent);
        let b = _mm256_or_si256(_mm256_srli_epi64::<32>(x), exponent);
        Lane {
            a: Vector(_mm256_castsi256_pd(a)) - Vector::splat(TWO_52),
            b: Vector(_mm256_castsi256_pd(b)) - Vector::splat(TWO_52),
        }
    }
}

/// Writes a normalised lane, as representatives below 2^64.
#[inline(always)]
fn store(x: Lane, to: &mut [Felt; LANES]) {
    // 2^52 + 2^51 + n for |n| < 2^51 has n modulo 2^51 as its low bits.
    const SHIFT: f64 = (3u64 << 51) as f64;
    // SAFETY: `Felt` is a transparent u64 that admits every value, so `to` is 32 writable bytes; the instructions are in the
    // target.
    unsafe {
        // Where b < 1, add p = 1 + (φ − 1)φ. Then 1 <= b < φ, or b < φ and the sum stays below φ² because b <= φ − 1 and
        // a + 1 < φ; and b >= 1 or b >= φ/2 − 2^-11·φ/2 − 1 outweighs any negative a, since |a| < φ.
        let small = _mm256_cmp_pd::<_CMP_LT_OQ>(x.b.0, _mm256_set1_pd(1.0));
        let one = _mm256_and_pd(small, _mm256_set1_pd(1.0));
        let phi_less_one = _mm256_and_pd(small, _mm256_set1_pd(4294967295.0));
        let a = x.a + Vector(one) + Vector::splat(SHIFT);
        let b = x.b + Vector(phi_less_one) + Vector::splat(SHIFT);
        let a = _mm256_sub_epi64(
            _mm256_castpd_si256(a.0),
            _mm256_castpd_si256(_mm256_set1_pd(SHIFT)),
        );
        let b = _mm256_slli_epi64::<32>(_mm256_castpd_si256(b.0));
        _mm256_storeu_si256(to.as_mut_ptr().cast(), _mm256_add_epi64(a, b));
    }
}

#[cfg(test)]
mod tests {
    use p3_field::PrimeCharacteristicRing;
    use proptest::prelude::*;

    use super::*;

    /// An upper bound of |a| and |b| in units of 2^31.
    #[derive(Clone, Copy)]
    struct Bound(f64);

    const NORMAL: Bound = Bound(1.0 + 1.0 / 1024.0);

    impl Bound {
        fn checked(x: f64) -> Self {
            assert!(
                3.0 * x * 2f64.powi(31) < 2f64.powi(52),
                "a value is too long"
            );
            Self(x * (1.0 + 1e-9))
        }

        fn square(self) -> Self {
            assert!(
                3.0 * self.0 * self.0 < 2f64.powi(21),
                "a product leaves the splitter"
            );
            Self::checked(1.0 + 1.5 * self.0 * self.0)
        }

        fn squares(self, n: usize) -> Self {
            (0..n).fold(self, |x, i| {
                let y = x.square();
                if i % 4 == 3 { NORMAL } else { y }
            })
        }

        fn mul(self, y: Self) -> Self {
            assert!(
                4.0 * self.0 * y.0 < 2f64.powi(21),
                "a product leaves the splitter"
            );
            Self::checked(2.0 + 1.5 * self.0 * y.0)
        }
    }

    /// The recurrences of the module's documentation over the two chains.
    #[test]
    fn no_value_leaves_the_range_in_which_doubles_are_exact() {
        let x2 = NORMAL.square();
        let forward = NORMAL.mul(x2).mul(x2.square());
        assert!(forward.0 < 103.0);

        let t1 = NORMAL.square();
        let t2 = {
            t1.square();
            NORMAL
        };
        let t3 = {
            t2.squares(3).mul(t2);
            NORMAL
        };
        let t4 = {
            t3.squares(6).mul(t3);
            NORMAL
        };
        let t5 = {
            t4.squares(12).mul(t4);
            NORMAL
        };
        let t6 = {
            t5.squares(6).mul(t3);
            NORMAL
        };
        let t7 = t6.squares(31).mul(t6);
        let t = {
            t7.square().mul(t6);
            NORMAL
        };
        let inverse = NORMAL.mul(t1.mul(t2)).mul(t.squares(2));
        assert!(inverse.0 < 184.0);

        // The linear layer multiplies by at most 2^9 on the way and by 160 in the end, and adds a constant below 2·2^31.
        assert!(forward.0.max(inverse.0) * 512.0 + 2.0 < 2f64.powi(52 - 31));
        assert!(Bound(2.0).0 * 512.0 + 2.0 < 2f64.powi(52 - 31));
    }

    fn square(x: Lane, k: Constants) -> Lane {
        end(begin(x, k), k)
    }

    /// p as a signed integer.
    const P: i128 = 0xffff_ffff_0000_0001;

    fn lane(a: [i64; LANES], b: [i64; LANES]) -> Lane {
        let vector = |x: [i64; LANES]| Vector::from_array(x.map(|x| x as f64));
        Lane {
            a: vector(a),
            b: vector(b),
        }
    }

    fn parts(x: Lane) -> [(i128, i128); LANES] {
        let read = |x: Vector| {
            x.to_array().map(|x| {
                assert_eq!(x, x.trunc());
                x as i128
            })
        };
        let (a, b) = (read(x.a), read(x.b));
        core::array::from_fn(|j| (a[j], b[j]))
    }

    fn residue((a, b): (i128, i128)) -> Felt {
        Felt::from_u64((a + (b << 32)).rem_euclid(P) as u64)
    }

    /// Signed integers up to 2^bits, the ends and the neighbourhoods of multiples of 2^31 among them.
    fn operand(bits: u32) -> impl Strategy<Value = i64> {
        let end = 1i64 << bits;
        prop_oneof![
            -end..=end,
            prop::sample::select(vec![-end, end, 0, 1, -1]),
            (-2i64..=2, 0..=1i64 << (bits - 31))
                .prop_map(move |(d, m)| ((m << 31) + d).clamp(-end, end)),
            (-2i64..=2, 0..=1i64 << (bits - 31))
                .prop_map(move |(d, m)| ((-m << 31) + d).clamp(-end, end)),
        ]
    }

    fn operands(bits: u32) -> impl Strategy<Value = ([i64; LANES], [i64; LANES])> {
        (
            prop::array::uniform4(operand(bits)),
            prop::array::uniform4(operand(bits)),
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        /// 2^40 is above the largest operand of a square on the chain (2^39.1).
        #[test]
        fn squares_and_products_are_those_of_the_field((a, b) in operands(40), (c, d) in operands(40)) {
            let k = Constants::load();
            let (x, y) = (lane(a, b), lane(c, d));
            let (px, py) = (parts(x), parts(y));
            let squares = parts(square(x, k));
            prop_assert_eq!(parts(single::square(x, k)), squares);
            let products = parts(mul(x, y, k));
            let normal = parts(normalise(mul(x, y, k), k));
            for j in 0..LANES {
                prop_assert_eq!(residue(squares[j]), residue(px[j]).square());
                prop_assert_eq!(residue(products[j]), residue(px[j]) * residue(py[j]));
                prop_assert_eq!(residue(normal[j]), residue(products[j]));
                let limit = (1 << 31) + (1 << 21);
                prop_assert!(normal[j].0.abs() <= limit && normal[j].1.abs() <= limit);
            }
        }

        /// The worst case of the growth argument is not exceeded, from every normalised start.
        #[test]
        fn four_squares_stay_within_their_bounds((a, b) in operands(31)) {
            let k = Constants::load();
            let mut x = lane(a, b);
            let mut expected = parts(x).map(residue);
            let mut bound = NORMAL;
            for _ in 0..4 {
                x = square(x, k);
                bound = bound.square();
                expected = expected.map(|x| x.square());
                let limit = (bound.0 * 2f64.powi(31)) as i128;
                for (j, part) in parts(x).into_iter().enumerate() {
                    prop_assert!(part.0.abs() <= limit && part.1.abs() <= limit);
                    prop_assert_eq!(residue(part), expected[j]);
                }
            }
        }

        #[test]
        fn loading_and_storing_keep_the_residue(x in prop::array::uniform4(prop_oneof![
            any::<u64>(), 0..4u64, u64::MAX - (1 << 32) - 4..=u64::MAX, (1 << 32) - 4..(1u64 << 32) + 4,
            (1u64 << 63) - (1 << 32) - 4..(1 << 63) + (1 << 32),
        ])) {
            let x = x.map(Felt::new);
            let mut y = [Felt::ZERO; LANES];
            store(normalise(load(&x), Constants::load()), &mut y);
            prop_assert_eq!(x, y);
        }

        /// Every normalised pair, the extreme ones included, becomes a representative of its residue.
        #[test]
        fn storing_accepts_every_normalised_pair((a, b) in operands(31), slack in -(1i64 << 21)..1 << 21) {
            let x = lane(a.map(|a| a + slack), b.map(|b| b + slack));
            let mut y = [Felt::ZERO; LANES];
            store(x, &mut y);
            prop_assert_eq!(parts(x).map(residue), y);
        }
    }

    /// Long chains through extreme operands: every square is compared.
    #[test]
    fn ten_thousand_squares_in_a_row() {
        let end = 1i64 << 31;
        let starts = [-end, -end + 1, -1, 0, 1, 2, end - 1, end];
        for a in starts {
            for b in starts {
                let mut x = lane([a, b, a, a ^ b], [b, a, a, b]);
                let mut expected = parts(x).map(residue);
                for n in (1..=140).chain([64; 2]) {
                    let y = x;
                    set_power(&mut x, &y, n);
                    x = normalise(x, Constants::load());
                    expected = expected.map(|x| x.exp_power_of_2(n));
                    assert_eq!(parts(x).map(residue), expected);
                }
            }
        }
    }

    #[test]
    fn the_inverse_s_box_undoes_the_s_box() {
        let end = 1i64 << 31;
        for a in [0, 1, -1, 2, end, -end] {
            let start = lane([a, 7 * a / 8, 1, 0], [-end, 0, a, a]);
            let mut x = start;
            inverse_pow7(&mut x, &mut [start; TEMPORARIES]);
            let mut y = normalise(x, Constants::load());
            pow7(&mut y, &mut start.clone());
            assert_eq!(parts(y).map(residue), parts(start).map(residue));
            let powers = parts(x).map(|x| residue(x).exp_const_u64::<7>());
            assert_eq!(powers, parts(start).map(residue));
        }
    }

    impl Elements for Lane {
        fn set_square(&mut self, x: &Self) {
            *self = square(*x, Constants::load());
        }
        fn square_times(&mut self, n: usize) {
            for _ in 0..n {
                *self = square(*self, Constants::load());
            }
        }
        fn mul(&mut self, y: &Self) {
            *self = mul(*self, *y, Constants::load());
        }
        fn normalise(&mut self) {
            *self = normalise(*self, Constants::load());
        }
    }
}
