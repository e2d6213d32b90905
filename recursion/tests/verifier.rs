//! The generated verifier, run in the machine: it accepts what the native verifier accepts, and nothing else.

use std::sync::OnceLock;

use p3_field::PrimeCharacteristicRing;
use plica_field::{Ext, Felt, Word};
use plica_fri::lifted::{Description, LiftedProof, query_indices};
use plica_fri::{
    Format, InstanceList, Model, Profile, Proof, ProofBody, SecurityTarget, VerifyingKey, verify,
};
use plica_hash_rpo::hash_elements;
use plica_recursion::Verifier;
use plica_vm::claim::Claim;
use plica_vm::compile::{Compiled, compile};
use plica_vm::inputs::Inputs;
use plica_vm::prover::{machine, prove, setup};
use plica_vm::syntax::{NoModules, parse_program};

const MAX_CYCLES: u64 = 1 << 28;

/// Few queries: what is tested is which steps the program takes, not how often.
const TARGET: SecurityTarget = SecurityTarget {
    model: Model::Conjectured,
    bits: 20,
};

/// Little work, so that a changed witness is not refused for that reason alone.
fn profile() -> Profile {
    Profile {
        query_pow_bits: 1,
        ..Profile::LIFTED
    }
}

fn compiled(source: &str) -> Compiled {
    let program = parse_program(source, "test", &NoModules)
        .unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)));
    compile(&program).unwrap_or_else(|error| panic!("{:?}", miette::Report::new(*error)))
}

/// A proof, and the program that verifies it.
struct Case {
    key: VerifyingKey,
    claim: Claim,
    instances: InstanceList,
    proof: LiftedProof,
    indices: Vec<usize>,
    verifier: Verifier,
    program: Compiled,
}

impl Case {
    fn new(source: &str, inputs: &Inputs) -> Self {
        Self::under(&profile(), source, inputs)
    }

    fn under(profile: &Profile, source: &str, inputs: &Inputs) -> Self {
        let leaf = compiled(source);
        let (proving, key) = setup(&leaf, profile, TARGET).expect("keys");
        let proven = prove(&leaf, &proving, inputs, MAX_CYCLES, TARGET).expect("a proof");
        let (claim, proof) = (proven.claim, proven.proof);
        let indices =
            query_indices(machine(), &key, &claim.public_values(), &proof).expect("valid");
        let description = Description::new(machine(), &key, proof.instances()).expect("attainable");
        let verifier = Verifier::new(description);
        let program = compiled(&verifier.source());
        let (_, instances, body) = proof.into_parts();
        let ProofBody::Lifted(proof) = body else {
            panic!("the profile's format")
        };
        Self {
            key,
            claim,
            instances,
            proof,
            indices,
            verifier,
            program,
        }
    }

    fn statement(&self) -> [Word; 2] {
        [
            self.key.digest(),
            hash_elements(&self.claim.public_values()),
        ]
    }

    fn inputs(&self, proof: &LiftedProof) -> Inputs {
        let root = self.key.lifted_root().expect("of the lifted format");
        let public_values = self.claim.public_values();
        self.verifier
            .unchecked_inputs(self.statement(), root, &public_values, proof, &self.indices)
    }

    fn accepts(&self, inputs: &Inputs) -> bool {
        match self.program.run(inputs, MAX_CYCLES) {
            Ok(run) => {
                assert_eq!(run.outputs, inputs.initial_stack(), "the stack stays");
                true
            }
            Err(_) => false,
        }
    }

    fn natively(&self, proof: LiftedProof) -> bool {
        let proof = Proof::from_parts(profile().id, self.instances.clone(), proof);
        let public_values = self.claim.public_values();
        verify(machine(), &self.key, &public_values, &proof, TARGET).is_ok()
    }
}

fn small() -> &'static Case {
    static CASE: OnceLock<Case> = OnceLock::new();
    CASE.get_or_init(|| {
        let source = "begin repeat.30 push.3 mul add.1 end swap drop end";
        Case::new(source, &Inputs::default())
    })
}

#[test]
fn proofs_of_many_shapes_are_accepted() {
    let programs = [
        "begin push.1 drop end",
        "begin push.7 mem_store.3 mem_load.3 add end",
        "begin push.5.6 u32and push.9 u32wrapping_add.3 add swap drop end",
        "begin push.1.2.3.4 hperm dropw swapw dropw swapw dropw end",
        "begin push.9 dup neq.0 while.true sub.1 dup neq.0 end drop end",
    ];
    for source in programs {
        let case = Case::new(source, &Inputs::default());
        assert!(case.accepts(&case.inputs(&case.proof)), "{source}");
    }
}

/// Among them are all profiles with RPO, those with fewer chunks than the domain has cosets and those with more, and final polynomials of any length.
#[test]
fn proofs_of_any_lifted_profile_are_accepted() {
    let lifted = |profile: &Profile| profile.format == Format::Lifted;
    let steep = Profile {
        log_blowup: 4,
        ..profile()
    };
    let profiles = Profile::ALL.into_iter().filter(lifted).chain([steep]);
    for profile in profiles {
        let name = profile.name;
        let profile = Profile {
            query_pow_bits: 1,
            ..profile
        };
        let case = Case::under(
            &profile,
            "begin hmerge push.7 mem_store.3 end",
            &Inputs::default(),
        );
        assert!(case.accepts(&case.inputs(&case.proof)), "{name}");
        for proof in changes(&case.proof).into_iter().step_by(31) {
            assert!(!case.accepts(&case.inputs(&proof)), "{name}");
        }
    }
}

