//! Rule R13: what stops a sum over a message that is not the one with the digest, or is no sum over it.

use p3_field::{BasedVectorSpace, PrimeCharacteristicRing};
use plica_air::check::Message;
use plica_air::chip::ChipKind;
use plica_air::chips::absorb::head::AbsorbRow;
use plica_air::chips::{absorb, sum, unpack};
use plica_air::record::Point;
use plica_field::{Ext, Felt, Word, coefficients};
use plica_hash_rpo::constants::{CAPACITY, WIDTH};
use plica_hash_rpo::{hash_elements, permute};
use plica_vm::inputs::Inputs;

use super::forged::{Forged, compiled, felt, int, message, stopped_by, stopped_by_bus};
use super::proofs::refused;

/// [x, m, a, D, ..] → [u, s, ..]
const THREE: &str = "begin sum_preimage.3 end";
/// [b, x, m, a, D, ..] → [u, s, ..]
const ANY: &str = "begin sum_preimage end";
fn elements(blocks: u64) -> Vec<Felt> {
    (0..8 * blocks).map(|i| Felt::new(100 + 7 * i)).collect()
}

fn ext(seed: i64) -> Ext {
    Ext::from_basis_coefficients_fn(|i| felt(10 * seed + i as i64))
}

fn point() -> Point {
    Point {
        a: ext(3),
        m: ext(4),
        x: felt(55),
    }
}

/// The sums of the elements.
fn sums(elements: &[Felt], point: Point) -> [Ext; 2] {
    let blocks = elements.chunks_exact(8);
    blocks.fold([Ext::ZERO; 2], |sums, block| point.step(sums, block))
}

/// What a row says of a message, of either kind.
fn fact(kind: u64, blocks: u64, state: Word, point: Point, [s, u]: [Ext; 2]) -> Message {
    let Point { a, m, x } = point;
    let head = [kind, blocks].map(Felt::new);
    let [a, m, s, u] = [a, m, s, u].map(coefficients);
    message(&[&head[..], &state, &a, &m, &[x], &s, &u].concat())
}

fn absorbing(blocks: u64, state: Word, point: Point, sums: [Ext; 2]) -> Message {
    fact(14, blocks, state, point, sums)
}

fn absorbed(blocks: u64, digest: Word, point: Point, sums: [Ext; 2]) -> Message {
    fact(15, blocks, digest, point, sums)
}

/// Stack items, top first.
fn on_stack(numbers: &[Felt], point: Point, digest: Word) -> Vec<Felt> {
    let [a, m] = [point.a, point.m].map(coefficients);
    let below = m.into_iter().rev().chain(a.into_iter().rev());
    let below = below.chain(digest.into_iter().rev());
    numbers
        .iter()
        .copied()
        .chain([point.x])
        .chain(below)
        .collect()
}

fn run(source: &str, stack: Vec<Felt>, messages: &[&[Felt]]) -> Forged {
    let messages = messages.iter();
    let inputs = Inputs {
        advice_map: messages.map(|m| (hash_elements(m), m.to_vec())).collect(),
        ..Inputs::from_stack(stack)
    };
    Forged::of(compiled(source), &inputs).expect("runs")
}

/// The honest run on three blocks.
fn three() -> Forged {
    let elements = elements(3);
    let stack = on_stack(&[], point(), hash_elements(&elements));
    run(THREE, stack, &[&elements])
}

/// The same with the number of blocks on the stack.
fn any(blocks: u64) -> Forged {
    let elements = elements(blocks);
    let number = [Felt::new(blocks)];
    let stack = on_stack(&number, point(), hash_elements(&elements));
    run(ANY, stack, &[&elements])
}

/// The first row that asks.
fn asks(forged: &mut Forged) -> &mut sum::Cols<Felt> {
    let at = forged.steps(ChipKind::Sum)[0];
    sum::Cols::of_mut(forged.row_mut(at))
}

