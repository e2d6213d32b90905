//! Forged traces of whole executions: the attacks of the soundness page, each with what stops it.

#[path = "attacks/contexts.rs"]
mod contexts;
#[path = "attacks/forged.rs"]
mod forged;
#[path = "attacks/memory.rs"]
mod memory;
#[path = "attacks/merkle.rs"]
mod merkle;
#[path = "attacks/programs.rs"]
mod programs;
#[path = "attacks/proofs.rs"]
mod proofs;
mod support;
#[path = "attacks/sweep.rs"]
mod sweep;

use forged::{
    Forged, MAX_CYCLES, call, cell, felt, int, mult_columns, stack, state, stopped_by,
    stopped_by_bus,
};
use p3_field::PrimeCharacteristicRing;
use plica_air::check::{self, Violation, check};
use plica_air::chip::ChipKind;
use plica_air::chips::{
    arith, assert, boundary, copy, ext3, frame, inverse, leave, single, word_copy,
};
use plica_air::code::{CALL, Entry, INPUT, OUTPUT, exit_link, handle};
use plica_air::trace::Table;
use plica_field::Felt;
use plica_vm::compile::compile;
use plica_vm::syntax::parse_program;
use programs::{CALLS, CHECKS, EFFECTS, GATES, HASH_CHAIN, LOOP, ODD_LOOP, WIDE_LOOP};

const ZERO: Felt = Felt::ZERO;
const ONE: Felt = Felt::ONE;

fn end_clock(forged: &mut Forged, change: i64) {
    let at = forged.rows(ChipKind::Boundary)[0];
    boundary::Cols::of_mut(forged.row_mut(at)).clk += felt(change);
}

// R1: one chain

#[test]
fn the_chain_cannot_stop_before_a_failing_assertion() {
    let mut forged = Forged::honest("begin push.5 assert_eq end", &[5]);
    forged.poison(ZERO, INPUT, felt(7));
    stopped_by(&forged, ChipKind::Assert, "equality 0");

    let step = forged.steps(ChipKind::Assert)[0];
    forged.remove(step);
    end_clock(&mut forged, -1);
    forged.rebalance();
    let (entry, halt) = (forged.code().entry, forged.code().halt);
    stopped_by_bus(
        &forged,
        &[(state(ONE, entry, ZERO), 1), (state(ONE, halt, ZERO), -1)],
    );
    // A key that lets the chain end there would accept that 7 = 5.
    let mut code = forged.code().clone();
    code.halt = entry;
    assert!(check(&code, &forged.tables, &forged.public).is_empty());
}

#[test]
fn a_second_chain_needs_a_second_boundary_which_the_key_excludes() {
    let mut forged = Forged::honest(CHECKS, &[1, 2, 3, 4, 5]);
    // Everything twice balances: nothing but the pinned boundary row keeps a second chain out.
    let again: Vec<Table> = forged
        .tables
        .iter()
        .filter(|t| t.kind != ChipKind::Program)
        .cloned()
        .collect();
    forged.tables.extend(again);
    forged.rebalance();
    assert!(forged.findings().is_empty());

    assert!(ChipKind::Boundary.preprocessed() && ChipKind::Program.preprocessed());
    let fixed = plica_air::chip::preprocessed(forged.code(), ChipKind::Boundary);
    let fixed = fixed.expect("every key has the boundary");
    assert_eq!(fixed.values.len(), fixed.width, "the key pins one row");
}

#[test]
fn a_reversed_row_cannot_turn_an_output_into_another() {
    let mut forged = Forged::honest(GATES, &[1, 5]);
    let right = forged.public[16];
    let mut row = vec![ZERO; ChipKind::Assert.width()];
    let cols = assert::Cols::of_mut(&mut row);
    cols.real = ONE;
    cols.clk = felt(1000);
    cols.slots[0].id = Felt::from_u32(OUTPUT);
    cols.slots[0].is_cell = ONE;
    cols.slots[0].value = right;
    forged.push(ChipKind::Assert, row.clone());
    let cols = assert::Cols::of_mut(&mut row);
    cols.real = Felt::NEG_ONE;
    cols.slots[0].value = felt(99);
    forged.push(ChipKind::Assert, row);
    forged.public[16] = felt(99);
    stopped_by(&forged, ChipKind::Assert, "real is boolean");
}

#[test]
fn the_clock_neither_repeats_nor_skips() {
    for change in [1, -1] {
        let mut forged = Forged::honest(CHECKS, &[1, 2, 3, 4, 5]);
        let steps = forged.steps(ChipKind::Assert);
        assert!(steps.len() > 1);
        for &at in &steps[1..] {
            assert::Cols::of_mut(forged.row_mut(at)).clk += felt(change);
        }
        end_clock(&mut forged, change);
        let pc = forged.code().entry + 1;
        stopped_by_bus(
            &forged,
            &[
                (state(felt(2), pc, ZERO), 1),
                (state(felt(2 + change), pc, ZERO), -1),
            ],
        );
    }
}

