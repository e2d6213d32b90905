//! The claims summed up as columns stand in leaves: by ascending height, of equals the earlier table first, with zeros behind the last columns of each height up to
//! whole blocks. The host says the order, and the procedure checks it.
//!
//! How many columns stand in the current block is needed for that, and nothing can divide by eight here. But what is added has at most eight columns beyond whole blocks,
//! and what is there seven: so a table of sixteen words has the quotient for each case, and another one for the case that the height changes, with the power for the zeros.

use p3_field::{Field, PrimeCharacteristicRing};
use plica_field::Felt;
use plica_fri::lifted::Machine;

use super::heights::Heights;
use super::memory::{
    BLOCKS, FILL, KEY_LENGTH, KEY_SUM, LENGTHS, LIMIT, POWERS, RISE, number, word,
};
use super::tables::{BUS, BUS_NEXT, KEY_SHAPE, KEYS, MAIN, SHAPE};
use crate::asm::{Asm, Cubic, Quad, Scalar};
use crate::parts::{BLOCK, ZERO, flat};

/// The challenge of the batching and its power for a block.
#[derive(Clone, Copy)]
pub(super) struct Batching {
    pub(super) a: Cubic,
    pub(super) block: Cubic,
}

impl Batching {
    /// Fills the arrays of powers, and those that say what follows v columns.
    pub(super) fn new(asm: &mut Asm, m: &Machine, a: Cubic) -> Self {
        let mut powers: Vec<Cubic> = vec![Felt::ONE.into()];
        for k in 0..BLOCK {
            powers.push(asm.mul(powers[k], a));
        }
        for (place, power) in (POWERS..).zip(&powers) {
            asm.store(word(&power.0), number(place));
        }
        let block = powers[BLOCK];
        let widths = m
            .kinds
            .iter()
            .flat_map(|kind| [kind.main, kind.bus, kind.preprocessed]);
        let most = widths.max().unwrap_or(0).div_ceil(BLOCK);
        let mut power: Cubic = Felt::ONE.into();
        for k in 0..most as u64 {
            asm.store(word(&power.0), number(BLOCKS + k));
            power = asm.mul(power, block);
        }
        for v in 0..2 * BLOCK {
            let rest = Felt::from_usize(v % BLOCK).into();
            let one = number(1);
            asm.store(Quad([one, ZERO, ZERO, rest]), number(FILL + v as u64));
            let missing = v.next_multiple_of(BLOCK) - v;
            let [x, y, z] = powers[missing].0;
            let rest = (-Felt::from_usize(missing)).into();
            asm.store(Quad([x, y, z, rest]), number(RISE + v as u64));
        }
        Self { a, block }
    }

    /// Sum over the columns whose coordinates have these digests.
    pub(super) fn sum(self, asm: &mut Asm, digests: &[Quad; 3], blocks: Scalar) -> Cubic {
        let sums = digests.map(|digest| {
            asm.sums_of_length(digest, blocks, self.a, self.block, ZERO)
                .0
        });
        asm.horner(&sums, Cubic::generator())
    }

    /// The same for a table's columns in an array.
    fn sum_of(self, asm: &mut Asm, array: u64, blocks: Scalar, left: Scalar) -> Cubic {
        let digests = [0, 1, 2].map(|c| asm.fetch_of(array + c * LIMIT, left));
        self.sum(asm, &digests, blocks)
    }
}

/// The claims for all columns of the trees, summed up as in a leaf.
pub(super) struct Sums {
    pub(super) main: Cubic,
    pub(super) bus: [Cubic; 2],
    pub(super) preprocessed: Cubic,
    /// Blocks of the leaves: main, bus, preprocessed.
    pub(super) blocks: [Scalar; 3],
}

/// Columns of one tree so far.
struct Ladder<const N: usize> {
    /// One sum per point.
    sums: [Cubic; N],
    /// Columns that are not counted yet, at most fifteen.
    columns: Scalar,
    /// Blocks that are.
    blocks: Scalar,
}

impl<const N: usize> Ladder<N> {
    /// Adds columns, after zeros that fill up a block if `rises` is 1.
    fn add(
        self,
        asm: &mut Asm,
        rises: Scalar,
        [blocks, first]: [Scalar; 2],
        own: [Cubic; N],
    ) -> Self {
        let moved = asm.mul_base(rises, number(RISE - FILL));
        let place = asm.add_base(self.columns, moved);
        let (fill, rest, counted) = self.look(asm, FILL, place);
        // Nothing is left in the block after zeros.
        let filled = asm.mul_base(rest, rises);
        let rest = asm.sub_base(rest, filled);
        let [a, b] =
            [(POWERS, first), (BLOCKS - 1, blocks)].map(|(base, k)| asm.fetch_at(base, k).cubic());
        let power = asm.mul(a, b);
        let power = asm.mul(power, fill);
        let whole = asm.sub_base(blocks, number(1));
        let whole = asm.add_base(whole, counted);
        let mut own = own.into_iter();
        Self {
            sums: self
                .sums
                .map(|sum| asm.mul_add(sum, power, own.next().expect("as many"))),
            columns: asm.add_base(first, rest),
            blocks: asm.add_base(self.blocks, whole),
        }
    }

    /// Behind the last columns; gives the blocks of a leaf.
    fn end(self, asm: &mut Asm) -> ([Cubic; N], Scalar) {
        let (fill, _, counted) = self.look(asm, RISE, self.columns);
        let blocks = asm.add_base(self.blocks, counted);
        (self.sums.map(|sum| asm.mul(sum, fill)), blocks)
    }

