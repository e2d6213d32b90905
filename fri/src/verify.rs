//! The verifier.

use p3_batch_stark::verify_batch;
use p3_lookup::{LookupError, check_bus_widths};
use thiserror::Error;
use tracing::{info_span, instrument};

use crate::airs::{AirSet, Analysed, Table};
use crate::instances::InstanceError;
use crate::key::{KeyError, VerifyingKey};
use crate::lifted::{self, Rejection};
use crate::profile::{Format, ProfileId};
use crate::proof::{Proof, ProofBody};
use crate::security::{SecurityError, SecurityReport, SecurityTarget, Workload, resolve};
use crate::shape::{self, ShapeError};
use crate::transcript::{Frame, PROTOCOL_VERSION, config};
use crate::types::Felt;

/// Why a proof is not accepted.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The key does not fit the machine.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The proof was made under another profile than the key's.
    #[error("the proof is for profile {}, the key for profile {}", got.0, expected.0)]
    Profile {
        /// The key's.
        expected: ProfileId,
        /// The proof's.
        got: ProfileId,
    },
    /// The tables are not allowed.
    #[error(transparent)]
    Instances(#[from] InstanceError),
    /// Wrong number of public values.
    #[error("{got} public values, the machine has {expected}")]
    PublicValues {
        /// The machine's.
        expected: usize,
        /// Given.
        got: usize,
    },
    /// Not secure enough.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// The buses of these tables are not sound together.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// A part of the proof has the wrong length.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The proof is wrong.
    #[error("the proof is invalid: {0}")]
    Invalid(String),
}

impl From<Rejection> for VerifyError {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Shape(error) => Self::Shape(error),
            Rejection::Lookup(error) => Self::Lookup(error),
            other => Self::Invalid(other.to_string()),
        }
    }
}

/// Verifies a proof for a key and public values, and says how secure it is.
///
/// `min_security` is the verifier's demand. It is compared with the analysis of this very proof; neither the key nor the proof
/// can lower it.
///
/// # Errors
/// [`VerifyError`] for every proof that is not accepted. Never panics, whatever the proof.
#[instrument(name = "verify", skip_all, fields(profile = key.profile.name))]
pub fn verify<T: Table>(
    airs: &AirSet<T>,
    key: &VerifyingKey,
    public_values: &[Felt],
    proof: &Proof,
    min_security: SecurityTarget,
) -> Result<SecurityReport, VerifyError> {
    let digest = key.digest();
    let frame = Frame {
        version: PROTOCOL_VERSION,
        air_set: airs.digest(),
        key: &digest,
        instances: &proof.instances,
    };
    verify_in_frame(airs, key, public_values, proof, min_security, &frame)
}

/// [`verify`], with the transcript bound to `frame`: tests perturb it.
pub(crate) fn verify_in_frame<T: Table>(
    airs: &AirSet<T>,
    key: &VerifyingKey,
    public_values: &[Felt],
    proof: &Proof,
    min_security: SecurityTarget,
    frame: &Frame<'_>,
) -> Result<SecurityReport, VerifyError> {
    key.check(airs)?;
    if proof.profile != key.profile.id {
        return Err(VerifyError::Profile {
            expected: key.profile.id,
            got: proof.profile,
        });
    }
    let instances = &proof.instances;
    instances.check(airs, &key.pinned, &key.profile)?;
    let expected = airs.num_public_values();
    if public_values.len() != expected {
        return Err(VerifyError::PublicValues {
            expected,
            got: public_values.len(),
        });
    }

    let report = info_span!("security").in_scope(|| {
        resolve(
            &key.profile,
            key.target,
            &Workload::new(airs, &key.profile, instances),
        )
    })?;
    report.require(min_security)?;
    let batch = match (&proof.body, key.profile.format) {
        (ProofBody::Batch(batch), Format::Batch) => batch,
        (ProofBody::Lifted(lifted), Format::Lifted) => {
            let root = key.lifted_root().ok_or(KeyError::Commitment)?;
            let queries = report.queries;
            lifted::verify(
                airs,
                &key.profile,
                queries,
                frame,
                public_values,
                root,
                lifted,
            )?;
            return Ok(report);
        }
        _ => {
            return Err(VerifyError::Invalid(
                "its format is not the profile's".into(),
            ));
        }
    };
    shape::check(airs, &key.profile, instances, report.queries, batch)?;

    let common = key.common_data(airs, instances);
    check_bus_widths(&common.lookups)?;
    let config = config(&key.profile, report.queries, frame);
    let tables: Vec<Analysed<'_, T>> = instances
        .tables()
        .iter()
        .map(|instance| Analysed {
            table: &airs.kinds()[usize::from(instance.kind)].table,
            info: airs.info(instance.kind.into()),
        })
        .collect();
    let public_values: Vec<Vec<Felt>> = instances
        .tables()
        .iter()
        .map(|instance| {
            if airs.public_kind() == Some(instance.kind.into()) {
                public_values.to_vec()
            } else {
                vec![]
            }
        })
        .collect();
    info_span!("batch proof")
        .in_scope(|| verify_batch(&config, &tables, batch, &public_values, &common))
        .map_err(|error| VerifyError::Invalid(error.to_string()))?;
    Ok(report)
}
