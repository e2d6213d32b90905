//! Layers of recursion with plonky2, as Plica's are measured: a base proof, the proof that it is verified, the proof that this one is, and
//! the proof that two of those in the middle are. Its own `bench_recursion` has the first three, and no times of verification.
//!
//! `standard_recursion_config`: Poseidon, 28 queries at blow-up 8 and 16 bits of grinding, 100 bits conjectured. Prints a JSON object a line.

#[path = "../../../src/bin/recursion/usage.rs"]
mod usage;

use anyhow::Result;
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::gates::noop::NoopGate;
use plonky2::iop::target::BoolTarget;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{
    CircuitConfig, CircuitData, CommonCircuitData, VerifierCircuitTarget,
};
use plonky2::plonk::config::PoseidonGoldilocksConfig;
use plonky2::plonk::proof::{ProofWithPublicInputs, ProofWithPublicInputsTarget};
use serde_json::json;
use usage::{peak, timed, Cost};

const D: usize = 2;
type F = GoldilocksField;
type C = PoseidonGoldilocksConfig;
type Circuit = CircuitData<F, C, D>;
type Proof = ProofWithPublicInputs<F, C, D>;

/// log2 of the rows of the base proof, those of the layers.
const LOG_BASE: usize = 12;
/// Verifications of a proof; the median counts.
const VERIFICATIONS: usize = 5;

/// A circuit with a proof of it.
struct Layer {
    circuit: Circuit,
    proof: Proof,
}

/// A circuit that verifies proofs of another.
struct Recursion {
    circuit: Circuit,
    proofs: Vec<ProofWithPublicInputsTarget<D>>,
    key: VerifierCircuitTarget,
}

fn builder() -> CircuitBuilder<F, D> {
    CircuitBuilder::new(CircuitConfig::standard_recursion_config())
}

impl Recursion {
    fn new(inner: &CommonCircuitData<F, D>, children: usize) -> Self {
        let mut builder = builder();
        let key = builder.add_virtual_verifier_data(inner.config.fri_config.cap_height);
        let proofs: Vec<_> = (0..children)
            .map(|_| builder.add_virtual_proof_with_pis(inner))
            .collect();
        for proof in &proofs {
            builder.verify_proof::<C>(proof, &key, inner);
        }
        let circuit = builder.build();
        Self {
            circuit,
            proofs,
            key,
        }
    }

    fn prove(&self, inner: &Circuit, children: &[&Proof]) -> Result<Proof> {
        let mut witness = PartialWitness::new();
        witness.set_verifier_data_target(&self.key, &inner.verifier_only)?;
        for (target, proof) in self.proofs.iter().zip(children) {
            witness.set_proof_with_pis_target(target, proof)?;
        }
        self.circuit.prove(witness)
    }
}

/// Measures what is left to measure, and prints.
fn report(stage: &str, layer: &Layer, setup: Cost, prove: Cost) -> Result<()> {
    let Layer { circuit, proof } = layer;
    let peak = peak();
    let common = &circuit.common;
    let mut verify = Vec::new();
    for _ in 0..VERIFICATIONS {
        let proof = proof.clone();
        let (accepted, time) = timed(|| circuit.verify(proof));
        accepted?;
        verify.push(time.wall);
    }
    verify.sort_by(f64::total_cmp);
    let compressed = proof
        .clone()
        .compress(&circuit.verifier_only.circuit_digest, common)?;
    let config = &common.config;
    let challenges = config.num_challenges;
    let preprocessed = common.num_constants + config.num_routed_wires;
    let products = challenges * (1 + common.num_partial_products);
    let quotient = challenges * common.quotient_degree_factor;
    let columns = preprocessed + config.num_wires + products + quotient;
    let stage = json!({
        "stage": stage,
        "setup": setup.wall,
        "prove": prove.wall,
        "cpu": prove.cpu,
        "verify": verify[VERIFICATIONS / 2],
        "queries": config.fri_config.num_query_rounds,
        "log_rows": common.degree_bits(),
        "cells": columns << common.degree_bits(),
        "bytes": proof.to_bytes().len(),
        "compressed": compressed.to_bytes().len(),
        "peak": peak,
    });
    println!("{stage}");
    Ok(())
}

/// A circuit of [`LOG_BASE`], which proves that bits are bits.
fn base() -> Result<Layer> {
    let mut builder = builder();
    let bit: BoolTarget = builder.add_virtual_bool_target_safe();
    // More than half: the builder adds rows of its own, and fills up.
    while builder.num_gates() <= 1 << (LOG_BASE - 1) {
        builder.add_gate(NoopGate, vec![]);
    }
    let (circuit, setup) = timed(|| builder.build::<C>());
    let mut witness = PartialWitness::new();
    witness.set_bool_target(bit, true)?;
    let (proof, prove) = timed(|| circuit.prove(witness));
    let layer = Layer {
        circuit,
        proof: proof?,
    };
    report("leaf", &layer, setup, prove)?;
    Ok(layer)
}

fn layer(stage: &str, inner: &Layer, children: usize) -> Result<Layer> {
    let (recursion, setup) = timed(|| Recursion::new(&inner.circuit.common, children));
    // The same proof twice costs what two proofs would: a circuit shares nothing.
    let children = vec![&inner.proof; children];
    let (proof, prove) = timed(|| recursion.prove(&inner.circuit, &children));
    let layer = Layer {
        circuit: recursion.circuit,
        proof: proof?,
    };
    report(stage, &layer, setup, prove)?;
    Ok(layer)
}

fn main() -> Result<()> {
    let base = base()?;
    let first = layer("over a leaf", &base, 1)?;
    layer("over a layer", &first, 1)?;
    layer("over two layers", &first, 2)?;
    Ok(())
}
