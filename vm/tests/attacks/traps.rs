//! Attacks on instructions that have no row where they fail (rule R9).

use super::*;

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
