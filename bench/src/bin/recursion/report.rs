//! The results, as Markdown and as JSON.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use crate::contender::{Contender, EXAMPLE, PLICA, PLONKY2, SHARED};
use crate::run::Run;
use crate::stage::{OVER_LAYER, OVER_TWO, Stage};

/// A contender with what it did so far.
pub(crate) struct Entry {
    pub(crate) contender: Contender,
    done: Result<Vec<Run>, String>,
}

/// A stage of a contender over all runs.
struct Figures {
    median: Stage,
    range: [f64; 2],
}

impl Entry {
    pub(crate) fn new(contender: Contender) -> Self {
        let done = Ok(Vec::new());
        Self { contender, done }
    }

    /// As `--only` searches it.
    pub(crate) fn label(&self) -> String {
        format!("{} {}", self.contender.name, self.contender.security)
    }

    /// One failure outweighs all successes.
    pub(crate) fn add(&mut self, run: Result<Run, String>) {
        match (&mut self.done, run) {
            (Ok(done), Ok(run)) => done.push(run),
            (done @ Ok(_), Err(failure)) => *done = Err(failure),
            (Err(_), _) => {}
        }
    }

    pub(crate) fn failure(&self) -> Option<String> {
        let failure = self.done.as_ref().err()?;
        Some(format!("{}: {failure}", self.label()))
    }

    fn runs(&self) -> &[Run] {
        self.done.as_deref().unwrap_or_default()
    }

    /// The names of the stages, in their order.
    fn stages(&self) -> impl Iterator<Item = &str> {
        let first = self.runs().first();
        first
            .into_iter()
            .flat_map(|run| run.stages.iter().map(|stage| stage.stage.as_str()))
    }

    fn figures(&self, stage: &str) -> Option<Figures> {
        let runs = self.runs().iter();
        let stages = runs.flat_map(|run| run.stages.iter().filter(|s| s.stage == stage).cloned());
        let (median, range) = Stage::median(stages.collect())?;
        Some(Figures { median, range })
    }

    fn is(&self, name: &str, security: &str) -> bool {
        self.contender.name == name && self.contender.security == security
    }
}

/// How many times as long something took as another.
#[derive(Serialize)]
struct Ratio {
    what: String,
    time: f64,
    cpu: Option<f64>,
}

impl Ratio {
    fn new(what: String, over: Option<Figures>, under: Option<Figures>) -> Option<Self> {
        let (over, under) = (over?.median, under?.median);
        Some(Self {
            what,
            time: over.prove / under.prove,
            cpu: over.cpu.zip(under.cpu).map(|(over, under)| over / under),
        })
    }
}

/// Of the medians of proving.
fn ratios(entries: &[Entry]) -> Vec<Ratio> {
    let growth = entries.iter().map(|entry| {
        Ratio::new(
            format!("{}: two-to-one beside one layer", entry.label()),
            entry.figures(OVER_TWO),
            entry.figures(OVER_LAYER),
        )
    });
    let shared = |name, stage| {
        let entry = entries.iter().find(|entry| entry.is(name, SHARED))?;
        entry.figures(stage)
    };
    let layers = [
        (EXAMPLE, OVER_LAYER),
        (PLONKY2, OVER_LAYER),
        (PLONKY2, OVER_TWO),
    ];
    let beside = layers.map(|(peer, stage)| {
        Ratio::new(
            format!("{stage}: {PLICA} beside {peer}, both {SHARED}"),
            shared(PLICA, stage),
            shared(peer, stage),
        )
    });
    growth.chain(beside).flatten().collect()
}

/// A table of stages, one of processes, and one of ratios.
pub(crate) fn markdown(entries: &[Entry], runs: usize) -> String {
    let or = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let megabytes = |bytes: u64| format!("{} MB", bytes >> 20);
    let kilobytes = |bytes: u64| format!("{} KB", bytes >> 10);
    let mut text = format!("Runs: {runs}; medians, with least and largest.\n\n");
    text.push_str(
        "| | hash | security | stage | setup | proving | CPU | verification | queries | rows | cells | proof | compressed | peak so far |\n",
    );
    text.push_str("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for entry in entries {
        let Contender {
            name,
            hash,
            security,
            ..
        } = &entry.contender;
        for stage in entry.stages() {
            let Some(Figures { median, range }) = entry.figures(stage) else {
                continue;
            };
            let _ = writeln!(
                text,
                "| {name} | {hash} | {security} | {stage} | {} | {:.2} s ({:.2}–{:.2}) | {} | {} | {} | {} | {} | {} | {} | {} |",
                or(median.setup.map(|s| format!("{s:.2} s"))),
                median.prove,
                range[0],
                range[1],
                or(median.cpu.map(|s| format!("{s:.2} s"))),
                or(median.verify.map(|s| format!("{:.1} ms", s * 1e3))),
                or(median.queries.map(|n| n.to_string())),
                or(median.log_rows.map(|log| format!("2^{log}"))),
                or(median.cells.map(|n| format!("{:.2} M", n as f64 / 1e6))),
                or(median.bytes.map(kilobytes)),
                or(median.compressed.map(kilobytes)),
                or(median.peak.map(megabytes)),
            );
        }
    }
    text.push_str("\n| process | wall | CPU | peak memory | load |\n|---|---|---|---|---|\n");
    for entry in entries {
        for run in entry.runs() {
            let _ = writeln!(
                text,
                "| {} | {:.1} s | {:.1} s | {} | {} |",
                entry.label(),
                run.wall,
                run.cpu,
                megabytes(run.peak),
                or(run.load.map(|load| format!("{load:.1}"))),
            );
        }
        if let Some(failure) = entry.failure() {
            let _ = writeln!(text, "| failed: {failure} | | | | |");
        }
    }
    text.push_str("\n| ratio of proving | time | CPU |\n|---|---|---|\n");
    for Ratio { what, time, cpu } in ratios(entries) {
        let cpu = or(cpu.map(|cpu| format!("{cpu:.2}")));
        let _ = writeln!(text, "| {what} | {time:.2} | {cpu} |");
    }
    text
}

/// All of it: every run of everyone.
pub(crate) fn json(entries: &[Entry], runs: usize) -> Value {
    let contenders: Vec<Value> = entries
        .iter()
        .map(|entry| {
            json!({
                "name": entry.contender.name,
                "hash": entry.contender.hash,
                "security": entry.contender.security,
                "runs": entry.runs(),
                "failure": entry.failure(),
            })
        })
        .collect();
    json!({
        "runs": runs,
        "threads": std::thread::available_parallelism().ok(),
        "contenders": contenders,
        "ratios": ratios(entries),
    })
}
