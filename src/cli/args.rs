//! Arguments.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use plica::{DEFAULT_MAX_CYCLES, Model, Profile, SecurityTarget};

/// Runs, proves and verifies MASM programs.
#[derive(Debug, Parser)]
#[command(
    name = "plica",
    version,
    after_help = "Exit codes: 0 success; 1 proof rejected; 2 usage; 3 malformed program, input, key, proof or claim; \
                  4 execution failed; 5 security target not met; 6 file cannot be read or written.\n\
                  PLICA_TRACE=1 prints a tree of phases with times to standard error, PLICA_TRACE=debug a longer one."
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a program and print its output.
    Run(RunArgs),
    /// Run a program and prove the run: writes a proof and a claim.
    Prove(ProveArgs),
    /// Make the verifying key of a program.
    Setup(SetupArgs),
    /// Check that a proof proves a claim.
    Verify(VerifyArgs),
    /// Check that claims about one program link: each starts from the root with which the one before ends. Proofs are not looked at.
    Chain(ChainArgs),
    /// Run a program and say what proving the run would cost.
    Analyze(AnalyzeArgs),
    /// Aggregate proofs of profile `lifted`, or aggregates, into one.
    Aggregate(AggregateArgs),
    /// Say what is in a file: a proof, a key, a claim, a tree of claims.
    Inspect(InspectArgs),
}

impl Command {
    /// Whether output and errors are JSON.
    pub(super) const fn json(&self) -> bool {
        match self {
            Self::Run(a) => a.program.json,
            Self::Prove(a) => a.program.json,
            Self::Setup(a) => a.program.json,
            Self::Verify(a) => a.json,
            Self::Chain(a) => a.json,
            Self::Analyze(a) => a.program.json,
            Self::Aggregate(a) => a.json,
            Self::Inspect(a) => a.json,
        }
    }
}

/// The program and how to report on it.
#[derive(Debug, Args)]
pub(super) struct ProgramArgs {
    /// The program, a MASM file; modules are looked for beside it.
    pub(super) program: PathBuf,
    /// The kernel, a module whose exports `syscall` names; part of what the key stands for.
    #[arg(long, value_name = "FILE")]
    pub(super) kernel: Option<PathBuf>,
    /// The security target of the proofs that `plica::recursion::verify_proof` accepts, if the program uses it.
    #[arg(long, value_name = "BITS[-MODEL]", default_value = "100-proven")]
    pub(super) verifies: Security,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// The inputs of one run.
#[derive(Debug, Args)]
pub(super) struct InputArgs {
    /// The inputs [default: the program's name with the extension `inputs`, if that exists, else an empty stack].
    #[arg(short, long, value_name = "FILE")]
    pub(super) inputs: Option<PathBuf>,
}

/// What the program runs on beside its inputs.
#[derive(Debug, Args)]
pub(super) struct ExecutionArgs {
    /// The Merkle store to use; `run` and `prove` write it back with the trees that the run made, and begin it if there is none.
    #[arg(long, value_name = "FILE")]
    pub(super) store: Option<PathBuf>,
    /// A proof that the program verifies, with its claim beside it; several in the order in which it does. They come behind the
    /// advice stack of the inputs.
    #[arg(long = "proof", value_name = "FILE")]
    pub(super) proofs: Vec<PathBuf>,
    /// Where the keys of these proofs are [default: beside them].
    #[arg(long, value_name = "DIR")]
    pub(super) keys: Vec<PathBuf>,
    /// Give up after this many cycles.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_CYCLES)]
    pub(super) max_cycles: u64,
}

/// Parameters of the key.
#[derive(Debug, Args)]
pub(super) struct KeyArgs {
    /// Hash and rate of the proof.
    #[arg(long, value_parser = profile, default_value = "fast", value_name = "fast|blake3|evm|lifted|compact|small")]
    pub(super) profile: Profile,
    /// Security target: bits, and `-proven` (the default), `-conjectured` or `-unique-decoding`.
    #[arg(long, default_value = "100-proven", value_name = "BITS[-MODEL]")]
    pub(super) security: Security,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) program: ProgramArgs,
    #[command(flatten)]
    pub(super) inputs: InputArgs,
    #[command(flatten)]
    pub(super) execution: ExecutionArgs,
}

