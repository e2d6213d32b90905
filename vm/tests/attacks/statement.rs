//! Attacks on the statement (rule R11).

use super::*;

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
