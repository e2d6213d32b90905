//! Types of cells: what a chip assumes about its operands must hold for every row that can provide them.
//!
//! A chip that works on 32-bit integers does not check its operands again. *Attack without:* u32 division of 5 by 2^32 + 1
//! has two results, so facts that rest on it equivocate; and a check elsewhere does not help, because facts have no place.
//!
//! Types are the strongest that all providers agree on. Around loops that is a fixpoint: a parameter has a type if
//! what enters the loop has it, and what a step hands on has it as long as the parameter has. That is induction along the
//! chain, since the first frame of a loop is opened from outside. Within a frame it is induction along the support of a cell:
//! a field instruction has a small result where its operands are small enough ([`ArithOp::result_type`]).

use std::collections::HashMap;

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use super::{CellId, Entry, Program, Type, ValidateError as E};
use crate::code::{ArithOp, Class, INPUT, OUTPUT, Operand, PARAMS, STACK_SIZE, param};

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
    let is_word = |&cell: &CellId| types.of(cell).components() > 1;
    match (OUTPUT..OUTPUT + STACK_SIZE as CellId).find(is_word) {
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
        let inputs = INPUT..INPUT + STACK_SIZE as CellId;
        types.0.extend(inputs.map(|cell| (cell, Type::Felt)));
        let mut rules: Vec<(CellId, Rule)> = Vec::new();
        for entry in &program.entries {
            match entry {
                Entry::Arith(e) => {
                    for (op, id) in e.ops.iter().zip(e.id..) {
                        types.arith(id, *op, &mut rules);
                    }
                }
                Entry::Single(e) => types.arith(e.id, e.op, &mut rules),
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
                    types.0.insert(e.base, Type::Ext3);
                    rules.push((e.base, Rule::Copy(e.src[0])));
                }
                Entry::Copy(e) => {
                    rules.extend((e.base..).zip(e.src.map(Rule::Copy)));
                }
                Entry::Frame(e) => {
                    for (j, &src) in e.src.iter().enumerate() {
                        let cell = param(e.target, j);
                        rules.push((cell, Rule::Copy(src)));
                        if j == 0 && e.step != Felt::ZERO {
                            rules.push((cell, Rule::Anything));
                        }
                    }
                    debug_assert_eq!(e.src.len(), PARAMS);
                }
                Entry::Leave(_) | Entry::Assert(_) => {}
            }
        }
        // From the strongest type down, until every rule holds.
        let mut users: HashMap<CellId, Vec<usize>> = HashMap::new();
        for (index, &(to, rule)) in rules.iter().enumerate() {
            for source in rule.sources() {
                users.entry(source).or_default().push(index);
            }
            types.0.entry(to).or_insert(Type::Bool);
        }
        let mut pending: Vec<usize> = (0..rules.len()).collect();
        while let Some(index) = pending.pop() {
            let (cell, rule) = rules[index];
            let before = types.of(cell);
            // What is copied as something else than it is is refused later; meanwhile nothing is known of the copy.
            let unknown = match before.components() {
                1 => Type::Felt,
                _ => Type::Word,
            };
            let after = before.join(types.by(rule)).unwrap_or(unknown);
            if after != before {
                types.0.insert(cell, after);
                pending.extend(users.get(&cell).into_iter().flatten());
            }
        }
        types
    }

    /// The result of a field instruction, or the rule for it if more may turn out to be known of its operands.
    fn arith(&mut self, id: CellId, op: ArithOp, rules: &mut Vec<(CellId, Rule)>) {
        let rule = Rule::Arith(op);
        let settled = |cell: CellId| self.0.get(&cell) == Some(&Type::Felt);
        // Most operands are known to be anything already. What is not in the map yet may become anything.
        let open = match op {
            ArithOp::Affine { a, .. } => !settled(a),
            ArithOp::Sum { a, b, .. } | ArithOp::Product { a, b, .. } => !settled(a) && !settled(b),
        };
        if open {
            rules.push((id, rule));
        } else {
            let ty = self.by(rule);
            self.0.insert(id, ty);
        }
    }

    /// The type of a cell by one of the rules for it.
    fn by(&self, rule: Rule) -> Type {
        match rule {
            Rule::Copy(source) => self.of(source),
            Rule::Arith(op) => {
                let b = match op.b() {
                    Operand::Cell(b) => self.of(b),
                    Operand::Imm(value) => Type::of(value),
                };
                op.result_type(self.of(op.a()), b)
            }
            Rule::Anything => Type::Felt,
        }
    }
}

/// What bounds the type of a cell.
#[derive(Clone, Copy)]
enum Rule {
    /// It is a copy of this cell.
    Copy(CellId),
    /// It is the result of this instruction.
    Arith(ArithOp),
    /// Nothing is known.
    Anything,
}

impl Rule {
    /// The cells whose types it depends on.
    fn sources(self) -> impl Iterator<Item = CellId> {
        let (a, b) = match self {
            Self::Copy(source) => (Some(source), None),
            Self::Arith(op) => match op.b() {
                Operand::Cell(b) => (Some(op.a()), Some(b)),
                Operand::Imm(_) => (Some(op.a()), None),
            },
            Self::Anything => (None, None),
        };
        a.into_iter().chain(b)
    }
}
