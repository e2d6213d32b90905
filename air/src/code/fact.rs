//! Instructions of the chips of facts beyond field arithmetic: their operands, results and meaning, one table for all.
//!
//! The assembler, the validator, the processor and the trace generator handle a [`FactEntry`] without knowing its chip;
//! what they need is its [`Signature`] and [`FactOp::eval`]. Adding an instruction is adding a variant and its arms here,
//! and the chip.

use p3_field::{BasedVectorSpace, Field, PrimeCharacteristicRing, PrimeField64};
use plica_field::{Ext, Felt, coefficients};
use plica_hash_rpo::constants::{CAPACITY, DIGEST, WIDTH as RPO_WIDTH};
use serde::{Deserialize, Serialize};

use super::{CellId, Class, Operand, Type};

/// Most operands of a fact.
pub const MAX_OPERANDS: usize = 4;
/// Most field elements that the operands of a fact or effect have together.
pub const MAX_COMPONENTS: usize = 14;
/// Most results of a fact, and most field elements that they have together.
pub const MAX_RESULTS: usize = 33;

/// Operands and results of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    pub operands: &'static [Type],
    /// Bit j: operand j may be a constant in the program table.
    pub immediates: u8,
    /// Bit j: operand j must be one.
    pub constants: u8,
    /// In cells `id`, `id + 1`, …
    pub results: &'static [Type],
    /// Has no row for some operands; its results are anchored (rule R9). [`FactOp::traps_on`] knows about constants.
    pub traps: bool,
}

/// An instruction whose results are a function of its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FactOp {
    /// a, if it is below 2^32; traps otherwise.
    U32Check,
    /// (a + b) mod 2^32, carry
    U32Add,
    /// (a − b) mod 2^32, borrow
    U32Sub,
    /// a·b + c as its low and its high half
    U32Mul,
    /// The canonical integer a as its low and its high half.
    Split,
    /// ⌊a/b⌋, a mod b; traps on b = 0.
    U32Div,
    /// a·2^k mod 2^32; the second operand is the constant 2^k, k ≤ 31.
    U32Shl,
    /// ⌊a·2^k/2^32⌋, a shift to the right by 32 − k; the second operand is the constant 2^k, k ≤ 31.
    U32Shr,
    /// a rotated to the left by k; the second operand is the constant 2^k, k ≤ 31.
    U32Rotl,
    /// a and b, bit by bit
    U32And,
    /// a or b, bit by bit
    U32Or,
    /// a xor b, bit by bit
    U32Xor,
    /// 2^a for a ≤ 63; traps otherwise.
    Power,
    /// The number of bits of a: ⌊log₂ a⌋ + 1, and 0 for 0.
    BitLength,
    /// The 32 bits of a, least significant first, and the number of ones.
    Bits,
    /// The word of four elements.
    Pack,
    /// The four elements of a word.
    Unpack,
    /// The RPO permutation. Operands and results: first and second word of the rate, capacity. The first result is the digest.
    Permute,
    /// The digest of two words, with two constants that begin the capacity.
    Merge,
    /// a·b + c in the cubic extension K = F\[X\]/(X³ − X − 1).
    Ext3MulAdd,
    /// The same with c in F. Here and below the row is that of [`Self::Ext3MulAdd`]: on the bus an element of F is one of K.
    Ext3Mul,
    /// The same with b in F.
    Ext3ScaleAdd,
    /// The same with b and c in F.
    Ext3Scale,
    /// 1/a in K; traps on 0.
    Ext3Inverse,
    /// The element of K with these coefficients: the word of them and 0.
    Ext3Pack,
}

use Type::{Bool, Count, Ext3, Felt as F, U32, Word};

/// 32 bits and their sum.
const BITS: [Type; 33] = {
    let mut types = [Bool; 33];
    types[32] = Count;
    types
};

/// Largest factor of a shift.
const MAX_SHIFT_FACTOR: u64 = 1 << 31;

