//! Every value of a proof is bound: whatever is changed, the proof is refused, and nothing panics.

use p3_field::PrimeCharacteristicRing;

use super::proof::LiftedProof;
use crate::toy::{self, LOW, Toy};
use crate::types::{Ext, Felt, Word};
use crate::*;

struct Fixture {
    airs: std::sync::Arc<AirSet<Toy>>,
    key: VerifyingKey,
    public: Vec<Felt>,
    instances: InstanceList,
    proof: LiftedProof,
}

fn profile() -> Profile {
    // Little work, so that a changed witness is not refused for that reason alone.
    Profile {
        query_pow_bits: 1,
        ..Profile::LIFTED
    }
}

/// Tables of several heights: two of one kind, and one as low as the domain allows.
fn fixture() -> Fixture {
    let (pk, key) = toy::keys(&profile(), LOW);
    let run = toy::run(2, &[256, 16], Some(2));
    let proof = prove(&pk, run.traces, &run.public, LOW).expect("a proof");
    let (_, instances, body) = proof.into_parts();
    let ProofBody::Lifted(proof) = body else {
        panic!("the profile's format")
    };
    Fixture {
        airs: toy::toy(),
        key,
        public: run.public,
        instances,
        proof,
    }
}

impl Fixture {
    fn check(&self, proof: LiftedProof) -> Result<SecurityReport, VerifyError> {
        let proof = Proof::from_parts(profile().id, self.instances.clone(), proof);
        verify(&self.airs, &self.key, &self.public, &proof, LOW)
    }

    /// Every change of one value that `values` offers, alone, must be refused.
    fn refuses<V: Copy>(
        &self,
        what: &str,
        values: impl Fn(&mut LiftedProof) -> Vec<&mut V>,
        change: impl Fn(V) -> V,
    ) {
        let mut proof = self.proof.clone();
        let count = values(&mut proof).len();
        assert!(count > 0, "{what}: nothing to change");
        for index in 0..count {
            let mut proof = self.proof.clone();
            let value = values(&mut proof).swap_remove(index);
            *value = change(*value);
            assert!(self.check(proof).is_err(), "{what} {index} is not bound");
        }
    }

    fn refuses_felts(&self, what: &str, values: impl Fn(&mut LiftedProof) -> Vec<&mut Felt>) {
        self.refuses(what, values, |v| v + Felt::ONE);
    }

    fn refuses_exts(&self, what: &str, values: impl Fn(&mut LiftedProof) -> Vec<&mut Ext>) {
        self.refuses(what, &values, |v| v + Ext::ONE);
        // The last coordinate alone.
        let last = <Ext as p3_field::BasedVectorSpace<Felt>>::ith_basis_element(2);
        self.refuses(what, &values, |v| v + last.expect("three coordinates"));
    }

    fn refuses_words(&self, what: &str, values: impl Fn(&mut LiftedProof) -> Vec<&mut Word>) {
        for lane in 0..4 {
            self.refuses(what, &values, |mut word| {
                word[lane] += Felt::ONE;
                word
            });
        }
    }

    /// A proof with another length somewhere.
    fn refuses_lengths<V: Clone>(
        &self,
        what: &str,
        lists: impl Fn(&mut LiftedProof) -> Vec<&mut Vec<V>>,
    ) {
        let mut proof = self.proof.clone();
        let count = lists(&mut proof).len();
        assert!(count > 0, "{what}: no lists");
        for index in 0..count {
            for how in 0..3 {
                let mut proof = self.proof.clone();
                let list = lists(&mut proof).swap_remove(index);
                match how {
                    0 if list.pop().is_none() => continue,
                    1 => match list.last().cloned() {
                        Some(last) => list.push(last),
                        None => continue,
                    },
                    2 if list.is_empty() => continue,
                    2 => list.clear(),
                    _ => {}
                }
                assert!(self.check(proof).is_err(), "{what} {index}, change {how}");
            }
        }
    }
}

#[test]
fn the_proof_itself_is_accepted() {
    let fixture = fixture();
    fixture.check(fixture.proof.clone()).expect("valid");
    assert!(fixture.proof.layers.len() > 1, "several foldings");
}

