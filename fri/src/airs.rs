//! What a machine supplies: its kinds of tables, in a fixed order.
//!
//! A [`Kind`] is one AIR together with the rule for its presence in a proof:
//!
//! * **pinned**: it has preprocessed columns, is present exactly once, and its height is part of the verifying key;
//! * **optional**: the same in the proofs of programs whose key lists it; absent from all others;
//! * **fixed**: it has none, is present exactly once, and its height is part of the verifying key all the same;
//! * **dynamic**: it has none, and is present 0 to n times with heights that the prover chooses.
//!
//! The key decides about an optional kind, never the prover: a table of constants (ranges, limbs) is paid for by the programs that
//! look something up in it. Leaving one out is sound if all that it does is provide tuples: whoever consumes one is then left without
//! a provider.
//!
//! Nothing else exists. In particular every mandatory table has a height that the key pins: a table whose correctness rests on its
//! height (a boundary of one row, a sequence whose last row is public) would be forgeable otherwise. That of a pinned kind is the height
//! of what is committed; that of a fixed one is a number of the key, said at setup ([`crate::setup_with_heights`]), and nothing but
//! [`crate::InstanceList`]'s check against the key's list holds a proof to it. Fixed kinds make machines of AIRs that were written for
//! other provers, which have no preprocessed columns. Such a machine may have no preprocessed table at all: its keys commit to
//! nothing, which the lifted format allows and the batch format does not.
//!
//! # AIRs know no preprocessed values
//!
//! A [`Table`] declares how many preprocessed columns it has ([`BaseAir::preprocessed_width`]) and evaluates constraints on them.
//! Their values are an argument of [`crate::setup`] and live in the proving key only.
//!
//! # Analysis
//!
//! Evaluating every AIR symbolically and rendering it for the digest costs more than verifying a small proof's constraints, and
//! grows with tables that a proof does not have. A machine that is compiled into a program is a constant, so its program pins
//! the outcome ([`AirSet::pinned_as`]) and only the kinds in a proof are analysed, when they are first asked for. That the
//! constant is right is the business of a test of that program, and of every build with debug assertions.

use core::fmt;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use p3_air::symbolic::{
    AirLayout, BaseEntry, BaseLeaf, ConstraintLayout, ExtEntry, ExtLeaf, SymbolicExpr,
    SymbolicExpression,
};
use p3_air::{Air, BaseAir, BoundaryPublic, DebugConstraintBuilder};
use p3_batch_stark::folder::{
    ProverConstraintFolderWithLookups, VerifierConstraintFolderWithLookups,
};
use p3_batch_stark::symbolic::get_log_num_quotient_chunks_for_domain;
use p3_field::coset::TwoAdicMultiplicativeCoset;
use p3_field::{BasedVectorSpace, PrimeCharacteristicRing, PrimeField64};
use p3_lookup::{
    InteractionSymbolicBuilder, LogUpGadget, LookupError, LookupProtocol as _, Lookups,
    check_bus_widths,
};
use p3_util::log2_ceil_usize;
use thiserror::Error;
use tracing::{debug_span, instrument};

use crate::profile::{MAX_LOG_BLOWUP, Profile};
use crate::types::{Config, Ext, Felt};
use crate::wraps;

/// Degree up to which interactions on one bus share a column of the bus argument: two per column when their fields are columns.
pub const LOOKUP_DEGREE: usize = 3;

/// The AIR of a table, as one type for all kinds of a machine (an enum). Implemented for every type with these bounds.
///
/// One generic `impl<AB: AirBuilder<F = Felt> + InteractionBuilder> Air<AB>` satisfies all of them.
///
/// `preprocessed_trace()` is never called: it may return `None` although there are preprocessed columns.
pub trait Table:
    BaseAir<Felt>
    + Air<InteractionSymbolicBuilder<Felt, Ext>>
    + for<'a> Air<ProverConstraintFolderWithLookups<'a, Config>>
    + for<'a> Air<VerifierConstraintFolderWithLookups<'a, Config>>
    + for<'a> Air<DebugConstraintBuilder<'a, Felt, Ext>>
    + Clone
    + Send
    + Sync
{
}

