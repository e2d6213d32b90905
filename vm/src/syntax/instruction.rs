//! The instruction set: one table from which the [`Instruction`] type, the parser's dictionary and the documentation come.

use std::collections::HashMap;
use std::sync::LazyLock;

use plica_field::Felt;
use serde::Serialize;

use super::immediate::{FromOperands, Immediate, Operands};

/// An immediate together with the way it was written.
///
/// A *literal* immediate that makes an instruction trivial removes it together with its range check; the same value
/// through a named constant keeps the check. [`Instruction::trivial`] is the only place that needs the difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Imm<T> {
    /// The value.
    pub value: T,
    /// Whether it was written as a number, not as a constant's name.
    pub literal: bool,
}

/// The three forms of `exp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Exponent {
    /// `exp`: the exponent is on the stack.
    Stack,
    /// `exp.uN`: the exponent is on the stack and must be below 2^N, N ≤ 63.
    Bits(u8),
    /// `exp.b`: the exponent is b.
    Value(Felt),
}

/// The operands of `debug.mem` and `debug.local`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum DebugRange<T> {
    /// Everything.
    All,
    /// One word.
    One(T),
    /// The words from the first to the second.
    Interval(T, T),
}

/// What a trivial immediate turns an instruction into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trivial {
    /// Nothing happens and nothing is checked.
    Nothing,
    /// The operand is dropped *first* and a 0 pushed after, which raises the depth if it was 16. Nothing is checked.
    DropThenZero,
    /// The operand is dropped first and a 1 pushed after (`exp.0`).
    DropThenOne,
}

/// Where an instruction belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    /// Moving stack elements.
    Stack,
    /// Arithmetic, comparison and logic on field elements.
    Field,
    /// Assertions.
    Assertions,
    /// The quadratic extension.
    Extension,
    /// 32-bit integers.
    U32,
    /// The state of the machine.
    Environment,
    /// Random access memory.
    Memory,
    /// Procedure locals.
    Locals,
    /// Non-deterministic input.
    Advice,
    /// Changes of the advice that the machine does not see.
    Injectors,
    /// Hashing and Merkle trees.
    Hashing,
    /// Helpers of STARK verifiers.
    Stark,
    /// Events, tracing and debugging.
    Events,
    /// Items below the top 16: an extension of the language.
    Deep,
    /// The cubic extension: an extension of the language.
    Ext3,
}

/// What is known about an instruction beside its meaning.
#[derive(Clone, Copy, Debug)]
pub struct InstructionInfo {
    /// The name in source text.
    pub name: &'static str,
    /// Where it belongs.
    pub section: Section,
    /// Which immediates it takes.
    pub immediate: Immediate,
    /// The stack before and after, leftmost element on top, for the form without immediates.
    pub effect: &'static str,
    /// By how much the depth changes, for the form without immediates.
    pub net: i8,
}

macro_rules! instructions {
    ($(
        $section:ident {
            $( $variant:ident $(($payload:ty))? = $name:literal, $immediate:expr, $effect:literal, $net:literal; )*
        }
    )*) => {
        /// An instruction with its immediates. Control flow and calls are [`super::NodeKind`]s.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        pub enum Instruction {
            $($(
                #[doc = concat!("`", $name, "`: `", $effect, "`")]
                $variant $(($payload))?,
            )*)*
        }

        /// An [`Instruction`] without its immediates; the discriminant is the position in [`Instruction::ALL`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Opcode {
            $($(
                #[doc = concat!("`", $name, "`")]
                $variant,
            )*)*
        }

        impl Instruction {
            /// Every instruction, in the order of [`Opcode`].
            pub const ALL: &'static [InstructionInfo] = &[
                $($( InstructionInfo {
                    name: $name,
                    section: Section::$section,
                    immediate: $immediate,
                    effect: $effect,
                    net: $net,
                }, )*)*
            ];

            /// The instruction without its immediates.
            pub fn opcode(&self) -> Opcode {
                match self {
                    $($( Self::$variant { .. } => Opcode::$variant, )*)*
                }
            }

            /// Where the instruction belongs.
            pub fn section(&self) -> Section {
                Self::ALL[self.opcode() as usize].section
            }

            /// Builds the instruction from its operands in the source.
            pub(super) fn build(opcode: Opcode, operands: &Operands<'_>) -> super::diagnostic::Result<Self> {
                Ok(match opcode {
                    $($( Opcode::$variant => instructions!(@build operands, $immediate, $variant $(($payload))?), )*)*
                })
            }
        }

        const OPCODES: &[Opcode] = &[ $($( Opcode::$variant, )*)* ];
    };
    (@build $operands:ident, $immediate:expr, $variant:ident) => {{
        $operands.none()?;
        Self::$variant
    }};
    (@build $operands:ident, $immediate:expr, $variant:ident ($payload:ty)) => {
        Self::$variant(<$payload as FromOperands>::read($operands, $immediate)?)
    };
}

