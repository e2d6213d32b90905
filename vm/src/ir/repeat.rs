//! `repeat`: unrolled or a counted loop, whichever commits fewer cells.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use super::build::{Scope, constant};
use super::control::Detached;
use super::replay::{Substitution, substituted};
use super::stack::{BELOW, Stack};
use super::translate::{Result, Translator};
use super::weight::{LOOP_TABLE, Weight, opening};
use super::{End, Operand, Region};
use crate::syntax::{Body, Span};

/// Copies of the body per iteration of a counted loop, at most.
const MAX_UNROLL: u64 = 1 << 10;
/// Statements to which a whole `repeat` may be unrolled where a loop would also do.
const MAX_STRAIGHT: f64 = 65_536.0;

/// How a `repeat` runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    Straight,
    /// Counted loop with this many copies of the body per iteration; what remains runs after it.
    Loop {
        copies: u64,
    },
}

impl Translator<'_> {
    pub(super) fn repeat(
        &mut self,
        count: u64,
        body: &Body,
        span: Span,
        stack: &mut Stack,
        scope: &mut Scope,
    ) -> Result<()> {
        if count == 1 {
            return self.body(body, stack, scope);
        }
        let detached = self.iteration(stack, false, span, |this, stack, scope| {
            this.body(body, stack, scope)
        })?;
        let detached = if detached.is_steady() {
            detached
        } else if self.unrolls(&detached, stack, count) {
            // Every iteration meets another stack, until one leaves the depth as it was (at the floor).
            for done in 1..=count {
                let before = (stack.len(), stack.at(BELOW));
                self.body(body, stack, scope)?;
                if before == (stack.len(), stack.at(BELOW)) && done < count {
                    return self.repeat(count - done, body, span, stack, scope);
                }
            }
            return Ok(());
        } else {
            self.repeated(stack, scope, span, |this, stack, scope| {
                this.body(body, stack, scope)
            })?
        };
        stack.lowest = stack.lowest.min(detached.stack.lowest);
        scope.origin = self.origin(span);
        if detached.stmts.is_empty() {
            shuffle(&detached, stack, count);
            return Ok(());
        }
        let carried = self.carried(&detached, &[]);
        let weight = self.ir.weigh(&detached.stmts);
        match plan(weight, count, carried.len()) {
            Plan::Straight => {
                for _ in 0..count {
                    self.iterate(&detached, stack, scope);
                }
            }
            Plan::Loop { copies } => {
                self.counted_loop(&detached, &carried, copies, count / copies, stack, scope);
                for _ in 0..count % copies {
                    self.iterate(&detached, stack, scope);
                }
            }
        }
        Ok(())
    }

    /// Whether a body that changes the depth of the stack is small enough to stand there `count` times.
    fn unrolls(&self, detached: &Detached, stack: &Stack, count: u64) -> bool {
        /// Items that the stack may become deeper by.
        const MAX_GROWTH: u64 = 1 << 16;
        let stmts = self.ir.weigh(&detached.stmts).stmts;
        let growth = detached.stack.len().abs_diff(stack.len()) as u64;
        count as f64 * stmts <= MAX_STRAIGHT && count.saturating_mul(growth) <= MAX_GROWTH
    }

    /// Emits one copy of the body.
    fn iterate(&mut self, detached: &Detached, stack: &mut Stack, scope: &mut Scope) {
        let mut substitution: Substitution = detached
            .entry
            .iter()
            .zip(stack.iter())
            .filter_map(|(entry, item)| Some((entry.value()?, item)))
            .collect();
        self.ir.replay(scope, &detached.stmts, &mut substitution);
        for (k, last) in detached.stack.iter().enumerate() {
            stack.set(k, substituted(&substitution, last));
        }
    }

    fn counted_loop(
        &mut self,
        detached: &Detached,
        carried: &[usize],
        copies: u64,
        trips: u64,
        stack: &mut Stack,
        scope: &mut Scope,
    ) {
        let origin = scope.origin;
        let changed = |k: usize| detached.changes(k);
        // Constants that no iteration changes stay constants inside.
        let carried: Vec<usize> = carried
            .iter()
            .copied()
            .filter(|&k| changed(k) || matches!(stack.at(k), Operand::Value(_)))
            .collect();
        let counter = self.ir.new_value();
        let mut params = vec![counter];
        let mut inside = stack.clone();
        for &k in &carried {
            let param = self.ir.new_value();
            self.ir.values[param.index()].ty = self.ir.value(detached.import(k)).ty;
            params.push(param);
            inside.set(k, Operand::Value(param));
        }
        let mut body = Scope::new(origin);
        for _ in 0..copies {
            self.iterate(detached, &mut inside, &mut body);
        }
        body.origin = origin;
        let left = self
            .ir
            .affine(&mut body, Operand::Value(counter), Felt::ONE, Felt::NEG_ONE);
        let done = self.ir.equals_constant(&mut body, left, Felt::ZERO);
        let again = self.ir.not(&mut body, done);
        let next = std::iter::once(left)
            .chain(carried.iter().map(|&k| inside.at(k)))
            .collect();
        let region = self.ir.add_region(Region {
            params,
            body: body.stmts,
            end: End::Loop { cond: again, next },
            origin,
            trip_count: Some(trips),
        });
        let init: Vec<Operand> = std::iter::once(constant(Felt::from_u64(trips)))
            .chain(carried.iter().map(|&k| stack.at(k)))
            .collect();
        let kept: Vec<usize> = (0..init.len()).collect();
        let wanted: Vec<usize> = (0..carried.len())
            .filter(|&i| changed(carried[i]))
            .map(|i| i + 1)
            .collect();
        scope.origin = origin;
        let outs = self
            .ir
            .enter_loop(scope, None, region, &init, &kept, &wanted);
        for (&i, out) in wanted.iter().zip(outs) {
            stack.set(carried[i - 1], out);
        }
    }
}

