//! Scratch timing.
use plica_fri::{Profile, SecurityTarget};
use plica_vm::{compile, inputs::Inputs, prover, syntax};
use std::time::Instant;
fn main() {
    let mut args = std::env::args().skip(1);
    let path = args.next().unwrap();
    let profile = Profile::by_name(&args.next().unwrap()).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let inputs = std::fs::read_to_string(path.replace(".masm", ".inputs")).unwrap();
    let inputs = Inputs::from_json(&inputs).unwrap().initial_stack();
    let t = Instant::now();
    let program = syntax::parse_program(&text, &path, &syntax::NoModules).unwrap();
    let compiled = compile::compile(&program).unwrap();
    println!("compile {:?} entries {}", t.elapsed(), compiled.program.entries.len());
    let t = Instant::now();
    let run = compiled.run(&inputs, u64::MAX).unwrap();
    println!("run {:?} cycles {}", t.elapsed(), run.cycles);
    let t = Instant::now();
    let (pk, vk) = prover::setup(&compiled, &profile, SecurityTarget::PROVEN_100).unwrap();
    println!("setup {:?}", t.elapsed());
    let t = Instant::now();
    let ex = compiled.record(&inputs, u64::MAX).unwrap();
    println!("record {:?}", t.elapsed());
    let t2 = Instant::now();
    let tables = plica_air::trace::generate(&compiled.program, &compiled.layout, &ex);
    println!("trace {:?}", t2.elapsed());
    for x in &tables { println!("  {} {}", x.kind.name(), x.trace.values.len() / x.trace.width); }
    drop(tables);
    let proven = prover::prove_execution(&compiled, &pk, ex, SecurityTarget::PROVEN_100).unwrap();
    println!("prove {:?} bytes {}", t.elapsed(), proven.proof.to_bytes().len());
    for _ in 0..3 {
    let t = Instant::now();
    let r = prover::verify(&vk, &proven.claim, &proven.proof, SecurityTarget::PROVEN_100).unwrap();
    println!("verify {:?} queries {}", t.elapsed(), r.queries);
    }
}
