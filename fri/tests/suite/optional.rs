//! Tables that a key may leave out, and kinds that a profile does not have.

use std::sync::{Arc, OnceLock};

use crate::toy::*;
use p3_field::PrimeCharacteristicRing;
use plica_fri::*;

struct Fixture {
    subset: Subset,
    pk: ProvingKey<Toy>,
    vk: VerifyingKey,
    public: Vec<Felt>,
    file: Vec<u8>,
}

/// A proof per subset of the optional tables.
fn fixtures() -> &'static [Fixture] {
    static FIXTURES: OnceLock<Vec<Fixture>> = OnceLock::new();
    FIXTURES.get_or_init(|| {
        Subset::ALL
            .into_iter()
            .map(|subset| {
                let (pk, vk) = subset.keys(&Profile::BLAKE3);
                let run = subset.run();
                let file = prove(&pk, run.traces, &run.public, LOW)
                    .expect("a proof")
                    .to_bytes();
                Fixture {
                    subset,
                    pk,
                    vk,
                    public: run.public,
                    file,
                }
            })
            .collect()
    })
}

fn airs() -> AirSet<Toy> {
    AirSet::new(optional_kinds()).expect("a machine")
}

fn proof(f: &Fixture) -> Proof {
    Proof::from_bytes(&f.file).expect("valid")
}

fn check(f: &Fixture, proof: &Proof) -> Result<SecurityReport, VerifyError> {
    verify(&airs(), &f.vk, &f.public, proof, LOW)
}

fn kinds_of(list: &InstanceList) -> Vec<u16> {
    list.tables().iter().map(|table| table.kind).collect()
}

/// All profiles but `small`, whose every proof takes 2^24 hashes.
fn without_much_grinding() -> impl Iterator<Item = &'static Profile> {
    static ALL: [Profile; 6] = Profile::ALL;
    ALL.iter().filter(|profile| **profile != Profile::SMALL)
}

#[test]
fn every_subset_is_proved_and_verified() {
    for profile in without_much_grinding() {
        for subset in Subset::ALL {
            let (pk, vk) = subset.keys(profile);
            let run = subset.run();
            plica_fri::check(&airs(), &subset.program(), &run.traces, &run.public)
                .expect("nothing is wrong");
            let proof = prove(&pk, run.traces, &run.public, LOW).expect("a proof");
            let vk = VerifyingKey::from_bytes(&vk.to_bytes()).expect("a key file");
            verify(&airs(), &vk, &run.public, &proof, LOW).expect("accepted");

            let listed: Vec<_> = vk.pinned().iter().map(|table| table.kind).collect();
            let mut expected = vec![BOUNDARY as u16];
            expected.splice(0..0, subset.program.then_some(PROGRAM as u16));
            expected.extend(subset.more.then_some(MORE as u16));
            assert_eq!(listed, expected);
            let present = kinds_of(proof.instances());
            for kind in [PROGRAM, BOUNDARY, MORE] {
                let kind = kind as u16;
                assert_eq!(present.contains(&kind), listed.contains(&kind));
            }
        }
    }
}

