//! Rule R12: what stops a look at a Merkle tree that shows another node than the tree has.

use p3_field::PrimeCharacteristicRing;
use plica_air::check::Message;
use plica_air::chip::ChipKind;
use plica_air::chips::node::head::NodeRow;
use plica_air::chips::{assert, boundary, change, node, tree, unpack};
use plica_air::code::{Entry, INPUT, Operand, validate};
use plica_field::{Felt, MODULUS, Word};
use plica_hash_rpo::merge;
use plica_vm::compile::Compiled;
use plica_vm::inputs::{Inputs, MerkleTree};

use super::forged::{Forged, compiled, felt, int, message, stopped_by, stopped_by_bus};
use super::proofs::refused;

/// [i, R, ..] → [V, R, ..] at depth 2.
const GET: &str = "begin push.2 mtree_get movup.15 drop movup.15 drop movup.15 drop end";
/// [i, R, V', ..] → [V, R', ..] at depth 2.
const SET: &str = "begin push.2 mtree_set end";
/// [V, i, R, ..]
const VERIFY: &str = "begin push.2 movdn.4 mtree_verify movup.4 drop end";
/// [i, R, ..] at the greatest depth that a row has.
const DEEP: &str = "begin push.63 mtree_get movup.15 drop movup.15 drop movup.15 drop end";

fn leaf(n: u64) -> Word {
    [10 + n, 20, 30, 40].map(Felt::new)
}

fn four() -> [Word; 4] {
    [0, 1, 2, 3].map(leaf)
}

/// The nodes above four leaves, and the root.
fn above([a, b, c, d]: [Word; 4]) -> ([Word; 2], Word) {
    let nodes = [merge([a, b]), merge([c, d])];
    (nodes, merge(nodes))
}

fn root(leaves: [Word; 4]) -> Word {
    above(leaves).1
}

/// Stack items, top first: words and numbers, a word with its last element on top.
fn on_stack(numbers: &[u64], words: &[Word]) -> Vec<Felt> {
    let words = words.iter().flat_map(|word| word.iter().rev());
    let numbers = numbers.iter().map(|&number| Felt::new(number));
    numbers.chain(words.copied()).collect()
}

fn run(compiled: Compiled, stack: Vec<Felt>, trees: Vec<MerkleTree>) -> Forged {
    let inputs = Inputs {
        merkle_store: trees,
        ..Inputs::from_stack(stack)
    };
    Forged::of(compiled, &inputs).expect("runs")
}

fn honest(source: &str, stack: Vec<Felt>, leaves: [Word; 4]) -> Forged {
    let trees = vec![MerkleTree::Full(leaves.to_vec())];
    run(compiled(source), stack, trees)
}

fn get(index: u64) -> Forged {
    honest(GET, on_stack(&[index], &[root(four())]), four())
}

fn set(index: u64, new: Word, leaves: [Word; 4]) -> Forged {
    honest(SET, on_stack(&[index], &[root(leaves), new]), leaves)
}

/// Word `n` of the outputs.
fn output(forged: &Forged, n: usize) -> Word {
    std::array::from_fn(|j| forged.public[16 + 4 * n + 3 - j])
}

/// The fact that a tree has a node at (level, index).
fn has(level: u64, index: u64, root: Word, node: Word) -> Message {
    let place = [12, level, index].map(Felt::new);
    message(&[&place[..], &root, &node].concat())
}

/// The fact that two trees have the same siblings on the way to (level, index).
fn alike(level: u64, index: u64, roots: [Word; 2]) -> Message {
    let place = [13, level, index].map(Felt::new);
    message(&[&place[..], roots.as_flattened()].concat())
}

fn look(forged: &mut Forged) -> &mut tree::Cols<Felt> {
    let at = forged.steps(ChipKind::Tree)[0];
    tree::Cols::of_mut(forged.row_mut(at))
}

/// Carries on a word that changes, to the public outputs.
fn carry(forged: &mut Forged, id: Felt, value: Word) {
    let mut lanes = Vec::new();
    for at in forged.rows(ChipKind::Unpack) {
        for fact in &mut unpack::Cols::of_mut(forged.row_mut(at)).facts {
            if fact.word_id == id {
                fact.word = value;
                lanes.push(fact.id);
            }
        }
    }
    lanes.dedup();
    for first in lanes {
        for (j, &element) in value.iter().enumerate() {
            forged.poison(Felt::ZERO, int(first) as u32 + j as u32, element);
        }
    }
    forged.rebalance();
}

