//! Parameters, the guard of the norm, and what the commitment is worth.

use thiserror::Error;

use crate::challenge::ChallengeSet;
use crate::ring::DEGREE;

/// What a folding scheme is fixed by. Everything else follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Name on the command line and in digests.
    pub name: &'static str,
    /// κ: ring elements of a commitment.
    pub rows: usize,
    /// log2 of n, the ring elements of a witness.
    pub log_length: usize,
    /// log2 of B: folded witnesses have coefficients below B.
    pub log_bound: u32,
    /// Which challenges combine claims.
    pub challenges: ChallengeSet,
}

/// A fold of too many claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{claims} claims fold to coefficients of up to {norm}, which is not below {bound}")]
pub struct NormError {
    pub claims: usize,
    pub norm: u64,
    pub bound: u64,
}

impl Parameters {
    /// 1.77 million digits, up to 67 claims in a fold.
    pub const STANDARD: Self = Self {
        name: "standard",
        rows: 18,
        log_length: 15,
        log_bound: 14,
        challenges: ChallengeSet::SEVEN,
    };

    /// n: ring elements of a witness.
    #[must_use]
    pub const fn length(&self) -> usize {
        1 << self.log_length
    }

    /// Digits of a witness.
    #[must_use]
    pub const fn digits(&self) -> usize {
        DEGREE << self.log_length
    }

    /// B.
    #[must_use]
    pub const fn bound(&self) -> u64 {
        1 << self.log_bound
    }

    /// The largest coefficient of a sum of so many witnesses of digits −1, 0, 1, each times a challenge.
    ///
    /// # Errors
    /// If it is not below B.
    pub fn norm_of_fold(&self, claims: usize) -> Result<u64, NormError> {
        let norm = (claims as u64).saturating_mul(self.challenges.expansion());
        let bound = self.bound();
        if norm < bound {
            Ok(norm)
        } else {
            Err(NormError {
                claims,
                norm,
                bound,
            })
        }
    }

    /// The most claims that a fold may have.
    #[must_use]
    pub const fn most_claims(&self) -> usize {
        ((self.bound() - 1) / self.challenges.expansion()) as usize
    }

    /// What breaking the binding of commitments costs, as far as is known.
    #[must_use]
    pub fn hardness(&self) -> Hardness {
        Hardness::of(self)
    }
}

/// The cost of finding a short vector in the kernel of the key, MSIS over R with coefficients up to 8·T·B, by lattice reduction.
///
/// Two witnesses with one commitment, each opened as folds open them (a multiple of norm below 2B, by a difference of challenges), give such
/// a vector (SuperNeo, relaxed binding with norm 2B). These are estimates by the root Hermite factor, calibrated against two
/// outputs of the lattice estimator that are published for such parameters; they are not the estimator's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hardness {
    /// log2 of the largest Euclidean norm of a solution that would do.
    pub log_norm: f64,
    /// log2 of the root Hermite factor that a reduction must reach.
    pub log_delta: f64,
    /// Block size of BKZ that reaches it.
    pub block: u32,
    /// log2 of operations in the model of MATZOV (2022), linear around its value for β = 345.
    pub matzov: f64,
    /// Core-SVP, classical: 0.292·β (ADPS16).
    pub classical: f64,
    /// Core-SVP, quantum: 0.265·β.
    pub quantum: f64,
}

impl Hardness {
    fn of(parameters: &Parameters) -> Self {
        const LOG_MODULUS: f64 = 64.0;
        let expansion = parameters.challenges.expansion() as f64;
        let coefficient = 3.0 + expansion.log2() + f64::from(parameters.log_bound);
        let log_norm = (parameters.digits() as f64).log2() / 2.0 + coefficient;
        // With the best number of columns the shortest vector found has log2 norm 2·√(n·log q·log δ), n = 54·κ.
        let dimension = (DEGREE * parameters.rows) as f64;
        let log_delta = log_norm * log_norm / (4.0 * dimension * LOG_MODULUS);
        let block = block_for(log_delta);
        let beta = f64::from(block);
        Self {
            log_norm,
            log_delta,
            block,
            matzov: 129.1 + 0.28 * (beta - 345.0),
            classical: 0.292 * beta,
            quantum: 0.265 * beta,
        }
    }

    /// The least of the three.
    #[must_use]
    pub fn bits(&self) -> f64 {
        self.matzov.min(self.classical).min(self.quantum)
    }
}

/// log2 of the root Hermite factor of BKZ with this block size (Chen's formula).
fn log_delta_of(block: u32) -> f64 {
    use core::f64::consts::{E, PI};
    let beta = f64::from(block);
    ((PI * beta).log2() / beta + (beta / (2.0 * PI * E)).log2()) / (2.0 * (beta - 1.0))
}

/// The smallest block size that reaches a root Hermite factor.
fn block_for(log_delta: f64) -> u32 {
    // The formula falls from block size 60 on.
    (60..100_000)
        .find(|&block| log_delta_of(block) <= log_delta)
        .unwrap_or(100_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guards() {
        let parameters = Parameters::STANDARD;
        let most = parameters.most_claims();
        assert_eq!(most, 67);
        assert_eq!(parameters.norm_of_fold(most), Ok(67 * 243));
        let error = parameters.norm_of_fold(most + 1).expect_err("too many");
        assert_eq!(
            (error.claims, error.norm, error.bound),
            (68, 16_524, 16_384)
        );
        assert!(parameters.norm_of_fold(usize::MAX).is_err());
        let five = Parameters {
            challenges: ChallengeSet::FIVE,
            ..parameters
        };
        assert_eq!(five.most_claims(), 101);
    }

    /// Published block sizes: 345 for SuperNeo's parameters and 431 for Nightstream's, with an expansion of 216 both.
    #[test]
    fn estimates_agree_with_published_ones() {
        let delta = |rows: f64, digits: f64, log_bound: f64| {
            let log_norm = digits.log2() / 2.0 + 3.0 + 216f64.log2() + log_bound;
            log_norm * log_norm / (4.0 * 54.0 * rows * 64.0)
        };
        assert_eq!(block_for(delta(18.0, 54.0 * 19_884_107.0, 14.0)), 345);
        assert_eq!(block_for(delta(22.0, 54.0 * 4_708_530.0, 16.0)), 431);
    }

    #[test]
    fn the_standard_parameters_have_128_bits_in_every_model() {
        let hardness = Parameters::STANDARD.hardness();
        assert!(hardness.bits() >= 128.0, "{hardness:?}");
        assert!(hardness.block > 480 && hardness.block < 492, "{hardness:?}");
        // Fewer rows, longer witnesses and larger bounds are worth less.
        let standard = Parameters::STANDARD;
        for worse in [
            Parameters {
                rows: 17,
                ..standard
            },
            Parameters {
                log_length: 16,
                ..standard
            },
            Parameters {
                log_bound: 15,
                ..standard
            },
        ] {
            assert!(worse.hardness().bits() < hardness.bits());
        }
    }
}
