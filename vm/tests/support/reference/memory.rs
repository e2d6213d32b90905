//! Memory, procedure locals, and the state of the machine.

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_field::{Felt, Word};
use plica_vm::syntax::Instruction;

use super::{Machine, Result, Stop};
use crate::support::Failure;

pub(super) fn address(value: Felt) -> Result<u32> {
    u32::try_from(value.as_canonical_u64()).map_err(|_| Stop::Failed(Failure::MemoryAddress))
}

/// The addresses of a double word.
pub(super) fn address_pair(value: Felt) -> Result<[u32; 2]> {
    Ok([address(value)?, address(value + Felt::ONE)?])
}

impl Machine<'_> {
    pub(super) fn word_at(&self, address: u32) -> Word {
        let word = self.memory.get(&(self.context, address));
        word.copied().unwrap_or([Felt::ZERO; 4])
    }

    pub(super) fn set_word(&mut self, address: u32, word: Word) {
        self.memory.insert((self.context, address), word);
    }

    /// The address in an immediate or on top of the stack, and how many items it takes there.
    fn operand_address(&self, immediate: Option<u32>) -> Result<(usize, u32)> {
        match immediate {
            Some(address) => Ok((0, address)),
            None => Ok((1, address(self.peek(0))?)),
        }
    }

    fn local_address(&self, index: u16) -> u32 {
        self.frame - u32::from(self.locals - 1 - index)
    }

    fn load(&mut self, above: usize, address: u32) {
        self.replace(above, &[self.word_at(address)[0]]);
    }

    fn load_word(&mut self, above: usize, address: u32) {
        self.replace(above + 4, &self.word_at(address));
    }

    fn store(&mut self, above: usize, address: u32) {
        let mut word = self.word_at(address);
        word[0] = self.peek(above);
        self.set_word(address, word);
        self.replace(above + 1, &[]);
    }

    fn store_word(&mut self, above: usize, address: u32) {
        self.set_word(address, self.peek_word(above));
        self.replace(above, &[]);
    }

    pub(super) fn memory_instruction(&mut self, instruction: &Instruction) -> Result<()> {
        use Instruction as I;
        match *instruction {
            I::MemLoad(a) => {
                let (above, address) = self.operand_address(a)?;
                self.load(above, address);
            }
            I::MemLoadW(a) => {
                let (above, address) = self.operand_address(a)?;
                self.load_word(above, address);
            }
            I::MemStore(a) => {
                let (above, address) = self.operand_address(a)?;
                self.store(above, address);
            }
            I::MemStoreW(a) => {
                let (above, address) = self.operand_address(a)?;
                self.store_word(above, address);
            }
            I::MemStream => {
                let addresses = address_pair(self.peek(12))?;
                let words = addresses.map(|address| self.word_at(address));
                self.show_double_word(words);
            }
            I::LocLoad(index) => self.load(0, self.local_address(index)),
            I::LocLoadW(index) => self.load_word(0, self.local_address(index)),
            I::LocStore(index) => self.store(0, self.local_address(index)),
            I::LocStoreW(index) => self.store_word(0, self.local_address(index)),
            ref other => unreachable!("{other:?}"),
        }
        Ok(())
    }

    /// The end of `mem_stream` and `adv_pipe`: the words replace the top eight items, the second one on top, and the
    /// address at position 12 moves on.
    pub(super) fn show_double_word(&mut self, words: [Word; 2]) {
        let next = self.peek(12) + Felt::TWO;
        let at = self.stack.len() - 1 - 12;
        self.stack[at] = next;
        self.replace(8, words.as_flattened());
    }

    pub(super) fn environment_instruction(&mut self, instruction: &Instruction) -> Result<()> {
        use Instruction as I;
        let value = match *instruction {
            I::Caller => {
                let opener = self.opener;
                self.replace(4, &opener);
                return Ok(());
            }
            I::SDepth => self.stack.len() as u64,
            I::Clk => self.clock,
            I::LocAddr(index) => self.local_address(index).into(),
            ref other => unreachable!("{other:?}"),
        };
        self.replace(0, &[Felt::from_u64(value)]);
        Ok(())
    }
}