impl<T> Table for T where
    T: BaseAir<Felt>
        + Air<InteractionSymbolicBuilder<Felt, Ext>>
        + for<'a> Air<ProverConstraintFolderWithLookups<'a, Config>>
        + for<'a> Air<VerifierConstraintFolderWithLookups<'a, Config>>
        + for<'a> Air<DebugConstraintBuilder<'a, Felt, Ext>>
        + Clone
        + Send
        + Sync
{
}

/// How often a kind occurs in a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Exactly once, at the height of its preprocessed columns. For kinds with preprocessed columns, and only those.
    Pinned,
    /// As [`Self::Pinned`] if the key lists it, else not at all. For kinds with preprocessed columns and without public values.
    Optional,
    /// Exactly once, at a height that the key says. For kinds without preprocessed columns, and only those.
    Fixed,
    /// 0 to `max_instances` times. For kinds without preprocessed columns, and only those.
    Dynamic {
        /// Limit on the instances in one proof.
        max_instances: usize,
    },
}

impl Presence {
    /// Whether preprocessed columns come from the key.
    #[must_use]
    pub const fn is_preprocessed(self) -> bool {
        matches!(self, Self::Pinned | Self::Optional)
    }

    /// Whether every key lists the kind, and every proof has it.
    #[must_use]
    pub const fn is_certain(&self) -> bool {
        matches!(self, Self::Pinned | Self::Fixed)
    }
}

/// One kind of table.
#[derive(Clone, Debug)]
pub struct Kind<T> {
    /// Name in reports and errors; part of the digest of the set.
    pub name: &'static str,
    /// Its AIR.
    pub table: T,
    /// How often it occurs.
    pub presence: Presence,
    /// Whether its rows are links of a chain over the bus whose order rests on their number: the total height of ordered tables in a
    /// proof must be below 2^32.
    pub ordered: bool,
}

/// What is derived from a kind's AIR once.
#[derive(Clone, Debug)]
pub(crate) struct KindInfo {
    pub(crate) width: usize,
    pub(crate) preprocessed_width: usize,
    pub(crate) num_public_values: usize,
    pub(crate) main_next: bool,
    pub(crate) preprocessed_next: bool,
    /// The interactions, packed into columns of the bus argument.
    pub(crate) lookups: Lookups<Felt>,
    /// Tuples per row, over all buses.
    pub(crate) interactions: usize,
    /// Width of the widest tuple.
    pub(crate) tuple_width: usize,
    /// Constraints, those of the bus argument included.
    pub(crate) constraints: usize,
    /// Largest degree of a constraint.
    pub(crate) degree: usize,
    /// log2 of the quotient chunks, an upper bound if there are periodic columns.
    pub(crate) log_chunks: usize,
    /// Whether a constraint may lead from the last row to the first.
    pub(crate) wraps: bool,
    /// Longest period of a periodic column, 1 without.
    pub(crate) max_period: usize,
    /// Periodic columns.
    pub(crate) num_periodic: usize,
    /// The order in which constraints are folded.
    pub(crate) order: Arc<ConstraintLayout>,
}

