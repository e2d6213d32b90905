//! Tables that have been analysed, for p3's verifier.

use std::borrow::Cow;

use p3_air::{Air, BaseAir, BoundaryPublic};
use p3_batch_stark::folder::VerifierConstraintFolderWithLookups;
use p3_lookup::InteractionSymbolicBuilder;

use super::{KindInfo, Table};
use crate::types::{Config, Ext, Felt};

/// A table for p3's verifier, which evaluates every AIR symbolically only to learn its degree: this one answers from the
/// analysis. The number of quotient chunks that p3 derives is the one that the shape check has pinned.
pub(crate) struct Analysed<'a, T> {
    pub(crate) table: &'a T,
    pub(crate) info: &'a KindInfo,
}

impl<T: Table> BaseAir<Felt> for Analysed<'_, T> {
    fn width(&self) -> usize {
        self.table.width()
    }

    fn preprocessed_width(&self) -> usize {
        self.table.preprocessed_width()
    }

    fn num_periodic_columns(&self) -> usize {
        self.table.num_periodic_columns()
    }

    fn periodic_columns(&self) -> Cow<'_, [Vec<Felt>]> {
        self.table.periodic_columns()
    }

    fn main_next_row_columns(&self) -> Vec<usize> {
        self.table.main_next_row_columns()
    }

    fn preprocessed_next_row_columns(&self) -> Vec<usize> {
        self.table.preprocessed_next_row_columns()
    }

    fn num_constraints(&self) -> Option<usize> {
        self.table.num_constraints()
    }

    fn max_constraint_degree(&self) -> Option<usize> {
        if self.info.num_periodic == 0 {
            Some(self.info.degree)
        } else {
            self.table.max_constraint_degree()
        }
    }

    fn num_public_values(&self) -> usize {
        self.table.num_public_values()
    }

    fn public_boundary_io(&self) -> &[BoundaryPublic] {
        self.table.public_boundary_io()
    }

    fn assumes_boolean_trace(&self) -> bool {
        self.table.assumes_boolean_trace()
    }
}

impl<T: Table> Air<InteractionSymbolicBuilder<Felt, Ext>> for Analysed<'_, T> {
    fn eval(&self, builder: &mut InteractionSymbolicBuilder<Felt, Ext>) {
        // With periodic columns the degree depends on the height, so p3 has to look itself.
        if self.info.num_periodic > 0 {
            self.table.eval(builder);
        }
    }
}

impl<'b, T: Table> Air<VerifierConstraintFolderWithLookups<'b, Config>> for Analysed<'_, T> {
    fn eval(&self, builder: &mut VerifierConstraintFolderWithLookups<'b, Config>) {
        self.table.eval(builder);
    }
}