#[test]
fn the_clock_starts_at_1_so_no_frame_is_named_as_the_root() {
    let mut forged = Forged::honest(CHECKS, &[1, 2, 3, 4, 5]);
    for at in forged.steps(ChipKind::Assert) {
        assert::Cols::of_mut(forged.row_mut(at)).clk -= ONE;
    }
    end_clock(&mut forged, -1);
    let entry = forged.code().entry;
    stopped_by_bus(
        &forged,
        &[(state(ONE, entry, ZERO), 1), (state(ZERO, entry, ZERO), -1)],
    );
}

#[test]
fn a_step_cannot_be_left_out() {
    for (source, inputs) in [
        (CHECKS, &[1, 2, 3, 4, 5][..]),
        (LOOP, &[5, 3]),
        (CALLS, &[5, 11]),
    ] {
        let honest = Forged::honest(source, inputs);
        for kind in [ChipKind::Assert, ChipKind::Frame, ChipKind::Leave] {
            for at in honest.steps(kind) {
                let mut forged = honest.clone();
                forged.remove(at);
                forged.rebalance();
                let open = forged.findings().unbalanced;
                assert!(open.iter().any(|(m, _)| m[0] == 2), "{kind:?} {at:?}");
            }
        }
    }
}

// R2: no reading from nowhere

#[test]
fn a_padding_row_provides_no_cell() {
    // Parameter 1 at pc 2 is the id of a public output.
    let mut forged = Forged::honest(WIDE_LOOP, &[3]);
    let padding = forged
        .rows(ChipKind::Frame)
        .into_iter()
        .rfind(|&at| forged.row(at)[0] == ZERO)
        .unwrap();
    let right = forged.public[16];
    let cols = frame::Cols::of_mut(forged.row_mut(padding));
    cols.target = felt(2);
    cols.params[1].value = felt(99);
    cols.params[1].mult = ONE;
    forged.public[16] = felt(99);
    forged.rebalance();
    stopped_by(&forged, ChipKind::Frame, "padding gives no parameter 1");
    assert_ne!(right, felt(99));
}

#[test]
fn a_multiplicity_buys_no_wrong_value() {
    let honest = Forged::honest(LOOP, &[2, 3]);
    for kind in ChipKind::ALL {
        for at in honest.rows(kind) {
            for (column, message) in honest.provided(at) {
                let mut forged = honest.clone();
                forged.row_mut(at)[column] -= ONE;
                let found = forged.findings();
                assert!(
                    found.unbalanced == [(message, Felt::NEG_ONE)] || !found.violations.is_empty()
                );
            }
        }
    }
    assert!(mult_columns(ChipKind::Assert).is_empty());
}

// R3: facts are functions

#[test]
fn zero_by_zero_has_no_quotient() {
    let honest = Forged::honest("begin div end", &[3, 12]);
    assert_eq!(honest.public[16], felt(4));
    let mut forged = honest;
    forged.poison(ZERO, INPUT, ZERO);
    forged.poison(ZERO, INPUT + 1, ZERO);
    for hint in [0, 1, -1, 77] {
        // Whatever "1/0" is said to be, with everything that follows from it.
        let rows = forged.rows(ChipKind::Inverse);
        let id = int(inverse::Cols::of(forged.row(rows[0])).bundles[0].id) as u32;
        for &at in &rows {
            for bundle in &mut inverse::Cols::of_mut(forged.row_mut(at)).bundles {
                for lane in &mut bundle.lanes {
                    if lane.inv == ONE {
                        lane.hint = felt(hint);
                        lane.out = felt(hint);
                    }
                }
            }
        }
        forged.poison(ZERO, id, felt(hint));
        forged.poison(ZERO, id + 1, felt(hint));
        forged.rebalance();
        let findings = forged.findings();
        assert!(
            findings
                .constraints()
                .iter()
                .all(|(kind, name)| { *kind == ChipKind::Inverse && name.ends_with("indicator") })
        );
        assert!(!findings.violations.is_empty());
    }
}

#[test]
fn a_wrong_result_is_stopped_by_its_row_alone() {
    let honest = Forged::honest(LOOP, &[2, 3]);
    let mut lies = 0;
    for at in honest.rows(ChipKind::Arith) {
        for (i, bundle) in arith::Cols::of(honest.row(at)).bundles.iter().enumerate() {
            for (j, lane) in bundle.lanes.iter().enumerate() {
                // Carried on to the output; loop counters decide which rows there are, so they are left alone.
                let mut forged = honest.clone();
                forged.poison(bundle.fp, int(bundle.id) as u32 + j as u32, felt(4321));
                if lane.mult == ZERO || forged.public == honest.public {
                    continue;
                }
                arith::Cols::of_mut(forged.row_mut(at)).bundles[i].lanes[j].c = felt(4321);
                forged.rebalance();
                let findings = forged.findings();
                assert_eq!(findings.unbalanced, []);
                let (table, row) = at;
                let here = |v: &check::Violation| {
                    (v.chip, v.table, v.row) == (ChipKind::Arith, table, row)
                };
                assert!(!findings.violations.is_empty() && findings.violations.iter().all(here));
                lies += 1;
            }
        }
    }
    assert!(lies > 1);
}

