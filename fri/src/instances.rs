//! The tables in a proof: which kinds, how often, how high.

use p3_util::log2_strict_usize;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::airs::{AirSet, Presence, Table};
use crate::lifted::Layout;
use crate::profile::{Format, Profile};

/// One table of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Index of its kind in the [`AirSet`].
    pub kind: u16,
    /// log2 of its rows.
    pub log_height: u8,
}

/// The tables of a proof, chosen by the prover and carried by the proof.
///
/// Canonical order: kinds do not decrease, and the heights of one kind do not increase. The list is absorbed by the
/// transcript before anything else, so a proof is a proof for its list only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceList(pub Vec<Instance>);

/// A preprocessed or fixed table, as a key describes it. A key lists those that its program has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedTable {
    /// Index of its kind in the [`AirSet`].
    pub kind: u16,
    /// Preprocessed columns; 0 for a fixed table.
    pub width: u32,
    /// log2 of its rows.
    pub log_height: u8,
}

/// Why a list of tables is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InstanceError {
    /// A kind that the set does not have.
    #[error("kind {0} does not exist")]
    UnknownKind(usize),
    /// Kinds decrease, or heights of one kind increase.
    #[error("table {0} is out of order")]
    Order(usize),
    /// A kind that the key lists is not there exactly once.
    #[error("`{name}` is there {got} times, not once")]
    PinnedCount {
        /// Name of the kind.
        name: &'static str,
        /// Instances in the list.
        got: usize,
    },
    /// A pinned, optional or fixed kind is there (or must be), but the key does not list it.
    #[error("the key does not list `{name}`")]
    Unlisted {
        /// Name of the kind.
        name: &'static str,
    },
    /// A kind that does not exist under the profile: its constraints have too high a degree.
    #[error(
        "`{name}` is not available under this profile: its constraints have degree {degree}, of {most} at most"
    )]
    Unavailable {
        /// Name of the kind.
        name: &'static str,
        /// Its largest degree.
        degree: usize,
        /// The largest that the profile allows.
        most: usize,
    },
    /// A kind that exists where columns count, under a profile where cells do.
    #[error("`{name}` is not available under this profile: it exists only where columns count")]
    FewColumns {
        /// Name of the kind.
        name: &'static str,
    },
    /// A kind whose twin exists under the profile.
    #[error("under this profile `{twin}` takes the place of `{name}`")]
    Replaced {
        /// Name of the kind.
        name: &'static str,
        /// Name of its twin.
        twin: &'static str,
    },
    /// A listed kind has another height than its key says.
    #[error("`{name}` has 2^{got} rows, the key says 2^{expected}")]
    PinnedHeight {
        /// Name of the kind.
        name: &'static str,
        /// log2 of the key's height.
        expected: usize,
        /// log2 of the height in the list.
        got: usize,
    },
    /// More instances of a kind than its limit.
    #[error("`{name}` is there {got} times, at most {limit} are allowed")]
    TooMany {
        /// Name of the kind.
        name: &'static str,
        /// Its limit.
        limit: usize,
        /// Instances in the list.
        got: usize,
    },
    /// A table higher than the profile allows, or lower than its periodic columns.
    #[error("`{name}` has 2^{got} rows, allowed are 2^{min} to 2^{max}")]
    Height {
        /// Name of the kind.
        name: &'static str,
        /// log2 of the lowest allowed height.
        min: usize,
        /// log2 of the largest allowed height.
        max: usize,
        /// log2 of the height in the list.
        got: usize,
    },
    /// A lifted table with a constraint that leads from the last row to the first.
    #[error(
        "constraints of `{name}` lead from its last row to its first, so it must have the full height of 2^{expected} rows, not 2^{got}"
    )]
    Wraps {
        /// Name of the kind.
        name: &'static str,
        /// log2 of the height of the low-degree test.
        expected: usize,
        /// log2 of the height in the list.
        got: usize,
    },
    /// 2^32 or more rows in ordered tables.
    #[error("ordered tables have {0} rows together, 2^32 or more")]
    TooManySteps(u64),
}