/// The program shows this node.
fn show(forged: &mut Forged, node: Word) {
    let cols = look(forged);
    cols.node = node;
    let id = cols.id;
    carry(forged, id, node);
    assert_eq!(output(forged, 0), node);
}

/// The program ends with this root.
fn end_with(forged: &mut Forged, root: Word) {
    let cols = look(forged);
    cols.new_root = root;
    let id = cols.id + Felt::ONE;
    carry(forged, id, root);
    assert_eq!(output(forged, 1), root);
}

/// Puts a row about these children into the trace.
fn add(forged: &mut Forged, root: Word, level: u64, index: u64, children: [Word; 2]) {
    let mut row = vec![Felt::ZERO; ChipKind::Node.width()];
    let of = NodeRow {
        root,
        level,
        index,
        children,
        mults: [0; 2],
    };
    node::fill(node::Cols::of_mut(&mut row), &of);
    forged.push(ChipKind::Node, row);
}

/// Puts the rows about nodes into one table, as a proof has them, filled up with a row that is there already.
fn gather(forged: &mut Forged) {
    let kind = ChipKind::Node;
    let rows = forged.rows(kind).into_iter();
    let mut values: Vec<Felt> = rows.flat_map(|at| forged.row(at).to_vec()).collect();
    let mut last = values[values.len() - kind.width()..].to_vec();
    node::Cols::of_mut(&mut last).head.mults = [Felt::ZERO; 2];
    while !(values.len() / kind.width()).is_power_of_two() {
        values.extend(&last);
    }
    forged.tables.retain(|table| table.kind != kind);
    forged.push(kind, values);
    forged.rebalance();
}

/// Takes the rows about trees away.
fn clear(forged: &mut Forged, kind: ChipKind) {
    for at in forged.rows(kind).into_iter().rev() {
        forged.remove(at);
    }
}

#[test]
fn every_node_is_shown() {
    for index in 0..4 {
        let forged = get(index);
        assert_eq!(output(&forged, 0), leaf(index));
        assert_eq!(output(&forged, 1), root(four()));
        let mut leaves = four();
        leaves[index as usize] = leaf(9);
        let forged = set(index, leaf(9), four());
        assert_eq!(output(&forged, 0), leaf(index));
        assert_eq!(output(&forged, 1), root(leaves));
    }
}

#[test]
fn another_node_is_nobody_s() {
    for index in 0..4 {
        for lie in [leaf(index ^ 1), leaf(7), Word::default()] {
            let root = root(four());
            let missing = [
                (has(2, index, root, leaf(index)), 1),
                (has(2, index, root, lie), -1),
            ];
            // What is left over is asked for by nobody, so the attacker leaves it out.
            let missing = &missing[1..];
            let mut forged = get(index);
            show(&mut forged, lie);
            stopped_by_bus(&forged, missing);
            let mut forged = set(index, leaf(9), four());
            show(&mut forged, lie);
            stopped_by_bus(&forged, missing);
        }
    }
}

/// The attacker goes on to say that the node is where it is not, level by level up to the root.
#[test]
fn a_false_node_has_another_root() {
    let lie = leaf(7);
    let ([left, right], top) = above(four());
    let parent = merge([leaf(0), lie]);

    let mut forged = get(1);
    show(&mut forged, lie);
    add(&mut forged, top, 1, 0, [leaf(0), lie]);
    forged.rebalance();
    stopped_by_bus(&forged, &[(has(1, 0, top, parent), -1)]);

    // As if that were the digest which it is not.
    let mut claimed = forged.clone();
    let at = (claimed.tables.len() - 1, 0);
    node::Cols::of_mut(claimed.row_mut(at)).last.digest = left;
    claimed.rebalance();
    let findings = claimed.findings();
    assert_eq!(findings.unbalanced, []);
    let violated = findings.constraints();
    let rounds =
        |(kind, name): &(ChipKind, &str)| *kind == ChipKind::Node && name.starts_with("round 6");
    assert!(!violated.is_empty() && violated.iter().all(rounds));
    gather(&mut claimed);
    refused(&claimed);

    // The root would have to be another one, too.
    add(&mut forged, top, 0, 0, [parent, right]);
    forged.rebalance();
    let findings = forged.findings();
    assert_eq!(findings.unbalanced, []);
    let violated = findings.constraints();
    let of_top = |(kind, name): &(ChipKind, &str)| {
        *kind == ChipKind::Node && name.starts_with("top: element")
    };
    assert!(violated.len() == 4 && violated.iter().all(of_top));
    let mut gathered = forged.clone();
    gather(&mut gathered);
    refused(&gathered);

    // A row that is no top reads what it says about the root.
    let at = (forged.tables.len() - 1, 0);
    node::Cols::of_mut(forged.row_mut(at)).head.top = Felt::ZERO;
    forged.rebalance();
    let other = merge([parent, right]);
    stopped_by_bus(&forged, &[(has(0, 0, top, other), -1)]);
}

