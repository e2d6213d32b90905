//! What a program has its host do. Nothing of it is proven: an action has no row, no entry of the program table and no place in the
//! chain. It changes the advice that later rows give, and those give whatever the prover likes anyway.

use serde::{Deserialize, Serialize};

use super::{BlockId, Operand};

/// A change of the host's advice. Operands are elements, words with their first element first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HostOp {
    /// key: pushes what the map has there, with the number of elements in front if `counted`.
    PushMapValue { counted: bool },
    /// depth, index, root: pushes a node of a tree.
    PushNode,
    /// left, right: makes their parent known.
    JoinNodes,
    /// b₁, b₀, a₁, a₀: pushes quotient and remainder of 64-bit numbers in halves.
    PushDivision,
    /// k, n, address, context: pushes k coefficients of the polynomial with the n values in memory.
    PushInterpolation,
    /// key, root: pushes the value of a key in a sparse tree of depth 64.
    PushTreeValue,
    /// key, start, end, context: the map has the words of this range under the key.
    InsertMemory,
    /// A, B: the map has them under their hash in a domain.
    InsertPair { domain: u8 },
    /// The twelve elements of a state: the map has its rate under the digest of the permuted state.
    InsertState,
    /// public key, message: pushes a Falcon-512 signature by the secret key that the map has there.
    PushSignature,
    /// What the language names and nobody has; always fails.
    Unimplemented,
}

/// An action at its place in the schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    pub block: BlockId,
    /// The entry of the block in front of which it happens; the end of the block's range for what happens behind all.
    pub before: u32,
    pub op: HostOp,
    /// Cells of the frame and constants.
    pub operands: Vec<Operand>,
}
