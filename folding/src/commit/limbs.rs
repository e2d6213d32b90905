//! Words in three limbs, so that adding many of them takes no carries.

use plica_field::Felt;

use super::SIGNED_MODULUS;
use crate::key::TILE;

/// Bits of the two lower limbs; the upper one has 21.
const LOW: u32 = 22;
const MIDDLE: u32 = 21;

/// The same limb of all words of a tile.
pub(super) type Lanes = [i32; TILE];

/// A tile's words of one column, or signed sums of such: limbs of 22, 21 and 21 bits in 32-bit lanes, so 512 of them may be added up.
#[derive(Clone, Copy)]
pub(super) struct Limbs(pub(super) [Lanes; 3]);

/// Terms that a sum of limbs may have: 2^9 times 2^22 is 2^31.
pub(super) const MOST_TERMS: usize = (1 << (31 - LOW)) - 1;

impl Limbs {
    pub(super) const ZERO: Self = Self([[0; TILE]; 3]);

    #[inline]
    pub(super) fn split(words: &[u64]) -> Self {
        let mut limbs = Self::ZERO;
        let [low, middle, high] = &mut limbs.0;
        for (i, &word) in words.iter().enumerate().take(TILE) {
            low[i] = (word & ((1 << LOW) - 1)) as i32;
            middle[i] = (word >> LOW & ((1 << MIDDLE) - 1)) as i32;
            high[i] = (word >> (LOW + MIDDLE)) as i32;
        }
        limbs
    }

    #[inline]
    pub(super) fn add(&mut self, other: &Self) {
        for (a, b) in self.0.iter_mut().zip(&other.0) {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        }
    }

    #[inline]
    pub(super) fn sub(&mut self, other: &Self) {
        for (a, b) in self.0.iter_mut().zip(&other.0) {
            a.iter_mut().zip(b).for_each(|(a, b)| *a -= b);
        }
    }
}

/// The signed sum of up to 2^31 words: Σ word = low + 2^43·high.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    low: i64,
    high: i64,
}

impl Sum {
    /// Adds sums of limbs.
    #[inline]
    pub(super) fn add_limbs(sums: &mut [Self; TILE], limbs: &Limbs) {
        let [low, middle, high] = &limbs.0;
        for (i, sum) in sums.iter_mut().enumerate() {
            sum.low += i64::from(low[i]) + (i64::from(middle[i]) << LOW);
            sum.high += i64::from(high[i]);
        }
    }

    pub(super) fn reduced(self) -> Felt {
        let value = i128::from(self.low) + (i128::from(self.high) << (LOW + MIDDLE));
        Felt::new(value.rem_euclid(SIGNED_MODULUS) as u64)
    }
}

#[cfg(test)]
mod tests {
    use p3_field::PrimeCharacteristicRing;
    use plica_field::MODULUS;

    use super::*;

    #[test]
    fn limbs_are_the_word() {
        let words: [u64; TILE] = core::array::from_fn(|i| match i {
            0 => 0,
            1 => MODULUS - 1,
            2 => u64::from(u32::MAX),
            _ => (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) % MODULUS,
        });
        let mut sums = [Sum::default(); TILE];
        let limbs = Limbs::split(&words);
        let mut many = Limbs::ZERO;
        for _ in 0..MOST_TERMS {
            many.sub(&limbs);
        }
        Sum::add_limbs(&mut sums, &many);
        Sum::add_limbs(&mut sums, &limbs);
        for (sum, word) in sums.into_iter().zip(words) {
            let times = Felt::from_usize(MOST_TERMS - 1);
            assert_eq!(sum.reduced(), -Felt::new(word) * times);
        }
    }
}