#[test]
fn a_wrong_single_result_is_stopped_by_its_row_alone() {
    let honest = Forged::honest(ODD_LOOP, &[5, 3, 2]);
    let mut lies = 0;
    for at in honest.rows(ChipKind::Single) {
        let instructions = single::Cols::of(honest.row(at)).instructions;
        for (i, cols) in instructions.iter().enumerate() {
            // Padding provides nothing that a lie could be told with.
            if cols.lane.mult == ZERO {
                continue;
            }
            let mut forged = honest.clone();
            forged.poison(cols.fp, int(cols.id) as u32, felt(4321));
            assert_ne!(forged.public, honest.public);
            single::Cols::of_mut(forged.row_mut(at)).instructions[i]
                .lane
                .c = felt(4321);
            forged.rebalance();
            let findings = forged.findings();
            assert_eq!(findings.unbalanced, []);
            let constraint: &str = &format!("instruction {i}: result");
            assert_eq!(findings.constraints(), [(ChipKind::Single, constraint)]);
            assert_eq!(
                (findings.violations.len(), at),
                (
                    1,
                    (findings.violations[0].table, findings.violations[0].row)
                )
            );
            lies += 1;
        }
    }
    assert_eq!(lies, 5);
}

/// A single instruction neither is a lane of a bundle nor becomes one.
#[test]
fn a_single_instruction_is_no_bundle() {
    let honest = Forged::honest(ODD_LOOP, &[5, 3, 2]);
    let at = honest.rows(ChipKind::Single)[0];
    let instruction = single::Cols::of(honest.row(at)).instructions[0];
    let lane = instruction.lane;
    // The instruction and a second result, chosen by the attacker, in the row of a bundle.
    let second = arith::Lane {
        s: felt(2),
        b: felt(2),
        b_id: felt(2),
        w: felt(7).halve(),
        c: felt(7),
        ..lane
    };
    let bundle = arith::Bundle {
        fp: instruction.fp,
        id: instruction.id,
        lanes: [lane, second],
    };
    let mut row = vec![ZERO; ChipKind::Arith.width()];
    arith::Cols::of_mut(&mut row).bundles = [bundle; 2];
    let mut forged = honest.clone();
    forged.push(ChipKind::Arith, row);
    forged.rebalance();
    let findings = forged.findings();
    assert_eq!(findings.violations, []);
    assert!(findings.unbalanced.iter().any(|(m, _)| m[0] == 16));
    // One lane of a bundle as a single instruction.
    let at = honest.rows(ChipKind::Arith)[0];
    let bundle = arith::Cols::of(honest.row(at)).bundles[0];
    let mut row = vec![ZERO; ChipKind::Single.width()];
    single::Cols::of_mut(&mut row).instructions = [single::Instruction {
        fp: bundle.fp,
        id: bundle.id,
        lane: bundle.lanes[0],
    }; single::INSTRUCTIONS];
    let mut forged = honest.clone();
    forged.push(ChipKind::Single, row);
    forged.rebalance();
    let findings = forged.findings();
    assert_eq!(findings.violations, []);
    let open: Vec<_> = findings
        .unbalanced
        .iter()
        .map(|(m, n)| (m[0], *n))
        .collect();
    assert_eq!(open, [(22, felt(-4))]);
}

// R4: rows of the program only

#[test]
fn rows_of_other_programs_find_no_entry() {
    let mut tried = 0;
    for (_, source, inputs) in programs::ALL {
        let honest = Forged::honest(source, inputs);
        let entries = honest.code().entries.clone();
        // A program with another entry is honest with itself, and wrong for this key.
        for (index, entry) in entries.iter().enumerate() {
            let Entry::Assert(assertion) = entry else {
                continue;
            };
            let mut other = honest.compiled.clone();
            let mut weaker = *assertion;
            weaker.equal = [false; 2];
            if weaker == *assertion {
                continue;
            }
            other.program.entries[index] = Entry::Assert(weaker);
            let public: [Felt; 16] = honest.public[..16].try_into().unwrap();
            let Some(mut forged) = Forged::of(other, &public) else {
                continue;
            };
            forged.compiled = honest.compiled.clone();
            let found = check(honest.code(), &forged.tables, &forged.public);
            assert_eq!(found.violations, []);
            if found.unbalanced.is_empty() {
                continue; // not reached
            }
            assert_eq!(found.unbalanced.len(), 2, "asked for, and not asked for");
            tried += 1;
            assert!(found.unbalanced.iter().all(|(m, _)| m[0] == 21));
        }
    }
    assert!(tried > 3);
    assert!(tried > 3);
}

