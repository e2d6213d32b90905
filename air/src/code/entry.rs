//! Entries of the program table, one type per class of instruction, and their encoding as tuples.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use serde::{Deserialize, Serialize};

use super::{CellId, EffectEntry, FactEntry, Pc, Type};

/// Fields of a program tuple: class, then nine fields that the class defines.
pub const TUPLE_WIDTH: usize = 10;

/// Values that a frame row hands to the frame it opens.
pub const PARAMS: usize = 4;

/// First field of a program tuple: which chip may look the entry up.
///
/// The discriminants also keep program tuples apart from cells and states on the bus (`bus.rs`); zero is the
/// padding of the program table, which no chip looks up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Class {
    Arith = 16,
    Inverse = 17,
    Copy = 18,
    Frame = 19,
    Leave = 20,
    Assert = 21,
    Single = 22,
    U32Check = 23,
    U32Add = 24,
    Pack = 25,
    Unpack = 26,
    MemoryElement = 40,
    MemoryWord = 41,
    Advice = 42,
    Clock = 43,
    U32Mul = 27,
    U32Div = 28,
    U32Shift = 29,
    Bitwise = 30,
    Power = 31,
    BitLength = 32,
    Bits = 33,
    Ext3 = 34,
    Rpo = 48,
    WordCopy = 49,
    Tree = 50,
    Sum = 51,
}

/// A cell of the own frame, or a constant that stands in the program table in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operand {
    Cell(CellId),
    Imm(Felt),
}

impl Operand {
    /// What the program table holds: the id, or the constant.
    pub fn field(self) -> Felt {
        match self {
            Self::Cell(id) => Felt::from_u32(id),
            Self::Imm(value) => value,
        }
    }

    pub const fn is_cell(self) -> bool {
        matches!(self, Self::Cell(_))
    }
}

/// One field instruction: c = (1−s)·a·b + s·a + w·b, with s from the shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ArithOp {
    /// s = 0: (a + w)·b.
    Product { a: CellId, b: CellId, w: Felt },
    /// s = 1: a + w·b.
    Sum { a: CellId, b: CellId, w: Felt },
    /// s = 2, b a constant: (2 − b)·a + w·b.
    Affine { a: CellId, b: Felt, w: Felt },
}

impl ArithOp {
    pub const fn add(a: CellId, b: CellId) -> Self {
        Self::Sum { a, b, w: Felt::ONE }
    }

    pub const fn sub(a: CellId, b: CellId) -> Self {
        Self::Sum {
            a,
            b,
            w: Felt::NEG_ONE,
        }
    }

    pub const fn mul(a: CellId, b: CellId) -> Self {
        Self::Product {
            a,
            b,
            w: Felt::ZERO,
        }
    }

    /// slope·a + offset; `None` for slope 2 with an offset, which the shape cannot express.
    pub fn affine(a: CellId, slope: Felt, offset: Felt) -> Option<Self> {
        use p3_field::Field;
        let b = Felt::TWO - slope;
        match b.try_inverse() {
            Some(inv) => Some(Self::Affine {
                a,
                b,
                w: offset * inv,
            }),
            None if offset == Felt::ZERO => Some(Self::Affine {
                a,
                b,
                w: Felt::ZERO,
            }),
            None => None,
        }
    }

    /// The program fields (id of a, id or value of b, s, w).
    pub fn fields(self) -> [Felt; 4] {
        let id = Felt::from_u32;
        match self {
            Self::Product { a, b, w } => [id(a), id(b), Felt::ZERO, w],
            Self::Sum { a, b, w } => [id(a), id(b), Felt::ONE, w],
            Self::Affine { a, b, w } => [id(a), b, Felt::TWO, w],
        }
    }

    pub const fn a(self) -> CellId {
        match self {
            Self::Product { a, .. } | Self::Sum { a, .. } | Self::Affine { a, .. } => a,
        }
    }

    pub const fn b(self) -> Operand {
        match self {
            Self::Product { b, .. } | Self::Sum { b, .. } => Operand::Cell(b),
            Self::Affine { b, .. } => Operand::Imm(b),
        }
    }

    /// The result for operand values a and b (b is the constant of an affine operation).
    #[inline]
    pub fn eval(self, a: Felt, b: Felt) -> Felt {
        match self {
            Self::Product { w, .. } => (a + w) * b,
            Self::Sum { w, .. } => a + w * b,
            Self::Affine { w, .. } => (Felt::TWO - b) * a + w * b,
        }
    }
}

/// Two field instructions with consecutive result ids; the second may read the first's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ArithBundle {
    /// Results are the cells `id` and `id + 1`.
    pub id: CellId,
    pub ops: [ArithOp; 2],
}

