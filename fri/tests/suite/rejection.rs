//! Everything else is rejected: other public values, keys, lists of tables, parts of a proof, files; and weak proofs.

use std::sync::OnceLock;

use crate::toy::*;
use p3_field::PrimeCharacteristicRing;
use plica_fri::*;
use proptest::prelude::*;

struct Fixture {
    pk: ProvingKey<Toy>,
    vk: VerifyingKey,
    public: Vec<Felt>,
    file: Vec<u8>,
}

/// Proofs in Plonky3's format.
fn fixtures() -> &'static [Fixture] {
    &all_fixtures()[..2]
}

/// These, then proofs in the lifted one, of which `fri/src/lifted/tests.rs` changes every value.
fn all_fixtures() -> &'static [Fixture] {
    static FIXTURES: OnceLock<Vec<Fixture>> = OnceLock::new();
    FIXTURES.get_or_init(|| {
        [
            Profile::BLAKE3,
            Profile::EVM,
            Profile::FAST,
            Profile::LIFTED,
        ]
        .iter()
        .map(|profile| {
            let (pk, vk) = keys(profile, LOW);
            let run = run(2, &[32, 16], Some(4));
            let file = prove(&pk, run.traces, &run.public, LOW)
                .expect("a proof")
                .to_bytes();
            Fixture {
                pk,
                vk,
                public: run.public,
                file,
            }
        })
        .collect()
    })
}

fn proof(f: &Fixture) -> Proof {
    Proof::from_bytes(&f.file).expect("valid")
}

fn check(f: &Fixture, proof: &Proof) -> Result<SecurityReport, VerifyError> {
    verify(&toy(), &f.vk, &f.public, proof, LOW)
}

fn shorten<V>(values: &mut Vec<V>) {
    values.pop();
}

#[test]
fn other_public_values() {
    for f in fixtures() {
        check(f, &proof(f)).expect("unchanged");
        for i in 0..2 {
            let mut public = f.public.clone();
            public[i] += Felt::ONE;
            assert!(matches!(
                verify(&toy(), &f.vk, &public, &proof(f), LOW),
                Err(VerifyError::Invalid(_))
            ));
        }
        for public in [
            vec![],
            vec![f.public[0]],
            [f.public.clone(), vec![Felt::ZERO]].concat(),
        ] {
            assert!(matches!(
                verify(&toy(), &f.vk, &public, &proof(f), LOW),
                Err(VerifyError::PublicValues { expected: 2, .. })
            ));
        }
    }
}

#[test]
fn other_keys() {
    let f = &fixtures()[0];
    // Another program; another target with the same number of queries; other metadata; another machine; another profile.
    let other = |first, target, metadata: &[u8]| {
        setup(
            &toy(),
            program(first),
            &Profile::BLAKE3,
            target,
            metadata.to_vec(),
        )
        .expect("keys")
        .1
    };
    let same = other(2, LOW, b"toy");
    assert_eq!(same, f.vk);
    for vk in [
        other(3, LOW, b"toy"),
        other(
            2,
            SecurityTarget {
                bits: LOW.bits + 1,
                ..LOW
            },
            b"toy",
        ),
        other(2, LOW, b"toz"),
    ] {
        assert_ne!(vk.digest(), f.vk.digest());
        assert!(verify(&toy(), &vk, &f.public, &proof(f), LOW).is_err());
    }
    let vk = &fixtures()[1].vk;
    assert!(matches!(
        verify(&toy(), vk, &f.public, &proof(f), LOW),
        Err(VerifyError::Profile { .. })
    ));

    let mut renamed = kinds();
    renamed[2].name = "cube";
    let airs = AirSet::new(renamed).expect("a machine");
    assert!(matches!(
        verify(&airs, &f.vk, &f.public, &proof(f), LOW),
        Err(VerifyError::Key(KeyError::OtherMachine))
    ));
}

