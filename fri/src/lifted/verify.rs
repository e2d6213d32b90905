//! The verifier.

use p3_air::RowWindow;
use p3_batch_stark::folder::VerifierConstraintFolderWithLookups;
use p3_commit::PolynomialSpace as _;
use p3_field::coset::TwoAdicMultiplicativeCoset;
use p3_field::{BasedVectorSpace, Field, PrimeCharacteristicRing, TwoAdicField};
use p3_lookup::{
    LogUpGadget, Lookup, LookupError, LookupProtocol as _, check_bus_widths,
    check_multiplicity_height_bound,
};
use p3_matrix::Dimensions;
use p3_matrix::dense::RowMajorMatrixView;
use p3_matrix::stack::VerticalPair;
use p3_maybe_rayon::prelude::*;
use p3_uni_stark::VerifierConstraintFolder;
use plica_hash_rpo::transcript::Transcript;
use thiserror::Error;
use tracing::{info_span, instrument};

use super::fold::{self, Coefficients, Fold};
use super::layout::{LOG_ARITY, Layout, TreeKind, TreeLayout};
use super::proof::{LiftedProof, Opening};
use super::{bus, domain, start};
use crate::airs::{AirSet, Table};
use crate::key::VerifyingKey;
use crate::openings::{Rpo, holds};
use crate::profile::Profile;
use crate::proof::{Proof, ProofBody};
use crate::shape::ShapeError;
use crate::transcript::{Frame, PROTOCOL_VERSION};
use crate::types::{Config, EXT_DEGREE, Ext, Felt, Word};
use crate::verify::VerifyError;

