//! Emission of operations, with constants folded.

use std::collections::HashMap;

use p3_field::{Field, PrimeCharacteristicRing};
use plica_air::code::{ArithOp, EffectOp, FactOp, HostOp, MAX_RESULTS, Type};
use plica_field::Felt;

use super::merkle::is_no_place;
use super::{Ir, Operand, Origin, PureOp, Stmt, Trap, ValueId, ValueInfo};

/// A list of statements under construction, and the origin of what is emitted next.
pub(super) struct Scope {
    pub(super) stmts: Vec<Stmt>,
    pub(super) origin: Origin,
    /// What the list puts together and takes apart, by instruction and operands.
    words: HashMap<(FactOp, Vec<Operand>), Vec<Operand>>,
}

impl Scope {
    pub(super) fn new(origin: Origin) -> Self {
        Self {
            stmts: Vec::new(),
            origin,
            words: HashMap::new(),
        }
    }
}

pub(super) const fn constant(value: Felt) -> Operand {
    Operand::Const(value)
}

impl Ir {
    pub(super) fn new_value(&mut self) -> ValueId {
        self.values.push(ValueInfo::default());
        ValueId(self.values.len() as u32 - 1)
    }

    pub(super) fn is_boolean(&self, operand: Operand) -> bool {
        match operand {
            Operand::Const(c) => c == Felt::ZERO || c == Felt::ONE,
            Operand::Value(v) => self.value(v).boolean,
        }
    }

    fn emit(&mut self, scope: &mut Scope, op: PureOp, boolean: bool) -> Operand {
        let out = self.new_value();
        // No wider than its operands: what grows from one iteration to the next would be translated again for each type.
        let small = self.result_type(op);
        let ty = match op {
            PureOp::IsZero { .. } => small,
            _ => {
                let widest = op.operands().map(|v| self.value(v).ty);
                let widest = widest.reduce(|a, b| a.join(b).unwrap_or(Type::Felt));
                if widest.is_some_and(|widest| small.fits(widest)) {
                    small
                } else {
                    Type::Felt
                }
            }
        };
        self.values[out.index()] = ValueInfo {
            boolean,
            ty,
            op: Some(op),
        };
        scope.stmts.push(Stmt::Op {
            out,
            op,
            origin: scope.origin,
        });
        Operand::Value(out)
    }

    /// What the validator will find of the result of an operation, at least.
    fn result_type(&self, op: PureOp) -> Type {
        let ty = |v: ValueId| self.value(v).ty;
        match op {
            PureOp::Product { a, b, w } => {
                ArithOp::Product { a: 0, b: 1, w }.result_type(ty(a), ty(b))
            }
            PureOp::Sum { a, b, w } => ArithOp::Sum { a: 0, b: 1, w }.result_type(ty(a), ty(b)),
            // Where the shape has no instruction there are two, with something between them.
            PureOp::Affine { a, slope, offset } => ArithOp::affine(0, slope, offset)
                .map_or(Type::Felt, |op| op.result_type(ty(a), Type::Felt)),
            PureOp::IsZero { .. } => Type::Bool,
            PureOp::Invert { .. } => Type::Felt,
        }
    }

    /// Uses all that is known of the result of an operation, also if it is wider than the operands.
    pub(super) fn narrow(&mut self, operand: Operand) -> Operand {
        if let Operand::Value(v) = operand
            && let Some(op) = self.value(v).op
        {
            self.values[v.index()].ty = self.result_type(op);
        }
        operand
    }

    /// (a + w)·b
    pub(super) fn product(
        &mut self,
        scope: &mut Scope,
        a: Operand,
        b: Operand,
        w: Felt,
    ) -> Operand {
        match (a, b) {
            (Operand::Const(a), b) => self.affine(scope, b, a + w, Felt::ZERO),
            (a, Operand::Const(b)) => self.affine(scope, a, b, w * b),
            (Operand::Value(x), Operand::Value(y)) => {
                let boolean = w == Felt::ZERO && self.is_boolean(a) && self.is_boolean(b);
                self.emit(scope, PureOp::Product { a: x, b: y, w }, boolean)
            }
        }
    }

