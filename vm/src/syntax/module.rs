//! A module as it stands in its source: parsed, its constants evaluated, its names not yet resolved.

use plica_field::Word;

use super::ast::InvokeKind;
use super::diagnostic::Raised;
use super::immediate::{Constants, Operand};
use super::instruction::Opcode;
use super::loader::ModulePath;
use super::span::Span;

/// A parsed module; a program if it has an entry point.
#[derive(Default)]
pub(super) struct Module {
    pub(super) docs: Option<String>,
    pub(super) imports: Vec<Import>,
    pub(super) constants: Constants,
    pub(super) procedures: Vec<RawProcedure>,
    pub(super) reexports: Vec<Reexport>,
    pub(super) entry: Option<(Span, RawBody)>,
    pub(super) warnings: Vec<Raised>,
}

/// `use.path->name`.
pub(super) struct Import {
    pub(super) path: ModulePath,
    pub(super) name: String,
    pub(super) span: Span,
}

/// `export.target->name`.
pub(super) struct Reexport {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) target: Target,
}

/// `proc.name.locals body end` or `export.name.locals body end`.
pub(super) struct RawProcedure {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) exported: bool,
    pub(super) locals: u16,
    pub(super) docs: Option<String>,
    pub(super) body: RawBody,
}

/// The items of a body in source order; control structures are brackets that match.
pub(super) type RawBody = Vec<RawItem>;

pub(super) struct RawItem {
    pub(super) kind: RawKind,
    pub(super) span: Span,
}

pub(super) enum RawKind {
    Op {
        opcode: Opcode,
        name_span: Span,
        operands: Vec<Operand>,
    },
    Invoke {
        kind: InvokeKind,
        target: Target,
    },
    DynExec,
    DynCall,
    If {
        negated: bool,
    },
    Else,
    While,
    Repeat(u32),
    End,
}

/// A procedure as code names it.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) kind: TargetKind,
    pub(super) span: Span,
}

#[derive(Clone)]
pub(super) enum TargetKind {
    /// `name`
    Local(String),
    /// `module::name` with an imported module
    Imported {
        module: String,
        module_span: Span,
        name: String,
    },
    /// `::path::name`
    Absolute { module: ModulePath, name: String },
    /// `0x…`
    Root(Word),
}
