//! The verifier of all lifted proofs of a machine, whatever their keys, tables and heights, as a procedure.
//!
//! It does what [`crate::verifier`] does for one shape. What depends on the shape is in memory, in arrays over tables, heights and
//! layers. Kinds come one after the other, each with code of its own in a loop over its tables; the order of columns in leaves, which is by height,
//! is found by a loop of its own, whose order the host says and the program checks.

use std::collections::HashMap;

use p3_field::{Field, PrimeCharacteristicRing, TwoAdicField};
use plica_field::Felt;
use plica_fri::lifted::{
    KindDescription, LEAF, LOG_ARITY, MAX_LOG_FINAL, MIN_LOG_HEIGHT, Machine, Occurrence, shift,
};

use crate::asm::{Asm, Cubic, Quad, Scalar};
use crate::constraints::{Evaluator, Point, Weights};
use crate::parts::{
    BLOCK, Transcript, ZERO, control, flat, read_cubics, read_message, recombine, word_at,
};

/// Tables of a proof, at most. No array reaches into the next one.
const LIMIT: u64 = 128;

/// By table: kind, log2 of the rows.
const TABLES: u64 = 0;
/// By table: what it adds to the bus.
const TERMINALS: u64 = TABLES + LIMIT;
/// By log2 h of a height: ζ^(N/2^h), 1/g, g of order 2^h.
const HEIGHTS: u64 = TERMINALS + LIMIT;
/// By log2 of a height: shift of its domain, generator of its domain, size of that.
const DOMAINS: u64 = HEIGHTS + 64;
/// By layer, two words: root; challenge and size.
const LAYERS: u64 = DOMAINS + 64;
/// aᵏ and Mᵏ, M = a⁸.
const POWERS: u64 = LAYERS + 64;
const BLOCKS: u64 = POWERS + 8;
/// Sum and length of the preprocessed columns so far; the height of the last of them.
const PREPROCESSED: u64 = BLOCKS + 64;
/// By table, sixteen words: digests of its claims (main, bus, bus at the next point, preprocessed), then widths.
const RECORDS: u64 = 4096;
const RECORD: u64 = 16;

/// Positions of the openings of a table's columns in its record, three digests each.
const MAIN: u64 = 0;
const BUS: u64 = 3;
const BUS_NEXT: u64 = 6;
const KEYS: u64 = 9;
/// Width of its main columns and of its bus columns, each as blocks and rest.
const WIDTHS: u64 = 12;
/// The same of its preprocessed columns, and log2 of its rows.
const HEIGHT: u64 = 13;
/// Blocks of the messages: main, bus, preprocessed.
const LENGTHS: u64 = 14;

fn number(value: u64) -> Scalar {
    Felt::from_u64(value).into()
}

fn word(elements: &[Scalar]) -> Quad {
    let mut word = [ZERO; 4];
    word[..elements.len()].copy_from_slice(elements);
    Quad(word)
}

impl Asm {
    fn at(&mut self, base: u64, index: Scalar) -> Scalar {
        match index {
            Scalar::Const(c) => (c + Felt::from_u64(base)).into(),
            Scalar::At(_) if base == 0 => index,
            Scalar::At(_) => self.add_base(index, number(base)),
        }
    }

    fn fetch_at(&mut self, base: u64, index: Scalar) -> Quad {
        let address = self.at(base, index);
        self.fetch(address)
    }

    fn store_at(&mut self, word: Quad, base: u64, index: Scalar) {
        let address = self.at(base, index);
        self.store(word, address);
    }

    fn assert_true(&mut self, condition: Scalar) {
        self.load(&[condition]);
        self.op("assert", 1, 0);
    }

    fn at_most(&mut self, a: Scalar, b: Scalar) {
        let [holds] = self.apply("u32lte", &[a, b]);
        self.assert_true(holds);
    }

    /// Whether two elements differ, on top.
    fn differ(&mut self, a: Scalar, b: Scalar) {
        let _: [Scalar; 1] = self.apply("neq", &[a, b]);
    }

    fn scale(&mut self, a: Cubic, factor: Scalar) -> Cubic {
        self.mul(a, factor.into())
    }
}

/// A table that the key lists.
struct Listed {
    kind: u16,
    /// Whether it does; always if there is none.
    flag: Option<Scalar>,
    log_height: Scalar,
}

/// What constraints refer to beside a table's own claims.
struct Environment {
    alpha: Cubic,
    /// Of the one bus.
    bus: [Cubic; 2],
    vanishing: Cubic,
    public_values: Vec<Scalar>,
    weights: Weights,
    listed: Vec<Listed>,
}

