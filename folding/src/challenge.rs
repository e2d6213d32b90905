//! Challenges: ring elements with coefficients in {−m..m}.
//!
//! Differences of two challenges have coefficients of at most 2m, far below the bound under which everything but zero is a unit, so the set is
//! a *strong sampling set*. Multiplication by a challenge makes no coefficient larger than T times the largest one, T = 81·m exactly
//! ([`ChallengeSet::expansion`]).

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_field::{Felt, MODULUS};

use crate::ring::{DEGREE, RingElement};

/// Which coefficients challenges have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChallengeSet {
    /// The largest.
    max: i8,
}

impl ChallengeSet {
    /// {−2..2}, as in SuperNeo: 2^125.4 elements.
    pub const FIVE: Self = Self { max: 2 };
    /// {−3..3}: 2^151.6 elements.
    pub const SEVEN: Self = Self { max: 3 };

    /// How many values a coefficient has.
    #[must_use]
    pub const fn values(self) -> u64 {
        2 * self.max as u64 + 1
    }

    /// log2 of the number of challenges.
    #[must_use]
    pub fn bits(self) -> f64 {
        DEGREE as f64 * (self.values() as f64).log2()
    }

    /// T: ‖ρ·a‖∞ ≤ T·‖a‖∞ for every challenge ρ and every a, and no smaller number will do.
    ///
    /// Coefficient k of ρ·a is Σⱼ rₖⱼ·aⱼ where rₖⱼ is a sum of up to two coefficients of ρ with signs. Over j there are 80 of them for
    /// k < 27 and 81 for the others, so 81·m is a bound, and a ρ whose signs fit reaches it (tests).
    #[must_use]
    pub const fn expansion(self) -> u64 {
        81 * self.max as u64
    }

    /// Draws a challenge. `word` yields uniform field elements.
    ///
    /// As many digits are taken from one as there are such that their number of combinations, times some factor, comes nearest to p from
    /// below; what is beyond is rejected, so digits are uniform.
    pub fn draw(self, mut word: impl FnMut() -> Felt) -> Challenge {
        let values = self.values();
        let digits = self.digits_of_a_word();
        let combinations = values.pow(digits);
        let limit = MODULUS / combinations * combinations;
        let mut coefficients = [0; DEGREE];
        for chunk in coefficients.chunks_mut(digits as usize) {
            let mut drawn = loop {
                let drawn = word().as_canonical_u64();
                if drawn < limit {
                    break drawn % combinations;
                }
            };
            for coefficient in chunk {
                *coefficient = (drawn % values) as i8 - self.max;
                drawn /= values;
            }
        }
        Challenge(coefficients)
    }

    /// The most digits whose combinations fit into a word.
    const fn digits_of_a_word(self) -> u32 {
        MODULUS.ilog(self.values())
    }
}

/// A short ring element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge([i8; DEGREE]);

impl Challenge {
    #[must_use]
    pub const fn coefficients(&self) -> &[i8; DEGREE] {
        &self.0
    }

