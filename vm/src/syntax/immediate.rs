//! Immediates: which forms an instruction accepts, and reading them from its operands.

use std::collections::HashMap;

use plica_field::p3::PrimeField64;
use plica_field::{Felt, Word};

use super::diagnostic::{ErrorKind, Raised, Result};
use super::instruction::{DebugRange, Exponent, Imm};
use super::span::Span;
use super::suggest::nearest;

/// Which immediates an instruction takes.
///
/// Numbers are decimal or hexadecimal unless stated otherwise, and a constant's name may stand for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Immediate {
    /// None.
    None,
    /// An optional field element.
    OptionalFelt {
        /// 0 is refused.
        nonzero: bool,
    },
    /// One to 16 field elements or words.
    Push,
    /// Nothing, `uN`, or a field element.
    Exponent,
    /// A decimal number, no constant.
    Index {
        /// Least value.
        min: u8,
        /// Greatest value.
        max: u8,
        /// Value if it is missing, where it may be.
        default: Option<u8>,
    },
    /// An optional 32-bit number, also binary.
    OptionalU32 {
        /// 0 is refused.
        nonzero: bool,
    },
    /// An optional 32-bit number other than 0, also binary.
    OptionalCount,
    /// A 32-bit number, also binary.
    U32,
    /// A decimal 16-bit number or a constant.
    U16,
    /// A decimal number or a constant; 0 if missing.
    U8 {
        /// Greatest value.
        max: u8,
    },
    /// An optional decimal number or constant.
    OptionalU8 {
        /// Greatest value.
        max: u8,
    },
    /// An optional `err=code` with a 32-bit code; 0 if missing.
    ErrorCode,
    /// Up to two 32-bit numbers, also binary.
    RangeU32,
    /// Up to two decimal 16-bit numbers or constants.
    RangeU16,
}

impl Immediate {
    /// What it accepts, in words.
    fn describe(self) -> String {
        match self {
            Self::None => "no operand".to_owned(),
            Self::OptionalFelt { .. } => "a field element".to_owned(),
            Self::Push => "1 to 16 field elements or words".to_owned(),
            Self::Exponent => "a field element or `u0` to `u63`".to_owned(),
            Self::Index { min, max, .. } => format!("a decimal number from {min} to {max}"),
            Self::OptionalU32 { .. } | Self::U32 => "a 32-bit number".to_owned(),
            Self::OptionalCount => "a 32-bit number other than 0".to_owned(),
            Self::U16 => "a decimal 16-bit number or a constant".to_owned(),
            Self::U8 { max } | Self::OptionalU8 { max } => {
                format!("a decimal number from 0 to {max} or a constant")
            }
            Self::ErrorCode => "`err=` and a 32-bit number".to_owned(),
            Self::RangeU32 => "up to two 32-bit numbers".to_owned(),
            Self::RangeU16 => "up to two decimal 16-bit numbers or constants".to_owned(),
        }
    }
}

/// How a number was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Radix {
    Decimal,
    Hexadecimal,
    Binary,
}

/// An operand of an instruction as it stands in the source.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub(super) kind: OperandKind,
    pub(super) span: Span,
}

#[derive(Clone, Debug)]
pub(super) enum OperandKind {
    /// A number, at most p.
    Number(u64, Radix),
    /// A 64-digit hexadecimal number.
    Word(Word),
    /// A constant's name.
    Constant(String),
    /// A lower-case word, as `u32` in `exp.u32`.
    Name(String),
    /// `err=` a number or a constant's name.
    ErrorCode(Box<Operand>),
}

impl OperandKind {
    fn describe(&self) -> String {
        match self {
            Self::Number(_, Radix::Decimal) => "a decimal number".to_owned(),
            Self::Number(_, Radix::Hexadecimal) => "a hexadecimal number".to_owned(),
            Self::Number(_, Radix::Binary) => "a binary number".to_owned(),
            Self::Word(_) => "a word".to_owned(),
            Self::Constant(name) => format!("the constant `{name}`"),
            Self::Name(name) => format!("`{name}`"),
            Self::ErrorCode(_) => "an error code".to_owned(),
        }
    }
}

/// The constants of a module.
pub(super) type Constants = HashMap<String, Felt>;

/// The value of a constant.
pub(super) fn constant(constants: &Constants, name: &str, span: Span) -> Result<Felt> {
    constants.get(name).copied().ok_or_else(|| {
        let suggestion = nearest(name, constants.keys().map(String::as_str));
        Raised::new(
            ErrorKind::UndefinedConstant {
                name: name.to_owned(),
                suggestion,
            },
            span,
        )
    })
}

/// The operands of one instruction and what is needed to evaluate them.
pub(super) struct Operands<'a> {
    pub(super) instruction: &'a str,
    /// The instruction's name in the source.
    pub(super) span: Span,
    pub(super) list: &'a [Operand],
    pub(super) constants: &'a Constants,
}

