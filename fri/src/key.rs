//! Keys: what identifies a program under a profile and a security target.

use std::sync::Arc;

use p3_batch_stark::CommonData;
use p3_batch_stark::common::{GlobalPreprocessed, PreprocessedInstanceMeta};
use p3_commit::UnivariateStarkPcs;
use p3_field::PrimeField64;
use p3_matrix::Matrix as _;
use p3_merkle_tree::MerkleCap;
use plica_hash_rpo::{hash_elements, merge};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tracing::instrument;

use crate::airs::{AirSet, Kind, Presence, Table};
use crate::hash::{Cap, Challenger, Tree};
use crate::instances::{InstanceList, PinnedTable};
use crate::lifted;
use crate::profile::{Format, Profile, ProfileId};
use crate::security::{Model, SecurityTarget};
use crate::transcript::{PROTOCOL_VERSION, encode_bytes, number, setup_config};
use crate::types::{Config, Ext, Felt, Matrix, Pcs, Word};

/// Longest metadata of a key, in bytes.
pub const MAX_METADATA: usize = 1 << 20;

/// What a verifier needs besides the claim: a program's identity under a profile and a security target.
///
/// It holds no trace and no constraints. The machine's [`AirSet`] is compiled into the verifier; the key names it by digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    pub(crate) profile: Profile,
    pub(crate) target: SecurityTarget,
    pub(crate) air_set: [u8; 32],
    pub(crate) preprocessed: Cap,
    pub(crate) pinned: Vec<PinnedTable>,
    pub(crate) metadata: Vec<u8>,
    pub(crate) digest: Word,
}

/// The fields of a key file.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeyFields {
    protocol: u16,
    target: SecurityTarget,
    air_set: [u8; 32],
    preprocessed: Cap,
    pinned: Vec<PinnedTable>,
    metadata: Vec<u8>,
    digest: Word,
}

/// Why a key does not fit.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The key is for another machine, or another version of it.
    #[error("the key belongs to another machine or another version of it")]
    OtherMachine,
    /// The key's tables are not all pinned and fixed tables of the machine and some of the optional ones, each once and in order.
    #[error("the key does not describe the tables that the machine fixes")]
    Tables,
    /// A listed table's constraints have too high a degree for the profile.
    #[error("the key lists `{0}`, which is not available under its profile")]
    Unavailable(&'static str),
    /// The commitment has the wrong form for the profile.
    #[error("the key's commitment does not have the form that the profile prescribes")]
    Commitment,
    /// No preprocessed table in a format that needs one.
    #[error("the key has no preprocessed table: only profiles in the lifted format can do without")]
    NothingPreprocessed,
    /// Another version of the proof system.
    #[error("the key is for version {0} of the proof system, this is version {PROTOCOL_VERSION}")]
    Protocol(u16),
    /// A target out of range.
    #[error("the key asks for {0} bits of security; 1 to 128 are possible")]
    Target(u16),
    /// The content has another digest than the file says: it was written for a profile with other parameters.
    #[error("the key's content does not have the digest that the file says")]
    Digest,
    /// Too much metadata.
    #[error("{0} bytes of metadata, at most {MAX_METADATA} are allowed")]
    Metadata(usize),
}