/// One field instruction without a partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ArithSingle {
    /// The cell of the result.
    pub id: CellId,
    pub op: ArithOp,
}

/// One zero test or inversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InverseOp {
    pub a: CellId,
    /// Subtracted from the operand first.
    pub k: Felt,
    /// Result 1/(a − k), which traps on zero; otherwise 1 if a = k and 0 if not.
    pub invert: bool,
}

/// Two zero tests or inversions with consecutive result ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InverseBundle {
    pub id: CellId,
    pub ops: [InverseOp; 2],
}

/// How a copy crosses frames, and what its key cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CopyKind {
    /// From the frame that the key (a link) names, into the own frame.
    Pull,
    /// From the own frame into the frame that the key (the opening handle) names.
    Push,
    /// Within the frame, if the key has exactly this value. Two gates with one destination and different bits
    /// are a join; with a procedure number as key it is the guard of a dynamic call's results.
    Gate { bit: Felt },
}

/// Up to four copies of elements with consecutive destination ids, or one of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CopyEntry {
    pub kind: CopyKind,
    pub key: CellId,
    /// Destinations are `base + j`.
    pub base: CellId,
    /// Of a word only the first counts.
    pub src: [CellId; 4],
    pub word: bool,
}

impl CopyEntry {
    /// The copied cells.
    pub fn sources(&self) -> &[CellId] {
        if self.word { &self.src[..1] } else { &self.src }
    }

    /// Field elements of each copied cell.
    pub const fn components(&self) -> usize {
        if self.word { 4 } else { 1 }
    }
}

/// Opens a frame named by the clock: loop entry, loop step, call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FrameEntry {
    pub pc: Pc,
    /// Requires parameter 0, after adding `step`, to be non-zero.
    pub test: bool,
    /// Added to parameter 0.
    pub step: Felt,
    /// Where the new frame starts.
    pub target: Pc,
    /// A loop step: the frame is left for good and its CALL cell handed on. Otherwise the new frame returns here.
    pub back: bool,
    pub src: [CellId; PARAMS],
}

/// Leaves a frame (loop exit, return) or branches within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LeaveEntry {
    /// Back to the parent at the return pc.
    Return {
        pc: Pc,
    },
    /// The same if src + step = 0; gives the parent a link to this frame.
    Exit {
        pc: Pc,
        src: CellId,
        step: Felt,
    },
    /// To `target` if src + step is non-zero (or zero).
    Branch {
        pc: Pc,
        src: CellId,
        step: Felt,
        nonzero: bool,
        target: Pc,
    },
    Jump {
        pc: Pc,
        target: Pc,
    },
}

impl LeaveEntry {
    pub const fn pc(self) -> Pc {
        match self {
            Self::Return { pc }
            | Self::Exit { pc, .. }
            | Self::Branch { pc, .. }
            | Self::Jump { pc, .. } => pc,
        }
    }

    /// The tested cell and the constant added to it.
    pub const fn tested(self) -> Option<(CellId, Felt)> {
        match self {
            Self::Exit { src, step, .. } | Self::Branch { src, step, .. } => Some((src, step)),
            Self::Return { .. } | Self::Jump { .. } => None,
        }
    }

    pub const fn leaves(self) -> bool {
        matches!(self, Self::Return { .. } | Self::Exit { .. })
    }
}

/// Reads up to four cells at a known point of the execution and may require equalities.
///
/// Without equalities it is a *touch*: it forces the rows that compute its operands to exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AssertEntry {
    pub pc: Pc,
    pub slots: [Operand; 4],
    /// Slots 0 and 1 are equal; slots 2 and 3 are equal.
    pub equal: [bool; 2],
}

/// A row of the program table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Entry {
    Arith(ArithBundle),
    Inverse(InverseBundle),
    Fact(FactEntry),
    Effect(EffectEntry),
    Copy(CopyEntry),
    Frame(FrameEntry),
    Leave(LeaveEntry),
    Assert(AssertEntry),
    Single(ArithSingle),
}

impl Entry {
    pub const fn class(&self) -> Class {
        match self {
            Self::Arith(_) => Class::Arith,
            Self::Inverse(_) => Class::Inverse,
            Self::Fact(e) => e.op.class(),
            Self::Copy(e) if e.word => Class::WordCopy,
            Self::Effect(e) => e.op.class(),
            Self::Copy(_) => Class::Copy,
            Self::Frame(_) => Class::Frame,
            Self::Leave(_) => Class::Leave,
            Self::Assert(_) => Class::Assert,
            Self::Single(_) => Class::Single,
        }
    }

