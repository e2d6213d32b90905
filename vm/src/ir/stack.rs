//! The operand stack at compile time, and what an activation has beside it.

use std::collections::VecDeque;

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use super::Operand;
use super::memory::{FRAMES, ROOT_SPILL};

/// Least depth of the operand stack.
pub(super) const FLOOR: usize = 16;

/// Slots in front of the items: what instructions do not see as items. They are slots so that joins, loops and
/// procedures carry them as they carry items.
pub(super) const HIDDEN: usize = 8;
/// The context of memory.
pub(super) const CONTEXT: usize = 0;
/// The context in which items are that do not fit the window.
pub(super) const SPILL: usize = 1;
/// How many these are.
pub(super) const BELOW: usize = 2;
/// The frame pointer: where the last local of the running procedure is.
pub(super) const FRAME: usize = 3;
/// The root of the procedure that opened the context, a word of zeros for the root context.
pub(super) const OPENER: std::ops::Range<usize> = 4..8;

/// What the hidden slots hold when a program starts.
pub(super) fn at_start() -> [Operand; HIDDEN] {
    let mut hidden = [Operand::Const(Felt::ZERO); HIDDEN];
    hidden[SPILL] = Operand::Const(Felt::from_u64(ROOT_SPILL));
    hidden[FRAME] = Operand::Const(Felt::from_u64(FRAMES));
    hidden
}

/// Hidden slots, then a *window* of the stack: its upper items from the deepest to the top. Those below it are in
/// memory, [`BELOW`] of them.
///
/// While nothing is below, the window is the stack, never smaller than [`FLOOR`]: zeros come in. Otherwise an instruction may
/// leave it smaller, and the translator fills it up from memory.
#[derive(Clone, Debug)]
pub(super) struct Stack {
    slots: VecDeque<Operand>,
    /// Smallest depth so far, before zeros came in.
    pub(super) lowest: usize,
}

impl Stack {
    /// A stack of these slots, hidden ones first.
    pub(super) fn new(slots: impl IntoIterator<Item = Operand>) -> Self {
        let slots: VecDeque<_> = slots.into_iter().collect();
        debug_assert!(slots.len() >= HIDDEN + FLOOR);
        Self {
            lowest: slots.len() - HIDDEN,
            slots,
        }
    }

    /// Items in the window.
    pub(super) fn depth(&self) -> usize {
        self.slots.len() - HIDDEN
    }

    /// Whether no item is in memory, and that is known.
    pub(super) fn is_static(&self) -> bool {
        self.slots[BELOW] == Operand::Const(Felt::ZERO)
    }

    /// Makes what follows specific to this depth, as meeting the floor does.
    pub(super) const fn observe_depth(&mut self) {
        self.lowest = FLOOR - 1;
    }

    /// Slots, hidden ones included.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// A slot.
    pub(super) fn at(&self, slot: usize) -> Operand {
        self.slots[slot]
    }

    pub(super) fn set(&mut self, slot: usize, operand: Operand) {
        self.slots[slot] = operand;
    }

    /// All slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = Operand> + '_ {
        self.slots.iter().copied()
    }

    /// The hidden slots.
    pub(super) fn hidden(&self) -> [Operand; HIDDEN] {
        std::array::from_fn(|slot| self.slots[slot])
    }

    /// The item `n` below the top.
    pub(super) fn peek(&self, n: usize) -> Operand {
        self.slots[self.slots.len() - 1 - n]
    }

    /// Replaces the item `n` below the top.
    pub(super) fn poke(&mut self, n: usize, item: Operand) {
        let slot = self.slots.len() - 1 - n;
        self.slots[slot] = item;
    }

    /// Replaces the top `taken` items by `given` (the last one ends on top). Only the net effect meets the floor:
    /// zeros come in from below if the depth would fall under it.
    pub(super) fn replace(&mut self, taken: usize, given: &[Operand]) {
        debug_assert!(taken <= self.depth());
        self.slots.truncate(self.slots.len() - taken);
        self.slots.extend(given);
        self.lowest = self.lowest.min(self.depth());
        if self.is_static() {
            while self.depth() < FLOOR {
                self.put_deepest(Operand::Const(Felt::ZERO));
            }
        }
    }

    /// Puts an item below all others of the window.
    pub(super) fn put_deepest(&mut self, item: Operand) {
        self.slots.insert(HIDDEN, item);
    }

    /// Takes the deepest item of the window away.
    pub(super) fn take_deepest(&mut self) -> Operand {
        self.slots.remove(HIDDEN).expect("the window has items")
    }

    pub(super) fn push(&mut self, item: Operand) {
        self.slots.push_back(item);
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
        let top = self.slots.len() - 1;
        self.slots.swap(top - m, top - n);
    }

    /// Item `n` to the top.
    pub(super) fn move_up(&mut self, n: usize) {
        let at = self.slots.len() - 1 - n;
        let item = self.slots.remove(at).expect("the stack is deeper than 16");
        self.slots.push_back(item);
    }

    /// Top to position `n`.
    pub(super) fn move_down(&mut self, n: usize) {
        let item = self.slots.pop_back().expect("the stack is deeper than 16");
        self.slots.insert(self.slots.len() - n, item);
    }
}
