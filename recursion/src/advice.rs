//! A proof as the advice of the program that verifies it.

use p3_field::PrimeCharacteristicRing;
use plica_field::{Ext, Felt, Word};
use plica_fri::lifted::{
    Description, Layout, LiftedProof, MAX_LOG_FINAL, Machine, Occurrence, Opening, TreeKind,
    TreeLayout, fill_up, leaf,
};
use plica_fri::{Instance, InstanceList, PinnedTable};
use plica_hash_rpo::hash_elements;
use plica_vm::inputs::{Inputs, MerkleTree};

/// Coordinates of an element.
fn coordinates(value: &Ext) -> [Felt; 3] {
    let c = <Ext as p3_field::BasedVectorSpace<Felt>>::as_basis_coefficients_slice(value);
    [c[0], c[1], c[2]]
}

/// Adds what the verifier of a proof asks its host for. `indices` are those of the queries, `preprocessed` is the key's commitment.
pub(crate) fn add(
    inputs: &mut Inputs,
    d: &Description,
    preprocessed: Word,
    public_values: &[Felt],
    proof: &LiftedProof,
    indices: &[usize],
) {
    let stack = &mut inputs.advice_stack;
    if d.layout.tree(TreeKind::Preprocessed).is_some() {
        stack.extend(preprocessed);
    }
    stack.extend(public_values);
    stack.extend(proof.main);
    stack.extend(proof.bus.iter().flatten());
    stack.extend(proof.terminals.iter().flat_map(coordinates));
    stack.extend(proof.quotient);
    for table in 0..d.tables.len() {
        add_claims_of(inputs, &d.layout, table, proof);
    }
    add_quotient_claims(inputs, &d.layout, proof);
    let stack = &mut inputs.advice_stack;
    stack.extend(proof.layers.iter().flatten());
    stack.extend(proof.last.iter().flat_map(coordinates));
    stack.push(proof.work);

    add_openings(inputs, &d.layout, d.log_blowup, proof, indices);
}

/// The same for the verifier of all proofs of a machine. `listed` are the tables that the key lists, in the order of the machine's: a table that
/// it does not list is none.
pub(crate) fn add_universal(
    inputs: &mut Inputs,
    m: &Machine,
    layout: &Layout,
    (instances, listed): (&InstanceList, &[PinnedTable]),
    preprocessed: Word,
    public_values: &[Felt],
    proof: &LiftedProof,
    indices: &[usize],
) {
    let number = |value: usize| Felt::from_usize(value);
    let tables = instances.tables();
    let stack = &mut inputs.advice_stack;
    stack.extend(public_values);
    for kind in &m.kinds {
        let table = listed.iter().find(|table| table.kind == kind.kind);
        let log_height = table.map_or(0, |table| usize::from(table.log_height));
        match kind.occurrence {
            Occurrence::Any => {}
            Occurrence::Once => stack.push(number(log_height)),
            Occurrence::Listed => {
                stack.extend([number(usize::from(table.is_some())), number(log_height)]);
            }
        }
    }
    stack.extend(preprocessed);
    stack.push(number(tables.len()));
    for table in tables {
        stack.extend([table.kind.into(), table.log_height.into()].map(number));
    }
    stack.extend(proof.main);
    stack.extend(proof.bus.iter().flatten());
    stack.extend(proof.terminals.iter().flat_map(coordinates));
    stack.extend(proof.quotient);
    let log_height = |table: &Instance| usize::from(table.log_height);
    stack.push(number(tables.iter().map(log_height).max().unwrap_or(0)));
    for kind in &m.kinds {
        let own = tables.iter().enumerate();
        for (index, _) in own.filter(|(_, table)| table.kind == kind.kind) {
            if kind.occurrence == Occurrence::Any {
                inputs.advice_stack.push(Felt::ONE);
            }
            add_claims_of(inputs, layout, index, proof);
        }
        if kind.occurrence == Occurrence::Any {
            inputs.advice_stack.push(Felt::ZERO);
        }
    }
    add_quotient_claims(inputs, layout, proof);
    let mut order: Vec<usize> = (0..tables.len()).collect();
    order.sort_by_key(|&table| (tables[table].log_height, table));
    let stack = &mut inputs.advice_stack;
    stack.extend(order.into_iter().map(number));
    stack.push(number(proof.layers.len()));
    stack.extend(proof.layers.iter().flatten());
    let mut last: Vec<Felt> = proof.last.iter().flat_map(coordinates).collect();
    last.resize(3 << MAX_LOG_FINAL, Felt::ZERO);
    stack.extend(last);
    stack.push(proof.work);
    add_openings(inputs, layout, m.log_blowup, proof, indices);
}

