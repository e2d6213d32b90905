//! The bus argument of one table, compiled for one proof.
//!
//! p3 keeps interactions as expression trees and walks them at every row and at every point of the quotient's domain. Once the
//! challenges α, β of a bus are known, almost all of that is constant. The denominator of a tuple `(e₀, …, e₍ₖ₋₁₎)` is
//!
//! ```text
//! D = α − Σᵢ eᵢ·β^(k−1−i)
//! ```
//!
//! and with every field affine in the row's columns, `eᵢ = bᵢ + Σⱼ aᵢⱼ·xⱼ`, it is affine too, with weights in the extension:
//!
//! ```text
//! D = c + Σⱼ xⱼ·wⱼ      c = α − Σᵢ bᵢ·β^(k−1−i)      wⱼ = −Σᵢ aᵢⱼ·β^(k−1−i)
//! ```
//!
//! so constants, public values and padding cost nothing, and a column costs three base-field products. Multiplicities become
//! short lists of operations on affine forms. A column of the bus argument with tuples `(mᵢ, Dᵢ)` holds `f = V / U`,
//!
//! ```text
//! U = Πᵢ Dᵢ      V = Σᵢ mᵢ·Πⱼ≠ᵢ Dⱼ
//! ```
//!
//! and its constraint is `U·f − V = 0`. The values are those of [`p3_lookup::LogUpGadget`] (tested), which remains the way for a
//! table with a field that is not affine, a flag, or anything but columns, public values and constants as leaves.
//!
//! A denominator is 0 with a probability below 2^−120 over the challenges. p3 then stops unless its multiplicity is 0; here it
//! stops always.

use std::collections::BTreeMap;

use p3_air::symbolic::{BaseEntry, BaseLeaf, SymbolicExpr, SymbolicExpression};
use p3_field::{
    Algebra, BasedVectorSpace, ExtensionField, Field, PackedFieldExtension, PackedValue,
    PrimeCharacteristicRing, batch_multiplicative_inverse,
};
use p3_lookup::Lookup;
use p3_matrix::Matrix as _;
use p3_matrix::dense::RowMajorMatrix;
use p3_maybe_rayon::prelude::*;
use plica_field::coefficients;

use crate::types::{EXT_DEGREE, Ext, Felt, Matrix};

/// As many base-field elements as one instruction handles: of as many rows.
pub(crate) type Packed = <Felt as Field>::Packing;
/// The same of the extension.
pub(crate) type PackedExt = <Ext as ExtensionField<Felt>>::ExtensionPacking;

pub(crate) const LANES: usize = <Packed as PackedValue>::WIDTH;

/// Rows whose denominators are inverted together. The intermediate values of a wide table then stay in a core's cache.
const CHUNK: usize = 256;

/// Values that a multiplicity may need at a time.
const STACK: usize = 8;

/// Operations of a multiplicity, beyond which its expression is left to p3.
const MAX_OPS: usize = 64;

/// Columns of a row as compiled code sees them: `main, next main, preprocessed, next preprocessed`, one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) main: usize,
    pub(crate) preprocessed: usize,
}

impl Window {
    pub(crate) const fn len(self) -> usize {
        2 * (self.main + self.preprocessed)
    }

    fn index(self, entry: BaseEntry, index: usize) -> Option<usize> {
        match entry {
            BaseEntry::Main { offset } if offset < 2 => Some(offset * self.main + index),
            BaseEntry::Preprocessed { offset } if offset < 2 => {
                Some(2 * self.main + offset * self.preprocessed + index)
            }
            _ => None,
        }
    }
}

/// `constant + Σ coefficient·column`.
struct Affine {
    constant: Felt,
    terms: BTreeMap<usize, Felt>,
}

impl Affine {
    const fn constant(constant: Felt) -> Self {
        Self {
            constant,
            terms: BTreeMap::new(),
        }
    }

