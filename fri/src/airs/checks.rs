//! Which kinds make a machine.

use std::collections::HashSet;
use std::sync::Arc;

use p3_air::symbolic::{BaseEntry, BaseLeaf, SymbolicExpr, SymbolicExpression};
use p3_lookup::{LookupError, Lookups, check_bus_widths};
use thiserror::Error;

use super::digest::Fingerprint;
use super::{Kind, Presence, Table};
use crate::types::Felt;

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
    /// A twin that does not exist, has a twin itself, or is not dynamic as the kind is.
    #[error("the twin of `{0}` is not a dynamic kind without a twin")]
    Twin(&'static str),
    /// A kind that keys list, but not those of all profiles.
    #[error("`{0}` exists only where columns count, but is not dynamic")]
    FewColumns(&'static str),
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

/// Checks all that does not need an evaluation of the AIRs, and finds the kind with public values.
pub(super) fn check_declarations<T: Table>(
    kinds: &[Kind<T>],
) -> Result<Option<usize>, AirSetError> {
    if kinds.is_empty() || kinds.len() > 256 {
        return Err(AirSetError::KindCount(kinds.len()));
    }
    let mut public_kind = None;
    for (index, kind) in kinds.iter().enumerate() {
        if kinds[..index].iter().any(|other| other.name == kind.name) {
            return Err(AirSetError::DuplicateName(kind.name));
        }
        let dynamic = |kind: &Kind<T>| matches!(kind.presence, Presence::Dynamic { .. });
        if let Some(twin) = kind.twin {
            let fits = |twin: &Kind<T>| dynamic(twin) && twin.twin.is_none();
            if !dynamic(kind) || !kinds.get(twin).is_some_and(fits) {
                return Err(AirSetError::Twin(kind.name));
            }
        }
        if kind.few_columns && !dynamic(kind) {
            return Err(AirSetError::FewColumns(kind.name));
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
pub(super) fn check_lookups(
    name: &'static str,
    lookups: &Lookups<Felt>,
) -> Result<(), AirSetError> {
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
