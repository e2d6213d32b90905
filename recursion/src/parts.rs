//! What verifiers are put together from: the transcript, claims, coordinates.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use plica_fri::lifted::fill_up;

use crate::asm::{Asm, Cubic, Quad, Scalar};

/// Elements of a block of the sponge.
pub(crate) const BLOCK: usize = 8;

pub(crate) const ZERO: Scalar = Scalar::Const(Felt::ZERO);

/// The transcript: its state, and how many words were drawn since the last message.
pub(crate) struct Transcript {
    pub(crate) state: Quad,
    drawn: u64,
}

pub(crate) fn control(value: Scalar, what: u64) -> Quad {
    Quad([value, ZERO, ZERO, Felt::from_u64(what).into()])
}

impl Transcript {
    pub(crate) const fn new(state: Quad) -> Self {
        Self { state, drawn: 0 }
    }

    pub(crate) fn absorb(&mut self, asm: &mut Asm, word: Quad) {
        self.state = asm.merge(self.state, word);
        self.drawn = 0;
    }

    pub(crate) fn absorb_all(&mut self, asm: &mut Asm, elements: &[Scalar]) -> Quad {
        let digest = asm.hash(elements);
        self.absorb(asm, digest);
        digest
    }

    pub(crate) fn challenge(&mut self, asm: &mut Asm) -> Cubic {
        let counter = Felt::from_u64(self.drawn).into();
        self.drawn += 1;
        asm.merge(self.state, control(counter, 1)).cubic()
    }
}

/// A word on the stack, whose last element is on top, `from` items above the bottom.
pub(crate) fn word_at(from: usize) -> Quad {
    Quad(Asm::items(from))
}

/// The values claimed for the columns that a table has in a tree, at a point.
pub(crate) struct Claims {
    pub(crate) columns: Vec<Cubic>,
    /// Digests of the coordinates' messages.
    pub(crate) digests: [Quad; 3],
}

pub(crate) fn flat(values: &[Cubic]) -> Vec<Scalar> {
    values.iter().flat_map(|value| value.0).collect()
}

pub(crate) fn read_cubics(asm: &mut Asm, count: usize) -> Vec<Cubic> {
    let elements = asm.read(3 * count);
    elements
        .chunks_exact(3)
        .map(|c| Cubic([c[0], c[1], c[2]]))
        .collect()
}

/// Reads the claims about columns, coordinate by coordinate.
pub(crate) fn read_message(asm: &mut Asm, transcript: &mut Transcript, columns: usize) -> Claims {
    let mut coordinates: Vec<Vec<Scalar>> = Vec::with_capacity(3);
    let mut digests = Vec::with_capacity(3);
    for _ in 0..3 {
        let read = asm.read(columns);
        digests.push(transcript.absorb_all(asm, &fill_up(&read, ZERO)));
        coordinates.push(read);
    }
    let columns = (0..columns)
        .map(|column| Cubic(std::array::from_fn(|c| coordinates[c][column])))
        .collect();
    Claims {
        columns,
        digests: std::array::from_fn(|c| digests[c]),
    }
}

/// Values of polynomials over the extension from those of their coordinates.
pub(crate) fn recombine(asm: &mut Asm, coordinates: &[Cubic]) -> Vec<Cubic> {
    let groups = coordinates.chunks_exact(3);
    groups.map(|c| asm.horner(c, Cubic::generator())).collect()
}
