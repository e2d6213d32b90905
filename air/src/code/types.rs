//! Types: what is known of a cell for every row that can provide it.

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_field::Felt;
use serde::{Deserialize, Serialize};

use super::ArithOp;

/// What is known of a cell for every row that can provide it.
///
/// A chip relies on the type of its operands instead of checking them again, so a type is part of the soundness argument:
/// the validator derives it from the entries that provide the cell (rule R7, hole 6 of the soundness page).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Type {
    /// A field element.
    Felt,
    /// Below 2^32.
    U32,
    /// At most 32: a number of bits of a 32-bit number.
    Count,
    /// 0 or 1.
    Bool,
    /// Four field elements.
    Word,
    /// An element of the cubic extension, coefficients in order: a word whose fourth element is 0.
    Ext3,
}

impl Type {
    /// Field elements of a cell.
    pub const fn components(self) -> usize {
        match self {
            Self::Felt | Self::U32 | Self::Count | Self::Bool => 1,
            Self::Word | Self::Ext3 => 4,
        }
    }

    /// How much is known, among cells with as many components.
    const fn strength(self) -> u8 {
        match self {
            Self::Felt | Self::Word => 0,
            Self::U32 | Self::Ext3 => 1,
            Self::Count => 2,
            Self::Bool => 3,
        }
    }

    /// Whether every value of this type is one of `other`.
    pub const fn fits(self, other: Self) -> bool {
        self.components() == other.components() && self.strength() >= other.strength()
    }

    /// The strongest type of which both are; `None` for a word and a scalar.
    pub const fn join(self, other: Self) -> Option<Self> {
        if self.fits(other) {
            Some(other)
        } else if other.fits(self) {
            Some(self)
        } else {
            None
        }
    }

    /// The strongest type of a constant.
    pub fn of(value: Felt) -> Self {
        let value = value.as_canonical_u64().into();
        Self::of_range(value, value)
    }

    /// The strongest type of all integers from `low` to `high`.
    fn of_range(low: i128, high: i128) -> Self {
        let bounded = [Self::Bool, Self::Count, Self::U32].into_iter();
        let holds = |ty: &Self| low >= 0 && ty.max().is_some_and(|max| high <= max.into());
        bounded.into_iter().find(holds).unwrap_or(Self::Felt)
    }

    /// The largest value, of the types that have a bound.
    pub const fn max(self) -> Option<u32> {
        match self {
            Self::Felt | Self::Word | Self::Ext3 => None,
            Self::U32 => Some(u32::MAX),
            Self::Count => Some(32),
            Self::Bool => Some(1),
        }
    }
}

/// The integer next to 0 that stands for a field element.
fn signed(value: Felt) -> i128 {
    let value = i128::from(value.as_canonical_u64());
    let p = i128::from(Felt::ORDER_U64);
    if value > p / 2 { value - p } else { value }
}

impl ArithOp {
    /// The type of the result, for operands a and b of these types.
    ///
    /// The instruction is evaluated in the integers, with constants next to 0; what lies in a range there is the same number modulo p.
    /// It takes its extremes where each operand is 0 or largest, since it is affine in each. A stronger type of an operand never
    /// makes that of the result weaker.
    pub fn result_type(self, a: Type, b: Type) -> Type {
        let Self::Affine { b, w, .. } = self else {
            let (Some(a), Some(b)) = (a.max(), b.max()) else {
                return Type::Felt;
            };
            let (a, b) = (i128::from(a), i128::from(b));
            let eval = |a: i128, b: i128| match self {
                Self::Product { w, .. } => (a + signed(w)) * b,
                Self::Sum { w, .. } => a + signed(w) * b,
                Self::Affine { .. } => unreachable!("has one operand"),
            };
            let corners = [eval(0, 0), eval(a, 0), eval(0, b), eval(a, b)];
            return Type::of_corners(&corners);
        };
        let (slope, offset) = (signed(Felt::TWO - b), w * b);
        match a.max() {
            _ if slope == 0 => Type::of(offset),
            Some(max) => {
                let offset = signed(offset);
                Type::of_corners(&[offset, slope * i128::from(max) + offset])
            }
            None => Type::Felt,
        }
    }
}

