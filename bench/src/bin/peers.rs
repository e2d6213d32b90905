//! Times Plica beside its peers: whole processes, the same programs, one run.
//!
//! ```text
//! cargo build --release
//! cargo run --release -p plica-bench --bin peers -- [--install] [--runs N] [--out DIR] [PROGRAM …]
//! ```
//! `--install` installs the peers from the package registry into `target/peers` first, which takes several minutes.
//! The runs of all contenders alternate, so that a drift of the machine's speed meets all of them; the median is
//! reported. Times are wall-clock times of whole processes (assembling, key generation, execution, proving, writing
//! the proof), memory is the peak resident set.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use wait4::Wait4;

/// Times Plica beside its peers.
#[derive(Debug, Parser)]
struct Args {
    /// Install the peers first.
    #[arg(long)]
    install: bool,
    /// Counted runs of each contender, after one that is not counted.
    #[arg(long, default_value_t = 3)]
    runs: usize,
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
    #[arg(long)]
    only: Vec<String>,
    /// Programs in `bench/programs`.
    #[arg(default_values_t = ["fib16384".to_owned(), "loop16384".to_owned()])]
    programs: Vec<String>,
}

/// A crate that installs a peer's command.
struct Package {
    name: &'static str,
    version: &'static str,
    /// The command it installs.
    binary: &'static str,
}

impl Package {
    fn folder(&self, root: &Path) -> PathBuf {
        root.join(format!("{}-{}", self.name, self.version))
    }

    fn command(&self, root: &Path) -> PathBuf {
        self.folder(root).join("bin").join(self.binary)
    }

    fn install(&self, root: &Path) -> std::io::Result<bool> {
        if self.command(root).exists() {
            return Ok(true);
        }
        let status = Command::new("cargo")
            .args(["install", self.name, "--version", self.version])
            .args(["--locked", "--features", "executable", "--root"])
            .arg(self.folder(root))
            .env("RUSTFLAGS", "-Ctarget-cpu=native")
            .status()?;
        Ok(status.success())
    }
}

const MIDEN_23: Package = Package {
    name: "miden-vm",
    version: "0.23.5",
    binary: "miden-vm",
};
const MIDEN_11: Package = Package {
    name: "miden-vm",
    version: "0.11.0",
    binary: "miden",
};

/// One way to prove a program.
struct Contender {
    name: String,
    hash: &'static str,
    security: &'static str,
    /// `None` for Plica.
    package: Option<&'static Package>,
    /// Arguments; `P` stands for the program, `O` for the proof.
    args: Vec<&'static str>,
}

/// Plica's profiles with their hashes, at two levels of security and at the peers' own.
fn plica_contenders() -> impl Iterator<Item = Contender> {
    let profiles = [
        ("fast", "RPO"),
        ("compact", "RPO"),
        ("blake3", "BLAKE3"),
        ("evm", "Keccak-256"),
    ];
    let levels = ["100-proven", "100-conjectured", "96-conjectured"];
    profiles.into_iter().flat_map(move |(profile, hash)| {
        levels.map(|level| Contender {
            name: format!("Plica {profile}"),
            hash,
            security: level,
            package: None,
            args: vec![
                "prove",
                "P",
                "-o",
                "O",
                "--profile",
                profile,
                "--security",
                level,
            ],
        })
    })
}

fn contenders() -> Vec<Contender> {
    let peer = |name: &str, hash, package, args: &[&'static str]| Contender {
        name: name.to_owned(),
        hash,
        security: "96-conjectured",
        package: Some(package),
        args: args.to_vec(),
    };
    plica_contenders()
        .chain([
            peer(
                "miden-vm 0.23.5",
                "RPO",
                &MIDEN_23,
                &["prove", "P", "--release", "--hasher", "rpo"],
            ),
            peer(
                "miden-vm 0.23.5",
                "BLAKE3",
                &MIDEN_23,
                &["prove", "P", "--release", "--hasher", "blake3-256"],
            ),
            peer(
                "miden-vm 0.11.0",
                "RPO",
                &MIDEN_11,
                &["prove", "-r", "-a", "P", "-p", "O"],
            ),
            peer(
                "miden-vm 0.11.0",
                "BLAKE3",
                &MIDEN_11,
                &["prove", "-a", "P", "-p", "O"],
            ),
        ])
        .collect()
}

impl Contender {
    fn label(&self) -> String {
        format!("{} {} {}", self.name, self.hash, self.security)
    }
}

/// A finished process.
#[derive(Clone, Copy, Debug)]
struct Measurement {
    wall: Duration,
    cpu: Duration,
    peak_bytes: u64,
    proof_bytes: u64,
}

