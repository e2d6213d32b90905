//! Proofs and verifications end to end: every instruction that the compiler has, and random programs.
//!
//! `UPDATE_DOCS=1 cargo test -p plica-vm --test proofs` rewrites the table of `docs/instructions.md`.

#[path = "support/random/mod.rs"]
mod random;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use plica_air::chip::ChipKind;
use plica_air::trace;
use plica_fri::{Model, Profile, SecurityTarget, Trace};
use plica_vm::compile::{Compiled, compile};
use plica_vm::inputs::Inputs;
use plica_vm::prover::{prove, setup, verify};
use plica_vm::syntax::{Instruction, NoModules, Node, NodeKind, Program, parse_program};
use random::{ENABLED, random_inputs, random_program_with};
use support::{Case, Expected, load_corpus};

const MAX_CYCLES: u64 = 1 << 22;

/// Few queries: what is tested is that honest proofs are accepted, and a false one is refused with any number of them.
const TARGET: SecurityTarget = SecurityTarget {
    model: Model::Conjectured,
    bits: 40,
};

/// Proves and verifies a run, unless the run fails. The claim must be that of the run, and no other.
fn proves(compiled: &Compiled, inputs: &Inputs, context: &str) -> bool {
    proves_under(compiled, inputs, &Profile::BLAKE3, context)
}

fn proves_under(compiled: &Compiled, inputs: &Inputs, profile: &Profile, context: &str) -> bool {
    let Ok(run) = compiled.run(inputs, MAX_CYCLES) else {
        return false;
    };
    let (proving, verifying) =
        setup(compiled, profile, TARGET).unwrap_or_else(|error| panic!("{context}: {error}"));
    let proven = prove(compiled, &proving, inputs, MAX_CYCLES, TARGET)
        .unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_eq!(proven.claim.inputs, inputs.initial_stack(), "{context}");
    assert_eq!(proven.claim.outputs, run.outputs, "{context}");
    verify(&verifying, &proven.claim, &proven.proof, TARGET)
        .unwrap_or_else(|error| panic!("{context}: {error}"));
    let mut other = proven.claim;
    other.outputs[0] += plica_field::Felt::new(1);
    assert!(
        verify(&verifying, &other, &proven.proof, TARGET).is_err(),
        "{context}: another output is accepted"
    );
    true
}

/// What a program may execute, by name: instructions, and nodes that are not instructions.
fn names(program: &Program) -> BTreeSet<&'static str> {
    fn of<'a>(body: &'a [Node], names: &mut BTreeSet<&'static str>, pending: &mut Vec<&'a [Node]>) {
        for node in body {
            let name = match &node.kind {
                NodeKind::Op(instruction) => Instruction::ALL[instruction.opcode() as usize].name,
                NodeKind::If {
                    then, otherwise, ..
                } => {
                    pending.extend([&**then, &**otherwise]);
                    "if"
                }
                NodeKind::While { body } => {
                    pending.push(body);
                    "while"
                }
                NodeKind::Repeat { body, .. } => {
                    pending.push(body);
                    "repeat"
                }
                NodeKind::Exec(_) => "exec",
                NodeKind::Call(_) => "call",
                NodeKind::Syscall(_) => "syscall",
                NodeKind::Procref(_) => "procref",
                NodeKind::DynExec => "dynexec",
                NodeKind::DynCall => "dyncall",
                NodeKind::InvokeRoot { .. } => continue,
            };
            names.insert(name);
        }
    }
    let mut found = BTreeSet::new();
    let mut pending: Vec<&[Node]> = vec![&program.main];
    pending.extend(program.procedures.iter().map(|p| &*p.body));
    while let Some(body) = pending.pop() {
        of(body, &mut found, &mut pending);
    }
    found
}

/// Control flow and calls, which are not in the table of instructions.
const NODES: [&str; 9] = [
    "if", "while", "repeat", "exec", "call", "syscall", "procref", "dynexec", "dyncall",
];

/// Injectors that the language names and nobody has.
const ALWAYS_FAIL: [&str; 2] = ["adv.push_smtget", "adv.push_smtset"];

/// What the corpus says about one instruction.
#[derive(Default)]
struct Coverage {
    /// Cases with it, checked against the reference implementation.
    cases: usize,
    /// Cases with it that the compiler has and whose traces satisfy every constraint.
    compiled: usize,
    proven: bool,
}

