//! Words in three limbs, so that adding many of them takes no carries.

use plica_field::Felt;

use super::SIGNED_MODULUS;
use super::vector::Vector;

/// Bits of the two lower limbs; the upper one has 21.
const LOW: u32 = 22;
const MIDDLE: u32 = 21;

/// Terms that a sum of limbs may have: 2^9 − 1 times 2^22 is below 2^31.
pub(super) const MOST_TERMS: usize = (1 << (31 - LOW)) - 1;

/// 8·V/3 words, or signed sums of such, in limbs of 22, 21 and 21 bits: three vectors for each eight words.
#[derive(Clone, Copy)]
pub(super) struct Limbs<const V: usize>([Vector; V]);

impl<const V: usize> Limbs<V> {
    pub(super) const ZERO: Self = Self([Vector::new([0; 8]); V]);

    pub(super) fn split(words: &[u64]) -> Self {
        let mut limbs = Self::ZERO;
        for (limbs, words) in limbs.0.chunks_exact_mut(3).zip(words.chunks_exact(8)) {
            let lanes =
                |limb: fn(u64) -> i32| Vector::new(core::array::from_fn(|i| limb(words[i])));
            limbs[0] = lanes(|word| (word & ((1 << LOW) - 1)) as i32);
            limbs[1] = lanes(|word| (word >> LOW & ((1 << MIDDLE) - 1)) as i32);
            limbs[2] = lanes(|word| (word >> (LOW + MIDDLE)) as i32);
        }
        limbs
    }

    #[inline(always)]
    pub(super) fn plus(self, other: &Self) -> Self {
        Self(core::array::from_fn(|i| self.0[i].plus(other.0[i])))
    }

    #[inline(always)]
    pub(super) fn minus(self, other: &Self) -> Self {
        Self(core::array::from_fn(|i| self.0[i].minus(other.0[i])))
    }
}

/// The signed sum of up to 2^20 words ([`crate::key::MOST_COLUMNS`]): Σ word = low + 2^43·high. The lower parts of words are below 2^43, so their
/// sum is below 2^63.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    low: i64,
    high: i64,
}

impl Sum {
    /// Adds sums of limbs.
    #[inline]
    pub(super) fn add_limbs<const V: usize>(sums: &mut [Self], limbs: &Limbs<V>) {
        for (sums, limbs) in sums.chunks_exact_mut(8).zip(limbs.0.chunks_exact(3)) {
            let [low, middle, high] = [0, 1, 2].map(|limb| limbs[limb].lanes());
            for (i, sum) in sums.iter_mut().enumerate() {
                sum.low += i64::from(low[i]) + (i64::from(middle[i]) << LOW);
                sum.high += i64::from(high[i]);
            }
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
        let words: [u64; 16] = core::array::from_fn(|i| match i {
            0 => 0,
            1 => MODULUS - 1,
            2 => u64::from(u32::MAX),
            _ => (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) % MODULUS,
        });
        let mut sums = [Sum::default(); 16];
        let limbs = Limbs::<6>::split(&words);
        let many = (0..MOST_TERMS).fold(Limbs::ZERO, |sum, _| sum.minus(&limbs));
        Sum::add_limbs(&mut sums, &many);
        Sum::add_limbs(&mut sums, &limbs);
        for (sum, word) in sums.into_iter().zip(words) {
            let times = Felt::from_usize(MOST_TERMS - 1);
            assert_eq!(sum.reduced(), -Felt::new(word) * times);
        }
        // As many of the largest words as a key has columns.
        let mut sums = [Sum::default(); 8];
        let largest = Limbs::<3>::split(&[MODULUS - 1; 8]);
        let many = (0..256).fold(Limbs::ZERO, |sum, _| sum.plus(&largest));
        for _ in 0..crate::key::MOST_COLUMNS / 256 {
            Sum::add_limbs(&mut sums, &many);
        }
        assert_eq!(
            sums[0].reduced(),
            -Felt::from_usize(crate::key::MOST_COLUMNS)
        );
    }
}
