//! The host: the advice stack, the advice map and the Merkle store of a run, and what a program may ask of them.

use std::collections::BTreeMap;

use p3_field::{Field, PrimeCharacteristicRing, PrimeField64};
use plica_air::code::HostOp;
use plica_field::{Felt, Word};
use plica_hash_rpo::{digest, merge_in_domain, permute};
use thiserror::Error;

use super::falcon;
use super::memory::Memory;
use super::store::MerkleStore;
use crate::inputs::{Inputs, MerkleTree};
use crate::joint::key_of_run;

/// Why the host does not do what it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HostFailure {
    #[error("the advice map has no such key")]
    Key,
    #[error("the advice map has no message of so many blocks with this digest under it")]
    Preimage,
    #[error("the Merkle store knows no tree with this root")]
    Root,
    #[error("a Merkle tree has no node at this depth and index")]
    Position,
    #[error("the Merkle store does not know this node")]
    Node,
    #[error("the advice map does not have the leaf of the tree")]
    Leaf,
    #[error("the range of addresses ends before it begins")]
    Range,
    #[error("no polynomial can be interpolated from these operands")]
    Interpolation,
    #[error("a memory address must be below 2^32, found {0}")]
    Address(Felt),
    #[error("expected a 32-bit number, found {0}")]
    NotU32(Felt),
    #[error("division by zero")]
    DivisionByZero,
    #[error(
        "the advice map has no Falcon-512 secret key there, which is 1281 elements of a byte each"
    )]
    SecretKey,
    #[error("the secret key does not belong to this public key")]
    PublicKey,
    #[error("this build cannot sign with Falcon-512: it lacks the feature `falcon`")]
    NoSigner,
    #[error("this injector is not implemented")]
    Unimplemented,
    /// The action takes longer than the run may.
    #[error("the host would take more than {limit} steps")]
    Limit { limit: u64 },
}

type Result<T> = std::result::Result<T, HostFailure>;

#[derive(Debug, Default)]
pub(super) struct Host {
    /// The last one is popped first.
    stack: Vec<Felt>,
    map: BTreeMap<Word, Vec<Felt>>,
    /// Made when it is first asked for, if none is given.
    store: Option<MerkleStore>,
    /// What it has to know then.
    trees: Vec<MerkleTree>,
    /// What the runs of a joint proof start with, the last first.
    runs: Vec<Inputs>,
}

impl Host {
    pub(super) fn new(inputs: &Inputs) -> Self {
        Self {
            stack: inputs.advice_stack.iter().rev().copied().collect(),
            map: inputs.advice_map.clone(),
            store: None,
            trees: inputs.merkle_store.clone(),
            runs: inputs.runs.iter().rev().cloned().collect(),
        }
    }

    /// Starts a run of a joint proof: stack and advice are its own, and nothing of earlier runs is left.
    fn begin(&mut self, run: &Inputs) {
        let stack = run.initial_stack();
        let Self { runs, .. } = std::mem::replace(self, Self::new(run));
        self.runs = runs;
        // The top of the stack is popped last.
        self.stack.extend(stack);
    }

    /// Has the host use this store, which learns the trees of the inputs.
    pub(super) fn with_store(mut self, mut store: MerkleStore) -> Self {
        store.extend(&std::mem::take(&mut self.trees));
        self.store = Some(store);
        self
    }

    /// What the store is at the end, if there is one.
    pub(super) fn into_store(self) -> Option<MerkleStore> {
        self.store
    }

    /// Takes the next values off the advice stack, the first popped first; how many there are if too few.
    pub(super) fn pop(&mut self, values: &mut [Felt]) -> std::result::Result<(), usize> {
        let known = self.stack.len();
        let rest = known.checked_sub(values.len()).ok_or(known)?;
        for (slot, value) in values.iter_mut().zip(self.stack.drain(rest..).rev()) {
            *slot = value;
        }
        Ok(())
    }

    /// Puts values on the advice stack, the first to be popped first.
    fn push(&mut self, values: &[Felt]) {
        self.stack.extend(values.iter().rev());
    }

    pub(super) fn store(&mut self) -> &mut MerkleStore {
        let trees = &self.trees;
        self.store.get_or_insert_with(|| {
            let mut store = MerkleStore::default();
            store.extend(trees);
            store
        })
    }

    /// What the map has under a key.
    pub(super) fn values(&self, key: &Word) -> Result<&[Felt]> {
        self.map.get(key).map(Vec::as_slice).ok_or(HostFailure::Key)
    }

