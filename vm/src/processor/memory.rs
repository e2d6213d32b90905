//! The memory of a run: words by context and address, in pages.

use std::collections::HashMap;

use plica_air::record::{Remembered, Touched};
use plica_field::Word;

/// Words of a page, as a power of two.
const PAGE_BITS: u32 = 6;
const PAGE: usize = 1 << PAGE_BITS;

/// Context, and the upper bits of the address.
type PageName = (u64, u32);

/// Everything that was accessed. A word with clock 0 was not.
#[derive(Debug, Default)]
pub(super) struct Memory {
    numbers: HashMap<PageName, usize>,
    pages: Vec<[Remembered; PAGE]>,
    /// The page of the last access.
    last: Option<(PageName, usize)>,
}

impl Memory {
    /// The word at an address, to be read or changed.
    pub(super) fn at(&mut self, context: u64, address: u32) -> &mut Remembered {
        let name = (context, address >> PAGE_BITS);
        let number = match self.last {
            Some((last, number)) if last == name => number,
            _ => {
                let next = self.pages.len();
                let number = *self.numbers.entry(name).or_insert(next);
                if number == next {
                    self.pages.push([Remembered::default(); PAGE]);
                }
                self.last = Some((name, number));
                number
            }
        };
        &mut self.pages[number][address as usize % PAGE]
    }

    /// The word at an address, without an access.
    pub(super) fn peek(&self, context: u64, address: u32) -> Word {
        let page = self.numbers.get(&(context, address >> PAGE_BITS));
        page.map_or_else(Word::default, |&number| {
            self.pages[number][address as usize % PAGE].word
        })
    }

    /// What the accesses left, in order of context and address.
    pub(super) fn touched(&self) -> Vec<Touched> {
        let mut touched: Vec<Touched> = self
            .numbers
            .iter()
            .flat_map(|(&(context, upper), &number)| {
                let words = self.pages[number].iter().zip(0..);
                let accessed = words.filter(|(left, _)| left.clk != 0);
                accessed.map(move |(&left, lower): (_, u32)| Touched {
                    context,
                    address: upper << PAGE_BITS | lower,
                    left,
                })
            })
            .collect();
        touched.sort_unstable_by_key(Touched::place);
        touched
    }
}

#[cfg(test)]
mod tests {
    use plica_field::Felt;

    use super::*;

    #[test]
    fn words_are_kept_by_context_and_address() {
        let mut memory = Memory::default();
        let places = [(1, 5), (0, u32::MAX), (0, 7), (0, 64), (7, 0)];
        for (clk, &(context, address)) in (1..).zip(&places) {
            assert_eq!(*memory.at(context, address), Remembered::default());
            *memory.at(context, address) = Remembered {
                word: [Felt::new(clk); 4],
                clk,
            };
        }
        assert_eq!(memory.peek(0, 7), [Felt::new(3); 4]);
        assert_eq!(memory.peek(0, 8), Word::default());
        let found: Vec<_> = memory
            .touched()
            .iter()
            .map(|t| (t.place(), t.left.clk))
            .collect();
        let expected = [
            ([0, 7], 3),
            ([0, 64], 4),
            ([0, u64::from(u32::MAX)], 2),
            ([1, 5], 1),
            ([7, 0], 5),
        ];
        assert_eq!(found, expected);
    }
}
