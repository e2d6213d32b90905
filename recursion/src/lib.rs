//! Verification of proofs inside the machine.
//!
//! [`Verifier`] is generated from what a native verifier knows of proofs of one shape ([`Description`]): constraints are
//! the symbolic ones of the tables, written once. Its [`Verifier::source`] is a program that stops unless the advice has a proof.
//!
//! [`Universal`] verifies proofs of all shapes of one machine: of any program, with any tables of any heights.

mod advice;
mod asm;
mod constraints;
mod parts;
mod universal;
mod verifier;

use plica_field::{Felt, Word};
use plica_fri::lifted::{
    Description, Draws, Layout, LiftedProof, MIN_LOG_HEIGHT, Machine, query_indices,
};
use plica_fri::{
    AirSet, Instance, InstanceList, Proof, ProofBody, Table, VerifyError, VerifyingKey,
};
use plica_hash_rpo::hash_elements;
use plica_vm::inputs::Inputs;

/// The verifier of proofs of one shape: of one list of tables under keys that differ in their commitment only.
#[derive(Clone, Debug)]
pub struct Verifier {
    description: Description,
}

impl Verifier {
    /// For proofs that this describes.
    #[must_use]
    pub const fn new(description: Description) -> Self {
        Self { description }
    }

    /// What it verifies.
    #[must_use]
    pub const fn description(&self) -> &Description {
        &self.description
    }

    /// The program. Its stack has the digest of the key on top, below it the hash of the public values; both stay.
    #[must_use]
    pub fn source(&self) -> String {
        let mut asm = asm::Asm::new(16);
        verifier::write(&mut asm, &self.description);
        format!("begin\n{}end\n", asm.into_text())
    }

    /// The inputs with which the program verifies a proof.
    ///
    /// # Errors
    /// If the native verifier does not accept the proof.
    pub fn inputs<T: Table>(
        &self,
        airs: &AirSet<T>,
        key: &VerifyingKey,
        public_values: &[Felt],
        proof: &Proof,
    ) -> Result<Inputs, VerifyError> {
        let indices = query_indices(airs, key, public_values, proof)?;
        let (ProofBody::Lifted(body), Some(root)) = (proof.body(), key.lifted_root()) else {
            let reason = "it is not in the lifted format";
            return Err(VerifyError::Invalid(reason.into()));
        };
        let statement = [key.digest(), hash_elements(public_values)];
        Ok(self.unchecked_inputs(statement, root, public_values, body, &indices))
    }

    /// The same for any proof of this shape, valid or not. `statement` is what the program is asked: the digest of the key and the hash of the
    /// public values; `preprocessed` is the key's commitment, and `indices` are where the queries go.
    #[must_use]
    pub fn unchecked_inputs(
        &self,
        statement: [Word; 2],
        preprocessed: Word,
        public_values: &[Felt],
        proof: &LiftedProof,
        indices: &[usize],
    ) -> Inputs {
        let items = statement
            .into_iter()
            .flat_map(|word| word.into_iter().rev());
        let mut inputs = Inputs::from_stack(items.collect::<Vec<_>>());
        advice::add(
            &mut inputs,
            &self.description,
            preprocessed,
            public_values,
            proof,
            indices,
        );
        inputs
    }
}

/// The verifier of all lifted proofs of a machine.
#[derive(Clone, Debug)]
pub struct Universal {
    machine: Machine,
}

impl Universal {
    /// For the proofs of this machine.
    #[must_use]
    pub const fn new(machine: Machine) -> Self {
        Self { machine }
    }

    /// What it verifies.
    #[must_use]
    pub const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// A procedure of this name, to be executed or called with the digest of a key on top of the stack and the hash of
    /// public values below it. It leaves the stack as it was, and stops unless the advice has a proof.
    ///
    /// It writes to addresses below 2^12, whatever stands there, and needs nothing to stand there before; so it may be executed again and again, and `exec` costs
    /// less than `call`, which gives it memory of its own.
    #[must_use]
    pub fn procedure(&self, name: &str) -> String {
        let mut asm = asm::Asm::new(16);
        universal::write(&mut asm, &self.machine);
        format!("proc.{name}\n{}end\n", asm.into_text())
    }

    /// A program that verifies one proof.
    #[must_use]
    pub fn source(&self) -> String {
        format!("{}begin\n    exec.verify\nend\n", self.procedure("verify"))
    }

    /// Adds the advice with which the procedure verifies a proof.
    ///
    /// # Errors
    /// If the native verifier does not accept the proof, or if its tables are higher than those that the procedure follows.
    pub fn add_advice<T: Table>(
        &self,
        inputs: &mut Inputs,
        airs: &AirSet<T>,
        key: &VerifyingKey,
        public_values: &[Felt],
        proof: &Proof,
    ) -> Result<(), VerifyError> {
        let indices = query_indices(airs, key, public_values, proof)?;
        let invalid = |reason: &str| VerifyError::Invalid(reason.into());
        let ProofBody::Lifted(body) = proof.body() else {
            return Err(invalid("it is not in the lifted format"));
        };
        let instances = proof.instances();
        let height = |table: &Instance| usize::from(table.log_height);
        let highest = instances.tables().iter().map(height).max().unwrap_or(0);
        if highest > self.machine.max_log_height {
            return Err(invalid(
                "a table is higher than those that can be verified in the machine",
            ));
        }
        if highest < MIN_LOG_HEIGHT {
            return Err(invalid("no table has the height of the proof"));
        }
        if indices.len() != self.machine.queries {
            return Err(invalid("it is of another profile or target"));
        }
        self.add_unchecked(inputs, airs, key, instances, public_values, body);
        Ok(())
    }

    /// The same for a proof that may be invalid, with the lengths of one of these tables.
    pub fn add_unchecked<T: Table>(
        &self,
        inputs: &mut Inputs,
        airs: &AirSet<T>,
        key: &VerifyingKey,
        instances: &InstanceList,
        public_values: &[Felt],
        proof: &LiftedProof,
    ) {
        let queries = self.machine.queries;
        let given = universal::Given {
            layout: &Layout::new(airs, key.profile(), instances),
            instances,
            listed: key.pinned(),
            preprocessed: key.lifted_root().unwrap_or_default(),
            public_values,
            proof,
            draws: &Draws::of(airs, key, instances, public_values, proof, queries),
        };
        universal::add(inputs, &self.machine, &given);
    }
}
