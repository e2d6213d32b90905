//! Attacks on the names of frames and on what crosses them (rules R5 and R6).

use super::*;

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
