//! Flipping a byte of a proof, key or claim file, or cutting it, is noticed: never a panic, never acceptance.

use std::sync::OnceLock;

use plica::{Claim, Inputs, Plica, Profile, Proof, SecurityTarget, VerifyingKey, verify};
use proptest::prelude::*;

struct Files {
    proof: Vec<u8>,
    key: Vec<u8>,
    claim: Vec<u8>,
}

fn files() -> &'static Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(|| {
        let source = include_str!("../examples/conditional.masm");
        let inputs = include_str!("../examples/conditional.inputs");
        let program = Plica::assemble(source, "conditional.masm").expect("assembles");
        let target = SecurityTarget::default();
        let (proving_key, key) = program.setup(&Profile::BLAKE3, target).expect("keys");
        let inputs = Inputs::from_json(inputs).expect("inputs");
        let proven = program.prove(&proving_key, &inputs).expect("proof");
        Files {
            proof: proven.proof.to_bytes(),
            key: key.to_bytes(),
            claim: proven.claim.to_json().into_bytes(),
        }
    })
}

/// Whether the three files are accepted; anything but an answer is a panic and fails the test.
fn accepted(proof: &[u8], key: &[u8], claim: &[u8]) -> bool {
    let (Ok(proof), Ok(key), Ok(claim)) = (
        Proof::from_bytes(proof),
        VerifyingKey::from_bytes(key),
        Claim::from_json(claim),
    ) else {
        return false;
    };
    verify(&key, &claim, &proof, SecurityTarget::default()).is_ok()
}

#[test]
fn honest_files_are_accepted() {
    let f = files();
    assert!(accepted(&f.proof, &f.key, &f.claim));
}

#[test]
fn every_byte_of_key_and_claim_matters() {
    let f = files();
    for flip in [1u8, 0x80, 0xff] {
        for i in 0..f.key.len() {
            let mut key = f.key.clone();
            key[i] ^= flip;
            assert!(!accepted(&f.proof, &key, &f.claim), "key byte {i}");
        }
        for i in 0..f.claim.len() {
            let mut claim = f.claim.clone();
            claim[i] ^= flip;
            assert!(!accepted(&f.proof, &f.key, &claim), "claim byte {i}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn flipped_bytes_of_a_proof_are_noticed(position in any::<prop::sample::Index>(), flip in 1u8..) {
        let f = files();
        let mut proof = f.proof.clone();
        let i = position.index(proof.len());
        proof[i] ^= flip;
        prop_assert!(!accepted(&proof, &f.key, &f.claim));
    }

    #[test]
    fn truncated_and_extended_files_are_noticed(
        which in 0usize..3,
        position in any::<prop::sample::Index>(),
        extra in prop::collection::vec(any::<u8>(), 1..40),
        extend in any::<bool>(),
    ) {
        let f = files();
        let mut all = [f.proof.clone(), f.key.clone(), f.claim.clone()];
        if extend {
            all[which].extend(extra);
        } else {
            let length = position.index(all[which].len());
            all[which].truncate(length);
        }
        prop_assert!(!accepted(&all[0], &all[1], &all[2]));
    }
}
