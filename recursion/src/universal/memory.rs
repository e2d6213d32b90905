//! The memory of the procedure: what stands where, and what an access says of its address.
//!
//! No access beyond 2^32 − 1 has a row, so a number at which there is one is below 2^32. That is all that the procedure needs in order to compare numbers and to
//! take them apart; it has no other 32-bit arithmetic, whose tables would cost a verifier of its proofs more than the rest of them.
//!
//! Everything that is fetched from an address which depends on the proof was stored in the same run, so what stood there before makes no difference.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use plica_fri::lifted::ROOM;

use crate::asm::{Asm, Cubic, Quad, Scalar};
use crate::parts::ZERO;

/// Tables of a proof, at most. No array over them reaches into the next one.
pub(super) const LIMIT: u64 = ROOM.tables as u64;
/// Layers, at most.
pub(super) const ROUNDS: u64 = 8;

/// aᵏ, k ≤ 8.
pub(super) const POWERS: u64 = 0;
/// Mᵏ, M = a⁸.
pub(super) const BLOCKS: u64 = 16;
/// By log2 h of a height: ζ^(N/2^h), 1/g, g of order 2^h.
pub(super) const HEIGHTS: u64 = 96;
/// What to do after v columns, at most 15 since whole blocks were counted: see [`super::sorting`].
pub(super) const FILL: u64 = 128;
/// The same where the height changes.
pub(super) const RISE: u64 = FILL + 16;
/// By table: kind, log2 of the rows.
pub(super) const TABLES: u64 = 256;
/// By table: what it adds to the bus.
pub(super) const TERMINALS: u64 = TABLES + LIMIT;
/// By table, an array for each: digests of its claims, then shapes.
pub(super) const RECORDS: u64 = TERMINALS + LIMIT;
/// By the number of a point of the last domain: the point, as one of the first domain.
pub(super) const POINTS: u64 = RECORDS + 14 * LIMIT;
/// By layer: powers of a root of unity of order 8, 64, ….
pub(super) const DIGITS: u64 = POINTS + 128;
/// Roots: main, bus, quotient, layers.
pub(super) const ROOTS: u64 = DIGITS + 8 * ROUNDS;
pub(super) const LAYERS: u64 = ROOTS + 3;
/// Challenges of layers.
pub(super) const BETAS: u64 = LAYERS + ROUNDS;
/// Root of the key's tree.
pub(super) const KEY: u64 = BETAS + ROUNDS;
/// State of the transcript.
pub(super) const STATE: u64 = KEY + 1;
/// Constraints so far, tables left.
pub(super) const FOLDED: u64 = KEY + 2;
/// Sum over the preprocessed columns so far; its length.
pub(super) const KEY_SUM: u64 = KEY + 3;
/// Columns since whole blocks were counted, blocks, height of the last table.
pub(super) const KEY_LENGTH: u64 = KEY + 4;
/// Blocks of main and bus columns, height of the last table.
pub(super) const LENGTHS: u64 = KEY + 5;
/// Sizes of the domain and of that of the key; generator of order N.
pub(super) const SIZES: u64 = KEY + 6;
const _: () = assert!(SIZES < 1 << 12);
const _: () = assert!(HEIGHTS + (ROOM.log_height as u64) < FILL);

/// Arrays over tables have their first element at the end: what names a table is how many are left when it comes up.
pub(super) const fn of_table(array: u64) -> u64 {
    array + LIMIT
}

pub(super) fn number(value: u64) -> Scalar {
    Felt::from_u64(value).into()
}

pub(super) fn word(elements: &[Scalar]) -> Quad {
    let mut word = [ZERO; 4];
    word[..elements.len()].copy_from_slice(elements);
    Quad(word)
}

/// The only item at a depth.
pub(super) fn item(slot: usize) -> Scalar {
    Asm::items::<1>(slot)[0]
}

impl Asm {
    fn at(&mut self, base: u64, index: Scalar) -> Scalar {
        match index {
            Scalar::Const(c) => (c + Felt::from_u64(base)).into(),
            Scalar::At(_) if base == 0 => index,
            Scalar::At(_) => self.add_base(index, number(base)),
        }
    }

    pub(super) fn fetch_at(&mut self, base: u64, index: Scalar) -> Quad {
        let address = self.at(base, index);
        self.fetch(address)
    }

    pub(super) fn store_at(&mut self, word: Quad, base: u64, index: Scalar) {
        let address = self.at(base, index);
        self.store(word, address);
    }

    /// Of the table with so many left.
    pub(super) fn fetch_of(&mut self, array: u64, left: Scalar) -> Quad {
        let address = self.sub_base(number(of_table(array)), left);
        self.fetch(address)
    }

    pub(super) fn store_of(&mut self, word: Quad, array: u64, left: Scalar) {
        let address = self.sub_base(number(of_table(array)), left);
        self.store(word, address);
    }

    pub(super) fn at_most(&mut self, a: Scalar, b: Scalar) {
        let rest = self.sub_base(b, a);
        self.touch(rest);
    }

    /// Whether an element is not zero, as the host says: with d·w = b and b·d = d, b is 0 for d = 0 and 1 for others.
    pub(super) fn is_nonzero(&mut self, d: Scalar, [b, w]: [Scalar; 2]) -> Scalar {
        let inverse = self.mul_base(d, w);
        let same = self.mul_base(b, d);
        self.assert_equal(&[inverse, same], &[b, d]);
        b
    }

    pub(super) fn scale(&mut self, a: Cubic, factor: Scalar) -> Cubic {
        self.mul(a, factor.into())
    }

    /// The element lo + 2^32·hi for numbers lo and hi below 2^32, where lo is known to be an integer that is below p. It is the only way to write the
    /// element if it is below p as a number: (2^32 − 1)·2^32 is p − 1, so with the highest hi only lo = 0 is left.
    pub(super) fn check_halves(&mut self, element: Scalar, lo: Scalar, [hi, w]: [Scalar; 2]) {
        self.touch(lo);
        self.touch(hi);
        let shifted = self.mul_base(hi, number(1 << 32));
        let sum = self.add_base(lo, shifted);
        // 0 for the highest hi, otherwise w is its inverse.
        let below = self.sub_base(number(u64::from(u32::MAX)), hi);
        let one = self.mul_base(below, w);
        let same = self.mul_base(one, lo);
        self.assert_equal(&[element, lo], &[sum, same]);
    }
}