#[test]
fn another_constant_is_another_entry() {
    // assert 7 = 7 in place of x = 1005
    let mut forged = Forged::honest("begin push.1005 assert_eq end", &[1005]);
    forged.poison(ZERO, INPUT, felt(7));
    let at = forged.steps(ChipKind::Assert)[0];
    let entry = forged
        .code()
        .entries
        .iter()
        .position(|e| matches!(e, Entry::Assert(_)));
    let right = forged.code().entries[entry.unwrap()].tuple();
    let cols = assert::Cols::of_mut(forged.row_mut(at));
    for slot in &mut cols.slots {
        if slot.is_cell == ZERO && slot.id == felt(1005) {
            slot.id = felt(7);
            slot.value = felt(7);
        }
    }
    forged.rebalance();
    let wrong = right.map(|f| if f == felt(1005) { felt(7) } else { f });
    let tuple = |t: [Felt; 10]| forged::message(&t);
    stopped_by_bus(&forged, &[(tuple(wrong), -1)]);
}

// R5: names of frames

#[test]
fn a_frame_has_the_name_of_its_opening() {
    let mut forged = Forged::honest(LOOP, &[1, 3]);
    let opening = forged.steps(ChipKind::Frame)[0];
    let cols = *frame::Cols::of(forged.row(opening));
    let (name, other) = (cols.clk, felt(77));
    for kind in ChipKind::ALL {
        for at in forged.rows(kind) {
            let row = forged.row_mut(at);
            let rename = |f: &mut Felt| {
                if *f == name {
                    *f = other;
                }
            };
            match kind {
                ChipKind::Arith => arith::Cols::of_mut(row)
                    .bundles
                    .iter_mut()
                    .for_each(|b| rename(&mut b.fp)),
                ChipKind::Inverse => inverse::Cols::of_mut(row)
                    .bundles
                    .iter_mut()
                    .for_each(|b| rename(&mut b.fp)),
                ChipKind::Single => single::Cols::of_mut(row)
                    .instructions
                    .iter_mut()
                    .for_each(|cols| rename(&mut cols.fp)),
                ChipKind::Leave => rename(&mut leave::Cols::of_mut(row).fp),
                ChipKind::Assert => rename(&mut assert::Cols::of_mut(row).fp),
                ChipKind::Copy => {
                    let cols = copy::Cols::of_mut(row);
                    let crosses = cols.pull + cols.push == ONE;
                    for f in [&mut cols.fp, &mut cols.from, &mut cols.to] {
                        rename(f);
                    }
                    if crosses {
                        rename(&mut cols.y);
                    }
                }
                ChipKind::Boundary | ChipKind::Program | ChipKind::Frame => {}
                _ => unreachable!("not in this program"),
            }
        }
    }
    forged.rebalance();
    let findings = forged.findings();
    assert_eq!(findings.violations, []);
    let open = |message| {
        findings
            .unbalanced
            .iter()
            .find(|(m, _)| *m == message)
            .map(|(_, n)| *n)
    };
    let target = int(cols.target) as u32;
    assert_eq!(open(state(name + ONE, target, name)), Some(ONE));
    assert_eq!(open(state(name + ONE, target, other)), Some(Felt::NEG_ONE));
    assert_eq!(open(call(name, cols.parent, cols.return_pc)), Some(ONE));
    assert_eq!(
        open(call(other, cols.parent, cols.return_pc)),
        Some(Felt::NEG_ONE)
    );
}

#[test]
fn a_call_returns_to_its_caller() {
    let honest = Forged::honest(CALLS, &[5, 11]);
    let calls = honest.steps(ChipKind::Frame);
    let returns = honest.steps(ChipKind::Leave);
    assert_eq!(
        (calls.len(), returns.len()),
        (2, 2),
        "the procedure is called twice"
    );
    let opening = |i: usize| *frame::Cols::of(honest.row(calls[i]));
    let (first, second) = (opening(0), opening(1));

    // Straight to behind the second call.
    let mut forged = honest.clone();
    leave::Cols::of_mut(forged.row_mut(returns[0])).next_pc = second.return_pc;
    let next = leave::Cols::of(honest.row(returns[0])).clk + ONE;
    let pc = |f: Felt| int(f) as u32;
    stopped_by_bus(
        &forged,
        &[
            (call(first.clk, ZERO, first.return_pc), 1),
            (call(first.clk, ZERO, second.return_pc), -1),
            (state(next, pc(first.return_pc), ZERO), -1),
            (state(next, pc(second.return_pc), ZERO), 1),
        ],
    );

    // With a second CALL cell for the frame, from a second opening with its name: the cell fits, the chain does not.
    let mut row = honest.row(calls[1]).to_vec();
    frame::Cols::of_mut(&mut row).clk = first.clk;
    for column in mult_columns(ChipKind::Frame) {
        row[column] = ZERO;
    }
    forged.push(ChipKind::Frame, row);
    forged.rebalance();
    let findings = forged.findings();
    assert_eq!(findings.violations, []);
    let open = |message| findings.unbalanced.iter().any(|(m, _)| *m == message);
    assert!(!open(call(first.clk, ZERO, second.return_pc)));
    assert!(open(call(first.clk, ZERO, first.return_pc)));
    assert!(open(state(first.clk, pc(second.pc), ZERO)));
}

