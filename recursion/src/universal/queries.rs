//! Queries: leaves, the batched polynomial at a point, and the way down the layers.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use plica_fri::lifted::{LEAF, LOG_ARITY, MAX_LOG_FINAL, Machine};

use super::layers::{Layers, digits, rounds};
use super::memory::{BETAS, KEY, LAYERS, POINTS, ROOTS, SIZES, number};
use super::sorting::{Batching, Sums};
use crate::asm::{Asm, Cubic, Quad, Scalar};
use crate::parts::{BLOCK, Transcript, ZERO, control};

/// The batched columns at both points: Σ weight·(sum over the leaf) − constant.
#[derive(Clone, Copy)]
pub(super) struct Batch {
    /// Its powers are the weights of bus, bus at the next point, quotient, preprocessed columns; that of the main columns is 1.
    outer: Cubic,
    /// Negative.
    constants: [Cubic; 2],
    zeta: Cubic,
}

fn weights(asm: &mut Asm, outer: Cubic) -> [Cubic; 4] {
    let mut weights = [outer; 4];
    for i in 1..4 {
        weights[i] = asm.mul(weights[i - 1], outer);
    }
    weights
}

impl Batch {
    pub(super) fn new(
        asm: &mut Asm,
        sums: &Sums,
        quotient: Cubic,
        outer: Cubic,
        zeta: Cubic,
    ) -> Self {
        let weights = weights(asm, outer);
        let at = [(sums.bus[0], 0), (quotient, 2), (sums.preprocessed, 3)];
        let at = at.into_iter().fold(sums.main, |sum, (value, weight)| {
            asm.mul_add(weights[weight], value, sum)
        });
        let next = asm.mul(weights[1], sums.bus[1]);
        Self {
            outer,
            constants: [at, next].map(|constant| asm.sub(Felt::ZERO.into(), constant)),
            zeta,
        }
    }
}

/// What is handed to an iteration, or found there from what is: one element of the extension is handed on as three.
struct Shared {
    batching: Batching,
    weights: [Cubic; 4],
    constants: [Cubic; 2],
    points: [Cubic; 2],
    state: Quad,
    /// Main, bus, quotient, key.
    roots: [Quad; 4],
    /// Points of the domain and of the key's.
    domains: [Scalar; 2],
    /// By layer: root, challenge, points of its domain.
    layers: Vec<(Quad, Cubic, Scalar)>,
}

impl Shared {
    /// The batched polynomial at x, from the sums over the leaves of main, bus, quotient and key.
    fn evaluate(&self, asm: &mut Asm, x: Scalar, sums: &[Cubic; 4]) -> Cubic {
        let [w_bus, w_next, w_quotient, w_key] = self.weights;
        let at = asm.add(sums[0], self.constants[0]);
        let terms = [(sums[1], w_bus), (sums[2], w_quotient), (sums[3], w_key)];
        let at = terms
            .into_iter()
            .fold(at, |sum, (value, weight)| asm.mul_add(value, weight, sum));
        let next = asm.mul_add(sums[1], w_next, self.constants[1]);
        let [at, next] = [(at, 0), (next, 1)].map(|(sum, point)| {
            let difference = asm.sub(x.into(), self.points[point]);
            (sum, asm.invert(difference))
        });
        let at = asm.mul(at.0, at.1);
        asm.mul_add(next.0, next.1, at)
    }
}

/// What queries have in common.
pub(super) struct Queries<'a> {
    pub(super) m: &'a Machine,
    /// Of the batching.
    pub(super) a: Cubic,
    pub(super) batch: Batch,
    pub(super) layers: &'a Layers,
    /// Blocks of the leaves: main, bus, quotient, key.
    pub(super) blocks: [Scalar; 4],
}

