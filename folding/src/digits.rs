//! Elements of the base field as digits −1, 0, 1 in base 3.

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use plica_field::{Felt, MODULUS};

/// Digits of any element: 3⁴¹ > p.
pub const MOST_DIGITS: usize = 41;

/// The digits of the number between −p/2 and p/2 that an element is, lowest first, zeros behind the last one.
#[must_use]
pub fn digits(value: Felt) -> [i8; MOST_DIGITS] {
    let value = value.as_canonical_u64();
    let (mut rest, negative) = match value > MODULUS / 2 {
        true => (MODULUS - value, true),
        false => (value, false),
    };
    core::array::from_fn(|_| {
        // 2 is −1 and one more of the next.
        let digit = match rest % 3 {
            2 => -1,
            digit => digit as i8,
        };
        rest = rest / 3 + u64::from(digit < 0);
        if negative { -digit } else { digit }
    })
}

/// How many of an element's digits there are up to the last that is not zero.
#[must_use]
pub fn length(digits: &[i8; MOST_DIGITS]) -> usize {
    MOST_DIGITS - digits.iter().rev().take_while(|&&digit| digit == 0).count()
}

/// 1, 3, 9, …
pub(crate) fn powers() -> impl Iterator<Item = Felt> {
    core::iter::successors(Some(Felt::ONE), |&power| Some(power * Felt::from_u8(3)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(digits: &[i8]) -> Felt {
        let signed = |digit: i8| match digit {
            0 => Felt::ZERO,
            1 => Felt::ONE,
            _ => -Felt::ONE,
        };
        digits
            .iter()
            .zip(powers())
            .map(|(&d, p)| signed(d) * p)
            .sum()
    }

    fn check(element: u64) {
        let element = Felt::new(element % MODULUS);
        let digits = digits(element);
        assert!(digits.iter().all(|digit| (-1..=1).contains(digit)));
        assert_eq!(value(&digits), element);
        let length = length(&digits);
        assert_eq!(value(&digits[..length]), element);
        if length > 0 {
            assert_ne!(digits[length - 1], 0);
        }
    }

    #[test]
    fn at_the_ends() {
        let half = MODULUS / 2;
        for element in [
            0,
            1,
            2,
            3,
            4,
            half - 1,
            half,
            half + 1,
            half + 2,
            MODULUS - 2,
            MODULUS - 1,
        ] {
            check(element);
        }
        let of = |element: Felt| length(&digits(element));
        assert_eq!(of(Felt::ZERO), 0);
        assert_eq!((of(Felt::ONE), of(-Felt::ONE)), (1, 1));
        assert_eq!((of(Felt::new(13)), of(Felt::new(14))), (3, 4));
        assert_eq!(of(Felt::new(half)), MOST_DIGITS);
    }

    proptest! {
        #[test]
        fn everywhere(element: u64) {
            check(element);
        }
    }
}