/// Why no key can be made.
#[derive(Debug, Error)]
pub enum SetupError {
    /// Profile parameters out of range.
    #[error("the profile's parameters are out of range")]
    Profile,
    /// Not one entry per kind with preprocessed columns.
    #[error("{got} preprocessed traces for {expected} kinds with preprocessed columns")]
    TraceCount {
        /// Kinds with preprocessed columns.
        expected: usize,
        /// Entries, those without a trace included.
        got: usize,
    },
    /// No trace for a kind that every program has.
    #[error("there is no preprocessed trace for `{0}`, which is not optional")]
    TraceMissing(&'static str),
    /// A trace with the wrong number of columns, or a height that is no power of two in range.
    #[error(
        "the preprocessed trace of `{name}` is {width} columns by {height} rows; expected are {expected} columns by a power of two in range"
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
    /// Not one height per fixed kind.
    #[error("{got} heights for {expected} kinds of fixed height")]
    HeightCount {
        /// Fixed kinds.
        expected: usize,
        /// Heights.
        got: usize,
    },
    /// A height out of range.
    #[error("`{name}` cannot have 2^{got} rows, possible are 2^{min} to 2^{max}")]
    Height {
        /// Name of the kind.
        name: &'static str,
        /// log2 of the lowest possible height.
        min: usize,
        /// log2 of the largest possible height.
        max: usize,
        /// log2 of the height that was given.
        got: usize,
    },
    /// Constraints of too high degree for the profile's blow-up, in a table that the key would list.
    #[error(
        "`{name}` has constraints of degree {degree}; under this profile {most} is possible at most"
    )]
    Degree {
        /// Name of the kind.
        name: &'static str,
        /// Its largest degree.
        degree: usize,
        /// The largest that the profile allows.
        most: usize,
    },
    /// The key would not be accepted.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// What the prover needs: the key, the machine's tables with their preprocessed traces, and the committed LDE of those.
pub struct ProvingKey<T> {
    pub(crate) airs: Arc<AirSet<T>>,
    pub(crate) key: VerifyingKey,
    /// The preprocessed traces of listed kinds, by kind.
    pub(crate) traces: Vec<Option<Matrix>>,
    pub(crate) preprocessed: Preprocessed,
}

/// The committed LDE of the preprocessed traces, in the form of the profile's format.
pub(crate) enum Preprocessed {
    Batch(Tree<Matrix>),
    Lifted(lifted::Preprocessed),
}

impl<T: Table> ProvingKey<T> {
    /// The verifying key.
    #[must_use]
    pub const fn verifying_key(&self) -> &VerifyingKey {
        &self.key
    }

    /// The machine.
    #[must_use]
    pub fn airs(&self) -> &AirSet<T> {
        &self.airs
    }
}

/// Makes the keys of a program: commits to its preprocessed traces. There is one entry per pinned or optional kind, in the set's order;
/// `None` leaves an optional one out, and then no proof under the key has it.
///
/// Dynamic kinds whose degree is too high for the profile ([`AirSet::is_available`]) are no error: no proof under the key has them.
///
/// `metadata` is for the machine (entry points, names); it is carried and hashed, not interpreted.
///
/// # Errors
/// [`SetupError`] if the traces do not fit the machine, or the machine does not fit the profile.
pub fn setup<T: Table>(
    airs: &Arc<AirSet<T>>,
    traces: Vec<Option<Matrix>>,
    profile: &Profile,
    target: SecurityTarget,
    metadata: Vec<u8>,
) -> Result<(ProvingKey<T>, VerifyingKey), SetupError> {
    setup_with_heights(airs, traces, &[], profile, target, metadata)
}