/// Writes the body of the procedure, which leaves the stack as it was: 16 items, of which the upper eight are the digest of a key (on
/// top) and the hash of the public values.
pub(crate) fn write(asm: &mut Asm, m: &Machine) {
    let depth = asm.depth();
    let (key, claim) = (word_at(depth - 4), word_at(depth - 8));
    asm.comment("Public values, key.");
    let public_values = asm.read(m.public_values);
    let digest = asm.hash(&public_values);
    asm.assert_equal(&digest.0, &claim.0);
    let (listed, commitment) = read_key(asm, m, key);
    asm.comment("Tables.");
    let tables = asm.read(1)[0];
    asm.at_most(tables, number(LIMIT));
    let mut transcript = Transcript::new(m.start.into());
    transcript.absorb(asm, word(&[tables, ZERO, ZERO, number(3)]));
    read_tables(asm, &mut transcript, tables);
    transcript.absorb(asm, key);
    transcript.absorb(asm, claim);

    asm.comment("Main columns, bus, quotient.");
    let main = asm.read_word();
    transcript.absorb(asm, main);
    let bus_alpha = transcript.challenge(asm);
    let bus_beta = transcript.challenge(asm);
    let bus = asm.read_word();
    transcript.absorb(asm, bus);
    read_terminals(asm, &mut transcript, tables);
    let alpha = transcript.challenge(asm);
    let quotient = asm.read_word();
    transcript.absorb(asm, quotient);
    let zeta = transcript.challenge(asm);
    let top = asm.read(1)[0];
    let [log_height] = asm.apply("u32max", &[top, number(MIN_LOG_HEIGHT as u64)]);
    climb(asm, m, zeta, log_height);

    asm.comment("Claims and constraints.");
    let step = asm.power(bus_beta, m.tuple_width);
    let first_bus = asm.add(step, bus_alpha);
    let end = asm.fetch(number(HEIGHTS)).cubic();
    let one: Cubic = Felt::ONE.into();
    let environment = Environment {
        alpha,
        bus: [first_bus, bus_beta],
        vanishing: asm.sub(end, one),
        public_values,
        weights: shared_weights(asm, m, alpha),
        listed,
    };
    let folded = check_tables(asm, m, &environment, &mut transcript, tables);
    let claims = read_message(asm, &mut transcript, m.quotient());
    let chunks = recombine(asm, &claims.columns);
    let value = asm.horner(&chunks, end);
    let expected = asm.mul(value, environment.vanishing);
    asm.assert_equal(&folded.0, &expected.0);

    asm.comment("Batching.");
    let batching = transcript.challenge(asm);
    let outer = transcript.challenge(asm);
    let block = powers(asm, m, batching);
    let sums = sum_up(asm, tables, top, (batching, block));
    let own = sums_of(
        asm,
        &claims.digests,
        number((m.quotient() / BLOCK) as u64),
        (batching, block),
    );
    let [at_height, at_domain] = [HEIGHTS, DOMAINS].map(|base| asm.fetch_at(base, log_height));
    let [generator] = asm.apply("inv", &[at_height.0[3]]);
    let next = asm.scale(zeta, generator);
    let batch = Batch::new(asm, &sums, own, outer, [zeta, next]);

    asm.comment("Layers, final polynomial, work.");
    let [shift, generator, size, _] = at_domain.0;
    let layers = read_layers(asm, &mut transcript, size);
    let last = read_last(asm, &mut transcript, log_height, layers);
    let witness = asm.read(1)[0];
    transcript.absorb(asm, control(witness, 2));
    let low = asm.low_half(transcript.state.0[0]);
    let low = asm.low_bits(low, m.work_bits);
    asm.assert_zero(low);

    asm.comment("Queries.");
    let listed = environment.listed.iter();
    let heights: Vec<Scalar> = listed.map(|table| table.log_height).collect();
    let mut key_height = heights[0];
    for &height in &heights[1..] {
        [key_height] = asm.apply("u32max", &[key_height, height]);
    }
    let log_blowup = number(m.log_blowup as u64);
    let tree = |asm: &mut Asm, root, log_height, blocks| {
        let size = asm.fetch_at(DOMAINS, log_height).0[2];
        Tree {
            root,
            depth: asm.add_base(log_height, log_blowup),
            mask: asm.sub_base(size, number(1)),
            blocks,
        }
    };
    let trees = [
        tree(asm, main, top, sums.blocks[0]),
        tree(asm, bus, top, sums.blocks[1]),
        tree(
            asm,
            quotient,
            log_height,
            number((m.quotient() / BLOCK) as u64),
        ),
        tree(asm, commitment, key_height, sums.blocks[2]),
    ];
    let queries = Queries {
        m,
        state: transcript.state,
        trees,
        shift,
        generator,
        batching,
        block,
        batch,
        layers,
        last,
    };
    asm.load(&[ZERO]);
    asm.repeat(m.queries, |asm| queries.write(asm));
    asm.drop_to(depth);
}

