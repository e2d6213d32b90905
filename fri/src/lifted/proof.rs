//! The proof.

use serde::{Deserialize, Serialize};

use super::fold::Coefficients;
use crate::types::{Ext, Felt, Word};

/// A proof in the lifted format. Lengths are those that key and list of tables determine; a verifier checks them first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiftedProof {
    /// Roots of the trees that the prover commits to: main columns, bus columns (if there are any), quotient.
    pub main: Word,
    pub bus: Option<Word>,
    pub quotient: Word,
    /// What each table with interactions adds to the bus.
    pub terminals: Vec<Ext>,
    /// Per tree and point: the values of its columns.
    pub claims: Vec<Vec<Ext>>,
    /// Roots of the layers of the low-degree test.
    pub layers: Vec<Word>,
    /// Coefficients of what is left of the batched polynomial after all foldings.
    pub last: Vec<Ext>,
    /// Witness of the work in front of the queries.
    pub work: Felt,
    /// Per tree: its openings.
    pub rows: Vec<Opening<Vec<Felt>>>,
    /// Per layer: its openings.
    pub folds: Vec<Opening<Coefficients>>,
}

/// Leaves of a tree at the positions that are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening<L> {
    /// By ascending position, each once however often it is asked for.
    pub leaves: Vec<L>,
    /// The siblings that the paths to the root need, each once: level by level from the leaves, by position.
    pub siblings: Vec<Word>,
}
