//! What `analyze` counts is what a proof of the run commits to.

use plica::{Inputs, Model, Plica, Profile, SecurityTarget};
use plica_field::{Felt, Word};
use plica_fri::{Format, ProofBody};
use plica_hash_rpo::hash_elements;
use plica_vm::prover::machine;

/// Few queries: how many there are changes no table.
const TARGET: SecurityTarget = SecurityTarget {
    model: Model::Conjectured,
    bits: 40,
};

/// Hashes, nodes of trees and blocks of messages, of which there are two chips each; limbs, which not every key has; and a loop
/// whose rows are a little more than a power of two.
const SOURCE: &str = "
    begin
        mtree_get hmerge                                                    # [H, D]
        swapw push.3.5.7.11.13.17.19 sum_preimage.1                         # [u, s, H]
        mem_store.5
        push.600 dup neq.0 while.true swap dup mul swap sub.1 dup neq.0 end drop
        mem_load.5 u32split add add add
    end";

fn inputs() -> Inputs {
    let root = plica::MerkleStore::default().empty_root(4);
    let root: Word = root.expect("an empty tree");
    let message: Vec<Felt> = (0..8).map(Felt::new).collect();
    let digest = hash_elements(&message);
    let place = [4, 9].map(Felt::new);
    let words = [root, digest]
        .into_iter()
        .flat_map(|word| word.into_iter().rev());
    Inputs {
        advice_map: [(digest, message)].into(),
        ..Inputs::from_stack(place.into_iter().chain(words).collect::<Vec<_>>())
    }
}

/// Committed columns of each table of a batch proof, in order, from what is opened of them.
fn widths(proof: &plica_fri::BatchProof) -> Vec<usize> {
    let tables = proof.opened_values.instances.iter();
    tables
        .map(|table| {
            let opened = &table.base_opened_values;
            let preprocessed = opened.preprocessed.as_ref();
            let quotient: usize = opened.quotient_chunks.iter().map(Vec::len).sum();
            opened.trace_local.len()
                + preprocessed.map_or(0, |values| values.local.len())
                + table.permutation_local.len()
                + quotient
        })
        .collect()
}

#[test]
fn tables_and_columns_are_those_of_the_proof() {
    let program = Plica::assemble(SOURCE, "program").unwrap_or_else(|error| panic!("{error}"));
    let inputs = inputs();
    let mut frames = Vec::new();
    for profile in Profile::ALL {
        let name = profile.name;
        let analysis = program.analyze(&inputs, &profile, TARGET).expect("runs");
        let (key, _) = program.setup(&profile, TARGET).expect("keys");
        let proven = program.prove(&key, &inputs).expect("a proof");

        let kinds = machine().kinds();
        let tables = proven.proof.instances().tables().iter();
        let tables: Vec<(&str, usize)> = tables
            .map(|table| (kinds[usize::from(table.kind)].name, 1 << table.log_height))
            .collect();
        let chips = analysis.chips.iter();
        let mut counted: Vec<(&str, usize)> = chips
            .flat_map(|chip| chip.padded.iter().map(|&height| (chip.chip, height)))
            .collect();
        let number = |name: &str| kinds.iter().position(|kind| kind.name == name);
        counted.sort_by_key(|&(chip, height)| (number(chip), std::cmp::Reverse(height)));
        assert_eq!(counted, tables, "{name}");
        let compact = ["rpo compact", "node compact", "absorb compact"]
            .map(|chip| tables.iter().any(|(name, _)| *name == chip));
        let expected = !["fast", "blake3"].contains(&name);
        assert_eq!(compact, [expected; 3], "{name}");
        assert!(tables.iter().any(|(name, _)| *name == "limbs"), "{name}");
        frames.push(tables.iter().filter(|(chip, _)| *chip == "frame").count());

        let columns = |chip: &str| {
            let mut chips = analysis.chips.iter();
            chips
                .find(|usage| usage.chip == chip)
                .expect("listed")
                .columns
        };
        let counted: Vec<usize> = tables.iter().map(|(chip, _)| columns(chip)).collect();
        let mut cells: usize = tables.iter().zip(&counted).map(|((_, h), c)| h * c).sum();
        match proven.proof.body() {
            ProofBody::Batch(proof) => {
                assert_eq!(profile.format, Format::Batch);
                assert_eq!(counted, widths(proof), "{name}");
                assert_eq!(analysis.quotient, None);
            }
            ProofBody::Lifted(proof) => {
                assert_eq!(profile.format, Format::Lifted);
                // A leaf has a row of every table.
                let leaves = proof.rows.iter().map(|tree| tree.leaves[0].len());
                let quotient = analysis.quotient.expect("one for all");
                let counted: usize = counted.iter().sum();
                assert_eq!(counted + quotient.columns, leaves.sum::<usize>());
                assert_eq!(analysis.columns(), counted + quotient.columns);
                assert_eq!(plica::columns(&proven.proof), Some(analysis.columns()));
                assert_eq!(Some(quotient.rows), tables.iter().map(|(_, h)| *h).max());
                assert_eq!(quotient.cells, (quotient.rows * quotient.columns) as u64);
                cells += quotient.rows * quotient.columns;
            }
        }
        assert_eq!(analysis.total_cells, cells as u64, "{name}");
    }
    // A second table is worth it where only cells count, and where a verifier has few queries.
    assert_eq!(frames, [2, 2, 2, 2, 2, 1]);
}