/// The keys of one program with and without a table have different digests, and one's proofs are none for the other.
#[test]
fn a_subset_is_part_of_the_key() {
    for f in fixtures() {
        for other in fixtures() {
            if f.subset == other.subset {
                continue;
            }
            assert_ne!(f.vk.digest(), other.vk.digest());
            // The first table in which they differ.
            let (name, listed) = if f.subset.program == other.subset.program {
                ("more", f.subset.more)
            } else {
                ("program", f.subset.program)
            };
            let expected = if listed {
                InstanceError::PinnedCount { name, got: 0 }
            } else {
                InstanceError::Unlisted { name }
            };
            match verify(&airs(), &f.vk, &other.public, &proof(other), LOW) {
                Err(VerifyError::Instances(error)) => assert_eq!(error, expected),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn exactly_the_listed_tables() {
    for f in fixtures() {
        check(f, &proof(f)).expect("unchanged");
        for (kind, name, listed) in [
            (PROGRAM, "program", f.subset.program),
            (MORE, "more", f.subset.more),
        ] {
            let table = Instance {
                kind: kind as u16,
                log_height: 3,
            };
            let with = |change: &dyn Fn(&mut Vec<Instance>)| {
                let (profile, mut instances, batch) = batch_parts(proof(f));
                change(&mut instances.0);
                let by_prover = match plan(&f.pk, &instances, LOW) {
                    Err(ProveError::Instances(error)) => error,
                    _ => panic!("accepted"),
                };
                match check(f, &Proof::from_parts(profile, instances, batch)) {
                    Err(VerifyError::Instances(error)) => assert_eq!(error, by_prover),
                    other => panic!("{other:?}"),
                }
                by_prover
            };
            let insert = |list: &mut Vec<Instance>| {
                let at = list.partition_point(|other| other.kind < table.kind);
                list.insert(at, table);
            };
            if listed {
                assert_eq!(
                    with(&|list| list.retain(|other| other.kind != table.kind)),
                    InstanceError::PinnedCount { name, got: 0 }
                );
                assert_eq!(with(&insert), InstanceError::PinnedCount { name, got: 2 });
                assert_eq!(
                    with(&|list| {
                        for other in list {
                            other.log_height += u8::from(other.kind == table.kind);
                        }
                    }),
                    InstanceError::PinnedHeight {
                        name,
                        expected: 3,
                        got: 4
                    }
                );
            } else {
                assert_eq!(with(&insert), InstanceError::Unlisted { name });
                assert_eq!(
                    with(&|list| {
                        insert(list);
                        insert(list);
                    }),
                    InstanceError::Unlisted { name }
                );
            }
        }
    }
}

#[test]
fn traces_of_tables_that_the_key_does_not_list() {
    for f in fixtures() {
        for other in Subset::ALL {
            let run = other.run();
            let result = prove(&f.pk, run.traces, &run.public, LOW);
            assert_eq!(result.is_ok(), other == f.subset);
            let run = other.run();
            let result = plica_fri::check(&airs(), &f.subset.program(), &run.traces, &run.public);
            if (other.program && !f.subset.program) || (other.more && !f.subset.more) {
                assert!(matches!(result, Err(CheckError::Shape(_))));
            }
        }
    }
}

/// Without the table, nothing can be looked up in it: the bus does not balance.
#[test]
fn what_an_absent_table_provides_cannot_be_consumed() {
    let f = &fixtures()[0];
    let mut run = run(2, &[16], Some(4));
    run.traces.retain(|trace| trace.kind != PROGRAM);
    assert!(matches!(
        plica_fri::check(&airs(), &f.subset.program(), &run.traces, &run.public),
        Err(CheckError::Bus { bus, .. }) if bus == "table"
    ));
    let proof = prove(&f.pk, run.traces, &run.public, LOW).expect("a proof of nonsense");
    assert!(matches!(
        verify(&airs(), &f.vk, &run.public, &proof, LOW),
        Err(VerifyError::Invalid(_))
    ));
}

#[test]
fn tampered_proofs_without_a_table() {
    for f in fixtures() {
        for i in 0..2 {
            let mut public = f.public.clone();
            public[i] += Felt::ONE;
            assert!(verify(&airs(), &f.vk, &public, &proof(f), LOW).is_err());
        }
        let (profile, instances, batch) = batch_parts(proof(f));
        for table in 0..instances.tables().len() {
            let with = |change: &dyn Fn(&mut BatchProof)| {
                let (_, _, mut batch) = batch_parts(proof(f));
                change(&mut batch);
                check(f, &Proof::from_parts(profile, instances.clone(), batch))
                    .expect_err("accepted")
            };
            with(&|p| {
                p.opened_values.instances[table]
                    .base_opened_values
                    .trace_local[0] += Ext::ONE;
            });
            with(&|p| {
                if let Some(terminal) = &mut p.lookup_terminals[table] {
                    terminal.0 += Ext::ONE;
                }
            });
            // Preprocessed values where there are none, none where there are some, wrong ones.
            with(&|p| {
                let base = &mut p.opened_values.instances[table].base_opened_values;
                base.preprocessed = match base.preprocessed.take() {
                    Some(_) => None,
                    None => batch
                        .opened_values
                        .instances
                        .iter()
                        .find_map(|other| other.base_opened_values.preprocessed.clone()),
                };
            });
            with(&|p| {
                let base = &mut p.opened_values.instances[table].base_opened_values;
                match &mut base.preprocessed {
                    Some(values) => values.local[0] += Ext::ONE,
                    None => base.quotient_chunks[0][0] += Ext::ONE,
                }
            });
        }
        // The openings of the preprocessed commitment: it is the third.
        let (_, _, mut changed) = batch_parts(proof(f));
        changed.opening_proof.input_openings[2].opened_values[0][0][0] += Felt::ONE;
        assert!(check(f, &Proof::from_parts(profile, instances.clone(), changed)).is_err());
        let (_, _, mut changed) = batch_parts(proof(f));
        changed.opening_proof.input_openings[2].opened_values[0].push(vec![Felt::ONE]);
        assert!(matches!(
            check(f, &Proof::from_parts(profile, instances, changed)),
            Err(VerifyError::Shape(_))
        ));
    }
}

const STEEP: usize = 4;
const STEEP_TABLE: usize = 5;

/// A machine with kinds of degree 6: they need blow-up 8.
fn steep() -> Arc<AirSet<Toy>> {
    let mut kinds = kinds();
    kinds.push(kind(
        "steep",
        Toy::Steep,
        Presence::Dynamic { max_instances: 1 },
        false,
    ));
    kinds.push(kind(
        "steep table",
        Toy::SteepTable,
        Presence::Optional,
        false,
    ));
    Arc::new(AirSet::new(kinds).expect("a machine"))
}

fn column(rows: usize) -> Matrix {
    Matrix::new(vec![Felt::ZERO; rows], 1)
}

fn steep_keys(
    profile: &Profile,
    table: bool,
) -> Result<(ProvingKey<Toy>, VerifyingKey), SetupError> {
    let mut traces = program(2);
    traces.push(table.then(|| column(4)));
    setup(&steep(), traces, profile, LOW, vec![])
}

#[test]
fn a_profile_may_lack_a_kind() {
    let trace = |kind, rows| Trace {
        kind,
        matrix: column(rows),
    };
    let airs = steep();
    for profile in without_much_grinding() {
        // Where columns count, the quotient need not fit the blow-up.
        let enough = profile.log_blowup >= 3 || profile.few_columns;
        for kind in 0..airs.kinds().len() {
            assert_eq!(
                airs.is_available(kind, profile),
                enough || kind < STEEP,
                "{kind}"
            );
        }
        assert!(!airs.is_available(airs.kinds().len(), profile));

        // The machine works under every profile, without the kind.
        let (pk, vk) = steep_keys(profile, false).expect("keys");
        let run = run(2, &[16], None);
        let proof = prove(&pk, run.traces, &run.public, LOW).expect("a proof");
        verify(&airs, &vk, &run.public, &proof, LOW).expect("accepted");

        // With it where the blow-up is enough.
        let mut run = toy_run();
        run.traces.push(trace(STEEP, 8));
        let result = prove(&pk, run.traces, &run.public, LOW);
        let expected = InstanceError::Unavailable {
            name: "steep",
            degree: 6,
            most: (1 << profile.log_blowup) + 1,
        };
        if enough {
            let proof = result.expect("a proof");
            verify(&airs, &vk, &run.public, &proof, LOW).expect("accepted");
        } else {
            match result {
                Err(ProveError::Instances(error)) => assert_eq!(error, expected),
                _ => panic!("accepted"),
            }
            // The verifier does not rely on the prover: a list that names the kind is refused, whatever else the proof says.
            let (id, mut instances, body) = proof.into_parts();
            instances.0.push(Instance {
                kind: STEEP as u16,
                log_height: 3,
            });
            match verify(
                &airs,
                &vk,
                &run.public,
                &Proof::from_parts(id, instances, body),
                LOW,
            ) {
                Err(VerifyError::Instances(error)) => assert_eq!(error, expected),
                other => panic!("{other:?}"),
            }
        }

        // A listed table is in every proof, so it must fit.
        match steep_keys(profile, true) {
            Ok((pk, vk)) => {
                assert!(enough);
                let mut run = toy_run();
                run.traces.push(trace(STEEP_TABLE, 4));
                let proof = prove(&pk, run.traces, &run.public, LOW).expect("a proof");
                verify(&airs, &vk, &run.public, &proof, LOW).expect("accepted");
            }
            Err(SetupError::Degree { name, degree, most }) => {
                assert!(!enough);
                assert_eq!((name, degree, most), ("steep table", 6, 3));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Proofs of a profile that has the kind are none under one that lacks it, even if they say so.
#[test]
fn a_proof_cannot_choose_the_profile() {
    let (pk, _) = steep_keys(&Profile::EVM, false).expect("keys");
    let mut run = toy_run();
    run.traces.push(Trace {
        kind: STEEP,
        matrix: column(8),
    });
    let proof = prove(&pk, run.traces, &run.public, LOW).expect("a proof");
    let (_, vk) = steep_keys(&Profile::BLAKE3, false).expect("keys");
    assert!(matches!(
        verify(&steep(), &vk, &run.public, &proof, LOW),
        Err(VerifyError::Profile { .. })
    ));
    let (_, instances, batch) = batch_parts(proof);
    let proof = Proof::from_parts(Profile::BLAKE3.id, instances, batch);
    assert!(matches!(
        verify(&steep(), &vk, &run.public, &proof, LOW),
        Err(VerifyError::Instances(InstanceError::Unavailable { .. }))
    ));
}

fn toy_run() -> Run {
    run(2, &[16], None)
}