/// The program ends with these sums.
fn show(forged: &mut Forged, sums: [Ext; 2]) {
    let cols = asks(forged);
    cols.sums = sums.map(coefficients);
    let id = cols.id;
    for (j, sum) in sums.into_iter().enumerate() {
        let id = id + Felt::from_usize(j);
        let mut lanes = Vec::new();
        for at in forged.rows(ChipKind::Unpack) {
            for fact in &mut unpack::Cols::of_mut(forged.row_mut(at)).facts {
                if fact.word_id == id {
                    fact.word[..3].copy_from_slice(&coefficients(sum));
                    lanes.push(fact.id);
                }
            }
        }
        lanes.dedup();
        for first in lanes {
            for (j, element) in coefficients(sum).into_iter().enumerate() {
                forged.poison(Felt::ZERO, int(first) as u32 + j as u32, element);
            }
        }
    }
    forged.rebalance();
    assert_eq!(shown(forged), sums);
}

/// The sums with which the program ends.
fn shown(forged: &Forged) -> [Ext; 2] {
    [3, 0].map(|at| Ext::from_basis_coefficients_fn(|i| forged.public[16 + at + 2 - i]))
}

/// The row of a block.
fn row_of(of: &AbsorbRow) -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; ChipKind::Absorb.width()];
    absorb::fill(absorb::Cols::of_mut(&mut row), of);
    absorb::fill_rounds(&mut row);
    row
}

/// The rows for these elements, from what is there before the first of them on.
fn rows_from(mut of: AbsorbRow, elements: &[Felt]) -> Vec<AbsorbRow> {
    let blocks = elements.len() / 8;
    let rows = elements.chunks_exact(8).enumerate().map(|(k, block)| {
        of.data.copy_from_slice(block);
        of.last = k + 1 == blocks;
        let row = of;
        let mut state = [Felt::ZERO; WIDTH];
        state[..CAPACITY].copy_from_slice(&row.capacity);
        state[CAPACITY..].copy_from_slice(block);
        permute(&mut state);
        [of.s, of.u] = row.sums();
        of.capacity.copy_from_slice(&state[..CAPACITY]);
        of.block += 1;
        row
    });
    rows.collect()
}

fn start() -> AbsorbRow {
    AbsorbRow {
        block: 0,
        last: false,
        point: point(),
        s: Ext::ZERO,
        u: Ext::ZERO,
        capacity: Word::default(),
        data: [Felt::ZERO; 8],
        mult: 0,
    }
}

/// Puts rows in the place of those that are there.
fn replace(forged: &mut Forged, rows: &[AbsorbRow]) {
    let values = rows.iter().flat_map(row_of).collect();
    forged.tables.retain(|table| table.kind != ChipKind::Absorb);
    forged.push(ChipKind::Absorb, values);
    forged.rebalance();
}

/// The same, filled up to a height that a proof may have.
fn replace_and_pad(forged: &mut Forged, rows: &[AbsorbRow]) {
    let mut rows = rows.to_vec();
    let last = *rows.last().expect("there are rows");
    rows.resize(rows.len().next_power_of_two(), last);
    replace(forged, &rows);
}

/// What the row reads.
fn read_by(row: &AbsorbRow) -> Message {
    absorbing(row.block, row.capacity, row.point, [row.s, row.u])
}

#[test]
fn the_sums_are_those_of_the_message() {
    assert_eq!(shown(&three()), sums(&elements(3), point()));
    for blocks in 1..5 {
        assert_eq!(shown(&any(blocks)), sums(&elements(blocks), point()));
    }
    // Rows made by hand are those of the trace.
    let mut forged = three();
    replace_and_pad(&mut forged, &rows_from(start(), &elements(3)));
    assert!(forged.findings().is_empty());
}

