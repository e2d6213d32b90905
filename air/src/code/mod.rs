//! Machine code: what the assembler produces, the key commits to, and the processor runs.
//!
//! A [`Program`] has two faces over the same instructions:
//! * the **program table**, [`Program::entries`]: one row of the program chip each, fixed by the verifying key;
//! * the **schedule**, [`Program::blocks`] and [`Program::regions`]: in which order a processor evaluates them.
//!   The verifier never sees it; [`validate()`] relates it to the table.
//!
//! A *region* is the code that runs in one kind of frame: the root, a procedure, or a loop body.

mod action;
mod effect;
mod entry;
mod fact;
mod ids;
mod layout;
mod program;
mod types;
mod validate;

pub use action::{Action, HostOp};
pub use effect::{ADVICE_VALUES, EffectEntry, EffectOp, MAX_DEPTH, MAX_EFFECT_OPERANDS};
pub use entry::{
    ArithBundle, ArithOp, ArithSingle, AssertEntry, Class, CopyEntry, CopyKind, Entry, FrameEntry,
    InverseBundle, InverseOp, LeaveEntry, Operand, PARAMS, TUPLE_WIDTH,
};
pub use fact::{FactEntry, FactOp, MAX_COMPONENTS, MAX_OPERANDS, MAX_RESULTS, Signature};
pub use ids::{
    CALL, CellId, FIRST_FREE_ID, FIRST_PC, INPUT, OUTPUT, PC_STRIDE, Pc, STACK_SIZE, exit_link,
    first_pure_id, handle, param,
};
pub use layout::{Layout, NO_SLOT};
pub use program::{Block, BlockId, Program, Region, RegionId, RegionKind, Terminator};
pub use types::Type;
pub use validate::{ValidateError, validate};