/// Reads what the key lists and its commitment, against its digest.
fn read_key(asm: &mut Asm, m: &Machine, key: Quad) -> (Vec<Listed>, Quad) {
    let mut listed = Vec::new();
    let mut count = ZERO;
    for kind in &m.kinds {
        let flag = match kind.occurrence {
            Occurrence::Any => continue,
            Occurrence::Once => None,
            Occurrence::Listed => Some(asm.read(1)[0]),
        };
        count = match (flag, count) {
            (None, Scalar::Const(count)) => (count + Felt::ONE).into(),
            (flag, count) => asm.add_base(count, flag.unwrap_or(number(1))),
        };
        let log_height = asm.read(1)[0];
        // What is not there does not make the tree higher.
        let log_height = match flag {
            Some(flag) => asm.mul_base(log_height, flag),
            None => log_height,
        };
        listed.push((
            kind,
            Listed {
                kind: kind.kind,
                flag,
                log_height,
            },
        ));
    }
    let mut digest = asm.merge(m.key_start.into(), word(&[count]));
    for (kind, table) in &listed {
        let (width, number_of) = (number(kind.preprocessed as u64), number(kind.kind.into()));
        let entry = word(&[number_of, table.log_height, width, number(1)]);
        let Some(flag) = table.flag else {
            digest = asm.merge(digest, entry);
            continue;
        };
        asm.load(&digest.0);
        let top = asm.depth() - 4;
        asm.load(&[flag]);
        asm.if_true(|asm| {
            let merged = asm.merge(word_at(top), entry);
            asm.settle(top, &merged.0);
        });
        digest = word_at(top);
    }
    let commitment = asm.read_word();
    let digest = asm.merge(digest, commitment);
    asm.assert_equal(&digest.0, &key.0);
    (
        listed.into_iter().map(|(_, table)| table).collect(),
        commitment,
    )
}

/// Reads kind and height of each table.
fn read_tables(asm: &mut Asm, transcript: &mut Transcript, tables: Scalar) {
    let base = asm.depth();
    asm.load(&transcript.state.0);
    asm.load(&[ZERO]);
    asm.differ(ZERO, tables);
    asm.while_true(|asm| {
        let [s0, s1, s2, s3, index] = Asm::items(base);
        let entry = asm.read(2);
        let entry = word(&[entry[0], entry[1], ZERO, number(3)]);
        asm.store_at(entry, TABLES, index);
        let [s0, s1, s2, s3] = asm.merge(Quad([s0, s1, s2, s3]), entry).0;
        let index = asm.add_base(index, number(1));
        asm.settle(base, &[s0, s1, s2, s3, index]);
        asm.differ(index_of(base + 4), tables);
    });
    transcript.state = word_at(base);
}

fn index_of(slot: usize) -> Scalar {
    Asm::items::<1>(slot)[0]
}

/// Reads what each table adds to the bus, which must cancel.
fn read_terminals(asm: &mut Asm, transcript: &mut Transcript, tables: Scalar) {
    let base = asm.depth();
    asm.load(&transcript.state.0);
    asm.load(&[ZERO, ZERO, ZERO, ZERO]);
    asm.differ(ZERO, tables);
    asm.while_true(|asm| {
        let state = word_at(base);
        let [a, b, c, index] = Asm::items(base + 4);
        let terminal = read_cubics(asm, 1)[0];
        let entry = word(&terminal.0);
        asm.store_at(entry, TERMINALS, index);
        let [s0, s1, s2, s3] = asm.merge(state, entry).0;
        let [a, b, c] = asm.add(Cubic([a, b, c]), terminal).0;
        let index = asm.add_base(index, number(1));
        asm.settle(base, &[s0, s1, s2, s3, a, b, c, index]);
        asm.differ(index_of(base + 7), tables);
    });
    let sum: [Scalar; 3] = Asm::items(base + 4);
    asm.assert_equal(&sum, &[ZERO; 3]);
    transcript.state = word_at(base);
    transcript.message();
}

