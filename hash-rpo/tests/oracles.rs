//! The kernels against a literal reference and against Plonky3's implementation, and the Merkle commitment against a literal tree.

use p3_challenger::{CanObserve, CanSample, CanSampleBits, DuplexChallenger, GrindingChallenger};
use p3_commit::Mmcs;
use p3_field::{Field, PackedValue, PrimeCharacteristicRing, PrimeField64};
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use p3_rescue::RpoGoldilocks;
use p3_symmetric::{
    CryptographicHasher, CryptographicPermutation, Permutation, PseudoCompressionFunction,
};
use plica_field::{Felt, MODULUS, Word};
use plica_hash_rpo::constants::{ARK1, ARK2, INV_ALPHA, MDS_ROW, ROUNDS, WIDTH};
use plica_hash_rpo::{
    PackedFelt, RpoLeafHasher, RpoPermutation, State, hash_elements, merge, permute,
    rpo_challenger, rpo_compression, rpo_mmcs,
};
use proptest::prelude::*;

/// The definition, with 128-bit remainders.
fn reference(state: &State) -> [u64; WIDTH] {
    let p = u128::from(MODULUS);
    let mul = |x: u64, y: u64| (u128::from(x) * u128::from(y) % p) as u64;
    let pow = |x: u64, e: u64| {
        (0..64).rev().fold(1, |acc, bit| {
            let square = mul(acc, acc);
            if e >> bit & 1 == 1 {
                mul(square, x)
            } else {
                square
            }
        })
    };
    let linear = |x: [u64; WIDTH], constants: &[Felt; WIDTH]| -> [u64; WIDTH] {
        core::array::from_fn(|i| {
            let row = |j: usize| u128::from(MDS_ROW[(j + WIDTH - i) % WIDTH]);
            let sum: u128 = (0..WIDTH).map(|j| row(j) * u128::from(x[j])).sum();
            ((sum + u128::from(constants[i].as_canonical_u64())) % p) as u64
        })
    };
    let mut x = state.map(|x| x.as_canonical_u64());
    for r in 0..ROUNDS {
        x = linear(x, &ARK1[r]).map(|x| pow(x, 7));
        x = linear(x, &ARK2[r]).map(|x| pow(x, INV_ALPHA));
    }
    x
}

/// Values at which some step of some kernel changes its behaviour, non-canonical representatives included.
const EDGES: [u64; 17] = [
    0,
    1,
    2,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    (1 << 32) + 1,
    (1 << 63) - 1,
    1 << 63,
    MODULUS - (1 << 32),
    MODULUS - 1,
    MODULUS,
    MODULUS + 1,
    u64::MAX - (1 << 31),
    u64::MAX - 1,
    u64::MAX,
];

fn felt() -> impl Strategy<Value = Felt> {
    prop_oneof![any::<u64>(), prop::sample::select(EDGES.to_vec())].prop_map(Felt::new)
}

fn state() -> impl Strategy<Value = State> {
    prop::array::uniform12(felt())
}

/// Permutes states through the packed implementation, as many at a time as the packing has lanes.
fn permute_packed(states: &mut [State]) {
    for group in states.chunks_mut(PackedFelt::WIDTH) {
        let mut packed: [PackedFelt; WIDTH] = core::array::from_fn(|i| {
            PackedFelt::from_fn(|j| group[j.min(group.len() - 1)][(i + 4) % WIDTH])
        });
        RpoPermutation.permute_mut(&mut packed);
        for (j, state) in group.iter_mut().enumerate() {
            *state = core::array::from_fn(|i| packed[(i + 8) % WIDTH].as_slice()[j]);
        }
    }
}

fn check(states: &[State]) {
    let oracle = RpoGoldilocks::from_standard_constants();
    let mut packed = states.to_vec();
    permute_packed(&mut packed);
    for (state, packed) in states.iter().zip(packed) {
        let expected = reference(state).map(Felt::new);
        let mut scalar = *state;
        permute(&mut scalar);
        assert_eq!(scalar, expected, "scalar, {state:?}");
        assert_eq!(packed, expected, "packed, {state:?}");
        assert_eq!(oracle.permute(*state), expected, "oracle, {state:?}");
    }
}

