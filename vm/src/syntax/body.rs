//! From tokens to a [`RawBody`]: instructions and control structures.
//!
//! The nesting is kept in a list, so that it is limited by memory only.

use super::ast::InvokeKind;
use super::diagnostic::{ErrorKind, Raised, Result};
use super::immediate::{Operand, OperandKind};
use super::instruction::{Instruction, Opcode};
use super::module::{RawBody, RawItem, RawKind};
use super::parser::Cursor;
use super::span::Span;
use super::suggest::nearest;
use super::token::TokenKind;

/// A body that is not closed yet.
struct Open {
    what: &'static str,
    span: Span,
    /// Whether the branch before `else` has instructions.
    first_branch: bool,
    has_else: bool,
    /// Whether the current branch has instructions.
    nonempty: bool,
}

/// Reads a body up to and including its `end`; `what` and `span` are what opened it.
pub(super) fn parse(cursor: &mut Cursor<'_>, what: &'static str, span: Span) -> Result<RawBody> {
    let mut body = RawBody::new();
    let mut open = vec![Open::new(what, span)];
    while let Some(innermost) = open.last_mut() {
        let token = cursor.peek();
        let word = if token.kind == TokenKind::Name {
            cursor.text(token)
        } else {
            ""
        };
        let kind = match word {
            "end" => {
                cursor.advance();
                innermost.check_nonempty()?;
                open.pop();
                RawKind::End
            }
            "else" if innermost.what == "if" && !innermost.has_else => {
                cursor.advance();
                innermost.first_branch = std::mem::take(&mut innermost.nonempty);
                innermost.has_else = true;
                RawKind::Else
            }
            "" | "else" | "begin" | "proc" | "export" | "use" | "const" => {
                return Err(misplaced(cursor, innermost));
            }
            _ => {
                innermost.nonempty = true;
                statement(cursor, word, &mut open)?
            }
        };
        let end = cursor.previous().map_or(token.span, |last| last.span);
        body.push(RawItem {
            kind,
            span: token.span.to(end),
        });
    }
    // The bracket of the body itself.
    body.pop();
    Ok(body)
}

impl Open {
    fn new(what: &'static str, span: Span) -> Self {
        Self {
            what,
            span,
            first_branch: false,
            has_else: false,
            nonempty: false,
        }
    }

    fn check_nonempty(&self) -> Result<()> {
        if self.nonempty || self.first_branch {
            return Ok(());
        }
        Err(Raised::new(ErrorKind::EmptyBody(self.what), self.span))
    }
}

/// The error for a token that no instruction starts with.
fn misplaced(cursor: &Cursor<'_>, innermost: &Open) -> Raised {
    let token = cursor.peek();
    match token.kind {
        TokenKind::End => Raised::new(ErrorKind::MissingEnd(innermost.what), innermost.span),
        TokenKind::Docs { .. } => Raised::new(ErrorKind::DocsInBody, token.span),
        TokenKind::Name if cursor.text(token) != "else" => {
            Raised::new(ErrorKind::MissingEnd(innermost.what), innermost.span)
                .note(token.span, "`end` is missing before this")
        }
        _ => cursor.unexpected("an instruction or `end`"),
    }
}

/// An instruction or the head of a control structure.
fn statement(cursor: &mut Cursor<'_>, word: &str, open: &mut Vec<Open>) -> Result<RawKind> {
    let token = cursor.advance();
    let mut enter = |what| open.push(Open::new(what, token.span));
    Ok(match word {
        "if" => {
            let condition = condition(cursor, &["true", "false"])?;
            enter("if");
            RawKind::If {
                negated: condition == 1,
            }
        }
        "while" => {
            condition(cursor, &["true"])?;
            enter("while");
            RawKind::While
        }
        "repeat" => {
            cursor.expect(TokenKind::Dot, "`.` and a number")?;
            let count = cursor.decimal("repeat", 1, u32::MAX.into())?;
            enter("repeat");
            RawKind::Repeat(count as u32)
        }
        "exec" => invoke(cursor, InvokeKind::Exec)?,
        "call" => invoke(cursor, InvokeKind::Call)?,
        "syscall" => invoke(cursor, InvokeKind::Syscall)?,
        "procref" => invoke(cursor, InvokeKind::Procref)?,
        "dynexec" => RawKind::DynExec,
        "dyncall" => RawKind::DynCall,
        _ => instruction(cursor, word, token.span)?,
    })
}