const NONE: Immediate = Immediate::None;
const FELT: Immediate = Immediate::OptionalFelt { nonzero: false };
const U32: Immediate = Immediate::OptionalU32 { nonzero: false };
const NONZERO_U32: Immediate = Immediate::OptionalU32 { nonzero: true };
const SHIFT: Immediate = Immediate::OptionalU8 { max: 31 };

const fn index(min: u8, max: u8, default: Option<u8>) -> Immediate {
    Immediate::Index { min, max, default }
}

instructions! {
    Stack {
        Drop = "drop", NONE, "[a, ..] -> [..]", -1;
        DropW = "dropw", NONE, "[A, ..] -> [..]", -4;
        PadW = "padw", NONE, "[..] -> [0, 0, 0, 0, ..]", 4;
        Push(Box<[Felt]>) = "push", Immediate::Push, "[..] -> [c, b, a, ..]", 0;
        Dup(u8) = "dup", index(0, 15, Some(0)), "[.., a, ..] -> [a, .., a, ..]", 1;
        DupW(u8) = "dupw", index(0, 3, Some(0)), "[.., A, ..] -> [A, .., A, ..]", 4;
        Swap(u8) = "swap", index(1, 15, Some(1)), "[b, .., a, ..] -> [a, .., b, ..]", 0;
        SwapW(u8) = "swapw", index(1, 3, Some(1)), "[B, .., A, ..] -> [A, .., B, ..]", 0;
        SwapDW = "swapdw", NONE, "[D, C, B, A, ..] -> [B, A, D, C, ..]", 0;
        MovUp(u8) = "movup", index(2, 15, None), "[.., a, ..] -> [a, .., ..]", 0;
        MovDn(u8) = "movdn", index(2, 15, None), "[a, .., ..] -> [.., a, ..]", 0;
        MovUpW(u8) = "movupw", index(2, 3, None), "[.., A, ..] -> [A, .., ..]", 0;
        MovDnW(u8) = "movdnw", index(2, 3, None), "[A, .., ..] -> [.., A, ..]", 0;
        CSwap = "cswap", NONE, "[c, b, a, ..] -> [b, a, ..] or [a, b, ..]", -1;
        CDrop = "cdrop", NONE, "[c, b, a, ..] -> [a, ..] or [b, ..]", -2;
        CSwapW = "cswapw", NONE, "[c, B, A, ..] -> [B, A, ..] or [A, B, ..]", -1;
        CDropW = "cdropw", NONE, "[c, B, A, ..] -> [A, ..] or [B, ..]", -5;
        Nop = "nop", NONE, "[..] -> [..]", 0;
    }
    Field {
        Add(Option<Felt>) = "add", FELT, "[b, a, ..] -> [a + b, ..]", -1;
        Sub(Option<Felt>) = "sub", FELT, "[b, a, ..] -> [a - b, ..]", -1;
        Mul(Option<Felt>) = "mul", FELT, "[b, a, ..] -> [a * b, ..]", -1;
        Div(Option<Felt>) = "div", Immediate::OptionalFelt { nonzero: true }, "[b, a, ..] -> [a / b, ..]", -1;
        Neg = "neg", NONE, "[a, ..] -> [-a, ..]", 0;
        Inv = "inv", NONE, "[a, ..] -> [1 / a, ..]", 0;
        Exp(Exponent) = "exp", Immediate::Exponent, "[b, a, ..] -> [a^b, ..]", -1;
        Pow2 = "pow2", NONE, "[a, ..] -> [2^a, ..]", 0;
        ILog2 = "ilog2", NONE, "[a, ..] -> [floor(log2 a), ..]", 0;
        Not = "not", NONE, "[a, ..] -> [1 - a, ..]", 0;
        And = "and", NONE, "[b, a, ..] -> [a and b, ..]", -1;
        Or = "or", NONE, "[b, a, ..] -> [a or b, ..]", -1;
        Xor = "xor", NONE, "[b, a, ..] -> [a xor b, ..]", -1;
        Eq(Option<Felt>) = "eq", FELT, "[b, a, ..] -> [a = b, ..]", -1;
        Neq(Option<Felt>) = "neq", FELT, "[b, a, ..] -> [a ≠ b, ..]", -1;
        Lt(Option<Felt>) = "lt", FELT, "[b, a, ..] -> [a < b, ..]", -1;
        Lte(Option<Felt>) = "lte", FELT, "[b, a, ..] -> [a ≤ b, ..]", -1;
        Gt(Option<Felt>) = "gt", FELT, "[b, a, ..] -> [a > b, ..]", -1;
        Gte(Option<Felt>) = "gte", FELT, "[b, a, ..] -> [a ≥ b, ..]", -1;
        IsOdd = "is_odd", NONE, "[a, ..] -> [a mod 2, ..]", 0;
        EqW = "eqw", NONE, "[A, B, ..] -> [A = B, A, B, ..]", 1;
    }
    Assertions {
        Assert(u32) = "assert", Immediate::ErrorCode, "[a, ..] -> [..]", -1;
        AssertZ(u32) = "assertz", Immediate::ErrorCode, "[a, ..] -> [..]", -1;
        AssertEq(u32) = "assert_eq", Immediate::ErrorCode, "[b, a, ..] -> [..]", -2;
        AssertEqW(u32) = "assert_eqw", Immediate::ErrorCode, "[B, A, ..] -> [..]", -8;
        U32Assert(u32) = "u32assert", Immediate::ErrorCode, "[a, ..] -> [a, ..]", 0;
        U32Assert2(u32) = "u32assert2", Immediate::ErrorCode, "[b, a, ..] -> [b, a, ..]", 0;
        U32AssertW(u32) = "u32assertw", Immediate::ErrorCode, "[A, ..] -> [A, ..]", 0;
    }
    Extension {
        Ext2Add = "ext2add", NONE, "[b1, b0, a1, a0, ..] -> [c1, c0, ..], c = a + b", -2;
        Ext2Sub = "ext2sub", NONE, "[b1, b0, a1, a0, ..] -> [c1, c0, ..], c = a - b", -2;
        Ext2Mul = "ext2mul", NONE, "[b1, b0, a1, a0, ..] -> [c1, c0, ..], c = a * b", -2;
        Ext2Div = "ext2div", NONE, "[b1, b0, a1, a0, ..] -> [c1, c0, ..], c = a / b", -2;
        Ext2Neg = "ext2neg", NONE, "[a1, a0, ..] -> [-a1, -a0, ..]", 0;
        Ext2Inv = "ext2inv", NONE, "[a1, a0, ..] -> [c1, c0, ..], c = 1 / a", 0;
    }
    U32 {
        U32Test = "u32test", NONE, "[a, ..] -> [a < 2^32, a, ..]", 1;
        U32TestW = "u32testw", NONE, "[A, ..] -> [all < 2^32, A, ..]", 1;
        U32Cast = "u32cast", NONE, "[a, ..] -> [a mod 2^32, ..]", 0;
        U32Split = "u32split", NONE, "[a, ..] -> [a div 2^32, a mod 2^32, ..]", 1;
        U32OverflowingAdd(Option<Imm<u32>>) = "u32overflowing_add", U32, "[b, a, ..] -> [carry, sum mod 2^32, ..]", 0;
        U32WrappingAdd(Option<Imm<u32>>) = "u32wrapping_add", U32, "[b, a, ..] -> [sum mod 2^32, ..]", -1;
        U32OverflowingAdd3 = "u32overflowing_add3", NONE, "[c, b, a, ..] -> [carry, sum mod 2^32, ..]", -1;
        U32WrappingAdd3 = "u32wrapping_add3", NONE, "[c, b, a, ..] -> [sum mod 2^32, ..]", -2;
        U32OverflowingSub(Option<Imm<u32>>) = "u32overflowing_sub", U32, "[b, a, ..] -> [a < b, (a - b) mod 2^32, ..]", 0;
        U32WrappingSub(Option<Imm<u32>>) = "u32wrapping_sub", U32, "[b, a, ..] -> [(a - b) mod 2^32, ..]", -1;
        U32OverflowingMul(Option<Imm<u32>>) = "u32overflowing_mul", U32, "[b, a, ..] -> [high, low, ..]", 0;
        U32WrappingMul(Option<Imm<u32>>) = "u32wrapping_mul", U32, "[b, a, ..] -> [low, ..]", -1;
        U32OverflowingMadd = "u32overflowing_madd", NONE, "[b, a, c, ..] -> [high, low, ..] of a * b + c", -1;
        U32WrappingMadd = "u32wrapping_madd", NONE, "[b, a, c, ..] -> [low, ..] of a * b + c", -2;
        U32Div(Option<Imm<u32>>) = "u32div", NONZERO_U32, "[b, a, ..] -> [a div b, ..]", -1;
        U32Mod(Option<Imm<u32>>) = "u32mod", NONZERO_U32, "[b, a, ..] -> [a mod b, ..]", -1;
        U32DivMod(Option<Imm<u32>>) = "u32divmod", NONZERO_U32, "[b, a, ..] -> [a mod b, a div b, ..]", 0;
        U32And(Option<Imm<u32>>) = "u32and", U32, "[b, a, ..] -> [a and b, ..]", -1;
        U32Or(Option<Imm<u32>>) = "u32or", U32, "[b, a, ..] -> [a or b, ..]", -1;
        U32Xor(Option<Imm<u32>>) = "u32xor", U32, "[b, a, ..] -> [a xor b, ..]", -1;
        U32Not(Option<Imm<u32>>) = "u32not", U32, "[a, ..] -> [2^32 - 1 - a, ..]", 0;
        U32Shl(Option<u8>) = "u32shl", SHIFT, "[b, a, ..] -> [a * 2^b mod 2^32, ..]", -1;
        U32Shr(Option<u8>) = "u32shr", SHIFT, "[b, a, ..] -> [a div 2^b, ..]", -1;
        U32Rotl(Option<u8>) = "u32rotl", SHIFT, "[b, a, ..] -> [a rotated left by b, ..]", -1;
        U32Rotr(Option<u8>) = "u32rotr", SHIFT, "[b, a, ..] -> [a rotated right by b, ..]", -1;
        U32Popcnt = "u32popcnt", NONE, "[a, ..] -> [number of ones, ..]", 0;
        U32Clz = "u32clz", NONE, "[a, ..] -> [leading zeros, ..]", 0;
        U32Ctz = "u32ctz", NONE, "[a, ..] -> [trailing zeros, ..]", 0;
        U32Clo = "u32clo", NONE, "[a, ..] -> [leading ones, ..]", 0;
        U32Cto = "u32cto", NONE, "[a, ..] -> [trailing ones, ..]", 0;
        U32Lt(Option<Imm<u32>>) = "u32lt", U32, "[b, a, ..] -> [a < b, ..]", -1;
        U32Lte(Option<Imm<u32>>) = "u32lte", U32, "[b, a, ..] -> [a ≤ b, ..]", -1;
        U32Gt(Option<Imm<u32>>) = "u32gt", U32, "[b, a, ..] -> [a > b, ..]", -1;
        U32Gte(Option<Imm<u32>>) = "u32gte", U32, "[b, a, ..] -> [a ≥ b, ..]", -1;
        U32Min(Option<Imm<u32>>) = "u32min", U32, "[b, a, ..] -> [min(a, b), ..]", -1;
        U32Max(Option<Imm<u32>>) = "u32max", U32, "[b, a, ..] -> [max(a, b), ..]", -1;
    }
    Environment {
        SDepth = "sdepth", NONE, "[..] -> [depth, ..]", 1;
        Clk = "clk", NONE, "[..] -> [clock, ..]", 1;
        Caller = "caller", NONE, "[A, ..] -> [root of the caller, ..]", 0;
        LocAddr(u16) = "locaddr", Immediate::U16, "[..] -> [address of local i, ..]", 1;
    }
    Memory {
        MemLoad(Option<u32>) = "mem_load", U32, "[a, ..] -> [m0, ..]", 0;
        MemLoadW(Option<u32>) = "mem_loadw", U32, "[a, x, x, x, x, ..] -> [m3, m2, m1, m0, ..]", -1;
        MemStore(Option<u32>) = "mem_store", U32, "[a, v, ..] -> [..]", -2;
        MemStoreW(Option<u32>) = "mem_storew", U32, "[a, A, ..] -> [A, ..]", -1;
        MemStream = "mem_stream", NONE, "[8 items, C, a, ..] -> [mem[a+1], mem[a], C, a + 2, ..]", 0;
    }
    Locals {
        LocLoad(u16) = "loc_load", Immediate::U16, "[..] -> [m0, ..]", 1;
        LocLoadW(u16) = "loc_loadw", Immediate::U16, "[x, x, x, x, ..] -> [m3, m2, m1, m0, ..]", 0;
        LocStore(u16) = "loc_store", Immediate::U16, "[v, ..] -> [..]", -1;
        LocStoreW(u16) = "loc_storew", Immediate::U16, "[A, ..] -> [A, ..]", 0;
    }
    Advice {
        AdvPush(u8) = "adv_push", index(1, 16, None), "[..] -> [vn, .., v1, ..]", 0;
        AdvLoadW = "adv_loadw", NONE, "[x, x, x, x, ..] -> [v3, v2, v1, v0, ..]", 0;
        AdvPipe = "adv_pipe", NONE, "[8 items, C, a, ..] -> [W1, W0, C, a + 2, ..]", 0;
    }
    Injectors {
        AdvPushMapVal(u8) = "adv.push_mapval", Immediate::U8 { max: 12 }, "[K, ..] -> [K, ..]", 0;
        AdvPushMapValN(u8) = "adv.push_mapvaln", Immediate::U8 { max: 12 }, "[K, ..] -> [K, ..]", 0;
        AdvPushMtNode = "adv.push_mtnode", NONE, "[d, i, R, ..] -> [d, i, R, ..]", 0;
        AdvPushU64Div = "adv.push_u64div", NONE, "[b1, b0, a1, a0, ..] -> [b1, b0, a1, a0, ..]", 0;
        AdvPushExt2Intt = "adv.push_ext2intt", NONE, "[k, n, ptr, ..] -> [k, n, ptr, ..]", 0;
        AdvPushSmtPeek = "adv.push_smtpeek", NONE, "[K, R, ..] -> [K, R, ..]", 0;
        AdvPushSmtGet = "adv.push_smtget", NONE, "[K, R, ..] -> [K, R, ..]", 0;
        AdvPushSmtSet = "adv.push_smtset", NONE, "[V, K, R, ..] -> [V, K, R, ..]", 0;
        AdvPushSigRpoFalcon512 = "adv.push_sig.rpo_falcon512", NONE, "[PK, MSG, ..] -> [PK, MSG, ..]", 0;
        AdvInsertMem = "adv.insert_mem", NONE, "[K, a, b, ..] -> [K, a, b, ..]", 0;
        AdvInsertHdWord(u8) = "adv.insert_hdword", Immediate::U8 { max: 255 }, "[B, A, ..] -> [B, A, ..]", 0;
        AdvInsertHPerm = "adv.insert_hperm", NONE, "[B, A, C, ..] -> [B, A, C, ..]", 0;
    }
    Hashing {
        HPerm = "hperm", NONE, "[C, B, A, ..] -> [C', B', A', ..]", 0;
        Hash = "hash", NONE, "[A, ..] -> [hash(A), ..]", 0;
        HMerge = "hmerge", NONE, "[B, A, ..] -> [hash(A, B), ..]", -4;
        MTreeGet = "mtree_get", NONE, "[d, i, R, ..] -> [V, R, ..]", 2;
        MTreeSet = "mtree_set", NONE, "[d, i, R, V', ..] -> [V, R', ..]", -2;
        MTreeMerge = "mtree_merge", NONE, "[R, L, ..] -> [hash(L, R), ..]", -4;
        MTreeVerify(u32) = "mtree_verify", Immediate::ErrorCode, "[V, d, i, R, ..] -> [V, d, i, R, ..]", 0;
    }
    Stark {
        FriExt2Fold4 = "fri_ext2fold4", NONE, "[v7, .., v0, f_pos, d_seg, poe, pe1, pe0, a1, a0, cptr, eptr, ..] -> [t1, t0, s1, s0, df3, df2, df1, df0, poe^2, f_tau, cptr + 2, poe^4, f_pos, ne1, ne0, eptr, ..]", -1;
        RCombBase = "rcomb_base", NONE, "[T7, .., T0, p1, p0, r1, r0, x, z, a, ..] -> [T0, T7, .., T1, p1', p0', r1', r0', x, z + 1, a + 1, ..]", 0;
    }
    Events {
        Emit(u32) = "emit", Immediate::U32, "[..] -> [..]", 0;
        Trace(u32) = "trace", Immediate::U32, "[..] -> [..]", 0;
        DebugStack(Option<u8>) = "debug.stack", Immediate::OptionalU8 { max: 255 }, "[..] -> [..]", 0;
        DebugMem(DebugRange<u32>) = "debug.mem", Immediate::RangeU32, "[..] -> [..]", 0;
        DebugLocal(DebugRange<u16>) = "debug.local", Immediate::RangeU16, "[..] -> [..]", 0;
    }
    Deep {
        Pick(u32) = "pick", Immediate::U32, "[.., a, ..] -> [a, .., a, ..], a has i items above it", 1;
    }
    Ext3 {
        Ext3Add = "ext3add", NONE, "[b2, b1, b0, a2, a1, a0, ..] -> [c2, c1, c0, ..], c = a + b", -3;
        Ext3Sub = "ext3sub", NONE, "[b2, b1, b0, a2, a1, a0, ..] -> [c2, c1, c0, ..], c = a - b", -3;
        Ext3Mul = "ext3mul", NONE, "[b2, b1, b0, a2, a1, a0, ..] -> [c2, c1, c0, ..], c = a * b", -3;
        Ext3Div = "ext3div", NONE, "[b2, b1, b0, a2, a1, a0, ..] -> [c2, c1, c0, ..], c = a / b", -3;
        Ext3Inv = "ext3inv", NONE, "[a2, a1, a0, ..] -> [c2, c1, c0, ..], c = 1 / a", 0;
        SumPreimage(Option<u32>) = "sum_preimage", Immediate::OptionalCount, "[b, x, m2, m1, m0, a2, a1, a0, D, ..] -> [u2, u1, u0, s2, s1, s0, ..]", -6;
    }
}