/// Which ways of writing a number an immediate accepts beside decimal ones.
#[derive(Clone, Copy)]
struct Accepts {
    hexadecimal: bool,
    binary: bool,
    constant: bool,
}

const FELT: Accepts = Accepts {
    hexadecimal: true,
    binary: false,
    constant: true,
};
const U32: Accepts = Accepts {
    hexadecimal: true,
    binary: true,
    constant: true,
};
const SMALL: Accepts = Accepts {
    hexadecimal: false,
    binary: false,
    constant: true,
};
const INDEX: Accepts = Accepts {
    hexadecimal: false,
    binary: false,
    constant: false,
};

impl Operands<'_> {
    /// Checks that there are none.
    pub(super) fn none(&self) -> Result<()> {
        self.at_most(0)
    }

    fn at_most(&self, limit: usize) -> Result<()> {
        match self.list.get(limit) {
            None => Ok(()),
            Some(extra) => Err(Raised::new(
                ErrorKind::TooManyOperands {
                    instruction: self.instruction.to_owned(),
                    limit: match limit {
                        0 => "none".to_owned(),
                        1 => "at most one".to_owned(),
                        n => format!("at most {n}"),
                    },
                },
                extra.span,
            )),
        }
    }

    fn optional(&self) -> Result<Option<&Operand>> {
        self.at_most(1)?;
        Ok(self.list.first())
    }

    fn missing(&self, form: Immediate) -> Raised {
        let kind = ErrorKind::MissingOperand {
            instruction: self.instruction.to_owned(),
            expected: form.describe(),
        };
        Raised::new(kind, self.span)
    }

    fn wrong_form(&self, operand: &Operand, form: Immediate) -> Raised {
        let kind = ErrorKind::OperandForm {
            instruction: self.instruction.to_owned(),
            found: operand.kind.describe(),
            expected: form.describe(),
        };
        Raised::new(kind, operand.span)
    }

    /// The number that `operand` stands for and whether it is a literal. Literals may be p, which means 0 for a field
    /// element and is out of range for everything else.
    fn number(&self, operand: &Operand, accepts: Accepts, form: Immediate) -> Result<Imm<u64>> {
        match &operand.kind {
            OperandKind::Number(value, radix) => {
                let accepted = match radix {
                    Radix::Decimal => true,
                    Radix::Hexadecimal => accepts.hexadecimal,
                    Radix::Binary => accepts.binary,
                };
                if accepted {
                    Ok(Imm {
                        value: *value,
                        literal: true,
                    })
                } else {
                    Err(self.wrong_form(operand, form))
                }
            }
            OperandKind::Constant(name) if accepts.constant => {
                let value = constant(self.constants, name, operand.span)?;
                Ok(Imm {
                    value: value.as_canonical_u64(),
                    literal: false,
                })
            }
            _ => Err(self.wrong_form(operand, form)),
        }
    }

    fn in_range(
        &self,
        operand: &Operand,
        accepts: Accepts,
        form: Immediate,
        min: u64,
        max: u64,
    ) -> Result<Imm<u64>> {
        let number = self.number(operand, accepts, form)?;
        if (min..=max).contains(&number.value) {
            return Ok(number);
        }
        let instruction = self.instruction.to_owned();
        Err(Raised::new(
            ErrorKind::OutOfRange {
                instruction,
                value: number.value,
                min,
                max,
            },
            operand.span,
        ))
    }

    fn felt(&self, operand: &Operand, form: Immediate) -> Result<Felt> {
        Ok(felt(self.number(operand, FELT, form)?.value))
    }

    fn u32(&self, operand: &Operand, form: Immediate) -> Result<Imm<u32>> {
        let min = u64::from(form == Immediate::OptionalCount);
        let Imm { value, literal } = self.in_range(operand, U32, form, min, u32::MAX.into())?;
        Ok(Imm {
            value: value as u32,
            literal,
        })
    }

    fn u16(&self, operand: &Operand, form: Immediate) -> Result<u16> {
        Ok(self
            .in_range(operand, SMALL, form, 0, u16::MAX.into())?
            .value as u16)
    }

    fn u8(&self, operand: &Operand, form: Immediate, max: u8) -> Result<u8> {
        Ok(self.in_range(operand, SMALL, form, 0, max.into())?.value as u8)
    }

    fn refuse_zero(&self, operand: &Operand) -> Raised {
        Raised::new(
            ErrorKind::DivisionByZero(self.instruction.to_owned()),
            operand.span,
        )
    }

    fn range<T>(&self, read: impl Fn(&Operand) -> Result<T>) -> Result<DebugRange<T>> {
        self.at_most(2)?;
        Ok(match self.list {
            [] => DebugRange::All,
            [one] => DebugRange::One(read(one)?),
            [first, last, ..] => DebugRange::Interval(read(first)?, read(last)?),
        })
    }
}

/// The element that a literal stands for; p stands for 0.
pub(super) fn felt(literal: u64) -> Felt {
    Felt::new(Felt::new(literal).as_canonical_u64())
}

