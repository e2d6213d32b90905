//! What it costs to verify a proof in the machine: rows and cells by chip. Takes a program, and a level of security (`proven` by default, or
//! `conjectured`).

use std::time::Instant;

use plica_fri::lifted::Description;
use plica_fri::{Profile, SecurityTarget};
use plica_recursion::Verifier;
use plica_vm::compile::compile;
use plica_vm::inputs::Inputs;
use plica_vm::prover::{machine, prove, setup};
use plica_vm::syntax::{NoModules, parse_program};

const MAX_CYCLES: u64 = 1 << 30;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().expect("a program");
    let level = arguments.next().unwrap_or_default();
    let target = if level == "conjectured" {
        SecurityTarget::CONJECTURED_100
    } else {
        SecurityTarget::PROVEN_100
    };
    let source = std::fs::read_to_string(&file).expect("readable");
    let inputs = std::fs::read_to_string(file.replace(".masm", ".inputs")).map_or_else(
        |_| Inputs::default(),
        |text| Inputs::from_json(&text).expect("inputs"),
    );
    let layers: usize = arguments
        .next()
        .map_or(1, |n| n.parse().expect("a number of layers"));
    let mut source = source;
    let mut inputs = inputs;
    for layer in 0..=layers {
        let start = Instant::now();
        let program =
            parse_program(&source, "program", &NoModules).unwrap_or_else(|e| panic!("{e}"));
        let compiled = compile(&program).unwrap_or_else(|e| panic!("{e}"));
        println!(
            "layer {layer}: {} lines, compiled in {:.2?}",
            source.lines().count(),
            start.elapsed()
        );
        let (proving, key) = setup(&compiled, &Profile::LIFTED, target).expect("keys");
        let start = Instant::now();
        let proven = prove(&compiled, &proving, &inputs, MAX_CYCLES, target)
            .unwrap_or_else(|e| panic!("{e}"));
        println!(
            "proven in {:.2?}, {} bytes",
            start.elapsed(),
            proven.proof.to_bytes().len()
        );
        print(&proven.proof);
        let publics = proven.claim.public_values();
        let start = Instant::now();
        plica_fri::verify(machine(), &key, &publics, &proven.proof, target).expect("valid");
        println!("verified in {:.2?}", start.elapsed());
        let description =
            Description::new(machine(), &key, proven.proof.instances()).expect("attainable");
        println!("{} queries", description.queries);
        let verifier = Verifier::new(description);
        source = verifier.source();
        print_parts(&source);
        inputs = verifier
            .inputs(machine(), &key, &publics, &proven.proof)
            .expect("valid");
    }
}

fn print(proof: &plica_fri::Proof) {
    let columns = machine().columns_under(&Profile::LIFTED);
    let (mut total, mut top) = (0, 0);
    let (mut main, mut bus) = (0, 0);
    for table in proof.instances().tables() {
        let c = &columns[usize::from(table.kind)];
        let width = c.main + c.preprocessed + c.bus;
        let cells = width << table.log_height;
        println!(
            "  {:16} 2^{:<2} × {:4} = {:9}",
            c.name, table.log_height, width, cells
        );
        total += cells;
        top = top.max(table.log_height);
        main += c.main;
        bus += c.bus;
    }
    let quotient = 24 << top;
    println!("  quotient         2^{top:<2} ×   24 = {quotient:9}");
    println!(
        "  {} cells; {main} main and {bus} bus columns",
        total + quotient
    );
}

/// Operations of the extension and hashes, by the part of the program.
fn print_parts(source: &str) {
    let mut parts: Vec<(&str, [usize; 2])> = vec![("", [0; 2])];
    for line in source.lines() {
        let line = line.trim();
        if let Some(comment) = line.strip_prefix("# ") {
            parts.push((comment, [0; 2]));
        }
        let counts = &mut parts.last_mut().expect("not empty").1;
        counts[0] += usize::from(line.starts_with("ext3"));
        counts[1] += usize::from(line == "hmerge" || line == "hperm");
    }
    for (part, [operations, hashes]) in parts.iter().filter(|(_, counts)| *counts != [0; 2]) {
        println!("    {part:60} {operations:6} operations, {hashes:5} hashes");
    }
}