/// Why a lifted proof is not accepted.
#[derive(Debug, Error)]
pub(crate) enum Rejection {
    #[error(transparent)]
    Shape(#[from] ShapeError),
    #[error(transparent)]
    Lookup(#[from] LookupError),
    #[error("the sums over the bus do not cancel")]
    Bus,
    #[error("the out-of-domain point is in a domain")]
    Point,
    #[error("the constraints do not hold at the out-of-domain point")]
    Constraints,
    #[error("the work in front of the queries is not done")]
    Work,
    #[error("opened rows are not those of the commitment to {0}")]
    Rows(&'static str),
    #[error("opened values are not those of layer {0} of the low-degree test")]
    Layer(usize),
    #[error("layer {0} of the low-degree test is not the folding of what is above it")]
    Folding(usize),
    #[error("the last layer of the low-degree test is not the final polynomial")]
    Last,
}

/// Verifies a proof for a list of tables that has been checked, with this number of queries, and says where those were. `preprocessed` is the
/// key's commitment.
#[instrument(name = "lifted proof", skip_all)]
pub(crate) fn verify<T: Table>(
    airs: &AirSet<T>,
    profile: &Profile,
    queries: usize,
    frame: &Frame<'_>,
    public_values: &[Felt],
    preprocessed: Word,
    proof: &LiftedProof,
) -> Result<Vec<usize>, Rejection> {
    let layout = Layout::new(airs, profile, frame.instances);
    let mut transcript = start(frame, public_values);
    check_buses(airs, profile, frame)?;
    check_shape(airs, profile, &layout, frame, proof)?;

    // The transcript up to the openings.
    transcript.absorb(proof.main);
    let (bus_alpha, bus_beta) = (transcript.challenge(), transcript.challenge());
    if let Some(root) = proof.bus {
        transcript.absorb(root);
    }
    super::absorb_terminals(&mut transcript, &proof.terminals);
    if proof.terminals.iter().copied().sum::<Ext>() != Ext::ZERO {
        return Err(Rejection::Bus);
    }
    let alpha = transcript.challenge();
    transcript.absorb(proof.quotient);
    let zeta = transcript.challenge();
    info_span!("constraints").in_scope(|| {
        let challenges = (bus_alpha, bus_beta, alpha, zeta);
        check_constraints(
            airs,
            profile,
            &layout,
            frame,
            public_values,
            proof,
            challenges,
        )
    })?;

    super::absorb_claims(&mut transcript, &layout, &proof.claims);
    let batching = transcript.challenge();
    let weights = super::weights(&layout, transcript.challenge());
    let folds = folds(&layout, profile, proof, &mut transcript);
    super::absorb_last(&mut transcript, &proof.last);
    if !transcript.check_work(profile.query_pow_bits, proof.work) {
        return Err(Rejection::Work);
    }
    let indices = transcript.indices(queries, layout.log_domain(profile));
    info_span!("queries").in_scope(|| {
        let (rows, layers) = open_all(&layout, profile, preprocessed, proof, &folds, &indices)?;
        let batching = (batching, &weights[..]);
        let values = batched(&layout, profile, proof, &rows, batching, zeta, &indices)?;
        low_degree(&layout, profile, proof, (&folds, &layers), &indices, values)
    })?;
    Ok(indices)
}

/// The indices of a proof's queries, for those who make the advice of a verifier out of it.
///
/// # Errors
/// As [`crate::verify`]: only proofs that are accepted have any.
pub fn query_indices<T: Table>(
    airs: &AirSet<T>,
    key: &VerifyingKey,
    public_values: &[Felt],
    proof: &Proof,
) -> Result<Vec<usize>, VerifyError> {
    let report = crate::verify(airs, key, public_values, proof, key.target())?;
    let digest = key.digest();
    let frame = Frame {
        version: PROTOCOL_VERSION,
        air_set: airs.digest(),
        key: &digest,
        instances: proof.instances(),
    };
    let (ProofBody::Lifted(body), Some(root)) = (proof.body(), key.lifted_root()) else {
        return Err(VerifyError::Invalid(
            "it is not in the lifted format".into(),
        ));
    };
    let (profile, queries) = (key.profile(), report.queries);
    Ok(verify(
        airs,
        profile,
        queries,
        &frame,
        public_values,
        root,
        body,
    )?)
}

fn equal(part: &'static str, expected: usize, got: usize) -> Result<(), ShapeError> {
    if expected == got {
        Ok(())
    } else {
        Err(ShapeError {
            part,
            expected,
            got,
        })
    }
}

/// Tuples of one bus have one width, and multiplicities cannot wrap around at these heights.
fn check_buses<T: Table>(
    airs: &AirSet<T>,
    profile: &Profile,
    frame: &Frame<'_>,
) -> Result<(), LookupError> {
    let tables = frame.instances.tables();
    let lookups: Vec<_> = tables
        .iter()
        .map(|table| airs.info_under(table.kind.into(), profile).lookups.clone())
        .collect();
    let heights: Vec<usize> = tables.iter().map(|table| 1 << table.log_height).collect();
    check_bus_widths(&lookups)?;
    check_multiplicity_height_bound(&lookups, &heights)
}

/// All lengths but those of openings, which depend on the queries.
fn check_shape<T: Table>(
    airs: &AirSet<T>,
    profile: &Profile,
    layout: &Layout,
    frame: &Frame<'_>,
    proof: &LiftedProof,
) -> Result<(), ShapeError> {
    let has_bus = layout.tree(TreeKind::Bus).is_some();
    equal(
        "presence of the bus commitment",
        usize::from(has_bus),
        usize::from(proof.bus.is_some()),
    )?;
    let tables = frame.instances.tables().iter();
    let on_bus = tables.filter(|table| {
        !airs
            .info_under(table.kind.into(), profile)
            .lookups
            .is_empty()
    });
    equal("bus terminals", on_bus.count(), proof.terminals.len())?;
    equal(
        "opened commitments",
        layout.openings().count(),
        proof.claims.len(),
    )?;
    for ((tree, _), claims) in layout.openings().zip(&proof.claims) {
        equal("claimed values", tree.width(), claims.len())?;
    }
    equal("folding commitments", layout.rounds(), proof.layers.len())?;
    equal("final polynomial", 1 << layout.log_final, proof.last.len())?;
    equal("opened trees", layout.trees.len(), proof.rows.len())?;
    equal("folding openings", layout.rounds(), proof.folds.len())
}

/// The claims about a table in a tree, at ζ and at the next point if they are opened there.
fn claims_of<'a>(
    layout: &Layout,
    proof: &'a LiftedProof,
    kind: TreeKind,
    table: usize,
) -> [&'a [Ext]; 2] {
    let mut found: [&[Ext]; 2] = [&[]; 2];
    for ((tree, point), claims) in layout.openings().zip(&proof.claims) {
        if tree.kind == kind
            && let Some(range) = tree.range_of(table)
        {
            found[point] = &claims[range];
        }
    }
    found
}

/// All constraints of all tables, folded, against the quotient.
fn check_constraints<T: Table>(
    airs: &AirSet<T>,
    profile: &Profile,
    layout: &Layout,
    frame: &Frame<'_>,
    public_values: &[Felt],
    proof: &LiftedProof,
    (bus_alpha, bus_beta, alpha, zeta): (Ext, Ext, Ext, Ext),
) -> Result<(), Rejection> {
    let vanishing = zeta.exp_power_of_2(layout.log_height) - Ext::ONE;
    if vanishing == Ext::ZERO {
        return Err(Rejection::Point);
    }
    let tables = frame.instances.tables();
    let infos: Vec<_> = tables
        .iter()
        .map(|t| airs.info_under(t.kind.into(), profile))
        .collect();
    let lookups: Vec<&[Lookup<Felt>]> = infos.iter().map(|info| &*info.lookups).collect();
    let challenges = bus::challenges(&lookups, bus_alpha, bus_beta);
    let mut terminals = proof.terminals.iter();
    let mut folded = Ext::ZERO;
    for (index, (table, info)) in tables.iter().zip(&infos).enumerate() {
        let kind = usize::from(table.kind);
        let log_height = usize::from(table.log_height);
        let point: Ext = zeta.exp_power_of_2(layout.log_height - log_height);
        // ζ^N is not 1, so the point is not in the table's subgroup either.
        let domain =
            TwoAdicMultiplicativeCoset::new(Felt::ONE, log_height).expect("heights are checked");
        let selectors = domain.selectors_at_point(point);
        let [main, main_next] = claims_of(layout, proof, TreeKind::Main, index);
        let [pre, pre_next] = claims_of(layout, proof, TreeKind::Preprocessed, index);
        let [local, next] = claims_of(layout, proof, TreeKind::Bus, index).map(recombine);
        // A tree that is opened at ζ only has no next row; nothing refers to it.
        let or_zero = |next: &[Ext], width| match next {
            [] => vec![Ext::ZERO; width],
            next => next.to_vec(),
        };
        let main_next = or_zero(main_next, main.len());
        let pre_next = or_zero(pre_next, pre.len());
        let pair = |local, next| {
            VerticalPair::new(
                RowMajorMatrixView::new_row(local),
                RowMajorMatrixView::new_row(next),
            )
        };
        let preprocessed = pair(pre, &pre_next);
        let periodic = periodic_values(&airs.kinds()[kind].table, log_height, point);
        let terminal: Vec<Ext> = (!info.lookups.is_empty())
            .then(|| terminals.next().copied())
            .flatten()
            .into_iter()
            .collect();
        let mut folder = VerifierConstraintFolderWithLookups::<'_, Config> {
            inner: VerifierConstraintFolder {
                main: pair(main, &main_next),
                preprocessed,
                preprocessed_window: RowWindow::from_two_rows(pre, &pre_next),
                periodic_values: &periodic,
                public_values: if airs.public_kind() == Some(kind) {
                    public_values
                } else {
                    &[]
                },
                is_first_row: selectors.is_first_row,
                is_last_row: selectors.is_last_row,
                is_transition: selectors.is_transition,
                alpha,
                accumulator: folded,
            },
            permutation: pair(&local, &next),
            permutation_challenges: &challenges[index],
            permutation_values: &terminal,
        };
        LogUpGadget::new().eval_air_and_lookups(
            &airs.kinds()[kind].table,
            &mut folder,
            &info.lookups,
        );
        folded = folder.inner.accumulator;
    }
    let [chunks, _] = claims_of(layout, proof, TreeKind::Quotient, 0);
    let power: Ext = zeta.exp_power_of_2(layout.log_height);
    let quotient = fold::evaluate(&recombine(chunks), power);
    if folded == quotient * vanishing {
        Ok(())
    } else {
        Err(Rejection::Constraints)
    }
}

/// Values of polynomials over the extension from those of their coordinates.
fn recombine(coordinates: &[Ext]) -> Vec<Ext> {
    let basis: [Ext; EXT_DEGREE] = core::array::from_fn(|i| {
        Ext::from_basis_coefficients_fn(|j| if i == j { Felt::ONE } else { Felt::ZERO })
    });
    coordinates
        .chunks_exact(EXT_DEGREE)
        .map(|c| c.iter().zip(basis).map(|(&c, b)| c * b).sum())
        .collect()
}

/// The values of a table's periodic columns.
fn periodic_values<T: Table>(table: &T, log_height: usize, point: Ext) -> Vec<Ext> {
    let columns = table.periodic_columns();
    columns
        .iter()
        .map(|column| {
            // Of as many rows as its period, lifted to the table's.
            let log_period = column.len().ilog2() as usize;
            let domain = TwoAdicMultiplicativeCoset::new(Felt::ONE, log_period)
                .expect("periods are checked");
            let y = point.exp_power_of_2(log_height - log_period);
            domain.evaluate_polynomial_at(column, y)
        })
        .collect()
}

/// Takes in the layers of the low-degree test.
fn folds(
    layout: &Layout,
    profile: &Profile,
    proof: &LiftedProof,
    transcript: &mut Transcript,
) -> Vec<Fold> {
    let mut log_leaves = layout.log_domain(profile);
    proof
        .layers
        .iter()
        .map(|&root| {
            log_leaves -= LOG_ARITY;
            transcript.absorb(root);
            Fold {
                root,
                beta: transcript.challenge(),
                log_leaves,
            }
        })
        .collect()
}

/// Whether leaves are those of a tree at indices that are distinct and ascend.
fn check_leaves(
    root: Word,
    log_leaves: usize,
    indices: &[usize],
    leaves: Vec<Vec<Felt>>,
    siblings: &[Word],
) -> bool {
    let width = leaves.first().map_or(0, Vec::len);
    let dimensions = [Dimensions {
        width,
        height: 1 << log_leaves,
    }];
    let rows: Vec<[Vec<Felt>; 1]> = leaves.into_iter().map(|leaf| [leaf]).collect();
    let rows: Vec<Vec<Vec<Felt>>> = rows.into_iter().map(Vec::from).collect();
    holds::<Rpo, _>(&[root], 0, &dimensions, indices, &rows, siblings)
}

/// The batched polynomial at the distinct indices of the queries, ascending, from rows of all trees.
fn batched(
    layout: &Layout,
    profile: &Profile,
    proof: &LiftedProof,
    rows: &[Opened<'_, Vec<Felt>>],
    (batching, weights): (Ext, &[Ext]),
    zeta: Ext,
    indices: &[usize],
) -> Result<Vec<Ext>, Rejection> {
    let log_domain = layout.log_domain(profile);
    let distinct = super::distinct(indices, log_domain);
    let mut constants = [Ext::ZERO; 2];
    let mut sums = vec![[Ext::ZERO; 2]; distinct.len()];
    let mut openings = weights.iter().zip(&proof.claims);
    for (tree, rows) in layout.trees.iter().zip(rows) {
        let scales: Vec<Ext> = openings
            .by_ref()
            .take(tree.points().len())
            .enumerate()
            .map(|(point, (&weight, claims))| {
                constants[point] += weight * super::ladder(tree, claims, batching);
                weight
            })
            .collect();
        let mask = (1 << (tree.log_height + profile.log_blowup)) - 1;
        for (sums, index) in sums.iter_mut().zip(&distinct) {
            let row: &Vec<Felt> = at(rows, index & mask);
            let value = super::ladder(tree, row, batching);
            for (sum, &scale) in sums.iter_mut().zip(&scales) {
                *sum += value * scale;
            }
        }
    }
    let next = zeta * Felt::two_adic_generator(layout.log_height);
    let values = distinct.iter().zip(sums).map(|(&index, sums)| {
        let x = domain::point(layout.log_height, log_domain, index);
        let at = |point: usize, z: Ext| -> Result<Ext, Rejection> {
            let inverse = (-(z - x)).try_inverse().ok_or(Rejection::Point)?;
            Ok((sums[point] - constants[point]) * inverse)
        };
        Ok(at(0, zeta)? + at(1, next)?)
    });
    values.collect()
}

/// Leaves with their indices, ascending.
type Opened<'a, L> = Vec<(usize, &'a L)>;

/// The leaf at an index that some query has.
fn at<'a, L>(opened: &Opened<'a, L>, index: usize) -> &'a L {
    let position = opened.partition_point(|&(other, _)| other < index);
    opened[position].1
}

