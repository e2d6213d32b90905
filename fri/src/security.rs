//! How secure a proof is, computed for its actual instance with `p3-security`.
//!
//! # Models
//!
//! * **unique decoding**: FRI analysed up to half the minimum distance (BCI+20).
//! * **Johnson**: proven list-decoding analysis up to the Johnson radius, round by round (eprint 2024/1553), with the bound on
//!   exceptional folding challenges of DKT26 (eprint 2026/2056). That bound is recent; who does not want to rely on it asks
//!   for [`Model::UniqueDecoding`]. With a 192-bit challenge field the folding terms are far from binding, so replacing DKT26
//!   by the older BCHKS25 bound changes the number of queries by a few at most.
//! * **conjectured**: the random-words conjecture (eprint 2025/2010), which ignores lists. Not a proof. The older conjecture
//!   "up to capacity" is refuted and not offered.
//!
//! "Proven" is the better of unique decoding and Johnson. Each number is the minimum over the protocol's rounds
//! (round-by-round soundness), the bus argument (LogUp) and the hash's collision resistance included.
//!
//! # One proof, several tables
//!
//! The tables of a proof share their challenges. Constraint counts, degrees, openings and interactions are summed over the
//! instances, all taken at the largest height. That overestimates every error, by fractions of a bit where it matters.
//!
//! # Queries
//!
//! The number of queries is the smallest one with which profile and instance reach the key's target ([`resolve`]). Prover and
//! verifier both compute it; it is never read from a proof.

use core::fmt;

use p3_batch_stark::num_batched_openings;
use p3_security::fri::FriRegime;
use p3_security::logup::{self, LogUpAir};
use p3_security::stark::{conjectured_security_report, proven_security_report};
use p3_security::{GrindingSites, InstanceShape, RegimeReport, SecurityTerm, StarkAirParams};
use p3_uni_stark::OpeningShape;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::airs::{AirSet, Table};
use crate::hash::HashKind;
use crate::instances::InstanceList;
use crate::johnson::NarrowedFri;
use crate::lifted::Layout;
use crate::profile::{Format, Profile};
use crate::types::{CHALLENGE_BITS, EXT_DEGREE};

/// Most queries that a proof may have.
pub const MAX_QUERIES: usize = 1024;

/// Which analysis a number of bits comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Model {
    /// Proven, up to the unique-decoding radius only.
    UniqueDecoding,
    /// Proven: the better of unique decoding and the Johnson radius.
    Proven,
    /// Conjectured: random words.
    Conjectured,
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::UniqueDecoding => "unique decoding",
            Self::Proven => "proven",
            Self::Conjectured => "conjectured",
        })
    }
}

/// A level of security in a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SecurityTarget {
    /// The analysis.
    pub model: Model,
    /// Bits, at most 128 (the hashes' collision resistance).
    pub bits: u16,
}

impl SecurityTarget {
    /// 100 proven bits: the default.
    pub const PROVEN_100: Self = Self {
        model: Model::Proven,
        bits: 100,
    };
    /// 128 proven bits.
    pub const PROVEN_128: Self = Self {
        model: Model::Proven,
        bits: 128,
    };
    /// 96 conjectured bits, for comparison with systems that use this level.
    pub const CONJECTURED_96: Self = Self {
        model: Model::Conjectured,
        bits: 96,
    };
    /// 100 conjectured bits, for comparison with systems that use this level.
    pub const CONJECTURED_100: Self = Self {
        model: Model::Conjectured,
        bits: 100,
    };
}

impl Default for SecurityTarget {
    fn default() -> Self {
        Self::PROVEN_100
    }
}

impl fmt::Display for SecurityTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bits, {}", self.bits, self.model)
    }
}

/// Why a level of security is not reached.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SecurityError {
    /// No number of queries reaches the key's target for this instance.
    #[error("this instance cannot reach {target}: {best:.1} bits with {MAX_QUERIES} queries")]
    Unattainable {
        /// What the key asks for.
        target: SecurityTarget,
        /// Bits in the target's model with the most queries allowed.
        best: f64,
    },
    /// The proof is weaker than its verifier (or prover) wants.
    #[error("the proof has {got:.1} bits ({model}), {required} are required", model = required.model)]
    BelowTarget {
        /// What is asked for.
        required: SecurityTarget,
        /// What the proof has, in the same model.
        got: f64,
    },
}

