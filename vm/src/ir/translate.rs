//! From stack code to values: executes stack manipulation symbolically.

use std::collections::{HashMap, HashSet};

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_air::code::{FactOp, Type};
use plica_field::Felt;

use super::build::{Scope, constant};
use super::compare::Order;
use super::error::{CompileError, CompileErrorKind};
use super::memory::{FRAMES, uses_frame};
use super::replay::{Substitution, substituted};
use super::stack::{FLOOR, Stack};
use super::{End, Ir, Operand, Origin, Outcome, Region, RegionId, Stmt, Trap, ValueId};
use crate::syntax::{
    Body, Exponent, Instruction, Node, NodeKind, ProcId, Program, Section, Sources, Span,
};

pub(super) type Result<T> = std::result::Result<T, Box<CompileError>>;

/// Deepest stack that is compiled.
const MAX_DEPTH: usize = 1 << 20;
/// Most statements that a program may unroll to.
const MAX_STATEMENTS: usize = 1 << 22;
/// Bodies up to this many statements are always inlined.
const INLINE_STATEMENTS: f64 = 24.0;

/// Translates a resolved program.
///
/// # Errors
/// Programs that need an instruction this release does not have, or whose stack depth is not static.
pub fn translate(program: &Program) -> Result<Ir> {
    let mut procedures = vec!["begin".to_owned()];
    procedures.extend(program.procedures.iter().map(|p| p.name.clone()));
    let mut ir = Ir {
        procedures,
        ..Ir::default()
    };
    ir.inputs = (0..FLOOR).map(|_| ir.new_value()).collect();
    let mut translator = Translator {
        program,
        ir,
        checked: Checks::default(),
        procedures: HashMap::new(),
        call_sites: count_call_sites(program),
        loops: 0,
        procedure: 0,
        uses_frame: uses_frame(program),
        frame: FRAMES,
        locals: 0,
    };
    let origin = Origin {
        span: program.main_span,
        procedure: 0,
    };
    let mut scope = Scope::new(origin);
    let mut stack = Stack::new(
        translator
            .ir
            .inputs
            .iter()
            .rev()
            .map(|&v| Operand::Value(v)),
    );
    translator.body(&program.main, &mut stack, &mut scope)?;
    if stack.depth() > FLOOR {
        return Err(translator.error(
            CompileErrorKind::FinalDepth(stack.depth()),
            program.main_span,
        ));
    }
    let outputs = (0..FLOOR).map(|n| stack.peek(n)).collect();
    let params = translator.ir.inputs.clone();
    translator.ir.add_region(Region {
        params,
        body: scope.stmts,
        end: End::Root { outputs },
        origin,
        trip_count: None,
    });
    Ok(translator.ir)
}

fn count_call_sites(program: &Program) -> Vec<usize> {
    let mut sites = vec![0; program.procedures.len()];
    let mut pending: Vec<&Body> = vec![&program.main];
    pending.extend(program.procedures.iter().map(|p| &p.body));
    while let Some(body) = pending.pop() {
        for node in body {
            match &node.kind {
                NodeKind::Exec(callee) | NodeKind::Call(callee) => sites[callee.index()] += 1,
                NodeKind::If {
                    then, otherwise, ..
                } => pending.extend([then, otherwise]),
                NodeKind::While { body } | NodeKind::Repeat { body, .. } => pending.push(body),
                _ => {}
            }
        }
    }
    sites
}

/// A body translated on a stack of unknown values.
pub(super) struct Detached {
    /// What the items of the stack were, bottom first.
    pub(super) imports: Vec<ValueId>,
    pub(super) stmts: Vec<Stmt>,
    pub(super) stack: Stack,
}

/// A procedure translated for one depth of the stack at entry, and one frame pointer.
#[derive(Clone)]
struct Variant {
    region: RegionId,
    entry_depth: usize,
    /// The frame pointer at entry, if the code depends on it.
    frame: Option<u64>,
    /// The same code serves every depth that is at least this; `None` if it met the floor.
    valid_from: Option<usize>,
    /// Smallest depth while it runs, entered at `entry_depth`; below the floor if it met it.
    lowest: usize,
    imports: Vec<ValueId>,
    /// Final stack, bottom first, in terms of imports and results.
    stack: Vec<Operand>,
    stmts: f64,
}

