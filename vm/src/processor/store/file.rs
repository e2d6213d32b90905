//! Stores as files.
//!
//! The payload is a list of pairs: the two children of each known node, 64 bytes, in increasing order. The nodes themselves are not
//! there, but computed again, so a file cannot say that a node has other children than it has. Empty trees are known anyway.

use plica_field::{FELT_BYTES, Felt, Word, felt_from_bytes, felt_to_bytes};
use plica_fri::{FileError, open_store, seal_store};
use plica_hash_rpo::merge;
use rayon::prelude::*;

use super::MerkleStore;

/// Bytes of the children of a node.
const PAIR: usize = 8 * FELT_BYTES;

impl MerkleStore {
    /// The bytes of a store file. Equal stores have equal files.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let known = self
            .children
            .values()
            .filter(|pair| !self.is_of_empty(pair));
        let mut pairs: Vec<[u8; PAIR]> = known.map(pair_to_bytes).collect();
        pairs.par_sort_unstable();
        seal_store(pairs.as_flattened())
    }

    /// Reads a store file.
    ///
    /// # Errors
    /// [`FileError`] for anything but exactly what [`Self::to_bytes`] writes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FileError> {
        let (pairs, rest) = open_store(bytes)?.as_chunks::<PAIR>();
        if !rest.is_empty() || !pairs.is_sorted_by(|a, b| a < b) {
            return Err(FileError::NonCanonical);
        }
        let nodes = pairs.par_iter().map(|bytes| {
            let pair = pair_from_bytes(bytes).ok_or(FileError::NonCanonical)?;
            Ok((merge(pair), pair))
        });
        let nodes: Vec<(Word, [Word; 2])> = nodes.collect::<Result<_, FileError>>()?;
        let mut store = Self::default();
        if nodes.iter().any(|(_, pair)| store.is_of_empty(pair)) {
            return Err(FileError::NonCanonical);
        }
        store.children.extend(nodes);
        Ok(store)
    }

    /// Whether these are the children of an empty tree that every store knows.
    fn is_of_empty(&self, [left, right]: &[Word; 2]) -> bool {
        let heights = self.empty.len() - 1;
        left == right && self.empty[..heights].contains(left)
    }
}

fn pair_to_bytes(pair: &[Word; 2]) -> [u8; PAIR] {
    let mut bytes = [0; PAIR];
    let elements = pair.as_flattened().iter();
    for (chunk, &element) in bytes.chunks_exact_mut(FELT_BYTES).zip(elements) {
        chunk.copy_from_slice(&felt_to_bytes(element));
    }
    bytes
}

fn pair_from_bytes(bytes: &[u8; PAIR]) -> Option<[Word; 2]> {
    let (chunks, _) = bytes.as_chunks::<FELT_BYTES>();
    let mut elements = [Felt::new(0); 8];
    for (element, &chunk) in elements.iter_mut().zip(chunks) {
        *element = felt_from_bytes(chunk).ok()?;
    }
    let (words, _) = elements.as_chunks::<4>();
    words.try_into().ok()
}

#[cfg(test)]
mod tests {
    use p3_field::PrimeCharacteristicRing;
    use plica_field::MODULUS;
    use proptest::prelude::*;

    use super::*;
    use crate::inputs::MerkleTree;

    const HEADER: usize = 24;

    fn sealed(pairs: &[[u8; PAIR]]) -> Vec<u8> {
        seal_store(pairs.as_flattened())
    }

    fn leaf(n: u64) -> Word {
        [n, n + 1, 0, 0].map(Felt::new)
    }

    #[test]
    fn a_new_store_is_an_empty_file() {
        let store = MerkleStore::default();
        assert!(store.is_empty());
        assert_eq!(store.to_bytes(), seal_store(&[]));
        assert_eq!(MerkleStore::from_bytes(&seal_store(&[])).unwrap(), store);
    }

