//! Folds runs of a program and prints where the time goes.
//!
//! ```sh
//! cargo run --release -p plica-folding --example fold -- [RUNS [PROGRAM]]
//! ```
//!
//! The program takes two numbers, which differ from run to run; without one it is `folding/examples/fold.masm`.

use std::time::Instant;

use plica_field::Felt;
use plica_folding::fold::{prove, verify};
use plica_folding::{CommitmentKey, Parameters, machine};
use plica_vm::compile::compile;
use plica_vm::inputs::Inputs;
use plica_vm::syntax::{NoModules, parse_program};
use tracing_forest::ForestLayer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

fn main() {
    tracing_subscriber::registry()
        .with(ForestLayer::default())
        .init();
    let mut arguments = std::env::args().skip(1);
    let runs: u64 = arguments
        .next()
        .map_or(61, |n| n.parse().expect("a number"));
    let source = match arguments.next() {
        Some(path) => std::fs::read_to_string(path).expect("a readable program"),
        None => include_str!("fold.masm").to_owned(),
    };
    let parameters = Parameters::STANDARD;
    let program = parse_program(&source, "program", &NoModules).expect("parses");
    let program = compile(&program).expect("compiles");
    let executions = (0..runs).map(|run| {
        let inputs = [run + 12, 77 * run + 5].map(Felt::new);
        let execution = program.record(&Inputs::from_stack(inputs.to_vec()), 1 << 24);
        execution.expect("runs")
    });
    let executions: Vec<_> = executions.collect();
    let start = Instant::now();
    let (tables, instances) = machine::instances(&program, &executions).expect("alike");
    let shape = machine::shape(&program, &tables, parameters.log_length).expect("they fit");
    println!("traces: {:.2?}", start.elapsed());
    for line in shape.describe() {
        println!("  {line}");
    }
    let start = Instant::now();
    let key = CommitmentKey::new(&parameters);
    println!("key: {:.2?}", start.elapsed());
    let start = Instant::now();
    let (proof, _, witness) = prove(&parameters, &key, &shape, &instances).expect("a fold");
    let folded = start.elapsed();
    let each = folded / runs as u32;
    println!("{runs} runs folded in {folded:.2?}, {each:.2?} each");
    let public: Vec<_> = instances.into_iter().map(|i| i.public_values).collect();
    let start = Instant::now();
    let undecided = verify(&parameters, &shape, &public, &proof).expect("accepted");
    println!("verified in {:.2?}", start.elapsed());
    let start = Instant::now();
    undecided.decide(&key, &witness).expect("a witness");
    println!("decided in {:.2?}", start.elapsed());
}
