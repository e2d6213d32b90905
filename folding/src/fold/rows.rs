//! What is summed over the rows of a table: its fractions at a point, and its constraints.

use p3_field::PrimeCharacteristicRing;
use plica_field::Ext;

use super::Bus;
use crate::relation::Row;
use crate::shape::{Shape, TableShape};

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
    pub(super) fn at(&self, row: Row<'_, Ext>, values: &mut Vec<Ext>) -> Ext {
        let (mut of_constraints, mut of_fractions) = (Ext::ZERO, Ext::ZERO);
        self.table.relation.evaluate(
            row,
            (self.bus.alpha, &self.bus.powers),
            values,
            |number, value| of_constraints += self.constraints[number] * value,
            |number, count, denominator| {
                of_fractions += self.interactions[number] * (count + self.mu * denominator);
            },
        );
        of_constraints + of_fractions
    }
}
