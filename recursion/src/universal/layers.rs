//! What the low-degree test commits to, and what queries look up: points and powers.

use p3_field::{PrimeCharacteristicRing, TwoAdicField};
use plica_field::Felt;
use plica_fri::lifted::{LOG_ARITY, MAX_LOG_FINAL, Machine, ROOM};

use super::heights::Heights;
use super::memory::{BETAS, DIGITS, KEY, LAYERS, POINTS, ROOTS, ROUNDS, number, word};
use crate::asm::{Asm, Cubic, Quad, Scalar};
use crate::parts::{Transcript, ZERO, flat, read_cubics};

/// Folding by eight: eight points have one power.
const ARITY: usize = 1 << LOG_ARITY;
/// Lengths of the final polynomial: 4, 8 and 16 coefficients.
pub(super) const LENGTHS: usize = LOG_ARITY;
/// log2 of the shortest.
pub(super) const LEAST: usize = MAX_LOG_FINAL + 1 - LENGTHS;

/// The array of points has a place for every point of the last domain, that of layers for every layer.
const _: () = assert!(1 << (MAX_LOG_FINAL + ROOM.log_blowup) <= DIGITS - POINTS);
const _: () = assert!((ROOM.log_height - LEAST) / LOG_ARITY <= ROUNDS as usize);

/// The layers and the final polynomial.
pub(super) struct Layers {
    pub(super) count: Scalar,
    /// Coefficients, zeros for those that are not there.
    pub(super) last: Vec<Cubic>,
    /// For each length of the final polynomial, whether it has that: Booleans, one of which is 1.
    is: Vec<Scalar>,
}

impl Layers {
    /// Reads roots and final polynomial.
    pub(super) fn read(asm: &mut Asm, transcript: &mut Transcript, top: Scalar) -> Self {
        let count = read_layers(asm, transcript);
        let last = read_cubics(asm, 1 << MAX_LOG_FINAL);
        transcript.absorb_all(asm, &flat(&last));
        let is = asm.read(LENGTHS);
        let squares: Vec<Scalar> = is.iter().map(|&this| asm.mul_base(this, this)).collect();
        asm.assert_equal(&is, &squares);
        let mut log_height = asm.mul_base(count, number(LOG_ARITY as u64));
        for (log, &this) in (LEAST as u64..).zip(&is) {
            let own = asm.mul_base(this, number(log));
            log_height = asm.add_base(log_height, own);
        }
        asm.assert_equal(&[log_height], &[top]);
        // What is above the coefficients is zero.
        let mut below = ZERO;
        for (i, &this) in is.iter().enumerate() {
            below = asm.add_base(below, this);
            let range = (1 << (LEAST + i))..(2 << (LEAST + i)).min(last.len());
            let above = flat(&last[range]);
            let products: Vec<Scalar> = above.iter().map(|&c| asm.mul_base(c, below)).collect();
            asm.assert_equal(&products, &vec![ZERO; products.len()]);
        }
        asm.assert_equal(&[below], &[number(1)]);
        Self { count, last, is }
    }

    /// Puts the trees under roots of one depth, that of the longest final polynomial, so that the depth of all looks at a tree follows from the number of layers.
    ///
    /// A root becomes the first of two children, the other of which is the zero word, as often as levels are missing. Leaves keep their indices, and there are no others:
    /// they would be below a zero word, of which nobody knows the children.
    pub(super) fn lift(&self, asm: &mut Asm, heights: &Heights) {
        let mut missing = ZERO;
        for (&this, levels) in self.is.iter().rev().zip(0..) {
            let own = asm.mul_base(this, number(levels));
            missing = asm.add_base(missing, own);
        }
        let trees = asm.add_base(self.count, number(LAYERS - ROOTS));
        asm.count_down(trees, true, &[], |asm, _, left| {
            let place = asm.add_base(left, number(ROOTS - 1));
            lift(asm, place, missing);
            vec![]
        });
        let levels = asm.sub_base(heights.top, heights.key);
        let levels = asm.add_base(levels, missing);
        lift(asm, number(KEY), levels);
    }

    /// Fills the array of points of the last domain, of which there are eight for each coefficient, and those of powers.
    pub(super) fn fill(&self, asm: &mut Asm, m: &Machine, heights: &Heights) {
        let mut length = ZERO;
        for (log, &this) in (LEAST..).zip(&self.is) {
            let own = asm.mul_base(this, number(1 << log));
            length = asm.add_base(length, own);
        }
        let start = [heights.shift, number(POINTS)];
        asm.count_down(length, true, &start, |asm, carried, _| {
            let (mut point, mut place) = (carried[0], carried[1]);
            for _ in 0..1 << m.log_blowup {
                asm.store(word(&[point]), place);
                point = asm.mul_base(point, heights.generator);
                place = asm.add_base(place, number(1));
            }
            vec![point, place]
        });
        let root = |round: usize| Felt::two_adic_generator((round + 1) * LOG_ARITY);
        for round in 0..rounds(m).end - 1 {
            let powers = root(round).powers().collect_n(ARITY);
            for (power, place) in powers.into_iter().zip(digits(round)..) {
                asm.store(word(&[power.into()]), number(place));
            }
        }
    }
}

/// The powers for the digit of an index that a layer takes away.
pub(super) const fn digits(round: usize) -> u64 {
    DIGITS + (round * ARITY) as u64
}

/// Numbers of layers that proofs may have.
pub(super) fn rounds(m: &Machine) -> core::ops::Range<usize> {
    let of = |log_height: usize| (log_height - LEAST) / LOG_ARITY;
    of(plica_fri::lifted::MIN_LOG_HEIGHT)..of(m.max_log_height) + 1
}

/// Reads the roots of the layers; gives their number.
fn read_layers(asm: &mut Asm, transcript: &mut Transcript) -> Scalar {
    let layers = asm.read(1)[0];
    transcript.put_down(asm);
    asm.count_down(layers, true, &[ZERO], |asm, carried, _| {
        let root = asm.read_word();
        let mut transcript = Transcript::pick_up(asm);
        transcript.absorb(asm, root);
        let beta = transcript.challenge(asm);
        asm.store_at(root, LAYERS, carried[0]);
        asm.store_at(word(&beta.0), BETAS, carried[0]);
        transcript.put_down(asm);
        vec![asm.add_base(carried[0], number(1))]
    });
    *transcript = Transcript::pick_up(asm);
    layers
}

/// Puts the root at a place so many levels further down.
fn lift(asm: &mut Asm, place: Scalar, levels: Scalar) {
    let depth = asm.depth();
    asm.count_down(levels, false, &[], |asm, _, _| {
        let root = asm.fetch(place);
        let above = asm.merge(root, Quad([ZERO; 4]));
        asm.store(above, place);
        vec![]
    });
    asm.drop_to(depth);
}
