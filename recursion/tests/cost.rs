//! What verification costs: `docs/recursion-cost.md` is what the code does.
//!
//! `UPDATE_DOCS=1 cargo test -p plica-recursion --test cost` rewrites it.

use std::fmt::Write as _;
use std::path::Path;

use plica_air::chip::ChipKind;
use plica_air::record::Execution;
use plica_air::trace::{entry_counts, row_counts};
use plica_field::Felt;
use plica_fri::{Profile, SecurityTarget, VerifyingKey};
use plica_recursion::aggregate::{Aggregator, Child};
use plica_vm::compile::compile;
use plica_vm::inputs::Inputs;
use plica_vm::prover::{Proven, exists_under, heights_under, least_rows, machine, prove, setup};
use plica_vm::syntax::{NoModules, parse_program};

const MAX_CYCLES: u64 = 1 << 28;

/// The leaf: one table of 2^12 rows and few others.
const LEAF: &str = "begin repeat.16384 swap dup.1 add end end";

/// A leaf of many tables.
const EVERY_CHIP: &str = include_str!("every_chip.masm");

/// What the rows of a chip are there for; the rest is control and what connects the others.
const fn phase(kind: ChipKind) -> &'static str {
    match kind {
        ChipKind::RpoCompact => "transcript: messages and draws",
        ChipKind::Ext3Narrow => "constraints at ζ; batching at queries",
        ChipKind::AbsorbCompact => "leaves: columns opened, layers, claims summed up",
        ChipKind::NodeCompact => "paths of all trees",
        ChipKind::Tree | ChipKind::Sum => "looks at leaves",
        ChipKind::PackNarrow | ChipKind::UnpackNarrow => "coefficients of K and words",
        ChipKind::Advice => "claims, hints",
        ChipKind::MemoryWord | ChipKind::Addresses | ChipKind::Limbs => {
            "arrays over tables, heights, layers; bounds"
        }
        ChipKind::Program => "three entries each",
        _ => "",
    }
}

/// Steps of the verification, and what the comment in front of their code begins with.
const STEPS: [(&str, &[&str]); 5] = [
    (
        "transcript: key, list of tables, commitments",
        &["Public values", "Tables.", "Main columns"],
    ),
    (
        "claims and constraints at ζ",
        &["Claims", "Tables of kind", "Quotient"],
    ),
    ("batching of the openings", &["Batching"]),
    (
        "low-degree test: layers, final polynomial, work",
        &["Layers"],
    ),
    ("queries", &["Queries"]),
];

/// Instructions and cells by step: what was executed, not filled up.
fn steps(text: &mut String, aggregator: &Aggregator, execution: &Execution) {
    let compiled = aggregator.compiled();
    let source = aggregator.source();
    // Where the code of a step begins; what is outside all of them belongs to the node.
    let mut starts = Vec::new();
    let mut at = 0;
    for line in source.lines() {
        let title = line.trim_start();
        if let Some(title) = title.strip_prefix("# ") {
            let step = STEPS
                .iter()
                .position(|(_, titles)| titles.iter().any(|own| title.starts_with(own)));
            starts.push((at, step.unwrap_or(STEPS.len())));
        } else if title == "begin" {
            starts.push((at, STEPS.len()));
        }
        at += line.len() + 1;
    }
    let columns = machine().columns_under(&Profile::LIFTED);
    let width = |kind: ChipKind| {
        let own = &columns[kind as usize];
        own.main + own.bus + own.preprocessed
    };
    let mut found = [[0; 2]; STEPS.len() + 1];
    let counts = entry_counts(&compiled.program, execution);
    let entries = compiled.program.entries.iter().zip(&compiled.info);
    for ((entry, info), count) in entries.zip(counts) {
        let place = info.origins[0].map_or(0, |origin| origin.span.start as usize);
        let before = starts.partition_point(|&(start, _)| start <= place);
        let step = before.checked_sub(1).map_or(STEPS.len(), |at| starts[at].1);
        let kind = ChipKind::of(entry.class()).or_twin(exists_under(&Profile::LIFTED));
        let (count, cells) = (count as usize, width(kind) / kind.per_row());
        found[step][0] += count;
        found[step][1] += count * cells;
    }
    let names = STEPS
        .iter()
        .map(|(name, _)| *name)
        .chain(["the node itself"]);
    text.push_str("| step | instructions | cells |\n|---|---|---|\n");
    for (name, [instructions, cells]) in names.zip(found) {
        writeln!(text, "| {name} | {instructions} | {cells} |").expect("memory");
    }
    let rows = row_counts(&compiled.program, execution, exists_under(&Profile::LIFTED));
    for (kind, name) in [
        (ChipKind::AbsorbCompact, "leaves of all trees and claims"),
        (ChipKind::NodeCompact, "Merkle paths of all trees"),
        (ChipKind::Addresses, "addresses of memory"),
    ] {
        let rows = rows.iter().find(|(other, _)| *other == kind);
        let rows = rows.map_or(0, |(_, rows)| *rows);
        writeln!(text, "| {name} | {rows} rows | {} |", rows * width(kind)).expect("memory");
    }
    text.push('\n');
}

