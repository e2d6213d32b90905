//! The Johnson radius at its best list parameter, without trying every parameter.
//!
//! `p3-security` evaluates every admissible list parameter m (up to about a thousand) and keeps the best one, of equals the
//! last. A verifier asks for that a few times per proof, and it costs more than all its constraints. [`NarrowedFri`] offers
//! only the few candidates among which the best one must be; every number is still computed by `p3-security`.
//!
//! # Why few suffice
//!
//! The bits at m are a minimum of three kinds of terms:
//!
//! * **Q(m)**, the query phase: strictly increases with m, because the distance does (or is 0 below some m);
//! * **D(m)**, everything else that depends on m (list size, exceptional challenges): strictly decreases, and is 0 from where
//!   a term is clamped or the radius is no longer admissible;
//! * **c**, what does not depend on m: the bus argument and the hash.
//!
//! So `D(m) >= min(Q(m), c)` holds up to some m and not afterwards. Up to there the bits are min(Q(m), c), which does not
//! decrease; afterwards they are D(m), which decreases strictly until it is 0. The last maximum is next to the boundary, unless
//! it is 0, and then all candidates are tried. Steps between neighbours are above 10^-7 bits (Q with one query, at m = 1000),
//! rounding errors around 10^-13, so the computed terms are as monotone as the exact ones; two more candidates on either side are
//! kept nevertheless. `narrowing_changes_nothing` compares with the full search.

use core::ops::RangeInclusive;

use p3_security::fri::{FriRegime, proven_error_ldr_m, query_phase_error};
use p3_security::proximity::{LDR_M_CAP, alpha_ldr_m, compute_upper_m};
use p3_security::stark::proven_security_report;
use p3_security::{
    ErrorBits, GrindingSites, InstanceShape, LowDegreeTest, RegimeReport, SecurityTerm,
    StarkAirParams,
};

/// Smallest list parameter that the analysis admits.
const MIN_M: usize = 3;
/// Candidates kept on either side of the boundary.
const MARGIN: usize = 2;

/// FRI with some of its list parameters.
pub(crate) struct NarrowedFri {
    regime: FriRegime,
    parameters: RangeInclusive<usize>,
}

impl NarrowedFri {
    /// The candidates among which the best list parameter of this analysis is.
    pub(crate) fn new(
        regime: FriRegime,
        air: &StarkAirParams,
        shape: &InstanceShape,
        extras: &[SecurityTerm],
        grinding: &GrindingSites,
    ) -> Self {
        let max = compute_upper_m(1 << shape.log_trace_length, air.max_combo).min(LDR_M_CAP);
        let all = Self {
            regime,
            parameters: MIN_M..=max,
        };
        let bits = |parameters| {
            let candidates = Self { regime, parameters };
            let report = proven_security_report(&candidates, air, shape, extras, grinding);
            report.ldr.as_ref().map_or(0.0, RegimeReport::security_bits)
        };
        let independent = extras
            .iter()
            .map(|term| term.bits.bits())
            .fold(shape.collision_resistance as f64, f64::min);
        let others_suffice = |m| {
            let alpha = alpha_ldr_m(regime.log_blowup, m);
            let query = query_phase_error(alpha, regime.num_queries, regime.query_pow_bits);
            bits(m..=m) >= query.bits().min(independent)
        };

        let (mut low, mut high) = (MIN_M, max + 1);
        while low < high {
            let middle = usize::midpoint(low, high);
            if others_suffice(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        // `low` is the first parameter at which the other terms do not suffice.
        let from = low.saturating_sub(1 + MARGIN).max(MIN_M);
        let to = (low + MARGIN).min(max);
        if from <= to && bits(from..=to) > 0.0 {
            Self {
                regime,
                parameters: from..=to,
            }
        } else {
            all
        }
    }
}

impl LowDegreeTest for NarrowedFri {
    fn log_blowup(&self) -> usize {
        self.regime.log_blowup
    }

    fn proven_error_udr(&self, air: &StarkAirParams, shape: &InstanceShape) -> ErrorBits {
        self.regime.proven_error_udr(air, shape)
    }

    fn best_ldr(&self, air: &StarkAirParams, shape: &InstanceShape) -> Option<(usize, ErrorBits)> {
        self.ldr_candidates(air, shape)
            .into_iter()
            .max_by(|a, b| a.1.bits().total_cmp(&b.1.bits()))
    }

    fn ldr_candidates(
        &self,
        air: &StarkAirParams,
        shape: &InstanceShape,
    ) -> Vec<(usize, ErrorBits)> {
        self.parameters
            .clone()
            .map(|m| (m, proven_error_ldr_m(&self.regime, air, shape, m)))
            .collect()
    }

    fn conjectured_error(&self, shape: &InstanceShape) -> ErrorBits {
        self.regime.conjectured_error(shape)
    }

    fn conjectured_terms(&self, shape: &InstanceShape) -> Vec<SecurityTerm> {
        self.regime.conjectured_terms(shape)
    }
}
