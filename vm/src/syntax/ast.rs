//! The resolved program: what the compiler works on.

use std::ops::{Deref, Index};

use plica_field::Word;

use super::diagnostic::Diagnostic;
use super::instruction::Instruction;
use super::span::{Sources, Span};

/// A procedure of a [`Program`].
///
/// Ids are a topological order: a procedure refers only to procedures with smaller ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcId(pub(super) u32);

impl ProcId {
    /// Position in [`Program::procedures`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A program with every name resolved: constants are values, calls are [`ProcId`]s.
#[derive(Debug)]
pub struct Program {
    /// The body of `begin`.
    pub main: Body,
    /// The keyword `begin`.
    pub main_span: Span,
    /// The procedures that `main` reaches, callees first; [`ProcId`] is the position.
    pub procedures: Vec<Procedure>,
    /// The exports of the kernel, if the program uses one: what `syscall` may name.
    pub kernel: Vec<ProcId>,
    /// The documentation block that starts on the first line of the program's file.
    pub docs: Option<String>,
    /// The texts that spans refer to.
    pub sources: Sources,
    /// Unused imports and stray documentation.
    pub warnings: Vec<Diagnostic>,
}

impl Program {
    /// All procedures, in the order of [`Self::procedures`].
    pub fn ids(&self) -> impl Iterator<Item = ProcId> + use<> {
        (0..self.procedures.len() as u32).map(ProcId)
    }
}

impl Index<ProcId> for Program {
    type Output = Procedure;

    fn index(&self, id: ProcId) -> &Procedure {
        &self.procedures[id.index()]
    }
}

/// A procedure.
#[derive(Debug)]
pub struct Procedure {
    /// The name; for a procedure of a module with its path, as in `helpers::math::square`.
    pub name: String,
    /// The name in its definition.
    pub span: Span,
    /// How many memory words of its own it declares.
    pub locals: u16,
    /// The documentation block before it.
    pub docs: Option<String>,
    /// The code; not empty.
    pub body: Body,
}

/// A sequence of nodes.
///
/// Nesting is limited by memory only: dropping a body does not recurse.
#[derive(Debug, Default)]
pub struct Body(Vec<Node>);

impl Body {
    /// A body of these nodes.
    pub fn new(nodes: Vec<Node>) -> Self {
        Self(nodes)
    }

    pub(super) fn nodes_mut(&mut self) -> &mut [Node] {
        &mut self.0
    }
}

impl Deref for Body {
    type Target = [Node];

    fn deref(&self) -> &[Node] {
        &self.0
    }
}

impl<'a> IntoIterator for &'a Body {
    type Item = &'a Node;
    type IntoIter = std::slice::Iter<'a, Node>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let mut pending = std::mem::take(&mut self.0);
        while let Some(mut node) = pending.pop() {
            match &mut node.kind {
                NodeKind::If {
                    then, otherwise, ..
                } => {
                    pending.append(&mut then.0);
                    pending.append(&mut otherwise.0);
                }
                NodeKind::While { body } | NodeKind::Repeat { body, .. } => {
                    pending.append(&mut body.0)
                }
                _ => {}
            }
        }
    }
}

/// An instruction or a control structure, with its place in the source.
#[derive(Debug)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// An instruction with its immediates; for a control structure its head, as in `while.true`.
    pub span: Span,
}

/// The kinds of [`Node`].
#[derive(Debug)]
pub enum NodeKind {
    /// An instruction that is no control flow.
    Op(Instruction),
    /// Pops a Boolean: `then` on 1, `otherwise` on 0, failure on any other value. `if.false` arrives here with its
    /// branches exchanged. One of the two may be empty.
    If {
        /// Runs on 1.
        then: Body,
        /// Runs on 0.
        otherwise: Body,
        /// Whether the source says `else`.
        has_else: bool,
    },
    /// Pops a Boolean; while it is 1, runs `body` and pops the next one.
    While {
        /// Runs once per 1; not empty.
        body: Body,
    },
    /// Runs `body` `count` times.
    Repeat {
        /// At least 1.
        count: u32,
        /// Not empty.
        body: Body,
    },
    /// `exec`: the procedure's code at this place, on the same stack and memory.
    Exec(ProcId),
    /// `call`: the procedure in a memory context of its own, on the top 16 of the stack.
    Call(ProcId),
    /// `procref`: pushes the procedure's root.
    Procref(ProcId),
    /// `syscall`: a procedure of the kernel, in the root context.
    Syscall(ProcId),
    /// `exec`, `call`, `syscall` or `procref` of a procedure given by its root.
    InvokeRoot {
        /// Which of them.
        kind: InvokeKind,
        /// The root.
        root: Word,
    },
    /// `dynexec`: pops an address and executes the procedure whose root stands there.
    DynExec,
    /// `dyncall`: pops an address and calls the procedure whose root stands there.
    DynCall,
}

/// The ways to name a procedure in code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvokeKind {
    /// `exec`
    Exec,
    /// `call`
    Call,
    /// `syscall`
    Syscall,
    /// `procref`
    Procref,
}

impl InvokeKind {
    /// The keyword.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Exec => "exec",
            Self::Call => "call",
            Self::Syscall => "syscall",
            Self::Procref => "procref",
        }
    }
}
