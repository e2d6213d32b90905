//! Tests that need the inside: what the transcript is bound to, and payloads behind a valid checksum.

use std::sync::OnceLock;

use p3_field::PrimeCharacteristicRing;
use proptest::prelude::*;

use crate::container::{FileKind, seal};
use crate::instances::{Instance, InstanceList};
use crate::key::Preprocessed;
use crate::toy::{self, LOW, Toy, toy};
use crate::transcript::{Frame, PROTOCOL_VERSION};
use crate::verify::verify_in_frame;
use crate::*;

struct Fixture {
    key: VerifyingKey,
    public: Vec<Felt>,
    proof: Vec<u8>,
}

/// A small proof per hash.
fn fixture(profile: &Profile) -> &'static Fixture {
    static FIXTURES: OnceLock<Vec<(ProfileId, Fixture)>> = OnceLock::new();
    let all = FIXTURES.get_or_init(|| {
        Profile::ALL
            .iter()
            .map(|profile| {
                let (pk, key) = toy::keys(profile, LOW);
                let run = toy::run(2, &[16, 8], None);
                let proof = prove(&pk, run.traces, &run.public, LOW)
                    .expect("a proof")
                    .to_bytes();
                (
                    profile.id,
                    Fixture {
                        key,
                        public: run.public,
                        proof,
                    },
                )
            })
            .collect()
    });
    &all.iter()
        .find(|(id, _)| *id == profile.id)
        .expect("every profile")
        .1
}

fn read(fixture: &Fixture) -> Proof {
    Proof::from_bytes(&fixture.proof).expect("valid")
}

#[test]
fn every_value_absorbed_before_the_proof_binds_it() {
    let airs = toy();
    for profile in &Profile::ALL {
        let fixture = fixture(profile);
        let proof = read(fixture);
        let digest = fixture.key.digest();
        let check = |frame: &Frame<'_>| {
            verify_in_frame::<Toy>(&airs, &fixture.key, &fixture.public, &proof, LOW, frame)
        };
        let honest = Frame {
            version: PROTOCOL_VERSION,
            air_set: airs.digest(),
            key: &digest,
            instances: proof.instances(),
        };
        check(&honest).expect("the frame of the prover");

        assert!(
            check(&Frame {
                version: PROTOCOL_VERSION + 1,
                ..honest
            })
            .is_err()
        );
        for byte in [0, 31] {
            let mut air_set = *airs.digest();
            air_set[byte] ^= 1;
            assert!(
                check(&Frame {
                    air_set: &air_set,
                    ..honest
                })
                .is_err()
            );
        }
        for element in 0..4 {
            let mut key = digest;
            key[element] += Felt::ONE;
            assert!(
                check(&Frame {
                    key: &key,
                    ..honest
                })
                .is_err()
            );
        }
        for table in 0..proof.instances().tables().len() {
            let mut instances = proof.instances().clone();
            instances.0[table].kind += 1;
            assert!(
                check(&Frame {
                    instances: &instances,
                    ..honest
                })
                .is_err()
            );
            let mut instances = proof.instances().clone();
            instances.0[table].log_height += 1;
            assert!(
                check(&Frame {
                    instances: &instances,
                    ..honest
                })
                .is_err()
            );
        }
        let mut instances = proof.instances().clone();
        instances.0.push(Instance {
            kind: 3,
            log_height: 0,
        });
        assert!(
            check(&Frame {
                instances: &instances,
                ..honest
            })
            .is_err()
        );
    }
}