#[test]
fn the_set_digest_depends_on_everything() {
    let digest = |kinds| *AirSet::new(kinds).expect("a machine").digest();
    let base = digest(kinds());
    assert_eq!(base, digest(kinds()));
    let mut variants = vec![base];
    let mut k = kinds();
    k[2].ordered = false;
    variants.push(digest(k));
    let mut k = kinds();
    k[2].presence = Presence::Dynamic { max_instances: 4 };
    variants.push(digest(k));
    let mut k = kinds();
    k[0].presence = Presence::Optional;
    variants.push(digest(k));
    let mut k = kinds();
    k[3].twin = Some(2);
    variants.push(digest(k));
    let mut k = kinds();
    k[3].few_columns = true;
    variants.push(digest(k));
    let mut k = kinds();
    k.swap(2, 3);
    variants.push(digest(k));
    let mut k = kinds();
    k.pop();
    variants.push(digest(k));
    let mut k = kinds();
    k[3].table = Toy::Wide;
    variants.push(digest(k));
    for i in 0..variants.len() {
        for j in 0..i {
            assert_ne!(variants[i], variants[j]);
        }
    }
}

#[test]
fn machines_that_are_none() {
    let set = |change: &dyn Fn(&mut Vec<Kind<Toy>>)| {
        let mut k = kinds();
        change(&mut k);
        AirSet::new(k)
    };
    assert!(matches!(
        set(&|k| k.clear()),
        Err(AirSetError::KindCount(0))
    ));
    assert!(matches!(
        set(&|k| k[3].name = "square"),
        Err(AirSetError::DuplicateName(_))
    ));
    for (kind, twin) in [(2, 0), (2, 2), (2, 99), (0, 2)] {
        assert!(matches!(
            set(&|k| k[kind].twin = Some(twin)),
            Err(AirSetError::Twin(_))
        ));
    }
    assert!(matches!(
        set(&|k| k[0].few_columns = true),
        Err(AirSetError::FewColumns("program"))
    ));
    assert!(matches!(
        set(&|k| k[3].presence = Presence::Pinned),
        Err(AirSetError::Presence(_))
    ));
    assert!(matches!(
        set(&|k| k[3].presence = Presence::Optional),
        Err(AirSetError::Presence(_))
    ));
    assert!(matches!(
        set(&|k| k[0].presence = Presence::Dynamic { max_instances: 1 }),
        Err(AirSetError::Presence(_))
    ));
    assert!(matches!(
        set(&|k| k[1].presence = Presence::Optional),
        Err(AirSetError::PublicValues("boundary"))
    ));
    assert!(matches!(
        set(&|k| {
            k.truncate(1);
            k[0].presence = Presence::Optional;
        }),
        Err(AirSetError::NothingPinned)
    ));
    assert!(matches!(
        set(&|k| drop(k.drain(..2))),
        Err(AirSetError::NothingPinned)
    ));
    assert!(matches!(
        set(&|k| k.push(kind("b2", Toy::Boundary(None), Presence::Pinned, false))),
        Err(AirSetError::PublicValues(_))
    ));
    let selector = || {
        kind(
            "selector",
            Toy::Selector,
            Presence::Dynamic { max_instances: 1 },
            false,
        )
    };
    assert!(matches!(
        set(&|k| k.push(selector())),
        Err(AirSetError::SelectorInBus("selector"))
    ));
    let narrow = || {
        kind(
            "narrow",
            Toy::Narrow,
            Presence::Dynamic { max_instances: 1 },
            false,
        )
    };
    assert!(matches!(
        set(&|k| k.push(narrow())),
        Err(AirSetError::Lookup(_))
    ));
}

#[test]
fn keys_that_are_none() {
    let make = |traces, profile: &Profile, target| {
        setup(&toy(), traces, profile, target, vec![]).map(|k| k.1)
    };
    assert!(matches!(
        make(vec![], &Profile::BLAKE3, LOW),
        Err(SetupError::TraceCount {
            expected: 2,
            got: 0
        })
    ));
    let mut traces = program(2);
    traces.swap(0, 1);
    assert!(matches!(
        make(traces, &Profile::BLAKE3, LOW),
        Err(SetupError::TraceShape { .. })
    ));
    for (kind, name) in [(PROGRAM, "program"), (BOUNDARY, "boundary")] {
        let mut traces = program(2);
        traces[kind] = None;
        assert!(matches!(
            make(traces, &Profile::BLAKE3, LOW),
            Err(SetupError::TraceMissing(missing)) if missing == name
        ));
    }
    let insane = Profile {
        log_blowup: 0,
        ..Profile::BLAKE3
    };
    assert!(matches!(
        make(program(2), &insane, LOW),
        Err(SetupError::Profile)
    ));
    for bits in [0, 129] {
        let target = SecurityTarget { bits, ..LOW };
        assert!(matches!(
            make(program(2), &Profile::BLAKE3, target),
            Err(SetupError::Key(KeyError::Target(_)))
        ));
    }
    // A profile that is not in the list cannot be read back.
    let odd = Profile {
        cap_height: 1,
        ..Profile::BLAKE3
    };
    let key = make(program(2), &odd, LOW).expect("a key");
    assert!(matches!(
        VerifyingKey::from_bytes(&key.to_bytes()),
        Err(FileError::Key(KeyError::Commitment | KeyError::Digest))
    ));
    let odd = Profile {
        query_pow_bits: 1,
        ..Profile::BLAKE3
    };
    let key = make(program(2), &odd, LOW).expect("a key");
    assert!(matches!(
        VerifyingKey::from_bytes(&key.to_bytes()),
        Err(FileError::Key(KeyError::Digest))
    ));
}

