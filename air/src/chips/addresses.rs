//! The table of addresses: a row for each address that the run touches.
//!
//! # What a row proves
//! The address is below 2^32 and begins with the zero word at clock 0; what the last access left is taken. Each address has one
//! row: the rows form a chain over the bus in which (context, address) strictly increases,
//!
//! ```text
//! takes (previous context, previous address), gives (context, address)
//! same context   address − previous address − 1 = gap
//! a later one    context − previous context − 1 = gap         0 ≤ gap < 2^32
//! ```
//! It starts at (0, −1) and ends in the one row of the boundary. Like the chain of states it cannot close anywhere else: along its
//! rows the pair increases, and with addresses below 2^32 and fewer than 2^32 rows (they count as ordered ones do, see
//! [`crate::chip::ChipKind::chained`]) neither number wraps: contexts reach (2^32 − 1)·2^32 = p − 1 at most.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;

use super::limbs::{self, Limbs};
use crate::bus::{self, ChipBuilder};
use crate::chip::columns;
use crate::record::Touched;

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Cols<T> {
    /// 0 on padding rows.
    pub real: T,
    /// The context is that of the previous row.
    pub same: T,
    pub context: T,
    pub address: Limbs<T>,
    pub previous_context: T,
    pub previous_address: T,
    pub gap: Limbs<T>,
    /// What the last access left, and when.
    pub word: [T; 4],
    pub clk: T,
}
columns!(Cols);

/// Names of the constraints, in order.
pub const CONSTRAINTS: &[&str] = &[
    "real is boolean",
    "same context is boolean",
    "same context",
    "order",
];

pub fn eval<AB: ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
    let cols = Cols::of(row);
    let (real, same): (AB::Expr, AB::Expr) = (cols.real.into(), cols.same.into());
    let address: AB::Expr = limbs::join(&cols.address);
    let gap: AB::Expr = limbs::join(&cols.gap);
    let contexts = cols.context.into() - cols.previous_context;
    let addresses = address.clone() - cols.previous_address;

    builder.assert_bool(cols.real);
    builder.assert_bool(cols.same);
    builder.assert_zero(same.clone() * contexts.clone());
    // gap + 1 = the difference of the contexts, or of the addresses
    builder.assert_zero(contexts.clone() + same * (addresses - contexts) - AB::Expr::ONE - gap);

    let before = [cols.previous_context, cols.previous_address].map(Into::into);
    bus::take_address(builder, before, real.clone());
    let here = [cols.context.into(), address.clone()];
    bus::give_address(builder, here, real.clone());
    let zero = [
        AB::Expr::ZERO,
        AB::Expr::ZERO,
        AB::Expr::ZERO,
        AB::Expr::ZERO,
    ];
    bus::give_memory(
        builder,
        cols.context,
        address.clone(),
        zero,
        AB::Expr::ZERO,
        real.clone(),
    );
    bus::take_memory(
        builder,
        cols.context,
        address,
        cols.word,
        cols.clk,
        real.clone(),
    );
    limbs::check_if(builder, &cols.address, real.clone());
    limbs::check_if(builder, &cols.gap, real);
}

/// Fills the row of an address; `previous` is the one before it in the table.
pub fn fill(
    cols: &mut Cols<Felt>,
    touched: &Touched,
    previous: Option<&Touched>,
    counts: &limbs::Counts,
) {
    let [context, address] = touched.place();
    let [before_context, before_address] = previous.map_or(START.map(Felt::from_i64), |touched| {
        touched.place().map(Felt::from_u64)
    });
    let same = before_context == Felt::from_u64(context);
    let gap = if same {
        Felt::from_u64(address) - before_address
    } else {
        Felt::from_u64(context) - before_context
    };
    *cols = Cols {
        real: Felt::ONE,
        same: Felt::from_bool(same),
        context: Felt::from_u64(context),
        address: counts.split(Felt::from_u64(address)),
        previous_context: before_context,
        previous_address: before_address,
        gap: counts.split(gap - Felt::ONE),
        word: touched.left.word,
        clk: Felt::from_u64(touched.left.clk),
    };
}

/// Where the chain of addresses starts: in front of address 0 of context 0.
pub const START: [i64; 2] = [0, -1];

/// A row outside the chain: silent, and it satisfies every constraint.
pub fn fill_padding(cols: &mut Cols<Felt>) {
    *cols = *Cols::of(&[Felt::ZERO; WIDTH]);
    cols.same = Felt::ONE;
    cols.previous_address = Felt::NEG_ONE;
}

#[cfg(test)]
mod tests;