/// Why a set of kinds is not a machine.
#[derive(Debug, Error)]
pub enum AirSetError {
    /// More kinds than an instance list can name, or none.
    #[error("{0} kinds: between 1 and 256 are supported")]
    KindCount(usize),
    /// Two kinds of one name.
    #[error("two kinds are called `{0}`")]
    DuplicateName(&'static str),
    /// Preprocessed columns in a dynamic or fixed kind, or none in a pinned or optional one.
    #[error("`{0}` must be pinned or optional if and only if it has preprocessed columns")]
    Presence(&'static str),
    /// No kind that every key pins.
    #[error("no kind is pinned by every key")]
    NothingPinned,
    /// Public values in more than one kind, or in one that a proof may lack.
    #[error(
        "`{0}` has public values, but they must be in exactly one kind, and a pinned or fixed one"
    )]
    PublicValues(&'static str),
    /// Public values for binding by other means than constraints.
    #[error("`{0}` declares boundary public values, which nothing would bind")]
    BoundaryIo(&'static str),
    /// A row selector or a periodic column inside an interaction. p3 fills bus columns with selectors of value 0 or 1 and without
    /// periodic columns, but checks them with unnormalised selectors: no proof would verify.
    #[error("`{0}` uses a row selector or a periodic column inside an interaction")]
    SelectorInBus(&'static str),
    /// A periodic column whose length is not a power of two.
    #[error("`{0}` has a periodic column whose period is not a power of two")]
    Period(&'static str),
    /// Tuples of different widths on one bus.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The kinds have changed and the constant that pins them has not.
    #[error(
        "the tables are {got}, but pinned as {pinned}: if the change is meant, pin the new value"
    )]
    Fingerprint {
        /// The constant.
        pinned: Fingerprint,
        /// What the kinds have.
        got: Fingerprint,
    },
}

/// What a machine is pinned by: its identity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// See [`AirSet::digest`].
    pub digest: [u8; 32],
}

impl Fingerprint {
    /// From the digest in hexadecimal, as [`fmt::Display`] shows it.
    ///
    /// # Panics
    /// If it does not have 64 hexadecimal digits. Meant for constants, where that is an error of compilation.
    #[must_use]
    pub const fn new(digest: &str) -> Self {
        const fn nibble(digit: u8) -> u8 {
            match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => panic!("not a lower-case hexadecimal digit"),
            }
        }
        let digits = digest.as_bytes();
        assert!(digits.len() == 64, "64 hexadecimal digits are needed");
        let mut bytes = [0; 32];
        let mut i = 0;
        while i < 32 {
            bytes[i] = nibble(digits[2 * i]) << 4 | nibble(digits[2 * i + 1]);
            i += 1;
        }
        Self { digest: bytes }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint::new(\"")?;
        for byte in self.digest {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("\")")
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn unpacked(kinds: usize) -> [Vec<OnceLock<KindInfo>>; MAX_LOG_BLOWUP + 1] {
    core::array::from_fn(|_| (0..kinds).map(|_| OnceLock::new()).collect())
}

/// The kinds of tables of a machine, checked, and analysed as far as they have been asked for.
#[derive(Debug)]
pub struct AirSet<T> {
    kinds: Vec<Kind<T>>,
    infos: Vec<OnceLock<KindInfo>>,
    /// The same, with interactions packed as a profile's one quotient of high degree allows: by log2 of the blow-up, then by kind.
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
        self.packed[profile.log_blowup][kind].get_or_init(|| {
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

    /// Whether the profile's blow-up is enough for the constraints of a kind. Under a profile that is too low for it the kind does
    /// not occur in proofs; a kind that does not exist never does.
    ///
    /// Lets a machine have a chip of high degree beside one of degree 3 for the same work.
    #[must_use]
    pub fn is_available(&self, kind: usize, profile: &Profile) -> bool {
        kind < self.kinds.len() && self.info(kind).log_chunks <= profile.log_blowup
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

/// A table for p3's verifier, which evaluates every AIR symbolically only to learn its degree: this one answers from the
/// analysis. The number of quotient chunks that p3 derives is the one that the shape check has pinned.
pub(crate) struct Analysed<'a, T> {
    pub(crate) table: &'a T,
    pub(crate) info: &'a KindInfo,
}

impl<T: Table> BaseAir<Felt> for Analysed<'_, T> {
    fn width(&self) -> usize {
        self.table.width()
    }

    fn preprocessed_width(&self) -> usize {
        self.table.preprocessed_width()
    }

    fn num_periodic_columns(&self) -> usize {
        self.table.num_periodic_columns()
    }

    fn periodic_columns(&self) -> Cow<'_, [Vec<Felt>]> {
        self.table.periodic_columns()
    }

    fn main_next_row_columns(&self) -> Vec<usize> {
        self.table.main_next_row_columns()
    }

    fn preprocessed_next_row_columns(&self) -> Vec<usize> {
        self.table.preprocessed_next_row_columns()
    }

    fn num_constraints(&self) -> Option<usize> {
        self.table.num_constraints()
    }

    fn max_constraint_degree(&self) -> Option<usize> {
        if self.info.num_periodic == 0 {
            Some(self.info.degree)
        } else {
            self.table.max_constraint_degree()
        }
    }

    fn num_public_values(&self) -> usize {
        self.table.num_public_values()
    }

    fn public_boundary_io(&self) -> &[BoundaryPublic] {
        self.table.public_boundary_io()
    }

    fn assumes_boolean_trace(&self) -> bool {
        self.table.assumes_boolean_trace()
    }
}

impl<T: Table> Air<InteractionSymbolicBuilder<Felt, Ext>> for Analysed<'_, T> {
    fn eval(&self, builder: &mut InteractionSymbolicBuilder<Felt, Ext>) {
        // With periodic columns the degree depends on the height, so p3 has to look itself.
        if self.info.num_periodic > 0 {
            self.table.eval(builder);
        }
    }
}

impl<'b, T: Table> Air<VerifierConstraintFolderWithLookups<'b, Config>> for Analysed<'_, T> {
    fn eval(&self, builder: &mut VerifierConstraintFolderWithLookups<'b, Config>) {
        self.table.eval(builder);
    }
}

/// The committed columns of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindColumns {
    /// Name of the kind.
    pub name: &'static str,
    /// Main columns.
    pub main: usize,
    /// Preprocessed columns.
    pub preprocessed: usize,
    /// Columns of the bus argument (extension-field columns count 3).
    pub bus: usize,
    /// Columns of the quotient.
    pub quotient: usize,
    /// Interactions per row.
    pub interactions: usize,
    /// Largest degree of a constraint.
    pub degree: usize,
}

/// The constraints of a kind, those of the bus argument included.
pub(crate) struct Constraints {
    pub(crate) base: Vec<SymbolicExpression<Felt>>,
    pub(crate) ext: Vec<SymbolicExpr<ExtLeaf<Felt, Ext>>>,
}

impl KindInfo {
    /// Evaluates the AIR once more, packs its interactions, and adds the constraints of the bus argument.
    /// With interactions packed up to `lookup_degree`, or the table's own degree if that is higher.
    fn new<T: Table>(
        table: &T,
        unpacked: Lookups<Felt>,
        lookup_degree: usize,
    ) -> (Self, Constraints) {
        let gadget = LogUpGadget::new();
        let layout = AirLayout::from_air(table);
        layout.validate_against_air(table);
        // As many columns of the bus argument as without packing: an upper bound is all that the builder needs.
        let mut builder = InteractionSymbolicBuilder::<Felt, Ext>::new(AirLayout {
            permutation_width: if unpacked.is_empty() {
                0
            } else {
                unpacked.len() + 1
            },
            num_permutation_challenges: gadget.num_challenges() * unpacked.len(),
            num_permutation_values: usize::from(!unpacked.is_empty()),
            ..layout
        });
        table.eval(&mut builder);
        let degree_of = |builder: &InteractionSymbolicBuilder<Felt, Ext>| {
            let base = builder.base_constraints();
            let ext = builder.extension_constraints();
            base.iter()
                .map(SymbolicExpr::degree_multiple)
                .chain(ext.iter().map(SymbolicExpr::degree_multiple))
                .max()
                .unwrap_or(0)
                .max(table.max_constraint_degree().unwrap_or(0))
        };
        // A table whose constraints already pay for more quotient chunks packs up to that degree for free.
        let pins = unpacked
            .iter()
            .map(|lookup| gadget.constraint_degree(lookup));
        let degree = pins.max().unwrap_or(0).max(degree_of(&builder));
        let free = (1 << log2_ceil_usize(degree.max(2) - 1)) + 1;
        let lookups = unpacked.pack_same_bus(&gadget, free.max(lookup_degree));
        if !lookups.is_empty() {
            gadget.eval_all(&mut builder, &lookups);
        }
        let degree = degree_of(&builder);
        let constraints = Constraints {
            base: builder.base_constraints(),
            ext: builder.extension_constraints(),
        };
        let periods = table.periodic_columns();
        let info = Self {
            width: table.width(),
            preprocessed_width: table.preprocessed_width(),
            num_public_values: table.num_public_values(),
            main_next: !table.main_next_row_columns().is_empty(),
            preprocessed_next: !table.preprocessed_next_row_columns().is_empty(),
            interactions: lookups.iter().map(|lookup| lookup.elements.len()).sum(),
            tuple_width: lookups
                .iter()
                .flat_map(|l| l.elements.iter().map(Vec::len))
                .max()
                .unwrap_or(0),
            constraints: constraints.base.len() + constraints.ext.len(),
            degree,
            log_chunks: log_chunks(degree),
            wraps: wraps::any(&constraints.base, &constraints.ext),
            max_period: periods.iter().map(Vec::len).max().unwrap_or(1),
            num_periodic: periods.len(),
            order: Arc::new(builder.constraint_layout()),
            lookups,
        };
        (info, constraints)
    }

