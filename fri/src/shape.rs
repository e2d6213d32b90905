//! The lengths that a proof must have, computed from key and tables, and checked before anything else is done with it.
//!
//! p3's verifier checks nearly all of this itself and returns typed errors. This is the belt: it also pins the number of
//! digests of every commitment (which p3 0.8 accepts when too long) and the hash of every digest, and it bounds authentication
//! paths before they are walked.

use p3_fri::fold_schedule;
use thiserror::Error;

use crate::airs::{AirSet, Table};
use crate::hash::{Cap, HashKind, Paths};
use crate::instances::InstanceList;
use crate::profile::Profile;
use crate::types::{BatchProof, EXT_DEGREE};

/// A part of a proof has another length than the key and the tables prescribe.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{part}: {got}, expected {expected}")]
pub struct ShapeError {
    /// Which part.
    pub part: &'static str,
    /// Its prescribed length.
    pub expected: usize,
    /// Its length.
    pub got: usize,
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

fn at_most(part: &'static str, expected: usize, got: usize) -> Result<(), ShapeError> {
    if got <= expected {
        Ok(())
    } else {
        Err(ShapeError {
            part,
            expected,
            got,
        })
    }
}

struct Checker<'a> {
    profile: &'a Profile,
    queries: usize,
}

impl Checker<'_> {
    const fn hash(&self) -> HashKind {
        self.profile.hash
    }

    /// A commitment to a tree with 2^`log_leaves` leaves.
    fn cap(&self, part: &'static str, cap: &Cap, log_leaves: usize) -> Result<(), ShapeError> {
        equal(
            "hash of a commitment",
            1,
            usize::from(cap.is_of(self.hash())),
        )?;
        equal(
            part,
            1 << self.profile.cap_height.min(log_leaves),
            cap.num_roots(),
        )
    }

    /// Paths in a tree with 2^`log_leaves` leaves: at most one sibling per query and level.
    fn paths(&self, paths: &Paths, log_leaves: usize) -> Result<(), ShapeError> {
        equal("hash of a path", 1, usize::from(paths.is_of(self.hash())))?;
        at_most(
            "siblings of a multi-opening",
            self.queries * log_leaves,
            paths.len(),
        )
    }
}

