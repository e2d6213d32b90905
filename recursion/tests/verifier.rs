//! The generated verifier, run.

use plica_fri::lifted::Description;
use plica_fri::{Model, Profile, Proof, SecurityTarget, VerifyingKey};
use plica_recursion::Verifier;
use plica_vm::claim::Claim;
use plica_vm::compile::{Compiled, compile};
use plica_vm::inputs::Inputs;
use plica_vm::prover::{machine, prove, setup};
use plica_vm::syntax::{NoModules, parse_program};

const MAX_CYCLES: u64 = 1 << 28;

const TARGET: SecurityTarget = SecurityTarget {
    model: Model::Conjectured,
    bits: 40,
};

fn compiled(source: &str) -> Compiled {
    let program = parse_program(source, "test", &NoModules)
        .unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)));
    compile(&program).unwrap_or_else(|error| panic!("{:?}", miette::Report::new(*error)))
}

fn proven(source: &str, target: SecurityTarget) -> (VerifyingKey, Claim, Proof) {
    let compiled = compiled(source);
    let (proving, key) = setup(&compiled, &Profile::LIFTED, target).expect("keys");
    let inputs = Inputs::default();
    let proven = prove(&compiled, &proving, &inputs, MAX_CYCLES, target).expect("a proof");
    (key, proven.claim, proven.proof)
}

#[test]
fn a_proof_is_accepted() {
    let (key, claim, proof) = proven(
        "begin repeat.100 push.3 mul add.1 end swap drop end",
        TARGET,
    );
    let description = Description::new(machine(), &key, proof.instances()).expect("attainable");
    let verifier = Verifier::new(description);
    let source = verifier.source();
    let inputs = verifier
        .inputs(machine(), &key, &claim.public_values(), &proof)
        .expect("valid");
    let program = compiled(&source);
    let run = program.run(&inputs, MAX_CYCLES);
    let run = run.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(run.outputs, inputs.initial_stack());
}