#[test]
fn lists_of_tables() {
    let f = &fixtures()[0];
    let list = proof(f).instances().clone();
    let with = |change: &dyn Fn(&mut Vec<Instance>)| {
        let (profile, mut instances, batch) = batch_parts(proof(f));
        change(&mut instances.0);
        assert_ne!(instances, list);
        match check(f, &Proof::from_parts(profile, instances, batch)) {
            Err(error) => error,
            Ok(_) => panic!("accepted"),
        }
    };
    let table = |kind, log_height| Instance { kind, log_height };
    // The list: program 2^3, boundary 2^0, square 2^5 and 2^4, double 2^2.
    assert_eq!(
        list.0,
        [
            table(0, 3),
            table(1, 0),
            table(2, 5),
            table(2, 4),
            table(3, 2)
        ]
    );
    use InstanceError as E;
    assert!(matches!(
        with(&|l| l.swap(2, 3)),
        VerifyError::Instances(E::Order(3))
    ));
    assert!(matches!(
        with(&|l| l.swap(1, 2)),
        VerifyError::Instances(E::Order(2))
    ));
    assert!(matches!(
        with(&|l| {
            l.remove(0);
        }),
        VerifyError::Instances(E::PinnedCount { got: 0, .. })
    ));
    assert!(matches!(
        with(&|l| {
            l.remove(1);
        }),
        VerifyError::Instances(E::PinnedCount { got: 0, .. })
    ));
    assert!(matches!(
        with(&|l| l.insert(2, table(1, 0))),
        VerifyError::Instances(E::PinnedCount { got: 2, .. })
    ));
    assert!(matches!(
        with(&|l| l[1].log_height = 1),
        VerifyError::Instances(E::PinnedHeight { .. })
    ));
    assert!(matches!(
        with(&|l| l[0].log_height = 4),
        VerifyError::Instances(E::PinnedHeight { .. })
    ));
    assert!(matches!(
        with(&|l| l.push(table(3, 2))),
        VerifyError::Instances(E::TooMany { limit: 1, .. })
    ));
    assert!(matches!(
        with(&|l| l.push(table(4, 0))),
        VerifyError::Instances(E::UnknownKind(4))
    ));
    assert!(matches!(
        with(&|l| l[4].kind = 999),
        VerifyError::Instances(E::UnknownKind(999))
    ));
    assert!(matches!(
        with(&|l| l[2].log_height = 29),
        VerifyError::Instances(E::Height { .. })
    ));
    assert!(matches!(
        with(&|l| l[2].log_height = 255),
        VerifyError::Instances(E::Height { .. })
    ));
    // Allowed lists, but not the proof's.
    assert!(matches!(with(&|l| shorten(l)), VerifyError::Shape(_)));
    assert!(matches!(
        with(&|l| l[2].log_height = 6),
        VerifyError::Shape(_)
    ));
    assert!(matches!(
        with(&|l| l[4].log_height = 0),
        VerifyError::Shape(_)
    ));
    assert!(matches!(with(&|l| l.clear()), VerifyError::Instances(_)));
}

