//! Constant expressions: `+ - * / // ( )` in the field.

use plica_field::Felt;
use plica_field::p3::{Field, PrimeField64};

use super::diagnostic::{ErrorKind, Raised, Result};
use super::immediate::{Constants, Radix, constant, felt};
use super::parser::Cursor;
use super::span::Span;
use super::token::TokenKind;

#[derive(Clone, Copy)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    /// Division of the canonical integers, rounded down.
    DivideIntegers,
}

impl Operator {
    fn of(token: TokenKind) -> Option<Self> {
        match token {
            TokenKind::Plus => Some(Self::Add),
            TokenKind::Minus => Some(Self::Subtract),
            TokenKind::Star => Some(Self::Multiply),
            TokenKind::Slash => Some(Self::Divide),
            TokenKind::DoubleSlash => Some(Self::DivideIntegers),
            _ => None,
        }
    }

    fn precedence(self) -> u8 {
        match self {
            Self::Add | Self::Subtract => 1,
            Self::Multiply | Self::Divide | Self::DivideIntegers => 2,
        }
    }

    /// The value of `a ∘ b`; none if that is a division by zero.
    fn apply(self, a: Felt, b: Felt) -> Option<Felt> {
        Some(match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a * b.try_inverse()?,
            Self::DivideIntegers => felt(a.as_canonical_u64().checked_div(b.as_canonical_u64())?),
        })
    }
}

/// An operator that waits for its right operand, or an open parenthesis.
enum Pending {
    Operator(Operator),
    Parenthesis(Span),
}

/// Reads and evaluates an expression, which ends where no operator follows. Nesting is limited by memory only.
pub(super) fn expression(cursor: &mut Cursor<'_>, constants: &Constants) -> Result<Felt> {
    let mut values: Vec<(Felt, Span)> = Vec::new();
    let mut pending: Vec<Pending> = Vec::new();
    let mut open = 0_usize;
    loop {
        while let Some(token) = cursor.accept(TokenKind::OpenParen) {
            pending.push(Pending::Parenthesis(token.span));
            open += 1;
        }
        values.push(operand(cursor, constants)?);
        while open > 0 && cursor.accept(TokenKind::CloseParen).is_some() {
            reduce(&mut values, &mut pending, 1)?;
            pending.pop();
            open -= 1;
        }
        let Some(operator) = Operator::of(cursor.peek().kind) else {
            break;
        };
        cursor.advance();
        reduce(&mut values, &mut pending, operator.precedence())?;
        pending.push(Pending::Operator(operator));
    }
    reduce(&mut values, &mut pending, 1)?;
    match (pending.last(), values.as_slice()) {
        (None, [(value, _)]) => Ok(*value),
        (Some(Pending::Parenthesis(open)), _) => {
            Err(cursor.unexpected("`)`").note(*open, "opened here"))
        }
        _ => Err(cursor.unexpected("a constant expression")),
    }
}

fn operand(cursor: &mut Cursor<'_>, constants: &Constants) -> Result<(Felt, Span)> {
    let token = cursor.peek();
    let value = match token.kind {
        TokenKind::Number(value, Radix::Decimal | Radix::Hexadecimal) => felt(value),
        TokenKind::Constant => constant(constants, cursor.text(token), token.span)?,
        _ => return Err(cursor.unexpected("a number or a constant")),
    };
    cursor.advance();
    Ok((value, token.span))
}

/// Applies the pending operators of at least this precedence, up to the innermost open parenthesis.
fn reduce(
    values: &mut Vec<(Felt, Span)>,
    pending: &mut Vec<Pending>,
    precedence: u8,
) -> Result<()> {
    while let Some(&Pending::Operator(operator)) = pending.last() {
        if operator.precedence() < precedence {
            break;
        }
        pending.pop();
        if let (Some((b, b_span)), Some((a, a_span))) = (values.pop(), values.pop()) {
            let value = operator
                .apply(a, b)
                .ok_or_else(|| Raised::new(ErrorKind::ConstantDivisionByZero, b_span))?;
            values.push((value, a_span.to(b_span)));
        }
    }
    Ok(())
}
