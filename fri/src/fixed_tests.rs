//! Fixed kinds: tables without preprocessed columns whose height is the key's.

use std::sync::Arc;

use p3_field::{Field, PrimeCharacteristicRing, TwoAdicField};
use p3_merkle_tree::MerkleCap;

use crate::lifted::MIN_LOG_HEIGHT as LEAST;
use crate::toy::{LOW, Toy, kind, program};
use crate::*;

const SEQUENCE: usize = 1;
const CYCLE: usize = 2;

fn set(kinds: Vec<Kind<Toy>>) -> Arc<AirSet<Toy>> {
    Arc::new(AirSet::new(kinds).expect("a machine"))
}

fn sequence_kind() -> Kind<Toy> {
    kind("sequence", Toy::Sequence, Presence::Fixed, false)
}

/// Nothing but a fixed kind.
fn bare() -> Arc<AirSet<Toy>> {
    set(vec![sequence_kind()])
}

/// With a preprocessed table, which stands before.
fn mixed() -> Arc<AirSet<Toy>> {
    set(vec![
        kind("program", Toy::Program(None), Presence::Pinned, false),
        sequence_kind(),
        kind("cycle", Toy::Cycle, Presence::Fixed, false),
    ])
}

/// The trace of a sequence, and its public values.
fn sequence(kind: usize, log_height: usize) -> (Trace, Vec<Felt>) {
    let (mut a, mut b) = (Felt::new(2), Felt::new(5));
    let mut public = vec![a, b];
    let mut values = Vec::new();
    for _ in 0..1 << log_height {
        values.extend([a, b]);
        (a, b) = (b, a + b);
    }
    public.push(a);
    let matrix = Matrix::new(values, 2);
    (Trace { kind, matrix }, public)
}

/// Powers of the element of order 32: a cycle if there are as many rows or a multiple.
fn cycle(log_height: usize) -> Trace {
    let powers = Felt::two_adic_generator(5).powers();
    let rows = powers.take(1 << log_height).flat_map(|x| [x, x.inverse()]);
    Trace {
        kind: CYCLE,
        matrix: Matrix::new(rows.collect(), 2),
    }
}

/// The traces of [`mixed`] for heights of its fixed kinds.
fn traces(heights: [usize; 2]) -> (Vec<Trace>, Vec<Felt>) {
    let (sequence, public) = sequence(SEQUENCE, heights[0]);
    let unused = Trace {
        kind: 0,
        matrix: Matrix::new(vec![Felt::ZERO; 8], 1),
    };
    (vec![unused, sequence, cycle(heights[1])], public)
}

fn bare_keys(log_height: usize) -> (ProvingKey<Toy>, VerifyingKey) {
    setup_with_heights(
        &bare(),
        vec![],
        &[log_height],
        &Profile::LIFTED,
        LOW,
        vec![],
    )
    .expect("keys")
}

fn mixed_keys(
    profile: &Profile,
    heights: &[usize],
) -> Result<(ProvingKey<Toy>, VerifyingKey), SetupError> {
    let preprocessed = vec![program(2).remove(0)];
    setup_with_heights(&mixed(), preprocessed, heights, profile, LOW, vec![])
}

fn read_again(key: &VerifyingKey) -> VerifyingKey {
    let read = VerifyingKey::from_bytes(&key.to_bytes()).expect("a key file");
    assert_eq!(read, *key);
    read
}

#[test]
fn fixed_tables_beside_preprocessed_ones() {
    for profile in &Profile::ALL {
        let (pk, key) = mixed_keys(profile, &[3, LEAST]).expect("keys");
        let key = read_again(&key);
        let listed: Vec<_> = key.pinned().iter().map(|t| (t.kind, t.width)).collect();
        assert_eq!(listed, [(0, 2), (1, 0), (2, 0)]);
        let (traces, public) = traces([3, LEAST]);
        check(&mixed(), &[program(2).remove(0)], &traces, &public).expect("nothing is wrong");
        let proof = prove(&pk, traces, &public, LOW).expect("a proof");
        verify(&mixed(), &key, &public, &proof, LOW).expect("accepted");
        for position in 0..public.len() {
            let mut public = public.clone();
            public[position] += Felt::ONE;
            assert!(verify(&mixed(), &key, &public, &proof, LOW).is_err());
        }
    }
}

