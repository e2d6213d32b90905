//! Aggregation: one proof for any number of claims.
//!
//! A *node* is the run of one fixed program ([`Aggregator::source`]) that verifies the proofs of its children: leaves, which are proofs of any
//! programs in the lifted format, or nodes, mixed. What a root proves is a tree of claims ([`ClaimTree`]).

mod compress;
mod keys;
mod plan;
mod program;
mod tree;

use plica_air::code::STACK_SIZE;
use plica_field::{Felt, Word};
use plica_fri::lifted::{Machine, MachineError};
use plica_fri::{
    Profile, Proof, ProveError, SecurityReport, SecurityTarget, VerifyError, VerifyingKey,
};
use plica_vm::claim::Claim;
use plica_vm::compile::{Compiled, compile};
use plica_vm::inputs::Inputs;
use plica_vm::prover::{self, KeyGenError, ProveRunError, Proven, ProvingKey, machine};
use plica_vm::syntax::{NoModules, parse_program};
use thiserror::Error;
use tracing::instrument;

use crate::Universal;

pub use compress::{Compressor, verify_compressed};
pub use keys::{aggregate_key, compressed_key};
pub use plan::{Origin, Plan, Step};
pub use tree::{ClaimTree, MAX_DEPTH, TREE_VERSION, TreeError};

/// log2 of the rows of a table in a proof that can be aggregated, at most.
pub const MAX_LOG_HEIGHT: usize = 22;

/// Cycles of a node per child, at most.
const MAX_CYCLES: u64 = 1 << 32;

