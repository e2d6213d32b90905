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
//! the diagnostic. A line `differs: reason` marks the cases in which the reference implementation does otherwise. Lines
//! `kernel: text` are the kernel, which that implementation's command cannot load.
//!
//! Advice, in words with their first element first:
//!
//! ```text
//! advice: 7 8                               the advice stack; the first value is popped first
//! map: 1 2 3 4 = 10 20                      an entry of the advice map: key and values
//! tree: 10 0 0 0, 11 0 0 0                  a Merkle tree of these leaves in the store
//! sparse: 5 = 10 0 0 0, 6 = 11 0 0 0        a sparse tree of depth 64: index and leaf
//! partial: 1 0 = 10 0 0 0, 1 1 = 11 0 0 0   a partial tree: depth, index and node
//! ```
#![allow(dead_code, reason = "every test crate uses a part")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use plica_field::{Felt, Word};
use plica_vm::inputs::{Inputs, MerkleTree};
use plica_vm::processor::HostFailure;
use plica_vm::syntax::MemoryModules;

/// A program and what is expected of it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// File and name, as in `field/add`.
    pub(crate) name: String,
    /// The program.
    pub(crate) source: String,
    /// The kernel, if it has one.
    pub(crate) kernel: String,
    /// The initial stack, top first.
    pub(crate) inputs: Vec<u64>,
    /// The lines that give advice.
    pub(crate) advice: Vec<String>,
    /// What happens.
    pub(crate) expected: Expected,
    /// Why the reference implementation does something else.
    pub(crate) differs: Option<String>,
}

impl Case {
    /// Where the program's kernel is.
    pub(crate) fn modules(&self) -> MemoryModules {
        let modules = MemoryModules::default();
        if self.kernel.is_empty() {
            modules
        } else {
            modules.with_kernel(&self.kernel)
        }
    }

    /// What the program is run on.
    pub(crate) fn run_inputs(&self) -> Inputs {
        let mut inputs = Inputs::from_stack(felts(&self.inputs));
        for line in &self.advice {
            let (kind, text) = line.split_once(':').expect("checked by the parser");
            let entries = || text.split(',').map(words_of);
            match kind {
                "advice" => inputs.advice_stack.extend(felts(&numbers(text))),
                "map" => {
                    let (key, values) = words_of(text);
                    inputs.advice_map.insert(word(&key), felts(&values));
                }
                "tree" => {
                    let leaves = entries().map(|(_, leaf)| word(&leaf)).collect();
                    inputs.merkle_store.push(MerkleTree::Full(leaves));
                }
                "sparse" => {
                    let leaves = entries().map(|(at, leaf)| (at[0], word(&leaf))).collect();
                    inputs.merkle_store.push(MerkleTree::Sparse(leaves));
                }
                _ => {
                    let nodes = entries().map(|(at, node)| (at[0] as u8, at[1], word(&node)));
                    inputs
                        .merkle_store
                        .push(MerkleTree::Partial(nodes.collect()));
                }
            }
        }
        inputs
    }
}

/// The numbers before and behind `=`.
fn words_of(entry: &str) -> (Vec<u64>, Vec<u64>) {
    let (before, behind) = entry.split_once('=').unwrap_or(("", entry));
    (numbers(before), numbers(behind))
}

fn felts(values: &[u64]) -> Vec<Felt> {
    values.iter().map(|&value| Felt::new(value)).collect()
}

fn word(values: &[u64]) -> Word {
    felts(values).try_into().expect("four elements")
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
    /// `merkle_verify CODE`: another node than `mtree_verify` expects, with this error code.
    MerkleVerify(u32),
    /// `log_of_zero`: `ilog2` of 0.
    LogOfZero,
    /// `memory_address`: an address of 2^32 or more.
    MemoryAddress,
    /// `memory_range`: `adv.insert_mem` with the end before the start.
    MemoryRange,
    /// `call_depth`: a callee that does not end with 16 elements.
    CallDepth,
    /// `unknown_procedure`: a root of no procedure.
    UnknownProcedure,
    /// `advice_stack`: too few values on the advice stack.
    AdviceStack,
    /// `advice_map`: a key that is not in the advice map.
    AdviceMap,
    /// `preimage`: no message of this length with this digest in the advice map.
    Preimage,
    /// `merkle_lookup`: a place that the Merkle store does not know.
    MerkleLookup,
    /// `interpolation`: bad operands of `adv.push_ext2intt`.
    Interpolation,
    /// `smt_leaf`: a leaf of a sparse tree that the advice map does not have.
    SmtLeaf,
    /// `fri_segment`: a domain segment above 3.
    FriSegment,
    /// `fri_folding`: a value that was not folded to the one expected.
    FriFolding,
    /// `signature_key`: no secret key, or not the one of the public key.
    SignatureKey,
    /// `unimplemented`: an injector that the language names and nobody has.
    Unimplemented,
}