#[test]
fn too_many_steps() {
    let f = &fixtures()[0];
    let profile = Profile {
        max_log_height: 31,
        ..Profile::BLAKE3
    };
    let (pk, _) = setup(&toy(), program(2), &profile, LOW, vec![]).expect("keys");
    let table = |kind, log_height| Instance { kind, log_height };
    let list = |square: &[u8]| {
        let mut out = vec![table(0, 3), table(1, 0)];
        out.extend(square.iter().map(|&h| table(2, h)));
        InstanceList(out)
    };
    assert!(plan(&pk, &list(&[31, 30]), LOW).is_ok());
    assert!(matches!(
        plan(&pk, &list(&[31, 31]), LOW),
        Err(ProveError::Instances(InstanceError::TooManySteps(_)))
    ));
    assert!(matches!(
        plan(&f.pk, &list(&[29]), LOW),
        Err(ProveError::Instances(InstanceError::Height { .. }))
    ));
}

#[test]
fn parts_of_a_proof() {
    type Change = fn(&mut BatchProof);
    let changes: &[(&str, Change)] = &[
        ("height", |p| p.degree_bits[2] += 1),
        ("height 64", |p| p.degree_bits[2] = 64),
        ("heights missing", |p| shorten(&mut p.degree_bits)),
        ("heights swapped", |p| p.degree_bits.swap(2, 3)),
        ("main and quotient swapped", |p| {
            std::mem::swap(&mut p.commitments.main, &mut p.commitments.quotient_chunks);
        }),
        ("bus commitment missing", |p| {
            p.commitments.permutation = None
        }),
        ("randomizer", |p| {
            p.commitments.random = Some(p.commitments.main.clone())
        }),
        ("main commitment of another hash", |p| {
            p.commitments.main = match &p.commitments.main {
                Cap::Felts(_) => Cap::Bytes(vec![[0; 32]].into()),
                Cap::Bytes(_) => Cap::Felts(vec![[Felt::ZERO; 4]].into()),
            }
        }),
        ("main commitment too long", |p| {
            p.commitments.main = match &p.commitments.main {
                Cap::Felts(cap) => Cap::Felts([cap.roots(), cap.roots()].concat().into()),
                Cap::Bytes(cap) => Cap::Bytes([cap.roots(), cap.roots()].concat().into()),
            }
        }),
        ("terminal", |p| {
            p.lookup_terminals[2].as_mut().unwrap().0 += Ext::ONE
        }),
        ("two terminals", |p| {
            p.lookup_terminals[2].as_mut().unwrap().0 += Ext::ONE;
            p.lookup_terminals[3].as_mut().unwrap().0 -= Ext::ONE;
        }),
        ("terminal missing", |p| p.lookup_terminals[2] = None),
        ("terminals missing", |p| p.lookup_terminals.clear()),
        ("bus witness missing", |p| p.lookup_pow_witness = None),
        ("idle bus witness", |p| {
            p.lookup_pow_witness = Some(Felt::ONE)
        }),
        ("idle out-of-domain witness", |p| {
            p.ood_pow_witness = Felt::ONE
        }),
        ("tables missing", |p| {
            shorten(&mut p.opened_values.instances)
        }),
        ("main value", |p| {
            p.opened_values.instances[2].base_opened_values.trace_local[0] += Ext::ONE
        }),
        ("main value missing", |p| {
            shorten(&mut p.opened_values.instances[2].base_opened_values.trace_local)
        }),
        ("next row added", |p| {
            let base = &mut p.opened_values.instances[2].base_opened_values;
            base.trace_next = Some(base.trace_local.clone());
        }),
        ("preprocessed value", |p| {
            p.opened_values.instances[0]
                .base_opened_values
                .preprocessed
                .as_mut()
                .unwrap()
                .local[0] += Ext::ONE;
        }),
        ("preprocessed values missing", |p| {
            p.opened_values.instances[0].base_opened_values.preprocessed = None
        }),
        ("preprocessed next row", |p| {
            p.opened_values.instances[0]
                .base_opened_values
                .preprocessed
                .as_mut()
                .unwrap()
                .next = Some(vec![]);
        }),
        ("quotient value", |p| {
            p.opened_values.instances[2]
                .base_opened_values
                .quotient_chunks[0][0] += Ext::ONE
        }),
        ("quotient chunk missing", |p| {
            shorten(
                &mut p.opened_values.instances[2]
                    .base_opened_values
                    .quotient_chunks,
            )
        }),
        ("quotient coefficient missing", |p| {
            shorten(
                &mut p.opened_values.instances[2]
                    .base_opened_values
                    .quotient_chunks[0],
            );
        }),
        ("random values", |p| {
            p.opened_values.instances[2].base_opened_values.random = Some(vec![])
        }),
        ("bus value", |p| {
            p.opened_values.instances[2].permutation_local[0] += Ext::ONE
        }),
        ("bus value, next row", |p| {
            p.opened_values.instances[2].permutation_next[0] += Ext::ONE
        }),
        ("bus values missing", |p| {
            p.opened_values.instances[2].permutation_local.clear()
        }),
        ("batch witness", |p| {
            p.opening_proof.batch_pow_witness += Felt::ONE
        }),
        ("query witness", |p| {
            p.opening_proof.query_pow_witness += Felt::ONE
        }),
        ("fold witness", |p| {
            p.opening_proof.commit_pow_witnesses[0] += Felt::ONE
        }),
        ("fold witnesses missing", |p| {
            p.opening_proof.commit_pow_witnesses.clear()
        }),
        ("fold commitment missing", |p| {
            shorten(&mut p.opening_proof.commit_phase_commits)
        }),
        ("fold commitments swapped", |p| {
            p.opening_proof.commit_phase_commits.swap(0, 1)
        }),
        ("fold opening missing", |p| {
            shorten(&mut p.opening_proof.commit_phase_openings)
        }),
        ("fold sibling", |p| {
            p.opening_proof.commit_phase_openings[0].sibling_values[0][0] += Ext::ONE
        }),
        ("fold sibling missing", |p| {
            shorten(&mut p.opening_proof.commit_phase_openings[0].sibling_values[0])
        }),
        ("fold query missing", |p| {
            shorten(&mut p.opening_proof.commit_phase_openings[0].sibling_values)
        }),
        ("fold path", |p| {
            tamper(
                &mut p.opening_proof.commit_phase_openings[0].opening_proof,
                0,
            )
        }),
        ("final polynomial", |p| {
            p.opening_proof.final_poly[0] += Ext::ONE
        }),
        ("final polynomial missing", |p| {
            p.opening_proof.final_poly.clear()
        }),
        ("final polynomial too long", |p| {
            p.opening_proof.final_poly.push(Ext::ZERO)
        }),
        ("opened row", |p| {
            p.opening_proof.input_openings[0].opened_values[0][0][0] += Felt::ONE
        }),
        ("opened cell missing", |p| {
            shorten(&mut p.opening_proof.input_openings[0].opened_values[0][0])
        }),
        ("opened matrix missing", |p| {
            shorten(&mut p.opening_proof.input_openings[0].opened_values[0])
        }),
        ("opened query missing", |p| {
            shorten(&mut p.opening_proof.input_openings[0].opened_values)
        }),
        ("opened queries reversed", |p| {
            p.opening_proof.input_openings[0].opened_values.reverse()
        }),
        ("opened commitment missing", |p| {
            shorten(&mut p.opening_proof.input_openings)
        }),
        ("opened commitments swapped", |p| {
            p.opening_proof.input_openings.swap(0, 1)
        }),
        ("path", |p| {
            tamper(&mut p.opening_proof.input_openings[0].opening_proof, 0)
        }),
        ("path too short", |p| {
            tamper(&mut p.opening_proof.input_openings[0].opening_proof, 1)
        }),
        ("path too long", |p| {
            tamper(&mut p.opening_proof.input_openings[0].opening_proof, 2)
        }),
        ("path far too long", |p| {
            tamper(&mut p.opening_proof.input_openings[0].opening_proof, 3)
        }),
        ("path of another hash", |p| {
            tamper(&mut p.opening_proof.input_openings[0].opening_proof, 4)
        }),
    ];
    for f in fixtures() {
        for (name, change) in changes {
            let (profile, instances, mut batch) = batch_parts(proof(f));
            change(&mut batch);
            assert!(
                check(f, &Proof::from_parts(profile, instances, batch)).is_err(),
                "{name}"
            );
        }
    }
}

