//! Kinds that take the place of others: of a kind and its twin exactly one exists under a profile.

use std::sync::Arc;

use crate::toy::*;
use plica_fri::*;

/// The twin of [`SQUARE`].
const TWIN: usize = 4;

/// The toy machine with a twin of the squares that is the same but in its name, and exists only where columns count.
fn machine() -> Arc<AirSet<Toy>> {
    let mut kinds = kinds();
    kinds.push(Kind {
        name: "square, narrow",
        twin: None,
        few_columns: true,
        ..kinds[SQUARE].clone()
    });
    kinds[SQUARE].twin = Some(TWIN);
    Arc::new(AirSet::new(kinds).expect("a machine"))
}

#[test]
fn one_of_two_kinds_exists() {
    let airs = machine();
    for profile in &Profile::ALL {
        let name = profile.name;
        let narrow = profile.few_columns;
        let available = [SQUARE, TWIN].map(|kind| airs.is_available(kind, profile));
        assert_eq!(available, [!narrow, narrow], "{name}");
        let (own, other, expected) = if narrow {
            let expected = InstanceError::Replaced {
                name: "square",
                twin: "square, narrow",
            };
            (TWIN, SQUARE, expected)
        } else {
            let expected = InstanceError::FewColumns {
                name: "square, narrow",
            };
            (SQUARE, TWIN, expected)
        };
        let (pk, vk) = setup(&airs, program(2), profile, LOW, vec![]).expect("keys");
        let prove_with = |kind| {
            let mut run = run(2, &[16], None);
            for trace in &mut run.traces {
                if trace.kind == SQUARE {
                    trace.kind = kind;
                }
            }
            (prove(&pk, run.traces, &run.public, LOW), run.public)
        };
        match prove_with(other).0 {
            Err(ProveError::Instances(error)) => assert_eq!(error, expected, "{name}"),
            _ => panic!("{name}: a proof with the other kind"),
        }
        let (proof, public) = prove_with(own);
        let proof = proof.expect("a proof");
        verify(&airs, &vk, &public, &proof, LOW).expect("accepted");

        // The verifier does not rely on the prover: it refuses a list with the other kind, in its place or beside it.
        let file = proof.to_bytes();
        let instances = proof.instances().clone();
        let named = |kind: usize| move |table: &Instance| usize::from(table.kind) == kind;
        let at = instances.0.iter().position(named(own)).expect("it ran");
        let table = Instance {
            kind: other as u16,
            ..instances.0[at]
        };
        let mut replaced = instances.clone();
        replaced.0[at] = table;
        let mut added = instances;
        added.0.push(table);
        added.0.sort_by_key(|table| table.kind);
        for list in [replaced, added] {
            let (id, _, body) = Proof::from_bytes(&file).expect("valid").into_parts();
            let proof = Proof::from_parts(id, list, body);
            match verify(&airs, &vk, &public, &proof, LOW) {
                Err(VerifyError::Instances(error)) => assert_eq!(error, expected, "{name}"),
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}

/// What is said of a kind that a profile lacks is the reason.
#[test]
fn the_reason_is_given() {
    let messages = [
        InstanceError::FewColumns { name: "b" },
        InstanceError::Replaced {
            name: "a",
            twin: "b",
        },
    ]
    .map(|error| error.to_string());
    assert_eq!(
        messages,
        [
            "`b` is not available under this profile: it exists only where columns count",
            "under this profile `b` takes the place of `a`",
        ]
    );
}
