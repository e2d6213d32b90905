//! What a row that absorbs a block says to the bus, whatever its constraints for the permutation and the sums.

use p3_field::PrimeCharacteristicRing;
use plica_field::{Ext, Felt, Word, coefficients};
use plica_hash_rpo::State;
use plica_hash_rpo::constants::{CAPACITY, DIGEST, ROUNDS, WIDTH as LANES};
use plica_hash_rpo::rounds_of_many;

use crate::bus::{self, ChipBuilder, Sums};
use crate::chip::columns;
use crate::record::Point;

pub use plica_hash_rpo::constants::RATE;

/// Columns before all others.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Head<T> {
    /// Number of blocks before this one.
    pub block: T,
    /// 1 if no block of the message follows.
    pub last: T,
    pub a: [T; 3],
    pub m: [T; 3],
    pub x: T,
    /// The sums before.
    pub s: [T; 3],
    pub u: [T; 3],
    pub capacity: [T; CAPACITY],
    /// The block.
    pub data: [T; RATE],
    /// The sum at the challenges after it.
    pub s_after: [T; 3],
    /// The sum of the block at x.
    pub value: T,
    /// Capacity behind the block, or the digest if it is the last one.
    pub out: [T; DIGEST],
    /// How often what the row says is read.
    pub mult: T,
}
columns!(Head);

/// Names of the constraints on these columns, in order.
pub const CONSTRAINTS: [&str; 1] = ["last is boolean"];

/// A block of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbsorbRow {
    pub block: u64,
    pub last: bool,
    pub point: Point,
    /// The sums before.
    pub s: Ext,
    pub u: Ext,
    pub capacity: Word,
    pub data: [Felt; RATE],
    /// How often what the row says is read.
    pub mult: u32,
}

impl AbsorbRow {
    /// The sums after the block.
    pub fn sums(&self) -> [Ext; 2] {
        self.point.step([self.s, self.u], &self.data)
    }
}

/// The messages of a row; what its columns hold is for others to see to.
pub fn eval<AB: ChipBuilder>(head: &Head<AB::Var>, builder: &mut AB) {
    builder.assert_bool(head.last);

    let a = head.a.map(Into::into);
    let m = head.m.map(Into::into);
    let [u0, u1, u2]: [AB::Expr; 3] = head.u.map(Into::into);
    let before = Sums {
        blocks: head.block.into(),
        state: head.capacity.map(Into::into),
        a,
        m,
        x: head.x.into(),
        s: head.s.map(Into::into),
        u: [u0.clone(), u1.clone(), u2.clone()],
    };
    let after = Sums {
        blocks: head.block.into() + AB::Expr::ONE,
        state: head.out.map(Into::into),
        s: head.s_after.map(Into::into),
        // X·(u₀ + u₁X + u₂X²) = u₂ + (u₀ + u₂)X + u₁X²
        u: [u2.clone() + head.value, u0 + u2, u1],
        ..before.clone()
    };
    bus::read_absorbing(builder, before);
    bus::provide_sums(builder, head.last, after, head.mult);
}

impl<T: Copy> Head<T> {
    /// The state that is permuted.
    pub(in crate::chips) fn state<AB: ChipBuilder<Var = T>>(&self) -> [AB::Expr; LANES]
    where
        T: Into<AB::Expr>,
    {
        self.lanes().map(Into::into)
    }

    fn lanes(&self) -> [T; LANES] {
        std::array::from_fn(|lane| match lane.checked_sub(CAPACITY) {
            Some(j) => self.data[j],
            None => self.capacity[lane],
        })
    }
}

impl Head<Felt> {
    /// All but what the permutation gives.
    pub(in crate::chips) fn new(row: &AbsorbRow) -> Self {
        let Point { a, m, x } = row.point;
        let [s_after, _] = row.sums();
        Self {
            block: Felt::from_u64(row.block),
            last: Felt::from_bool(row.last),
            a: coefficients(a),
            m: coefficients(m),
            x,
            s: coefficients(row.s),
            u: coefficients(row.u),
            capacity: row.capacity,
            data: row.data,
            s_after: coefficients(s_after),
            value: horner(&row.data, x),
            out: [Felt::ZERO; DIGEST],
            mult: Felt::from_u32(row.mult),
        }
    }

    /// The lanes of the permuted state that the row gives.
    fn set_out(&mut self, after: &State) {
        let start = if self.last == Felt::ONE { CAPACITY } else { 0 };
        self.out = std::array::from_fn(|j| after[start + j]);
    }
}

/// Permutes the states of whole rows of this many columns, several at a time, writes what the rows give, and has `fill` write the rounds.
pub(in crate::chips) fn fill_rounds(
    rows: &mut [Felt],
    width: usize,
    fill: impl Fn(&mut [Felt], &[[State; 2]; ROUNDS]),
) {
    let states: Vec<State> = rows
        .chunks_exact(width)
        .map(|row| Head::of(&row[..WIDTH]).lanes())
        .collect();
    rounds_of_many(&states, |i, rounds| {
        let row = &mut rows[i * width..][..width];
        let [_, after] = &rounds[ROUNDS - 1];
        Head::of_mut(&mut row[..WIDTH]).set_out(after);
        fill(row, rounds);
    });
}

/// Σⱼ point^(n−1−j)·vⱼ
pub fn horner<T>(values: &[Felt], point: T) -> T
where
    T: PrimeCharacteristicRing + Copy + std::ops::Add<Felt, Output = T>,
{
    let mut sum = T::ZERO;
    for &value in values {
        sum = sum * point + value;
    }
    sum
}

pub(in crate::chips) fn add<E: PrimeCharacteristicRing>(a: [E; 3], b: [E; 3]) -> [E; 3] {
    let [a0, a1, a2] = a;
    let [b0, b1, b2] = b;
    [a0 + b0, a1 + b1, a2 + b2]
}

/// An element of K times one of F.
pub(in crate::chips) fn scaled<E: PrimeCharacteristicRing>(a: &[E; 3], factor: &E) -> [E; 3] {
    a.each_ref().map(|a| a.clone() * factor.clone())
}

/// `"round 6, out 0: what"` and so on for each of the given words.
macro_rules! out_names {
    ($($what:literal),*) => {
        [$(
            concat!("round 6, out 0: ", $what),
            concat!("round 6, out 1: ", $what),
            concat!("round 6, out 2: ", $what),
            concat!("round 6, out 3: ", $what),
        )*]
    };
}
pub(in crate::chips) use out_names;