fn tamper(paths: &mut Paths, how: usize) {
    fn digests<D: Copy>(digests: &mut Vec<D>, how: usize, change: impl Fn(&mut D)) {
        match how {
            0 => change(&mut digests[0]),
            1 => shorten(digests),
            2 => digests.push(digests[0]),
            _ => digests.resize(1 << 16, digests[0]),
        }
    }
    match (how, &mut *paths) {
        (4, Paths::Felts(_)) => {
            *paths = Paths::Bytes(p3_merkle_tree::PrunedMerklePaths {
                sibling_hashes: vec![],
            })
        }
        (4, Paths::Bytes(_)) => {
            *paths = Paths::Felts(p3_merkle_tree::PrunedMerklePaths {
                sibling_hashes: vec![],
            })
        }
        (_, Paths::Felts(p)) => digests(&mut p.sibling_hashes, how, |d| d[0] += Felt::ONE),
        (_, Paths::Bytes(p)) => digests(&mut p.sibling_hashes, how, |d| d[0] ^= 1),
    }
}

#[test]
fn weak_proofs_are_refused_by_both_sides() {
    let f = &fixtures()[0];
    let strong = SecurityTarget::PROVEN_100;
    let run = run(2, &[32, 16], Some(4));
    assert!(matches!(
        prove(&f.pk, run.traces, &run.public, strong),
        Err(ProveError::Security(SecurityError::BelowTarget { .. }))
    ));
    match verify(&toy(), &f.vk, &f.public, &proof(f), strong) {
        Err(VerifyError::Security(SecurityError::BelowTarget { required, got })) => {
            assert_eq!(required, strong);
            assert!(got < 100.0);
        }
        other => panic!("{other:?}"),
    }
    // A single row has no proven security at all: no number of queries helps.
    let airs = AirSet::new(vec![kind(
        "boundary",
        Toy::Boundary(None),
        Presence::Pinned,
        false,
    )])
    .expect("a machine");
    let traces = vec![program(2).remove(1)];
    let (pk, _) = setup(
        &std::sync::Arc::new(airs),
        traces,
        &Profile::BLAKE3,
        strong,
        vec![],
    )
    .expect("keys");
    let list = InstanceList(vec![Instance {
        kind: 0,
        log_height: 0,
    }]);
    assert!(matches!(
        plan(&pk, &list, strong),
        Err(ProveError::Security(SecurityError::Unattainable { .. }))
    ));
}