impl InstanceList {
    /// The tables.
    #[must_use]
    pub fn tables(&self) -> &[Instance] {
        &self.0
    }

    /// Total cells of the main traces, in field elements.
    #[must_use]
    pub fn main_cells<T: Table>(&self, airs: &AirSet<T>) -> u64 {
        self.0
            .iter()
            .map(|i| (airs.info(usize::from(i.kind)).width as u64) << i.log_height)
            .sum()
    }

    /// Checks the list against the set, the key and the profile.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub(crate) fn check<T: Table>(
        &self,
        airs: &AirSet<T>,
        pinned: &[PinnedTable],
        profile: &Profile,
    ) -> Result<(), InstanceError> {
        let kinds = airs.kinds();
        let mut counts = vec![0usize; kinds.len()];
        let mut steps = 0u64;
        let max = profile.max_log_rows();
        for (position, instance) in self.0.iter().enumerate() {
            let index = usize::from(instance.kind);
            let kind = kinds.get(index).ok_or(InstanceError::UnknownKind(index))?;
            if let Some(previous) = position.checked_sub(1).map(|p| self.0[p])
                && (previous.kind > instance.kind
                    || (previous.kind == instance.kind
                        && previous.log_height < instance.log_height))
            {
                return Err(InstanceError::Order(position));
            }
            if !airs.is_narrow_enough(index, profile) {
                return Err(InstanceError::FewColumns { name: kind.name });
            }
            if let Some(twin) = airs.replaced(index, profile) {
                return Err(InstanceError::Replaced {
                    name: kind.name,
                    twin: kinds[twin].name,
                });
            }
            if !airs.is_available(index, profile) {
                return Err(InstanceError::Unavailable {
                    name: kind.name,
                    degree: airs.info(index).degree,
                    most: (1 << profile.most_log_chunks()) + 1,
                });
            }
            counts[index] += 1;
            let got = usize::from(instance.log_height);
            let min = log2_strict_usize(airs.info(index).max_period);
            if got < min || got > max {
                return Err(InstanceError::Height {
                    name: kind.name,
                    min,
                    max,
                    got,
                });
            }
            if kind.ordered {
                // At most 2^16 kinds times instances below 2^32 each: no overflow in u64 for any list that fits in memory.
                steps = steps.saturating_add(1 << got);
            }
        }
        if profile.format == Format::Lifted {
            let expected = Layout::new(airs, profile, self).log_height;
            for instance in &self.0 {
                let (kind, got) = (instance.kind.into(), instance.log_height.into());
                if got < expected && airs.info_under(kind, profile).wraps {
                    let name = kinds[kind].name;
                    return Err(InstanceError::Wraps {
                        name,
                        expected,
                        got,
                    });
                }
            }
        }
        if steps >= 1 << 32 {
            return Err(InstanceError::TooManySteps(steps));
        }
        for (index, (kind, &got)) in kinds.iter().zip(&counts).enumerate() {
            match kind.presence {
                Presence::Pinned | Presence::Optional | Presence::Fixed => {
                    let listed = pinned.iter().find(|table| usize::from(table.kind) == index);
                    let Some(listed) = listed else {
                        // No key that fits the machine lacks a pinned or fixed kind.
                        if kind.presence == Presence::Optional && got == 0 {
                            continue;
                        }
                        return Err(InstanceError::Unlisted { name: kind.name });
                    };
                    let found = self
                        .0
                        .iter()
                        .find(|instance| usize::from(instance.kind) == index);
                    let (1, Some(found)) = (got, found) else {
                        return Err(InstanceError::PinnedCount {
                            name: kind.name,
                            got,
                        });
                    };
                    if listed.log_height != found.log_height {
                        return Err(InstanceError::PinnedHeight {
                            name: kind.name,
                            expected: listed.log_height.into(),
                            got: found.log_height.into(),
                        });
                    }
                }
                Presence::Dynamic { max_instances } => {
                    if got > max_instances {
                        return Err(InstanceError::TooMany {
                            name: kind.name,
                            limit: max_instances,
                            got,
                        });
                    }
                }
            }
        }
        Ok(())
    }
}