impl FactOp {
    /// Every instruction.
    pub const ALL: &'static [Self] = &[
        Self::U32Check,
        Self::U32Add,
        Self::U32Sub,
        Self::U32Mul,
        Self::Split,
        Self::U32Div,
        Self::U32Shl,
        Self::U32Shr,
        Self::U32Rotl,
        Self::U32And,
        Self::U32Or,
        Self::U32Xor,
        Self::Power,
        Self::BitLength,
        Self::Bits,
        Self::Pack,
        Self::Unpack,
        Self::Permute,
        Self::Merge,
        Self::Ext3MulAdd,
        Self::Ext3Mul,
        Self::Ext3ScaleAdd,
        Self::Ext3Scale,
        Self::Ext3Inverse,
        Self::Ext3Pack,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::U32Check => "u32 check",
            Self::U32Add => "u32 addition",
            Self::U32Sub => "u32 subtraction",
            Self::U32Mul => "u32 multiplication",
            Self::Split => "split",
            Self::U32Div => "u32 division",
            Self::U32Shl => "u32 shift left",
            Self::U32Shr => "u32 shift right",
            Self::U32Rotl => "u32 rotation",
            Self::U32And => "u32 and",
            Self::U32Or => "u32 or",
            Self::U32Xor => "u32 xor",
            Self::Power => "power of two",
            Self::BitLength => "bit length",
            Self::Bits => "bits",
            Self::Pack => "pack",
            Self::Unpack => "unpack",
            Self::Permute => "permutation",
            Self::Merge => "merge",
            Self::Ext3MulAdd => "product and sum in the extension",
            Self::Ext3Mul => "product in the extension",
            Self::Ext3ScaleAdd => "multiple and sum in the extension",
            Self::Ext3Scale => "multiple in the extension",
            Self::Ext3Inverse => "inverse in the extension",
            Self::Ext3Pack => "element of the extension",
        }
    }

    /// The chip that has its rows.
    pub const fn class(self) -> Class {
        match self {
            Self::U32Check => Class::U32Check,
            Self::U32Add | Self::U32Sub => Class::U32Add,
            Self::U32Mul | Self::Split => Class::U32Mul,
            Self::U32Div => Class::U32Div,
            Self::U32Shl | Self::U32Shr | Self::U32Rotl => Class::U32Shift,
            Self::U32And | Self::U32Or | Self::U32Xor => Class::Bitwise,
            Self::Power => Class::Power,
            Self::BitLength => Class::BitLength,
            Self::Bits => Class::Bits,
            Self::Pack | Self::Ext3Pack => Class::Pack,
            Self::Unpack => Class::Unpack,
            Self::Permute | Self::Merge => Class::Rpo,
            Self::Ext3MulAdd
            | Self::Ext3Mul
            | Self::Ext3ScaleAdd
            | Self::Ext3Scale
            | Self::Ext3Inverse => Class::Ext3,
        }
    }

    /// Tells the instructions of one chip apart.
    pub const fn opcode(self) -> u32 {
        match self {
            Self::U32Check
            | Self::U32Add
            | Self::U32Mul
            // A multiplication whose other operands are constants.
            | Self::Split
            | Self::U32Div
            | Self::U32Shl
            | Self::U32And
            | Self::Power
            | Self::BitLength
            | Self::Bits
            | Self::Pack
            | Self::Unpack
            | Self::Permute
            // A word whose last element is the constant 0.
            | Self::Ext3Pack
            // On the bus an element of F is one of K.
            | Self::Ext3MulAdd
            | Self::Ext3Mul
            | Self::Ext3ScaleAdd
            | Self::Ext3Scale => 0,
            Self::U32Sub | Self::U32Shr | Self::U32Or | Self::Merge | Self::Ext3Inverse => 1,
            Self::U32Rotl | Self::U32Xor => 2,
        }
    }

    pub const fn signature(self) -> Signature {
        const fn signature(
            operands: &'static [Type],
            immediates: u8,
            results: &'static [Type],
        ) -> Signature {
            Signature {
                operands,
                immediates,
                constants: 0,
                results,
                traps: false,
            }
        }
        match self {
            Self::U32Check => Signature {
                traps: true,
                ..signature(&[F], 0, &[U32])
            },
            Self::U32Add | Self::U32Sub => signature(&[U32, U32], 0b10, &[U32, Bool]),
            Self::U32Mul => signature(&[U32, U32, U32], 0b110, &[U32, U32]),
            Self::Split => signature(&[F], 0, &[U32, U32]),
            Self::U32Div => Signature {
                traps: true,
                ..signature(&[U32, U32], 0b10, &[U32, U32])
            },
            Self::U32Shl | Self::U32Shr | Self::U32Rotl => signature(&[U32, U32], 0b10, &[U32]),
            Self::U32And | Self::U32Or | Self::U32Xor => signature(&[U32, U32], 0b10, &[U32]),
            Self::Power => Signature {
                traps: true,
                ..signature(&[F], 0, &[F])
            },
            Self::BitLength => signature(&[U32], 0, &[Count]),
            Self::Bits => signature(&[U32], 0, &BITS),
            Self::Pack => signature(&[F; 4], 0b1111, &[Word]),
            Self::Unpack => signature(&[Word], 0, &[F; 4]),
            Self::Permute => signature(&[Word; 3], 0, &[Word; 3]),
            Self::Merge => Signature {
                constants: 0b1100,
                ..signature(&[Word, Word, F, F], 0b1100, &[Word])
            },
            Self::Ext3MulAdd => signature(&[Ext3, Ext3, Ext3], 0, &[Ext3]),
            Self::Ext3Mul => signature(&[Ext3, Ext3, F], 0, &[Ext3]),
            Self::Ext3ScaleAdd => signature(&[Ext3, F, Ext3], 0, &[Ext3]),
            Self::Ext3Scale => signature(&[Ext3, F, F], 0, &[Ext3]),
            Self::Ext3Inverse => Signature {
                traps: true,
                ..signature(&[Ext3], 0, &[Ext3])
            },
            Self::Ext3Pack => signature(&[F; 3], 0b111, &[Ext3]),
        }
    }

    /// Whether there is no row for some values of the operands that are not constants.
    pub fn traps_on(self, constant: impl Fn(usize) -> Option<Felt>) -> bool {
        self.signature().traps
            && match self {
                Self::U32Div => constant(1).is_none_or(|divisor| divisor == Felt::ZERO),
                _ => true,
            }
    }

    /// The results for these operands, as field elements in order; `false` if the instruction traps.
    ///
    /// Operands have the types of the signature.
    #[inline]
    pub fn eval(self, operands: &[Felt], results: &mut [Felt]) -> bool {
        let int = |j: usize| operands[j].as_canonical_u64();
        match self {
            Self::U32Check => {
                results[0] = operands[0];
                int(0) >> 32 == 0
            }
            Self::U32Add => {
                let sum = int(0) + int(1);
                results[0] = Felt::from_u64(sum & 0xffff_ffff);
                results[1] = Felt::from_u64(sum >> 32);
                true
            }
            Self::U32Sub => {
                let (difference, borrow) = (int(0) as u32).overflowing_sub(int(1) as u32);
                results[0] = Felt::from_u32(difference);
                results[1] = Felt::from_bool(borrow);
                true
            }
            Self::U32Mul => {
                // At most (2^32 − 1)^2 + 2^32 − 1 = p − 1.
                set_halves(results, int(0) * int(1) + int(2));
                true
            }
            Self::Split => {
                set_halves(results, int(0));
                true
            }
            Self::U32Div => match (int(0).checked_div(int(1)), int(0).checked_rem(int(1))) {
                (Some(quotient), Some(remainder)) => {
                    results[0] = Felt::from_u64(quotient);
                    results[1] = Felt::from_u64(remainder);
                    true
                }
                _ => false,
            },
            Self::U32Shl | Self::U32Shr | Self::U32Rotl => {
                let product = int(0) * int(1);
                let (low, high) = (product & 0xffff_ffff, product >> 32);
                results[0] = Felt::from_u64(match self {
                    Self::U32Shl => low,
                    Self::U32Shr => high,
                    _ => low | high,
                });
                true
            }
            Self::U32And => {
                results[0] = Felt::from_u64(int(0) & int(1));
                true
            }
            Self::U32Or => {
                results[0] = Felt::from_u64(int(0) | int(1));
                true
            }
            Self::U32Xor => {
                results[0] = Felt::from_u64(int(0) ^ int(1));
                true
            }
            Self::Power => {
                let power = u32::try_from(int(0)).ok().and_then(|a| 1u64.checked_shl(a));
                results[0] = Felt::from_u64(power.unwrap_or(0));
                power.is_some()
            }
            Self::BitLength => {
                results[0] = Felt::from_u32(u64::BITS - int(0).leading_zeros());
                true
            }
            Self::Bits => {
                let a = int(0);
                for (j, bit) in results[..32].iter_mut().enumerate() {
                    *bit = Felt::from_bool(a >> j & 1 == 1);
                }
                results[32] = Felt::from_u32(a.count_ones());
                true
            }
            Self::Pack | Self::Unpack => {
                results[..4].copy_from_slice(&operands[..4]);
                true
            }
            Self::Permute | Self::Merge => {
                let mut state = self.rpo_state(operands);
                plica_hash_rpo::permute(&mut state);
                results[..DIGEST].copy_from_slice(&state[CAPACITY..CAPACITY + DIGEST]);
                if self == Self::Permute {
                    results[DIGEST..2 * DIGEST].copy_from_slice(&state[CAPACITY + DIGEST..]);
                    results[2 * DIGEST..3 * DIGEST].copy_from_slice(&state[..CAPACITY]);
                }
                true
            }
            Self::Ext3MulAdd | Self::Ext3Mul | Self::Ext3ScaleAdd | Self::Ext3Scale => {
                let [a, b, c] = self.ext3_operands(operands);
                set_ext3(results, a * b + c);
                true
            }
            Self::Ext3Inverse => {
                let [a, ..] = self.ext3_operands(operands);
                let inverse = a.try_inverse();
                set_ext3(results, inverse.unwrap_or_default());
                inverse.is_some()
            }
            Self::Ext3Pack => {
                results[..3].copy_from_slice(&operands[..3]);
                results[3] = Felt::ZERO;
                true
            }
        }
    }

    /// The operands as elements of the extension, as many as there are.
    pub(crate) fn ext3_operands(self, operands: &[Felt]) -> [Ext; 3] {
        let mut rest = operands;
        let types = self.signature().operands;
        std::array::from_fn(|j| {
            let Some(ty) = types.get(j) else {
                return Ext::ZERO;
            };
            let (own, others) = rest.split_at(ty.components());
            rest = others;
            Ext::from_basis_coefficients_fn(|i| own.get(i).copied().unwrap_or_default())
        })
    }

    /// The state that a hash instruction permutes: capacity, then rate.
    pub(crate) fn rpo_state(self, operands: &[Felt]) -> [Felt; RPO_WIDTH] {
        let mut state = [Felt::ZERO; RPO_WIDTH];
        state[CAPACITY..].copy_from_slice(&operands[..2 * DIGEST]);
        // All of it, or the two elements that are not zero.
        let capacity = if self == Self::Permute { CAPACITY } else { 2 };
        state[..capacity].copy_from_slice(&operands[2 * DIGEST..2 * DIGEST + capacity]);
        state
    }
}