#[test]
fn traces_that_are_none() {
    let f = &fixtures()[0];
    let with = |change: &dyn Fn(&mut Run)| {
        let mut run = run(2, &[32], None);
        change(&mut run);
        prove(&f.pk, run.traces, &run.public, LOW)
            .map(|_| ())
            .expect_err("refused")
    };
    assert!(matches!(
        with(&|r| r.traces[0].kind = 9),
        ProveError::UnknownKind(9)
    ));
    assert!(matches!(
        with(&|r| r.traces[0].kind = DOUBLE),
        ProveError::TraceShape { .. }
    ));
    assert!(matches!(
        with(&|r| drop(r.traces[0].matrix.values.drain(..5))),
        ProveError::TraceShape { .. }
    ));
    assert!(matches!(
        with(&|r| r.traces[0].matrix.values.clear()),
        ProveError::TraceShape { .. }
    ));
    assert!(matches!(
        with(&|r| shorten(&mut r.traces)),
        ProveError::Instances(InstanceError::PinnedCount { .. })
    ));
    assert!(matches!(
        with(&|r| r.public.clear()),
        ProveError::PublicValues { .. }
    ));
}

/// The prover proves anything; the verifier refuses it, and the checker says why.
#[test]
fn proofs_of_wrong_traces() {
    for f in fixtures() {
        for cell in [0, 1, 2, 3, 4] {
            let mut run = run(2, &[32], None);
            run.traces[0].matrix.values[cell] += Felt::ONE;
            plica_fri::check(&toy(), &program(2), &run.traces, &run.public).expect_err("wrong");
            let proof = prove(&f.pk, run.traces, &run.public, LOW).expect("a proof of nonsense");
            assert!(matches!(check(f, &proof), Err(VerifyError::Invalid(_))));
        }
        let run = run(2, &[32], None);
        let public = vec![run.public[0], run.public[1] + Felt::ONE];
        let proof = prove(&f.pk, run.traces, &public, LOW).expect("a proof of nonsense");
        assert!(verify(&toy(), &f.vk, &public, &proof, LOW).is_err());
    }
}

