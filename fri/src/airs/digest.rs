//! The identity of a machine: BLAKE3 of a canonical rendering of its kinds.

use core::fmt;
use std::collections::HashMap;
use std::sync::Arc;

use p3_air::symbolic::{BaseEntry, BaseLeaf, ExtEntry, ExtLeaf, SymbolicExpr, SymbolicExpression};
use p3_field::PrimeField64;
use plica_field::coefficients;

use super::analysis::{Constraints, KindInfo};
use super::{Kind, Presence, Table};
use crate::types::{Ext, Felt};

/// What a machine is pinned by: its identity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// See [`crate::AirSet::digest`].
    pub digest: [u8; 32],
}

impl Fingerprint {
    /// From the digest in hexadecimal, as [`fmt::Display`] shows it.
    ///
    /// # Panics
    /// If it does not have 64 hexadecimal digits. Meant for constants, where that is an error of compilation.
    #[must_use]
    pub const fn new(digest: &str) -> Self {
        const fn nibble(digit: u8) -> u8 {
            match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => panic!("not a lower-case hexadecimal digit"),
            }
        }
        let digits = digest.as_bytes();
        assert!(digits.len() == 64, "64 hexadecimal digits are needed");
        let mut bytes = [0; 32];
        let mut i = 0;
        while i < 32 {
            bytes[i] = nibble(digits[2 * i]) << 4 | nibble(digits[2 * i + 1]);
            i += 1;
        }
        Self { digest: bytes }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint::new(\"")?;
        for byte in self.digest {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("\")")
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// BLAKE3 over length-prefixed parts. They are collected first: most renderings are a few words, and setting up an incremental
/// hasher costs more than hashing them.
struct Renderer(Vec<u8>);

impl Renderer {
    fn new(domain: &str) -> Self {
        let mut out = Self(Vec::with_capacity(128));
        out.bytes(domain.as_bytes());
        out
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn number(&mut self, number: usize) {
        self.0.extend_from_slice(&(number as u64).to_le_bytes());
    }

    fn felt(&mut self, felt: Felt) {
        self.0
            .extend_from_slice(&felt.as_canonical_u64().to_le_bytes());
    }

    fn finish(&self) -> [u8; 32] {
        *blake3::hash(&self.0).as_bytes()
    }
}

/// Hashes expressions by structure. Shared subtrees are hashed once, by address; the result does not depend on sharing.
#[derive(Default)]
struct Expressions {
    seen: HashMap<usize, [u8; 32]>,
}

impl Expressions {
    fn shared<A>(
        &mut self,
        node: &Arc<SymbolicExpr<A>>,
        leaf: &impl Fn(&mut Self, &A) -> [u8; 32],
    ) -> [u8; 32] {
        let address = Arc::as_ptr(node) as usize;
        if let Some(digest) = self.seen.get(&address) {
            return *digest;
        }
        let digest = self.node(node, leaf);
        self.seen.insert(address, digest);
        digest
    }

    fn node<A>(
        &mut self,
        node: &SymbolicExpr<A>,
        leaf: &impl Fn(&mut Self, &A) -> [u8; 32],
    ) -> [u8; 32] {
        let (operation, children) = match node {
            SymbolicExpr::Leaf(value) => return leaf(self, value),
            SymbolicExpr::Add { x, y, .. } => ("+", vec![x, y]),
            SymbolicExpr::Sub { x, y, .. } => ("-", vec![x, y]),
            SymbolicExpr::Mul { x, y, .. } => ("*", vec![x, y]),
            SymbolicExpr::Neg { x, .. } => ("neg", vec![x]),
        };
        let mut renderer = Renderer::new(operation);
        for child in children {
            let digest = self.shared(child, leaf);
            renderer.bytes(&digest);
        }
        renderer.finish()
    }

    fn base(&mut self, expression: &SymbolicExpression<Felt>) -> [u8; 32] {
        self.node(expression, &|_, leaf| {
            let mut r = Renderer::new("leaf");
            match leaf {
                BaseLeaf::Variable(variable) => {
                    let (tag, offset) = match variable.entry {
                        BaseEntry::Preprocessed { offset } => (0, offset),
                        BaseEntry::Main { offset } => (1, offset),
                        BaseEntry::Periodic => (2, 0),
                        BaseEntry::Public => (3, 0),
                    };
                    r.number(tag);
                    r.number(offset);
                    r.number(variable.index);
                }
                BaseLeaf::IsFirstRow => r.number(4),
                BaseLeaf::IsLastRow => r.number(5),
                BaseLeaf::IsTransition => r.number(6),
                BaseLeaf::Constant(value) => {
                    r.number(7);
                    r.felt(*value);
                }
            }
            r.finish()
        })
    }

    fn ext(&mut self, expression: &SymbolicExpr<ExtLeaf<Felt, Ext>>) -> [u8; 32] {
        self.node(expression, &|this, leaf| {
            let mut r = Renderer::new("ext leaf");
            match leaf {
                ExtLeaf::Base(base) => {
                    r.number(0);
                    let digest = this.base(base);
                    r.bytes(&digest);
                }
                ExtLeaf::ExtVariable(variable) => {
                    let (tag, offset) = match variable.entry {
                        ExtEntry::Permutation { offset } => (1, offset),
                        ExtEntry::Challenge => (2, 0),
                        ExtEntry::PermutationValue => (3, 0),
                    };
                    r.number(tag);
                    r.number(offset);
                    r.number(variable.index);
                }
                ExtLeaf::ExtConstant(value) => {
                    r.number(4);
                    for coefficient in coefficients(*value) {
                        r.felt(coefficient);
                    }
                }
            }
            r.finish()
        })
    }
}

/// Of a machine, from those of its kinds.
pub(super) fn set_digest(kinds: &[[u8; 32]]) -> [u8; 32] {
    let mut r = Renderer::new("plica air set 1");
    r.number(kinds.len());
    for digest in kinds {
        r.bytes(digest);
    }
    r.finish()
}

/// Of one kind.
pub(super) fn kind_digest<T: Table>(
    kind: &Kind<T>,
    info: &KindInfo,
    constraints: &Constraints,
) -> [u8; 32] {
    let mut r = Renderer::new("plica table 1");
    r.bytes(kind.name.as_bytes());
    match kind.presence {
        Presence::Pinned => r.number(0),
        Presence::Dynamic { max_instances } => {
            r.number(1);
            r.number(max_instances);
        }
        Presence::Optional => r.number(2),
        Presence::Fixed => r.number(3),
    }
    r.number(usize::from(kind.ordered));
    r.number(kind.twin.map_or(0, |twin| twin + 1));
    r.number(usize::from(kind.few_columns));
    for number in [
        info.width,
        info.preprocessed_width,
        info.num_public_values,
        usize::from(info.main_next),
        usize::from(info.preprocessed_next),
        info.degree,
    ] {
        r.number(number);
    }
    let periodic = kind.table.periodic_columns();
    r.number(periodic.len());
    for column in periodic.iter() {
        r.number(column.len());
        column.iter().for_each(|value| r.felt(*value));
    }

    // The interactions, as packed.
    let mut expressions = Expressions::default();
    r.number(info.lookups.len());
    for lookup in info.lookups.iter() {
        match &lookup.kind {
            p3_lookup::Kind::Local => r.number(0),
            p3_lookup::Kind::Global(bus) => {
                r.number(1);
                r.bytes(bus.as_bytes());
            }
        }
        r.number(lookup.count_weight as usize);
        r.number(lookup.column);
        r.number(lookup.elements.len());
        for (tuple, multiplicity) in lookup.elements.iter().zip(&lookup.multiplicities) {
            r.number(tuple.len());
            for expression in tuple.iter().chain([multiplicity]) {
                r.bytes(&expressions.base(expression));
            }
        }
        r.number(lookup.flags.as_ref().map_or(0, |flags| 1 + flags.len()));
        for flag in lookup.flags.iter().flatten() {
            r.bytes(&expressions.base(flag));
        }
    }

    // The constraints, those of the bus argument included, in folding order.
    let Constraints { base, ext } = constraints;
    let order = &info.order;
    r.number(base.len());
    for (index, expression) in order.base_indices.iter().zip(base) {
        r.number(*index);
        r.bytes(&expressions.base(expression));
    }
    r.number(ext.len());
    for (index, expression) in order.ext_indices.iter().zip(ext) {
        r.number(*index);
        r.bytes(&expressions.ext(expression));
    }
    r.finish()
}