impl Queries<'_> {
    /// All queries, for each number of layers. The host says which one it is.
    pub(super) fn write(&self, asm: &mut Asm, transcript: &Transcript) {
        transcript.put_down(asm);
        let rounds = rounds(self.m);
        let flags = asm.read(rounds.len());
        let (mut sum, mut count) = (ZERO, ZERO);
        for (rounds, &flag) in rounds.clone().zip(&flags) {
            sum = asm.add_base(sum, flag);
            let own = asm.mul_base(flag, number(rounds as u64));
            count = asm.add_base(count, own);
        }
        asm.assert_equal(&[sum, count], &[number(1), self.layers.count]);
        for (rounds, flag) in rounds.zip(flags) {
            asm.comment(&format!("Queries of {rounds} layers."));
            let copies = copies(rounds);
            let groups = self.m.queries / copies;
            asm.load(&[flag]);
            asm.if_true(|asm| {
                let depth = asm.depth();
                // From the last one to the first: what is left is a counter. Those that are too few to share an iteration come before.
                let rest = groups * copies..self.m.queries;
                if !rest.is_empty() {
                    let shared = self.share(asm, rounds);
                    for counter in rest.rev() {
                        self.query(asm, number(counter as u64), &shared);
                    }
                }
                asm.drop_to(depth);
                asm.count_down(number(groups as u64), groups > 0, &[], |asm, _, left| {
                    let shared = self.share(asm, rounds);
                    let behind = asm.mul_base(left, number(copies as u64));
                    for copy in 1..=copies as u64 {
                        let counter = asm.sub_base(behind, number(copy));
                        self.query(asm, counter, &shared);
                    }
                    vec![]
                });
                asm.drop_to(depth);
            });
        }
    }

    fn share(&self, asm: &mut Asm, rounds: usize) -> Shared {
        let state = Transcript::pick_up(asm).state;
        let roots = [ROOTS, ROOTS + 1, ROOTS + 2, KEY].map(|at| asm.fetch(number(at)));
        let [domain, key_domain, step, _] = asm.fetch(number(SIZES)).0;
        let mut size = domain;
        let layers = (0..rounds as u64).map(|layer| {
            let root = asm.fetch(number(LAYERS + layer));
            let beta = asm.fetch(number(BETAS + layer)).cubic();
            let arity = Felt::from_usize(1 << LOG_ARITY);
            size = asm.mul_base(size, p3_field::Field::inverse(&arity).into());
            (root, beta, size)
        });
        let layers = layers.collect();
        let Batch {
            outer,
            constants,
            zeta,
        } = self.batch;
        let next = asm.scale(zeta, step);
        let block = asm.power(self.a, BLOCK);
        Shared {
            batching: Batching { a: self.a, block },
            weights: weights(asm, outer),
            constants,
            points: [zeta, next],
            state,
            roots,
            domains: [domain, key_domain],
            layers,
        }
    }

    /// One query.
    ///
    /// The host takes the drawn element apart. What it says is bound in this order: the index is below the size of the domain, because the trees have no leaves
    /// elsewhere; with it lo = index + size·q is an integer below p, as there is an access for q; then see [`Asm::check_halves`]. The key's tree has
    /// leaves below its own size only, so index − size′·m is among them for one m. And so on down the layers, whose trees have an eighth as many leaves: the next index is
    /// index − size·v, with an access not far from v, for one v, which is one of eight.
    fn query(&self, asm: &mut Asm, counter: Scalar, shared: &Shared) {
        let drawn = asm.merge(shared.state, control(counter, 1));
        let rounds = shared.layers.len();
        let hints = asm.read(5 + rounds);
        let (index, q, m) = (hints[0], hints[1], hints[4]);
        let [domain, key_domain] = shared.domains;
        let high = asm.mul_base(q, domain);
        let lo = asm.add_base(high, index);
        asm.touch(q);
        asm.check_halves(drawn.0[0], lo, [hints[2], hints[3]]);
        let high = asm.mul_base(m, key_domain);
        let key_index = asm.sub_base(index, high);
        asm.touch(m);

        // Down the layers: indices, and the point, which is a product over digits.
        let mut indices = Vec::with_capacity(rounds);
        let (mut rest, mut powers) = (index, Vec::with_capacity(rounds));
        for (round, (&digit, layer)) in hints[5..].iter().zip(&shared.layers).enumerate() {
            let high = asm.mul_base(digit, layer.2);
            rest = asm.sub_base(rest, high);
            indices.push(rest);
            powers.push(asm.fetch_at(digits(round), digit).0[0]);
        }
        let point = asm.fetch_at(POINTS, rest).0[0];
        let x = powers
            .into_iter()
            .fold(point, |x, power| asm.mul_base(x, power));

        let depth = rounds * LOG_ARITY + MAX_LOG_FINAL + self.m.log_blowup;
        let places = [index, index, index, key_index];
        let trees = shared.roots.into_iter().zip(places).zip(self.blocks);
        let sums: Vec<Cubic> = trees
            .map(|((root, index), blocks)| {
                let leaf = asm.node(root, depth, index);
                let Batching { a, block } = shared.batching;
                asm.sums_of_length(leaf, blocks, a, block, ZERO).0
            })
            .collect();
        let sums = [sums[0], sums[1], sums[2], sums[3]];
        let mut value = shared.evaluate(asm, x, &sums);

        let mut x = x;
        for (round, (layer, index)) in shared.layers.iter().zip(indices).enumerate() {
            let &(root, beta, _) = layer;
            let leaf = asm.node(root, depth - (round + 1) * LOG_ARITY, index);
            let (folded, at) = asm.sums(leaf, LEAF / BLOCK, beta, Cubic::generator(), x);
            asm.assert_equal(&at.0, &value.0);
            value = folded;
            for _ in 0..LOG_ARITY {
                x = asm.mul_base(x, x);
            }
        }
        let last = asm.horner(&self.layers.last, x.into());
        asm.assert_equal(&last.0, &value.0);
    }
}

/// Queries of one iteration, which share what is fetched: more where the verifier's own proofs are, whose highest tables have 2^11 to 2^13 rows.
const fn copies(rounds: usize) -> usize {
    if rounds == 3 { 3 } else { 1 }
}