/// The rows of a tree that a proof opens, checked against its root.
fn open_rows<'a>(
    tree: &TreeLayout,
    profile: &Profile,
    preprocessed: Word,
    proof: &LiftedProof,
    opening: &'a Opening<Vec<Felt>>,
    indices: &[usize],
) -> Result<Opened<'a, Vec<Felt>>, Rejection> {
    let log_leaves = tree.log_height + profile.log_blowup;
    let distinct = super::distinct(indices, log_leaves);
    equal("opened rows", distinct.len(), opening.leaves.len())?;
    for row in &opening.leaves {
        equal("width of an opened row", tree.width(), row.len())?;
    }
    let (root, name) = match tree.kind {
        TreeKind::Main => (proof.main, "main columns"),
        TreeKind::Bus => (proof.bus.unwrap_or_default(), "bus columns"),
        TreeKind::Quotient => (proof.quotient, "the quotient"),
        TreeKind::Preprocessed => (preprocessed, "preprocessed columns"),
    };
    let rows = opening.leaves.iter();
    let leaves = rows.map(|row| tree.pad(row, Felt::ZERO)).collect();
    if check_leaves(root, log_leaves, &distinct, leaves, &opening.siblings) {
        Ok(distinct.into_iter().zip(&opening.leaves).collect())
    } else {
        Err(Rejection::Rows(name))
    }
}

