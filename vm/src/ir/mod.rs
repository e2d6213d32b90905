//! The intermediate form: stack code with the stack removed.
//!
//! Stack manipulation is executed at compile time, so what remains are values in static single assignment, grouped in
//! *regions*: the root, procedure bodies and loop bodies, each of which runs in frames of its own. A region reads
//! values of another one only through its parameters and results. Within a region control is structured: `if` with
//! joins.
//!
//! [`translate()`] makes it from a resolved program, [`liveness`] finds what is needed.

mod advice;
mod build;
mod carry;
mod compare;
mod control;
mod dispatch;
mod error;
mod ext2;
mod ext3;
mod hash;
pub mod liveness;
mod memory;
mod merkle;
mod power;
mod procedures;
mod repeat;
mod replay;
mod shift;
mod spill;
mod stack;
mod stark;
mod translate;
mod u32;
mod weight;
mod word;

use plica_air::code::{EffectOp, FactOp, HostOp, Type};
use plica_field::Felt;

use crate::syntax::Span;

pub use error::{CompileError, CompileErrorKind};
pub use translate::translate;

/// A value in static single assignment. The definition is in [`Ir::values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub u32);

impl ValueId {
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Position in [`Ir::regions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionId(pub u32);

impl RegionId {
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A value or a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    Const(Felt),
    Value(ValueId),
}

impl Operand {
    pub const fn value(self) -> Option<ValueId> {
        match self {
            Self::Value(v) => Some(v),
            Self::Const(_) => None,
        }
    }
}

/// Where something comes from, for diagnostics and reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    pub span: Span,
    /// Position in [`Ir::procedures`].
    pub procedure: u32,
    /// It only moves items of the stack to memory or back.
    pub spill: bool,
}

/// An operation whose result is a function of its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PureOp {
    /// (a + w)·b
    Product { a: ValueId, b: ValueId, w: Felt },
    /// a + w·b
    Sum { a: ValueId, b: ValueId, w: Felt },
    /// slope·a + offset
    Affine {
        a: ValueId,
        slope: Felt,
        offset: Felt,
    },
    /// 1 if a = k, else 0
    IsZero { a: ValueId, k: Felt },
    /// 1/a; traps on 0
    Invert { a: ValueId },
}

impl PureOp {
    pub const fn traps(self) -> bool {
        matches!(self, Self::Invert { .. })
    }

    pub fn operands(self) -> impl Iterator<Item = ValueId> {
        let (a, b) = match self {
            Self::Product { a, b, .. } | Self::Sum { a, b, .. } => (a, Some(b)),
            Self::Affine { a, .. } | Self::IsZero { a, .. } | Self::Invert { a } => (a, None),
        };
        std::iter::once(a).chain(b)
    }
}

/// Why an ordered check can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trap {
    /// An assertion, with its error code.
    Assertion {
        code: u32,
    },
    /// A condition or Boolean operand that is neither 0 nor 1.
    NotBinary,
    DivisionByZero,
    /// An operand of 32-bit arithmetic that is 2^32 or more, with the error code of the assertion.
    NotU32 {
        code: u32,
    },
    /// A shift or rotation by more bits than there are.
    Shift,
    /// An exponent of 2^bits or more.
    Exponent {
        bits: u8,
    },
    LogOfZero,
    /// An address of 2^32 or more.
    MemoryAddress,
    /// Too few values on the advice stack.
    AdviceStack,
    /// A segment of the domain above 3.
    FriSegment,
    /// A value that is not what was folded.
    FriFolding,
    /// Another node than the one in the Merkle tree, with the error code of the instruction.
    MerklePath {
        code: u32,
    },
    /// A depth that no Merkle tree has.
    MerklePlace,
    /// A called procedure that leaves more than 16 elements.
    CallDepth {
        /// If it is known at compile time.
        depth: Option<usize>,
    },
    /// No procedure of the program has this root.
    UnknownProcedure,
    /// More than 16 elements at the end.
    FinalDepth,
}

impl Trap {
    /// Why an instruction of the chips of facts has no result.
    pub const fn of(op: FactOp) -> Self {
        match op {
            FactOp::U32Check => Self::NotU32 { code: 0 },
            FactOp::Power => Self::Exponent { bits: 6 },
            _ => Self::DivisionByZero,
        }
    }
}

impl From<EffectOp> for Trap {
    /// Why an effect can fail.
    fn from(op: EffectOp) -> Self {
        match op {
            EffectOp::Advice { .. } => Self::AdviceStack,
            // What the store does not know is said by the host.
            EffectOp::ReadNode | EffectOp::ReplaceNode => Self::MerklePlace,
            // The accesses; a clock does not fail, and the message of a digest is the host's to know.
            _ => Self::MemoryAddress,
        }
    }
}

/// A value where the two branches of an `if` meet.
#[derive(Clone, Copy, Debug)]
pub struct Join {
    pub out: ValueId,
    pub then: Operand,
    pub otherwise: Operand,
}

/// A result of a loop or call: `out` in this region is item `index` of what the other region passes on.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    pub out: ValueId,
    pub index: usize,
}

/// A step of a region.
#[derive(Clone, Debug)]
pub enum Stmt {
    Op {
        out: ValueId,
        op: PureOp,
        origin: Origin,
    },
    /// An instruction of the chips of facts beyond field arithmetic.
    Fact {
        outs: Vec<ValueId>,
        op: FactOp,
        operands: Vec<Operand>,
        /// Why it may have no results, if it may.
        trap: Option<Trap>,
        origin: Origin,
    },
    /// An ordered instruction with operands and results. Not removed, and not moved past others of its kind and checks.
    Effect {
        outs: Vec<ValueId>,
        op: EffectOp,
        operands: Vec<Operand>,
        origin: Origin,
    },
    /// What the host does; has no row, but its place among what is ordered.
    Host {
        op: HostOp,
        operands: Vec<Operand>,
        origin: Origin,
    },
    /// Ordered; traps unless a = b.
    Assert {
        a: Operand,
        b: Operand,
        trap: Trap,
        origin: Origin,
    },
    /// `cond` is Boolean.
    If {
        cond: ValueId,
        then: Vec<Stmt>,
        otherwise: Vec<Stmt>,
        joins: Vec<Join>,
        origin: Origin,
    },
    /// Runs `region` with these parameters, if `cond` (Boolean) is 1 or absent, until its own condition is 0.
    /// A result is the last `next`, or `init` if the loop is skipped.
    Loop {
        cond: Option<ValueId>,
        region: RegionId,
        init: Vec<Operand>,
        results: Vec<Outcome>,
        origin: Origin,
    },
    Call {
        region: RegionId,
        args: Vec<Operand>,
        results: Vec<Outcome>,
        origin: Origin,
    },
}

/// What a region passes on when it ends.
#[derive(Clone, Debug)]
pub enum End {
    /// The 16 outputs, top first.
    Root {
        outputs: Vec<Operand>,
    },
    /// Another iteration with `next` as parameters if `cond` (Boolean) is 1.
    Loop {
        cond: Operand,
        next: Vec<Operand>,
    },
    Procedure {
        results: Vec<Operand>,
    },
}

/// Code that runs in one kind of frame.
#[derive(Clone, Debug)]
pub struct Region {
    pub params: Vec<ValueId>,
    pub body: Vec<Stmt>,
    pub end: End,
    pub origin: Origin,
    /// For a counted loop: how often it runs per entry.
    pub trip_count: Option<u64>,
}

/// What is known about a value.
#[derive(Clone, Copy, Debug)]
pub struct ValueInfo {
    /// It is 0 or 1 wherever it exists.
    pub boolean: bool,
    /// What the validator will find of its cell; weaker than `boolean` where that follows from a check.
    pub ty: Type,
    /// The operation that computes it; `None` for inputs, parameters, joins and results.
    pub op: Option<PureOp>,
}

impl Default for ValueInfo {
    fn default() -> Self {
        Self {
            boolean: false,
            ty: Type::Felt,
            op: None,
        }
    }
}

/// A translated program. The root region is the last one.
#[derive(Debug, Default)]
pub struct Ir {
    pub values: Vec<ValueInfo>,
    pub regions: Vec<Region>,
    /// The 16 public inputs, top first.
    pub inputs: Vec<ValueId>,
    /// Names for [`Origin::procedure`]; the first is the program's body.
    pub procedures: Vec<String>,
    /// The procedure region of dynamic calls, which may call itself.
    pub dispatcher: Option<RegionId>,
    words: word::Words,
}

impl Ir {
    pub fn root(&self) -> RegionId {
        RegionId(self.regions.len() as u32 - 1)
    }

    pub fn value(&self, v: ValueId) -> ValueInfo {
        self.values[v.index()]
    }

    /// The type of an operand.
    pub fn ty(&self, operand: Operand) -> Type {
        match operand {
            Operand::Const(value) => Type::of(value),
            Operand::Value(v) => self.value(v).ty,
        }
    }

    pub fn region(&self, r: RegionId) -> &Region {
        &self.regions[r.index()]
    }
}