    /// As an element of the ring.
    #[must_use]
    pub fn element(&self) -> RingElement<Felt> {
        RingElement(self.0.map(|c| {
            let size = Felt::from_u8(c.unsigned_abs());
            if c < 0 { -size } else { size }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETS: [ChallengeSet; 2] = [ChallengeSet::FIVE, ChallengeSet::SEVEN];

    /// Row k of the matrix of the multiplication by ρ, over the integers: the coefficients of X^k in ρ, X·ρ, X²·ρ, …
    fn row(rho: &[i64; DEGREE], k: usize) -> [i64; DEGREE] {
        let mut shifted = *rho;
        core::array::from_fn(|_| {
            let entry = shifted[k];
            let top = shifted[DEGREE - 1];
            shifted.rotate_right(1);
            shifted[0] = -top;
            shifted[DEGREE / 2] -= top;
            entry
        })
    }

    fn growth(rho: &[i64; DEGREE]) -> i64 {
        let sums = (0..DEGREE).map(|k| row(rho, k).iter().map(|r| r.abs()).sum());
        sums.max().expect("there are rows")
    }

    #[test]
    fn the_expansion_is_a_bound_and_is_attained() {
        for set in SETS {
            // Each entry is linear in ρ: the bound is the sum of its sizes, which are those of the basis.
            let max = i64::from(set.max);
            let mut sums = [0; DEGREE];
            for basis in 0..DEGREE {
                let rho = core::array::from_fn(|k| i64::from(k == basis));
                for (k, sum) in sums.iter_mut().enumerate() {
                    *sum += max * row(&rho, k).iter().map(|r| r.abs()).sum::<i64>();
                }
            }
            assert_eq!(sums.into_iter().max(), Some(set.expansion() as i64));
            let worst = core::array::from_fn(|k| if k < 27 { max } else { -max });
            assert_eq!(growth(&worst), set.expansion() as i64);
        }
    }

    #[test]
    fn products_grow_by_no_more() {
        // With an a that has the signs of the worst row the bound is reached, in the ring itself.
        for set in SETS {
            let rho = Challenge(core::array::from_fn(|k| {
                if k < 27 { set.max } else { -set.max }
            }));
            let wide = rho.0.map(i64::from);
            let k = (0..DEGREE)
                .find(|&k| row(&wide, k).iter().map(|r| r.abs()).sum::<i64>() == growth(&wide))
                .expect("one of them");
            let a = row(&wide, k).map(|r| if r < 0 { -Felt::ONE } else { Felt::ONE });
            let product = rho.element().times(&RingElement(a));
            assert_eq!(product.0[k], Felt::from_u64(set.expansion()));
        }
    }

    #[test]
    fn words_that_would_make_digits_uneven_are_rejected() {
        // 2·5^27 and 4·7^22 come nearest to p.
        for (set, digits, factor) in [(SETS[0], 27, 2), (SETS[1], 22, 4)] {
            assert_eq!(set.digits_of_a_word(), digits);
            let limit = factor * set.values().pow(digits);
            assert!(limit < MODULUS && MODULUS - limit < set.values().pow(digits));
            let mut drawn = [limit, MODULUS - 1, limit - 1, 0, 1, 2].into_iter();
            let challenge = set.draw(|| Felt::new(drawn.next().expect("a word")));
            let (first, rest) = challenge.0.split_at(digits as usize);
            assert!(first.iter().all(|&c| c == set.max), "the highest digits");
            assert!(rest[..digits as usize].iter().all(|&c| c == -set.max));
            // As many words as there are chunks of digits.
            let chunks = DEGREE.div_ceil(digits as usize);
            assert_eq!(drawn.count(), 4 - chunks);
        }
    }

    #[test]
    fn digits_are_even() {
        let mut state = 0u64;
        let mut word = || {
            state += 1;
            plica_hash_rpo::hash_elements(&[Felt::new(state)])[0]
        };
        for set in SETS {
            let mut counts = vec![0u32; set.values() as usize];
            let draws = 400;
            for _ in 0..draws {
                for c in set.draw(&mut word).0 {
                    counts[(c + set.max) as usize] += 1;
                }
            }
            let expected = f64::from(draws * DEGREE as u32) / set.values() as f64;
            // χ² with 4 or 6 degrees of freedom: above 30 once in 10^4 times, and the words are fixed.
            let chi: f64 = counts
                .iter()
                .map(|&n| (f64::from(n) - expected).powi(2) / expected)
                .sum();
            assert!(chi < 30.0, "{counts:?}");
        }
    }

    #[test]
    fn sizes_of_the_sets() {
        assert!((SETS[0].bits() - 125.38).abs() < 0.01);
        assert!((SETS[1].bits() - 151.60).abs() < 0.01);
        assert_eq!(SETS.map(ChallengeSet::expansion), [162, 243]);
    }
}
