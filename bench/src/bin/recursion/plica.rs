//! Plica's layers: two leaves, a node over each, a node over a node, and a node over both nodes.
//!
//! The last two have children of the same kind, so that one layer and two-to-one compare. The two nodes are different proofs: of one proof
//! twice, the machine would verify the common paths once.

use plica::aggregate::{Aggregator, Child, ClaimTree, verify_root};
use plica::{Profile, Proven, SecurityTarget};
use plica_bench::load;
use plica_fri::VerifyingKey;
use plica_fri::lifted::Layout;
use plica_vm::prover::machine;

use crate::stage::{LEAF, OVER_LAYER, OVER_LEAF, OVER_TWO, Stage};
use crate::usage::{Cost, peak, timed};

/// Verifications of a proof; the median counts.
const VERIFICATIONS: usize = 5;

/// Measures all stages and prints each when it is there.
///
/// # Errors
/// What failed: nothing should.
pub(crate) fn measure(target: SecurityTarget, leaves: &[String; 2]) -> Result<(), String> {
    let [first, second] = leaves;
    let [first, second] = [Leaf::prove(first, target)?, Leaf::prove(second, target)?];
    first.report(target)?;

    let (aggregator, setup) = timed(|| Aggregator::new(target));
    let aggregator = aggregator.map_err(|error| error.to_string())?;
    let nodes = Nodes { aggregator, setup };
    let over_leaf = nodes.prove(OVER_LEAF, vec![first.tree()], &[first.child()])?;
    let other = nodes.prove("over another leaf", vec![second.tree()], &[second.child()])?;
    let children = [&over_leaf, &other].map(|node| nodes.child(node));
    let trees = [&over_leaf, &other].map(|node| node.tree.clone());
    nodes.prove(OVER_LAYER, trees[..1].to_vec(), &children[..1])?;
    nodes.prove(OVER_TWO, trees.to_vec(), &children)?;
    Ok(())
}

struct Leaf {
    key: VerifyingKey,
    proven: Proven,
    setup: Cost,
    prove: Cost,
}

impl Leaf {
    fn prove(name: &str, target: SecurityTarget) -> Result<Self, String> {
        let (program, inputs) = load(name);
        let (keys, setup) = timed(|| program.setup(&Profile::LIFTED, target));
        let (proving, key) = keys.map_err(|error| error.to_string())?;
        let (proven, prove) = timed(|| program.prove(&proving, &inputs));
        Ok(Self {
            key,
            proven: proven.map_err(|error| error.to_string())?,
            setup,
            prove,
        })
    }

    fn tree(&self) -> ClaimTree {
        ClaimTree::leaf(self.proven.claim)
    }

    fn child(&self) -> Child<'_> {
        Child {
            key: &self.key,
            claim: &self.proven.claim,
            proof: &self.proven.proof,
        }
    }

    fn report(&self, target: SecurityTarget) -> Result<(), String> {
        let Proven { claim, proof, .. } = &self.proven;
        report(LEAF, &self.proven, [self.setup, self.prove], || {
            plica::verify(&self.key, claim, proof, target)
                .map(drop)
                .map_err(|error| error.to_string())
        })
    }
}

struct Node {
    tree: ClaimTree,
    proven: Proven,
}

struct Nodes {
    aggregator: Aggregator,
    setup: Cost,
}

impl Nodes {
    fn child<'a>(&'a self, node: &'a Node) -> Child<'a> {
        Child {
            key: self.aggregator.key(),
            claim: &node.proven.claim,
            proof: &node.proven.proof,
        }
    }

    fn prove(
        &self,
        stage: &str,
        trees: Vec<ClaimTree>,
        children: &[Child<'_>],
    ) -> Result<Node, String> {
        let (proven, prove) = timed(|| self.aggregator.prove(children));
        let proven = proven.map_err(|error| error.to_string())?;
        let tree = ClaimTree::Node(trees);
        let key = self.aggregator.key();
        report(stage, &proven, [self.setup, prove], || {
            verify_root(key, &tree, &proven.proof, key.target())
                .map(drop)
                .map_err(|error| error.to_string())
        })?;
        Ok(Node { tree, proven })
    }
}

/// Measures what is left to measure, and prints.
fn report(
    stage: &str,
    Proven { proof, report, .. }: &Proven,
    [setup, prove]: [Cost; 2],
    verify: impl Fn() -> Result<(), String>,
) -> Result<(), String> {
    let peak = peak();
    let mut times = Vec::new();
    for _ in 0..VERIFICATIONS {
        let (accepted, time) = timed(&verify);
        accepted?;
        times.push(time.wall);
    }
    times.sort_by(f64::total_cmp);
    let layout = Layout::new(machine(), &Profile::LIFTED, proof.instances());
    let segments = layout.trees.iter().flat_map(|tree| &tree.segments);
    let cells = segments.map(|segment| (segment.width as u64) << segment.log_height);
    let stage = Stage {
        stage: stage.to_owned(),
        setup: Some(setup.wall),
        prove: prove.wall,
        cpu: prove.cpu,
        verify: Some(times[VERIFICATIONS / 2]),
        queries: Some(report.queries),
        log_rows: Some(layout.log_height as u32),
        cells: Some(cells.sum()),
        bytes: Some(proof.to_bytes().len() as u64),
        compressed: None,
        peak,
    };
    let line = serde_json::to_string(&stage).map_err(|error| error.to_string())?;
    println!("{line}");
    Ok(())
}