impl From<HostFailure> for Failure {
    fn from(failure: HostFailure) -> Self {
        match failure {
            HostFailure::Key => Self::AdviceMap,
            HostFailure::Preimage => Self::Preimage,
            HostFailure::Root | HostFailure::Position | HostFailure::Node => Self::MerkleLookup,
            HostFailure::Leaf => Self::SmtLeaf,
            HostFailure::Range => Self::MemoryRange,
            HostFailure::Interpolation => Self::Interpolation,
            HostFailure::Address(_) => Self::MemoryAddress,
            HostFailure::NotU32(_) => Self::NotU32,
            HostFailure::DivisionByZero => Self::DivisionByZero,
            HostFailure::SecretKey | HostFailure::PublicKey => Self::SignatureKey,
            HostFailure::NoSigner => panic!("built without the feature `falcon`"),
            HostFailure::Unimplemented => Self::Unimplemented,
            HostFailure::Limit { .. } => panic!("no case asks for that much"),
        }
    }
}

impl Failure {
    /// The failures without an error code.
    const PLAIN: &[(Self, &'static str)] = &[
        (Self::DivisionByZero, "division_by_zero"),
        (Self::NotBinary, "not_binary"),
        (Self::NotU32, "not_u32"),
        (Self::Depth, "depth"),
        (Self::LogOfZero, "log_of_zero"),
        (Self::MemoryAddress, "memory_address"),
        (Self::MemoryRange, "memory_range"),
        (Self::CallDepth, "call_depth"),
        (Self::UnknownProcedure, "unknown_procedure"),
        (Self::AdviceStack, "advice_stack"),
        (Self::AdviceMap, "advice_map"),
        (Self::Preimage, "preimage"),
        (Self::MerkleLookup, "merkle_lookup"),
        (Self::Interpolation, "interpolation"),
        (Self::SmtLeaf, "smt_leaf"),
        (Self::FriSegment, "fri_segment"),
        (Self::FriFolding, "fri_folding"),
        (Self::SignatureKey, "signature_key"),
        (Self::Unimplemented, "unimplemented"),
    ];

    fn parse(text: &str) -> Option<Self> {
        Some(match text.split_once(' ').unwrap_or((text, "")) {
            ("assertion", code) => Self::Assertion(code.parse().ok()?),
            ("merkle_verify", code) => Self::MerkleVerify(code.parse().ok()?),
            (name, "") => Self::PLAIN.iter().find(|(_, known)| *known == name)?.0,
            _ => return None,
        })
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Assertion(code) => write!(f, "assertion {code}"),
            Self::MerkleVerify(code) => write!(f, "merkle_verify {code}"),
            plain => {
                let (_, name) = Self::PLAIN
                    .iter()
                    .find(|(failure, _)| failure == plain)
                    .unwrap();
                f.write_str(name)
            }
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
    let (mut advice, mut kernel) = (Vec::new(), String::new());
    for line in rest.lines() {
        if let Some(values) = line.strip_prefix("in:") {
            inputs = numbers(values);
        } else if ["advice:", "map:", "tree:", "sparse:", "partial:"]
            .iter()
            .any(|kind| line.starts_with(kind))
        {
            advice.push(line.to_owned());
        } else if let Some(text) = line.strip_prefix("kernel:") {
            kernel.push_str(text.trim());
            kernel.push('\n');
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
        kernel,
        inputs,
        advice,
        expected,
        differs,
    }
}

fn numbers(text: &str) -> Vec<u64> {
    text.split_whitespace()
        .map(|number| number.parse().expect("a decimal number"))
        .collect()
}
