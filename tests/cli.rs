//! The command as a script sees it: fixed output forms, files, exit codes.

mod command;

use std::path::{Path, PathBuf};

use command::{Folder, failure, json, plica, root, text};
use serde_json::Value;

const EXAMPLES: [&str; 7] = [
    "fibonacci",
    "factorial",
    "power",
    "conditional",
    "nested",
    "modules/main",
    "storage/transfer",
];

fn expected_outputs(example: &str) -> Vec<String> {
    let file = root().join(format!("examples/{example}.outputs"));
    let text = std::fs::read_to_string(file).expect("every example has outputs");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let list = value.get("outputs").or(value.get("stack")).expect("a list");
    let mut outputs: Vec<String> = list
        .as_array()
        .expect("a list")
        .iter()
        .map(|v| v.as_str().expect("decimal strings").to_owned())
        .collect();
    outputs.resize(16, "0".to_owned());
    outputs
}

#[test]
fn examples_run() {
    for example in EXAMPLES {
        let (program, inputs) = (
            format!("examples/{example}.masm"),
            format!("examples/{example}.inputs"),
        );
        let value = json(&plica(&["run", &program, "-i", &inputs, "--json"]));
        let outputs: Vec<String> =
            serde_json::from_value(value["outputs"].clone()).expect("16 strings");
        assert_eq!(outputs, expected_outputs(example), "{example}");
    }
}

#[test]
fn examples_are_proven_and_verified() {
    let folder = Folder::new();
    for (i, example) in EXAMPLES.into_iter().enumerate() {
        // Every profile gets its turn.
        let profile = ["fast", "blake3", "evm", "lifted", "compact"][i % 5];
        let program = format!("examples/{example}.masm");
        let inputs = format!("examples/{example}.inputs");
        let proof = folder.path(&format!("{i}.proof"));
        let key = folder.path(&format!("{i}.key"));
        let claim = folder.path(&format!("{i}.claim.json"));
        let value = json(&plica(&[
            "prove",
            &program,
            "-i",
            &inputs,
            "-o",
            text(&proof),
            "--profile",
            profile,
            "--json",
        ]));
        assert!(value["security"]["proven"].as_f64().expect("bits") >= 100.0);
        json(&plica(&[
            "setup",
            &program,
            "-o",
            text(&key),
            "--profile",
            profile,
            "--json",
        ]));
        let by_key = json(&plica(&[
            "verify",
            text(&proof),
            "--key",
            text(&key),
            "--claim",
            text(&claim),
            "--json",
        ]));
        assert_eq!(by_key["accepted"], true);
        let outputs: Vec<String> =
            serde_json::from_value(by_key["outputs"].clone()).expect("16 strings");
        assert_eq!(outputs, expected_outputs(example), "{example}");
        let by_program = json(&plica(&[
            "verify",
            text(&proof),
            "--program",
            &program,
            "--claim",
            text(&claim),
            "--json",
        ]));
        assert_eq!(by_program["key"], by_key["key"]);
    }
}

