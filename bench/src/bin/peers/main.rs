//! Times Plica beside its peers: whole processes, the same programs, one run.
//!
//! ```text
//! cargo build --release
//! cargo run --release -p plica-bench --bin peers -- [--install] [--runs N] [--resume] [--out DIR] [PROGRAM …]
//! ```
//! `--install` installs the peers from the package registry into `target/peers` first, which takes several minutes.
//! The runs of all contenders alternate, so that a drift of the machine's speed meets all of them; the median is
//! reported. Times are wall-clock times of whole processes (assembling, key generation, execution, proving, writing
//! the proof), memory is the peak resident set. Outputs are compared with those in `bench/programs`. A contender that is
//! missing, fails or computes something else is named, and the exit code is 1; a bar that is missed does not change it.
//!
//! Results are appended to `peers.csv` as they come; `--resume` goes on with that file, `--report` only makes its tables.

mod bars;
mod contender;
mod measure;
mod results;
mod tables;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use plica_bench::program::{COMPARED, Source};

use contender::{Contender, MIDEN_11, MIDEN_23};
use measure::{Measurement, measure};
use results::{Figures, Results, Row};

/// Times Plica beside its peers.
#[derive(Debug, Parser)]
struct Args {
    /// Install the peers first.
    #[arg(long)]
    install: bool,
    /// Counted runs of each peer. More than one are preceded by one that is not counted.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// The same for Plica, whose runs are short [default: 5, or as many as the peers' if those are more].
    #[arg(long)]
    plica_runs: Option<usize>,
    /// Go on with the results of an interrupted comparison.
    #[arg(long)]
    resume: bool,
    /// Run nothing: write the tables of the results there are. Implies `--resume`.
    #[arg(long)]
    report: bool,
    /// Where `peers.md` and `peers.csv` go.
    #[arg(long, default_value = "target/peers")]
    out: PathBuf,
    /// Folder under which the peers are installed.
    #[arg(long, default_value = "target/peers")]
    peers: PathBuf,
    /// The command of Plica.
    #[arg(long, default_value = "target/release/plica")]
    plica: PathBuf,
    /// Only contenders whose label, as in "Plica fast RPO 100-proven", contains this text; may be repeated.
    /// Without it those that the bars compare.
    #[arg(long)]
    only: Vec<String>,
    /// Programs in `bench/programs`.
    #[arg(default_values_t = COMPARED.map(str::to_owned))]
    programs: Vec<String>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match compare(&args) {
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

/// A contender with its command and what it did so far with a program.
struct Entrant<'a> {
    contender: &'a Contender,
    command: PathBuf,
    runs: usize,
    done: Result<Vec<Measurement>, String>,
}

/// Compares, writes the tables, and returns who failed at what.
fn compare(args: &Args) -> Result<Vec<String>, String> {
    let io = |e: std::io::Error| e.to_string();
    let root = std::path::absolute(&args.peers).map_err(io)?;
    let plica = std::path::absolute(&args.plica).map_err(io)?;
    if args.install {
        for package in [&MIDEN_23, &MIDEN_11] {
            if !package.install(&root).map_err(io)? {
                return Err(format!(
                    "{} {} could not be installed",
                    package.name, package.version
                ));
            }
        }
    }
    std::fs::create_dir_all(&args.out).map_err(io)?;
    let mut results =
        Results::open(args.out.join("peers.csv"), args.resume || args.report).map_err(io)?;
    let contenders = contender::selected(&args.only);
    let plica_runs = args.plica_runs.unwrap_or(args.runs.max(5));
    let raced: &[String] = if args.report { &[] } else { &args.programs };
    for program in raced {
        let mut entrants: Vec<Entrant<'_>> = contenders
            .iter()
            .filter(|contender| !results.has(program, contender))
            .map(|contender| Entrant {
                contender,
                command: contender
                    .package
                    .map_or(plica.clone(), |p| p.command(&root)),
                runs: if contender.package.is_some() {
                    args.runs
                } else {
                    plica_runs
                }
                .max(1),
                done: Ok(Vec::new()),
            })
            .collect();
        race(program, &mut entrants, &mut results)?;
    }
    let rows: Vec<Row> = results
        .rows
        .iter()
        .filter(|row| contenders.iter().any(|c| row.is_of(&row.program, c)))
        .cloned()
        .collect();
    let markdown = tables::markdown(&args.programs, &rows);
    std::fs::write(args.out.join("peers.md"), &markdown).map_err(io)?;
    println!("{markdown}");
    let failed = rows.iter().filter_map(|row| {
        let failure = row.figures.as_ref().err()?;
        Some(format!(
            "{} {} {}: {failure}",
            row.program, row.name, row.hash
        ))
    });
    Ok(failed.collect())
}

/// Runs everyone in turns until all have their runs.
fn race(program: &str, entrants: &mut [Entrant<'_>], results: &mut Results) -> Result<(), String> {
    let rounds = entrants
        .iter()
        .map(|entrant| entrant.runs)
        .max()
        .unwrap_or(0);
    for round in 0..=rounds {
        for entrant in &mut *entrants {
            // The first of several runs warms the caches.
            let warms = round == 0;
            let Ok(done) = &mut entrant.done else {
                continue;
            };
            if round > entrant.runs || warms && entrant.runs == 1 {
                continue;
            }
            let contender = entrant.contender;
            eprintln!(
                "{program}: {} ({round}/{})",
                contender.label(),
                entrant.runs
            );
            let measured = Source::read(program, contender.dialect())
                .and_then(|source| measure(&entrant.command, contender, program, &source));
            match measured {
                Ok(_) if warms => continue,
                Ok(measurement) => done.push(measurement),
                Err(failure) => entrant.done = Err(failure),
            }
            let figures = match &entrant.done {
                Ok(done) if done.len() < entrant.runs => continue,
                Ok(done) => Ok(Figures::of(done)),
                Err(failure) => Err(failure.clone()),
            };
            let row = Row {
                program: program.to_owned(),
                name: contender.name.clone(),
                hash: contender.hash.to_owned(),
                security: contender.security.to_owned(),
                figures,
            };
            results.add(row).map_err(|e| e.to_string())?;
        }
    }
    Ok(())
}
