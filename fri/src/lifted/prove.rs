//! The prover.

use std::borrow::Cow;
use std::collections::BTreeMap;

use p3_dft::TwoAdicSubgroupDft as _;
use p3_field::coset::TwoAdicMultiplicativeCoset;
use p3_field::{
    BasedVectorSpace, Field, PackedFieldExtension, PrimeCharacteristicRing, TwoAdicField,
    batch_multiplicative_inverse,
};
use p3_lookup::Lookup;
use p3_matrix::Matrix as _;
use p3_matrix::bitrev::{BitReversedMatrixView, BitReversibleMatrix as _};
use p3_matrix::dense::{RowMajorMatrix, RowMajorMatrixView};
use p3_maybe_rayon::prelude::*;
use p3_uni_stark::StarkGenericConfig as _;
use p3_util::{reverse_bits_len, reverse_slice_index_bits};
use plica_hash_rpo::transcript::flatten;
use tracing::{info_span, instrument};

use super::fold::{self, Layer};
use super::layout::{Layout, Segment, TreeKind, TreeLayout};
use super::proof::{LiftedProof, Opening};
use super::tree::MerkleTree;
use super::{bus, domain, start};
use crate::airs::{AirSet, Table};
use crate::bus::{LANES, PackedExt};
use crate::profile::Profile;
use crate::table::{Argument, Columns, Input};
use crate::transcript::{Frame, setup_config};
use crate::types::{Dft, EXT_DEGREE, Ext, Felt, Matrix, Word};

/// The key's tables, lifted: their LDEs by ascending height, and the tree over them.
#[derive(Debug)]
pub(crate) struct Preprocessed(Committed);

impl Preprocessed {
    /// Commits to the traces of the key's tables, in the order of their kinds.
    pub(crate) fn new(traces: &[&Matrix], log_blowup: usize) -> Self {
        let mut order: Vec<usize> = (0..traces.len()).collect();
        order.sort_by_key(|&table| traces[table].height());
        let ldes = order
            .iter()
            .map(|&table| lde(traces[table].clone(), log_blowup));
        Self(Committed::new(ldes.collect()))
    }

    pub(crate) fn root(&self) -> Word {
        self.0.tree.root()
    }
}

/// LDEs of the segments of a tree, in their order, and the tree.
#[derive(Debug)]
struct Committed {
    ldes: Vec<Matrix>,
    tree: MerkleTree,
}

impl Committed {
    fn new(ldes: Vec<Matrix>) -> Self {
        let tree = MerkleTree::over(&ldes.iter().collect::<Vec<_>>());
        Self { ldes, tree }
    }

    /// The columns of a segment on the coset of a size, rows in bit-reversed order: a part of what is committed, or more than that.
    fn on_coset(&self, segment: usize, log_height: usize, log_size: usize) -> Cow<'_, [Felt]> {
        let lde = &self.ldes[segment];
        match lde.values.get(..lde.width << log_size) {
            Some(values) => values.into(),
            None => extend(lde, log_height, log_size).values.into(),
        }
    }

    /// The row at an index of the tree.
    fn row(&self, index: usize) -> Vec<Felt> {
        let rows = self.ldes.iter().map(|lde| {
            let log_size = lde.height().ilog2() as usize;
            let row = reverse_bits_len(index % lde.height(), log_size);
            &lde.values[row * lde.width..][..lde.width]
        });
        rows.collect::<Vec<_>>().concat()
    }
}

/// The columns on their domain, rows in bit-reversed order.
fn lde(trace: Matrix, log_blowup: usize) -> Matrix {
    let shift = domain::shift(trace.height().ilog2() as usize);
    Dft::default()
        .coset_lde_batch(trace, log_blowup, shift)
        .bit_reverse_rows()
        .to_row_major_matrix()
}

/// The columns, which are given on their domain, on a larger coset with the same shift.
fn extend(lde: &Matrix, log_height: usize, log_size: usize) -> Matrix {
    let values = &lde.values[..lde.width << log_height];
    let values = RowMajorMatrixView::new(values, lde.width);
    // f(s·X) on subgroups is f on cosets.
    Dft::default()
        .lde_batch(
            values.bit_reverse_rows().to_row_major_matrix(),
            log_size - log_height,
        )
        .bit_reverse_rows()
        .to_row_major_matrix()
}

