//! Order of the entries within a block, and pairing of instructions into bundles.
//!
//! Facts have no order of their own, so the scheduler pairs whatever is ready; checks and trapping instructions keep
//! their order among each other, so that the processor reports the failure that comes first in the program.

use std::collections::BTreeSet;

use p3_field::PrimeCharacteristicRing;
use plica_air::code;
use plica_air::code::{
    Action, ArithBundle, ArithOp, ArithSingle, AssertEntry, BlockId, CellId, CopyEntry, CopyKind,
    EffectEntry, EffectOp, Entry, FactEntry, FactOp, HostOp, InverseBundle, InverseOp,
};
use plica_field::Felt;

use super::{EntryInfo, Lowering};
use crate::ir::{Origin, PureOp, Trap, ValueId};

/// A value of this region or a cell by name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    Value(ValueId),
    Cell(CellId),
}

/// An operand of a check.
#[derive(Clone, Copy, Debug)]
pub(super) enum Checked {
    Value(ValueId),
    Imm(Felt),
}

/// A not yet placed instruction of a block.
#[derive(Clone, Debug)]
pub(super) enum Pending {
    Arith {
        out: ValueId,
        op: PureOp,
        origin: Origin,
    },
    /// A constant as a cell.
    Constant {
        out: ValueId,
        value: Felt,
        origin: Origin,
    },
    Inverse {
        out: ValueId,
        op: InverseOp,
        a: ValueId,
        origin: Origin,
    },
    Fact {
        outs: Vec<ValueId>,
        op: FactOp,
        operands: Vec<Checked>,
        trap: Option<Trap>,
        origin: Origin,
    },
    Effect {
        outs: Vec<ValueId>,
        op: EffectOp,
        operands: Vec<Checked>,
        origin: Origin,
    },
    Host {
        op: HostOp,
        operands: Vec<Checked>,
        origin: Origin,
    },
    /// Up to four copies of elements, or one of a word.
    Copy {
        kind: CopyKind,
        key: Source,
        outs: Vec<ValueId>,
        sources: Vec<Source>,
        word: bool,
        origin: Origin,
    },
    Assert {
        slots: [Checked; 4],
        equal: [bool; 2],
        trap: Option<Trap>,
        origin: Origin,
    },
}

impl Pending {
    fn outs(&self) -> &[ValueId] {
        match self {
            Self::Arith { out, .. } | Self::Constant { out, .. } | Self::Inverse { out, .. } => {
                std::slice::from_ref(out)
            }
            Self::Fact { outs, .. } | Self::Effect { outs, .. } | Self::Copy { outs, .. } => outs,
            Self::Host { .. } | Self::Assert { .. } => &[],
        }
    }

    fn reads(&self) -> Vec<ValueId> {
        let value = |source: &Source| match source {
            Source::Value(v) => Some(*v),
            Source::Cell(_) => None,
        };
        match self {
            Self::Arith { op, .. } => op.operands().collect(),
            Self::Constant { .. } => Vec::new(),
            Self::Inverse { a, .. } => vec![*a],
            Self::Copy { key, sources, .. } => value(key)
                .into_iter()
                .chain(sources.iter().filter_map(value))
                .collect(),
            Self::Fact { operands, .. }
            | Self::Effect { operands, .. }
            | Self::Host { operands, .. } => checked(operands).collect(),
            Self::Assert { slots, .. } => checked(slots).collect(),
        }
    }

    /// Keeps its place among others like it.
    fn is_ordered(&self) -> bool {
        match self {
            Self::Inverse { op, .. } => op.invert,
            Self::Fact { trap, .. } => trap.is_some(),
            Self::Effect { .. } | Self::Host { .. } | Self::Assert { .. } => true,
            Self::Arith { .. } | Self::Constant { .. } | Self::Copy { .. } => false,
        }
    }

    const fn rank(&self) -> usize {
        match self {
            Self::Arith { .. } | Self::Constant { .. } => 0,
            Self::Inverse { .. } => 1,
            Self::Fact { .. } | Self::Copy { .. } => 2,
            Self::Effect { .. } | Self::Host { .. } | Self::Assert { .. } => 3,
        }
    }
}