#[test]
fn file_headers() {
    let f = &fixtures()[0];
    let read = |bytes: &[u8]| Proof::from_bytes(bytes).map(|_| ()).expect_err("refused");
    let with = |at: usize, value: u8| {
        let mut file = f.file.clone();
        file[at] = value;
        file
    };
    assert!(matches!(read(b""), FileError::NotAPlicaFile));
    assert!(matches!(read(b"PLICA"), FileError::NotAPlicaFile));
    assert!(matches!(read(&with(0, b'p')), FileError::NotAPlicaFile));
    assert!(matches!(
        read(&f.vk.to_bytes()),
        FileError::WrongKind { got: 2, .. }
    ));
    assert!(matches!(
        VerifyingKey::from_bytes(&f.file),
        Err(FileError::WrongKind { got: 1, .. })
    ));
    assert!(matches!(read(&with(10, 9)), FileError::Version(9)));
    assert!(matches!(read(&with(12, 1)), FileError::Checksum));
    assert!(matches!(read(&with(14, 1)), FileError::Checksum));
    assert!(matches!(read(&with(23, 1)), FileError::TooLarge { .. }));
    assert!(matches!(read(&f.file[..20]), FileError::Truncated { .. }));
    assert!(matches!(
        read(&f.file[..f.file.len() - 1]),
        FileError::Truncated { .. }
    ));
    assert!(matches!(
        read(&[f.file.clone(), vec![0]].concat()),
        FileError::TrailingBytes(1)
    ));
    assert!(matches!(
        read(&with(f.file.len() / 2, !f.file[f.file.len() / 2])),
        FileError::Checksum
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_changed_byte_of_a_file_is_noticed(which in 0..4usize, position in any::<usize>(), change in 1..=255u8) {
        let f = &all_fixtures()[which];
        for (key, file) in [(false, f.file.clone()), (true, f.vk.to_bytes())] {
            let mut file = file;
            let position = position % file.len();
            file[position] ^= change;
            let refused = if key { VerifyingKey::from_bytes(&file).is_err() } else { Proof::from_bytes(&file).is_err() };
            prop_assert!(refused);
        }
    }

    #[test]
    fn any_cut_file_is_noticed(which in 0..4usize, length in any::<usize>()) {
        let f = &all_fixtures()[which];
        prop_assert!(Proof::from_bytes(&f.file[..length % f.file.len()]).is_err());
        let key = f.vk.to_bytes();
        prop_assert!(VerifyingKey::from_bytes(&key[..length % key.len()]).is_err());
    }

    #[test]
    fn arbitrary_bytes_are_no_file(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        prop_assert!(Proof::from_bytes(&bytes).is_err());
        prop_assert!(VerifyingKey::from_bytes(&bytes).is_err());
    }
}

#[test]
fn the_checker_names_what_is_wrong() {
    let with = |change: &dyn Fn(&mut Run)| {
        let mut run = run(2, &[32], Some(4));
        change(&mut run);
        plica_fri::check(&toy(), &program(2), &run.traces, &run.public)
    };
    with(&|_| ()).expect("nothing is wrong");
    // Columns of `square`: real, clk, s, x, y. Row 1, real = 2: not boolean, and nothing else.
    match with(&|r| r.traces[0].matrix.values[5] = Felt::TWO) {
        Err(CheckError::Constraints { place, constraints }) => {
            assert_eq!((place.table, place.trace, place.row), ("square", 0, 1));
            assert_eq!(constraints, [0]);
        }
        other => panic!("{other:?}"),
    }
    // y + 1: no square.
    match with(&|r| r.traces[0].matrix.values[9] += Felt::ONE) {
        Err(CheckError::Constraints { constraints, .. }) => assert_eq!(constraints, [1]),
        other => panic!("{other:?}"),
    }
    // Another state in row 1: the tuple that row 0 sent has no receiver.
    match with(&|r| r.traces[0].matrix.values[7] += Felt::ONE) {
        Err(CheckError::Bus {
            bus,
            tuple,
            net,
            places,
        }) => {
            assert_eq!(bus, "state");
            assert_eq!(tuple[0], Felt::TWO);
            assert_eq!(net, Felt::ONE);
            assert_eq!(places.len(), 1);
        }
        other => panic!("{other:?}"),
    }
    // A public value.
    assert!(matches!(
        with(&|r| r.public[1] += Felt::ONE),
        Err(CheckError::Bus { .. })
    ));
    assert!(matches!(
        with(&|r| r.public.clear()),
        Err(CheckError::Shape(_))
    ));
    assert!(matches!(
        with(&|r| r.traces[0].kind = DOUBLE),
        Err(CheckError::Shape(0))
    ));
}