/// Proves the tables, whose heights and widths have been checked.
#[instrument(name = "lifted proof", skip_all)]
pub(crate) fn prove<T: Table>(
    airs: &AirSet<T>,
    profile: &Profile,
    queries: usize,
    frame: &Frame<'_>,
    public_values: &[Felt],
    inputs: Vec<Input<'_, T>>,
    preprocessed: &Preprocessed,
) -> LiftedProof {
    let layout = Layout::new(airs, profile, frame.instances);
    let log_blowup = profile.log_blowup;
    let preprocessed = &preprocessed.0;
    let tree = |kind| layout.tree(kind);
    let in_order = |kind, columns: &mut Vec<Option<Matrix>>| {
        let segments = tree(kind).map_or(&[][..], |tree| &tree.segments);
        let take = |segment: &Segment| columns[segment.table].take().expect("one per segment");
        Committed::new(segments.iter().map(take).collect())
    };
    let mut transcript = start(frame, public_values);

    // Main columns.
    let main = info_span!("commit to main columns").in_scope(|| {
        let ldes = inputs
            .iter()
            .map(|input| Some(lde(input.trace.clone(), log_blowup)));
        in_order(TreeKind::Main, &mut ldes.collect())
    });
    transcript.absorb(main.tree.root());

    // The bus argument. Afterwards no trace is needed.
    let lookups: Vec<&[Lookup<Felt>]> = inputs.iter().map(|input| &*input.info.lookups).collect();
    let (alpha, beta) = (transcript.challenge(), transcript.challenge());
    let challenges = bus::challenges(&lookups, alpha, beta);
    let mut tables = Vec::with_capacity(inputs.len());
    let mut columns = Vec::with_capacity(inputs.len());
    info_span!("bus columns").in_scope(|| {
        for (input, challenges) in inputs.into_iter().zip(&challenges) {
            let Input {
                table, info, trace, ..
            } = input;
            let argument = Argument::new(table, info, input.public_values, challenges);
            let (permutation, terminal) = argument.bus_columns(&trace, input.preprocessed);
            columns.push(terminal.map(|_| lde(permutation.flatten_to_base(), log_blowup)));
            tables.push((argument, trace.height().ilog2() as usize, terminal));
        }
    });
    let bus = tree(TreeKind::Bus).map(|_| {
        info_span!("commit to bus columns").in_scope(|| in_order(TreeKind::Bus, &mut columns))
    });
    let terminals: Vec<Ext> = tables
        .iter()
        .filter_map(|(.., terminal)| *terminal)
        .collect();
    if let Some(bus) = &bus {
        transcript.absorb(bus.tree.root());
    }
    super::absorb_terminals(&mut transcript, &terminals);
    let alpha = transcript.challenge();

    // The quotient, as coefficients: a table of n rows has those of the powers of X^(N/n).
    let rows = 1 << layout.log_height;
    let mut quotient = Ext::zero_vec(rows << layout.log_chunks);
    let config = setup_config(profile);
    let mut weight = Ext::ONE;
    for (index, (argument, log_height, terminal)) in tables.iter().enumerate().rev() {
        let _span = info_span!("quotient", table = index).entered();
        let (info, log_height) = (argument.info, *log_height);
        let log_size = log_height + info.log_chunks;
        let trace_domain = coset(Felt::ONE, log_height);
        let quotient_domain = coset(domain::shift(log_height), log_size);
        let segment = |kind| tree(kind)?.segments.iter().position(|s| s.table == index);
        let on_coset = |kind| {
            let committed = match kind {
                TreeKind::Main => &main,
                TreeKind::Bus => bus.as_ref()?,
                TreeKind::Preprocessed => preprocessed,
                TreeKind::Quotient => return None,
            };
            let segment = segment(kind)?;
            let width = committed.ldes[segment].width;
            Some((committed.on_coset(segment, log_height, log_size), width))
        };
        let [main_values, preprocessed_values, bus_values] =
            [TreeKind::Main, TreeKind::Preprocessed, TreeKind::Bus].map(on_coset);
        let columns = Columns {
            main: main_values
                .as_ref()
                .map(in_natural_order)
                .expect("every table has main columns"),
            preprocessed: preprocessed_values.as_ref().map(in_natural_order),
            bus: bus_values.as_ref().map(in_natural_order),
        };
        let domains = (trace_domain, quotient_domain);
        let values = argument.quotient(config.pcs(), &columns, *terminal, domains, alpha);
        let values = RowMajorMatrix::new_col(values).flatten_to_base::<Felt>();
        let coefficients = Dft::default().coset_idft_batch(values, domain::shift(log_height));
        let lift = rows >> log_height;
        quotient
            .par_chunks_mut(lift)
            .zip(coefficients.values.par_chunks_exact(EXT_DEGREE))
            .for_each(|(out, row)| out[0] += Ext::from_basis_coefficients_fn(|i| row[i]) * weight);
        weight *= alpha.exp_u64(info.order.total_constraints() as u64);
    }
    let quotient = info_span!("commit to the quotient")
        .in_scope(|| Committed::new(vec![quotient_columns(&quotient, rows, log_blowup)]));
    transcript.absorb(quotient.tree.root());

    // Openings.
    let zeta = transcript.challenge();
    let points = [zeta, zeta * Felt::two_adic_generator(layout.log_height)];
    let committed = |kind| match kind {
        TreeKind::Main => &main,
        TreeKind::Bus => bus.as_ref().expect("in the layout"),
        TreeKind::Quotient => &quotient,
        TreeKind::Preprocessed => preprocessed,
    };
    let claims: Vec<Vec<Ext>> = info_span!("evaluate").in_scope(|| {
        let at = |(tree, point): (&TreeLayout, usize)| {
            let ldes = tree.segments.iter().zip(&committed(tree.kind).ldes);
            let values = ldes.flat_map(|(segment, lde)| {
                let lift = layout.log_height - segment.log_height;
                let y: Ext = points[point].exp_power_of_2(lift);
                evaluate(lde, segment.log_height, y)
            });
            values.collect()
        };
        layout.openings().map(at).collect()
    });
    super::absorb_claims(&mut transcript, &layout, &claims);
    let batching = transcript.challenge();
    let weights = super::weights(&layout, transcript.challenge());
    let batched = info_span!("batch").in_scope(|| {
        batch(
            &layout,
            log_blowup,
            points,
            &claims,
            (batching, &weights),
            committed,
        )
    });
    let (layers, last) = info_span!("fold")
        .in_scope(|| fold::commit(batched, layout.log_height, layout.rounds(), &mut transcript));
    super::absorb_last(&mut transcript, &last);
    let work = info_span!("grind").in_scope(|| transcript.grind(profile.query_pow_bits));

    let log_domain = layout.log_domain(profile);
    let indices = transcript.indices(queries, log_domain);
    let rows = layout.trees.iter().map(|tree| {
        let committed = committed(tree.kind);
        let log_leaves = tree.log_height + log_blowup;
        open(&committed.tree, &indices, log_leaves, |index| {
            committed.row(index)
        })
    });
    let folds = layers.iter().map(|Layer { coefficients, tree }| {
        let log_leaves = coefficients.len().ilog2() as usize;
        open(tree, &indices, log_leaves, |index| {
            coefficients[reverse_bits_len(index, log_leaves)]
        })
    });
    LiftedProof {
        main: main.tree.root(),
        bus: bus.as_ref().map(|bus| bus.tree.root()),
        quotient: quotient.tree.root(),
        terminals,
        claims,
        layers: layers.iter().map(|layer| layer.tree.root()).collect(),
        last,
        work,
        rows: rows.collect(),
        folds: folds.collect(),
    }
}