/// Redirects a pull of the root frame to another frame of the same code; what the trace says of it.
fn pull_from(forged: &mut Forged, at: (usize, usize), other: Felt) {
    let cols = *copy::Cols::of(forged.row(at));
    assert_eq!((cols.pull, cols.fp), (ONE, ZERO));
    // The values of the other frame's cells, from whoever provides or reads them.
    let all: Vec<_> = ChipKind::ALL
        .into_iter()
        .flat_map(|kind| forged.rows(kind))
        .flat_map(|at| forged.provided(at))
        .map(|(_, message)| message)
        .collect();
    let value = |id: Felt| {
        let key = cell(other, int(id) as u32, ZERO);
        let found = all.iter().find(|m| m[..3] == key[..3]);
        Felt::new(found.unwrap_or_else(|| panic!("nobody provides {key:?}"))[3])
    };
    let values = cols.lanes.map(|lane| value(lane.src));
    let changed = copy::Cols::of_mut(forged.row_mut(at));
    changed.y = other;
    changed.from = other;
    for (lane, value) in changed.lanes.iter_mut().zip(values) {
        lane.value = value;
    }
    for (j, value) in values.into_iter().enumerate() {
        forged.poison(ZERO, int(cols.base) as u32 + j as u32, value);
    }
    forged.rebalance();
}

#[test]
fn a_result_comes_from_the_last_iteration_only() {
    let mut forged = Forged::honest(LOOP, &[5, 3]);
    let honest = forged.public.clone();
    let frames: Vec<Felt> = forged
        .steps(ChipKind::Frame)
        .iter()
        .map(|&at| frame::Cols::of(forged.row(at)).clk)
        .collect();
    let (earlier, last) = (frames[1], *frames.last().unwrap());
    let exit = leave::Cols::of(forged.row(*forged.steps(ChipKind::Leave).last().unwrap())).pc;
    let link = exit_link(int(exit) as u32);
    let pulls: Vec<_> = forged
        .rows(ChipKind::Copy)
        .into_iter()
        .filter(|&at| copy::Cols::of(forged.row(at)).y == last)
        .collect();
    assert_eq!(pulls.len(), 1);
    pull_from(&mut forged, pulls[0], earlier);
    assert_ne!(forged.public, honest);
    // The rest is consistent: the exit row is what says which iteration was the last.
    stopped_by_bus(&forged, &[(cell(ZERO, link, earlier), -1)]);

    // The exit row of the earlier iteration would have to exist.
    let at = *forged.steps(ChipKind::Leave).last().unwrap();
    let mut row = forged.row(at).to_vec();
    let cols = leave::Cols::of_mut(&mut row);
    cols.fp = earlier;
    cols.link_mult = ZERO;
    forged.push(ChipKind::Leave, row);
    forged.rebalance();
    let findings = forged.findings();
    assert_eq!(findings.violations, []);
    assert!(findings.unbalanced.iter().any(|(m, _)| m[0] == 2));
    assert!(
        findings
            .unbalanced
            .iter()
            .any(|(m, _)| m[..3] == cell(earlier, CALL, ZERO)[..3])
    );
}

// R6: crossing frames

#[test]
fn a_result_comes_from_the_own_call_only() {
    let mut forged = Forged::honest(CALLS, &[5, 11]);
    let honest = forged.public.clone();
    let opening = |i: usize| *frame::Cols::of(forged.row(forged.steps(ChipKind::Frame)[i]));
    let (first, second) = (opening(0), opening(1));
    let pulls: Vec<_> = forged
        .rows(ChipKind::Copy)
        .into_iter()
        .filter(|&at| copy::Cols::of(forged.row(at)).y == second.clk)
        .collect();
    assert_eq!(pulls.len(), 1);
    pull_from(&mut forged, pulls[0], first.clk);
    assert_ne!(forged.public, honest);
    let link = handle(int(second.pc) as u32);
    stopped_by_bus(&forged, &[(cell(ZERO, link, first.clk), -1)]);
}

