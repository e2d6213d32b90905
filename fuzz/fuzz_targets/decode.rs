//! Proof, key, claim and store files: any bytes are refused or decoded, and what is decoded encodes to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plica::{Claim, MerkleStore, Proof, VerifyingKey};

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    // A fuzzer does not find checksums: give it files whose checksum is right.
    let mut file = bytes.to_vec();
    if kind & 4 != 0 {
        file.extend(blake3::hash(bytes).as_bytes());
    }
    match kind & 3 {
        0 => {
            if let Ok(proof) = Proof::from_bytes(&file) {
                assert_eq!(proof.to_bytes(), file);
            }
        }
        1 => {
            if let Ok(key) = VerifyingKey::from_bytes(&file) {
                assert_eq!(key.to_bytes(), file);
            }
        }
        2 => {
            if let Ok(store) = MerkleStore::from_bytes(&file) {
                assert_eq!(store.to_bytes(), file);
            }
        }
        _ => {
            if let Ok(claim) = Claim::from_json(&file) {
                assert_eq!(claim.to_json().as_bytes(), file);
            }
        }
    }
});
