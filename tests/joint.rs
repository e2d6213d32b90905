//! Joint proofs: `plica prove` with several inputs, and what becomes of its files.

mod command;

use command::{Folder, failure, json, plica, text};
use plica::aggregate::ClaimTree;
use plica::{Felt, JointClaim, Run, VerifyingKey, format_word};

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
    let said = json(&command(&setup));
    assert_eq!(
        (&said["key"], &said["program"]),
        (&made["key"], &made["program"])
    );
    assert!(said["entries"].as_u64() > Some(0));
    let verify = ["verify", proof, "--claims", text(&claims), "--json"];
    let with = |more: &[&str]| command(&[&verify[..], more].concat());
    let joint = ["--key", text(&key), "--joint"];
    for more in [&joint[..], &["--program", program]] {
        let said = json(&with(more));
        assert_eq!(
            (&said["runs"], &said["program"]),
            (&made["runs"], &made["program"])
        );
    }
    // The key must come from somewhere, and be known to be a joint one.
    for more in [&[][..], &joint[..2]] {
        let (code, said) = failure(&with(more));
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("joint"), "{said}");
    }

    // Nothing of what is claimed can be another.
    let honest = std::fs::read_to_string(&claims).expect("text");
    let run = |from: &str| honest.find(from).expect("it is there");
    let (first, second) = (run("\"3\""), run("\"4\""));
    for at in [first, second, run("\"12\""), run("\"20\"")] {
        let mut other = honest.clone();
        other.replace_range(at + 1..at + 2, "8");
        std::fs::write(&claims, other).expect("written");
        let (code, said) = failure(&with(&joint));
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

/// A stack that looks like a digest of runs, left as it is by a program whose key is trusted.
#[test]
fn runs_are_not_claimed_under_an_ordinary_key() {
    let folder = Folder::new();
    let program = folder.write("id.masm", "begin nop end");
    let key = folder.path("id.key");
    let profile = ["--profile", "lifted", "--json"];
    let setup = ["setup", text(&program), "-o", text(&key)];
    json(&command(&[&setup[..], &profile].concat()));
    let trusted = VerifyingKey::from_bytes(&std::fs::read(&key).expect("there")).expect("a key");

    let mut run = Run {
        inputs: [Felt::new(0); 16],
        outputs: [Felt::new(0); 16],
    };
    run.outputs[0] = Felt::new(42);
    let invented = JointClaim {
        key: trusted.digest(),
        runs: vec![run],
    };
    let mut stack = invented.claim().inputs;
    stack.reverse();
    let inputs = serde_json::json!({ "operand_stack": stack.map(plica::format_felt) });
    let inputs = folder.write("id.inputs", &inputs.to_string());
    let proof = folder.path("x.proof");
    let prove = [
        "prove",
        text(&program),
        "-i",
        text(&inputs),
        "-o",
        text(&proof),
    ];
    json(&command(&[&prove[..], &profile].concat()));

    // An honest proof of an honest claim; as a joint proof it would say that a run of `nop` made a 42.
    let claims = folder.path("x.claims.json");
    let tree = ClaimTree::Joint(invented.clone());
    std::fs::write(&claims, tree.to_json()).expect("written");
    let verify = ["verify", text(&proof), "--claims", text(&claims)];
    let (code, said) = failure(&command(&[&verify[..], &["--key", text(&key)]].concat()));
    assert_eq!(code, 2, "{said}");
    // Made from the program, the joint key is another.
    let (code, said) = failure(&command(
        &[&verify[..], &["--program", text(&program)]].concat(),
    ));
    assert_eq!(code, 1, "{said}");

    // An aggregate takes it for a proof under this key, which is no program's in its list of claims.
    std::fs::remove_file(proof.with_extension("claim.json")).expect("there");
    let root = folder.path("root.proof");
    json(&command(&[
        "aggregate",
        text(&proof),
        "-o",
        text(&root),
        "--json",
    ]));
    let root_claims = folder.path("root.claims.json");
    let said = json(&command(&["inspect", text(&root_claims), "--json"]));
    let named = format_word(&invented.program());
    assert_eq!(said["content"]["keys"], serde_json::json!([named]));
    assert_ne!(named, format_word(&trusted.digest()));
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
