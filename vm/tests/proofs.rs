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
use plica_field::Felt;
use plica_fri::{Model, Profile, SecurityTarget, Trace, VerifyingKey};
use plica_vm::compile::{Compiled, compile};
use plica_vm::inputs::Inputs;
use plica_vm::prover::{
    Proven, ProvingKey, exists_under, fill_up, heights_under, prove, setup, verify,
};
use plica_vm::syntax::{Instruction, NoModules, Node, NodeKind, Program, parse_program};
use random::{ENABLED, random_inputs, random_program_with};
use support::{Case, Expected, load_corpus};

const MAX_CYCLES: u64 = 1 << 22;

/// Few queries: what is tested is that honest proofs are accepted, and a false one is refused with any number of them.
const TARGET: SecurityTarget = SecurityTarget {
    model: Model::Conjectured,
    bits: 40,
};

/// A run, proven under one profile.
struct Proved<'a> {
    compiled: &'a Compiled,
    inputs: &'a Inputs,
    proving: ProvingKey,
    verifying: VerifyingKey,
    proven: Proven,
}

impl<'a> Proved<'a> {
    /// Proves and verifies a run, unless the run fails. The claim must be that of the run, and no other.
    fn new(
        compiled: &'a Compiled,
        inputs: &'a Inputs,
        profile: &Profile,
        context: &str,
    ) -> Option<Self> {
        let run = compiled.run(inputs, MAX_CYCLES).ok()?;
        let (proving, verifying) =
            setup(compiled, profile, TARGET).unwrap_or_else(|error| panic!("{context}: {error}"));
        let proven = prove(compiled, &proving, inputs, MAX_CYCLES, TARGET)
            .unwrap_or_else(|error| panic!("{context}: {error}"));
        assert_eq!(proven.claim.inputs, inputs.initial_stack(), "{context}");
        assert_eq!(proven.claim.outputs, run.outputs, "{context}");
        verify(&verifying, &proven.claim, &proven.proof, TARGET)
            .unwrap_or_else(|error| panic!("{context}: {error}"));
        let mut other = proven.claim;
        other.outputs[0] += Felt::new(1);
        assert!(
            verify(&verifying, &other, &proven.proof, TARGET).is_err(),
            "{context}: another output is accepted"
        );
        Some(Self {
            compiled,
            inputs,
            proving,
            verifying,
            proven,
        })
    }

    fn has(&self, kind: ChipKind) -> bool {
        let tables = self.proven.proof.instances().tables();
        tables.iter().any(|t| usize::from(t.kind) == kind as usize)
    }

    /// The same claim, with another value in the trace of a chip.
    fn refuses(&self, kind: ChipKind, forge: impl FnOnce(&mut Vec<Felt>)) {
        let execution = self.compiled.record(self.inputs, MAX_CYCLES).expect("runs");
        let profile = self.verifying.profile();
        let mut tables = trace::generate_with(
            &self.compiled.program,
            &self.compiled.layout,
            &execution,
            heights_under(profile, TARGET),
            exists_under(profile),
        );
        let mut found = tables.iter_mut().filter(|table| table.kind == kind);
        forge(&mut found.next().expect("the chip ran").trace.values);
        let traces = tables.into_iter().map(|table| Trace {
            kind: table.kind as usize,
            matrix: fill_up(table.kind, table.trace, profile),
        });
        let public = self.proven.claim.public_values();
        let forged = plica_fri::prove(&self.proving, traces.collect(), &public, TARGET);
        let forged = forged.expect("a proof of nonsense");
        let result = verify(&self.verifying, &self.proven.claim, &forged, TARGET);
        assert!(result.is_err(), "{}", profile.name);
    }
}

/// Profiles under which chips of a higher degree exist.
const COMPACT: &[&str] = &["evm", "lifted", "compact"];