/// The leaves of a layer that a proof opens, checked against its root.
fn open_layer<'a>(
    round: usize,
    fold: &Fold,
    opening: &'a Opening<Coefficients>,
    indices: &[usize],
) -> Result<Opened<'a, Coefficients>, Rejection> {
    let distinct = super::distinct(indices, fold.log_leaves);
    let (expected, got) = (distinct.len(), opening.leaves.len());
    equal("opened leaves of a fold", expected, got)?;
    let leaves = opening.leaves.iter().map(|leaf| fold::leaf(leaf).to_vec());
    let (leaves, siblings) = (leaves.collect(), &opening.siblings);
    if check_leaves(fold.root, fold.log_leaves, &distinct, leaves, siblings) {
        Ok(distinct.into_iter().zip(&opening.leaves).collect())
    } else {
        Err(Rejection::Layer(round))
    }
}

/// What a proof opens: rows of all trees, leaves of all layers.
type AllOpened<'a> = (Vec<Opened<'a, Vec<Felt>>>, Vec<Opened<'a, Coefficients>>);

/// All openings. Most of a verifier's time goes here, and commitments do not depend on each other; the first one in their order that does not hold is named.
fn open_all<'a>(
    layout: &Layout,
    profile: &Profile,
    preprocessed: Word,
    proof: &'a LiftedProof,
    folds: &[Fold],
    indices: &[usize],
) -> Result<AllOpened<'a>, Rejection> {
    let (rows, layers): (Vec<_>, Vec<_>) = join(
        || {
            let trees = layout.trees.par_iter().zip(&proof.rows);
            trees
                .map(|(tree, opening)| {
                    open_rows(tree, profile, preprocessed, proof, opening, indices)
                })
                .collect()
        },
        || {
            let layers = folds.par_iter().zip(&proof.folds).enumerate();
            layers
                .map(|(round, (fold, opening))| open_layer(round, fold, opening, indices))
                .collect()
        },
    );
    let rows: Result<_, _> = rows.into_iter().collect();
    let layers: Result<_, _> = layers.into_iter().collect();
    Ok((rows?, layers?))
}