    /// The power for zeros, the columns in the current block (of which the zeros that fill it up are missing) and the blocks that are counted now.
    fn look(&self, asm: &mut Asm, array: u64, place: Scalar) -> (Cubic, Scalar, Scalar) {
        let [x, y, z, rest] = asm.fetch_at(array, place).0;
        let whole = asm.sub_base(self.columns, rest);
        let eighth = Felt::from_usize(BLOCK).inverse();
        (Cubic([x, y, z]), rest, asm.mul_base(whole, eighth.into()))
    }
}

/// Goes through the tables in order.
///
/// A table's name is 128·h + 128 − left: with 1 ≤ left ≤ 128 names ascend as (height, position) do, and no table comes twice. As many
/// names as there are tables are all of them. The host says `left`, the height is the table's. Each name is below the next one by a number that there is an access for, and
/// the height is such that there is one behind the array over heights, so it is an integer and the sums are those of integers: heights are between 0 and the last one, which is N.
pub(super) fn sum_up(asm: &mut Asm, tables: Scalar, heights: &Heights, batching: Batching) -> Sums {
    asm.store(Quad([ZERO; 4]), number(KEY_SUM));
    asm.store(Quad([ZERO; 4]), number(KEY_LENGTH));
    // Blocks of main and bus, and the height before, do not fit beside the rest: sums, columns of main and bus, name of the last table and one.
    let lengths = number(LENGTHS);
    asm.store(Quad([ZERO; 4]), lengths);
    let found = asm.count_down(tables, true, &[ZERO; 12], |asm, carried, _| {
        let cubic = |i: usize| Cubic([carried[i], carried[i + 1], carried[i + 2]]);
        let [main_blocks, bus_blocks, before, _] = asm.fetch(lengths).0;
        let hints = asm.read(3);
        let left = hints[0];
        asm.at_most(number(1), left);
        asm.at_most(left, tables);
        let shapes = asm.fetch_of(SHAPE, left).0;
        let [key_blocks, key_first, log_height, has_key] = asm.fetch_of(KEY_SHAPE, left).0;
        let name = asm.mul_base(log_height, number(LIMIT));
        let position = asm.sub_base(number(LIMIT), left);
        let name = asm.add_base(name, position);
        asm.at_most(carried[11], name);
        let difference = asm.sub_base(log_height, before);
        let rises = asm.is_nonzero(difference, [hints[1], hints[2]]);

        let main_own = batching.sum_of(asm, MAIN, shapes[0], left);
        let bus_own = [BUS, BUS_NEXT].map(|array| batching.sum_of(asm, array, shapes[2], left));
        let main = Ladder {
            sums: [cubic(0)],
            columns: carried[9],
            blocks: main_blocks,
        };
        let main = main.add(asm, rises, [shapes[0], shapes[1]], [main_own]);
        let bus = Ladder {
            sums: [cubic(3), cubic(6)],
            columns: carried[10],
            blocks: bus_blocks,
        };
        let bus = bus.add(asm, rises, [shapes[2], shapes[3]], bus_own);
        asm.load(&[has_key]);
        asm.if_true(|asm| {
            let shape = [key_blocks, key_first];
            add_preprocessed(asm, left, log_height, shape, batching);
        });
        asm.store(word(&[main.blocks, bus.blocks, log_height]), lengths);
        let mut next = flat(&[main.sums[0], bus.sums[0], bus.sums[1]]);
        next.extend([main.columns, bus.columns]);
        next.push(asm.add_base(name, number(1)));
        next
    });
    let cubic = |i: usize| Cubic([found[i], found[i + 1], found[i + 2]]);
    let [main_blocks, bus_blocks, highest, _] = asm.fetch(lengths).0;
    asm.assert_equal(&[highest], &[heights.top]);
    let main = Ladder {
        sums: [cubic(0)],
        columns: found[9],
        blocks: main_blocks,
    };
    let bus = Ladder {
        sums: [cubic(3), cubic(6)],
        columns: found[10],
        blocks: bus_blocks,
    };
    let (keys, _) = preprocessed(asm);
    let ([main], main_blocks) = main.end(asm);
    let (bus, bus_blocks) = bus.end(asm);
    let ([preprocessed], key_blocks) = keys.end(asm);
    Sums {
        main,
        bus,
        preprocessed,
        blocks: [main_blocks, bus_blocks, key_blocks],
    }
}

/// The preprocessed columns so far, and the height of the last of them.
fn preprocessed(asm: &mut Asm) -> (Ladder<1>, Scalar) {
    let [x, y, z, _] = asm.fetch(number(KEY_SUM)).0;
    let [columns, blocks, height, _] = asm.fetch(number(KEY_LENGTH)).0;
    let ladder = Ladder {
        sums: [Cubic([x, y, z])],
        columns,
        blocks,
    };
    (ladder, height)
}

fn add_preprocessed(
    asm: &mut Asm,
    left: Scalar,
    log_height: Scalar,
    shape: [Scalar; 2],
    batching: Batching,
) {
    let depth = asm.depth();
    let (ladder, before) = preprocessed(asm);
    let difference = asm.sub_base(log_height, before);
    let hints = asm.read(2);
    let rises = asm.is_nonzero(difference, [hints[0], hints[1]]);
    let own = batching.sum_of(asm, KEYS, shape[0], left);
    let ladder = ladder.add(asm, rises, shape, [own]);
    asm.store(word(&ladder.sums[0].0), number(KEY_SUM));
    let length = word(&[ladder.columns, ladder.blocks, log_height]);
    asm.store(length, number(KEY_LENGTH));
    asm.drop_to(depth);
}