/// [`setup`] for a machine with fixed kinds: with the log2 of the rows of each of them, in the set's order.
///
/// # Errors
/// As [`setup`], and if a height is out of range.
#[instrument(name = "setup", skip_all, fields(profile = profile.name))]
pub fn setup_with_heights<T: Table>(
    airs: &Arc<AirSet<T>>,
    traces: Vec<Option<Matrix>>,
    log_heights: &[usize],
    profile: &Profile,
    target: SecurityTarget,
    metadata: Vec<u8>,
) -> Result<(ProvingKey<T>, VerifyingKey), SetupError> {
    if !profile.is_sane() {
        return Err(SetupError::Profile);
    }
    let (expected, got) = (airs.preprocessed().count(), traces.len());
    if got != expected {
        return Err(SetupError::TraceCount { expected, got });
    }
    let (expected, got) = (airs.listed().count() - expected, log_heights.len());
    if got != expected {
        return Err(SetupError::HeightCount { expected, got });
    }
    let config = setup_config(profile);
    let pcs = p3_uni_stark::StarkGenericConfig::pcs(&config);
    let mut pinned = Vec::new();
    let mut kept: Vec<Option<Matrix>> = airs.kinds().iter().map(|_| None).collect();
    let mut evaluations = Vec::new();
    let mut traces = traces.into_iter();
    let mut log_heights = log_heights.iter().copied();
    let max = profile.max_log_rows();
    for kind in airs.listed() {
        let Kind { name, presence, .. } = airs.kinds()[kind];
        let min = airs.info(kind).max_period;
        let (trace, log_height) = if presence == Presence::Fixed {
            (None, log_heights.next())
        } else {
            (traces.next().flatten(), None)
        };
        if presence == Presence::Optional && trace.is_none() {
            continue;
        }
        if !airs.is_available(kind, profile) {
            return Err(SetupError::Degree {
                name,
                degree: airs.info(kind).degree,
                most: (1 << profile.most_log_chunks()) + 1,
            });
        }
        if let Some(got) = log_height {
            let min = min.ilog2() as usize;
            if got < min || got > max {
                return Err(SetupError::Height {
                    name,
                    min,
                    max,
                    got,
                });
            }
            pinned.push(PinnedTable {
                kind: kind as u16,
                width: 0,
                log_height: got as u8,
            });
            continue;
        }
        let trace = trace.ok_or(SetupError::TraceMissing(name))?;
        let expected = airs.info(kind).preprocessed_width;
        let (width, height) = (trace.width(), trace.height());
        if width != expected
            || !height.is_power_of_two()
            || height < min
            || height.ilog2() as usize > max
        {
            return Err(SetupError::TraceShape {
                name,
                expected,
                width,
                height,
            });
        }
        pinned.push(PinnedTable {
            kind: kind as u16,
            width: width as u32,
            log_height: height.ilog2() as u8,
        });
        let domain =
            <Pcs as p3_commit::Pcs<Ext, Challenger>>::natural_domain_for_degree(pcs, height);
        if profile.format == Format::Batch {
            evaluations.push((domain, trace.clone()));
        }
        kept[kind] = Some(trace);
    }
    let (commitment, data) = match profile.format {
        Format::Batch if evaluations.is_empty() => {
            return Err(KeyError::NothingPreprocessed.into());
        }
        Format::Batch => {
            let committed = <Pcs as UnivariateStarkPcs<Ext, Challenger>>::commit_preprocessing(
                pcs,
                evaluations,
            );
            let (cap, tree) = committed.expect("heights are checked");
            (cap, Preprocessed::Batch(tree))
        }
        Format::Lifted => {
            let traces: Vec<&Matrix> = kept.iter().flatten().collect();
            let committed = lifted::Preprocessed::new(&traces, profile.log_blowup);
            let cap = Cap::Felts(MerkleCap::new(vec![committed.root()]));
            (cap, Preprocessed::Lifted(committed))
        }
    };
    let key = VerifyingKey::new(
        profile.clone(),
        target,
        *airs.digest(),
        commitment,
        pinned,
        metadata,
    )?;
    key.check(airs)?;
    let proving = ProvingKey {
        airs: airs.clone(),
        key: key.clone(),
        traces: kept,
        preprocessed: data,
    };
    Ok((proving, key))
}

impl VerifyingKey {
    fn new(
        profile: Profile,
        target: SecurityTarget,
        air_set: [u8; 32],
        preprocessed: Cap,
        pinned: Vec<PinnedTable>,
        metadata: Vec<u8>,
    ) -> Result<Self, KeyError> {
        if target.bits == 0 || target.bits > 128 {
            return Err(KeyError::Target(target.bits));
        }
        if metadata.len() > MAX_METADATA {
            return Err(KeyError::Metadata(metadata.len()));
        }
        let mut key = Self {
            profile,
            target,
            air_set,
            preprocessed,
            pinned,
            metadata,
            digest: Word::default(),
        };
        key.check_commitment()?;
        key.digest = key.compute_digest();
        Ok(key)
    }

    /// The profile.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The level of security that determines the number of queries. A verifier has its own, separate demand.
    #[must_use]
    pub const fn target(&self) -> SecurityTarget {
        self.target
    }

