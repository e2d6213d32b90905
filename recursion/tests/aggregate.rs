//! Aggregation: leaves of different programs, nodes over leaves and nodes, and what a node does not prove.

use std::sync::OnceLock;

use plica_field::{Felt, Word};
use plica_fri::{Model, Profile, SecurityTarget, VerifyingKey};
use plica_recursion::aggregate::{
    Aggregator, Child, ChildError, ClaimTree, Compressor, NodeError, node_claim, verify_compressed,
    verify_root,
};
use plica_vm::compile::compile;
use plica_vm::inputs::Inputs;
use plica_vm::prover::{Proven, prove, setup};
use plica_vm::syntax::{NoModules, parse_program};

const MAX_CYCLES: u64 = 1 << 28;

/// Few queries: what is tested is which steps the program takes, not how often.
const TARGET: SecurityTarget = SecurityTarget {
    model: Model::Conjectured,
    bits: 20,
};

fn profile() -> Profile {
    Profile {
        query_pow_bits: 1,
        ..Profile::LIFTED
    }
}

struct Leaf {
    key: VerifyingKey,
    proven: Proven,
}

impl Leaf {
    fn new(source: &str, stack: &[u64], target: SecurityTarget) -> Self {
        let program = parse_program(source, "leaf", &NoModules).expect("parses");
        let compiled = compile(&program).expect("compiles");
        let (proving, key) = setup(&compiled, &profile(), target).expect("keys");
        let stack: Vec<Felt> = stack.iter().map(|&v| Felt::new(v)).collect();
        let inputs = Inputs::from_stack(stack);
        let proven = prove(&compiled, &proving, &inputs, MAX_CYCLES, target).expect("a proof");
        Self { key, proven }
    }

    fn child(&self) -> Child<'_> {
        child(&self.key, &self.proven)
    }

    fn tree(&self) -> ClaimTree {
        ClaimTree::leaf(self.proven.claim)
    }
}

fn child<'a>(key: &'a VerifyingKey, proven: &'a Proven) -> Child<'a> {
    Child {
        key,
        claim: &proven.claim,
        proof: &proven.proof,
    }
}

/// Programs with few tables and many, low and high ones.
fn leaves() -> &'static [Leaf] {
    static LEAVES: OnceLock<Vec<Leaf>> = OnceLock::new();
    LEAVES.get_or_init(|| {
        [
            ("begin add mul end", &[3, 4, 5][..]),
            ("begin repeat.700 dup.1 add swap end end", &[1, 2]),
            (
                "begin u32split u32wrapping_add.7 mem_store.3 hmerge end",
                &[9],
            ),
        ]
        .map(|(source, stack)| Leaf::new(source, stack, TARGET))
        .into()
    })
}

fn aggregator() -> &'static Aggregator {
    static AGGREGATOR: OnceLock<Aggregator> = OnceLock::new();
    AGGREGATOR.get_or_init(|| Aggregator::under(&profile(), TARGET).expect("attainable"))
}

#[test]
fn nodes_over_leaves_and_nodes() {
    let aggregator = aggregator();
    let [a, b, c] = leaves() else { unreachable!() };
    let key = aggregator.key();
    let inner = aggregator
        .prove(&[a.child(), b.child()])
        .expect("a node over leaves");
    let inner_tree = ClaimTree::Node(vec![a.tree(), b.tree()]);
    verify_root(key, &inner_tree, &inner.proof, TARGET).expect("a root");
    // A node beside a leaf, and one level more over a single node.
    let outer = aggregator
        .prove(&[child(key, &inner), c.child()])
        .expect("a node over a node and a leaf");
    let tree = ClaimTree::Node(vec![inner_tree.clone(), c.tree()]);
    verify_root(key, &tree, &outer.proof, TARGET).expect("a root");
    let top = aggregator
        .prove(&[child(key, &outer)])
        .expect("a third level");
    let top_tree = ClaimTree::Node(vec![tree.clone()]);
    verify_root(key, &top_tree, &top.proof, TARGET).expect("a root");
    assert_eq!((top_tree.nodes(), top_tree.depth()), (3, 3));

    // Nothing can be dropped, repeated, reordered, regrouped or replaced.
    let node = ClaimTree::Node;
    for wrong in [
        node(vec![inner_tree.clone()]),
        node(vec![inner_tree.clone(), c.tree(), c.tree()]),
        node(vec![c.tree(), inner_tree.clone()]),
        node(vec![a.tree(), b.tree(), c.tree()]),
        node(vec![inner_tree.clone(), a.tree()]),
        node(vec![node(vec![b.tree(), a.tree()]), c.tree()]),
        inner_tree.clone(),
        top_tree,
    ] {
        assert!(verify_root(key, &wrong, &outer.proof, TARGET).is_err());
    }
    // Nor does a root prove anything under another key.
    assert!(verify_root(&a.key, &tree, &outer.proof, TARGET).is_err());

    // Compressed it proves the tree over its own, under a key of its own, about this aggregator.
    let few_queries = Profile {
        log_blowup: 4,
        query_pow_bits: 1,
        ..Profile::SMALL
    };
    let compressor = Compressor::under(&few_queries, aggregator).expect("attainable");
    let proof = compressor
        .compress(&child(key, &outer))
        .expect("a proof")
        .proof;
    let tree = ClaimTree::Node(vec![tree]);
    let verify = |key, own, tree: &ClaimTree| verify_compressed(key, own, tree, &proof, TARGET);
    let (small, own) = (compressor.key(), key.digest());
    verify(small, own, &tree).expect("a compressed root");
    for wrong in [inner_tree, ClaimTree::Node(vec![tree.clone()])] {
        assert!(verify(small, own, &wrong).is_err());
    }
    assert!(verify(key, own, &tree).is_err());
    assert!(verify(small, small.digest(), &tree).is_err());
    assert!(verify_root(small, &tree, &proof, TARGET).is_err());
    // No node takes it.
    let claim = node_claim(own, tree.digest());
    let compressed = Child {
        key: small,
        claim: &claim,
        proof: &proof,
    };
    assert!(aggregator.prove(&[compressed]).is_err());
}

