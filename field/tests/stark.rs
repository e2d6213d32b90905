//! Goldilocks with the cubic extension as challenge field through Plonky3's provers: a single table, and two tables that are
//! joined by a LogUp bus. Honest proofs verify; each perturbed one is rejected.

use p3_air::{Air, AirBuilder, BaseAir, WindowAccess};
use p3_batch_stark::{ProverData, StarkInstance, prove_batch, verify_batch};
use p3_blake3::Blake3;
use p3_challenger::{HashChallenger, SerializingChallenger64};
use p3_commit::ExtensionMmcs;
use p3_dft::Radix2DitParallel;
use p3_field::PrimeCharacteristicRing;
use p3_fri::{FriParameters, TwoAdicFriPcs};
use p3_lookup::{Count, InteractionBuilder, LookupBus};
use p3_matrix::dense::RowMajorMatrix;
use p3_merkle_tree::MerkleTreeMmcs;
use p3_symmetric::{CompressionFunctionFromHasher, SerializingHasher};
use p3_uni_stark::{StarkConfig, prove, verify};
use plica_field::{Ext, Felt};

type Compression = CompressionFunctionFromHasher<Blake3, 2, 32>;
type Mmcs = MerkleTreeMmcs<Felt, u8, SerializingHasher<Blake3>, Compression, 2, 32>;
type Pcs = TwoAdicFriPcs<Felt, Radix2DitParallel<Felt>, Mmcs, ExtensionMmcs<Felt, Ext, Mmcs>>;
type Challenger = SerializingChallenger64<Felt, HashChallenger<u8, Blake3, 32>>;
type Config = StarkConfig<Pcs, Ext, Challenger>;
type Matrix = RowMajorMatrix<Felt>;

fn config() -> Config {
    let mmcs = Mmcs::new(SerializingHasher::new(Blake3), Compression::new(Blake3), 0);
    let parameters = FriParameters {
        log_blowup: 2,
        log_final_poly_len: 0,
        max_log_arity: 2,
        num_queries: 20,
        batch_proof_of_work_bits: 0,
        commit_proof_of_work_bits: 0,
        // Without proof of work the proofs are deterministic.
        query_proof_of_work_bits: 0,
        mmcs: ExtensionMmcs::new(mmcs.clone()),
    };
    let pcs = Pcs::new(Radix2DitParallel::default(), mmcs, parameters);
    Config::new(pcs, Challenger::from_hasher(vec![], Blake3))
}

/// x ← x³ + y, y ← x from the public (x, y) of the first row to the public x of the last.
struct Recurrence;

impl<F> BaseAir<F> for Recurrence {
    fn width(&self) -> usize {
        2
    }

    fn num_public_values(&self) -> usize {
        3
    }
}

impl<AB: AirBuilder> Air<AB> for Recurrence {
    fn eval(&self, builder: &mut AB) {
        let main = builder.main();
        let public = builder.public_values();
        let (x0, y0, end) = (public[0], public[1], public[2]);
        let [x, y] = core::array::from_fn(|i| main.current_slice()[i]);
        let [next_x, next_y] = core::array::from_fn(|i| main.next_slice()[i]);
        builder.when_first_row().assert_eq(x, x0);
        builder.when_first_row().assert_eq(y, y0);
        builder.when_transition().assert_eq(next_x, x * x * x + y);
        builder.when_transition().assert_eq(next_y, x);
        builder.when_last_row().assert_eq(x, end);
    }
}

fn recurrence(height: usize) -> (Matrix, [Felt; 3]) {
    let start = [Felt::new(3), -Felt::ONE];
    let mut rows = vec![start];
    while rows.len() < height {
        let [x, y] = rows[rows.len() - 1];
        rows.push([x.cube() + y, x]);
    }
    let end = rows[height - 1][0];
    (Matrix::new(rows.concat(), 2), [start[0], start[1], end])
}

#[test]
fn one_table_over_the_cubic_extension() {
    let config = config();
    for log_height in [0, 3, 8] {
        let (trace, public) = recurrence(1 << log_height);
        let proof = prove(&config, &Recurrence, trace, &public).unwrap();
        verify(&config, &Recurrence, &proof, &public).unwrap();

        for i in 0..3 {
            let mut wrong = public;
            wrong[i] += Felt::ONE;
            assert!(verify(&config, &Recurrence, &proof, &wrong).is_err());
        }

        let bytes = postcard::to_stdvec(&proof).unwrap();
        let decode = |bytes: &[u8]| postcard::from_bytes::<p3_uni_stark::Proof<Config>>(bytes);
        verify(&config, &Recurrence, &decode(&bytes).unwrap(), &public).unwrap();

        // Each coefficient of each opened value, not the first alone.
        let perturbations = [0, 1, 2].map(Ext::ith);
        for delta in perturbations {
            let mut wrong = decode(&bytes).unwrap();
            wrong.opened_values.trace_local[1] += delta;
            assert!(verify(&config, &Recurrence, &wrong, &public).is_err());
            let mut wrong = decode(&bytes).unwrap();
            wrong.opened_values.trace_next.as_mut().unwrap()[0] += delta;
            assert!(verify(&config, &Recurrence, &wrong, &public).is_err());
            let mut wrong = decode(&bytes).unwrap();
            *wrong.opened_values.quotient_chunks[0].last_mut().unwrap() += delta;
            assert!(verify(&config, &Recurrence, &wrong, &public).is_err());
        }
        reject_changed_bytes(&bytes, |bytes| {
            decode(bytes).is_ok_and(|proof| verify(&config, &Recurrence, &proof, &public).is_ok())
        });
    }
}

