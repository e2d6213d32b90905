//! AIRs that were written for other provers, verified inside the machine: Fibonacci numbers, and Plonky3's permutation of Keccak.

use std::sync::Arc;

use p3_air::{Air, AirBuilder, BaseAir, WindowAccess};
use p3_field::PrimeCharacteristicRing;
use p3_keccak_air::{KeccakAir, NUM_KECCAK_COLS, generate_trace_rows};
use plica_fri::lifted::Description;
use plica_fri::{
    AirSet, Felt, Kind, Matrix, Model, Presence, Profile, Proof, ProvingKey, SecurityTarget, Trace,
    VerifyingKey, prove, setup_with_heights, verify,
};
use plica_hash_rpo::hash_elements;
use plica_recursion::Verifier;
use plica_vm::compile::{Compiled, compile};
use plica_vm::inputs::{Inputs, MerkleTree};
use plica_vm::prover;
use plica_vm::syntax::{NoModules, parse_program};

const MAX_CYCLES: u64 = 1 << 28;

const TARGET: SecurityTarget = SecurityTarget {
    model: Model::Conjectured,
    bits: 40,
};

#[derive(Clone, Debug)]
enum Foreign {
    /// Two columns; the first two numbers and the last are public.
    Fibonacci,
    Keccak,
}

impl BaseAir<Felt> for Foreign {
    fn width(&self) -> usize {
        match self {
            Self::Fibonacci => 2,
            Self::Keccak => NUM_KECCAK_COLS,
        }
    }

    fn num_public_values(&self) -> usize {
        match self {
            Self::Fibonacci => 3,
            Self::Keccak => 0,
        }
    }
}

impl<AB: AirBuilder<F = Felt>> Air<AB> for Foreign {
    fn eval(&self, builder: &mut AB) {
        if matches!(self, Self::Keccak) {
            return KeccakAir {}.eval(builder);
        }
        let main = builder.main();
        let local = [0, 1].map(|i| main.current(i).expect("two columns"));
        let next = [0, 1].map(|i| main.next(i).expect("two columns"));
        let [a, b, last] = [0, 1, 2].map(|i| builder.public_values()[i]);
        builder.when_first_row().assert_eq(local[0], a);
        builder.when_first_row().assert_eq(local[1], b);
        builder.when_transition().assert_eq(next[0], local[1]);
        let sum = local[0] + local[1];
        builder.when_transition().assert_eq(next[1], sum);
        builder.when_last_row().assert_eq(local[1], last);
    }
}

/// A machine of one table, whose height is all that its keys fix.
fn machine(name: &'static str, table: Foreign) -> Arc<AirSet<Foreign>> {
    let kind = Kind {
        name,
        table,
        presence: Presence::Fixed,
        ordered: false,
        twin: None,
        few_columns: false,
    };
    Arc::new(AirSet::new(vec![kind]).expect("a machine"))
}

fn keys(airs: &Arc<AirSet<Foreign>>, log_height: usize) -> (ProvingKey<Foreign>, VerifyingKey) {
    setup_with_heights(
        airs,
        vec![],
        &[log_height],
        &Profile::LIFTED,
        TARGET,
        vec![],
    )
    .expect("keys")
}

/// Proven and verified natively.
struct Statement {
    airs: Arc<AirSet<Foreign>>,
    key: VerifyingKey,
    public_values: Vec<Felt>,
    proof: Proof,
}

impl Statement {
    fn new(airs: &Arc<AirSet<Foreign>>, matrix: Matrix, public_values: Vec<Felt>) -> Self {
        let height = matrix.values.len() / matrix.width;
        let (proving, key) = keys(airs, height.ilog2() as usize);
        let traces = vec![Trace { kind: 0, matrix }];
        let proof = prove(&proving, traces, &public_values, TARGET).expect("a proof");
        verify(airs, &key, &public_values, &proof, TARGET).expect("accepted");
        Self {
            airs: airs.clone(),
            key,
            public_values,
            proof,
        }
    }

    fn fibonacci(log_height: usize) -> Self {
        let airs = machine("fibonacci", Foreign::Fibonacci);
        let (mut a, mut b) = (Felt::new(0), Felt::new(1));
        let mut public_values = vec![a, b];
        let mut values = Vec::new();
        for _ in 0..1 << log_height {
            values.extend([a, b]);
            (a, b) = (b, a + b);
        }
        public_values.push(a);
        Self::new(&airs, Matrix::new(values, 2), public_values)
    }