    /// The machine's metadata.
    #[must_use]
    pub fn metadata(&self) -> &[u8] {
        &self.metadata
    }

    /// The preprocessed and fixed tables that the program has: exactly these are in every proof under the key, besides dynamic ones.
    #[must_use]
    pub fn pinned(&self) -> &[PinnedTable] {
        &self.pinned
    }

    /// The commitment to the preprocessed tables. Without any, in the lifted format, the zero word.
    #[must_use]
    pub const fn preprocessed(&self) -> &Cap {
        &self.preprocessed
    }

    /// The digest by which claims name the key: an RPO hash of everything that determines verification.
    pub const fn digest(&self) -> Word {
        self.digest
    }

    /// In the lifted format a program checks the digest, so the commitment stands apart: the rest is one word, the same for all keys of
    /// equal tables.
    pub(crate) fn compute_digest(&self) -> Word {
        match (&self.preprocessed, self.profile.format) {
            (Cap::Felts(cap), Format::Lifted) if cap.num_roots() == 1 => {
                merge([self.digest_without_commitment(), cap.roots()[0]])
            }
            _ => hash_elements(&self.elements()),
        }
    }

    /// The commitment as one root, in the lifted format.
    #[must_use]
    pub fn lifted_root(&self) -> Option<Word> {
        match &self.preprocessed {
            Cap::Felts(cap) if self.profile.format == Format::Lifted => {
                cap.roots().first().copied()
            }
            _ => None,
        }
    }

    /// What the commitment is merged with, in the lifted format: parameters and machine; metadata; the number of listed tables; each of
    /// them. One program can take in such a digest for keys of any tables.
    pub(crate) fn digest_without_commitment(&self) -> Word {
        let parameters = digest_of_parameters(&self.profile, self.target, &self.air_set);
        let metadata = hash_elements(&encode_bytes(&self.metadata));
        let count = [self.pinned.len() as u64, 0, 0, 0];
        let tables = self.pinned.iter().map(|table| {
            [
                table.kind.into(),
                table.log_height.into(),
                table.width.into(),
                1,
            ]
        });
        core::iter::once(count)
            .chain(tables)
            .fold(merge([parameters, metadata]), |digest, word: [u64; 4]| {
                merge([digest, word.map(number)])
            })
    }

    /// The key as field elements; injective.
    pub(crate) fn elements(&self) -> Vec<Felt> {
        let mut out = parameters(&self.profile, self.target, &self.air_set);
        out.push(number(self.pinned.len() as u64));
        for table in &self.pinned {
            out.extend(
                [
                    table.kind.into(),
                    table.width.into(),
                    table.log_height.into(),
                ]
                .map(number),
            );
        }
        out.push(number(self.preprocessed.num_roots() as u64));
        match &self.preprocessed {
            Cap::Felts(cap) => out.extend(cap.roots().iter().flatten()),
            Cap::Bytes(cap) => cap
                .roots()
                .iter()
                .for_each(|digest| out.extend(encode_bytes(digest))),
        }
        out.extend(encode_bytes(&self.metadata));
        out
    }

    pub(crate) fn fields(&self) -> KeyFields {
        KeyFields {
            protocol: PROTOCOL_VERSION,
            target: self.target,
            air_set: self.air_set,
            preprocessed: self.preprocessed.clone(),
            pinned: self.pinned.clone(),
            metadata: self.metadata.clone(),
            digest: self.digest,
        }
    }

    pub(crate) fn from_fields(profile: Profile, fields: KeyFields) -> Result<Self, KeyError> {
        if fields.protocol != PROTOCOL_VERSION {
            return Err(KeyError::Protocol(fields.protocol));
        }
        let digest = fields.digest;
        let key = Self::new(
            profile,
            fields.target,
            fields.air_set,
            fields.preprocessed,
            fields.pinned,
            fields.metadata,
        )?;
        if key.digest == digest {
            Ok(key)
        } else {
            Err(KeyError::Digest)
        }
    }

