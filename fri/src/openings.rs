//! Multi-openings of Merkle trees, checked level by level with many hashes at once.
//!
//! `p3-merkle-tree` hashes one node after the other. BLAKE3 and RPO hash several equally long messages in the lanes of vector
//! registers, and the nodes of a level are such messages. This is the same check in the same order of siblings, for what this
//! crate commits to: binary trees over matrices whose heights are powers of two.
//!
//! [`holds`] only ever *accepts*. What it does not accept, for whatever reason, is left to `p3-merkle-tree`, which decides and
//! names the error. So it must accept nothing that the opened rows and the commitment do not imply:
//!
//! * the indices are the verifier's; the proof has rows and siblings only;
//! * every row has its matrix's width, so the boundaries inside a leaf's message are fixed;
//! * a node that covers several queries hashes the rows of the first; the rows of the others must equal them;
//! * every sibling is used, and every node of the last level is compared with the commitment.

use p3_blake3::Blake3;
use p3_field::PackedValue;
use p3_matrix::Dimensions;
use p3_symmetric::CompressionFunctionFromHasher;
use p3_symmetric::{CryptographicHasher, PseudoCompressionFunction, SerializingHasher};
use plica_hash_rpo::{PackedFelt, RpoLeafHasher, rpo_compression};

use crate::types::Felt;

/// The hash of a Merkle tree, for many messages at once.
pub(crate) trait TreeHash {
    type Digest: Copy + Default + PartialEq;

    /// Hashes `out.len()` leaves, which `leaves` has one after the other.
    fn leaves(leaves: &[Felt], out: &mut [Self::Digest]);

    /// Hashes pairs of nodes.
    fn pairs(pairs: &[[Self::Digest; 2]], out: &mut [Self::Digest]);
}

impl TreeHash for Blake3 {
    type Digest = [u8; 32];

    fn leaves(leaves: &[Felt], out: &mut [Self::Digest]) {
        SerializingHasher::new(Self).hash_many(leaves, out);
    }

    fn pairs(pairs: &[[Self::Digest; 2]], out: &mut [Self::Digest]) {
        CompressionFunctionFromHasher::<_, 2, 32>::new(Self).compress_many(pairs, out);
    }
}

/// RPO, as a [`TreeHash`].
pub(crate) struct Rpo;

impl TreeHash for Rpo {
    type Digest = [Felt; 4];

    fn leaves(leaves: &[Felt], out: &mut [Self::Digest]) {
        const LANES: usize = PackedFelt::WIDTH;
        let width = leaves.len() / out.len().max(1);
        for (group, out) in out.chunks_mut(LANES).enumerate() {
            // Idle lanes of the last group repeat its last leaf.
            let at = |lane: usize| (group * LANES + lane.min(out.len() - 1)) * width;
            let packed = (0..width).map(|i| PackedFelt::from_fn(|lane| leaves[at(lane) + i]));
            let digests: [PackedFelt; 4] = RpoLeafHasher.hash_iter(packed);
            scatter(&digests, out);
        }
    }

    fn pairs(pairs: &[[Self::Digest; 2]], out: &mut [Self::Digest]) {
        const LANES: usize = PackedFelt::WIDTH;
        for (pairs, out) in pairs.chunks(LANES).zip(out.chunks_mut(LANES)) {
            let input = [0, 1].map(|child| {
                core::array::from_fn(|i| {
                    PackedFelt::from_fn(|lane| pairs[lane.min(pairs.len() - 1)][child][i])
                })
            });
            let digests: [PackedFelt; 4] = rpo_compression().compress(input);
            scatter(&digests, out);
        }
    }
}

fn scatter(packed: &[PackedFelt; 4], out: &mut [[Felt; 4]]) {
    for (lane, digest) in out.iter_mut().enumerate() {
        *digest = packed.map(|element| element.as_slice()[lane]);
    }
}

/// A node of the current level above some of the queries, which are consecutive in the order of their indices.
#[derive(Clone, Copy)]
struct Node {
    index: usize,
    /// Position of its first query in that order. Its last one is before the next node's first.
    first: usize,
}

