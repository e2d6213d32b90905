//! What a verifier of proofs of one shape does, as data: for those who generate it.

use p3_air::symbolic::{SymbolicExpression, SymbolicExpressionExt};
use thiserror::Error;

use super::layout::Layout;
use super::{bus, start_of_tables};
use crate::airs::{AirSet, Table};
use crate::instances::{InstanceError, InstanceList};
use crate::key::{KeyError, VerifyingKey};
use crate::profile::{Format, Profile};
use crate::security::{SecurityError, Workload, resolve};
use crate::transcript::PROTOCOL_VERSION;
use crate::types::{Ext, Felt, Word};

/// Why there is no description.
#[derive(Debug, Error)]
pub enum DescribeError {
    /// Another format than the lifted one.
    #[error("programs verify no proofs of profile `{0}`")]
    Format(&'static str),
    /// The key is not one of the machine.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The tables are not allowed.
    #[error(transparent)]
    Instances(#[from] InstanceError),
    /// No number of queries reaches the key's target.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// Periodic columns are not described.
    #[error("`{0}` has periodic columns, which a description does not have")]
    Periodic(&'static str),
}

/// A constraint: an expression that is zero on every row.
#[derive(Clone, Debug)]
pub enum Constraint {
    /// Of the table itself.
    Base(SymbolicExpression<Felt>),
    /// Of the bus argument.
    Ext(SymbolicExpressionExt<Felt, Ext>),
}

/// One table.
#[derive(Clone, Debug)]
pub struct TableDescription {
    /// Name of its kind.
    pub name: &'static str,
    /// log2 of its rows.
    pub log_height: usize,
    /// Whether the public values are its.
    pub public: bool,
    /// The number of the bus of each of its lookups, from 1: its pair of challenges is α + number·β^W, β.
    pub buses: Vec<u64>,
    /// In the order in which they are folded.
    pub constraints: Vec<Constraint>,
}

/// The constraints of a kind in the order in which they are folded.
pub(super) fn constraints<T: Table>(
    airs: &AirSet<T>,
    kind: usize,
    profile: &Profile,
) -> Vec<Constraint> {
    let order = &airs.info_under(kind, profile).order;
    let constraints = airs.constraints_under(kind, profile);
    let mut ordered: Vec<(usize, Constraint)> = Vec::new();
    let base = constraints.base.into_iter().map(Constraint::Base);
    ordered.extend(order.base_indices.iter().copied().zip(base));
    let ext = constraints.ext.into_iter().map(Constraint::Ext);
    ordered.extend(order.ext_indices.iter().copied().zip(ext));
    ordered.sort_by_key(|&(index, _)| index);
    ordered.into_iter().map(|(_, c)| c).collect()
}

/// Everything that the verifier of a lifted proof knows before it sees the proof.
#[derive(Clone, Debug)]
pub struct Description {
    /// Trees, heights, foldings.
    pub layout: Layout,
    /// log2 of the blow-up.
    pub log_blowup: usize,
    /// Bits of work in front of the queries.
    pub work_bits: usize,
    /// Queries.
    pub queries: usize,
    /// State of the transcript that has taken in protocol, machine and tables.
    pub start: Word,
    /// The digest of the key without its commitment.
    pub key_rest: Word,
    /// Public values.
    pub public_values: usize,
    /// Width of the widest tuple on a bus.
    pub tuple_width: usize,
    /// The tables, in the order of the list.
    pub tables: Vec<TableDescription>,
}

impl Description {
    /// For proofs of these tables under a key. Both are checked as a verifier does it.
    ///
    /// # Errors
    /// See [`DescribeError`].
    pub fn new<T: Table>(
        airs: &AirSet<T>,
        key: &VerifyingKey,
        instances: &InstanceList,
    ) -> Result<Self, DescribeError> {
        let profile = key.profile();
        if profile.format != Format::Lifted {
            return Err(DescribeError::Format(profile.name));
        }
        key.check(airs)?;
        instances.check(airs, key.pinned(), profile)?;
        let report = resolve(
            profile,
            key.target(),
            &Workload::new(airs, profile, instances),
        )?;
        let tables = instances.tables();
        let infos: Vec<_> = tables
            .iter()
            .map(|table| airs.info_under(table.kind.into(), profile))
            .collect();
        for (table, info) in tables.iter().zip(&infos) {
            if info.num_periodic > 0 {
                let name = airs.kinds()[usize::from(table.kind)].name;
                return Err(DescribeError::Periodic(name));
            }
        }
        let lookups: Vec<_> = infos.iter().map(|info| &*info.lookups).collect();
        let (numbers, tuple_width) = bus::numbers(&lookups);
        let tables = tables
            .iter()
            .zip(numbers)
            .map(|(table, buses)| {
                let kind = usize::from(table.kind);
                TableDescription {
                    name: airs.kinds()[kind].name,
                    log_height: table.log_height.into(),
                    public: airs.public_kind() == Some(kind),
                    buses,
                    constraints: constraints(airs, kind, profile),
                }
            })
            .collect();
        Ok(Self {
            layout: Layout::new(airs, profile, instances),
            log_blowup: profile.log_blowup,
            work_bits: profile.query_pow_bits,
            queries: report.queries,
            start: start_of_tables(PROTOCOL_VERSION, airs.digest(), instances).state(),
            key_rest: key.digest_without_commitment(),
            public_values: airs.num_public_values(),
            tuple_width,
            tables,
        })
    }
}
