//! The keys of aggregates, so that verifying a root takes no key generation.
//!
//! They follow from the machine's chips and the generator; a test makes them again and compares.

use plica_fri::{SecurityTarget, VerifyingKey};

use super::{Aggregator, AggregatorError};

/// The targets whose keys are here, with the key files.
const KEYS: [(SecurityTarget, &[u8]); 2] = [
    (
        SecurityTarget::PROVEN_100,
        include_bytes!("../../keys/100-proven.key"),
    ),
    (
        SecurityTarget::CONJECTURED_100,
        include_bytes!("../../keys/100-conjectured.key"),
    ),
];

/// The key under which roots with this target are verified.
///
/// # Errors
/// If the target is out of reach.
pub fn aggregate_key(target: SecurityTarget) -> Result<VerifyingKey, AggregatorError> {
    let kept = KEYS.iter().find(|(known, _)| *known == target);
    match kept.and_then(|(_, bytes)| VerifyingKey::from_bytes(bytes).ok()) {
        Some(key) => Ok(key),
        None => Ok(Aggregator::new(target)?.key().clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With `UPDATE_KEYS=1` writes them.
    #[test]
    fn the_keys_are_those_of_the_generator() {
        for ((target, bytes), name) in KEYS.iter().zip(["100-proven", "100-conjectured"]) {
            let made = Aggregator::new(*target)
                .expect("attainable")
                .key()
                .to_bytes();
            if std::env::var_os("UPDATE_KEYS").is_some() {
                let path = format!("{}/keys/{name}.key", env!("CARGO_MANIFEST_DIR"));
                std::fs::write(path, &made).expect("writable");
            } else {
                assert!(
                    made == *bytes,
                    "the key of aggregates at {target} has changed; if that is meant, run this test with UPDATE_KEYS=1"
                );
            }
        }
    }
}
