//! Expressions of a table as straight-line code, which any ring can run: that of the base field on a row, or the extension at a point.

use std::collections::HashMap;

use p3_air::symbolic::{BaseEntry, BaseLeaf, SymbolicExpr, SymbolicExpression};
use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_field::Felt;

use super::RelationError;

/// Number of a step, whose value later ones may use.
type Id = u32;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    /// A committed column.
    Column(u32),
    /// A column that the shape fixes.
    Fixed(u32),
    /// A public value.
    Public(u32),
    Constant(Felt),
    Add(Id, Id),
    Sub(Id, Id),
    Mul(Id, Id),
    Neg(Id),
}

/// Steps, and which of them are results.
#[derive(Clone, Debug, Default)]
pub(crate) struct Circuit {
    steps: Vec<Step>,
    outputs: Vec<Id>,
}

/// What the expressions refer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a, T> {
    pub(crate) columns: &'a [T],
    pub(crate) fixed: &'a [T],
    pub(crate) public_values: &'a [T],
}

impl Circuit {
    /// For these expressions, equal ones once.
    pub(super) fn new<'a>(
        expressions: impl IntoIterator<Item = &'a SymbolicExpression<Felt>>,
    ) -> Result<Self, RelationError> {
        let mut compiler = Compiler::default();
        let outputs = expressions.into_iter().map(|e| compiler.compile(e));
        let outputs = outputs.collect::<Result<_, _>>()?;
        Ok(Self {
            steps: compiler.steps,
            outputs,
        })
    }

    /// The results, in the order of the expressions. `values` is memory for the steps.
    pub(crate) fn run<'v, T>(
        &'v self,
        row: Row<'_, T>,
        values: &'v mut Vec<T>,
    ) -> impl Iterator<Item = T> + 'v
    where
        T: PrimeCharacteristicRing + Copy + From<Felt>,
    {
        values.clear();
        for step in &self.steps {
            let at = |id: Id| values[id as usize];
            let value = match *step {
                Step::Column(column) => row.columns[column as usize],
                Step::Fixed(column) => row.fixed[column as usize],
                Step::Public(number) => row.public_values[number as usize],
                Step::Constant(value) => value.into(),
                Step::Add(a, b) => at(a) + at(b),
                Step::Sub(a, b) => at(a) - at(b),
                Step::Mul(a, b) => at(a) * at(b),
                Step::Neg(a) => -at(a),
            };
            values.push(value);
        }
        let values: &'v Vec<T> = values;
        self.outputs.iter().map(move |&id| values[id as usize])
    }

    /// The largest degree of a result in what it refers to. Public values count: over instances they are polynomials like others.
    pub(super) fn degree(&self) -> usize {
        let mut degrees: Vec<usize> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let of = |id: Id| degrees[id as usize];
            let degree = match *step {
                Step::Column(_) | Step::Fixed(_) | Step::Public(_) => 1,
                Step::Constant(_) => 0,
                Step::Add(a, b) | Step::Sub(a, b) => of(a).max(of(b)),
                Step::Mul(a, b) => of(a) + of(b),
                Step::Neg(a) => of(a),
            };
            degrees.push(degree);
        }
        let outputs = self.outputs.iter().map(|&id| degrees[id as usize]);
        outputs.max().unwrap_or(0)
    }

    /// All of it as numbers, for digests: injective.
    pub(super) fn encode(&self, out: &mut Vec<u64>) {
        out.push(self.steps.len() as u64);
        for step in &self.steps {
            let (tag, a, b) = match *step {
                Step::Column(a) => (0, a.into(), 0),
                Step::Fixed(a) => (1, a.into(), 0),
                Step::Public(a) => (2, a.into(), 0),
                Step::Constant(value) => (3, value.as_canonical_u64(), 0),
                Step::Add(a, b) => (4, a.into(), b.into()),
                Step::Sub(a, b) => (5, a.into(), b.into()),
                Step::Mul(a, b) => (6, a.into(), b.into()),
                Step::Neg(a) => (7, a.into(), 0),
            };
            out.extend([tag, a, b]);
        }
        out.push(self.outputs.len() as u64);
        out.extend(self.outputs.iter().map(|&id| u64::from(id)));
    }
}

#[derive(Default)]
struct Compiler {
    steps: Vec<Step>,
    known: HashMap<Step, Id>,
    /// By address: expressions outlive the compiler.
    met: HashMap<*const (), Id>,
}

impl Compiler {
    fn compile(&mut self, expression: &SymbolicExpression<Felt>) -> Result<Id, RelationError> {
        let address = std::ptr::from_ref(expression).cast::<()>();
        if let Some(&id) = self.met.get(&address) {
            return Ok(id);
        }
        let step = match expression {
            SymbolicExpr::Leaf(leaf) => Self::leaf(leaf)?,
            SymbolicExpr::Add { x, y, .. } => Step::Add(self.compile(x)?, self.compile(y)?),
            SymbolicExpr::Sub { x, y, .. } => Step::Sub(self.compile(x)?, self.compile(y)?),
            SymbolicExpr::Mul { x, y, .. } => Step::Mul(self.compile(x)?, self.compile(y)?),
            SymbolicExpr::Neg { x, .. } => Step::Neg(self.compile(x)?),
        };
        let next = self.steps.len() as Id;
        let id = *self.known.entry(step).or_insert(next);
        if id == next {
            self.steps.push(step);
        }
        self.met.insert(address, id);
        Ok(id)
    }

    fn leaf(leaf: &BaseLeaf<Felt>) -> Result<Step, RelationError> {
        match leaf {
            BaseLeaf::Constant(value) => Ok(Step::Constant(*value)),
            BaseLeaf::Variable(variable) => {
                let index = variable.index as u32;
                match variable.entry {
                    BaseEntry::Main { offset: 0 } => Ok(Step::Column(index)),
                    BaseEntry::Preprocessed { offset: 0 } => Ok(Step::Fixed(index)),
                    BaseEntry::Public => Ok(Step::Public(index)),
                    BaseEntry::Main { .. } | BaseEntry::Preprocessed { .. } => {
                        Err(RelationError::NextRow)
                    }
                    BaseEntry::Periodic => Err(RelationError::Periodic),
                }
            }
            BaseLeaf::IsFirstRow | BaseLeaf::IsLastRow | BaseLeaf::IsTransition => {
                Err(RelationError::Selector)
            }
        }
    }
}
