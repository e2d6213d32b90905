//! Which digit of a witness belongs to which column, and which fraction of an instance's sum to which interaction.
//!
//! A row of a table takes its columns' digits one after the other, in as many ring elements as they fill; ring element s of row τ is number base + s·2ʰ + τ of
//! the witness, where 2ʰ is the table's height and divides base. So a column's polynomial at a point r is a linear map of the witness' planes,
//!
//! ```text
//! col(r) = Σ_s Σ_τ eq(r, τ)·Σ_l w(s, l)·z_l(base + s·2ʰ + τ)
//! ```
//!
//! with powers of 3 as weights w. Whatever the digits are, they are those of some element: a width that is too small for a value leaves no witness for it, and proves nothing
//! wrong.

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use p3_matrix::Matrix as _;
use p3_matrix::dense::RowMajorMatrix;
use plica_field::{Ext, Felt, Word};
use plica_hash_rpo::hash_elements;
use thiserror::Error;

use crate::digits::{self, MOST_DIGITS};
use crate::multilinear::{eq, eq_table};
use crate::relation::Relation;
use crate::ring::DEGREE;
use crate::witness::Witness;

/// Rows and columns of a table.
pub type Trace = RowMajorMatrix<Felt>;

/// A table as it is given.
#[derive(Clone, Debug)]
pub struct TableInput {
    pub relation: Relation,
    /// log2 of the rows.
    pub log_height: usize,
    /// The fixed columns: 2^`log_height` rows.
    pub fixed: Trace,
    /// Digits of each committed column.
    pub widths: Vec<usize>,
}