/// The claims for some columns, coordinate by coordinate, and the messages under their digests.
fn add_claims(inputs: &mut Inputs, claims: &[Ext]) {
    for coordinate in 0..3 {
        let values: Vec<Felt> = claims.iter().map(|c| coordinates(c)[coordinate]).collect();
        let message = fill_up(&values, Felt::default());
        inputs.advice_stack.extend(values);
        inputs.advice_map.insert(hash_elements(&message), message);
    }
}

fn is_quotient(tree: &TreeLayout) -> bool {
    tree.kind == TreeKind::Quotient
}

fn add_claims_of(inputs: &mut Inputs, layout: &Layout, table: usize, proof: &LiftedProof) {
    for ((tree, _), claims) in layout.openings().zip(&proof.claims) {
        if let Some(range) = tree.range_of(table).filter(|_| !is_quotient(tree)) {
            // A proof that was changed may have other lengths than it should.
            add_claims(inputs, claims.get(range).unwrap_or_default());
        }
    }
}

fn add_quotient_claims(inputs: &mut Inputs, layout: &Layout, proof: &LiftedProof) {
    for ((tree, _), claims) in layout.openings().zip(&proof.claims) {
        if is_quotient(tree) {
            add_claims(inputs, claims);
        }
    }
}

/// All that is opened at these indices.
fn add_openings(
    inputs: &mut Inputs,
    layout: &Layout,
    log_blowup: usize,
    proof: &LiftedProof,
    indices: &[usize],
) {
    for (tree, opening) in layout.trees.iter().zip(&proof.rows) {
        let log_leaves = tree.log_height + log_blowup;
        let rows = opening.leaves.iter();
        let leaves = rows.map(|row| tree.pad(row, Felt::default())).collect();
        add_leaves(inputs, log_leaves, indices, leaves, opening);
    }
    let mut log_leaves = layout.log_height + log_blowup;
    for opening in &proof.folds {
        log_leaves -= plica_fri::lifted::LOG_ARITY;
        let leaves = opening.leaves.iter().map(|l| leaf(l).to_vec()).collect();
        add_leaves(inputs, log_leaves, indices, leaves, opening);
    }
}

/// The opened leaves of a tree and the nodes beside the ways to them.
fn add_leaves<L>(
    inputs: &mut Inputs,
    log_leaves: usize,
    indices: &[usize],
    leaves: Vec<Vec<Felt>>,
    opening: &Opening<L>,
) {
    let mask = (1 << log_leaves) - 1;
    let mut known: Vec<usize> = indices.iter().map(|index| index & mask).collect();
    known.sort_unstable();
    known.dedup();
    let mut nodes = Vec::new();
    for (&index, message) in known.iter().zip(leaves) {
        let digest = hash_elements(&message);
        nodes.push((log_leaves as u8, index as u64, digest));
        inputs.advice_map.insert(digest, message);
    }
    // Siblings come level by level from the leaves, by index; there is one where only one of two children is known.
    let mut siblings = opening.siblings.iter();
    for depth in (1..=log_leaves).rev() {
        for &index in &known {
            if known.binary_search(&(index ^ 1)).is_err()
                && let Some(&sibling) = siblings.next()
            {
                nodes.push((depth as u8, (index ^ 1) as u64, sibling));
            }
        }
        known.iter_mut().for_each(|index| *index /= 2);
        known.dedup();
    }
    inputs.merkle_store.push(MerkleTree::Partial(nodes));
}