    fn of(
        expression: &SymbolicExpression<Felt>,
        window: Window,
        public_values: &[Felt],
    ) -> Option<Self> {
        let of = |expression| Self::of(expression, window, public_values);
        Some(match expression {
            SymbolicExpr::Leaf(BaseLeaf::Constant(value)) => Self::constant(*value),
            SymbolicExpr::Leaf(BaseLeaf::Variable(variable)) => {
                if matches!(variable.entry, BaseEntry::Public) {
                    Self::constant(*public_values.get(variable.index)?)
                } else {
                    Self {
                        constant: Felt::ZERO,
                        terms: [(window.index(variable.entry, variable.index)?, Felt::ONE)].into(),
                    }
                }
            }
            SymbolicExpr::Leaf(_) => return None,
            SymbolicExpr::Add { x, y, .. } => of(x)?.plus(of(y)?, Felt::ONE),
            SymbolicExpr::Sub { x, y, .. } => of(x)?.plus(of(y)?, Felt::NEG_ONE),
            SymbolicExpr::Neg { x, .. } => Self::constant(Felt::ZERO).plus(of(x)?, Felt::NEG_ONE),
            SymbolicExpr::Mul { x, y, .. } => {
                let (x, y) = (of(x)?, of(y)?);
                let (factor, other) = if x.terms.is_empty() {
                    (x.constant, y)
                } else if y.terms.is_empty() {
                    (y.constant, x)
                } else {
                    return None;
                };
                Self::constant(Felt::ZERO).plus(other, factor)
            }
        })
    }

    fn plus(mut self, other: Self, factor: Felt) -> Self {
        self.constant += other.constant * factor;
        for (column, coefficient) in other.terms {
            *self.terms.entry(column).or_insert(Felt::ZERO) += coefficient * factor;
        }
        self.terms
            .retain(|_, coefficient| *coefficient != Felt::ZERO);
        self
    }
}

/// An affine form of the base field, ready to be evaluated.
#[derive(Debug)]
struct Linear {
    constant: Felt,
    /// Columns with coefficient 1.
    plus: Vec<usize>,
    /// Columns with coefficient −1.
    minus: Vec<usize>,
    scaled: Vec<(usize, Felt)>,
}

impl Linear {
    fn new(constant: Felt, terms: impl IntoIterator<Item = (usize, Felt)>) -> Self {
        let mut out = Self {
            constant,
            plus: vec![],
            minus: vec![],
            scaled: vec![],
        };
        for (column, coefficient) in terms {
            if coefficient == Felt::ONE {
                out.plus.push(column);
            } else if coefficient == Felt::NEG_ONE {
                out.minus.push(column);
            } else {
                out.scaled.push((column, coefficient));
            }
        }
        out
    }

    fn columns(&self) -> impl Iterator<Item = usize> + '_ {
        let scaled = self.scaled.iter().map(|&(column, _)| column);
        self.plus.iter().chain(&self.minus).copied().chain(scaled)
    }

    #[inline]
    fn eval(&self, row: &[Packed]) -> Packed {
        let mut value = match self.plus.split_first() {
            Some((&first, rest)) => {
                let start = if self.constant == Felt::ZERO {
                    row[first]
                } else {
                    row[first] + self.constant
                };
                rest.iter().fold(start, |sum, &column| sum + row[column])
            }
            None => Packed::from(self.constant),
        };
        for &column in &self.minus {
            value -= row[column];
        }
        for &(column, coefficient) in &self.scaled {
            value += row[column] * coefficient;
        }
        value
    }
}

/// One step of a multiplicity, on a stack.
#[derive(Debug)]
enum Op {
    Push(Linear),
    Add,
    Sub,
    Mul,
    Neg,
}

/// A multiplicity: any polynomial of the columns.
#[derive(Debug)]
struct Multiplicity(Vec<Op>);

impl Multiplicity {
    fn new(
        expression: &SymbolicExpression<Felt>,
        window: Window,
        public_values: &[Felt],
    ) -> Option<Self> {
        let mut ops = vec![];
        emit(expression, window, public_values, 0, &mut ops)?;
        Some(Self(ops))
    }

    #[inline]
    fn eval(&self, row: &[Packed]) -> Packed {
        if let [Op::Push(linear)] = self.0.as_slice() {
            return linear.eval(row);
        }
        let mut stack = [Packed::ZERO; STACK];
        let mut top = 0;
        for op in &self.0 {
            match op {
                Op::Push(linear) => {
                    stack[top] = linear.eval(row);
                    top += 1;
                }
                Op::Neg => stack[top - 1] = -stack[top - 1],
                binary => {
                    top -= 1;
                    let right = stack[top];
                    match binary {
                        Op::Add => stack[top - 1] += right,
                        Op::Sub => stack[top - 1] -= right,
                        _ => stack[top - 1] *= right,
                    }
                }
            }
        }
        stack[0]
    }
}