/// No change of a single byte is accepted, at positions spread over the proof.
fn reject_changed_bytes(bytes: &[u8], accepts: impl Fn(&[u8]) -> bool) {
    assert!(accepts(bytes));
    for k in 0..64 {
        let at = k * (bytes.len() - 1) / 63;
        let mut wrong = bytes.to_vec();
        wrong[at] ^= 1 << (k % 8);
        assert!(!accepts(&wrong), "byte {at} of {}", bytes.len());
    }
}

/// The basis elements 1, X, X².
trait Basis {
    fn ith(i: usize) -> Self;
}

impl Basis for Ext {
    fn ith(i: usize) -> Self {
        p3_field::BasedVectorSpace::<Felt>::ith_basis_element(i).unwrap()
    }
}

const CUBES: LookupBus<'static> = LookupBus::new("cubes");

/// `Table`: pairs (x, x³) with the number of times each is looked up. `User`: looks up (x, y) on the rows with flag 1 and, on
/// its single public value, the pair (public, y) of every row with flag 0.
#[derive(Clone, Copy)]
enum Machine {
    Table,
    User,
}

impl<F> BaseAir<F> for Machine {
    fn width(&self) -> usize {
        3
    }

    fn num_public_values(&self) -> usize {
        match self {
            Self::Table => 0,
            Self::User => 1,
        }
    }
}

impl<AB: AirBuilder<F = Felt> + InteractionBuilder> Air<AB> for Machine {
    fn eval(&self, builder: &mut AB) {
        let main = builder.main();
        let [x, y, n] = core::array::from_fn(|i| -> AB::Expr { main.current_slice()[i].into() });
        match self {
            Self::Table => {
                builder.assert_eq(x.cube(), y.clone());
                CUBES.table_entry(builder, [x, y], n);
            }
            Self::User => {
                let public: AB::Expr = builder.public_values()[0].into();
                builder.assert_bool(n.clone());
                let key = n.clone() * x + (AB::Expr::ONE - n) * public;
                CUBES.lookup_key(builder, [key, y], Count::bounded(AB::Expr::ONE, 1));
            }
        }
    }
}

/// A table of the cubes of 0..16, and 64 rows that use them; the rows with flag 0 use the cube of `public`.
fn machine(public: u64) -> [Matrix; 2] {
    let mut counts = [0; 16];
    let user: Vec<Felt> = (0..64u64)
        .flat_map(|i| {
            let flag = u64::from(i % 5 != 0);
            let key = if flag == 1 { i * i % 16 } else { public };
            counts[key as usize] += 1;
            [i * i % 16, key * key * key, flag]
        })
        .map(Felt::new)
        .collect();
    let table = (0..16u64)
        .flat_map(|x| [x, x * x * x, counts[x as usize]])
        .map(Felt::new)
        .collect();
    [Matrix::new(table, 3), Matrix::new(user, 3)]
}

#[test]
fn two_tables_and_a_lookup_bus_over_the_cubic_extension() {
    let config = config();
    let airs = [Machine::Table, Machine::User];
    let data = ProverData::from_airs_and_degrees(&config, &airs, &[4, 6]).unwrap();
    let traces = machine(7);
    let traces = traces.each_ref();
    let public = [vec![], vec![Felt::new(7)]];
    let instances = StarkInstance::new_multiple(&airs, &traces, &public);
    let proof = prove_batch(&config, &instances, &data).unwrap();
    let accepts = |proof: &_, public: &[Vec<Felt>; 2]| {
        verify_batch(&config, &airs, proof, public, &data.common).is_ok()
    };
    assert!(accepts(&proof, &public));

    // The public value enters through the bus alone.
    for wrong in [6, 8, 0] {
        assert!(!accepts(&proof, &[vec![], vec![Felt::new(wrong)]]));
    }

    let bytes = postcard::to_stdvec(&proof).unwrap();
    let decode =
        |bytes: &[u8]| postcard::from_bytes::<p3_batch_stark::proof::BatchProof<Config>>(bytes);
    for i in 0..3 {
        // One sum shifted, and both shifted so that they still cancel.
        let mut wrong = decode(&bytes).unwrap();
        wrong.lookup_terminals[0].as_mut().unwrap().0 += Ext::ith(i);
        assert!(!accepts(&wrong, &public));
        wrong.lookup_terminals[1].as_mut().unwrap().0 -= Ext::ith(i);
        assert!(!accepts(&wrong, &public));
    }
    let mut wrong = decode(&bytes).unwrap();
    wrong.lookup_terminals[1] = None;
    assert!(!accepts(&wrong, &public));
    let mut wrong = decode(&bytes).unwrap();
    wrong.lookup_terminals.swap(0, 1);
    assert!(!accepts(&wrong, &public));
    reject_changed_bytes(&bytes, |bytes| {
        decode(bytes).is_ok_and(|proof| accepts(&proof, &public))
    });
}

/// A trace whose bus does not balance gives no proof that verifies: the prover of a test build notices, that of a release build
/// makes a proof that is rejected.
#[test]
fn an_unbalanced_bus_has_no_proof() {
    let config = config();
    let airs = [Machine::Table, Machine::User];
    for (row, column) in [(3, 2), (9, 2)] {
        let mut traces = machine(7);
        traces[0].values[3 * row + column] += Felt::ONE;
        let traces = traces.each_ref();
        let public = [vec![], vec![Felt::new(7)]];
        let outcome = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| {
            let data = ProverData::from_airs_and_degrees(&config, &airs, &[4, 6]).unwrap();
            let instances = StarkInstance::new_multiple(&airs, &traces, &public);
            let proof = prove_batch(&config, &instances, &data).unwrap();
            verify_batch(&config, &airs, &proof, &public, &data.common).is_ok()
        }));
        assert!(!matches!(outcome, Ok(true)));
    }
}
