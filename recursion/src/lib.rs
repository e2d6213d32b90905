//! Verification of proofs inside the machine.
//!
//! [`Verifier`] is generated from what a native verifier knows of proofs of one shape ([`Description`]): constraints are
//! the symbolic ones of the tables, written once. Its [`Verifier::source`] is a program that stops unless the advice has a proof.

mod advice;
mod asm;
mod constraints;
mod verifier;

use plica_field::{Felt, Word};
use plica_fri::lifted::{Description, LiftedProof, query_indices};
use plica_fri::{AirSet, Proof, ProofBody, Table, VerifyError, VerifyingKey};
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
