//! A proof.

use crate::instances::InstanceList;
use crate::profile::ProfileId;
use crate::types::BatchProof;

/// A proof that a machine's tables satisfy their constraints and their buses balance, for a key and public values.
///
/// It is an argument of knowledge, **not** zero-knowledge: openings reveal values of the witness, so advice is not hidden.
pub struct Proof {
    pub(crate) profile: ProfileId,
    pub(crate) instances: InstanceList,
    pub(crate) batch: BatchProof,
}

impl Proof {
    /// The profile that it was made with. The key decides which one is accepted.
    #[must_use]
    pub const fn profile(&self) -> ProfileId {
        self.profile
    }

    /// The tables that it proves.
    #[must_use]
    pub const fn instances(&self) -> &InstanceList {
        &self.instances
    }

    /// The inner batch-STARK proof.
    #[must_use]
    pub const fn batch(&self) -> &BatchProof {
        &self.batch
    }

    /// A proof from its parts. Nothing is checked; [`crate::verify`] checks everything.
    #[must_use]
    pub const fn from_parts(
        profile: ProfileId,
        instances: InstanceList,
        batch: BatchProof,
    ) -> Self {
        Self {
            profile,
            instances,
            batch,
        }
    }

    /// The parts of a proof.
    #[must_use]
    pub fn into_parts(self) -> (ProfileId, InstanceList, BatchProof) {
        (self.profile, self.instances, self.batch)
    }
}