/// Fills the arrays over heights: from the highest down, as squaring leads from each to the next.
fn climb(asm: &mut Asm, m: &Machine, zeta: Cubic, log_height: Scalar) {
    let high = m.max_log_height;
    let log_size = high + m.log_blowup;
    let base = asm.depth();
    asm.load(&zeta.0);
    let start = [
        Felt::two_adic_generator(high).inverse(),
        shift(high),
        Felt::two_adic_generator(log_size),
        Felt::from_u64(1 << log_size),
        Felt::from_u64(high as u64),
    ];
    asm.load(&start.map(Scalar::Const));
    asm.repeat(high + 1, |asm| {
        let z = Cubic(Asm::items(base));
        let [inverse, shift, generator, size, h] = Asm::items(base + 3);
        let [a, b, c] = z.0;
        asm.store_at(Quad([a, b, c, inverse]), HEIGHTS, h);
        asm.store_at(word(&[shift, generator, size]), DOMAINS, h);
        // Powers begin below N.
        let [begun] = asm.apply("u32lte", &[h, log_height]);
        let square = asm.mul(z, z);
        let difference = asm.sub(square, z);
        let change = asm.scale(difference, begun);
        let [a, b, c] = asm.add(z, change).0;
        let [inverse, shift, generator] =
            [inverse, shift, generator].map(|value| asm.mul_base(value, value));
        let size = asm.mul_base(size, Felt::TWO.inverse().into());
        let h = asm.sub_base(h, number(1));
        asm.settle(base, &[a, b, c, inverse, shift, generator, size, h]);
    });
}

/// Weights of linear layers that several kinds have.
fn shared_weights(asm: &mut Asm, m: &Machine, alpha: Cubic) -> Weights {
    let mut uses: HashMap<Vec<(usize, Felt)>, usize> = HashMap::new();
    let any = Cubic(Asm::items(0));
    let scratch = |kind: &KindDescription| {
        let mut asm = Asm::new(16);
        let point = Point {
            main: [vec![any; kind.main], vec![any; kind.main]],
            preprocessed: [vec![any; kind.preprocessed], vec![any; kind.preprocessed]],
            bus: [vec![any; kind.bus / 3], vec![any; kind.bus / 3]],
            public_values: vec![any.0[0]; m.public_values],
            first: any,
            last: any,
            transition: any,
            challenges: vec![any; 2 * kind.challenges],
            terminal: Some(any),
        };
        let mut weights = Weights::default();
        Evaluator::new(&mut asm, &distinct(point), &mut weights).fold(any, any, &kind.constraints);
        weights.factors()
    };
    for kind in &m.kinds {
        for factors in scratch(kind) {
            *uses.entry(factors).or_default() += 1;
        }
    }
    let mut shared: Vec<_> = uses.into_iter().filter(|&(_, count)| count > 1).collect();
    shared.sort_by_key(|(factors, _)| {
        let values = factors
            .iter()
            .map(|f| (f.0, p3_field::PrimeField64::as_canonical_u64(&f.1)));
        (factors.len(), values.collect::<Vec<_>>())
    });
    let mut weights = Weights::default();
    for (factors, _) in shared {
        weights.get(asm, alpha, &factors);
    }
    weights
}

/// The same point with different places for different columns.
fn distinct(mut point: Point) -> Point {
    let mut next = 16;
    let mut fresh = || {
        next += 3;
        Cubic(Asm::items(next))
    };
    for columns in [&mut point.main, &mut point.preprocessed, &mut point.bus] {
        columns
            .iter_mut()
            .flatten()
            .for_each(|value| *value = fresh());
    }
    point
        .challenges
        .iter_mut()
        .for_each(|value| *value = fresh());
    for value in [&mut point.first, &mut point.last, &mut point.transition] {
        *value = fresh();
    }
    point
}

/// Follows all tables, kind by kind: reads their claims and folds their constraints.
fn check_tables(
    asm: &mut Asm,
    m: &Machine,
    environment: &Environment,
    transcript: &mut Transcript,
    tables: Scalar,
) -> Cubic {
    // State, constraints so far, number of the table, log2 of the rows of the one before it.
    let base = asm.depth();
    asm.load(&transcript.state.0);
    asm.load(&[ZERO; 4]);
    let highest = number(m.max_log_height as u64);
    asm.load(&[highest]);
    for kind in &m.kinds {
        let listed = environment
            .listed
            .iter()
            .find(|table| table.kind == kind.kind);
        let expected = listed.map(|table| table.log_height);
        let write = |asm: &mut Asm| check_table(asm, kind, environment, base, expected);
        asm.comment(&format!("Tables of kind {}: {}.", kind.kind, kind.name));
        match (kind.occurrence, listed.and_then(|table| table.flag)) {
            (Occurrence::Any, _) => {
                asm.read(1);
                asm.while_true(|asm| {
                    write(asm);
                    asm.read(1);
                });
            }
            (_, Some(flag)) => {
                asm.load(&[flag]);
                asm.if_true(write);
            }
            _ => write(asm),
        }
        asm.op("drop", 1, 0);
        asm.load(&[highest]);
    }
    asm.assert_equal(&[index_of(base + 7)], &[tables]);
    transcript.state = word_at(base);
    transcript.message();
    Cubic(Asm::items(base + 4))
}