#[test]
fn wrong_claims_and_keys_are_rejected() {
    let folder = Folder::new();
    let prove = |program: &str, name: &str| {
        let proof = folder.path(&format!("{name}.proof"));
        let key = folder.path(&format!("{name}.key"));
        json(&plica(&[
            "prove",
            program,
            "-o",
            text(&proof),
            "--profile",
            "blake3",
            "--json",
        ]));
        json(&plica(&[
            "setup",
            program,
            "-o",
            text(&key),
            "--profile",
            "blake3",
            "--json",
        ]));
    };
    let add = folder.write("add.masm", "begin push.5 add end");
    let sub = folder.write("sub.masm", "begin push.5 sub end");
    prove(text(&add), "add");
    prove(text(&sub), "sub");
    let verify = |proof: &str, key: &str, claim: &Path| {
        plica(&[
            "verify",
            text(&folder.path(proof)),
            "--key",
            text(&folder.path(key)),
            "--claim",
            text(claim),
        ])
    };
    let claim = folder.path("add.claim.json");
    assert!(verify("add.proof", "add.key", &claim).status.success());

    let honest = std::fs::read_to_string(&claim).expect("written by prove");
    for (name, from, to, code) in [
        ("output", "\"5\"", "\"6\"", 1),
        ("layout", "  \"version\"", " \"version\"", 3),
        ("not canonical number", "\"5\"", "\"05\"", 3),
        ("above the field", "\"5\"", "\"18446744069414584326\"", 3),
        ("version", "\"version\": 1", "\"version\": 2", 3),
    ] {
        let forged = honest.replacen(from, to, 1);
        assert_ne!(forged, honest, "{name}");
        let path = folder.write("forged.claim.json", &forged);
        let (found, said) = failure(&verify("add.proof", "add.key", &path));
        assert_eq!(found, code, "{name}: {said}");
    }
    let trailing = folder.write("forged.claim.json", &format!("{honest}\n"));
    assert_eq!(failure(&verify("add.proof", "add.key", &trailing)).0, 3);

    // Another program's key, claim or proof.
    assert_eq!(failure(&verify("add.proof", "sub.key", &claim)).0, 1);
    assert_eq!(failure(&verify("sub.proof", "add.key", &claim)).0, 1);
    let other = folder.path("sub.claim.json");
    assert_eq!(failure(&verify("add.proof", "add.key", &other)).0, 1);
    // A proof where a key belongs, and the reverse.
    assert_eq!(failure(&verify("add.key", "add.key", &claim)).0, 3);
    assert_eq!(failure(&verify("add.proof", "add.proof", &claim)).0, 3);
}

#[test]
fn the_verifier_sets_its_own_security_target() {
    let folder = Folder::new();
    let program = folder.write("p.masm", "begin add end");
    let proof = folder.path("p.proof");
    let claim = folder.path("p.claim.json");
    json(&plica(&[
        "prove",
        text(&program),
        "-o",
        text(&proof),
        "--profile",
        "blake3",
        "--security",
        "96-conjectured",
        "--json",
    ]));
    let key = folder.path("p.key");
    json(&plica(&[
        "setup",
        text(&program),
        "-o",
        text(&key),
        "--profile",
        "blake3",
        "--security",
        "96-conjectured",
        "--json",
    ]));
    let verify = |security: &str| {
        plica(&[
            "verify",
            text(&proof),
            "--key",
            text(&key),
            "--claim",
            text(&claim),
            "--security",
            security,
        ])
    };
    assert!(verify("96-conjectured").status.success());
    // The default is 100 proven bits, whatever key and proof were made for.
    let (code, said) = failure(&verify("100-proven"));
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("required"), "{said}");
}

