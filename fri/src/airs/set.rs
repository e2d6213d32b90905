//! The kinds of a machine together: checked, analysed when they are first asked for, and pinned by a digest.

use std::sync::OnceLock;

use p3_lookup::{Lookups, check_bus_widths};
use tracing::{debug_span, instrument};

use super::analysis::{Constraints, KindColumns, KindInfo, chunks_at};
use super::checks::{AirSetError, check_declarations, check_lookups};
use super::digest::{Fingerprint, kind_digest, set_digest};
use super::{Kind, LOOKUP_DEGREE, Presence, Table};
use crate::profile::{MAX_LOG_BLOWUP, Profile};
use crate::types::Ext;

fn unpacked(kinds: usize) -> [Vec<OnceLock<KindInfo>>; MAX_LOG_BLOWUP + 1] {
    core::array::from_fn(|_| (0..kinds).map(|_| OnceLock::new()).collect())
}

/// The kinds of tables of a machine, checked, and analysed as far as they have been asked for.
#[derive(Debug)]
pub struct AirSet<T> {
    kinds: Vec<Kind<T>>,
    infos: Vec<OnceLock<KindInfo>>,
    /// The same, with interactions packed as a profile's one quotient of high degree allows: by log2 of its chunks, then by kind.
    packed: [Vec<OnceLock<KindInfo>>; MAX_LOG_BLOWUP + 1],
    public_kind: Option<usize>,
    fingerprint: Fingerprint,
}

impl<T: Table> AirSet<T> {
    /// Checks and analyses the kinds of a machine; their order is part of its identity.
    ///
    /// # Errors
    /// [`AirSetError`] says which rule a kind breaks.
    #[instrument(name = "analyse tables", skip_all)]
    pub fn new(kinds: Vec<Kind<T>>) -> Result<Self, AirSetError> {
        let public_kind = check_declarations(&kinds)?;
        let mut infos = Vec::with_capacity(kinds.len());
        let mut digests = Vec::with_capacity(kinds.len());
        for kind in &kinds {
            let lookups = Lookups::from_air::<Ext, T>(&kind.table);
            check_lookups(kind.name, &lookups)?;
            let (info, constraints) = KindInfo::new(&kind.table, lookups, LOOKUP_DEGREE);
            digests.push(kind_digest(kind, &info, &constraints));
            infos.push(info);
        }
        let lookups: Vec<_> = infos.iter().map(|info| info.lookups.clone()).collect();
        check_bus_widths(&lookups)?;
        let fingerprint = Fingerprint {
            digest: set_digest(&digests),
        };
        Ok(Self {
            packed: unpacked(kinds.len()),
            kinds,
            infos: infos.into_iter().map(OnceLock::from).collect(),
            public_kind,
            fingerprint,
        })
    }

    /// A machine that is known to pass [`Self::new`] with this fingerprint: its kinds are analysed when they are first used.
    ///
    /// With debug assertions this *is* [`Self::new`], and the fingerprint is compared. Without, only the declarations are checked,
    /// and the caller's tests must compare the constant with the outcome of [`Self::new`]: under a stale one, keys of another
    /// machine would be taken for this one's.
    ///
    /// # Errors
    /// [`AirSetError`] says which rule a kind breaks.
    pub fn pinned_as(kinds: Vec<Kind<T>>, pinned: Fingerprint) -> Result<Self, AirSetError> {
        if cfg!(debug_assertions) {
            let set = Self::new(kinds)?;
            let got = set.fingerprint;
            return if got == pinned {
                Ok(set)
            } else {
                Err(AirSetError::Fingerprint { pinned, got })
            };
        }
        Self::unanalysed(kinds, pinned)
    }

    /// [`Self::pinned_as`] as it is without debug assertions.
    pub(crate) fn unanalysed(
        kinds: Vec<Kind<T>>,
        fingerprint: Fingerprint,
    ) -> Result<Self, AirSetError> {
        let public_kind = check_declarations(&kinds)?;
        Ok(Self {
            packed: unpacked(kinds.len()),
            infos: kinds.iter().map(|_| OnceLock::new()).collect(),
            kinds,
            public_kind,
            fingerprint,
        })
    }

    /// The kinds, in order.
    #[must_use]
    pub fn kinds(&self) -> &[Kind<T>] {
        &self.kinds
    }

