//! Advice: its instructions, and the injectors that change it.

use std::collections::BTreeMap;

use p3_field::{Field, PrimeCharacteristicRing, PrimeField64};
use plica_field::{Felt, Word};
use plica_hash_rpo::{digest, merge_in_domain, permute};
use plica_vm::inputs::Inputs;
use plica_vm::syntax::Instruction;

use super::field::{Quadratic, add, scale};
use super::memory::{address, address_pair};
use super::merkle::Store;
use super::{Machine, Result, Stop, fail, to_u32};
use crate::support::Failure;

pub(super) struct Advice {
    /// The last element is popped first.
    stack: Vec<Felt>,
    map: BTreeMap<Word, Vec<Felt>>,
    pub(super) store: Store,
}

impl Advice {
    pub(super) fn new(inputs: &Inputs) -> Self {
        Self {
            stack: inputs.advice_stack.iter().rev().copied().collect(),
            map: inputs.advice_map.clone(),
            store: Store::new(&inputs.merkle_store),
        }
    }

    /// The next `N` elements, the first popped first.
    fn pop<const N: usize>(&mut self) -> Result<[Felt; N]> {
        if self.stack.len() < N {
            return fail(Failure::AdviceStack);
        }
        let mut popped = [Felt::ZERO; N];
        for slot in &mut popped {
            *slot = self.stack.pop().expect("counted");
        }
        Ok(popped)
    }

    /// Puts elements on top, the first to be popped first.
    fn push(&mut self, elements: &[Felt]) {
        self.stack.extend(elements.iter().rev());
    }

    pub(super) fn lookup(&self, key: Word) -> Result<Vec<Felt>> {
        let values = self.map.get(&key).cloned();
        values.ok_or(Stop::Failed(Failure::AdviceMap))
    }
}

