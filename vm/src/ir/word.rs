//! Words: values of four elements, which some instructions take and give.
//!
//! An item of the stack is one element, so a word that an instruction gives is taken apart at once, and one that an instruction
//! takes is put together. Both are free where they cancel: four lanes of one word in order *are* that word, and the lanes
//! of a word that was put together are its elements. What is taken apart and never asked for is not computed.
//!
//! The rules apply wherever an instruction is emitted, so also to copies (inlining, unrolling), which see more than the
//! original did.

use std::collections::{HashMap, HashSet};

use p3_field::PrimeCharacteristicRing;
use plica_air::code::{FactOp, Type};
use plica_field::Felt;

use super::build::Scope;
use super::{Ir, Operand, ValueId};

/// What a join is if the condition is 1, and if it is 0.
type Choice = (Operand, Operand);

/// What is known of words and their lanes.
///
/// A lane is computed where its word is known, and a word where its elements are, so whoever sees the one sees the other.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Elements that were taken from a word: the word, and which element it is.
    lanes: HashMap<ValueId, (ValueId, usize)>,
    /// The elements of words that were put together.
    elements: HashMap<ValueId, [Operand; 4]>,
    /// Words that are elements of the cubic extension: their last element is 0.
    ext3s: HashSet<ValueId>,
    /// Products among them: the instruction, and its factors.
    products: HashMap<ValueId, (FactOp, [Operand; 2])>,
}

impl Words {
    /// The result of an instruction that would only undo another one.
    pub(super) fn undone(&self, op: FactOp, operands: &[Operand]) -> Option<Vec<Operand>> {
        match op {
            FactOp::Pack => {
                let elements = operands.try_into().ok()?;
                let word = self.whole(elements).or_else(|| self.with_zero(elements))?;
                Some(vec![Operand::Value(word)])
            }
            FactOp::Ext3Pack => {
                let word = self.ext3(operands.try_into().ok()?)?;
                Some(vec![Operand::Value(word)])
            }
            FactOp::Unpack => {
                let word = operands.first()?.value()?;
                self.elements.get(&word).map(|elements| elements.to_vec())
            }
            _ => None,
        }
    }

    /// The word of which these are the lanes in order.
    pub(super) fn whole(&self, elements: &[Operand; 4]) -> Option<ValueId> {
        let lane = |operand: &Operand| self.lanes.get(&operand.value()?).copied();
        let (word, _) = lane(&elements[0])?;
        let whole = (0..4).all(|j| lane(&elements[j]) == Some((word, j)));
        whole.then_some(word)
    }

    /// The element of the extension that is the word of these elements, the last of them 0.
    fn with_zero(&self, &[a, b, c, last]: &[Operand; 4]) -> Option<ValueId> {
        (last == Operand::Const(Felt::ZERO)).then(|| self.ext3(&[a, b, c]))?
    }

    /// The element of the extension of which these are the coefficients in order.
    pub(super) fn ext3(&self, elements: &[Operand; 3]) -> Option<ValueId> {
        let lane = |operand: &Operand| self.lanes.get(&operand.value()?).copied();
        let (word, _) = lane(&elements[0])?;
        let whole = (0..3).all(|j| lane(&elements[j]) == Some((word, j)));
        (whole && self.ext3s.contains(&word)).then_some(word)
    }

    /// The factors of which this element is the product, and the instruction that multiplies them.
    pub(super) fn product(&self, elements: &[Operand; 3]) -> Option<(FactOp, [Operand; 2])> {
        self.products.get(&self.ext3(elements)?).copied()
    }

    /// If a list of choices begins with the lanes of one word against those of another: the words, and the rest of the list.
    pub(super) fn next_join<'a>(
        &self,
        first: Choice,
        rest: &'a [Choice],
    ) -> Option<(Choice, &'a [Choice])> {
        let (others, behind) = rest.split_at_checked(3)?;
        let choices = [first, others[0], others[1], others[2]];
        let then = self.whole(&choices.map(|(then, _)| then))?;
        let otherwise = self.whole(&choices.map(|(_, otherwise)| otherwise))?;
        let words = (Operand::Value(then), Operand::Value(otherwise));
        (then != otherwise).then_some((words, behind))
    }

    /// The operands as field elements, if all are constants or words of constants.
    pub(super) fn constants(&self, operands: &[Operand]) -> Option<Vec<Felt>> {
        let mut values = Vec::new();
        for operand in operands {
            let elements = match operand {
                Operand::Const(_) => std::slice::from_ref(operand),
                Operand::Value(word) => self.elements.get(word)?,
            };
            for element in elements {
                match element {
                    Operand::Const(value) => values.push(*value),
                    Operand::Value(_) => return None,
                }
            }
        }
        Some(values)
    }

    /// Learns that a word is an element of the extension.
    pub(super) fn record_ext3(&mut self, word: ValueId) {
        self.ext3s.insert(word);
    }

    /// Learns what an instruction does.
    pub(super) fn record(&mut self, op: FactOp, operands: &[Operand], outs: &[ValueId]) {
        match (op, operands) {
            (FactOp::Pack, &[a, b, c, d]) => {
                self.elements.insert(outs[0], [a, b, c, d]);
            }
            (FactOp::Ext3Pack, &[a, b, c]) => {
                self.elements
                    .insert(outs[0], [a, b, c, Operand::Const(Felt::ZERO)]);
            }
            (FactOp::Unpack, &[Operand::Value(word)]) => {
                let lanes = outs.iter().enumerate();
                self.lanes.extend(lanes.map(|(j, &out)| (out, (word, j))));
            }
            (FactOp::Ext3Mul | FactOp::Ext3Scale, &[a, b, Operand::Const(c)])
                if c == Felt::ZERO =>
            {
                self.products.insert(outs[0], (op, [a, b]));
            }
            _ => {}
        }
        if op.signature().results == [Type::Ext3] {
            self.ext3s.insert(outs[0]);
        }
    }
}