/// One round's contribution, as -log2 of its error.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Term {
    /// Name of the round.
    pub label: &'static str,
    /// Bits.
    pub bits: f64,
}

/// The rounds in one model, and the weakest of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelReport {
    /// The minimum over the terms.
    pub bits: f64,
    /// All rounds.
    pub terms: Vec<Term>,
}

impl ModelReport {
    fn new(report: &RegimeReport) -> Self {
        let terms = report
            .terms()
            .iter()
            .map(|t| Term {
                label: t.label,
                bits: t.bits.bits(),
            })
            .collect();
        Self {
            bits: report.security_bits(),
            terms,
        }
    }

    /// The term with the fewest bits.
    #[must_use]
    pub fn weakest(&self) -> Option<&Term> {
        self.terms.iter().min_by(|a, b| a.bits.total_cmp(&b.bits))
    }
}

/// The security of one proof.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SecurityReport {
    /// Queries of the low-degree test.
    pub queries: usize,
    /// Unique decoding.
    pub unique_decoding: ModelReport,
    /// Johnson radius, at the best list parameter; absent for instances too small for one.
    pub johnson: Option<ModelReport>,
    /// Random words.
    pub conjectured: ModelReport,
    /// Collision resistance of the hash, in bits. Part of every model.
    pub collision_bits: usize,
}

impl SecurityReport {
    /// Bits in a model.
    #[must_use]
    pub fn bits(&self, model: Model) -> f64 {
        match model {
            Model::UniqueDecoding => self.unique_decoding.bits,
            Model::Proven => self
                .johnson
                .as_ref()
                .map_or(0.0, |j| j.bits)
                .max(self.unique_decoding.bits),
            Model::Conjectured => self.conjectured.bits,
        }
    }

    /// Whether a target is reached.
    #[must_use]
    pub fn meets(&self, target: SecurityTarget) -> bool {
        self.bits(target.model) >= f64::from(target.bits)
    }

    /// # Errors
    /// [`SecurityError::BelowTarget`] if it is not reached.
    pub fn require(&self, required: SecurityTarget) -> Result<(), SecurityError> {
        if self.meets(required) {
            Ok(())
        } else {
            Err(SecurityError::BelowTarget {
                required,
                got: self.bits(required.model),
            })
        }
    }
}

impl fmt::Display for SecurityReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:.1} bits proven, {:.1} conjectured (random words); {} queries",
            self.bits(Model::Proven),
            self.bits(Model::Conjectured),
            self.queries
        )?;
        let mut model = |name: &str, report: &ModelReport| {
            write!(f, "  {name:<42} {:>6.1}   ", report.bits)?;
            for (i, term) in report.terms.iter().enumerate() {
                write!(
                    f,
                    "{}{} {:.1}",
                    if i == 0 { "" } else { ", " },
                    term.label,
                    term.bits
                )?;
            }
            writeln!(f)
        };
        if let Some(johnson) = &self.johnson {
            model("Johnson radius (proven; DKT26, 2026/2056)", johnson)?;
        }
        model("unique decoding (proven; BCI+20)", &self.unique_decoding)?;
        model("random words (conjectured; 2025/2010)", &self.conjectured)
    }
}

/// What the analysis needs to know about the tables of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workload {
    /// log2 of the rows of the largest table.
    pub log_height: usize,
    /// Constraints, summed.
    pub constraints: usize,
    /// Constraint degrees plus one, summed.
    pub degrees: usize,
    /// Quotient chunks, summed.
    pub chunks: usize,
    /// Openings (column and point) that the low-degree test batches, summed.
    pub openings: usize,
    /// Bus tuples per row, summed.
    pub interactions: usize,
    /// Width of the widest bus tuple.
    pub tuple_width: usize,
}

