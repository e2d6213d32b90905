//! What stops a path that does not lead from the node to the root.
//!
//! The attacker gives whatever advice he likes. He runs the program with all of its checks taken away, which is what a prover that
//! ignores them does, and then says that the checks were there.

use p3_field::PrimeCharacteristicRing;
use plica_air::chip::ChipKind;
use plica_air::chips::{arith, assert, u32_mul, word_copy};
use plica_air::code::{ArithBundle, ArithOp, Entry, FactOp, HostOp, INPUT, Operand};
use plica_field::{Felt, MODULUS, Word};
use plica_hash_rpo::merge;
use plica_vm::compile::Compiled;
use plica_vm::inputs::{Inputs, MerkleTree};

use super::forged::{Forged, compiled, felt, stopped_by};
use super::proofs::refused;

/// [i, R, ..] → [V, R, ..] at depth 2.
const GET: &str = "begin push.2 mtree_get movup.15 drop movup.15 drop movup.15 drop end";
/// The same with the depth on the stack.
const GET_IN_LOOPS: &str = "begin mtree_get movup.15 drop movup.15 drop end";
const GET_AT_64: &str = "begin push.64 mtree_get movup.15 drop movup.15 drop movup.15 drop end";
/// [i, R, V', ..] → [V, R', ..] at depth 2.
const SET: &str = "begin push.2 mtree_set end";
/// [V, d, i, R, ..]
const VERIFY: &str = "begin mtree_verify end";

fn leaf(n: u64) -> Word {
    [10 + n, 20, 30, 40].map(Felt::new)
}

/// Four leaves, the nodes above them, the root.
fn tree(leaves: [Word; 4]) -> ([Word; 4], [Word; 2], Word) {
    let [a, b, c, d] = leaves;
    let above = [merge([a, b]), merge([c, d])];
    (leaves, above, merge(above))
}

/// The node and its siblings, in the order of the advice.
fn path(leaves: [Word; 4], index: usize) -> Vec<Word> {
    let (leaves, above, _) = tree(leaves);
    vec![leaves[index], leaves[index ^ 1], above[(index >> 1) ^ 1]]
}

fn four() -> [Word; 4] {
    [0, 1, 2, 3].map(leaf)
}

/// Stack items, top first: numbers and then words, each with its last element on top.
fn on_stack(numbers: &[u64], words: &[Word]) -> Vec<Felt> {
    let words = words.iter().flat_map(|word| word.iter().rev());
    let numbers = numbers.iter().map(|&number| Felt::new(number));
    numbers.chain(words.copied()).collect()
}

fn unchecked(honest: &Compiled) -> Compiled {
    let mut weak = honest.clone();
    for entry in &mut weak.program.entries {
        if let Entry::Assert(check) = entry {
            check.equal = [false; 2];
        }
    }
    let helps = [
        HostOp::PushPath { node: true },
        HostOp::PushPath { node: false },
    ];
    let actions = &mut weak.program.actions;
    actions.retain(|action| !helps.contains(&action.op) && action.op != HostOp::ReplaceNode);
    weak
}

/// A run of what is left of the program on this advice.
fn run(weak: Compiled, stack: Vec<Felt>, advice: &[Word]) -> Forged {
    let inputs = Inputs {
        advice_stack: advice.concat(),
        ..Inputs::from_stack(stack)
    };
    Forged::of(weak, &inputs).expect("nothing is checked")
}

/// Says that the checks were there.
fn claim(forged: &mut Forged, honest: &Compiled) {
    for at in forged.steps(ChipKind::Assert) {
        let pc = assert::Cols::of(forged.row(at)).pc;
        let entries = honest.program.entries.iter();
        let mut checks = entries.filter_map(|entry| match entry {
            Entry::Assert(check) if Felt::from_u32(check.pc) == pc => Some(check.equal),
            _ => None,
        });
        let equal = checks.next().expect("the same entries otherwise");
        assert::Cols::of_mut(forged.row_mut(at)).equal = equal.map(Felt::from_bool);
    }
    forged.pretend(honest.clone());
}

fn forge(source: &str, stack: Vec<Felt>, advice: &[Word]) -> Forged {
    let honest = compiled(source);
    let mut forged = run(unchecked(&honest), stack, advice);
    claim(&mut forged, &honest);
    forged
}

/// The first word of the outputs.
fn first(forged: &Forged) -> Word {
    std::array::from_fn(|j| forged.public[16 + 3 - j])
}

/// Only checks stop the attack, and they do.
#[track_caller]
fn stopped_by_checks(forged: &Forged) {
    let findings = forged.findings();
    assert_eq!(findings.unbalanced, []);
    assert!(!findings.violations.is_empty());
    for (kind, name) in findings.constraints() {
        assert!(
            kind == ChipKind::Assert && name.starts_with("equality"),
            "{kind:?} {name}"
        );
    }
}

