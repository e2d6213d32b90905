//! What a verifier of all lifted proofs of a machine does, whatever their keys and tables, as data.

use p3_lookup::Kind as LookupKind;
use plica_hash_rpo::{hash_elements, merge};
use thiserror::Error;

use super::describe::{Constraint, constraints};
use super::domain_of;
use super::layout::MIN_LOG_HEIGHT;
use crate::airs::{AirSet, Presence, Table};
use crate::instances::{Instance, InstanceList};
use crate::key::digest_of_parameters;
use crate::profile::Profile;
use crate::security::{SecurityError, SecurityTarget, Workload, resolve};
use crate::transcript::{PROTOCOL_VERSION, encode_bytes};
use crate::types::{EXT_DEGREE, Word};

/// What a program that verifies all proofs of a machine has room for.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// log2 of the blow-up: it keeps all points of the last domain.
    pub log_blowup: usize,
    /// Tables of a proof: it keeps arrays over them.
    pub tables: usize,
    /// log2 of the rows of a table.
    pub log_height: usize,
    /// Bits of work: zeros at the end of half an element.
    pub work_bits: usize,
}

/// See [`Room`].
pub const ROOM: Room = Room {
    log_blowup: 3,
    tables: 128,
    log_height: 28,
    work_bits: 31,
};

