//! Ordered instructions with operands and results: what they read and give, one table for all.
//!
//! An effect has a place in the chain, so its results need not be a function of its operands: a load gives what was stored
//! last, advice whatever the prover likes. The rest of the machine handles an [`EffectEntry`] by its [`Signature`], as it does
//! a [`super::FactEntry`].

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_field::Felt;
use serde::{Deserialize, Serialize};

use super::fact::Signature;
use super::types::Type;
use super::{CellId, Class, Operand, Pc};

/// Field elements that an advice row gives.
pub const ADVICE_VALUES: usize = 4;

/// Most operands of an effect.
pub const MAX_EFFECT_OPERANDS: usize = 5;

/// Deepest place of a Merkle tree that a row can name. At depth 64 there are more indices than field elements.
pub const MAX_DEPTH: u64 = 63;

/// An instruction that runs at a place of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EffectOp {
    /// Element 0 of the word at an address.
    LoadElement,
    /// Replaces element 0 of the word at an address.
    StoreElement,
    /// The word at an address.
    LoadWord,
    /// Replaces the word at an address.
    StoreWord,
    /// The same four in any context: the address is a word (address, context, 0, 0).
    LoadElementIn,
    StoreElementIn,
    LoadWordIn,
    StoreWordIn,
    /// Takes so many values (1 to 4) from the advice. The row gives four values all the same, and the word of them.
    Advice {
        count: u8,
    },
    /// root, depth, index: the node at this place of a Merkle tree.
    ReadNode,
    /// root, depth, index, node: the node at this place, and the root of the tree that has the other one there.
    ReplaceNode,
    /// The clock of the row: a number that no other row has.
    Clock,
    /// digest, a, m, x, number of blocks: two sums over the elements of the message with this digest, at the challenges a and m and at x.
    SumPreimage,
}

use Type::{Ext3, Felt as F, Word};

impl EffectOp {
    /// Every instruction, advice with the most values.
    pub const ALL: &'static [Self] = &[
        Self::LoadElement,
        Self::StoreElement,
        Self::LoadWord,
        Self::StoreWord,
        Self::LoadElementIn,
        Self::StoreElementIn,
        Self::LoadWordIn,
        Self::StoreWordIn,
        Self::Advice {
            count: ADVICE_VALUES as u8,
        },
        Self::ReadNode,
        Self::ReplaceNode,
        Self::Clock,
        Self::SumPreimage,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::LoadElement => "load of an element",
            Self::StoreElement => "store of an element",
            Self::LoadWord => "load of a word",
            Self::StoreWord => "store of a word",
            Self::LoadElementIn => "load of an element in a context",
            Self::StoreElementIn => "store of an element in a context",
            Self::LoadWordIn => "load of a word in a context",
            Self::StoreWordIn => "store of a word in a context",
            Self::Advice { .. } => "advice",
            Self::ReadNode => "node of a tree",
            Self::ReplaceNode => "replacement of a node",
            Self::Clock => "clock",
            Self::SumPreimage => "sums of a preimage",
        }
    }

    /// The chip that has its rows.
    pub const fn class(self) -> Class {
        match self {
            Self::LoadElement | Self::StoreElement | Self::LoadElementIn | Self::StoreElementIn => {
                Class::MemoryElement
            }
            Self::LoadWord | Self::StoreWord | Self::LoadWordIn | Self::StoreWordIn => {
                Class::MemoryWord
            }
            Self::Advice { .. } => Class::Advice,
            Self::ReadNode | Self::ReplaceNode => Class::Tree,
            Self::Clock => Class::Clock,
            Self::SumPreimage => Class::Sum,
        }
    }

    /// Tells the instructions of one chip apart. The context is not told: it is in the cell of the address.
    pub const fn opcode(self) -> u32 {
        (self.is_store() || matches!(self, Self::ReplaceNode)) as u32
    }

    const fn is_store(self) -> bool {
        matches!(
            self,
            Self::StoreElement | Self::StoreWord | Self::StoreElementIn | Self::StoreWordIn
        )
    }

    /// Whether the row accesses memory, at the address that is operand 0.
    pub const fn is_access(self) -> bool {
        matches!(self.class(), Class::MemoryElement | Class::MemoryWord)
    }

    /// Whether the address says in which context it is; otherwise that is the context of the root, 0.
    pub const fn has_context(self) -> bool {
        matches!(
            self,
            Self::LoadElementIn | Self::StoreElementIn | Self::LoadWordIn | Self::StoreWordIn
        )
    }

    /// The same access at an address with a context.
    #[must_use]
    pub const fn in_context(self) -> Self {
        match self {
            Self::LoadElement => Self::LoadElementIn,
            Self::StoreElement => Self::StoreElementIn,
            Self::LoadWord => Self::LoadWordIn,
            Self::StoreWord => Self::StoreWordIn,
            other => other,
        }
    }

    /// The value that a store stores: where it begins among the elements of the operands.
    pub const fn stored_at(self) -> usize {
        if self.has_context() { 4 } else { 1 }
    }

    /// The row of a tree access has the depth as operand 1.
    pub const DEPTH: usize = 1;

    /// An address needs no type: no row accesses one of 2^32 or more, because the address table has none.
    pub const fn signature(self) -> Signature {
        let (operands, immediates, results): (&[Type], u8, &[Type]) = match self {
            Self::LoadElement => (&[F], 0b1, &[F]),
            Self::StoreElement => (&[F, F], 0b1, &[]),
            Self::LoadWord => (&[F], 0b1, &[Word]),
            Self::StoreWord => (&[F, Word], 0b1, &[]),
            Self::LoadElementIn => (&[Word], 0, &[F]),
            Self::StoreElementIn => (&[Word, F], 0, &[]),
            Self::LoadWordIn => (&[Word], 0, &[Word]),
            Self::StoreWordIn => (&[Word, Word], 0, &[]),
            Self::Clock => (&[], 0, &[F]),
            Self::Advice { .. } => (&[], 0, &[Word, F, F, F, F]),
            Self::ReadNode => (&[Word, F, F], 0b110, &[Word]),
            Self::ReplaceNode => (&[Word, F, F, Word], 0b110, &[Word, Word]),
            Self::SumPreimage => (&[Word, Ext3, Ext3, F, F], 0b11000, &[Ext3, Ext3]),
        };
        Signature {
            constants: 0,
            operands,
            immediates,
            results,
            traps: false,
        }
    }
}