    /// Does what a program asks for; at most `limit` steps long.
    pub(super) fn act(
        &mut self,
        op: HostOp,
        operands: &[Felt],
        memory: &Memory,
        limit: u64,
    ) -> Result<()> {
        let int = |j: usize| operands[j].as_canonical_u64();
        let word = |j: usize| -> Word { std::array::from_fn(|i| operands[j + i]) };
        match op {
            HostOp::PushMapValue { .. }
                if !self.runs.is_empty() && word(0) == key_of_run(self.runs.len()) =>
            {
                let run = self.runs.pop().expect("there is one");
                self.begin(&run);
            }
            HostOp::PushMapValue { counted } => {
                let values = self.values(&word(0))?.to_vec();
                self.push(&values);
                if counted {
                    self.push(&[Felt::from_usize(values.len())]);
                }
            }
            HostOp::PushNode => {
                let node = self.store().node(word(2), int(0), int(1))?;
                self.push(&node);
            }
            HostOp::JoinNodes => {
                let _parent = self.store().join([word(0), word(4)]);
            }
            HostOp::PushDivision => {
                let half = |j: usize| match u32::try_from(int(j)) {
                    Ok(half) => Ok(u64::from(half)),
                    Err(_) => Err(HostFailure::NotU32(operands[j])),
                };
                let b = half(0)? << 32 | half(1)?;
                let a = half(2)? << 32 | half(3)?;
                let quotient = a.checked_div(b).ok_or(HostFailure::DivisionByZero)?;
                let halves = |value: u64| [value & 0xffff_ffff, value >> 32].map(Felt::from_u64);
                let [q0, q1] = halves(quotient);
                let [r0, r1] = halves(a % b);
                self.push(&[q0, q1, r0, r1]);
            }
            HostOp::PushInterpolation => {
                let (count, points, start) = (int(0), int(1), int(2));
                let end = start.saturating_add(points / 2);
                let fits = points >= 2 && points.is_power_of_two() && end <= u64::from(u32::MAX);
                if !fits || count == 0 || count > points {
                    return Err(HostFailure::Interpolation);
                }
                within(points, limit)?;
                let context = int(3);
                let words = (start..end).map(|address| memory.peek(context, address as u32));
                let values = words.flat_map(|[a, b, c, d]| [[a, b], [c, d]]).collect();
                let coefficients = interpolate(values);
                self.push(coefficients[..count as usize].as_flattened());
            }
            HostOp::PushTreeValue => {
                let key = word(0);
                let leaf = self.store().node(word(4), 64, int(3))?;
                let mut value = Word::default();
                if leaf != value {
                    let pairs = self.map.get(&leaf).ok_or(HostFailure::Leaf)?;
                    let mut pairs = pairs.chunks_exact(8);
                    if let Some(pair) = pairs.find(|pair| pair[..4] == key) {
                        value.copy_from_slice(&pair[4..]);
                    }
                }
                self.push(&value);
            }
            HostOp::InsertMemory => {
                let address = |j: usize| match u32::try_from(int(j)) {
                    Ok(address) => Ok(address),
                    Err(_) => Err(HostFailure::Address(operands[j])),
                };
                let (start, end) = (address(4)?, address(5)?);
                let length = end.checked_sub(start).ok_or(HostFailure::Range)?;
                within(u64::from(length), limit)?;
                let context = int(6);
                let values = (start..end).flat_map(|address| memory.peek(context, address));
                self.map.insert(word(0), values.collect());
            }
            HostOp::InsertPair { domain } => {
                let words = [word(0), word(4)];
                let key = merge_in_domain(words, Felt::from_u8(domain));
                self.map.insert(key, words.concat());
            }
            HostOp::InsertState => {
                let mut state = std::array::from_fn(|j| operands[j]);
                permute(&mut state);
                self.map.insert(digest(&state), operands[4..].to_vec());
            }
            HostOp::PushSignature => {
                let secret_key = self.values(&word(0))?;
                let values = falcon::sign(secret_key, word(0), word(4))?;
                self.push(&values);
            }
            HostOp::Unimplemented => return Err(HostFailure::Unimplemented),
        }
        Ok(())
    }
}

pub(super) fn within(steps: u64, limit: u64) -> Result<()> {
    if steps > limit {
        return Err(HostFailure::Limit { limit });
    }
    Ok(())
}

/// The coefficients of the polynomial with these values at the powers of the root of unity, elements of the quadratic extension,
/// which the transform does not mix. The number of values is a power of two.
fn interpolate(mut values: Vec<[Felt; 2]>) -> Vec<[Felt; 2]> {
    /// Of order 2^32; the root that the reference implementation uses.
    const ROOT: u64 = 7_277_203_076_849_721_926;
    let n = values.len();
    let bits = n.ilog2();
    for i in 0..n {
        let j = i.reverse_bits() >> (usize::BITS - bits);
        if i < j {
            values.swap(i, j);
        }
    }
    let mut half = 1;
    while half < n {
        let order = 2 * half as u64;
        let step = Felt::from_u64(ROOT).exp_u64((1 << 32) / order).inverse();
        for block in values.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            let mut twiddle = Felt::ONE;
            for (a, b) in low.iter_mut().zip(high) {
                for (a, b) in a.iter_mut().zip(b) {
                    let (x, y) = (*a, *b * twiddle);
                    *a = x + y;
                    *b = x - y;
                }
                twiddle *= step;
            }
        }
        half *= 2;
    }
    let scale = Felt::from_usize(n).inverse();
    for value in values.as_flattened_mut() {
        *value *= scale;
    }
    values
}