/// Checks every length of a proof for a list of tables that has been checked.
pub(crate) fn check<T: Table>(
    airs: &AirSet<T>,
    profile: &Profile,
    instances: &InstanceList,
    queries: usize,
    proof: &BatchProof,
) -> Result<(), ShapeError> {
    let checker = Checker { profile, queries };
    let tables = instances.tables();
    let count = tables.len();

    // Heights: the list is what the transcript and the security analysis saw.
    equal("heights", count, proof.degree_bits.len())?;
    for (table, &bits) in tables.iter().zip(&proof.degree_bits) {
        equal("height of a table", table.log_height.into(), bits)?;
    }

    // Widths of the matrices under each commitment, and their LDE heights.
    let lde = |log_height: u8| usize::from(log_height) + profile.log_blowup;
    let (mut main, mut quotient, mut preprocessed, mut bus) = (vec![], vec![], vec![], vec![]);
    for table in tables {
        let kind = usize::from(table.kind);
        let info = airs.info(kind);
        let height = lde(table.log_height);
        main.push((info.width, height));
        quotient.extend(vec![
            (EXT_DEGREE, height);
            1 << airs.log_chunks(kind, table.log_height.into())
        ]);
        if info.preprocessed_width > 0 {
            preprocessed.push((info.preprocessed_width, height));
        }
        if !info.lookups.is_empty() {
            bus.push((info.permutation_width(), height));
        }
    }
    let tallest = |matrices: &[(usize, usize)]| matrices.iter().map(|m| m.1).max().unwrap_or(0);

    // Commitments.
    let commitments = &proof.commitments;
    checker.cap("main commitment", &commitments.main, tallest(&main))?;
    checker.cap(
        "quotient commitment",
        &commitments.quotient_chunks,
        tallest(&quotient),
    )?;
    equal(
        "presence of the bus commitment",
        usize::from(!bus.is_empty()),
        usize::from(commitments.permutation.is_some()),
    )?;
    if let Some(cap) = &commitments.permutation {
        checker.cap("bus commitment", cap, tallest(&bus))?;
    }
    equal(
        "presence of a randomizing commitment",
        0,
        usize::from(commitments.random.is_some()),
    )?;
    equal(
        "presence of a bus grinding witness",
        usize::from(!bus.is_empty()),
        usize::from(proof.lookup_pow_witness.is_some()),
    )?;

    // Values at the out-of-domain point.
    equal("opened tables", count, proof.opened_values.instances.len())?;
    equal("bus terminals", count, proof.lookup_terminals.len())?;
    for ((table, opened), terminal) in tables
        .iter()
        .zip(&proof.opened_values.instances)
        .zip(&proof.lookup_terminals)
    {
        let kind = usize::from(table.kind);
        let info = airs.info(kind);
        let base = &opened.base_opened_values;
        equal("opened main columns", info.width, base.trace_local.len())?;
        let next = if info.main_next { info.width } else { 0 };
        equal(
            "presence of a next row",
            usize::from(info.main_next),
            usize::from(base.trace_next.is_some()),
        )?;
        equal(
            "opened main columns, next row",
            next,
            base.trace_next.as_ref().map_or(0, Vec::len),
        )?;
        let has_preprocessed = info.preprocessed_width > 0;
        equal(
            "presence of preprocessed values",
            usize::from(has_preprocessed),
            usize::from(base.preprocessed.is_some()),
        )?;
        if let Some(values) = &base.preprocessed {
            equal(
                "opened preprocessed columns",
                info.preprocessed_width,
                values.local.len(),
            )?;
            let next = if info.preprocessed_next {
                info.preprocessed_width
            } else {
                0
            };
            equal(
                "presence of a next row",
                usize::from(info.preprocessed_next),
                usize::from(values.next.is_some()),
            )?;
            equal(
                "opened preprocessed columns, next row",
                next,
                values.next.as_ref().map_or(0, Vec::len),
            )?;
        }
        equal(
            "quotient chunks",
            1 << airs.log_chunks(kind, table.log_height.into()),
            base.quotient_chunks.len(),
        )?;
        for chunk in &base.quotient_chunks {
            equal("coefficients of a quotient chunk", EXT_DEGREE, chunk.len())?;
        }
        equal("randomizing values", 0, usize::from(base.random.is_some()))?;
        equal(
            "opened bus columns",
            info.permutation_width(),
            opened.permutation_local.len(),
        )?;
        equal(
            "opened bus columns, next row",
            info.permutation_width(),
            opened.permutation_next.len(),
        )?;
        equal(
            "presence of a bus terminal",
            usize::from(!info.lookups.is_empty()),
            usize::from(terminal.is_some()),
        )?;
    }

    // Openings of the committed rows, in p3's order of commitments.
    let fri = &proof.opening_proof;
    let batches: Vec<_> = [main, quotient, preprocessed, bus]
        .into_iter()
        .filter(|batch| !batch.is_empty())
        .collect();
    equal(
        "opened commitments",
        batches.len(),
        fri.input_openings.len(),
    )?;
    for (matrices, opening) in batches.iter().zip(&fri.input_openings) {
        equal("opened queries", queries, opening.opened_values.len())?;
        for rows in &opening.opened_values {
            equal("opened rows of a query", matrices.len(), rows.len())?;
            for ((width, _), row) in matrices.iter().zip(rows) {
                equal("width of an opened row", *width, row.len())?;
            }
        }
        checker.paths(&opening.opening_proof, tallest(matrices))?;
    }

    // Folding.
    let mut heights: Vec<_> = tables.iter().map(|table| lde(table.log_height)).collect();
    heights.sort_unstable_by(|a, b| b.cmp(a));
    heights.dedup();
    let last = profile.log_blowup + Profile::LOG_FINAL_POLY_LEN;
    let schedule = fold_schedule(&heights, last, profile.max_log_arity);
    equal(
        "folding commitments",
        schedule.len(),
        fri.commit_phase_commits.len(),
    )?;
    equal(
        "folding grinding witnesses",
        schedule.len(),
        fri.commit_pow_witnesses.len(),
    )?;
    equal(
        "folding openings",
        schedule.len(),
        fri.commit_phase_openings.len(),
    )?;
    let mut height = heights.first().copied().unwrap_or(last);
    for ((&log_arity, cap), opening) in schedule
        .iter()
        .zip(&fri.commit_phase_commits)
        .zip(&fri.commit_phase_openings)
    {
        height = height.saturating_sub(log_arity);
        checker.cap("folding commitment", cap, height)?;
        equal(
            "opened queries of a fold",
            queries,
            opening.sibling_values.len(),
        )?;
        for siblings in &opening.sibling_values {
            equal("siblings of a fold", (1 << log_arity) - 1, siblings.len())?;
        }
        checker.paths(&opening.opening_proof, height)?;
    }
    equal(
        "final polynomial",
        1 << Profile::LOG_FINAL_POLY_LEN,
        fri.final_poly.len(),
    )
}