fn checked(operands: &[Checked]) -> impl Iterator<Item = ValueId> + '_ {
    operands.iter().filter_map(|operand| match operand {
        Checked::Value(v) => Some(*v),
        Checked::Imm(_) => None,
    })
}

/// Cells of the values of a region. Values are unique to their region, so one table serves all.
#[derive(Debug, Default)]
pub(super) struct Cells {
    cells: Vec<CellId>,
}

const UNPLACED: CellId = CellId::MAX;

impl Cells {
    pub(super) fn set(&mut self, v: ValueId, cell: CellId) {
        if v.index() >= self.cells.len() {
            self.cells.resize(v.index() + 1, UNPLACED);
        }
        self.cells[v.index()] = cell;
    }

    pub(super) fn get(&self, v: ValueId) -> CellId {
        let cell = self.cells.get(v.index()).copied().unwrap_or(UNPLACED);
        assert_ne!(cell, UNPLACED, "value {} has no cell yet", v.0);
        cell
    }

    pub(super) fn source(&self, source: Source) -> CellId {
        match source {
            Source::Value(v) => self.get(v),
            Source::Cell(cell) => cell,
        }
    }
}

/// Places `pending` and appends its entries. `anchor` is a scalar cell that exists in every frame of the region.
///
/// A field instruction that finds no partner is paired with a copy of itself, which wastes half a bundle; where the code
/// runs `often` it goes to the chip for single instructions. That chip is one more table to open and to verify, which small
/// proofs and straight code do not repay.
pub(super) fn schedule(
    lowering: &mut Lowering<'_>,
    cells: &mut Cells,
    anchor: CellId,
    often: bool,
    block: BlockId,
    pending: &[Pending],
) {
    let mut state = Schedule::new(pending);
    let mut emit = Emitter {
        lowering,
        cells,
        anchor,
        often,
        block,
    };
    while let Some(rank) = state.next_rank() {
        match rank {
            0 | 1 => {
                let first = state.take(rank);
                // The partner may read the first result.
                let second = state.try_take(rank);
                match rank {
                    0 => emit.arith(&pending[first], second.map(|i| &pending[i])),
                    _ => emit.inverse(&pending[first], second.map(|i| &pending[i])),
                }
            }
            2 => {
                let next = &pending[state.take(2)];
                match next {
                    Pending::Fact { .. } => emit.fact(next),
                    _ => emit.copy(next),
                }
            }
            _ => {
                let next = &pending[state.take(3)];
                match next {
                    Pending::Effect { .. } => emit.effect(next),
                    Pending::Host { .. } => emit.host(next),
                    _ => emit.check(next),
                }
            }
        }
    }
}

struct Schedule {
    /// By rank, positions whose operands are placed.
    ready: [BTreeSet<usize>; 4],
    ranks: Vec<usize>,
    waiting_for: Vec<usize>,
    users: Vec<Vec<usize>>,
}

impl Schedule {
    fn new(pending: &[Pending]) -> Self {
        let mut producer = std::collections::HashMap::new();
        for (i, op) in pending.iter().enumerate() {
            for &out in op.outs() {
                producer.insert(out, i);
            }
        }
        let mut waiting_for = vec![0; pending.len()];
        let mut users = vec![Vec::new(); pending.len()];
        let mut last_trap = None;
        for (i, op) in pending.iter().enumerate() {
            let mut depend = |on: usize| {
                waiting_for[i] += 1;
                users[on].push(i);
            };
            for v in op.reads() {
                if let Some(&on) = producer.get(&v) {
                    depend(on);
                }
            }
            if op.is_ordered()
                && let Some(on) = last_trap.replace(i)
            {
                depend(on);
            }
        }
        let ranks: Vec<usize> = pending.iter().map(Pending::rank).collect();
        let mut ready: [BTreeSet<usize>; 4] = Default::default();
        for (i, &count) in waiting_for.iter().enumerate() {
            if count == 0 {
                ready[ranks[i]].insert(i);
            }
        }
        Self {
            ready,
            ranks,
            waiting_for,
            users,
        }
    }

