//! Sums over messages of which a program knows the digest.

use std::collections::HashMap;

use p3_field::{BasedVectorSpace, PrimeField64};
use plica_air::code::MAX_COMPONENTS;
use plica_air::record::{Point, SumAccess};
use plica_field::{Ext, Felt, Word, coefficients};
use plica_hash_rpo::constants::RATE;
use plica_hash_rpo::hash_elements;

use super::host::{HostFailure, within};
use super::{Refusal, State};

/// The messages whose digest has been computed, each once.
#[derive(Debug, Default)]
pub(super) struct Messages {
    list: Vec<Vec<Felt>>,
    /// By digest and number of blocks.
    known: HashMap<(Word, usize), usize>,
}

impl Messages {
    pub(super) fn into_list(self) -> Vec<Vec<Felt>> {
        self.list
    }

    /// The number of the message with this digest, if these are its elements.
    fn find(&mut self, digest: Word, elements: &[Felt]) -> Option<usize> {
        let name = (digest, elements.len() / RATE);
        if let Some(&known) = self.known.get(&name) {
            // Hashed once, unless the map has changed.
            return (self.list[known] == elements).then_some(known);
        }
        (hash_elements(elements) == digest).then(|| {
            self.list.push(elements.to_vec());
            let next = self.list.len() - 1;
            self.known.insert(name, next);
            next
        })
    }
}

impl State {
    /// digest, a, m, x, number of blocks: the sums of the message that the advice map has under its digest.
    pub(super) fn sum_preimage(
        &mut self,
        clk: u64,
        operands: &[Felt; MAX_COMPONENTS],
        results: &mut [Felt],
    ) -> Result<(), Refusal> {
        let digest = std::array::from_fn(|j| operands[j]);
        let ext = |start: usize| Ext::from_basis_coefficients_fn(|j| operands[start + j]);
        let point = Point {
            a: ext(4),
            m: ext(8),
            x: operands[12],
        };
        let elements = self.host.values(&digest).map_err(Refusal::Host)?;
        let length = operands[13].as_canonical_u64().checked_mul(RATE as u64);
        // No message has no blocks.
        if elements.is_empty() || length != Some(elements.len() as u64) {
            return Err(Refusal::Host(HostFailure::Preimage));
        }
        within(elements.len() as u64, self.max_cycles).map_err(Refusal::Host)?;
        let message = self.messages.find(digest, elements);
        let message = message.ok_or(Refusal::Host(HostFailure::Preimage))?;
        let mut sums = [Ext::default(); 2];
        for block in elements.chunks_exact(RATE) {
            sums = point.step(sums, block);
        }
        for (result, sum) in results.chunks_exact_mut(4).zip(sums) {
            result[..3].copy_from_slice(&coefficients(sum));
            result[3] = Felt::default();
        }
        if let Some(sums) = &mut self.sums {
            sums.push(SumAccess {
                clk,
                message,
                point,
            });
        }
        Ok(())
    }
}
