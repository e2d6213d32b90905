//! Joint proofs of several runs of a program.

use std::path::{Path, PathBuf};
use std::time::Instant;

use plica::aggregate::ClaimTree;
use plica::{Error, Inputs, JointClaim, SecurityReport, VerifyingKey, format_word};
use serde_json::{Value, json};

use super::args::{ProveArgs, SetupArgs, VerifyArgs};
use super::progress::Progress;
use super::{files, output};

type Result<T> = std::result::Result<T, Error>;

/// `plica prove P.masm -i a.inputs -i b.inputs … -o X.proof`
pub(super) fn prove(args: &ProveArgs) -> Result<()> {
    let start = Instant::now();
    let execution = &args.execution;
    for (given, name) in [
        (execution.store.is_some(), "store"),
        (!execution.proofs.is_empty(), "proof"),
        (args.program.kernel.is_some(), "kernel"),
    ] {
        if given {
            return Err(Error::NotJoint(name));
        }
    }
    let progress = Progress::start(args.program.json);
    progress.phase("assembling");
    let verifies = args.program.verifies.0;
    let program = files::joint(&args.program.program, verifies)?;
    let program = program.with_max_cycles(execution.max_cycles);
    let read = |path: &PathBuf| files::inputs(Some(path), &args.program.program);
    let inputs: Vec<Inputs> = args.inputs.iter().map(read).collect::<Result<_>>()?;
    progress.phase("making the key");
    let (key, _) = program.setup(&args.key.profile, args.key.security.0)?;
    progress.phase("running and proving");
    let proven = program.prove(&key, inputs).map_err(|error| match error {
        Error::JointRun { index, reason } => Error::RunOn {
            path: args.inputs[index].clone(),
            reason,
        },
        other => other,
    })?;
    progress.phase("writing");
    let (bytes, claims_path) = (proven.proof.to_bytes(), files::claims_path(&args.output));
    let tree = ClaimTree::Joint(proven.claim.clone());
    files::write(&args.output, &bytes)?;
    files::write(&claims_path, tree.to_json().as_bytes())?;
    drop(progress);
    let seconds = start.elapsed().as_secs_f64();
    if args.program.json {
        output::print_json(&json!({
            "runs": runs(&proven.claim),
            "proof": args.output,
            "claims": claims_path,
            "key": format_word(&proven.claim.key),
            "program": format_word(&proven.claim.program()),
            "profile": args.key.profile.name,
            "proof_bytes": bytes.len(),
            "seconds": seconds,
            "security": output::security(&proven.report),
        }));
    } else {
        output::print(&format!(
            "{} runs of {}\n{}: {} bytes, profile {}, proven in {seconds:.2} s\n{}: the claims\nSecurity: {}",
            proven.claim.runs.len(),
            args.program.program.display(),
            args.output.display(),
            bytes.len(),
            args.key.profile.name,
            claims_path.display(),
            proven.report,
        ));
    }
    Ok(())
}

/// The joint key of a program, and how many entries the program has in it.
pub(super) fn key(args: &SetupArgs) -> Result<(usize, VerifyingKey)> {
    if args.program.kernel.is_some() {
        return Err(Error::NotJoint("kernel"));
    }
    let program = files::joint(&args.program.program, args.program.verifies.0)?;
    let (_, key) = program.setup(&args.key.profile, args.key.security.0)?;
    Ok((program.compiled().program.entries.len(), key))
}

/// The claims of a joint proof that the arguments name, if they are such: those of aggregates stand without a key.
pub(super) fn claims(
    args: &VerifyArgs,
    path: &Path,
    tree: &ClaimTree,
) -> Result<Option<JointClaim>> {
    let path = path.to_owned();
    match tree {
        ClaimTree::Joint(joint) if args.program.is_some() || args.joint => Ok(Some(joint.clone())),
        ClaimTree::Joint(_) => Err(Error::JointKey { path }),
        _ if args.key.is_some() || args.program.is_some() => Err(Error::AggregateKey { path }),
        _ => Ok(None),
    }
}

/// Says that a joint proof was accepted.
pub(super) fn accepted(
    args: &VerifyArgs,
    joint: &JointClaim,
    key: &VerifyingKey,
    milliseconds: f64,
    report: &SecurityReport,
) {
    let profile = key.profile().name;
    if args.json {
        output::print_json(&json!({
            "accepted": true,
            "key": format_word(&joint.key),
            "program": format_word(&joint.program()),
            "runs": runs(joint),
            "profile": profile,
            "milliseconds": milliseconds,
            "security": output::security(report),
        }));
    } else {
        output::print(&format!(
            "Accepted in {milliseconds:.1} ms, profile {profile}: {} runs\nSecurity: {report}",
            joint.runs.len(),
        ));
    }
}

fn runs(joint: &JointClaim) -> Vec<Value> {
    let runs = joint
        .runs
        .iter()
        .map(|run| json!({ "inputs": output::decimals(&run.inputs), "outputs": output::decimals(&run.outputs) }));
    runs.collect()
}