/// Why there is no aggregator for a target.
#[derive(Debug, Error)]
pub enum AggregatorError {
    #[error(transparent)]
    Machine(#[from] MachineError),
    #[error(transparent)]
    KeyGen(#[from] KeyGenError),
}

/// Why a proof cannot be aggregated.
#[derive(Debug, Error)]
pub enum ChildError {
    #[error("its claim names another key ({claim}) than the one given ({key})")]
    OtherKey { claim: String, key: String },
    #[error("it is of profile `{0}`; programs verify proofs of profile `{lifted}`", lifted = Profile::LIFTED.name)]
    Profile(&'static str),
    #[error("its key is for {got}, not for {expected}")]
    Target {
        got: SecurityTarget,
        expected: SecurityTarget,
    },
    #[error(transparent)]
    Rejected(#[from] VerifyError),
}

/// Why there is no node over some children.
#[derive(Debug, Error)]
pub enum NodeError {
    #[error("there is nothing to aggregate")]
    Empty,
    #[error("child {index}: {reason}")]
    Child { index: usize, reason: ChildError },
    #[error(transparent)]
    Run(Box<plica_vm::compile::RunError>),
    #[error(transparent)]
    Prove(#[from] ProveError),
}

/// A proof with what it proves.
#[derive(Clone, Copy)]
pub struct Child<'a> {
    pub key: &'a VerifyingKey,
    pub claim: &'a Claim,
    pub proof: &'a Proof,
}

/// Makes nodes, for one security target.
pub struct Aggregator {
    universal: Universal,
    compiled: Compiled,
    proving: ProvingKey,
}

/// The stack of a node.
fn statement(own: Word, tree: Word) -> [Felt; STACK_SIZE] {
    let mut stack = [Felt::default(); STACK_SIZE];
    let top_first = own.into_iter().rev().chain(tree.into_iter().rev());
    stack
        .iter_mut()
        .zip(top_first)
        .for_each(|(item, value)| *item = value);
    stack
}

/// What the node over a tree of claims claims. `key` is the digest of the aggregator's key.
#[must_use]
pub fn node_claim(key: Word, tree: Word) -> Claim {
    statement_claim(key, key, tree)
}

/// The claim of a node under a key, `own` being the one to which its children are held.
fn statement_claim(key: Word, own: Word, tree: Word) -> Claim {
    let stack = statement(own, tree);
    Claim {
        key,
        inputs: stack,
        outputs: stack,
    }
}

/// Verifies that a root proves a tree of claims. `key` must be the aggregator's for a target that the caller trusts; all proofs in the tree then have it.
///
/// # Errors
/// If the proof is not accepted. Never panics, whatever the proof.
pub fn verify_root(
    key: &VerifyingKey,
    tree: &ClaimTree,
    proof: &Proof,
    min_security: SecurityTarget,
) -> Result<SecurityReport, prover::VerifyClaimError> {
    let claim = node_claim(key.digest(), tree.digest());
    prover::verify(key, &claim, proof, min_security)
}

impl Aggregator {
    /// For proofs with this target.
    ///
    /// # Errors
    /// If the target is out of reach.
    #[instrument(name = "aggregator", skip_all)]
    pub fn new(target: SecurityTarget) -> Result<Self, AggregatorError> {
        Self::under(&Profile::LIFTED, target)
    }

    /// For another profile of the lifted format, as tests have it.
    ///
    /// # Errors
    /// If the target is out of reach.
    pub fn under(profile: &Profile, target: SecurityTarget) -> Result<Self, AggregatorError> {
        let machine = Machine::new(machine(), profile, target, MAX_LOG_HEIGHT)?;
        let universal = Universal::new(machine);
        let source = program::source(&universal);
        let program = parse_program(&source, "node", &NoModules)
            .unwrap_or_else(|error| panic!("the generator wrote what is no program: {error}"));
        let compiled = compile(&program)
            .unwrap_or_else(|error| panic!("the generator wrote what cannot be compiled: {error}"));
        let (proving, _) = prover::setup(&compiled, profile, target)?;
        Ok(Self {
            universal,
            compiled,
            proving,
        })
    }

    /// The program of nodes.
    #[must_use]
    pub fn source(&self) -> String {
        program::source(&self.universal)
    }

    /// The program of nodes, compiled.
    #[must_use]
    pub const fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// The procedure that nodes call.
    #[must_use]
    pub const fn universal(&self) -> &Universal {
        &self.universal
    }

    /// The key under which nodes are verified.
    #[must_use]
    pub const fn key(&self) -> &VerifyingKey {
        self.proving.verifying_key()
    }

    /// Whether a proof is a node, and of which tree.
    #[must_use]
    pub fn node_of(&self, child: &Child<'_>) -> Option<Word> {
        let own = self.key().digest();
        let stack = &child.claim.inputs;
        let word = |from: usize| std::array::from_fn(|i| stack[from + 3 - i]);
        let tree: Word = word(4);
        (child.key.digest() == own && word(0) == own).then_some(tree)
    }

    /// The digest of what a proof stands for in a tree.
    pub fn digest_of(&self, child: &Child<'_>) -> Word {
        self.node_of(child)
            .unwrap_or_else(|| tree::leaf_digest(child.claim.key, &child.claim.public_values()))
    }

    /// What the program of a node is run on. Every child is verified first.
    ///
    /// # Errors
    /// See [`NodeError`].
    pub fn inputs(&self, children: &[Child<'_>]) -> Result<Inputs, NodeError> {
        if children.is_empty() {
            return Err(NodeError::Empty);
        }
        let digests: Vec<Word> = children.iter().map(|child| self.digest_of(child)).collect();
        let stack = statement(self.key().digest(), tree::node_digest(&digests));
        let mut inputs = Inputs::from_stack(stack.to_vec());
        inputs.advice_stack.push(Felt::new(children.len() as u64));
        for (index, child) in children.iter().enumerate() {
            self.check_form(child)
                .and_then(|()| self.add_child(&mut inputs, child))
                .map_err(|reason| NodeError::Child { index, reason })?;
        }
        Ok(inputs)
    }

    fn add_child(&self, inputs: &mut Inputs, child: &Child<'_>) -> Result<(), ChildError> {
        let public_values = child.claim.public_values();
        inputs.advice_stack.extend(child.claim.key);
        inputs.advice_stack.extend(&public_values);
        let is_node = self.node_of(child).is_some();
        inputs.advice_stack.push(Felt::new(is_node.into()));
        let (key, proof) = (child.key, child.proof);
        self.universal
            .add_advice(inputs, machine(), key, &public_values, proof)?;
        Ok(())
    }

    /// Whether a proof can be aggregated: it is of the right form, and accepted.
    ///
    /// # Errors
    /// See [`ChildError`].
    pub fn check(&self, child: &Child<'_>) -> Result<(), ChildError> {
        self.check_form(child)?;
        let public_values = child.claim.public_values();
        let target = self.key().target();
        plica_fri::verify(machine(), child.key, &public_values, child.proof, target)?;
        Ok(())
    }

    fn check_form(&self, child: &Child<'_>) -> Result<(), ChildError> {
        let digest = child.key.digest();
        if child.claim.key != digest {
            let show = plica_field::format_word;
            return Err(ChildError::OtherKey {
                claim: show(&child.claim.key),
                key: show(&digest),
            });
        }
        let (own, theirs) = (self.key(), child.key);
        if own.profile_id() != theirs.profile_id() {
            return Err(ChildError::Profile(theirs.profile().name));
        }
        if own.target() != theirs.target() {
            return Err(ChildError::Target {
                got: theirs.target(),
                expected: own.target(),
            });
        }
        Ok(())
    }

    /// Proves a node. Its claim is that of [`node_claim`] for the node over what its children stand for.
    ///
    /// # Errors
    /// See [`NodeError`].
    #[instrument(name = "node", skip_all)]
    pub fn prove(&self, children: &[Child<'_>]) -> Result<Proven, NodeError> {
        self.prove_under(&self.proving, children)
    }

    /// The same with another key of the program.
    fn prove_under(
        &self,
        proving: &ProvingKey,
        children: &[Child<'_>],
    ) -> Result<Proven, NodeError> {
        let inputs = self.inputs(children)?;
        let target = self.key().target();
        let max_cycles = MAX_CYCLES * children.len() as u64;
        prover::prove(&self.compiled, proving, &inputs, max_cycles, target).map_err(|error| {
            match error {
                ProveRunError::Run(error) => NodeError::Run(error),
                ProveRunError::Prove(error) => NodeError::Prove(error),
            }
        })
    }

    /// Aggregates proofs in memory, `arity` children a node. For files, with nodes that are kept, there is the command.
    ///
    /// # Errors
    /// See [`NodeError`].
    pub fn aggregate(
        &self,
        leaves: &[Child<'_>],
        arity: usize,
    ) -> Result<(ClaimTree, Proven), NodeError> {
        if leaves.is_empty() {
            return Err(NodeError::Empty);
        }
        let trees = leaves.iter().map(|leaf| ClaimTree::leaf(*leaf.claim));
        let plan = Plan::new(trees.collect(), arity.max(2));
        let mut made: Vec<Option<Proven>> = Vec::with_capacity(plan.steps.len());
        for step in &plan.steps {
            let children = step.children.iter().map(|origin| match *origin {
                Origin::Given(index) => leaves[index],
                Origin::Step(index) => {
                    let node = made[index].as_ref().expect("used once");
                    Child {
                        key: self.key(),
                        claim: &node.claim,
                        proof: &node.proof,
                    }
                }
            });
            let node = self.prove(&children.collect::<Vec<_>>())?;
            for origin in &step.children {
                if let Origin::Step(index) = *origin {
                    made[index] = None;
                }
            }
            made.push(Some(node));
        }
        let root = made.pop().flatten().expect("the last step is the root");
        Ok((plan.tree, root))
    }
}

/// Bits of security of a root: each proof in it fails with probability 2^−bits at most, so all together with their number times that.
#[must_use]
pub fn union_bound(bits: f64, proofs: usize) -> f64 {
    bits - (proofs.max(1) as f64).log2()
}