    /// BLAKE3 of a canonical rendering of every kind: name, presence, widths, constraints, interactions.
    ///
    /// Two sets with one digest accept the same traces.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.fingerprint.digest
    }

    /// The digest: what [`Self::pinned_as`] takes.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Number of public values of a proof.
    #[must_use]
    pub fn num_public_values(&self) -> usize {
        self.public_kind
            .map_or(0, |kind| self.kinds[kind].table.num_public_values())
    }

    /// A line per kind: committed base-field columns per row (main, preprocessed, bus argument, quotient) and degree.
    #[must_use]
    pub fn columns(&self) -> Vec<KindColumns> {
        (0..self.kinds.len())
            .map(|kind| self.columns_of(kind, self.info(kind)))
            .collect()
    }

    /// The same under a profile, with interactions packed as it has them. In the lifted format the quotient is one for all tables.
    #[must_use]
    pub fn columns_under(&self, profile: &Profile) -> Vec<KindColumns> {
        (0..self.kinds.len())
            .map(|kind| self.columns_of(kind, self.info_under(kind, profile)))
            .collect()
    }

    fn columns_of(&self, kind: usize, info: &KindInfo) -> KindColumns {
        KindColumns {
            name: self.kinds[kind].name,
            main: info.width,
            preprocessed: info.preprocessed_width,
            bus: info.permutation_width(),
            quotient: crate::types::EXT_DEGREE << info.log_chunks,
            interactions: info.interactions,
            degree: info.degree,
        }
    }

    pub(crate) const fn public_kind(&self) -> Option<usize> {
        self.public_kind
    }

    /// What is derived from a kind's AIR: a symbolic evaluation, the first time.
    pub(crate) fn info(&self, kind: usize) -> &KindInfo {
        self.infos[kind].get_or_init(|| {
            let _span = debug_span!("analyse table", name = self.kinds[kind].name).entered();
            let table = &self.kinds[kind].table;
            KindInfo::new(table, Lookups::from_air::<Ext, T>(table), LOOKUP_DEGREE).0
        })
    }

    /// What is derived from a kind's AIR under a profile. With one quotient for all tables, interactions share columns up to the degree
    /// that the blow-up allows.
    pub(crate) fn info_under(&self, kind: usize, profile: &Profile) -> &KindInfo {
        let degree = profile.lookup_degree();
        if degree == LOOKUP_DEGREE {
            return self.info(kind);
        }
        self.packed[profile.most_log_chunks()][kind].get_or_init(|| {
            let table = &self.kinds[kind].table;
            KindInfo::new(table, Lookups::from_air::<Ext, T>(table), degree).0
        })
    }

    /// The constraints of a kind under a profile, those of the bus argument included.
    pub(crate) fn constraints_under(&self, kind: usize, profile: &Profile) -> Constraints {
        let table = &self.kinds[kind].table;
        let lookups = Lookups::from_air::<Ext, T>(table);
        KindInfo::new(table, lookups, profile.lookup_degree()).1
    }

    /// Whether a kind has been analysed.
    #[cfg(test)]
    pub(crate) fn is_analysed(&self, kind: usize) -> bool {
        self.infos[kind].get().is_some()
    }

    /// Indices of the kinds with preprocessed columns, in order.
    pub(crate) fn preprocessed(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.kinds.len()).filter(|&kind| self.kinds[kind].presence.is_preprocessed())
    }

    /// Indices of the kinds that a key lists, or may list, in order: all but the dynamic ones.
    pub(crate) fn listed(&self) -> impl Iterator<Item = usize> + '_ {
        let dynamic = |presence| matches!(presence, Presence::Dynamic { .. });
        (0..self.kinds.len()).filter(move |&kind| !dynamic(self.kinds[kind].presence))
    }

    /// Whether a kind may occur in proofs under a profile: it exists in the profile's format, the blow-up is enough for its constraints, and
    /// it has no twin of which that is true. A kind that the set does not have never occurs.
    ///
    /// Lets a machine have a chip of high degree beside one of degree 3, or a narrow one beside a wide one, for the same work.
    #[must_use]
    pub fn is_available(&self, kind: usize, profile: &Profile) -> bool {
        self.is_possible(kind, profile) && self.replaced(kind, profile).is_none()
    }

    fn is_possible(&self, kind: usize, profile: &Profile) -> bool {
        self.is_narrow_enough(kind, profile)
            && self.info(kind).log_chunks <= profile.most_log_chunks()
    }

    /// Whether a profile has a kind because of its columns: some exist only where they are what counts.
    pub(crate) fn is_narrow_enough(&self, kind: usize, profile: &Profile) -> bool {
        let kind = self.kinds.get(kind);
        kind.is_some_and(|kind| profile.few_columns || !kind.few_columns)
    }

    /// The kind that takes the place of another one under a profile.
    pub(crate) fn replaced(&self, kind: usize, profile: &Profile) -> Option<usize> {
        let twin = self.kinds.get(kind)?.twin?;
        self.is_possible(twin, profile).then_some(twin)
    }

    /// log2 of the quotient chunks of a kind at a height.
    pub(crate) fn log_chunks(&self, kind: usize, log_height: usize) -> usize {
        let info = self.info(kind);
        if info.num_periodic > 0 {
            chunks_at(&self.kinds[kind].table, &info.lookups, log_height)
        } else {
            info.log_chunks
        }
    }
}
