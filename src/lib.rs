//! Plica: a zkVM and recursive proof system on the Goldilocks field.
//!
//! Programs are written in MASM, a stack assembly. This crate is the facade over the workspace: assemble, run, prove
//! and verify in a few calls.
//!
//! ```
//! use plica::{Inputs, Plica, Profile, SecurityTarget};
//!
//! let program = Plica::assemble("begin add mul end", "example.masm")?;
//! let inputs = Inputs::from_json(r#"{ "operand_stack": ["3", "4", "5"] }"#)?;
//!
//! let (proving_key, key) = program.setup(&Profile::BLAKE3, SecurityTarget::default())?;
//! let proven = program.prove(&proving_key, &inputs)?;
//! assert_eq!(plica::format_felt(proven.claim.outputs[0]), "27");
//!
//! // The verifier needs the key, the claim and the proof, not the program.
//! let report = plica::verify(&key, &proven.claim, &proven.proof, SecurityTarget::default())?;
//! assert!(report.meets(SecurityTarget::PROVEN_100));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Proofs are not zero-knowledge yet: a proof may reveal private values of the execution.

mod analyze;
mod error;
mod joint;

pub use analyze::{
    Analysis, ChipUsage, Prediction, ProcedureUsage, QuotientUsage, SpillUsage, columns,
};
pub use error::{Category, Error};
pub use joint::{Joint, JointProven};
pub use plica_field::{Felt, Word, format_felt, format_word};
pub use plica_fri::{
    FileError, MAX_STORE_BYTES, Model, Profile, Proof, SecurityReport, SecurityTarget, VerifyingKey,
};
pub use plica_vm::claim::{Claim, ClaimError, LinkError};
pub use plica_vm::compile::{Compiled, RunError, RunErrorKind};
pub use plica_vm::inputs::{Inputs, InputsError};
pub use plica_vm::joint::{JointClaim, Run, program as joint_program};
pub use plica_vm::processor::{MerkleStore, RunOutcome};
pub use plica_vm::prover::{Proven, ProvingKey, verify};
pub use plica_vm::syntax::{DirectoryModules, KernelFile, MemoryModules, ModuleLoader, NoModules};

pub use plica_recursion::VerifierModule;
pub use plica_recursion::aggregate;

use plica_recursion::aggregate::Child;
use plica_vm::{compile, prover, syntax};

/// Cycles after which a run is given up, unless the caller says otherwise.
pub const DEFAULT_MAX_CYCLES: u64 = 1 << 32;

/// The machine's chips, by the numbers that proofs and keys give them.
#[must_use]
pub fn chip_names() -> Vec<&'static str> {
    let kinds = prover::machine().kinds().iter();
    kinds.map(|kind| kind.name).collect()
}

/// An assembled program.
pub struct Plica {
    compiled: Compiled,
    warnings: Vec<syntax::Diagnostic>,
    max_cycles: u64,
}

impl Plica {
    /// Assembles a program that uses no modules. `name` is how diagnostics call it.
    ///
    /// # Errors
    /// The first error in the text.
    pub fn assemble(text: &str, name: &str) -> Result<Self, Error> {
        Self::assemble_with(text, name, &NoModules)
    }

    /// Assembles a program whose modules `loader` finds.
    ///
    /// # Errors
    /// The first error in the program or a module that it uses.
    pub fn assemble_with(text: &str, name: &str, loader: &dyn ModuleLoader) -> Result<Self, Error> {
        let program = syntax::parse_program(text, name, loader).map_err(Error::Syntax)?;
        let compiled = compile::compile(&program).map_err(Error::Compile)?;
        Ok(Self {
            compiled,
            warnings: program.warnings,
            max_cycles: DEFAULT_MAX_CYCLES,
        })
    }

    /// Gives a run up after this many cycles (machine instructions).
    #[must_use]
    pub const fn with_max_cycles(mut self, max_cycles: u64) -> Self {
        self.max_cycles = max_cycles;
        self
    }

    /// The machine code.
    pub const fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// Unused imports and the like.
    pub fn warnings(&self) -> &[syntax::Diagnostic] {
        &self.warnings
    }

    /// Adds the advice with which a program verifies a proof by `plica::recursion::verify_proof`, behind what is there already.
    ///
    /// # Errors
    /// If the proof is not accepted, or is not of the form that programs verify.
    pub fn add_proof(inputs: &mut Inputs, child: &Child<'_>) -> Result<(), Error> {
        VerifierModule::add_advice(inputs, child).map_err(Error::NotAggregated)
    }

    /// Runs the program without a proof.
    ///
    /// # Errors
    /// The failure of the run, with its place.
    pub fn run(&self, inputs: &Inputs) -> Result<RunOutcome, Error> {
        Ok(self.compiled.run(inputs, self.max_cycles)?)
    }