impl Workload {
    /// The workload of a list of tables that has been checked.
    pub(crate) fn new<T: Table>(
        airs: &AirSet<T>,
        profile: &Profile,
        instances: &InstanceList,
    ) -> Self {
        let mut sum = Self {
            log_height: 0,
            constraints: 0,
            degrees: 0,
            chunks: 0,
            openings: 0,
            interactions: 0,
            tuple_width: 0,
        };
        for instance in instances.tables() {
            let kind = usize::from(instance.kind);
            let info = airs.info_under(kind, profile);
            sum.log_height = sum.log_height.max(instance.log_height.into());
            sum.constraints += info.constraints;
            sum.degrees += info.degree + 1;
            sum.chunks += 1 << info.log_chunks;
            sum.openings += num_batched_openings(
                info.width,
                info.main_next,
                info.preprocessed_width,
                info.preprocessed_next,
                1 << info.log_chunks,
                info.lookups.len(),
                EXT_DEGREE,
                OpeningShape::new(),
            );
            sum.interactions += info.interactions;
            sum.tuple_width = sum.tuple_width.max(info.tuple_width);
        }
        if profile.format == Format::Lifted {
            // One height, one quotient of the largest degree, one ladder over whole blocks.
            let layout = Layout::new(airs, profile, instances);
            sum.log_height = layout.log_height;
            sum.degrees = (1 << layout.log_chunks) + 2;
            sum.chunks = 1 << layout.log_chunks;
            sum.openings = layout.batched();
        }
        sum
    }

    fn shape(&self, hash: HashKind) -> InstanceShape {
        InstanceShape {
            log_trace_length: self.log_height,
            modulus_bits: CHALLENGE_BITS,
            collision_resistance: hash.collision_bits(),
            num_batched_functions: self.openings,
        }
    }

    const fn air(&self) -> StarkAirParams {
        StarkAirParams {
            num_constraints: self.constraints,
            max_constraint_degree: self.degrees,
            num_quotient_chunks: self.chunks.next_power_of_two(),
            max_combo: 2,
        }
    }
}

const fn regime(profile: &Profile, queries: usize) -> FriRegime {
    FriRegime {
        log_blowup: profile.log_blowup,
        num_queries: queries,
        log_final_poly_len: Profile::LOG_FINAL_POLY_LEN,
        max_log_arity: profile.max_log_arity,
        commit_pow_bits: profile.commit_pow_bits,
        query_pow_bits: profile.query_pow_bits,
    }
}

const fn grinding(profile: &Profile) -> GrindingSites {
    GrindingSites {
        out_of_domain: profile.ood_pow_bits,
        batch_combination: profile.batch_pow_bits,
        lookup_challenge: profile.lookup_pow_bits,
    }
}

fn bus_term(profile: &Profile, workload: &Workload) -> Option<SecurityTerm> {
    let air = LogUpAir {
        num_interactions: workload.interactions,
        max_message_width: workload.tuple_width,
    };
    logup::security_term(&air, &workload.shape(profile.hash), &grinding(profile))
}

/// The security of a proof with this many queries.
#[must_use]
pub fn report(profile: &Profile, workload: &Workload, queries: usize) -> SecurityReport {
    let (fri, air, shape, sites) = (
        regime(profile, queries),
        workload.air(),
        workload.shape(profile.hash),
        grinding(profile),
    );
    let extras: Vec<_> = bus_term(profile, workload).into_iter().collect();
    let narrowed = NarrowedFri::new(fri, &air, &shape, &extras, &sites);
    let proven = proven_security_report(&narrowed, &air, &shape, &extras, &sites);
    let conjectured = conjectured_security_report(&fri, &air, &shape, &extras, &sites);
    SecurityReport {
        queries,
        unique_decoding: ModelReport::new(&proven.udr),
        johnson: proven.ldr.as_ref().map(ModelReport::new),
        conjectured: ModelReport::new(&conjectured),
        collision_bits: shape.collision_resistance,
    }
}