    /// Base-field columns of the bus argument.
    pub(crate) fn permutation_width(&self) -> usize {
        if self.lookups.is_empty() {
            0
        } else {
            (self.lookups.len() + 1) * crate::types::EXT_DEGREE
        }
    }
}

/// Checks all that does not need an evaluation of the AIRs, and finds the kind with public values.
fn check_declarations<T: Table>(kinds: &[Kind<T>]) -> Result<Option<usize>, AirSetError> {
    if kinds.is_empty() || kinds.len() > 256 {
        return Err(AirSetError::KindCount(kinds.len()));
    }
    let mut public_kind = None;
    for (index, kind) in kinds.iter().enumerate() {
        if kinds[..index].iter().any(|other| other.name == kind.name) {
            return Err(AirSetError::DuplicateName(kind.name));
        }
        if kind.presence.is_preprocessed() != (kind.table.preprocessed_width() > 0) {
            return Err(AirSetError::Presence(kind.name));
        }
        if !kind.table.public_boundary_io().is_empty() {
            return Err(AirSetError::BoundaryIo(kind.name));
        }
        if kind.table.num_public_values() > 0
            && (public_kind.replace(index).is_some() || !kind.presence.is_certain())
        {
            return Err(AirSetError::PublicValues(kind.name));
        }
        if kind
            .table
            .periodic_columns()
            .iter()
            .any(|column| !column.len().is_power_of_two())
        {
            return Err(AirSetError::Period(kind.name));
        }
    }
    if !kinds.iter().any(|kind| kind.presence.is_certain()) {
        return Err(AirSetError::NothingPinned);
    }
    Ok(public_kind)
}

/// Checks the interactions of one kind, before packing, which panics on different widths.
fn check_lookups(name: &'static str, lookups: &Lookups<Felt>) -> Result<(), AirSetError> {
    check_bus_widths(std::slice::from_ref(lookups))?;
    let mut seen = HashSet::new();
    let expressions = lookups.iter().flat_map(|l| {
        l.elements
            .iter()
            .flatten()
            .chain(&l.multiplicities)
            .chain(l.flags.iter().flatten())
    });
    if expressions
        .into_iter()
        .any(|expression| !only_columns(expression, &mut seen))
    {
        return Err(AirSetError::SelectorInBus(name));
    }
    Ok(())
}

/// log2 of the quotient chunks of constraints of this degree.
fn log_chunks(degree: usize) -> usize {
    log2_ceil_usize(degree.max(2) - 1)
}

/// Whether an expression has columns, public values and constants as leaves, and no others. `seen`: addresses that need no visit.
fn only_columns(expression: &SymbolicExpression<Felt>, seen: &mut HashSet<usize>) -> bool {
    match expression {
        SymbolicExpr::Leaf(BaseLeaf::Variable(variable)) => variable.entry != BaseEntry::Periodic,
        SymbolicExpr::Leaf(leaf) => matches!(leaf, BaseLeaf::Constant(_)),
        SymbolicExpr::Add { x, y, .. }
        | SymbolicExpr::Sub { x, y, .. }
        | SymbolicExpr::Mul { x, y, .. } => [x, y]
            .into_iter()
            .all(|child| !seen.insert(Arc::as_ptr(child) as usize) || only_columns(child, seen)),
        SymbolicExpr::Neg { x, .. } => only_columns(x, seen),
    }
}

fn chunks_at<T: Table>(table: &T, lookups: &Lookups<Felt>, log_height: usize) -> usize {
    let domain = TwoAdicMultiplicativeCoset::new(Felt::ONE, log_height)
        .expect("heights are below the two-adicity");
    get_log_num_quotient_chunks_for_domain::<Felt, Ext, T, _>(
        table,
        AirLayout::from_air(table),
        domain,
        lookups,
        0,
        &LogUpGadget::new(),
    )
}

// --- digest -------------------------------------------------------------------------------------------------------------

/// BLAKE3 over length-prefixed parts. They are collected first: most renderings are a few words, and setting up an incremental
/// hasher costs more than hashing them.
struct Renderer(Vec<u8>);

impl Renderer {
    fn new(domain: &str) -> Self {
        let mut out = Self(Vec::with_capacity(128));
        out.bytes(domain.as_bytes());
        out
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn number(&mut self, number: usize) {
        self.0.extend_from_slice(&(number as u64).to_le_bytes());
    }

    fn felt(&mut self, felt: Felt) {
        self.0
            .extend_from_slice(&felt.as_canonical_u64().to_le_bytes());
    }

    fn finish(&self) -> [u8; 32] {
        *blake3::hash(&self.0).as_bytes()
    }
}

/// Hashes expressions by structure. Shared subtrees are hashed once, by address; the result does not depend on sharing.
#[derive(Default)]
struct Expressions {
    seen: HashMap<usize, [u8; 32]>,
}

impl Expressions {
    fn shared<A>(
        &mut self,
        node: &Arc<SymbolicExpr<A>>,
        leaf: &impl Fn(&mut Self, &A) -> [u8; 32],
    ) -> [u8; 32] {
        let address = Arc::as_ptr(node) as usize;
        if let Some(digest) = self.seen.get(&address) {
            return *digest;
        }
        let digest = self.node(node, leaf);
        self.seen.insert(address, digest);
        digest
    }

