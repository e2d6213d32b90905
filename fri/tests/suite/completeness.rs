//! Valid runs are proved and verified, in every profile.

use crate::toy::*;
use plica_fri::*;

fn round_trip(
    profile: &Profile,
    target: SecurityTarget,
    squares: &[usize],
    doubles: Option<usize>,
) -> SecurityReport {
    let (pk, vk) = keys(profile, target);
    let run = run(2, squares, doubles);
    let proof = prove(&pk, run.traces, &run.public, target).expect("a proof");
    let bytes = proof.to_bytes();
    let proof = Proof::from_bytes(&bytes).expect("a proof file");
    assert_eq!(proof.to_bytes(), bytes);
    let vk = VerifyingKey::from_bytes(&vk.to_bytes()).expect("a key file");
    let report = verify(&toy(), &vk, &run.public, &proof, target).expect("accepted");
    println!("{}: {} bytes\n{report}", profile.name, bytes.len());
    report
}

#[test]
fn every_profile_proves_at_its_default_level() {
    for profile in Profile::ALL {
        let report = round_trip(&profile, SecurityTarget::default(), &[64], Some(4));
        assert!(report.bits(Model::Proven) >= 100.0);
    }
}

#[test]
fn a_dynamic_table_may_be_absent() {
    round_trip(&Profile::BLAKE3, LOW, &[32], None);
    round_trip(&Profile::BLAKE3, LOW, &[], Some(4));
    round_trip(&Profile::FAST, LOW, &[32], None);
}

#[test]
fn a_kind_may_have_several_instances() {
    round_trip(&Profile::BLAKE3, LOW, &[64, 16], Some(8));
    round_trip(&Profile::BLAKE3, LOW, &[16, 16, 1], None);
    round_trip(&Profile::FAST, LOW, &[64, 16], Some(8));
}