/// Rows in bit-reversed order, with their width, as a matrix in natural order.
fn in_natural_order<'a>(
    (values, width): &'a (Cow<'_, [Felt]>, usize),
) -> BitReversedMatrixView<RowMajorMatrixView<'a, Felt>> {
    RowMajorMatrixView::new(values, *width).bit_reverse_rows()
}

fn coset(shift: Felt, log_size: usize) -> TwoAdicMultiplicativeCoset<Felt> {
    TwoAdicMultiplicativeCoset::new(shift, log_size).expect("heights are checked")
}

/// The columns of the quotient on their domain: its chunks of N coefficients, coordinate by coordinate.
fn quotient_columns(coefficients: &[Ext], rows: usize, log_blowup: usize) -> Matrix {
    let width = coefficients.len() / rows * EXT_DEGREE;
    let mut values = Felt::zero_vec((rows << log_blowup) * width);
    values[..rows * width]
        .par_chunks_exact_mut(width)
        .enumerate()
        .for_each(|(row, out)| {
            let chunks = coefficients[row..].iter().step_by(rows).copied();
            out.copy_from_slice(&flatten(&chunks.collect::<Vec<_>>()));
        });
    let shift = domain::shift(rows.ilog2() as usize);
    Dft::default()
        .coset_dft_batch(Matrix::new(values, width), shift)
        .bit_reverse_rows()
        .to_row_major_matrix()
}

/// The values at y of the columns, which are given on a domain: barycentric interpolation from as many points as there are rows.
fn evaluate(lde: &Matrix, log_height: usize, y: Ext) -> Vec<Ext> {
    let rows = 1 << log_height;
    let shift = domain::shift(log_height);
    let y = y * shift.inverse();
    let mut subgroup: Vec<Felt> = Felt::two_adic_generator(log_height)
        .powers()
        .collect_n(rows);
    reverse_slice_index_bits(&mut subgroup);
    let differences: Vec<Ext> = subgroup.iter().map(|&x| y - x).collect();
    let mut weights = batch_multiplicative_inverse(&differences);
    let scale = (y.exp_power_of_2(log_height) - Ext::ONE) * Felt::from_usize(rows).inverse();
    for (weight, &x) in weights.iter_mut().zip(&subgroup) {
        *weight *= scale * x;
    }
    RowMajorMatrixView::new(&lde.values[..rows * lde.width], lde.width)
        .columnwise_dot_product(&weights)
}

