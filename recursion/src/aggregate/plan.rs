//! In which order nodes are made.

use plica_field::Word;

use super::tree::ClaimTree;

/// Where a child comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The proof with this number among those that are given.
    Given(usize),
    /// The node of this step.
    Step(usize),
}

/// A node to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub children: Vec<Origin>,
    /// The digest of its tree of claims. Two nodes with one digest prove the same.
    pub digest: Word,
}

/// All nodes, each after its children; the last one is the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub steps: Vec<Step>,
    pub tree: ClaimTree,
}

impl Plan {
    /// Level by level, `arity` neighbours together; what is left over alone moves up as it is. There is a node in any case.
    ///
    /// # Panics
    /// If there is nothing to aggregate, or `arity` is below 2.
    #[must_use]
    pub fn new(given: Vec<ClaimTree>, arity: usize) -> Self {
        assert!(!given.is_empty() && arity >= 2, "nothing to do");
        let mut level: Vec<(Origin, ClaimTree)> = given
            .into_iter()
            .enumerate()
            .map(|(index, tree)| (Origin::Given(index), tree))
            .collect();
        let mut steps = Vec::new();
        while level.len() > 1 || steps.is_empty() {
            let alone_may_rise = level.len() > 1;
            let mut next = Vec::with_capacity(level.len().div_ceil(arity));
            let mut rest = level.into_iter().peekable();
            while rest.peek().is_some() {
                let mut group: Vec<_> = rest.by_ref().take(arity).collect();
                if group.len() == 1 && alone_may_rise {
                    next.append(&mut group);
                    continue;
                }
                let (children, trees) = group.into_iter().unzip();
                let tree = ClaimTree::Node(trees);
                steps.push(Step {
                    children,
                    digest: tree.digest(),
                });
                next.push((Origin::Step(steps.len() - 1), tree));
            }
            level = next;
        }
        let (_, tree) = level.pop().expect("one is left");
        Self { steps, tree }
    }

    /// Children of all nodes: what the work grows with.
    #[must_use]
    pub fn children(&self) -> usize {
        self.steps.iter().map(|step| step.children.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use plica_field::Felt;
    use plica_vm::claim::Claim;

    use super::*;

    fn leaves(count: usize) -> Vec<ClaimTree> {
        let claim = |n: usize| Claim {
            key: [Felt::new(n as u64); 4],
            inputs: Default::default(),
            outputs: Default::default(),
        };
        (0..count).map(|n| ClaimTree::leaf(claim(n))).collect()
    }

    #[test]
    fn every_leaf_is_there_once_and_in_order() {
        for arity in 2..5 {
            for count in 1..30 {
                let given = leaves(count);
                let plan = Plan::new(given.clone(), arity);
                let claims: Vec<_> = plan.tree.claims();
                let expected: Vec<_> = given.iter().flat_map(ClaimTree::claims).collect();
                assert_eq!(claims, expected);
                assert_eq!(plan.steps.len(), plan.tree.nodes());
                let root = plan.steps.last().expect("a root");
                assert_eq!(root.digest, plan.tree.digest());
                // Everything is used once, after it was made.
                let mut used = vec![0; count + plan.steps.len()];
                for (index, step) in plan.steps.iter().enumerate() {
                    assert!(step.children.len() <= arity);
                    for child in &step.children {
                        match *child {
                            Origin::Given(given) => used[given] += 1,
                            Origin::Step(step) => {
                                assert!(step < index);
                                used[count + step] += 1;
                            }
                        }
                    }
                }
                assert_eq!(used.pop(), Some(0));
                assert!(used.into_iter().all(|times| times == 1));
            }
        }
    }

    #[test]
    fn one_proof_gets_a_node_and_eight_get_seven() {
        assert_eq!(Plan::new(leaves(1), 2).steps.len(), 1);
        let plan = Plan::new(leaves(8), 2);
        assert_eq!(
            (plan.steps.len(), plan.tree.depth(), plan.children()),
            (7, 3, 14)
        );
        assert_eq!(Plan::new(leaves(9), 2).tree.depth(), 4);
    }
}
