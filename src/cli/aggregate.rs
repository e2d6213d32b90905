//! `plica aggregate`, and `plica verify` for what it writes.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use plica::aggregate::{Aggregator, Child, ClaimTree, NodeError, Origin, Plan, Step, node_claim};
use plica::{Analysis, Error, Plica, Prediction, Profile, Proof, format_word};
use serde_json::json;

use super::args::{AggregateArgs, VerifyArgs};
use super::library::{Given, Library};
use super::progress::Progress;
use super::root::{Root, Union};
use super::{files, output};

type Result<T> = std::result::Result<T, Error>;

/// What verifying a child costs beside its columns, as columns (`docs/performance.md`).
const CONSTANT_PART: usize = 150;

/// The files that the arguments mean.
fn proofs(arguments: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut proofs = Vec::new();
    for path in arguments {
        if path.is_dir() {
            let found = files::with_extension(path, "proof")?;
            if found.is_empty() {
                return Err(Error::NoProofs { path: path.clone() });
            }
            proofs.extend(found);
        } else {
            proofs.push(path.clone());
        }
    }
    Ok(proofs)
}

/// Makes nodes out of files.
struct Worker<'a> {
    aggregator: &'a Aggregator,
    library: Library,
    proofs: &'a [PathBuf],
    plan: &'a Plan,
    folder: PathBuf,
    /// By proof that was given: its columns, once it has been checked.
    columns: Vec<usize>,
}

