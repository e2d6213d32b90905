//! Messages about what a message of a sponge comes to.

use p3_field::PrimeCharacteristicRing;
use p3_lookup::Count;

use super::{ABSORBED, ABSORBING, ChipBuilder, WIDTH, send};

/// What some blocks of a message come to: the capacity of the sponge behind them, or the digest if they are all, and two sums.
#[derive(Clone, Debug)]
pub struct Sums<E> {
    /// Number of blocks.
    pub blocks: E,
    /// Capacity, or digest.
    pub state: [E; 4],
    /// Challenge of the elements of a block.
    pub a: [E; 3],
    /// Challenge of the blocks.
    pub m: [E; 3],
    /// Base point.
    pub x: E,
    /// The sum at the challenges.
    pub s: [E; 3],
    /// The sum at the base point.
    pub u: [E; 3],
}

fn message<AB: ChipBuilder>(tag: AB::Expr, sums: Sums<AB::Expr>) -> [AB::Expr; WIDTH] {
    let mut fields = [tag, sums.blocks]
        .into_iter()
        .chain(sums.state)
        .chain(sums.a)
        .chain(sums.m)
        .chain([sums.x])
        .chain(sums.s)
        .chain(sums.u);
    std::array::from_fn(|_| fields.next().expect("the widest of all messages"))
}

/// Consumes the fact that there are blocks which come to this.
pub fn read_absorbing<AB: ChipBuilder>(builder: &mut AB, absorbing: Sums<AB::Expr>) {
    let m = message::<AB>(AB::Expr::from_u8(ABSORBING), absorbing);
    send(builder, m, Count::bounded(AB::Expr::NEG_ONE, 1));
}

/// Provides the fact that there are blocks which come to this, or a message if `last` is 1, `multiplicity` times; the chip keeps `last`
/// boolean.
pub fn provide_sums<AB: ChipBuilder>(
    builder: &mut AB,
    last: impl Into<AB::Expr>,
    fact: Sums<AB::Expr>,
    multiplicity: impl Into<AB::Expr>,
) {
    let m = message::<AB>(AB::Expr::from_u8(ABSORBING) + last.into(), fact);
    send(builder, m, Count::provided(multiplicity.into()));
}

/// Consumes the fact that there is a message which comes to this, if `flag` is 1.
pub fn read_absorbed<AB: ChipBuilder>(
    builder: &mut AB,
    absorbed: Sums<AB::Expr>,
    flag: impl Into<AB::Expr>,
) {
    let m = message::<AB>(AB::Expr::from_u8(ABSORBED), absorbed);
    send(builder, m, Count::bounded(-flag.into(), 1));
}
