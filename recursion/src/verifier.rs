//! The verifier of proofs of one shape, as a program.
//!
//! It takes two words from the stack, the digest of a key (on top) and the hash of public values, and stops unless the advice has
//! a proof for them. What it does is what `plica_fri::lifted` does, step by step; that file says why.
//!
//! What comes from where: roots, claimed values and the like are read from the advice stack in the order in which the transcript takes
//! them. Rows that are opened stay with the host: a leaf is looked at through its digest, which a node of a Merkle tree is (`mtree_get`),
//! and all that is needed of it are two sums over its elements (`sum_preimage`).

use p3_field::{Field, PrimeCharacteristicRing, TwoAdicField};
use plica_field::Felt;
use plica_fri::lifted::{
    ARITY, Description, LEAF, LOG_ARITY, Layout, MAX_LOG_FINAL, TableDescription, TreeKind, shift,
};

use crate::asm::{Asm, Cubic, Quad, Scalar};
use crate::constraints::{Evaluator, Point, Weights};
use crate::parts::{
    BLOCK, Claims, Transcript, ZERO, control, flat, read_cubics, read_message, recombine, word_at,
};

/// Writes the body of the verifier, which leaves the stack as it was: 16 items, of which the upper eight are the two words.
pub(crate) fn write(asm: &mut Asm, d: &Description) {
    let layout = &d.layout;
    let depth = asm.depth();
    let (key, claim) = (word_at(depth - 4), word_at(depth - 8));

    asm.comment("The key's commitment, the tables, the public values.");
    // Keys of no preprocessed table have a constant in its place.
    let preprocessed = match layout.tree(TreeKind::Preprocessed) {
        Some(_) => asm.read_word(),
        None => Quad([ZERO; 4]),
    };
    let found = asm.merge(d.key_rest.into(), preprocessed);
    asm.assert_equal(&found.0, &key.0);
    let public_values = asm.read(d.public_values);
    let digest = asm.hash(&public_values);
    asm.assert_equal(&digest.0, &claim.0);
    let mut transcript = Transcript::new(d.start.into());
    transcript.absorb(asm, key);
    transcript.absorb(asm, claim);

    asm.comment("Main columns, bus, quotient.");
    let main = asm.read_word();
    transcript.absorb(asm, main);
    let bus_alpha = transcript.challenge(asm);
    let bus_beta = transcript.challenge(asm);
    let bus = layout.tree(TreeKind::Bus).map(|_| {
        let root = asm.read_word();
        transcript.absorb(asm, root);
        root
    });
    let on_bus = d.tables.iter().filter(|table| !table.buses.is_empty());
    let terminals = read_cubics(asm, on_bus.count());
    for terminal in &terminals {
        let [a, b, c] = terminal.0;
        transcript.absorb(asm, Quad([a, b, c, ZERO]));
    }
    let zero: Cubic = Felt::ZERO.into();
    let sum = terminals.iter().fold(zero, |sum, &t| asm.add(sum, t));
    asm.assert_equal(&sum.0, &zero.0);
    let alpha = transcript.challenge(asm);
    let quotient = asm.read_word();
    transcript.absorb(asm, quotient);
    let zeta = transcript.challenge(asm);

    asm.comment("Claimed values.");
    let claims = read_claims(asm, &mut transcript, layout);

    asm.comment("Constraints.");
    let opened = Opened {
        layout,
        claims: &claims,
    };
    check_constraints(
        asm,
        d,
        &opened,
        &public_values,
        &terminals,
        (bus_alpha, bus_beta, alpha, zeta),
    );

    asm.comment("Batching.");
    let batching = transcript.challenge(asm);
    let outer = transcript.challenge(asm);
    let block = asm.power(batching, BLOCK);
    let next = asm.mul(zeta, Felt::two_adic_generator(layout.log_height).into());
    let batch = weigh(asm, &opened, (batching, block, outer), [zeta, next]);

    asm.comment("Layers, final polynomial, work.");
    let mut folds = Vec::with_capacity(layout.rounds());
    for _ in 0..layout.rounds() {
        let root = asm.read_word();
        transcript.absorb(asm, root);
        folds.push((root, transcript.challenge(asm)));
    }
    let last = read_cubics(asm, 1 << layout.log_final);
    let mut message = flat(&last);
    message.resize(message.len().max(3 << MAX_LOG_FINAL), ZERO);
    transcript.absorb_all(asm, &message);
    let witness = asm.read(1)[0];
    transcript.absorb(asm, control(witness, 2));
    let low = asm.low_half(transcript.state.0[0]);
    let low = asm.low_bits(low, d.work_bits);
    asm.assert_zero(low);

    let queries = Queries {
        d,
        roots: layout
            .trees
            .iter()
            .map(|tree| match tree.kind {
                TreeKind::Main => main,
                TreeKind::Bus => bus.expect("in the layout"),
                TreeKind::Quotient => quotient,
                TreeKind::Preprocessed => preprocessed,
            })
            .collect(),
        batching,
        block,
        batch,
        folds,
        last,
        state: transcript.state,
    };
    asm.comment("Queries.");
    asm.load(&[ZERO]);
    asm.repeat(d.queries, |asm| queries.write(asm));
    asm.drop_to(depth);
}