impl Opcode {
    /// Every opcode.
    pub const ALL: &'static [Self] = OPCODES;

    /// What is known about the instruction.
    pub fn info(self) -> &'static InstructionInfo {
        &Instruction::ALL[self as usize]
    }

    /// The instruction of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        static NAMES: LazyLock<HashMap<&str, Opcode>> = LazyLock::new(|| {
            Opcode::ALL
                .iter()
                .map(|&opcode| (opcode.info().name, opcode))
                .collect()
        });
        NAMES.get(name).copied()
    }
}

impl Instruction {
    /// What is known about the instruction beside its meaning.
    pub fn info(&self) -> &'static InstructionInfo {
        self.opcode().info()
    }

    /// The name in source text.
    pub fn name(&self) -> &'static str {
        self.info().name
    }

    /// By how much the depth of the stack changes before its floor of 16 is applied: the depth after the instruction
    /// is `max(16, depth + net)`, unless [`Self::trivial`] says that it drops before it pushes.
    pub fn net_effect(&self) -> i32 {
        let net = i32::from(self.info().net);
        match self {
            Self::Push(values) => values.len() as i32,
            Self::AdvPush(count) => i32::from(*count),
            _ if self.has_operand_immediate() => net + 1,
            _ => net,
        }
    }

    /// Whether an immediate stands for an operand that would otherwise be on the stack.
    fn has_operand_immediate(&self) -> bool {
        match self {
            Self::Add(b) | Self::Sub(b) | Self::Mul(b) | Self::Div(b) => b.is_some(),
            Self::Eq(b)
            | Self::Neq(b)
            | Self::Lt(b)
            | Self::Lte(b)
            | Self::Gt(b)
            | Self::Gte(b) => b.is_some(),
            Self::Exp(exponent) => matches!(exponent, Exponent::Value(_)),
            Self::U32OverflowingAdd(b)
            | Self::U32WrappingAdd(b)
            | Self::U32OverflowingSub(b)
            | Self::U32WrappingSub(b)
            | Self::U32OverflowingMul(b)
            | Self::U32WrappingMul(b)
            | Self::U32Div(b)
            | Self::U32Mod(b)
            | Self::U32DivMod(b)
            | Self::U32And(b)
            | Self::U32Or(b)
            | Self::U32Xor(b)
            | Self::U32Not(b)
            | Self::U32Lt(b)
            | Self::U32Lte(b)
            | Self::U32Gt(b)
            | Self::U32Gte(b)
            | Self::U32Min(b)
            | Self::U32Max(b) => b.is_some(),
            Self::U32Shl(b) | Self::U32Shr(b) | Self::U32Rotl(b) | Self::U32Rotr(b) => b.is_some(),
            Self::MemLoad(a)
            | Self::MemLoadW(a)
            | Self::MemStore(a)
            | Self::MemStoreW(a)
            | Self::SumPreimage(a) => a.is_some(),
            _ => false,
        }
    }

    /// What a trivial immediate turns this instruction into, range checks included.
    pub fn trivial(&self) -> Option<Trivial> {
        let literal = |b: &Option<Imm<u32>>, value: u32| {
            *b == Some(Imm {
                value,
                literal: true,
            })
        };
        match self {
            Self::Mul(Some(b)) if *b == Felt::new(0) => Some(Trivial::DropThenZero),
            Self::Exp(Exponent::Value(b)) if *b == Felt::new(0) => Some(Trivial::DropThenOne),
            Self::U32And(b) | Self::U32WrappingMul(b) if literal(b, 0) => {
                Some(Trivial::DropThenZero)
            }
            Self::U32WrappingAdd(b)
            | Self::U32WrappingSub(b)
            | Self::U32Or(b)
            | Self::U32Xor(b)
                if literal(b, 0) =>
            {
                Some(Trivial::Nothing)
            }
            Self::U32Div(b) | Self::U32WrappingMul(b) if literal(b, 1) => Some(Trivial::Nothing),
            Self::U32Shl(Some(0))
            | Self::U32Shr(Some(0))
            | Self::U32Rotl(Some(0))
            | Self::U32Rotr(Some(0)) => Some(Trivial::Nothing),
            _ => None,
        }
    }

    /// Whether this is a decorator: it changes nothing that is proven, and a body of decorators alone is empty.
    pub fn is_decorator(&self) -> bool {
        self.info().section == Section::Injectors || matches!(self, Self::Trace(_))
    }
}