    fn verifier(&self) -> Verifier {
        let instances = self.proof.instances();
        let description = Description::new(&self.airs, &self.key, instances);
        Verifier::new(description.expect("attainable"))
    }

    fn inputs(&self, verifier: &Verifier) -> Inputs {
        verifier
            .inputs(&self.airs, &self.key, &self.public_values, &self.proof)
            .expect("valid")
    }
}

fn compiled(verifier: &Verifier) -> Compiled {
    let program = parse_program(&verifier.source(), "verifier", &NoModules)
        .unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)));
    compile(&program).unwrap_or_else(|error| panic!("{:?}", miette::Report::new(*error)))
}

fn accepts(program: &Compiled, inputs: &Inputs) -> bool {
    match program.run(inputs, MAX_CYCLES) {
        Ok(run) => {
            assert_eq!(run.outputs, inputs.initial_stack());
            true
        }
        Err(_) => false,
    }
}

/// Says what a verifier costs (`--nocapture`).
fn report(name: &str, statement: &Statement, verifier: &Verifier, program: &Compiled) {
    let inputs = statement.inputs(verifier);
    let run = program.run(&inputs, MAX_CYCLES).expect("accepted");
    println!(
        "{name}: {} bytes of proof, {} queries, {} constraints; verifier: {} lines, {} steps, {} elements of advice",
        statement.proof.to_bytes().len(),
        verifier.description().queries,
        verifier.description().tables[0].constraints.len(),
        verifier.source().lines().count(),
        run.cycles,
        inputs.advice_stack.len(),
    );
}

/// The inputs with something changed.
fn changed(inputs: &Inputs, change: impl FnOnce(&mut Inputs)) -> Inputs {
    let mut inputs = inputs.clone();
    change(&mut inputs);
    inputs
}

#[test]
fn fibonacci_is_accepted_and_the_run_proven() {
    let statement = Statement::fibonacci(8);
    let verifier = statement.verifier();
    let program = compiled(&verifier);
    let inputs = statement.inputs(&verifier);
    assert!(accepts(&program, &inputs));
    report("fibonacci", &statement, &verifier, &program);

    let (proving, key) = prover::setup(&program, &Profile::LIFTED, TARGET).expect("keys");
    let proven = prover::prove(&program, &proving, &inputs, MAX_CYCLES, TARGET).expect("a proof");
    let public_values = proven.claim.public_values();
    verify(
        prover::machine(),
        &key,
        &public_values,
        &proven.proof,
        TARGET,
    )
    .expect("accepted");
}

/// Below the least height of the low-degree test, where the table is lifted alone; and at it.
#[test]
fn low_tables_are_accepted() {
    for log_height in [0, 3, 5] {
        let statement = Statement::fibonacci(log_height);
        let verifier = statement.verifier();
        let program = compiled(&verifier);
        assert!(accepts(&program, &statement.inputs(&verifier)));
    }
}

#[test]
fn other_public_values_are_refused() {
    let statement = Statement::fibonacci(8);
    let verifier = statement.verifier();
    let program = compiled(&verifier);
    let honest = statement.inputs(&verifier);
    assert!(accepts(&program, &honest));
    // The advice starts with them: there is no commitment before.
    let count = statement.public_values.len();
    assert_eq!(honest.advice_stack[..count], statement.public_values);
    for position in 0..count {
        let mut others = statement.public_values.clone();
        others[position] += Felt::ONE;
        let refused = verify(
            &statement.airs,
            &statement.key,
            &others,
            &statement.proof,
            TARGET,
        );
        assert!(refused.is_err());
        let claim = |inputs: &mut Inputs| {
            let digest = hash_elements(&others).into_iter().rev();
            inputs.operand_stack.splice(4..8, digest);
        };
        let advice = |inputs: &mut Inputs| inputs.advice_stack[position] = others[position];
        assert!(!accepts(&program, &changed(&honest, claim)));
        assert!(!accepts(&program, &changed(&honest, advice)));
        let both = changed(&changed(&honest, claim), advice);
        assert!(!accepts(&program, &both));
    }
    for position in 0..8 {
        let key_or_claim = changed(&honest, |inputs| {
            inputs.operand_stack[position] += Felt::ONE
        });
        assert!(!accepts(&program, &key_or_claim));
    }
}

