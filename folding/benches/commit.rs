//! The rate of commitments, in additions of words per second: `cargo bench -p plica-folding`, `RAYON_NUM_THREADS=1` for one core.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use plica_folding::{CommitmentKey, DEGREE, Parameters, Witness};

/// Digits of which this share is not zero.
fn witness(length: usize, seed: u64, sixteenths: u64) -> Witness {
    let mut state = seed;
    let mut digit = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let high = state >> 40;
        match high % 16 < sixteenths {
            true => (high >> 8 & 1) as i8 * 2 - 1,
            false => 0,
        }
    };
    let digits: Vec<_> = (0..length)
        .map(|_| core::array::from_fn(|_| digit()))
        .collect();
    Witness::from_digits(&digits).expect("digits")
}

fn commit(c: &mut Criterion) {
    let parameters = Parameters::STANDARD;
    let key = CommitmentKey::new(&parameters);
    let mut group = c.benchmark_group("commit");
    group.sample_size(10);
    for sixteenths in [2, 8, 11] {
        let one = witness(parameters.length(), 1, sixteenths);
        let additions =
            |weight: usize| Throughput::Elements((weight * parameters.rows * DEGREE) as u64);
        group.throughput(additions(one.weight()));
        group.bench_function(format!("one, density {sixteenths}/16"), |b| {
            b.iter(|| key.commit(&one))
        });
        let many: Vec<_> = (0..16)
            .map(|seed| witness(parameters.length(), seed, sixteenths))
            .collect();
        group.throughput(additions(many.iter().map(Witness::weight).sum()));
        group.bench_function(format!("sixteen, density {sixteenths}/16"), |b| {
            b.iter(|| key.commit_all(&many));
        });
    }
    group.finish();
}

criterion_group!(benches, commit);
criterion_main!(benches);