/// A body without operations moves items and pushes constants: applied `count` times by squaring.
fn shuffle(detached: &Detached, stack: &mut Stack, count: u64) {
    let position: std::collections::HashMap<_, _> = detached
        .entry
        .iter()
        .enumerate()
        .filter(|(_, entry)| matches!(entry, Operand::Value(_)))
        .map(|(k, &entry)| (entry, k))
        .collect();
    // Where the item at each position comes from: another position, or a constant.
    let once: Vec<std::result::Result<usize, Operand>> = detached
        .stack
        .iter()
        .map(|item| position.get(&item).copied().ok_or(item))
        .collect();
    let after = |first: &[std::result::Result<usize, Operand>],
                 second: &[std::result::Result<usize, Operand>]| {
        second
            .iter()
            .map(|source| source.and_then(|k| first[k]))
            .collect::<Vec<_>>()
    };
    let mut result: Vec<_> = (0..once.len()).map(Ok).collect();
    for bit in (0..=count.ilog2()).rev() {
        result = after(&result, &result);
        if count >> bit & 1 == 1 {
            result = after(&result, &once);
        }
    }
    let before = stack.clone();
    for (k, source) in result.into_iter().enumerate() {
        stack.set(k, source.map_or_else(|item| item, |from| before.at(from)));
    }
}

/// Chooses between straight code and counted loops with various numbers of copies.
fn plan(body: Weight, count: u64, carried: usize) -> Plan {
    let n = count as f64;
    let straight = n * body.table;
    let mut best = (
        if n * body.stmts <= MAX_STRAIGHT {
            straight
        } else {
            f64::INFINITY
        },
        Plan::Straight,
    );
    let mut copies = 1;
    while copies <= MAX_UNROLL && copies * 2 <= count {
        let trips = count / copies;
        let entries = (copies + count % copies) as f64;
        let cost = trips as f64 * opening(carried) + entries * body.table + LOOP_TABLE;
        if entries * body.stmts <= MAX_STRAIGHT && cost < best.0 {
            best = (cost, Plan::Loop { copies });
        }
        copies *= 2;
    }
    if best.0.is_infinite() {
        return Plan::Loop { copies: 1 };
    }
    best.1
}
