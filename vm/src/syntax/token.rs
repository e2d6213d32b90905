//! Tokens.

use plica_field::Word;

use super::immediate::Radix;
use super::span::Span;

/// A token and its place; names and documentation are read from the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// An identifier or keyword.
    Name,
    /// The name of a constant.
    Constant,
    /// A string whose characters are those of a quoted procedure name.
    QuotedName,
    /// Any other string.
    String,
    /// A number, at most p.
    Number(u64, Radix),
    /// A 64-digit hexadecimal number.
    Word(Word),
    /// Consecutive lines of `#!`.
    Docs {
        on_first_line: bool,
    },
    Dot,
    DoubleColon,
    Arrow,
    Equals,
    Plus,
    Minus,
    Star,
    Slash,
    DoubleSlash,
    OpenParen,
    CloseParen,
    Comma,
    At,
    /// The end of the text.
    End,
}

impl TokenKind {
    /// The kind in words, for kinds that are not named by their text.
    pub(super) fn describe(self) -> Option<&'static str> {
        match self {
            Self::Docs { .. } => Some("documentation comment"),
            Self::End => Some("end of file"),
            Self::Word(_) => Some("word literal"),
            _ => None,
        }
    }
}
