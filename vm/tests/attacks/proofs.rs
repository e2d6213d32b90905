//! Forged traces, proven all the same: the verifier refuses what the checker finds.

use p3_field::PrimeCharacteristicRing;
use plica_air::chip::ChipKind;
use plica_air::chips::{assert, inverse};
use plica_air::code::INPUT;
use plica_air::trace::Table;
use plica_field::Felt;
use plica_fri::{
    InstanceError, Model, Profile, Proof, ProveError, SecurityTarget, Trace, VerifyError,
    VerifyingKey,
};
use plica_vm::prover::{ProvingKey, exists_under, fill_up, machine, setup};

use super::forged::{Forged, felt};
use super::programs;

/// Few queries: a wrong trace fails at the first.
pub(crate) const TARGET: SecurityTarget = SecurityTarget {
    model: Model::Conjectured,
    bits: 40,
};

fn keys(forged: &Forged) -> (ProvingKey, VerifyingKey) {
    keys_under(forged, &Profile::FAST)
}

fn keys_under(forged: &Forged, profile: &Profile) -> (ProvingKey, VerifyingKey) {
    setup(&forged.compiled, profile, TARGET).expect("keys")
}

/// Proves the traces as they are.
fn prove(forged: &Forged, key: &ProvingKey) -> Result<Proof, ProveError> {
    let mut tables: Vec<&Table> = forged.tables.iter().collect();
    tables.sort_by_key(|table| table.kind);
    let traces = tables
        .into_iter()
        .map(|table| Trace {
            kind: table.kind as usize,
            matrix: fill_up(
                table.kind,
                table.trace.clone(),
                key.verifying_key().profile(),
            ),
        })
        .collect();
    plica_fri::prove(key, traces, &forged.public, TARGET)
}

fn verify(key: &VerifyingKey, public: &[Felt], proof: &Proof) -> Result<(), VerifyError> {
    plica_fri::verify(machine(), key, public, proof, TARGET).map(|_| ())
}

pub(super) fn refused(forged: &Forged) {
    refused_under(forged, &Profile::FAST);
}

fn refused_under(forged: &Forged, profile: &Profile) {
    assert!(!forged.findings().is_empty());
    let (proving, verifying) = keys_under(forged, profile);
    let proof = prove(forged, &proving).expect("a proof of nonsense");
    let result = verify(&verifying, &forged.public, &proof);
    assert!(matches!(result, Err(VerifyError::Invalid(_))), "{result:?}");
}

/// An honest trace with one cell of this chip changed such that a constraint fails and the bus still balances; where every
/// cell of the chip is in a message, such that the bus does not balance either.
fn one_wrong_cell(kind: ChipKind, profile: &Profile) -> Forged {
    let mut open = None;
    for (_, source, inputs) in programs::ALL {
        let honest = Forged::honest_under(source, inputs, profile);
        for at in honest.rows(kind) {
            let before = honest.report(at, honest.row(at)).messages;
            for column in 0..kind.width() {
                let mut row = honest.row(at).to_vec();
                row[column] += Felt::ONE;
                let report = honest.report(at, &row);
                let violated = report.constraints.iter().any(|&value| value != Felt::ZERO);
                let silent = report.messages == before;
                if (violated && silent) || (open.is_none() && !silent) {
                    let mut forged = honest.clone();
                    forged.row_mut(at)[column] += Felt::ONE;
                    if violated && silent {
                        return forged;
                    }
                    open = Some(forged);
                }
            }
        }
    }
    open.unwrap_or_else(|| panic!("no cell of {} is bound", kind.name()))
}

#[test]
fn honest_traces_are_accepted() {
    for (_, source, inputs) in &programs::ALL[..3] {
        let honest = Forged::honest(source, inputs);
        let (proving, verifying) = keys(&honest);
        let proof = prove(&honest, &proving).expect("a proof");
        verify(&verifying, &honest.public, &proof).expect("valid");
        // The same proof for other values.
        for j in [0, 16, 31] {
            let mut public = honest.public.clone();
            public[j] += Felt::ONE;
            assert!(verify(&verifying, &public, &proof).is_err());
        }
    }
}

#[test]
fn one_wrong_cell_of_any_chip_is_refused() {
    for kind in ChipKind::ALL {
        let profiles = [Profile::FAST, Profile::LIFTED];
        let has = |profile: &Profile| exists_under(profile)(kind);
        let profile = profiles.into_iter().find(has).expect("one of them");
        refused_under(&one_wrong_cell(kind, &profile), &profile);
    }
}

#[test]
fn a_failing_assertion_is_refused() {
    let mut forged = Forged::honest("begin push.5 assert_eq end", &[5]);
    forged.poison(Felt::ZERO, INPUT, felt(7));
    refused(&forged);
}

#[test]
fn an_invented_inverse_of_zero_is_refused() {
    let mut forged = Forged::honest("begin inv drop end", &[3]);
    forged.poison(Felt::ZERO, INPUT, Felt::ZERO);
    for at in forged.rows(ChipKind::Inverse) {
        for bundle in &mut inverse::Cols::of_mut(forged.row_mut(at)).bundles {
            for lane in &mut bundle.lanes {
                lane.out = lane.hint;
            }
        }
    }
    refused(&forged);
}

#[test]
fn a_reversed_row_is_refused() {
    let mut forged = Forged::honest(programs::GATES, &[1, 5]);
    let mut row = vec![Felt::ZERO; ChipKind::Assert.width()];
    let cols = assert::Cols::of_mut(&mut row);
    cols.real = Felt::ONE;
    cols.clk = felt(1000);
    cols.slots[0].id = Felt::from_u32(plica_air::code::OUTPUT);
    cols.slots[0].is_cell = Felt::ONE;
    cols.slots[0].value = forged.public[16];
    forged
        .tables
        .retain(|table| table.kind != ChipKind::Assert || !table.trace.values.is_empty());
    let mut rows = row.clone();
    let cols = assert::Cols::of_mut(&mut row);
    cols.real = Felt::NEG_ONE;
    cols.slots[0].value = felt(99);
    rows.extend(row);
    forged.push(ChipKind::Assert, rows);
    forged.public[16] = felt(99);
    refused(&forged);
}

#[test]
fn a_second_boundary_row_or_table_is_refused() {
    let honest = Forged::honest("begin push.5 assert_eq end", &[5]);
    let (proving, _) = keys(&honest);
    let boundary = honest.rows(ChipKind::Boundary)[0];
    let row = honest.row(boundary).to_vec();

    let mut forged = honest.clone();
    forged.push(ChipKind::Boundary, row.clone());
    let result = prove(&forged, &proving).err();
    let expected = InstanceError::PinnedCount {
        name: "boundary",
        got: 2,
    };
    assert!(matches!(result, Some(ProveError::Instances(e)) if e == expected));

    let mut forged = honest;
    forged.tables[boundary.0].trace.values.extend(row);
    let result = prove(&forged, &proving).err();
    assert!(matches!(
        result,
        Some(ProveError::Instances(InstanceError::PinnedHeight {
            name: "boundary",
            ..
        }))
    ));
}
