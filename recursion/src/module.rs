//! The verifier as a module that programs use.

use std::io;

use plica_fri::lifted::Machine;
use plica_fri::{Profile, SecurityTarget, VerifyError};
use plica_vm::inputs::Inputs;
use plica_vm::prover::machine;
use plica_vm::syntax::{ModuleLoader, ModulePath, ModuleSource};

use crate::Universal;
use crate::aggregate::{AggregatorError, Child, ChildError, MAX_LOG_HEIGHT};

/// The path of the module.
const PATH: [&str; 2] = ["plica", "recursion"];

/// Finds the module `plica::recursion`, whose procedure `verify_proof` verifies proofs in the lifted format with one security target.
///
/// ```text
/// use.plica::recursion
///
/// begin
///     # [key digest, hash of the public values, ..], both as words; they stay
///     call.recursion::verify_proof
/// end
/// ```
/// The proof itself is advice: [`VerifierModule::add_advice`].
#[derive(Clone, Copy, Debug)]
pub struct VerifierModule {
    /// The target of the proofs that are accepted.
    pub target: SecurityTarget,
}

impl VerifierModule {
    fn universal(target: SecurityTarget) -> Result<Universal, AggregatorError> {
        let machine = Machine::new(machine(), &Profile::LIFTED, target, MAX_LOG_HEIGHT)?;
        Ok(Universal::new(machine))
    }

    /// Adds a proof to the advice of a program that verifies it, behind what is there already.
    ///
    /// # Errors
    /// If the proof is not accepted, or is not in the lifted format.
    pub fn add_advice(inputs: &mut Inputs, child: &Child<'_>) -> Result<(), ChildError> {
        let profile = child.key.profile();
        if *profile != Profile::LIFTED {
            return Err(ChildError::Profile(profile.name));
        }
        let universal = Self::universal(child.key.target())
            .map_err(|error| VerifyError::Invalid(error.to_string()))?;
        let public_values = child.claim.public_values();
        universal.add_advice(inputs, machine(), child.key, &public_values, child.proof)?;
        Ok(())
    }
}

impl ModuleLoader for VerifierModule {
    fn load(&self, path: &ModulePath) -> io::Result<Option<ModuleSource>> {
        if path.components() != PATH {
            return Ok(None);
        }
        let universal = Self::universal(self.target).map_err(io::Error::other)?;
        Ok(Some(ModuleSource {
            name: PATH.join("::"),
            text: universal.export("verify_proof"),
        }))
    }
}