/// Facts are there once: for two that ask the same, and for messages that begin alike.
#[test]
fn equal_beginnings_have_one_row() {
    let rows = |source: &str, stack: Vec<Felt>, messages: &[&[Felt]]| {
        let inputs = Inputs {
            advice_map: messages
                .iter()
                .map(|m| (hash_elements(m), m.to_vec()))
                .collect(),
            ..Inputs::from_stack(stack)
        };
        let compiled = compiled(source);
        let execution = compiled.record(&inputs, 1 << 20).expect("runs");
        let counts = plica_air::trace::row_counts(&compiled.program, &execution, |_| false);
        let forged = Forged::of(compiled, &inputs).expect("runs");
        assert!(forged.findings().is_empty());
        let of = |kind: ChipKind| counts.iter().find(|(k, _)| *k == kind).expect("listed").1;
        [of(ChipKind::Sum), of(ChipKind::Absorb)]
    };
    let long = elements(3);
    let mut other = long.clone();
    other[23] += Felt::ONE;
    let [digest, other_digest] = [&long, &other].map(|m| hash_elements(m));
    let ask = "push.3.5.7.11.13.17.19 sum_preimage.3 drop drop drop drop drop drop";
    let word = |word: Word| word.into_iter().rev().collect::<Vec<_>>();
    let both = [word(digest), word(other_digest)].concat();
    let once = format!("begin {ask} push.0.0.0.0 end");
    let twice = format!("begin dupw {ask} {ask} end");
    let two = format!("begin {ask} {ask} end");
    let messages: [&[Felt]; 2] = [&long, &other];
    let end = " repeat.4 movup.15 drop end end";
    let fit = |source: &str| source.replacen(" end", end, 1);
    assert_eq!(rows(&fit(&once), word(digest), &messages), [1, 3]);
    assert_eq!(rows(&twice, word(digest), &messages), [2, 3]);
    assert_eq!(rows(&two, both, &messages), [2, 4]);
}

#[test]
fn another_sum_is_nobody_s() {
    let digest = hash_elements(&elements(3));
    let [s, u] = sums(&elements(3), point());
    for lie in [[s + Ext::ONE, u], [s, u + ext(1)], [u, s], [Ext::ZERO; 2]] {
        let mut forged = three();
        show(&mut forged, lie);
        stopped_by_bus(&forged, &[(absorbed(3, digest, point(), lie), -1)]);
        // Without rows at all.
        let mut forged = three();
        forged.tables.retain(|table| table.kind != ChipKind::Absorb);
        show(&mut forged, lie);
        stopped_by_bus(&forged, &[(absorbed(3, digest, point(), lie), -1)]);
    }
}

/// The attacker has the rows of another message. They come to its digest, not to the one that was asked for.
#[test]
fn a_sum_of_other_elements_has_another_digest() {
    let digest = hash_elements(&elements(3));
    for at in [0, 9, 23] {
        let mut other = elements(3);
        other[at] += Felt::ONE;
        let lie = sums(&other, point());
        let rows = rows_from(start(), &other);
        let mut forged = three();
        replace_and_pad(&mut forged, &rows);
        show(&mut forged, lie);
        stopped_by_bus(&forged, &[(absorbed(3, digest, point(), lie), -1)]);
        // As if that were the digest which it is not.
        let at = (forged.tables.len() - 1, 2);
        let cols = absorb::Cols::of_mut(forged.row_mut(at));
        cols.head.out = digest;
        cols.last.out_cubes = digest.map(|x| x.cube());
        forged.rebalance();
        let findings = forged.findings();
        assert_eq!(findings.unbalanced, []);
        let violated = findings.constraints();
        let of_out = |(kind, name): &(ChipKind, &str)| {
            *kind == ChipKind::Absorb && name.starts_with("round 6, out")
        };
        assert!(violated.len() == 4 && violated.iter().all(of_out));
        refused(&forged);
    }
}

/// The honest sponge goes on with the sums of other elements, or the other way round: no row has come to both.
#[test]
fn state_and_sums_travel_together() {
    let mut other = elements(3);
    other[3] += Felt::ONE;
    let [honest, lies] = [&elements(3), &other].map(|m| rows_from(start(), m));
    for k in 1..3 {
        let changes: [fn(&mut AbsorbRow, &AbsorbRow); 3] = [
            |row, lie| row.s = lie.s,
            |row, lie| row.u = lie.u,
            |row, lie| [row.s, row.u] = [lie.s, lie.u],
        ];
        for change in changes {
            let mut first = honest[k];
            change(&mut first, &lies[k]);
            let mixed = rows_from(first, &elements(3)[8 * k..]);
            let lie = mixed.last().expect("a row").sums();
            assert_ne!(lie, sums(&elements(3), point()));
            // All that might help is there.
            let rows = [&honest[..], &lies, &mixed].concat();
            let mut forged = three();
            replace(&mut forged, &rows);
            show(&mut forged, lie);
            stopped_by_bus(&forged, &[(read_by(&first), -1)]);
            let mut forged = three();
            replace_and_pad(&mut forged, &rows);
            show(&mut forged, lie);
            refused(&forged);
        }
    }
}

