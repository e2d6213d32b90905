//! Words as parameters of loops.
//!
//! A loop that hands four elements on from one iteration to the next and uses them as a word, such as a chain of hashes, would take
//! the word apart at the end of each iteration and put it together again at the start of the next. So where the body puts
//! four parameters together, and an iteration hands on the elements of one word in their place or leaves them alone, the word
//! itself becomes the parameter.

use plica_air::code::{FactOp, Type};

use super::build::Scope;
use super::replay::{Substitution, substituted};
use super::{End, Ir, Operand, Region, RegionId, Stmt, ValueId, ValueInfo};

/// Loops that run less often than this do not repay the table of word copies that they would need.
const LEAST_TRIPS: u64 = 16;

/// Parameters of a loop, by their positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Element(usize),
    Word([usize; 4]),
}

/// A loop entered with words.
pub(super) struct Carried {
    pub(super) region: RegionId,
    sources: Vec<Source>,
}

impl Ir {
    /// The same loop with words as parameters, if there are any.
    pub(super) fn carry_words(&mut self, region: RegionId) -> Option<Carried> {
        let groups = self.word_parameters(region);
        if groups.is_empty() {
            return None;
        }
        let original = self.region(region).clone();
        let End::Loop { cond, next } = &original.end else {
            unreachable!("a loop statement names a loop region")
        };
        let elements = 0..original.params.len();
        let sources: Vec<Source> = elements
            .filter(|i| !groups.iter().flatten().any(|member| member == i))
            .map(Source::Element)
            .chain(groups.iter().copied().map(Source::Word))
            .collect();

        let mut scope = Scope::new(original.origin);
        let mut substitution = Substitution::new();
        let mut params = Vec::with_capacity(sources.len());
        for &source in &sources {
            let param = self.new_value();
            params.push(param);
            match source {
                Source::Element(i) => {
                    let old = original.params[i];
                    self.values[param.index()] = ValueInfo {
                        op: None,
                        ..self.value(old)
                    };
                    substitution.insert(old, Operand::Value(param));
                }
                Source::Word(members) => {
                    self.values[param.index()].ty = Type::Word;
                    let lanes = self.unpack(&mut scope, Operand::Value(param));
                    let old = members.map(|i| original.params[i]);
                    substitution.extend(old.into_iter().zip(lanes));
                }
            }
        }
        self.replay(&mut scope, &original.body, &mut substitution);
        scope.origin = original.origin;
        let handed_on = |i: usize| substituted(&substitution, next[i]);
        let next = sources
            .iter()
            .map(|source| match *source {
                Source::Element(i) => handed_on(i),
                Source::Word(members) => self.pack(&mut scope, members.map(handed_on)),
            })
            .collect();
        let end = End::Loop {
            cond: substituted(&substitution, *cond),
            next,
        };
        let region = self.add_region(Region {
            params,
            body: scope.stmts,
            end,
            ..original
        });
        Some(Carried { region, sources })
    }

    /// Parameters that are the elements of a word in the body, and again when they are handed on.
    fn word_parameters(&self, region: RegionId) -> Vec<[usize; 4]> {
        let region = self.region(region);
        let End::Loop { next, .. } = &region.end else {
            unreachable!("a loop statement names a loop region")
        };
        let mut groups: Vec<[usize; 4]> = Vec::new();
        if region.trip_count.is_some_and(|trips| trips < LEAST_TRIPS) {
            return groups;
        }
        let position = |operand: &Operand| {
            let v: ValueId = operand.value()?;
            region.params.iter().position(|&param| param == v)
        };
        let mut pending = vec![region.body.as_slice()];
        while let Some(stmts) = pending.pop() {
            for stmt in stmts {
                let operands = match stmt {
                    Stmt::Fact {
                        op: FactOp::Pack,
                        operands,
                        ..
                    } => operands,
                    Stmt::If {
                        then, otherwise, ..
                    } => {
                        pending.extend([then.as_slice(), otherwise.as_slice()]);
                        continue;
                    }
                    _ => continue,
                };
                let members: Option<Vec<usize>> = operands.iter().map(position).collect();
                let members: Option<[usize; 4]> = members.and_then(|m| m.try_into().ok());
                let Some(members) = members else {
                    continue;
                };
                let free = |i: &usize| !groups.iter().flatten().any(|taken| taken == i);
                let distinct = (1..4).all(|j| !members[..j].contains(&members[j]));
                let same = members
                    .iter()
                    .all(|&i| next[i] == Operand::Value(region.params[i]));
                let word = self.words.whole(&members.map(|i| next[i])).is_some();
                if distinct && members.iter().all(free) && (same || word) {
                    groups.push(members);
                }
            }
        }
        groups
    }
}

impl Carried {
    /// What the loop starts with, from what its elements start with.
    pub(super) fn init(
        &self,
        ir: &mut Ir,
        scope: &mut Scope,
        elements: &[Operand],
    ) -> Vec<Operand> {
        let init = self.sources.iter().map(|source| match *source {
            Source::Element(i) => elements[i],
            Source::Word(members) => ir.pack(scope, members.map(|i| elements[i])),
        });
        init.collect()
    }

    /// The parameter that has the element `i`.
    pub(super) fn position(&self, i: usize) -> usize {
        let has = |source: &Source| match source {
            Source::Element(own) => *own == i,
            Source::Word(members) => members.contains(&i),
        };
        let found = self.sources.iter().position(has);
        found.expect("every parameter is one or part of one")
    }

    /// The element `i` of what the parameter that has it ends with.
    pub(super) fn element(
        &self,
        ir: &mut Ir,
        scope: &mut Scope,
        i: usize,
        last: Operand,
    ) -> Operand {
        match self.sources[self.position(i)] {
            Source::Element(_) => last,
            Source::Word(members) => {
                let lane = members.iter().position(|&member| member == i);
                ir.unpack(scope, last)[lane.expect("a member")]
            }
        }
    }
}