/// The batched polynomial on its domain.
fn batch<'a>(
    layout: &Layout,
    log_blowup: usize,
    points: [Ext; 2],
    claims: &[Vec<Ext>],
    (batching, weights): (Ext, &[Ext]),
    committed: impl Fn(TreeKind) -> &'a Committed,
) -> Vec<Ext> {
    // Per height: the sums at both points so far.
    let mut sums: BTreeMap<usize, [Vec<Ext>; 2]> = BTreeMap::new();
    let mut constants = [Ext::ZERO; 2];
    let mut openings = weights.iter().zip(claims);
    for tree in &layout.trees {
        let scales: Vec<Ext> = tree
            .points()
            .map(|point| {
                let (weight, claims) = openings.next().expect("as many as there are openings");
                constants[point] += *weight * super::ladder(tree, claims, batching);
                *weight
            })
            .collect();
        let padded = tree.padded();
        for ((_, segment, start), lde) in tree.starts().zip(&committed(tree.kind).ldes) {
            let behind = padded - start - segment.width;
            let powers: Vec<Ext> = batching
                .shifted_powers(batching.exp_u64(behind as u64))
                .collect_n(segment.width);
            let mut powers: Vec<Ext> = powers.into_iter().rev().collect();
            powers.resize(segment.width.next_multiple_of(LANES), Ext::ZERO);
            let packed: Vec<PackedExt> = powers
                .chunks_exact(LANES)
                .map(PackedExt::from_ext_slice)
                .collect();
            let size = lde.height();
            let sums = sums
                .entry(segment.log_height)
                .or_insert_with(|| [(); 2].map(|()| Ext::zero_vec(size)));
            let rows: Vec<Ext> = lde.rowwise_packed_dot_product::<Ext>(&packed).collect();
            for (sums, &scale) in sums.iter_mut().zip(&scales) {
                sums.par_iter_mut()
                    .zip(&rows)
                    .for_each(|(sum, &row)| *sum += row * scale);
            }
        }
    }
    // Lower sums go into the next higher ones.
    let size = 1 << (layout.log_height + log_blowup);
    sums.entry(layout.log_height)
        .or_insert_with(|| [(); 2].map(|()| Ext::zero_vec(size)));
    let mut below: Option<[Vec<Ext>; 2]> = None;
    for (_, mut sums) in sums {
        if let Some(below) = below {
            for (sums, below) in sums.iter_mut().zip(below) {
                let lift = sums.len() / below.len();
                sums.par_iter_mut()
                    .enumerate()
                    .for_each(|(position, sum)| *sum += below[position / lift]);
            }
        }
        below = Some(sums);
    }
    let [at, next] = below.expect("there are main columns");
    let domain = domain::points(layout.log_height, layout.log_height + log_blowup);
    let quotients = |sums: Vec<Ext>, point: usize| -> Vec<Ext> {
        let differences: Vec<Ext> = domain.par_iter().map(|&x| -(points[point] - x)).collect();
        let inverses = batch_multiplicative_inverse(&differences);
        sums.into_par_iter()
            .zip(inverses)
            .map(|(sum, inverse)| (sum - constants[point]) * inverse)
            .collect()
    };
    let (mut at, next) = (quotients(at, 0), quotients(next, 1));
    at.par_iter_mut().zip(next).for_each(|(a, b)| *a += b);
    at
}

fn open<L>(
    tree: &MerkleTree,
    indices: &[usize],
    log_leaves: usize,
    leaf: impl Fn(usize) -> L,
) -> Opening<L> {
    let distinct = super::distinct(indices, log_leaves);
    Opening {
        leaves: distinct.iter().map(|&index| leaf(index)).collect(),
        siblings: tree.siblings(&distinct),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_the_same_on_larger_cosets() {
        for log_height in [0, 1, 5] {
            let values = (1..=3u64 << log_height).map(|n| Felt::new(n * n * n));
            let trace = Matrix::new(values.collect(), 3);
            let all = Committed::new(vec![lde(trace.clone(), 4)]);
            let some = Committed::new(vec![lde(trace, 1)]);
            for log_size in log_height..=log_height + 4 {
                let [all, some] =
                    [&all, &some].map(|known| known.on_coset(0, log_height, log_size));
                assert_eq!((all.len(), all), (3 << log_size, some));
            }
        }
    }
}