    /// a + w·b
    pub(super) fn sum(&mut self, scope: &mut Scope, a: Operand, b: Operand, w: Felt) -> Operand {
        match (a, b) {
            (Operand::Const(a), b) => self.affine(scope, b, w, a),
            (a, Operand::Const(b)) => self.affine(scope, a, Felt::ONE, w * b),
            (Operand::Value(a), Operand::Value(b)) => {
                self.emit(scope, PureOp::Sum { a, b, w }, false)
            }
        }
    }

    /// slope·a + offset
    pub(super) fn affine(
        &mut self,
        scope: &mut Scope,
        a: Operand,
        slope: Felt,
        offset: Felt,
    ) -> Operand {
        match a {
            Operand::Const(a) => constant(slope * a + offset),
            Operand::Value(_) if slope == Felt::ZERO => constant(offset),
            Operand::Value(_) if slope == Felt::ONE && offset == Felt::ZERO => a,
            Operand::Value(v) => {
                let maps_to_bits = |bit: Felt| {
                    let y = slope * bit + offset;
                    y == Felt::ZERO || y == Felt::ONE
                };
                let boolean =
                    self.is_boolean(a) && maps_to_bits(Felt::ZERO) && maps_to_bits(Felt::ONE);
                if slope == Felt::NEG_ONE
                    && offset == Felt::ONE
                    && let Some(inner) = self.negated(a)
                {
                    return Operand::Value(inner);
                }
                self.emit(
                    scope,
                    PureOp::Affine {
                        a: v,
                        slope,
                        offset,
                    },
                    boolean,
                )
            }
        }
    }

    /// x if `operand` is 1 − x with x Boolean.
    pub(super) fn negated(&self, operand: Operand) -> Option<ValueId> {
        match self.value(operand.value()?).op? {
            PureOp::Affine { a, slope, offset }
                if slope == Felt::NEG_ONE && offset == Felt::ONE && self.value(a).boolean =>
            {
                Some(a)
            }
            _ => None,
        }
    }

    /// 1 − a for Boolean a
    pub(super) fn not(&mut self, scope: &mut Scope, a: Operand) -> Operand {
        self.affine(scope, a, Felt::NEG_ONE, Felt::ONE)
    }

    /// a or b for Boolean operands: b − (b − 1)·a
    pub(super) fn or(&mut self, scope: &mut Scope, a: Operand, b: Operand) -> Operand {
        let known = self.values.len();
        let t = self.product(scope, b, a, Felt::NEG_ONE);
        let r = self.sum(scope, b, t, Felt::NEG_ONE);
        self.mark_boolean(known, r)
    }

    /// a xor b for Boolean operands: b − 2·(b − ½)·a
    pub(super) fn xor(&mut self, scope: &mut Scope, a: Operand, b: Operand) -> Operand {
        let known = self.values.len();
        let t = self.product(scope, b, a, -Felt::ONE.halve());
        let r = self.sum(scope, b, t, -Felt::TWO);
        self.mark_boolean(known, r)
    }

    /// Marks a value that was emitted after the first `known` ones. Older values stay as they are: what was checked
    /// on one path need not hold on another.
    pub(super) fn mark_boolean(&mut self, known: usize, operand: Operand) -> Operand {
        if let Operand::Value(v) = operand
            && v.index() >= known
        {
            self.values[v.index()].boolean = true;
        }
        operand
    }

    /// 1 if a = k, else 0
    pub(super) fn equals_constant(&mut self, scope: &mut Scope, a: Operand, k: Felt) -> Operand {
        match a {
            Operand::Const(a) => constant(Felt::from_bool(a == k)),
            Operand::Value(a) => self.emit(scope, PureOp::IsZero { a, k }, true),
        }
    }

