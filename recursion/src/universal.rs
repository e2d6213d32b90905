//! The verifier of all lifted proofs of a machine, whatever their keys, tables and heights, as a procedure.
//!
//! It does what [`crate::verifier`] does for one shape. What depends on the shape is in memory, in arrays over tables, heights and
//! layers. Kinds come one after the other, each with code of its own in a loop over its tables; the order of columns in leaves, which is by height,
//! is found by a loop of its own, whose order the host says and the program checks.
//!
//! Its own runs are proven and verified, and what that costs are the columns of their proof more than anything else. So it uses few kinds of instructions: no
//! 32-bit arithmetic, no comparisons. The host says what is found by them, and accesses to memory bound it ([`memory`]).

mod heights;
mod hints;
mod layers;
mod memory;
mod queries;
mod sorting;
mod statement;
mod tables;

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use plica_fri::lifted::Machine;

use crate::asm::{Asm, Cubic};
use crate::parts::{BLOCK, Transcript, control, read_message, recombine, word_at};
use heights::Heights;
pub(crate) use hints::{Given, add};
use layers::Layers;
use memory::{HEIGHTS, ROOTS, number};
use queries::{Batch, Queries};
use sorting::Batching;
use tables::Environment;

/// Writes the body of the procedure, which leaves the stack as it was: 16 items, of which the upper eight are the digest of a key (on
/// top) and the hash of the public values.
pub(crate) fn write(asm: &mut Asm, m: &Machine) {
    let depth = asm.depth();
    let (key, claim) = (word_at(depth - 4), word_at(depth - 8));
    asm.comment("Public values, key.");
    let public_values = asm.read(m.public_values);
    let digest = asm.hash(&public_values);
    asm.assert_equal(&digest.0, &claim.0);
    let listed = statement::read_key(asm, m, key);
    asm.comment("Tables.");
    let mut transcript = Transcript::new(m.start.into());
    let tables = statement::read_tables(asm, &mut transcript);
    transcript.absorb(asm, key);
    transcript.absorb(asm, claim);

    asm.comment("Main columns, bus, quotient.");
    let read_root = |asm: &mut Asm, transcript: &mut Transcript, place: u64| {
        let root = asm.read_word();
        asm.store(root, number(ROOTS + place));
        transcript.absorb(asm, root);
    };
    read_root(asm, &mut transcript, 0);
    let bus_alpha = transcript.challenge(asm);
    let bus_beta = transcript.challenge(asm);
    read_root(asm, &mut transcript, 1);
    statement::read_terminals(asm, &mut transcript, tables);
    let alpha = transcript.challenge(asm);
    read_root(asm, &mut transcript, 2);
    let zeta = transcript.challenge(asm);
    let heights = Heights::new(asm, m, &listed, zeta);

    asm.comment("Claims and constraints.");
    let step = asm.power(bus_beta, m.tuple_width);
    let first_bus = asm.add(step, bus_alpha);
    let end = asm.fetch(number(HEIGHTS)).cubic();
    let one: Cubic = Felt::ONE.into();
    let vanishing = asm.sub(end, one);
    // The point is in no table's subgroup, or this stops.
    asm.invert(vanishing);
    let environment = Environment {
        alpha,
        bus: [first_bus, bus_beta],
        vanishing,
        public_values,
        weights: tables::shared_weights(asm, m, alpha),
    };
    let folded = tables::check_tables(asm, m, &environment, &listed, &mut transcript, tables);
    let claims = read_message(asm, &mut transcript, m.quotient());
    let chunks = recombine(asm, &claims.columns);
    let value = asm.horner(&chunks, end);
    let expected = asm.mul(value, environment.vanishing);
    asm.assert_equal(&folded.0, &expected.0);

    asm.comment("Batching.");
    let a = transcript.challenge(asm);
    let outer = transcript.challenge(asm);
    let batching = Batching::new(asm, m, a);
    let sums = sorting::sum_up(asm, tables, &heights, batching);
    let blocks = m.quotient().div_ceil(BLOCK);
    let quotient_blocks = number(blocks as u64);
    let mut quotient = batching.sum(asm, &claims.digests, quotient_blocks);
    // Messages have their zeros in front, leaves behind.
    let missing = blocks * BLOCK - m.quotient();
    if missing > 0 {
        let power = asm.power(a, missing);
        quotient = asm.mul(quotient, power);
    }
    let batch = Batch::new(asm, &sums, quotient, outer, zeta);

    asm.comment("Layers, final polynomial, work.");
    let layers = Layers::read(asm, &mut transcript, heights.top);
    layers.lift(asm, &heights);
    layers.fill(asm, m, &heights);
    let hints = asm.read(4);
    transcript.absorb(asm, control(hints[0], 2));
    // The element ends in zeros: it is 2^bits times a number below 2^32, which is its lower half.
    asm.touch(hints[1]);
    let lo = asm.mul_base(hints[1], number(1 << m.work_bits));
    asm.check_halves(transcript.state.0[0], lo, [hints[2], hints[3]]);

    let [main_blocks, bus_blocks, key_blocks] = sums.blocks;
    let queries = Queries {
        m,
        a,
        batch,
        layers: &layers,
        blocks: [main_blocks, bus_blocks, quotient_blocks, key_blocks],
    };
    queries.write(asm, &transcript);
    asm.drop_to(depth);
}
