//! Joint proofs: many runs of one program in one proof.

use plica_vm::joint::{self, JointClaim, JointError};
use plica_vm::{compile, prover, syntax};

use crate::{
    Compiled, DEFAULT_MAX_CYCLES, Error, Inputs, ModuleLoader, Profile, Proof, ProvingKey,
    SecurityReport, SecurityTarget, VerifyingKey,
};

/// A program whose runs are proven together.
///
/// ```
/// use plica::{Inputs, Joint, NoModules, Profile, SecurityTarget};
///
/// let program = Joint::assemble_with("begin add mul end", "example.masm", &NoModules)?;
/// let (proving_key, key) = program.setup(&Profile::BLAKE3, SecurityTarget::default())?;
/// let inputs = ["3", "4"].map(|top| {
///     Inputs::from_json(&format!(r#"{{ "operand_stack": ["5", "6", "{top}"] }}"#))
/// });
/// let inputs = inputs.into_iter().collect::<Result<Vec<_>, _>>()?;
/// let proven = program.prove(&proving_key, inputs)?;
/// let outputs: Vec<_> = proven.claim.claims().map(|claim| claim.outputs[0]).collect();
/// assert_eq!(outputs, [45, 50].map(plica::Felt::new));
///
/// // All runs at once. The verifier computes their digest itself.
/// plica::verify(&key, &proven.claim.claim(), &proven.proof, SecurityTarget::default())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Joint {
    /// The program, to find out what each run computes.
    single: Compiled,
    /// The wrapper.
    joint: Compiled,
    max_cycles: u64,
}

/// A joint proof, what it proves, and how secure it is.
pub struct JointProven {
    pub proof: Proof,
    pub claim: JointClaim,
    pub report: SecurityReport,
}

impl Joint {
    /// Assembles a program whose modules `loader` finds.
    ///
    /// # Errors
    /// The first error in the program or a module that it uses; `clk` and `syscall` are errors.
    pub fn assemble_with(text: &str, name: &str, loader: &dyn ModuleLoader) -> Result<Self, Error> {
        let joint = syntax::parse_joint(text, name, loader).map_err(Error::Syntax)?;
        let single = syntax::parse_program(text, name, loader).map_err(Error::Syntax)?;
        Ok(Self {
            single: compile::compile(&single).map_err(Error::Compile)?,
            joint: compile::compile(&joint).map_err(Error::Compile)?,
            max_cycles: DEFAULT_MAX_CYCLES,
        })
    }

    /// Gives a run up after this many cycles (machine instructions).
    #[must_use]
    pub const fn with_max_cycles(mut self, max_cycles: u64) -> Self {
        self.max_cycles = max_cycles;
        self
    }

    /// What is proven: a loop that calls the program once per run.
    #[must_use]
    pub const fn compiled(&self) -> &Compiled {
        &self.joint
    }

    /// Makes the keys for a profile and security target. They are the same for any number of runs.
    ///
    /// # Errors
    /// If the program does not fit the profile.
    pub fn setup(
        &self,
        profile: &Profile,
        target: SecurityTarget,
    ) -> Result<(ProvingKey, VerifyingKey), Error> {
        Ok(prover::setup(&self.joint, profile, target)?)
    }

    /// Runs the program on each of the inputs and proves all runs together, at the key's security target.
    ///
    /// # Errors
    /// The first run that fails, or a security target out of reach.
    pub fn prove(&self, key: &ProvingKey, inputs: Vec<Inputs>) -> Result<JointProven, Error> {
        let many = inputs.len() as u64;
        let (runs, inputs) = joint::prepare(&self.single, inputs, self.max_cycles)?;
        // A run costs a few hundred instructions more than alone.
        let max_cycles = self.max_cycles.saturating_add(1 << 12).saturating_mul(many);
        let key_target = key.verifying_key().target();
        let proven = prover::prove(&self.joint, key, &inputs, max_cycles, key_target)?;
        let claim = JointClaim {
            key: proven.claim.key,
            runs,
        };
        debug_assert_eq!(claim.claim(), proven.claim);
        Ok(JointProven {
            proof: proven.proof,
            claim,
            report: proven.report,
        })
    }
}

impl From<JointError> for Error {
    fn from(error: JointError) -> Self {
        match error {
            JointError::Empty => Self::NoInputs,
            JointError::Run { index, reason } => Self::JointRun {
                index,
                reason: *reason,
            },
        }
    }
}
