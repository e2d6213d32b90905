//! A whole proof (execution, traces, proof) and its verification, per profile, at 100 proven bits.
//!
//! `cargo bench -p plica-bench --bench prove`. All cores. The program is `fib16384`: 16,384 proven additions.

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use plica::{Profile, SecurityTarget, verify};

fn prove(c: &mut Criterion) {
    let (program, inputs) = plica_bench::load("fib16384");
    let target = SecurityTarget::default();
    for profile in Profile::ALL {
        let (proving_key, key) = program.setup(&profile, target).expect("keys");
        let mut group = c.benchmark_group("fib16384");
        group
            .measurement_time(Duration::from_secs(5))
            .sample_size(10);
        group.bench_function(format!("prove/{}", profile.name), |b| {
            b.iter(|| program.prove(&proving_key, &inputs).expect("a proof"));
        });
        let proven = program.prove(&proving_key, &inputs).expect("a proof");
        group.bench_function(format!("verify/{}", profile.name), |b| {
            b.iter(|| verify(&key, &proven.claim, &proven.proof, target).expect("accepted"));
        });
        group.finish();
    }
}

criterion_group!(benches, prove);
criterion_main!(benches);