#[test]
fn a_pinned_machine_is_the_same_machine_and_analyses_what_is_there() {
    let airs = toy();
    for profile in &Profile::ALL {
        let fixture = fixture(profile);
        let proof = read(fixture);
        let present = |kind| {
            let mut tables = proof.instances().tables().iter();
            tables.any(|table| usize::from(table.kind) == kind)
        };
        let verify = |fingerprint| {
            let lazy = AirSet::unanalysed(toy::kinds(), fingerprint).expect("a machine");
            let result = verify(&lazy, &fixture.key, &fixture.public, &proof, LOW);
            for kind in (0..lazy.kinds().len()).filter(|&kind| !present(kind)) {
                assert!(!lazy.is_analysed(kind), "{}", lazy.kinds()[kind].name);
            }
            result
        };
        let report = verify(airs.fingerprint()).expect("valid");
        let analysed = crate::verify(&airs, &fixture.key, &fixture.public, &proof, LOW);
        assert_eq!(report, analysed.expect("valid"));

        // Another machine's keys are refused whatever the tables are.
        let mut other = airs.fingerprint();
        other.digest[0] ^= 1;
        assert!(matches!(
            verify(other),
            Err(VerifyError::Key(KeyError::OtherMachine))
        ));
    }
}

#[test]
fn a_stale_fingerprint_is_noticed() {
    let fingerprint = toy().fingerprint();
    let stale = Fingerprint { digest: [7; 32] };
    assert!(AirSet::pinned_as(toy::kinds(), fingerprint).is_ok());
    if cfg!(debug_assertions) {
        let error = AirSet::pinned_as(toy::kinds(), stale).err().expect("stale");
        // The message has what to pin.
        assert!(error.to_string().contains(&fingerprint.to_string()));
    }
    let text = fingerprint.to_string();
    let digest = text.split('"').nth(1).expect("quoted");
    assert_eq!(Fingerprint::new(digest), fingerprint);
}

#[test]
fn frames_encode_injectively() {
    // Moving a value across a boundary of the list never gives the same elements.
    let airs = [7; 32];
    let key = Word::default();
    let encode = |list: &[(u16, u8)]| {
        let instances = InstanceList(
            list.iter()
                .map(|&(kind, log_height)| Instance { kind, log_height })
                .collect(),
        );
        Frame {
            version: 1,
            air_set: &airs,
            key: &key,
            instances: &instances,
        }
        .elements()
    };
    let lists: [&[(u16, u8)]; 5] = [&[], &[(0, 0)], &[(0, 0), (0, 0)], &[(0, 1)], &[(1, 0)]];
    for (i, a) in lists.iter().enumerate() {
        for (j, b) in lists.iter().enumerate() {
            assert_eq!(i == j, encode(a) == encode(b));
        }
    }
}

/// Decodes and verifies; `Ok` only if everything is accepted.
fn accept(fixture: &Fixture, bytes: &[u8]) -> Result<(), String> {
    let proof = Proof::from_bytes(bytes).map_err(|e| e.to_string())?;
    verify(&toy(), &fixture.key, &fixture.public, &proof, LOW).map_err(|e| e.to_string())?;
    Ok(())
}

/// The payload of a file, and the file around another payload.
fn payload(file: &[u8]) -> &[u8] {
    &file[24..file.len() - 32]
}

fn mutate(payload: &[u8], position: usize, change: u8) -> Vec<u8> {
    let mut out = payload.to_vec();
    let position = position % out.len();
    out[position] ^= change;
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 64 } else { 400 }))]

    #[test]
    fn a_changed_payload_with_a_valid_checksum_is_rejected(
        profile in 0..Profile::ALL.len(), position in any::<usize>(), change in 1..=255u8,
    ) {
        let profile = &Profile::ALL[profile];
        let fixture = fixture(profile);
        let changed = mutate(payload(&fixture.proof), position, change);
        prop_assert!(accept(fixture, &seal(FileKind::Proof, profile.id, &changed)).is_err());
    }

    #[test]
    fn a_shortened_or_extended_payload_is_rejected(
        profile in 0..Profile::ALL.len(), cut in any::<usize>(), extra in proptest::collection::vec(any::<u8>(), 0..9),
    ) {
        let profile = &Profile::ALL[profile];
        let fixture = fixture(profile);
        let whole = payload(&fixture.proof);
        let mut changed = whole[..cut % (whole.len() + 1)].to_vec();
        changed.extend(extra);
        prop_assume!(changed != whole);
        prop_assert!(accept(fixture, &seal(FileKind::Proof, profile.id, &changed)).is_err());
    }

    #[test]
    fn arbitrary_payloads_are_rejected(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        let fixture = fixture(&Profile::BLAKE3);
        prop_assert!(accept(fixture, &seal(FileKind::Proof, Profile::BLAKE3.id, &bytes)).is_err());
        prop_assert!(VerifyingKey::from_bytes(&seal(FileKind::Key, Profile::BLAKE3.id, &bytes)).is_err());
    }

    #[test]
    fn a_changed_key_with_a_valid_checksum_has_another_digest_or_is_rejected(
        position in any::<usize>(), change in 1..=255u8,
    ) {
        let fixture = fixture(&Profile::EVM);
        let file = fixture.key.to_bytes();
        let changed = seal(FileKind::Key, Profile::EVM.id, &mutate(payload(&file), position, change));
        if let Ok(key) = VerifyingKey::from_bytes(&changed) {
            prop_assert_ne!(key.digest(), fixture.key.digest());
            prop_assert!(verify(&toy(), &key, &fixture.public, &read(fixture), LOW).is_err());
        }
    }
}

