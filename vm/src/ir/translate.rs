//! From stack code to values: executes stack manipulation symbolically.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_air::code::FactOp;
use plica_field::{Felt, Word};

use super::build::{Scope, constant};
use super::compare::Order;
use super::error::{CompileError, CompileErrorKind};
use super::memory::{uses_frame, uses_opener};
use super::procedures::{Isolation, Variant};
use super::stack::{FLOOR, Stack, at_start};
use super::{End, Ir, Operand, Origin, Region, Trap, ValueId};
use crate::syntax::{
    Body, Exponent, Instruction, Node, NodeKind, ProcId, Program, Section, Sources, Span,
};

pub(super) type Result<T> = std::result::Result<T, Box<CompileError>>;

/// Deepest stack that is compiled.
const MAX_DEPTH: usize = 1 << 20;
/// Most statements that a program may unroll to.
const MAX_STATEMENTS: usize = 1 << 22;

/// Translates a resolved program.
///
/// # Errors
/// Programs that need an instruction this release does not have, that are too large, or that cannot end as they must.
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
        uses_opener: uses_opener(program),
        roots: OnceCell::new(),
        growing: HashSet::new(),
        locals: 0,
    };
    let origin = Origin {
        span: program.main_span,
        procedure: 0,
        spill: false,
    };
    let mut scope = Scope::new(origin);
    let inputs = translator.ir.inputs.iter().rev();
    let mut stack = Stack::new(
        at_start()
            .into_iter()
            .chain(inputs.map(|&v| Operand::Value(v))),
    );
    translator.body(&program.main, &mut stack, &mut scope)?;
    if stack.is_static() && stack.depth() > FLOOR {
        return Err(translator.error(
            CompileErrorKind::FinalDepth(stack.depth()),
            program.main_span,
        ));
    }
    scope.origin = origin;
    translator.require_floor(&stack, Trap::FinalDepth, &mut scope);
    let outputs = (0..FLOOR).map(|n| stack.peek(n)).collect();
    translator.complete_dispatcher()?;
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
                NodeKind::Exec(callee) | NodeKind::Call(callee) | NodeKind::Syscall(callee) => {
                    sites[callee.index()] += 1;
                }
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

/// Checks that have run.
#[derive(Clone, Debug, Default)]
pub(super) struct Checks {
    /// Values known to be Boolean.
    booleans: HashSet<ValueId>,
    /// Values known to be 32-bit numbers, and the cells that say so.
    u32s: HashMap<ValueId, Operand>,
}

pub(super) struct Translator<'a> {
    pub(super) program: &'a Program,
    pub(super) ir: Ir,
    /// What is known on the current path because a check has run.
    pub(super) checked: Checks,
    pub(super) procedures: HashMap<ProcId, Vec<Variant>>,
    pub(super) call_sites: Vec<usize>,
    /// Loops around what is being translated.
    pub(super) loops: usize,
    /// Position in [`Ir::procedures`] of what is being translated.
    pub(super) procedure: u32,
    /// By procedure: whether its code depends on the frame pointer.
    pub(super) uses_frame: Vec<bool>,
    /// Whether the program asks who opened a context.
    pub(super) uses_opener: bool,
    /// By procedure: its root, if anything asks for it.
    roots: OnceCell<Vec<Word>>,
    /// Loops that change the depth of the stack.
    pub(super) growing: HashSet<Span>,
    /// How many locals the current procedure has.
    pub(super) locals: u16,
}

impl Translator<'_> {
    /// By procedure: its root. Each instruction is a hash, so they are computed only for programs that use them.
    pub(super) fn roots(&self) -> &[Word] {
        self.roots.get_or_init(|| self.program.roots())
    }

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
            spill: false,
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
        self.step(node, stack, scope)?;
        self.fill(stack, scope);
        Ok(())
    }

    fn step(&mut self, node: &Node, stack: &mut Stack, scope: &mut Scope) -> Result<()> {
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
            NodeKind::Call(callee) => self.call(*callee, Isolation::Call, stack, scope),
            NodeKind::Syscall(callee) => self.call(*callee, Isolation::Syscall, stack, scope),
            NodeKind::InvokeRoot { kind, root } => self.invoke_root(*kind, *root, stack, scope),
            NodeKind::Procref(target) => {
                self.push_root(self.roots()[target.index()], stack);
                Ok(())
            }
            NodeKind::DynExec => {
                self.dynamic_exec(node.span, stack, scope);
                Ok(())
            }
            NodeKind::DynCall => {
                self.dynamic_call(node.span, stack, scope);
                Ok(())
            }
        }
    }

    /// The operand as a Boolean: emits the check that it is 0 or 1, unless that is known.
    pub(super) fn boolean(&mut self, operand: Operand, scope: &mut Scope) -> Operand {
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
            I::Pick(n) => {
                let (n, depth) = (*n as usize, stack.depth());
                if n >= depth {
                    return Err(self.error(CompileErrorKind::PickTooDeep(depth), span));
                }
                let item = stack.peek(n);
                stack.push(item);
            }
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
                self.drop_then_push(Felt::ZERO, stack, scope);
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
                    self.drop_then_push(Felt::ONE, stack, scope);
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
                let depth = self.depth(stack, scope);
                stack.push(depth);
            }
            I::Clk => {
                let clock = self.clock(scope);
                stack.push(clock);
            }
            I::Caller => self.push_opener(stack),
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
            other if other.section() == Section::Ext3 => {
                self.ext3_instruction(other, stack, scope);
            }
            other if other.section() == Section::Stark => {
                return self.stark_instruction(other, span, stack, scope);
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