#[derive(Debug, Args)]
pub(super) struct ProveArgs {
    #[command(flatten)]
    pub(super) program: ProgramArgs,
    /// The inputs [default: the program's name with the extension `inputs`, if that exists, else an empty stack]. Given several times, all
    /// runs are proven together: a joint proof, with a key of its own (`setup --joint`).
    #[arg(short, long, value_name = "FILE")]
    pub(super) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) execution: ExecutionArgs,
    #[command(flatten)]
    pub(super) key: KeyArgs,
    /// Where to write the proof; the claim goes beside it, with the extension `claim.json`, of a joint proof `claims.json`.
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct SetupArgs {
    #[command(flatten)]
    pub(super) program: ProgramArgs,
    #[command(flatten)]
    pub(super) key: KeyArgs,
    /// Make the key of joint proofs of this program, of any number of runs.
    #[arg(long)]
    pub(super) joint: bool,
    /// Where to write the key.
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("trusted").required(true).multiple(true).args(["key", "program", "claims"]))]
pub(super) struct VerifyArgs {
    /// The proof.
    pub(super) proof: PathBuf,
    /// The verifying key.
    #[arg(long, value_name = "FILE")]
    pub(super) key: Option<PathBuf>,
    /// With the claims of a joint proof: the key is a joint key, from `setup --joint`. No file says so, and under the key of another program
    /// a proof may end with a stack that looks like joint claims.
    #[arg(long, requires = "key", requires = "claims")]
    pub(super) joint: bool,
    /// Rebuild the key from this program instead, for the proof's profile.
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub(super) program: Option<PathBuf>,
    /// With --program: its kernel.
    #[arg(long, value_name = "FILE", requires = "program")]
    pub(super) kernel: Option<PathBuf>,
    /// The claim.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "claims",
        conflicts_with = "claims"
    )]
    pub(super) claim: Option<PathBuf>,
    /// The claims of an aggregate, whose key follows from the target, or of a joint proof.
    #[arg(long, value_name = "FILE")]
    pub(super) claims: Option<PathBuf>,
    /// The security that the proof must have; neither proof nor key can lower it. With --program or --claims also the target of
    /// the key, unless --key-security says otherwise.
    #[arg(long, default_value = "100-proven", value_name = "BITS[-MODEL]")]
    pub(super) security: Security,
    /// With --program or --claims: the target for which the key was made.
    #[arg(long, value_name = "BITS[-MODEL]", conflicts_with = "key")]
    pub(super) key_security: Option<Security>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ChainArgs {
    /// The claims, in order. The root is the top word of the stack, at the start and at the end.
    #[arg(required = true, value_name = "CLAIM")]
    pub(super) claims: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct AnalyzeArgs {
    #[command(flatten)]
    pub(super) program: ProgramArgs,
    #[command(flatten)]
    pub(super) inputs: InputArgs,
    #[command(flatten)]
    pub(super) execution: ExecutionArgs,
    /// The profile to predict time and memory for.
    #[arg(long, value_parser = profile, default_value = "fast", value_name = "fast|blake3|evm|lifted|compact|small")]
    pub(super) profile: Profile,
    /// The security target of the key, on which heights of tables may depend.
    #[arg(long, default_value = "100-proven", value_name = "BITS[-MODEL]")]
    pub(super) security: Security,
}

#[derive(Debug, Args)]
pub(super) struct AggregateArgs {
    /// Proofs, each with its claim beside it (`X.claim.json`, or `X.claims.json` of an aggregate), and folders: all proofs in them, by name.
    #[arg(required = true, value_name = "PROOF|DIR")]
    pub(super) proofs: Vec<PathBuf>,
    /// Where the keys of the proofs are, in any files `*.key` [default: beside the proofs].
    #[arg(long, value_name = "DIR")]
    pub(super) keys: Vec<PathBuf>,
    /// Where to write the proof; the claims go beside it, with the extension `claims.json`.
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// Proofs under one node.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(2..=64))]
    pub(super) arity: u16,
    /// The security target of all proofs.
    #[arg(long, default_value = "100-proven", value_name = "BITS[-MODEL]")]
    pub(super) security: Security,
    /// Where finished nodes are kept, so that an interrupted run goes on where it was [default: the output with the extension `nodes`].
    #[arg(long, value_name = "DIR")]
    pub(super) nodes: Option<PathBuf>,
    /// Prove the root once more, in profile `small`: a quarter of the size, for sixteen times the work of a node over one proof. No program
    /// verifies what comes out, so do it last.
    #[arg(long)]
    pub(super) compress: bool,
    /// Only say what it would cost.
    #[arg(long)]
    pub(super) plan: bool,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct InspectArgs {
    /// The file.
    pub(super) file: PathBuf,
    /// With a tree of claims: the target of its aggregate.
    #[arg(long, default_value = "100-proven", value_name = "BITS[-MODEL]")]
    pub(super) security: Security,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

fn profile(name: &str) -> Result<Profile, String> {
    Profile::by_name(name).ok_or_else(|| {
        let known: Vec<_> = Profile::ALL.iter().map(|p| p.name).collect();
        format!("unknown profile; known are {}", known.join(", "))
    })
}

/// A security target as an argument.
#[derive(Clone, Copy, Debug)]
pub(super) struct Security(pub(super) SecurityTarget);

impl FromStr for Security {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (bits, model) = text.split_once('-').unwrap_or((text, "proven"));
        let model = match model {
            "proven" => Model::Proven,
            "conjectured" => Model::Conjectured,
            "unique-decoding" => Model::UniqueDecoding,
            _ => {
                return Err("the model is `proven`, `conjectured` or `unique-decoding`".to_owned());
            }
        };
        let digits = !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit());
        let bits: u16 = bits
            .parse()
            .ok()
            .filter(|&bits| digits && (1..=128).contains(&bits))
            .ok_or("the number of bits is between 1 and 128")?;
        Ok(Self(SecurityTarget { model, bits }))
    }
}