fn check_table(
    asm: &mut Asm,
    kind: &KindDescription,
    environment: &Environment,
    base: usize,
    expected: Option<Scalar>,
) {
    let mut transcript = Transcript::new(word_at(base));
    let folded = Cubic(Asm::items(base + 4));
    let [index, before] = Asm::items(base + 7);
    let [number_of, log_height, ..] = asm.fetch_at(TABLES, index).0;
    asm.assert_equal(&[number_of], &[number(kind.kind.into())]);
    asm.at_most(log_height, before);
    if let Some(expected) = expected {
        asm.assert_equal(&[log_height], &[expected]);
    }

    // Claims, and what the batching needs to know of them.
    let record = asm.mul_base(index, number(RECORD));
    let mut read = |asm: &mut Asm, position: u64, width| {
        let claims = read_message(asm, &mut transcript, width);
        for (digest, place) in claims.digests.into_iter().zip(position..) {
            asm.store_at(digest, RECORDS + place, record);
        }
        claims.columns
    };
    let main = read(asm, MAIN, kind.main);
    let bus = [BUS, BUS_NEXT].map(|position| read(asm, position, kind.bus));
    let preprocessed = match kind.preprocessed {
        0 => vec![],
        width => read(asm, KEYS, width),
    };
    let width = |width: usize| [width / BLOCK, width % BLOCK].map(|part| number(part as u64));
    let blocks = |width: usize| number(width.div_ceil(BLOCK) as u64);
    let [a, b] = width(kind.main);
    let [c, d] = width(kind.bus);
    asm.store_at(Quad([a, b, c, d]), RECORDS + WIDTHS, record);
    let [a, b] = width(kind.preprocessed);
    asm.store_at(word(&[a, b, log_height]), RECORDS + HEIGHT, record);
    let lengths = [kind.main, kind.bus, kind.preprocessed].map(blocks);
    asm.store_at(word(&lengths), RECORDS + LENGTHS, record);

    // Constraints.
    let terminal = asm.fetch_at(TERMINALS, index).cubic();
    let [x, y, z, end] = asm.fetch_at(HEIGHTS, log_height).0;
    let at = Cubic([x, y, z]);
    let transition = asm.sub(at, end.into());
    let start = asm.sub(at, Felt::ONE.into());
    let [first, last] = [start, transition].map(|x| {
        let inverse = asm.invert(x);
        asm.mul(environment.vanishing, inverse)
    });
    let none = |columns: &[Cubic]| vec![Felt::ZERO.into(); columns.len()];
    let point = Point {
        main: [main.clone(), none(&main)],
        preprocessed: [preprocessed.clone(), none(&preprocessed)],
        bus: bus.map(|columns| recombine(asm, &columns)),
        public_values: if kind.public {
            environment.public_values.clone()
        } else {
            vec![]
        },
        first,
        last,
        transition,
        challenges: environment.bus.repeat(kind.challenges),
        terminal: Some(terminal),
    };
    let mut weights = environment.weights.clone();
    let folded = Evaluator::new(asm, &point, &mut weights).fold(
        folded,
        environment.alpha,
        &kind.constraints,
    );
    let index = asm.add_base(index, number(1));
    let ([a, b, c, d], [x, y, z]) = (transcript.state.0, folded.0);
    asm.settle(base, &[a, b, c, d, x, y, z, index, log_height]);
}

/// Fills the arrays of powers of a challenge; gives that of a block.
fn powers(asm: &mut Asm, m: &Machine, batching: Cubic) -> Cubic {
    let mut power: Cubic = Felt::ONE.into();
    for k in 0..BLOCK as u64 {
        asm.store(word(&power.0), number(POWERS + k));
        power = asm.mul(power, batching);
    }
    let block = power;
    let widths = m
        .kinds
        .iter()
        .flat_map(|kind| [kind.main, kind.bus, kind.preprocessed]);
    let most = widths.max().unwrap_or(0) / BLOCK;
    let mut power: Cubic = Felt::ONE.into();
    for k in 0..=most as u64 {
        asm.store(word(&power.0), number(BLOCKS + k));
        power = asm.mul(power, block);
    }
    block
}

/// Sum over the columns whose coordinates have these digests.
fn sums_of(asm: &mut Asm, digests: &[Quad; 3], blocks: Scalar, (a, m): (Cubic, Cubic)) -> Cubic {
    let sums = digests.map(|digest| asm.sums_of_length(digest, blocks, a, m, ZERO).0);
    asm.horner(&sums, Cubic::generator())
}