/// Every byte of every proof, each changed in two ways. Minutes.
#[test]
#[ignore = "minutes; run in release"]
fn every_changed_byte_is_rejected() {
    for profile in &Profile::ALL {
        let fixture = fixture(profile);
        let whole = payload(&fixture.proof);
        for position in 0..whole.len() {
            for change in [1, 0x80] {
                let file = seal(
                    FileKind::Proof,
                    profile.id,
                    &mutate(whole, position, change),
                );
                assert!(
                    accept(fixture, &file).is_err(),
                    "{}: byte {position}, {change:#x}",
                    profile.name
                );
            }
        }
    }
}

#[test]
fn lengths_in_a_payload_do_not_make_the_decoder_allocate() {
    // A list of 2^63 tables in a ten-byte payload: the decoder must fail at the first missing element.
    let mut bytes = vec![0xff; 9];
    bytes.push(0x01);
    let file = seal(FileKind::Proof, Profile::BLAKE3.id, &bytes);
    assert!(matches!(
        Proof::from_bytes(&file),
        Err(FileError::Malformed(_))
    ));
}

#[test]
fn a_length_in_two_bytes_that_fits_one_is_not_canonical() {
    let fixture = fixture(&Profile::BLAKE3);
    let whole = payload(&fixture.proof);
    // The payload starts with the number of tables, below 128: one byte.
    let mut changed = vec![whole[0] | 0x80, 0];
    changed.extend(&whole[1..]);
    let file = seal(FileKind::Proof, Profile::BLAKE3.id, &changed);
    assert!(matches!(
        Proof::from_bytes(&file),
        Err(FileError::NonCanonical)
    ));
}

#[test]
fn field_elements_at_or_above_the_modulus_are_refused() {
    let fixture = fixture(&Profile::FAST);
    let whole = payload(&fixture.proof);
    // Replace each aligned or unaligned run of eight bytes near the start: some of them are field elements, none may decode
    // to an accepted proof.
    let mut refused = 0;
    for at in 0..64 {
        let mut changed = whole.to_vec();
        changed[at..at + 8].fill(0xff);
        let file = seal(FileKind::Proof, Profile::FAST.id, &changed);
        if matches!(Proof::from_bytes(&file), Err(FileError::Malformed(_))) {
            refused += 1;
        }
        assert!(accept(fixture, &file).is_err());
    }
    assert!(refused > 0);
}

