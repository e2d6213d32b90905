//! What follows from a kind's AIR: widths, packed interactions, degrees, the order of constraints.

use std::sync::Arc;

use p3_air::symbolic::{AirLayout, ConstraintLayout, ExtLeaf, SymbolicExpr, SymbolicExpression};
use p3_batch_stark::symbolic::get_log_num_quotient_chunks_for_domain;
use p3_field::PrimeCharacteristicRing;
use p3_field::coset::TwoAdicMultiplicativeCoset;
use p3_lookup::{InteractionSymbolicBuilder, LogUpGadget, LookupProtocol as _, Lookups};
use p3_util::log2_ceil_usize;

use super::Table;
use crate::types::{Ext, Felt};
use crate::wraps;

/// What is derived from a kind's AIR once.
#[derive(Clone, Debug)]
pub(crate) struct KindInfo {
    pub(crate) width: usize,
    pub(crate) preprocessed_width: usize,
    pub(crate) num_public_values: usize,
    pub(crate) main_next: bool,
    pub(crate) preprocessed_next: bool,
    /// The interactions, packed into columns of the bus argument.
    pub(crate) lookups: Lookups<Felt>,
    /// Tuples per row, over all buses.
    pub(crate) interactions: usize,
    /// Width of the widest tuple.
    pub(crate) tuple_width: usize,
    /// Constraints, those of the bus argument included.
    pub(crate) constraints: usize,
    /// Largest degree of a constraint.
    pub(crate) degree: usize,
    /// log2 of the quotient chunks, an upper bound if there are periodic columns.
    pub(crate) log_chunks: usize,
    /// Whether a constraint may lead from the last row to the first.
    pub(crate) wraps: bool,
    /// Longest period of a periodic column, 1 without.
    pub(crate) max_period: usize,
    /// Periodic columns.
    pub(crate) num_periodic: usize,
    /// The order in which constraints are folded.
    pub(crate) order: Arc<ConstraintLayout>,
}

/// The committed columns of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindColumns {
    /// Name of the kind.
    pub name: &'static str,
    /// Main columns.
    pub main: usize,
    /// Preprocessed columns.
    pub preprocessed: usize,
    /// Columns of the bus argument (extension-field columns count 3).
    pub bus: usize,
    /// Columns of the quotient.
    pub quotient: usize,
    /// Interactions per row.
    pub interactions: usize,
    /// Largest degree of a constraint.
    pub degree: usize,
}

/// The constraints of a kind, those of the bus argument included.
pub(crate) struct Constraints {
    pub(crate) base: Vec<SymbolicExpression<Felt>>,
    pub(crate) ext: Vec<SymbolicExpr<ExtLeaf<Felt, Ext>>>,
}

impl KindInfo {
    /// Evaluates the AIR once more, packs its interactions, and adds the constraints of the bus argument.
    /// With interactions packed up to `lookup_degree`, or the table's own degree if that is higher.
    pub(super) fn new<T: Table>(
        table: &T,
        unpacked: Lookups<Felt>,
        lookup_degree: usize,
    ) -> (Self, Constraints) {
        let gadget = LogUpGadget::new();
        let layout = AirLayout::from_air(table);
        layout.validate_against_air(table);
        // As many columns of the bus argument as without packing: an upper bound is all that the builder needs.
        let mut builder = InteractionSymbolicBuilder::<Felt, Ext>::new(AirLayout {
            permutation_width: if unpacked.is_empty() {
                0
            } else {
                unpacked.len() + 1
            },
            num_permutation_challenges: gadget.num_challenges() * unpacked.len(),
            num_permutation_values: usize::from(!unpacked.is_empty()),
            ..layout
        });
        table.eval(&mut builder);
        let degree_of = |builder: &InteractionSymbolicBuilder<Felt, Ext>| {
            let base = builder.base_constraints();
            let ext = builder.extension_constraints();
            base.iter()
                .map(SymbolicExpr::degree_multiple)
                .chain(ext.iter().map(SymbolicExpr::degree_multiple))
                .max()
                .unwrap_or(0)
                .max(table.max_constraint_degree().unwrap_or(0))
        };
        // A table whose constraints already pay for more quotient chunks packs up to that degree for free.
        let pins = unpacked
            .iter()
            .map(|lookup| gadget.constraint_degree(lookup));
        let degree = pins.max().unwrap_or(0).max(degree_of(&builder));
        let free = (1 << log2_ceil_usize(degree.max(2) - 1)) + 1;
        let lookups = unpacked.pack_same_bus(&gadget, free.max(lookup_degree));
        if !lookups.is_empty() {
            gadget.eval_all(&mut builder, &lookups);
        }
        let degree = degree_of(&builder);
        let constraints = Constraints {
            base: builder.base_constraints(),
            ext: builder.extension_constraints(),
        };
        let periods = table.periodic_columns();
        let info = Self {
            width: table.width(),
            preprocessed_width: table.preprocessed_width(),
            num_public_values: table.num_public_values(),
            main_next: !table.main_next_row_columns().is_empty(),
            preprocessed_next: !table.preprocessed_next_row_columns().is_empty(),
            interactions: lookups.iter().map(|lookup| lookup.elements.len()).sum(),
            tuple_width: lookups
                .iter()
                .flat_map(|l| l.elements.iter().map(Vec::len))
                .max()
                .unwrap_or(0),
            constraints: constraints.base.len() + constraints.ext.len(),
            degree,
            log_chunks: log_chunks(degree),
            wraps: wraps::any(&constraints.base, &constraints.ext),
            max_period: periods.iter().map(Vec::len).max().unwrap_or(1),
            num_periodic: periods.len(),
            order: Arc::new(builder.constraint_layout()),
            lookups,
        };
        (info, constraints)
    }

    /// Base-field columns of the bus argument.
    pub(crate) fn permutation_width(&self) -> usize {
        if self.lookups.is_empty() {
            0
        } else {
            (self.lookups.len() + 1) * crate::types::EXT_DEGREE
        }
    }
}

/// log2 of the quotient chunks of constraints of this degree.
fn log_chunks(degree: usize) -> usize {
    log2_ceil_usize(degree.max(2) - 1)
}

pub(super) fn chunks_at<T: Table>(table: &T, lookups: &Lookups<Felt>, log_height: usize) -> usize {
    let domain = TwoAdicMultiplicativeCoset::new(Felt::ONE, log_height)
        .expect("heights are below the two-adicity");
    get_log_num_quotient_chunks_for_domain::<Felt, Ext, T, _>(
        table,
        AirLayout::from_air(table),
        domain,
        lookups,
        0,
        &LogUpGadget::new(),
    )
}
