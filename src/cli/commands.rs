//! The commands.

use std::path::{Path, PathBuf};
use std::time::Instant;

use plica::{Error, Inputs, MerkleStore, Plica, Profile, SecurityTarget, format_word};
use serde_json::{Value, json};

use super::args::{
    AnalyzeArgs, ChainArgs, ExecutionArgs, ProgramArgs, ProveArgs, RunArgs, SetupArgs, VerifyArgs,
};
use super::library::Library;
use super::output::decimals;
use super::progress::Progress;
use super::{files, output};

type Result<T> = std::result::Result<T, Error>;

fn assemble(args: &ProgramArgs, progress: &Progress) -> Result<Plica> {
    progress.phase("assembling");
    let program = files::program(&args.program, args.kernel.as_deref(), args.verifies.0)?;
    if !args.json {
        for warning in program.warnings() {
            eprintln!("{:?}", miette::Report::new(warning.clone()));
        }
    }
    Ok(program)
}

/// The inputs, with the proofs that the program verifies.
fn inputs(args: &ExecutionArgs, program: &ProgramArgs, path: Option<&Path>) -> Result<Inputs> {
    let mut inputs = files::inputs(path, &program.program)?;
    let mut library = Library::new(&args.keys, program.verifies.0);
    for path in &args.proofs {
        let given = library.load(path)?;
        Plica::add_proof(&mut inputs, &given.child()).map_err(|error| match error {
            Error::NotAggregated(reason) => Error::Child {
                path: path.clone(),
                reason,
            },
            other => other,
        })?;
    }
    Ok(inputs)
}

/// The store that the arguments name, if they do.
fn store(args: &ExecutionArgs) -> Result<Option<MerkleStore>> {
    args.store.as_deref().map(files::store).transpose()
}

/// Writes the store back. Its trees stay what they were, so whatever happens afterwards does no harm.
fn keep(args: &ExecutionArgs, store: Option<MerkleStore>) -> Result<()> {
    match (&args.store, store) {
        (Some(path), Some(store)) => files::write_store(path, &store),
        _ => Ok(()),
    }
}

pub(super) fn run(args: &RunArgs) -> Result<()> {
    let progress = Progress::start(args.program.json);
    let program = assemble(&args.program, &progress)?.with_max_cycles(args.execution.max_cycles);
    let inputs = inputs(
        &args.execution,
        &args.program,
        args.inputs.inputs.as_deref(),
    )?;
    let mut store = store(&args.execution)?;
    progress.phase("running");
    let outcome = match &mut store {
        Some(store) => program.run_with_store(&inputs, store)?,
        None => program.run(&inputs)?,
    };
    keep(&args.execution, store)?;
    drop(progress);
    let outputs = decimals(&outcome.outputs);
    if args.program.json {
        output::print_json(&json!({ "outputs": outputs, "cycles": outcome.cycles }));
    } else {
        output::print(&format!(
            "Output: [{}]\n{} cycles",
            outputs.join(", "),
            outcome.cycles
        ));
    }
    Ok(())
}

pub(super) fn prove(args: &ProveArgs) -> Result<()> {
    if args.inputs.len() > 1 {
        return super::joint::prove(args);
    }
    let start = Instant::now();
    let progress = Progress::start(args.program.json);
    let program = assemble(&args.program, &progress)?.with_max_cycles(args.execution.max_cycles);
    let path = args.inputs.first().map(PathBuf::as_path);
    let inputs = inputs(&args.execution, &args.program, path)?;
    let mut store = store(&args.execution)?;
    progress.phase("making the key");
    let (key, _) = program.setup(&args.key.profile, args.key.security.0)?;
    progress.phase("running and proving");
    let proven = match &mut store {
        Some(store) => program.prove_with_store(&key, &inputs, store)?,
        None => program.prove(&key, &inputs)?,
    };
    progress.phase("writing");
    // First: a proof whose new tree nobody has would be the end of a chain.
    keep(&args.execution, store)?;
    let bytes = proven.proof.to_bytes();
    let claim_path = files::claim_path(&args.output);
    files::write(&args.output, &bytes)?;
    files::write(&claim_path, proven.claim.to_json().as_bytes())?;
    drop(progress);
    let seconds = start.elapsed().as_secs_f64();
    let outputs = decimals(&proven.claim.outputs);
    if args.program.json {
        output::print_json(&json!({
            "outputs": outputs,
            "proof": args.output,
            "claim": claim_path,
            "key": format_word(&proven.claim.key),
            "profile": args.key.profile.name,
            "proof_bytes": bytes.len(),
            "seconds": seconds,
            "security": output::security(&proven.report),
        }));
    } else {
        output::print(&format!(
            "Output: [{}]\n{}: {} bytes, profile {}, proven in {seconds:.2} s\n{}: the claim\nSecurity: {}",
            outputs.join(", "),
            args.output.display(),
            bytes.len(),
            args.key.profile.name,
            claim_path.display(),
            proven.report,
        ));
    }
    Ok(())
}

