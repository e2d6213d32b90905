use super::*;
use crate::compile::compile;
use crate::syntax::{MemoryModules, parse_joint, parse_program};

const MAX_CYCLES: u64 = 1 << 20;

/// Adds up memory that nobody wrote, an advice value, a value of the map, and takes no notice of the rest of the advice.
const PROGRAM: &str = "
    proc.helper.1
        loc_load.0 add
    end
    begin
        add mem_load.7 add exec.helper
        dup mem_store.7 drop mem_load.7
        adv_push.1 add
        push.1.2.3.4 adv.push_mapval dropw adv_push.1 add swap drop
    end";

fn compiled() -> [Compiled; 2] {
    let modules = MemoryModules::default();
    let single = parse_program(PROGRAM, "program", &modules).expect("parses");
    let joint = parse_joint(PROGRAM, "program", &modules).expect("parses");
    [single, joint].map(|program| compile(&program).expect("compiles"))
}

fn inputs(n: u64) -> Inputs {
    let mut inputs = Inputs::from_stack(vec![Felt::new(n), Felt::new(10 * n), Felt::new(7)]);
    inputs.advice_stack = vec![Felt::new(100 * n), Felt::new(5), Felt::new(6)];
    let key = [1, 2, 3, 4].map(Felt::new);
    inputs
        .advice_map
        .insert(key, vec![Felt::new(1000 * n), Felt::new(8)]);
    inputs
}

fn prepared(list: &[u64]) -> (Compiled, Vec<Run>, Inputs) {
    let [single, joint] = compiled();
    let inputs = list.iter().map(|&n| inputs(n)).collect();
    let (runs, inputs) = prepare(&single, inputs, MAX_CYCLES).expect("they run");
    (joint, runs, inputs)
}

#[test]
fn runs_are_those_of_the_program_alone() {
    for list in [&[3][..], &[1, 2], &[5, 5, 4, 9]] {
        let (joint, runs, inputs) = prepared(list);
        for (run, n) in runs.iter().zip(list) {
            assert_eq!(run.outputs[0], Felt::new(1111 * n));
        }
        let outcome = joint.run(&inputs, MAX_CYCLES).expect("accepted");
        assert_eq!(outcome.outputs, stack(&runs));
        joint.record(&inputs, MAX_CYCLES).expect("accepted");
    }
}

#[test]
fn another_list_of_runs_is_not_proven() {
    let (joint, runs, honest) = prepared(&[1, 2, 3]);
    let refused = |runs: &[Run]| {
        let mut inputs = honest.clone();
        inputs.operand_stack = stack(runs).to_vec();
        assert!(joint.run(&inputs, MAX_CYCLES).is_err());
    };
    for run in 0..3 {
        for item in 0..STACK_SIZE {
            let mut changed = runs.clone();
            changed[run].inputs[item] += Felt::ONE;
            refused(&changed);
            let mut changed = runs.clone();
            changed[run].outputs[item] += Felt::ONE;
            refused(&changed);
        }
    }
    refused(&runs[..2]);
    refused(&[runs[0], runs[2], runs[1]]);
    refused(&[&runs[..], &runs[2..]].concat());
    // The number alone.
    let mut inputs = honest.clone();
    inputs.operand_stack[4] += Felt::ONE;
    assert!(joint.run(&inputs, MAX_CYCLES).is_err());
    // Other inputs than those of the digest.
    for run in 0..3 {
        let mut inputs = honest.clone();
        inputs.runs[run].operand_stack[0] += Felt::ONE;
        assert!(joint.run(&inputs, MAX_CYCLES).is_err());
        let mut inputs = honest.clone();
        inputs.runs[run].advice_stack[0] += Felt::ONE;
        assert!(joint.run(&inputs, MAX_CYCLES).is_err());
    }
}

#[test]
fn what_a_run_could_learn_of_others_is_refused() {
    let kernel = MemoryModules::default().with_kernel("export.f push.1 drop end");
    for (source, what) in [
        ("begin clk drop end", "clk"),
        ("proc.f clk drop end begin exec.f end", "clk"),
        ("begin syscall.f end", "syscall"),
    ] {
        assert!(
            parse_program(source, "program", &kernel).is_ok(),
            "{source}"
        );
        let error = parse_joint(source, "program", &kernel).expect_err(source);
        assert!(error.to_string().contains(what), "{error}");
    }
    // Programs whose procedures have the names that the wrapper uses.
    let source = "proc.run add end begin exec.run exec.run end";
    let program = parse_joint(source, "program", &kernel).expect("parses");
    let joint = compile(&program).expect("compiles");
    let single = compile(&parse_program(source, "program", &kernel).expect("parses"));
    let list = vec![inputs(1), inputs(2)];
    let (_, inputs) = prepare(&single.expect("compiles"), list, MAX_CYCLES).expect("they run");
    joint.run(&inputs, MAX_CYCLES).expect("accepted");
}

#[test]
fn errors_name_the_run() {
    let source = "begin dup.1 assert_eq end";
    let program = parse_program(source, "program", &MemoryModules::default()).expect("parses");
    let compiled = compile(&program).expect("compiles");
    let same = Inputs::from_stack(vec![Felt::new(4), Felt::new(4)]);
    let other = Inputs::from_stack(vec![Felt::new(4), Felt::new(5)]);
    let list = vec![same.clone(), same, other];
    let error = prepare(&compiled, list, MAX_CYCLES).expect_err("it fails");
    assert!(matches!(error, JointError::Run { index: 2, .. }), "{error}");
    let none = prepare(&compiled, Vec::new(), MAX_CYCLES);
    assert!(matches!(none, Err(JointError::Empty)));
}

#[test]
fn a_joint_claim_has_one_text() {
    let (_, runs, _) = prepared(&[1, 2]);
    let key = [5, 6, 7, 8].map(Felt::new);
    let claim = JointClaim { key, runs };
    let text = serde_json::to_string(&claim).expect("plain data");
    let read: JointClaim = serde_json::from_str(&text).expect("valid");
    assert_eq!(read, claim);
    assert_eq!(claim.claims().count(), 2);
    // A run is not a claim about the program that has this key.
    assert!(claim.claims().all(|run| run.key == claim.program()));
    assert_ne!(claim.program(), key);
    assert_eq!(claim.claim().inputs, stack(&claim.runs));
    let empty = JointFile {
        key: plica_field::format_word(&key),
        runs: Vec::new(),
    };
    assert!(matches!(
        JointClaim::try_from(empty),
        Err(JointClaimError::Empty)
    ));
    assert!(serde_json::from_str::<JointClaim>(&text.replacen("\"0\"", "\"00\"", 1)).is_err());
}