/// The smallest number of queries that reaches a target, and the security that it gives.
///
/// # Errors
/// [`SecurityError::Unattainable`] if [`MAX_QUERIES`] do not: the instance is too large for the challenge field, too small for
/// the analysis (a single row), or the target exceeds the hash.
pub fn resolve(
    profile: &Profile,
    target: SecurityTarget,
    workload: &Workload,
) -> Result<SecurityReport, SecurityError> {
    let at = |queries| {
        let report = report(profile, workload, queries);
        (report.meets(target), report)
    };
    // No model credits a query with more than this, so fewer queries than `bits / most` never suffice. The estimate only saves
    // time: what is returned has been checked from both sides.
    let rate = profile.log_blowup as f64;
    let most = if target.model == Model::Conjectured {
        rate
    } else {
        rate / 2.0
    };
    let missing = f64::from(target.bits) - profile.query_pow_bits as f64;
    let estimate = ((missing / most).ceil().max(1.0) as usize).min(MAX_QUERIES);

    // More queries never hurt, so the sufficient numbers are an upper interval: bracket its start, then halve the bracket.
    let mut too_few = 0;
    let (mut enough, mut step) = (estimate, 1);
    let mut result = loop {
        let (sufficient, report) = at(enough);
        if sufficient {
            break report;
        }
        if enough == MAX_QUERIES {
            return Err(SecurityError::Unattainable {
                target,
                best: report.bits(target.model),
            });
        }
        too_few = enough;
        enough = (enough + step).min(MAX_QUERIES);
        step *= 2;
    };
    if too_few == 0 && enough > 1 && !at(enough - 1).0 {
        too_few = enough - 1;
    }
    while enough - too_few > 1 {
        let queries = usize::midpoint(too_few, enough);
        match at(queries) {
            (true, report) => (enough, result) = (queries, report),
            (false, _) => too_few = queries,
        }
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What [`report`] says, with every list parameter tried.
    fn unnarrowed(profile: &Profile, workload: &Workload, queries: usize) -> SecurityReport {
        let (fri, air, shape, sites) = (
            regime(profile, queries),
            workload.air(),
            workload.shape(profile.hash),
            grinding(profile),
        );
        let extras: Vec<_> = bus_term(profile, workload).into_iter().collect();
        let proven = proven_security_report(&fri, &air, &shape, &extras, &sites);
        SecurityReport {
            unique_decoding: ModelReport::new(&proven.udr),
            johnson: proven.ldr.as_ref().map(ModelReport::new),
            ..report(profile, workload, queries)
        }
    }

    fn workloads() -> Vec<Workload> {
        let workload = |log_height, size: usize| Workload {
            log_height,
            constraints: 20 * size,
            degrees: 4 * size,
            chunks: 2 * size,
            openings: 100 * size,
            interactions: 8 * size,
            tuple_width: 7,
        };
        let mut all: Vec<_> = [0, 1, 2, 3, 5, 8, 10, 14, 17, 20, 24, 28]
            .into_iter()
            .flat_map(|height| [workload(height, 1), workload(height, 30)])
            .collect();
        // So large that rounds other than the queries decide, down to no security at all.
        all.extend([40, 60, 100, 150, 180].map(|log_size| Workload {
            openings: 1 << (log_size.min(62)),
            constraints: 1 << (log_size.min(62)),
            log_height: (log_size / 6).min(30),
            ..workload(20, 30)
        }));
        all.push(Workload {
            interactions: 0,
            openings: 1,
            ..workload(12, 1)
        });
        all
    }

    fn profiles() -> Vec<Profile> {
        let mut all = Profile::ALL.to_vec();
        all.push(Profile {
            log_blowup: 6,
            max_log_arity: 4,
            query_pow_bits: 0,
            batch_pow_bits: 20,
            commit_pow_bits: 20,
            ood_pow_bits: 10,
            lookup_pow_bits: 10,
            ..Profile::BLAKE3
        });
        all
    }

    #[test]
    fn narrowing_changes_nothing() {
        for profile in profiles() {
            for workload in workloads() {
                for queries in [1, 2, 3, 10, 31, 57, 100, 161, 177, 250, 400, MAX_QUERIES] {
                    assert_eq!(
                        report(&profile, &workload, queries),
                        unnarrowed(&profile, &workload, queries),
                        "{}, {workload:?}, {queries} queries",
                        profile.name
                    );
                }
            }
        }
    }

    /// Against the search that needs no argument: one query more until it is enough, every list parameter each time.
    #[test]
    fn the_search_finds_what_counting_up_finds() {
        let targets = [
            SecurityTarget::PROVEN_100,
            SecurityTarget::PROVEN_128,
            SecurityTarget::CONJECTURED_96,
            SecurityTarget {
                model: Model::UniqueDecoding,
                bits: 80,
            },
            SecurityTarget {
                model: Model::Proven,
                bits: 20,
            },
        ];
        for profile in profiles() {
            for workload in workloads()
                .iter()
                .filter(|w| [0, 3, 14].contains(&w.log_height))
            {
                for target in targets {
                    let counted = (1..=300)
                        .map(|queries| unnarrowed(&profile, workload, queries))
                        .find(|report| report.meets(target));
                    let found = resolve(&profile, target, workload).ok();
                    assert_eq!(found.filter(|report| report.queries <= 300), counted);
                }
            }
        }
    }
}