/// Checks that have run.
#[derive(Clone, Debug, Default)]
struct Checks {
    /// Values known to be Boolean.
    booleans: HashSet<ValueId>,
    /// Values known to be 32-bit numbers, and the cells that say so.
    u32s: HashMap<ValueId, Operand>,
}

pub(super) struct Translator<'a> {
    program: &'a Program,
    pub(super) ir: Ir,
    /// What is known on the current path because a check has run.
    checked: Checks,
    procedures: HashMap<ProcId, Vec<Variant>>,
    call_sites: Vec<usize>,
    /// Loops around what is being translated.
    loops: usize,
    /// Position in [`Ir::procedures`] of what is being translated.
    procedure: u32,
    /// By procedure: whether its code depends on the frame pointer.
    uses_frame: Vec<bool>,
    /// Where the last local of the current procedure is.
    pub(super) frame: u64,
    /// How many locals it has.
    pub(super) locals: u16,
}

impl Translator<'_> {
    fn sources(&self) -> &Sources {
        &self.program.sources
    }

    pub(super) fn error(&self, kind: CompileErrorKind, span: Span) -> Box<CompileError> {
        CompileError::new(kind, self.sources(), span)
    }

    pub(super) fn unsupported<T>(&self, span: Span) -> Result<T> {
        let text = self.sources().slice(span).to_owned();
        Err(self.error(CompileErrorKind::Unsupported(text), span))
    }

    pub(super) const fn origin(&self, span: Span) -> Origin {
        Origin {
            span,
            procedure: self.procedure,
        }
    }

    pub(super) fn body(
        &mut self,
        body: &[Node],
        stack: &mut Stack,
        scope: &mut Scope,
    ) -> Result<()> {
        stacker::maybe_grow(64 << 10, 1 << 20, || {
            for node in body {
                self.node(node, stack, scope)?;
                if stack.depth() > MAX_DEPTH {
                    return Err(self.error(CompileErrorKind::StackTooDeep(MAX_DEPTH), node.span));
                }
                if self.ir.values.len() > MAX_STATEMENTS {
                    return Err(self.error(CompileErrorKind::TooLarge(MAX_STATEMENTS), node.span));
                }
            }
            Ok(())
        })
    }

    fn node(&mut self, node: &Node, stack: &mut Stack, scope: &mut Scope) -> Result<()> {
        scope.origin = self.origin(node.span);
        match &node.kind {
            NodeKind::Op(instruction) => self.instruction(instruction, node.span, stack, scope),
            NodeKind::If {
                then, otherwise, ..
            } => self.if_else(then, otherwise, node.span, stack, scope),
            NodeKind::While { body } => self.while_loop(body, node.span, stack, scope),
            NodeKind::Repeat { count, body } => {
                self.repeat(u64::from(*count), body, node.span, stack, scope)
            }
            NodeKind::Exec(callee) => self.exec(*callee, stack, scope),
            NodeKind::Call(callee) => self.call_isolated(*callee, node.span, stack, scope),
            NodeKind::Procref(_)
            | NodeKind::Syscall(_)
            | NodeKind::InvokeRoot { .. }
            | NodeKind::DynExec
            | NodeKind::DynCall => self.unsupported(node.span),
        }
    }

    /// The operand as a Boolean: emits the check that it is 0 or 1, unless that is known.
    fn boolean(&mut self, operand: Operand, scope: &mut Scope) -> Operand {
        match operand {
            Operand::Const(c) if c == Felt::ZERO || c == Felt::ONE => operand,
            Operand::Const(_) => {
                self.ir.fail(scope, Trap::NotBinary);
                constant(Felt::ZERO)
            }
            Operand::Value(v) => {
                if !self.ir.value(v).boolean && self.checked.booleans.insert(v) {
                    let square = self.ir.product(scope, operand, operand, Felt::ZERO);
                    self.ir
                        .assert_equal(scope, square, operand, Trap::NotBinary);
                }
                operand
            }
        }
    }

    /// The operand as a 32-bit number: emits the check, unless it is known.
    pub(super) fn u32(&mut self, operand: Operand, scope: &mut Scope) -> Operand {
        self.u32_or(operand, Trap::of(FactOp::U32Check), scope)
    }

    /// The same; `trap` is what it means if it is none.
    pub(super) fn u32_or(&mut self, operand: Operand, trap: Trap, scope: &mut Scope) -> Operand {
        if let Operand::Value(v) = operand
            && let Some(&checked) = self.checked.u32s.get(&v)
        {
            return checked;
        }
        let checked = self.ir.fact_or(scope, FactOp::U32Check, &[operand], trap)[0];
        if let Operand::Value(v) = operand {
            self.checked.u32s.insert(v, checked);
        }
        checked
    }

    fn if_else(
        &mut self,
        then: &Body,
        otherwise: &Body,
        span: Span,
        stack: &mut Stack,
        scope: &mut Scope,
    ) -> Result<()> {
        let cond = stack.pop();
        let cond = self.boolean(cond, scope);
        let cond = match cond {
            Operand::Const(c) => {
                let taken = if c == Felt::ONE { then } else { otherwise };
                return self.body(taken, stack, scope);
            }
            Operand::Value(v) => v,
        };
        let outside = self.checked.clone();
        let mut branches = Vec::with_capacity(2);
        for body in [then, otherwise] {
            let mut branch = Scope::new(self.origin(span));
            let mut branch_stack = stack.clone();
            self.body(body, &mut branch_stack, &mut branch)?;
            self.checked.clone_from(&outside);
            branches.push((branch.stmts, branch_stack));
        }
        let (otherwise, otherwise_stack) = branches.pop().expect("two branches");
        let (then, then_stack) = branches.pop().expect("two branches");
        if then_stack.depth() != otherwise_stack.depth() {
            return Err(self.error(
                CompileErrorKind::BranchDepth {
                    then: then_stack.depth(),
                    otherwise: otherwise_stack.depth(),
                },
                span,
            ));
        }
        scope.origin = self.origin(span);
        let pairs = then_stack.iter().zip(otherwise_stack.iter()).collect();
        let joined = self.ir.branch(scope, cond, then, otherwise, pairs);
        let lowest = then_stack.lowest.min(otherwise_stack.lowest);
        *stack = Stack::new(joined);
        stack.lowest = lowest;
        Ok(())
    }

    /// Translates the body of a loop. Of each item it supposes what is known before the loop (`before`), as long as an
    /// iteration preserves it, so that a 32-bit number is not checked again in every iteration.
    pub(super) fn iteration(
        &mut self,
        before: &Stack,
        span: Span,
        mut body: impl FnMut(&mut Self, &mut Stack, &mut Scope) -> Result<()>,
    ) -> Result<Detached> {
        /// Deeper loops suppose nothing: each level may translate what it contains twice.
        const TYPED_LEVELS: usize = 4;
        let mut types: Vec<Type> = if self.loops < TYPED_LEVELS {
            before.iter().map(|item| self.ir.ty(item)).collect()
        } else {
            vec![Type::Felt; before.depth()]
        };
        loop {
            self.loops += 1;
            let detached = self.detached(&types, span, &mut body);
            self.loops -= 1;
            let detached = detached?;
            if detached.stack.depth() != types.len() {
                return Ok(detached);
            }
            let mut stable = true;
            for (ty, item) in types.iter_mut().zip(detached.stack.iter()) {
                let after = self.ir.ty(item);
                if !after.fits(*ty) {
                    *ty = ty.join(after).expect("items of the stack are no words");
                    stable = false;
                }
            }
            if stable {
                return Ok(detached);
            }
        }
    }

    /// Translates `body` on unknown items of these types.
    pub(super) fn detached(
        &mut self,
        types: &[Type],
        span: Span,
        body: impl FnOnce(&mut Self, &mut Stack, &mut Scope) -> Result<()>,
    ) -> Result<Detached> {
        let imports: Vec<ValueId> = types
            .iter()
            .map(|&ty| {
                let import = self.ir.new_value();
                self.ir.values[import.index()].ty = ty;
                import
            })
            .collect();
        let mut stack = Stack::new(imports.iter().map(|&v| Operand::Value(v)));
        let mut scope = Scope::new(self.origin(span));
        let outside = std::mem::take(&mut self.checked);
        let result = body(self, &mut stack, &mut scope);
        self.checked = outside;
        result?;
        Ok(Detached {
            imports,
            stmts: scope.stmts,
            stack,
        })
    }

    fn while_loop(
        &mut self,
        body: &Body,
        span: Span,
        stack: &mut Stack,
        scope: &mut Scope,
    ) -> Result<()> {
        let cond = stack.pop();
        let cond = self.boolean(cond, scope);
        if cond == constant(Felt::ZERO) {
            return Ok(());
        }
        let depth = stack.depth();
        let mut again = constant(Felt::ZERO);
        let detached = self.iteration(stack, span, |this, stack, scope| {
            this.body(body, stack, scope)?;
            let popped = stack.pop();
            scope.origin = this.origin(span);
            again = this.boolean(popped, scope);
            Ok(())
        })?;
        if detached.stack.depth() != depth {
            return Err(self.error(
                CompileErrorKind::LoopDepth {
                    before: depth,
                    after: detached.stack.depth(),
                },
                span,
            ));
        }
        stack.lowest = stack.lowest.min(detached.stack.lowest);
        scope.origin = self.origin(span);
        let carried = self.carried(&detached, &[again]);
        let params = carried.iter().map(|&k| detached.imports[k]).collect();
        let next = carried.iter().map(|&k| detached.stack.at(k)).collect();
        let region = self.ir.add_region(Region {
            params,
            body: detached.stmts,
            end: End::Loop { cond: again, next },
            origin: scope.origin,
            trip_count: None,
        });
        let init: Vec<Operand> = carried.iter().map(|&k| stack.at(k)).collect();
        let changed: Vec<usize> = (0..carried.len())
            .filter(|&i| {
                detached.stack.at(carried[i]) != Operand::Value(detached.imports[carried[i]])
            })
            .collect();
        let invariant_constant =
            |i: usize| !changed.contains(&i) && matches!(init[i], Operand::Const(_));
        let outs = if (0..carried.len()).any(invariant_constant) {
            // A copy of the loop in which constants that no iteration changes are constants.
            let copy = self.ir.copy_loop(region, &init);
            self.ir
                .enter_loop(scope, Some(cond), copy.region, &init, &copy.kept, &changed)
        } else {
            let kept: Vec<usize> = (0..carried.len()).collect();
            self.ir
                .enter_loop(scope, Some(cond), region, &init, &kept, &changed)
        };
        for (&i, out) in changed.iter().zip(outs) {
            stack.set(carried[i], out);
        }
        Ok(())
    }

    /// Positions of the stack that a detached body reads or changes.
    pub(super) fn carried(&self, detached: &Detached, extra: &[Operand]) -> Vec<usize> {
        let mut used = HashSet::new();
        super::liveness::used_values(&detached.stmts, &mut used);
        used.extend(extra.iter().filter_map(|o| o.value()));
        let mut changed = Vec::new();
        for (k, &import) in detached.imports.iter().enumerate() {
            let last = detached.stack.at(k);
            if last != Operand::Value(import) {
                changed.push(k);
                used.extend(last.value());
            }
        }
        let changed: HashSet<usize> = changed.into_iter().collect();
        (0..detached.imports.len())
            .filter(|k| changed.contains(k) || used.contains(&detached.imports[*k]))
            .collect()
    }

    fn exec(&mut self, callee: ProcId, stack: &mut Stack, scope: &mut Scope) -> Result<()> {
        let variant = self.variant(callee, stack.depth())?;
        let shift = stack.depth() - variant.entry_depth.min(stack.depth());
        debug_assert!(stack.depth() >= variant.entry_depth);
        let mut substitution: Substitution = variant
            .imports
            .iter()
            .enumerate()
            .map(|(k, &import)| (import, stack.at(k + shift)))
            .collect();
        self.run(callee, &variant, &mut substitution, scope);
        let below = (0..shift).map(|k| stack.at(k));
        let above = variant
            .stack
            .iter()
            .map(|&operand| substituted(&substitution, operand));
        // What the callee meets, its callers meet: a floor reached here makes them specific to their depth, too.
        let lowest = stack.lowest.min(variant.lowest + shift);
        let mut result = Stack::new(below.chain(above).collect::<Vec<_>>());
        result.lowest = lowest;
        *stack = result;
        Ok(())
    }

    /// `call`: the callee sees the top 16 items over zeros and must leave 16.
    ///
    /// A callee that does not touch memory cannot tell its context from the caller's, so its code is that of `exec` at
    /// depth 16.
    fn call_isolated(
        &mut self,
        callee: ProcId,
        span: Span,
        stack: &mut Stack,
        scope: &mut Scope,
    ) -> Result<()> {
        let frame = std::mem::replace(&mut self.frame, FRAMES);
        let variant = self.variant(callee, FLOOR);
        self.frame = frame;
        let variant = variant?;
        if self.ir.touches_memory(variant.region) {
            return self.unsupported(span);
        }
        if variant.stack.len() != FLOOR {
            let depth = variant.stack.len();
            self.ir.fail(scope, Trap::CallDepth { depth });
            return Ok(());
        }
        let below = stack.depth() - FLOOR;
        let window = (0..FLOOR).map(|k| stack.at(below + k));
        let mut substitution = variant.imports.iter().copied().zip(window).collect();
        self.run(callee, &variant, &mut substitution, scope);
        for (k, &operand) in variant.stack.iter().enumerate() {
            stack.set(below + k, substituted(&substitution, operand));
        }
        Ok(())
    }

    /// Emits the code of a callee, or a call of it.
    fn run(
        &mut self,
        callee: ProcId,
        variant: &Variant,
        substitution: &mut Substitution,
        scope: &mut Scope,
    ) {
        if variant.stmts <= INLINE_STATEMENTS || self.call_sites[callee.index()] <= 1 {
            let body = self.ir.region(variant.region).body.clone();
            self.ir.replay(scope, &body, substitution);
        } else {
            self.call(variant, substitution, scope);
        }
    }

    fn call(&mut self, variant: &Variant, substitution: &mut Substitution, scope: &mut Scope) {
        let region = self.ir.region(variant.region);
        let args = region
            .params
            .iter()
            .map(|p| substituted(substitution, Operand::Value(*p)))
            .collect();
        let End::Procedure { results } = &region.end else {
            unreachable!("variants are procedure regions")
        };
        let results = results.clone();
        let results = results
            .iter()
            .enumerate()
            .map(|(index, &result)| {
                let out = self.ir.new_value();
                let ty = self.ir.ty(result);
                let boolean = self.ir.is_boolean(result);
                let info = &mut self.ir.values[out.index()];
                info.boolean = boolean;
                info.ty = ty;
                let source = result.value().expect("results of procedures are values");
                substitution.insert(source, Operand::Value(out));
                Outcome { out, index }
            })
            .collect();
        scope.stmts.push(Stmt::Call {
            region: variant.region,
            args,
            results,
            origin: scope.origin,
        });
    }

    /// The procedure as a region, for a stack of `depth` items at entry.
    fn variant(&mut self, callee: ProcId, depth: usize) -> Result<Variant> {
        let frame = self.uses_frame[callee.index()].then_some(self.frame);
        let fits = |v: &&Variant| {
            let deep = v.entry_depth == depth || v.valid_from.is_some_and(|least| depth >= least);
            deep && v.frame == frame
        };
        if let Some(variant) = self
            .procedures
            .get(&callee)
            .and_then(|variants| variants.iter().find(fits))
        {
            return Ok(variant.clone());
        }
        // Sixteen items above the floor are all that any instruction can reach in one step; a body that stays above
        // the floor from there serves every greater depth.
        let procedure = &self.program.procedures[callee.index()];
        let outer = std::mem::replace(&mut self.procedure, callee.index() as u32 + 1);
        let locals = std::mem::replace(&mut self.locals, procedure.locals);
        self.frame += u64::from(procedure.locals);
        let unknown = vec![Type::Felt; depth];
        let detached = self.detached(&unknown, procedure.span, |this, stack, scope| {
            this.body(&procedure.body, stack, scope)
        });
        let origin = self.origin(procedure.span);
        self.procedure = outer;
        self.frame -= u64::from(procedure.locals);
        self.locals = locals;
        let Detached {
            imports,
            stmts,
            stack,
        } = detached?;

        let mut used = HashSet::new();
        super::liveness::used_values(&stmts, &mut used);
        let imported: HashSet<ValueId> = imports.iter().copied().collect();
        let mut results = Vec::new();
        let mut seen = HashSet::new();
        for operand in stack.iter() {
            if let Operand::Value(v) = operand
                && !imported.contains(&v)
                && seen.insert(v)
            {
                results.push(operand);
            }
        }
        let met_floor = stack.lowest < FLOOR;
        let weight = self.ir.weigh(&stmts).stmts;
        let region = self.ir.add_region(Region {
            params: imports
                .iter()
                .copied()
                .filter(|v| used.contains(v))
                .collect(),
            body: stmts,
            end: End::Procedure { results },
            origin,
            trip_count: None,
        });
        let variant = Variant {
            region,
            entry_depth: depth,
            frame,
            valid_from: (!met_floor).then_some(depth),
            lowest: stack.lowest,
            imports,
            stack: stack.iter().collect(),
            stmts: weight,
        };
        self.procedures
            .entry(callee)
            .or_default()
            .push(variant.clone());
        Ok(variant)
    }

    fn instruction(
        &mut self,
        instruction: &Instruction,
        span: Span,
        stack: &mut Stack,
        scope: &mut Scope,
    ) -> Result<()> {
        use Instruction as I;
        let ir = &mut self.ir;
        match instruction {
            // Stack manipulation: no code.
            I::Drop => stack.drop(1),
            I::DropW => stack.drop(4),
            I::PadW => (0..4).for_each(|_| stack.push(constant(Felt::ZERO))),
            I::Push(values) => values.iter().for_each(|&v| stack.push(constant(v))),
            I::Dup(n) => stack.push(stack.peek(usize::from(*n))),
            I::DupW(n) => {
                let deepest = 4 * usize::from(*n) + 3;
                (0..4).for_each(|_| stack.push(stack.peek(deepest)));
            }
            I::Swap(n) => stack.swap(0, usize::from(*n)),
            I::SwapW(n) => (0..4).for_each(|j| stack.swap(j, 4 * usize::from(*n) + j)),
            I::SwapDW => (0..8).for_each(|j| stack.swap(j, 8 + j)),
            I::MovUp(n) => stack.move_up(usize::from(*n)),
            I::MovDn(n) => stack.move_down(usize::from(*n)),
            I::MovUpW(n) => (0..4).for_each(|_| stack.move_up(4 * usize::from(*n) + 3)),
            I::MovDnW(n) => (0..4).for_each(|_| stack.move_down(4 * usize::from(*n) + 3)),
            I::Nop
            | I::Emit(_)
            | I::Trace(_)
            | I::DebugStack(_)
            | I::DebugMem(_)
            | I::DebugLocal(_) => {}

            I::CSwap => self.select(stack, scope, 1, true),
            I::CSwapW => self.select(stack, scope, 4, true),
            I::CDrop => self.select(stack, scope, 1, false),
            I::CDropW => self.select(stack, scope, 4, false),

            // Field.
            I::Add(b) => binary(stack, *b, |a, b| ir.sum(scope, a, b, Felt::ONE)),
            I::Sub(b) => binary(stack, *b, |a, b| ir.sum(scope, a, b, Felt::NEG_ONE)),
            // A literal zero drops first and pushes afterwards, which shows at depth 16.
            I::Mul(Some(b)) if *b == Felt::ZERO => {
                stack.drop(1);
                stack.push(constant(Felt::ZERO));
            }
            I::Mul(b) => binary(stack, *b, |a, b| ir.product(scope, a, b, Felt::ZERO)),
            I::Div(b) => binary(stack, *b, |a, b| {
                let inverse = ir.invert(scope, b);
                ir.product(scope, a, inverse, Felt::ZERO)
            }),
            I::Neg => unary(stack, |a| ir.affine(scope, a, Felt::NEG_ONE, Felt::ZERO)),
            I::Inv => unary(stack, |a| ir.invert(scope, a)),
            I::Exp(Exponent::Value(b)) => {
                if *b == Felt::ZERO {
                    stack.drop(1);
                    stack.push(constant(Felt::ONE));
                } else {
                    unary(stack, |a| power(ir, scope, a, b.as_canonical_u64()));
                }
            }
            I::Exp(Exponent::Stack) => match stack.peek(0) {
                Operand::Const(b) => binary(stack, None, |a, _| {
                    power(ir, scope, a, b.as_canonical_u64())
                }),
                Operand::Value(_) => self.power(stack, scope, None),
            },
            I::Exp(Exponent::Bits(bits)) => self.power(stack, scope, Some(*bits)),
            I::Pow2 => {
                let a = stack.peek(0);
                let out = ir.fact(scope, FactOp::Power, &[a]);
                stack.replace(1, &out);
            }
            I::ILog2 => unary(stack, |a| ir.log2(scope, a)),
            I::Eq(b) => binary(stack, *b, |a, b| ir.equals(scope, a, b)),
            I::Neq(b) => binary(stack, *b, |a, b| {
                let equal = ir.equals(scope, a, b);
                ir.not(scope, equal)
            }),
            I::EqW => {
                let mut all = constant(Felt::ONE);
                for j in 0..4 {
                    let equal = ir.equals(scope, stack.peek(4 + j), stack.peek(j));
                    all = ir.product(scope, all, equal, Felt::ZERO);
                }
                stack.push(all);
            }
            I::Lt(b) => binary(stack, *b, |a, b| ir.compare(scope, Order::Lt, a, b)),
            I::Lte(b) => binary(stack, *b, |a, b| ir.compare(scope, Order::Lte, a, b)),
            I::Gt(b) => binary(stack, *b, |a, b| ir.compare(scope, Order::Gt, a, b)),
            I::Gte(b) => binary(stack, *b, |a, b| ir.compare(scope, Order::Gte, a, b)),
            I::IsOdd => unary(stack, |a| ir.is_odd(scope, a)),
            I::Not => {
                let a = self.boolean(stack.peek(0), scope);
                let out = self.ir.not(scope, a);
                stack.replace(1, &[out]);
            }
            I::And => self.logic(stack, scope, |ir, scope, a, b| {
                ir.product(scope, a, b, Felt::ZERO)
            }),
            I::Or => self.logic(stack, scope, Ir::or),
            I::Xor => self.logic(stack, scope, Ir::xor),

            // Assertions.
            I::Assert(code) => {
                let trap = Trap::Assertion { code: *code };
                let a = stack.pop();
                ir.assert_equal(scope, a, constant(Felt::ONE), trap);
            }
            I::AssertZ(code) => {
                let trap = Trap::Assertion { code: *code };
                let a = stack.pop();
                ir.assert_equal(scope, a, constant(Felt::ZERO), trap);
            }
            I::AssertEq(code) => {
                let trap = Trap::Assertion { code: *code };
                ir.assert_equal(scope, stack.peek(1), stack.peek(0), trap);
                stack.drop(2);
            }
            I::AssertEqW(code) => {
                let trap = Trap::Assertion { code: *code };
                for j in 0..4 {
                    ir.assert_equal(scope, stack.peek(4 + j), stack.peek(j), trap);
                }
                stack.drop(8);
            }

            I::U32Assert(code) => self.u32_assert(1, *code, stack, scope),
            I::U32Assert2(code) => self.u32_assert(2, *code, stack, scope),
            I::U32AssertW(code) => self.u32_assert(4, *code, stack, scope),

            other if matches!(other.section(), Section::Memory | Section::Locals) => {
                return self.memory_instruction(other, span, stack, scope);
            }
            I::SDepth => {
                let depth = stack.depth();
                stack.observe_depth();
                stack.push(constant(Felt::from_usize(depth)));
            }
            I::LocAddr(_) => return self.memory_instruction(instruction, span, stack, scope),
            other if other.section() == Section::Injectors => {
                return self.injector(other, span, stack, scope);
            }
            other if other.section() == Section::Advice => {
                return self.advice_instruction(other, span, stack, scope);
            }
            other if other.section() == Section::Hashing => {
                self.hash_instruction(other, stack, scope);
            }
            other if other.section() == Section::U32 => {
                self.u32_instruction(other, stack, scope);
            }
            other if other.section() == Section::Extension => {
                self.extension_instruction(other, stack, scope);
            }

            _ => return self.unsupported(span),
        }
        Ok(())
    }

    /// `cswap` and `cdrop` on items of `width` elements.
    fn select(&mut self, stack: &mut Stack, scope: &mut Scope, width: usize, keep_both: bool) {
        let cond = stack.pop();
        let cond = self.boolean(cond, scope);
        let top: Vec<Operand> = (0..2 * width).rev().map(|n| stack.peek(n)).collect();
        // `a` below `b`, each deepest element first.
        let (a, b) = top.split_at(width);
        // c = 0 keeps b on top (cswap) resp. keeps a (cdrop); c = 1 the other way round.
        let (if_one, if_zero): (Vec<_>, Vec<_>) = if keep_both {
            ([b, a].concat(), [a, b].concat())
        } else {
            (b.to_vec(), a.to_vec())
        };
        let chosen = match cond {
            Operand::Const(c) if c == Felt::ONE => if_one,
            Operand::Const(_) => if_zero,
            Operand::Value(cond) => {
                let pairs = if_one.into_iter().zip(if_zero).collect();
                self.ir.branch(scope, cond, Vec::new(), Vec::new(), pairs)
            }
        };
        stack.replace(2 * width, &chosen);
    }

    fn logic(
        &mut self,
        stack: &mut Stack,
        scope: &mut Scope,
        op: impl FnOnce(&mut Ir, &mut Scope, Operand, Operand) -> Operand,
    ) {
        let a = self.boolean(stack.peek(1), scope);
        let b = self.boolean(stack.peek(0), scope);
        let out = op(&mut self.ir, scope, a, b);
        stack.replace(2, &[out]);
    }
}