impl Machine<'_> {
    pub(super) fn advice_instruction(&mut self, instruction: &Instruction) -> Result<()> {
        use Instruction as I;
        match *instruction {
            I::AdvPush(count) => {
                for _ in 0..count {
                    let [value] = self.advice.pop()?;
                    self.replace(0, &[value]);
                }
            }
            I::AdvLoadW => {
                let word: Word = self.advice.pop()?;
                self.replace(4, &word);
            }
            I::AdvPipe => {
                let addresses = address_pair(self.peek(12))?;
                let [a0, a1, a2, a3, b0, b1, b2, b3] = self.advice.pop()?;
                let words = [[a0, a1, a2, a3], [b0, b1, b2, b3]];
                for (address, word) in addresses.into_iter().zip(words) {
                    self.set_word(address, word);
                }
                self.show_double_word(words);
            }
            ref other => unreachable!("{other:?}"),
        }
        Ok(())
    }

    pub(super) fn injector(&mut self, instruction: &Instruction) -> Result<()> {
        use Instruction as I;
        match *instruction {
            I::AdvPushMapVal(at) => {
                let values = self.advice.lookup(self.peek_word(at.into()))?;
                self.advice.push(&values);
            }
            I::AdvPushMapValN(at) => {
                let values = self.advice.lookup(self.peek_word(at.into()))?;
                self.advice.push(&values);
                self.advice.push(&[Felt::from_u64(values.len() as u64)]);
            }
            I::AdvPushMtNode => {
                let [depth, index] = [0, 1].map(|n| self.peek(n).as_canonical_u64());
                let node = self.advice.store.node(self.peek_word(2), depth, index)?;
                self.advice.push(&node);
            }
            I::AdvPushU64Div => self.push_u64_division()?,
            I::AdvPushExt2Intt => self.push_interpolation()?,
            I::AdvPushSmtPeek => self.push_smt_value()?,
            I::AdvPushSmtGet | I::AdvPushSmtSet => return fail(Failure::Unimplemented),
            I::AdvPushSigRpoFalcon512 => self.push_signature()?,
            I::AdvInsertMem => {
                let (start, end) = (address(self.peek(4))?, address(self.peek(5))?);
                if start > end {
                    return fail(Failure::MemoryRange);
                }
                let values = (start..end).flat_map(|address| self.word_at(address));
                let values = values.collect();
                self.advice.map.insert(self.peek_word(0), values);
            }
            I::AdvInsertHdWord(domain) => {
                let words = [self.peek_word(4), self.peek_word(0)];
                let key = merge_in_domain(words, Felt::from_u8(domain));
                self.advice.map.insert(key, words.concat());
            }
            I::AdvInsertHPerm => {
                let mut state = self.hasher_state();
                let values = state[4..].to_vec();
                permute(&mut state);
                self.advice.map.insert(digest(&state), values);
            }
            ref other => unreachable!("{other:?}"),
        }
        Ok(())
    }

    /// Quotient and remainder of `[b1, b0, a1, a0, ..]`, the low half of each first.
    fn push_u64_division(&mut self) -> Result<()> {
        let half = |n: usize| to_u32(self.peek(n)).map(u64::from);
        let b = half(0)? << 32 | half(1)?;
        let a = half(2)? << 32 | half(3)?;
        if b == 0 {
            return fail(Failure::DivisionByZero);
        }
        let halves = |value: u64| [value & 0xffff_ffff, value >> 32].map(Felt::from_u64);
        self.advice.push(&[halves(a / b), halves(a % b)].concat());
        Ok(())
    }

    /// The first coefficients of the polynomial with the values in memory: `[k, n, ptr, ..]`.
    fn push_interpolation(&mut self) -> Result<()> {
        let [k, n, start] = [0, 1, 2].map(|at| self.peek(at).as_canonical_u64());
        let end = start.saturating_add(n / 2);
        if n < 2 || !n.is_power_of_two() || end > u32::MAX.into() || k == 0 || k > n {
            return fail(Failure::Interpolation);
        }
        let words = (start..end).map(|address| self.word_at(address as u32));
        let values: Vec<Quadratic> = words.flat_map(|[a, b, c, d]| [[a, b], [c, d]]).collect();
        // The root of order 2^32 that the original uses.
        let generator = Felt::from_u64(7277203076849721926).exp_u64((1 << 32) / n);
        for coefficient in 0..k {
            let step = generator.exp_u64(coefficient).inverse();
            let mut point = Felt::from_u64(n).inverse();
            let mut sum = [Felt::ZERO; 2];
            for value in &values {
                sum = add(sum, scale(*value, point));
                point *= step;
            }
            // Behind the ones before: they are popped first.
            let at = self.advice.stack.len() - 2 * coefficient as usize;
            self.advice.stack.splice(at..at, sum.into_iter().rev());
        }
        Ok(())
    }

    /// Nonce, public key, signature and the product of those two: `[PK, MSG, ..]`.
    fn push_signature(&mut self) -> Result<()> {
        use miden_crypto::dsa::rpo_falcon512::{Polynomial, SecretKey};
        use miden_crypto::hash::rpo::Rpo256;
        use miden_crypto::utils::Deserializable;

        let foreign = |word: Word| word.map(|v| miden_crypto::Felt::new(v.as_canonical_u64()));
        let (public_key, message) = (self.peek_word(0), self.peek_word(4));
        let bytes = self.advice.lookup(public_key)?;
        let bytes = bytes.iter().map(|byte| byte.as_canonical_u64().try_into());
        let key = bytes.collect::<std::result::Result<Vec<u8>, _>>().ok();
        let Some(key) = key.and_then(|bytes| SecretKey::read_from_bytes(&bytes).ok()) else {
            return fail(Failure::SignatureKey);
        };
        let h = key.compute_pub_key_poly();
        if Rpo256::hash_elements(&h.to_elements()).as_elements() != foreign(public_key) {
            return fail(Failure::SignatureKey);
        }
        let signature = key.sign(foreign(message).into());
        let mut values = signature.nonce().to_elements().to_vec();
        values.extend(h.to_elements());
        values.extend(signature.sig_poly().to_elements());
        let product = Polynomial::mul_modulo_p(&h, signature.sig_poly());
        values.extend(product.map(miden_crypto::Felt::new));
        let values: Vec<Felt> = values.iter().map(|v| Felt::from_u64(v.as_int())).collect();
        self.advice.push(&values);
        Ok(())
    }

    /// The value of the key in the tree of depth 64: `[K, R, ..]`.
    fn push_smt_value(&mut self) -> Result<()> {
        let (key, root) = (self.peek_word(0), self.peek_word(4));
        let leaf = self
            .advice
            .store
            .node(root, 64, key[3].as_canonical_u64())?;
        let mut value = [Felt::ZERO; 4];
        if leaf != value {
            let values = self.advice.map.get(&leaf);
            let pairs = values.ok_or(Stop::Failed(Failure::SmtLeaf))?.chunks(8);
            if let Some(pair) = pairs.into_iter().find(|pair| pair[..4] == key) {
                value.copy_from_slice(&pair[4..]);
            }
        }
        self.advice.push(&value);
        Ok(())
    }
}
