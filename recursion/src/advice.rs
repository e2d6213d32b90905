//! A proof as the advice of the program that verifies it.

use plica_field::{Ext, Felt, Word};
use plica_fri::lifted::{Description, LiftedProof, Opening, TreeKind, TreeLayout, fill_up, leaf};
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
    let mut add = |claims: &[Ext]| {
        for coordinate in 0..3 {
            let values: Vec<Felt> = claims.iter().map(|c| coordinates(c)[coordinate]).collect();
            let message = fill_up(&values, Felt::default());
            stack.extend(values);
            inputs.advice_map.insert(hash_elements(&message), message);
        }
    };
    let quotient = |tree: &TreeLayout| tree.kind == TreeKind::Quotient;
    let tables = d.tables.len();
    for table in 0..tables {
        for ((tree, _), claims) in d.layout.openings().zip(&proof.claims) {
            if let Some(range) = tree.range_of(table).filter(|_| !quotient(tree)) {
                add(&claims[range]);
            }
        }
    }
    for ((tree, _), claims) in d.layout.openings().zip(&proof.claims) {
        if quotient(tree) {
            add(claims);
        }
    }
    stack.extend(proof.layers.iter().flatten());
    stack.extend(proof.last.iter().flat_map(coordinates));
    stack.push(proof.work);

    for (tree, opening) in d.layout.trees.iter().zip(&proof.rows) {
        let log_leaves = tree.log_height + d.log_blowup;
        let rows = opening.leaves.iter();
        let leaves = rows.map(|row| tree.pad(row, Felt::default())).collect();
        add_leaves(inputs, log_leaves, indices, leaves, opening);
    }
    let mut log_leaves = d.layout.log_height + d.log_blowup;
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
