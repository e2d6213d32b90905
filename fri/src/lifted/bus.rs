//! Challenges of the bus argument.

use std::collections::HashMap;

use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Kind, Lookup};

use crate::types::{Ext, Felt};

/// The pair of challenges of each lookup of each table, one after the other. Buses are numbered in the order in which the tables name
/// them; number b adds (b + 1)·β^W to α, W the width of the widest tuple, so tuples of two buses never look alike. That is the scheme
/// of p3-batch-stark, whose function for it is private.
pub(super) fn challenges(lookups: &[&[Lookup<Felt>]], alpha: Ext, beta: Ext) -> Vec<Vec<Ext>> {
    let mut named = HashMap::new();
    let mut count = 0;
    let mut width = 1;
    let numbers: Vec<Vec<u64>> = lookups
        .iter()
        .map(|lookups| {
            let each = lookups.iter().map(|lookup| {
                let widths = lookup.elements.iter().map(Vec::len);
                width = widths.fold(width, usize::max);
                let mut fresh = || {
                    count += 1;
                    count
                };
                match &lookup.kind {
                    Kind::Global(name) => *named.entry(name.as_str()).or_insert_with(fresh),
                    Kind::Local => fresh(),
                }
            });
            each.collect()
        })
        .collect();
    let step = beta.exp_u64(width as u64);
    numbers
        .into_iter()
        .map(|numbers| {
            numbers
                .into_iter()
                .flat_map(|number| [alpha + step * Felt::from_u64(number), beta])
                .collect()
        })
        .collect()
}