#[test]
fn an_iteration_pushes_into_the_next_one_only() {
    let mut forged = Forged::honest(WIDE_LOOP, &[3, 1, 2, 3, 4, 5, 6, 7]);
    let pushes: Vec<_> = forged
        .rows(ChipKind::Copy)
        .into_iter()
        .filter(|&at| {
            let cols = copy::Cols::of(forged.row(at));
            cols.push == ONE && cols.fp != ZERO
        })
        .collect();
    // Of two pushes of different iterations the earlier one also writes where the later one does.
    let early = *copy::Cols::of(forged.row(pushes[0]));
    let late = pushes
        .into_iter()
        .find(|&at| {
            let cols = copy::Cols::of(forged.row(at));
            cols.fp != early.fp && cols.base == early.base
        })
        .expect("two iterations push");
    let into = copy::Cols::of(forged.row(late)).y;
    let (lanes, key) = (early.lanes, int(early.key) as u32);
    let row = copy::Cols::of_mut(forged.row_mut(late));
    *row = early;
    row.y = into;
    row.to = into;
    for (j, lane) in lanes.iter().enumerate() {
        forged.poison(into, int(early.base) as u32 + j as u32, lane.value);
    }
    forged.rebalance();
    stopped_by_bus(&forged, &[(cell(early.fp, key, into), -1)]);
}

/// The same for a word.
#[test]
fn an_iteration_pushes_its_word_into_the_next_one_only() {
    let mut forged = Forged::honest(HASH_CHAIN, &[3, 1, 2, 3, 4]);
    let pushes: Vec<_> = forged
        .rows(ChipKind::WordCopy)
        .into_iter()
        .filter(|&at| {
            let cols = word_copy::Cols::of(forged.row(at));
            cols.push == ONE && cols.fp != ZERO && cols.mult != ZERO
        })
        .collect();
    let early = *word_copy::Cols::of(forged.row(pushes[0]));
    let row = word_copy::Cols::of_mut(forged.row_mut(pushes[1]));
    assert!(row.fp != early.fp && row.base == early.base && row.value != early.value);
    let into = row.y;
    *row = word_copy::Cols {
        y: into,
        to: into,
        mult: row.mult,
        ..early
    };
    let findings = forged.findings();
    assert_eq!(findings.violations, []);
    let key = cell(early.fp, int(early.key) as u32, into);
    assert!(findings.unbalanced.contains(&(key, -ONE)));
}

#[test]
fn an_untaken_branch_delivers_nothing() {
    let honest = Forged::honest(GATES, &[1, 5]);
    let other = Forged::honest(GATES, &[0, 5]);
    let gates = |f: &Forged| -> Vec<Vec<Felt>> {
        let rows = f.rows(ChipKind::Copy).into_iter();
        rows.map(|at| f.row(at).to_vec())
            .filter(|row| {
                let cols = copy::Cols::of(row);
                cols.pull + cols.push == ZERO
            })
            .collect()
    };
    let (taken, untaken) = (gates(&honest), gates(&other));
    assert!(taken[0] != untaken[0]);
    let mut forged = honest;
    // The facts of the other branch may exist; its gate rows replace those of the taken one.
    for kind in [ChipKind::Arith, ChipKind::Inverse, ChipKind::Single] {
        for at in other.rows(kind) {
            forged.push(kind, other.row(at).to_vec());
        }
    }
    for at in forged.rows(ChipKind::Copy).into_iter().rev() {
        forged.remove(at);
    }
    for row in &untaken {
        forged.push(ChipKind::Copy, row.clone());
    }
    let gate = *copy::Cols::of(&untaken[0]);
    for (j, lane) in gate.lanes.iter().enumerate() {
        forged.poison(ZERO, int(gate.base) as u32 + j as u32, lane.value);
    }
    forged.rebalance();
    let findings = forged.findings();
    assert_eq!(findings.violations, []);
    let key = cell(ZERO, int(gate.key) as u32, ZERO);
    assert!(findings.unbalanced.iter().any(|(m, _)| *m == key));

    // The gate of the other branch, opened by the wrong value.
    let at = forged.rows(ChipKind::Copy);
    for at in at {
        copy::Cols::of_mut(forged.row_mut(at)).y = ONE;
    }
    forged.rebalance();
    let findings = forged.findings();
    assert_eq!(findings.constraints(), [(ChipKind::Copy, "gate")]);
}

// R9: traps

/// Programs in which an inversion of the first input is not used, or not obviously.
const TRAPS: &[(&str, &[u64])] = &[
    ("begin inv drop end", &[3]),
    ("begin div drop end", &[3, 12]),
    ("begin inv inv inv drop end", &[3]),
    ("begin dup inv drop dup inv drop add.1 end", &[3]),
    (
        "begin dup.1 if.true dup inv drop else add.1 end end",
        &[3, 1],
    ),
    ("begin dup.1 if.true inv else add.1 end drop end", &[3, 1]),
    (
        "begin dup inv dup.2 if.true drop push.1 end drop end",
        &[3, 1],
    ),
    (
        "begin dup inv dup.2 if.true drop push.1 end drop end",
        &[3, 0],
    ),
    (
        "begin dup neq.0 while.true dup inv drop sub.1 dup neq.0 end end",
        &[3],
    ),
    (
        "begin dup neq.0 while.true dup.1 inv movup.3 drop movdn.2 sub.1 dup neq.0 end movup.2 drop end",
        &[3, 7],
    ),
    (
        "proc.f repeat.30 dup mul add.1 end inv end begin exec.f drop push.1 exec.f drop end",
        &[3],
    ),
    (
        "proc.f dup inv repeat.30 dup mul add.1 end drop end begin exec.f drop push.1 exec.f drop end",
        &[3],
    ),
];