#[test]
fn honest_advice_needs_no_host() {
    let (leaves, _, root) = tree(four());
    for index in 0..4 {
        let advice = path(four(), index);
        let i = index as u64;
        let runs = [
            (GET, on_stack(&[i], &[root])),
            (GET_IN_LOOPS, on_stack(&[2, i], &[root])),
            (SET, on_stack(&[i], &[root, leaf(9)])),
        ];
        for (source, stack) in runs {
            let forged = forge(source, stack, &advice);
            assert!(forged.findings().is_empty(), "{source}");
            assert_eq!(first(&forged), leaves[index]);
        }
    }
}

/// At every level, of every instruction.
#[test]
fn a_wrong_node_or_sibling_leads_to_another_root() {
    let (leaves, _, root) = tree(four());
    for index in 0..4 {
        let i = index as u64;
        for place in 0..3 {
            for lane in 0..4 {
                let mut advice = path(four(), index);
                advice[place][lane] += Felt::ONE;
                let runs = [
                    (GET, on_stack(&[i], &[root])),
                    (GET_IN_LOOPS, on_stack(&[2, i], &[root])),
                    (SET, on_stack(&[i], &[root, leaf(9)])),
                ];
                for (source, stack) in runs {
                    let forged = forge(source, stack, &advice);
                    assert_eq!(first(&forged) == leaves[index], place > 0);
                    stopped_by_checks(&forged);
                }
                // What is verified is on the stack.
                let mut node = leaves[index];
                let mut advice = path(four(), index);
                match place {
                    0 => node[lane] += Felt::ONE,
                    _ => advice[place][lane] += Felt::ONE,
                }
                let mut stack = on_stack(&[], &[node]);
                stack.extend(on_stack(&[2, i], &[root]));
                stopped_by_checks(&forge(VERIFY, stack, &advice[1..]));
            }
        }
    }
}

#[test]
fn a_node_is_on_the_side_that_the_index_says() {
    let (_, _, root) = tree(four());
    for index in 0..4 {
        for other in (0..4).filter(|&other| other != index) {
            let i = index as u64;
            let advice = path(four(), other);
            stopped_by_checks(&forge(GET, on_stack(&[i], &[root]), &advice));
            stopped_by_checks(&forge(GET_IN_LOOPS, on_stack(&[2, i], &[root]), &advice));
            let stack = on_stack(&[i], &[root, leaf(9)]);
            stopped_by_checks(&forge(SET, stack, &advice));
        }
    }
}

/// The gates of the other side, with the index of this one.
#[test]
fn a_wrong_bit_opens_no_gate() {
    let [left, right] = [leaf(0), leaf(1)];
    let root = merge([left, right]);
    let source = "begin push.1 mtree_get movup.15 drop movup.15 drop movup.15 drop end";
    let mut forged = forge(source, on_stack(&[1], &[root]), &[right, left]);
    assert!(forged.findings().is_empty());
    forged.poison(Felt::ZERO, INPUT, Felt::ZERO);
    assert_eq!((forged.public[0], first(&forged)), (Felt::ZERO, right));
    stopped_by(&forged, ChipKind::WordCopy, "gate");
    // With the gates closed nothing is hashed.
    for at in forged.rows(ChipKind::WordCopy) {
        let cols = word_copy::Cols::of_mut(forged.row_mut(at));
        assert_eq!((cols.y, cols.bit), (Felt::ZERO, Felt::ONE));
        cols.bit = Felt::ZERO;
    }
    forged.rebalance();
    let findings = forged.findings();
    assert_eq!(findings.violations, []);
    assert!(findings.unbalanced.iter().any(|(m, _)| m[0] == 49));
}

/// The tree before a change is no longer what the root says, and after it the root says nothing about the old one.
#[test]
fn a_root_is_of_one_tree() {
    let mut changed = four();
    changed[1] = leaf(9);
    let [(_, _, old), (_, _, new)] = [four(), changed].map(tree);
    for (leaves, root) in [(four(), new), (changed, old)] {
        for index in 0..4 {
            let advice = path(leaves, index);
            let i = index as u64;
            let stack = on_stack(&[i], &[root, leaf(8)]);
            let set = forge(SET, stack, &advice);
            let get = forge(GET, on_stack(&[i], &[root]), &advice);
            stopped_by_checks(&set);
            stopped_by_checks(&get);
        }
    }
}

/// A change of one leaf that changes another one with it: the new root is made with the siblings of the old one.
#[test]
fn nothing_but_the_node_changes() {
    let mut changed = four();
    changed[2] = leaf(9);
    let (_, _, root) = tree(four());
    let forged = forge(SET, on_stack(&[0], &[root, leaf(8)]), &path(changed, 0));
    let mut both = changed;
    both[0] = leaf(8);
    let claimed: Word = std::array::from_fn(|j| forged.public[16 + 7 - j]);
    assert_eq!(claimed, tree(both).2);
    stopped_by_checks(&forged);
    refused(&forged);
}