/// The claims for all columns of the trees, summed up as in a leaf.
struct Sums {
    main: Cubic,
    bus: [Cubic; 2],
    preprocessed: Cubic,
    /// Blocks of the leaves: main, bus, preprocessed.
    blocks: [Scalar; 3],
}

/// Columns of one tree so far.
struct Ladder<const N: usize> {
    /// One sum per point.
    sums: [Cubic; N],
    /// Columns.
    length: Scalar,
}

impl<const N: usize> Ladder<N> {
    /// Adds columns, after zeros that fill up a block if `rises` is 1.
    fn add(
        self,
        asm: &mut Asm,
        rises: Scalar,
        [blocks, rest]: [Scalar; 2],
        own: [Cubic; N],
    ) -> Self {
        let filled = self.fill_up(asm, rises);
        let [a, b] =
            [(POWERS, rest), (BLOCKS, blocks)].map(|(base, k)| asm.fetch_at(base, k).cubic());
        let power = asm.mul(a, b);
        let mut own = own.into_iter();
        let sums = filled
            .sums
            .map(|sum| asm.mul_add(sum, power, own.next().expect("as many")));
        let whole = asm.mul_base(blocks, number(BLOCK as u64));
        let length = asm.add_base(filled.length, whole);
        let length = asm.add_base(length, rest);
        Self { sums, length }
    }

    fn fill_up(self, asm: &mut Asm, rises: Scalar) -> Self {
        let rest = asm.low_bits(self.length, 3);
        // 8 − rest is 8 for nothing to fill up, and 0 then.
        let missing = asm.sub_base(number(BLOCK as u64), rest);
        let missing = asm.low_bits(missing, 3);
        let missing = asm.mul_base(missing, rises);
        let power = asm.fetch_at(POWERS, missing).cubic();
        Self {
            sums: self.sums.map(|sum| asm.mul(sum, power)),
            length: asm.add_base(self.length, missing),
        }
    }
}

/// Goes through the tables by ascending height, equal ones by their number, in the order that the host says.
fn sum_up(asm: &mut Asm, tables: Scalar, top: Scalar, (a, block): (Cubic, Cubic)) -> Sums {
    asm.store(Quad([ZERO; 4]), number(PREPROCESSED));
    asm.store(Quad([ZERO; 4]), number(PREPROCESSED + 1));
    // Sums of main and bus, lengths, tables left, name and log2 of the rows of the table before.
    let base = asm.depth();
    asm.load(&[ZERO; 11]);
    asm.load(&[tables, ZERO, ZERO]);
    asm.load(&[number(1)]);
    asm.while_true(|asm| {
        let [main, bus, next] = [0, 3, 6].map(|i| Cubic(Asm::items(base + i)));
        let [main_length, bus_length, left, before, height_before] = Asm::items(base + 9);
        let table = asm.read(1)[0];
        let [exists] = asm.apply("u32lt", &[table, tables]);
        asm.assert_true(exists);
        let record = asm.mul_base(table, number(RECORD));
        let widths = asm.fetch_at(RECORDS + WIDTHS, record).0;
        let [key_blocks, key_rest, log_height, _] = asm.fetch_at(RECORDS + HEIGHT, record).0;
        let lengths = asm.fetch_at(RECORDS + LENGTHS, record).0;
        // Names ascend, so no table comes twice.
        let name = asm.mul_base(log_height, number(LIMIT));
        let name = asm.add_base(name, table);
        let name = asm.add_base(name, number(1));
        let [ascends] = asm.apply("u32lt", &[before, name]);
        asm.assert_true(ascends);
        let [rises] = asm.apply("neq", &[log_height, height_before]);

        let own = |asm: &mut Asm, position: u64, blocks| {
            let digests = [0, 1, 2].map(|c| asm.fetch_at(RECORDS + position + c, record));
            sums_of(asm, &digests, blocks, (a, block))
        };
        let main_own = own(asm, MAIN, lengths[0]);
        let bus_own = [BUS, BUS_NEXT].map(|position| own(asm, position, lengths[1]));
        let ladder = Ladder {
            sums: [main],
            length: main_length,
        };
        let main = ladder.add(asm, rises, [widths[0], widths[1]], [main_own]);
        let ladder = Ladder {
            sums: [bus, next],
            length: bus_length,
        };
        let bus = ladder.add(asm, rises, [widths[2], widths[3]], bus_own);
        asm.differ(lengths[2], ZERO);
        asm.if_true(|asm| {
            let depth = asm.depth();
            let [x, y, z, length] = asm.fetch(number(PREPROCESSED)).0;
            let before = asm.fetch(number(PREPROCESSED + 1)).0[0];
            let [rises] = asm.apply("neq", &[log_height, before]);
            let digests = [0, 1, 2].map(|c| asm.fetch_at(RECORDS + KEYS + c, record));
            let own = sums_of(asm, &digests, lengths[2], (a, block));
            let ladder = Ladder {
                sums: [Cubic([x, y, z])],
                length,
            };
            let ladder = ladder.add(asm, rises, [key_blocks, key_rest], [own]);
            let [x, y, z] = ladder.sums[0].0;
            asm.store(Quad([x, y, z, ladder.length]), number(PREPROCESSED));
            asm.store(word(&[log_height]), number(PREPROCESSED + 1));
            asm.drop_to(depth);
        });
        let left = asm.sub_base(left, number(1));
        let mut carried = flat(&[main.sums[0], bus.sums[0], bus.sums[1]]);
        carried.extend([main.length, bus.length, left, name, log_height]);
        asm.settle(base, &carried);
        asm.differ(index_of(base + 11), ZERO);
    });
    let [main, bus, next] = [0, 3, 6].map(|i| Cubic(Asm::items(base + i)));
    let [main_length, bus_length, _, _, highest] = Asm::items(base + 9);
    asm.assert_equal(&[highest], &[top]);
    let [x, y, z, key_length] = asm.fetch(number(PREPROCESSED)).0;
    let main = Ladder {
        sums: [main],
        length: main_length,
    }
    .fill_up(asm, number(1));
    let bus = Ladder {
        sums: [bus, next],
        length: bus_length,
    }
    .fill_up(asm, number(1));
    let keys = Ladder {
        sums: [Cubic([x, y, z])],
        length: key_length,
    }
    .fill_up(asm, number(1));
    let eighth = Felt::from_usize(BLOCK).inverse();
    Sums {
        main: main.sums[0],
        bus: bus.sums,
        preprocessed: keys.sums[0],
        blocks: [main.length, bus.length, keys.length].map(|l| asm.mul_base(l, eighth.into())),
    }
}