#[test]
fn every_value_is_bound() {
    let f = fixture();
    f.refuses_words("commitment", |p| {
        let bus = p.bus.as_mut().expect("there are interactions");
        vec![&mut p.main, bus, &mut p.quotient]
    });
    f.refuses_words("layer", |p| p.layers.iter_mut().collect());
    f.refuses_exts("terminal", |p| p.terminals.iter_mut().collect());
    f.refuses_exts("claim", |p| p.claims.iter_mut().flatten().collect());
    f.refuses_exts("coefficient", |p| p.last.iter_mut().collect());
    f.refuses_felts("witness", |p| vec![&mut p.work]);
    f.refuses_felts("opened value", |p| {
        let rows = p.rows.iter_mut().flat_map(|tree| &mut tree.leaves);
        rows.flatten().collect()
    });
    f.refuses_exts("folded value", |p| {
        let leaves = p.folds.iter_mut().flat_map(|layer| &mut layer.leaves);
        leaves.flatten().collect()
    });
    f.refuses_words("sibling", |p| {
        let folds = p.folds.iter_mut().flat_map(|layer| &mut layer.siblings);
        let rows = p.rows.iter_mut().flat_map(|tree| &mut tree.siblings);
        rows.chain(folds).collect()
    });
}

#[test]
fn every_length_is_bound() {
    let f = fixture();
    f.refuses_lengths("terminals", |p| vec![&mut p.terminals]);
    f.refuses_lengths("claims", |p| vec![&mut p.claims]);
    f.refuses_lengths("claims of a tree", |p| p.claims.iter_mut().collect());
    f.refuses_lengths("layers", |p| vec![&mut p.layers]);
    f.refuses_lengths("coefficients", |p| vec![&mut p.last]);
    f.refuses_lengths("opened trees", |p| vec![&mut p.rows]);
    f.refuses_lengths("opened layers", |p| vec![&mut p.folds]);
    f.refuses_lengths("opened rows", |p| {
        p.rows.iter_mut().map(|tree| &mut tree.leaves).collect()
    });
    f.refuses_lengths("columns", |p| {
        let rows = p.rows.iter_mut().flat_map(|tree| &mut tree.leaves);
        rows.collect()
    });
    f.refuses_lengths("opened leaves", |p| {
        p.folds.iter_mut().map(|layer| &mut layer.leaves).collect()
    });
    f.refuses_lengths("siblings", |p| {
        let folds = p.folds.iter_mut().map(|layer| &mut layer.siblings);
        let rows = p.rows.iter_mut().map(|tree| &mut tree.siblings);
        rows.chain(folds).collect()
    });
    let mut proof = f.proof.clone();
    proof.bus = None;
    assert!(f.check(proof).is_err());
}

#[test]
fn terminals_must_cancel_and_cannot_be_moved() {
    let f = fixture();
    let mut proof = f.proof.clone();
    proof.terminals[0] += Ext::ONE;
    proof.terminals[1] -= Ext::ONE;
    assert!(f.check(proof).is_err());
    let mut proof = f.proof.clone();
    proof.terminals.swap(0, 1);
    assert!(f.check(proof).is_err());
}

#[test]
fn values_do_not_move_between_tables_and_points() {
    let f = fixture();
    for (a, b) in [(0, 1), (1, 2), (2, 3), (3, 4)] {
        if let (Some(_), Some(_)) = (f.proof.claims.get(a), f.proof.claims.get(b)) {
            let mut proof = f.proof.clone();
            proof.claims.swap(a, b);
            assert!(f.check(proof).is_err(), "claims {a} and {b}");
        }
    }
    for tree in 0..f.proof.rows.len() {
        let mut proof = f.proof.clone();
        proof.rows[tree].leaves.reverse();
        assert!(f.check(proof).is_err(), "rows of tree {tree}");
    }
}

#[test]
fn exactly_the_traces_without_findings_have_a_proof() {
    // Every cell of every table changed, alone. A few are free: clocks of rows that are not real.
    let mut refused = 0;
    let (pk, key) = toy::keys(&profile(), LOW);
    let cells: Vec<(usize, usize)> = toy::run(2, &[8], Some(2))
        .traces
        .iter()
        .enumerate()
        .flat_map(|(table, trace)| (0..trace.matrix.values.len()).map(move |cell| (table, cell)))
        .collect();
    for (table, cell) in cells {
        let mut run = toy::run(2, &[8], Some(2));
        run.traces[table].matrix.values[cell] += Felt::ONE;
        let found = check(&toy::toy(), &toy::program(2), &run.traces, &run.public);
        let proof = prove(&pk, run.traces, &run.public, LOW).expect("a proof");
        let verdict = verify(&toy::toy(), &key, &run.public, &proof, LOW);
        assert_eq!(
            found.is_err(),
            verdict.is_err(),
            "table {table}, cell {cell}"
        );
        refused += usize::from(verdict.is_err());
    }
    assert!(refused > 40);
}
