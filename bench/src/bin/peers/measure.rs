//! One proof in a process of its own: time, memory, and what it computed.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use plica_bench::program::{Source, compare_outputs};
use wait4::Wait4;

use crate::contender::Contender;

/// A finished process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measurement {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    pub(crate) peak_bytes: u64,
    pub(crate) proof_bytes: u64,
}

/// Proves `program` once and compares its outputs.
pub(crate) fn measure(
    command: &Path,
    contender: &Contender,
    program: &str,
    source: &Source,
) -> Result<Measurement, String> {
    let io = |e: std::io::Error| e.to_string();
    // Peers write beside the program: give every run a folder of its own.
    let folder = tempfile::tempdir().map_err(io)?;
    let path = |name: &str| folder.path().join(name);
    let (masm, proof, printed) = (path("program.masm"), path("program.proof"), path("stdout"));
    std::fs::write(&masm, &source.text).map_err(io)?;
    std::fs::write(path("program.inputs"), &source.inputs).map_err(io)?;
    let args = contender.args.iter().map(|&arg| match arg {
        "P" => masm.as_os_str(),
        "O" => proof.as_os_str(),
        other => other.as_ref(),
    });
    let start = Instant::now();
    let mut child = Command::new(command)
        .args(args)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(File::create(&printed).map_err(io)?)
        .stderr(File::create(path("stderr")).map_err(io)?)
        .spawn()
        .map_err(|e| format!("{}: {e}", command.display()))?;
    let used = child.wait4().map_err(io)?;
    let wall = start.elapsed();
    if !used.status.success() {
        let errors = std::fs::read(path("stderr")).unwrap_or_default();
        return Err(format!(
            "{}: {}",
            used.status,
            gist(&String::from_utf8_lossy(&errors))
        ));
    }
    let printed = std::fs::read(&printed).map_err(io)?;
    let outputs = outputs(&String::from_utf8_lossy(&printed)).ok_or("no outputs were printed")?;
    compare_outputs(program, contender.dialect(), &outputs)?;
    let proof_bytes = std::fs::metadata(&proof)
        .map_err(|e| format!("no proof: {e}"))?
        .len();
    Ok(Measurement {
        wall,
        cpu: used.rusage.utime + used.rusage.stime,
        peak_bytes: used.rusage.maxrss,
        proof_bytes,
    })
}

/// The line `Output: [a, b, …]`, which all commands print.
fn outputs(printed: &str) -> Option<Vec<u64>> {
    let line = printed
        .lines()
        .find_map(|line| line.strip_prefix("Output: ["))?;
    let list = line.strip_suffix(']')?;
    list.split(", ").map(|value| value.parse().ok()).collect()
}

/// The first line of an error that says something, for a table.
fn gist(errors: &str) -> String {
    let line = errors.lines().map(str::trim).find(|line| line.len() > 8);
    let text: String = line
        .unwrap_or("")
        .chars()
        .filter(|&c| c != ',' && c != '|')
        .collect();
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_found_in_what_the_commands_print() {
        let printed = "====\nProving\nOutput: [18446744069414584320, 2, 0]\nVM cycles: 66\n";
        assert_eq!(outputs(printed), Some(vec![18446744069414584320, 2, 0]));
        assert_eq!(outputs("Output: [1, x]\n"), None);
        assert_eq!(outputs("Output: 1\n"), None);
    }
}
