//! How fast programs run without a record, in MASM operations per second on one core:
//! `cargo run --release -p plica-bench --bin speed -- [--runs N] [PROGRAM …]`.
//!
//! An operation is a node of the syntax tree that a literal interpreter executes: an instruction, or an entry of an `if`, `while` or
//! `repeat`; what the compiler saves does not count less. `bench/programs/operations.json` has the numbers, and a test of `plica-vm` counts
//! them. A run is what `plica run` does after assembling; the fastest one counts.

use std::time::{Duration, Instant};

use clap::Parser;
use plica_bench::{load, program};

/// Runs programs without a record.
#[derive(Debug, Parser)]
struct Args {
    /// Runs of each program.
    #[arg(long, default_value_t = 200)]
    runs: u32,
    /// Programs in `bench/programs/operations.json`.
    #[arg(default_values_t = ["loop1048576", "u32sum", "memsum", "sort", "sieve", "collatz", "matrix", "hchain"].map(str::to_owned))]
    programs: Vec<String>,
}

fn main() -> Result<(), String> {
    let args = Args::parse();
    println!("| program | operations | time | operations per second |");
    println!("|---|---|---|---|");
    for name in &args.programs {
        let operations = program::operations(name)?;
        let (program, inputs) = load(name);
        let run = || {
            let start = Instant::now();
            program.run(&inputs).map(|_| start.elapsed())
        };
        let mut fastest = Duration::MAX;
        for _ in 0..args.runs.max(1) {
            fastest = fastest.min(run().map_err(|e| format!("{name}: {e}"))?);
        }
        let seconds = fastest.as_secs_f64();
        println!(
            "| `{name}` | {operations} | {:.3} ms | {:.1} million |",
            seconds * 1e3,
            operations as f64 / seconds / 1e6
        );
    }
    Ok(())
}