/// The batched columns at both points: Σ weight·(sum over the leaf) − constant.
struct Batch {
    /// Of bus, bus at the next point, quotient, preprocessed columns; that of the main columns is 1.
    weights: [Cubic; 4],
    constants: [Cubic; 2],
    points: [Cubic; 2],
}

impl Batch {
    fn new(asm: &mut Asm, sums: &Sums, quotient: Cubic, outer: Cubic, points: [Cubic; 2]) -> Self {
        let mut weights = [outer; 4];
        for i in 1..4 {
            weights[i] = asm.mul(weights[i - 1], outer);
        }
        let at = [(sums.bus[0], 0), (quotient, 2), (sums.preprocessed, 3)];
        let at = at.into_iter().fold(sums.main, |sum, (value, weight)| {
            asm.mul_add(weights[weight], value, sum)
        });
        let next = asm.mul(weights[1], sums.bus[1]);
        Self {
            weights,
            constants: [at, next],
            points,
        }
    }
}

/// Reads the roots of the layers; gives their number.
fn read_layers(asm: &mut Asm, transcript: &mut Transcript, size: Scalar) -> Scalar {
    let layers = asm.read(1)[0];
    let base = asm.depth();
    asm.load(&transcript.state.0);
    asm.load(&[size, ZERO]);
    asm.load(&[number(1)]);
    asm.while_true(|asm| {
        let [size, index] = Asm::items(base + 4);
        let root = asm.read_word();
        let mut transcript = Transcript::new(word_at(base));
        transcript.absorb(asm, root);
        let [a, b, c] = transcript.challenge(asm).0;
        let place = asm.add_base(index, index);
        asm.store_at(root, LAYERS, place);
        let eighth = Felt::from_u64(1 << LOG_ARITY).inverse();
        let size = asm.mul_base(size, eighth.into());
        asm.store_at(Quad([a, b, c, size]), LAYERS + 1, place);
        let index = asm.add_base(index, number(1));
        let [s0, s1, s2, s3] = transcript.state.0;
        asm.settle(base, &[s0, s1, s2, s3, size, index]);
        asm.differ(index_of(base + 5), layers);
    });
    transcript.state = word_at(base);
    transcript.message();
    layers
}

