//! Low-degree extension and Merkle commitment of one trace: 2^13 rows of 36 columns at blow-up 2.
//!
//! `cargo bench -p plica-bench --bench commit`. All cores.

use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use p3_commit::Mmcs;
use p3_dft::{Radix2DitParallel, TwoAdicSubgroupDft};
use p3_field::Field;
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use plica_field::Felt;
use plica_fri::{Commitments, HashKind};

const LOG_ROWS: usize = 13;
const COLUMNS: usize = 36;

fn trace() -> RowMajorMatrix<Felt> {
    let values = (0..COLUMNS << LOG_ROWS)
        .map(|i| Felt::new((i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1))
        .collect();
    RowMajorMatrix::new(values, COLUMNS)
}

fn commit(c: &mut Criterion) {
    let dft = Radix2DitParallel::<Felt>::default();
    let extend = |trace| {
        dft.coset_lde_batch(trace, 1, Felt::GENERATOR)
            .to_row_major_matrix()
    };
    let mut group = c.benchmark_group("commit");
    group
        .throughput(Throughput::Elements((COLUMNS << LOG_ROWS) as u64))
        .measurement_time(Duration::from_secs(3))
        .sample_size(10);
    group.bench_function("extension", |b| {
        b.iter_batched(trace, extend, BatchSize::LargeInput);
    });
    for (name, hash) in [
        ("RPO tree", HashKind::Rpo),
        ("BLAKE3 tree", HashKind::Blake3),
        ("Keccak tree", HashKind::Keccak),
    ] {
        let mmcs = Commitments::new(hash, 0);
        let extended = extend(trace());
        group.bench_function(name, |b| {
            b.iter_batched(
                || extended.clone(),
                |matrix| mmcs.commit_matrix(matrix).0,
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, commit);
criterion_main!(benches);