    fn node<A>(
        &mut self,
        node: &SymbolicExpr<A>,
        leaf: &impl Fn(&mut Self, &A) -> [u8; 32],
    ) -> [u8; 32] {
        let (operation, children) = match node {
            SymbolicExpr::Leaf(value) => return leaf(self, value),
            SymbolicExpr::Add { x, y, .. } => ("+", vec![x, y]),
            SymbolicExpr::Sub { x, y, .. } => ("-", vec![x, y]),
            SymbolicExpr::Mul { x, y, .. } => ("*", vec![x, y]),
            SymbolicExpr::Neg { x, .. } => ("neg", vec![x]),
        };
        let mut renderer = Renderer::new(operation);
        for child in children {
            let digest = self.shared(child, leaf);
            renderer.bytes(&digest);
        }
        renderer.finish()
    }

    fn base(&mut self, expression: &SymbolicExpression<Felt>) -> [u8; 32] {
        self.node(expression, &|_, leaf| {
            let mut r = Renderer::new("leaf");
            match leaf {
                BaseLeaf::Variable(variable) => {
                    let (tag, offset) = match variable.entry {
                        BaseEntry::Preprocessed { offset } => (0, offset),
                        BaseEntry::Main { offset } => (1, offset),
                        BaseEntry::Periodic => (2, 0),
                        BaseEntry::Public => (3, 0),
                    };
                    r.number(tag);
                    r.number(offset);
                    r.number(variable.index);
                }
                BaseLeaf::IsFirstRow => r.number(4),
                BaseLeaf::IsLastRow => r.number(5),
                BaseLeaf::IsTransition => r.number(6),
                BaseLeaf::Constant(value) => {
                    r.number(7);
                    r.felt(*value);
                }
            }
            r.finish()
        })
    }

