//! The verifier of all proofs, run in the machine: it accepts what the native verifier accepts, and nothing else.

use std::sync::OnceLock;

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_air::code::Class;
use plica_field::{Ext, Felt, Word};
use plica_fri::lifted::{Draws, Layout, LiftedProof, Machine, MachineError, query_indices};
use plica_fri::{
    AirSet, InstanceList, Model, Presence, Profile, Proof, ProofBody, SecurityTarget, VerifyingKey,
    verify,
};
use plica_hash_rpo::hash_elements;
use plica_recursion::Universal;
use plica_vm::claim::Claim;
use plica_vm::compile::{Compiled, compile};
use plica_vm::inputs::Inputs;
use plica_vm::prover::{machine, prove, setup};
use plica_vm::syntax::{NoModules, parse_program};

const MAX_CYCLES: u64 = 1 << 28;

/// Seven queries: what is tested is which steps the program takes, not how often. Three of them share an iteration, and one is left.
const TARGET: SecurityTarget = SecurityTarget {
    model: Model::Conjectured,
    bits: 14,
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

/// The verifier, compiled.
fn verifier() -> &'static (Universal, Compiled) {
    static VERIFIER: OnceLock<(Universal, Compiled)> = OnceLock::new();
    VERIFIER.get_or_init(|| {
        let described = Machine::new(machine(), &profile(), TARGET, 22).expect("one bus");
        assert_eq!(described.queries, 7);
        let universal = Universal::new(described);
        let program = compiled(&universal.source());
        (universal, program)
    })
}

/// A proof.
struct Case {
    key: VerifyingKey,
    claim: Claim,
    instances: InstanceList,
    proof: LiftedProof,
}

impl Case {
    fn new(leaf: &Compiled, inputs: &Inputs) -> Self {
        let (proving, key) = setup(leaf, &profile(), TARGET).expect("keys");
        let proven = prove(leaf, &proving, inputs, MAX_CYCLES, TARGET).expect("a proof");
        let (_, instances, body) = proven.proof.into_parts();
        let ProofBody::Lifted(proof) = body else {
            panic!("the profile's format")
        };
        Self {
            key,
            claim: proven.claim,
            instances,
            proof,
        }
    }

    fn of(source: &str) -> Self {
        Self::new(&compiled(source), &Inputs::default())
    }

    fn layout(&self) -> Layout {
        Layout::new(machine(), &profile(), &self.instances)
    }

    fn statement(&self) -> [Word; 2] {
        [
            self.key.digest(),
            hash_elements(&self.claim.public_values()),
        ]
    }

    /// The stack of the verifier.
    fn stack(&self) -> Inputs {
        let items = self
            .statement()
            .into_iter()
            .flat_map(|word| word.into_iter().rev());
        Inputs::from_stack(items.collect::<Vec<_>>())
    }

    fn add(&self, inputs: &mut Inputs, proof: &LiftedProof) {
        let public_values = self.claim.public_values();
        verifier().0.add_unchecked(
            inputs,
            machine(),
            &self.key,
            &self.instances,
            &public_values,
            proof,
        );
    }

    fn inputs(&self, proof: &LiftedProof) -> Inputs {
        let mut inputs = self.stack();
        self.add(&mut inputs, proof);
        inputs
    }

    fn proof(&self, proof: LiftedProof) -> Proof {
        Proof::from_parts(profile().id, self.instances.clone(), proof)
    }

    fn natively(&self, proof: LiftedProof) -> bool {
        let public_values = self.claim.public_values();
        let proof = self.proof(proof);
        verify(machine(), &self.key, &public_values, &proof, TARGET).is_ok()
    }

    fn draws(&self) -> Draws {
        let public_values = self.claim.public_values();
        let queries = verifier().0.machine().queries;
        Draws::of(
            machine(),
            &self.key,
            &self.instances,
            &public_values,
            &self.proof,
            queries,
        )
    }
}

fn accepts(inputs: &Inputs) -> bool {
    match verifier().1.run(inputs, MAX_CYCLES) {
        Ok(run) => {
            assert_eq!(run.outputs, inputs.initial_stack(), "the stack stays");
            true
        }
        Err(_) => false,
    }
}

