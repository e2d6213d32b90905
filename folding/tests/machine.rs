//! Runs of the machine, folded: what is accepted is what the row checker finds nothing wrong with.

use std::sync::OnceLock;

use p3_field::PrimeCharacteristicRing;
use plica_air::check::check;
use plica_air::chip::ChipKind;
use plica_air::record::Execution;
use plica_air::trace::{self, Table};
use plica_field::Felt;
use plica_folding::fold::{FoldError, Instance, ProveError, prove, verify};
use plica_folding::machine::{self, ChipTable, MachineError};
use plica_folding::shape::{Shape, ShapeError};
use plica_folding::{ChallengeSet, CommitmentKey, Parameters};
use plica_vm::compile::{Compiled, compile};
use plica_vm::inputs::Inputs;
use plica_vm::syntax::{NoModules, parse_program};

const MAX_CYCLES: u64 = 1 << 20;

/// With memory, 32-bit arithmetic, a loop and hashes.
const SOURCE: &str = "
    begin
        dup.1 u32and
        push.5 dup neq.0 while.true
            swap dup mem_store.3 mem_load.3 add swap sub.1 dup neq.0
        end drop
        repeat.2 hperm end
    end";

/// Four rows of the key instead of eighteen and shorter witnesses, so that the tests are quick.
const PARAMETERS: Parameters = Parameters {
    name: "short",
    rows: 4,
    log_length: 13,
    log_bound: 14,
    challenges: ChallengeSet::SEVEN,
};

fn compiled(source: &str) -> Compiled {
    let program = parse_program(source, "test", &NoModules).expect("parses");
    compile(&program).unwrap_or_else(|error| panic!("{:?}", miette::Report::new(*error)))
}

fn program() -> &'static Compiled {
    static PROGRAM: OnceLock<Compiled> = OnceLock::new();
    PROGRAM.get_or_init(|| compiled(SOURCE))
}

fn key() -> &'static CommitmentKey {
    static KEY: OnceLock<CommitmentKey> = OnceLock::new();
    KEY.get_or_init(|| CommitmentKey::new(&PARAMETERS))
}

fn run(program: &Compiled, inputs: [u64; 2]) -> Execution {
    let inputs = Inputs::from_stack(inputs.map(Felt::new).to_vec());
    program.record(&inputs, MAX_CYCLES).expect("runs")
}

fn runs(count: u64) -> (Shape, Vec<Instance>) {
    let runs = (0..count).map(|i| run(program(), [i * i + 12, 77 * i + 5]));
    let runs: Vec<Execution> = runs.collect();
    together(program(), &runs).expect("of one shape")
}

fn together(
    program: &Compiled,
    runs: &[Execution],
) -> Result<(Shape, Vec<Instance>), MachineError> {
    let (tables, instances) = machine::instances(program, runs)?;
    let shape = machine::shape(program, &tables, PARAMETERS.log_length)?;
    Ok((shape, instances))
}

fn public_values(instances: &[Instance]) -> Vec<Vec<Felt>> {
    instances.iter().map(|i| i.public_values.clone()).collect()
}

#[test]
fn runs_are_folded_and_decided() {
    for count in [1, 3] {
        let (shape, instances) = runs(count);
        let (proof, _, witness) = prove(&PARAMETERS, key(), &shape, &instances).expect("a fold");
        let public = public_values(&instances);
        let undecided = verify(&PARAMETERS, &shape, &public, &proof).expect("accepted");
        undecided.decide(key(), &witness).expect("a witness");

        // An input or an output of one of them is another.
        for value in [0, 1, 15, 16, 17, 31] {
            let mut changed = public.clone();
            changed[count as usize - 1][value] += Felt::ONE;
            assert!(verify(&PARAMETERS, &shape, &changed, &proof).is_err());
        }
    }
}

/// A prover who says that an output is another one, and keeps to the protocol otherwise.
#[test]
fn other_outputs_are_not_proven() {
    let (shape, mut instances) = runs(2);
    instances[1].public_values[16] += Felt::ONE;
    let (proof, ..) = prove(&PARAMETERS, key(), &shape, &instances).expect("a fold");
    let result = verify(&PARAMETERS, &shape, &public_values(&instances), &proof);
    assert_eq!(result, Err(FoldError::Bus(1)));
}

