//! `plica aggregate` and its files, and a program that verifies what it made.

mod command;

use std::path::Path;

use command::{Folder, failure, json, plica, text};

/// A target with few queries: what is tested is the command.
const SECURITY: [&str; 2] = ["--security", "20-conjectured"];

fn command(args: &[&str]) -> std::process::Output {
    plica(&[args, &SECURITY[..]].concat())
}

/// Proofs of three programs with their keys: `a`, `b`, `c`.
fn leaves(folder: &Folder) {
    let programs = [
        "begin add end",
        "begin mul push.3 add end",
        "begin u32split hmerge end",
    ];
    for (name, source) in ["a", "b", "c"].into_iter().zip(programs) {
        let program = folder.write(&format!("{name}.masm"), source);
        folder.write(
            &format!("{name}.inputs"),
            r#"{ "operand_stack": ["7", "9"] }"#,
        );
        for (task, extension) in [("prove", "proof"), ("setup", "key")] {
            let output = folder.path(&format!("{name}.{extension}"));
            let profile = ["--profile", "lifted", "--json"];
            let args = [task, text(&program), "-o", text(&output)];
            json(&command(&[&args[..], &profile].concat()));
        }
    }
}

fn change(path: &Path, act: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).expect("there");
    act(&mut bytes);
    std::fs::write(path, bytes).expect("written");
}

#[test]
fn aggregates_are_made_kept_verified_and_verified_in_programs() {
    let folder = Folder::new();
    leaves(&folder);
    let (given, root) = (folder.path(""), folder.path("out/root.proof"));
    std::fs::create_dir(folder.path("out")).expect("made");
    let arity = ["--arity", "2", "--json"];
    let aggregate = [&["aggregate", text(&given), "-o", text(&root)], &arity[..]].concat();

    let plan = json(&command(&[&aggregate[..], &["--plan"]].concat()));
    assert_eq!(
        (&plan["claims_count"], &plan["nodes"]),
        (&3.into(), &2.into())
    );
    assert!(plan["predicted_seconds"].as_f64().expect("a number") > 0.0);
    assert!(!root.exists());

    let made = json(&command(&aggregate));
    assert_eq!((&made["made"], &made["depth"]), (&2.into(), &2.into()));
    // Three leaves and two nodes: 20 − log2(5) bits.
    assert_eq!(
        (&made["proofs"], &made["union_bound"]),
        (&5.into(), &17.6.into())
    );
    let claims = folder.path("out/root.claims.json");
    let verify = ["verify", text(&root), "--claims", text(&claims)];
    let verified = json(&command(&[&verify[..], &["--json"]].concat()));
    assert_eq!(verified["digest"], made["digest"]);
    assert_eq!(verified["claims_count"], 3);

    // Nodes are kept; one that is damaged is made again.
    assert_eq!(json(&command(&aggregate))["made"], 0);
    let nodes = folder.path("out/root.nodes");
    let kept: Vec<_> = std::fs::read_dir(&nodes).expect("there").collect();
    assert_eq!(kept.len(), 2);
    for entry in kept {
        let path = entry.expect("readable").path();
        if path.metadata().expect("there").len() > 0 {
            change(&path, |bytes| bytes.truncate(100));
            break;
        }
    }
    assert_eq!(json(&command(&aggregate))["made"], 1);

    // Other claims, in another order or grouped otherwise, are not proven.
    let honest = std::fs::read_to_string(&claims).expect("text");
    let digits = honest.find("\"inputs\": [\n").expect("inputs") + 30;
    let digit = digits + honest[digits..].find('9').expect("the input");
    let mut other = honest.clone();
    other.replace_range(digit..=digit, "8");
    std::fs::write(&claims, other).expect("written");
    let (code, said) = failure(&command(&verify));
    assert_eq!(code, 1, "{said}");
    std::fs::write(
        &claims,
        honest.replacen("\"version\": 1", "\"version\": 2", 1),
    )
    .expect("written");
    assert_eq!(failure(&command(&verify)).0, 3);
    std::fs::write(&claims, &honest).expect("written");

    // A program verifies the root, with the aggregate's key and claims on its stack.
    let inspected = json(&command(&["inspect", text(&claims), "--json"]));
    let mut stack = inspected["content"]["root"]["statement"].clone();
    stack.as_array_mut().expect("a list").reverse();
    let inputs = |stack: &serde_json::Value| {
        let value = serde_json::json!({ "operand_stack": stack });
        folder.write("stack.inputs", &value.to_string())
    };
    let run = |inputs: &Path| {
        plica(&[
            "run",
            "examples/recursion/verify.masm",
            "-i",
            text(inputs),
            "--proof",
            text(&root),
            "--verifies",
            SECURITY[1],
            "--json",
        ])
    };
    json(&run(&inputs(&stack)));
    stack[3] = "1".into();
    assert_eq!(failure(&run(&inputs(&stack))).0, 4);
}

#[test]
fn what_is_missing_is_named() {
    let folder = Folder::new();
    leaves(&folder);
    let path = |name: &str| folder.path(name);
    let (a, b, c) = (path("a.proof"), path("b.proof"), path("c.proof"));
    let root = path("root.proof");
    let aggregate = |proofs: &[&Path]| {
        let proofs: Vec<&str> = proofs.iter().map(|path| text(path)).collect();
        let output = ["-o", text(&root)];
        failure(&command(&[&["aggregate"][..], &proofs, &output].concat()))
    };
    let empty = path("empty");
    std::fs::create_dir(&empty).expect("made");
    let (code, said) = aggregate(&[&a, &empty]);
    assert!(code == 3 && said.contains("no proofs"), "{said}");

    std::fs::rename(path("b.key"), path("elsewhere")).expect("moved");
    let (code, said) = aggregate(&[&a, &b]);
    assert!(
        code == 3 && said.contains("b.proof") && said.contains("--keys"),
        "{said}"
    );

    std::fs::rename(path("c.claim.json"), path("c.json")).expect("moved");
    let (code, said) = aggregate(&[&a, &c]);
    assert!(code == 3 && said.contains("c.claims.json"), "{said}");

    // A claim of another run: the proof does not prove it.
    change(&path("c.json"), |bytes| {
        let seven = bytes
            .iter()
            .rposition(|&byte| byte != b'0' && byte.is_ascii_digit());
        bytes[seven.expect("a digit")] ^= 1;
    });
    std::fs::rename(path("c.json"), path("c.claim.json")).expect("moved");
    let (code, said) = aggregate(&[&a, &c]);
    assert!(code == 1 && said.contains("c.proof"), "{said}");

    // Another profile, another target.
    let program = path("a.masm");
    for (flags, reason) in [
        (["--profile", "compact", SECURITY[0], SECURITY[1]], "lifted"),
        (
            ["--profile", "lifted", "--security", "21-conjectured"],
            "21 bits",
        ),
    ] {
        let (proof, key) = (path("d.proof"), path("d.key"));
        for (task, output) in [("prove", &proof), ("setup", &key)] {
            let args = [task, text(&program), "-o", text(output), "--json"];
            json(&plica(&[&args[..], &flags].concat()));
        }
        let (code, said) = aggregate(&[&a, &proof]);
        assert!(
            code == 3 && said.contains("d.proof") && said.contains(reason),
            "{said}"
        );
    }
}
