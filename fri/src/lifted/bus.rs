//! Challenges of the bus argument.

use std::collections::HashMap;

use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Kind, Lookup};

use crate::types::{Ext, Felt};

/// The number of the bus of each lookup, from 1, and the width of the widest tuple. Buses are numbered in the order in which the tables
/// name them, as p3-batch-stark does; a local one has a number of its own.
pub(super) fn numbers(lookups: &[&[Lookup<Felt>]]) -> (Vec<Vec<u64>>, usize) {
    let mut named = HashMap::new();
    let mut count = 0;
    let mut width = 1;
    let numbers = lookups
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
    (numbers, width)
}

/// The pair of challenges of each lookup of each table, one after the other. Bus number b adds b·β^W to α, W the width of the widest
/// tuple, so tuples of two buses never look alike.
pub(super) fn challenges(lookups: &[&[Lookup<Felt>]], alpha: Ext, beta: Ext) -> Vec<Vec<Ext>> {
    let (numbers, width) = numbers(lookups);
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