proptest! {
    #[test]
    fn every_implementation_computes_the_same_permutation(states in prop::collection::vec(state(), 8)) {
        check(&states);
    }

    #[test]
    fn packed_leaves_are_the_scalar_leaves(rows in prop::collection::vec(prop::collection::vec(felt(), 0..40), PackedFelt::WIDTH)) {
        let width = rows.iter().map(Vec::len).min().unwrap();
        let columns = (0..width).map(|c| PackedFelt::from_fn(|j| rows[j][c]));
        let packed: [PackedFelt; 4] = RpoLeafHasher.hash_iter(columns);
        for (j, row) in rows.iter().enumerate() {
            let digest: Word = RpoLeafHasher.hash_iter(row[..width].iter().copied());
            prop_assert_eq!(packed.map(|x| x.as_slice()[j]), digest);
        }
    }

    #[test]
    fn a_leaf_is_filled_up_with_zeros(row in prop::collection::vec(felt(), 1..40)) {
        let mut filled = row.clone();
        filled.resize(row.len().next_multiple_of(8), Felt::ZERO);
        let digest: Word = RpoLeafHasher.hash_iter(row);
        prop_assert_eq!(digest, hash_elements(&filled));
    }

    #[test]
    fn compression_is_merge(left in prop::array::uniform4(felt()), right in prop::array::uniform4(felt())) {
        prop_assert_eq!(rpo_compression().compress([left, right]), merge([left, right]));
        let packed = [left, right].map(|word| word.map(PackedFelt::from));
        let digest = rpo_compression().compress(packed);
        prop_assert_eq!(digest, merge([left, right]).map(PackedFelt::from));
    }
}

#[test]
fn boundary_values_in_every_lane() {
    let mut states: Vec<State> = EDGES.iter().map(|&x| [Felt::new(x); WIDTH]).collect();
    for &x in &EDGES {
        for lane in 0..WIDTH {
            let mut state = [Felt::ZERO; WIDTH];
            state[lane] = Felt::new(x);
            states.push(state);
        }
    }
    for shift in 0..EDGES.len() {
        states.push(core::array::from_fn(|i| {
            Felt::new(EDGES[(5 * i + shift) % EDGES.len()])
        }));
    }
    check(&states);
}

#[test]
fn iterated_permutations_agree() {
    let mut states: Vec<State> = (0..PackedFelt::WIDTH)
        .map(|j| core::array::from_fn(|i| Felt::new((i + 12 * j) as u64)))
        .collect();
    let mut scalar = states.clone();
    for _ in 0..1000 {
        permute_packed(&mut states);
        scalar.iter_mut().for_each(permute);
    }
    assert_eq!(states, scalar);
}

/// Inputs for which the S-boxes of the first round meet the boundary values: the first linear layer is inverted.
#[test]
fn boundary_values_at_the_first_s_box() {
    let mut rows = [[Felt::ZERO; 2 * WIDTH]; WIDTH];
    for (i, row) in rows.iter_mut().enumerate() {
        for j in 0..WIDTH {
            row[j] = Felt::from_u64(MDS_ROW[(j + WIDTH - i) % WIDTH]);
        }
        row[WIDTH + i] = Felt::ONE;
    }
    for i in 0..WIDTH {
        let pivot = (i..WIDTH).find(|&r| rows[r][i] != Felt::ZERO).unwrap();
        rows.swap(i, pivot);
        let scale = rows[i][i].inverse();
        rows[i].iter_mut().for_each(|x| *x *= scale);
        let top = rows[i];
        for (r, row) in rows.iter_mut().enumerate() {
            if r != i {
                let factor = row[i];
                row.iter_mut().zip(top).for_each(|(x, t)| *x -= factor * t);
            }
        }
    }
    let states: Vec<State> = (0..EDGES.len())
        .map(|shift| {
            let wanted: State =
                core::array::from_fn(|i| Felt::new(EDGES[(i + shift) % EDGES.len()]) - ARK1[0][i]);
            core::array::from_fn(|i| (0..WIDTH).map(|j| rows[i][WIDTH + j] * wanted[j]).sum())
        })
        .collect();
    check(&states);
}

