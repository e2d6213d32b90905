//! Ajtai commitments: c = M·z, κ ring elements.
//!
//! With z = Σ zₗ·Xˡ by planes, cᵢ = Σₗ Xˡ·(Σⱼ zₗ(j)·Mᵢⱼ): for each plane a signed sum of columns of the key, fifty-four multiplications by
//! powers of X at the end, and no multiplication in between. So a commitment costs κ·54 additions of words for each digit that is not zero.
//! Sums are over the integers, in limbs, and reduced once.

mod limbs;
mod list;
mod table;
mod vector;

use p3_field::PrimeCharacteristicRing;
use p3_maybe_rayon::prelude::*;
use plica_field::{Felt, MODULUS};

use crate::key::{CommitmentKey, TILE};
use crate::ring::{DEGREE, RingElement};
use crate::witness::Witness;
use limbs::Sum;

/// A commitment to a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment(pub Vec<RingElement<Felt>>);

impl CommitmentKey {
    /// Commits to a witness.
    ///
    /// # Panics
    /// If the witness has another length than the key.
    #[must_use]
    pub fn commit(&self, witness: &Witness) -> Commitment {
        self.check(witness);
        let sums = (0..self.tiles()).into_par_iter();
        let sums = sums.map(|tile| list::sums(self.tile(tile), witness));
        self.assemble(&sums.collect::<Vec<_>>())
    }

    /// Commits to many witnesses: sums of three columns each, of which all witnesses have their share, are computed once.
    ///
    /// # Panics
    /// If a witness has another length than the key.
    #[must_use]
    pub fn commit_all(&self, witnesses: &[Witness]) -> Vec<Commitment> {
        witnesses.iter().for_each(|witness| self.check(witness));
        let indices: Vec<_> = witnesses.par_iter().map(table::Indices::new).collect();
        // Behind the last digits there is nothing to add.
        let columns = witnesses.iter().map(Witness::used).max().unwrap_or(0);
        let sums = (0..self.tiles()).into_par_iter();
        let sums: Vec<_> = sums
            .map(|tile| table::sums(&self.tile(tile)[..TILE * columns], &indices))
            .collect();
        let of = |witness: usize| {
            let sums: Vec<_> = sums.iter().map(|sums| sums[witness].clone()).collect();
            self.assemble(&sums)
        };
        (0..witnesses.len()).map(of).collect()
    }

    /// Commits word by word as it is written: what the others are compared with.
    ///
    /// # Panics
    /// If the witness has another length than the key.
    #[must_use]
    pub fn commit_literally(&self, witness: &Witness) -> Commitment {
        self.check(witness);
        let row = |row| {
            let products = (0..self.length())
                .map(|column| self.element(row, column).times(&witness.element(column)));
            products.fold(RingElement::ZERO, |sum, product| sum + product)
        };
        Commitment((0..self.rows()).map(row).collect())
    }

    fn check(&self, witness: &Witness) {
        assert_eq!(witness.length(), self.length(), "a witness for this key");
    }

    /// The commitment out of the sums of all tiles, each by plane.
    fn assemble(&self, sums: &[PlaneSums]) -> Commitment {
        let row = |row: usize| {
            let mut polynomial = [Felt::ZERO; 2 * DEGREE];
            for plane in 0..DEGREE {
                for k in 0..DEGREE {
                    let word = row * DEGREE + k;
                    polynomial[plane + k] += sums[word / TILE][plane][word % TILE].reduced();
                }
            }
            RingElement::reduce(&polynomial)
        };
        Commitment((0..self.rows()).map(row).collect())
    }
}

/// Of one tile: for each plane the signed sum of each word.
type PlaneSums = Vec<[Sum; TILE]>;

/// p as a signed number, for sums that may be negative.
const SIGNED_MODULUS: i128 = MODULUS as i128;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::challenge::ChallengeSet;

    fn witness(length: usize, mut digit: impl FnMut() -> i8) -> Witness {
        let digits: Vec<_> = (0..length)
            .map(|_| core::array::from_fn(|_| digit()))
            .collect();
        Witness::from_digits(&digits).expect("digits")
    }

    /// A digit for each seed, with a density in sixteenths.
    fn digits(seed: u64, density: u64) -> impl FnMut() -> i8 {
        let mut state = seed;
        move || {
            state = state
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(0x1405_7b7e_f767_814f);
            let high = state >> 40;
            match high % 16 < density {
                true => (high >> 8 & 1) as i8 * 2 - 1,
                false => 0,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn kernels_agree_with_the_definition(
            rows in 1usize..5,
            length in 1usize..200,
            seed: u64,
            density in 0u64..=16,
            count in 1usize..4,
        ) {
            let key = CommitmentKey::of_size(rows, length);
            let witnesses: Vec<_> = (0..count as u64)
                .map(|n| witness(length, digits(seed ^ n, density)))
                .collect();
            let all = key.commit_all(&witnesses);
            prop_assert_eq!(all.len(), count);
            for (witness, committed) in witnesses.iter().zip(all) {
                let literal = key.commit_literally(witness);
                prop_assert_eq!(&key.commit(witness), &literal);
                prop_assert_eq!(&committed, &literal);
            }
        }
    }

    /// Long sums of the largest words: no limb may run over.
    #[test]
    fn extreme_witnesses() {
        let key = CommitmentKey::of_size(1, 1 << 11);
        for digit in [1, -1] {
            let witness = witness(key.length(), || digit);
            let literal = key.commit_literally(&witness);
            assert_eq!(key.commit(&witness), literal);
            assert_eq!(key.commit_all(&[witness]), [literal]);
        }
        let zero = Witness::zero(key.length());
        assert_eq!(key.commit(&zero), Commitment(vec![RingElement::ZERO]));
        assert_eq!(key.commit_all(&[]), []);
    }

    #[test]
    #[should_panic = "a witness for this key"]
    fn a_witness_of_another_length() {
        let _ = CommitmentKey::of_size(1, 8).commit(&Witness::zero(7));
    }

    /// Σ ρᵢ·cᵢ commits to Σ ρᵢ·zᵢ, whose coefficients the expansion bounds.
    #[test]
    fn commitments_are_linear_over_the_ring() {
        let key = CommitmentKey::of_size(2, 70);
        let mut word = (0..).map(|n: u64| Felt::new(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let set = ChallengeSet::SEVEN;
        let (mut folded, mut commitment) =
            (vec![RingElement::ZERO; 70], vec![RingElement::ZERO; 2]);
        for n in 0..5 {
            let witness = witness(70, digits(n, 12));
            let rho = set.draw(|| word.next().expect("endless")).element();
            let committed = key.commit(&witness);
            for (sum, c) in commitment.iter_mut().zip(committed.0) {
                *sum += c.times(&rho);
            }
            for (j, sum) in folded.iter_mut().enumerate() {
                *sum += witness.element(j).times(&rho);
            }
        }
        let bound = 5 * set.expansion();
        for sum in &folded {
            for &c in &sum.0 {
                let small = |c: Felt| p3_field::PrimeField64::as_canonical_u64(&c) <= bound;
                assert!(small(c) || small(-c));
            }
        }
        let row = |row| {
            let products = folded
                .iter()
                .enumerate()
                .map(|(j, z)| key.element(row, j).times(z));
            products.fold(RingElement::ZERO, |sum, product| sum + product)
        };
        assert_eq!(commitment, [row(0), row(1)]);
    }
}