/// Our prover and p3's make the same proof. Without grinding, whose witness depends on the threads.
#[test]
fn our_prover_makes_the_proofs_of_p3s() {
    use p3_batch_stark::{ProverData, ProverOnlyData, StarkInstance, prove_batch};

    use crate::security::{Workload, resolve};

    let compare = |pk: &ProvingKey<Toy>, make: &dyn Fn() -> toy::Run| {
        let (vk, profile) = (&pk.key, &pk.key.profile);
        let run = make();
        let traces: Vec<_> = make()
            .traces
            .into_iter()
            .map(|t| (t.kind, t.matrix))
            .collect();
        let ours = prove(pk, run.traces, &run.public, LOW).expect("a proof");

        let instances = ours.instances();
        let mut order: Vec<usize> = (0..traces.len()).collect();
        order.sort_by_key(|&i| (traces[i].0, std::cmp::Reverse(traces[i].1.values.len())));
        let tables: Vec<Toy> = order
            .iter()
            .map(|&i| {
                let table = &pk.airs().kinds()[traces[i].0].table;
                pk.traces[traces[i].0]
                    .as_ref()
                    .map_or_else(|| table.clone(), |pre| table.with_preprocessed(pre))
            })
            .collect();
        let batch: Vec<_> = order
            .iter()
            .zip(&tables)
            .map(|(&i, air)| StarkInstance {
                air,
                trace: &traces[i].1,
                public_values: if traces[i].0 == toy::BOUNDARY {
                    run.public.clone()
                } else {
                    vec![]
                },
            })
            .collect();
        let queries = resolve(profile, LOW, &Workload::new(pk.airs(), profile, instances))
            .expect("attainable")
            .queries;
        let digest = vk.digest();
        let frame = Frame {
            version: PROTOCOL_VERSION,
            air_set: pk.airs().digest(),
            key: &digest,
            instances,
        };
        let data = ProverData {
            common: vk.common_data(pk.airs(), instances),
            prover_only: ProverOnlyData {
                preprocessed_prover_data: Some(match &pk.preprocessed {
                    Preprocessed::Batch(tree) => tree.clone(),
                    Preprocessed::Lifted(_) => unreachable!("a batch proof"),
                }),
            },
        };
        let config = crate::transcript::config(profile, queries, &frame);
        let theirs = prove_batch(&config, &batch, &data).expect("a proof");
        let theirs = Proof::from_parts(profile.id, instances.clone(), theirs);
        assert!(ours.to_bytes() == theirs.to_bytes(), "{}", profile.name);
        verify(pk.airs(), vk, &run.public, &ours, LOW).expect("accepted");
    };
    let batch = |profile: &Profile| profile.format == Format::Batch;
    let rpo = Profile {
        hash: HashKind::Rpo,
        ..Profile::BLAKE3
    };
    for profile in Profile::ALL.into_iter().filter(batch).chain([rpo]) {
        let profile = Profile {
            query_pow_bits: 0,
            ..profile
        };
        let (pk, _) = toy::keys(&profile, LOW);
        for (squares, doubles) in [
            (&[16, 8][..], Some(4)),
            (&[32], None),
            (&[], Some(8)),
            (&[1, 1], Some(1)),
        ] {
            compare(&pk, &|| toy::run(2, squares, doubles));
        }
        for subset in toy::Subset::ALL {
            compare(&subset.keys(&profile).0, &|| subset.run());
        }
    }
}