#[test]
fn a_tree_is_not_another_one() {
    let mut leaves = four();
    leaves[1] = leaf(9);
    let (old, new) = (root(four()), root(leaves));
    // Rows of the other tree are there, under its own name.
    let mut forged = get(1);
    let other = honest(GET, on_stack(&[1], &[new]), leaves);
    for at in other.rows(ChipKind::Node) {
        forged.push(ChipKind::Node, other.row(at).to_vec());
    }
    show(&mut forged, leaf(9));
    stopped_by_bus(&forged, &[(has(2, 1, old, leaf(9)), -1)]);
    // Under the name of this one.
    for at in forged.rows(ChipKind::Node) {
        let head = &mut node::Cols::of_mut(forged.row_mut(at)).head;
        if head.root == new {
            head.root = old;
        }
    }
    forged.rebalance();
    let violated = forged.findings().constraints();
    assert!(!violated.is_empty());
    assert!(
        violated
            .iter()
            .all(|(_, name)| name.starts_with("top: element"))
    );
}

#[test]
fn a_node_is_at_its_index() {
    for (index, other) in [(1, 0), (1, 2), (3, 1), (0, 3)] {
        let top = root(four());
        let mut forged = get(index);
        look(&mut forged).place[1] = Felt::new(other);
        forged.poison(Felt::ZERO, INPUT, Felt::new(other));
        forged.rebalance();
        assert_eq!(forged.public[0], Felt::new(other));
        assert_eq!(output(&forged, 0), leaf(index));
        stopped_by_bus(&forged, &[(has(2, other, top, leaf(index)), -1)]);
    }
}

/// A subtree as one that begins higher or lower, or elsewhere.
#[test]
fn a_node_is_on_its_level() {
    let ([left, _], top) = above(four());
    let lie = [leaf(0), leaf(1)];
    for (level, index) in [(0, 0), (2, 0), (1, 1)] {
        let mut forged = get(1);
        add(&mut forged, top, level, index, lie);
        let at = (forged.tables.len() - 1, 0);
        let head = &mut node::Cols::of_mut(forged.row_mut(at)).head;
        head.top = Felt::ZERO;
        head.mults = [Felt::ONE; 2];
        let findings = forged.findings();
        assert_eq!(findings.violations, []);
        let needs = (has(level, index, top, left), Felt::NEG_ONE);
        assert!(findings.unbalanced.contains(&needs));
    }
}

#[test]
fn a_constant_depth_is_that_of_the_program() {
    let ([left, _], top) = above(four());
    let mut forged = get(0);
    let cols = look(&mut forged);
    cols.place[0] = Felt::ONE;
    show(&mut forged, left);
    stopped_by(&forged, ChipKind::Tree, "constant depth");
    assert_eq!(output(&forged, 1), top);
}

/// A new root that is none, or one of a tree in which something else has changed as well.
#[test]
fn nothing_but_the_node_changes() {
    let (index, new) = (1, leaf(9));
    let top = root(four());
    let mut changed = four();
    changed[2] = leaf(8);
    let other = set(index, new, changed);
    let both = output(&other, 1);

    let mut forged = set(index, new, four());
    let right = output(&forged, 1);
    end_with(&mut forged, both);
    stopped_by_bus(
        &forged,
        &[
            (has(2, index, both, new), -1),
            (alike(2, index, [top, both]), -1),
        ],
    );
    // With the rows about that tree.
    for at in other.rows(ChipKind::Node) {
        forged.push(ChipKind::Node, other.row(at).to_vec());
    }
    forged.rebalance();
    stopped_by_bus(&forged, &[(alike(2, index, [top, both]), -1)]);
    // With the change that is claimed: a sibling is another one.
    for at in forged.rows(ChipKind::Change) {
        let cols = change::Cols::of_mut(forged.row_mut(at));
        for root in &mut cols.roots {
            if *root == right {
                *root = both;
            }
        }
    }
    forged.rebalance();
    let sibling = above(four()).0[1];
    stopped_by_bus(&forged, &[(has(1, 1, both, sibling), -1)]);
    let mut gathered = forged.clone();
    gather(&mut gathered);
    refused(&gathered);
    // A step that begins below it.
    for at in forged.rows(ChipKind::Change) {
        let cols = change::Cols::of_mut(forged.row_mut(at));
        if cols.level == Felt::ZERO {
            cols.mult = Felt::ZERO;
        } else {
            cols.top = Felt::ONE;
        }
    }
    let at = forged.rows(ChipKind::Change);
    let first = at.into_iter().find(|&at| {
        let cols = change::Cols::of(forged.row(at));
        cols.level == Felt::ZERO
    });
    forged.remove(first.expect("a step from the roots"));
    forged.rebalance();
    stopped_by(&forged, ChipKind::Change, "top: level 0");
}

