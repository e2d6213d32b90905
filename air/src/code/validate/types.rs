//! Types of cells: what a chip assumes about its operands must hold for every row that can provide them.
//!
//! A chip that works on 32-bit integers does not check its operands again. *Attack without:* u32 division of 5 by 2^32 + 1
//! has two results, so facts that rest on it equivocate; and a check elsewhere does not help, because facts have no place.
//!
//! Types are the strongest that all providers agree on. Around loops that is a greatest fixpoint: a parameter has a type if
//! what enters the loop has it, and what a step hands on has it as long as the parameter has. That is induction along the
//! chain, since the first frame of a loop is opened from outside.

use std::collections::HashMap;

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use super::{CellId, Entry, Program, Type, ValidateError as E};
use crate::code::{ArithOp, Class, OUTPUT, Operand, PARAMS, STACK_SIZE, param};

/// Checks shapes and types of all operands.
pub(super) fn check(program: &Program) -> Result<(), E> {
    let mut typed = program
        .entries
        .iter()
        .any(|entry| entry.class() == Class::WordCopy);
    for (index, entry) in program.entries.iter().enumerate() {
        let well_formed = match entry {
            Entry::Fact(fact) => fact.is_well_formed(),
            Entry::Effect(effect) => effect.is_well_formed(),
            _ => continue,
        };
        if !well_formed {
            let entry = index as u32;
            return Err(E::Malformed { entry });
        }
        typed = true;
    }
    if !typed {
        return Ok(());
    }
    let types = Types::derive(program);
    for (index, entry) in program.entries.iter().enumerate() {
        let index = index as u32;
        match (entry.typed_operands(), entry) {
            (Some(operands), _) => {
                for (operand, wanted) in operands {
                    if let Operand::Cell(cell) = operand {
                        types.require(index, cell, wanted)?;
                    }
                }
            }
            (None, Entry::Copy(copy)) if copy.word => {
                types.require(index, copy.src[0], Type::Word)?;
            }
            // All other chips handle single field elements.
            (None, _) => {
                let mut result = Ok(());
                entry.for_each_read(|cell| {
                    if result.is_ok() {
                        result = types.require(index, cell, Type::Felt);
                    }
                });
                result?;
            }
        }
    }
    match (OUTPUT..OUTPUT + STACK_SIZE as CellId).find(|&cell| types.of(cell) == Type::Word) {
        Some(cell) => Err(E::WordOutput { cell }),
        None => Ok(()),
    }
}

struct Types(HashMap<CellId, Type>);

impl Types {
    /// Cells that are not in the map, such as inputs and links, are field elements of no special kind.
    fn of(&self, cell: CellId) -> Type {
        self.0.get(&cell).copied().unwrap_or(Type::Felt)
    }

    fn require(&self, entry: u32, cell: CellId, wanted: Type) -> Result<(), E> {
        let found = self.of(cell);
        if found.fits(wanted) {
            return Ok(());
        }
        Err(E::Type {
            entry,
            cell,
            wanted,
            found,
        })
    }

    fn derive(program: &Program) -> Self {
        let mut types = Self(HashMap::with_capacity(2 * program.entries.len()));
        // (destination, source): the destination has at most the type of the source.
        let mut copies: Vec<(CellId, CellId)> = Vec::new();
        let mut weakened: Vec<(CellId, Type)> = Vec::new();
        for entry in &program.entries {
            match entry {
                Entry::Arith(e) => {
                    for (op, id) in e.ops.iter().zip(e.id..) {
                        types.0.insert(id, arith(*op));
                    }
                }
                Entry::Single(e) => {
                    types.0.insert(e.id, arith(e.op));
                }
                Entry::Inverse(e) => {
                    for (op, id) in e.ops.iter().zip(e.id..) {
                        let ty = if op.invert { Type::Felt } else { Type::Bool };
                        types.0.insert(id, ty);
                    }
                }
                Entry::Fact(_) | Entry::Effect(_) => {
                    types.0.extend(entry.typed_results().into_iter().flatten());
                }
                // The providers of a cell copy words, or none does: they agree in their number of destinations.
                Entry::Copy(e) if e.word => {
                    types.0.insert(e.base, Type::Word);
                }
                Entry::Copy(e) => copies.extend((e.base..).zip(e.src)),
                Entry::Frame(e) => {
                    for (j, &src) in e.src.iter().enumerate() {
                        let cell = param(e.target, j);
                        copies.push((cell, src));
                        if j == 0 && e.step != Felt::ZERO {
                            weakened.push((cell, Type::Felt));
                        }
                    }
                    debug_assert_eq!(e.src.len(), PARAMS);
                }
                Entry::Leave(_) | Entry::Assert(_) => {}
            }
        }
        let mut users: HashMap<CellId, Vec<CellId>> = HashMap::new();
        for &(to, from) in &copies {
            users.entry(from).or_default().push(to);
            types.0.entry(to).or_insert(Type::Bool);
        }
        let mut pending = weakened;
        pending.extend(copies.iter().map(|&(to, from)| (to, types.of(from))));
        while let Some((cell, bound)) = pending.pop() {
            let before = types.of(cell);
            // A copied word is refused later; meanwhile its copy is a field element.
            let after = before.join(bound).unwrap_or(Type::Felt);
            if after != before {
                types.0.insert(cell, after);
                let users = users.get(&cell).into_iter().flatten();
                pending.extend(users.map(|&user| (user, after)));
            }
        }
        types
    }
}

/// A constant has the type of its value; of anything else nothing is known.
fn arith(op: ArithOp) -> Type {
    match op {
        // (2 − b)·a + w·b with b = 2
        ArithOp::Affine { b, w, .. } if b == Felt::TWO => Type::of(w * b),
        _ => Type::Felt,
    }
}