/// The rows of a node over these children, by chip, with the cells that they are filled up to.
fn node(
    text: &mut String,
    aggregator: &Aggregator,
    target: SecurityTarget,
    children: &[Child<'_>],
) {
    let inputs = aggregator.inputs(children).expect("valid");
    let compiled = aggregator.compiled();
    let execution = compiled.record(&inputs, MAX_CYCLES).expect("it runs");
    let columns = machine().columns_under(&Profile::LIFTED);
    text.push_str(
        "| chip | rows | filled up to | columns | cells | for |\n|---|---|---|---|---|---|\n",
    );
    let (mut cells, mut highest, mut opened) = (0, 0, 0);
    for (kind, rows) in row_counts(
        &compiled.program,
        &execution,
        exists_under(&Profile::LIFTED),
    ) {
        let columns = &columns[kind as usize];
        let width = columns.main + columns.bus + columns.preprocessed;
        let heights = if kind.preprocessed() {
            let least = least_rows(kind, &Profile::LIFTED);
            vec![rows.next_power_of_two().max(least)]
        } else {
            heights_under(&Profile::LIFTED, target).of(kind, rows)
        };
        let filled: usize = heights.iter().sum();
        highest = heights.iter().copied().fold(highest, usize::max);
        cells += filled * width;
        opened += heights.len() * width;
        writeln!(
            text,
            "| {} | {rows} | {filled} | {width} | {} | {} |",
            kind.name(),
            filled * width,
            phase(kind)
        )
        .expect("memory");
    }
    // 2^3 chunks of three coordinates.
    let quotient = 24 * highest;
    writeln!(text, "| quotient | | {highest} | 24 | {quotient} | |").expect("memory");
    writeln!(
        text,
        "\n{} cells, {} with the blow-up; {} columns of its own proof\n",
        cells + quotient,
        (cells + quotient) << Profile::LIFTED.log_blowup,
        opened + 24
    )
    .expect("memory");
    steps(text, aggregator, &execution);
}

fn child<'a>(key: &'a VerifyingKey, proven: &'a Proven) -> Child<'a> {
    Child {
        key,
        claim: &proven.claim,
        proof: &proven.proof,
    }
}

/// Proofs of a program on stacks with these tops, and their key.
fn proofs<const N: usize>(
    source: &str,
    tops: [u64; N],
    target: SecurityTarget,
) -> (VerifyingKey, [Proven; N]) {
    let program = parse_program(source, "leaf", &NoModules).expect("parses");
    let compiled = compile(&program).expect("compiles");
    let (proving, key) = setup(&compiled, &Profile::LIFTED, target).expect("keys");
    let proofs = tops.map(|top| {
        let inputs = Inputs::from_stack(vec![Felt::new(top)]);
        prove(&compiled, &proving, &inputs, MAX_CYCLES, target).expect("a proof")
    });
    (key, proofs)
}

fn report() -> String {
    let mut text = String::from(
        "# What it costs to verify a proof\n\n\
         Rows and cells of nodes, written by a test (`recursion/tests/cost.rs`). Columns are main, bus and preprocessed ones. The leaf is\n\
         `begin repeat.16384 swap dup.1 add end end` in profile `lifted`; the one with every chip is `recursion/tests/every_chip.masm`. Below each node: instructions and cells by step of the verification, not filled up.\n",
    );
    for target in [SecurityTarget::PROVEN_100, SecurityTarget::CONJECTURED_100] {
        let aggregator = Aggregator::new(target).expect("attainable");
        // Two runs: of equal proofs the machine would verify the common paths once.
        let (key, leaves) = proofs(LEAF, [1, 2], target);
        let leaves = [&leaves[0], &leaves[1]].map(|leaf| child(&key, leaf));
        writeln!(text, "\n## {target}: a node over the leaf\n").expect("memory");
        node(&mut text, &aggregator, target, &leaves[..1]);
        let (many, every) = proofs(EVERY_CHIP, [0], target);
        writeln!(text, "## {target}: a node over a leaf with every chip\n").expect("memory");
        node(&mut text, &aggregator, target, &[child(&many, &every[0])]);
        let nodes = leaves.map(|leaf| aggregator.prove(&[leaf]).expect("a node"));
        let nodes = [&nodes[0], &nodes[1]].map(|node| child(aggregator.key(), node));
        writeln!(text, "## {target}: a node over that node\n").expect("memory");
        node(&mut text, &aggregator, target, &nodes[..1]);
        writeln!(text, "## {target}: a node over two such nodes\n").expect("memory");
        node(&mut text, &aggregator, target, &nodes);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[test]
fn the_costs_are_those_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/recursion-cost.md");
    let report = report();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &report).expect("writable");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let first = written.lines().zip(report.lines()).find(|(a, b)| a != b);
    assert!(
        written == report,
        "UPDATE_DOCS=1 rewrites the costs; the first difference: {first:?}"
    );
}