fn set_halves(results: &mut [Felt], value: u64) {
    results[0] = Felt::from_u64(value & 0xffff_ffff);
    results[1] = Felt::from_u64(value >> 32);
}

fn set_ext3(results: &mut [Felt], value: Ext) {
    results[..3].copy_from_slice(&coefficients(value));
    results[3] = Felt::ZERO;
}

/// A row of the program table for a chip of facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FactEntry {
    pub op: FactOp,
    /// The first result.
    pub id: CellId,
    /// As many as the signature says; the rest is `Imm(0)`.
    pub operands: [Operand; MAX_OPERANDS],
}

impl FactEntry {
    pub fn operands(&self) -> &[Operand] {
        &self.operands[..self.op.signature().operands.len()]
    }

    /// The operands as the row of the program table has them: a split is the multiplication a·1 + 0, an element of the
    /// extension a word that ends with 0, and what is inverted the second of three.
    pub fn row_operands(&self) -> impl Iterator<Item = Operand> + use<> {
        let (operands, count) = match self.op {
            FactOp::Split => {
                let [a, ..] = self.operands;
                let [one, zero] = [Felt::ONE, Felt::ZERO].map(Operand::Imm);
                ([a, one, zero, zero], 3)
            }
            FactOp::Ext3Pack => {
                let [a, b, c, _] = self.operands;
                ([a, b, c, Operand::Imm(Felt::ZERO)], 4)
            }
            FactOp::Ext3Inverse => {
                let [a, ..] = self.operands;
                let none = Operand::Imm(Felt::ZERO);
                ([none, a, none, none], 3)
            }
            _ => (self.operands, self.operands().len()),
        };
        operands.into_iter().take(count)
    }