#[test]
fn every_kind_of_failure_has_its_own_error_and_exit_code() {
    let folder = Folder::new();
    let cases = [
        (
            "division by zero",
            "begin push.0 div end",
            4,
            "division by zero",
        ),
        (
            "inverse of zero",
            "begin inv drop end",
            4,
            "division by zero",
        ),
        (
            "failed assertion",
            "begin push.2 assert.err=7 end",
            4,
            "error code 7",
        ),
        (
            "non-binary condition",
            "begin push.2 if.true push.1 drop else nop end end",
            4,
            "expected 0 or 1",
        ),
        (
            "unknown instruction",
            "begin ad end",
            3,
            "unknown instruction",
        ),
        (
            "undefined procedure",
            "begin exec.nothing end",
            3,
            "nothing",
        ),
        (
            "a signature without a key",
            "begin adv.push_sig.rpo_falcon512 nop end",
            4,
            "the advice map has no such key",
        ),
        (
            "an injector that nobody has",
            "begin adv.push_smtget nop end",
            4,
            "not implemented",
        ),
        (
            "depth of branches",
            "begin push.1 swap eq.0 if.true push.1 else nop end end",
            4,
            "more than 16",
        ),
        ("too many outputs", "begin push.1 end", 3, "at most 16"),
        (
            "endless loop",
            "begin push.1 while.true push.1 end end",
            4,
            "did not halt",
        ),
    ];
    for (name, source, code, message) in cases {
        let program = folder.write("case.masm", source);
        for command in ["run", "prove"] {
            let proof = folder.path("case.proof");
            let mut args = vec![command, text(&program), "--max-cycles", "100000"];
            if command == "prove" {
                args.extend(["-o", text(&proof), "--profile", "blake3"]);
            }
            let (found, said) = failure(&plica(&args));
            assert_eq!(found, code, "{name}: {said}");
            assert!(said.contains(message), "{name}: {said}");
            assert!(!proof.exists(), "{name}");
        }
    }
    // As JSON, the place is in fields of its own.
    let program = folder.write("case.masm", "begin\n  push.0 div\nend");
    let (_, said) = failure(&plica(&["run", text(&program), "--json"]));
    let error: Value = serde_json::from_str(&said).expect("one JSON object");
    assert_eq!(error["exit_code"], 4);
    assert_eq!((&error["line"], &error["column"]), (&2.into(), &10.into()));

    let program = folder.write("ok.masm", "begin add end");
    for (inputs, message) in [
        ("[1]", "must be"),
        ("{}", "operand_stack"),
        (r#"{"operand_stack": [1]}"#, "operand_stack[0]"),
        (
            r#"{"operand_stack": ["18446744069414584321"]}"#,
            "operand_stack[0]",
        ),
        ("nonsense", "JSON"),
    ] {
        let file = folder.write("case.inputs", inputs);
        let (found, said) = failure(&plica(&["run", text(&program), "-i", text(&file)]));
        assert_eq!(found, 3, "{said}");
        assert!(said.contains(message), "{inputs}: {said}");
    }
    assert_eq!(failure(&plica(&["run", "does-not-exist.masm"])).0, 6);
    assert_eq!(failure(&plica(&["frobnicate"])).0, 2);
    assert_eq!(failure(&plica(&["verify", "x", "--claim", "y"])).0, 2);
    // Nothing written where it cannot be.
    let (code, _) = failure(&plica(&[
        "prove",
        text(&program),
        "-o",
        "/nonexistent/folder/x.proof",
        "--profile",
        "blake3",
    ]));
    assert_eq!(code, 6);
}

#[test]
fn analysis_counts_every_chip_and_procedure() {
    let value = json(&plica(&["analyze", "examples/nested.masm", "--json"]));
    let chips = value["chips"].as_array().expect("a list");
    let cells: u64 = chips
        .iter()
        .map(|c| c["cells"].as_u64().expect("cells"))
        .sum();
    let quotient = value["quotient"]["cells"].as_u64().expect("one for all");
    assert_eq!(value["total_cells"].as_u64(), Some(cells + quotient));
    for chip in chips {
        let rows = chip["rows"].as_u64().expect("rows");
        let padded: u64 = chip["padded"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|h| h.as_u64().expect("a height"))
            .sum();
        assert_eq!(padded, rows + chip["free"].as_u64().expect("free rows"));
    }
    assert!(!value["procedures"].as_array().expect("a list").is_empty());
}

#[test]
fn analysis_shows_what_a_stack_in_memory_costs() {
    let folder = Folder::new();
    let source = "begin\n  push.3 dup neq.0\n  while.true dup sub.1 dup neq.0 end\n  drop add add swap drop\nend";
    let program = folder.write("grows.masm", source);
    let output = plica(&["analyze", text(&program), "--json"]);
    let spilled = &json(&output)["spilled"];
    assert!(spilled["items"].as_u64().expect("a number") > 0);
    assert!(spilled["cells"].as_u64().expect("a number") > 0);
    let place = spilled["places"][0][0].as_str().expect("a place");
    assert!(place.contains("grows.masm:"), "{place}");

    let output = plica(&["analyze", text(&program)]);
    let report = String::from_utf8(output.stdout).expect("text");
    assert!(report.contains("stack in memory"), "{report}");

    let flat = folder.write("flat.masm", "begin add end");
    let output = plica(&["analyze", text(&flat), "--json"]);
    assert_eq!(json(&output)["spilled"]["items"], 0);
}

#[test]
fn a_kernel_is_part_of_what_is_proven() {
    let folder = Folder::new();
    let program = folder.write(
        "program.masm",
        "proc.f push.7 syscall.poke drop end begin call.f mem_load.5 swap drop end",
    );
    let kernel = folder.write("kernel.masm", "export.poke dup mem_store.5 end");
    let other = folder.write("other.masm", "export.poke dup mem_store.6 end");
    let proof = folder.path("p.proof");
    let claim = folder.path("p.claim.json");

    let (code, message) = failure(&plica(&["run", text(&program)]));
    assert_eq!(code, 3);
    assert!(message.contains("--kernel"), "{message}");
    let absent = folder.path("absent.masm");
    let (_, message) = failure(&plica(&["run", text(&program), "--kernel", text(&absent)]));
    assert!(message.contains("kernel"), "{message}");

    let proven = plica(&[
        "prove",
        text(&program),
        "--kernel",
        text(&kernel),
        "-o",
        text(&proof),
        "--json",
    ]);
    assert_eq!(json(&proven)["outputs"][0], "7");
    let verify = |kernel: &Path| {
        plica(&[
            "verify",
            text(&proof),
            "--program",
            text(&program),
            "--kernel",
            text(kernel),
            "--claim",
            text(&claim),
        ])
    };
    assert!(verify(&kernel).status.success());
    assert_eq!(failure(&verify(&other)).0, 1);
}

/// The ledger of `examples/storage`: who pays whom how much, in the order of the input files.
const TRANSFERS: [(&str, [&str; 3]); 3] = [
    ("transfer.inputs", ["0", "7", "100"]),
    ("step2.inputs", ["7", "4294967295", "30"]),
    ("step3.inputs", ["4294967295", "7", "5"]),
];

fn transfer(step: usize) -> String {
    format!("examples/storage/{}", TRANSFERS[step].0)
}

const LEDGER: &str = "examples/storage/transfer.masm";

#[test]
fn a_ledger_lives_on_from_proof_to_proof() {
    let folder = Folder::new();
    let store = folder.path("ledger.store");
    let key = folder.path("ledger.key");
    let profile = ["--profile", "blake3", "--json"];
    let args = ["setup", LEDGER, "-o", text(&key)];
    json(&plica(&[&args[..], &profile].concat()));
    let claims: Vec<PathBuf> = (0..3)
        .map(|n| folder.path(&format!("{n}.claim.json")))
        .collect();
    let mut root: Option<Vec<String>> = None;
    for (n, claim) in claims.iter().enumerate() {
        let proof = folder.path(&format!("{n}.proof"));
        let inputs = transfer(n);
        let args = [
            "prove",
            LEDGER,
            "-i",
            &inputs,
            "-o",
            text(&proof),
            "--store",
            text(&store),
        ];
        let before = std::fs::read(&store).ok();
        json(&plica(&[&args[..], &profile].concat()));
        assert_ne!(std::fs::read(&store).ok(), before);
        let verified = json(&plica(&[
            "verify",
            text(&proof),
            "--key",
            text(&key),
            "--claim",
            text(claim),
            "--json",
        ]));
        let list = |name: &str| -> Vec<String> {
            serde_json::from_value(verified[name].clone()).expect("16 strings")
        };
        let (inputs, outputs) = (list("inputs"), list("outputs"));
        assert_eq!(inputs[4..7], TRANSFERS[n].1);
        if let Some(root) = root {
            assert_eq!(inputs[..4], root);
        }
        root = Some(outputs[..4].to_vec());
    }
    let chain = |claims: &[&Path]| {
        let paths: Vec<&str> = claims.iter().map(|path| text(path)).collect();
        plica(&[&["chain", "--json"], paths.as_slice()].concat())
    };
    let [a, b, c] = [&claims[0], &claims[1], &claims[2]].map(PathBuf::as_path);
    let linked = json(&chain(&[a, b, c]));
    assert_eq!(
        (&linked["linked"], &linked["claims"]),
        (&true.into(), &3.into())
    );
    for broken in [&[a, c][..], &[b, a], &[a, a], &[a, b, b]] {
        let (code, said) = failure(&chain(broken));
        assert!(code == 1 && said.contains("ends with"), "{said}");
    }
    // A claim about another program, whatever its root.
    let other = folder.write("other.masm", "begin nop end");
    let proof = folder.path("other.proof");
    let inputs = transfer(1);
    let args = ["prove", text(&other), "-i", &inputs, "-o", text(&proof)];
    json(&plica(&[&args[..], &profile].concat()));
    let (code, said) = failure(&chain(&[a, &folder.path("other.claim.json")]));
    assert!(code == 1 && said.contains("another key"), "{said}");
}

#[test]
fn a_store_makes_nothing_true() {
    let folder = Folder::new();
    let store = folder.path("ledger.store");
    let run = |command: &str, step: usize, store: &Path| {
        let (proof, inputs) = (folder.path("x.proof"), transfer(step));
        let mut args = vec![
            command,
            LEDGER,
            "-i",
            &inputs,
            "--store",
            text(store),
            "--json",
        ];
        if command == "prove" {
            args.extend(["-o", text(&proof), "--profile", "blake3"]);
        }
        let output = plica(&args);
        assert_eq!(
            proof.exists(),
            command == "prove" && output.status.success()
        );
        output
    };
    // The second step needs what the first one made.
    for command in ["run", "prove", "analyze"] {
        let (code, said) = failure(&run(command, 1, &store));
        assert!(
            code == 4 && said.contains("no tree with this root"),
            "{said}"
        );
        assert!(!store.exists());
    }
    json(&run("analyze", 0, &store));
    assert!(!store.exists());
    json(&run("run", 0, &store));
    let first = std::fs::read(&store).expect("written by run");
    let honest = json(&run("run", 1, &store));
    assert_eq!(json(&run("run", 1, &store)), honest);
    let second = std::fs::read(&store).expect("written by run");
    assert!(second.len() > first.len());
    json(&run("run", 0, &store));
    assert_eq!(std::fs::read(&store).expect("still there"), second);

    // A store of another time.
    let old = folder.path("old.store");
    std::fs::write(&old, &first).expect("written");
    assert_eq!(failure(&run("prove", 2, &old)).0, 4);
    // More than there is: the store stays.
    let text_of_step = std::fs::read_to_string(root().join(transfer(1))).expect("there");
    let greedy = folder.write("greedy.inputs", &text_of_step.replacen("30", "101", 1));
    let args = ["run", LEDGER, "-i", text(&greedy), "--store", text(&store)];
    let (code, said) = failure(&plica(&args));
    assert!(code == 4 && said.contains("error code 1"), "{said}");
    assert_eq!(std::fs::read(&store).expect("still there"), second);

    // Damage.
    let damaged = folder.path("damaged.store");
    for at in [0, 9, 12, 20, 30, 700, first.len() - 1] {
        let mut bytes = first.clone();
        bytes[at] ^= 1;
        std::fs::write(&damaged, &bytes).expect("written");
        let (code, said) = failure(&run("prove", 1, &damaged));
        assert_eq!(code, 3, "{said}");
        assert!(said.contains("damaged.store"), "{said}");
        assert_eq!(std::fs::read(&damaged).expect("still there"), bytes);
    }
    // Forgery, with a right checksum: a balance, or any other word.
    let mut stopped = 0;
    let (body, pair) = (first.len() - 32, 64);
    for start in (24..body).step_by(pair) {
        let mut bytes = first[..body].to_vec();
        bytes[start + pair - 8] ^= 1;
        bytes.extend(blake3::hash(&bytes).as_bytes());
        std::fs::write(&damaged, &bytes).expect("written");
        let output = run("run", 1, &damaged);
        if output.status.success() {
            assert_eq!(json(&output), honest);
            continue;
        }
        let (code, said) = failure(&output);
        assert!(code == 4 && said.contains("the Merkle store"), "{said}");
        stopped += 1;
        if stopped == 1 {
            assert_eq!(failure(&run("prove", 1, &damaged)).0, 4);
        }
    }
    assert!(stopped > 0);
}
