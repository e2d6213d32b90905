//! What the transcript absorbs before the proof: the statement's frame.
//!
//! p3-batch-stark's own seed binds column counts and the number of tables, not which tables they are. Two subsets of kinds with
//! equal widths have equal seeds. So the challenger that a [`Config`] starts from has absorbed, in this order:
//!
//! 1. the domain string and version of this protocol, with their length;
//! 2. the digest of the AIR set;
//! 3. the digest of the verifying key (profile, security target and preprocessed commitment are inside it);
//! 4. the number of tables, then kind and log2 height of each.
//!
//! Public values are absorbed later, by p3, after the main commitment. The number of queries is absorbed by p3's FRI; it is a
//! function of 3 and 4.

use p3_challenger::CanObserve;
use p3_dft::Radix2DitParallel;
use p3_fri::{FriParameters, TwoAdicFriPcs};
use p3_uni_stark::StarkConfig;

use crate::hash::{Challenger, Commitments};
use crate::instances::InstanceList;
use crate::profile::Profile;
use crate::types::{Config, ExtCommitments, Felt, Word};

/// Version of the proof system: of everything that a proof's meaning depends on and that a key does not say.
pub const PROTOCOL_VERSION: u16 = 2;

const DOMAIN: &[u8] = b"plica batch proof";

/// What every proof is bound to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) version: u16,
    pub(crate) air_set: &'a [u8; 32],
    pub(crate) key: &'a Word,
    pub(crate) instances: &'a InstanceList,
}

impl Frame<'_> {
    /// The elements absorbed before p3's transcript starts; injective in the frame.
    pub(crate) fn elements(&self) -> Vec<Felt> {
        let mut out = encode_bytes(DOMAIN);
        out.push(number(self.version.into()));
        out.extend(encode_bytes(self.air_set));
        out.extend(self.key);
        out.push(number(self.instances.tables().len() as u64));
        for instance in self.instances.tables() {
            out.push(number(instance.kind.into()));
            out.push(number(instance.log_height.into()));
        }
        out
    }
}

/// The configuration of one proof. Prover and verifier both call this, and nothing else makes a [`Config`] for a proof.
pub(crate) fn config(profile: &Profile, queries: usize, frame: &Frame<'_>) -> Config {
    let mut challenger = Challenger::new(profile.hash);
    challenger.observe_slice(&frame.elements());
    with_challenger(profile, queries, challenger)
}

/// A configuration for committing only, with a fresh transcript.
pub(crate) fn setup_config(profile: &Profile) -> Config {
    with_challenger(profile, 1, Challenger::new(profile.hash))
}

fn with_challenger(profile: &Profile, queries: usize, challenger: Challenger) -> Config {
    let mmcs = Commitments::new(profile.hash, profile.cap_height);
    let fri = FriParameters {
        log_blowup: profile.log_blowup,
        log_final_poly_len: Profile::LOG_FINAL_POLY_LEN,
        max_log_arity: profile.max_log_arity,
        num_queries: queries,
        batch_proof_of_work_bits: profile.batch_pow_bits,
        commit_proof_of_work_bits: profile.commit_pow_bits,
        query_proof_of_work_bits: profile.query_pow_bits,
        mmcs: ExtCommitments::new(mmcs.clone()),
    };
    let pcs = TwoAdicFriPcs::new(Radix2DitParallel::default(), mmcs, fri);
    StarkConfig::new(pcs, challenger)
        .with_ood_proof_of_work_bits(profile.ood_pow_bits)
        .with_lookup_proof_of_work_bits(profile.lookup_pow_bits)
}

pub(crate) fn number(value: u64) -> Felt {
    debug_assert!(value < 1 << 63);
    Felt::new(value)
}

/// Bytes as elements: the length, then seven bytes per element, little endian.
pub(crate) fn encode_bytes(bytes: &[u8]) -> Vec<Felt> {
    let mut out = vec![number(bytes.len() as u64)];
    for chunk in bytes.chunks(7) {
        let mut limb = [0; 8];
        limb[..chunk.len()].copy_from_slice(chunk);
        out.push(Felt::new(u64::from_le_bytes(limb)));
    }
    out
}
