//! Placeholder until the validator lands.
use super::Program;

/// Error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid program")]
pub struct ValidateError;

/// Validates.
pub fn validate(_: &Program) -> Result<(), ValidateError> {
    Ok(())
}