/// A key's list is checked against the machine: whatever somebody puts into a file, with a digest that fits.
#[test]
fn keys_that_list_other_tables() {
    let airs = AirSet::new(toy::optional_kinds()).expect("a machine");
    for subset in toy::Subset::ALL {
        let (_, key) = subset.keys(&Profile::BLAKE3);
        let run = subset.run();
        let (pk, _) = subset.keys(&Profile::BLAKE3);
        let proof = prove(&pk, run.traces, &run.public, LOW).expect("a proof");
        let with = |pinned: Vec<PinnedTable>| {
            let changed = VerifyingKey {
                pinned,
                ..key.clone()
            };
            // The digest of the file must be that of its content …
            assert!(matches!(
                VerifyingKey::from_bytes(&changed.to_bytes()),
                Err(FileError::Key(_))
            ));
            let changed = VerifyingKey {
                digest: changed.compute_digest(),
                ..changed
            };
            assert_ne!(changed.digest(), key.digest());
            // … and if it is, the machine decides.
            let read = match VerifyingKey::from_bytes(&changed.to_bytes()) {
                Ok(read) => read,
                Err(FileError::Key(error)) => return Some(error),
                Err(error) => panic!("{error}"),
            };
            match verify(&airs, &read, &run.public, &proof, LOW) {
                Err(VerifyError::Key(error)) => Some(error),
                Err(_) => None,
                Ok(_) => panic!("accepted"),
            }
        };
        let tables = |list: Vec<PinnedTable>| {
            assert!(matches!(with(list), Some(KeyError::Tables)));
        };
        let honest = key.pinned().to_vec();
        let table = |kind: usize, width| PinnedTable {
            kind: kind as u16,
            width,
            log_height: 0,
        };

        tables(vec![]);
        for (at, entry) in honest.iter().enumerate() {
            // Twice, side by side and at the end.
            let mut list = honest.clone();
            list.insert(at, *entry);
            tables(list);
            tables([honest.clone(), vec![*entry]].concat());
            // Another width.
            let mut list = honest.clone();
            list[at].width += 1;
            tables(list);
            let mut list = honest.clone();
            list[at].width = u32::MAX;
            tables(list);
            // A height that no domain has.
            let mut list = honest.clone();
            list[at].log_height = u8::MAX;
            tables(list);
            // Another height changes the key, not its form, unless the commitment shows it.
            let mut list = honest.clone();
            list[at].log_height += 1;
            assert!(with(list).is_none());
        }
        if honest.len() > 1 {
            let mut list = honest.clone();
            list.reverse();
            tables(list);
        }
        // Without the boundary.
        let mut list = honest.clone();
        list.retain(|entry| usize::from(entry.kind) != toy::BOUNDARY);
        tables(list);
        // Kinds without preprocessed columns, and kinds that do not exist.
        for (kind, width) in [
            (toy::SQUARE, 0),
            (toy::DOUBLE, 2),
            (toy::MORE + 1, 2),
            (999, 0),
            (65535, 2),
        ] {
            let mut list = honest.clone();
            let at = list.partition_point(|entry| usize::from(entry.kind) < kind);
            list.insert(at, table(kind, width));
            tables(list);
        }
        // Another subset with the same commitment is a key, but of no program with this proof.
        for kind in [toy::PROGRAM, toy::MORE] {
            let mut list = honest.clone();
            match list
                .iter()
                .position(|entry| usize::from(entry.kind) == kind)
            {
                Some(at) => drop(list.remove(at)),
                None => {
                    let at = list.partition_point(|entry| usize::from(entry.kind) < kind);
                    list.insert(at, table(kind, 2));
                }
            }
            assert!(with(list).is_none());
        }
    }
}

/// A proof under a key that lists fewer tables than its commitment covers, or more, is refused, whichever list it comes with.
#[test]
fn a_list_that_is_not_the_commitments() {
    let airs = AirSet::new(toy::optional_kinds()).expect("a machine");
    for subset in toy::Subset::ALL {
        let (pk, key) = subset.keys(&Profile::BLAKE3);
        let run = subset.run();
        let proof = prove(&pk, run.traces, &run.public, LOW).expect("a proof");
        for other in toy::Subset::ALL {
            let (other_pk, other_key) = other.keys(&Profile::BLAKE3);
            let other_run = other.run();
            let other_proof =
                prove(&other_pk, other_run.traces, &other_run.public, LOW).expect("a proof");
            let mut mixed = VerifyingKey {
                pinned: other_key.pinned.clone(),
                ..key.clone()
            };
            mixed.digest = mixed.compute_digest();
            // A tree sorts its matrices by height, so the same table under another kind has the same commitment: then this *is* the
            // other key. The list in the digest tells the two apart.
            for (proof, public, made_for) in [
                (&proof, &run.public, &key),
                (&other_proof, &other_run.public, &other_key),
            ] {
                let accepted = verify(&airs, &mixed, public, proof, LOW).is_ok();
                assert_eq!(accepted, mixed == *made_for);
            }
        }
    }
}