#[test]
fn the_run_of_the_verifier_has_a_proof() {
    let case = small();
    let inputs = case.inputs(&case.proof);
    let (proving, key) = setup(&case.program, &profile(), TARGET).expect("keys");
    let proven = prove(&case.program, &proving, &inputs, MAX_CYCLES, TARGET).expect("a proof");
    let public_values = proven.claim.public_values();
    verify(machine(), &key, &public_values, &proven.proof, TARGET).expect("valid");
    // The statement is in the claim.
    let [digest, claim] = case.statement();
    let stack: Vec<Felt> = [digest, claim]
        .into_iter()
        .flat_map(|word| word.into_iter().rev())
        .collect();
    assert_eq!(proven.claim.inputs[..8], stack);
}

#[test]
fn every_value_of_the_advice_is_bound() {
    let case = small();
    let inputs = case.inputs(&case.proof);
    assert!(case.accepts(&inputs));
    for at in 0..inputs.advice_stack.len() {
        let mut changed = inputs.clone();
        changed.advice_stack[at] += Felt::ONE;
        assert!(!case.accepts(&changed), "value {at} of the advice is free");
    }
    let mut longer = inputs.clone();
    longer.advice_stack.pop();
    assert!(!case.accepts(&longer));
}

#[test]
fn another_statement_is_not_proven() {
    let case = small();
    let inputs = case.inputs(&case.proof);
    for item in 0..8 {
        let mut changed = inputs.clone();
        changed.operand_stack[item] += Felt::ONE;
        assert!(!case.accepts(&changed), "item {item}");
    }
}

#[test]
fn messages_and_nodes_of_the_host_are_bound() {
    let case = small();
    let inputs = case.inputs(&case.proof);
    for key in inputs.advice_map.keys() {
        let mut changed = inputs.clone();
        let message = changed.advice_map.get_mut(key).expect("a key");
        let last = message.len() - 1;
        message[last] += Felt::ONE;
        assert!(!case.accepts(&changed));
    }
    for tree in 0..inputs.merkle_store.len() {
        let mut changed = inputs.clone();
        changed.merkle_store.remove(tree);
        assert!(!case.accepts(&changed), "tree {tree}");
    }
}

/// Changes of a proof, one at a time: as many as its values, of each kind.
fn changes(proof: &LiftedProof) -> Vec<LiftedProof> {
    let mut out = Vec::new();
    let mut change = |apply: &dyn Fn(&mut LiftedProof)| {
        let mut changed = proof.clone();
        apply(&mut changed);
        out.push(changed);
    };
    for lane in 0..4 {
        change(&|p| p.main[lane] += Felt::ONE);
        change(&|p| p.quotient[lane] += Felt::ONE);
        change(&|p| p.bus.as_mut().expect("a bus")[lane] += Felt::ONE);
    }
    for i in 0..proof.terminals.len() {
        change(&|p| p.terminals[i] += Ext::ONE);
        // Two that cancel.
        change(&|p| {
            p.terminals[i] += Ext::ONE;
            let other = (i + 1) % p.terminals.len();
            p.terminals[other] -= Ext::ONE;
        });
    }
    for (list, claims) in proof.claims.iter().enumerate() {
        for i in 0..claims.len() {
            change(&|p| p.claims[list][i] += Ext::ONE);
        }
    }
    for layer in 0..proof.layers.len() {
        change(&|p| p.layers[layer][0] += Felt::ONE);
    }
    for i in 0..proof.last.len() {
        change(&|p| p.last[i] += Ext::ONE);
    }
    change(&|p| p.work += Felt::ONE);
    for (tree, opening) in proof.rows.iter().enumerate() {
        for (leaf, row) in opening.leaves.iter().enumerate() {
            for i in 0..row.len() {
                change(&|p| p.rows[tree].leaves[leaf][i] += Felt::ONE);
            }
        }
        for i in 0..opening.siblings.len() {
            change(&|p| p.rows[tree].siblings[i][1] += Felt::ONE);
        }
    }
    for (layer, opening) in proof.folds.iter().enumerate() {
        for leaf in 0..opening.leaves.len() {
            for i in 0..opening.leaves[leaf].len() {
                change(&|p| p.folds[layer].leaves[leaf][i] += Ext::ONE);
            }
        }
        for i in 0..opening.siblings.len() {
            change(&|p| p.folds[layer].siblings[i][2] += Felt::ONE);
        }
    }
    out
}

#[test]
fn changed_proofs_are_refused_by_both_verifiers() {
    let case = small();
    let changes = changes(&case.proof);
    assert!(changes.len() > 1000, "{}", changes.len());
    for (number, changed) in changes.into_iter().enumerate() {
        let inputs = case.inputs(&changed);
        assert!(!case.accepts(&inputs), "change {number}: the program");
        assert!(!case.natively(changed), "change {number}: natively");
    }
}
