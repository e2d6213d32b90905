//! The domains: cosets whose shifts fit together across heights.
//!
//! A polynomial over 2^n rows lives on the coset sₙ·H of size 2^n·B, H the subgroup of that order. With sₙ = 7^(2^(32 − n)) the map
//! x ↦ x² takes the domain of height n to the domain of height n − 1, so
//!
//! * a table of fewer rows, seen as one of more, f(X^(2^(n−m))), has the same values as on its own domain, each repeated;
//! * a commitment does not depend on the heights of the tables beside it: that of a key is the same in all proofs;
//! * each folding of the low-degree test leads to a domain that depends on its size only.
//!
//! 7 generates the multiplicative group, whose order is 2^32·(2^32 − 1). So sₙ^(2^n·B) = 7^(2^32·B) is not 1, and no domain meets the
//! subgroup over which constraints hold.

use p3_field::{Field, PrimeCharacteristicRing, TwoAdicField};
use p3_util::reverse_slice_index_bits;

use crate::types::Felt;

/// Two-adicity of the field: no domain is larger.
pub(crate) const MAX_LOG_SIZE: usize = 32;

/// sₙ for n = `log_height`, at most 32.
pub fn shift(log_height: usize) -> Felt {
    debug_assert!(log_height <= MAX_LOG_SIZE);
    Felt::GENERATOR.exp_power_of_2(MAX_LOG_SIZE - log_height)
}

/// The point with this index. `log_size` is the log2 of the domain's size.
pub(crate) fn point(log_height: usize, log_size: usize, index: usize) -> Felt {
    shift(log_height) * Felt::two_adic_generator(log_size).exp_u64(index as u64)
}

/// All points of the domain, in bit-reversed order.
pub(crate) fn points(log_height: usize, log_size: usize) -> Vec<Felt> {
    let generator = Felt::two_adic_generator(log_size);
    let natural = generator.shifted_powers(shift(log_height));
    let mut points: Vec<Felt> = natural.take(1 << log_size).collect();
    reverse_slice_index_bits(&mut points);
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squaring_leads_from_height_to_height() {
        for (log_height, blowup) in [(4, 1), (5, 3), (9, 2)] {
            let high = points(log_height, log_height + blowup);
            let low = points(log_height - 1, log_height - 1 + blowup);
            for (position, x) in high.iter().enumerate() {
                assert_eq!(x.square(), low[position >> 1]);
                let log_size = log_height + blowup;
                let index = p3_util::reverse_bits_len(position, log_size);
                assert_eq!(*x, point(log_height, log_size, index));
                let halved = point(log_height - 1, log_size - 1, index % (1 << (log_size - 1)));
                assert_eq!(x.square(), halved);
            }
        }
    }

    #[test]
    fn domains_and_trace_subgroups_are_disjoint() {
        for log_height in 0..=26 {
            for blowup in 1..=7 {
                let size = log_height + blowup;
                assert_ne!(shift(log_height).exp_power_of_2(size), Felt::ONE);
            }
        }
    }
}
