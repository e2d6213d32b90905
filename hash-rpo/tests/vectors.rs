//! Published vectors of RPO, lane order and padding rules included.

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_field::{Felt, Word};
use plica_hash_rpo::constants::{ARK1, ARK2, MDS};
use plica_hash_rpo::{hash_elements, merge, merge_in_domain, permute, rounds_of_many};

fn felts<const N: usize>(values: [u64; N]) -> [Felt; N] {
    values.map(Felt::new)
}

fn raw(word: Word) -> [u64; 4] {
    word.map(|x| x.as_canonical_u64())
}

#[test]
fn permutation_of_the_state_0_to_11() {
    let mut state = felts([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    permute(&mut state);
    let expected = [
        15056646954853821376,
        594518210294093573,
        10395398226526937664,
        3903707756219396109,
        7670128982698747483,
        4249514323476682720,
        16506822133651532340,
        10593868791806571942,
        9413309068803954142,
        15946782832277734471,
        7904287043744270535,
        16548919317472389167,
    ];
    assert_eq!(state.map(|x| x.as_canonical_u64()), expected);
}

#[test]
fn hash_of_one_word() {
    assert_eq!(
        raw(hash_elements(&felts([0, 1, 2, 3]))),
        [
            13072499238647455740,
            10174350003422057273,
            9201651627651151113,
            6872461887313298746
        ]
    );
    assert_eq!(
        raw(hash_elements(&felts([0; 4]))),
        [
            8073041323843526112,
            9790927580158839949,
            2073215276692592131,
            8517809454466465631
        ]
    );
}

#[test]
fn merge_of_two_words() {
    assert_eq!(
        raw(merge([felts([1, 2, 3, 4]), felts([5, 6, 7, 8])])),
        [
            15975159621759139720,
            15720844923951376941,
            16013969809933496273,
            13608701685256682132
        ]
    );
    assert_eq!(
        raw(merge([felts([0; 4]); 2])),
        [
            8635338869442206704,
            11671305615285950885,
            15253023094703789604,
            7398108415970215319
        ]
    );
}

#[test]
fn root_of_the_empty_tree_of_depth_64() {
    let root = (0..64).fold(felts([0; 4]), |node, _| merge([node, node]));
    assert_eq!(
        raw(root),
        [
            15321474589252129342,
            17373224439259377994,
            15071539326562317628,
            3312677166725950353
        ]
    );
}

#[test]
fn merge_is_the_hash_of_eight_elements_and_domain_zero() {
    let children = [felts([1, 2, 3, 4]), felts([5, 6, 7, 8])];
    assert_eq!(
        merge(children),
        hash_elements(&felts([1, 2, 3, 4, 5, 6, 7, 8]))
    );
    assert_eq!(merge(children), merge_in_domain(children, Felt::new(0)));
    assert_ne!(merge(children), merge_in_domain(children, Felt::new(1)));
}

#[test]
fn no_element_hashes_to_the_zero_word() {
    assert_eq!(raw(hash_elements(&[])), [0; 4]);
}

#[test]
fn zeros_at_the_end_change_the_hash() {
    let message = felts([1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0, 0, 0, 0, 0]);
    let digests: Vec<Word> = (9..=17).map(|n| hash_elements(&message[..n])).collect();
    for i in 0..digests.len() {
        for j in 0..i {
            assert_ne!(digests[i], digests[j]);
        }
    }
}

/// What a constraint system states of each round: M·x + c on one side, the seventh power on the side where it is cheap.
#[test]
fn rounds_satisfy_their_equations() {
    let start = felts([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    let linear = |x: [Felt; 12], constants: [Felt; 12]| -> [Felt; 12] {
        core::array::from_fn(|i| (0..12).map(|j| MDS[i][j] * x[j]).sum::<Felt>() + constants[i])
    };
    // More than a batch, and one more.
    let states: Vec<[Felt; 12]> = (0..5).map(|j| start.map(|x| x + Felt::new(j))).collect();
    let mut seen = 0;
    rounds_of_many(&states, |j, rounds| {
        assert_eq!(j, seen);
        seen += 1;
        let mut x = states[j];
        for (r, &[entering, after]) in rounds.iter().enumerate() {
            assert_eq!(entering, linear(x, ARK1[r]));
            let middle = entering.map(|x| x.exp_const_u64::<7>());
            assert_eq!(
                after.map(|x| x.exp_const_u64::<7>()),
                linear(middle, ARK2[r])
            );
            x = after;
        }
        let mut permuted = states[j];
        permute(&mut permuted);
        assert_eq!(x, permuted);
    });
    assert_eq!(seen, states.len());
}