    #[test]
    fn trees_survive_and_updates_keep_the_old_ones() {
        let mut store = MerkleStore::default();
        let root = store.empty_root(16).unwrap();
        let first = store.replace(root, 16, 9, leaf(5)).unwrap();
        let second = store.replace(first, 16, 12, leaf(6)).unwrap();
        let read = MerkleStore::from_bytes(&store.to_bytes()).unwrap();
        assert_eq!(read, store);
        assert_eq!(read.len(), 32);
        for (root, at_9, at_12) in [
            (root, Word::default(), Word::default()),
            (first, leaf(5), Word::default()),
            (second, leaf(5), leaf(6)),
        ] {
            assert_eq!(read.get(root, 16, 9), Some(at_9));
            assert_eq!(read.get(root, 16, 12), Some(at_12));
            assert_eq!(read.get(root, 16, 1 << 16), None);
        }
        // What was set back to zero is an empty tree again.
        let back = store.replace(first, 16, 9, Word::default()).unwrap();
        assert_eq!(back, root);
        assert_eq!(MerkleStore::from_bytes(&store.to_bytes()).unwrap(), store);
    }

    /// Files with a right checksum all the same.
    #[test]
    fn a_file_has_one_form() {
        let mut store = MerkleStore::default();
        store.extend(&[MerkleTree::Full((1..9).map(leaf).collect())]);
        let file = store.to_bytes();
        let payload = &file[HEADER..file.len() - 32];
        let (pairs, _) = payload.as_chunks::<PAIR>();
        assert_eq!(pairs.len(), 7);
        assert_eq!(sealed(pairs), file);
        let refused = |pairs: &[[u8; PAIR]]| {
            let result = MerkleStore::from_bytes(&sealed(pairs));
            assert!(matches!(result, Err(FileError::NonCanonical)), "{result:?}");
        };
        let mut unsorted = pairs.to_vec();
        unsorted.swap(0, 1);
        refused(&unsorted);
        let mut twice = pairs.to_vec();
        twice.insert(1, twice[0]);
        refused(&twice);
        refused(&[[0; PAIR]]);
        let mut above = pairs.to_vec();
        above[6][PAIR - 8..].copy_from_slice(&MODULUS.to_le_bytes());
        refused(&above);
        let result = MerkleStore::from_bytes(&seal_store(&payload[1..]));
        assert!(matches!(result, Err(FileError::NonCanonical)));
        // A profile is for proofs and keys.
        let mut other = file[..file.len() - 32].to_vec();
        other[12] = 1;
        other.extend(&file[file.len() - 32..]);
        assert!(MerkleStore::from_bytes(&other).is_err());
    }

    /// A changed pair is a pair of another node, and the tree has a hole.
    #[test]
    fn a_file_cannot_lie_about_a_tree() {
        let mut store = MerkleStore::default();
        let leaves: Vec<Word> = (1..9).map(leaf).collect();
        store.extend(&[MerkleTree::Full(leaves.clone())]);
        let root = |pair: [Word; 2]| merge(pair);
        let above: Vec<Word> = leaves.chunks(2).map(|l| root([l[0], l[1]])).collect();
        let above: Vec<Word> = above.chunks(2).map(|l| root([l[0], l[1]])).collect();
        let root = root([above[0], above[1]]);
        let file = store.to_bytes();
        let (pairs, _) = file[HEADER..file.len() - 32].as_chunks::<PAIR>();
        for k in 0..pairs.len() {
            let mut changed = pairs.to_vec();
            changed[k][0] ^= 1;
            changed.sort_unstable();
            let Ok(read) = MerkleStore::from_bytes(&sealed(&changed)) else {
                continue;
            };
            let mut lost = 0;
            for (index, &leaf) in (0..).zip(&leaves) {
                match read.get(root, 3, index) {
                    Some(found) => assert_eq!(found, leaf),
                    None => lost += 1,
                }
            }
            assert!(lost > 0);
        }
    }

    proptest! {
        #[test]
        fn damage_is_noticed(position in 0usize..1000, bit in 0u8..8) {
            let mut store = MerkleStore::default();
            store.extend(&[MerkleTree::Full((1..9).map(leaf).collect())]);
            let mut file = store.to_bytes();
            let position = position % file.len();
            file[position] ^= 1 << bit;
            prop_assert!(MerkleStore::from_bytes(&file).is_err());
        }

        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(store) = MerkleStore::from_bytes(&seal_store(&bytes)) {
                prop_assert_eq!(store.to_bytes(), seal_store(&bytes));
            }
            prop_assert!(MerkleStore::from_bytes(&bytes).is_err());
        }
    }

    #[test]
    fn words_are_encoded_as_everywhere() {
        let pair = [leaf(1), [Felt::NEG_ONE; 4]];
        let bytes = pair_to_bytes(&pair);
        assert_eq!(bytes[..8], [1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(pair_from_bytes(&bytes), Some(pair));
    }
}
