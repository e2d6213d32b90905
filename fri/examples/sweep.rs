//! Measures profile parameters on a table of 40 columns and 12 interactions: prove and verify time, proof size, queries.
//!
//! ```text
//! cargo run --release -p plica-fri --example sweep -- [log2 rows, default 13] [profile names…]
//! ```

#[path = "../tests/toy/mod.rs"]
mod toy;

use std::sync::Arc;
use std::time::Instant;

use p3_field::PrimeCharacteristicRing;
use plica_fri::*;
use toy::*;

const WIDE: usize = 4;

fn wide_trace(log_rows: usize) -> Matrix {
    let mut values = Vec::with_capacity(WIDE_COLUMNS << log_rows);
    for row in 0..1u64 << log_rows {
        let start = values.len();
        values.extend([Felt::new(row * 7 + 1), Felt::new(row * row + 3)]);
        for i in start..start + WIDE_COLUMNS - 2 {
            let next = values[i + 1] * values[i] * values[i];
            values.push(next);
        }
    }
    Matrix::new(values, WIDE_COLUMNS)
}

struct Figures {
    prove: f64,
    verify: f64,
    bytes: usize,
    queries: usize,
}

fn measure(airs: &Arc<AirSet<Toy>>, profile: &Profile, log_rows: usize, wide: &Matrix) -> Figures {
    let target = SecurityTarget::default();
    let (pk, vk) = setup(airs, program(2), profile, target, vec![]).expect("keys");
    let mut run = run(2, &[1 << (log_rows - 3)], Some(16));
    run.traces.push(Trace {
        kind: WIDE,
        matrix: wide.clone(),
    });
    let start = Instant::now();
    let proof = prove(&pk, run.traces, &run.public, target).expect("a proof");
    let prove = start.elapsed().as_secs_f64();
    let mut verify = f64::INFINITY;
    let mut queries = 0;
    for _ in 0..3 {
        let start = Instant::now();
        queries = plica_fri::verify(airs, &vk, &run.public, &proof, target)
            .expect("accepted")
            .queries;
        verify = verify.min(start.elapsed().as_secs_f64());
    }
    Figures {
        prove,
        verify,
        bytes: proof.to_bytes().len(),
        queries,
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    let log_rows = arguments
        .next_if(|a| a.parse::<usize>().is_ok())
        .map_or(13, |a| a.parse().expect("a number"));
    let mut names: Vec<String> = arguments.collect();
    if names.is_empty() {
        names = ["fast", "blake3", "compact"].map(String::from).to_vec();
    }
    let mut kinds = kinds();
    kinds.push(kind(
        "wide",
        Toy::Wide,
        Presence::Dynamic { max_instances: 1 },
        false,
    ));
    let airs = Arc::new(AirSet::new(kinds).expect("a machine"));
    for columns in airs.columns() {
        println!("{columns:?}");
    }
    let wide = wide_trace(log_rows);
    assert_eq!(wide.values[0], Felt::ONE);
    println!(
        "2^{log_rows} rows, {} threads",
        std::thread::available_parallelism().map_or(1, usize::from)
    );
    for name in names {
        let base = Profile::by_name(&name).expect("a profile");
        println!("\n{name:8} blow-up arity cap  pow | queries prove/s verify/ms   bytes");
        let mut variants = vec![];
        // The lifted format fixes arity and cap.
        let arity = match base.format {
            Format::Batch => 2,
            Format::Lifted => base.max_log_arity,
        };
        for max_log_arity in 1..=3 {
            variants.push(Profile {
                max_log_arity,
                cap_height: 0,
                ..base.clone()
            });
        }
        for cap_height in [2, 4, 6] {
            variants.push(Profile {
                cap_height,
                max_log_arity: 2,
                ..base.clone()
            });
        }
        for query_pow_bits in [0, 8, 12, 16, 20] {
            variants.push(Profile {
                query_pow_bits,
                max_log_arity: arity,
                cap_height: 0,
                ..base.clone()
            });
        }
        for log_blowup in 1..=4 {
            variants.push(Profile {
                log_blowup,
                max_log_arity: arity,
                cap_height: 0,
                ..base.clone()
            });
        }
        for profile in variants.into_iter().filter(Profile::is_sane) {
            let f = measure(&airs, &profile, log_rows, &wide);
            println!(
                "{:>16} {:>5} {:>3} {:>4} | {:>7} {:>7.2} {:>9.1} {:>7}",
                1 << profile.log_blowup,
                1 << profile.max_log_arity,
                profile.cap_height,
                profile.query_pow_bits,
                f.queries,
                f.prove,
                f.verify * 1e3,
                f.bytes
            );
        }
    }
}
