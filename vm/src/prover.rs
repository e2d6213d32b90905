//! Keys, proofs and verification of programs: the machine's chips in the proof system.

use std::sync::{Arc, OnceLock};

use p3_field::PrimeCharacteristicRing;
use p3_matrix::dense::RowMajorMatrix;
use plica_air::chip::{self, ChipKind, Role};
use plica_air::code::{ValidateError, validate};
use plica_air::record::Execution;
use plica_air::trace::{self, Heights};
use plica_field::Felt;
use plica_fri::lifted::MIN_LOG_HEIGHT;
use plica_fri::{
    AirSet, Fingerprint, Format, Kind, Model, Presence, Profile, Proof, ProveError, SecurityReport,
    SecurityTarget, SetupError, Trace, VerifyError, VerifyingKey,
};
use thiserror::Error;
use tracing::instrument;

use crate::claim::Claim;
use crate::compile::{Compiled, RunError};
use crate::inputs::Start;

/// Tables of one chip in a proof, at most: a power of two and the remainder above it.
const MAX_INSTANCES: usize = 2;

/// Proving key of a program.
pub type ProvingKey = plica_fri::ProvingKey<ChipKind>;

/// What the chips are, as a constant, so that a verifier analyses only those in its proof. Changes with every constraint,
/// interaction and column; the test `the_fingerprint_is_the_machine_s` prints the value for the chips as they are.
const FINGERPRINT: Fingerprint =
    Fingerprint::new("000018f8cd96ff18f27c6dc87e61e2108b2f6fcb3e644dc2560f85de6f5db828");

/// The machine: all chips, in the order of [`ChipKind`].
pub fn machine() -> &'static Arc<AirSet<ChipKind>> {
    static MACHINE: OnceLock<Arc<AirSet<ChipKind>>> = OnceLock::new();
    MACHINE.get_or_init(|| match AirSet::pinned_as(kinds(), FINGERPRINT) {
        Ok(set) => Arc::new(set),
        Err(error) => panic!("the machine's chips: {error}"),
    })
}

fn kinds() -> Vec<Kind<ChipKind>> {
    ChipKind::ALL
        .into_iter()
        .map(|kind| Kind {
            name: kind.name(),
            table: kind,
            presence: match kind.role() {
                Role::Fixed if kind == ChipKind::Limbs => Presence::Optional,
                Role::Fixed => Presence::Pinned,
                Role::Facts(_) | Role::Ordered | Role::Addresses | Role::Trees | Role::Messages => {
                    Presence::Dynamic {
                        max_instances: MAX_INSTANCES,
                    }
                }
            },
            ordered: kind.chained(),
            twin: kind.twin().map(|twin| twin as usize),
            few_columns: kind.few_columns(),
        })
        .collect()
}