/// Index 4 and the like are not 0 at depth 2, nor is anything at depth 65.
#[test]
fn there_is_nothing_beyond_the_tree() {
    let (_, _, root) = tree(four());
    for i in [4, 8, 1 << 32, MODULUS - 4] {
        let advice = path(four(), 0);
        stopped_by_checks(&forge(GET_IN_LOOPS, on_stack(&[2, i], &[root]), &advice));
        if i < 1 << 32 {
            stopped_by_checks(&forge(GET, on_stack(&[i], &[root]), &advice));
        }
    }
    for depth in [33, 64, 65, 96] {
        let advice: Vec<Word> = (0..=depth).map(leaf).collect();
        let root = advice[1..]
            .iter()
            .fold(advice[0], |node, &s| merge([node, s]));
        let forged = forge(GET_IN_LOOPS, on_stack(&[depth, 0], &[root]), &advice);
        match depth > 64 {
            true => stopped_by_checks(&forged),
            false => assert!(forged.findings().is_empty()),
        }
    }
}

/// i and i + p have the same residue, and both have 64 bits: only the smaller one is the index.
#[test]
fn an_index_is_canonical() {
    let index = 5;
    let bits = index + MODULUS;
    let honest = compiled(GET_AT_64);
    let split = |entry: &Entry| matches!(entry, Entry::Fact(fact) if fact.op == FactOp::Split);
    let at = honest.program.entries.iter().position(split);
    let at = at.expect("the index is split");
    let Entry::Fact(fact) = honest.program.entries[at] else {
        unreachable!("a split")
    };
    let Operand::Cell(a) = fact.operands[0] else {
        unreachable!("of the index")
    };
    // The bits of i + p, from constants that the program does not have.
    let halves = [bits & 0xffff_ffff, bits >> 32].map(Felt::new);
    let mut weak = unchecked(&honest);
    let b = Felt::TWO;
    let ops = halves.map(|half| ArithOp::Affine {
        a,
        b,
        w: half.halve(),
    });
    weak.program.entries[at] = Entry::Arith(ArithBundle { id: fact.id, ops });

    let advice: Vec<Word> = (0..=64).map(leaf).collect();
    let root = advice[1..]
        .iter()
        .zip(0..)
        .fold(advice[0], |node, (&sibling, level)| {
            merge(if bits >> level & 1 == 1 {
                [sibling, node]
            } else {
                [node, sibling]
            })
        });
    let mut forged = run(weak, on_stack(&[index], &[root]), &advice);
    // Their rows become copies of others that nobody reads.
    let rows = forged.rows(ChipKind::Arith);
    let is_theirs = |bundle: &arith::Bundle<Felt>| bundle.id == Felt::from_u32(fact.id);
    let mut bundles = rows
        .iter()
        .flat_map(|&at| arith::Cols::of(forged.row(at)).bundles);
    let mut other = bundles
        .find(|bundle| !is_theirs(bundle))
        .expect("constants");
    other
        .lanes
        .iter_mut()
        .for_each(|lane| lane.mult = Felt::ZERO);
    for at in rows {
        let bundles = &mut arith::Cols::of_mut(forged.row_mut(at)).bundles;
        for bundle in bundles.iter_mut().filter(|bundle| is_theirs(bundle)) {
            *bundle = other;
        }
    }
    // The row of the split, from an honest run, with these halves.
    let sparse = vec![MerkleTree::Sparse(vec![(index, leaf(0))])];
    let inputs = Inputs {
        merkle_store: sparse,
        ..Inputs::from_stack(on_stack(&[index], &[sparse_root(index, leaf(0))]))
    };
    let other = Forged::of(honest.clone(), &inputs).expect("runs");
    for kind in [ChipKind::U32Mul, ChipKind::Limbs] {
        if forged.rows(kind).is_empty() {
            let table = other.tables.iter().find(|table| table.kind == kind);
            forged
                .tables
                .push(table.expect("an honest run has it").clone());
        }
    }
    for at in forged.rows(ChipKind::U32Mul) {
        for cols in &mut u32_mul::Cols::of_mut(forged.row_mut(at)).facts {
            assert_eq!(
                (cols.a, cols.id),
                (felt(index as i64), Felt::from_u32(fact.id))
            );
            let limbs = |half: u64| [half & 0xfff, half >> 12 & 0xfff, half >> 24].map(Felt::new);
            cols.low = limbs(bits & 0xffff_ffff);
            cols.high = limbs(bits >> 32);
        }
    }
    claim(&mut forged, &honest);
    forged.rebalance();
    assert_eq!(
        (forged.public[0], first(&forged)),
        (felt(index as i64), leaf(0))
    );
    let findings = forged.findings();
    assert_eq!(findings.unbalanced, []);
    let violated = findings.constraints();
    let canonical =
        |(kind, name): &(ChipKind, &str)| *kind == ChipKind::U32Mul && name.ends_with("canonical");
    assert!(
        !violated.is_empty() && violated.iter().all(canonical),
        "{violated:?}"
    );
}

/// The root of the tree of depth 64 with this leaf and zeros.
fn sparse_root(index: u64, leaf: Word) -> Word {
    let (mut node, mut empty) = (leaf, Word::default());
    for level in 0..64 {
        node = merge(if index >> level & 1 == 1 {
            [empty, node]
        } else {
            [node, empty]
        });
        empty = merge([empty; 2]);
    }
    node
}
