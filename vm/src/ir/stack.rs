//! The operand stack at compile time.

use std::collections::VecDeque;

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use super::Operand;

/// Least depth of the operand stack.
pub(super) const FLOOR: usize = 16;

/// Operands from the bottom to the top, never fewer than [`FLOOR`].
#[derive(Clone, Debug)]
pub(super) struct Stack {
    items: VecDeque<Operand>,
    /// Smallest depth so far, before zeros came in.
    pub(super) lowest: usize,
}

impl Stack {
    /// A stack of these items, bottom first.
    pub(super) fn new(items: impl IntoIterator<Item = Operand>) -> Self {
        let items: VecDeque<_> = items.into_iter().collect();
        debug_assert!(items.len() >= FLOOR);
        Self {
            lowest: items.len(),
            items,
        }
    }

    pub(super) fn depth(&self) -> usize {
        self.items.len()
    }

    /// Makes what follows specific to this depth, as meeting the floor does.
    pub(super) const fn observe_depth(&mut self) {
        self.lowest = FLOOR - 1;
    }

    /// The item at `position` from the bottom.
    pub(super) fn at(&self, position: usize) -> Operand {
        self.items[position]
    }

    pub(super) fn set(&mut self, position: usize, item: Operand) {
        self.items[position] = item;
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Operand> + '_ {
        self.items.iter().copied()
    }

    /// The item `n` below the top.
    pub(super) fn peek(&self, n: usize) -> Operand {
        self.items[self.items.len() - 1 - n]
    }

    /// Replaces the top `taken` items by `given` (the last one ends on top). Only the net effect meets the floor:
    /// zeros come in from below if the depth would fall under it.
    pub(super) fn replace(&mut self, taken: usize, given: &[Operand]) {
        self.items.truncate(self.items.len() - taken);
        self.items.extend(given);
        self.lowest = self.lowest.min(self.items.len());
        while self.items.len() < FLOOR {
            self.items.push_front(Operand::Const(Felt::ZERO));
        }
    }

    pub(super) fn push(&mut self, item: Operand) {
        self.items.push_back(item);
    }

    pub(super) fn drop(&mut self, count: usize) {
        self.replace(count, &[]);
    }

    /// Takes the top item away.
    pub(super) fn pop(&mut self) -> Operand {
        let top = self.peek(0);
        self.drop(1);
        top
    }

    pub(super) fn swap(&mut self, m: usize, n: usize) {
        let top = self.items.len() - 1;
        self.items.swap(top - m, top - n);
    }

    /// Item `n` to the top.
    pub(super) fn move_up(&mut self, n: usize) {
        let at = self.items.len() - 1 - n;
        let item = self.items.remove(at).expect("the stack is deeper than 16");
        self.items.push_back(item);
    }

    /// Top to position `n`.
    pub(super) fn move_down(&mut self, n: usize) {
        let item = self.items.pop_back().expect("the stack is deeper than 16");
        self.items.insert(self.items.len() - n, item);
    }
}
