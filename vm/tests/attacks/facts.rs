//! Attacks on facts and on what the program table fixes (rules R3 and R4).

use super::*;

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