/// A change that is not compared at all.
#[test]
fn siblings_are_compared() {
    let mut forged = set(1, leaf(9), four());
    let roots = [root(four()), output(&forged, 1)];
    clear(&mut forged, ChipKind::Change);
    forged.rebalance();
    stopped_by_bus(&forged, &[(alike(2, 1, roots), -1)]);
    // On the way to the wrong place.
    let mut forged = set(1, leaf(9), four());
    for at in forged.rows(ChipKind::Change) {
        let cols = change::Cols::of_mut(forged.row_mut(at));
        if cols.level == Felt::ONE {
            cols.side = Felt::ZERO;
        }
    }
    forged.rebalance();
    let findings = forged.findings();
    assert_eq!(findings.violations, []);
    assert!(
        findings
            .unbalanced
            .contains(&(alike(2, 1, roots), Felt::NEG_ONE))
    );
}

#[test]
fn what_is_verified_is_the_node() {
    let (_, top) = above(four());
    let mut words = on_stack(&[], &[leaf(2)]);
    words.extend(on_stack(&[2], &[top]));
    let mut forged = honest(VERIFY, words, four());
    // The last element, which is on top.
    forged.poison(Felt::ZERO, INPUT, felt(41));
    forged.rebalance();
    let findings = forged.findings();
    assert_eq!(findings.unbalanced, []);
    let violated = findings.constraints();
    assert_eq!(violated.len(), 1);
    assert!(violated[0].0 == ChipKind::Assert && violated[0].1.starts_with("equality"));
    let checks = forged.steps(ChipKind::Assert);
    assert!(!checks.is_empty());
    for &at in checks.iter().rev() {
        let cols = assert::Cols::of(forged.row(at));
        assert_eq!(cols.equal, [Felt::ONE; 2]);
        forged.remove(at);
        let at = forged.rows(ChipKind::Boundary)[0];
        boundary::Cols::of_mut(forged.row_mut(at)).clk -= Felt::ONE;
    }
    forged.rebalance();
    assert!(forged.findings().unbalanced.iter().all(|(m, _)| m[0] == 2));
}

/// Why no row may have a depth of 64: i and i + p have one name there, and a tree has a node at both.
#[test]
fn a_place_has_one_node_down_to_depth_63() {
    let index = 5;
    let trees = vec![MerkleTree::Sparse(vec![
        (index, leaf(0)),
        (index + MODULUS, leaf(1)),
    ])];
    let (upper, lower) = ([index, index + MODULUS].map(|i| i >> 63), 63);
    assert_eq!(upper, [0, 1]);
    let leaves = [leaf(0), leaf(1)];
    // By index, from the leaves up: the way to each, with the other one or an empty tree beside it.
    let mut empty = vec![Word::default()];
    for height in 0..64 {
        empty.push(merge([empty[height]; 2]));
    }
    let way = |which: usize| -> Vec<[Word; 2]> {
        let i = [index, index + MODULUS][which];
        let mut node = leaves[which];
        let mut pairs = Vec::new();
        for height in 0..lower {
            let sibling = empty[height];
            pairs.push(if i >> height & 1 == 1 {
                [sibling, node]
            } else {
                [node, sibling]
            });
            node = merge(pairs[height]);
        }
        pairs.push([node; 2]);
        pairs
    };
    let ways = [way(0), way(1)];
    let pair = [ways[0][lower][0], ways[1][lower][0]];
    let top = merge(pair);

    // A program with a look at depth 64.
    let mut deep = compiled(DEEP);
    let entries = deep.program.entries.iter_mut();
    let mut effects = entries.filter_map(|entry| match entry {
        Entry::Effect(effect) => Some(effect),
        _ => None,
    });
    let effect = effects.next().expect("a look");
    assert_eq!(effect.operands[1], Operand::Imm(Felt::new(63)));
    effect.operands[1] = Operand::Imm(Felt::new(64));
    drop(effects);
    assert!(validate(&deep.program).is_err(), "no key stands for it");

    let mut forged = run(deep, on_stack(&[index], &[top]), trees);
    assert_eq!(output(&forged, 0), leaf(0));
    show(&mut forged, leaf(1));
    clear(&mut forged, ChipKind::Node);
    let path = (index + MODULUS, &ways[1]);
    for level in 0..64u64 {
        let height = 63 - level as usize;
        let children = if level == 0 { pair } else { path.1[height] };
        // 64 − level bits of the index are below this row.
        let at = if level == 0 {
            0
        } else {
            path.0 >> (64 - level)
        };
        add(&mut forged, top, level, at, children);
    }
    forged.rebalance();
    assert_eq!(output(&forged, 0), leaf(1));
    assert!(forged.findings().is_empty(), "two nodes at one place");

    // At depth 63 there is no other way of that name.
    let mut forged = honest_deep(index, leaf(0));
    let top = output(&forged, 1);
    show(&mut forged, leaf(1));
    stopped_by_bus(&forged, &[(has(63, index, top, leaf(1)), -1)]);
}

