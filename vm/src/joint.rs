//! Joint proofs: many runs of one program in one proof.
//!
//! The program is wrapped ([`parse_joint`](crate::syntax::parse_joint)): a loop calls its body once per run, on inputs from the advice, and takes inputs and outputs into
//! a digest, which is public. So the proof has one run, of the wrapper, and everything that keeps calls apart keeps its runs apart: each call
//! has a frame and a memory context named by its clock, and the clock does not repeat. There is no rule to add, and no sum per run to check.
//!
//! ```text
//! stack     digest of the runs (on top), their number; both stay
//! digest    merge(… merge((n, 0, 0, JOINT), hash(public values of the first run)) …, hash(those of the last))
//! ```
//! What a run could learn about others is refused: the clock, which goes on from run to run, and calls of a kernel, whose memory lasts.

use p3_field::PrimeCharacteristicRing;
use plica_air::code::STACK_SIZE;
use plica_field::{Felt, Word};
use plica_hash_rpo::{hash_elements, merge};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::claim::{Claim, ClaimFile};
use crate::compile::{Compiled, RunError};
use crate::inputs::Inputs;

/// What the first word of the digest ends with.
const JOINT: u64 = 0x6e69_6f6a;

/// Name of the program's body in the wrapper.
pub(crate) const RUN: &str = "run";

/// Under this key the advice map has the inputs of the run behind which `left − 1` more follow.
pub(crate) fn key_of_run(left: usize) -> Word {
    [
        Felt::from_usize(left),
        Felt::ZERO,
        Felt::ZERO,
        Felt::from_u64(JOINT),
    ]
}

/// The wrapper, for which the body is the procedure [`RUN`].
pub(crate) fn wrapper() -> String {
    // Copies of eight elements, the first of which has `from` items above it; each copy puts the next one further down.
    let block = |from: usize| {
        let copies = (0..8).map(|j| format!("pick.{}", from + 2 * j));
        copies.collect::<Vec<_>>().join(" ")
    };
    // Only the capacity of the state is kept.
    let first_half = format!(
        "padw {} hperm dropw dropw\n{} hperm dropw dropw",
        block(4),
        block(12)
    );
    let second_half = format!(
        "repeat.4 pick.19 end {} hperm dropw dropw\n{} hperm dropw",
        block(4),
        block(12)
    );
    format!(
        "begin
    # [D, n, ..]
    dup.4 push.0.0.{JOINT} dup.8                        # [left, h, D, n, ..]
    dup neq.0
    while.true
        dup push.0.0.{JOINT} adv.push_mapval dropw
        adv_push.16                                     # [i, left, h, ..]
        {first_half}                                    # [c, i, left, h, ..]
        repeat.16 pick.19 end call.{RUN}                # [o, c, i, left, h, ..]
        {second_half}                                   # [d, c', o, c, i, left, h, ..]
        repeat.4 pick.48 end repeat.4 pick.7 end hmerge # [h', d, c', o, c, i, left, h, ..]
        pick.48 sub.1
        repeat.49 movup.5 drop end                      # [left', h', D, n, ..]
        dup neq.0
    end
    drop dupw.1 assert_eqw
end
"
    )
}

/// Inputs and outputs of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Top of the stack first.
    pub inputs: [Felt; STACK_SIZE],
    /// Top of the stack first.
    pub outputs: [Felt; STACK_SIZE],
}

/// What names a program in claims about its joint runs, from the digest of its joint key.
///
/// No key has this digest: under a key that a verifier trusts as that of a program, a run of that program may end with any stack, also with
/// one that looks like a digest of runs, and must not count as those.
pub fn program(joint_key: &Word) -> Word {
    merge([key_of_run(0), *joint_key])
}