    fn ext(&mut self, expression: &SymbolicExpr<ExtLeaf<Felt, Ext>>) -> [u8; 32] {
        self.node(expression, &|this, leaf| {
            let mut r = Renderer::new("ext leaf");
            match leaf {
                ExtLeaf::Base(base) => {
                    r.number(0);
                    let digest = this.base(base);
                    r.bytes(&digest);
                }
                ExtLeaf::ExtVariable(variable) => {
                    let (tag, offset) = match variable.entry {
                        ExtEntry::Permutation { offset } => (1, offset),
                        ExtEntry::Challenge => (2, 0),
                        ExtEntry::PermutationValue => (3, 0),
                    };
                    r.number(tag);
                    r.number(offset);
                    r.number(variable.index);
                }
                ExtLeaf::ExtConstant(value) => {
                    r.number(4);
                    for coefficient in
                        <Ext as BasedVectorSpace<Felt>>::as_basis_coefficients_slice(value)
                    {
                        r.felt(*coefficient);
                    }
                }
            }
            r.finish()
        })
    }
}

fn set_digest(kinds: &[[u8; 32]]) -> [u8; 32] {
    let mut r = Renderer::new("plica air set 1");
    r.number(kinds.len());
    for digest in kinds {
        r.bytes(digest);
    }
    r.finish()
}

fn kind_digest<T: Table>(kind: &Kind<T>, info: &KindInfo, constraints: &Constraints) -> [u8; 32] {
    let mut r = Renderer::new("plica table 1");
    r.bytes(kind.name.as_bytes());
    match kind.presence {
        Presence::Pinned => r.number(0),
        Presence::Dynamic { max_instances } => {
            r.number(1);
            r.number(max_instances);
        }
        Presence::Optional => r.number(2),
        Presence::Fixed => r.number(3),
    }
    r.number(usize::from(kind.ordered));
    for number in [
        info.width,
        info.preprocessed_width,
        info.num_public_values,
        usize::from(info.main_next),
        usize::from(info.preprocessed_next),
        info.degree,
    ] {
        r.number(number);
    }
    let periodic = kind.table.periodic_columns();
    r.number(periodic.len());
    for column in periodic.iter() {
        r.number(column.len());
        column.iter().for_each(|value| r.felt(*value));
    }

    // The interactions, as packed.
    let mut expressions = Expressions::default();
    r.number(info.lookups.len());
    for lookup in info.lookups.iter() {
        match &lookup.kind {
            p3_lookup::Kind::Local => r.number(0),
            p3_lookup::Kind::Global(bus) => {
                r.number(1);
                r.bytes(bus.as_bytes());
            }
        }
        r.number(lookup.count_weight as usize);
        r.number(lookup.column);
        r.number(lookup.elements.len());
        for (tuple, multiplicity) in lookup.elements.iter().zip(&lookup.multiplicities) {
            r.number(tuple.len());
            for expression in tuple.iter().chain([multiplicity]) {
                r.bytes(&expressions.base(expression));
            }
        }
        r.number(lookup.flags.as_ref().map_or(0, |flags| 1 + flags.len()));
        for flag in lookup.flags.iter().flatten() {
            r.bytes(&expressions.base(flag));
        }
    }

    // The constraints, those of the bus argument included, in folding order.
    let Constraints { base, ext } = constraints;
    let order = &info.order;
    r.number(base.len());
    for (index, expression) in order.base_indices.iter().zip(base) {
        r.number(*index);
        r.bytes(&expressions.base(expression));
    }
    r.number(ext.len());
    for (index, expression) in order.ext_indices.iter().zip(ext) {
        r.number(*index);
        r.bytes(&expressions.ext(expression));
    }
    r.finish()
}