/// Why there are no keys for a program.
#[derive(Debug, Error)]
pub enum KeyGenError {
    /// The compiler produced code that the validator refuses: a bug, never a user's mistake.
    #[error("the machine code is not valid: {0}")]
    Invalid(#[from] ValidateError),
    #[error(transparent)]
    Setup(#[from] SetupError),
}

/// Makes the keys of a program, for one profile and security target.
///
/// The code is validated first (rule R7): a key stands for a well-formed program only because whoever derives it
/// runs this check.
///
/// # Errors
/// See [`KeyGenError`].
#[instrument(name = "key generation", skip_all)]
pub fn setup(
    compiled: &Compiled,
    profile: &Profile,
    target: SecurityTarget,
) -> Result<(ProvingKey, VerifyingKey), KeyGenError> {
    validate(&compiled.program)?;
    let traces = ChipKind::ALL
        .into_iter()
        .filter(|kind| kind.preprocessed())
        .map(|kind| {
            let table = chip::preprocessed(&compiled.program, kind)?;
            Some(fill_up(kind, table, profile))
        })
        .collect();
    Ok(plica_fri::setup(
        machine(),
        traces,
        profile,
        target,
        Vec::new(),
    )?)
}

/// Rows that a table with preprocessed columns has at least. In the lifted format the program table has the height that a proof has at least, filled up with rows
/// of no entries, which nobody looks up: so the highest table has the height of the proof, however few instructions a program has.
#[must_use]
pub fn least_rows(kind: ChipKind, profile: &Profile) -> usize {
    match (kind, profile.format) {
        (ChipKind::Program, Format::Lifted) => 1 << MIN_LOG_HEIGHT,
        _ => 1,
    }
}

/// A table filled up to the rows that it has at least ([`least_rows`]).
#[must_use]
pub fn fill_up(
    kind: ChipKind,
    mut table: RowMajorMatrix<Felt>,
    profile: &Profile,
) -> RowMajorMatrix<Felt> {
    let least = table.width * least_rows(kind, profile);
    if table.values.len() < least {
        table.values.resize(least, Felt::ZERO);
    }
    table
}

/// A proof, what it proves, and how secure it is.
pub struct Proven {
    pub proof: Proof,
    pub claim: Claim,
    pub report: SecurityReport,
}

/// Why there is no proof of a run.
#[derive(Debug, Error)]
pub enum ProveRunError {
    #[error(transparent)]
    Run(#[from] Box<RunError>),
    #[error(transparent)]
    Prove(#[from] ProveError),
}

/// Runs a program and proves the run.
///
/// # Errors
/// The run's failure, or the prover's.
pub fn prove<'a>(
    compiled: &Compiled,
    key: &ProvingKey,
    inputs: impl Into<Start<'a>>,
    max_cycles: u64,
    min_security: SecurityTarget,
) -> Result<Proven, ProveRunError> {
    let execution = compiled.record(inputs, max_cycles)?;
    Ok(prove_execution(compiled, key, execution, min_security)?)
}

/// When chips get a second table under a profile: proofs that are verified in the machine pay for each.
///
/// A column costs a verifier's own proof some 16 cells a query: an eighth of a row of 114, and what is summed up. A second table must save half as much again, as it has
/// constraints, too. A bit of security takes two queries per bit of the blow-up if it is to be proven.
#[must_use]
pub fn heights_under(profile: &Profile, target: SecurityTarget) -> Heights {
    const CELLS_OF_COLUMN: usize = 24;
    let bits = usize::from(target.bits).saturating_sub(profile.query_pow_bits);
    let queries = match target.model {
        Model::Conjectured => bits / profile.log_blowup,
        Model::Proven | Model::UniqueDecoding => 2 * bits / profile.log_blowup,
    };
    match profile.format {
        Format::Batch => Heights::FEW_CELLS,
        Format::Lifted if !profile.few_columns => Heights::FEW_CELLS,
        Format::Lifted if profile.for_programs => {
            Heights::few_tables(CELLS_OF_COLUMN * queries.max(1))
        }
        // What nobody verifies in the machine is to be small.
        Format::Lifted => Heights::ONE_TABLE,
    }
}

/// The chips that a profile has: twins take the place of their originals under those that have them.
pub fn exists_under(profile: &Profile) -> impl Fn(ChipKind) -> bool + '_ {
    |kind| machine().is_available(kind as usize, profile)
}

/// Proves a recorded execution.
///
/// # Errors
/// See [`ProveError`].
pub fn prove_execution(
    compiled: &Compiled,
    key: &ProvingKey,
    execution: Execution,
    min_security: SecurityTarget,
) -> Result<Proven, ProveError> {
    let profile = key.verifying_key().profile();
    let tables = trace::generate_with(
        &compiled.program,
        &compiled.layout,
        &execution,
        heights_under(profile, key.verifying_key().target()),
        exists_under(profile),
    );
    let claim = Claim {
        key: key.verifying_key().digest(),
        inputs: execution.inputs,
        outputs: execution.outputs,
    };
    drop(execution);
    let traces = tables
        .into_iter()
        .map(|table| Trace {
            kind: table.kind as usize,
            matrix: fill_up(table.kind, table.trace, profile),
        })
        .collect();
    let proof = plica_fri::prove(key, traces, &claim.public_values(), min_security)?;
    let report = plica_fri::plan(key, proof.instances(), min_security)?;
    Ok(Proven {
        proof,
        claim,
        report,
    })
}

/// Why a claim is not accepted.
#[derive(Debug, Error)]
pub enum VerifyClaimError {
    #[error("the claim names another key ({claim}) than the one given ({key})")]
    OtherKey { claim: String, key: String },
    #[error(transparent)]
    Proof(#[from] VerifyError),
}

/// Verifies that `proof` proves `claim` under `key`, with at least the security that the caller demands.
///
/// # Errors
/// See [`VerifyClaimError`]. Never panics, whatever the proof.
pub fn verify(
    key: &VerifyingKey,
    claim: &Claim,
    proof: &Proof,
    min_security: SecurityTarget,
) -> Result<SecurityReport, VerifyClaimError> {
    let digest = key.digest();
    if claim.key != digest {
        let show = plica_field::format_word;
        return Err(VerifyClaimError::OtherKey {
            claim: show(&claim.key),
            key: show(&digest),
        });
    }
    let public_values = claim.public_values();
    Ok(plica_fri::verify(
        machine(),
        key,
        &public_values,
        proof,
        min_security,
    )?)
}

#[cfg(test)]
mod tests {
    use plica_fri::{Instance, InstanceError, InstanceList};

    use super::*;

    /// Builds without debug assertions trust the constant, so this is where all chips are checked for them.
    #[test]
    fn the_fingerprint_is_the_machine_s() {
        let set = AirSet::new(kinds()).expect("the machine's chips form a valid set");
        let got = set.fingerprint();
        assert!(
            got == FINGERPRINT,
            "the chips have changed. If that is meant, set in vm/src/prover.rs:\nconst FINGERPRINT: Fingerprint = {got};"
        );
        assert_eq!(machine().digest(), set.digest());
    }

    /// The order of the chains of states and addresses rests on the number of their rows, whatever heights a profile allows.
    #[test]
    fn links_of_both_chains_are_counted() {
        let program = crate::syntax::parse_program(
            "begin push.1 mem_store.7 mem_load.7 assert end",
            "chains",
            &crate::syntax::NoModules,
        );
        let compiled = crate::compile::compile(&program.expect("parses")).expect("compiles");
        let profile = Profile {
            max_log_height: 31,
            ..Profile::BLAKE3
        };
        let target = SecurityTarget {
            model: plica_fri::Model::Conjectured,
            bits: 40,
        };
        let (key, _) = setup(&compiled, &profile, target).expect("keys");
        let plan = |heights: &[(ChipKind, u8)]| {
            let pinned = ChipKind::ALL
                .into_iter()
                .filter_map(|kind| Some((kind, chip::preprocessed(&compiled.program, kind)?)));
            let mut list: Vec<_> = pinned
                .map(|(kind, table)| (kind, table.values.len().div_ceil(table.width)))
                .map(|(kind, rows)| (kind, rows.ilog2() as u8))
                .chain(heights.iter().copied())
                .map(|(kind, log_height)| Instance {
                    kind: kind as u16,
                    log_height,
                })
                .collect();
            list.sort_by_key(|table| table.kind);
            plica_fri::plan(&key, &InstanceList(list), target).map(drop)
        };
        let chained = ChipKind::ALL.into_iter().filter(|kind| kind.chained());
        assert_eq!(chained.clone().count(), 10);
        for kind in chained {
            assert!(plan(&[(kind, 31), (kind, 30)]).is_ok(), "{kind:?}");
            for other in ChipKind::ALL.into_iter().filter(|kind| kind.chained()) {
                let result = plan(&[(kind, 31), (other, 31)]);
                let refused = matches!(
                    result,
                    Err(ProveError::Instances(InstanceError::TooManySteps(_)))
                );
                assert!(refused, "{kind:?}, {other:?}: {result:?}");
            }
        }
        assert!(plan(&[(ChipKind::Copy, 31), (ChipKind::Copy, 31)]).is_ok());
    }

    /// Of a chip and its twin exactly one exists under a profile, and those with fewer facts per row only where columns count. A
    /// program that verifies all proofs knows no other.
    #[test]
    fn of_twins_a_profile_has_one() {
        let target = SecurityTarget::CONJECTURED_100;
        let mut twins = 0;
        for profile in &Profile::ALL {
            let exists = exists_under(profile);
            for kind in ChipKind::ALL {
                let Some(twin) = kind.twin() else {
                    continue;
                };
                twins += 1;
                assert_ne!(exists(kind), exists(twin), "{}: {kind:?}", profile.name);
                if twin.few_columns() {
                    assert_eq!(
                        exists(twin),
                        profile.few_columns,
                        "{}: {kind:?}",
                        profile.name
                    );
                    assert!(twin.per_row() < kind.per_row());
                }
            }
            if profile.for_programs {
                let existing = ChipKind::ALL.into_iter().filter(|&kind| exists(kind));
                let known = plica_fri::lifted::Machine::new(machine(), profile, target, 22);
                let known = known.expect("a machine").kinds;
                let known = known.iter().map(|kind| kind.name);
                assert!(known.eq(existing.map(ChipKind::name)));
            }
        }
        assert_eq!(twins, 17 * Profile::ALL.len());
    }

    /// A machine that counts fewer rows is another machine, under which no key of this one is accepted.
    #[test]
    fn what_is_counted_is_part_of_the_machine() {
        for kind in ChipKind::ALL {
            let mut kinds = kinds();
            let ordered = &mut kinds[kind as usize].ordered;
            *ordered = !*ordered;
            let other = AirSet::new(kinds).expect("a valid set");
            assert!(other.fingerprint() != FINGERPRINT, "{kind:?}");
        }
    }
}