impl Type {
    fn of_corners(corners: &[i128]) -> Self {
        match (corners.iter().min(), corners.iter().max()) {
            (Some(&low), Some(&high)) => Self::of_range(low, high),
            _ => Self::Felt,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCALARS: [Type; 4] = [Type::Felt, Type::U32, Type::Count, Type::Bool];

    fn affine(slope: i64, offset: i64) -> ArithOp {
        ArithOp::affine(0, Felt::from_i64(slope), Felt::from_i64(offset)).expect("has the form")
    }

    /// Constants next to 0, next to 2^32, and any.
    fn constants() -> impl Strategy<Value = Felt> {
        prop_oneof![
            (-40..40i64).prop_map(Felt::from_i64),
            (-40..40i64).prop_map(|x| Felt::from_i64(x + (1 << 32))),
            (0..64u32).prop_map(|k| Felt::from_u64(1 << k)),
            any::<u64>().prop_map(Felt::from_u64),
        ]
    }

    fn ops() -> impl Strategy<Value = ArithOp> {
        (0..3usize, -2..4i64, constants()).prop_map(|(form, slope, w)| match form {
            0 => ArithOp::Product { a: 0, b: 1, w },
            1 => ArithOp::Sum { a: 0, b: 1, w },
            _ => ArithOp::affine(0, Felt::from_i64(slope), w).unwrap_or(ArithOp::mul(0, 1)),
        })
    }

    /// A value of a type: `at` says where in its range.
    fn value(ty: Type, at: u64) -> Felt {
        Felt::from_u64(match (ty.max(), at % 4) {
            (_, 0) => 0,
            (Some(max), 1) => max.into(),
            (Some(max), _) => at % (u64::from(max) + 1),
            (None, _) => at,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn a_result_is_of_its_type(
            op in ops(),
            types in [0..4usize, 0..4usize],
            at in any::<[u64; 2]>(),
        ) {
            let [a, b] = types.map(|ty| SCALARS[ty]);
            let result = op.result_type(a, b);
            let b = match op {
                ArithOp::Affine { b, .. } => b,
                _ => value(b, at[1]),
            };
            let out = op.eval(value(a, at[0]), b);
            prop_assert!(Type::of(out).fits(result), "{:?}, not {}", result, out);
        }

        /// Without it the order in which the validator looks at a loop would matter.
        #[test]
        fn stronger_operands_have_stronger_results(
            op in ops(),
            weak in [0..4usize, 0..4usize],
            more in [0..4usize, 0..4usize],
        ) {
            let strong = [0, 1].map(|j| (weak[j] + more[j]).min(3));
            let of = |[a, b]: [usize; 2]| op.result_type(SCALARS[a], SCALARS[b]);
            prop_assert!(of(strong).fits(of(weak)));
        }
    }

    #[test]
    fn what_fits() {
        use Type::{Bool, Count, Ext3, Felt as F, U32, Word};
        let chains: [&[Type]; 2] = [&[Bool, Count, U32, F], &[Ext3, Word]];
        for (own, chain) in chains.iter().enumerate() {
            for (i, &a) in chain.iter().enumerate() {
                for (j, &b) in chain.iter().enumerate() {
                    assert_eq!(a.fits(b), i <= j, "{a:?}, {b:?}");
                    assert_eq!(a.join(b), Some(chain[i.max(j)]));
                }
                for &b in chains[1 - own] {
                    assert!(!a.fits(b) && a.join(b).is_none(), "{a:?}, {b:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_small() {
        use Type::{Bool, Count, Ext3, Felt as F, U32, Word};
        let [sum, difference, product] =
            [ArithOp::add, ArithOp::sub, ArithOp::mul].map(|op| op(0, 1));
        let cases = [
            (affine(-1, 32), Count, F, Count),
            (affine(-1, 31), Count, F, F),
            (affine(-1, 33), Count, F, U32),
            (affine(-1, u32::MAX.into()), U32, F, U32),
            (affine(-1, 1 << 32), U32, F, F),
            (affine(1, 1), U32, F, F),
            (affine(-1, 1), Bool, F, Bool),
            (affine(1, -1), Bool, F, F),
            (affine(0, 1), F, F, Bool),
            (affine(0, -1), Bool, F, F),
            (affine(2, 0), Bool, F, Count),
            (sum, Bool, Bool, Count),
            (sum, Count, Count, U32),
            (sum, U32, Bool, F),
            (sum, F, Bool, F),
            (difference, U32, Bool, F),
            (product, Bool, U32, U32),
            (product, Count, U32, F),
            (product, Bool, F, F),
            (product, Word, Bool, F),
            (product, Ext3, Bool, F),
        ];
        for (op, a, b, expected) in cases {
            assert_eq!(op.result_type(a, b), expected, "{op:?} of {a:?}, {b:?}");
        }
    }
}
