//! The queries and bits of every profile, pinned: a change of them must be seen.

use plica_fri::security::{self, Workload, report, resolve};
use plica_fri::*;

/// A machine of 15 tables at the given height.
fn workload(log_height: usize) -> Workload {
    Workload {
        log_height,
        constraints: 300,
        degrees: 60,
        chunks: 32,
        openings: 1500,
        interactions: 120,
        tuple_width: 7,
    }
}

fn queries(target: SecurityTarget) -> Vec<(&'static str, usize, usize)> {
    Profile::ALL
        .iter()
        .map(|p| {
            let at = |h| {
                resolve(p, target, &workload(h))
                    .expect("attainable")
                    .queries
            };
            (p.name, at(16), at(20))
        })
        .collect()
}

#[test]
fn queries_of_every_profile() {
    // (profile, queries for 2^16 rows, for 2^20 rows)
    assert_eq!(
        queries(SecurityTarget::PROVEN_100),
        [
            ("fast", 177, 177),
            ("blake3", 169, 169),
            ("evm", 57, 57),
            ("lifted", 85, 85),
            ("compact", 57, 57),
            ("small", 22, 22),
        ]
    );
    assert_eq!(
        queries(SecurityTarget::PROVEN_128),
        [
            ("fast", 233, 233),
            ("blake3", 225, 225),
            ("evm", 75, 75),
            ("lifted", 113, 113),
            ("compact", 75, 75),
            ("small", 30, 30),
        ]
    );
    assert_eq!(
        queries(SecurityTarget::CONJECTURED_96),
        [
            ("fast", 86, 86),
            ("blake3", 82, 82),
            ("evm", 27, 27),
            ("lifted", 41, 41),
            ("compact", 27, 27),
            ("small", 11, 11),
        ]
    );
    assert_eq!(
        queries(SecurityTarget::CONJECTURED_100),
        [
            ("fast", 90, 90),
            ("blake3", 86, 86),
            ("evm", 29, 29),
            ("lifted", 43, 43),
            ("compact", 29, 29),
            ("small", 11, 11),
        ]
    );
    assert_eq!(
        queries(SecurityTarget {
            model: Model::UniqueDecoding,
            bits: 100
        }),
        [
            ("fast", 213, 213),
            ("blake3", 203, 203),
            ("evm", 102, 102),
            ("lifted", 124, 124),
            ("compact", 102, 102),
            ("small", 77, 77),
        ]
    );
}

#[test]
fn the_resolved_number_is_the_smallest() {
    for profile in &Profile::ALL {
        for model in [Model::UniqueDecoding, Model::Proven, Model::Conjectured] {
            for bits in [1, 20, 50, 80, 100, 120, 128] {
                for log_height in [3, 7, 12, 20, 27] {
                    let target = SecurityTarget { model, bits };
                    let w = workload(log_height);
                    let Ok(found) = resolve(profile, target, &w) else {
                        assert!(!report(profile, &w, security::MAX_QUERIES).meets(target));
                        continue;
                    };
                    assert!(found.meets(target));
                    assert!(
                        found.queries == 1 || !report(profile, &w, found.queries - 1).meets(target)
                    );
                }
            }
        }
    }
}

#[test]
fn the_bus_argument_and_the_hash_are_part_of_every_model() {
    let r = report(&Profile::FAST, &workload(20), 300);
    for model in [
        &r.unique_decoding,
        r.johnson.as_ref().expect("large enough"),
        &r.conjectured,
    ] {
        for label in [
            "logup-fingerprint",
            "commitment-collision",
            "batch-combination",
            "deep-ali",
            "air-composition",
        ] {
            assert!(model.terms.iter().any(|t| t.label == label), "{label}");
        }
        assert_eq!(model.bits, model.weakest().expect("terms").bits);
    }
    // 120 interactions of width 7 on 2^20 rows: 191 - 20 - log2(120) - log2(9) = 160.9.
    let bus = r
        .conjectured
        .terms
        .iter()
        .find(|t| t.label == "logup-fingerprint")
        .expect("a term");
    assert!((bus.bits - 160.92).abs() < 0.01, "{}", bus.bits);
}

#[test]
fn reports_name_their_models() {
    let text = report(&Profile::COMPACT, &workload(16), 57).to_string();
    for part in [
        "proven",
        "conjectured",
        "DKT26",
        "unique decoding",
        "random words",
        "57 queries",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn no_security_beyond_the_hash() {
    let target = SecurityTarget {
        model: Model::Proven,
        bits: 129,
    };
    assert!(matches!(
        resolve(&Profile::FAST, target, &workload(16)),
        Err(SecurityError::Unattainable { .. })
    ));
}