/// Applies an operation to [b, a, ..], or to [a, ..] and the immediate b.
pub(super) fn binary(
    stack: &mut Stack,
    immediate: Option<Felt>,
    op: impl FnOnce(Operand, Operand) -> Operand,
) {
    match immediate {
        Some(b) => {
            let out = op(stack.peek(0), constant(b));
            stack.replace(1, &[out]);
        }
        None => {
            let out = op(stack.peek(1), stack.peek(0));
            stack.replace(2, &[out]);
        }
    }
}

pub(super) fn unary(stack: &mut Stack, op: impl FnOnce(Operand) -> Operand) {
    let out = op(stack.peek(0));
    stack.replace(1, &[out]);
}

/// a^exponent by squaring and multiplying, most significant bit first.
pub(super) fn power(ir: &mut Ir, scope: &mut Scope, a: Operand, exponent: u64) -> Operand {
    if let Operand::Const(a) = a {
        return constant(a.exp_u64(exponent));
    }
    let Some(top) = exponent.checked_ilog2() else {
        return constant(Felt::ONE);
    };
    let mut result = a;
    for bit in (0..top).rev() {
        result = ir.product(scope, result, result, Felt::ZERO);
        if exponent >> bit & 1 == 1 {
            result = ir.product(scope, result, a, Felt::ZERO);
        }
    }
    result
}
