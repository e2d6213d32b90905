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

mod analysed;
mod analysis;
mod checks;
mod digest;
mod set;

use p3_air::{Air, BaseAir, DebugConstraintBuilder};
use p3_batch_stark::folder::{
    ProverConstraintFolderWithLookups, VerifierConstraintFolderWithLookups,
};
use p3_lookup::InteractionSymbolicBuilder;

pub(crate) use analysed::Analysed;
pub use analysis::KindColumns;
pub(crate) use analysis::KindInfo;
pub use checks::AirSetError;
pub use digest::Fingerprint;
pub use set::AirSet;

use crate::types::{Config, Ext, Felt};

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
    /// The kind that takes its place under profiles under which that one exists: it does the same with constraints of a higher degree, or in
    /// narrower rows. Whoever verifies all proofs of a machine then need not know both.
    pub twin: Option<usize>,
    /// Whether it exists only under profiles where columns count ([`crate::Profile::few_columns`]). For dynamic kinds.
    pub few_columns: bool,
}
