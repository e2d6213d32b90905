//! Proofs with their claims and keys, as files beside each other.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use plica::aggregate::{Child, ClaimTree, aggregate_key, node_claim};
use plica::{Claim, Error, Proof, SecurityTarget, VerifyingKey, Word, format_word};

use super::files;

/// A proof with all that belongs to it.
pub(super) struct Given {
    pub(super) key: VerifyingKey,
    pub(super) claim: Claim,
    pub(super) proof: Proof,
}

impl Given {
    pub(super) const fn child(&self) -> Child<'_> {
        Child {
            key: &self.key,
            claim: &self.claim,
            proof: &self.proof,
        }
    }
}

/// Finds keys by their digests.
pub(super) struct Library {
    folders: Vec<PathBuf>,
    /// Folders that were looked through.
    known: Vec<PathBuf>,
    keys: HashMap<Word, VerifyingKey>,
    /// The target of aggregates, whose key is in no file.
    target: SecurityTarget,
    aggregates: Option<VerifyingKey>,
}

impl Library {
    /// Keys in these folders, or beside each proof if there are none.
    pub(super) fn new(folders: &[PathBuf], target: SecurityTarget) -> Self {
        Self {
            folders: folders.to_vec(),
            known: Vec::new(),
            keys: HashMap::new(),
            target,
            aggregates: None,
        }
    }

    /// Aggregates are under this key.
    pub(super) fn with_aggregates(mut self, key: VerifyingKey) -> Self {
        self.aggregates = Some(key);
        self
    }

    fn aggregates(&mut self) -> Result<&VerifyingKey, Error> {
        if self.aggregates.is_none() {
            self.aggregates = Some(aggregate_key(self.target)?);
        }
        Ok(self.aggregates.as_ref().expect("there is one now"))
    }

    /// The proof in a file, its claim and its key.
    pub(super) fn load(&mut self, path: &Path) -> Result<Given, Error> {
        let proof = files::proof(path)?;
        let (key, claim) = match self.tree(path)? {
            ClaimTree::Leaf(claim) => (self.key(path, &claim.key)?, *claim),
            ClaimTree::Joint(joint) => (self.key(path, &joint.key)?, joint.claim()),
            tree @ ClaimTree::Node(_) => {
                let key = self.aggregates()?.clone();
                let claim = node_claim(key.digest(), tree.digest());
                (key, claim)
            }
        };
        Ok(Given { key, claim, proof })
    }

    /// What the proof in a file claims.
    pub(super) fn tree(&self, path: &Path) -> Result<ClaimTree, Error> {
        let (first, second) = (files::claim_path(path), files::claims_path(path));
        match (first.exists(), second.exists()) {
            (true, _) => files::claim(&first).map(ClaimTree::leaf),
            (false, true) => files::tree(&second),
            (false, false) => Err(Error::NoClaim {
                path: path.to_owned(),
                first,
                second,
            }),
        }
    }

    fn key(&mut self, proof: &Path, digest: &Word) -> Result<VerifyingKey, Error> {
        let folders = match &self.folders[..] {
            [] => vec![folder_of(proof)],
            folders => folders.to_vec(),
        };
        for folder in folders {
            if !self.known.contains(&folder) {
                for path in files::with_extension(&folder, "key")? {
                    let key = files::key(&path)?;
                    self.keys.insert(key.digest(), key);
                }
                self.known.push(folder);
            }
        }
        self.keys.get(digest).cloned().ok_or_else(|| Error::NoKey {
            path: proof.to_owned(),
            digest: format_word(digest),
        })
    }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
