//! A proof.

use crate::instances::InstanceList;
use crate::lifted::LiftedProof;
use crate::profile::{Format, ProfileId};
use crate::types::BatchProof;

/// A proof that a machine's tables satisfy their constraints and their buses balance, for a key and public values.
///
/// It is an argument of knowledge, **not** zero-knowledge: openings reveal values of the witness, so advice is not hidden.
pub struct Proof {
    pub(crate) profile: ProfileId,
    pub(crate) instances: InstanceList,
    pub(crate) body: ProofBody,
}

/// What a proof is besides the list of its tables.
pub enum ProofBody {
    /// A stock batch-STARK proof.
    Batch(BatchProof),
    /// A proof with one height and one quotient.
    Lifted(LiftedProof),
}

impl ProofBody {
    /// Its format.
    #[must_use]
    pub const fn format(&self) -> Format {
        match self {
            Self::Batch(_) => Format::Batch,
            Self::Lifted(_) => Format::Lifted,
        }
    }
}

impl From<BatchProof> for ProofBody {
    fn from(proof: BatchProof) -> Self {
        Self::Batch(proof)
    }
}

impl From<LiftedProof> for ProofBody {
    fn from(proof: LiftedProof) -> Self {
        Self::Lifted(proof)
    }
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

    /// The inner proof.
    #[must_use]
    pub const fn body(&self) -> &ProofBody {
        &self.body
    }

    /// A proof from its parts. Nothing is checked; [`crate::verify`] checks everything.
    #[must_use]
    pub fn from_parts(
        profile: ProfileId,
        instances: InstanceList,
        body: impl Into<ProofBody>,
    ) -> Self {
        Self {
            profile,
            instances,
            body: body.into(),
        }
    }

    /// The parts of a proof.
    #[must_use]
    pub fn into_parts(self) -> (ProfileId, InstanceList, ProofBody) {
        (self.profile, self.instances, self.body)
    }
}