#[test]
fn a_node_that_lies_stops() {
    let aggregator = aggregator();
    let [a, b, _] = leaves() else { unreachable!() };
    let honest = aggregator.inputs(&[a.child(), b.child()]).expect("valid");
    let run = |inputs: &Inputs| aggregator.compiled().run(inputs, MAX_CYCLES).is_ok();
    assert!(run(&honest));
    // Another tree, another key.
    for item in 0..8 {
        let mut inputs = honest.clone();
        inputs.operand_stack[item] += Felt::new(1);
        // The own key matters only where there are nodes below; a root with a wrong one is refused by its verifier.
        assert_eq!(run(&inputs), item < 4, "item {item}");
    }
    // One child more or less, and what is said of the first one: key, public values, whether it is a node.
    for place in (0..1 + 4 + 32 + 1).chain([37]) {
        let mut inputs = honest.clone();
        inputs.advice_stack[place] += Felt::new(1);
        assert!(!run(&inputs), "place {place}");
    }
    // A leaf that claims to be a node of the tree that its stack names.
    let own = aggregator.key().digest();
    let fake = Leaf::new(
        "begin swapw swapw end",
        &own.iter()
            .rev()
            .map(plica_field::p3::PrimeField64::as_canonical_u64)
            .chain([1, 2, 3, 4])
            .collect::<Vec<_>>(),
        TARGET,
    );
    assert_eq!(aggregator.node_of(&fake.child()), None);
    let mut inputs = aggregator.inputs(&[fake.child()]).expect("valid");
    assert!(run(&inputs));
    assert_eq!(inputs.advice_stack[37], Felt::new(0));
    inputs.advice_stack[37] = Felt::new(1);
    assert!(!run(&inputs));
    let tree: Word = [4, 3, 2, 1].map(Felt::new);
    let digest = node_claim(own, tree);
    assert_ne!(digest.key, fake.proven.claim.key);
}

#[test]
fn a_node_with_another_key_on_its_stack_is_no_node() {
    let aggregator = aggregator();
    let [a, ..] = leaves() else { unreachable!() };
    // The program of nodes run with another word for its own key: what it calls nodes are other proofs.
    let mut inputs = aggregator.inputs(&[a.child()]).expect("valid");
    inputs.operand_stack[0] += Felt::new(1);
    let (proving, key) = setup(aggregator.compiled(), &profile(), TARGET).expect("keys");
    let proven = prove(aggregator.compiled(), &proving, &inputs, MAX_CYCLES, TARGET)
        .expect("the word is used only for children that say they are nodes");
    assert_eq!(key.digest(), aggregator.key().digest());
    let fake = child(&key, &proven);
    assert_eq!(aggregator.node_of(&fake), None);
    let mut inputs = aggregator.inputs(&[fake]).expect("a leaf like any other");
    let run = |inputs: &Inputs| aggregator.compiled().run(inputs, MAX_CYCLES).is_ok();
    assert!(run(&inputs));
    inputs.advice_stack[37] = Felt::new(1);
    assert!(!run(&inputs));
}

#[test]
fn what_cannot_be_aggregated() {
    let aggregator = aggregator();
    let [a, b, _] = leaves() else { unreachable!() };
    assert!(matches!(aggregator.inputs(&[]), Err(NodeError::Empty)));
    let swapped = Child {
        claim: &b.proven.claim,
        ..a.child()
    };
    assert!(matches!(
        aggregator.inputs(&[b.child(), swapped]),
        Err(NodeError::Child {
            index: 1,
            reason: ChildError::OtherKey { .. }
        })
    ));
    let mut other = a.proven.claim;
    other.outputs[0] += Felt::new(1);
    let wrong = Child {
        claim: &other,
        ..a.child()
    };
    assert!(matches!(
        aggregator.inputs(&[wrong]),
        Err(NodeError::Child {
            index: 0,
            reason: ChildError::Rejected(_)
        })
    ));
    let strong = Leaf::new(
        "begin add end",
        &[1, 2],
        SecurityTarget { bits: 24, ..TARGET },
    );
    assert!(matches!(
        aggregator.inputs(&[strong.child()]),
        Err(NodeError::Child {
            index: 0,
            reason: ChildError::Target { .. }
        })
    ));
    let program = parse_program("begin add end", "leaf", &NoModules).expect("parses");
    let compiled = compile(&program).expect("compiles");
    let (proving, key) = setup(&compiled, &Profile::COMPACT, TARGET).expect("keys");
    let inputs = Inputs::from_stack(vec![Felt::new(1)]);
    let proven = prove(&compiled, &proving, &inputs, MAX_CYCLES, TARGET).expect("a proof");
    assert!(matches!(
        aggregator.inputs(&[child(&key, &proven)]),
        Err(NodeError::Child {
            index: 0,
            reason: ChildError::Profile(_)
        })
    ));
}
