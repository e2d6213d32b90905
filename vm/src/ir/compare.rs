//! Order of field elements and of 32-bit numbers.

use p3_field::PrimeCharacteristicRing;
use plica_air::code::{FactOp, Type};
use plica_field::Felt;

use super::build::{Scope, constant};
use super::{Ir, Operand};

/// a ∘ b
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Lt,
    Lte,
    Gt,
    Gte,
}

impl Order {
    /// The same with the operands exchanged.
    const fn mirrored(self) -> Self {
        match self {
            Self::Lt => Self::Gt,
            Self::Lte => Self::Gte,
            Self::Gt => Self::Lt,
            Self::Gte => Self::Lte,
        }
    }
}

impl Ir {
    /// Low and high half of a canonical integer.
    pub(super) fn split(&mut self, scope: &mut Scope, a: Operand) -> [Operand; 2] {
        if self.ty(a).fits(Type::U32) {
            return [a, constant(Felt::ZERO)];
        }
        let halves = self.fact(scope, FactOp::Split, &[a]);
        [halves[0], halves[1]]
    }

    /// (a − b) mod 2^32 and the borrow, for 32-bit numbers.
    fn u32_difference(&mut self, scope: &mut Scope, a: Operand, b: Operand) -> [Operand; 2] {
        if b == constant(Felt::ZERO) {
            return [a, b];
        }
        let results = self.fact(scope, FactOp::U32Sub, &[a, b]);
        [results[0], results[1]]
    }

    /// 1 if a < b, else 0, as canonical integers: the borrow of a − b, half by half.
    fn less(&mut self, scope: &mut Scope, a: Operand, b: Operand) -> Operand {
        let known = self.values.len();
        let [a_low, a_high] = self.split(scope, a);
        let [b_low, b_high] = self.split(scope, b);
        let [_, low_borrow] = self.u32_difference(scope, a_low, b_low);
        if (a_high, b_high) == (constant(Felt::ZERO), constant(Felt::ZERO)) {
            return low_borrow;
        }
        let [high, borrow] = self.u32_difference(scope, a_high, b_high);
        // After a borrow `high` is not zero, so that not both are 1.
        let [_, second_borrow] = self.u32_difference(scope, high, low_borrow);
        let less = self.sum(scope, borrow, second_borrow, Felt::ONE);
        self.mark_boolean(known, less)
    }

    /// 1 if a ∘ b, else 0, as canonical integers.
    pub(super) fn compare(
        &mut self,
        scope: &mut Scope,
        order: Order,
        a: Operand,
        b: Operand,
    ) -> Operand {
        match (order, a, b) {
            (order, Operand::Const(_), Operand::Value(_)) => {
                self.compare(scope, order.mirrored(), b, a)
            }
            // Nothing exceeds the largest element.
            (Order::Gt, _, Operand::Const(b)) if b == Felt::NEG_ONE => constant(Felt::ZERO),
            (Order::Lte, _, Operand::Const(b)) if b == Felt::NEG_ONE => constant(Felt::ONE),
            // A constant is best subtracted.
            (Order::Gt, Operand::Value(_), Operand::Const(b)) => {
                self.compare(scope, Order::Gte, a, constant(b + Felt::ONE))
            }
            (Order::Lte, Operand::Value(_), Operand::Const(b)) => {
                self.compare(scope, Order::Lt, a, constant(b + Felt::ONE))
            }
            (Order::Lt, ..) => self.less(scope, a, b),
            (Order::Gt, ..) => self.less(scope, b, a),
            (Order::Gte, ..) => {
                let less = self.less(scope, a, b);
                self.not(scope, less)
            }
            (Order::Lte, ..) => {
                let less = self.less(scope, b, a);
                self.not(scope, less)
            }
        }
    }

    /// The smaller of two 32-bit numbers, or the larger.
    pub(super) fn u32_extreme(
        &mut self,
        scope: &mut Scope,
        a: Operand,
        b: Operand,
        largest: bool,
    ) -> Operand {
        let less = self.less(scope, a, b);
        let (if_less, otherwise) = if largest { (b, a) } else { (a, b) };
        match less {
            Operand::Const(less) if less == Felt::ONE => if_less,
            Operand::Const(_) => otherwise,
            // A gate keeps the type.
            Operand::Value(less) => {
                let pairs = vec![(if_less, otherwise)];
                self.branch(scope, less, Vec::new(), Vec::new(), pairs)[0]
            }
        }
    }

    /// The lowest bit of a canonical integer.
    pub(super) fn is_odd(&mut self, scope: &mut Scope, a: Operand) -> Operand {
        let known = self.values.len();
        let [low, _] = self.split(scope, a);
        let odd = self.fact(scope, FactOp::U32Div, &[low, constant(Felt::TWO)])[1];
        self.mark_boolean(known, odd)
    }
}
