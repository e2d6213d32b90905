//! Verification of proofs inside the machine.
//!
//! [`Verifier`] is generated from what a native verifier knows of proofs of one shape ([`Description`]): constraints are
//! the symbolic ones of the tables, written once. Its [`Verifier::source`] is a program that stops unless the advice has a proof.

mod advice;
mod asm;
mod constraints;
mod verifier;

use plica_field::{Felt, Word};
use plica_fri::lifted::{Description, query_indices};
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
        let ProofBody::Lifted(body) = proof.body() else {
            return Err(VerifyError::Invalid(
                "it is not in the lifted format".into(),
            ));
        };
        let stack = |word: Word| word.into_iter().rev();
        let claim = hash_elements(public_values);
        let items: Vec<Felt> = stack(key.digest()).chain(stack(claim)).collect();
        let mut inputs = Inputs::from_stack(items);
        let root = key.lifted_root().expect("of the lifted format");
        advice::add(
            &mut inputs,
            &self.description,
            root,
            public_values,
            body,
            &indices,
        );
        Ok(inputs)
    }
}
