//! Tables, kind by kind: their claims and their constraints at ζ.

use std::collections::HashMap;

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_field::Felt;
use plica_fri::lifted::{KindDescription, Machine, Occurrence};

use super::memory::{FOLDED, HEIGHTS, LIMIT, RECORDS, TABLES, TERMINALS, item, number};
use super::statement::Listed;
use crate::asm::{Asm, Cubic, Quad, Scalar};
use crate::constraints::{Evaluator, Point, Weights};
use crate::parts::{BLOCK, Transcript, ZERO, read_message, recombine};

/// Arrays of digests, three for each of: main columns, bus columns, those at the next point, preprocessed columns.
pub(super) const MAIN: u64 = RECORDS;
pub(super) const BUS: u64 = RECORDS + 3 * LIMIT;
pub(super) const BUS_NEXT: u64 = RECORDS + 6 * LIMIT;
pub(super) const KEYS: u64 = RECORDS + 9 * LIMIT;
/// Main columns and bus columns: blocks of a message, and columns in the first of them.
pub(super) const SHAPE: u64 = RECORDS + 12 * LIMIT;
/// The same of the preprocessed columns, log2 of the rows, whether there are such columns.
pub(super) const KEY_SHAPE: u64 = RECORDS + 13 * LIMIT;

/// What constraints refer to beside a table's own claims.
pub(super) struct Environment {
    pub(super) alpha: Cubic,
    /// Of the one bus.
    pub(super) bus: [Cubic; 2],
    pub(super) vanishing: Cubic,
    pub(super) public_values: Vec<Scalar>,
    pub(super) weights: Weights,
}

/// Follows all tables: reads their claims and folds their constraints.
pub(super) fn check_tables(
    asm: &mut Asm,
    m: &Machine,
    environment: &Environment,
    listed: &[Listed],
    transcript: &mut Transcript,
    tables: Scalar,
) -> Cubic {
    let is_any = |kind: &&KindDescription| kind.occurrence == Occurrence::Any;
    let any: Vec<_> = m.kinds.iter().filter(is_any).collect();
    let counts = asm.read(any.len());
    for (&count, kind) in counts.iter().zip(any) {
        asm.at_most(count, number(kind.most as u64));
    }
    let mut counts = counts.into_iter();
    transcript.put_down(asm);
    asm.store(Quad([ZERO, ZERO, ZERO, tables]), number(FOLDED));
    for kind in &m.kinds {
        let listed = listed.iter().find(|table| table.kind == kind.kind);
        let expected = listed.map(|table| table.log_height);
        asm.comment(&format!("Tables of kind {}: {}.", kind.kind, kind.name));
        match (kind.occurrence, listed.and_then(|table| table.flag)) {
            (Occurrence::Any, _) => {
                let count = counts.next().expect("one per kind");
                let depth = asm.depth();
                asm.count_down(count, false, &[], |asm, _, _| {
                    check_table(asm, kind, environment, None);
                    vec![]
                });
                asm.drop_to(depth);
            }
            (_, Some(flag)) => {
                asm.load(&[flag]);
                asm.if_true(|asm| check_table(asm, kind, environment, expected));
            }
            _ => check_table(asm, kind, environment, expected),
        }
    }
    asm.comment("Quotient.");
    let [a, b, c, left] = asm.fetch(number(FOLDED)).0;
    asm.assert_zero(left);
    *transcript = Transcript::pick_up(asm);
    Cubic([a, b, c])
}

/// The tables of one kind may come in any order of heights: nothing depends on it but their names.
fn check_table(
    asm: &mut Asm,
    kind: &KindDescription,
    environment: &Environment,
    expected: Option<Scalar>,
) {
    let depth = asm.depth();
    let mut transcript = Transcript::pick_up(asm);
    let [a, b, c, left] = asm.fetch(number(FOLDED)).0;
    let folded = Cubic([a, b, c]);
    let [number_of, log_height, ..] = asm.fetch_of(TABLES, left).0;
    let mut list = vec![(number_of, number(kind.kind.into()))];
    list.extend(expected.map(|expected| (log_height, expected)));
    let (found, expected): (Vec<_>, Vec<_>) = list.into_iter().unzip();
    asm.assert_equal(&found, &expected);

    // Claims, and what the batching needs to know of them.
    let mut read = |asm: &mut Asm, array: u64, width| {
        let claims = read_message(asm, &mut transcript, width);
        for (coordinate, digest) in (0..).zip(claims.digests) {
            asm.store_of(digest, array + coordinate * LIMIT, left);
        }
        claims.columns
    };
    let main = read(asm, MAIN, kind.main);
    let bus = [BUS, BUS_NEXT].map(|array| read(asm, array, kind.bus));
    let preprocessed = match kind.preprocessed {
        0 => vec![],
        width => read(asm, KEYS, width),
    };
    transcript.put_down(asm);
    let shape = |width: usize| {
        let blocks = width.div_ceil(BLOCK);
        let first = width - blocks.saturating_sub(1) * BLOCK;
        [blocks, first].map(|part| number(part as u64))
    };
    let [a, b] = shape(kind.main);
    let [c, d] = shape(kind.bus);
    asm.store_of(Quad([a, b, c, d]), SHAPE, left);
    let [a, b] = shape(kind.preprocessed);
    let there = number((kind.preprocessed > 0).into());
    asm.store_of(Quad([a, b, log_height, there]), KEY_SHAPE, left);

    // Constraints.
    let terminal = asm.fetch_of(TERMINALS, left).cubic();
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
    let left = asm.sub_base(left, number(1));
    let [a, b, c] = folded.0;
    asm.store(Quad([a, b, c, left]), number(FOLDED));
    asm.drop_to(depth);
}

/// Weights of linear layers that several kinds have.
pub(super) fn shared_weights(asm: &mut Asm, m: &Machine, alpha: Cubic) -> Weights {
    let mut uses: HashMap<Vec<(usize, Felt)>, usize> = HashMap::new();
    let any = Cubic(Asm::items(0));
    let scratch = |kind: &KindDescription| {
        // Deep enough for all the places below.
        let mut asm = Asm::new(1 << 16);
        let point = Point {
            main: [vec![any; kind.main], vec![any; kind.main]],
            preprocessed: [vec![any; kind.preprocessed], vec![any; kind.preprocessed]],
            bus: [vec![any; kind.bus / 3], vec![any; kind.bus / 3]],
            public_values: vec![item(0); m.public_values],
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
        let values = factors.iter().map(|f| (f.0, f.1.as_canonical_u64()));
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