/// The verifier of another profile's proofs accepts one of them, and none of them changed.
fn follows(profile: &Profile) {
    let profile = Profile {
        query_pow_bits: 1,
        ..profile.clone()
    };
    let name = profile.name;
    let universal = Machine::new(machine(), &profile, TARGET, 22).expect("one bus");
    let universal = Universal::new(universal);
    let program = compiled(&universal.source());
    let leaf =
        compiled("begin hmerge push.9 dup neq.0 while.true sub.1 dup neq.0 end mem_store.3 end");
    let (proving, key) = setup(&leaf, &profile, TARGET).expect("keys");
    let proven = prove(&leaf, &proving, &Inputs::default(), MAX_CYCLES, TARGET).expect("a proof");
    let public_values = proven.claim.public_values();
    let (_, instances, body) = proven.proof.into_parts();
    let ProofBody::Lifted(proof) = body else {
        panic!("the profile's format")
    };
    let statement = [key.digest(), hash_elements(&public_values)];
    let items = statement
        .into_iter()
        .flat_map(|word| word.into_iter().rev());
    let stack = Inputs::from_stack(items.collect::<Vec<_>>());
    let accepted = |proof: &LiftedProof| {
        let mut inputs = stack.clone();
        universal.add_unchecked(
            &mut inputs,
            machine(),
            &key,
            &instances,
            &public_values,
            proof,
        );
        program.run(&inputs, MAX_CYCLES).is_ok()
    };
    assert!(accepted(&proof), "{name}");
    let change = |what: &str, change: &dyn Fn(&mut LiftedProof)| {
        let mut changed = proof.clone();
        change(&mut changed);
        assert!(!accepted(&changed), "{name}: {what}");
    };
    change("main", &|p| p.main[0] += Felt::ONE);
    change("terminal", &|p| p.terminals[0] += Ext::ONE);
    change("final polynomial", &|p| p.last[0] += Ext::ONE);
    for tree in 0..proof.claims.len() {
        change("claim", &|p| p.claims[tree][0] += Ext::ONE);
    }
    for tree in 0..proof.rows.len() {
        change("row", &|p| p.rows[tree].leaves[0][0] += Felt::ONE);
    }
    for layer in 0..proof.folds.len() {
        change("layer", &|p| p.folds[layer].leaves[0][0] += Ext::ONE);
    }
}

#[test]
fn proofs_of_wide_tables_at_blow_up_2_are_accepted() {
    follows(&Profile::FAST);
}

#[test]
fn proofs_at_blow_up_8_are_accepted() {
    follows(&Profile::COMPACT);
}

/// What would panic in a description of its proofs is refused before.
#[test]
fn no_program_verifies_all_proofs_of_some_profiles() {
    let refused = |profile: &Profile| Machine::new(machine(), profile, TARGET, 22).err();
    let steep = Profile {
        log_blowup: 4,
        ..Profile::LIFTED
    };
    assert!(matches!(refused(&steep), Some(MachineError::BlowUp(4))));
    let hard = Profile {
        query_pow_bits: 32,
        ..Profile::LIFTED
    };
    assert!(matches!(refused(&hard), Some(MachineError::Work(32))));
    for height in [0, 7, 29, usize::MAX] {
        let error = Machine::new(machine(), &Profile::LIFTED, TARGET, height).err();
        assert!(matches!(error, Some(MachineError::Height(found)) if found == height));
    }
    let mut kinds = machine().kinds().to_vec();
    for kind in &mut kinds {
        if let Presence::Dynamic { max_instances } = &mut kind.presence {
            *max_instances = 9;
        }
    }
    let many = AirSet::new(kinds).expect("a machine");
    let error = Machine::new(&many, &Profile::LIFTED, TARGET, 22).err();
    assert!(matches!(error, Some(MachineError::Tables(found)) if found > 128));
    for profile in &Profile::ALL {
        let error = refused(profile);
        match profile.for_programs {
            true => assert!(error.is_none(), "{}", profile.name),
            false => {
                assert!(matches!(error, Some(MachineError::Format(name)) if name == profile.name))
            }
        }
    }
}

/// One whose tables have different heights, with a range table.
fn small() -> &'static Case {
    static CASE: OnceLock<Case> = OnceLock::new();
    CASE.get_or_init(|| {
        Case::of("begin repeat.30 push.3 mul add.1 end push.7 mem_store.3 swap drop end")
    })
}

/// log2 of the height and numbers of layers and of coefficients of the final polynomial.
type Shape = (usize, usize, usize);