/// Roots, claimed values, coefficients, the witness; then opened leaves and the nodes beside the ways to them.
#[test]
fn all_advice_is_bound() {
    let statement = Statement::fibonacci(8);
    let verifier = statement.verifier();
    let program = compiled(&verifier);
    let honest = statement.inputs(&verifier);
    assert!(accepts(&program, &honest));
    for position in 0..honest.advice_stack.len() {
        let inputs = changed(&honest, |inputs| inputs.advice_stack[position] += Felt::ONE);
        assert!(!accepts(&program, &inputs), "advice {position}");
    }
    let digests: Vec<_> = honest.advice_map.keys().copied().collect();
    for digest in digests {
        let inputs = changed(&honest, |inputs| {
            let message = inputs.advice_map.get_mut(&digest).expect("a key");
            message[0] += Felt::ONE;
        });
        assert!(!accepts(&program, &inputs), "message {digest:?}");
    }
    for tree in 0..honest.merkle_store.len() {
        let inputs = changed(&honest, |inputs| {
            let MerkleTree::Partial(nodes) = &mut inputs.merkle_store[tree] else {
                panic!("of ways");
            };
            nodes[0].2[0] += Felt::ONE;
        });
        assert!(!accepts(&program, &inputs), "tree {tree}");
    }
}

#[test]
fn another_height_is_refused() {
    let statement = Statement::fibonacci(8);
    let verifier = statement.verifier();
    let program = compiled(&verifier);
    for log_height in [7, 9] {
        let other = Statement::fibonacci(log_height);
        assert!(
            verify(
                &other.airs,
                &statement.key,
                &other.public_values,
                &other.proof,
                TARGET
            )
            .is_err()
        );
        // All that belongs to the other, and the same under this key.
        let inputs = other.inputs(&other.verifier());
        assert!(accepts(&compiled(&other.verifier()), &inputs));
        assert!(!accepts(&program, &inputs));
        let digest: Vec<Felt> = statement.key.digest().into_iter().rev().collect();
        let inputs = changed(&inputs, |inputs| {
            inputs.operand_stack.splice(..4, digest);
        });
        assert!(!accepts(&program, &inputs));
    }
}

/// A key that says something in place of the commitment that it does not have is none.
#[test]
fn the_missing_commitment_is_the_zero_word() {
    let statement = Statement::fibonacci(8);
    let verifier = statement.verifier();
    let program = compiled(&verifier);
    let root = [1, 2, 3, 4].map(Felt::new);
    let forged = plica_hash_rpo::merge([verifier.description().key_rest, root]);
    let honest = statement.inputs(&verifier);
    for with_root in [false, true] {
        let inputs = changed(&honest, |inputs| {
            let digest = forged.into_iter().rev();
            inputs.operand_stack.splice(..4, digest);
            if with_root {
                inputs.advice_stack.splice(..0, root);
            }
        });
        assert!(!accepts(&program, &inputs));
    }
}

#[test]
fn keccak_is_accepted() {
    let airs = machine("keccak", Foreign::Keccak);
    let trace = generate_trace_rows(vec![std::array::from_fn(|i| i as u64)], 0);
    let statement = Statement::new(&airs, trace, vec![]);
    let verifier = statement.verifier();
    let program = compiled(&verifier);
    let honest = statement.inputs(&verifier);
    assert!(accepts(&program, &honest));
    report("keccak", &statement, &verifier, &program);
    // A few of the many values, from all parts.
    for position in (0..honest.advice_stack.len()).step_by(1500) {
        let inputs = changed(&honest, |inputs| inputs.advice_stack[position] += Felt::ONE);
        assert!(!accepts(&program, &inputs), "advice {position}");
    }
}

#[test]
fn a_wrong_keccak_is_refused() {
    let airs = machine("keccak", Foreign::Keccak);
    let (proving, key) = keys(&airs, 5);
    for cell in [0, 100, 30 * NUM_KECCAK_COLS - 1] {
        let mut matrix: Matrix = generate_trace_rows(vec![[7; 25]], 0);
        matrix.values[cell] += Felt::ONE;
        let traces = vec![Trace { kind: 0, matrix }];
        let proof = prove(&proving, traces, &[], TARGET).expect("a proof");
        assert!(verify(&airs, &key, &[], &proof, TARGET).is_err());
    }
}
