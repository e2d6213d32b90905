//! Figures, kept in a file from the moment they are known.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::contender::Contender;
use crate::measure::Measurement;

const HEAD: &str =
    "program,contender,hash,security,runs,seconds,cpu_seconds,peak_bytes,proof_bytes,load,failure";

/// Medians of the runs of a contender.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figures {
    pub(crate) runs: usize,
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_bytes: u64,
    pub(crate) proof_bytes: u64,
    /// Of the machine over the last minute, when the last run ended.
    pub(crate) load: f64,
}

impl Figures {
    /// Medians of one or more runs.
    pub(crate) fn of(runs: &[Measurement]) -> Self {
        Self {
            runs: runs.len(),
            seconds: median(runs.iter().map(|m| m.wall)).as_secs_f64(),
            cpu_seconds: median(runs.iter().map(|m| m.cpu)).as_secs_f64(),
            peak_bytes: median(runs.iter().map(|m| m.peak_bytes)),
            proof_bytes: median(runs.iter().map(|m| m.proof_bytes)),
            load: load(),
        }
    }
}

fn median<T: Ord + Copy>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values[values.len() / 2]
}

fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split(' ').next().and_then(|load| load.parse().ok());
    first.unwrap_or(f64::NAN)
}

/// What a contender did with a program.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) program: String,
    pub(crate) name: String,
    pub(crate) hash: String,
    pub(crate) security: String,
    /// Or how it failed.
    pub(crate) figures: Result<Figures, String>,
}

impl Row {
    pub(crate) fn is_of(&self, program: &str, contender: &Contender) -> bool {
        self.program == program
            && self.name == contender.name
            && self.hash == contender.hash
            && self.security == contender.security
    }

    fn to_csv(&self) -> String {
        let who = [&self.program, &self.name, &self.hash, &self.security]
            .map(String::as_str)
            .join(",");
        match &self.figures {
            Ok(f) => format!(
                "{who},{},{},{},{},{},{},",
                f.runs, f.seconds, f.cpu_seconds, f.peak_bytes, f.proof_bytes, f.load
            ),
            Err(failure) => format!("{who},,,,,,,{}", failure.replace([',', '\n'], " ")),
        }
    }

    fn from_csv(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split(',').collect();
        let [
            program,
            name,
            hash,
            security,
            runs,
            seconds,
            cpu,
            peak,
            proof,
            load,
            failure,
        ] = fields[..]
        else {
            return None;
        };
        let figures = if failure.is_empty() {
            Ok(Figures {
                runs: runs.parse().ok()?,
                seconds: seconds.parse().ok()?,
                cpu_seconds: cpu.parse().ok()?,
                peak_bytes: peak.parse().ok()?,
                proof_bytes: proof.parse().ok()?,
                load: load.parse().ok()?,
            })
        } else {
            Err(failure.to_owned())
        };
        let [program, name, hash, security] = [program, name, hash, security].map(str::to_owned);
        Some(Self {
            program,
            name,
            hash,
            security,
            figures,
        })
    }
}

/// The file, and what is in it.
#[derive(Debug)]
pub(crate) struct Results {
    path: PathBuf,
    pub(crate) rows: Vec<Row>,
}

impl Results {
    /// Begins a file, or goes on with the successes of one.
    pub(crate) fn open(path: PathBuf, resume: bool) -> std::io::Result<Self> {
        let rows = if resume && path.exists() {
            let text = std::fs::read_to_string(&path)?;
            let rows = text.lines().skip(1).filter_map(Row::from_csv);
            rows.filter(|row| row.figures.is_ok()).collect()
        } else {
            Vec::new()
        };
        let lines = std::iter::once(HEAD.to_owned()).chain(rows.iter().map(Row::to_csv));
        let text: String = lines.map(|line| line + "\n").collect();
        replace(&path, &text)?;
        Ok(Self { path, rows })
    }

    pub(crate) fn has(&self, program: &str, contender: &Contender) -> bool {
        self.rows.iter().any(|row| row.is_of(program, contender))
    }

    pub(crate) fn add(&mut self, row: Row) -> std::io::Result<()> {
        let mut file = OpenOptions::new().append(true).open(&self.path)?;
        writeln!(file, "{}", row.to_csv())?;
        self.rows.push(row);
        Ok(())
    }
}

/// Writes a file in one step, so that an interruption leaves the old one.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let new = path.with_extension("new");
    std::fs::write(&new, text)?;
    std::fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contender::selected;

    #[test]
    fn an_interrupted_comparison_goes_on_with_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("peers.csv");
        let contenders = selected(&[]);
        let row = |i: usize, figures| Row {
            program: "fib16384".to_owned(),
            name: contenders[i].name.clone(),
            hash: contenders[i].hash.to_owned(),
            security: contenders[i].security.to_owned(),
            figures,
        };
        let good = row(
            0,
            Ok(Figures {
                runs: 3,
                seconds: 0.25,
                cpu_seconds: 0.5,
                peak_bytes: 1 << 33,
                proof_bytes: 7,
                load: 1.5,
            }),
        );
        let mut results = Results::open(path.clone(), false).unwrap();
        results.add(good.clone()).unwrap();
        results
            .add(row(1, Err("exit status: 1, or so\nmore".to_owned())))
            .unwrap();
        // A line that was cut off.
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("fib16384,miden-vm 0.23.5,RPO,96-conj");
        std::fs::write(&path, text).unwrap();

        let resumed = Results::open(path.clone(), true).unwrap();
        assert_eq!(resumed.rows, [good]);
        assert!(resumed.has("fib16384", &contenders[0]));
        assert!(
            !resumed.has("fib16384", &contenders[1]),
            "failures run again"
        );
        assert!(!resumed.has("hchain", &contenders[0]));
        assert!(Results::open(path, false).unwrap().rows.is_empty());
    }

    #[test]
    fn the_median_is_one_of_the_values() {
        assert_eq!(median([3, 1, 2].into_iter()), 2);
        assert_eq!(median([5].into_iter()), 5);
    }
}
