//! The quotient of one table, with a compiled bus argument.
//!
//! `p3_batch_stark::prover::quotient_values` with three differences: the constraints of the bus argument come from
//! [`CompiledBus`], next rows are read only if something refers to them, and the order of the constraints is not derived again.

use p3_air::RowWindow;
use p3_air::symbolic::ConstraintLayout;
use p3_batch_stark::folder::ProverConstraintFolderWithLookups;
use p3_commit::PolynomialSpace as _;
use p3_field::{BasedVectorSpace, PackedFieldExtension, PackedValue, PrimeCharacteristicRing};
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrixView;
use p3_maybe_rayon::prelude::*;
use p3_uni_stark::ProverConstraintFolder;

use crate::airs::Table;
use crate::bus::{CompiledBus, LANES, Packed, PackedExt, Selectors, Window};
use crate::table::Domain;
use crate::types::{Config, EXT_DEGREE, Ext, Felt};

/// One table's values on the quotient's domain, and what its constraints need.
pub(crate) struct Quotient<'a, T, M> {
    pub(crate) table: &'a T,
    pub(crate) window: Window,
    pub(crate) public_values: &'a [Felt],
    pub(crate) order: &'a ConstraintLayout,
    pub(crate) bus: &'a CompiledBus,
    pub(crate) terminal: Ext,
    /// Whether constraints or interactions refer to the next row, of the main and of the preprocessed columns.
    pub(crate) next: (bool, bool),
    pub(crate) main: &'a M,
    pub(crate) preprocessed: Option<&'a M>,
    pub(crate) bus_columns: &'a M,
}

impl<T: Table, M: Matrix<Felt> + Sync> Quotient<'_, T, M> {
    /// The quotient on its domain. `alpha` folds the constraints.
    pub(crate) fn values(&self, domain: Domain, quotient_domain: Domain, alpha: Ext) -> Vec<Ext> {
        let size = quotient_domain.size();
        let step = size / domain.size();
        let mut selectors = domain.selectors_on_coset(quotient_domain);
        for values in [
            &mut selectors.is_first_row,
            &mut selectors.is_last_row,
            &mut selectors.is_transition,
            &mut selectors.inv_vanishing,
        ] {
            for index in size..size.next_multiple_of(LANES) {
                values.push(values[index % size]);
            }
        }
        let (base_powers, ext_powers) = self.order.decompose_alpha::<Felt, Ext>(alpha);
        let (main_width, pre_width) = (self.window.main, self.window.preprocessed);
        let mut out = Ext::zero_vec(size);
        out.par_chunks_mut(LANES).enumerate().for_each_init(
            || {
                (
                    vec![Packed::ZERO; self.window.len()],
                    Vec::<PackedExt>::new(),
                    Vec::with_capacity(self.order.base_indices.len()),
                    Vec::with_capacity(self.order.ext_indices.len()),
                )
            },
            |(row, local, base, ext), (index, out)| {
                let start = index * LANES;
                let load = |values: &[Felt]| *Packed::from_slice(&values[start..start + LANES]);
                let at = Selectors {
                    first: load(&selectors.is_first_row),
                    last: load(&selectors.is_last_row),
                    transition: load(&selectors.is_transition),
                };
                let (main, pre) = row.split_at_mut(2 * main_width);
                fill(main, self.main, start);
                if self.next.0 {
                    fill(&mut main[main_width..], self.main, start + step);
                }
                if let Some(matrix) = self.preprocessed {
                    fill(pre, matrix, start);
                    if self.next.1 {
                        fill(&mut pre[pre_width..], matrix, start + step);
                    }
                }
                local.clear();
                let mut columns = self.bus_columns.vertically_packed_row::<Packed>(start);
                local.extend(
                    (0..self.bus_columns.width() / EXT_DEGREE).map(|_| extension(&mut columns)),
                );
                let next = extension(
                    &mut self
                        .bus_columns
                        .vertically_packed_row::<Packed>(start + step),
                );

                base.clear();
                ext.clear();
                let row = row.as_slice();
                let main = RowMajorMatrixView::new(&row[..2 * main_width], main_width);
                let preprocessed = RowMajorMatrixView::new(&row[2 * main_width..], pre_width);
                let mut folder = ProverConstraintFolderWithLookups::<'_, Config> {
                    inner: ProverConstraintFolder {
                        main,
                        preprocessed,
                        preprocessed_window: RowWindow::from_view(&preprocessed),
                        periodic_values: &[],
                        public_values: self.public_values,
                        is_first_row: at.first,
                        is_last_row: at.last,
                        is_transition: at.transition,
                        base_alpha_powers: &base_powers,
                        ext_alpha_powers: &ext_powers,
                        base_constraints: core::mem::take(base),
                        ext_constraints: core::mem::take(ext),
                        constraint_index: 0,
                        constraint_count: self.order.total_constraints(),
                    },
                    permutation: RowMajorMatrixView::new(&[], 0),
                    permutation_challenges: &[],
                    permutation_values: &[],
                };
                self.table.eval(&mut folder);
                let mut folder = folder.inner;
                self.bus.constraints(
                    row,
                    local,
                    next,
                    self.terminal,
                    at,
                    &mut folder.ext_constraints,
                );
                folder.constraint_index += self.bus.num_constraints();
                let quotient = folder.finalize_constraints() * load(&selectors.inv_vanishing);
                *base = folder.base_constraints;
                *ext = folder.ext_constraints;
                for (lane, out) in out.iter_mut().enumerate() {
                    *out = quotient.extract(lane);
                }
            },
        );
        out
    }
}

/// Packs the rows from `start` on.
#[inline]
fn fill<M: Matrix<Felt>>(out: &mut [Packed], matrix: &M, start: usize) {
    for (out, value) in out.iter_mut().zip(matrix.vertically_packed_row(start)) {
        *out = value;
    }
}

/// The next extension element of a row of coordinates.
#[inline]
fn extension(coordinates: &mut impl Iterator<Item = Packed>) -> PackedExt {
    PackedExt::from_basis_coefficients_fn(|_| coordinates.next().unwrap_or(Packed::ZERO))
}
