//! Time of one RPO permutation: ours, Plonky3's and Miden's, with Poseidon2 for scale.
//!
//! `cargo bench -p plica-bench --bench rpo`. All on one thread. "packed" processes as many states at a time as the packing of
//! the field has lanes; the time per element of the throughput is the time per permutation.

use core::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use p3_field::{Field, PackedValue};
use p3_goldilocks::{MdsMatrixGoldilocks, default_goldilocks_poseidon2_12};
use p3_rescue::{Rescue, RpoGoldilocks};
use p3_symmetric::Permutation;
use plica_field::Felt;
use plica_hash_rpo::constants::{ALPHA, ARK1, ARK2, ROUNDS, WIDTH};
use plica_hash_rpo::{RpoPermutation, permute};

type Packed = <Felt as Field>::Packing;

/// States processed by one iteration.
const STATES: usize = 64;

fn scalar_states() -> Vec<[Felt; WIDTH]> {
    (0..STATES)
        .map(|s| core::array::from_fn(|i| Felt::new((WIDTH * s + i) as u64)))
        .collect()
}

fn packed_states() -> Vec<[Packed; WIDTH]> {
    scalar_states()
        .chunks_exact(Packed::WIDTH)
        .map(|group| core::array::from_fn(|i| Packed::from_fn(|j| group[j][i])))
        .collect()
}

fn rpo(c: &mut Criterion) {
    let mut group = c.benchmark_group("permutation");
    group
        .throughput(Throughput::Elements(STATES as u64))
        .measurement_time(Duration::from_secs(3))
        .warm_up_time(Duration::from_secs(1));

    let mut packed = packed_states();
    let mut scalar = scalar_states();

    group.bench_function("rpo packed, plica", |b| {
        b.iter(|| {
            for x in black_box(&mut packed) {
                RpoPermutation.permute_mut(x);
            }
        });
    });
    group.bench_function("rpo scalar, plica", |b| {
        b.iter(|| black_box(&mut scalar).iter_mut().for_each(permute));
    });

    let plonky3 = RpoGoldilocks::from_standard_constants();
    group.bench_function("rpo scalar, plonky3", |b| {
        b.iter(|| {
            for x in black_box(&mut scalar) {
                plonky3.permute_mut(x);
            }
        });
    });

    // Not RPO: a Rescue of the same shape, with the order of steps of Rescue-XLIX and another matrix. The one packed Rescue that
    // Plonky3 has.
    let constants = (0..ROUNDS)
        .flat_map(|r| ARK1[r].into_iter().chain(ARK2[r]))
        .collect();
    let rescue: Rescue<Felt, MdsMatrixGoldilocks, WIDTH, ALPHA> =
        Rescue::new(ROUNDS, constants, MdsMatrixGoldilocks);
    group.bench_function("rescue packed, plonky3", |b| {
        b.iter(|| {
            for x in black_box(&mut packed) {
                rescue.permute_mut(x);
            }
        });
    });

    let mut miden: Vec<[miden_crypto::Felt; WIDTH]> = (0..STATES)
        .map(|s| core::array::from_fn(|i| miden_crypto::Felt::new((WIDTH * s + i) as u64).unwrap()))
        .collect();
    group.bench_function("rpo, miden-crypto", |b| {
        b.iter(|| {
            black_box(&mut miden)
                .iter_mut()
                .for_each(miden_crypto::hash::rpo::Rpo256::apply_permutation);
        });
    });

    let poseidon2 = default_goldilocks_poseidon2_12();
    group.bench_function("poseidon2 packed, plonky3", |b| {
        b.iter(|| {
            for x in black_box(&mut packed) {
                poseidon2.permute_mut(x);
            }
        });
    });
    group.finish();
}

criterion_group!(benches, rpo);
criterion_main!(benches);
