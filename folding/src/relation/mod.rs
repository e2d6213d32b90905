//! What must hold of every row of a table, and what rows say to each other: taken from the same AIR as the STARK's.
//!
//! A row-local AIR without selectors is a relation of a single row: constraints, and interactions on one bus, each a tuple with a count. Folding uses nothing else, so
//! nothing is written twice.

mod circuit;

use p3_air::Air;
use p3_air::symbolic::AirLayout;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionSymbolicBuilder;
use plica_field::{Ext, Felt};
use thiserror::Error;

pub(crate) use circuit::{Circuit, Row};

/// Why an AIR is no relation of single rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RelationError {
    #[error("it refers to the next row")]
    NextRow,
    #[error("it has periodic columns")]
    Periodic,
    #[error("it tells the first row, the last or those in between from others")]
    Selector,
    #[error("it has interactions other than tuples with counts on one bus")]
    Bus,
}

/// A table's constraints and interactions.
#[derive(Clone, Debug)]
pub struct Relation {
    name: &'static str,
    columns: usize,
    fixed: usize,
    public_values: usize,
    constraints: usize,
    /// The name of the bus, if there are interactions.
    bus: Option<String>,
    /// Fields of each tuple.
    tuples: Vec<usize>,
    degree: usize,
    /// Constraints; then of each interaction the count and the fields.
    circuit: Circuit,
}

impl Relation {
    /// Of an AIR.
    ///
    /// # Errors
    /// If it says anything about other rows.
    pub fn new<A>(name: &'static str, air: &A) -> Result<Self, RelationError>
    where
        A: Air<InteractionSymbolicBuilder<Felt, Ext>>,
    {
        if air.num_periodic_columns() > 0 {
            return Err(RelationError::Periodic);
        }
        let builder =
            InteractionSymbolicBuilder::<Felt, Ext>::from_air(air, AirLayout::from_air(air));
        let interactions = builder.global_interactions();
        let one_bus = interactions
            .windows(2)
            .all(|pair| pair[0].bus_name == pair[1].bus_name);
        let others = builder.local_interactions().len()
            + builder.exclusive_interactions().len()
            + builder.indexed_reads().len()
            + builder.indexed_tables().len();
        if !one_bus || others > 0 || !builder.extension_constraints().is_empty() {
            return Err(RelationError::Bus);
        }
        let constraints = builder.base_constraints();
        let messages = interactions
            .iter()
            .flat_map(|i| core::iter::once(&i.count).chain(&i.fields));
        let circuit = Circuit::new(constraints.iter().chain(messages))?;
        Ok(Self {
            name,
            columns: air.width(),
            fixed: air.preprocessed_width(),
            public_values: air.num_public_values(),
            constraints: constraints.len(),
            bus: interactions.first().map(|i| i.bus_name.clone()),
            tuples: interactions.iter().map(|i| i.fields.len()).collect(),
            degree: circuit.degree(),
            circuit,
        })
    }

    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Committed columns.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// Columns that the shape fixes.
    #[must_use]
    pub const fn fixed(&self) -> usize {
        self.fixed
    }

    #[must_use]
    pub const fn public_values(&self) -> usize {
        self.public_values
    }

    #[must_use]
    pub const fn constraints(&self) -> usize {
        self.constraints
    }

    /// Interactions of a row.
    #[must_use]
    pub const fn interactions(&self) -> usize {
        self.tuples.len()
    }

    /// The largest degree of a constraint, a count or a field.
    #[must_use]
    pub const fn degree(&self) -> usize {
        self.degree
    }

    pub(crate) fn encode(&self, out: &mut Vec<u64>) {
        let sizes = [
            self.columns,
            self.fixed,
            self.public_values,
            self.constraints,
        ];
        out.extend(sizes.map(|size| size as u64));
        out.push(self.tuples.len() as u64);
        out.extend(self.tuples.iter().map(|&fields| fields as u64));
        self.circuit.encode(out);
    }

    /// Evaluates everything: gives `constraint` each constraint in its order, `fraction` the number of each interaction, its count and the denominator α − Σ fieldᵢ·βⁱ, given the
    /// powers of β.
    pub(crate) fn evaluate<T>(
        &self,
        row: Row<'_, T>,
        (alpha, powers): (Ext, &[Ext]),
        values: &mut Vec<T>,
        mut constraint: impl FnMut(usize, T),
        mut fraction: impl FnMut(usize, T, Ext),
    ) where
        T: PrimeCharacteristicRing + Copy + From<Felt>,
        Ext: core::ops::Mul<T, Output = Ext>,
    {
        let mut results = self.circuit.run(row, values);
        for number in 0..self.constraints {
            constraint(number, results.next().expect("of each constraint"));
        }
        for (number, &fields) in self.tuples.iter().enumerate() {
            let count = results.next().expect("a count");
            let denominator = powers[..fields].iter().fold(alpha, |sum, &power| {
                sum - power * results.next().expect("a field")
            });
            fraction(number, count, denominator);
        }
    }

    pub(crate) fn bus(&self) -> Option<&str> {
        self.bus.as_deref()
    }

    /// Fields of each tuple.
    pub(crate) fn tuples(&self) -> &[usize] {
        &self.tuples
    }
}
