//! The limb table: what 32-bit arithmetic looks up. Fixed; a key has it only if its program needs it.
//!
//! # What a row proves
//! Row v of 2^12, whose columns are preprocessed, provides as often as it is asked
//!
//! ```text
//! limb 12  v
//! limb 8   v               if v < 2^8
//! and      (x, y, x & y)   with v = 64·x + y
//! power    (v, 2^v)        if v < 64
//! ```
//!
//! # Why 12 bits
//! A 32-bit number is limbs of 12, 12 and 8 bits: three lookups. Bytes would need four, a table of 2^16 rows two, but that
//! table alone is as large as three small proofs.

use std::sync::atomic::{AtomicU32, Ordering};

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use p3_matrix::dense::RowMajorMatrix;
use plica_field::Felt;

use crate::bus::{self, AND, ChipBuilder, LIMB_8, LIMB_12, POWER};
use crate::chip::{columns, preprocessed_row};

/// Rows.
pub const HEIGHT: usize = 1 << 12;
/// v, x, y, x & y, v < 2^8, v < 64, 2^v.
pub const PREPROCESSED_WIDTH: usize = 7;

/// How often each message is asked for.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cols<T> {
    pub limb_12: T,
    pub limb_8: T,
    pub and: T,
    pub power: T,
}
columns!(Cols);

/// No constraint besides the lookup argument's: all but the multiplicities is fixed by the key.
pub const CONSTRAINTS: &[&str] = &[];

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let [v, x, y, and, is_byte, has_power, power] =
        preprocessed_row::<AB, PREPROCESSED_WIDTH>(builder);
    bus::provide_limb(builder, LIMB_12, [v.clone()], cols.limb_12);
    bus::provide_limb(builder, LIMB_8, [v.clone()], is_byte * cols.limb_8);
    bus::provide_limb(builder, AND, [x, y, and], cols.and);
    bus::provide_limb(builder, POWER, [v, power], has_power * cols.power);
}

/// The table, the same for every program.
pub fn preprocessed() -> RowMajorMatrix<Felt> {
    let rows = (0..HEIGHT as u64).flat_map(|v| {
        let (x, y) = (v >> 6, v & 63);
        let (is_byte, has_power) = (v < 256, v < 64);
        let power = if has_power { 1 << v } else { 0 };
        [
            v,
            x,
            y,
            x & y,
            u64::from(is_byte),
            u64::from(has_power),
            power,
        ]
        .map(Felt::from_u64)
    });
    RowMajorMatrix::new(rows.collect(), PREPROCESSED_WIDTH)
}

/// A 32-bit number as limbs of 12, 12 and 8 bits, least significant first.
pub type Limbs<T> = [T; 3];

/// The number that three limbs are, as an expression.
pub fn join<E: PrimeCharacteristicRing>(limbs: &Limbs<impl Into<E> + Copy>) -> E {
    let [low, middle, high] = limbs.map(Into::into);
    low + middle * E::from_u32(1 << 12) + high * E::from_u32(1 << 24)
}

/// As [`join()`] for numbers below 2^31: the limbs overlap in one bit, so that the largest number that they can be,
/// 2^24 − 1 + 255·2^23 < 2^31 + 2^23, stays below 2^32 − 1. A number may have two sets of limbs.
pub fn join_31<E: PrimeCharacteristicRing>(limbs: &Limbs<impl Into<E> + Copy>) -> E {
    let [low, middle, high] = limbs.map(Into::into);
    low + middle * E::from_u32(1 << 12) + high * E::from_u32(1 << 23)
}

/// Requires the limbs to be in range, which makes [`join()`] a number below 2^32.
pub fn check<AB: ChipBuilder>(builder: &mut AB, limbs: &Limbs<AB::Var>) {
    check_if(builder, limbs, AB::Expr::ONE);
}

/// The same if `flag` is 1; the chip keeps `flag` boolean.
pub fn check_if<AB: ChipBuilder>(builder: &mut AB, limbs: &Limbs<AB::Var>, flag: AB::Expr) {
    bus::limb_if(builder, LIMB_12, [limbs[0]], flag.clone());
    bus::limb_if(builder, LIMB_12, [limbs[1]], flag.clone());
    bus::limb_if(builder, LIMB_8, [limbs[2]], flag);
}

/// Counts what the rows of other chips ask for, while they are filled.
#[derive(Debug)]
pub struct Counts {
    /// Per row of the table, in the order of [`Cols`].
    rows: Vec<Cols<AtomicU32>>,
}

impl Default for Counts {
    fn default() -> Self {
        let zero = || Cols {
            limb_12: AtomicU32::new(0),
            limb_8: AtomicU32::new(0),
            and: AtomicU32::new(0),
            power: AtomicU32::new(0),
        };
        Self {
            rows: std::iter::repeat_with(zero).take(HEIGHT).collect(),
        }
    }
}

impl Counts {
    /// Splits a number below 2^32 into limbs that a row will check.
    pub fn split(&self, value: Felt) -> Limbs<Felt> {
        let value = value.as_canonical_u64();
        debug_assert!(value >> 32 == 0, "{value} is no 32-bit number");
        self.count([value & 0xfff, value >> 12 & 0xfff, value >> 24 & 0xff])
    }

    /// Splits a number below 2^31 into limbs for [`join_31()`] that a row will check.
    pub fn split_31(&self, value: Felt) -> Limbs<Felt> {
        let value = value.as_canonical_u64();
        debug_assert!(value >> 31 == 0, "{value} has more than 31 bits");
        self.count([value & 0xfff, value >> 12 & 0x7ff, value >> 23 & 0xff])
    }

    fn count(&self, limbs: [u64; 3]) -> Limbs<Felt> {
        let row = |limb: u64| &self.rows[limb as usize];
        row(limbs[0]).limb_12.fetch_add(1, Ordering::Relaxed);
        row(limbs[1]).limb_12.fetch_add(1, Ordering::Relaxed);
        row(limbs[2]).limb_8.fetch_add(1, Ordering::Relaxed);
        limbs.map(Felt::from_u64)
    }

    /// The conjunction of two 6-bit digits that a row will look up.
    pub fn and(&self, x: u64, y: u64) -> u64 {
        debug_assert!(x < 64 && y < 64);
        let row = &self.rows[(x << 6 | y) as usize];
        row.and.fetch_add(1, Ordering::Relaxed);
        x & y
    }

    /// The power of two that a row will look up.
    pub fn power(&self, exponent: u64) -> u64 {
        debug_assert!(exponent < 64);
        let row = &self.rows[exponent as usize];
        row.power.fetch_add(1, Ordering::Relaxed);
        1 << exponent
    }

    /// The multiplicities.
    pub fn trace(&self) -> RowMajorMatrix<Felt> {
        let values = self.rows.iter().flat_map(|row| {
            [&row.limb_12, &row.limb_8, &row.and, &row.power]
                .map(|count| Felt::from_u32(count.load(Ordering::Relaxed)))
        });
        RowMajorMatrix::new(values.collect(), WIDTH)
    }
}

#[cfg(test)]
mod tests;
