//! The program of a node: it verifies its children, which are proofs of any program or of itself.
//!
//! ```text
//! stack     digest of the node's own key (on top), digest of the tree of claims; both stay
//! advice    the number of children; of each: its key, its public values, whether it is a node, its proof
//! ```
//! A node cannot contain the digest of its own key, so it takes it from the stack, and whoever verifies the root checks it there. A child counts
//! as a node only if it has this very key and this very word on its own stack; so what the root's verifier checks is true all the way down.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use super::tree::{LEAF, NODE};
use crate::Universal;
use crate::asm::{Asm, Quad, Scalar};
use crate::parts::{ZERO, control, word_at};

/// The name of the procedure that verifies a proof.
const VERIFY: &str = "verify_proof";

/// The program.
pub(super) fn source(universal: &Universal) -> String {
    let mut asm = Asm::new(16);
    write(&mut asm, universal.machine().public_values);
    format!(
        "{}begin\n{}end\n",
        universal.procedure(VERIFY),
        asm.into_text()
    )
}

fn write(asm: &mut Asm, public_values: usize) {
    let depth = asm.depth();
    let (own, root) = (word_at(depth - 4), word_at(depth - 8));
    let count = asm.read(1)[0];
    // Digest so far, children left.
    let base = asm.depth();
    asm.load(&control(count, NODE).0);
    asm.load(&[count]);
    asm.load(&[Felt::ONE.into()]);
    asm.while_true(|asm| {
        let (digest, [left]) = (word_at(base), Asm::items(base + 4));
        let child = read_child(asm, own, public_values);
        let [a, b, c, d] = asm.merge(digest, child).0;
        let left = asm.sub_base(left, Felt::ONE.into());
        asm.settle(base, &[a, b, c, d, left]);
        asm.op("dup neq.0", 1, 2);
    });
    asm.assert_equal(&word_at(base).0, &root.0);
    asm.drop_to(depth);
}

/// Reads a child, verifies its proof and gives the digest of its tree.
fn read_child(asm: &mut Asm, own: Quad, public_values: usize) -> Quad {
    let key = asm.read_word();
    let public_values = asm.read(public_values);
    let statement = asm.hash(&public_values);
    let named = asm.merge(control(ZERO, LEAF), key);
    let leaf = asm.merge(named, statement);
    let is_node = asm.read(1)[0];
    let base = asm.depth();
    asm.load(&leaf.0);
    asm.load(&[is_node]);
    asm.if_true(|asm| {
        // Public values have the top of the stack first, words have it last.
        let word =
            |from: usize| -> [Scalar; 4] { std::array::from_fn(|i| public_values[from + 3 - i]) };
        asm.assert_equal(&key.0, &own.0);
        asm.assert_equal(&word(0), &own.0);
        asm.settle(base, &word(4));
    });
    asm.load(&statement.0);
    asm.load(&key.0);
    asm.op(&format!("call.{VERIFY}"), 0, 0);
    word_at(base)
}