/// Proves a run under every profile but `small`, which has the chips of `lifted` and thirty-two times its blow-up. Under some, one of each two
/// chips is the twin, under the same program; elsewhere that does not exist.
/// `check` sees which of the two it is.
fn in_every_profile(
    source: &str,
    inputs: &Inputs,
    twins: &[[ChipKind; 2]],
    with_twin: &[&str],
    check: impl Fn(&Proved<'_>, ChipKind),
) {
    let parsed = parse_program(source, "program", &NoModules).expect("parses");
    let compiled = compile(&parsed).expect("compiles");
    for profile in Profile::ALL.into_iter().filter(|p| *p != Profile::SMALL) {
        let name = profile.name;
        let twin = with_twin.contains(&name);
        let proved = Proved::new(&compiled, inputs, &profile, name).expect("runs");
        for pair in twins {
            let found = pair.map(|kind| proved.has(kind));
            assert_eq!(found, [!twin, twin], "{name}: {pair:?}");
            check(&proved, pair[usize::from(twin)]);
        }
    }
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
        if Proved::new(&compiled, &case.run_inputs(), &Profile::BLAKE3, &case.name).is_some() {
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
        let context = format!("seed {seed}\n{source}");
        let proved = Proved::new(&compiled, &inputs, &Profile::BLAKE3, &context);
        proven += usize::from(proved.is_some());
    }
}

#[test]
fn hashes_are_proven_in_every_profile() {
    let source = "begin hperm hmerge repeat.40 hash end end";
    let inputs = Inputs::from_stack((1..=16).map(Felt::new).collect::<Vec<_>>());
    let twins = [ChipKind::Rpo, ChipKind::RpoCompact];
    in_every_profile(source, &inputs, &[twins], COMPACT, |proved, kind| {
        proved.refuses(kind, |values| {
            let middle = values.len() / 2;
            values[middle] += Felt::new(1);
        });
    });
}

/// Facts of which a row holds several are narrower where columns count; a forged row of either chip is refused.
#[test]
fn facts_are_proven_in_every_profile() {
    let source = "
        begin
            dup neq.0
            while.true movdn.2 swap dup.1 add movup.2 sub.1 dup neq.0 end
            drop
            dup.1 dup.1 u32wrapping_add dup.1 u32wrapping_mul dup.1 u32div
            u32shl.3 dup.1 u32and u32clz pow2 add eq.4 add
            dup.5 dup.5 dup.5 dup.5 dup.5 dup.5 ext3mul ext3inv ext3add
            hperm add mul.5
        end";
    let inputs = Inputs::from_stack((1..=16).map(Felt::new).collect::<Vec<_>>());
    let twins: Vec<_> = ChipKind::ALL
        .into_iter()
        .filter_map(|kind| Some([kind, kind.twin().filter(|twin| twin.few_columns())?]))
        .collect();
    assert_eq!(twins.len(), 14);
    in_every_profile(source, &inputs, &twins, &["lifted"], |proved, kind| {
        proved.refuses(kind, |values| values[0] += Felt::new(1));
    });
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
    let store = plica_vm::processor::MerkleStore::default();
    let root = store.empty_root(64).expect("an empty tree");
    let position = [u64::MAX >> 1, 64].map(Felt::new);
    let stack: Vec<_> = position.into_iter().chain(root.into_iter().rev()).collect();
    let inputs = Inputs::from_stack(stack);
    let twins = [ChipKind::Node, ChipKind::NodeCompact];
    in_every_profile(source, &inputs, &[twins], COMPACT, |proved, _| {
        assert!(proved.has(ChipKind::Tree) && proved.has(ChipKind::Change));
        assert!(!proved.has(ChipKind::Rpo) && !proved.has(ChipKind::RpoCompact));
    });
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
    let message: Vec<_> = (0..40).map(|i| Felt::new(1 << i)).collect();
    let digest = plica_hash_rpo::hash_elements(&message);
    let x = [Felt::new(19)];
    let stack: Vec<_> = x.into_iter().chain(digest.into_iter().rev()).collect();
    let inputs = Inputs {
        advice_map: [(digest, message)].into(),
        ..Inputs::from_stack(stack)
    };
    let twins = [ChipKind::Absorb, ChipKind::AbsorbCompact];
    in_every_profile(source, &inputs, &[twins], COMPACT, |proved, kind| {
        assert!(proved.has(ChipKind::Sum));
        let execution = proved.compiled.record(&inputs, MAX_CYCLES).expect("runs");
        assert_eq!(execution.messages.len(), 1);
        // A private value that is another one.
        proved.refuses(kind, |values| {
            assert_eq!(values.len(), 16 * kind.width());
            values[kind.width() + 22] += Felt::new(1);
        });
    });
}