/// A type of immediate that can be read from operands of a given form.
pub(super) trait FromOperands: Sized {
    fn read(operands: &Operands<'_>, form: Immediate) -> Result<Self>;
}

impl FromOperands for Option<Felt> {
    fn read(operands: &Operands<'_>, form: Immediate) -> Result<Self> {
        let Some(operand) = operands.optional()? else {
            return Ok(None);
        };
        let value = operands.felt(operand, form)?;
        if form == (Immediate::OptionalFelt { nonzero: true }) && value == Felt::new(0) {
            return Err(operands.refuse_zero(operand));
        }
        Ok(Some(value))
    }
}

impl FromOperands for Box<[Felt]> {
    fn read(operands: &Operands<'_>, form: Immediate) -> Result<Self> {
        operands.at_most(16)?;
        if operands.list.is_empty() {
            return Err(operands.missing(form));
        }
        let mut values = Vec::with_capacity(operands.list.len());
        for operand in operands.list {
            match &operand.kind {
                OperandKind::Word(word) => values.extend(word),
                _ => values.push(operands.felt(operand, form)?),
            }
        }
        Ok(values.into())
    }
}

impl FromOperands for Exponent {
    fn read(operands: &Operands<'_>, form: Immediate) -> Result<Self> {
        let Some(operand) = operands.optional()? else {
            return Ok(Self::Stack);
        };
        let OperandKind::Name(name) = &operand.kind else {
            return Ok(Self::Value(operands.felt(operand, form)?));
        };
        let bits = name
            .strip_prefix('u')
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
        match bits.and_then(|digits| digits.parse::<u64>().ok()) {
            Some(bits) if bits <= 63 => Ok(Self::Bits(bits as u8)),
            Some(value) => {
                let kind = ErrorKind::OutOfRange {
                    instruction: "exp.u".to_owned(),
                    value,
                    min: 0,
                    max: 63,
                };
                Err(Raised::new(kind, operand.span))
            }
            None => Err(operands.wrong_form(operand, form)),
        }
    }
}

impl FromOperands for Option<Imm<u32>> {
    fn read(operands: &Operands<'_>, form: Immediate) -> Result<Self> {
        let Some(operand) = operands.optional()? else {
            return Ok(None);
        };
        let number = operands.u32(operand, form)?;
        if form == (Immediate::OptionalU32 { nonzero: true }) && number.value == 0 {
            return Err(operands.refuse_zero(operand));
        }
        Ok(Some(number))
    }
}

impl FromOperands for Option<u32> {
    fn read(operands: &Operands<'_>, form: Immediate) -> Result<Self> {
        operands
            .optional()?
            .map(|operand| Ok(operands.u32(operand, form)?.value))
            .transpose()
    }
}

impl FromOperands for u32 {
    fn read(operands: &Operands<'_>, form: Immediate) -> Result<Self> {
        match (form, operands.optional()?) {
            (Immediate::ErrorCode, None) => Ok(0),
            (Immediate::ErrorCode, Some(operand)) => match &operand.kind {
                OperandKind::ErrorCode(code) => Ok(operands.u32(code, form)?.value),
                _ => Err(operands.wrong_form(operand, form)),
            },
            (_, Some(operand)) => Ok(operands.u32(operand, form)?.value),
            (_, None) => Err(operands.missing(form)),
        }
    }
}

impl FromOperands for u16 {
    fn read(operands: &Operands<'_>, form: Immediate) -> Result<Self> {
        let operand = operands.optional()?.ok_or_else(|| operands.missing(form))?;
        operands.u16(operand, form)
    }
}

impl FromOperands for u8 {
    fn read(operands: &Operands<'_>, form: Immediate) -> Result<Self> {
        match (form, operands.optional()?) {
            (Immediate::Index { min, max, .. }, Some(operand)) => Ok(operands
                .in_range(operand, INDEX, form, min.into(), max.into())?
                .value as u8),
            (Immediate::Index { default, .. }, None) => {
                default.ok_or_else(|| operands.missing(form))
            }
            (Immediate::U8 { max }, Some(operand)) => operands.u8(operand, form, max),
            _ => Ok(0),
        }
    }
}

impl FromOperands for Option<u8> {
    fn read(operands: &Operands<'_>, form: Immediate) -> Result<Self> {
        let max = if let Immediate::OptionalU8 { max } = form {
            max
        } else {
            u8::MAX
        };
        operands
            .optional()?
            .map(|operand| operands.u8(operand, form, max))
            .transpose()
    }
}

impl FromOperands for DebugRange<u32> {
    fn read(operands: &Operands<'_>, form: Immediate) -> Result<Self> {
        operands.range(|operand| Ok(operands.u32(operand, form)?.value))
    }
}

impl FromOperands for DebugRange<u16> {
    fn read(operands: &Operands<'_>, form: Immediate) -> Result<Self> {
        operands.range(|operand| operands.u16(operand, form))
    }
}
