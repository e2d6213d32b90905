//! Mutants: whatever is changed in a program's table is rejected, or is provably another program that is sound.
//!
//! A mutant that the validator accepts must belong to one of the classes of [`Class`] that allow it, must pass
//! [`is_well_formed`], which repeats the argument in a naive way, and must not equivocate when it is run.

mod changes;
mod crossing;
mod definitions;
mod mutants;
mod named;
mod nonsense;
mod oracle;
mod programs;
#[path = "../support/random/mod.rs"]
mod random;
mod rows;
#[path = "../support/saturate.rs"]
mod saturate;
mod typed;

use std::collections::{BTreeMap, HashSet};

use changes::{mutate_entries, mutate_schedule, mutate_table, renumber};
use mutants::{Class, Mutants, other_operations};
use named::{append, block_of, copy, double_of, find, find_copies, fresh, named_program, rejected};
use oracle::{available, check_run, is_well_formed, named, results};
use p3_field::PrimeCharacteristicRing;
use plica_air::code::{
    ArithBundle, ArithOp, ArithSingle, Block, CALL, CellId, CopyEntry, CopyKind, EffectEntry,
    EffectOp, Entry, FIRST_PC, FactEntry, FactOp, INPUT, Layout, LeaveEntry, OUTPUT, Operand,
    PARAMS, Program, Region, RegionKind, STACK_SIZE, Terminator, Type, ValidateError as E,
    exit_link, first_pure_id, handle, param, validate,
};
use plica_field::Felt;
use plica_vm::compile::compile;
use plica_vm::inputs::Start;
use plica_vm::syntax::{NoModules, parse_program};
use programs::{PROGRAMS, program, programs};
use random::Rng;
use saturate::{differences, saturate};
