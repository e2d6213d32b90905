//! One witness: the columns whose digits are not zero, one after the other.

use super::PlaneSums;
use super::limbs::{Limbs, Sum};
use crate::key::TILE;
use crate::ring::DEGREE;
use crate::witness::{BLOCK, Witness};

/// The sums of a tile. Sixty-four columns are split into limbs and serve all planes before the next are looked at: they stay in the first
/// cache, as does the sum of a plane in registers.
pub(super) fn sums(tile: &[u64], witness: &Witness) -> PlaneSums {
    let mut sums = vec![[Sum::default(); TILE]; DEGREE];
    let mut split = [Limbs::ZERO; BLOCK];
    for (block, columns) in tile.chunks(BLOCK * TILE).enumerate() {
        for (limbs, words) in split.iter_mut().zip(columns.chunks_exact(TILE)) {
            *limbs = Limbs::split(words);
        }
        for (sums, plane) in sums.iter_mut().zip(witness.planes()) {
            let (plus, minus) = (plane.plus[block], plane.minus[block]);
            if plus | minus == 0 {
                continue;
            }
            let mut sum = Limbs::ZERO;
            for_each_bit(plus, |column| sum.add(&split[column]));
            for_each_bit(minus, |column| sum.sub(&split[column]));
            Sum::add_limbs(sums, &sum);
        }
    }
    sums
}

#[inline]
fn for_each_bit(mut bits: u64, mut act: impl FnMut(usize)) {
    while bits != 0 {
        act(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}