/// Reads the final polynomial, whose length follows from the height and the number of layers.
fn read_last(
    asm: &mut Asm,
    transcript: &mut Transcript,
    log_height: Scalar,
    layers: Scalar,
) -> Vec<Cubic> {
    let last = read_cubics(asm, 1 << MAX_LOG_FINAL);
    transcript.absorb_all(asm, &flat(&last));
    let folded = asm.mul_base(layers, number(LOG_ARITY as u64));
    let log_length = asm.sub_base(log_height, folded);
    // 4, 8 or 16 coefficients: what is above them is zero.
    let least = MAX_LOG_FINAL + 1 - LOG_ARITY;
    let is: Vec<Scalar> = (least..=MAX_LOG_FINAL)
        .map(|log| asm.apply::<1>("eq", &[log_length, number(log as u64)])[0])
        .collect();
    let mut below = ZERO;
    for (i, &this) in is.iter().enumerate() {
        below = asm.add_base(below, this);
        let range = (1 << (least + i))..(2 << (least + i)).min(last.len());
        if i + 1 < is.len() {
            for coordinate in flat(&last[range]) {
                let product = asm.mul_base(coordinate, below);
                asm.assert_zero(product);
            }
        }
    }
    asm.assert_equal(&[below], &[number(1)]);
    last
}

/// A tree as a query needs it.
struct Tree {
    root: Quad,
    depth: Scalar,
    mask: Scalar,
    /// Blocks of a leaf.
    blocks: Scalar,
}

/// What a query needs.
struct Queries<'a> {
    m: &'a Machine,
    state: Quad,
    /// Main, bus, quotient, preprocessed.
    trees: [Tree; 4],
    shift: Scalar,
    generator: Scalar,
    batching: Cubic,
    block: Cubic,
    batch: Batch,
    layers: Scalar,
    last: Vec<Cubic>,
}

impl Queries<'_> {
    /// One query: the counter on top, one more afterwards.
    fn write(&self, asm: &mut Asm) {
        let start = asm.depth();
        let [counter] = Asm::items(start - 1);
        let drawn = asm.merge(self.state, control(counter, 1));
        let low = asm.low_half(drawn.0[0]);
        let index = asm.and(low, self.trees[2].mask);
        let bits = self.m.max_log_height + self.m.log_blowup;
        let power = asm.power_of(self.generator, index, bits);
        let x = asm.mul_base(power, self.shift);

        let sums: Vec<Cubic> = self
            .trees
            .iter()
            .map(|tree| {
                let index = asm.and(index, tree.mask);
                let leaf = asm.node_at(tree.root, tree.depth, index);
                asm.sums_of_length(leaf, tree.blocks, self.batching, self.block, ZERO)
                    .0
            })
            .collect();
        let (w, zero): (_, Cubic) = (&self.batch.weights, Felt::ZERO.into());
        let at = [(sums[1], w[0]), (sums[2], w[2]), (sums[3], w[3])];
        let at = at.into_iter().fold(sums[0], |sum, (value, weight)| {
            asm.mul_add(value, weight, sum)
        });
        let next = asm.mul(sums[1], w[1]);
        let mut value = zero;
        for (point, sum) in [at, next].into_iter().enumerate() {
            let sum = asm.sub(sum, self.batch.constants[point]);
            let difference = asm.sub(x.into(), self.batch.points[point]);
            let inverse = asm.invert(difference);
            value = asm.mul_add(sum, inverse, value);
        }

        // The foldings. Index, point, value, depth, layer.
        let base = asm.depth();
        asm.load(&[index, x]);
        asm.load(&value.0);
        asm.load(&[self.trees[2].depth, ZERO]);
        asm.load(&[number(1)]);
        asm.while_true(|asm| {
            let [index, x, a, b, c, depth, layer] = Asm::items(base);
            let place = asm.add_base(layer, layer);
            let root = asm.fetch_at(LAYERS, place);
            let [d, e, f, size] = asm.fetch_at(LAYERS + 1, place).0;
            let depth = asm.sub_base(depth, number(LOG_ARITY as u64));
            let mask = asm.sub_base(size, number(1));
            let index = asm.and(index, mask);
            let leaf = asm.node_at(root, depth, index);
            let blocks = number((LEAF / BLOCK) as u64);
            let beta = Cubic([d, e, f]);
            let (folded, at) = asm.sums_of_length(leaf, blocks, beta, Cubic::generator(), x);
            asm.assert_equal(&at.0, &[a, b, c]);
            let mut power = x;
            for _ in 0..LOG_ARITY {
                power = asm.mul_base(power, power);
            }
            let layer = asm.add_base(layer, number(1));
            let [a, b, c] = folded.0;
            asm.settle(base, &[index, power, a, b, c, depth, layer]);
            asm.differ(index_of(base + 6), self.layers);
        });
        let [x, a, b, c] = Asm::items(base + 1);
        let last = asm.horner(&self.last, x.into());
        asm.assert_equal(&last.0, &[a, b, c]);
        asm.drop_to(start);
        asm.op("add.1", 1, 1);
    }
}
