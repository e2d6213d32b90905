//! What share of proving the execution and the traces are: `cargo run --release -p plica-bench --bin phases -- [PROGRAM …]`.
//!
//! Runs `plica prove` with `PLICA_TRACE=1` and reads the times of its phases; the median of the shares counts.

use std::path::PathBuf;
use std::process::Command;

use clap::Parser;
use plica_bench::program::{COMPARED, Dialect, Source};

/// Shares of the phases of proving.
#[derive(Debug, Parser)]
struct Args {
    /// Proofs of each program under each profile.
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// The command of Plica.
    #[arg(long, default_value = "target/release/plica")]
    plica: PathBuf,
    /// Profiles.
    #[arg(long, default_values_t = ["fast".to_owned(), "blake3".to_owned()])]
    profile: Vec<String>,
    /// Programs in `bench/programs`.
    #[arg(default_values_t = COMPARED.map(str::to_owned))]
    programs: Vec<String>,
}

/// Seconds of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Phases {
    record: f64,
    traces: f64,
    prove: f64,
}

impl Phases {
    /// Of what `PLICA_TRACE=1` prints.
    fn read(printed: &str) -> Option<Self> {
        let phase = |name: &str| {
            let rest = printed.lines().find_map(|line| {
                line.strip_prefix("INFO     ")?
                    .strip_prefix(name)?
                    .strip_prefix(" [ ")
            })?;
            let time = rest.split(' ').next()?;
            let digits = time.trim_end_matches(|c: char| !c.is_ascii_digit());
            let unit = match &time[digits.len()..] {
                "s" => 1.0,
                "ms" => 1e-3,
                "µs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
            Some(digits.parse::<f64>().ok()? * unit)
        };
        Some(Self {
            record: phase("record")?,
            traces: phase("trace generation")?,
            prove: phase("prove")?,
        })
    }

    /// Of the traces in all that happens per proof, in percent.
    fn share(&self) -> f64 {
        100.0 * self.traces / (self.record + self.traces + self.prove)
    }
}

fn main() -> Result<(), String> {
    let args = Args::parse();
    println!(
        "| program | profile | record | trace generation | prove | share of trace generation |"
    );
    println!("|---|---|---|---|---|---|");
    for program in &args.programs {
        for profile in &args.profile {
            let runs: Result<Vec<Phases>, String> = (0..args.runs.max(1))
                .map(|_| prove(&args, program, profile))
                .collect();
            let mut runs = runs?;
            runs.sort_by(|a, b| a.share().total_cmp(&b.share()));
            let median = runs[runs.len() / 2];
            println!(
                "| `{program}` | `{profile}` | {:.1} ms | {:.1} ms | {:.0} ms | {:.1} % |",
                median.record * 1e3,
                median.traces * 1e3,
                median.prove * 1e3,
                median.share()
            );
        }
    }
    Ok(())
}

fn prove(args: &Args, program: &str, profile: &str) -> Result<Phases, String> {
    let io = |e: std::io::Error| e.to_string();
    let source = Source::read(program, Dialect::Release11)?;
    let folder = tempfile::tempdir().map_err(io)?;
    let masm = folder.path().join("program.masm");
    std::fs::write(&masm, source.text).map_err(io)?;
    std::fs::write(masm.with_extension("inputs"), source.inputs).map_err(io)?;
    let output = Command::new(&args.plica)
        .args(["prove", "--profile", profile, "-o"])
        .args([masm.with_extension("proof"), masm.clone()])
        .env("PLICA_TRACE", "1")
        .output()
        .map_err(|e| format!("{}: {e}", args.plica.display()))?;
    let printed = String::from_utf8_lossy(&output.stderr);
    Phases::read(&printed).ok_or_else(|| format!("{program}: {}: {printed}", output.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_read_from_the_tree() {
        let printed = "INFO     compile [ 1.69ms | 100.00% ]\nINFO     record [ 62.5µs | 100.00% ]\n\
            INFO     trace generation [ 12.8ms | 100.00% ]\nINFO     prove [ 1.50s | 0.36% / 100.00% ] profile: \"fast\"\n";
        let phases = Phases::read(printed).unwrap();
        assert!((phases.record - 62.5e-6).abs() < 1e-12);
        assert!((phases.traces - 0.0128).abs() < 1e-12);
        assert!((phases.prove - 1.5).abs() < 1e-12);
        assert!((phases.share() - 0.846).abs() < 0.001);
        assert_eq!(Phases::read("INFO     record [ 62.1µs | 100.00% ]"), None);
    }
}