/// Every instruction that the compiler has is proven at least once, in a case of the corpus that ends with outputs.
#[test]
fn every_instruction_is_proven() {
    let mut coverage: BTreeMap<&'static str, Coverage> = BTreeMap::new();
    let instructions = Instruction::ALL.iter().map(|info| info.name);
    for name in instructions.chain(NODES) {
        coverage.insert(name, Coverage::default());
    }
    let mut candidates: Vec<(Case, BTreeSet<&'static str>, Compiled)> = Vec::new();
    for case in load_corpus() {
        if matches!(case.expected, Expected::Rejected(_)) {
            continue;
        }
        let program = parse_program(&case.source, &case.name, &case.modules()).expect("parses");
        let names = names(&program);
        let compiled = compile(&program).ok();
        for name in &names {
            let entry = coverage.get_mut(name).expect("listed");
            entry.cases += 1;
            entry.compiled += usize::from(compiled.is_some());
        }
        if let (Some(compiled), Expected::Outputs(_)) = (compiled, &case.expected) {
            candidates.push((case, names, compiled));
        }
    }
    // The program that proves most of what is missing comes next.
    loop {
        let missing = |names: &BTreeSet<&'static str>| {
            names.iter().filter(|name| !coverage[*name].proven).count()
        };
        let Some(best) = (0..candidates.len()).max_by_key(|&i| missing(&candidates[i].1)) else {
            break;
        };
        if missing(&candidates[best].1) == 0 {
            break;
        }
        let (case, names, compiled) = candidates.swap_remove(best);
        if proves(&compiled, &case.run_inputs(), &case.name) {
            for name in names {
                coverage.get_mut(name).expect("listed").proven = true;
            }
        }
    }
    let unproven: Vec<_> = coverage
        .iter()
        .filter(|(_, entry)| entry.compiled > 0 && !entry.proven)
        .filter(|(name, _)| !ALWAYS_FAIL.contains(name))
        .map(|(name, _)| *name)
        .collect();
    // An instruction without a case that succeeds: `assert` with a failing operand, say.
    assert!(
        unproven.is_empty(),
        "compiled but never proven: {unproven:?}"
    );
    the_book_shows(&table(&coverage));
}

fn table(coverage: &BTreeMap<&'static str, Coverage>) -> String {
    let mut text = String::from(
        "| instruction | stack | cases checked against the release | compiled | proven |\n|---|---|---|---|---|\n",
    );
    let nodes = NODES.iter().map(|&name| (name, ""));
    let rows = Instruction::ALL.iter().map(|info| (info.name, info.effect));
    for (name, effect) in rows.chain(nodes) {
        let entry = &coverage[name];
        let effect = effect.replace('|', "\\|");
        let proven = if entry.proven { "yes" } else { "not yet" };
        writeln!(
            text,
            "| `{name}` | {}| {} | {} | {proven} |",
            if effect.is_empty() {
                String::new()
            } else {
                format!("`{effect}` ")
            },
            entry.cases,
            entry.compiled,
        )
        .expect("a string grows");
    }
    let proven = coverage.values().filter(|entry| entry.proven).count();
    writeln!(text, "\n{proven} of {} are proven.", coverage.len()).expect("a string grows");
    text
}

fn the_book_shows(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/instructions.md");
    let text = std::fs::read_to_string(&path).expect("the book is there");
    let (begin, end) = ("<!-- instructions:begin -->\n", "<!-- instructions:end -->");
    let start = text.find(begin).expect("the marker is there") + begin.len();
    let stop = text.find(end).expect("the marker is there");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let updated = format!("{}{table}{}", &text[..start], &text[stop..]);
        std::fs::write(&path, updated).expect("the book can be written");
        return;
    }
    assert_eq!(
        &text[start..stop],
        table,
        "UPDATE_DOCS=1 rewrites the table"
    );
}

#[test]
fn random_programs_prove_and_verify() {
    const PROOFS: usize = 200;
    let mut proven = 0;
    let mut seeds = 0..10 * PROOFS as u64;
    while proven < PROOFS {
        let seed = seeds.next().expect("one program in ten runs");
        let source = random_program_with(seed, ENABLED);
        let inputs = random_inputs(seed);
        let program = parse_program(&source, "random", &NoModules).expect("parses");
        let Ok(compiled) = compile(&program) else {
            continue;
        };
        proven += usize::from(proves(
            &compiled,
            &inputs,
            &format!("seed {seed}\n{source}"),
        ));
    }
}