fn matrix(height: usize, width: usize, seed: u64) -> RowMajorMatrix<Felt> {
    let values = (0..height * width)
        .map(|i| Felt::new((i as u64 + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    RowMajorMatrix::new(values, width)
}

fn leaf(matrices: &[&RowMajorMatrix<Felt>], row: usize) -> Word {
    let mut values: Vec<Felt> = matrices.iter().flat_map(|m| m.row(row).unwrap()).collect();
    values.resize(values.len().next_multiple_of(8), Felt::ZERO);
    hash_elements(&values)
}

fn fold(nodes: &[Word]) -> Vec<Word> {
    nodes
        .chunks(2)
        .map(|pair| merge([pair[0], pair[1]]))
        .collect()
}

#[test]
fn a_commitment_is_the_tree_built_with_merge() {
    let (tall, also_tall, short) = (matrix(32, 13, 1), matrix(32, 3, 2), matrix(8, 5, 3));
    let mut nodes: Vec<Word> = (0..32).map(|i| leaf(&[&tall, &also_tall], i)).collect();
    nodes = fold(&fold(&nodes));
    nodes = (0..8)
        .map(|i| merge([nodes[i], leaf(&[&short], i)]))
        .collect();
    nodes = fold(&nodes);

    let mmcs = rpo_mmcs(2);
    let (cap, data) = mmcs.commit(vec![tall, also_tall, short]);
    assert_eq!(cap.roots(), nodes.as_slice());
    assert_eq!(mmcs.get_max_height(&data), 32);

    let root = fold(&fold(&nodes))[0];
    let (cap, _) = rpo_mmcs(0).commit(vec![matrix(32, 13, 1), matrix(32, 3, 2), matrix(8, 5, 3)]);
    assert_eq!(cap.roots(), &[root]);
}

/// The literal permutation with its lanes rotated: 4–11 first.
#[derive(Clone)]
struct Literal;

impl Permutation<State> for Literal {
    fn permute_mut(&self, lanes: &mut State) {
        lanes.rotate_right(4);
        *lanes = reference(lanes).map(Felt::new);
        lanes.rotate_left(4);
    }
}

impl CryptographicPermutation<State> for Literal {}

#[test]
fn the_transcript_is_that_of_the_literal_permutation() {
    let mut ours = rpo_challenger();
    let mut literal: DuplexChallenger<Felt, Literal, WIDTH, 8> = DuplexChallenger::new(Literal);
    for n in 0..20 {
        for i in 0..n {
            ours.observe(Felt::from_u64(i * i + n));
            literal.observe(Felt::from_u64(i * i + n));
        }
        let samples: [Felt; 3] = core::array::from_fn(|_| ours.sample());
        let expected: [Felt; 3] = core::array::from_fn(|_| literal.sample());
        assert_eq!(samples, expected);
        assert_eq!(ours.sample_bits(7), literal.sample_bits(7));
    }
}

#[test]
fn a_ground_witness_is_accepted_and_another_is_not() {
    let mut challenger = rpo_challenger();
    challenger.observe(Felt::from_u64(5));
    let mut prover = challenger.clone();
    let witness = prover.grind(8);
    let mut verifier = challenger.clone();
    assert!(verifier.check_witness(8, witness));
    let (ours, theirs): (Felt, Felt) = (prover.sample(), verifier.sample());
    assert_eq!(ours, theirs);
    let accepted = (0..1000u64)
        .filter(|&w| challenger.clone().check_witness(8, Felt::new(w)))
        .count();
    assert!((1..30).contains(&accepted));
}