    /// 1 if a = b, else 0
    pub(super) fn equals(&mut self, scope: &mut Scope, a: Operand, b: Operand) -> Operand {
        match (a, b) {
            (a, Operand::Const(k)) | (Operand::Const(k), a) => self.equals_constant(scope, a, k),
            (a, b) if a == b => constant(Felt::ONE),
            (a, b) => {
                let d = self.sum(scope, a, b, Felt::NEG_ONE);
                self.equals_constant(scope, d, Felt::ZERO)
            }
        }
    }

    /// 1/a
    pub(super) fn invert(&mut self, scope: &mut Scope, a: Operand) -> Operand {
        match a {
            Operand::Const(a) => match a.try_inverse() {
                Some(inverse) => constant(inverse),
                None => {
                    self.fail(scope, Trap::DivisionByZero);
                    constant(Felt::ZERO)
                }
            },
            Operand::Value(a) => self.emit(scope, PureOp::Invert { a }, false),
        }
    }

    /// Emits an instruction of the chips of facts, whose operands have the types of its signature.
    pub(super) fn fact(
        &mut self,
        scope: &mut Scope,
        op: FactOp,
        operands: &[Operand],
    ) -> Vec<Operand> {
        self.fact_or(scope, op, operands, Trap::of(op))
    }

    /// The same; `trap` is what it means if there are no results.
    pub(super) fn fact_or(
        &mut self,
        scope: &mut Scope,
        op: FactOp,
        operands: &[Operand],
        trap: Trap,
    ) -> Vec<Operand> {
        if op == FactOp::U32Check && self.ty(operands[0]).fits(Type::U32) {
            return operands.to_vec();
        }
        if let Some(known) = self.words.undone(op, operands) {
            return known;
        }
        let shared = matches!(op, FactOp::Pack | FactOp::Unpack | FactOp::Ext3Pack);
        let key = (op, operands.to_vec());
        if shared && let Some(known) = scope.words.get(&key) {
            return known.clone();
        }
        let signature = op.signature();
        // There are no constant words: this is what one is made with.
        if !matches!(op, FactOp::Pack | FactOp::Ext3Pack)
            && let Some(constants) = self.words.constants(operands)
        {
            let mut results = [Felt::ZERO; MAX_RESULTS];
            if !op.eval(&constants, &mut results) {
                self.fail(scope, trap);
                // Never used, but of the types of the signature.
                results = [Felt::ZERO; MAX_RESULTS];
            }
            let mut results = results.into_iter().map(constant);
            let mut next = || results.next().expect("as many as the signature says");
            return signature
                .results
                .iter()
                .map(|&ty| match ty {
                    Type::Word => {
                        let elements = std::array::from_fn(|_| next());
                        self.pack(scope, elements)
                    }
                    Type::Ext3 => {
                        let [a, b, c, _] = std::array::from_fn(|_| next());
                        self.fact(scope, FactOp::Ext3Pack, &[a, b, c])[0]
                    }
                    _ => next(),
                })
                .collect();
        }
        let traps = op.traps_on(|j| match operands[j] {
            Operand::Const(value) => Some(value),
            Operand::Value(_) => None,
        });
        let outs: Vec<ValueId> = signature
            .results
            .iter()
            .map(|&ty| {
                let out = self.new_value();
                let info = &mut self.values[out.index()];
                info.ty = ty;
                info.boolean = ty == Type::Bool;
                out
            })
            .collect();
        self.words.record(op, operands, &outs);
        scope.stmts.push(Stmt::Fact {
            outs: outs.clone(),
            op,
            operands: operands.to_vec(),
            trap: traps.then_some(trap),
            origin: scope.origin,
        });
        let results: Vec<Operand> = outs.into_iter().map(Operand::Value).collect();
        if shared {
            scope.words.insert(key, results.clone());
        }
        results
    }