    /// The pc of an ordered entry.
    pub const fn pc(&self) -> Option<Pc> {
        match self {
            Self::Frame(e) => Some(e.pc),
            Self::Leave(e) => Some(e.pc()),
            Self::Assert(e) => Some(e.pc),
            Self::Effect(e) => Some(e.pc),
            Self::Arith(_) | Self::Single(_) | Self::Inverse(_) | Self::Fact(_) | Self::Copy(_) => {
                None
            }
        }
    }

    /// The first cell that the entry defines as a result, and how many: those of copies included, links and parameters
    /// excluded, whose ids follow from pcs.
    pub fn results(&self) -> Option<(CellId, u32)> {
        match self {
            Self::Arith(e) => Some((e.id, 2)),
            Self::Single(e) => Some((e.id, 1)),
            Self::Inverse(e) => Some((e.id, 2)),
            Self::Fact(e) => Some((e.id, e.op.signature().results.len() as u32)),
            Self::Effect(e) => {
                let count = e.op.signature().results.len() as u32;
                (count > 0).then_some((e.id, count))
            }
            Self::Copy(e) => Some((e.base, e.sources().len() as u32)),
            Self::Frame(_) | Self::Leave(_) | Self::Assert(_) => None,
        }
    }

    /// Ids and types of the results of a fact or effect, whose types are in its signature.
    pub fn typed_results(&self) -> Option<impl Iterator<Item = (CellId, Type)> + use<>> {
        let (id, types) = match self {
            Self::Fact(e) => (e.id, e.op.signature().results),
            Self::Effect(e) => (e.id, e.op.signature().results),
            _ => return None,
        };
        Some((id..).zip(types.iter().copied()))
    }

