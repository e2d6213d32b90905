//! One witness: the columns whose digits are not zero, one after the other.

use super::limbs::{Limbs, Sum};
use super::{PlaneSums, TILE};
use crate::ring::DEGREE;
use crate::witness::{BLOCK, Witness};

/// The words of a tile, in limbs: the sum of a plane takes twelve registers.
type Column = Limbs<{ 3 * TILE / 8 }>;

/// The sums of a tile. Sixty-four columns are split into limbs and serve all planes before the next are looked at: they stay in the first
/// cache, as does the sum of a plane in registers.
pub(super) fn sums(tile: &[u64], witness: &Witness) -> PlaneSums {
    let mut sums = vec![[Sum::default(); TILE]; DEGREE];
    let mut split = [Column::ZERO; BLOCK];
    for (block, columns) in tile.chunks(BLOCK * TILE).enumerate() {
        for (limbs, words) in split.iter_mut().zip(columns.chunks_exact(TILE)) {
            *limbs = Column::split(words);
        }
        for (sums, plane) in sums.iter_mut().zip(witness.planes()) {
            let (mut plus, mut minus) = (plane.plus[block], plane.minus[block]);
            let mut sum = Column::ZERO;
            while plus != 0 {
                sum = sum.plus(&split[plus.trailing_zeros() as usize % BLOCK]);
                plus &= plus - 1;
            }
            while minus != 0 {
                sum = sum.minus(&split[minus.trailing_zeros() as usize % BLOCK]);
                minus &= minus - 1;
            }
            Sum::add_limbs(sums, &sum);
        }
    }
    sums
}
