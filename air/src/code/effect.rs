//! Ordered instructions with operands and results: what they read and give, one table for all.
//!
//! An effect has a place in the chain, so its results need not be a function of its operands: a load gives what was stored
//! last, advice whatever the prover likes. The rest of the machine handles an [`EffectEntry`] by its [`Signature`], as it does
//! a [`super::FactEntry`].

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_field::Felt;
use serde::{Deserialize, Serialize};

use super::fact::{MAX_OPERANDS, Signature, Type};
use super::{CellId, Class, Operand, Pc};

/// Field elements that an advice row gives.
pub const ADVICE_VALUES: usize = 4;

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
    /// Takes so many values (1 to 4) from the advice. The row gives four values all the same, and the word of them.
    Advice { count: u8 },
    /// root, depth, index: the node at this place of a Merkle tree.
    ReadNode,
    /// root, depth, index, node: the node at this place, and the root of the tree that has the other one there.
    ReplaceNode,
}

use Type::{Felt as F, Word};

impl EffectOp {
    /// Every instruction, advice with the most values.
    pub const ALL: &'static [Self] = &[
        Self::LoadElement,
        Self::StoreElement,
        Self::LoadWord,
        Self::StoreWord,
        Self::Advice {
            count: ADVICE_VALUES as u8,
        },
        Self::ReadNode,
        Self::ReplaceNode,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::LoadElement => "load of an element",
            Self::StoreElement => "store of an element",
            Self::LoadWord => "load of a word",
            Self::StoreWord => "store of a word",
            Self::Advice { .. } => "advice",
            Self::ReadNode => "node of a tree",
            Self::ReplaceNode => "replacement of a node",
        }
    }

    /// The chip that has its rows.
    pub const fn class(self) -> Class {
        match self {
            Self::LoadElement | Self::StoreElement => Class::MemoryElement,
            Self::LoadWord | Self::StoreWord => Class::MemoryWord,
            Self::Advice { .. } => Class::Advice,
            Self::ReadNode | Self::ReplaceNode => Class::Tree,
        }
    }

    /// Tells the instructions of one chip apart.
    pub const fn opcode(self) -> u32 {
        match self {
            Self::LoadElement | Self::LoadWord | Self::Advice { .. } | Self::ReadNode => 0,
            Self::StoreElement | Self::StoreWord | Self::ReplaceNode => 1,
        }
    }

    /// Whether the row accesses memory, at the address that is operand 0.
    pub const fn is_access(self) -> bool {
        matches!(self.class(), Class::MemoryElement | Class::MemoryWord)
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
            Self::Advice { .. } => (&[], 0, &[Word, F, F, F, F]),
            Self::ReadNode => (&[Word, F, F], 0b110, &[Word]),
            Self::ReplaceNode => (&[Word, F, F, Word], 0b110, &[Word, Word]),
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
    pub operands: [Operand; MAX_OPERANDS],
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
