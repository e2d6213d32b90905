//! Moving stack elements.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use plica_vm::syntax::Instruction;

use super::{Machine, Result};

impl Machine<'_> {
    fn swap_items(&mut self, m: usize, n: usize) {
        let top = self.stack.len() - 1;
        self.stack.swap(top - m, top - n);
    }

    pub(super) fn stack_instruction(&mut self, instruction: &Instruction) -> Result<()> {
        use Instruction as I;
        match instruction {
            I::Nop => {}
            I::Drop => self.replace(1, &[]),
            I::DropW => self.replace(4, &[]),
            I::PadW => self.replace(0, &[Felt::ZERO; 4]),
            I::Push(values) => values.iter().for_each(|&v| self.replace(0, &[v])),
            I::Dup(n) => self.replace(0, &[self.peek((*n).into())]),
            I::Pick(n) => self.replace(0, &[self.peek(*n as usize)]),
            I::DupW(n) => self.replace(0, &self.peek_word(4 * usize::from(*n))),
            I::Swap(n) => self.swap_items(0, (*n).into()),
            I::SwapW(n) => (0..4).for_each(|j| self.swap_items(j, 4 * usize::from(*n) + j)),
            I::SwapDW => (0..8).for_each(|j| self.swap_items(j, j + 8)),
            I::MovUp(n) => {
                let at = self.stack.len() - 1 - usize::from(*n);
                let item = self.stack.remove(at);
                self.stack.push(item);
            }
            I::MovDn(n) => {
                let item = self.stack.pop().expect("never empty");
                let at = self.stack.len() - usize::from(*n);
                self.stack.insert(at, item);
            }
            I::MovUpW(n) => {
                let end = self.stack.len() - 4 * usize::from(*n);
                let word: Vec<Felt> = self.stack.drain(end - 4..end).collect();
                self.stack.extend(word);
            }
            I::MovDnW(n) => {
                let word = self.stack.split_off(self.stack.len() - 4);
                let at = self.stack.len() - 4 * usize::from(*n);
                self.stack.splice(at..at, word);
            }
            I::CSwap => self.conditional_swap(1)?,
            I::CSwapW => self.conditional_swap(4)?,
            I::CDrop => self.conditional_drop(1)?,
            I::CDropW => self.conditional_drop(4)?,
            other => unreachable!("{other:?}"),
        }
        Ok(())
    }

    fn conditional_swap(&mut self, width: usize) -> Result<()> {
        if self.pop_boolean()? {
            (0..width).for_each(|j| self.swap_items(j, width + j));
        }
        Ok(())
    }

    fn conditional_drop(&mut self, width: usize) -> Result<()> {
        let keep_upper = self.pop_boolean()?;
        let top: Vec<Felt> = (0..2 * width).rev().map(|n| self.peek(n)).collect();
        let (lower, upper) = top.split_at(width);
        self.replace(2 * width, if keep_upper { upper } else { lower });
        Ok(())
    }
}
