//! One layer of recursion and two-to-one aggregation, beside plonky2, in one run on one machine.
//!
//! ```text
//! cargo run --release -p plica-bench --bin recursion -- [--install] [--runs N] [--only NAME] [LEAF LEAF]
//! ```
//! `--install` builds the peers into `target/peers` first. Every contender proves all stages in a process of its own: a leaf, a layer
//! over it, a layer over a layer, and one over two layers; the runs of all alternate. Proving times are from the children's proofs to the
//! proof (checks of the children, witness and proof); circuits, programs and keys are made before and timed apart. The run of median
//! time is reported, with the least and the largest time. On a busy machine read the CPU times.
//!
//! All share 100 conjectured bits; Plica is also measured at 100 proven ones. A layer of plonky2 verifies proofs of one circuit, one of
//! Plica proofs of any program and of its own. Plonky3-recursion is not measured: its packages in the registry are empty.

mod bench_recursion;
mod contender;
mod plica;
mod report;
mod run;
mod stage;
mod usage;

use std::path::PathBuf;
use std::process::ExitCode;

use ::plica::SecurityTarget;
use clap::Parser;

use contender::{PROVEN, SHARED};
use report::Entry;

/// One layer of recursion, beside others.
#[derive(Debug, Parser)]
struct Args {
    /// Build the peers first.
    #[arg(long)]
    install: bool,
    /// Runs of each contender.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Only contenders whose label, as in "Plica 100-proven", contains this text; may be repeated.
    #[arg(long)]
    only: Vec<String>,
    /// Where `recursion.md` and `recursion.json` go.
    #[arg(long, default_value = "target/recursion")]
    out: PathBuf,
    /// Folder under which the peers are built.
    #[arg(long, default_value = "target/peers")]
    peers: PathBuf,
    /// Prove Plica's stages in this process and print them: what the comparison starts.
    #[arg(long, hide = true)]
    stages: Option<String>,
    /// Plica's leaves: two programs in `bench/programs`. The times of the first are reported.
    #[arg(num_args = 2, default_values_t = ["fib16384".to_owned(), "hchain".to_owned()])]
    leaves: Vec<String>,
}

fn main() -> ExitCode {
    match compare(&Args::parse()) {
        Ok(failures) if failures.is_empty() => ExitCode::SUCCESS,
        Ok(failures) => {
            for failure in failures {
                eprintln!("FAILED {failure}");
            }
            ExitCode::FAILURE
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Compares, writes tables and figures, and returns who failed.
fn compare(args: &Args) -> Result<Vec<String>, String> {
    let leaves: [String; 2] = args
        .leaves
        .clone()
        .try_into()
        .map_err(|_| "two leaves are needed")?;
    if let Some(security) = &args.stages {
        plica::measure(target(security)?, &leaves)?;
        return Ok(Vec::new());
    }
    let io = |error: std::io::Error| error.to_string();
    let peers = std::path::absolute(&args.peers).map_err(io)?;
    if args.install {
        contender::install(&peers)?;
    }
    std::fs::create_dir_all(&args.out).map_err(io)?;
    let own = std::env::current_exe().map_err(io)?;
    let mut entries: Vec<Entry> = contender::contenders(&own, &peers, &leaves)
        .into_iter()
        .map(Entry::new)
        .filter(|entry| {
            let label = entry.label();
            args.only.is_empty() || args.only.iter().any(|part| label.contains(part))
        })
        .collect();
    let runs = args.runs.max(1);
    for round in 1..=runs {
        for entry in &mut entries {
            eprintln!("{} ({round}/{runs})", entry.label());
            entry.add(run::run(&entry.contender));
        }
    }
    let markdown = report::markdown(&entries, runs);
    let json = format!("{:#}\n", report::json(&entries, runs));
    std::fs::write(args.out.join("recursion.md"), &markdown).map_err(io)?;
    std::fs::write(args.out.join("recursion.json"), json).map_err(io)?;
    println!("{markdown}");
    Ok(entries.iter().filter_map(Entry::failure).collect())
}

fn target(security: &str) -> Result<SecurityTarget, String> {
    match security {
        SHARED => Ok(SecurityTarget::CONJECTURED_100),
        PROVEN => Ok(SecurityTarget::PROVEN_100),
        other => Err(format!("no such security: {other}")),
    }
}