/// Reads all claims, in the order of the transcript. They come back by opening, then by segment of the tree.
fn read_claims(asm: &mut Asm, transcript: &mut Transcript, layout: &Layout) -> Vec<Vec<Claims>> {
    let openings: Vec<_> = layout.openings().collect();
    let mut claims: Vec<Vec<Option<Claims>>> = openings
        .iter()
        .map(|(tree, _)| tree.segments.iter().map(|_| None).collect())
        .collect();
    let tables = layout
        .tree(TreeKind::Main)
        .map_or(0, |main| main.segments.len());
    let of_tables = (0..tables).map(|table| (table, false));
    for (table, quotient) in of_tables.chain([(0, true)]) {
        for ((tree, _), claims) in openings.iter().zip(&mut claims) {
            let segment = tree
                .segments
                .iter()
                .position(|segment| segment.table == table);
            if let Some(segment) = segment
                && quotient == (tree.kind == TreeKind::Quotient)
            {
                let columns = tree.segments[segment].width;
                claims[segment] = Some(read_message(asm, transcript, columns));
            }
        }
    }
    let read = |claims: Vec<Option<Claims>>| claims.into_iter().flatten().collect();
    claims.into_iter().map(read).collect()
}

/// All claims.
struct Opened<'a> {
    layout: &'a Layout,
    /// By opening and segment.
    claims: &'a [Vec<Claims>],
}

impl Opened<'_> {
    /// The claims about a table in a tree, at ζ and at the next point; zeros for what is not opened there, to which nothing refers.
    fn of(&self, kind: TreeKind, table: usize) -> [Vec<Cubic>; 2] {
        let mut found: [Vec<Cubic>; 2] = [vec![], vec![]];
        for ((tree, point), claims) in self.layout.openings().zip(self.claims) {
            let segment = tree
                .segments
                .iter()
                .position(|segment| segment.table == table);
            if tree.kind == kind
                && let Some(segment) = segment
            {
                found[point].clone_from(&claims[segment].columns);
            }
        }
        if found[1].is_empty() {
            found[1] = vec![Felt::ZERO.into(); found[0].len()];
        }
        found
    }
}