pub(super) fn setup(args: &SetupArgs) -> Result<()> {
    let progress = Progress::start(args.program.json);
    let (entries, key) = if args.joint {
        progress.phase("making the key");
        super::joint::key(args)?
    } else {
        let program = assemble(&args.program, &progress)?;
        progress.phase("making the key");
        let (_, key) = program.setup(&args.key.profile, args.key.security.0)?;
        (program.compiled().program.entries.len(), key)
    };
    let bytes = key.to_bytes();
    files::write(&args.output, &bytes)?;
    drop(progress);
    let digest = format_word(&key.digest());
    if args.program.json {
        let mut said = json!({
            "key": digest,
            "entries": entries,
            "file": args.output,
            "profile": args.key.profile.name,
            "security": args.key.security.0.to_string(),
        });
        if args.joint {
            said["program"] = format_word(&plica::joint_program(&key.digest())).into();
        }
        output::print_json(&said);
    } else {
        output::print(&format!(
            "{}: {} bytes, profile {}, {}\nKey: {digest}",
            args.output.display(),
            bytes.len(),
            args.key.profile.name,
            args.key.security.0,
        ));
    }
    Ok(())
}

pub(super) fn verify(args: &VerifyArgs) -> Result<()> {
    let progress = Progress::start(args.json);
    progress.phase("reading");
    let proof = files::proof(&args.proof)?;
    let mut joint = None;
    let claim = match (&args.claim, &args.claims) {
        (Some(path), _) => files::claim(path)?,
        (None, Some(path)) => {
            let tree = files::tree(path)?;
            joint = super::joint::claims(args, path, &tree)?;
            match &joint {
                Some(joint) => joint.claim(),
                None => return super::aggregate::verify(args, &progress, proof, tree),
            }
        }
        (None, None) => unreachable!("one of them is required"),
    };
    let key = match (&args.key, &args.program) {
        (Some(path), _) => files::key(path)?,
        (None, Some(path)) => {
            // The proof only says which profile to try: the claim names the key that comes out.
            let profile = Profile::by_id(proof.profile()).expect("decoding checked the profile");
            let target = args.key_security.unwrap_or(args.security);
            progress.phase("making the key");
            let verifies = SecurityTarget::default();
            if joint.is_some() {
                let program = files::joint(path, verifies)?;
                program.setup(&profile, target.0)?.1
            } else {
                let program = files::program(path, args.kernel.as_deref(), verifies)?;
                program.setup(&profile, target.0)?.1
            }
        }
        (None, None) => unreachable!("one of them is required"),
    };
    progress.phase("verifying");
    let start = Instant::now();
    let report = plica::verify(&key, &claim, &proof, args.security.0)?;
    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
    drop(progress);
    if let Some(joint) = &joint {
        super::joint::accepted(args, joint, &key, milliseconds, &report);
        return Ok(());
    }
    if args.json {
        output::print_json(&json!({
            "accepted": true,
            "key": format_word(&claim.key),
            "inputs": decimals(&claim.inputs),
            "outputs": decimals(&claim.outputs),
            "profile": key.profile().name,
            "milliseconds": milliseconds,
            "security": output::security(&report),
        }));
    } else {
        output::print(&format!(
            "Accepted in {milliseconds:.1} ms, profile {}\nOutput: [{}]\nSecurity: {report}",
            key.profile().name,
            decimals(&claim.outputs).join(", "),
        ));
    }
    Ok(())
}

pub(super) fn chain(args: &ChainArgs) -> Result<()> {
    let claims = args.claims.iter().map(|path| files::claim(path));
    let claims = claims.collect::<Result<Vec<_>>>()?;
    for ((before, claim), path) in claims.iter().zip(&claims[1..]).zip(&args.claims[1..]) {
        claim.follows(before).map_err(|reason| Error::Chain {
            path: path.clone(),
            reason,
        })?;
    }
    let [start, _] = claims[0].roots();
    let [_, end] = claims[claims.len() - 1].roots();
    let [start, end] = [start, end].map(|root| format_word(&root));
    let key = format_word(&claims[0].key);
    if args.json {
        output::print_json(&json!({
            "linked": true,
            "key": key,
            "claims": claims.len(),
            "start": start,
            "end": end,
        }));
    } else {
        output::print(&format!(
            "{} claims about key {key}\nfrom {start}\nto   {end}\nTheir proofs are not checked here.",
            claims.len(),
        ));
    }
    Ok(())
}

pub(super) fn analyze(args: &AnalyzeArgs) -> Result<()> {
    let progress = Progress::start(args.program.json);
    let program = assemble(&args.program, &progress)?.with_max_cycles(args.execution.max_cycles);
    let inputs = inputs(
        &args.execution,
        &args.program,
        args.inputs.inputs.as_deref(),
    )?;
    let mut store = store(&args.execution)?;
    progress.phase("running");
    let target = args.security.0;
    let analysis = match &mut store {
        Some(store) => program.analyze_with_store(&inputs, &args.profile, target, store)?,
        None => program.analyze(&inputs, &args.profile, target)?,
    };
    drop(progress);
    if args.program.json {
        let value: Value = serde_json::to_value(&analysis).expect("plain data");
        output::print_json(&value);
    } else {
        output::print(&output::analysis(&analysis));
    }
    Ok(())
}