#[test]
fn proofs_of_many_shapes_are_accepted() {
    let counted =
        |n: u32| format!("begin push.{n} dup neq.0 while.true sub.1 dup neq.0 end drop end");
    let programs: [(String, Shape); 12] = [
        ("begin push.1 drop end".into(), (8, 2, 4)),
        (
            "begin push.7 mem_store.3 mem_load.3 add end".into(),
            (12, 3, 8),
        ),
        (
            "begin push.6 u32and dup push.9 u32wrapping_add add end".into(),
            (12, 3, 8),
        ),
        (
            "begin push.1.2.3.4 hperm dropw swapw dropw swapw dropw end".into(),
            (8, 2, 4),
        ),
        (
            "begin repeat.5 hmerge dupw end dropw dropw push.5 inv drop end".into(),
            (8, 2, 4),
        ),
        (counted(500), (9, 2, 8)),
        (counted(1000), (10, 2, 16)),
        (counted(2000), (11, 3, 4)),
        (counted(8000), (13, 3, 16)),
        // Two tables of one kind: a power of two, and what is left.
        (counted(8200), (13, 3, 16)),
        (counted(16000), (14, 4, 4)),
        (
            std::fs::read_to_string("../examples/nested.masm").expect("readable"),
            (8, 2, 4),
        ),
    ];
    let (mut found, mut expected) = (Vec::new(), Vec::new());
    for (source, shape) in programs {
        let case = Case::of(&source);
        let layout = case.layout();
        found.push((layout.log_height, layout.rounds(), 1 << layout.log_final));
        expected.push(shape);
        assert!(accepts(&case.inputs(&case.proof)), "{source}");
    }
    assert_eq!(found, expected);
}

#[test]
fn two_tables_of_one_kind_are_among_them() {
    let case = Case::of("begin push.8200 dup neq.0 while.true sub.1 dup neq.0 end drop end");
    let tables = case.instances.tables();
    let twice = |pair: &[plica_fri::Instance]| pair[0].kind == pair[1].kind;
    assert!(tables.windows(2).any(twice));
    assert!(accepts(&case.inputs(&case.proof)));
}

#[test]
fn the_host_finds_what_the_native_verifier_draws() {
    let case = small();
    let public_values = case.claim.public_values();
    let proof = case.proof(case.proof.clone());
    let indices = query_indices(machine(), &case.key, &public_values, &proof).expect("valid");
    let mask = (1 << (case.layout().log_height + profile().log_blowup)) - 1;
    let draws = case.draws();
    let drawn = draws.queries.iter();
    let drawn: Vec<usize> = drawn
        .map(|element| element.as_canonical_u64() as usize & mask)
        .collect();
    assert_eq!(drawn, indices);
    assert_eq!(draws.work.as_canonical_u64() & 1, 0);
    let mut inputs = case.stack();
    let universal = &verifier().0;
    universal
        .add_advice(&mut inputs, machine(), &case.key, &public_values, &proof)
        .expect("valid");
    assert_eq!(inputs.advice_stack, case.inputs(&case.proof).advice_stack);
    assert!(accepts(&inputs));
}

/// The verifier's run has few kinds of tables and no more than 2^15 entries: whoever verifies its proof pays for every column and for every doubling.
#[test]
fn the_run_of_the_verifier_has_a_proof_that_it_accepts() {
    let (_, program) = verifier();
    use Class as C;
    let few = [
        C::Arith,
        C::Copy,
        C::Frame,
        C::Leave,
        C::Assert,
        C::MemoryWord,
        C::Advice,
        C::Tree,
        C::Sum,
        C::Ext3,
        C::Pack,
        C::Unpack,
        C::Rpo,
    ];
    for entry in &program.program.entries {
        assert!(few.contains(&entry.class()), "{:?}", entry.class());
    }
    assert!(program.program.entries.len() <= 1 << 15);
    let case = small();
    let inputs = case.inputs(&case.proof);
    let above = Case::new(program, &inputs);
    // The statement is in the claim.
    let [digest, claim] = case.statement();
    let stack: Vec<Felt> = [digest, claim]
        .into_iter()
        .flat_map(|word| word.into_iter().rev())
        .collect();
    assert_eq!(above.claim.inputs[..8], stack);
    assert!(above.natively(above.proof.clone()));
    assert!(accepts(&above.inputs(&above.proof)));
}

/// It needs nothing in memory, and what an earlier run left there makes no difference.
#[test]
fn it_may_be_executed_again_and_called() {
    let procedure = verifier().0.procedure("verify");
    let twice = compiled(&format!(
        "{procedure}begin exec.verify swapdw exec.verify swapdw end"
    ));
    let called = compiled(&format!("{procedure}begin call.verify end"));
    let (first, second) = (small(), Case::of("begin push.5 inv drop end"));
    let mut inputs = first.stack();
    inputs.operand_stack.extend(second.stack().operand_stack);
    first.add(&mut inputs, &first.proof);
    second.add(&mut inputs, &second.proof);
    assert!(twice.run(&inputs, MAX_CYCLES).is_ok());
    let alone = first.inputs(&first.proof);
    assert!(called.run(&alone, MAX_CYCLES).is_ok());
    // The second one is not accepted because of the first.
    let mut inputs = first.stack();
    inputs.operand_stack.extend(second.stack().operand_stack);
    first.add(&mut inputs, &first.proof);
    first.add(&mut inputs, &first.proof);
    assert!(twice.run(&inputs, MAX_CYCLES).is_err());
}