/// Whether the rows are those of the committed matrices at these indices. `false` also stands for "not decided here".
///
/// The arguments are those of [`p3_commit::Mmcs::verify_multi_batch`].
pub(crate) fn holds<H: TreeHash, R: AsRef<[Felt]>>(
    cap: &[H::Digest],
    cap_height: usize,
    dimensions: &[Dimensions],
    indices: &[usize],
    rows: &[Vec<R>],
    siblings: &[H::Digest],
) -> bool {
    let heights = || dimensions.iter().map(|matrix| matrix.height);
    let Some(tallest) = heights().max() else {
        return false;
    };
    if !heights().all(usize::is_power_of_two) {
        return false;
    }
    let last_height = 1 << cap_height.min(tallest.ilog2() as usize);
    if cap.len() != last_height || heights().any(|height| height < last_height) {
        return false;
    }
    let fits = |rows: &Vec<R>| {
        rows.len() == dimensions.len()
            && rows
                .iter()
                .zip(dimensions)
                .all(|(row, matrix)| row.as_ref().len() == matrix.width)
    };
    if rows.len() != indices.len() || !rows.iter().all(fits) {
        return false;
    }

    let mut order: Vec<usize> = (0..indices.len()).collect();
    order.sort_unstable_by_key(|&query| indices[query]);
    if order.last().is_none_or(|&query| indices[query] >= tallest) {
        return false;
    }
    let queries = Queries {
        dimensions,
        rows,
        order: &order,
    };
    let mut nodes: Vec<Node> = Vec::with_capacity(order.len());
    for (first, &query) in order.iter().enumerate() {
        if nodes.last().is_none_or(|node| node.index != indices[query]) {
            nodes.push(Node {
                index: indices[query],
                first,
            });
        }
    }

    let mut digests = Vec::new();
    if !queries.hash::<H>(tallest, &nodes, &mut digests) {
        return false;
    }
    let mut siblings = siblings.iter();
    let (mut pairs, mut injected) = (Vec::new(), Vec::new());
    let mut height = tallest;
    while height > last_height {
        height /= 2;
        pairs.clear();
        let mut parents: Vec<Node> = Vec::with_capacity(nodes.len());
        for (node, &digest) in nodes.iter().zip(&digests) {
            let parent = node.index / 2;
            if parents.last().is_some_and(|last| last.index == parent) {
                // The right child of the parent whose left child came before: its pair has room for it.
                let pair: &mut [H::Digest; 2] = pairs.last_mut().expect("one pair per parent");
                pair[1] = digest;
                continue;
            }
            parents.push(Node {
                index: parent,
                first: node.first,
            });
            pairs.push([digest; 2]);
        }
        // Siblings come in the order of the parents, one for each that has a single child among the nodes.
        let mut children = nodes.iter().peekable();
        for (parent, pair) in parents.iter().zip(&mut pairs) {
            let mut present = [false; 2];
            while let Some(child) = children.next_if(|child| child.index / 2 == parent.index) {
                present[child.index % 2] = true;
            }
            if let Some(missing) = present.iter().position(|present| !present) {
                let Some(&sibling) = siblings.next() else {
                    return false;
                };
                pair[missing] = sibling;
            }
        }
        digests.resize(parents.len(), H::Digest::default());
        H::pairs(&pairs, &mut digests);
        nodes = parents;

        if heights().any(|other| other == height) {
            if !queries.hash::<H>(height, &nodes, &mut injected) {
                return false;
            }
            pairs.clear();
            pairs.extend(digests.iter().zip(&injected).map(|(&a, &b)| [a, b]));
            H::pairs(&pairs, &mut digests);
        }
    }
    siblings.next().is_none()
        && nodes
            .iter()
            .zip(&digests)
            .all(|(node, digest)| cap[node.index] == *digest)
}

struct Queries<'a, R> {
    dimensions: &'a [Dimensions],
    rows: &'a [Vec<R>],
    /// The queries by ascending index.
    order: &'a [usize],
}

