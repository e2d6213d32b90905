//! All errors of the facade, by whose fault they are.

use std::path::PathBuf;

use miette::Diagnostic;
use plica_fri::{FileError, ProveError};
use plica_recursion::aggregate::{AggregatorError, ChildError, NodeError, TreeError};
use plica_vm::claim::{ClaimError, LinkError};
use plica_vm::compile::RunError;
use plica_vm::inputs::InputsError;
use plica_vm::ir::CompileError;
use plica_vm::prover::{KeyGenError, ProveRunError, VerifyClaimError};
use plica_vm::syntax;
use thiserror::Error;

/// What kind of failure an [enum@Error] is; the command's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Category {
    /// The proof does not prove the claim under the key.
    Rejected = 1,
    /// A wrong command line.
    Usage = 2,
    /// A malformed program, input, key, proof or claim.
    Malformed = 3,
    /// The program failed while it ran.
    ExecutionFailed = 4,
    /// A security target that cannot be reached or was not.
    Security = 5,
    /// A file that cannot be read or written.
    Io = 6,
}

/// Anything that can go wrong between a source text and a verified proof.
#[derive(Debug, Diagnostic, Error)]
pub enum Error {
    #[error(transparent)]
    #[diagnostic(transparent)]
    Syntax(syntax::Diagnostic),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Compile(Box<plica_vm::ir::CompileError>),
    #[error("there are no inputs to run on")]
    NoInputs,
    #[error("run {index} of a joint proof failed")]
    JointRun {
        index: usize,
        #[source]
        #[diagnostic_source]
        reason: RunError,
    },
    #[error("the run on {path} failed", path = path.display())]
    RunOn {
        path: PathBuf,
        #[source]
        #[diagnostic_source]
        reason: RunError,
    },
    #[error("a joint proof, which has several `--inputs`, cannot be made with `--{0}`")]
    NotJoint(&'static str),
    #[error(
        "{path}: these are claims of a joint proof; give its program (`--program`) or its joint key (`--key K --joint`)", path = path.display()
    )]
    JointKey { path: PathBuf },
    #[error("{path}: these are claims of an aggregate, whose key follows from `--security`; leave `--key` and `--program` out", path = path.display())]
    AggregateKey { path: PathBuf },
    #[error("inputs: {0}")]
    Inputs(#[from] InputsError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Run(Box<RunError>),
    #[error(transparent)]
    KeyGen(#[from] KeyGenError),
    #[error(transparent)]
    Prove(#[from] ProveError),
    #[error(transparent)]
    Verify(#[from] VerifyClaimError),
    #[error(transparent)]
    Aggregator(#[from] AggregatorError),
    #[error(transparent)]
    Node(NodeError),
    #[error(transparent)]
    NotAggregated(ChildError),
    #[error("{path}: {reason}", path = path.display())]
    Child { path: PathBuf, reason: ChildError },
    #[error("{path}: {reason}", path = path.display())]
    Tree { path: PathBuf, reason: TreeError },
    #[error("{path}: no key with the digest {digest} was found; `plica setup` makes it, and `--keys` says where it is", path = path.display())]
    NoKey { path: PathBuf, digest: String },
    #[error("{path}: no claim beside it; expected {first} or {second}", path = path.display(), first = first.display(), second = second.display())]
    NoClaim {
        path: PathBuf,
        first: PathBuf,
        second: PathBuf,
    },
    #[error("{path}: no proofs in this folder", path = path.display())]
    NoProofs { path: PathBuf },
    #[error("{path}: {reason}", path = path.display())]
    File { path: PathBuf, reason: FileError },
    #[error("{path}: {reason}", path = path.display())]
    Claim { path: PathBuf, reason: ClaimError },
    #[error("{path}: {reason}", path = path.display())]
    InputFile { path: PathBuf, reason: InputsError },
    #[error("{path}: {reason}", path = path.display())]
    Chain { path: PathBuf, reason: LinkError },
    #[error("{path}: not UTF-8 text", path = path.display())]
    NotText { path: PathBuf },
    #[error("cannot {action} {path}: {reason}", path = path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        reason: std::io::Error,
    },
}

impl Error {
    /// Whose fault it is.
    pub const fn category(&self) -> Category {
        match self {
            Self::Syntax(_)
            | Self::Compile(_)
            | Self::Inputs(_)
            | Self::KeyGen(_)
            | Self::NotText { .. }
            | Self::File { .. }
            | Self::Claim { .. }
            | Self::Aggregator(_)
            | Self::Tree { .. }
            | Self::NoKey { .. }
            | Self::NoClaim { .. }
            | Self::NoProofs { .. }
            | Self::InputFile { .. } => Category::Malformed,
            Self::Prove(ProveError::Security(_))
            | Self::Verify(VerifyClaimError::Proof(plica_fri::VerifyError::Security(_))) => {
                Category::Security
            }
            // A run that does not fit the tables of a proof.
            Self::Run(_) | Self::JointRun { .. } | Self::RunOn { .. } | Self::Prove(_) => {
                Category::ExecutionFailed
            }
            Self::Child { reason, .. }
            | Self::NotAggregated(reason)
            | Self::Node(NodeError::Child { reason, .. }) => match reason {
                ChildError::Rejected(_) => Category::Rejected,
                _ => Category::Malformed,
            },
            Self::Node(NodeError::Empty)
            | Self::NoInputs
            | Self::NotJoint(_)
            | Self::JointKey { .. }
            | Self::AggregateKey { .. } => Category::Usage,
            Self::Node(_) => Category::ExecutionFailed,
            Self::Verify(_) | Self::Chain { .. } => Category::Rejected,
            Self::Io { .. } => Category::Io,
        }
    }
}

impl From<Box<RunError>> for Error {
    fn from(error: Box<RunError>) -> Self {
        Self::Run(error)
    }
}

impl From<Box<CompileError>> for Error {
    fn from(error: Box<CompileError>) -> Self {
        Self::Compile(error)
    }
}

impl From<ProveRunError> for Error {
    fn from(error: ProveRunError) -> Self {
        match error {
            ProveRunError::Run(error) => Self::Run(error),
            ProveRunError::Prove(error) => Self::Prove(error),
        }
    }
}