/// Appends the operations that leave the expression's value at height `depth` of the stack.
fn emit(
    expression: &SymbolicExpression<Felt>,
    window: Window,
    public_values: &[Felt],
    depth: usize,
    ops: &mut Vec<Op>,
) -> Option<()> {
    if depth >= STACK || ops.len() >= MAX_OPS {
        return None;
    }
    if let Some(affine) = Affine::of(expression, window, public_values) {
        ops.push(Op::Push(Linear::new(affine.constant, affine.terms)));
        return Some(());
    }
    let (x, y, op) = match expression {
        SymbolicExpr::Leaf(_) => return None,
        SymbolicExpr::Neg { x, .. } => {
            emit(x, window, public_values, depth, ops)?;
            ops.push(Op::Neg);
            return Some(());
        }
        SymbolicExpr::Add { x, y, .. } => (x, y, Op::Add),
        SymbolicExpr::Sub { x, y, .. } => (x, y, Op::Sub),
        SymbolicExpr::Mul { x, y, .. } => (x, y, Op::Mul),
    };
    emit(x, window, public_values, depth, ops)?;
    emit(y, window, public_values, depth + 1, ops)?;
    ops.push(op);
    Some(())
}

/// `D` of one tuple.
#[derive(Debug)]
struct Denominator {
    /// Coordinate 0, without the wide terms: among others the last field, whose weight is −1.
    base: Linear,
    /// Coordinates 1 and 2 of the constant.
    high: [Felt; EXT_DEGREE - 1],
    /// Columns whose weights are not in the base field, in groups of [`Self::GROUP`].
    wide: Vec<usize>,
    /// Their weights. Per group: coordinate 0 of every weight, then coordinate 1, then coordinate 2.
    weights: Vec<Felt>,
}

impl Denominator {
    /// Products that are summed before they are reduced.
    const GROUP: usize = 4;

    fn new(
        tuple: &[SymbolicExpression<Felt>],
        window: Window,
        public_values: &[Felt],
        (alpha, beta): (Ext, Ext),
    ) -> Option<Self> {
        let mut constant = alpha;
        let mut terms = BTreeMap::<usize, Ext>::new();
        for (field, power) in tuple.iter().rev().zip(beta.powers()) {
            let affine = Affine::of(field, window, public_values)?;
            constant -= power * affine.constant;
            for (column, coefficient) in affine.terms {
                *terms.entry(column).or_insert(Ext::ZERO) -= power * coefficient;
            }
        }
        let (mut base, mut wide) = (vec![], vec![]);
        for (column, weight) in terms {
            let coordinates = coefficients(weight);
            if coordinates[1..] == [Felt::ZERO; EXT_DEGREE - 1] {
                if coordinates[0] != Felt::ZERO {
                    base.push((column, coordinates[0]));
                }
            } else {
                wide.push((column, coordinates));
            }
        }
        let [constant, high @ ..] = coefficients(constant);
        let weights = wide
            .chunks(Self::GROUP)
            .flat_map(|group| {
                (0..EXT_DEGREE).flat_map(move |i| group.iter().map(move |(_, w)| w[i]))
            })
            .collect();
        Some(Self {
            base: Linear::new(constant, base),
            high,
            wide: wide.into_iter().map(|(column, _)| column).collect(),
            weights,
        })
    }

    #[inline]
    fn eval(&self, row: &[Packed]) -> PackedExt {
        let mut value = [
            self.base.eval(row),
            Packed::from(self.high[0]),
            Packed::from(self.high[1]),
        ];
        let groups = self.wide.chunks(Self::GROUP);
        for (columns, weights) in groups.zip(self.weights.chunks(Self::GROUP * EXT_DEGREE)) {
            match columns.len() {
                1 => add_products::<1>(&mut value, row, columns, weights),
                2 => add_products::<2>(&mut value, row, columns, weights),
                3 => add_products::<3>(&mut value, row, columns, weights),
                _ => add_products::<4>(&mut value, row, columns, weights),
            }
        }
        PackedExt::from_basis_coefficients_fn(|i| value[i])
    }
}

