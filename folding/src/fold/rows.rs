//! What is summed over the rows of a table: its fractions at a point, and its constraints.

use core::cell::RefCell;

use p3_field::PrimeCharacteristicRing;
use plica_field::{Ext, Felt};

use super::Bus;
use crate::relation::Row;
use crate::shape::{Shape, TableShape};
use crate::sumcheck::RowPolynomial;

/// Σₖ wₖ·(pₖ + μ·qₖ) + Σₛ λₛ·Cₛ for one table: k goes over interactions, s over constraints.
pub(super) struct RowSum<'a> {
    table: &'a TableShape,
    bus: &'a Bus,
    interactions: Vec<Ext>,
    mu: Ext,
    /// Powers of λ, disjoint from those of other tables.
    constraints: Vec<Ext>,
}

impl<'a> RowSum<'a> {
    /// For all tables, and the part of the claim about fractions that no table has: places without one have 0/1.
    pub(super) fn all(
        shape: &'a Shape,
        bus: &'a Bus,
        leaf_point: &[Ext],
        (mu, lambda): (Ext, Ext),
    ) -> (Vec<Self>, Ext) {
        let mut powers = lambda.shifted_powers(lambda);
        let mut rest = Ext::ONE;
        let of_table = |table: &'a TableShape| {
            let interactions = match table.relation.interactions() {
                0 => vec![],
                _ => table.weights_of_interactions(leaf_point),
            };
            rest -= interactions.iter().copied().sum::<Ext>();
            let constraints = powers.by_ref().take(table.relation.constraints());
            Self {
                table,
                bus,
                interactions,
                mu,
                constraints: constraints.collect(),
            }
        };
        let all = shape.tables().iter().map(of_table).collect();
        (all, mu * rest)
    }

    /// The sum at a row or a point.
    pub(super) fn at<T>(&self, row: Row<'_, T>, values: &mut Vec<T>) -> Ext
    where
        T: PrimeCharacteristicRing + Copy + From<Felt>,
        Ext: core::ops::Mul<T, Output = Ext>,
    {
        let [mut of_constraints, mut counts, mut denominators] = [Ext::ZERO; 3];
        self.table.relation.evaluate(
            row,
            (self.bus.alpha, &self.bus.powers),
            values,
            |number, value| of_constraints += self.constraints[number] * value,
            |number, count, denominator| {
                counts += self.interactions[number] * count;
                denominators += product(self.interactions[number], denominator);
            },
        );
        of_constraints + counts + product(self.mu, denominators)
    }

    /// Columns, fixed columns and public values, one after the other.
    fn row<'r, T>(&self, row: &'r [T]) -> Row<'r, T> {
        let relation = &self.table.relation;
        let (columns, row) = row.split_at(relation.columns());
        let (fixed, public_values) = row.split_at(relation.fixed());
        Row {
            columns,
            fixed,
            public_values,
        }
    }
}

/// Where it is not clear which ring is meant.
fn product(a: Ext, b: Ext) -> Ext {
    a * b
}

thread_local! {
    static OF_ROWS: RefCell<Vec<Felt>> = const { RefCell::new(Vec::new()) };
    static OF_POINTS: RefCell<Vec<Ext>> = const { RefCell::new(Vec::new()) };
}

impl RowPolynomial for RowSum<'_> {
    fn at_row(&self, row: &[Felt]) -> Ext {
        OF_ROWS.with_borrow_mut(|values| self.at(self.row(row), values))
    }

    fn at_point(&self, row: &[Ext]) -> Ext {
        OF_POINTS.with_borrow_mut(|values| self.at(self.row(row), values))
    }
}
