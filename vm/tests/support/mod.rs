//! The corpus: small programs with what they compute.
//!
//! A file of `tests/corpus` is a list of cases, separated by `==` lines:
//!
//! ```text
//! == name_of_the_case
//! in: 5 7                          initial stack, top first; zeros below
//! begin
//!     add
//! end
//! out: 12                          final stack, top first; trailing zeros left out
//! ```
//!
//! In place of `out:` stands `fails: division_by_zero` for a run that fails (the names are those of [`Failure`]; an
//! assertion has its error code behind it) or `rejected: code` for a program that is not assembled, with the code of
//! the diagnostic. A line `differs: reason` marks the cases in which the reference implementation does otherwise.
#![allow(dead_code, reason = "every test crate uses a part")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A program and what is expected of it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// File and name, as in `field/add`.
    pub(crate) name: String,
    /// The program.
    pub(crate) source: String,
    /// The initial stack, top first.
    pub(crate) inputs: Vec<u64>,
    /// What happens.
    pub(crate) expected: Expected,
    /// Why the reference implementation does something else.
    pub(crate) differs: Option<String>,
}

/// What a program does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It ends with this stack, top first.
    Outputs([u64; 16]),
    /// It fails while running.
    Fails(Failure),
    /// It is not assembled; the diagnostic's code without `masm::`.
    Rejected(String),
}

/// Why a run fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// `division_by_zero`
    DivisionByZero,
    /// `assertion CODE`: an assertion with this error code.
    Assertion(u32),
    /// `not_binary`: a Boolean operand or condition that is neither 0 nor 1.
    NotBinary,
    /// `not_u32`: an operand of 2^32 or more.
    NotU32,
    /// `depth`: more than 16 elements at the end.
    Depth,
}

impl Failure {
    fn parse(text: &str) -> Option<Self> {
        Some(match text.split_once(' ').unwrap_or((text, "")) {
            ("division_by_zero", "") => Self::DivisionByZero,
            ("assertion", code) => Self::Assertion(code.parse().ok()?),
            ("not_binary", "") => Self::NotBinary,
            ("not_u32", "") => Self::NotU32,
            ("depth", "") => Self::Depth,
            _ => return None,
        })
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DivisionByZero => f.write_str("division_by_zero"),
            Self::Assertion(code) => write!(f, "assertion {code}"),
            Self::NotBinary => f.write_str("not_binary"),
            Self::NotU32 => f.write_str("not_u32"),
            Self::Depth => f.write_str("depth"),
        }
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fails(failure) => write!(f, "fails: {failure}"),
            Self::Rejected(code) => write!(f, "rejected: {code}"),
            Self::Outputs(values) => {
                let used = values
                    .iter()
                    .rposition(|&value| value != 0)
                    .map_or(0, |last| last + 1);
                let mut line = String::from("out:");
                for value in &values[..used] {
                    write!(line, " {value}")?;
                }
                f.write_str(&line)
            }
        }
    }
}

/// The files of the corpus.
pub(crate) fn corpus_files() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// All cases.
pub(crate) fn load_corpus() -> Vec<Case> {
    corpus_files()
        .iter()
        .flat_map(|file| load_file(file))
        .collect()
}

/// The cases of one file. Panics if the file is not well-formed.
pub(crate) fn load_file(path: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(path).unwrap();
    let section = path.file_stem().unwrap().to_string_lossy();
    let (_, cases) = text.split_once("== ").expect("a file has cases");
    cases
        .split("\n== ")
        .map(|case| parse_case(&section, case))
        .collect()
}

fn parse_case(section: &str, text: &str) -> Case {
    let (title, rest) = text.split_once('\n').expect("a case has a body");
    let name = format!("{section}/{}", title.trim());
    let (mut source, mut inputs, mut expected, mut differs) =
        (String::new(), Vec::new(), None, None);
    for line in rest.lines() {
        if let Some(values) = line.strip_prefix("in:") {
            inputs = numbers(values);
        } else if let Some(values) = line.strip_prefix("out:") {
            let mut stack = [0; 16];
            let values = numbers(values);
            stack[..values.len()].copy_from_slice(&values);
            expected = Some(Expected::Outputs(stack));
        } else if let Some(failure) = line.strip_prefix("fails:") {
            let failure = Failure::parse(failure.trim());
            expected = Some(Expected::Fails(
                failure.unwrap_or_else(|| panic!("{name}: unknown failure")),
            ));
        } else if let Some(code) = line.strip_prefix("rejected:") {
            expected = Some(Expected::Rejected(code.trim().to_owned()));
        } else if let Some(reason) = line.strip_prefix("differs:") {
            differs = Some(reason.trim().to_owned());
        } else {
            source.push_str(line);
            source.push('\n');
        }
    }
    let expected = expected.unwrap_or_else(|| panic!("{name}: nothing is expected"));
    Case {
        name,
        source,
        inputs,
        expected,
        differs,
    }
}

fn numbers(text: &str) -> Vec<u64> {
    text.split_whitespace()
        .map(|number| number.parse().expect("a decimal number"))
        .collect()
}
