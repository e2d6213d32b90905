//! A contender's process.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde::Serialize;
use wait4::Wait4;

use crate::contender::Contender;
use crate::stage::Stage;

/// What one process did.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Run {
    pub(crate) stages: Vec<Stage>,
    /// Seconds of the process.
    pub(crate) wall: f64,
    /// Seconds of all its threads.
    pub(crate) cpu: f64,
    /// Peak memory in bytes.
    pub(crate) peak: u64,
    /// Of the machine over the last minute, when the process ended.
    pub(crate) load: Option<f64>,
}

/// Proves all stages once.
///
/// # Errors
/// Why there are none.
pub(crate) fn run(contender: &Contender) -> Result<Run, String> {
    let io = |error: std::io::Error| error.to_string();
    let folder = tempfile::tempdir().map_err(io)?;
    let [printed, log] = ["stdout", "stderr"].map(|name| folder.path().join(name));
    let start = Instant::now();
    let mut child = Command::new(&contender.command)
        .args(&contender.args)
        .stdin(Stdio::null())
        .stdout(File::create(&printed).map_err(io)?)
        .stderr(File::create(&log).map_err(io)?)
        .spawn()
        .map_err(|error| format!("{}: {error}; see --install", contender.command.display()))?;
    let used = child.wait4().map_err(io)?;
    let wall = start.elapsed().as_secs_f64();
    let mut output = std::fs::read_to_string(&printed).map_err(io)?;
    output.push_str(&std::fs::read_to_string(&log).map_err(io)?);
    if !used.status.success() {
        let last = output.lines().last().unwrap_or_default();
        return Err(format!("{}: {last}", used.status));
    }
    let stages = (contender.read)(&output);
    if stages.is_empty() {
        return Err("printed no times".to_owned());
    }
    Ok(Run {
        stages,
        wall,
        cpu: (used.rusage.utime + used.rusage.stime).as_secs_f64(),
        peak: used.rusage.maxrss,
        load: load(),
    })
}

fn load() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}
