//! Emission of existing code once more, with other operands: unrolling, inlining, specialisation to constants.

use std::collections::HashMap;

use super::build::Scope;
use plica_air::code::Type;

use super::{End, Ir, Join, Operand, Outcome, Region, RegionId, Stmt, ValueId, ValueInfo};

/// What the values of the replayed code stand for.
pub(super) type Substitution = HashMap<ValueId, Operand>;

fn map(substitution: &Substitution, operand: Operand) -> Operand {
    match operand {
        Operand::Const(_) => operand,
        Operand::Value(v) => substitution.get(&v).copied().unwrap_or(operand),
    }
}

/// The operand that stands for `operand` after a replay.
pub(super) fn substituted(substitution: &Substitution, operand: Operand) -> Operand {
    map(substitution, operand)
}

impl Ir {
    /// Emits `stmts` again; `substitution` says what its free values are and learns what its results are.
    pub(super) fn replay(
        &mut self,
        scope: &mut Scope,
        stmts: &[Stmt],
        substitution: &mut Substitution,
    ) {
        stacker::maybe_grow(64 << 10, 1 << 20, || {
            for stmt in stmts {
                self.replay_stmt(scope, stmt, substitution);
            }
        });
    }

    fn replay_stmt(&mut self, scope: &mut Scope, stmt: &Stmt, substitution: &mut Substitution) {
        match stmt {
            Stmt::Op { out, op, origin } => {
                scope.origin = *origin;
                let info = self.value(*out);
                let known =
                    self.replay_op(scope, *op, info, |v| map(substitution, Operand::Value(v)));
                substitution.insert(*out, known);
            }
            Stmt::Fact {
                outs,
                op,
                operands,
                trap,
                origin,
            } => {
                scope.origin = *origin;
                let operands: Vec<Operand> =
                    operands.iter().map(|&o| map(substitution, o)).collect();
                let known = self.values.len();
                // What could not trap still cannot: constants stay constants.
                let trap = trap.unwrap_or(super::Trap::of(*op));
                let results = self.fact_or(scope, *op, &operands, trap);
                for (&out, result) in outs.iter().zip(results) {
                    if self.value(out).boolean {
                        self.mark_boolean(known, result);
                    }
                    substitution.insert(out, result);
                }
            }
            Stmt::Effect {
                outs,
                op,
                operands,
                origin,
            } => {
                scope.origin = *origin;
                let operands: Vec<Operand> =
                    operands.iter().map(|&o| map(substitution, o)).collect();
                let results = self.effect(scope, *op, &operands);
                substitution.extend(outs.iter().copied().zip(results));
            }
            Stmt::Host {
                op,
                operands,
                origin,
            } => {
                scope.origin = *origin;
                let operands: Vec<Operand> =
                    operands.iter().map(|&o| map(substitution, o)).collect();
                self.host(scope, *op, &operands);
            }
            Stmt::Assert { a, b, trap, origin } => {
                scope.origin = *origin;
                let (a, b) = (map(substitution, *a), map(substitution, *b));
                self.assert_equal(scope, a, b, *trap);
            }
            Stmt::If {
                cond,
                then,
                otherwise,
                joins,
                origin,
            } => match map(substitution, Operand::Value(*cond)) {
                Operand::Const(c) => {
                    use p3_field::PrimeCharacteristicRing;
                    let taken = c == plica_field::Felt::ONE;
                    self.replay(scope, if taken { then } else { otherwise }, substitution);
                    for join in joins {
                        let source = if taken { join.then } else { join.otherwise };
                        let value = map(substitution, source);
                        substitution.insert(join.out, value);
                    }
                }
                Operand::Value(cond) => {
                    let mut branches = [then, otherwise].map(|stmts| {
                        let mut branch = Scope::new(*origin);
                        self.replay(&mut branch, stmts, substitution);
                        branch.stmts
                    });
                    let sources: Vec<(ValueId, Operand, Operand, bool)> = joins
                        .iter()
                        .map(|join| {
                            (
                                join.out,
                                map(substitution, join.then),
                                map(substitution, join.otherwise),
                                self.value(join.out).boolean,
                            )
                        })
                        .collect();
                    scope.origin = *origin;
                    let otherwise = std::mem::take(&mut branches[1]);
                    let then = std::mem::take(&mut branches[0]);
                    let pairs = sources.iter().map(|&(_, t, o, _)| (t, o)).collect();
                    let joined = self.branch(scope, cond, then, otherwise, pairs);
                    for (&(out, _, _, boolean), operand) in sources.iter().zip(joined) {
                        if let (Operand::Value(v), true) = (operand, boolean)
                            && self.value(v).op.is_none()
                        {
                            self.values[v.index()].boolean = true;
                        }
                        substitution.insert(out, operand);
                    }
                }
            },
            Stmt::Loop {
                cond,
                region,
                init,
                results,
                origin,
            } => {
                scope.origin = *origin;
                let init: Vec<Operand> = init.iter().map(|&o| map(substitution, o)).collect();
                let cond = cond.map(|c| map(substitution, Operand::Value(c)));
                let copy = self.copy_loop(*region, &init);
                let wanted: Vec<usize> = results.iter().map(|r| r.index).collect();
                let outs = self.enter_loop(scope, cond, copy.region, &init, &copy.kept, &wanted);
                for (result, out) in results.iter().zip(outs) {
                    substitution.insert(result.out, out);
                }
            }
            Stmt::Call {
                region,
                args,
                results,
                origin,
            } => {
                let args = args.iter().map(|&o| map(substitution, o)).collect();
                let results = results
                    .iter()
                    .map(|result| {
                        let out = self.new_value();
                        self.values[out.index()] = ValueInfo {
                            op: None,
                            ..self.value(result.out)
                        };
                        substitution.insert(result.out, Operand::Value(out));
                        Outcome {
                            out,
                            index: result.index,
                        }
                    })
                    .collect();
                scope.stmts.push(Stmt::Call {
                    region: *region,
                    args,
                    results,
                    origin: *origin,
                });
            }
        }
    }