/// All constraints at ζ against the quotient.
fn check_constraints(
    asm: &mut Asm,
    d: &Description,
    opened: &Opened<'_>,
    public_values: &[Scalar],
    terminals: &[Cubic],
    (bus_alpha, bus_beta, alpha, zeta): (Cubic, Cubic, Cubic, Cubic),
) {
    let log_height = d.layout.log_height;
    // ζ^(N/n) by height, and what depends on it.
    let mut powers = vec![zeta];
    for _ in 0..log_height {
        let last = powers[powers.len() - 1];
        powers.push(asm.mul(last, last));
    }
    let one: Cubic = Felt::ONE.into();
    let vanishing = asm.sub(powers[log_height], one);
    let mut selectors: Vec<Option<[Cubic; 3]>> = vec![None; log_height + 1];
    let step = asm.power(bus_beta, d.tuple_width);
    let mut terminals = terminals.iter();
    let mut folded: Cubic = Felt::ZERO.into();
    let mut weights = Weights::default();
    for (index, table) in d.tables.iter().enumerate() {
        asm.comment(&format!("Table {index}: {}.", table.name));
        let height = table.log_height;
        let at = powers[log_height - height];
        let [first, last, transition] = *selectors[height].get_or_insert_with(|| {
            let end = Felt::two_adic_generator(height).inverse();
            let transition = asm.sub(at, end.into());
            let start = asm.sub(at, one);
            let [start, end] = [start, transition].map(|x| asm.invert(x));
            [
                asm.mul(vanishing, start),
                asm.mul(vanishing, end),
                transition,
            ]
        });
        let bus = opened.of(TreeKind::Bus, index);
        let point = Point {
            main: opened.of(TreeKind::Main, index),
            preprocessed: opened.of(TreeKind::Preprocessed, index),
            bus: bus.map(|columns| recombine(asm, &columns)),
            public_values: if table.public {
                public_values.to_vec()
            } else {
                vec![]
            },
            first,
            last,
            transition,
            challenges: bus_challenges(asm, table, bus_alpha, bus_beta, step),
            terminal: (!table.buses.is_empty())
                .then(|| *terminals.next().expect("one per table on the bus")),
        };
        folded = Evaluator::new(asm, &point, &mut weights).fold(folded, alpha, &table.constraints);
    }
    let [chunks, _] = opened.of(TreeKind::Quotient, 0);
    let chunks = recombine(asm, &chunks);
    let quotient = asm.horner(&chunks, powers[log_height]);
    let expected = asm.mul(quotient, vanishing);
    asm.assert_equal(&folded.0, &expected.0);
}

fn bus_challenges(
    asm: &mut Asm,
    table: &TableDescription,
    alpha: Cubic,
    beta: Cubic,
    step: Cubic,
) -> Vec<Cubic> {
    let mut out = Vec::with_capacity(2 * table.buses.len());
    let mut known: Vec<(u64, Cubic)> = Vec::new();
    for &number in &table.buses {
        let found = known.iter().find(|(other, _)| *other == number);
        let alpha = if let Some(&(_, alpha)) = found {
            alpha
        } else {
            let number_th = asm.mul_add(step, Felt::from_u64(number).into(), alpha);
            known.push((number, number_th));
            number_th
        };
        out.extend([alpha, beta]);
    }
    out
}

/// The batching of all columns at both points: Σ weightₜ·(sum over the row of tree t) − constant, over x − point.
struct Batch {
    /// Per point: the trees that are opened there, by position, and their weights.
    weights: [Vec<(usize, Cubic)>; 2],
    constants: [Cubic; 2],
    points: [Cubic; 2],
}

