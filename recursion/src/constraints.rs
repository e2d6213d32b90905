//! Constraints at a point, from their expressions.
//!
//! Expressions become a graph in which equal ones are one node. What is written then is one operation per product and per term of a sum:
//! multiplying by a constant and adding is one instruction, so sums of sums are flattened where nothing else needs the inner one.

use std::collections::HashMap;

use p3_air::symbolic::{
    BaseEntry, BaseLeaf, ExtEntry, ExtLeaf, SymbolicExpr, SymbolicExpression, SymbolicExpressionExt,
};
use p3_field::{PrimeCharacteristicRing, PrimeField64};
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

impl Point {
    fn base(&self, leaf: &BaseLeaf<Felt>) -> Cubic {
        match leaf {
            BaseLeaf::Constant(c) => (*c).into(),
            BaseLeaf::IsFirstRow => self.first,
            BaseLeaf::IsLastRow => self.last,
            BaseLeaf::IsTransition => self.transition,
            BaseLeaf::Variable(v) => match v.entry {
                BaseEntry::Main { offset } => self.main[offset][v.index],
                BaseEntry::Preprocessed { offset } => self.preprocessed[offset][v.index],
                BaseEntry::Public => self.public_values[v.index].into(),
                BaseEntry::Periodic => unreachable!("a description has no periodic columns"),
            },
        }
    }

    fn ext(&self, entry: ExtEntry, index: usize) -> Cubic {
        match entry {
            ExtEntry::Permutation { offset } => self.bus[offset][index],
            ExtEntry::Challenge => self.challenges[index],
            ExtEntry::PermutationValue => self.terminal.expect("the table has interactions"),
        }
    }
}

/// Number of a node.
type Id = usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Node {
    Leaf(Cubic),
    Add(Id, Id),
    Sub(Id, Id),
    Scale(Felt, Id),
    Mul(Id, Id),
}

/// Terms of a sum: nodes and their factors.
type Terms = Vec<(Id, Felt)>;

/// Polynomials in α with small coefficients, by those: the weights of what linear layers mix, the same in each round of a permutation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weights(HashMap<Vec<(usize, Felt)>, Cubic>);

impl Weights {
    /// The factors of those that were asked for, the simpler ones first.
    pub(crate) fn factors(&self) -> Vec<Vec<(usize, Felt)>> {
        let mut all: Vec<_> = self.0.keys().cloned().collect();
        all.sort_by_key(|factors| {
            let values = factors.iter().map(|f| (f.0, f.1.as_canonical_u64()));
            (factors.len(), values.collect::<Vec<_>>())
        });
        all
    }

    /// Σ factor·α^power.
    pub(crate) fn get(&mut self, asm: &mut Asm, alpha: Cubic, factors: &[(usize, Felt)]) -> Cubic {
        if let Some(&known) = self.0.get(factors) {
            return known;
        }
        let weight = match *factors {
            [(0, factor)] => factor.into(),
            [(power, factor)] if factor == Felt::ONE => {
                let below = self.get(asm, alpha, &[(power - 1, factor)]);
                asm.mul(below, alpha)
            }
            _ => {
                let zero: Cubic = Felt::ZERO.into();
                factors.iter().fold(zero, |sum, &(power, factor)| {
                    let power = self.get(asm, alpha, &[(power, Felt::ONE)]);
                    asm.mul_add(power, factor.into(), sum)
                })
            }
        };
        self.0.insert(factors.to_vec(), weight);
        weight
    }
}

/// Terms with factors from which on a constraint counts as a row of a linear layer.
const WIDE: usize = 6;

