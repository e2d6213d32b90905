//! MASM source text: tokens, parsing, constants, modules, and the resolved [`Program`].
//!
//! [`parse_program`] works in three steps: the lexer makes tokens, the parser makes a module of each text with its
//! bodies as flat lists, and the resolver evaluates immediates, loads the modules that are referred to and orders the
//! procedures. No step recurses along the nesting of the text, which is limited by memory only.

mod ast;
mod body;
mod check;
mod constant;
mod diagnostic;
mod immediate;
mod instruction;
mod lexer;
mod loader;
mod module;
mod order;
mod parser;
mod resolve;
mod root;
mod span;
mod suggest;
mod token;

pub use ast::{Body, InvokeKind, Node, NodeKind, ProcId, Procedure, Program};
pub use diagnostic::{Diagnostic, ErrorKind};
pub use immediate::Immediate;
pub use instruction::{
    DebugRange, Exponent, Imm, Instruction, InstructionInfo, Opcode, Section, Trivial,
};
pub(crate) use lexer::word_digits;
pub use loader::{
    DirectoryModules, KernelFile, MemoryModules, ModuleLoader, ModulePath, ModuleSource, NoModules,
};
pub use resolve::{parse_joint, parse_program};
pub use span::{SourceId, Sources, Span};