    /// Operands of a fact or effect, with the types that it relies on.
    pub fn typed_operands(&self) -> Option<impl Iterator<Item = (Operand, Type)> + '_> {
        let (operands, types) = match self {
            Self::Fact(e) => (e.operands(), e.op.signature().operands),
            Self::Effect(e) => (e.operands(), e.op.signature().operands),
            _ => return None,
        };
        Some(operands.iter().copied().zip(types.iter().copied()))
    }

    /// Whether no row exists for some operands.
    pub fn traps(&self) -> bool {
        match self {
            Self::Inverse(e) => e.ops.iter().any(|op| op.invert),
            Self::Fact(e) => e.traps(),
            _ => false,
        }
    }

    /// The row of the program table. Every column of a chip that the code determines is in it (rule R4).
    pub fn tuple(&self) -> [Felt; TUPLE_WIDTH] {
        let id = Felt::from_u32;
        let bit = Felt::from_bool;
        let mut t = [Felt::ZERO; TUPLE_WIDTH];
        t[0] = Felt::from_u8(self.class() as u8);
        match self {
            Self::Arith(e) => {
                t[1] = id(e.id);
                t[2..6].copy_from_slice(&e.ops[0].fields());
                t[6..10].copy_from_slice(&e.ops[1].fields());
            }
            Self::Inverse(e) => {
                t[1] = id(e.id);
                for (j, op) in e.ops.iter().enumerate() {
                    t[2 + 3 * j] = id(op.a);
                    t[3 + 3 * j] = op.k;
                    t[4 + 3 * j] = bit(op.invert);
                }
            }
            Self::Fact(e) => {
                t[1] = id(e.id);
                t[2] = Felt::from_u32(e.code());
                for (field, operand) in t[3..].iter_mut().zip(e.row_operands()) {
                    *field = operand.field();
                }
            }
            Self::Effect(e) => {
                t[1] = id(e.pc);
                t[2] = Felt::from_u32(e.op.opcode());
                t[3] = Felt::from_u32(e.immediates());
                let operands = e.operands().iter().map(|operand| operand.field());
                let result = e.results().next().map(|(first, _)| id(first));
                let (before, result) = match e.op.class() {
                    Class::Tree => (result, None),
                    // Behind the operands, so that a chip finds the value that it loads or stores in one place.
                    _ => (None, result),
                };
                let operands = before.into_iter().chain(operands);
                for (field, value) in t[4..].iter_mut().zip(operands.chain(result)) {
                    *field = value;
                }
            }
            Self::Copy(e) => {
                let (pull, push, key_value) = match e.kind {
                    CopyKind::Pull => (true, false, Felt::ZERO),
                    CopyKind::Push => (false, true, Felt::ZERO),
                    CopyKind::Gate { bit } => (false, false, bit),
                };
                t[1] = id(e.key);
                t[2] = id(e.base);
                t[3] = bit(pull);
                t[4] = bit(push);
                t[5] = key_value;
                for (field, &src) in t[6..10].iter_mut().zip(e.sources()) {
                    *field = id(src);
                }
            }
            Self::Frame(e) => {
                t[1] = id(e.pc);
                t[2] = bit(e.test);
                t[3] = e.step;
                t[4] = id(e.target);
                t[5] = bit(e.back);
                for (field, &src) in t[6..10].iter_mut().zip(&e.src) {
                    *field = id(src);
                }
            }
            Self::Leave(e) => {
                let (target, nonzero) = match *e {
                    LeaveEntry::Branch {
                        target, nonzero, ..
                    } => (target, nonzero),
                    LeaveEntry::Jump { target, .. } => (target, false),
                    LeaveEntry::Return { .. } | LeaveEntry::Exit { .. } => (0, false),
                };
                let (src, step) = e.tested().unwrap_or_default();
                t[1] = id(e.pc());
                t[2] = bit(e.leaves());
                t[3] = bit(e.tested().is_some());
                t[4] = bit(nonzero);
                t[5] = id(src);
                t[6] = step;
                t[7] = id(target);
            }
            Self::Assert(e) => {
                t[1] = id(e.pc);
                let mut flags = 0;
                for (j, slot) in e.slots.iter().enumerate() {
                    t[2 + j] = slot.field();
                    flags |= u8::from(slot.is_cell()) << j;
                }
                for (j, &equal) in e.equal.iter().enumerate() {
                    flags |= u8::from(equal) << (4 + j);
                }
                t[6] = Felt::from_u8(flags);
            }
            Self::Single(e) => {
                t[1] = id(e.id);
                t[2..6].copy_from_slice(&e.op.fields());
            }
        }
        t
    }

    /// Replaces every cell id that does not follow from a pc.
    pub fn map_cells(&mut self, f: impl Fn(CellId) -> CellId) {
        let map = |id: &mut CellId| *id = f(*id);
        let map_operand = |operand: &mut Operand| {
            if let Operand::Cell(id) = operand {
                map(id);
            }
        };
        let map_op = |op: &mut ArithOp| match op {
            ArithOp::Product { a, b, .. } | ArithOp::Sum { a, b, .. } => {
                map(a);
                map(b);
            }
            ArithOp::Affine { a, .. } => map(a),
        };
        match self {
            Self::Arith(e) => {
                map(&mut e.id);
                e.ops.iter_mut().for_each(map_op);
            }
            Self::Single(e) => {
                map(&mut e.id);
                map_op(&mut e.op);
            }
            Self::Inverse(e) => {
                map(&mut e.id);
                e.ops.iter_mut().for_each(|op| map(&mut op.a));
            }
            Self::Fact(FactEntry { id, operands, .. }) => {
                map(id);
                operands.iter_mut().for_each(map_operand);
            }
            Self::Effect(EffectEntry { id, operands, .. }) => {
                map(id);
                operands.iter_mut().for_each(map_operand);
            }
            Self::Copy(e) => {
                map(&mut e.key);
                map(&mut e.base);
                e.src.iter_mut().for_each(map);
            }
            Self::Frame(e) => e.src.iter_mut().for_each(map),
            Self::Leave(LeaveEntry::Exit { src, .. } | LeaveEntry::Branch { src, .. }) => map(src),
            Self::Leave(LeaveEntry::Return { .. } | LeaveEntry::Jump { .. }) => {}
            Self::Assert(e) => e.slots.iter_mut().for_each(map_operand),
        }
    }

    /// Calls `f` with every cell that the entry reads. Sources of a pull are cells of another frame.
    pub fn for_each_read(&self, mut f: impl FnMut(CellId)) {
        let mut read_op = |op: ArithOp| {
            f(op.a());
            if let Operand::Cell(id) = op.b() {
                f(id);
            }
        };
        match self {
            Self::Arith(e) => e.ops.into_iter().for_each(read_op),
            Self::Single(e) => read_op(e.op),
            Self::Inverse(e) => e.ops.iter().for_each(|op| f(op.a)),
            Self::Fact(e) => {
                for operand in e.operands() {
                    if let Operand::Cell(id) = operand {
                        f(*id);
                    }
                }
            }
            Self::Effect(e) => {
                for operand in e.operands() {
                    if let Operand::Cell(id) = operand {
                        f(*id);
                    }
                }
            }
            Self::Copy(e) => {
                f(e.key);
                e.sources().iter().copied().for_each(f);
            }
            Self::Frame(e) => e.src.iter().copied().for_each(f),
            Self::Leave(e) => {
                if let Some((src, _)) = e.tested() {
                    f(src);
                }
            }
            Self::Assert(e) => {
                for slot in e.slots {
                    if let Operand::Cell(id) = slot {
                        f(id);
                    }
                }
            }
        }
    }
}
