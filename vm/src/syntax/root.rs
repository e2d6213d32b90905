//! Roots: digests by which `procref`, `dynexec`, `dyncall` and hexadecimal targets name procedures.
//!
//! A root is an RPO hash of the code, whatever things are called. Each node of a body is a word, and a body is the hash of
//! its nodes; a body of one node is that node. `exec` is the root of the callee, as if its code stood there.
//!
//! ```text
//! instruction   hash(0, its bytes in the postcard format, one per element)
//! body          hash(1, the words of its nodes), or the word of its only node
//! if            hash(2, then, otherwise)           while     hash(3, body)
//! repeat        hash(4, count, body)               locals    hash(5, count, body), around a procedure that has some
//! call          hash(6, callee)                    syscall   hash(7, callee)
//! procref       hash(8, target)                    dynexec   hash(9)          dyncall   hash(10)
//! ```
//! Decorators and debugging do not count. These roots are not those of the original virtual machine, whose assembler compiles
//! to other instructions.

use p3_field::PrimeCharacteristicRing;
use plica_field::{Felt, Word};
use plica_hash_rpo::hash_elements;

use super::ast::{Body, InvokeKind, NodeKind, Program};
use super::instruction::{Instruction, Section};

impl Program {
    /// The roots of all procedures.
    pub fn roots(&self) -> Vec<Word> {
        let mut roots: Vec<Word> = Vec::with_capacity(self.procedures.len());
        for procedure in &self.procedures {
            let mut root = body(&procedure.body, &roots);
            if procedure.locals > 0 {
                root = hash(5, &[&[Felt::from_u16(procedure.locals)], &root]);
            }
            roots.push(root);
        }
        roots
    }
}

fn hash(tag: u8, parts: &[&[Felt]]) -> Word {
    let mut elements = vec![Felt::from_u8(tag)];
    elements.extend(parts.iter().copied().flatten());
    hash_elements(&elements)
}

fn body(nodes: &Body, roots: &[Word]) -> Word {
    let words: Vec<Word> = stacker::maybe_grow(64 << 10, 1 << 20, || {
        nodes.iter().filter_map(|n| node(&n.kind, roots)).collect()
    });
    match words.as_slice() {
        [only] => *only,
        words => hash(1, &[words.as_flattened()]),
    }
}

/// The word of a node, if it counts.
fn node(kind: &NodeKind, roots: &[Word]) -> Option<Word> {
    let word = match kind {
        NodeKind::Op(op) if is_silent(op) => return None,
        NodeKind::Op(op) => instruction(op),
        NodeKind::If {
            then, otherwise, ..
        } => hash(2, &[&body(then, roots), &body(otherwise, roots)]),
        NodeKind::While { body: inner } => hash(3, &[&body(inner, roots)]),
        NodeKind::Repeat { count, body: inner } => {
            hash(4, &[&[Felt::from_u32(*count)], &body(inner, roots)])
        }
        NodeKind::Exec(callee) => roots[callee.index()],
        NodeKind::Call(callee) => hash(6, &[&roots[callee.index()]]),
        NodeKind::Syscall(callee) => hash(7, &[&roots[callee.index()]]),
        NodeKind::Procref(target) => hash(8, &[&roots[target.index()]]),
        NodeKind::InvokeRoot { kind, root } => match kind {
            InvokeKind::Exec => *root,
            InvokeKind::Call => hash(6, &[root]),
            InvokeKind::Syscall => hash(7, &[root]),
            InvokeKind::Procref => hash(8, &[root]),
        },
        NodeKind::DynExec => hash(9, &[]),
        NodeKind::DynCall => hash(10, &[]),
    };
    Some(word)
}

fn is_silent(op: &Instruction) -> bool {
    let section = op.info().section;
    section == Section::Injectors
        || section == Section::Events && !matches!(op, Instruction::Emit(_))
}

fn instruction(op: &Instruction) -> Word {
    let bytes = postcard::to_allocvec(op).expect("an instruction has no map of unknown length");
    let elements: Vec<Felt> = bytes.into_iter().map(Felt::from_u8).collect();
    hash(0, &[&elements])
}