/// The foldings, from the values at the distinct indices of the queries.
fn low_degree(
    layout: &Layout,
    profile: &Profile,
    proof: &LiftedProof,
    (folds, opened): (&[Fold], &[Opened<'_, Coefficients>]),
    indices: &[usize],
    values: Vec<Ext>,
) -> Result<(), Rejection> {
    let log_domain = layout.log_domain(profile);
    // Index, point and value.
    let mut layer: Vec<(usize, Felt, Ext)> = super::distinct(indices, log_domain)
        .into_iter()
        .zip(values)
        .map(|(index, value)| {
            let x = domain::point(layout.log_height, log_domain, index);
            (index, x, value)
        })
        .collect();
    for (round, (fold, opened)) in folds.iter().zip(opened).enumerate() {
        let mask = (1 << fold.log_leaves) - 1;
        for (index, x, value) in &mut layer {
            *index &= mask;
            let leaf = at(opened, *index);
            if fold::evaluate(leaf, *x) != *value {
                return Err(Rejection::Folding(round));
            }
            *x = x.exp_power_of_2(LOG_ARITY);
            *value = fold::evaluate(leaf, fold.beta);
        }
        // Queries that have met go on as one.
        layer.sort_unstable_by_key(|&(index, _, _)| index);
        layer.dedup_by_key(|&mut (index, _, _)| index);
    }
    let matches = |&(_, x, value): &(usize, Felt, Ext)| fold::evaluate(&proof.last, x) == value;
    if layer.iter().all(matches) {
        Ok(())
    } else {
        Err(Rejection::Last)
    }
}
