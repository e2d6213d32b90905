//! Sums over the elements of a message of which the digest is known. Ordered.
//!
//! # What a row proves
//! (clk, pc, f) → (clk+1, pc+1, f), and there is a message of b = (f, blocks) blocks of eight elements v_k0 … v_k7 with the digest (f, digest), such that,
//! with a = (f, a) and m = (f, m) in K = F\[X\]/(X³ − X − 1) and x = (f, x):
//!
//! ```text
//! (f, id)     = Σ m^(b−1−k)·(Σⱼ a^(7−j)·v_kj)
//! (f, id + 1) = Σ X^(b−1−k)·(Σⱼ x^(7−j)·v_kj)      sums over the blocks k = 0 … b − 1
//! ```
//! That is, the row consumes the fact that says so ([`absorb`](super::absorb)); there is none for a digest of which nobody knows such a message,
//! nor for b = 0. It also says where all such facts begin: no blocks have capacity and sums 0, whatever a, m and x are. b and x may be constants.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use plica_hash_rpo::constants::DIGEST;

use crate::bus::{self, ChipBuilder, Sums};
use crate::chip::columns;
use crate::code::Class;
use crate::trace::EffectRow;

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cols<T> {
    /// 0 on padding rows.
    pub real: T,
    pub clk: T,
    /// Program.
    pub pc: T,
    pub fp: T,
    /// Program: id of the sum at the challenges; that of the sum at x follows.
    pub id: T,
    /// Program: x and the number of blocks are constants.
    pub immediates: [T; 2],
    /// Program: ids of the digest, a and m.
    pub word_ids: [T; 3],
    /// Program: ids of x and the number of blocks, or their values.
    pub scalar_ids: [T; 2],
    pub digest: [T; DIGEST],
    pub a: [T; 3],
    pub m: [T; 3],
    /// x and the number of blocks.
    pub scalars: [T; 2],
    /// The sum at the challenges, and that at x.
    pub sums: [[T; 3]; 2],
    /// How often each sum is read.
    pub mults: [T; 2],
    /// How many messages begin with what the row says of no blocks.
    pub starts: T,
}
columns!(Cols);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &[
    "real is boolean",
    "constant x is boolean",
    "constant x",
    "constant number of blocks is boolean",
    "constant number of blocks",
    "padding gives no sum",
    "padding gives no sum at x",
    "padding begins no message",
];

/// Bits of the constants among the operands.
const CONSTANTS: [u32; 2] = [1 << 3, 1 << 4];

/// An element of K as a word on the bus.
fn word<AB: ChipBuilder>([c0, c1, c2]: [AB::Var; 3]) -> [AB::Expr; 4] {
    [c0.into(), c1.into(), c2.into(), AB::Expr::ZERO]
}

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let real: AB::Expr = cols.real.into();
    let padding = AB::Expr::ONE - real.clone();

    builder.assert_bool(cols.real);
    // The lookup has the flags as one number, so they must be its digits.
    for ((flag, value), id) in cols
        .immediates
        .into_iter()
        .zip(cols.scalars)
        .zip(cols.scalar_ids)
    {
        builder.assert_bool(flag);
        builder.assert_zero(flag.into() * (value.into() - id));
    }
    for mult in cols.mults {
        builder.assert_zero(padding.clone() * mult);
    }
    builder.assert_zero(padding * cols.starts);

    bus::receive_state(builder, cols.clk, cols.pc, cols.fp, real.clone());
    let next = cols.clk.into() + AB::Expr::ONE;
    let pc = cols.pc.into() + AB::Expr::ONE;
    bus::send_state(builder, next, pc, cols.fp, real.clone());
    let [constant_x, constant_blocks] = cols.immediates.map(Into::into);
    let [x_bit, blocks_bit] = CONSTANTS.map(AB::Expr::from_u32);
    let [digest_id, a_id, m_id] = cols.word_ids;
    let [x_id, blocks_id] = cols.scalar_ids;
    bus::lookup(
        builder,
        [
            AB::Expr::from_u8(Class::Sum as u8),
            cols.pc.into(),
            AB::Expr::ZERO,
            constant_x * x_bit + constant_blocks * blocks_bit,
            digest_id.into(),
            a_id.into(),
            m_id.into(),
            x_id.into(),
            blocks_id.into(),
            cols.id.into(),
        ],
        real.clone(),
    );
    bus::read_word_if(builder, cols.fp, digest_id, cols.digest, real.clone());
    bus::read_word_if(builder, cols.fp, a_id, word::<AB>(cols.a), real.clone());
    bus::read_word_if(builder, cols.fp, m_id, word::<AB>(cols.m), real.clone());
    for ((flag, value), id) in cols
        .immediates
        .into_iter()
        .zip(cols.scalars)
        .zip(cols.scalar_ids)
    {
        let is_cell = real.clone() * (AB::Expr::ONE - flag);
        bus::read(builder, cols.fp, id, value, is_cell);
    }

    let [x, blocks] = cols.scalars.map(Into::into);
    let [s, u] = cols.sums.map(|sum| sum.map(Into::into));
    let absorbed = Sums {
        blocks,
        state: cols.digest.map(Into::into),
        a: cols.a.map(Into::into),
        m: cols.m.map(Into::into),
        x,
        s,
        u,
    };
    let zero = || AB::Expr::ZERO;
    let nothing = Sums {
        blocks: zero(),
        state: [zero(), zero(), zero(), zero()],
        s: [zero(), zero(), zero()],
        u: [zero(), zero(), zero()],
        ..absorbed.clone()
    };
    bus::read_absorbed(builder, absorbed, real);
    bus::provide_sums(builder, zero(), nothing, cols.starts);
    let base_id = cols.id.into() + AB::Expr::ONE;
    let [s, u] = cols.sums.map(word::<AB>);
    let [s_mult, u_mult] = cols.mults;
    bus::provide_word(builder, cols.fp, cols.id, s, s_mult);
    bus::provide_word(builder, cols.fp, base_id, u, u_mult);
}

/// Fills a row.
pub fn fill(cols: &mut Cols<Felt>, row: &EffectRow<'_>) {
    let three = |values: &[Felt], start: usize| std::array::from_fn(|j| values[start + j]);
    let operand = |j: usize| row.entry.operands[j];
    *cols = Cols {
        real: Felt::ONE,
        clk: Felt::from_u64(row.clk),
        pc: Felt::from_u32(row.entry.pc),
        fp: row.fp,
        id: Felt::from_u32(row.entry.id),
        immediates: [3, 4].map(|j| Felt::from_bool(!operand(j).is_cell())),
        word_ids: [0, 1, 2].map(|j| operand(j).field()),
        scalar_ids: [3, 4].map(|j| operand(j).field()),
        digest: std::array::from_fn(|j| row.operands[j]),
        a: three(&row.operands, 4),
        m: three(&row.operands, 8),
        scalars: [row.operands[12], row.operands[13]],
        sums: [three(&row.results, 0), three(&row.results, 4)],
        mults: [row.mults[0], row.mults[1]],
        starts: Felt::from_u32(row.starts),
    };
}

/// A row outside the chain: all zeros is silent and satisfies every constraint.
pub fn fill_padding(cols: &mut Cols<Felt>) {
    *cols = *Cols::of(&[Felt::ZERO; WIDTH]);
}

#[cfg(test)]
mod tests;