#[inline(always)]
fn add_products<const N: usize>(
    value: &mut [Packed; EXT_DEGREE],
    row: &[Packed],
    columns: &[usize],
    weights: &[Felt],
) {
    let columns: [Packed; N] = core::array::from_fn(|i| row[columns[i]]);
    for (i, value) in value.iter_mut().enumerate() {
        let weights: [Felt; N] = core::array::from_fn(|j| weights[i * N + j]);
        *value += Packed::mixed_dot_product::<N>(&columns, &weights);
    }
}

/// A column of the bus argument: its tuples.
#[derive(Debug)]
struct Column(Vec<(Multiplicity, Denominator)>);

impl Column {
    /// `(U, V)`.
    #[inline]
    fn fraction(&self, row: &[Packed]) -> (PackedExt, PackedExt) {
        let Some(((multiplicity, denominator), rest)) = self.0.split_first() else {
            return (PackedExt::ONE, PackedExt::ZERO);
        };
        let first = multiplicity.eval(row);
        let mut u = denominator.eval(row);
        let Some(((multiplicity, denominator), rest)) = rest.split_first() else {
            return (u, first.into());
        };
        let d = denominator.eval(row);
        let mut v = d * first + u * multiplicity.eval(row);
        u *= d;
        for (multiplicity, denominator) in rest {
            let d = denominator.eval(row);
            v = v * d + u * multiplicity.eval(row);
            u *= d;
        }
        (u, v)
    }
}

/// The bus argument of one table, for one proof.
#[derive(Debug)]
pub(crate) struct CompiledBus {
    window: Window,
    columns: Vec<Column>,
    /// Columns of the window that occur.
    used: Vec<usize>,
}

impl CompiledBus {
    /// `None` if there are no interactions, or some that cannot be compiled. `challenges`: a pair per lookup.
    pub(crate) fn new(
        lookups: &[Lookup<Felt>],
        window: Window,
        public_values: &[Felt],
        challenges: &[Ext],
    ) -> Option<Self> {
        if lookups.is_empty() || challenges.len() != 2 * lookups.len() {
            return None;
        }
        let mut columns = Vec::with_capacity(lookups.len());
        for (index, (lookup, pair)) in lookups.iter().zip(challenges.chunks(2)).enumerate() {
            if lookup.flags.is_some()
                || lookup.column != index
                || lookup.elements.len() != lookup.multiplicities.len()
            {
                return None;
            }
            let tuples = lookup.elements.iter().zip(&lookup.multiplicities);
            let column: Option<Vec<_>> = tuples
                .map(|(tuple, multiplicity)| {
                    Some((
                        Multiplicity::new(multiplicity, window, public_values)?,
                        Denominator::new(tuple, window, public_values, (pair[0], pair[1]))?,
                    ))
                })
                .collect();
            columns.push(Column(column?));
        }
        let mut used: Vec<usize> = columns
            .iter()
            .flat_map(|column| &column.0)
            .flat_map(|(multiplicity, denominator)| {
                let linear = multiplicity.0.iter().filter_map(|op| match op {
                    Op::Push(linear) => Some(linear),
                    _ => None,
                });
                linear
                    .chain([&denominator.base])
                    .flat_map(Linear::columns)
                    .chain(denominator.wide.iter().copied())
            })
            .collect();
        used.sort_unstable();
        used.dedup();
        Some(Self {
            window,
            columns,
            used,
        })
    }

    /// Whether rows after the current one occur, of the main and of the preprocessed columns.
    pub(crate) fn uses_next(&self) -> (bool, bool) {
        let Window { main, preprocessed } = self.window;
        let any = |from: usize, to: usize| self.used.iter().any(|c| (from..to).contains(c));
        let start = 2 * main + preprocessed;
        (any(main, 2 * main), any(start, start + preprocessed))
    }

    /// The columns `acc, f₀, f₁, …` and the terminal: `acc[0] = 0`, `acc[i+1] = acc[i] + Σ f[i]`, and the terminal is what would
    /// be the accumulator of one row more.
    pub(crate) fn generate(
        &self,
        main: &Matrix,
        preprocessed: Option<&Matrix>,
    ) -> (RowMajorMatrix<Ext>, Ext) {
        let height = main.height();
        let width = self.columns.len() + 1;
        let mut values = Ext::zero_vec(height * width);
        let mut totals: Vec<Ext> = values
            .par_chunks_mut(CHUNK * width)
            .enumerate()
            .map(|(chunk, out)| self.fill(main, preprocessed, chunk * CHUNK, out))
            .collect();
        let mut terminal = Ext::ZERO;
        for total in &mut totals {
            let start = terminal;
            terminal += core::mem::replace(total, start);
        }
        values
            .par_chunks_mut(CHUNK * width)
            .zip(totals)
            .for_each(|(rows, start)| {
                for row in rows.chunks_exact_mut(width) {
                    row[0] += start;
                }
            });
        (RowMajorMatrix::new(values, width), terminal)
    }

