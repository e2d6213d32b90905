//! The keys of aggregates, so that verifying a root takes no key generation.
//!
//! They follow from the machine's chips and the generator; a test makes them again and compares.

use plica_fri::{SecurityTarget, VerifyingKey};

use super::{Aggregator, AggregatorError, Compressor};

/// The key files for a target.
struct Kept {
    target: SecurityTarget,
    /// Of nodes.
    node: &'static [u8],
    /// Of compressed roots.
    compressed: &'static [u8],
}

const KEYS: [Kept; 2] = [
    Kept {
        target: SecurityTarget::PROVEN_100,
        node: include_bytes!("../../keys/100-proven.key"),
        compressed: include_bytes!("../../keys/100-proven.compressed.key"),
    },
    Kept {
        target: SecurityTarget::CONJECTURED_100,
        node: include_bytes!("../../keys/100-conjectured.key"),
        compressed: include_bytes!("../../keys/100-conjectured.compressed.key"),
    },
];

fn kept(target: SecurityTarget, file: impl Fn(&Kept) -> &'static [u8]) -> Option<VerifyingKey> {
    let found = KEYS.iter().find(|kept| kept.target == target)?;
    VerifyingKey::from_bytes(file(found)).ok()
}

/// The key under which roots with this target are verified.
///
/// # Errors
/// If the target is out of reach.
pub fn aggregate_key(target: SecurityTarget) -> Result<VerifyingKey, AggregatorError> {
    match kept(target, |keys| keys.node) {
        Some(key) => Ok(key),
        None => Ok(Aggregator::new(target)?.key().clone()),
    }
}

/// The key under which compressed roots with this target are verified.
///
/// # Errors
/// If the target is out of reach.
pub fn compressed_key(target: SecurityTarget) -> Result<VerifyingKey, AggregatorError> {
    match kept(target, |keys| keys.compressed) {
        Some(key) => Ok(key),
        None => Ok(Compressor::new(&Aggregator::new(target)?)?.key().clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With `UPDATE_KEYS=1` writes them.
    #[test]
    fn the_keys_are_those_of_the_generator() {
        for (kept, name) in KEYS.iter().zip(["100-proven", "100-conjectured"]) {
            let target = kept.target;
            let aggregator = Aggregator::new(target).expect("attainable");
            let compressor = Compressor::new(&aggregator).expect("attainable");
            let files = [
                (aggregator.key(), kept.node, format!("{name}.key")),
                (
                    compressor.key(),
                    kept.compressed,
                    format!("{name}.compressed.key"),
                ),
            ];
            for (key, bytes, name) in files {
                let made = key.to_bytes();
                if std::env::var_os("UPDATE_KEYS").is_some() {
                    let path = format!("{}/keys/{name}", env!("CARGO_MANIFEST_DIR"));
                    std::fs::write(path, &made).expect("writable");
                } else {
                    assert!(
                        made == *bytes,
                        "the key {name} has changed; if that is meant, run this test with UPDATE_KEYS=1"
                    );
                }
            }
        }
    }
}