    /// The same with a Merkle store, which afterwards knows the trees that the run made.
    ///
    /// # Errors
    /// The failure of the run, with its place.
    pub fn run_with_store(
        &self,
        inputs: &Inputs,
        store: &mut MerkleStore,
    ) -> Result<RunOutcome, Error> {
        Ok(self
            .compiled
            .run_with(inputs, Some(store), self.max_cycles)?)
    }

    /// Makes the keys for a profile and security target.
    ///
    /// # Errors
    /// If the program does not fit the profile.
    pub fn setup(
        &self,
        profile: &Profile,
        target: SecurityTarget,
    ) -> Result<(ProvingKey, VerifyingKey), Error> {
        Ok(prover::setup(&self.compiled, profile, target)?)
    }

    /// Runs the program and proves the run, at the key's security target.
    ///
    /// # Errors
    /// The failure of the run, or a security target out of reach.
    pub fn prove(&self, key: &ProvingKey, inputs: &Inputs) -> Result<Proven, Error> {
        Ok(prover::prove(
            &self.compiled,
            key,
            inputs,
            self.max_cycles,
            key.verifying_key().target(),
        )?)
    }

    /// The same with a Merkle store, which afterwards knows the trees that the run made.
    ///
    /// ```
    /// use plica::{Felt, Inputs, MerkleStore, Plica, Profile, SecurityTarget};
    ///
    /// // [i, R, V, ..] → [the old leaf, the new root, ..]
    /// let program = Plica::assemble("begin push.16 mtree_set end", "set.masm")?;
    /// let (proving_key, _) = program.setup(&Profile::BLAKE3, SecurityTarget::default())?;
    ///
    /// let mut store = MerkleStore::default();
    /// let root = store.empty_root(16).unwrap();
    /// let leaf = [1, 2, 3, 4].map(Felt::new);
    /// let top_first = root.iter().rev().chain(leaf.iter().rev());
    /// let inputs = Inputs::from_stack([Felt::new(7)].iter().chain(top_first).copied().collect::<Vec<_>>());
    /// let claim = program.prove_with_store(&proving_key, &inputs, &mut store)?.claim;
    ///
    /// let mut new_root: [Felt; 4] = claim.outputs[4..8].try_into().unwrap();
    /// new_root.reverse();
    /// assert_eq!(store.get(new_root, 16, 7), Some(leaf));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The failure of the run, or a security target out of reach.
    pub fn prove_with_store(
        &self,
        key: &ProvingKey,
        inputs: &Inputs,
        store: &mut MerkleStore,
    ) -> Result<Proven, Error> {
        let execution = self
            .compiled
            .record_with(inputs, Some(store), self.max_cycles)?;
        let target = key.verifying_key().target();
        let proven = prover::prove_execution(&self.compiled, key, execution, target);
        Ok(proven?)
    }

    /// Says what proving a node over these children would cost: in profile `lifted`, or in `small` if it is one to compress a root.
    ///
    /// # Errors
    /// If a child cannot be aggregated.
    pub fn analyze_node(
        aggregator: &aggregate::Aggregator,
        children: &[Child<'_>],
        profile: &Profile,
    ) -> Result<Analysis, aggregate::NodeError> {
        let inputs = aggregator.inputs(children)?;
        let compiled = aggregator.compiled();
        let execution = compiled
            .record(&inputs, DEFAULT_MAX_CYCLES)
            .map_err(aggregate::NodeError::Run)?;
        Ok(Analysis::of(
            compiled,
            &execution,
            profile,
            aggregator.key().target(),
        ))
    }

    /// Runs the program and says what proving the run would cost, under a key of this profile and target.
    ///
    /// # Errors
    /// The failure of the run.
    pub fn analyze(
        &self,
        inputs: &Inputs,
        profile: &Profile,
        target: SecurityTarget,
    ) -> Result<Analysis, Error> {
        let execution = self.compiled.record(inputs, self.max_cycles)?;
        Ok(Analysis::of(&self.compiled, &execution, profile, target))
    }

    /// The same with a Merkle store, which afterwards knows the trees that the run made.
    ///
    /// # Errors
    /// The failure of the run.
    pub fn analyze_with_store(
        &self,
        inputs: &Inputs,
        profile: &Profile,
        target: SecurityTarget,
        store: &mut MerkleStore,
    ) -> Result<Analysis, Error> {
        let execution = self
            .compiled
            .record_with(inputs, Some(store), self.max_cycles)?;
        Ok(Analysis::of(&self.compiled, &execution, profile, target))
    }
}
