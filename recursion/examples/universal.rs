//! What the verifier of all proofs costs: proves a program, the verifier of that proof, and so on.

use std::collections::BTreeMap;
use std::time::Instant;

use plica_air::chip::ChipKind;
use plica_air::trace::row_counts;
use plica_fri::lifted::Machine;
use plica_fri::{Profile, SecurityTarget};
use plica_hash_rpo::hash_elements;
use plica_recursion::Universal;
use plica_vm::compile::{Compiled, compile};
use plica_vm::inputs::Inputs;
use plica_vm::prover::{exists_under, machine, prove, setup};
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
    let layers: usize = arguments
        .next()
        .map_or(1, |n| n.parse().expect("a number of layers"));
    let source = std::fs::read_to_string(&file).expect("readable");
    let mut inputs = std::fs::read_to_string(file.replace(".masm", ".inputs")).map_or_else(
        |_| Inputs::default(),
        |text| Inputs::from_json(&text).expect("inputs"),
    );
    let start = Instant::now();
    let described = Machine::new(machine(), &Profile::LIFTED, target, 22).expect("one bus");
    let universal = Universal::new(described);
    let verifier = universal.source();
    println!(
        "{} lines, written in {:.2?}",
        verifier.lines().count(),
        start.elapsed()
    );
    if let Ok(path) = std::env::var("VERIFIER") {
        std::fs::write(path, &verifier).expect("writable");
    }
    let keys = |source: &str| {
        let start = Instant::now();
        let program = parse_program(source, "program", &NoModules)
            .unwrap_or_else(|e| panic!("{:?}", miette::Report::new(e)));
        let compiled =
            compile(&program).unwrap_or_else(|e| panic!("{:?}", miette::Report::new(*e)));
        let (proving, key) = setup(&compiled, &Profile::LIFTED, target).expect("keys");
        println!("compiled, keys in {:.2?}", start.elapsed());
        (compiled, proving, key)
    };
    let mut program = keys(&source);
    for layer in 0..=layers {
        let (compiled, proving, key) = &program;
        let start = Instant::now();
        let execution = compiled
            .record(&inputs, MAX_CYCLES)
            .unwrap_or_else(|e| panic!("{:?}", miette::Report::new(*e)));
        println!("run in {:.2?}", start.elapsed());
        let rows = row_counts(
            &compiled.program,
            &execution,
            exists_under(&Profile::LIFTED),
        );
        drop(execution);
        let start = Instant::now();
        let proven =
            prove(compiled, proving, &inputs, MAX_CYCLES, target).unwrap_or_else(|e| panic!("{e}"));
        println!(
            "layer {layer} proven in {:.2?}, {} bytes",
            start.elapsed(),
            proven.proof.to_bytes().len()
        );
        print(&proven.proof, &rows);
        if layer == layers {
            break;
        }
        let publics = proven.claim.public_values();
        let statement = [key.digest(), hash_elements(&publics)];
        let items = statement
            .into_iter()
            .flat_map(|word| word.into_iter().rev());
        inputs = Inputs::from_stack(items.collect::<Vec<_>>());
        universal
            .add_advice(&mut inputs, machine(), key, &publics, &proven.proof)
            .expect("valid");
        if layer == 0 {
            program = keys(&verifier);
            sections(&program.0, &verifier);
        }
    }
}

fn print(proof: &plica_fri::Proof, rows: &[(ChipKind, usize)]) {
    let columns = machine().columns_under(&Profile::LIFTED);
    let (mut total, mut top) = (0, 0);
    let (mut main, mut bus) = (0, 0);
    for table in proof.instances().tables() {
        let c = &columns[usize::from(table.kind)];
        let kind = ChipKind::ALL[usize::from(table.kind)];
        let listed = rows.iter().find(|(other, _)| *other == kind);
        let width = c.main + c.preprocessed + c.bus;
        let cells = width << table.log_height;
        println!(
            "  {:16} 2^{:<2} × {:4} = {:9}   {:6} rows",
            c.name,
            table.log_height,
            width,
            cells,
            listed.map_or(0, |l| l.1)
        );
        total += cells;
        main += c.main;
        bus += c.bus;
        top = top.max(table.log_height);
    }
    println!("  quotient         2^{top:<2} ×   24 = {:9}", 24 << top);
    println!(
        "  {} cells; {main} main and {bus} bus columns",
        total + (24 << top)
    );
}

/// Entries of the program by what stands behind each comment, and by class.
fn sections(compiled: &Compiled, source: &str) {
    let mut starts = Vec::new();
    let mut at = 0;
    for line in source.lines() {
        if let Some(title) = line.trim_start().strip_prefix("# ") {
            starts.push((at, title));
        }
        at += line.len() + 1;
    }
    let mut counts: BTreeMap<usize, BTreeMap<String, usize>> = BTreeMap::new();
    let mut classes: BTreeMap<String, usize> = BTreeMap::new();
    for (entry, info) in compiled.program.entries.iter().zip(&compiled.info) {
        let place = info.origins[0].map_or(0, |origin| origin.span.start as usize);
        let section = starts.partition_point(|&(start, _)| start <= place);
        let class = format!("{:?}", entry.class());
        *classes.entry(class.clone()).or_default() += 1;
        *counts.entry(section).or_default().entry(class).or_default() += 1;
    }
    println!("{} entries: {classes:?}", compiled.program.entries.len());
    for (section, classes) in counts {
        let title = section.checked_sub(1).map_or("", |at| starts[at].1);
        let sum: usize = classes.values().sum();
        println!("  {title:40} {sum:6}  {classes:?}");
    }
}
