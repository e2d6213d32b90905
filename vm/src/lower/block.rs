//! Blocks under construction.

use p3_field::PrimeCharacteristicRing;
use plica_air::code::{self, Block, BlockId, CellId, CopyEntry, CopyKind, Entry, Terminator};
use plica_field::Felt;

use super::schedule::{Cells, Checked, Pending, Source, schedule};
use super::{EntryInfo, Lowering};
use crate::ir::{Origin, PureOp, RegionId, Trap, ValueId};

/// The code of one region under construction.
pub(super) struct Builder<'a, 'b> {
    pub(super) lowering: &'a mut Lowering<'b>,
    pub(super) id: code::RegionId,
    pub(super) cells: Cells,
    /// A scalar cell that every frame of the region has.
    pub(super) anchor: CellId,
    often: bool,
    pending: Vec<Pending>,
    current: BlockId,
    /// Values made here, beyond those of the intermediate form.
    next_value: u32,
}

impl<'a, 'b> Builder<'a, 'b> {
    pub(super) fn new(
        lowering: &'a mut Lowering<'b>,
        region: RegionId,
        id: code::RegionId,
        anchor: CellId,
    ) -> Self {
        let often = lowering.often[region.index()];
        let next_value = lowering.ir.values.len() as u32;
        let mut builder = Self {
            lowering,
            id,
            cells: Cells::default(),
            anchor,
            often,
            pending: Vec::new(),
            current: 0,
            next_value,
        };
        builder.current = builder.new_block();
        builder
    }

    pub(super) const fn current(&self) -> BlockId {
        self.current
    }

    /// A block to be filled later.
    pub(super) fn new_block(&mut self) -> BlockId {
        let blocks = &mut self.lowering.program.blocks;
        blocks.push(Block {
            region: self.id,
            entries: 0..0,
            pushes: 0..0,
            terminator: Terminator::Halt,
        });
        blocks.len() as BlockId - 1
    }

    pub(super) fn new_value(&mut self) -> ValueId {
        self.next_value += 1;
        ValueId(self.next_value - 1)
    }

    pub(super) fn push(&mut self, pending: Pending) {
        self.pending.push(pending);
    }

    pub(super) fn op(&mut self, out: ValueId, op: PureOp, origin: Origin) {
        let pending = match op {
            // 2a + c has no shape of its own: double first.
            PureOp::Affine { a, slope, offset } if slope == Felt::TWO && offset != Felt::ZERO => {
                let double = self.new_value();
                let op = PureOp::Sum {
                    a,
                    b: a,
                    w: Felt::ONE,
                };
                self.push(Pending::Arith {
                    out: double,
                    op,
                    origin,
                });
                let op = PureOp::Affine {
                    a: double,
                    slope: Felt::ONE,
                    offset,
                };
                Pending::Arith { out, op, origin }
            }
            PureOp::Product { .. } | PureOp::Sum { .. } | PureOp::Affine { .. } => {
                Pending::Arith { out, op, origin }
            }
            PureOp::IsZero { a, k } => Pending::Inverse {
                out,
                op: code::InverseOp {
                    a: 0,
                    k,
                    invert: false,
                },
                a,
                origin,
            },
            PureOp::Invert { a } => Pending::Inverse {
                out,
                op: code::InverseOp {
                    a: 0,
                    k: Felt::ZERO,
                    invert: true,
                },
                a,
                origin,
            },
        };
        self.push(pending);
    }

    /// A check that two operands are equal; two of one origin share a row.
    pub(super) fn check(&mut self, a: Checked, b: Checked, trap: Trap, origin: Origin) {
        if let Some(Pending::Assert {
            slots,
            equal,
            trap: last_trap,
            origin: last_origin,
        }) = self.pending.last_mut()
            && *equal == [true, false]
            && *last_origin == origin
            && *last_trap == Some(trap)
        {
            slots[2] = a;
            slots[3] = b;
            equal[1] = true;
            return;
        }
        let nothing = Checked::Imm(Felt::ZERO);
        self.push(Pending::Assert {
            slots: [a, b, nothing, nothing],
            equal: [true, false],
            trap: Some(trap),
            origin,
        });
    }

    /// Reads values so that the facts behind them must exist.
    pub(super) fn touch(&mut self, values: &[ValueId], origin: Origin) {
        for group in values.chunks(4) {
            let slots = std::array::from_fn(|j| {
                group
                    .get(j)
                    .map_or(Checked::Imm(Felt::ZERO), |&v| Checked::Value(v))
            });
            self.push(Pending::Assert {
                slots,
                equal: [false; 2],
                trap: None,
                origin,
            });
        }
    }

    /// Places what is pending and leaves the block open for its terminator.
    fn flush(&mut self) {
        let first = self.lowering.program.entries.len() as u32;
        let pending = std::mem::take(&mut self.pending);
        schedule(
            self.lowering,
            &mut self.cells,
            self.anchor,
            self.often,
            self.current,
            &pending,
        );
        let last = self.lowering.program.entries.len() as u32;
        self.lowering.program.blocks[self.current as usize].entries = first..last;
    }

    /// Ends the current block; `terminate` emits its rows once the pcs of its checks are given out.
    pub(super) fn end_block(&mut self, terminate: impl FnOnce(&mut Self) -> Terminator) -> BlockId {
        self.flush();
        let ended = self.current;
        let terminator = terminate(self);
        self.lowering.program.blocks[ended as usize].terminator = terminator;
        ended
    }

    /// Pushes values into cells of the frame that the terminator of the current block opens.
    pub(super) fn end_pushes(
        &mut self,
        pushes: &[(CellId, Source)],
        words: &[(CellId, Source)],
        handle: CellId,
        origin: Origin,
    ) {
        let first = self.lowering.program.entries.len() as u32;
        for group in pushes.chunks(4) {
            let last = group.len() - 1;
            let entry = CopyEntry {
                kind: CopyKind::Push,
                key: handle,
                base: group[0].0,
                src: std::array::from_fn(|j| self.cells.source(group[j.min(last)].1)),
                word: false,
            };
            self.lowering.push_row(Entry::Copy(entry), origin);
        }
        for &(base, source) in words {
            let entry = CopyEntry {
                kind: CopyKind::Push,
                key: handle,
                base,
                src: [self.cells.source(source), 0, 0, 0],
                word: true,
            };
            self.lowering.push_row(Entry::Copy(entry), origin);
        }
        let last = self.lowering.program.entries.len() as u32;
        self.lowering.program.blocks[self.current as usize].pushes = first..last;
    }

    /// Appends an entry to the block that is being ended.
    pub(super) fn append(&mut self, entry: Entry, info: EntryInfo) {
        self.lowering.push_entry(entry, info);
        self.lowering.program.blocks[self.current as usize]
            .entries
            .end = self.lowering.program.entries.len() as u32;
    }

    /// Continues in `block`.
    pub(super) fn start_block(&mut self, block: BlockId) {
        debug_assert!(self.pending.is_empty());
        self.current = block;
    }
}
