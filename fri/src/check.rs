//! Checks filled tables without proving them: which constraint fails where, and which bus does not balance.
//!
//! For tests and debugging. A forged trace that passes here would also be proved and accepted: the same constraints and
//! interactions are evaluated, on every row, and buses must balance exactly.

use std::collections::HashMap;
use std::fmt;

use p3_air::DebugConstraintBuilder;
use p3_field::{Field, PrimeCharacteristicRing};
use p3_lookup::traits::LookupTraceBuilder;
use p3_matrix::Matrix as _;
use p3_matrix::dense::RowMajorMatrixView;
use p3_matrix::stack::VerticalPair;
use thiserror::Error;

use crate::airs::{AirSet, Table};
use crate::prove::Trace;
use crate::types::{Ext, Felt, Matrix};

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Name of the kind.
    pub table: &'static str,
    /// Position among the traces that were checked.
    pub trace: usize,
    /// Row, from 0.
    pub row: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "row {} of `{}` (trace {})",
            self.row, self.table, self.trace
        )
    }
}

/// What is wrong with filled tables.
#[derive(Debug, Error)]
pub enum CheckError {
    /// The shapes do not fit the machine.
    #[error("trace {0} does not fit the machine")]
    Shape(usize),
    /// Constraints do not hold.
    #[error("{place}: constraints {constraints:?} do not hold")]
    Constraints {
        /// The first row where any fails.
        place: Place,
        /// The failing ones, numbered in the order in which the AIR asserts them.
        constraints: Vec<usize>,
    },
    /// A tuple is sent and received unequally often.
    #[error("bus `{bus}` does not balance: {tuple:?} is left with multiplicity {net}, last on {}", places.last().map_or(String::new(), Place::to_string))]
    Bus {
        /// Name of the bus; empty for interactions local to a table.
        bus: String,
        /// The tuple.
        tuple: Vec<Felt>,
        /// Sum of its multiplicities.
        net: Felt,
        /// Where it occurs, at most ten.
        places: Vec<Place>,
    },
}

/// Checks every constraint on every row, and every bus.
///
/// `preprocessed` are the preprocessed traces, one entry per pinned or optional kind, in the machine's order, as for [`crate::setup`].
///
/// # Errors
/// [`CheckError`] for the first thing that is wrong; among buses, for the unbalanced tuple that occurs first.
pub fn check<T: Table>(
    airs: &AirSet<T>,
    preprocessed: &[Option<Matrix>],
    traces: &[Trace],
    public_values: &[Felt],
) -> Result<(), CheckError> {
    let kinds: Vec<_> = airs.preprocessed().collect();
    let mut tuples: HashMap<(String, Vec<Felt>), usize> = HashMap::new();
    let mut sums: Vec<(Felt, Vec<Place>)> = Vec::new();
    for (position, trace) in traces.iter().enumerate() {
        let kind = airs
            .kinds()
            .get(trace.kind)
            .ok_or(CheckError::Shape(position))?;
        let info = airs.info(trace.kind);
        let main = &trace.matrix;
        let height = main.height();
        let pre = match kinds.iter().position(|&k| k == trace.kind) {
            Some(at) => Some(
                preprocessed
                    .get(at)
                    .and_then(Option::as_ref)
                    .filter(|m| m.height() == height)
                    .ok_or(CheckError::Shape(position))?,
            ),
            None => None,
        };
        if main.width() != info.width || !height.is_power_of_two() || height < info.max_period {
            return Err(CheckError::Shape(position));
        }
        let public = if airs.public_kind() == Some(trace.kind) {
            public_values
        } else {
            &[]
        };
        if public.len() != info.num_public_values {
            return Err(CheckError::Shape(position));
        }

        for row in 0..height {
            let next = (row + 1) % height;
            let pair = |matrix: &'_ Matrix| -> (Vec<Felt>, Vec<Felt>) {
                let values =
                    |r: usize| matrix.values[r * matrix.width..(r + 1) * matrix.width].to_vec();
                (values(row), values(next))
            };
            let (local, following) = pair(main);
            let (pre_local, pre_following) = pre.map(pair).unwrap_or_default();
            let window = || {
                VerticalPair::new(
                    RowMajorMatrixView::new_row(&local),
                    RowMajorMatrixView::new_row(&following),
                )
            };
            let pre_window = || {
                VerticalPair::new(
                    RowMajorMatrixView::new(&pre_local, pre_local.len()),
                    RowMajorMatrixView::new(&pre_following, pre_following.len()),
                )
            };
            let place = || Place {
                table: kind.name,
                trace: position,
                row,
            };
            let flag = Felt::from_bool;
            let periodic = kind.table.periodic_values(row);
            let empty: &[Ext] = &[];
            let no_bus = VerticalPair::new(
                RowMajorMatrixView::new(empty, 0),
                RowMajorMatrixView::new(empty, 0),
            );
            let mut builder: DebugConstraintBuilder<'_, Felt, Ext> =
                DebugConstraintBuilder::new_with_permutation(
                    row,
                    window(),
                    pre_window(),
                    public,
                    flag(row == 0),
                    flag(row + 1 == height),
                    flag(row + 1 < height),
                    no_bus,
                    &[],
                    &[],
                    &periodic,
                );
            kind.table.eval(&mut builder);
            let failures = builder.into_failures();
            if !failures.is_empty() {
                let constraints = failures.iter().map(|failure| failure.constraint).collect();
                return Err(CheckError::Constraints {
                    place: place(),
                    constraints,
                });
            }

            let values = LookupTraceBuilder::<Felt, Ext>::new(
                window(),
                pre_window(),
                public,
                &[],
                height,
                row,
            );
            for lookup in info.lookups.iter() {
                for (i, (tuple, count)) in lookup
                    .elements
                    .iter()
                    .zip(&lookup.multiplicities)
                    .enumerate()
                {
                    let mut count = count.resolve(&values);
                    if let Some(flags) = &lookup.flags {
                        count *= flags[i].resolve(&values);
                    }
                    if count.is_zero() {
                        continue;
                    }
                    let bus = match &lookup.kind {
                        p3_lookup::Kind::Global(bus) => bus.clone(),
                        // Local interactions balance within their own table and column.
                        p3_lookup::Kind::Local => format!("\0{position} {}", lookup.column),
                    };
                    let tuple = tuple.iter().map(|field| field.resolve(&values)).collect();
                    let index = *tuples.entry((bus, tuple)).or_insert_with(|| {
                        sums.push((Felt::ZERO, Vec::new()));
                        sums.len() - 1
                    });
                    sums[index].0 += count;
                    if sums[index].1.len() < 10 {
                        sums[index].1.push(place());
                    }
                }
            }
        }
    }
    let first = tuples
        .into_iter()
        .filter(|(_, index)| !sums[*index].0.is_zero())
        .min_by_key(|(_, index)| *index);
    match first {
        None => Ok(()),
        Some(((bus, tuple), index)) => {
            let (net, places) = sums.swap_remove(index);
            let bus = if bus.starts_with('\0') {
                String::new()
            } else {
                bus
            };
            Err(CheckError::Bus {
                bus,
                tuple,
                net,
                places,
            })
        }
    }
}