    /// Fills the rows from `start` on, with an accumulator that starts at 0, and returns their sum.
    fn fill(
        &self,
        main: &Matrix,
        preprocessed: Option<&Matrix>,
        start: usize,
        out: &mut [Ext],
    ) -> Ext {
        let count = self.columns.len();
        let width = count + 1;
        let rows = out.len() / width;
        let groups = rows.div_ceil(LANES);
        let mut row = vec![Packed::ZERO; self.window.len()];
        // Per group and column: U, V, and the product of the column's U before this group.
        let mut fractions = Vec::with_capacity(groups * count);
        let mut products = vec![PackedExt::ONE; count];
        for group in 0..groups {
            self.load(main, preprocessed, start + group * LANES, &mut row);
            for (column, product) in self.columns.iter().zip(&mut products) {
                let (u, v) = column.fraction(&row);
                fractions.push((u, v, *product));
                *product *= u;
            }
        }
        let scalars: Vec<Ext> = products
            .iter()
            .flat_map(|product| (0..LANES).map(|lane| product.extract(lane)))
            .collect();
        let scalars = batch_multiplicative_inverse(&scalars);
        let mut inverses: Vec<PackedExt> = scalars
            .chunks_exact(LANES)
            .map(PackedExt::from_ext_slice)
            .collect();
        for group in (0..groups).rev() {
            let lanes = LANES.min(rows - group * LANES);
            for (index, inverse) in inverses.iter_mut().enumerate() {
                let (u, v, before) = fractions[group * count + index];
                let f = v * (before * *inverse);
                *inverse *= u;
                for lane in 0..lanes {
                    out[(group * LANES + lane) * width + 1 + index] = f.extract(lane);
                }
            }
        }
        let mut sum = Ext::ZERO;
        for row in out.chunks_exact_mut(width) {
            row[0] = sum;
            sum += row[1..].iter().copied().sum::<Ext>();
        }
        sum
    }

    /// Loads the columns that occur, of the rows from `start` on.
    fn load(&self, main: &Matrix, preprocessed: Option<&Matrix>, start: usize, row: &mut [Packed]) {
        let height = main.height();
        let Window {
            main: main_width,
            preprocessed: pre_width,
        } = self.window;
        let gather = |matrix: &Matrix, width: usize, column: usize, offset: usize| {
            Packed::from_fn(|lane| {
                matrix.values[((start + lane + offset) % height) * width + column]
            })
        };
        for &index in &self.used {
            row[index] = if index < 2 * main_width {
                gather(main, main_width, index % main_width, index / main_width)
            } else {
                let index = index - 2 * main_width;
                preprocessed.map_or(Packed::ZERO, |matrix| {
                    gather(matrix, pre_width, index % pre_width, index / pre_width)
                })
            };
        }
    }

    /// The constraints at a point, in p3's order: a fraction per column, then first row, transition and last row of the
    /// accumulator. `local` are the bus columns, `next` is the accumulator at the next row.
    #[inline]
    pub(crate) fn constraints(
        &self,
        row: &[Packed],
        local: &[PackedExt],
        next: PackedExt,
        terminal: Ext,
        selectors: Selectors,
        out: &mut Vec<PackedExt>,
    ) {
        let (accumulator, fractions) = (local[0], &local[1..]);
        let mut after = accumulator;
        for (column, &f) in self.columns.iter().zip(fractions) {
            let (u, v) = column.fraction(row);
            out.push(u * f - v);
            after += f;
        }
        out.push(accumulator * selectors.first);
        out.push((next - after) * selectors.transition);
        out.push((PackedExt::from(terminal) - after) * selectors.last);
    }

    /// How many there are.
    pub(crate) const fn num_constraints(&self) -> usize {
        self.columns.len() + 3
    }
}

/// Row selectors at a point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selectors {
    pub(crate) first: Packed,
    pub(crate) last: Packed,
    pub(crate) transition: Packed,
}
