//! `plica inspect`.

use plica::aggregate::{ClaimTree, aggregate_key, node_claim};
use plica::{Claim, Error, JointClaim, Proof, VerifyingKey, format_word};
use serde_json::{Value, json};

use super::args::InspectArgs;
use super::output::decimals;
use super::{files, output};

/// What files of keys, proofs and stores begin with.
const MAGIC: &[u8] = b"PLICA";

pub(super) fn inspect(args: &InspectArgs) -> Result<(), Error> {
    let bytes = files::read(&args.file, files::MAX_BINARY)?;
    let (what, value) = if bytes.starts_with(MAGIC) {
        binary(args, &bytes)?
    } else if let Ok(claim) = Claim::from_json(&bytes) {
        ("claim", of_claim(&claim))
    } else {
        let tree = ClaimTree::from_json(&bytes).map_err(|reason| Error::Tree {
            path: args.file.clone(),
            reason,
        })?;
        match &tree {
            ClaimTree::Joint(joint) => ("claims of a joint proof", of_joint(joint)),
            _ => (
                "tree of claims",
                of_tree(&tree, &aggregate_key(args.security.0)?),
            ),
        }
    };
    if args.json {
        output::print_json(&json!({ "kind": what, "bytes": bytes.len(), "content": value }));
        return Ok(());
    }
    let mut text = format!("{}: {what}, {} bytes\n", args.file.display(), bytes.len());
    show(&value, 0, &mut text);
    output::print(&text);
    Ok(())
}

fn binary(args: &InspectArgs, bytes: &[u8]) -> Result<(&'static str, Value), Error> {
    let failed = |reason| Error::File {
        path: args.file.clone(),
        reason,
    };
    match VerifyingKey::from_bytes(bytes) {
        Ok(key) => Ok(("key", of_key(&key))),
        Err(plica::FileError::WrongKind { .. }) => {
            let proof = Proof::from_bytes(bytes).map_err(failed)?;
            Ok(("proof", of_proof(&proof)))
        }
        Err(reason) => Err(failed(reason)),
    }
}

fn of_key(key: &VerifyingKey) -> Value {
    let names = plica::chip_names();
    let tables = key.pinned().iter().map(|table| {
        let name = names.get(usize::from(table.kind)).copied();
        json!({ "chip": name, "log_rows": table.log_height, "columns": table.width })
    });
    json!({
        "digest": format_word(&key.digest()),
        "profile": key.profile().name,
        "security": key.target().to_string(),
        "tables": tables.collect::<Vec<_>>(),
    })
}

fn of_proof(proof: &Proof) -> Value {
    let names = plica::chip_names();
    let tables = proof.instances().tables().iter().map(|table| {
        let name = names.get(usize::from(table.kind)).copied();
        json!({ "chip": name, "log_rows": table.log_height })
    });
    let profile = plica::Profile::by_id(proof.profile()).map(|profile| profile.name);
    json!({ "profile": profile, "tables": tables.collect::<Vec<_>>() })
}

fn of_claim(claim: &Claim) -> Value {
    json!({
        "key": format_word(&claim.key),
        "inputs": decimals(&claim.inputs),
        "outputs": decimals(&claim.outputs),
        "statement": decimals(&claim.statement()),
    })
}

fn of_joint(joint: &JointClaim) -> Value {
    json!({
        "key": format_word(&joint.key),
        "program": format_word(&joint.program()),
        "runs": joint.runs.len(),
        "claim": of_claim(&joint.claim()),
    })
}

fn of_tree(tree: &ClaimTree, key: &VerifyingKey) -> Value {
    let claims = tree.claims();
    let mut keys: Vec<String> = claims.iter().map(|claim| format_word(&claim.key)).collect();
    keys.sort();
    keys.dedup();
    json!({
        "digest": format_word(&tree.digest()),
        "claims": claims.len(),
        "nodes": tree.nodes(),
        "depth": tree.depth(),
        "keys": keys,
        "root": of_claim(&node_claim(key.digest(), tree.digest())),
    })
}

/// Names and values, one a line.
fn show(value: &Value, depth: usize, text: &mut String) {
    use std::fmt::Write as _;
    let indent = 2 * depth;
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::Array(items) if items.iter().any(Value::is_object) => {
                        let _ = writeln!(text, "{:indent$}{name}:", "");
                        items.iter().for_each(|item| {
                            let fields = item.as_object().into_iter().flatten();
                            let fields: Vec<String> = fields
                                .map(|(name, value)| format!("{name} {}", plain(value)))
                                .collect();
                            let _ = writeln!(text, "{:indent$}  {}", "", fields.join(", "));
                        });
                    }
                    Value::Object(_) => {
                        let _ = writeln!(text, "{:indent$}{name}:", "");
                        show(value, depth + 1, text);
                    }
                    value => {
                        let _ = writeln!(text, "{:indent$}{name}: {}", "", plain(value));
                    }
                }
            }
        }
        value => {
            let _ = writeln!(text, "{:indent$}{}", "", plain(value));
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(plain).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}