fn measure(command: &Path, contender: &Contender, source: &Path) -> Result<Measurement, String> {
    // Peers write beside the program: give every run a folder of its own.
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let program = folder.path().join("program.masm");
    let proof = folder.path().join("program.proof");
    std::fs::copy(source, &program).map_err(|e| e.to_string())?;
    std::fs::copy(
        source.with_extension("inputs"),
        folder.path().join("program.inputs"),
    )
    .map_err(|e| e.to_string())?;
    let args = contender.args.iter().map(|&arg| match arg {
        "P" => program.as_os_str(),
        "O" => proof.as_os_str(),
        other => other.as_ref(),
    });
    let start = Instant::now();
    let mut child = Command::new(command)
        .args(args)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("{}: {e}", command.display()))?;
    let used = child.wait4().map_err(|e| e.to_string())?;
    let wall = start.elapsed();
    if !used.status.success() {
        return Err(format!("{}", used.status));
    }
    Ok(Measurement {
        wall,
        cpu: used.rusage.utime + used.rusage.stime,
        peak_bytes: used.rusage.maxrss,
        proof_bytes: std::fs::metadata(&proof).map_or(0, |m| m.len()),
    })
}

fn median<T: Ord + Copy>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values[values.len() / 2]
}

fn main() -> ExitCode {
    let args = Args::parse();
    match compare(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn compare(args: &Args) -> Result<(), String> {
    let failed = |e: std::io::Error| e.to_string();
    let root = std::path::absolute(&args.peers).map_err(failed)?;
    let plica = std::path::absolute(&args.plica).map_err(failed)?;
    if !plica.exists() {
        return Err(format!(
            "{} does not exist: `cargo build --release` makes it",
            plica.display()
        ));
    }
    if args.install {
        for package in [&MIDEN_23, &MIDEN_11] {
            if !package.install(&root).map_err(failed)? {
                return Err(format!(
                    "{} {} could not be installed",
                    package.name, package.version
                ));
            }
        }
    }
    let mut csv = String::from(
        "program,contender,hash,security,seconds,cpu_seconds,peak_bytes,proof_bytes\n",
    );
    let mut markdown = String::new();
    let all = contenders();
    for name in &args.programs {
        let source = plica_bench::programs().join(format!("{name}.masm"));
        if !source.exists() {
            return Err(format!("{} does not exist", source.display()));
        }
        let present: Vec<(&Contender, PathBuf)> = all
            .iter()
            .filter(|c| {
                let label = c.label();
                args.only.is_empty() || args.only.iter().any(|part| label.contains(part))
            })
            .map(|c| (c, c.package.map_or(plica.clone(), |p| p.command(&root))))
            .filter(|(c, command)| {
                let there = command.exists();
                if !there {
                    eprintln!("{}: not installed (--install)", c.label());
                }
                there
            })
            .collect();
        let mut results: Vec<Vec<Measurement>> = vec![Vec::new(); present.len()];
        let mut failures: Vec<Option<String>> = vec![None; present.len()];
        // With a single run there is no other to warm the caches for.
        let first = usize::from(args.runs == 1);
        for run in first..=args.runs {
            for (i, (contender, command)) in present.iter().enumerate() {
                if failures[i].is_some() {
                    continue;
                }
                eprintln!("{name}: {} ({run}/{})", contender.label(), args.runs);
                match measure(command, contender, &source) {
                    // The first run warms the caches.
                    Ok(_) if run == 0 => {}
                    Ok(measurement) => results[i].push(measurement),
                    Err(error) => failures[i] = Some(error),
                }
            }
        }
        let _ = writeln!(markdown, "### {name}\n");
        markdown.push_str("| | hash | security | time | peak memory | proof |\n");
        markdown.push_str("|---|---|---|---|---|---|\n");
        for (i, (contender, _)) in present.iter().enumerate() {
            let runs = &results[i];
            if let Some(failure) = &failures[i] {
                let _ = writeln!(
                    markdown,
                    "| {} | {} | {} | failed: {failure} | | |",
                    contender.name, contender.hash, contender.security
                );
                continue;
            }
            let wall = median(runs.iter().map(|m| m.wall));
            let cpu = median(runs.iter().map(|m| m.cpu));
            let peak = median(runs.iter().map(|m| m.peak_bytes));
            let proof = median(runs.iter().map(|m| m.proof_bytes));
            let _ = writeln!(
                markdown,
                "| {} | {} | {} | {:.3} s | {} MB | {} KB |",
                contender.name,
                contender.hash,
                contender.security,
                wall.as_secs_f64(),
                peak >> 20,
                proof >> 10,
            );
            let _ = writeln!(
                csv,
                "{name},\"{}\",{},{},{},{},{peak},{proof}",
                contender.name,
                contender.hash,
                contender.security,
                wall.as_secs_f64(),
                cpu.as_secs_f64(),
            );
        }
        markdown.push('\n');
    }
    std::fs::create_dir_all(&args.out).map_err(failed)?;
    std::fs::write(args.out.join("peers.md"), &markdown).map_err(failed)?;
    std::fs::write(args.out.join("peers.csv"), &csv).map_err(failed)?;
    println!("{markdown}");
    Ok(())
}
