//! The corpus and the examples agree with the reference implementation, release 0.11.0:
//!
//! ```text
//! cargo install miden-vm --version 0.11.0 --locked --features executable
//! cargo test -p plica-vm --test oracle -- --ignored
//! ```
//!
//! `MIDEN` names the executable if it is not on the path. With `UPDATE_CORPUS=1` the expectations of the corpus are
//! replaced by what the reference does, which is how they were made.

mod support;

use std::path::Path;
use std::process::Command;

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
    let code = || {
        text.rsplit_once("error code ")
            .and_then(|(_, code)| code.split(' ').next()?.parse().ok())
    };
    // The assembler of the reference crashes on some texts.
    let crashed = text.contains("panicked") && text.contains("miden- assembly");
    if crashed || text.contains("Failed to parse") || text.contains("Failed to compile") {
        Expected::Rejected(String::new())
    } else if text.contains("ssertion failed") {
        Expected::Fails(Failure::Assertion(code().expect("an assertion has a code")))
    } else if text.contains("ivision by zero") {
        Expected::Fails(Failure::DivisionByZero)
    } else if text.contains("binary value") {
        Expected::Fails(Failure::NotBinary)
    } else if text.contains("u32 value") {
        Expected::Fails(Failure::NotU32)
    } else if text.contains("at most 16 elements") {
        Expected::Fails(Failure::Depth)
    } else {
        panic!("unknown answer: {text}")
    }
}

fn run(case: &Case, directory: &Path) -> Expected {
    let program = directory.join("program.masm");
    let inputs = directory.join("program.inputs");
    std::fs::write(&program, &case.source).unwrap();
    let bottom_first: Vec<String> = case
        .inputs
        .iter()
        .rev()
        .map(|value| format!("\"{value}\""))
        .collect();
    std::fs::write(
        &inputs,
        format!("{{\"operand_stack\": [{}]}}", bottom_first.join(",")),
    )
    .unwrap();
    run_files(&program, &inputs)
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
                "{}: expected {}, the reference says {answer}",
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
        let expected =
            expected.map(|value| plica_field::p3::PrimeField64::as_canonical_u64(&value));
        assert_eq!(
            run_files(&program, &program.with_extension("inputs")),
            Expected::Outputs(expected),
            "{program:?}"
        );
        compared += 1;
    }
    assert!(compared > 0);
}