    /// The number of digests in the commitment, and their kind, as the profile prescribes.
    fn check_commitment(&self) -> Result<(), KeyError> {
        let max = self.profile.max_log_rows();
        let tallest = self
            .pinned
            .iter()
            .map(|table| usize::from(table.log_height))
            .max()
            .ok_or(KeyError::Tables)?;
        if tallest > max {
            return Err(KeyError::Tables);
        }
        // What the commitment covers.
        let committed = self.pinned.iter().filter(|table| table.width > 0);
        let committed = committed.map(|table| usize::from(table.log_height)).max();
        let cap_height = match (committed, self.profile.format) {
            (Some(tallest), _) => self
                .profile
                .cap_height
                .min(tallest + self.profile.log_blowup),
            (None, Format::Batch) => return Err(KeyError::NothingPreprocessed),
            // One form for nothing: programs that check keys have it as a constant.
            (None, Format::Lifted) => {
                return match self.lifted_root() {
                    Some(root) if root == Word::default() && self.preprocessed.num_roots() == 1 => {
                        Ok(())
                    }
                    _ => Err(KeyError::Commitment),
                };
            }
        };
        if !self.preprocessed.is_of(self.profile.hash)
            || self.preprocessed.num_roots() != 1 << cap_height
        {
            return Err(KeyError::Commitment);
        }
        Ok(())
    }

    /// Checks that the key is one of this machine.
    pub(crate) fn check<T: Table>(&self, airs: &AirSet<T>) -> Result<(), KeyError> {
        if self.air_set != *airs.digest() {
            return Err(KeyError::OtherMachine);
        }
        // Takes each entry when its kind's turn comes. What is left is a second entry of a kind, out of order, or of a kind that does
        // not exist or is dynamic. A fixed kind's width is 0, that of its columns.
        let mut listed = self.pinned.iter().peekable();
        for kind in airs.listed() {
            match listed.next_if(|table| usize::from(table.kind) == kind) {
                Some(table) if table.width as usize != airs.info(kind).preprocessed_width => {
                    return Err(KeyError::Tables);
                }
                Some(_) if !airs.is_available(kind, &self.profile) => {
                    return Err(KeyError::Unavailable(airs.kinds()[kind].name));
                }
                None if airs.kinds()[kind].presence.is_certain() => {
                    return Err(KeyError::Tables);
                }
                _ => {}
            }
        }
        match listed.next() {
            Some(_) => Err(KeyError::Tables),
            None => Ok(()),
        }
    }

    /// p3's view of the machine for a list of tables that has been checked: the key's commitment and each table's packed
    /// interactions.
    pub(crate) fn common_data<T: Table>(
        &self,
        airs: &AirSet<T>,
        instances: &InstanceList,
    ) -> CommonData<Config> {
        let mut metas = Vec::with_capacity(instances.tables().len());
        let mut matrix_to_instance = Vec::new();
        let mut lookups = Vec::with_capacity(instances.tables().len());
        for (position, instance) in instances.tables().iter().enumerate() {
            let info = airs.info(instance.kind.into());
            lookups.push(info.lookups.clone());
            // Exactly the listed kinds are there, once and in order, so positions enumerate the committed matrices in order.
            metas.push((info.preprocessed_width > 0).then(|| {
                matrix_to_instance.push(position);
                PreprocessedInstanceMeta {
                    matrix_index: matrix_to_instance.len() - 1,
                    width: info.preprocessed_width,
                    degree_bits: instance.log_height.into(),
                }
            }));
        }
        let preprocessed = GlobalPreprocessed {
            commitment: self.preprocessed.clone(),
            instances: metas,
            matrix_to_instance,
        };
        CommonData::new(Some(preprocessed), lookups)
    }

    /// The profile's number.
    #[must_use]
    pub const fn profile_id(&self) -> ProfileId {
        self.profile.id
    }
}