#[test]
fn a_machine_without_preprocessed_tables() {
    for log_height in [0, 1, 5, LEAST, LEAST + 1] {
        let (pk, key) = bare_keys(log_height);
        let key = read_again(&key);
        assert_eq!(key.lifted_root(), Some(Word::default()));
        let (trace, public) = sequence(0, log_height);
        let proof = prove(&pk, vec![trace], &public, LOW).expect("a proof");
        let proof = Proof::from_bytes(&proof.to_bytes()).expect("a proof file");
        verify(&bare(), &key, &public, &proof, LOW).expect("accepted");
        for position in 0..public.len() {
            let mut public = public.clone();
            public[position] += Felt::ONE;
            assert!(verify(&bare(), &key, &public, &proof, LOW).is_err());
            let (trace, _) = sequence(0, log_height);
            let proof = prove(&pk, vec![trace], &public, LOW).expect("a proof");
            assert!(verify(&bare(), &key, &public, &proof, LOW).is_err());
        }
        // Every cell.
        for cell in 0..2 << log_height.min(3) {
            let (mut trace, public) = sequence(0, log_height);
            trace.matrix.values[cell] += Felt::ONE;
            let proof = prove(&pk, vec![trace], &public, LOW).expect("a proof");
            assert!(verify(&bare(), &key, &public, &proof, LOW).is_err());
        }
    }
}

/// A statement about one number of rows is none about another: the last number would be another one.
#[test]
fn a_height_is_the_keys() {
    let (pk, key) = bare_keys(5);
    let (other_pk, other_key) = bare_keys(6);
    assert_ne!(key.digest(), other_key.digest());
    let (trace, public) = sequence(0, 6);
    match prove(&pk, vec![trace], &public, LOW) {
        Err(ProveError::Instances(error)) => assert_eq!(
            error,
            InstanceError::PinnedHeight {
                name: "sequence",
                expected: 5,
                got: 6
            }
        ),
        _ => panic!("another height is proved"),
    }
    let (trace, public) = sequence(0, 6);
    let proof = prove(&other_pk, vec![trace], &public, LOW).expect("a proof");
    verify(&bare(), &other_key, &public, &proof, LOW).expect("accepted");
    assert!(matches!(
        verify(&bare(), &key, &public, &proof, LOW),
        Err(VerifyError::Instances(InstanceError::PinnedHeight {
            name: "sequence",
            expected: 5,
            got: 6
        }))
    ));
    // The list says the key's height, the rest is of the other.
    let (profile, _, body) = proof.into_parts();
    let list = InstanceList(vec![Instance {
        kind: 0,
        log_height: 5,
    }]);
    let proof = Proof::from_parts(profile, list, body);
    assert!(verify(&bare(), &key, &public, &proof, LOW).is_err());
}

#[test]
fn a_fixed_table_is_there_once() {
    let (pk, key) = mixed_keys(&Profile::LIFTED, &[3, LEAST]).expect("keys");
    let (all, public) = traces([3, LEAST]);
    let proof = prove(&pk, all, &public, LOW).expect("a proof");
    let (profile, instances, body) = proof.into_parts();
    let ProofBody::Lifted(body) = body else {
        panic!("the profile's format")
    };
    let refused = |change: &dyn Fn(&mut Vec<Instance>)| {
        let mut list = instances.clone();
        change(&mut list.0);
        let by_prover = match plan(&pk, &list, LOW) {
            Err(ProveError::Instances(error)) => error,
            other => panic!("{other:?}"),
        };
        let proof = Proof::from_parts(profile, list, body.clone());
        match verify(&mixed(), &key, &public, &proof, LOW) {
            Err(VerifyError::Instances(error)) => assert_eq!(error, by_prover),
            other => panic!("{other:?}"),
        }
        by_prover
    };
    for (position, name) in [(SEQUENCE, "sequence"), (CYCLE, "cycle")] {
        assert_eq!(
            refused(&|list| {
                list.remove(position);
            }),
            InstanceError::PinnedCount { name, got: 0 }
        );
        assert_eq!(
            refused(&|list| list.insert(position, list[position])),
            InstanceError::PinnedCount { name, got: 2 }
        );
    }
    for (change, got) in [(-1i8, 2), (1, 4)] {
        assert_eq!(
            refused(&|list| {
                let height = &mut list[SEQUENCE].log_height;
                *height = height.wrapping_add_signed(change);
            }),
            InstanceError::PinnedHeight {
                name: "sequence",
                expected: 3,
                got
            }
        );
    }
}

/// A change of a key's list.
type Change<'a> = &'a dyn Fn(&mut Vec<PinnedTable>);