impl Worker<'_> {
    fn path_of(&self, step: &Step) -> PathBuf {
        self.folder
            .join(format!("{}.proof", &format_word(&step.digest)[2..]))
    }

    /// Whether a node is there already. One that was damaged is made again.
    fn is_kept(&self, step: &Step) -> bool {
        let path = self.path_of(step);
        let key = self.aggregator.key();
        let claim = node_claim(key.digest(), step.digest);
        path.exists()
            && files::proof(&path)
                .is_ok_and(|proof| plica::verify(key, &claim, &proof, key.target()).is_ok())
    }

    fn load(&mut self, origin: Origin) -> Result<(PathBuf, Given)> {
        match origin {
            Origin::Given(index) => {
                let path = self.proofs[index].clone();
                let given = self.library.load(&path)?;
                Ok((path, given))
            }
            Origin::Step(index) => {
                let step = &self.plan.steps[index];
                let path = self.path_of(step);
                let key = self.aggregator.key().clone();
                let claim = node_claim(key.digest(), step.digest);
                let proof = files::proof(&path)?;
                Ok((path, Given { key, claim, proof }))
            }
        }
    }

    /// Checks a proof that was given.
    fn check(&mut self, index: usize) -> Result<()> {
        let (path, given) = self.load(Origin::Given(index))?;
        let checked = self.aggregator.check(&given.child());
        checked.map_err(|reason| Error::Child { path, reason })?;
        self.columns
            .push(plica::columns(&given.proof).unwrap_or_default());
        Ok(())
    }

    /// Does something with the children of a node; errors name their files.
    fn with_children<T>(
        &mut self,
        children: &[Origin],
        act: impl FnOnce(&Aggregator, &[Child<'_>]) -> std::result::Result<T, NodeError>,
    ) -> Result<T> {
        let loaded = children.iter().map(|&origin| self.load(origin));
        let loaded = loaded.collect::<Result<Vec<_>>>()?;
        let children: Vec<_> = loaded.iter().map(|(_, given)| given.child()).collect();
        act(self.aggregator, &children).map_err(|error| match error {
            NodeError::Child { index, reason } => {
                let path = loaded[index].0.clone();
                Error::Child { path, reason }
            }
            other => Error::Node(other),
        })
    }

    fn analyze(&mut self, children: &[Origin], profile: &Profile) -> Result<Analysis> {
        self.with_children(children, |aggregator, children| {
            Plica::analyze_node(aggregator, children, profile)
        })
    }

    /// What the missing nodes cost, and the last step.
    ///
    /// The first node whose children are all there is run. What a child costs grows with its columns, and a node has those of that one.
    fn predict(&mut self, missing: &[&Step], compress: bool) -> Result<Prediction> {
        let (mut seconds, mut bytes) = (0.0, 0);
        // What comes nearest to the root, and how much more the root costs.
        let steps = 0..self.plan.steps.len();
        let kept = steps.rev().find(|&index| {
            let step = &self.plan.steps[index];
            !missing.iter().any(|other| std::ptr::eq(*other, step))
        });
        let (mut nearest, mut scale) = (kept.map(Origin::Step), 1.0);
        if let Some(first) = missing.first() {
            let node = self.analyze(&first.children, &Profile::LIFTED)?;
            let of_node = node.columns();
            let weight = |child: &Origin| {
                let columns = match *child {
                    Origin::Given(index) => self.columns[index],
                    Origin::Step(_) => of_node,
                };
                (columns + CONSTANT_PART) as f64
            };
            let of_step = |step: &Step| step.children.iter().map(weight).sum::<f64>();
            let weights = missing.iter().map(|step| of_step(step) / of_step(first));
            seconds = node.prediction.seconds * weights.clone().sum::<f64>();
            bytes = (node.prediction.bytes as f64 * weights.fold(1.0, f64::max)) as u64;
            if nearest.is_none() {
                let child = first.children[0];
                scale = (of_node + CONSTANT_PART) as f64 / weight(&child);
                nearest = Some(child);
            }
        }
        if let (true, Some(child)) = (compress, nearest) {
            let last = self.analyze(&[child], &Profile::SMALL)?.prediction;
            seconds += scale * last.seconds;
            bytes = bytes.max((scale * last.bytes as f64) as u64);
        }
        Ok(Prediction { seconds, bytes })
    }
}

pub(super) fn aggregate(args: &AggregateArgs) -> Result<()> {
    let start = Instant::now();
    let progress = Progress::start(args.json);
    progress.phase("reading");
    let proofs = proofs(&args.proofs)?;
    let target = args.security.0;
    let library = Library::new(&args.keys, target);
    let trees = proofs.iter().map(|path| library.tree(path));
    let trees = trees.collect::<Result<Vec<_>>>()?;
    let alone = runs_alone(&trees);
    let plan = Plan::new(trees, args.arity.into());
    progress.phase("making the key");
    let aggregator = Aggregator::new(target)?;
    let folder = args
        .nodes
        .clone()
        .unwrap_or_else(|| args.output.with_extension("nodes"));
    let mut worker = Worker {
        aggregator: &aggregator,
        library: library.with_aggregates(aggregator.key().clone()),
        proofs: &proofs,
        plan: &plan,
        folder,
        columns: Vec::with_capacity(proofs.len()),
    };
    let missing: Vec<&Step> = plan
        .steps
        .iter()
        .filter(|step| !worker.is_kept(step))
        .collect();

    // Whatever is wrong with a proof is said before the work begins.
    if !missing.is_empty() {
        progress.phase("checking the proofs");
        (0..proofs.len()).try_for_each(|index| worker.check(index))?;
    }

    progress.phase("estimating");
    let cost = worker.predict(&missing, args.compress)?;
    let children: usize = missing.iter().map(|step| step.children.len()).sum();
    drop(progress);
    if !args.json || args.plan {
        print_plan(args, &plan, missing.len(), alone, &cost);
    }
    if args.plan {
        return Ok(());
    }

    files::make_folder(&worker.folder)?;
    let bar = bar(args.json, children);
    for step in &missing {
        let proven = worker.with_children(&step.children, Aggregator::prove)?;
        files::write(&worker.path_of(step), &proven.proof.to_bytes())?;
        bar.inc(step.children.len() as u64);
    }
    bar.finish_and_clear();

    let root = plan.steps.last().expect("there is a root");
    let proof = files::proof(&worker.path_of(root))?;
    let root = Root::new(&aggregator, plan.tree, proof);
    let root = match args.compress {
        true => root.compressed(&aggregator)?,
        false => root,
    };
    let (tree, report) = (&root.tree, root.verify(target)?);
    let (bytes, claims_path) = (root.proof.to_bytes(), files::claims_path(&args.output));
    files::write(&claims_path, tree.to_json().as_bytes())?;
    files::write(&args.output, &bytes)?;
    let security = Union::of(tree, f64::from(target.bits));
    let seconds = start.elapsed().as_secs_f64();
    if args.json {
        output::print_json(&json!({
            "proof": args.output,
            "claims": claims_path,
            "key": format_word(&root.key.digest()),
            "digest": format_word(&tree.digest()),
            "claims_count": tree.claims().len(),
            "nodes": tree.nodes(),
            "made": missing.len(),
            "depth": tree.depth(),
            "proof_bytes": bytes.len(),
            "profile": root.key.profile().name,
            "seconds": seconds,
            "security": output::security(&report),
            "proofs": security.proofs,
            "union_bound": security.rounded(),
        }));
    } else {
        output::print(&format!(
            "{}: {} bytes, {} claims, {} nodes made in {seconds:.2} s\n{}: the claims\nSecurity of the root: {report}\n{security} ({target} each)",
            args.output.display(),
            bytes.len(),
            tree.claims().len(),
            missing.len(),
            claims_path.display(),
        ));
    }
    Ok(())
}

fn print_plan(
    args: &AggregateArgs,
    plan: &Plan,
    missing: usize,
    alone: usize,
    &Prediction { seconds, bytes }: &Prediction,
) {
    let (claims, nodes) = (plan.tree.claims().len(), plan.steps.len());
    let depth = plan.tree.depth();
    if args.json {
        output::print_json(&json!({
            "claims_count": claims,
            "nodes": nodes,
            "missing": missing,
            "depth": depth,
            "spared_by_joint_proofs": alone,
            "predicted_seconds": seconds,
            "predicted_bytes": bytes,
        }));
    } else {
        let hint = if alone > 0 {
            format!(
                "\n{alone} proofs fewer if runs of one program were proven together (`plica prove P.masm -i a.inputs -i b.inputs …`)"
            )
        } else {
            String::new()
        };
        output::print(&format!(
            "{claims} claims, {nodes} nodes on {depth} levels, {} of them kept\npredicted: {seconds:.0} s on two cores, {} MB{hint}",
            nodes - missing,
            bytes >> 20,
        ));
    }
}

/// Proofs that would not be there if runs of one program were proven together.
fn runs_alone(given: &[ClaimTree]) -> usize {
    let single = given.iter().filter_map(|tree| match tree {
        ClaimTree::Leaf(claim) => Some(claim.key),
        ClaimTree::Joint(_) | ClaimTree::Node(_) => None,
    });
    let keys: Vec<_> = single.collect();
    let distinct: HashSet<_> = keys.iter().collect();
    keys.len() - distinct.len()
}

fn bar(json: bool, children: usize) -> ProgressBar {
    use std::io::IsTerminal;
    if json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} proofs verified, {eta} left")
        .expect("a template");
    ProgressBar::new(children as u64).with_style(style)
}

/// `plica verify root.proof --claims claims.json`
pub(super) fn verify(
    args: &VerifyArgs,
    progress: &Progress,
    proof: Proof,
    tree: ClaimTree,
) -> Result<()> {
    let target = args.key_security.unwrap_or(args.security).0;
    progress.phase("making the key");
    let root = Root::given(target, tree, proof)?;
    progress.phase("verifying");
    let start = Instant::now();
    let report = root.verify(args.security.0)?;
    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
    let (key, tree) = (&root.key, &root.tree);
    let security = Union::of(tree, f64::from(target.bits));
    if args.json {
        output::print_json(&json!({
            "accepted": true,
            "key": format_word(&key.digest()),
            "profile": key.profile().name,
            "digest": format_word(&tree.digest()),
            "claims_count": tree.claims().len(),
            "nodes": tree.nodes(),
            "milliseconds": milliseconds,
            "security": output::security(&report),
            "proofs": security.proofs,
            "union_bound": security.rounded(),
        }));
    } else {
        output::print(&format!(
            "Accepted in {milliseconds:.1} ms: {} claims, {} nodes\nSecurity of the root: {report}\n{security} ({target} each)",
            tree.claims().len(),
            tree.nodes(),
        ));
    }
    Ok(())
}
