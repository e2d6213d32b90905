//! MASM source text: tokens, parsing, constants, modules, and the resolved [`Program`].

mod ast;
mod diagnostic;
mod immediate;
mod instruction;
mod span;
mod suggest;

pub use ast::{Body, InvokeKind, Node, NodeKind, ProcId, Procedure, Program};
pub use diagnostic::{Diagnostic, ErrorKind};
pub use immediate::Immediate;
pub use instruction::{
    DebugRange, Exponent, Imm, Instruction, InstructionInfo, Opcode, Section, Trivial,
};
pub use span::{SourceId, Sources, Span};
