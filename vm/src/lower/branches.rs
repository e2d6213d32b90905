//! The ways of an `if`: gates where nothing has an effect, branch rows otherwise.

use p3_field::PrimeCharacteristicRing;
use plica_air::code::{BlockId, CopyKind, Entry as CodeEntry, LeaveEntry, Pc, Terminator};
use plica_field::Felt;

use super::Lowering;
use super::need::Test;
use super::region::RegionCode;
use super::schedule::{Pending, Source};
use crate::ir::liveness::has_effects;
use crate::ir::{Operand, Origin, Stmt, ValueId};

/// The joins behind an `if` or a conditional loop, with their sources for 0 and 1.
pub(super) struct Gates<'a> {
    pub(super) cond: ValueId,
    pub(super) joins: &'a [(ValueId, [Operand; 2])],
    pub(super) origin: Origin,
}

impl RegionCode<'_, '_> {
    /// An `if` without effects: no control flow, the gates choose.
    pub(super) fn select(&mut self, then: &[Stmt], otherwise: &[Stmt], gates: &Gates<'_>) {
        let [nonzero, zero, join] = std::array::from_fn(|_| self.builder.new_block());
        self.builder.end_block(|b| Terminator::Select {
            cond: b.cells.get(gates.cond),
            nonzero,
            zero,
        });
        for (block, stmts, bit) in [(nonzero, then, Felt::ONE), (zero, otherwise, Felt::ZERO)] {
            self.builder.start_block(block);
            self.branch(stmts, gates, bit);
            self.builder.end_block(|_| Terminator::Goto { block: join });
        }
        self.builder.start_block(join);
    }

    /// An `if` with effects: branch rows.
    pub(super) fn branch_with_effects(
        &mut self,
        then: &[Stmt],
        otherwise: &[Stmt],
        gates: &Gates<'_>,
    ) {
        let origin = gates.origin;
        let test = Test::of(self.builder.lowering.ir, gates.cond);
        let mut sides = [(then, Felt::ONE), (otherwise, Felt::ZERO)];
        if !test.nonzero {
            sides.reverse();
        }
        let [(first, first_bit), (second, second_bit)] = sides;
        let [first_block, second_block, join] = std::array::from_fn(|_| self.builder.new_block());

        let [nonzero, zero] = self.branch_rows(test, [first_block, second_block], origin);
        let first_pc = self.builder.lowering.next_pc;
        self.builder.start_block(first_block);
        self.branch(first, gates, first_bit);
        let mut jump = None;
        let first_ended = self.builder.end_block(|_| Terminator::Goto { block: join });
        let first_has_rows = self.builder.lowering.next_pc != first_pc;
        if first_has_rows && has_effects(second) {
            // The code of the other branch lies between here and the join.
            let pc = self.builder.lowering.take_pc();
            let entry = CodeEntry::Leave(LeaveEntry::Jump { pc, target: 0 });
            let entry = self.builder.lowering.push_row(entry, origin);
            jump = Some(entry);
            self.builder.lowering.program.blocks[first_ended as usize].terminator =
                Terminator::Jump { entry, block: join };
        }
        let second_pc = self.builder.lowering.next_pc;
        self.builder.start_block(second_block);
        self.branch(second, gates, second_bit);
        self.builder.end_block(|_| Terminator::Goto { block: join });
        let join_pc = self.builder.lowering.next_pc;

        let lowering = &mut self.builder.lowering;
        lowering.set_target(nonzero, if first_has_rows { first_pc } else { join_pc });
        lowering.set_target(zero, second_pc);
        if let Some(jump) = jump {
            lowering.set_target(jump, join_pc);
        }
        self.builder.start_block(join);
    }

    /// Ends the block with two branch rows of one pc, for the test true resp. false in the sense of "not zero".
    /// Their targets are set later.
    pub(super) fn branch_rows(
        &mut self,
        test: Test,
        blocks: [BlockId; 2],
        origin: Origin,
    ) -> [u32; 2] {
        let mut rows = [0; 2];
        self.builder.end_block(|b| {
            let pc = b.lowering.take_pc();
            let src = b.cells.get(test.src);
            rows = [true, false].map(|nonzero| {
                let entry = LeaveEntry::Branch {
                    pc,
                    src,
                    step: test.step,
                    nonzero,
                    target: 0,
                };
                b.lowering.push_row(CodeEntry::Leave(entry), origin)
            });
            Terminator::Branch {
                nonzero: (rows[0], blocks[0]),
                zero: (rows[1], blocks[1]),
            }
        });
        rows
    }

    /// Copies the sources of one side of a join.
    pub(super) fn gates(&mut self, gates: &Gates<'_>, bit: Felt) {
        let side = usize::from(bit == Felt::ONE);
        let (words, elements): (Vec<_>, Vec<_>) = gates
            .joins
            .iter()
            .partition(|(out, _)| self.is_word(Operand::Value(*out)));
        let elements = elements.chunks(4).map(|group| (group, false));
        let words = words.chunks(1).map(|group| (group, true));
        for (group, word) in elements.chain(words) {
            let sources = group
                .iter()
                .map(|&(_, sources)| Source::Value(self.value(sources[side], gates.origin)))
                .collect();
            self.builder.push(Pending::Copy {
                kind: CopyKind::Gate { bit },
                key: Source::Value(gates.cond),
                outs: group.iter().map(|&(out, _)| out).collect(),
                sources,
                word,
                origin: gates.origin,
            });
        }
    }
}

impl Lowering<'_> {
    pub(super) fn set_target(&mut self, entry: u32, to: Pc) {
        match &mut self.program.entries[entry as usize] {
            CodeEntry::Leave(
                LeaveEntry::Branch { target, .. } | LeaveEntry::Jump { target, .. },
            ) => *target = to,
            other => unreachable!("{other:?} has no target to set"),
        }
    }
}