/// The inverse of a difference is of no use where there is none.
#[test]
fn every_value_of_the_advice_is_bound_but_inverses_of_zero() {
    let case = small();
    let inputs = case.inputs(&case.proof);
    assert!(accepts(&inputs));
    let mut free = 0;
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    for at in 0..inputs.advice_stack.len() {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let mut changed = inputs.clone();
        changed.advice_stack[at] += Felt::ONE;
        if accepts(&changed) {
            free += 1;
            assert_eq!(inputs.advice_stack[at], Felt::ZERO, "value {at}");
            continue;
        }
        changed.advice_stack[at] = inputs.advice_stack[at] + Felt::from_u64(random >> 1);
        assert!(!accepts(&changed), "value {at} of the advice is free");
    }
    // Tables as high as the one before, by height; among those of the key likewise. A table of one row is as high as there being none.
    let heights = |of_key: bool| {
        let tables = case.instances.tables().iter();
        let of_key = tables.filter(|table| {
            !of_key
                || case
                    .key
                    .pinned()
                    .iter()
                    .any(|other| other.kind == table.kind)
        });
        let mut heights: Vec<u8> = of_key.map(|table| table.log_height).collect();
        heights.push(0);
        heights.sort_unstable();
        heights.windows(2).filter(|pair| pair[0] == pair[1]).count()
    };
    assert_eq!(free, heights(false) + heights(true));
    let mut shorter = inputs.clone();
    shorter.advice_stack.pop();
    assert!(!accepts(&shorter));
}

#[test]
fn another_statement_is_not_proven() {
    let case = small();
    let inputs = case.inputs(&case.proof);
    for item in 0..8 {
        let mut changed = inputs.clone();
        changed.operand_stack[item] += Felt::ONE;
        assert!(!accepts(&changed), "item {item}");
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
        assert!(!accepts(&changed));
    }
    for tree in 0..inputs.merkle_store.len() {
        let mut changed = inputs.clone();
        changed.merkle_store.remove(tree);
        assert!(!accepts(&changed), "tree {tree}");
    }
}

/// What is said about a query, in the order of the advice.
const INDEX: usize = 0;
const QUOTIENT: usize = 1;
const HI: usize = 2;
const OF_KEY: usize = 4;
const DIGITS: usize = 5;

/// Changes of two values that leave a sum as it was.
#[test]
fn lies_that_fit_each_other_are_refused() {
    let case = small();
    let inputs = case.inputs(&case.proof);
    let layout = case.layout();
    let length = DIGITS + layout.rounds();
    let queries = verifier().0.machine().queries;
    let start = inputs.advice_stack.len() - queries * length;
    let domain = Felt::from_u64(1 << (layout.log_height + profile().log_blowup));
    let half = Felt::from_u64(1 << 32);
    let changes = [
        // The same lower half.
        vec![(INDEX, domain), (QUOTIENT, -Felt::ONE)],
        vec![(INDEX, -domain), (QUOTIENT, Felt::ONE)],
        // The same element.
        vec![(INDEX, half), (HI, -Felt::ONE)],
        vec![(INDEX, -half), (HI, Felt::ONE)],
        vec![(QUOTIENT, half / domain), (HI, -Felt::ONE)],
        vec![(QUOTIENT, -half / domain), (HI, Felt::ONE)],
        // Another place in the key's tree.
        vec![(OF_KEY, Felt::ONE)],
        vec![(OF_KEY, -Felt::ONE)],
        // Digits of eight and −1, made up for by the next one.
        vec![(DIGITS, Felt::ONE), (DIGITS + 1, -Felt::from_u8(8))],
        vec![(DIGITS, -Felt::ONE), (DIGITS + 1, Felt::from_u8(8))],
    ];
    for query in 0..queries {
        for (number, change) in changes.iter().enumerate() {
            let mut changed = inputs.clone();
            for &(at, difference) in change {
                changed.advice_stack[start + query * length + at] += difference;
            }
            assert!(!accepts(&changed), "query {query}, change {number}");
        }
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

/// What the host says is that of the changed proof, so it is not refused because of that.
#[test]
fn changed_proofs_are_refused_by_both_verifiers() {
    let case = small();
    let changes = changes(&case.proof);
    assert!(changes.len() > 1000, "{}", changes.len());
    for (number, changed) in changes.into_iter().enumerate() {
        let inputs = case.inputs(&changed);
        assert!(!accepts(&inputs), "change {number}: the program");
        assert!(!case.natively(changed), "change {number}: natively");
    }
}