/// A row of the program table for a chip of effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EffectEntry {
    pub pc: Pc,
    pub op: EffectOp,
    /// The first result; 0 if there is none.
    pub id: CellId,
    /// As many as the signature says; the rest is `Imm(0)`.
    pub operands: [Operand; MAX_EFFECT_OPERANDS],
}

impl EffectEntry {
    pub fn operands(&self) -> &[Operand] {
        &self.operands[..self.op.signature().operands.len()]
    }

    /// Ids and types of the results.
    pub fn results(&self) -> impl Iterator<Item = (CellId, Type)> + use<> {
        (self.id..).zip(self.op.signature().results.iter().copied())
    }

    /// Which of the operands are constants, as bits.
    pub fn immediates(&self) -> u32 {
        let operands = self.operands().iter().enumerate();
        operands
            .filter(|(_, operand)| !operand.is_cell())
            .fold(0, |mask, (j, _)| mask | 1 << j)
    }

    /// Whether constants stand only where they may, and nothing stands where there is no operand or result. Other than a fact,
    /// an effect needs no operand to have a place: its row is in the chain.
    pub fn is_well_formed(&self) -> bool {
        let signature = self.op.signature();
        let rest = &self.operands[signature.operands.len()..];
        let count = match self.op {
            EffectOp::Advice { count } => (1..=ADVICE_VALUES as u8).contains(&count),
            _ => true,
        };
        let depth = match (self.op.class(), self.operands[EffectOp::DEPTH]) {
            (Class::Tree, Operand::Imm(depth)) => {
                (1..=MAX_DEPTH).contains(&depth.as_canonical_u64())
            }
            _ => true,
        };
        count
            && depth
            && self.immediates() & !u32::from(signature.immediates) == 0
            && rest.iter().all(|&o| o == Operand::Imm(Felt::ZERO))
            && (!signature.results.is_empty() || self.id == 0)
    }
}