#[test]
fn inversions_whose_results_are_dropped_are_anchored() {
    for (source, inputs) in TRAPS {
        let honest = Forged::honest(source, inputs);
        let inverted = inverted(&honest);
        assert!(!inverted.is_empty(), "{source}: inverts nothing");
        for (frame, id) in inverted {
            assert!(is_anchored(&honest, frame, id), "{source}: {frame} {id}");
        }
    }
}

#[test]
fn inversions_of_the_corpus_are_anchored() {
    let mut inversions = 0;
    for case in support::load_corpus() {
        let parsed = parse_program(&case.source, &case.name, &case.modules());
        let Some(compiled) = parsed.ok().and_then(|p| compile(&p).ok()) else {
            continue;
        };
        let Some(honest) = Forged::of(compiled, &case.run_inputs()) else {
            continue;
        };
        for (frame, id) in inverted(&honest) {
            inversions += 1;
            assert!(
                is_anchored(&honest, frame, id),
                "{}: {frame} {id}",
                case.name
            );
        }
    }
    assert!(inversions > 5, "only {inversions}");
}

/// The bundles that invert something, by frame and first result.
fn inverted(forged: &Forged) -> Vec<(Felt, Felt)> {
    let mut found: Vec<_> = forged
        .rows(ChipKind::Inverse)
        .into_iter()
        .flat_map(|at| inverse::Cols::of(forged.row(at)).bundles)
        .filter(|bundle| bundle.lanes.iter().any(|lane| lane.inv == ONE))
        .map(|bundle| (bundle.fp, bundle.id))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Takes the bundle away, then every fact that reads a cell that is gone, and so on. An attacker may leave all of them out;
/// the bundle is anchored if a row of the chain or the boundary then misses a cell.
fn is_anchored(honest: &Forged, frame: Felt, id: Felt) -> bool {
    let mut gone = vec![(frame, id), (frame, id + ONE)];
    let mut next = 0;
    while next < gone.len() {
        let (frame, id) = gone[next];
        next += 1;
        let reads = |at: (usize, usize)| {
            honest
                .report(at, honest.row(at))
                .messages
                .iter()
                .any(|(m, count)| {
                    *count == Felt::NEG_ONE && m[..3] == cell(frame, int(id) as u32, ZERO)[..3]
                })
        };
        for kind in ChipKind::ALL {
            for at in honest.rows(kind) {
                if kind.ordered() || kind == ChipKind::Boundary {
                    if reads(at) {
                        return true;
                    }
                    continue;
                }
                if kind == ChipKind::Program {
                    continue;
                }
                let row = honest.row(at);
                let mut lose = |frame: Felt, id: Felt| {
                    if !gone.contains(&(frame, id)) {
                        gone.push((frame, id));
                    }
                };
                match kind {
                    ChipKind::Arith => {
                        for b in &arith::Cols::of(row).bundles {
                            let reads = b
                                .lanes
                                .iter()
                                .any(|l| l.a_id == id || (l.b_id == id && l.s != Felt::TWO));
                            if b.fp == frame && reads {
                                lose(b.fp, b.id);
                                lose(b.fp, b.id + ONE);
                            }
                        }
                    }
                    ChipKind::Single => {
                        for cols in &single::Cols::of(row).instructions {
                            let l = &cols.lane;
                            let reads = l.a_id == id || (l.b_id == id && l.s != Felt::TWO);
                            if cols.fp == frame && reads {
                                lose(cols.fp, cols.id);
                            }
                        }
                    }
                    ChipKind::Inverse => {
                        for b in &inverse::Cols::of(row).bundles {
                            if b.fp == frame && b.lanes.iter().any(|l| l.a_id == id) {
                                lose(b.fp, b.id);
                                lose(b.fp, b.id + ONE);
                            }
                        }
                    }
                    _ => {
                        let c = copy::Cols::of(row);
                        let key = c.fp == frame && c.key == id;
                        if key || (c.from == frame && c.lanes.iter().any(|l| l.src == id)) {
                            for j in 0..c.lanes.len() {
                                lose(c.to, c.base + Felt::from_usize(j));
                            }
                        }
                    }
                }
            }
        }
    }
    false
}

#[test]
fn a_dropped_inverse_of_zero_has_no_trace_and_without_its_touch_it_would() {
    let source = "begin inv drop end";
    let honest = Forged::honest(source, &[3]);
    assert!(honest.compiled.run(&stack(&[0]), MAX_CYCLES).is_err());

    // The row of the inversion cannot be satisfied.
    let mut forged = honest.clone();
    forged.poison(ZERO, INPUT, ZERO);
    let rows = forged.rows(ChipKind::Inverse);
    for hint in [0, 1, -1, 2, 77] {
        for &at in &rows {
            for lane in inverse::Cols::of_mut(forged.row_mut(at))
                .bundles
                .iter_mut()
                .flat_map(|b| &mut b.lanes)
            {
                lane.hint = felt(hint);
                lane.out = felt(hint);
            }
        }
        assert!(
            forged
                .findings()
                .violations
                .iter()
                .any(|v| v.constraint.ends_with("indicator"))
        );
    }

    // Without the row the touch misses its operand.
    let touched = inverse::Cols::of(forged.row(rows[0])).bundles[0].id;
    for at in rows.into_iter().rev() {
        forged.remove(at);
    }
    forged.rebalance();
    let findings = forged.findings();
    assert_eq!(findings.violations, []);
    assert!(!findings.unbalanced.is_empty());
    for (message, _) in &findings.unbalanced {
        let id = Felt::new(message[2]);
        assert!(message[0] == 1 && (id == touched || id == touched + ONE));
    }

    // Without the touch either, the chain has a hole; a program that ends before it would be accepted.
    for at in forged.steps(ChipKind::Assert) {
        forged.remove(at);
        end_clock(&mut forged, -1);
    }
    forged.rebalance();
    assert!(forged.findings().unbalanced.iter().all(|(m, _)| m[0] == 2));
    let mut code = forged.code().clone();
    code.halt = code.entry;
    assert!(check(&code, &forged.tables, &forged.public).is_empty());
}

/// An inverse in the extension is the only one, and 0 has none: whatever an attacker takes for it violates its row.
#[test]
fn a_wrong_inverse_in_the_extension_has_no_row() {
    let source = "begin ext3inv dup.2 dup.2 dup.2 ext3mul drop drop drop end";
    let honest = Forged::honest(source, &[3, 5, 7]);
    assert!(honest.compiled.run(&stack(&[0, 0, 0]), MAX_CYCLES).is_err());
    let at = honest.rows(ChipKind::Ext3)[0];
    let mut inverses = 0;
    for i in 0..ext3::FACTS {
        if ext3::Cols::of(honest.row(at)).facts[i].inverse != ONE {
            continue;
        }
        inverses += 1;
        for j in 0..3 {
            let mut forged = honest.clone();
            let rows = forged.rows(ChipKind::Ext3);
            for &row in &rows {
                // All instances of the fact, padding included, give the same wrong value.
                for fact in &mut ext3::Cols::of_mut(forged.row_mut(row)).facts {
                    if fact.inverse == ONE {
                        fact.a[j] += ONE;
                        fact.c[j] += ONE;
                    }
                }
            }
            forged.rebalance();
            let findings = forged.findings();
            assert!(!findings.violations.is_empty());
            let row = |name: &str| name.contains("inverse: product");
            let own = |v: &Violation| v.chip == ChipKind::Ext3 && row(v.constraint);
            assert!(findings.violations.iter().all(own));
        }
    }
    assert!(inverses > 0);
}

// R11: statement

#[test]
fn each_public_value_is_bound() {
    for (name, source, inputs) in programs::ALL {
        let honest = Forged::honest(source, inputs);
        for j in 0..honest.public.len() {
            let mut forged = honest.clone();
            forged.public[j] += ONE;
            forged.rebalance();
            let found = forged.findings();
            // An input that nothing reads is not a statement about anything: its multiplicity is 0.
            let unread = j < 16 && !reads_input(&honest, j);
            assert_eq!(found.is_empty(), unread, "{name}: public value {j}");
        }
    }
}

fn reads_input(forged: &Forged, j: usize) -> bool {
    let at = forged.rows(ChipKind::Boundary)[0];
    boundary::Cols::of(forged.row(at)).mults[j] != ZERO
}

#[test]
fn another_entry_or_halt_is_another_program() {
    let honest = Forged::honest(EFFECTS, &[1, 5]);
    for change in 1..3 {
        let mut code = honest.code().clone();
        code.entry += change;
        assert!(!check(&code, &honest.tables, &honest.public).is_empty());
        let mut code = honest.code().clone();
        code.halt -= change;
        assert!(!check(&code, &honest.tables, &honest.public).is_empty());
    }
}

#[test]
fn a_machine_without_boundary_says_nothing() {
    // The empty machine balances: the boundary must be in every proof, and the key has it.
    let honest = Forged::honest("begin push.5 assert_eq end", &[5]);
    assert!(check(honest.code(), &[], &[]).is_empty());
    let pinned: Vec<_> = ChipKind::ALL
        .into_iter()
        .filter(|k| k.preprocessed())
        .collect();
    let in_every_key: Vec<_> = pinned
        .into_iter()
        .filter(|&kind| plica_air::chip::has_table(honest.code(), kind))
        .collect();
    assert_eq!(in_every_key, [ChipKind::Boundary, ChipKind::Program]);
}