/// A message begins with nothing: capacity and sums that are not 0, or blocks that are not there, are nobody's.
#[test]
fn a_message_begins_with_nothing() {
    let digest = hash_elements(&elements(3));
    let changes: [fn(&mut AbsorbRow); 6] = [
        |row| row.capacity[0] = felt(5),
        |row| row.capacity[3] = Felt::ONE,
        |row| row.s = Ext::ONE,
        |row| row.u = ext(2),
        |row| row.block = 7,
        |row| row.point.x += Felt::ONE,
    ];
    for change in changes {
        let mut first = start();
        change(&mut first);
        let rows = rows_from(first, &elements(3));
        let last = rows.last().expect("a row");
        let mut state = [Felt::ZERO; WIDTH];
        state[..CAPACITY].copy_from_slice(&last.capacity);
        state[CAPACITY..].copy_from_slice(&last.data);
        permute(&mut state);
        let comes_to: Word = std::array::from_fn(|j| state[CAPACITY + j]);
        let lie = last.sums();
        let mut forged = three();
        replace(&mut forged, &rows);
        // The program asks for what they come to, so that nothing else is in the way.
        let cols = asks(&mut forged);
        cols.digest = comes_to;
        show(&mut forged, lie);
        let findings = forged.findings();
        assert_eq!(findings.violations, []);
        let needs = (read_by(&first), Felt::NEG_ONE);
        assert!(findings.unbalanced.contains(&needs));
        // Another capacity comes to another digest.
        assert_eq!(comes_to == digest, first.capacity == Word::default());
    }
}

/// The challenges and the base point of a row are those of all rows before it.
#[test]
fn a_message_has_one_point() {
    let changes: [fn(&mut Point); 3] = [
        |point| point.a = ext(8),
        |point| point.m = ext(9),
        |point| point.x = felt(9),
    ];
    for change in changes {
        for k in 1..3 {
            let honest = rows_from(start(), &elements(3));
            let mut first = honest[k];
            change(&mut first.point);
            let mixed = rows_from(first, &elements(3)[8 * k..]);
            let lie = mixed.last().expect("a row").sums();
            let mut forged = three();
            replace(&mut forged, &[&honest[..k], &mixed].concat());
            let Point { a, m, x } = first.point;
            let cols = asks(&mut forged);
            (cols.a, cols.m, cols.scalars[0]) = (coefficients(a), coefficients(m), x);
            show(&mut forged, lie);
            let findings = forged.findings();
            assert_eq!(findings.violations, []);
            let needs = (read_by(&first), Felt::NEG_ONE);
            assert!(findings.unbalanced.contains(&needs));
        }
    }
}

/// A row may end a message early: then it is another message, with another name.
#[test]
fn a_prefix_is_another_message() {
    let digest = hash_elements(&elements(3));
    let prefix = elements(2);
    let lie = sums(&prefix, point());
    let rows = rows_from(start(), &prefix);
    // Under the name of the long one.
    let mut forged = three();
    replace(&mut forged, &rows);
    show(&mut forged, lie);
    stopped_by_bus(&forged, &[(absorbed(3, digest, point(), lie), -1)]);
    // The name of the short one has another length, in the program or on the stack.
    asks(&mut forged).scalars[1] = Felt::TWO;
    asks(&mut forged).digest = hash_elements(&prefix);
    forged.rebalance();
    let constraints = forged.findings().constraints();
    assert_eq!(constraints, [(ChipKind::Sum, "constant number of blocks")]);
    for (length, kept) in [(2, 3), (4, 3), (0, 3), (1, 2)] {
        let mut forged = any(kept);
        asks(&mut forged).scalars[1] = Felt::new(length);
        forged.poison(Felt::ZERO, plica_air::code::INPUT, Felt::new(length));
        forged.rebalance();
        assert_eq!(forged.public[0], Felt::new(length));
        let digest = hash_elements(&elements(kept));
        let honest = sums(&elements(kept), point());
        stopped_by_bus(&forged, &[(absorbed(length, digest, point(), honest), -1)]);
    }
}

