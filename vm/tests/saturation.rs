//! No cell has two values: everything a prover could derive from the assembler's output, on random programs.
//!
//! The checks of the validator are static; this is their dynamic counterpart, independent of them. Frames that were never
//! opened need no attempt of their own: no instruction is without an operand, so they stay empty unless something
//! reaches into them, which the model follows because it takes any value for a frame.

#[path = "support/random/mod.rs"]
mod random;
#[path = "support/saturate.rs"]
mod saturate;

use std::collections::HashSet;

use p3_field::PrimeCharacteristicRing;
use plica_air::code::{
    ArithBundle, ArithOp, CALL, CopyKind, Entry, OUTPUT, Program, Terminator, exit_link, validate,
};
use plica_air::record::Execution;
use plica_field::Felt;
use plica_vm::compile::{Compiled, compile};
use plica_vm::syntax::{NoModules, parse_program};
use random::{ENABLED, Rng, random_inputs, random_program, random_program_with};
use saturate::{Saturation, differences, ordered_cells, saturate};

const PROGRAMS: u64 = 300;
const MAX_CYCLES: u64 = 20_000;

fn compiled(source: &str) -> Compiled {
    let program = parse_program(source, "random", &NoModules)
        .unwrap_or_else(|error| panic!("{error}\n{source}"));
    compile(&program).unwrap_or_else(|error| panic!("{error}\n{source}"))
}

/// The programs that end without a trap, with an execution each.
fn executions(seeds: std::ops::Range<u64>) -> impl Iterator<Item = (u64, Compiled, Execution)> {
    seeds.filter_map(|seed| {
        let compiled = compiled(&random_program(seed));
        let mut rng = Rng(!seed);
        let inputs = std::array::from_fn(|_| Felt::from_usize(rng.below(4)));
        let execution = compiled.record(&inputs, MAX_CYCLES).ok()?;
        Some((seed, compiled, execution))
    })
}

/// The same with everything that the compiler has.
fn integer_executions(
    seeds: std::ops::Range<u64>,
) -> impl Iterator<Item = (u64, Compiled, Execution)> {
    seeds.filter_map(|seed| {
        let compiled = compiled(&random_program_with(seed, ENABLED));
        let inputs = random_inputs(seed);
        let execution = compiled.record(&inputs, MAX_CYCLES).ok()?;
        Some((seed, compiled, execution))
    })
}

#[test]
fn no_cell_has_two_values() {
    let (shapes, entries) = saturate_all(executions(0..PROGRAMS));
    assert_eq!(shapes, 9, "every kind of terminator");
    assert_eq!(entries, 7, "every class of entry");
}

#[test]
fn no_cell_of_integers_and_words_has_two_values() {
    let (_, entries) = saturate_all(integer_executions(0..2 * PROGRAMS));
    assert_eq!(entries, 27, "every class of entry");
}

/// How many kinds of terminators and entries there were.
fn saturate_all(executions: impl Iterator<Item = (u64, Compiled, Execution)>) -> (usize, usize) {
    let mut ran = 0;
    let mut rows = 0;
    let mut shapes = HashSet::new();
    let mut entries = HashSet::new();
    for (seed, compiled, execution) in executions {
        let program = &compiled.program;
        assert_eq!(validate(program), Ok(()), "seed {seed}");
        let saturation = saturate(&program.entries, program, &compiled.layout, &execution)
            .unwrap_or_else(|found| panic!("seed {seed}: {found:?}"));
        let wrong = differences(&saturation, program, &compiled.layout, &execution);
        assert!(wrong.is_empty(), "seed {seed}: {wrong:?}");
        for (j, &output) in execution.outputs.iter().enumerate() {
            let cell = (Felt::ZERO, OUTPUT + j as u32);
            let value = saturation.cells.get(&cell).map(|value| value[0]);
            assert_eq!(value, Some(output), "seed {seed}");
        }
        let terminators = program.blocks.iter().map(|block| block.terminator);
        shapes.extend(terminators.map(|t| std::mem::discriminant(&t)));
        entries.extend(program.entries.iter().map(Entry::class));
        ran += 1;
        rows += saturation.rows;
    }
    assert!(ran * 10 > PROGRAMS * 8, "{ran} programs ran");
    assert!(rows > 100_000, "{rows} rows");
    (shapes.len(), entries.len())
}

/// The same with everything else that the compiler has.
#[test]
fn no_cell_has_two_values_whatever_the_program_uses() {
    let mut effects = 0;
    for seed in 0..PROGRAMS {
        let compiled = compiled(&random_program_with(seed, ENABLED));
        let program = &compiled.program;
        assert_eq!(validate(program), Ok(()), "seed {seed}");
        let Ok(execution) = compiled.record(&random_inputs(seed), MAX_CYCLES) else {
            continue;
        };
        let saturation = saturate(&program.entries, program, &compiled.layout, &execution)
            .unwrap_or_else(|found| panic!("seed {seed}: {found:?}"));
        let wrong = differences(&saturation, program, &compiled.layout, &execution);
        assert!(wrong.is_empty(), "seed {seed}: {wrong:?}");
        effects += execution.accesses.len();
    }
    assert!(effects > 1000, "{effects} accesses");
}

