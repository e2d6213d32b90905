//! What the tests of both chips share: rows, and forgeries of what they have in common.

use p3_field::PrimeCharacteristicRing;
use plica_field::{Felt, Word};
use plica_hash_rpo::constants::{CAPACITY, DIGEST, WIDTH as LANES};
use plica_hash_rpo::{State, permute};

use super::head::{CONSTRAINTS, Head};
use crate::check::Message;
use crate::chip::ChipKind;
use crate::code::{FactOp, Operand};
use crate::testing::{Forgery, MULT, check_lookup_binds, felt, positions, with_fact_row, word_of};
use crate::trace::FactRow;

pub(in crate::chips) const FRAME: i64 = 7;
pub(in crate::chips) const ID: u32 = 100;
/// Ids of the operands.
const OPERANDS: [u32; 3] = [50, 51, 52];
/// Capacity of the merges.
const CONSTANTS: [i64; 2] = [4, 9];
/// The rows of both chips begin with these columns.
const HEAD: usize = size_of::<Head<u8>>();

/// A chip, and how it fills the columns behind the head.
pub(in crate::chips) struct Subject {
    pub(in crate::chips) chip: ChipKind,
    pub(in crate::chips) fill: fn(&mut [Felt], &FactRow<'_>),
    /// Where the state after the last round is.
    pub(in crate::chips) result: usize,
}

/// A state that is not special; that of a merge has its capacity.
pub(in crate::chips) fn state(op: FactOp) -> State {
    let mut state: State = std::array::from_fn(|j| felt(1000 + 17 * j as i64));
    if op == FactOp::Merge {
        let [c0, c1] = CONSTANTS.map(felt);
        state[..CAPACITY].copy_from_slice(&[c0, c1, Felt::ZERO, Felt::ZERO]);
    }
    state
}

/// Both halves of the rate, then the capacity.
pub(in crate::chips) fn words(state: &State) -> [Word; 3] {
    let (capacity, rate) = state.split_at(CAPACITY);
    let (a, b) = rate.split_at(DIGEST);
    [a, b, capacity].map(|word| word.try_into().expect("four lanes"))
}

impl Subject {
    /// An honest row that starts from this state.
    pub(in crate::chips) fn row_of(&self, op: FactOp, state: &State) -> Vec<Felt> {
        let mut row = vec![Felt::ZERO; self.chip.width()];
        let [a, b, c] = OPERANDS.map(Operand::Cell);
        let words = words(state);
        let (operands, values) = match op {
            FactOp::Permute => (vec![a, b, c], words.concat()),
            _ => {
                let constants = CONSTANTS.map(felt);
                let operands = [a, b].into_iter().chain(constants.map(Operand::Imm));
                (
                    operands.collect(),
                    [words[0].as_slice(), &words[1], &constants].concat(),
                )
            }
        };
        with_fact_row(op, (FRAME, ID), &operands, &values, |values| {
            (self.fill)(&mut row, values);
        });
        row
    }

    pub(in crate::chips) fn row(&self, op: FactOp) -> Vec<Felt> {
        self.row_of(op, &state(op))
    }

    /// The words that a row gives.
    pub(in crate::chips) fn given(&self, row: &[Felt]) -> [Word; 3] {
        let state = &row[self.result..][..LANES];
        words(&state.try_into().expect("twelve lanes"))
    }

    /// The bus when the forged row is there and the honest one is not.
    pub(in crate::chips) fn results_changed(
        &self,
        op: FactOp,
        honest: &[Felt],
        forged: &[Felt],
    ) -> Vec<(Message, i64)> {
        let results = op.signature().results.len();
        let ids = ID..ID + results as u32;
        let pairs = self.given(honest).into_iter().zip(self.given(forged));
        ids.zip(pairs)
            .filter(|(_, (from, to))| from != to)
            .flat_map(|(id, (from, to))| {
                [
                    (word_of(FRAME, id, from), -MULT),
                    (word_of(FRAME, id, to), MULT),
                ]
            })
            .collect()
    }

    /// Forgeries of the constraints of the head.
    pub(in crate::chips) fn head_forgeries(&self) -> Vec<Forgery> {
        let op = FactOp::Merge;
        let honest = self.row(op);
        let mut forgeries = Vec::new();
        // Another capacity, with the permutation of it.
        for (lane, constraint) in [0, 2, 3].into_iter().zip(CONSTRAINTS) {
            let mut start = state(op);
            start[lane] += Felt::from_u32(5);
            let mut forged = self.row_of(FactOp::Permute, &start);
            forged[..HEAD].copy_from_slice(&honest[..HEAD]);
            let gain = self.results_changed(op, &honest, &forged);
            forgeries.push(Forgery::new(
                constraint,
                honest.clone(),
                |row| row.copy_from_slice(&forged),
                gain,
            ));
        }
        // A value for a cell of another instruction.
        let mults = Head::of_positions().mults;
        let words = self.given(&honest);
        for (j, constraint) in [1, 2].into_iter().zip(&CONSTRAINTS[3..]) {
            let gain = vec![(word_of(FRAME, ID + j as u32, words[j]), 2)];
            forgeries.push(Forgery::new(
                *constraint,
                honest.clone(),
                |row| row[mults[j]] = felt(2),
                gain,
            ));
        }
        forgeries
    }

    /// Rule R4, and that the results are those of the hash function.
    pub(in crate::chips) fn check_head(&self) {
        let head = Head::of_positions();
        let columns = [head.id, head.merge, head.a_id, head.b_id, head.c_id];
        check_lookup_binds(self.chip, &self.row(FactOp::Permute), &columns);
        let second = HEAD + 1;
        let columns: Vec<usize> = columns.into_iter().chain([second]).collect();
        check_lookup_binds(self.chip, &self.row(FactOp::Merge), &columns);
        for op in [FactOp::Permute, FactOp::Merge] {
            let mut permuted = state(op);
            permute(&mut permuted);
            assert_eq!(self.given(&self.row(op)), words(&permuted));
        }
    }
}

impl Head<usize> {
    /// Each field is its own column.
    pub(in crate::chips) fn of_positions() -> Self {
        let positions: [usize; HEAD] = positions(HEAD).try_into().expect("as many");
        let [fp, id, merge, a_id, b_id, c_id, m0, m1, m2] = positions;
        Self {
            fp,
            id,
            merge,
            a_id,
            b_id,
            c_id,
            mults: [m0, m1, m2],
        }
    }
}