/// Writes the values of expressions, each once.
pub(crate) struct Evaluator<'a> {
    asm: &'a mut Asm,
    point: &'a Point,
    weights: &'a mut Weights,
    nodes: Vec<Node>,
    ids: HashMap<Node, Id>,
    /// By address: expressions outlive the evaluator.
    met: HashMap<*const (), Id>,
    /// How many nodes and constraints refer to a node.
    uses: Vec<usize>,
    values: HashMap<Id, Cubic>,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(asm: &'a mut Asm, point: &'a Point, weights: &'a mut Weights) -> Self {
        Self {
            asm,
            point,
            weights,
            nodes: Vec::new(),
            ids: HashMap::new(),
            met: HashMap::new(),
            uses: Vec::new(),
            values: HashMap::new(),
        }
    }

    /// `folded` with these constraints folded in by powers of α.
    ///
    /// Rows of a linear layer, Σⱼ mᵢⱼ·zⱼ for i = 0, 1, …, are folded together: Σᵢ αⁱ·Σⱼ mᵢⱼ·zⱼ = Σⱼ zⱼ·(Σᵢ mᵢⱼ·αⁱ). What stands in brackets
    /// does not depend on the round.
    pub(crate) fn fold(&mut self, mut folded: Cubic, alpha: Cubic, all: &[Constraint]) -> Cubic {
        let roots: Vec<Id> = all
            .iter()
            .map(|constraint| match constraint {
                Constraint::Base(expression) => self.base(expression),
                Constraint::Ext(expression) => self.ext(expression),
            })
            .collect();
        self.count_uses(&roots);
        let mut rest = &roots[..];
        while let Some(&first) = rest.first() {
            let rows: Vec<Terms> = rest.iter().map_while(|&root| self.wide(root)).collect();
            if rows.len() > 1 {
                folded = self.fold_rows(folded, alpha, &rows);
                rest = &rest[rows.len()..];
                continue;
            }
            let value = self.value(first);
            folded = self.asm.mul_add(folded, alpha, value);
            rest = &rest[1..];
        }
        folded
    }

    // The graph.

    fn intern(&mut self, node: Node) -> Id {
        if let Some(&known) = self.ids.get(&node) {
            return known;
        }
        self.nodes.push(node);
        self.uses.push(0);
        self.ids.insert(node, self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    fn constant(&self, id: Id) -> Option<Felt> {
        match self.nodes[id] {
            Node::Leaf(value) => value.constant(),
            _ => None,
        }
    }

    fn node<L>(&mut self, expression: &SymbolicExpr<L>, leaf: &impl Fn(&mut Self, &L) -> Id) -> Id {
        let address = std::ptr::from_ref(expression).cast::<()>();
        if let Some(&known) = self.met.get(&address) {
            return known;
        }
        let id = match expression {
            SymbolicExpr::Leaf(l) => leaf(self, l),
            SymbolicExpr::Add { x, y, .. } => {
                let (x, y) = (self.node(x, leaf), self.node(y, leaf));
                match x == y {
                    true => self.intern(Node::Scale(Felt::TWO, x)),
                    false => self.intern(Node::Add(x.min(y), x.max(y))),
                }
            }
            SymbolicExpr::Sub { x, y, .. } => {
                let (x, y) = (self.node(x, leaf), self.node(y, leaf));
                self.intern(Node::Sub(x, y))
            }
            SymbolicExpr::Neg { x, .. } => {
                let x = self.node(x, leaf);
                self.intern(Node::Scale(Felt::NEG_ONE, x))
            }
            SymbolicExpr::Mul { x, y, .. } => {
                let (x, y) = (self.node(x, leaf), self.node(y, leaf));
                match (self.constant(x), self.constant(y)) {
                    (Some(c), _) => self.intern(Node::Scale(c, y)),
                    (_, Some(c)) => self.intern(Node::Scale(c, x)),
                    _ => self.intern(Node::Mul(x.min(y), x.max(y))),
                }
            }
        };
        self.met.insert(address, id);
        id
    }

    fn base(&mut self, expression: &SymbolicExpression<Felt>) -> Id {
        self.node(expression, &|this, leaf| {
            let value = this.point.base(leaf);
            this.intern(Node::Leaf(value))
        })
    }

    fn ext(&mut self, expression: &SymbolicExpressionExt<Felt, Ext>) -> Id {
        self.node(expression, &|this, leaf| match leaf {
            ExtLeaf::Base(expression) => this.base(expression),
            ExtLeaf::ExtConstant(c) => this.intern(Node::Leaf((*c).into())),
            ExtLeaf::ExtVariable(v) => {
                let value = this.point.ext(v.entry, v.index);
                this.intern(Node::Leaf(value))
            }
        })
    }

    /// Operands have smaller numbers than what is made of them.
    fn count_uses(&mut self, roots: &[Id]) {
        for &root in roots {
            self.uses[root] += 1;
        }
        for id in (0..self.nodes.len()).rev() {
            if self.uses[id] == 0 {
                continue;
            }
            match self.nodes[id] {
                Node::Leaf(_) => {}
                Node::Scale(_, x) => self.uses[x] += 1,
                Node::Add(x, y) | Node::Sub(x, y) | Node::Mul(x, y) => {
                    self.uses[x] += 1;
                    self.uses[y] += 1;
                }
            }
        }
    }

    // Values.

    fn value(&mut self, id: Id) -> Cubic {
        if let Some(&known) = self.values.get(&id) {
            return known;
        }
        let value = match self.nodes[id] {
            Node::Leaf(value) => value,
            Node::Mul(x, y) => {
                let (x, y) = (self.value(x), self.value(y));
                self.asm.mul(x, y)
            }
            Node::Add(..) | Node::Sub(..) | Node::Scale(..) => {
                let mut terms = Vec::new();
                self.terms(id, Felt::ONE, Inner::Own, &mut terms);
                self.sum(terms)
            }
        };
        self.values.insert(id, value);
        value
    }

    fn sum(&mut self, mut terms: Terms) -> Cubic {
        terms.retain(|&(_, factor)| factor != Felt::ZERO);
        // A term without a factor costs nothing to begin with.
        if let Some(plain) = terms.iter().position(|&(_, factor)| factor == Felt::ONE) {
            terms.swap(0, plain);
        }
        let zero: Cubic = Felt::ZERO.into();
        terms.into_iter().fold(zero, |sum, (id, factor)| {
            let value = self.value(id);
            match factor {
                one if one == Felt::ONE => self.asm.add(sum, value),
                minus if minus == Felt::NEG_ONE => self.asm.sub(sum, value),
                factor => self.asm.mul_add(value, factor.into(), sum),
            }
        })
    }

    /// Adds the terms of factor·node.
    fn terms(&self, id: Id, factor: Felt, inner: Inner, terms: &mut Terms) {
        let open = inner != Inner::Others || self.uses[id] <= 1;
        let inner = match inner {
            Inner::All => Inner::All,
            Inner::Own | Inner::Others => Inner::Others,
        };
        match self.nodes[id] {
            Node::Add(x, y) if open => {
                self.terms(x, factor, inner, terms);
                self.terms(y, factor, inner, terms);
            }
            Node::Sub(x, y) if open => {
                self.terms(x, factor, inner, terms);
                self.terms(y, -factor, inner, terms);
            }
            Node::Scale(c, x) if open => self.terms(x, factor * c, inner, terms),
            _ => match terms.iter_mut().find(|(known, _)| *known == id) {
                Some((_, sum)) => *sum += factor,
                None => terms.push((id, factor)),
            },
        }
    }

    // Linear layers.

    /// The terms of a constraint that is a row of a linear layer.
    fn wide(&self, root: Id) -> Option<Terms> {
        let mut terms = Vec::new();
        self.terms(root, Felt::ONE, Inner::All, &mut terms);
        terms.retain(|&(_, factor)| factor != Felt::ZERO);
        let plain = |factor: Felt| factor == Felt::ONE || factor == Felt::NEG_ONE;
        let scaled = terms.iter().filter(|&&(_, factor)| !plain(factor));
        (scaled.count() >= WIDE).then_some(terms)
    }

    fn fold_rows(&mut self, folded: Cubic, alpha: Cubic, rows: &[Terms]) -> Cubic {
        // Of each node: its factors by the power of α, in the order in which nodes come up.
        let mut nodes: Vec<(Id, Vec<(usize, Felt)>)> = Vec::new();
        for (row, terms) in rows.iter().enumerate() {
            let power = rows.len() - 1 - row;
            for &(id, factor) in terms {
                match nodes.iter_mut().find(|(known, _)| *known == id) {
                    Some((_, factors)) => factors.push((power, factor)),
                    None => nodes.push((id, vec![(power, factor)])),
                }
            }
        }
        // Nodes whose lowest power is the same go together, the highest such power first.
        let lowest = |factors: &[(usize, Felt)]| factors.iter().map(|f| f.0).min().unwrap_or(0);
        nodes.sort_by_key(|(_, factors)| std::cmp::Reverse(lowest(factors)));
        let mut sum = folded;
        let mut power = rows.len();
        for (id, mut factors) in nodes {
            let below = lowest(&factors);
            sum = self.shifted(sum, alpha, power - below);
            power = below;
            factors.iter_mut().for_each(|f| f.0 -= below);
            let weight = self.weight(alpha, &factors);
            let value = self.value(id);
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

    fn weight(&mut self, alpha: Cubic, factors: &[(usize, Felt)]) -> Cubic {
        self.weights.get(self.asm, alpha, factors)
    }
}

/// Which sums inside a sum are part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inner {
    /// This one, and of those inside those that nothing else refers to.
    Own,
    /// Those that nothing else refers to.
    Others,
    /// All.
    All,
}
