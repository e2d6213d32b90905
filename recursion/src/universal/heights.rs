//! Heights: those of proof and key, the domain, and the powers of ζ at which lower tables are opened.

use p3_field::{Field, PrimeCharacteristicRing, TwoAdicField};
use plica_field::Felt;
use plica_fri::lifted::{MIN_LOG_HEIGHT, Machine, shift};

use super::memory::{HEIGHTS, SIZES, number, word};
use super::statement::Listed;
use crate::asm::{Asm, Cubic, Quad, Scalar};

/// The heights of a proof.
pub(super) struct Heights {
    /// log2 of N, the height of the highest table.
    pub(super) top: Scalar,
    /// log2 of that of the highest table of the key.
    pub(super) key: Scalar,
    /// Shift and generator of the domain. Queries fetch what else they need.
    pub(super) shift: Scalar,
    pub(super) generator: Scalar,
}

impl Heights {
    /// Reads the heights of proof and key and fills the array over heights. That no table is higher than the first one says is for [`super::sorting`] to
    /// see. A prover fills programs of a few instructions up, so no proof is lower than its tables.
    pub(super) fn new(asm: &mut Asm, m: &Machine, listed: &[Listed], zeta: Cubic) -> Self {
        let hints = asm.read(3);
        let (top, key) = (hints[0], hints[1]);
        asm.at_most(number(MIN_LOG_HEIGHT as u64), top);
        asm.at_most(top, number(m.max_log_height as u64));
        // One of those that the key lists, and no lower than any.
        let mut product = number(1);
        for table in listed {
            let difference = asm.sub_base(key, table.log_height);
            asm.touch(difference);
            product = asm.mul_base(product, difference);
        }
        asm.assert_zero(product);

        let [shift, generator, size] = domain(asm, m, top);
        let mut step = generator;
        for _ in 0..m.log_blowup {
            step = asm.mul_base(step, step);
        }
        let inverse = hints[2];
        let one = asm.mul_base(step, inverse);
        asm.assert_equal(&[one], &[number(1)]);

        // Down to the height of the key, whose size is wanted, and from there to a single row.
        let count = asm.sub_base(top, key);
        let count = asm.add_base(count, number(1));
        let [a, b, c] = zeta.0;
        let after = descend(asm, count, key, &[a, b, c, inverse, size]);
        let key_size = asm.add_base(after[4], after[4]);
        descend(asm, key, number(0), &after[..4]);
        asm.store(word(&[size, key_size, step]), number(SIZES));
        Self {
            top,
            key,
            shift,
            generator,
        }
    }
}

/// Shift, generator and size of the domain of a height: by squares from the one above the highest.
fn domain(asm: &mut Asm, m: &Machine, top: Scalar) -> [Scalar; 3] {
    let above = m.max_log_height + 1;
    let log_size = above + m.log_blowup;
    let start = [
        shift(above),
        Felt::two_adic_generator(log_size),
        Felt::from_u64(1 << log_size),
    ];
    let count = asm.sub_base(number(above as u64), top);
    let found = asm.count_down(count, true, &start.map(Scalar::Const), |asm, carried, _| {
        vec![
            asm.mul_base(carried[0], carried[0]),
            asm.mul_base(carried[1], carried[1]),
            asm.mul_base(carried[2], Felt::TWO.inverse().into()),
        ]
    });
    [found[0], found[1], found[2]]
}

/// Fills the array for so many heights, the last of which is `lowest`, and gives what is below: power of ζ, inverse of the generator, and half the size if there is one.
fn descend(asm: &mut Asm, count: Scalar, lowest: Scalar, start: &[Scalar]) -> Vec<Scalar> {
    asm.count_down(count, true, start, |asm, carried, left| {
        let [a, b, c, inverse] = [0, 1, 2, 3].map(|i| carried[i]);
        let place = match lowest {
            Scalar::Const(_) => left,
            Scalar::At(_) => asm.add_base(left, lowest),
        };
        asm.store_at(Quad([a, b, c, inverse]), HEIGHTS - 1, place);
        let z = Cubic([a, b, c]);
        let mut next = asm.mul(z, z).0.to_vec();
        next.push(asm.mul_base(inverse, inverse));
        if let Some(&size) = carried.get(4) {
            next.push(asm.mul_base(size, Felt::TWO.inverse().into()));
        }
        next
    })
}