    /// The kind to emit next: full bundles first, then whatever may complete one, then half-filled ones.
    fn next_rank(&self) -> Option<usize> {
        let full = |rank: usize| {
            let mut positions = self.ready[rank].iter();
            positions.next().is_some_and(|&first| {
                positions.next().is_some()
                    || self.users[first]
                        .iter()
                        .any(|&user| self.ranks[user] == rank && self.waiting_for[user] == 1)
            })
        };
        if full(0) {
            return Some(0);
        }
        if full(1) {
            return Some(1);
        }
        [2, 3, 1, 0]
            .into_iter()
            .find(|&rank| !self.ready[rank].is_empty())
    }

    fn take(&mut self, rank: usize) -> usize {
        self.try_take(rank).expect("next_rank found one")
    }

    fn try_take(&mut self, rank: usize) -> Option<usize> {
        let i = self.ready[rank].pop_first()?;
        for user in std::mem::take(&mut self.users[i]) {
            self.waiting_for[user] -= 1;
            if self.waiting_for[user] == 0 {
                self.ready[self.ranks[user]].insert(user);
            }
        }
        Some(i)
    }
}

struct Emitter<'a, 'b> {
    lowering: &'a mut Lowering<'b>,
    cells: &'a mut Cells,
    anchor: CellId,
    often: bool,
    block: BlockId,
}

impl Emitter<'_, '_> {
    fn arith_op(&self, pending: &Pending) -> (ArithOp, ValueId, Origin) {
        match *pending {
            Pending::Arith { out, op, origin } => {
                let cell = |v| self.cells.get(v);
                let op = match op {
                    PureOp::Product { a, b, w } => ArithOp::Product {
                        a: cell(a),
                        b: cell(b),
                        w,
                    },
                    PureOp::Sum { a, b, w } => ArithOp::Sum {
                        a: cell(a),
                        b: cell(b),
                        w,
                    },
                    PureOp::Affine { a, slope, offset } => ArithOp::affine(cell(a), slope, offset)
                        .expect("slope 2 with an offset is split before"),
                    PureOp::IsZero { .. } | PureOp::Invert { .. } => {
                        unreachable!("not a field instruction")
                    }
                };
                (op, out, origin)
            }
            Pending::Constant { out, value, origin } => {
                let op = ArithOp::affine(self.anchor, Felt::ZERO, value).expect("slope is 0");
                (op, out, origin)
            }
            _ => unreachable!("not a field instruction"),
        }
    }

    fn arith(&mut self, first: &Pending, second: Option<&Pending>) {
        let (op, out, origin) = self.arith_op(first);
        if second.is_none() && self.often {
            let id = self.lowering.take_ids(1);
            self.cells.set(out, id);
            let entry = Entry::Single(ArithSingle { id, op });
            self.lowering.push_row(entry, origin);
            return;
        }
        let id = self.lowering.take_ids(2);
        self.cells.set(out, id);
        let mut ops = [op; 2];
        let mut origins = [Some(origin), None];
        if let Some(second) = second {
            let (op, out, origin) = self.arith_op(second);
            self.cells.set(out, id + 1);
            ops[1] = op;
            origins[1] = Some(origin);
        }
        let entry = Entry::Arith(ArithBundle { id, ops });
        self.lowering.push_entry(
            entry,
            EntryInfo {
                origins,
                trap: None,
            },
        );
    }

    fn inverse(&mut self, first: &Pending, second: Option<&Pending>) {
        let id = self.lowering.take_ids(2);
        let mut parts =
            [Some(first), second]
                .into_iter()
                .flatten()
                .zip(id..)
                .map(|(pending, cell)| {
                    let Pending::Inverse { out, op, a, origin } = pending else {
                        unreachable!("not a zero test or inversion")
                    };
                    let op = InverseOp {
                        a: self.cells.get(*a),
                        ..*op
                    };
                    self.cells.set(*out, cell);
                    (op, *origin)
                });
        let (op, origin) = parts.next().expect("the first is there");
        let second = parts.next();
        let ops = [op, second.map_or(op, |(op, _)| op)];
        let origins = [Some(origin), second.map(|(_, origin)| origin)];
        let entry = Entry::Inverse(InverseBundle { id, ops });
        let trap = ops
            .iter()
            .any(|op| op.invert)
            .then_some(Trap::DivisionByZero);
        self.lowering.push_entry(entry, EntryInfo { origins, trap });
    }

