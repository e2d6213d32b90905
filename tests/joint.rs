//! Joint proofs: `plica prove` with several inputs, and what becomes of its files.

mod command;

use command::{Folder, failure, json, plica, text};

/// A target with few queries: what is tested is the command.
const SECURITY: [&str; 2] = ["--security", "20-conjectured"];

fn command(args: &[&str]) -> std::process::Output {
    plica(&[args, &SECURITY[..]].concat())
}

/// A program that counts in memory, which is empty in each run, and takes a value from the advice.
const PROGRAM: &str = "begin mem_load.0 add add dup mem_store.0 adv_push.1 mul end";

struct Files {
    folder: Folder,
    program: std::path::PathBuf,
    inputs: Vec<std::path::PathBuf>,
    proof: std::path::PathBuf,
}

impl Files {
    fn new() -> Self {
        let folder = Folder::new();
        let program = folder.write("p.masm", PROGRAM);
        let inputs = [3, 4, 5].map(|n| {
            let text =
                format!(r#"{{ "operand_stack": ["1", "{n}"], "advice_stack": ["{n}", "9"] }}"#);
            folder.write(&format!("{n}.inputs"), &text)
        });
        let proof = folder.path("x.proof");
        Self {
            folder,
            program,
            inputs: inputs.into(),
            proof,
        }
    }

    /// The arguments of a joint proof.
    fn prove<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let mut args = vec!["prove", text(&self.program), "-o", text(&self.proof)];
        args.extend(["--profile", "lifted"]);
        for inputs in &self.inputs {
            args.extend(["-i", text(inputs)]);
        }
        args.extend(more);
        args
    }
}

#[test]
fn runs_are_proven_together_and_aggregated_as_one_leaf() {
    let files = Files::new();
    let made = json(&command(&files.prove(&["--json"])));
    let runs = made["runs"].as_array().expect("a list");
    let outputs: Vec<_> = runs.iter().map(|run| &run["outputs"][0]).collect();
    assert_eq!(outputs, ["12", "20", "30"]);

    let (proof, program) = (text(&files.proof), text(&files.program));
    let (claims, key) = (
        files.folder.path("x.claims.json"),
        files.folder.path("x.key"),
    );
    let setup = [
        "setup",
        program,
        "--joint",
        "--profile",
        "lifted",
        "-o",
        text(&key),
        "--json",
    ];
    assert_eq!(json(&command(&setup))["key"], made["key"]);
    let verify = ["verify", proof, "--claims", text(&claims), "--json"];
    let with = |more: [&str; 2]| command(&[&verify[..], &more].concat());
    for more in [["--key", text(&key)], ["--program", program]] {
        assert_eq!(json(&with(more))["runs"], made["runs"]);
    }
    // The key must come from somewhere.
    let (code, said) = failure(&command(&verify));
    assert_eq!(code, 2, "{said}");

    // Nothing of what is claimed can be another.
    let honest = std::fs::read_to_string(&claims).expect("text");
    let run = |from: &str| honest.find(from).expect("it is there");
    let (first, second) = (run("\"3\""), run("\"4\""));
    for at in [first, second, run("\"12\""), run("\"20\"")] {
        let mut other = honest.clone();
        other.replace_range(at + 1..at + 2, "8");
        std::fs::write(&claims, other).expect("written");
        let (code, said) = failure(&with(["--key", text(&key)]));
        assert_eq!(code, 1, "{said}");
    }
    std::fs::write(&claims, &honest).expect("written");

    // One leaf of an aggregate.
    let root = files.folder.path("root.proof");
    let aggregate = ["aggregate", proof, "-o", text(&root), "--json"];
    let made = json(&command(&aggregate));
    assert_eq!(
        (&made["claims_count"], &made["proofs"]),
        (&3.into(), &2.into())
    );
    let root_claims = files.folder.path("root.claims.json");
    let verified = [
        "verify",
        text(&root),
        "--claims",
        text(&root_claims),
        "--json",
    ];
    assert_eq!(json(&command(&verified))["claims_count"], 3);
    // Its key is not for the caller to choose.
    let with_key = [&verified[..], &["--key", text(&key)]].concat();
    assert_eq!(failure(&command(&with_key)).0, 2);
    let inspected = json(&plica(&["inspect", text(&claims), "--json"]));
    assert_eq!(inspected["content"]["runs"], 3);
}

#[test]
fn what_cannot_be_proven_together() {
    let mut files = Files::new();
    let store = files.folder.path("a.store");
    for more in [["--store", text(&store)], ["--proof", "y.proof"]] {
        let (code, said) = failure(&command(&files.prove(&more)));
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(&more[0][1..]), "{said}");
    }
    // A run that fails is named, and the place in the program.
    let empty = files
        .folder
        .write("none.inputs", r#"{ "operand_stack": [] }"#);
    files.inputs.push(empty);
    let (code, said) = failure(&command(&files.prove(&[])));
    assert_eq!(code, 4, "{said}");
    assert!(
        said.contains("none.inputs") && said.contains("adv_push"),
        "{said}"
    );
    assert!(!files.proof.exists());
    // What a run could learn of others.
    files.folder.write("p.masm", "begin clk drop end");
    let (code, said) = failure(&command(&files.prove(&[])));
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("joint"), "{said}");
}

#[test]
fn a_plan_says_what_could_be_proven_together() {
    let files = Files::new();
    let key = files.folder.path("p.key");
    let setup = [
        "setup",
        text(&files.program),
        "--profile",
        "lifted",
        "-o",
        text(&key),
        "--json",
    ];
    json(&command(&setup));
    for (n, inputs) in files.inputs.iter().enumerate() {
        let proof = files.folder.path(&format!("{n}.proof"));
        let prove = [
            "prove",
            text(&files.program),
            "-i",
            text(inputs),
            "-o",
            text(&proof),
        ];
        json(&command(
            &[&prove[..], &["--profile", "lifted", "--json"]].concat(),
        ));
    }
    let (folder, root) = (files.folder.path(""), files.folder.path("out.proof"));
    let plan = ["aggregate", text(&folder), "-o", text(&root), "--plan"];
    let said = json(&command(&[&plan[..], &["--json"]].concat()));
    assert_eq!(said["spared_by_joint_proofs"], 2);
    let output = command(&plan);
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(said.contains("2 proofs fewer"), "{said}");
}