fn weigh(
    asm: &mut Asm,
    opened: &Opened<'_>,
    (batching, block, outer): (Cubic, Cubic, Cubic),
    points: [Cubic; 2],
) -> Batch {
    let trees = &opened.layout.trees;
    let position = |kind| trees.iter().position(|tree| tree.kind == kind);
    let mut weight: Cubic = Felt::ONE.into();
    let mut weights: [Vec<(usize, Cubic)>; 2] = [vec![], vec![]];
    let mut constants: [Cubic; 2] = [Felt::ZERO.into(); 2];
    for ((tree, point), claims) in opened.layout.openings().zip(opened.claims) {
        // Segment by segment, as in a leaf.
        let mut sum: Cubic = Felt::ZERO.into();
        let mut end = 0;
        for ((_, segment, start), claims) in tree.starts().zip(claims) {
            let blocks = segment.width.div_ceil(BLOCK);
            let sums = claims
                .digests
                .map(|digest| asm.sums(digest, blocks, batching, block, ZERO).0);
            let own = asm.horner(&sums, Cubic::generator());
            let shift = asm.power(batching, start + segment.width - end);
            end = start + segment.width;
            sum = asm.mul_add(sum, shift, own);
        }
        let rest = asm.power(batching, tree.padded() - end);
        let sum = asm.mul(sum, rest);
        constants[point] = asm.mul_add(weight, sum, constants[point]);
        let tree_position = position(tree.kind).expect("of the layout");
        weights[point].push((tree_position, weight));
        weight = asm.mul(weight, outer);
    }
    Batch {
        weights,
        constants,
        points,
    }
}

/// What a query needs.
struct Queries<'a> {
    d: &'a Description,
    /// Of the trees, in their order.
    roots: Vec<Quad>,
    batching: Cubic,
    block: Cubic,
    batch: Batch,
    /// Root and challenge of each layer.
    folds: Vec<(Quad, Cubic)>,
    last: Vec<Cubic>,
    state: Quad,
}

impl Queries<'_> {
    /// One query: the counter on top, one more afterwards.
    fn write(&self, asm: &mut Asm) {
        let d = self.d;
        let layout = &d.layout;
        let depth = asm.depth();
        let [counter] = Asm::items(depth - 1);
        let word = asm.merge(self.state, control(counter, 1));
        let log_domain = layout.log_height + d.log_blowup;
        let low = asm.low_half(word.0[0]);
        let index = asm.low_bits(low, log_domain);
        let generator = Felt::two_adic_generator(log_domain);
        let power = asm.power_of(generator.into(), index, log_domain);
        let mut x = asm.mul_base(power, shift(layout.log_height).into());

        // The batched polynomial at x.
        let sums: Vec<Cubic> = layout
            .trees
            .iter()
            .zip(&self.roots)
            .map(|(tree, &root)| {
                let log_leaves = tree.log_height + d.log_blowup;
                let index = if log_leaves == log_domain {
                    index
                } else {
                    asm.low_bits(index, log_leaves)
                };
                let leaf = asm.node(root, log_leaves, index);
                let blocks = tree.padded() / BLOCK;
                asm.sums(leaf, blocks, self.batching, self.block, ZERO).0
            })
            .collect();
        let mut value: Cubic = Felt::ZERO.into();
        for point in 0..2 {
            let zero: Cubic = Felt::ZERO.into();
            let mut sum = asm.sub(zero, self.batch.constants[point]);
            for &(tree, weight) in &self.batch.weights[point] {
                sum = asm.mul_add(sums[tree], weight, sum);
            }
            let difference = asm.sub(x.into(), self.batch.points[point]);
            let inverse = asm.invert(difference);
            value = asm.mul_add(sum, inverse, value);
        }

        // The foldings.
        let mut log_leaves = log_domain;
        let mut index = index;
        for &(root, beta) in &self.folds {
            log_leaves -= LOG_ARITY;
            index = asm.low_bits(index, log_leaves);
            let leaf = asm.node(root, log_leaves, index);
            let (folded, at) = asm.sums(leaf, LEAF / BLOCK, beta, Cubic::generator(), x);
            asm.assert_equal(&at.0, &value.0);
            value = folded;
            for _ in 0..ARITY.ilog2() {
                x = asm.mul_base(x, x);
            }
        }
        let last = asm.horner(&self.last, x.into());
        asm.assert_equal(&last.0, &value.0);
        asm.drop_to(depth);
        asm.op("add.1", 1, 1);
    }
}