    /// Ids and types of the results.
    pub fn results(&self) -> impl Iterator<Item = (CellId, Type)> + use<> {
        (self.id..).zip(self.op.signature().results.iter().copied())
    }

    /// What tells this entry apart from others of its chip with the same operands: the instruction, and which of the
    /// operands that may be constants are.
    pub fn code(&self) -> u32 {
        let mask = self
            .row_operands()
            .enumerate()
            .filter(|(_, operand)| !operand.is_cell())
            .fold(0, |mask, (j, _)| mask | 1 << j);
        self.op.opcode() << MAX_OPERANDS | mask
    }

    /// Whether no row exists for some operands.
    pub fn traps(&self) -> bool {
        self.op.traps_on(|j| match self.operands[j] {
            Operand::Imm(value) => Some(value),
            Operand::Cell(_) => None,
        })
    }

    /// Whether operands are constants where they must be and only where they may be, fit their types, and at least one is a cell: an instruction
    /// without a cell operand would have rows in frames that were never opened.
    pub fn is_well_formed(&self) -> bool {
        let signature = self.op.signature();
        let constants = self.operands().iter().zip(signature.operands).enumerate();
        let fit = constants
            .filter_map(|(j, (operand, &ty))| match operand {
                Operand::Imm(value) => Some((j, *value, ty)),
                Operand::Cell(_) => None,
            })
            .all(|(j, value, ty)| {
                signature.immediates >> j & 1 == 1
                    && Type::of(value).fits(ty)
                    && ty.components() == 1
            });
        let rest = &self.operands[signature.operands.len()..];
        // The halves of a·2^k have no bit in common, so a rotation is their sum. Of other products it is not, and the
        // result would not have its type.
        let is_shift = self.op.class() == Class::U32Shift;
        let factor_is_power = || match self.operands[1] {
            Operand::Imm(factor) => {
                let factor = factor.as_canonical_u64();
                factor.is_power_of_two() && factor <= MAX_SHIFT_FACTOR
            }
            Operand::Cell(_) => false,
        };
        let mut fixed = (0..MAX_OPERANDS).filter(|j| signature.constants >> j & 1 == 1);
        fit && (!is_shift || factor_is_power())
            && fixed.all(|j| !self.operands[j].is_cell())
            && self.operands().iter().any(|operand| operand.is_cell())
            && rest.iter().all(|&o| o == Operand::Imm(Felt::ZERO))
    }
}
