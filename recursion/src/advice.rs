//! A proof as the advice of the program that verifies it.

use plica_field::{Ext, Felt, Word};
use plica_fri::lifted::{
    Coefficients, Description, Layout, LiftedProof, Opening, TreeKind, TreeLayout, fill_up, leaf,
};
use plica_hash_rpo::hash_elements;
use plica_vm::inputs::{Inputs, MerkleTree};

/// Coordinates of an element.
pub(crate) fn coordinates(value: &Ext) -> [Felt; 3] {
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

pub(crate) fn add_claims_of(
    inputs: &mut Inputs,
    layout: &Layout,
    table: usize,
    proof: &LiftedProof,
) {
    for ((tree, _), claims) in layout.openings().zip(&proof.claims) {
        if let Some(range) = tree.range_of(table).filter(|_| !is_quotient(tree)) {
            // A proof that was changed may have other lengths than it should.
            add_claims(inputs, claims.get(range).unwrap_or_default());
        }
    }
}

pub(crate) fn add_quotient_claims(inputs: &mut Inputs, layout: &Layout, proof: &LiftedProof) {
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
    let path = |log_leaves: usize| Path {
        log_leaves,
        levels: 0,
    };
    for (tree, opening) in layout.trees.iter().zip(&proof.rows) {
        let log_leaves = tree.log_height + log_blowup;
        let leaves = leaves_of(tree, opening);
        add_leaves(inputs, path(log_leaves), indices, leaves, opening);
    }
    let mut log_leaves = layout.log_height + log_blowup;
    for opening in &proof.folds {
        log_leaves -= plica_fri::lifted::LOG_ARITY;
        let leaves = leaves_of_layer(opening);
        add_leaves(inputs, path(log_leaves), indices, leaves, opening);
    }
}

pub(crate) fn leaves_of(tree: &TreeLayout, opening: &Opening<Vec<Felt>>) -> Vec<Vec<Felt>> {
    let rows = opening.leaves.iter();
    rows.map(|row| tree.pad(row, Felt::default())).collect()
}

pub(crate) fn leaves_of_layer(opening: &Opening<Coefficients>) -> Vec<Vec<Felt>> {
    opening.leaves.iter().map(|l| leaf(l).to_vec()).collect()
}

/// Where the leaves of a tree are.
#[derive(Clone, Copy)]
pub(crate) struct Path {
    pub(crate) log_leaves: usize,
    /// Levels above the root: it is the first of two children, the other of which is the zero word, and so on.
    pub(crate) levels: usize,
}

/// The opened leaves of a tree and the nodes beside the ways to them.
pub(crate) fn add_leaves<L>(
    inputs: &mut Inputs,
    Path { log_leaves, levels }: Path,
    indices: &[usize],
    leaves: Vec<Vec<Felt>>,
    opening: &Opening<L>,
) {
    let mask = (1 << log_leaves) - 1;
    let mut known: Vec<usize> = indices.iter().map(|index| index & mask).collect();
    known.sort_unstable();
    known.dedup();
    let mut nodes = Vec::new();
    let node = |depth: usize, index: usize, word: Word| (depth as u8, index as u64, word);
    for (&index, message) in known.iter().zip(leaves) {
        let digest = hash_elements(&message);
        nodes.push(node(levels + log_leaves, index, digest));
        inputs.advice_map.insert(digest, message);
    }
    // Siblings come level by level from the leaves, by index; there is one where only one of two children is known.
    let mut siblings = opening.siblings.iter();
    for depth in (1..=log_leaves).rev() {
        for &index in &known {
            if known.binary_search(&(index ^ 1)).is_err()
                && let Some(&sibling) = siblings.next()
            {
                nodes.push(node(levels + depth, index ^ 1, sibling));
            }
        }
        known.iter_mut().for_each(|index| *index /= 2);
        known.dedup();
    }
    nodes.extend((1..=levels).map(|depth| node(depth, 1, Word::default())));
    inputs.merkle_store.push(MerkleTree::Partial(nodes));
}