impl<R: AsRef<[Felt]>> Queries<'_, R> {
    /// Hashes each node's rows of the matrices of this height. `false` if the queries under a node do not agree on them.
    fn hash<H: TreeHash>(&self, height: usize, nodes: &[Node], out: &mut Vec<H::Digest>) -> bool {
        let at_height = |query: usize| {
            self.dimensions
                .iter()
                .zip(&self.rows[query])
                .filter(|(matrix, _)| matrix.height == height)
                .map(|(_, row)| row.as_ref())
        };
        let mut leaves = Vec::new();
        for (position, node) in nodes.iter().enumerate() {
            let end = nodes
                .get(position + 1)
                .map_or(self.order.len(), |next| next.first);
            let first = self.order[node.first];
            if self.order[node.first + 1..end]
                .iter()
                .any(|&other| !at_height(other).eq(at_height(first)))
            {
                return false;
            }
            at_height(first).for_each(|row| leaves.extend_from_slice(row));
        }
        out.clear();
        out.resize(nodes.len(), H::Digest::default());
        H::leaves(&leaves, out);
        true
    }
}

#[cfg(test)]
mod tests {
    use p3_commit::Mmcs as _;
    use p3_merkle_tree::PrunedMerklePaths;
    use p3_symmetric::MerkleCap;
    use proptest::prelude::*;

    use super::*;
    use crate::hash::{Cap, Commitments, HashKind, Paths};
    use crate::types::Matrix;

    type Rows = Vec<Vec<Vec<Felt>>>;

    /// An opening, in the form that [`holds`] takes.
    struct Opening<D> {
        scheme: Commitments,
        cap: Vec<D>,
        cap_height: usize,
        dimensions: Vec<Dimensions>,
        indices: Vec<usize>,
        rows: Rows,
        siblings: Vec<D>,
        enums: fn(Vec<D>, Vec<D>) -> (Cap, Paths),
    }

    impl<D: Copy + PartialEq> Opening<D> {
        /// What [`holds`] says; p3's verdict must be the same.
        fn verdict<H: TreeHash<Digest = D>>(&self) -> bool {
            let batched = holds::<H, _>(
                &self.cap,
                self.cap_height,
                &self.dimensions,
                &self.indices,
                &self.rows,
                &self.siblings,
            );
            let (cap, paths) = (self.enums)(self.cap.clone(), self.siblings.clone());
            let (dimensions, indices) = (&self.dimensions, &self.indices);
            let alone = match (&self.scheme, &cap, &paths) {
                (Commitments::Rpo(mmcs), Cap::Felts(cap), Paths::Felts(paths)) => {
                    mmcs.verify_multi_batch(cap, dimensions, indices, &self.rows, paths)
                }
                (Commitments::Blake3(mmcs), Cap::Bytes(cap), Paths::Bytes(paths)) => {
                    mmcs.verify_multi_batch(cap, dimensions, indices, &self.rows, paths)
                }
                _ => unreachable!("one hash"),
            };
            assert_eq!(batched, alone.is_ok(), "{alone:?}");
            batched
        }
    }

