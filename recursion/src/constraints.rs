//! Constraints at a point, from their expressions.

use std::collections::HashMap;

use p3_air::symbolic::{
    BaseEntry, BaseLeaf, ExtEntry, ExtLeaf, SymbolicExpr, SymbolicExpression, SymbolicExpressionExt,
};
use p3_field::PrimeCharacteristicRing;
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

/// Polynomials in α with small coefficients, by those: the weights of what linear layers mix, the same in each round of a permutation.
#[derive(Default)]
pub(crate) struct Weights(HashMap<Vec<(usize, Felt)>, Cubic>);

/// Terms from which on a constraint counts as a row of a linear layer.
const WIDE: usize = 6;

/// Writes the values of expressions, each once.
pub(crate) struct Evaluator<'a> {
    asm: &'a mut Asm,
    point: &'a Point,
    weights: &'a mut Weights,
    known: HashMap<(Op, Cubic, Cubic), Cubic>,
    /// By address: expressions are shared, and outlive the evaluator.
    nodes: HashMap<*const (), Cubic>,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(asm: &'a mut Asm, point: &'a Point, weights: &'a mut Weights) -> Self {
        Self {
            asm,
            point,
            weights,
            known: HashMap::new(),
            nodes: HashMap::new(),
        }
    }

    /// `folded` with these constraints folded in by powers of α.
    ///
    /// Rows of a linear layer, Σⱼ mᵢⱼ·zⱼ for i = 0, 1, …, are folded together: Σᵢ αⁱ·Σⱼ mᵢⱼ·zⱼ = Σⱼ zⱼ·(Σᵢ mᵢⱼ·αⁱ). What stands in brackets
    /// does not depend on the round.
    pub(crate) fn fold(&mut self, mut folded: Cubic, alpha: Cubic, all: &[Constraint]) -> Cubic {
        let mut rest = all;
        while let Some(first) = rest.first() {
            let wide = rest.iter().map_while(|constraint| self.wide(constraint));
            let rows: Vec<Terms> = wide.collect();
            if rows.len() > 1 {
                folded = self.fold_rows(folded, alpha, &rows);
                rest = &rest[rows.len()..];
                continue;
            }
            let value = match first {
                Constraint::Base(expression) => self.base(expression),
                Constraint::Ext(expression) => self.ext(expression),
            };
            folded = self.asm.mul_add(folded, alpha, value);
            rest = &rest[1..];
        }
        folded
    }

    /// The terms of a constraint that is a row of a linear layer.
    fn wide(&mut self, constraint: &Constraint) -> Option<Terms> {
        let Constraint::Base(expression) = constraint else {
            return None;
        };
        let mut leaves = Vec::new();
        linear(expression, Felt::ONE, &mut leaves);
        let scaled = leaves.iter().filter(|(factor, _)| *factor != Felt::ONE);
        if scaled.count() < WIDE {
            return None;
        }
        let mut terms: Terms = Vec::new();
        for (factor, leaf) in leaves {
            let value = self.base(leaf);
            match terms.iter_mut().find(|(known, _)| *known == value) {
                Some((_, sum)) => *sum += factor,
                None => terms.push((value, factor)),
            }
        }
        Some(terms)
    }

    fn fold_rows(&mut self, folded: Cubic, alpha: Cubic, rows: &[Terms]) -> Cubic {
        // Of each value: its factors by the power of α, in the order in which values come up.
        let mut values: Vec<(Cubic, Vec<(usize, Felt)>)> = Vec::new();
        for (row, terms) in rows.iter().enumerate() {
            let power = rows.len() - 1 - row;
            for &(value, factor) in terms.iter().filter(|(_, f)| *f != Felt::ZERO) {
                match values.iter_mut().find(|(known, _)| *known == value) {
                    Some((_, factors)) => factors.push((power, factor)),
                    None => values.push((value, vec![(power, factor)])),
                }
            }
        }
        // Values whose lowest power is the same go together, the highest such power first.
        let lowest = |factors: &[(usize, Felt)]| factors.iter().map(|f| f.0).min().unwrap_or(0);
        values.sort_by_key(|(_, factors)| std::cmp::Reverse(lowest(factors)));
        let mut sum = folded;
        let mut power = rows.len();
        for (value, mut factors) in values {
            let below = lowest(&factors);
            sum = self.shifted(sum, alpha, power - below);
            power = below;
            factors.iter_mut().for_each(|f| f.0 -= below);
            let weight = self.weight(alpha, &factors);
            sum = self.asm.mul_add(value, weight, sum);
        }
        self.shifted(sum, alpha, power)
    }

    /// value·α^power
    fn shifted(&mut self, value: Cubic, alpha: Cubic, power: usize) -> Cubic {
        if power == 0 {
            return value;
        }
        let power = self.weight(alpha, &[(power, Felt::ONE)]);
        self.asm.mul(value, power)
    }

    /// Σ factor·α^power.
    fn weight(&mut self, alpha: Cubic, factors: &[(usize, Felt)]) -> Cubic {
        if let Some(&known) = self.weights.0.get(factors) {
            return known;
        }
        let weight = match *factors {
            [(0, factor)] => factor.into(),
            [(power, factor)] if factor == Felt::ONE => {
                let below = self.weight(alpha, &[(power - 1, factor)]);
                self.asm.mul(below, alpha)
            }
            _ => {
                let zero: Cubic = Felt::ZERO.into();
                factors.iter().fold(zero, |sum, &(power, factor)| {
                    let power = self.weight(alpha, &[(power, Felt::ONE)]);
                    self.asm.mul_add(power, factor.into(), sum)
                })
            }
        };
        self.weights.0.insert(factors.to_vec(), weight);
        weight
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

    /// The value of an expression of the base field.
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

/// Values and their factors: a sum.
type Terms = Vec<(Cubic, Felt)>;

/// The terms of a linear combination: factors, and expressions that are none.
fn linear<'e>(
    expression: &'e SymbolicExpression<Felt>,
    factor: Felt,
    terms: &mut Vec<(Felt, &'e SymbolicExpression<Felt>)>,
) {
    let constant = |expression: &SymbolicExpression<Felt>| match expression {
        SymbolicExpr::Leaf(BaseLeaf::Constant(c)) => Some(*c),
        _ => None,
    };
    match expression {
        SymbolicExpr::Add { x, y, .. } => {
            linear(x, factor, terms);
            linear(y, factor, terms);
        }
        SymbolicExpr::Sub { x, y, .. } => {
            linear(x, factor, terms);
            linear(y, -factor, terms);
        }
        SymbolicExpr::Neg { x, .. } => linear(x, -factor, terms),
        SymbolicExpr::Mul { x, y, .. } => match (constant(x), constant(y)) {
            (Some(c), _) => linear(y, factor * c, terms),
            (_, Some(c)) => linear(x, factor * c, terms),
            _ => terms.push((factor, expression)),
        },
        SymbolicExpr::Leaf(_) => terms.push((factor, expression)),
    }
}
