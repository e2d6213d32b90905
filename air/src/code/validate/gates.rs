//! Gates agree with the branch in front of them.
//!
//! The machine chooses the side of a join by its key; the schedule, and the chain where the branch has rows, by the
//! tested value. Facts of the side that did not run exist as well wherever their operands do, so a key that disagrees
//! would hand on the wrong side's value: one value and a well-founded one, but not that of the schedule. So the key must
//! be a function of the tested value from which the bits follow: the tested cell itself, a zero test of it, or an affine
//! function of one of these (the negation).
//!
//! Where a key is known only to differ from the other side's bit (it should be 0 or 1, and is not 0), a third value opens
//! no gate, and there is no proof.

use std::collections::HashMap;

use p3_field::{Field, PrimeCharacteristicRing};
use plica_field::Felt;

use super::cells::{Join, Side};
use super::graph::Graph;
use super::{BlockId, CellId, Entry, Program, ValidateError as E};
use crate::code::{ArithOp, Terminator};

/// Longest chain of instructions between a tested value and a key.
const MAX_CHAIN: usize = 64;

/// What is known where a side begins: `src + step` is zero, or is not.
#[derive(Clone, Copy)]
struct Fact {
    src: CellId,
    step: Felt,
    nonzero: bool,
}

/// What follows for a key.
enum Known {
    Is(Felt),
    IsNot(Felt),
    Nothing,
}

/// The instructions through which a key may depend on a tested value.
enum Step {
    /// slope·a + offset
    Affine {
        a: CellId,
        slope: Felt,
        offset: Felt,
    },
    /// 1 if a = k, else 0
    IsZero { a: CellId, k: Felt },
}

/// Checks that the sides of each join are chosen by the value that the branch in front of them tests.
pub(super) fn check(program: &Program, graph: &Graph, joins: &[Join]) -> Result<(), E> {
    if joins.is_empty() {
        return Ok(());
    }
    let steps = steps(program);
    for join in joins {
        let branch = graph.dominators.parent(join.block);
        for side in &join.sides {
            let known = fact(program, graph, branch, side.place.block)
                .map_or(Known::Nothing, |fact| follow(&steps, fact, side.key));
            let agrees = match known {
                Known::Is(value) => value == side.bit,
                Known::IsNot(value) => join
                    .sides
                    .iter()
                    .all(|other: &Side| other.entry == side.entry || other.bit == value),
                Known::Nothing => false,
            };
            if !agrees {
                return Err(E::Gate { entry: side.entry });
            }
        }
    }
    Ok(())
}

fn steps(program: &Program) -> HashMap<CellId, Step> {
    let mut steps = HashMap::new();
    let affine = |op: ArithOp| match op {
        ArithOp::Affine { a, b, w } => Some(Step::Affine {
            a,
            slope: Felt::TWO - b,
            offset: w * b,
        }),
        ArithOp::Product { .. } | ArithOp::Sum { .. } => None,
    };
    for entry in &program.entries {
        match entry {
            Entry::Arith(e) => {
                for (&op, id) in e.ops.iter().zip(e.id..) {
                    steps.extend(affine(op).map(|step| (id, step)));
                }
            }
            Entry::Single(e) => steps.extend(affine(e.op).map(|step| (e.id, step))),
            Entry::Inverse(e) => {
                for (op, id) in e.ops.iter().zip(e.id..) {
                    if !op.invert {
                        steps.insert(id, Step::IsZero { a: op.a, k: op.k });
                    }
                }
            }
            _ => {}
        }
    }
    steps
}

/// What the branch at the end of `branch` says on the way to `block`.
fn fact(program: &Program, graph: &Graph, branch: BlockId, block: BlockId) -> Option<Fact> {
    let side = graph.dominators.child_towards(branch, block)?;
    // Otherwise there is another way to it.
    if graph.predecessors[side as usize] != [branch] {
        return None;
    }
    let tested = |entry: u32| match &program.entries[entry as usize] {
        Entry::Leave(leave) => leave.tested(),
        _ => None,
    };
    let (test, nonzero, zero) = match program.blocks[branch as usize].terminator {
        Terminator::Select {
            cond,
            nonzero,
            zero,
        } => ((cond, Felt::ZERO), nonzero, zero),
        Terminator::Branch { nonzero, zero } => (tested(zero.0)?, nonzero.1, zero.1),
        Terminator::EnterIf {
            skip,
            next,
            skipped,
            ..
        } => (tested(skip)?, next, skipped),
        _ => return None,
    };
    (nonzero != zero).then_some(Fact {
        src: test.0,
        step: test.1,
        nonzero: side == nonzero,
    })
}

/// Goes back from `cell` through affine instructions: `cell` is slope·origin + offset. Stops at `stop`.
fn affine(steps: &HashMap<CellId, Step>, mut cell: CellId, stop: CellId) -> (CellId, Felt, Felt) {
    let (mut slope, mut offset) = (Felt::ONE, Felt::ZERO);
    for _ in 0..MAX_CHAIN {
        match steps.get(&cell) {
            Some(step) if cell != stop => match *step {
                Step::Affine {
                    a,
                    slope: inner,
                    offset: shift,
                } => {
                    offset += slope * shift;
                    slope *= inner;
                    cell = a;
                }
                Step::IsZero { .. } => break,
            },
            _ => break,
        }
    }
    (cell, slope, offset)
}

fn follow(steps: &HashMap<CellId, Step>, fact: Fact, key: CellId) -> Known {
    // The value of the tested cell for which the fact says "zero".
    let root = -fact.step;
    let (origin, slope, offset) = affine(steps, key, fact.src);
    if origin == fact.src {
        let at_root = slope * root + offset;
        return if !fact.nonzero || slope == Felt::ZERO {
            Known::Is(at_root)
        } else {
            Known::IsNot(at_root)
        };
    }
    let Some(&Step::IsZero { a, k }) = steps.get(&origin) else {
        return Known::Nothing;
    };
    let (inner, inner_slope, inner_offset) = affine(steps, a, fact.src);
    let Some(inverse) = inner_slope.try_inverse() else {
        return Known::Nothing;
    };
    if inner != fact.src {
        return Known::Nothing;
    }
    let matches = (k - inner_offset) * inverse == root;
    let indicator = match (matches, fact.nonzero) {
        (true, nonzero) => !nonzero,
        (false, false) => false,
        (false, true) => return Known::Nothing,
    };
    Known::Is(slope * Felt::from_bool(indicator) + offset)
}