/// The number of blocks grows by one from row to row, so that a chain has a beginning.
#[test]
fn no_block_is_counted_twice_or_skipped() {
    let honest = rows_from(start(), &elements(3));
    for (k, block) in [(1, 0), (1, 2), (2, 1), (2, 3)] {
        let first = AbsorbRow { block, ..honest[k] };
        let rest = rows_from(first, &elements(3)[8 * k..]);
        let mut forged = three();
        replace(&mut forged, &[&honest[..k], &rest].concat());
        let length = block + (3 - k as u64);
        asks(&mut forged).scalars[1] = Felt::new(length);
        forged.rebalance();
        let findings = forged.findings();
        let needs = (read_by(&first), Felt::NEG_ONE);
        assert!(findings.unbalanced.contains(&needs));
        assert_eq!(
            findings.constraints(),
            [(ChipKind::Sum, "constant number of blocks")]
        );
    }
}

/// What `last` adds to the kind of the message must not make a cell of it, nor an entry of the program.
#[test]
fn a_block_gives_no_cell() {
    for kind in [1, 12, 16, 50] {
        let mut forged = three();
        let at = forged.rows(ChipKind::Absorb)[2];
        let cols = absorb::Cols::of_mut(forged.row_mut(at));
        // The lanes follow.
        let capacity: Word = cols.head.out.map(|x| x.exp_u64(7));
        let capacity: Word = std::array::from_fn(|j| capacity[j] - cols.last.difference[j]);
        cols.head.last = felt(kind - 14);
        let difference = cols.last.difference;
        let out: Word = std::array::from_fn(|j| {
            let chosen = capacity[j] + difference[j] * felt(kind - 14);
            chosen.exp_u64(plica_hash_rpo::constants::INV_ALPHA)
        });
        cols.head.out = out;
        cols.last.out_cubes = out.map(|x| x.cube());
        cols.head.mult = Felt::ZERO;
        // Not asked for, so nothing is missing but the constraint.
        let missing = absorbed(
            3,
            hash_elements(&elements(3)),
            point(),
            sums(&elements(3), point()),
        );
        let findings = forged.findings();
        assert_eq!(findings.unbalanced, [(missing, Felt::NEG_ONE)]);
        let honest = row_of(rows_from(start(), &elements(3)).last().expect("a row"));
        let mut table = honest;
        absorb::Cols::of_mut(&mut table).head.mult = Felt::ONE;
        forged.push(ChipKind::Absorb, table);
        forged.rebalance();
        stopped_by(&forged, ChipKind::Absorb, "last is boolean");
        let at = forged.rows(ChipKind::Absorb)[2];
        let given = forged.provided(at)[0].1;
        assert_eq!(given[0], kind as u64);
    }
}

/// Who asks at another point begins another message: the beginning that one row gives is of no use to others.
#[test]
fn a_beginning_belongs_to_its_point() {
    let elements = elements(3);
    let digest = hash_elements(&elements);
    let other = Point {
        x: felt(56),
        ..point()
    };
    let mut forged = three();
    let rows = rows_from(
        AbsorbRow {
            point: other,
            ..start()
        },
        &elements,
    );
    let both = [rows_from(start(), &elements), rows.clone()].concat();
    replace(&mut forged, &both);
    stopped_by_bus(&forged, &[(read_by(&rows[0]), -1)]);
    // The sums at the other point are no sums at this one.
    let lie = sums(&elements, other);
    show(&mut forged, lie);
    let findings = forged.findings();
    let needs = (absorbed(3, digest, point(), lie), Felt::NEG_ONE);
    assert!(findings.unbalanced.contains(&needs));
}

/// Free multiplicities are no attack: whatever rows about true messages are there, and however often, a false one is not read.
#[test]
fn rows_about_other_messages_do_no_harm() {
    let mut forged = three();
    let mut rows = rows_from(start(), &elements(3));
    for at in 0..24 {
        let mut other = elements(3);
        other[at] *= felt(3);
        rows.extend(rows_from(start(), &other));
        rows.extend(rows_from(start(), &other[..16]));
    }
    replace_and_pad(&mut forged, &rows);
    assert!(forged.findings().is_empty());
    assert_eq!(shown(&forged), sums(&elements(3), point()));
}
