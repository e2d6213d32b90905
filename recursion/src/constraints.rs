//! Constraints at a point, from their expressions.

use std::collections::HashMap;

use p3_air::symbolic::{
    BaseEntry, BaseLeaf, ExtEntry, ExtLeaf, SymbolicExpr, SymbolicExpression, SymbolicExpressionExt,
};
use plica_field::{Ext, Felt};
use plica_fri::lifted::Constraint;

use crate::asm::{Asm, Cubic, Scalar};

/// What the expressions of one table refer to.
pub(crate) struct Point {
    /// Main columns at the point and at the next.
    pub(crate) main: [Vec<Cubic>; 2],
    pub(crate) preprocessed: [Vec<Cubic>; 2],
    pub(crate) bus: [Vec<Cubic>; 2],
    pub(crate) public_values: Vec<Scalar>,
    /// Selectors of the first row, the last, and all but the last.
    pub(crate) first: Cubic,
    pub(crate) last: Cubic,
    pub(crate) transition: Cubic,
    pub(crate) challenges: Vec<Cubic>,
    pub(crate) terminal: Option<Cubic>,
}

/// An expression over what has been computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Op {
    Add,
    Sub,
    Mul,
}

/// Writes the values of expressions, each once.
pub(crate) struct Evaluator<'a> {
    asm: &'a mut Asm,
    point: &'a Point,
    known: HashMap<(Op, Cubic, Cubic), Cubic>,
    /// By address: expressions are shared, and outlive the evaluator.
    nodes: HashMap<*const (), Cubic>,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(asm: &'a mut Asm, point: &'a Point) -> Self {
        Self {
            asm,
            point,
            known: HashMap::new(),
            nodes: HashMap::new(),
        }
    }

    /// `folded` with these constraints folded in by powers of α.
    pub(crate) fn fold(&mut self, mut folded: Cubic, alpha: Cubic, all: &[Constraint]) -> Cubic {
        for constraint in all {
            let value = match constraint {
                Constraint::Base(expression) => self.base(expression),
                Constraint::Ext(expression) => self.ext(expression),
            };
            folded = self.asm.mul_add(folded, alpha, value);
        }
        folded
    }

    fn apply(&mut self, op: Op, a: Cubic, b: Cubic) -> Cubic {
        if let Some(&known) = self.known.get(&(op, a, b)) {
            return known;
        }
        let result = match op {
            Op::Add => self.asm.add(a, b),
            Op::Sub => self.asm.sub(a, b),
            Op::Mul => self.asm.mul(a, b),
        };
        self.known.insert((op, a, b), result);
        if op != Op::Sub {
            self.known.insert((op, b, a), result);
        }
        result
    }

    fn node<L>(
        &mut self,
        expression: &SymbolicExpr<L>,
        leaf: &impl Fn(&mut Self, &L) -> Cubic,
    ) -> Cubic {
        let address = std::ptr::from_ref(expression).cast::<()>();
        if let Some(&known) = self.nodes.get(&address) {
            return known;
        }
        let result = match expression {
            SymbolicExpr::Leaf(l) => leaf(self, l),
            SymbolicExpr::Add { x, y, .. } => self.binary(Op::Add, x, y, leaf),
            SymbolicExpr::Sub { x, y, .. } => self.binary(Op::Sub, x, y, leaf),
            SymbolicExpr::Mul { x, y, .. } => self.binary(Op::Mul, x, y, leaf),
            SymbolicExpr::Neg { x, .. } => {
                let x = self.node(x, leaf);
                self.apply(Op::Sub, Felt::default().into(), x)
            }
        };
        self.nodes.insert(address, result);
        result
    }

    fn binary<L>(
        &mut self,
        op: Op,
        x: &SymbolicExpr<L>,
        y: &SymbolicExpr<L>,
        leaf: &impl Fn(&mut Self, &L) -> Cubic,
    ) -> Cubic {
        let (x, y) = (self.node(x, leaf), self.node(y, leaf));
        self.apply(op, x, y)
    }

    fn base(&mut self, expression: &SymbolicExpression<Felt>) -> Cubic {
        self.node(expression, &|this, leaf| match leaf {
            BaseLeaf::Constant(c) => (*c).into(),
            BaseLeaf::IsFirstRow => this.point.first,
            BaseLeaf::IsLastRow => this.point.last,
            BaseLeaf::IsTransition => this.point.transition,
            BaseLeaf::Variable(v) => match v.entry {
                BaseEntry::Main { offset } => this.point.main[offset][v.index],
                BaseEntry::Preprocessed { offset } => this.point.preprocessed[offset][v.index],
                BaseEntry::Public => this.point.public_values[v.index].into(),
                BaseEntry::Periodic => panic!("periodic columns are not supported"),
            },
        })
    }

    fn ext(&mut self, expression: &SymbolicExpressionExt<Felt, Ext>) -> Cubic {
        self.node(expression, &|this, leaf| match leaf {
            ExtLeaf::Base(expression) => this.base(expression),
            ExtLeaf::ExtConstant(c) => (*c).into(),
            ExtLeaf::ExtVariable(v) => match v.entry {
                ExtEntry::Permutation { offset } => this.point.bus[offset][v.index],
                ExtEntry::Challenge => this.point.challenges[v.index],
                ExtEntry::PermutationValue => {
                    this.point.terminal.expect("the table has interactions")
                }
            },
        })
    }
}
