//! Who is compared: Plica's profiles, and the peers' commands.

use std::path::{Path, PathBuf};
use std::process::Command;

use plica_bench::program::Dialect;

/// A crate that installs a peer's command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// The command it installs.
    binary: &'static str,
    pub(crate) dialect: Dialect,
}

impl Package {
    fn folder(&self, root: &Path) -> PathBuf {
        root.join(format!("{}-{}", self.name, self.version))
    }

    pub(crate) fn command(&self, root: &Path) -> PathBuf {
        self.folder(root).join("bin").join(self.binary)
    }

    pub(crate) fn install(&self, root: &Path) -> std::io::Result<bool> {
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

pub(crate) const MIDEN_23: Package = Package {
    name: "miden-vm",
    version: "0.23.5",
    binary: "miden-vm",
    dialect: Dialect::Release23,
};
pub(crate) const MIDEN_11: Package = Package {
    name: "miden-vm",
    version: "0.11.0",
    binary: "miden",
    dialect: Dialect::Release11,
};

/// One way to prove a program.
#[derive(Debug)]
pub(crate) struct Contender {
    pub(crate) name: String,
    pub(crate) hash: &'static str,
    pub(crate) security: &'static str,
    /// `None` for Plica.
    pub(crate) package: Option<&'static Package>,
    /// Arguments; `P` stands for the program, `O` for the proof.
    pub(crate) args: Vec<&'static str>,
}

impl Contender {
    /// As `--only` searches it.
    pub(crate) fn label(&self) -> String {
        format!("{} {} {}", self.name, self.hash, self.security)
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.package.map_or(Dialect::Release11, |p| p.dialect)
    }
}

/// The peers' security, which is the only one they share.
const PEER_SECURITY: &str = "96-conjectured";

/// Plica's profiles with their hashes, at two levels of security and at the peers' own.
fn plica_contenders() -> impl Iterator<Item = Contender> {
    let profiles = [
        ("fast", "RPO"),
        ("compact", "RPO"),
        ("blake3", "BLAKE3"),
        ("evm", "Keccak-256"),
    ];
    let levels = ["100-proven", "100-conjectured", PEER_SECURITY];
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

/// Everyone.
pub(crate) fn contenders() -> Vec<Contender> {
    let peer = |name: &str, hash, package, args: &[&'static str]| Contender {
        name: name.to_owned(),
        hash,
        security: PEER_SECURITY,
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

/// Those that run: `only` those whose label contains one of the texts, or else those that the bars compare.
pub(crate) fn selected(only: &[String]) -> Vec<Contender> {
    let wanted = |contender: &Contender| {
        if only.is_empty() {
            contender.security == PEER_SECURITY
                && (contender.package.is_some()
                    || ["Plica fast", "Plica blake3"].contains(&contender.name.as_str()))
        } else {
            only.iter().any(|part| contender.label().contains(part))
        }
    };
    contenders().into_iter().filter(wanted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_choice_the_six_of_the_bars_run() {
        let labels: Vec<String> = selected(&[]).iter().map(Contender::label).collect();
        let expected = [
            "Plica fast RPO",
            "Plica blake3 BLAKE3",
            "miden-vm 0.23.5 RPO",
            "miden-vm 0.23.5 BLAKE3",
            "miden-vm 0.11.0 RPO",
            "miden-vm 0.11.0 BLAKE3",
        ];
        assert_eq!(labels, expected.map(|l| format!("{l} 96-conjectured")));
        assert_eq!(selected(&["Plica".to_owned()]).len(), 12);
    }
}
