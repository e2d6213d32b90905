//! A proof as the advice of the procedure, with what the host says about it.

use p3_field::{Field, PrimeCharacteristicRing, PrimeField64, TwoAdicField};
use plica_field::Felt;
use plica_field::Word;
use plica_fri::lifted::{
    Draws, LOG_ARITY, Layout, LiftedProof, MAX_LOG_FINAL, Machine, Occurrence, TreeKind,
};
use plica_fri::{Instance, InstanceList, PinnedTable};
use plica_vm::inputs::Inputs;

use super::layers::{LEAST, LENGTHS, rounds};
use crate::advice::{Path, add_claims_of, add_leaves, add_quotient_claims, coordinates, leaves_of};

fn number(value: usize) -> Felt {
    Felt::from_usize(value)
}

/// The proof of a list of tables under a key of which these are the tables and the commitment.
pub(crate) struct Given<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) instances: &'a InstanceList,
    pub(crate) listed: &'a [PinnedTable],
    pub(crate) preprocessed: Word,
    pub(crate) public_values: &'a [Felt],
    pub(crate) proof: &'a LiftedProof,
    pub(crate) draws: &'a Draws,
}

/// Adds what the procedure asks its host for, in its order.
pub(crate) fn add(inputs: &mut Inputs, m: &Machine, given: &Given<'_>) {
    let &Given {
        layout,
        instances,
        proof,
        ..
    } = given;
    let tables = instances.tables();
    let stack = &mut inputs.advice_stack;
    stack.extend(given.public_values);
    let key_height = add_key(stack, m, given);
    stack.push(number(tables.len()));
    for table in tables {
        stack.extend([table.kind.into(), table.log_height.into()].map(number));
    }
    stack.extend(proof.main);
    stack.extend(proof.bus.iter().flatten());
    stack.extend(proof.terminals.iter().flat_map(coordinates));
    stack.extend(proof.quotient);
    let step = Felt::two_adic_generator(layout.log_height);
    stack.extend([
        number(layout.log_height),
        number(key_height),
        step.inverse(),
    ]);
    let any = m.kinds.iter().filter(|k| k.occurrence == Occurrence::Any);
    let of_kind = |kind: u16| tables.iter().filter(move |table| table.kind == kind);
    stack.extend(any.map(|kind| number(of_kind(kind.kind).count())));
    for kind in &m.kinds {
        let own = tables.iter().enumerate();
        for (index, _) in own.filter(|(_, table)| table.kind == kind.kind) {
            add_claims_of(inputs, layout, index, proof);
        }
    }
    add_quotient_claims(inputs, layout, proof);
    let stack = &mut inputs.advice_stack;
    add_order(stack, m, tables);
    stack.push(number(proof.layers.len()));
    stack.extend(proof.layers.iter().flatten());
    let mut last: Vec<Felt> = proof.last.iter().flat_map(coordinates).collect();
    last.resize(3 << MAX_LOG_FINAL, Felt::ZERO);
    stack.extend(last);
    let lengths = LEAST..LEAST + LENGTHS;
    stack.extend(lengths.map(|log| Felt::from_bool(log == layout.log_final)));
    stack.push(proof.work);
    let [lo, hi] = halves(given.draws.work);
    stack.push(number(lo >> m.work_bits));
    stack.extend(beside(hi));
    stack.extend(rounds(m).map(|rounds| Felt::from_bool(rounds == layout.rounds())));
    for &drawn in given.draws.queries.iter().rev() {
        add_query(stack, m, layout, key_height, drawn);
    }
    add_openings(inputs, m, given, key_height);
}

/// What the key lists; gives the height of the highest of its tables.
fn add_key(stack: &mut Vec<Felt>, m: &Machine, given: &Given<'_>) -> usize {
    let mut highest = 0;
    for kind in &m.kinds {
        let table = given.listed.iter().find(|table| table.kind == kind.kind);
        let log_height = table.map_or(0, |table| usize::from(table.log_height));
        match kind.occurrence {
            Occurrence::Any => continue,
            Occurrence::Once => {}
            Occurrence::Listed => stack.push(Felt::from_bool(table.is_some())),
        }
        stack.push(number(log_height));
        highest = highest.max(log_height);
    }
    stack.extend(given.preprocessed);
    highest
}

/// The order of columns in leaves, and where the height changes.
fn add_order(stack: &mut Vec<Felt>, m: &Machine, tables: &[Instance]) {
    let mut order: Vec<usize> = (0..tables.len()).collect();
    order.sort_by_key(|&table| (tables[table].log_height, table));
    let (mut before, mut before_of_key) = (Felt::ZERO, Felt::ZERO);
    let is_nonzero = |d: Felt| [Felt::from_bool(d != Felt::ZERO), inverse(d)];
    for position in order {
        let table = tables[position];
        let height = number(table.log_height.into());
        stack.push(number(tables.len() - position));
        stack.extend(is_nonzero(height - before));
        before = height;
        let kind = m.kinds.iter().find(|kind| kind.kind == table.kind);
        if kind.is_some_and(|kind| kind.preprocessed > 0) {
            stack.extend(is_nonzero(height - before_of_key));
            before_of_key = height;
        }
    }
}

/// The inverse, or 0 for 0.
fn inverse(value: Felt) -> Felt {
    value.try_inverse().unwrap_or_default()
}

fn halves(element: Felt) -> [usize; 2] {
    let value = element.as_canonical_u64();
    [value & u64::from(u32::MAX), value >> 32].map(|half| half as usize)
}

/// The upper half of an element, and what shows that the lower one is right.
fn beside(hi: usize) -> [Felt; 2] {
    let below = number(u32::MAX as usize) - number(hi);
    [number(hi), inverse(below)]
}

fn add_query(stack: &mut Vec<Felt>, m: &Machine, layout: &Layout, key_height: usize, drawn: Felt) {
    let log_domain = layout.log_height + m.log_blowup;
    let [lo, hi] = halves(drawn);
    let mut index = lo & ((1 << log_domain) - 1);
    stack.extend([number(index), number(lo >> log_domain)]);
    stack.extend(beside(hi));
    stack.push(number(index >> (key_height + m.log_blowup)));
    for round in 1..=layout.rounds() {
        let log_leaves = log_domain - round * LOG_ARITY;
        stack.push(number(index >> log_leaves));
        index &= (1 << log_leaves) - 1;
    }
}

/// All that is opened.
fn add_openings(inputs: &mut Inputs, m: &Machine, given: &Given<'_>, key_height: usize) {
    let &Given { layout, proof, .. } = given;
    let log_domain = layout.log_height + m.log_blowup;
    let indices: Vec<usize> = given
        .draws
        .queries
        .iter()
        .map(|&drawn| halves(drawn)[0] & ((1 << log_domain) - 1))
        .collect();
    // All trees are put under roots of one depth.
    let missing = MAX_LOG_FINAL - layout.log_final;
    let path = |log_leaves: usize, levels: usize| Path { log_leaves, levels };
    for (tree, opening) in layout.trees.iter().zip(&proof.rows) {
        let log_leaves = tree.log_height + m.log_blowup;
        let levels = match tree.kind {
            TreeKind::Preprocessed => layout.log_height - key_height + missing,
            _ => missing,
        };
        let leaves = leaves_of(tree, opening);
        add_leaves(inputs, path(log_leaves, levels), &indices, leaves, opening);
    }
    let mut log_leaves = log_domain;
    for opening in &proof.folds {
        log_leaves -= LOG_ARITY;
        let leaves = crate::advice::leaves_of_layer(opening);
        add_leaves(inputs, path(log_leaves, missing), &indices, leaves, opening);
    }
}