/// "The program of which this is the joint key has these runs." Whether it is one, whoever verifies must know: it is if it was made from the
/// program, or came from where it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "JointFile", try_from = "JointFile")]
pub struct JointClaim {
    /// Digest of the wrapper's verifying key.
    pub key: Word,
    /// In the order of the proof; at least one.
    pub runs: Vec<Run>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunFile {
    inputs: Vec<String>,
    outputs: Vec<String>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JointFile {
    key: String,
    runs: Vec<RunFile>,
}

/// Why a text is no joint claim.
#[derive(Debug, Error)]
pub enum JointClaimError {
    #[error("a joint claim without runs")]
    Empty,
    #[error("run {index}: {reason}")]
    Run {
        index: usize,
        reason: crate::claim::ClaimError,
    },
}

impl From<JointClaim> for JointFile {
    fn from(joint: JointClaim) -> Self {
        let files = joint.claims().map(ClaimFile::from);
        Self {
            key: plica_field::format_word(&joint.key),
            runs: files
                .map(|file| RunFile {
                    inputs: file.inputs,
                    outputs: file.outputs,
                })
                .collect(),
        }
    }
}

impl TryFrom<JointFile> for JointClaim {
    type Error = JointClaimError;

    fn try_from(file: JointFile) -> Result<Self, JointClaimError> {
        let mut key = Word::default();
        let mut runs = Vec::with_capacity(file.runs.len());
        for (index, run) in file.runs.into_iter().enumerate() {
            let claim = ClaimFile::new(file.key.clone(), run.inputs, run.outputs);
            let claim =
                Claim::try_from(claim).map_err(|reason| JointClaimError::Run { index, reason })?;
            key = claim.key;
            runs.push(Run {
                inputs: claim.inputs,
                outputs: claim.outputs,
            });
        }
        match runs.is_empty() {
            true => Err(JointClaimError::Empty),
            false => Ok(Self { key, runs }),
        }
    }
}

impl JointClaim {
    /// What names the program of the runs: see [`program`].
    pub fn program(&self) -> Word {
        program(&self.key)
    }

    /// The runs one by one, each as a claim about [`Self::program`].
    pub fn claims(&self) -> impl Iterator<Item = Claim> + '_ {
        let key = self.program();
        self.runs.iter().map(move |run| Claim {
            key,
            inputs: run.inputs,
            outputs: run.outputs,
        })
    }

    /// What the proof proves: a run of the wrapper.
    pub fn claim(&self) -> Claim {
        let stack = stack(&self.runs);
        Claim {
            key: self.key,
            inputs: stack,
            outputs: stack,
        }
    }
}

/// The stack of the wrapper.
fn stack(runs: &[Run]) -> [Felt; STACK_SIZE] {
    let mut digest = key_of_run(runs.len());
    for run in runs {
        let values: Vec<Felt> = run.inputs.iter().chain(&run.outputs).copied().collect();
        digest = merge([digest, hash_elements(&values)]);
    }
    let mut stack = [Felt::ZERO; STACK_SIZE];
    for (item, value) in stack.iter_mut().zip(digest.into_iter().rev()) {
        *item = value;
    }
    stack[4] = Felt::from_usize(runs.len());
    stack
}

/// Why there are no inputs for a joint run.
#[derive(Debug, Error)]
pub enum JointError {
    #[error("there are no inputs to run on")]
    Empty,
    #[error("run {index}: {reason}")]
    Run { index: usize, reason: Box<RunError> },
}

/// Runs the program on each of the inputs, and says what to run the wrapper on.
///
/// # Errors
/// The first run that fails.
pub fn prepare(
    program: &Compiled,
    inputs: Vec<Inputs>,
    max_cycles: u64,
) -> Result<(Vec<Run>, Inputs), JointError> {
    if inputs.is_empty() {
        return Err(JointError::Empty);
    }
    let runs = inputs.iter().enumerate().map(|(index, own)| {
        let outcome = program
            .run(own, max_cycles)
            .map_err(|reason| JointError::Run { index, reason })?;
        Ok(Run {
            inputs: own.initial_stack(),
            outputs: outcome.outputs,
        })
    });
    let runs = runs.collect::<Result<Vec<_>, _>>()?;
    let mut joint = Inputs::from_stack(stack(&runs).to_vec());
    joint.runs = inputs;
    Ok((runs, joint))
}

#[cfg(test)]
mod tests;
