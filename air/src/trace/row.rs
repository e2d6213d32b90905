//! What a chip is told of a row that it writes down.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use crate::code::{EffectEntry, FactEntry, MAX_COMPONENTS, MAX_RESULTS, Operand};
use crate::record::Remembered;

/// What the row of a [`FactEntry`] says, for the chip to write down.
#[derive(Clone, Copy, Debug)]
pub struct FactRow<'a> {
    /// Name of the frame.
    pub fp: Felt,
    pub entry: &'a FactEntry,
    /// Values of the operands, one element after the other.
    pub operands: [Felt; MAX_COMPONENTS],
    /// Values of the results, one element after the other.
    pub results: &'a [Felt],
    /// How often each result is read.
    pub mults: &'a [Felt],
}

impl FactRow<'_> {
    /// Id of the first result.
    pub fn id(&self) -> Felt {
        Felt::from_u32(self.entry.id)
    }

    fn row_operand(&self, j: usize) -> Operand {
        let mut operands = self.entry.row_operands();
        operands.nth(j).expect("an operand of the row")
    }

    /// Id of an operand, or the constant in its place.
    pub fn operand_field(&self, j: usize) -> Felt {
        self.row_operand(j).field()
    }

    /// 1 if the operand is a constant.
    pub fn immediate(&self, j: usize) -> Felt {
        Felt::from_bool(!self.row_operand(j).is_cell())
    }

    /// The value of an operand of an instruction that has no words.
    pub fn scalar(&self, j: usize) -> Felt {
        match self.row_operand(j) {
            Operand::Imm(value) => value,
            Operand::Cell(_) => self.operands[j],
        }
    }
}

/// What the row of an [`EffectEntry`] says, for the chip to write down.
#[derive(Clone, Copy, Debug)]
pub struct EffectRow<'a> {
    pub clk: u64,
    /// Name of the frame.
    pub fp: Felt,
    pub entry: &'a EffectEntry,
    /// Values of the operands, one element after the other.
    pub operands: [Felt; MAX_COMPONENTS],
    /// Values of the results, one element after the other.
    pub results: [Felt; MAX_RESULTS],
    /// How often each result is read.
    pub mults: [Felt; MAX_RESULTS],
    /// What an access to memory found.
    pub memory: Remembered,
    /// How many messages begin with what the row says of no blocks.
    pub starts: u32,
}

impl EffectRow<'_> {
    /// The context of an access.
    pub fn context(&self) -> Felt {
        if self.entry.op.has_context() {
            self.operands[1]
        } else {
            Felt::ZERO
        }
    }

    /// The elements of the value that a store stores.
    pub fn stored(&self) -> &[Felt] {
        &self.operands[self.entry.op.stored_at()..]
    }
}