fn honest_deep(index: u64, leaf: Word) -> Forged {
    // The left half of a tree of depth 64 is one of depth 63.
    let (mut node, mut empty) = (leaf, Word::default());
    for level in 0..63 {
        node = merge(if index >> level & 1 == 1 {
            [empty, node]
        } else {
            [node, empty]
        });
        empty = merge([empty; 2]);
    }
    let trees = vec![MerkleTree::Sparse(vec![(index, leaf)])];
    run(compiled(DEEP), on_stack(&[index], &[node]), trees)
}

/// A depth that is no constant is checked: the program excludes 65 and takes another way for 64.
#[test]
fn constant_depths_are_below_64() {
    for depth in [0, 64, 65, 1 << 32, MODULUS - 1] {
        for source in [GET, SET] {
            let mut code = compiled(source).program;
            assert_eq!(validate(&code), Ok(()));
            for entry in &mut code.entries {
                if let Entry::Effect(effect) = entry {
                    effect.operands[1] = Operand::Imm(Felt::new(depth));
                }
            }
            assert!(validate(&code).is_err(), "depth {depth}");
        }
    }
}

/// Nodes are there once, however many look at them.
#[test]
fn a_node_is_proven_once() {
    let rows = |forged: &Forged, kind| {
        let tables = forged.tables.iter().filter(|table| table.kind == kind);
        tables
            .map(|table| table.trace.values.len() / kind.width())
            .sum::<usize>()
    };
    // [R, i]
    let source = "begin repeat.8 dup.4 push.2 mtree_get dropw end end";
    let stack = [on_stack(&[], &[root(four())]), vec![Felt::ONE]].concat();
    let forged = honest(source, stack, four());
    assert_eq!(rows(&forged, ChipKind::Node), 2);
    assert_eq!(rows(&forged, ChipKind::Tree), 8);
}

/// Two tables of nodes, with padding that reads as its last row does, and steps that several changes share.
#[test]
fn many_nodes_take_two_tables() {
    let iteration = "push.5.6.7.8 swapw dup.8 push.16 mtree_set dropw movup.4 add.1 movdn.4";
    let source = format!("begin repeat.67 {iteration} end end");
    let empty = plica_vm::processor::MerkleStore::default();
    let root = empty.empty_root(16).expect("16 is not deep");
    let mut stack = on_stack(&[], &[root]);
    stack.push(Felt::new(1000));
    let forged = run(compiled(&source), stack, Vec::new());
    let tables = |kind| forged.tables.iter().filter(move |table| table.kind == kind);
    let heights = tables(ChipKind::Node).map(|table| table.trace.values.len() / node::WIDTH);
    let heights: Vec<usize> = heights.collect();
    assert_eq!(heights.len(), 2, "{heights:?}");
    assert_eq!(tables(ChipKind::Change).count(), 2);
    refuted_by_any_count(&forged);
}

/// Each multiplicity about trees is needed.
fn refuted_by_any_count(honest: &Forged) {
    for kind in [ChipKind::Node, ChipKind::Change] {
        let rows = honest.rows(kind);
        for &at in rows.iter().step_by(97).chain(rows.last()) {
            for (column, message) in honest.provided(at) {
                let mut forged = honest.clone();
                forged.row_mut(at)[column] += Felt::ONE;
                stopped_by_bus(&forged, &[(message, 1)]);
            }
        }
    }
}