/// What a key has in common with all others of its machine, profile and target; injective.
fn parameters(profile: &Profile, target: SecurityTarget, air_set: &[u8; 32]) -> Vec<Felt> {
    let mut out = encode_bytes(b"plica verifying key");
    out.push(number(PROTOCOL_VERSION.into()));
    // The fields: p in two halves, then degree and low coefficients of the extension's polynomial.
    out.extend([
        number(Felt::ORDER_U64 >> 32),
        number(Felt::ORDER_U64 & 0xffff_ffff),
    ]);
    out.extend([3, 1, 1].map(number));
    for parameter in [
        usize::from(profile.id.0),
        profile.format.code() as usize,
        profile.hash.code() as usize,
        profile.log_blowup,
        profile.max_log_arity,
        Profile::LOG_FINAL_POLY_LEN,
        profile.cap_height,
        profile.query_pow_bits,
        profile.batch_pow_bits,
        profile.commit_pow_bits,
        profile.ood_pow_bits,
        profile.lookup_pow_bits,
        profile.max_log_height,
        usize::from(profile.for_programs),
        usize::from(profile.few_columns),
    ] {
        out.push(number(parameter as u64));
    }
    let model = match target.model {
        Model::UniqueDecoding => 1,
        Model::Proven => 2,
        Model::Conjectured => 3,
    };
    out.extend([number(model), number(target.bits.into())]);
    out.extend(encode_bytes(air_set));
    out
}

/// The digest of that: with it digests of keys begin, in the lifted format.
pub(crate) fn digest_of_parameters(
    profile: &Profile,
    target: SecurityTarget,
    air_set: &[u8; 32],
) -> Word {
    hash_elements(&parameters(profile, target, air_set))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program follows the digest step by step, so it has no frame of its own: every part must change it all the same.
    #[test]
    fn digests_of_lifted_keys_bind_every_part() {
        let profile = Profile::LIFTED;
        let other_profile = Profile {
            query_pow_bits: 1,
            ..Profile::LIFTED
        };
        let (target, other_target) = (SecurityTarget::PROVEN_100, SecurityTarget::CONJECTURED_100);
        let table = |kind, width, log_height| PinnedTable {
            kind,
            width,
            log_height,
        };
        let root = |n| Cap::Felts(vec![[Felt::new(n); 4]].into());
        let (set, tables) = ([7; 32], vec![table(0, 2, 0), table(1, 40, 8)]);
        let digest = |profile: &Profile, target, set, root, tables: &[PinnedTable], data: &[u8]| {
            VerifyingKey::new(
                profile.clone(),
                target,
                set,
                root,
                tables.to_vec(),
                data.to_vec(),
            )
            .expect("a key")
            .digest()
        };
        let unread = Profile {
            for_programs: false,
            ..Profile::LIFTED
        };
        let wide = Profile {
            few_columns: false,
            ..Profile::LIFTED
        };
        let more = [&tables[..], &[table(2, 1, 8)]].concat();
        let mut digests = vec![
            digest(&profile, target, set, root(1), &tables, &[]),
            digest(&other_profile, target, set, root(1), &tables, &[]),
            digest(&unread, target, set, root(1), &tables, &[]),
            digest(&wide, target, set, root(1), &tables, &[]),
            digest(&profile, other_target, set, root(1), &tables, &[]),
            digest(&profile, target, [8; 32], root(1), &tables, &[]),
            digest(&profile, target, set, root(2), &tables, &[]),
            digest(&profile, target, set, root(1), &tables[1..], &[]),
            digest(&profile, target, set, root(1), &more, &[]),
            digest(&profile, target, set, root(1), &tables, &[0]),
            digest(&profile, target, set, root(1), &tables, &[0, 0]),
        ];
        for changed in [table(2, 40, 8), table(1, 41, 8), table(1, 40, 9)] {
            digests.push(digest(
                &profile,
                target,
                set,
                root(1),
                &[tables[0], changed],
                &[],
            ));
        }
        for i in 0..digests.len() {
            assert!(!digests[..i].contains(&digests[i]), "{i}");
        }
    }
}
