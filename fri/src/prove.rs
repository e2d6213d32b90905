//! The prover.

use std::sync::Arc;

use p3_lookup::{LookupError, check_multiplicity_height_bound};
use p3_matrix::Matrix as _;
use thiserror::Error;
use tracing::{info, instrument};

use crate::airs::Table;
use crate::batch;
use crate::instances::{Instance, InstanceError, InstanceList};
use crate::key::{Preprocessed, ProvingKey};
use crate::lifted;
use crate::proof::Proof;
use crate::security::{SecurityError, SecurityReport, SecurityTarget, Workload, resolve};
use crate::table::Input;
use crate::transcript::{Frame, PROTOCOL_VERSION, config};
use crate::types::{Felt, Matrix};

/// One filled table.
pub struct Trace {
    /// Index of its kind in the machine's set.
    pub kind: usize,
    /// Its main columns; the number of rows is a power of two.
    pub matrix: Matrix,
}

/// Why there is no proof.
#[derive(Debug, Error)]
pub enum ProveError {
    /// A kind that the machine does not have.
    #[error("kind {0} does not exist")]
    UnknownKind(usize),
    /// A trace with the wrong number of columns, or of rows.
    #[error(
        "the trace of `{name}` is {width} columns by {height} rows; expected are {expected} columns by a power of two"
    )]
    TraceShape {
        /// Name of the kind.
        name: &'static str,
        /// Columns that its AIR declares.
        expected: usize,
        /// Columns of the trace.
        width: usize,
        /// Rows of the trace.
        height: usize,
    },
    /// These tables cannot be in one proof.
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
    /// The proof would not be secure enough.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// Multiplicities could wrap around in the field.
    #[error(transparent)]
    Lookup(#[from] LookupError),
}

/// Proves that the traces, with the key's preprocessed columns and these public values, satisfy the machine.
///
/// Traces may be in any order; dynamic kinds that did not occur, and optional ones that the key does not list, are left out. The traces are not checked: a
/// proof of wrong traces is made all the same, and rejected by [`crate::verify`]. [`crate::check`] finds what is wrong with them.
///
/// `min_security` is what the caller demands of the proof, besides the key's own target.
///
/// # Errors
/// [`ProveError`] if the tables do not form an allowed list or the security target is not met.
#[instrument(name = "prove", skip_all, fields(profile = key.key.profile.name))]
pub fn prove<T: Table>(
    key: &ProvingKey<T>,
    mut traces: Vec<Trace>,
    public_values: &[Felt],
    min_security: SecurityTarget,
) -> Result<Proof, ProveError> {
    let airs = key.airs.as_ref();
    let vk = &key.key;
    for trace in &traces {
        let kind = airs
            .kinds()
            .get(trace.kind)
            .ok_or(ProveError::UnknownKind(trace.kind))?;
        let (expected, width, height) = (
            airs.info(trace.kind).width,
            trace.matrix.width(),
            trace.matrix.height(),
        );
        if width != expected || !height.is_power_of_two() {
            return Err(ProveError::TraceShape {
                name: kind.name,
                expected,
                width,
                height,
            });
        }
    }
    traces.sort_by_key(|trace| (trace.kind, std::cmp::Reverse(trace.matrix.height())));
    let instances = InstanceList(
        traces
            .iter()
            .map(|trace| Instance {
                kind: trace.kind as u16,
                log_height: trace.matrix.height().ilog2() as u8,
            })
            .collect(),
    );
    let report = plan(key, &instances, min_security)?;
    let expected = airs.num_public_values();
    if public_values.len() != expected {
        return Err(ProveError::PublicValues {
            expected,
            got: public_values.len(),
        });
    }
    info!(
        queries = report.queries,
        tables = traces.len(),
        "parameters"
    );

    let lookups: Vec<_> = traces
        .iter()
        .map(|trace| airs.info_under(trace.kind, &vk.profile).lookups.clone())
        .collect();
    let heights: Vec<_> = traces.iter().map(|trace| trace.matrix.height()).collect();
    check_multiplicity_height_bound(&lookups, &heights)?;
    let digest = vk.digest();
    let frame = Frame {
        version: PROTOCOL_VERSION,
        air_set: airs.digest(),
        key: &digest,
        instances: &instances,
    };
    let inputs: Vec<_> = traces
        .into_iter()
        .map(|Trace { kind, matrix }| Input {
            table: &airs.kinds()[kind].table,
            info: airs.info_under(kind, &vk.profile),
            log_chunks: airs.log_chunks(kind, matrix.height().ilog2() as usize),
            trace: matrix,
            preprocessed: &key.traces[kind],
            public_values: if airs.public_kind() == Some(kind) {
                public_values
            } else {
                &[]
            },
        })
        .collect();
    let body = match &key.preprocessed {
        Preprocessed::Batch(tree) => {
            let config = config(&vk.profile, report.queries, &frame);
            batch::prove(&config, inputs, (&vk.preprocessed, tree)).into()
        }
        Preprocessed::Lifted(preprocessed) => {
            let (profile, queries) = (&vk.profile, report.queries);
            lifted::prove(
                airs,
                profile,
                queries,
                &frame,
                public_values,
                inputs,
                preprocessed,
            )
            .into()
        }
    };
    Ok(Proof {
        profile: vk.profile.id,
        instances,
        body,
    })
}

/// The security that a proof of these tables will have, hence its number of queries. Proves nothing.
///
/// # Errors
/// As [`prove`].
pub fn plan<T: Table>(
    key: &ProvingKey<T>,
    instances: &InstanceList,
    min_security: SecurityTarget,
) -> Result<SecurityReport, ProveError> {
    let vk = &key.key;
    instances.check(&key.airs, &vk.pinned, &vk.profile)?;
    let report = resolve(
        &vk.profile,
        vk.target,
        &Workload::new(key.airs.as_ref(), &vk.profile, instances),
    )?;
    report.require(min_security)?;
    Ok(report)
}

impl<T: Table> ProvingKey<T> {
    /// The machine, shared.
    #[must_use]
    pub fn shared_airs(&self) -> Arc<crate::airs::AirSet<T>> {
        self.airs.clone()
    }
}