impl Ir {
    /// The word of these elements, the first one first.
    pub(super) fn pack(&mut self, scope: &mut Scope, elements: [Operand; 4]) -> Operand {
        self.fact(scope, FactOp::Pack, &elements)[0]
    }

    /// The elements of a word, the first one first.
    pub(super) fn unpack(&mut self, scope: &mut Scope, word: Operand) -> [Operand; 4] {
        let elements = self.fact(scope, FactOp::Unpack, &[word]);
        std::array::from_fn(|j| elements[j])
    }
}

#[cfg(test)]
mod tests {
    use plica_field::Felt;

    use super::*;
    use crate::ir::Origin;
    use crate::ir::replay::Substitution;
    use crate::syntax::{SourceId, Span};

    fn scope() -> Scope {
        let source = SourceId(0);
        let span = Span {
            source,
            start: 0,
            end: 0,
        };
        Scope::new(Origin {
            span,
            procedure: 0,
            spill: false,
        })
    }

    fn word(ir: &mut Ir) -> Operand {
        let word = ir.new_value();
        ir.values[word.index()].ty = Type::Word;
        Operand::Value(word)
    }

    #[test]
    fn lanes_in_order_are_their_word() {
        let (mut ir, mut scope) = (Ir::default(), scope());
        let (first, second) = (word(&mut ir), word(&mut ir));
        let a = ir.unpack(&mut scope, first);
        let b = ir.unpack(&mut scope, second);
        assert_eq!(ir.pack(&mut scope, a), first);
        assert_eq!(ir.pack(&mut scope, b), second);
        assert_eq!(scope.stmts.len(), 2);
        // Another order, a mixture, a constant are words of their own.
        let constant = Operand::Const(Felt::new(5));
        let others = [
            [a[1], a[0], a[2], a[3]],
            [a[0], a[1], a[2], b[3]],
            [a[0], a[1], a[2], constant],
        ];
        for elements in others {
            let packed = ir.pack(&mut scope, elements);
            assert!(packed != first && packed != second);
            assert_eq!(ir.ty(packed), Type::Word);
            assert_eq!(ir.unpack(&mut scope, packed), elements);
        }
        assert_eq!(scope.stmts.len(), 5);
    }

    #[test]
    fn an_element_of_the_extension_is_a_word_that_ends_with_zero() {
        let (mut ir, mut scope) = (Ir::default(), scope());
        let (any, element) = (word(&mut ir), word(&mut ir));
        ir.values[element.value().expect("not a constant").index()].ty = Type::Ext3;
        ir.words
            .record_ext3(element.value().expect("not a constant"));
        let [a, b, c, d] = ir.unpack(&mut scope, element);
        let [zero, one] = [0, 1].map(|value| Operand::Const(Felt::new(value)));
        assert_eq!(ir.pack(&mut scope, [a, b, c, zero]), element);
        assert_eq!(ir.pack(&mut scope, [a, b, c, d]), element);
        // Another end or order, and a word of which that is not known.
        let [x, y, z, _] = ir.unpack(&mut scope, any);
        for elements in [[a, b, c, one], [b, a, c, zero], [x, y, z, zero]] {
            let packed = ir.pack(&mut scope, elements);
            assert!(packed != element && packed != any);
        }
    }

    #[test]
    fn equal_words_are_put_together_once() {
        let (mut ir, mut outer) = (Ir::default(), scope());
        let elements = [1, 2, 3, 4].map(|value| Operand::Const(Felt::new(value)));
        let packed = ir.pack(&mut outer, elements);
        assert_eq!(ir.pack(&mut outer, elements), packed);
        // A word of one branch does not exist in the other.
        assert_ne!(ir.pack(&mut scope(), elements), packed);
    }

    #[test]
    fn a_copy_sees_what_it_is_given() {
        let (mut ir, mut scope) = (Ir::default(), scope());
        let parameters = [(); 4].map(|()| ir.new_value());
        let packed = ir.pack(&mut scope, parameters.map(Operand::Value));
        let body = scope.stmts;

        let mut scope = self::scope();
        let given = word(&mut ir);
        let lanes = ir.unpack(&mut scope, given);
        let mut substitution: Substitution = parameters.into_iter().zip(lanes).collect();
        ir.replay(&mut scope, &body, &mut substitution);
        let packed = packed.value().expect("not a constant");
        assert_eq!(substitution[&packed], given);
        assert_eq!(scope.stmts.len(), 1);
    }
}