/// At blow-up 8 hashes are rows of the compact chip, under the same program; below it does not exist.
#[test]
fn hashes_are_compact_where_the_blow_up_allows() {
    let source = "begin hperm hmerge repeat.40 hash end end";
    let parsed = parse_program(source, "hashes", &NoModules).expect("parses");
    let compiled = compile(&parsed).expect("compiles");
    let inputs: Vec<_> = (1..=16).map(plica_field::Felt::new).collect();
    let inputs = Inputs::from_stack(inputs);
    let inputs = inputs.initial_stack();
    for (profile, compact) in [
        (Profile::FAST, false),
        (Profile::BLAKE3, false),
        (Profile::COMPACT, true),
        (Profile::EVM, true),
    ] {
        let (proving, verifying) = setup(&compiled, &profile, TARGET).expect("keys");
        let proven = prove(&compiled, &proving, &inputs, MAX_CYCLES, TARGET).expect("a proof");
        let has = |kind: ChipKind| {
            let instances = &proven.proof.instances().0;
            instances
                .iter()
                .any(|i| usize::from(i.kind) == kind as usize)
        };
        let found = [has(ChipKind::Rpo), has(ChipKind::RpoCompact)];
        assert_eq!(found, [!compact, compact], "{}", profile.name);
        let result = verify(&verifying, &proven.claim, &proven.proof, TARGET);
        result.unwrap_or_else(|error| panic!("{}: {error}", profile.name));
        // A wrong lane in any column of the chip's table: the same traces, forged.
        let execution = compiled.record(&inputs, MAX_CYCLES).expect("runs");
        let mut tables = trace::generate_with(
            &compiled.program,
            &compiled.layout,
            &execution,
            trace::Heights::FEW_CELLS,
            |_| compact,
        );
        let kinds = [ChipKind::Rpo, ChipKind::RpoCompact];
        let table = tables.iter_mut().find(|table| kinds.contains(&table.kind));
        let values = &mut table.expect("hashes").trace.values;
        let middle = values.len() / 2;
        values[middle] += plica_field::Felt::new(1);
        let traces = tables.into_iter().map(|table| Trace {
            kind: table.kind as usize,
            matrix: table.trace,
        });
        let public = proven.claim.public_values();
        let forged = plica_fri::prove(&proving, traces.collect(), &public, TARGET);
        let forged = forged.expect("a proof of nonsense");
        let result = verify(&verifying, &proven.claim, &forged, TARGET);
        assert!(result.is_err(), "{}", profile.name);
    }
}

/// Every form of the instructions on Merkle trees, with one of the two chips for nodes.
#[test]
fn trees_are_proven_in_every_profile() {
    // [i, d, R, ..] with d = 64: reads, replaces and verifies, at depths known and not known.
    let source = "
        begin
            dup.5 dup.5 dup.5 dup.5 dup.5 dup.5                         # [i, d, R, i, d, R]
            swap mtree_get                                              # [V, R, i, d, R]
            add.1 swapw dup.8 dup.10 mtree_set                          # [V, R', i, d, R]
            swapw dup.8 push.64 mtree_get                               # [V', R', V, i, d, R]
            dup.12 movdn.4 push.64 movdn.4 mtree_verify.err=3
            movup.4 drop movup.4 drop
            swapw push.5.6.7.8 swapw push.3.64 mtree_set
            repeat.16 movup.15 drop end
        end";
    let parsed = parse_program(source, "trees", &NoModules).expect("parses");
    let compiled = compile(&parsed).expect("compiles");
    let store = plica_vm::processor::MerkleStore::default();
    let root = store.empty_root(64).expect("an empty tree");
    let position = [u64::MAX >> 1, 64].map(plica_field::Felt::new);
    let stack: Vec<_> = position.into_iter().chain(root.into_iter().rev()).collect();
    let inputs = Inputs::from_stack(stack);
    for profile in [
        Profile::FAST,
        Profile::BLAKE3,
        Profile::COMPACT,
        Profile::EVM,
    ] {
        assert!(
            proves_under(&compiled, &inputs, &profile, profile.name),
            "{}",
            profile.name
        );
        let (proving, _) = setup(&compiled, &profile, TARGET).expect("keys");
        let proven = prove(&compiled, &proving, &inputs, MAX_CYCLES, TARGET).expect("a proof");
        let has = |kind: ChipKind| {
            let instances = &proven.proof.instances().0;
            instances
                .iter()
                .any(|i| usize::from(i.kind) == kind as usize)
        };
        let compact = [Profile::COMPACT, Profile::EVM]
            .iter()
            .any(|p| p.name == profile.name);
        let found = [ChipKind::Node, ChipKind::NodeCompact].map(has);
        assert_eq!(found, [!compact, compact], "{}", profile.name);
        assert!(has(ChipKind::Tree) && has(ChipKind::Change));
        assert!(!has(ChipKind::Rpo) && !has(ChipKind::RpoCompact));
    }
}

