//! One table of a proof on the prover's side: the columns of its bus argument, and its quotient.
//!
//! The same for both formats of proofs. Either has a compiled form, see [`crate::bus`] and [`crate::quotient`], and p3's own, for tables
//! that need it.

use p3_air::symbolic::AirLayout;
use p3_batch_stark::prover::quotient_values;
use p3_field::coset::TwoAdicMultiplicativeCoset;
use p3_lookup::{LogUpGadget, LookupProtocol as _};
use p3_matrix::dense::RowMajorMatrix;

use crate::airs::{KindInfo, Table};
use crate::bus::{CompiledBus, Window};
use crate::quotient::Quotient;
use crate::types::{Config, Ext, Felt, Matrix, Pcs};

/// Where columns are given: a subgroup, or a coset of one.
pub(crate) type Domain = TwoAdicMultiplicativeCoset<Felt>;

/// One table of a proof: its AIR, what is derived from it, and its values.
pub(crate) struct Input<'a, T> {
    pub(crate) table: &'a T,
    pub(crate) info: &'a KindInfo,
    /// log2 of the quotient chunks at this height.
    pub(crate) log_chunks: usize,
    pub(crate) trace: Matrix,
    pub(crate) preprocessed: &'a Option<Matrix>,
    pub(crate) public_values: &'a [Felt],
}

/// A table's constraints, with the challenges of its bus argument. Outlives the table's trace.
pub(crate) struct Argument<'a, T> {
    pub(crate) table: &'a T,
    pub(crate) info: &'a KindInfo,
    public_values: &'a [Felt],
    challenges: &'a [Ext],
    /// None if the bus argument or the quotient needs p3's way: without interactions, with periodic columns, or with constraints of
    /// the AIR itself that are not over the base field.
    compiled: Option<CompiledBus>,
}

/// A table's columns on the domain of its quotient.
pub(crate) struct Columns<M> {
    pub(crate) main: M,
    pub(crate) preprocessed: Option<M>,
    pub(crate) bus: Option<M>,
}

impl<'a, T: Table> Argument<'a, T> {
    pub(crate) fn new(
        table: &'a T,
        info: &'a KindInfo,
        public_values: &'a [Felt],
        challenges: &'a [Ext],
    ) -> Self {
        let compiled = CompiledBus::new(&info.lookups, window(info), public_values, challenges);
        Self {
            table,
            info,
            public_values,
            challenges,
            compiled: compiled.filter(|bus| {
                let own_constraints = info.order.ext_indices.len() - bus.num_constraints();
                info.num_periodic == 0 && own_constraints == 0
            }),
        }
    }

    /// The columns of the bus argument and its terminal, which a table without interactions does not have.
    pub(crate) fn bus_columns(
        &self,
        trace: &Matrix,
        preprocessed: &Option<Matrix>,
    ) -> (RowMajorMatrix<Ext>, Option<Ext>) {
        if let Some(compiled) = &self.compiled {
            let (columns, terminal) = compiled.generate(trace, preprocessed.as_ref());
            return (columns, Some(terminal));
        }
        let (columns, terminal) = LogUpGadget::new().generate_permutation::<Felt, Ext>(
            trace,
            preprocessed,
            self.public_values,
            &self.info.lookups,
            self.challenges,
        );
        (columns, terminal.map(|terminal| terminal.0))
    }

    /// The quotient on its domain. `alpha` folds the constraints.
    pub(crate) fn quotient<M: p3_matrix::Matrix<Felt> + Sync>(
        &self,
        pcs: &Pcs,
        columns: &Columns<M>,
        terminal: Option<Ext>,
        (domain, quotient_domain): (Domain, Domain),
        alpha: Ext,
    ) -> Vec<Ext> {
        let info = self.info;
        if let (Some(compiled), Some(bus_columns), Some(terminal)) =
            (&self.compiled, &columns.bus, terminal)
        {
            let uses_next = compiled.uses_next();
            let quotient = Quotient {
                table: self.table,
                window: window(info),
                public_values: self.public_values,
                order: &info.order,
                bus: compiled,
                terminal,
                next: (
                    info.main_next || uses_next.0,
                    info.preprocessed_next || uses_next.1,
                ),
                main: &columns.main,
                preprocessed: columns.preprocessed.as_ref(),
                bus_columns,
            };
            return quotient.values(domain, quotient_domain, alpha);
        }
        let gadget = LogUpGadget::new();
        quotient_values::<Config, T, _, LogUpGadget>(
            pcs,
            self.table,
            self.public_values,
            layout(info),
            domain,
            quotient_domain,
            &columns.main,
            columns.bus.as_ref(),
            &info.lookups,
            terminal.as_slice(),
            &gadget,
            self.challenges,
            columns.preprocessed.as_ref(),
            alpha,
        )
    }
}

const fn window(info: &KindInfo) -> Window {
    Window {
        main: info.width,
        preprocessed: info.preprocessed_width,
    }
}

const fn layout(info: &KindInfo) -> AirLayout {
    AirLayout {
        preprocessed_width: info.preprocessed_width,
        main_width: info.width,
        num_public_values: info.num_public_values,
        num_periodic_columns: info.num_periodic,
        permutation_width: 0,
        num_permutation_challenges: 0,
        num_permutation_values: 0,
    }
}