    fn fact(&mut self, pending: &Pending) {
        let Pending::Fact {
            outs,
            op,
            operands,
            trap,
            origin,
        } = pending
        else {
            unreachable!("not an instruction of the chips of facts")
        };
        let entry = Entry::Fact(FactEntry {
            op: *op,
            id: self.results(outs),
            operands: self.operands(operands),
        });
        let origins = [Some(*origin), None];
        let trap = *trap;
        self.lowering.push_entry(entry, EntryInfo { origins, trap });
    }

    fn effect(&mut self, pending: &Pending) {
        let Pending::Effect {
            outs,
            op,
            operands,
            origin,
        } = pending
        else {
            unreachable!("not an effect")
        };
        let pc = self.lowering.take_pc();
        let entry = Entry::Effect(EffectEntry {
            pc,
            op: *op,
            id: if outs.is_empty() {
                0
            } else {
                self.results(outs)
            },
            operands: self.operands(operands),
        });
        let trap = Some(Trap::from(*op));
        let origins = [Some(*origin), None];
        self.lowering.push_entry(entry, EntryInfo { origins, trap });
    }

    fn host(&mut self, pending: &Pending) {
        let Pending::Host {
            op,
            operands,
            origin,
        } = pending
        else {
            unreachable!("not an action of the host")
        };
        let operands = operands.iter().map(|&o| self.operand(o)).collect();
        self.lowering.program.actions.push(Action {
            block: self.block,
            before: self.lowering.program.entries.len() as u32,
            op: *op,
            operands,
        });
        self.lowering.actions.push(*origin);
    }

    /// Gives the results their cells; the first.
    fn results(&mut self, outs: &[ValueId]) -> CellId {
        let id = self.lowering.take_ids(outs.len() as u32);
        for (&out, id) in outs.iter().zip(id..) {
            self.cells.set(out, id);
        }
        id
    }

    fn operands<const N: usize>(&self, operands: &[Checked]) -> [code::Operand; N] {
        let mut cells = [code::Operand::Imm(Felt::ZERO); N];
        for (cell, operand) in cells.iter_mut().zip(operands) {
            *cell = self.operand(*operand);
        }
        cells
    }

    fn operand(&self, operand: Checked) -> code::Operand {
        match operand {
            Checked::Value(v) => code::Operand::Cell(self.cells.get(v)),
            Checked::Imm(value) => code::Operand::Imm(value),
        }
    }

    fn copy(&mut self, pending: &Pending) {
        let Pending::Copy {
            kind,
            key,
            outs,
            sources,
            word,
            origin,
        } = pending
        else {
            unreachable!("not a copy")
        };
        // The other branch of a join may have placed the destinations already.
        let base = match outs.first().map(|&v| self.cells.try_get(v)) {
            Some(Some(base)) => base,
            _ => {
                let base = self.lowering.take_ids(if *word { 1 } else { 4 });
                for (&out, id) in outs.iter().zip(base..) {
                    self.cells.set(out, id);
                }
                base
            }
        };
        let last = sources.len() - 1;
        let src = std::array::from_fn(|j| match word {
            true if j > 0 => 0,
            _ => self.cells.source(sources[j.min(last)]),
        });
        let entry = Entry::Copy(CopyEntry {
            kind: *kind,
            key: self.cells.source(*key),
            base,
            src,
            word: *word,
        });
        self.lowering.push_row(entry, *origin);
    }

    fn check(&mut self, pending: &Pending) {
        let Pending::Assert {
            slots,
            equal,
            trap,
            origin,
        } = pending
        else {
            unreachable!("not a check")
        };
        let slots = slots.map(|slot| self.operand(slot));
        let pc = self.lowering.take_pc();
        let entry = Entry::Assert(AssertEntry {
            pc,
            slots,
            equal: *equal,
        });
        self.lowering.push_entry(
            entry,
            EntryInfo {
                origins: [Some(*origin), None],
                trap: *trap,
            },
        );
    }
}

impl Cells {
    fn try_get(&self, v: ValueId) -> Option<CellId> {
        self.cells
            .get(v.index())
            .copied()
            .filter(|&cell| cell != UNPLACED)
    }
}