#[test]
fn a_key_cannot_list_what_its_profile_lacks() {
    let mut kinds = toy::kinds();
    kinds.push(toy::kind(
        "steep table",
        Toy::SteepTable,
        Presence::Optional,
        false,
    ));
    let airs = std::sync::Arc::new(AirSet::new(kinds).expect("a machine"));
    let mut traces = toy::program(2);
    traces.push(Some(Matrix::new(vec![Felt::ZERO; 4], 1)));
    let run = toy::run(2, &[16], None);
    let (pk, steep) = setup(&airs, traces.clone(), &Profile::EVM, LOW, vec![]).expect("keys");
    traces[2] = None;
    let (_, flat) = setup(&airs, traces, &Profile::BLAKE3, LOW, vec![]).expect("keys");
    let mut all = run.traces;
    all.push(Trace {
        kind: 4,
        matrix: Matrix::new(vec![Felt::ZERO; 4], 1),
    });
    let proof = prove(&pk, all, &run.public, LOW).expect("a proof");
    let mut key = VerifyingKey {
        pinned: steep.pinned,
        ..flat
    };
    key.digest = key.compute_digest();
    let key = VerifyingKey::from_bytes(&key.to_bytes()).expect("a key file");
    let (_, instances, batch) = proof.into_parts();
    let proof = Proof::from_parts(Profile::BLAKE3.id, instances, batch);
    assert!(matches!(
        verify(&airs, &key, &run.public, &proof, LOW),
        Err(VerifyError::Key(KeyError::Unavailable("steep table")))
    ));
}

mod compiled_bus {
    use p3_air::symbolic::{BaseEntry, SymbolicExpression, SymbolicVariable};
    use p3_lookup::{Kind, LogUpGadget, Lookup, LookupProtocol as _, Lookups};
    use p3_matrix::Matrix as _;

    use super::*;
    use crate::bus::{CompiledBus, Window};

    type Expression = SymbolicExpression<Felt>;

    /// A generator of test values.
    struct Random(u64);

    impl Random {
        fn felt(&mut self) -> Felt {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            Felt::new(z ^ (z >> 31))
        }

        /// Mostly small values, as in a trace.
        fn cell(&mut self) -> Felt {
            match self.felt() {
                full if full.to_string().ends_with('7') => full,
                other => Felt::from_bool(other.to_string().ends_with(['1', '2', '3'])),
            }
        }

        fn ext(&mut self) -> Ext {
            Ext::new([self.felt(), self.felt(), self.felt()])
        }

        fn matrix(&mut self, width: usize, height: usize) -> Matrix {
            Matrix::new((0..width * height).map(|_| self.cell()).collect(), width)
        }
    }

    /// Compares bus columns and terminal with p3's; says whether the table was compiled.
    fn same(
        lookups: &[Lookup<Felt>],
        main: &Matrix,
        preprocessed: &Option<Matrix>,
        public_values: &[Felt],
        random: &mut Random,
    ) -> bool {
        let challenges: Vec<Ext> = (0..2 * lookups.len()).map(|_| random.ext()).collect();
        let window = Window {
            main: main.width(),
            preprocessed: preprocessed.as_ref().map_or(0, |matrix| matrix.width()),
        };
        let Some(bus) = CompiledBus::new(lookups, window, public_values, &challenges) else {
            return false;
        };
        let (ours, terminal) = bus.generate(main, preprocessed.as_ref());
        let (theirs, expected) = LogUpGadget::new().generate_permutation::<Felt, Ext>(
            main,
            preprocessed,
            public_values,
            lookups,
            &challenges,
        );
        assert_eq!(ours, theirs);
        assert_eq!(Some(terminal), expected.map(|terminal| terminal.0));
        true
    }

    #[test]
    fn columns_are_those_of_p3() {
        let mut random = Random(1);
        for log_height in [0, 1, 2, 3, 5, 8, 9, 11] {
            let height = 1 << log_height;
            for table in [
                Toy::Program(None),
                Toy::Boundary(None),
                Toy::Square,
                Toy::Double,
                Toy::Wide,
            ] {
                use p3_air::BaseAir as _;
                let lookups = Lookups::from_air::<Ext, Toy>(&table);
                let packed = lookups
                    .clone()
                    .pack_same_bus(&LogUpGadget::new(), LOOKUP_DEGREE + 1);
                let main = random.matrix(table.width(), height);
                let preprocessed = (table.preprocessed_width() > 0)
                    .then(|| random.matrix(table.preprocessed_width(), height));
                let public: Vec<Felt> = (0..table.num_public_values())
                    .map(|_| random.felt())
                    .collect();
                for lookups in [&lookups, &packed] {
                    assert!(same(lookups, &main, &preprocessed, &public, &mut random));
                }
            }
        }
    }

