//! What the transcript of a proof gives its verifier behind the last message, for those who make the advice of a verifier out of it.

use super::layout::Layout;
use super::proof::LiftedProof;
use super::{absorb_claims, absorb_last, absorb_terminals, start};
use crate::airs::{AirSet, Table};
use crate::instances::InstanceList;
use crate::key::VerifyingKey;
use crate::transcript::{Frame, PROTOCOL_VERSION};
use crate::types::Felt;

/// Elements that a verifier takes apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draws {
    /// The one that must end in zeros.
    pub work: Felt,
    /// One per query: its low bits are the index.
    pub queries: Vec<Felt>,
}

impl Draws {
    /// Those of a proof that has the lengths of one of these tables, valid or not.
    #[must_use]
    pub fn of<T: Table>(
        airs: &AirSet<T>,
        key: &VerifyingKey,
        instances: &InstanceList,
        public_values: &[Felt],
        proof: &LiftedProof,
        queries: usize,
    ) -> Self {
        let digest = key.digest();
        let frame = Frame {
            version: PROTOCOL_VERSION,
            air_set: airs.digest(),
            key: &digest,
            instances,
        };
        let layout = Layout::new(airs, key.profile(), instances);
        // What is drawn on the way changes nothing behind the next message.
        let mut transcript = start(&frame, public_values);
        transcript.absorb(proof.main);
        if let Some(root) = proof.bus {
            transcript.absorb(root);
        }
        absorb_terminals(&mut transcript, &proof.terminals);
        transcript.absorb(proof.quotient);
        absorb_claims(&mut transcript, &layout, &proof.claims);
        for &root in &proof.layers {
            transcript.absorb(root);
        }
        absorb_last(&mut transcript, &proof.last);
        transcript.absorb_witness(proof.work);
        Self {
            work: transcript.state()[0],
            queries: (0..queries).map(|_| transcript.draw()[0]).collect(),
        }
    }
}