/// Sums over messages, with one of the two chips for blocks, and a forged row of it.
#[test]
fn sums_are_proven_in_every_profile() {
    // [x, D, ..]: the same message twice at one point and once at another.
    let source = "
        proc.sums
            push.3.5.7.11.13.17 movup.6 sum_preimage.5
        end
        begin
            dup.4 dup.4 dup.4 dup.4 dup.4 exec.sums             # [u, s, x, D]
            dup.10 dup.10 dup.10 dup.10 dup.10 exec.sums        # [u, s, u, s, x, D]
            ext3mul ext3add ext3add
            dup.7 dup.7 dup.7 dup.7 push.2.0.0 push.0.1.0 push.9 push.5 sum_preimage
            ext3mul ext3add
            repeat.3 movup.15 drop end
        end";
    let parsed = parse_program(source, "sums", &NoModules).expect("parses");
    let compiled = compile(&parsed).expect("compiles");
    let message: Vec<_> = (0..40).map(|i| plica_field::Felt::new(1 << i)).collect();
    let digest = plica_hash_rpo::hash_elements(&message);
    let x = [plica_field::Felt::new(19)];
    let inputs = Inputs {
        advice_map: [(digest, message)].into(),
        ..Inputs::from_stack(
            x.into_iter()
                .chain(digest.into_iter().rev())
                .collect::<Vec<_>>(),
        )
    };
    for profile in [
        Profile::FAST,
        Profile::BLAKE3,
        Profile::COMPACT,
        Profile::EVM,
    ] {
        let name = profile.name;
        assert!(proves_under(&compiled, &inputs, &profile, name), "{name}");
        let (proving, verifying) = setup(&compiled, &profile, TARGET).expect("keys");
        let proven = prove(&compiled, &proving, &inputs, MAX_CYCLES, TARGET).expect("a proof");
        let instances = &proven.proof.instances().0;
        let has = |kind| {
            instances
                .iter()
                .any(|i| usize::from(i.kind) == kind as usize)
        };
        let compact = [Profile::COMPACT.name, Profile::EVM.name].contains(&name);
        let kinds = [ChipKind::Absorb, ChipKind::AbsorbCompact];
        assert_eq!(kinds.map(has), [!compact, compact], "{name}");
        assert!(has(ChipKind::Sum));
        // A private value that is another one.
        let execution = compiled.record(&inputs, MAX_CYCLES).expect("runs");
        assert_eq!(execution.messages.len(), 1);
        let mut tables = trace::generate_with(
            &compiled.program,
            &compiled.layout,
            &execution,
            trace::Heights::FEW_CELLS,
            |_| compact,
        );
        let table = tables.iter_mut().find(|table| kinds.contains(&table.kind));
        let table = table.expect("blocks");
        assert_eq!(table.trace.values.len(), 16 * table.kind.width());
        let at = table.kind.width() + 22;
        table.trace.values[at] += plica_field::Felt::new(1);
        let traces = tables.into_iter().map(|table| Trace {
            kind: table.kind as usize,
            matrix: table.trace,
        });
        let public = proven.claim.public_values();
        let forged = plica_fri::prove(&proving, traces.collect(), &public, TARGET);
        let forged = forged.expect("a proof of nonsense");
        let result = verify(&verifying, &proven.claim, &forged, TARGET);
        assert!(result.is_err(), "{name}");
    }
}