/// Why there is no shape.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ShapeError {
    #[error("table `{0}`: fixed columns of another size")]
    Fixed(&'static str),
    #[error("table `{0}`: not a number of digits up to {MOST_DIGITS} for each column")]
    Widths(&'static str),
    #[error("table `{0}` has 2^{1} rows, more than a witness has ring elements")]
    Height(&'static str, usize),
    #[error("the tables take {needed} ring elements, a witness has {most}")]
    Length { needed: usize, most: usize },
    #[error("tables disagree on the number of public values: {0} and {1}")]
    PublicValues(usize, usize),
    #[error("table `{0}` is on another bus than those before")]
    Bus(&'static str),
    #[error("table `{0}` has tuples of other lengths than those before")]
    Tuples(&'static str),
}

/// A trace that is none of the shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TraceError {
    #[error("{got} tables, not {expected}")]
    Tables { got: usize, expected: usize },
    #[error("table `{0}` has another size")]
    Size(&'static str),
    #[error(
        "table `{table}`, row {row}, column {column}: the value takes {digits} digits, the column has {width}"
    )]
    Digits {
        table: &'static str,
        row: usize,
        column: usize,
        digits: usize,
        width: usize,
    },
}

/// A table and its places.
#[derive(Clone, Debug)]
pub(crate) struct TableShape {
    pub(crate) relation: Relation,
    pub(crate) log_height: usize,
    pub(crate) fixed: Trace,
    widths: Vec<usize>,
    /// Where a column's digits begin among those of a row.
    starts: Vec<usize>,
    /// Ring elements of a row.
    elements: usize,
    /// Number of the first.
    base: usize,
    /// log2 of the interactions, rounded up.
    log_interactions: usize,
    /// Number of its first fraction: a multiple of as many as it has room for.
    leaf: usize,
}

/// log2 of the rows of a table, at most, so that none of the sizes here overflows.
const MOST_LOG_HEIGHT: usize = 24;

/// A list of tables, the same in all instances of a fold.
#[derive(Clone, Debug)]
pub struct Shape {
    tables: Vec<TableShape>,
    log_length: usize,
    log_leaves: usize,
    public_values: usize,
    width: usize,
    digest: Word,
}

impl TableShape {
    fn new(input: TableInput) -> Result<Self, ShapeError> {
        let TableInput {
            relation,
            log_height,
            fixed,
            widths,
        } = input;
        let name = relation.name();
        if log_height > MOST_LOG_HEIGHT {
            return Err(ShapeError::Height(name, log_height));
        }
        let rows = match relation.fixed() {
            0 => 0,
            _ => 1 << log_height,
        };
        if fixed.values.len() != rows * relation.fixed() || fixed.width != relation.fixed() {
            return Err(ShapeError::Fixed(name));
        }
        if widths.len() != relation.columns() || widths.iter().any(|&width| width > MOST_DIGITS) {
            return Err(ShapeError::Widths(name));
        }
        let mut end = 0;
        let starts = widths
            .iter()
            .map(|width| {
                end += width;
                end - width
            })
            .collect();
        Ok(Self {
            log_interactions: relation.interactions().next_power_of_two().ilog2() as usize,
            relation,
            log_height,
            fixed,
            widths,
            starts,
            elements: end.div_ceil(DEGREE),
            base: 0,
            leaf: 0,
        })
    }

    /// Its row of fixed columns.
    pub(crate) fn fixed_row(&self, row: usize) -> &[Felt] {
        let width = self.fixed.width;
        &self.fixed.values[row * width..][..width]
    }

    /// Where the digits of a column are: ring element of the row, digit, weight.
    fn places(&self, column: usize) -> impl Iterator<Item = (usize, usize, Felt)> {
        let start = self.starts[column];
        let places = (start..start + self.widths[column]).zip(digits::powers());
        places.map(|(digit, weight)| (digit / DEGREE, digit % DEGREE, weight))
    }

    /// log2 of the fractions that it has room for.
    const fn log_leaves(&self) -> usize {
        self.log_height + self.log_interactions
    }

    /// Number of the fraction of an interaction in a row.
    pub(crate) const fn leaf(&self, interaction: usize, row: usize) -> usize {
        self.leaf + (interaction << self.log_height) + row
    }

    /// eq(point, ·) at the fractions of each interaction, as a factor of eq(row, ·).
    pub(crate) fn weights_of_interactions(&self, point: &[Ext]) -> Vec<Ext> {
        let (own, above) = point.split_at(self.log_leaves());
        let block = corner(self.leaf >> self.log_leaves(), above.len());
        let above = eq(above, &block);
        let all = eq_table(&own[self.log_height..]);
        let own = all.into_iter().take(self.relation.interactions());
        own.map(|weight| weight * above).collect()
    }

    /// Weights of the digits of a row, by ring element, for a sum of columns.
    fn weights(&self, of_columns: &[Ext]) -> Vec<[Ext; DEGREE]> {
        let mut weights = vec![[Ext::ZERO; DEGREE]; self.elements];
        for (column, &factor) in of_columns.iter().enumerate() {
            for (element, digit, weight) in self.places(column) {
                weights[element][digit] += factor * weight;
            }
        }
        weights
    }
}

/// The corner whose number this is.
fn corner(number: usize, variables: usize) -> Vec<Ext> {
    let bits = (0..variables).map(|bit| number >> bit & 1 == 1);
    bits.map(Ext::from_bool).collect()
}

/// That all tuples are on one bus and of one length, which it gives: (a) and (a, 0) are one denominator.
fn check_bus(tables: &[TableShape]) -> Result<usize, ShapeError> {
    let (mut name, mut width) = (None, None);
    for table in tables {
        let relation = &table.relation;
        if let Some(own) = relation.bus()
            && *name.get_or_insert(own) != own
        {
            return Err(ShapeError::Bus(relation.name()));
        }
        for &own in relation.tuples() {
            if *width.get_or_insert(own) != own {
                return Err(ShapeError::Tuples(relation.name()));
            }
        }
    }
    Ok(width.unwrap_or(0))
}

impl Shape {
    /// Places the tables in witnesses of 2^`log_length` ring elements.
    ///
    /// # Errors
    /// If they do not fit, or a table is not one of its relation.
    pub fn new(tables: Vec<TableInput>, log_length: usize) -> Result<Self, ShapeError> {
        let tables = tables.into_iter().map(TableShape::new);
        let mut tables: Vec<TableShape> = tables.collect::<Result<_, _>>()?;
        let mut public_values = 0;
        for table in &tables {
            let own = table.relation.public_values();
            if own != 0 && public_values != 0 && own != public_values {
                return Err(ShapeError::PublicValues(public_values, own));
            }
            public_values = public_values.max(own);
        }
        let width = check_bus(&tables)?;
        // Higher ones first: then each begins at a multiple of its height, and each block of fractions at one of its size.
        let mut order: Vec<usize> = (0..tables.len()).collect();
        order.sort_by_key(|&table| core::cmp::Reverse(tables[table].log_height));
        let mut needed = 0;
        for &table in &order {
            tables[table].base = needed;
            needed += tables[table].elements << tables[table].log_height;
        }
        let most = 1 << log_length;
        if needed > most {
            return Err(ShapeError::Length { needed, most });
        }
        // Columns without digits take no ring elements, so their table would fit at any height.
        if let Some(table) = tables.iter().find(|table| table.log_height > log_length) {
            let name = table.relation.name();
            return Err(ShapeError::Height(name, table.log_height));
        }
        order.retain(|&table| tables[table].relation.interactions() > 0);
        order.sort_by_key(|&table| core::cmp::Reverse(tables[table].log_leaves()));
        let mut leaves: usize = 0;
        for &table in &order {
            tables[table].leaf = leaves;
            leaves += 1 << tables[table].log_leaves();
        }
        let mut shape = Self {
            tables,
            log_length,
            log_leaves: leaves.next_power_of_two().ilog2() as usize,
            public_values,
            width,
            digest: Word::default(),
        };
        shape.digest = hash_elements(&shape.encode());
        Ok(shape)
    }

    /// Of each table rows, columns, digits and fractions; then the ring elements in all.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        let mut used = 0;
        let of_table = |table: &TableShape| {
            let (rows, elements) = (1 << table.log_height, table.elements);
            used += rows * elements;
            format!(
                "{}: {rows} rows of {} columns, {} digits in {elements} ring elements, {} fractions",
                table.relation.name(),
                table.relation.columns(),
                table.widths.iter().sum::<usize>(),
                table.relation.interactions(),
            )
        };
        let mut lines: Vec<String> = self.tables.iter().map(of_table).collect();
        lines.push(format!(
            "{used} of {} ring elements, 2^{} fractions",
            1 << self.log_length,
            self.log_leaves
        ));
        lines
    }

    /// Everything that the places and the relations are, as elements: injective.
    fn encode(&self) -> Vec<Felt> {
        let mut out = vec![self.log_length as u64, self.tables.len() as u64];
        for table in &self.tables {
            out.push(table.log_height as u64);
            table.relation.encode(&mut out);
            out.extend(table.widths.iter().map(|&width| width as u64));
            out.extend(table.fixed.values.iter().map(Felt::as_canonical_u64));
        }
        out.into_iter().map(Felt::from_u64).collect()
    }

    /// Binds tables, heights, widths, constraints, interactions and fixed columns, hence all places.
    pub const fn digest(&self) -> Word {
        self.digest
    }

    pub(crate) fn tables(&self) -> &[TableShape] {
        &self.tables
    }

    /// log2 of the ring elements of a witness.
    #[must_use]
    pub const fn log_length(&self) -> usize {
        self.log_length
    }

    /// log2 of the fractions of an instance.
    pub(crate) const fn log_leaves(&self) -> usize {
        self.log_leaves
    }

    /// log2 of the rows of the highest table.
    pub(crate) fn log_rows(&self) -> usize {
        let heights = self.tables.iter().map(|table| table.log_height);
        heights.max().unwrap_or(0)
    }

    /// Public values of an instance.
    #[must_use]
    pub const fn public_values(&self) -> usize {
        self.public_values
    }

    /// Fields of every tuple.
    pub(crate) const fn width(&self) -> usize {
        self.width
    }

    /// The largest degree of a relation.
    pub(crate) fn degree(&self) -> usize {
        let degrees = self.tables.iter().map(|table| table.relation.degree());
        degrees.max().unwrap_or(0)
    }

    /// The widths that traces need, column by column: what [`TableInput::widths`] wants.
    #[must_use]
    pub fn widths<'a>(traces: impl IntoIterator<Item = &'a Trace>) -> Vec<usize> {
        let mut widths = Vec::new();
        for trace in traces {
            widths.resize(trace.width, 0);
            for row in trace.rows() {
                for (width, value) in widths.iter_mut().zip(row) {
                    *width = digits::length(&digits::digits(value)).max(*width);
                }
            }
        }
        widths
    }

    /// The digits of an instance.
    ///
    /// # Errors
    /// If a table has another size, or a value more digits than its column.
    pub fn witness(&self, traces: &[Trace]) -> Result<Witness, TraceError> {
        let (got, expected) = (traces.len(), self.tables.len());
        if got != expected {
            return Err(TraceError::Tables { got, expected });
        }
        let mut witness = Witness::zero(1 << self.log_length);
        for (table, trace) in self.tables.iter().zip(traces) {
            let name = table.relation.name();
            let columns = table.relation.columns();
            if trace.width != columns || trace.values.len() != columns << table.log_height {
                return Err(TraceError::Size(name));
            }
            for row in 0..1 << table.log_height {
                for (column, &width) in table.widths.iter().enumerate() {
                    let digits = digits::digits(trace.values[row * columns + column]);
                    let length = digits::length(&digits);
                    if length > width {
                        return Err(TraceError::Digits {
                            table: name,
                            row,
                            column,
                            digits: length,
                            width,
                        });
                    }
                    for ((element, plane, _), digit) in table.places(column).zip(digits) {
                        let element = table.base + (element << table.log_height) + row;
                        let set = witness.set(element, plane, digit.into());
                        set.expect("digits are −1, 0 and 1");
                    }
                }
            }
        }
        Ok(witness)
    }

    /// The weights of all digits of a witness for Σ factor·col(point) over all columns of all tables: by ring element. `point` is one of the
    /// rows of the highest table, of which lower ones take the first coordinates.
    pub(crate) fn functional(&self, factors: &[Vec<Ext>], point: &[Ext]) -> Vec<[Ext; DEGREE]> {
        let mut all = vec![[Ext::ZERO; DEGREE]; 1 << self.log_length];
        for (table, factors) in self.tables.iter().zip(factors) {
            let rows = eq_table(&point[..table.log_height]);
            for (element, weights) in table.weights(factors).into_iter().enumerate() {
                let start = table.base + (element << table.log_height);
                for (out, &row) in all[start..].iter_mut().zip(&rows) {
                    *out = weights.map(|weight| weight * row);
                }
            }
        }
        all
    }

    /// The polynomials of these weights at a point of the ring elements: by digit.
    pub(crate) fn functional_at(
        &self,
        factors: &[Vec<Ext>],
        point: &[Ext],
        at: &[Ext],
    ) -> [Ext; DEGREE] {
        let mut sums = [Ext::ZERO; DEGREE];
        for (table, factors) in self.tables.iter().zip(factors) {
            let (row, block) = at.split_at(table.log_height);
            let rows = eq(&point[..table.log_height], row);
            for (element, weights) in table.weights(factors).into_iter().enumerate() {
                let number = (table.base >> table.log_height) + element;
                let scale = rows * eq(block, &corner(number, block.len()));
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum += weight * scale;
                }
            }
        }
        sums
    }
}