    /// Emits an `if` on a Boolean value and returns its joined values.
    pub(super) fn branch(
        &mut self,
        scope: &mut Scope,
        cond: ValueId,
        then: Vec<Stmt>,
        otherwise: Vec<Stmt>,
        pairs: Vec<(Operand, Operand)>,
    ) -> Vec<Operand> {
        // On a negated condition, exchange the branches.
        if let Some(inner) = self.negated(Operand::Value(cond)) {
            let pairs = pairs.into_iter().map(|(t, o)| (o, t)).collect();
            return self.branch(scope, inner, otherwise, then, pairs);
        }
        let mut joins = Vec::new();
        let mut made: HashMap<(Operand, Operand), Operand> = HashMap::new();
        let mut outs = Vec::with_capacity(pairs.len());
        // Words that are chosen between as such: the join, and where its elements belong.
        let mut words: Vec<(Operand, usize)> = Vec::new();
        let mut pairs = pairs.as_slice();
        while let Some((&(then, otherwise), rest)) = pairs.split_first() {
            let mut pair = (then, otherwise);
            pairs = rest;
            let position = outs.len();
            if let Some((both, behind)) = self.words.next_join(pair, rest) {
                (pair, pairs) = (both, behind);
                outs.resize(position + 4, both.0);
            }
            let (then, otherwise) = pair;
            let out = match (then, otherwise) {
                (t, o) if t == o => t,
                // The condition selects between constants: an affine function of it, computed before the branch.
                (Operand::Const(t), Operand::Const(o)) => {
                    let choice = self.affine(scope, Operand::Value(cond), t - o, o);
                    self.narrow(choice)
                }
                pair => *made.entry(pair).or_insert_with(|| {
                    let boolean = self.is_boolean(then) && self.is_boolean(otherwise);
                    let ty = self.joined_type(then, otherwise);
                    let out = self.new_value();
                    let info = &mut self.values[out.index()];
                    info.boolean = boolean;
                    info.ty = ty;
                    joins.push(Join {
                        out,
                        then,
                        otherwise,
                    });
                    Operand::Value(out)
                }),
            };
            if outs.len() > position {
                words.push((out, position));
            } else {
                outs.push(out);
            }
        }
        if !(then.is_empty() && otherwise.is_empty() && joins.is_empty()) {
            scope.stmts.push(Stmt::If {
                cond,
                then,
                otherwise,
                joins,
                origin: scope.origin,
            });
        }
        for (word, position) in words {
            let elements = self.unpack(scope, word);
            outs[position..position + 4].copy_from_slice(&elements);
        }
        outs
    }