/// `.` and one of the words; returns which.
fn condition(cursor: &mut Cursor<'_>, words: &[&str]) -> Result<usize> {
    let expected = words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(" or ");
    cursor.expect(TokenKind::Dot, &format!("`.` and {expected}"))?;
    let token = cursor.peek();
    let index = words
        .iter()
        .position(|word| token.kind == TokenKind::Name && cursor.text(token) == *word);
    let index = index.ok_or_else(|| cursor.unexpected(&expected))?;
    cursor.advance();
    Ok(index)
}

fn invoke(cursor: &mut Cursor<'_>, kind: InvokeKind) -> Result<RawKind> {
    cursor.expect(TokenKind::Dot, "`.` and a procedure")?;
    Ok(RawKind::Invoke {
        kind,
        target: cursor.target()?,
    })
}

fn instruction(cursor: &mut Cursor<'_>, word: &str, span: Span) -> Result<RawKind> {
    let (name, name_span) = full_name(cursor, word, span)?;
    let Some(opcode) = Opcode::by_name(&name) else {
        const STATEMENTS: [&str; 11] = [
            "if.true",
            "while.true",
            "repeat",
            "exec",
            "call",
            "syscall",
            "procref",
            "dynexec",
            "dyncall",
            "end",
            "else",
        ];
        let known = Instruction::ALL
            .iter()
            .map(|info| info.name)
            .chain(STATEMENTS);
        let suggestion = nearest(&name, known);
        return Err(Raised::new(
            ErrorKind::UnknownInstruction { name, suggestion },
            name_span,
        ));
    };
    let mut operands = Vec::new();
    while cursor.accept(TokenKind::Dot).is_some() {
        operands.push(operand(cursor)?);
    }
    Ok(RawKind::Op {
        opcode,
        name_span,
        operands,
    })
}

/// The name of the instruction, of which `word` is the first part: `adv.…` and `debug.…` have two parts or three.
fn full_name(cursor: &mut Cursor<'_>, word: &str, span: Span) -> Result<(String, Span)> {
    if !matches!(word, "adv" | "debug") {
        return Ok((word.to_owned(), span));
    }
    cursor.expect(TokenKind::Dot, "`.` and a name")?;
    let part = cursor.expect(TokenKind::Name, "a name")?;
    let mut name = format!("{word}.{}", cursor.text(part));
    let mut end = part.span;
    if name == "adv.push_sig" {
        cursor.expect(TokenKind::Dot, "`.rpo_falcon512`")?;
        let scheme = cursor.expect(TokenKind::Name, "`rpo_falcon512`")?;
        name = format!("{name}.{}", cursor.text(scheme));
        end = scheme.span;
    }
    Ok((name, span.to(end)))
}

fn operand(cursor: &mut Cursor<'_>) -> Result<Operand> {
    let token = cursor.peek();
    let text = cursor.text(token);
    let kind = match token.kind {
        TokenKind::Number(value, radix) => OperandKind::Number(value, radix),
        TokenKind::Word(word) => OperandKind::Word(word),
        TokenKind::Constant => OperandKind::Constant(text.to_owned()),
        TokenKind::Name if text == "err" && cursor.peek_second().kind == TokenKind::Equals => {
            cursor.advance();
            cursor.advance();
            let code = cursor.peek();
            let kind = match code.kind {
                TokenKind::Number(value, radix) => OperandKind::Number(value, radix),
                TokenKind::Constant => OperandKind::Constant(cursor.text(code).to_owned()),
                _ => return Err(cursor.unexpected("a number or a constant")),
            };
            cursor.advance();
            let code = Operand {
                kind,
                span: code.span,
            };
            let span = token.span.to(code.span);
            return Ok(Operand {
                kind: OperandKind::ErrorCode(Box::new(code)),
                span,
            });
        }
        TokenKind::Name => OperandKind::Name(text.to_owned()),
        _ => return Err(cursor.unexpected("an operand")),
    };
    cursor.advance();
    Ok(Operand {
        kind,
        span: token.span,
    })
}