    fn felts(seed: u64, count: usize) -> Vec<Felt> {
        (0..count as u64)
            .map(|i| Felt::new((seed + i).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
            .collect()
    }

    /// (log2 of the height, width) of each matrix, indices (taken modulo the largest height), and the height of the cap.
    type Case = (Vec<(usize, usize)>, Vec<usize>, usize);

    fn case() -> impl Strategy<Value = Case> {
        let matrices = prop::collection::vec((0usize..7, 1usize..20), 1..5);
        (
            matrices,
            prop::collection::vec(0usize..64, 1..24),
            0usize..3,
        )
            .prop_map(|(mut matrices, indices, cap_height)| {
                // Matrices above the cap are never committed to: p3 would leave them out of the tree.
                matrices
                    .iter_mut()
                    .for_each(|(height, _)| *height = (*height).max(cap_height));
                (matrices, indices, cap_height)
            })
    }

    fn opened(hash: HashKind, (matrices, indices, cap_height): &Case) -> (Opening<()>, Cap, Paths) {
        let scheme = Commitments::new(hash, *cap_height);
        let traces: Vec<_> = matrices
            .iter()
            .enumerate()
            .map(|(i, &(log_height, width))| {
                Matrix::new(felts(1000 * i as u64, width << log_height), width)
            })
            .collect();
        let tallest = matrices.iter().map(|m| m.0).max().expect("not empty");
        let indices: Vec<_> = indices.iter().map(|i| i % (1 << tallest)).collect();
        let (cap, tree) = scheme.commit(traces);
        let (rows, paths) = scheme.open_multi_batch(&indices, &tree);
        let dimensions = matrices
            .iter()
            .map(|&(log_height, width)| Dimensions {
                width,
                height: 1 << log_height,
            })
            .collect();
        let opening = Opening {
            scheme,
            cap: vec![],
            cap_height: *cap_height,
            dimensions,
            indices,
            rows,
            siblings: vec![],
            enums: |_, _| unreachable!("filled in by the caller"),
        };
        (opening, cap, paths)
    }

    fn rpo(case: &Case) -> Opening<[Felt; 4]> {
        let (opening, Cap::Felts(cap), Paths::Felts(paths)) = opened(HashKind::Rpo, case) else {
            unreachable!("RPO")
        };
        Opening {
            scheme: opening.scheme,
            cap: cap.roots().to_vec(),
            cap_height: opening.cap_height,
            dimensions: opening.dimensions,
            indices: opening.indices,
            rows: opening.rows,
            siblings: paths.sibling_hashes,
            enums: |cap, sibling_hashes| {
                let paths = PrunedMerklePaths { sibling_hashes };
                (Cap::Felts(MerkleCap::new(cap)), Paths::Felts(paths))
            },
        }
    }

    fn blake3(case: &Case) -> Opening<[u8; 32]> {
        let (opening, Cap::Bytes(cap), Paths::Bytes(paths)) = opened(HashKind::Blake3, case) else {
            unreachable!("BLAKE3")
        };
        Opening {
            scheme: opening.scheme,
            cap: cap.roots().to_vec(),
            cap_height: opening.cap_height,
            dimensions: opening.dimensions,
            indices: opening.indices,
            rows: opening.rows,
            siblings: paths.sibling_hashes,
            enums: |cap, sibling_hashes| {
                let paths = PrunedMerklePaths { sibling_hashes };
                (Cap::Bytes(MerkleCap::new(cap)), Paths::Bytes(paths))
            },
        }
    }

    /// Everything that a prover could change, one at a time; `pick` says where.
    fn tamper<H: TreeHash>(
        make: impl Fn() -> Opening<H::Digest>,
        pick: usize,
    ) -> Result<(), TestCaseError> {
        prop_assert!(make().verdict::<H>());

        let mut o = make();
        let query = pick % o.rows.len();
        let matrix = pick / 7 % o.rows[query].len();
        let column = pick / 3 % o.rows[query][matrix].len();
        o.rows[query][matrix][column] += Felt::new(1);
        prop_assert!(!o.verdict::<H>());

        let mut o = make();
        o.rows[query][matrix].push(Felt::new(0));
        prop_assert!(!o.verdict::<H>());
        let mut o = make();
        o.rows[query][matrix].pop();
        prop_assert!(!o.verdict::<H>());
        let mut o = make();
        o.rows[query].pop();
        prop_assert!(!o.verdict::<H>());
        let mut o = make();
        o.rows.pop();
        prop_assert!(!o.verdict::<H>());

        let mut o = make();
        o.siblings.push(H::Digest::default());
        prop_assert!(!o.verdict::<H>());
        let mut o = make();
        if o.siblings.pop().is_some() {
            prop_assert!(!o.verdict::<H>());
        }
        let mut o = make();
        let count = o.siblings.len();
        if let Some(sibling) = o.siblings.get_mut(pick % count.max(1)) {
            *sibling = H::Digest::default();
            prop_assert!(!o.verdict::<H>());
        }

        // Another index: the rows are then those of another leaf.
        let mut o = make();
        let tallest = o.dimensions.iter().map(|m| m.height).max().unwrap_or(1);
        if tallest > 1 {
            o.indices[query] ^= 1 + pick % (tallest - 1);
            prop_assert!(!o.verdict::<H>());
        }
        let mut o = make();
        o.indices[query] = tallest;
        prop_assert!(!o.verdict::<H>());

        let mut o = make();
        let root = o.indices[query] * o.cap.len() / tallest;
        o.cap[root] = H::Digest::default();
        prop_assert!(!o.verdict::<H>());
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn batches_hold_exactly_if_p3_says_so(case in case(), pick in 0usize..10_000) {
            tamper::<Rpo>(|| rpo(&case), pick)?;
            tamper::<Blake3>(|| blake3(&case), pick)?;
        }
    }
}