    /// Copies a loop region; parameters that no iteration changes and that enter as constants become constants.
    pub(super) fn copy_loop(&mut self, source: RegionId, init: &[Operand]) -> LoopCopy {
        let original = self.region(source).clone();
        let End::Loop { cond, next } = &original.end else {
            unreachable!("a loop statement names a loop region")
        };
        let mut substitution = Substitution::new();
        let mut params = Vec::new();
        let mut kept = Vec::new();
        for (i, (&param, &init)) in original.params.iter().zip(init).enumerate() {
            let invariant = next[i] == Operand::Value(param);
            if invariant && matches!(init, Operand::Const(_)) {
                substitution.insert(param, init);
            } else {
                let copy = self.new_value();
                self.values[copy.index()] = ValueInfo {
                    op: None,
                    ..self.value(param)
                };
                substitution.insert(param, Operand::Value(copy));
                params.push(copy);
                kept.push(i);
            }
        }
        let mut scope = Scope::new(original.origin);
        self.replay(&mut scope, &original.body, &mut substitution);
        let next = kept.iter().map(|&i| map(&substitution, next[i])).collect();
        let end = End::Loop {
            cond: map(&substitution, *cond),
            next,
        };
        let region = self.add_region(Region {
            params,
            body: scope.stmts,
            end,
            ..original
        });
        LoopCopy { region, kept }
    }

    /// What a copy of one or the other is.
    pub(super) fn joined_type(&self, a: Operand, b: Operand) -> Type {
        self.ty(a)
            .join(self.ty(b))
            .expect("words are unpacked where paths meet")
    }

    pub(super) fn add_region(&mut self, region: Region) -> RegionId {
        self.regions.push(region);
        RegionId(self.regions.len() as u32 - 1)
    }

    /// Emits the loop statement. `init` are the parameters of the source, `kept` those that `region` still has,
    /// `wanted` the ones whose final value is asked for.
    pub(super) fn enter_loop(
        &mut self,
        scope: &mut Scope,
        cond: Option<Operand>,
        region: RegionId,
        init: &[Operand],
        kept: &[usize],
        wanted: &[usize],
    ) -> Vec<Operand> {
        use p3_field::PrimeCharacteristicRing;
        let cond = match cond {
            None => None,
            Some(Operand::Value(v)) => Some(v),
            Some(Operand::Const(c)) if c == plica_field::Felt::ONE => None,
            // Never entered: every result is what the loop would have started with.
            Some(Operand::Const(_)) => return wanted.iter().map(|&i| init[i]).collect(),
        };
        if let Some(carried) = self.carry_words(region) {
            let elements: Vec<Operand> = kept.iter().map(|&k| init[k]).collect();
            let own_init = carried.init(self, scope, &elements);
            let positions: Vec<Option<usize>> = wanted
                .iter()
                .map(|i| kept.iter().position(|k| k == i))
                .collect();
            let mut own_wanted: Vec<usize> = positions
                .iter()
                .flatten()
                .map(|&i| carried.position(i))
                .collect();
            own_wanted.sort_unstable();
            own_wanted.dedup();
            let own_kept: Vec<usize> = (0..own_init.len()).collect();
            let cond = cond.map(Operand::Value);
            let outs = self.enter_loop(
                scope,
                cond,
                carried.region,
                &own_init,
                &own_kept,
                &own_wanted,
            );
            let last: HashMap<usize, Operand> = own_wanted.into_iter().zip(outs).collect();
            return positions
                .into_iter()
                .zip(wanted)
                .map(|(position, &i)| match position {
                    Some(p) => carried.element(self, scope, p, last[&carried.position(p)]),
                    None => init[i],
                })
                .collect();
        }
        let End::Loop { next, .. } = &self.region(region).end else {
            unreachable!("a loop statement names a loop region")
        };
        let next = next.clone();
        let mut results = Vec::new();
        let outs = wanted
            .iter()
            .map(|&i| {
                let Some(index) = kept.iter().position(|&k| k == i) else {
                    return init[i];
                };
                let boolean =
                    self.is_boolean(next[index]) && (cond.is_none() || self.is_boolean(init[i]));
                let ty = match cond {
                    Some(_) => self.joined_type(next[index], init[i]),
                    None => self.ty(next[index]),
                };
                let out = self.new_value();
                let info = &mut self.values[out.index()];
                info.boolean = boolean;
                info.ty = ty;
                results.push(Outcome { out, index });
                Operand::Value(out)
            })
            .collect();
        scope.stmts.push(Stmt::Loop {
            cond,
            region,
            init: kept.iter().map(|&k| init[k]).collect(),
            results,
            origin: scope.origin,
        });
        outs
    }
}

pub(super) struct LoopCopy {
    pub(super) region: RegionId,
    /// Parameters of the source that the copy still has.
    pub(super) kept: Vec<usize>,
}
