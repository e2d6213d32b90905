//! Claims: what a proof proves, as a file.
//!
//! ```json
//! {
//!   "version": 1,
//!   "key": "0x<64 hex digits>",
//!   "inputs": ["<decimal>", … 16, top of the stack first],
//!   "outputs": ["<decimal>", … 16, top of the stack first]
//! }
//! ```
//! A claim has exactly one form: two spaces of indentation, one item per line, a final newline. Anything else is
//! refused, so that equal claims are equal files.

use plica_air::code::STACK_SIZE;
use plica_field::{Felt, TextError, Word, format_felt, format_word, parse_felt, parse_word};
use plica_hash_rpo::hash_elements;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Version of the claim file.
pub const CLAIM_VERSION: u32 = 1;

/// Largest claim file, in bytes; longer ones are not even parsed.
pub const MAX_CLAIM_BYTES: usize = 4096;

/// "The program with this key, run on these inputs, ends with these outputs."
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "ClaimFile", try_from = "ClaimFile")]
pub struct Claim {
    /// Digest of the verifying key.
    pub key: Word,
    /// Top of the stack first.
    pub inputs: [Felt; STACK_SIZE],
    /// Top of the stack first.
    pub outputs: [Felt; STACK_SIZE],
}

/// Why a claim does not go on where another one ends.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LinkError {
    #[error("the claim is about another key ({this}) than the one before it ({before})")]
    OtherKey { this: String, before: String },
    #[error("the claim starts from {this}, but the one before it ends with {before}")]
    OtherRoot { this: String, before: String },
}

/// Why a text is not a claim.
#[derive(Debug, Error)]
pub enum ClaimError {
    #[error("a claim has at most {MAX_CLAIM_BYTES} bytes, found {0}")]
    TooLong(usize),
    #[error("not a claim: {0}")]
    Json(serde_json::Error),
    #[error("claim version {0}; this release reads version {CLAIM_VERSION}")]
    Version(u32),
    #[error("`key`: {0}")]
    Key(TextError),
    #[error("`{list}` has {got} values; a claim has {STACK_SIZE}")]
    Count { list: &'static str, got: usize },
    #[error("`{list}[{index}]`: {reason}")]
    Value {
        list: &'static str,
        index: usize,
        reason: TextError,
    },
    #[error("the claim is not in canonical form (layout, order of the fields, or extra fields)")]
    NotCanonical,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimFile {
    version: u32,
    key: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
}

impl ClaimFile {
    pub(crate) const fn new(key: String, inputs: Vec<String>, outputs: Vec<String>) -> Self {
        Self {
            version: CLAIM_VERSION,
            key,
            inputs,
            outputs,
        }
    }
}

impl Claim {
    /// The public values in the order of the boundary chip.
    pub fn public_values(&self) -> Vec<Felt> {
        self.inputs.iter().chain(&self.outputs).copied().collect()
    }

    /// What a program that verifies a proof of this claim has on its stack, top first: the digest of the key and the hash of the public
    /// values, the last element of each word on top.
    pub fn statement(&self) -> [Felt; 8] {
        let words = [self.key, hash_elements(&self.public_values())];
        std::array::from_fn(|i| words[i / 4][3 - i % 4])
    }

    /// The word on top of the stack at the start and at the end: where a program that carries a state on has its root.
    pub fn roots(&self) -> [Word; 2] {
        // The last element of a word is on top.
        [&self.inputs, &self.outputs].map(|stack| std::array::from_fn(|j| stack[3 - j]))
    }

    /// Whether this is a run of the same program that starts from the root with which `before` ends. That both are true is for
    /// their proofs to say.
    ///
    /// # Errors
    /// [`LinkError`] if it is not.
    pub fn follows(&self, before: &Self) -> Result<(), LinkError> {
        let ([start, _], [_, end]) = (self.roots(), before.roots());
        if self.key != before.key {
            let [this, before] = [self, before].map(|claim| format_word(&claim.key));
            Err(LinkError::OtherKey { this, before })
        } else if start != end {
            let [this, before] = [start, end].map(|root| format_word(&root));
            Err(LinkError::OtherRoot { this, before })
        } else {
            Ok(())
        }
    }

    /// The claim's one textual form.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings and numbers only");
        text.push('\n');
        text
    }

    /// Reads a claim.
    ///
    /// # Errors
    /// [`ClaimError`] for anything but exactly what [`Self::to_json`] writes.
    pub fn from_json(text: &[u8]) -> Result<Self, ClaimError> {
        if text.len() > MAX_CLAIM_BYTES {
            return Err(ClaimError::TooLong(text.len()));
        }
        let file: ClaimFile = serde_json::from_slice(text).map_err(ClaimError::Json)?;
        let claim = Self::try_from(file)?;
        if claim.to_json().as_bytes() != text {
            return Err(ClaimError::NotCanonical);
        }
        Ok(claim)
    }
}

impl From<Claim> for ClaimFile {
    fn from(claim: Claim) -> Self {
        let decimals = |values: &[Felt]| values.iter().map(|&v| format_felt(v)).collect();
        Self {
            version: CLAIM_VERSION,
            key: format_word(&claim.key),
            inputs: decimals(&claim.inputs),
            outputs: decimals(&claim.outputs),
        }
    }
}

impl TryFrom<ClaimFile> for Claim {
    type Error = ClaimError;

    fn try_from(file: ClaimFile) -> Result<Self, ClaimError> {
        if file.version != CLAIM_VERSION {
            return Err(ClaimError::Version(file.version));
        }
        Ok(Self {
            key: parse_word(&file.key).map_err(ClaimError::Key)?,
            inputs: values("inputs", &file.inputs)?,
            outputs: values("outputs", &file.outputs)?,
        })
    }
}

fn values(list: &'static str, texts: &[String]) -> Result<[Felt; STACK_SIZE], ClaimError> {
    let values = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            parse_felt(text).map_err(|reason| ClaimError::Value {
                list,
                index,
                reason,
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    values
        .try_into()
        .map_err(|v: Vec<_>| ClaimError::Count { list, got: v.len() })
}
