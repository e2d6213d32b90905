//! Who is compared, and how they are built.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench_recursion;
use crate::stage::Stage;

/// The security that all share.
pub(crate) const SHARED: &str = "100-conjectured";
/// Plica's own; no peer has it.
pub(crate) const PROVEN: &str = "100-proven";

pub(crate) const PLICA: &str = "Plica";
pub(crate) const PLONKY2: &str = "plonky2 1.1.0";
/// The example in its package.
pub(crate) const EXAMPLE: &str = "plonky2 1.1.0 `bench_recursion`";

/// Who proves the stages, in a process of its own.
#[derive(Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) hash: &'static str,
    pub(crate) security: &'static str,
    pub(crate) command: PathBuf,
    pub(crate) args: Vec<String>,
    /// Finds the stages in what the process prints.
    pub(crate) read: fn(&str) -> Vec<Stage>,
}

/// Everyone. `own` is this program, `peers` the folder where [`install`] puts the others.
pub(crate) fn contenders(own: &Path, peers: &Path, leaves: &[String; 2]) -> Vec<Contender> {
    let plica = |security: &'static str| Contender {
        name: PLICA,
        hash: "RPO",
        security,
        command: own.to_owned(),
        args: [&["--stages".into(), security.into()][..], leaves].concat(),
        read: Stage::read_all,
    };
    let plonky2 = |name, command: &str, args: &[&str], read| Contender {
        name,
        hash: "Poseidon",
        security: SHARED,
        command: peers.join(command),
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        read,
    };
    vec![
        plonky2(
            EXAMPLE,
            "plonky2-1.1.0/bin/bench_recursion",
            &["--size", "12", "-vv"],
            bench_recursion::read,
        ),
        plonky2(
            PLONKY2,
            "plonky2-layers/bin/plonky2-layers",
            &[],
            Stage::read_all,
        ),
        plica(SHARED),
        plica(PROVEN),
    ]
}

/// Builds plonky2's example from the package registry, and the layers of `bench/peers/plonky2`.
///
/// # Errors
/// What could not be built.
pub(crate) fn install(peers: &Path) -> Result<(), String> {
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/plonky2");
    let cargo = |folder: &str, what: &[&str]| {
        let status = Command::new("cargo")
            .args(["install", "--locked", "--root"])
            .arg(peers.join(folder))
            // A package in a folder would be built there.
            .arg("--target-dir")
            .arg(peers.join("build"))
            .args(what)
            .env("RUSTFLAGS", "-Ctarget-cpu=native")
            // plonky2 uses specialisation, which is not stable.
            .env("RUSTC_BOOTSTRAP", "1")
            .status()
            .map_err(|error| format!("cargo: {error}"))?;
        status
            .success()
            .then_some(())
            .ok_or_else(|| format!("{folder} could not be built"))
    };
    let example = [
        "plonky2",
        "--version",
        "1.1.0",
        "--example",
        "bench_recursion",
    ];
    cargo("plonky2-1.1.0", &example)?;
    let driver = driver.to_str().ok_or("the path is not UTF-8")?;
    cargo("plonky2-layers", &["--path", driver])
}