    #[test]
    fn every_form_of_expression_is_compiled_or_left_to_p3() {
        let mut random = Random(2);
        let leaf = |entry, index| -> Expression { SymbolicVariable::new(entry, index).into() };
        let main = |index| leaf(BaseEntry::Main { offset: 0 }, index);
        let next = |index| leaf(BaseEntry::Main { offset: 1 }, index);
        let pre = |index| leaf(BaseEntry::Preprocessed { offset: 0 }, index);
        let pre_next = |index| leaf(BaseEntry::Preprocessed { offset: 1 }, index);
        let public = |index| leaf(BaseEntry::Public, index);
        let constant = |value: u64| Expression::from(Felt::new(value));
        let lookup = |column, tuples: Vec<(Vec<Expression>, Expression)>| {
            let (elements, multiplicities) = tuples.into_iter().unzip();
            Lookup {
                kind: Kind::Global(format!("bus {column}")),
                elements,
                multiplicities,
                count_weight: 1,
                column,
                flags: None,
            }
        };
        let wide: Vec<Expression> = (0..9).map(|i| main(i % 6) * constant(i as u64)).collect();
        let affine = vec![
            // No column at all, and one element.
            lookup(0, vec![(vec![constant(5), public(1)], public(0) * main(0))]),
            lookup(1, vec![(vec![main(3)], -main(0))]),
            // Padding, publics, both kinds of columns and of rows; multiplicities of degrees 2 and 3.
            lookup(
                2,
                vec![
                    (
                        vec![
                            constant(0),
                            main(1) + public(1) * next(2),
                            pre(0) - main(1),
                            -(pre_next(1) + constant(7)),
                        ],
                        main(0) * (constant(1) - main(4)),
                    ),
                    (
                        vec![main(5), constant(0), main(5) - main(5), next(0)],
                        -(main(0) * pre(1)) + next(1) * main(2) * main(3) - constant(3),
                    ),
                ],
            ),
            // More tuples than two, and more fields than one group of products.
            lookup(
                3,
                vec![
                    (wide.clone(), main(0)),
                    (wide.iter().map(|e| e.clone() + pre(0)).collect(), main(1)),
                    (
                        wide.iter().map(|e| e.clone() - pre(1)).collect(),
                        constant(2),
                    ),
                ],
            ),
            lookup(4, vec![]),
        ];
        let publics = [random.felt(), random.felt()];
        for log_height in [0, 1, 3, 6, 10] {
            let (trace, preprocessed) = (
                random.matrix(6, 1 << log_height),
                Some(random.matrix(2, 1 << log_height)),
            );
            assert!(same(&affine, &trace, &preprocessed, &publics, &mut random));

            let mut product = affine.clone();
            product.push(lookup(5, vec![(vec![main(0) * main(1)], main(2))]));
            let mut selector = affine.clone();
            selector.push(lookup(
                5,
                vec![(
                    vec![main(0)],
                    Expression::Leaf(p3_air::symbolic::BaseLeaf::IsFirstRow),
                )],
            ));
            let mut flags = affine.clone();
            flags.push(Lookup {
                flags: Some(vec![main(1)]),
                ..lookup(5, vec![(vec![main(0)], main(2))])
            });
            for lookups in [product, selector, flags] {
                assert!(!same(
                    &lookups,
                    &trace,
                    &preprocessed,
                    &publics,
                    &mut random
                ));
            }
        }
        let trace = random.matrix(6, 4);
        assert!(!same(&[], &trace, &None, &publics, &mut random));
    }
}