/// Why one program cannot verify all proofs of a machine.
#[derive(Debug, Error)]
pub enum MachineError {
    #[error("no program verifies all proofs of profile `{0}`")]
    Format(&'static str),
    #[error("a program verifies all proofs at blow-ups up to 2^{most}, not at 2^{0}", most = ROOM.log_blowup)]
    BlowUp(usize),
    #[error("a program verifies proofs of up to {most} tables, not of {0}", most = ROOM.tables)]
    Tables(usize),
    #[error("a program verifies proofs of 2^{MIN_LOG_HEIGHT} to 2^{most} rows, not of 2^{0}", most = ROOM.log_height)]
    Height(usize),
    #[error("a program checks up to {most} bits of work, not {0}", most = ROOM.work_bits)]
    Work(usize),
    #[error(transparent)]
    Security(#[from] SecurityError),
    #[error("the number of queries depends on the height: {least} or {most}")]
    Queries { least: usize, most: usize },
    #[error("`{0}` has {1}")]
    Kind(&'static str, &'static str),
}

/// How often a kind is among the tables of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occurrence {
    /// Once, as the key says.
    Once,
    /// Once if the key lists it.
    Listed,
    /// As often as the prover likes, up to a limit.
    Any,
}

/// A kind of table.
#[derive(Clone, Debug)]
pub struct KindDescription {
    /// Number of the kind.
    pub kind: u16,
    pub name: &'static str,
    pub occurrence: Occurrence,
    /// Tables of it in a proof, at most.
    pub most: usize,
    /// Whether the public values are its.
    pub public: bool,
    /// Main columns.
    pub main: usize,
    /// Columns of the bus argument, over the base field.
    pub bus: usize,
    pub preprocessed: usize,
    /// Pairs of challenges that its constraints refer to, all of bus number 1.
    pub challenges: usize,
    /// In the order in which they are folded.
    pub constraints: Vec<Constraint>,
}

/// Everything that the verifiers of all lifted proofs of a machine have in common, for one profile and target.
#[derive(Clone, Debug)]
pub struct Machine {
    pub log_blowup: usize,
    pub work_bits: usize,
    /// Queries, the same at all heights.
    pub queries: usize,
    /// log2 of the rows of a table, at most.
    pub max_log_height: usize,
    /// log2 of the quotient's chunks.
    pub log_chunks: usize,
    /// State of the transcript that has taken in protocol and machine.
    pub start: Word,
    /// What digests of keys without metadata begin with.
    pub key_start: Word,
    pub public_values: usize,
    /// Width of the widest tuple on the bus.
    pub tuple_width: usize,
    /// The kinds that exist under the profile, in their order.
    pub kinds: Vec<KindDescription>,
}

impl Machine {
    /// For a machine whose tables are all on one bus, up to a height.
    ///
    /// # Errors
    /// If a kind is not of the form that a program can follow (next rows, periodic columns, a bus of its own), or if the number of queries
    /// depends on the height.
    pub fn new<T: Table>(
        airs: &AirSet<T>,
        profile: &Profile,
        target: SecurityTarget,
        max_log_height: usize,
    ) -> Result<Self, MachineError> {
        if !profile.for_programs {
            return Err(MachineError::Format(profile.name));
        }
        if profile.log_blowup > ROOM.log_blowup {
            return Err(MachineError::BlowUp(profile.log_blowup));
        }
        if profile.query_pow_bits > ROOM.work_bits {
            return Err(MachineError::Work(profile.query_pow_bits));
        }
        if !(MIN_LOG_HEIGHT..=ROOM.log_height).contains(&max_log_height) {
            return Err(MachineError::Height(max_log_height));
        }
        let mut kinds = Vec::new();
        let mut tuple_width = 0;
        for (index, kind) in airs.kinds().iter().enumerate() {
            if !airs.is_available(index, profile) {
                continue;
            }
            let info = airs.info_under(index, profile);
            let refuse = |what| Err(MachineError::Kind(kind.name, what));
            let one_bus = info
                .lookups
                .iter()
                .all(|lookup| matches!(&lookup.kind, LookupKind::Global(name) if Some(name) == bus_of(airs, profile).as_ref()));
            let (occurrence, most) = match kind.presence {
                Presence::Pinned => (Occurrence::Once, 1),
                Presence::Optional => (Occurrence::Listed, 1),
                Presence::Dynamic { max_instances } => (Occurrence::Any, max_instances),
                Presence::Fixed => return refuse("a fixed height"),
            };
            if info.lookups.is_empty() || !one_bus {
                return refuse("not one bus in common with all others");
            }
            if info.num_periodic > 0 {
                return refuse("periodic columns");
            }
            if info.main_next || info.preprocessed_next || info.wraps {
                return refuse("constraints on the next row");
            }
            tuple_width = tuple_width.max(info.tuple_width);
            kinds.push(KindDescription {
                kind: index as u16,
                name: kind.name,
                occurrence,
                most,
                public: airs.public_kind() == Some(index),
                main: info.width,
                bus: info.permutation_width(),
                preprocessed: info.preprocessed_width,
                challenges: info.lookups.len(),
                constraints: constraints(airs, index, profile),
            });
        }
        let most = kinds.iter().map(|kind| kind.most);
        let most = most.fold(0, usize::saturating_add);
        if most > ROOM.tables {
            return Err(MachineError::Tables(most));
        }
        let queries = |log_height: usize| {
            let tables = kinds.iter().flat_map(|kind| {
                let table = Instance {
                    kind: kind.kind,
                    log_height: log_height as u8,
                };
                vec![table; kind.most]
            });
            let list = InstanceList(tables.collect());
            resolve(profile, target, &Workload::new(airs, profile, &list)).map(|r| r.queries)
        };
        let (least, most) = (queries(max_log_height)?, queries(MIN_LOG_HEIGHT)?);
        if least != most {
            return Err(MachineError::Queries { least, most });
        }
        let parameters = digest_of_parameters(profile, target, airs.digest());
        Ok(Self {
            log_blowup: profile.log_blowup,
            work_bits: profile.query_pow_bits,
            queries: least,
            max_log_height,
            log_chunks: profile.most_log_chunks(),
            start: hash_elements(&domain_of(PROTOCOL_VERSION, airs.digest())),
            key_start: merge([parameters, hash_elements(&encode_bytes(&[]))]),
            public_values: airs.num_public_values(),
            tuple_width,
            kinds,
        })
    }

    /// Columns of the quotient.
    #[must_use]
    pub const fn quotient(&self) -> usize {
        EXT_DEGREE << self.log_chunks
    }
}

/// The name of the bus of the first kind.
fn bus_of<T: Table>(airs: &AirSet<T>, profile: &Profile) -> Option<String> {
    let lookups = &airs.info_under(0, profile).lookups;
    match &lookups.first()?.kind {
        LookupKind::Global(name) => Some(name.clone()),
        LookupKind::Local => None,
    }
}