    /// Emits an ordered instruction, whose operands have the types of its signature.
    pub(super) fn effect(
        &mut self,
        scope: &mut Scope,
        op: EffectOp,
        operands: &[Operand],
    ) -> Vec<Operand> {
        let signature = op.signature();
        if is_no_place(op, operands) {
            self.fail(scope, Trap::MerklePlace);
            // Never used, but words.
            return vec![operands[0]; signature.results.len()];
        }
        let outs: Vec<ValueId> = signature
            .results
            .iter()
            .map(|&ty| {
                let out = self.new_value();
                self.values[out.index()].ty = ty;
                if ty == Type::Ext3 {
                    self.words.record_ext3(out);
                }
                out
            })
            .collect();
        if let (EffectOp::Advice { .. }, [word, elements @ ..]) = (op, outs.as_slice()) {
            // The row gives the word and its elements.
            let operands = [Operand::Value(*word)];
            self.words.record(FactOp::Unpack, &operands, elements);
            let elements: Vec<Operand> = elements.iter().map(|&v| Operand::Value(v)).collect();
            self.words.record(FactOp::Pack, &elements, &[*word]);
        }
        scope.stmts.push(Stmt::Effect {
            outs: outs.clone(),
            op,
            operands: operands.to_vec(),
            origin: scope.origin,
        });
        outs.into_iter().map(Operand::Value).collect()
    }

    /// Has the host do something.
    pub(super) fn host(&self, scope: &mut Scope, op: HostOp, operands: &[Operand]) {
        scope.stmts.push(Stmt::Host {
            op,
            operands: operands.to_vec(),
            origin: scope.origin,
        });
    }

    /// A check that always fails where it runs.
    pub(super) fn fail(&mut self, scope: &mut Scope, trap: Trap) {
        scope.stmts.push(Stmt::Assert {
            a: constant(Felt::ZERO),
            b: constant(Felt::ONE),
            trap,
            origin: scope.origin,
        });
    }

    /// Traps unless a = b.
    pub(super) fn assert_equal(&mut self, scope: &mut Scope, a: Operand, b: Operand, trap: Trap) {
        match (a, b) {
            (a, b) if a == b => {}
            (Operand::Const(_), Operand::Const(_)) => self.fail(scope, trap),
            (Operand::Const(_), Operand::Value(_)) => self.assert_equal(scope, b, a, trap),
            (Operand::Value(v), b) => {
                // `eq assert` needs no zero test: assert the equality itself.
                if b == constant(Felt::ONE)
                    && let Some(PureOp::IsZero { a, k }) = self.value(v).op
                {
                    return self.assert_equal(scope, Operand::Value(a), constant(k), trap);
                }
                if b == constant(Felt::ZERO)
                    && let Some(PureOp::Sum { a, b, w }) = self.value(v).op
                    && w == Felt::NEG_ONE
                {
                    let (a, b) = (Operand::Value(a), Operand::Value(b));
                    return self.assert_equal(scope, a, b, trap);
                }
                scope.stmts.push(Stmt::Assert {
                    a,
                    b,
                    trap,
                    origin: scope.origin,
                });
            }
        }
    }

    /// Re-emits an operation with other operands.
    pub(super) fn replay_op(
        &mut self,
        scope: &mut Scope,
        op: PureOp,
        ValueInfo { boolean, ty, .. }: ValueInfo,
        map: impl Fn(ValueId) -> Operand,
    ) -> Operand {
        let known = self.values.len();
        let small = ty.fits(Type::U32);
        let out = match op {
            PureOp::Product { a, b, w } => self.product(scope, map(a), map(b), w),
            PureOp::Sum { a, b, w } => self.sum(scope, map(a), map(b), w),
            PureOp::Affine { a, slope, offset } => self.affine(scope, map(a), slope, offset),
            PureOp::IsZero { a, k } => self.equals_constant(scope, map(a), k),
            PureOp::Invert { a } => self.invert(scope, map(a)),
        };
        if small {
            self.narrow(out);
        }
        if boolean {
            self.mark_boolean(known, out)
        } else {
            out
        }
    }
}
