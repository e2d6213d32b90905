//! The corpus and the examples agree with the reference implementation, release 0.11.0:
//!
//! ```text
//! cargo install miden-vm --version 0.11.0 --locked --features executable
//! cargo test -p plica-vm --test oracle -- --ignored
//! ```
//!
//! `MIDEN` names the executable if it is not on the path. With `UPDATE_CORPUS=1` the expectations of the corpus are
//! replaced by what the reference does, which is how they were made.
//!
//! The literal interpreter is compared on random programs, too: `PLICA_SEED=n PLICA_CASES=m` continues elsewhere.

#[path = "support/random/mod.rs"]
mod random;
#[path = "support/reference/mod.rs"]
mod reference;
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use plica_field::p3::PrimeField64;
use plica_field::{Felt, format_word};
use plica_vm::inputs::{Inputs, MerkleTree};
use plica_vm::syntax::{NoModules, parse_program};
use random::{Features, random_inputs, random_program_with};
use reference::{Stop, interpret};
use serde_json::{Value, json};
use support::{Case, Expected, Failure, corpus_files, load_corpus, load_file};

fn miden(arguments: &[&str]) -> (bool, String) {
    let program = std::env::var("MIDEN").unwrap_or_else(|_| "miden".to_owned());
    let output = Command::new(program)
        .args(arguments)
        .env("NO_COLOR", "1")
        .output()
        .expect("miden 0.11.0 runs");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// Runs a program file on an input file.
fn run_files(program: &Path, inputs: &Path) -> Expected {
    let (_, text) = miden(&[
        "run",
        "-a",
        &program.display().to_string(),
        "-i",
        &inputs.display().to_string(),
    ]);
    // Messages are wrapped at the width of a terminal.
    let text = text
        .split(|c: char| c.is_whitespace() || c == '|')
        .filter(|word| !word.is_empty());
    let text = text.collect::<Vec<_>>().join(" ");
    if let Some((_, list)) = text.split_once("Output: [") {
        let (list, _) = list.split_once(']').unwrap();
        let values: Vec<u64> = list
            .split(", ")
            .map(|value| value.parse().unwrap())
            .collect();
        return Expected::Outputs(values.try_into().unwrap());
    }
    // The assembler of the reference crashes on some texts.
    let crashed = text.contains("panicked") && text.contains("miden- assembly");
    if crashed || text.contains("Failed to parse") || text.contains("Failed to compile") {
        return Expected::Rejected(String::new());
    }
    if text.contains("ssertion failed") {
        return Expected::Fails(Failure::Assertion(error_code(&text)));
    }
    if text.contains("Merkle path verification failed") {
        return Expected::Fails(Failure::MerkleVerify(error_code(&text)));
    }
    let failure = MESSAGES.iter().find(|(part, _)| text.contains(part));
    let (_, failure) = failure.unwrap_or_else(|| panic!("unknown answer: {text}"));
    Expected::Fails(*failure)
}

/// What the messages of the reference have in them.
const MESSAGES: &[(&str, Failure)] = &[
    ("ivision by zero", Failure::DivisionByZero),
    ("binary value", Failure::NotBinary),
    ("u32 value", Failure::NotU32),
    ("at most 16 elements", Failure::Depth),
    ("logarithm with zero", Failure::LogOfZero),
    ("address cannot exceed 2^32", Failure::MemoryAddress),
    ("start address cannot exceed", Failure::MemoryRange),
    ("stack depth must be 16", Failure::CallDepth),
    ("block could not be found", Failure::UnknownProcedure),
    ("No MAST forest contains", Failure::UnknownProcedure),
    ("Advice stack read failed", Failure::AdviceStack),
    ("not present in the advice map", Failure::AdviceMap),
    ("Merkle store backend lookup failed", Failure::MerkleLookup),
    ("Merkle store backend update failed", Failure::MerkleLookup),
    ("out of bounds for a node at depth", Failure::MerkleLookup),
    ("Failed to execute Ext2Intt", Failure::Interpolation),
    ("Smt node", Failure::SmtLeaf),
    ("Malformed signature key", Failure::SignatureKey),
    ("FRI domain segment", Failure::FriSegment),
    ("projection is inconsistent", Failure::FriFolding),
    // Whatever the reference crashes on.
    ("panicked", Failure::Unimplemented),
];

/// The number behind the last `error code`.
fn error_code(text: &str) -> u32 {
    let (_, behind) = text.rsplit_once("error code").expect("there is a code");
    let digits = behind.trim_start_matches([':', ' ']);
    let end = digits.find(|c: char| !c.is_ascii_digit());
    digits[..end.unwrap_or(digits.len())].parse().unwrap()
}

/// The text of an input file.
fn inputs_json(inputs: &Inputs) -> String {
    let numbers = |values: &[Felt]| -> Vec<u64> {
        values.iter().map(PrimeField64::as_canonical_u64).collect()
    };
    let strings =
        |values: &[Felt]| -> Vec<String> { numbers(values).iter().map(u64::to_string).collect() };
    let bottom_first: Vec<Felt> = inputs.operand_stack.iter().rev().copied().collect();
    let map: serde_json::Map<String, Value> = inputs
        .advice_map
        .iter()
        .map(|(key, values)| (format_word(key), json!(numbers(values))))
        .collect();
    let tree = |tree: &MerkleTree| match tree {
        MerkleTree::Full(leaves) => {
            json!({"merkle_tree": leaves.iter().map(format_word).collect::<Vec<_>>()})
        }
        MerkleTree::Sparse(leaves) => {
            let leaves = leaves
                .iter()
                .map(|(at, leaf)| json!([at, format_word(leaf)]));
            json!({"sparse_merkle_tree": leaves.collect::<Vec<_>>()})
        }
        MerkleTree::Partial(nodes) => {
            let nodes = nodes
                .iter()
                .map(|(depth, index, node)| json!([[depth, index], format_word(node)]));
            json!({"partial_merkle_tree": nodes.collect::<Vec<_>>()})
        }
    };
    json!({
        "operand_stack": strings(&bottom_first),
        "advice_stack": strings(&inputs.advice_stack),
        "advice_map": map,
        "merkle_store": inputs.merkle_store.iter().map(tree).collect::<Vec<_>>(),
    })
    .to_string()
}

fn run(case: &Case, directory: &Path) -> Expected {
    run_text(&case.source, &case.run_inputs(), directory)
}

fn run_text(source: &str, inputs: &Inputs, directory: &Path) -> Expected {
    let program = directory.join("program.masm");
    let input_file = directory.join("program.inputs");
    std::fs::write(&program, source).unwrap();
    std::fs::write(&input_file, inputs_json(inputs)).unwrap();
    run_files(&program, &input_file)
}

/// An empty directory for one test.
fn scratch(name: &str) -> std::path::PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

#[test]
#[ignore = "needs the reference implementation"]
fn the_corpus_agrees_with_the_reference() {
    let directory = scratch("corpus");
    if std::env::var_os("UPDATE_CORPUS").is_some() {
        return update(&directory);
    }
    let mut wrong = Vec::new();
    for case in load_corpus() {
        let answer = run(&case, &directory);
        let agrees = match (&case.expected, &answer) {
            (Expected::Rejected(_), Expected::Rejected(_)) => true,
            (expected, answer) => expected == answer,
        };
        if agrees != case.differs.is_none() {
            wrong.push(format!(
                "{}: {}, the reference says {answer}",
                case.name, case.expected
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Rewrites the expectations, but for cases that differ deliberately and the codes of diagnostics.
fn update(directory: &Path) {
    for file in corpus_files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let (head, _) = text.split_once("== ").unwrap();
        let mut updated = head.to_owned();
        for case in load_file(&file) {
            let mut expected = case.expected.clone();
            if case.differs.is_none() {
                match run(&case, directory) {
                    Expected::Rejected(_) if matches!(expected, Expected::Rejected(_)) => {}
                    answer => expected = answer,
                }
            }
            let (_, name) = case.name.split_once('/').unwrap();
            updated += &format!("== {name}\n");
            if !case.inputs.is_empty() {
                let inputs: Vec<String> = case.inputs.iter().map(u64::to_string).collect();
                updated += &format!("in: {}\n", inputs.join(" "));
            }
            for line in &case.advice {
                updated += &format!("{line}\n");
            }
            for line in case.kernel.lines() {
                updated += &format!("kernel: {line}\n");
            }
            updated += &format!("{}\n{expected}\n", case.source.trim_matches('\n'));
            if let Some(reason) = &case.differs {
                updated += &format!("differs: {reason}\n");
            }
            updated.push('\n');
        }
        std::fs::write(&file, updated.trim_end().to_owned() + "\n").unwrap();
    }
}

#[test]
#[ignore = "needs the reference implementation"]
fn the_examples_agree_with_the_reference() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut compared = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let program = entry.unwrap().path();
        let outputs = program.with_extension("outputs");
        // The reference takes no modules beside a program: it would need a compiled library.
        let text = std::fs::read_to_string(&program).unwrap_or_default();
        if program
            .extension()
            .is_none_or(|extension| extension != "masm")
            || text.contains("\nuse.")
        {
            continue;
        }
        let expected =
            plica_vm::inputs::outputs_from_json(&std::fs::read_to_string(outputs).unwrap())
                .unwrap();
        let expected = expected.map(|value| value.as_canonical_u64());
        assert_eq!(
            run_files(&program, &program.with_extension("inputs")),
            Expected::Outputs(expected),
            "{program:?}"
        );
        compared += 1;
    }
    assert!(compared > 0);
}

#[test]
#[ignore = "needs the reference implementation"]
fn the_literal_interpreter_agrees_with_the_reference() {
    let parameter = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let first = parameter("PLICA_SEED", 0);
    let directory = scratch("random");
    let mut seen = BTreeMap::new();
    for seed in first..first + parameter("PLICA_CASES", 200) {
        let source = {
            // The cubic extension is Plica's own.
            let known = Features {
                ext3: false,
                ..Features::ALL
            };
            random_program_with(seed, known)
        };
        let inputs = random_inputs(seed);
        let program = parse_program(&source, "random", &NoModules)
            .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{source}"));
        let expected = match interpret(&program, &inputs, 100_000) {
            Ok(outputs) => Expected::Outputs(outputs.map(|value| value.as_canonical_u64())),
            Err(Stop::Failed(failure)) => Expected::Fails(failure),
            Err(Stop::OutOfFuel) => {
                *seen.entry("out of fuel".to_owned()).or_insert(0) += 1;
                continue;
            }
        };
        let answer = run_text(&source, &inputs, &directory);
        assert_eq!(
            expected,
            answer,
            "seed {seed}\n{}\n{source}",
            inputs_json(&inputs)
        );
        let kind = match expected {
            Expected::Outputs(_) => "outputs".to_owned(),
            other => other.to_string(),
        };
        *seen.entry(kind).or_insert(0u64) += 1;
    }
    println!("{seen:?}");
}