/// No instruction has a row in an empty frame.
#[test]
fn every_instruction_has_an_operand() {
    for seed in 0..PROGRAMS {
        for entry in &compiled(&random_program(seed)).program.entries {
            let pure = entry.pc().is_none();
            let mut reads = 0;
            entry.for_each_read(|_| reads += 1);
            assert!(!pure || reads > 0);
        }
    }
}

/// How many of the programs equivocate once their table is changed.
fn equivocations(
    break_table: impl Fn(&Program, &mut Vec<Entry>),
    parent_links: bool,
) -> (usize, usize) {
    let mut changed = 0;
    let mut found = 0;
    for (_, compiled, execution) in executions(0..100) {
        let program = &compiled.program;
        let mut entries = program.entries.clone();
        break_table(program, &mut entries);
        if entries == program.entries {
            continue;
        }
        changed += 1;
        let mut saturation = Saturation::new(&entries);
        let mut given = ordered_cells(program, &compiled.layout, &execution);
        if parent_links {
            for frame in &execution.frames[1..] {
                let parent = execution.frames[frame.parent as usize].name;
                let cell = (Felt::from_u64(frame.name), CALL);
                let mut value = [Felt::ZERO; 4];
                value[0] = Felt::from_u64(parent);
                given.push((cell, value));
            }
        }
        let result = given
            .into_iter()
            .try_for_each(|((frame, id), value)| saturation.put_value(frame, id, value))
            .and_then(|()| saturation.run());
        found += usize::from(result.is_err());
    }
    (found, changed)
}

#[test]
fn joins_without_gates_equivocate() {
    let (found, changed) = equivocations(
        |_, entries| {
            let gates: Vec<_> = entries
                .iter()
                .filter_map(|entry| match entry {
                    Entry::Copy(copy) if matches!(copy.kind, CopyKind::Gate { .. }) => Some(*copy),
                    _ => None,
                })
                .collect();
            entries.retain(
                |e| !matches!(e, Entry::Copy(c) if matches!(c.kind, CopyKind::Gate { .. })),
            );
            for gate in gates {
                for half in 0..2 {
                    let copy = |j: usize| {
                        ArithOp::affine(gate.src[2 * half + j], Felt::ONE, Felt::ZERO).unwrap()
                    };
                    entries.push(Entry::Arith(ArithBundle {
                        id: gate.base + 2 * half as u32,
                        ops: [copy(0), copy(1)],
                    }));
                }
            }
        },
        false,
    );
    assert!(found * 3 > changed && changed > 50, "{found} of {changed}");
}

#[test]
fn joins_with_equal_bits_equivocate() {
    let (found, changed) = equivocations(
        |_, entries| {
            for entry in entries {
                if let Entry::Copy(copy) = entry
                    && let CopyKind::Gate { bit } = &mut copy.kind
                {
                    *bit = Felt::ONE;
                }
            }
        },
        false,
    );
    assert!(found * 5 > changed && changed > 50, "{found} of {changed}");
}

/// Every iteration of a loop holds a link to the parent, so each may deliver the result.
#[test]
fn results_pushed_through_the_parent_link_equivocate() {
    let (found, changed) = equivocations(
        |program, entries| {
            let exits: Vec<_> = program
                .blocks
                .iter()
                .filter_map(|block| match block.terminator {
                    Terminator::Loop { exit, .. } => {
                        program.entries[exit as usize].pc().map(exit_link)
                    }
                    _ => None,
                })
                .collect();
            for entry in entries {
                if let Entry::Copy(copy) = entry
                    && copy.kind == CopyKind::Pull
                    && exits.contains(&copy.key)
                {
                    copy.kind = CopyKind::Push;
                    copy.key = CALL;
                }
            }
        },
        true,
    );
    assert!(found * 5 > changed && changed > 50, "{found} of {changed}");
}

#[test]
fn merged_results_equivocate() {
    let (found, changed) = equivocations(
        |_, entries| {
            // Every entry begins at the last result of the one before.
            let mut last = None;
            for entry in entries {
                let (id, count) = match entry {
                    Entry::Arith(bundle) => (&mut bundle.id, 2),
                    Entry::Single(single) => (&mut single.id, 1),
                    _ => continue,
                };
                let own = *id + count - 1;
                if let Some(last) = last {
                    *id = last;
                }
                last = Some(own);
            }
        },
        false,
    );
    assert!(found * 2 > changed && changed > 50, "{found} of {changed}");
}

/// Two calls from one frame hand their arguments to the first of them.
#[test]
fn pushes_through_one_handle_equivocate() {
    let (found, changed) = equivocations(
        |_, entries| {
            let mut keys = std::collections::HashMap::new();
            for entry in entries {
                if let Entry::Copy(copy) = entry
                    && copy.kind == CopyKind::Push
                {
                    copy.key = *keys.entry(copy.base).or_insert(copy.key);
                }
            }
        },
        false,
    );
    // Only where the rows of two openings stand in one frame.
    assert!(found > 0, "{found} of {changed}");
}