/// A cell of each sixth column of each table, in turn in the first, a middle and the last row: the fold is accepted exactly if the row checker finds nothing.
#[test]
fn it_proves_what_the_row_checker_finds() {
    let run = run(program(), [12, 5]);
    let (shape, honest) = together(program(), std::slice::from_ref(&run)).expect("a shape");
    let (tables, _) = machine::instances(program(), std::slice::from_ref(&run)).expect("a run");
    let kinds: Vec<_> = tables.into_iter().map(|table| table.kind).collect();
    assert!(kinds.len() >= 12, "{kinds:?}");
    let is_valid = |instance: &Instance| {
        let tables = kinds.iter().zip(&instance.traces);
        let tables: Vec<Table> = tables
            .map(|(&kind, trace)| Table {
                kind,
                trace: trace.clone(),
            })
            .collect();
        check(&program().program, &tables, &instance.public_values).is_empty()
    };
    assert!(is_valid(&honest[0]));
    let (mut valid, mut refused, mut without_digits) = (0, 0, 0);
    let mut turn = 0;
    for (table, kind) in kinds.iter().enumerate() {
        let width = kind.width();
        let rows = honest[0].traces[table].values.len() / width;
        for column in (0..width).step_by(6) {
            let row = [0, rows / 2, rows - 1][turn % 3];
            turn += 1;
            let mut changed = honest.clone();
            let value = &mut changed[0].traces[table].values[row * width + column];
            *value = Felt::from_bool(*value == Felt::ZERO);
            let expected = is_valid(&changed[0]);
            match prove(&PARAMETERS, key(), &shape, &changed) {
                // Of a column that is zero everywhere there are no digits.
                Err(ProveError::Trace { .. }) => without_digits += 1,
                Err(error) => panic!("{error}"),
                Ok((proof, _, witness)) => {
                    let public = public_values(&changed);
                    let found = verify(&PARAMETERS, &shape, &public, &proof);
                    let found = found.is_ok_and(|claim| claim.decide(key(), &witness).is_ok());
                    let place = (kind, row, column);
                    assert_eq!(found, expected, "{place:?}");
                    if found { valid += 1 } else { refused += 1 }
                }
            }
        }
    }
    println!("{valid} valid, {refused} refused, {without_digits} without digits");
    assert!(refused > 25 && without_digits < refused / 2);
}

/// Runs of different lengths: lower tables are filled up.
#[test]
fn runs_of_different_lengths_have_one_shape() {
    let program =
        compiled("begin dup neq.0 while.true swap dup.1 add swap sub.1 dup neq.0 end add end");
    let runs = [3, 40, 9].map(|n| run(&program, [n, 1]));
    let own = |run| trace::row_counts(&program.program, run, |_| false);
    assert_ne!(own(&runs[0]), own(&runs[1]));
    let (shape, instances) = together(&program, &runs).expect("of one shape");
    let (proof, _, witness) = prove(&PARAMETERS, key(), &shape, &instances).expect("a fold");
    let undecided = verify(&PARAMETERS, &shape, &public_values(&instances), &proof);
    let undecided = undecided.expect("accepted");
    undecided.decide(key(), &witness).expect("a witness");
}

#[test]
fn runs_that_do_not_fold_together() {
    let program = compiled("begin dup neq.0 while.true push.7 mem_store.1 sub.1 dup neq.0 end end");
    let runs = [0, 1].map(|n| run(&program, [n, 5]));
    let error = machine::instances(&program, &runs).err();
    assert!(
        matches!(error, Some(MachineError::Chips { run: 1, .. })),
        "{error:?}"
    );
    let error = machine::instances(&program, &[]).err();
    assert_eq!(error, Some(MachineError::Nothing));
}

/// A verifier makes the shape out of the program; what a prover may say is heights and digits of tables that the program does not fix.
#[test]
fn what_the_program_fixes_is_not_for_the_prover_to_say() {
    let (tables, _) = machine::instances(program(), &[run(program(), [12, 5])]).expect("a run");
    let shape = |tables: &[ChipTable]| machine::shape(program(), tables, PARAMETERS.log_length);
    let digest = |tables: &[ChipTable]| shape(tables).map(|shape| shape.digest());
    let honest = digest(&tables).expect("a shape");
    let at = |kind| {
        tables
            .iter()
            .position(|table| table.kind == kind)
            .expect("it ran")
    };
    let refused = |expected: MachineError, change: &dyn Fn(&mut Vec<ChipTable>)| {
        let mut changed = tables.clone();
        change(&mut changed);
        assert_eq!(digest(&changed), Err(expected));
    };
    for kind in [ChipKind::Boundary, ChipKind::Program, ChipKind::Limbs] {
        let error = || MachineError::Fixed(kind.name());
        refused(error(), &|t| {
            t.remove(at(kind));
        });
        refused(error(), &|t| t[at(kind)].log_height += 1);
        refused(error(), &|t| t[at(kind)].log_height = 64);
        refused(error(), &|t| t[at(kind)].log_height = usize::MAX);
    }
    refused(MachineError::Order, &|t| t.swap(0, 1));
    // Two statements.
    refused(MachineError::Order, &|t| t.insert(0, t[0].clone()));
    let arith = at(ChipKind::Arith);
    refused(MachineError::Order, &|t| t.insert(arith, t[arith].clone()));
    let widths = || MachineError::Shape(ShapeError::Widths(ChipKind::Arith.name()));
    refused(widths(), &|t| t[arith].widths.truncate(1));
    refused(widths(), &|t| t[arith].widths[0] = 42);
    let name = ChipKind::Arith.name();
    let height = MachineError::Shape(ShapeError::Height(name, usize::MAX));
    refused(height, &|t| t[arith].log_height = usize::MAX);
    let mut higher = tables.clone();
    higher[arith].log_height = 20;
    let error = digest(&higher);
    let too_long = matches!(error, Err(MachineError::Shape(ShapeError::Length { .. })));
    assert!(too_long, "{error:?}");
    higher[arith].log_height = tables[arith].log_height + 1;
    assert_ne!(digest(&higher).expect("a shape"), honest);
}
