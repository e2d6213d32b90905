//! Attacks on the chain of states, and on what padding provides (rules R1 and R2).

use super::*;

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