/// The error with which a changed key is refused, as a file or by the machine; none if it is another valid key, which has another digest
/// and does not accept the proof.
fn fate(
    airs: &AirSet<Toy>,
    key: &VerifyingKey,
    public: &[Felt],
    proof: &Proof,
    change: &dyn Fn(&mut VerifyingKey),
) -> Option<KeyError> {
    let mut changed = key.clone();
    change(&mut changed);
    changed.digest = changed.compute_digest();
    assert_ne!(changed.digest, key.digest);
    let by_machine = match verify(airs, &changed, public, proof, LOW) {
        Err(VerifyError::Key(error)) => Some(error),
        Err(_) => None,
        Ok(_) => panic!("accepted"),
    };
    match VerifyingKey::from_bytes(&changed.to_bytes()) {
        Ok(read) => {
            assert_eq!(read, changed);
            by_machine
        }
        Err(FileError::Key(error)) => Some(error),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn keys_that_list_fixed_tables_wrongly() {
    let airs = mixed();
    for profile in [&Profile::LIFTED, &Profile::BLAKE3] {
        let (pk, key) = mixed_keys(profile, &[3, LEAST]).expect("keys");
        let (all, public) = traces([3, LEAST]);
        let proof = prove(&pk, all, &public, LOW).expect("a proof");
        let fate =
            |change: Change<'_>| fate(&airs, &key, &public, &proof, &|key| change(&mut key.pinned));
        for position in [SEQUENCE, CYCLE] {
            let tables: [Change<'_>; 6] = [
                &|list| {
                    list.remove(position);
                },
                &|list| list.insert(position, list[position]),
                &|list| list.push(list[position]),
                &|list| list[position].width = 1,
                &|list| list[position].width = u32::MAX,
                &|list| list[position].log_height = u8::MAX,
            ];
            for (index, change) in tables.iter().enumerate() {
                assert!(
                    matches!(fate(change), Some(KeyError::Tables)),
                    "{position}, {index}"
                );
            }
            assert!(fate(&|list| list[position].log_height += 1).is_none());
        }
        assert!(matches!(
            fate(&|list| list.swap(1, 2)),
            Some(KeyError::Tables)
        ));
        // Without the preprocessed table, but with its commitment.
        let without = fate(&|list| {
            list.remove(0);
        });
        assert!(without.is_some());
        assert!(fate(&|list| list[0].width = 0).is_some());
    }
}

#[test]
fn keys_that_commit_to_nothing_have_one_form() {
    let airs = bare();
    let (pk, key) = bare_keys(5);
    let (trace, public) = sequence(0, 5);
    let proof = prove(&pk, vec![trace], &public, LOW).expect("a proof");
    for lane in 0..4 {
        let error = fate(&airs, &key, &public, &proof, &|key| {
            let mut root = Word::default();
            root[lane] = Felt::ONE;
            key.preprocessed = Cap::Felts(MerkleCap::new(vec![root]));
        });
        assert!(matches!(error, Some(KeyError::Commitment)));
    }
    for caps in [2, 4] {
        let error = fate(&airs, &key, &public, &proof, &|key| {
            key.preprocessed = Cap::Felts(MerkleCap::new(vec![Word::default(); caps]));
        });
        assert!(matches!(error, Some(KeyError::Commitment)), "{caps}");
    }
    let error = fate(&airs, &key, &public, &proof, &|key| {
        key.preprocessed = Cap::Bytes(MerkleCap::new(vec![[0; 32]]));
    });
    assert!(matches!(error, Some(KeyError::Commitment)));
    // As a preprocessed table of the same form.
    let error = fate(&airs, &key, &public, &proof, &|key| key.pinned[0].width = 1);
    assert!(matches!(error, Some(KeyError::Tables)));
    let error = fate(&airs, &key, &public, &proof, &|key| key.pinned.clear());
    assert!(matches!(error, Some(KeyError::Tables)));

    // The batch format has no such keys.
    for profile in Profile::ALL.iter().filter(|p| p.format == Format::Batch) {
        assert!(matches!(
            setup_with_heights(&airs, vec![], &[5], profile, LOW, vec![]),
            Err(SetupError::Key(KeyError::NothingPreprocessed))
        ));
        let (_, batch) = mixed_keys(profile, &[3, LEAST]).expect("keys");
        let forged = VerifyingKey {
            profile: profile.clone(),
            preprocessed: batch.preprocessed,
            ..key.clone()
        };
        let forged = VerifyingKey {
            digest: forged.compute_digest(),
            ..forged
        };
        assert!(matches!(
            VerifyingKey::from_bytes(&forged.to_bytes()),
            Err(FileError::Key(KeyError::NothingPreprocessed))
        ));
    }
}

#[test]
fn heights_that_are_none() {
    for heights in [&[][..], &[3], &[3, 5, 5]] {
        assert!(matches!(
            mixed_keys(&Profile::LIFTED, heights),
            Err(SetupError::HeightCount { expected: 2, got }) if got == heights.len()
        ));
    }
    for height in [29, 30, 64, 1 << 40, usize::MAX] {
        assert!(matches!(
            mixed_keys(&Profile::LIFTED, &[3, height]),
            Err(SetupError::Height { name: "cycle", min: 0, max: 28, got }) if got == height
        ));
    }
    assert!(matches!(
        setup(&bare(), vec![], &Profile::LIFTED, LOW, vec![]),
        Err(SetupError::HeightCount {
            expected: 1,
            got: 0
        })
    ));
}

#[test]
fn fixed_kinds_of_a_machine() {
    let fixed = |table| kind("table", table, Presence::Fixed, false);
    assert!(matches!(
        AirSet::new(vec![sequence_kind(), fixed(Toy::Program(None))]),
        Err(AirSetError::Presence("table"))
    ));
    assert!(matches!(
        AirSet::new(vec![sequence_kind(), fixed(Toy::Sequence)]),
        Err(AirSetError::PublicValues("table"))
    ));
    let dynamic = Presence::Dynamic { max_instances: 1 };
    assert!(matches!(
        AirSet::new(vec![kind("sequence", Toy::Sequence, dynamic, false)]),
        Err(AirSetError::PublicValues("sequence"))
    ));
    let with = |presence| {
        set(vec![
            sequence_kind(),
            kind("cycle", Toy::Cycle, presence, false),
        ])
    };
    assert_ne!(with(Presence::Fixed).digest(), with(dynamic).digest());
}

/// A constraint that leads around the end is refused where it would lead into the next block.
#[test]
fn tables_that_wrap_are_not_lifted() {
    let (pk, key) = mixed_keys(&Profile::LIFTED, &[LEAST + 1, LEAST]).expect("keys");
    let (all, public) = traces([LEAST + 1, LEAST]);
    let expected = InstanceError::Wraps {
        name: "cycle",
        expected: LEAST + 1,
        got: LEAST,
    };
    match prove(&pk, all, &public, LOW) {
        Err(ProveError::Instances(error)) => assert_eq!(error, expected),
        _ => panic!("a table that wraps is lifted"),
    }
    // Some proof, with the list that the key asks for.
    let (other, _) = mixed_keys(&Profile::LIFTED, &[LEAST + 1; 2]).expect("keys");
    let (all, _) = traces([LEAST + 1; 2]);
    let proof = prove(&other, all, &public, LOW).expect("a proof");
    let (profile, mut list, body) = proof.into_parts();
    list.0[CYCLE].log_height = LEAST as u8;
    match verify(
        &mixed(),
        &key,
        &public,
        &Proof::from_parts(profile, list, body),
        LOW,
    ) {
        Err(VerifyError::Instances(error)) => assert_eq!(error, expected),
        other => panic!("{other:?}"),
    }

    // Nor to the lowest height of the format: eight rows are no cycle, and as many as they are lifted to are.
    let cycle_kind = kind("cycle", Toy::Cycle, Presence::Fixed, false);
    let airs = set(vec![cycle_kind]);
    let keys = |height| {
        setup_with_heights(&airs, vec![], &[height], &Profile::LIFTED, LOW, vec![]).expect("keys")
    };
    let plan = |height: u8| {
        let list = InstanceList(vec![Instance {
            kind: 0,
            log_height: height,
        }]);
        plan(&keys(height.into()).0, &list, LOW)
    };
    assert!(matches!(
        plan(3),
        Err(ProveError::Instances(InstanceError::Wraps { .. }))
    ));
    plan(LEAST as u8).expect("the full height");

    // In the batch format every table has its own domain.
    let (pk, key) = mixed_keys(&Profile::BLAKE3, &[LEAST + 1, LEAST]).expect("keys");
    let (all, public) = traces([LEAST + 1, LEAST]);
    let proof = prove(&pk, all, &public, LOW).expect("a proof");
    verify(&mixed(), &key, &public, &proof, LOW).expect("accepted");
}

#[test]
fn what_wraps() {
    let wraps = |table| {
        let table = kind(
            "table",
            table,
            Presence::Dynamic { max_instances: 1 },
            false,
        );
        let airs = set(vec![
            kind("steep", Toy::Steep, Presence::Fixed, false),
            table,
        ]);
        [Profile::LIFTED, Profile::BLAKE3].map(|p| airs.info_under(1, &p).wraps)
    };
    // The bus argument itself does not, nor do constraints on transitions.
    for table in [Toy::Square, Toy::Wide] {
        assert_eq!(wraps(table), [false; 2]);
    }
    assert!(!bare().info(0).wraps);
    // Interactions are on every row.
    for table in [Toy::Cycle, Toy::Ahead] {
        assert_eq!(wraps(table), [true; 2]);
    }
}
