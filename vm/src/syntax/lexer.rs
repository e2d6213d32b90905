//! From characters to tokens.

use plica_field::MODULUS;

use super::diagnostic::{ErrorKind, Raised, Result};
use super::immediate::{Radix, felt};
use super::span::{SourceId, Span};
use super::token::{Token, TokenKind};

/// Largest documentation block, in bytes.
const MAX_DOCS: usize = 65535;

/// The tokens of a text of less than 4 GiB; the last one is [`TokenKind::End`].
pub(super) fn tokenize(text: &str, source: SourceId) -> Result<Vec<Token>> {
    let mut lexer = Lexer {
        text,
        source,
        at: 0,
        tokens: Vec::new(),
    };
    while lexer.next_token()? {}
    Ok(lexer.tokens)
}

/// The text of a documentation block: the lines without `#!` and the blank after it.
pub(super) fn docs_text(block: &str) -> String {
    let lines = block.lines().map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("#!").unwrap_or(line);
        line.strip_prefix(' ').unwrap_or(line).trim_end()
    });
    lines.collect::<Vec<_>>().join("\n")
}

struct Lexer<'a> {
    text: &'a str,
    source: SourceId,
    at: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn span_from(&self, start: usize) -> Span {
        Span {
            source: self.source,
            start: start as u32,
            end: self.at as u32,
        }
    }

    fn error(&self, kind: ErrorKind, start: usize) -> Raised {
        Raised::new(kind, self.span_from(start))
    }

    /// Advances over the characters that satisfy `accept` and returns how many bytes that were.
    fn skip_while(&mut self, accept: impl Fn(char) -> bool) -> usize {
        let length = self
            .rest()
            .find(|c| !accept(c))
            .unwrap_or(self.rest().len());
        self.at += length;
        length
    }

    /// Adds the next token; false after the last.
    fn next_token(&mut self) -> Result<bool> {
        self.skip_while(char::is_whitespace);
        let start = self.at;
        let Some(first) = self.rest().chars().next() else {
            self.push(TokenKind::End, start);
            return Ok(false);
        };
        let kind = match first {
            '#' if self.rest().starts_with("#!") => self.docs()?,
            '#' => {
                self.skip_while(|c| c != '\n');
                return Ok(true);
            }
            '0'..='9' => self.number()?,
            'a'..='z' | 'A'..='Z' | '_' => self.name()?,
            '"' => self.string()?,
            _ => self.symbol(first)?,
        };
        self.push(kind, start);
        Ok(true)
    }

    fn push(&mut self, kind: TokenKind, start: usize) {
        let span = self.span_from(start);
        self.tokens.push(Token { kind, span });
    }

    /// A block of `#!` lines that nothing but line ends and blanks separates.
    fn docs(&mut self) -> Result<TokenKind> {
        let start = self.at;
        let on_first_line = !self.text[..start].contains('\n');
        let mut bytes = 0;
        loop {
            bytes += self.skip_while(|c| c != '\n').saturating_sub("#!".len()) + 1;
            let after = self
                .rest()
                .strip_prefix('\n')
                .map(|next| next.trim_start_matches([' ', '\t', '\r']));
            match after {
                Some(next) if next.starts_with("#!") => self.at = self.text.len() - next.len(),
                _ => break,
            }
        }
        if bytes > MAX_DOCS {
            return Err(self.error(ErrorKind::DocsTooLong(bytes), start));
        }
        Ok(TokenKind::Docs { on_first_line })
    }

    fn name(&mut self) -> Result<TokenKind> {
        let start = self.at;
        if self.rest().starts_with(|c: char| c.is_ascii_uppercase()) {
            self.skip_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
            return Ok(TokenKind::Constant);
        }
        self.skip_while(|c| c.is_ascii_alphanumeric() || c == '_');
        let name = &self.text[start..self.at];
        if is_identifier(name) {
            Ok(TokenKind::Name)
        } else {
            Err(self.error(ErrorKind::InvalidName(name.to_owned()), start))
        }
    }

    fn string(&mut self) -> Result<TokenKind> {
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        let length = self.rest().find(|c| {
            let ends = c == '\n' || c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        self.at += length.unwrap_or(self.rest().len());
        let content = &self.text[start + 1..self.at];
        let is_name = !content.is_empty()
            && content
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_$-!?<>:.".contains(c));
        if !self.rest().starts_with('"') {
            return Err(self.error(ErrorKind::UnterminatedString, start));
        }
        self.at += 1;
        Ok(if is_name {
            TokenKind::QuotedName
        } else {
            TokenKind::String
        })
    }

    fn number(&mut self) -> Result<TokenKind> {
        let start = self.at;
        if self.rest().starts_with("0x") {
            self.at += 2;
            let digits = self.skip_while(|c| c.is_ascii_hexdigit());
            return self.hexadecimal(start, digits);
        }
        if self.rest().starts_with("0b") {
            self.at += 2;
            let digits = self.skip_while(|c| c == '0' || c == '1');
            if !(1..=32).contains(&digits) {
                return Err(self.error(ErrorKind::BinaryLength(digits), start));
            }
            let value = self.value(start + 2, 2).unwrap_or_default();
            return Ok(TokenKind::Number(value, Radix::Binary));
        }
        self.skip_while(|c| c.is_ascii_digit());
        match self.value(start, 10) {
            Some(value) if value <= MODULUS => Ok(TokenKind::Number(value, Radix::Decimal)),
            _ => Err(self.error(ErrorKind::LiteralTooLarge, start)),
        }
    }

    fn value(&self, start: usize, radix: u32) -> Option<u64> {
        u64::from_str_radix(&self.text[start..self.at], radix).ok()
    }

    fn hexadecimal(&self, start: usize, digits: usize) -> Result<TokenKind> {
        if digits == 0 || digits % 2 == 1 {
            return Err(self.error(ErrorKind::HexDigits(digits), start));
        }
        match digits {
            1..=16 => match self.value(start + 2, 16) {
                Some(value) if value <= MODULUS => Ok(TokenKind::Number(value, Radix::Hexadecimal)),
                _ => Err(self.error(ErrorKind::LiteralTooLarge, start)),
            },
            64 => match word_digits(&self.text[start + 2..self.at]) {
                Some(word) if word.iter().all(|&value| value <= MODULUS) => {
                    Ok(TokenKind::Word(word.map(felt)))
                }
                _ => Err(self.error(ErrorKind::LiteralTooLarge, start)),
            },
            _ => Err(self.error(ErrorKind::HexLength(digits), start)),
        }
    }

    fn symbol(&mut self, first: char) -> Result<TokenKind> {
        let start = self.at;
        let second = self.rest().chars().nth(1);
        let (kind, length) = match (first, second) {
            (':', Some(':')) => (TokenKind::DoubleColon, 2),
            ('-', Some('>')) => (TokenKind::Arrow, 2),
            ('/', Some('/')) => (TokenKind::DoubleSlash, 2),
            ('.', _) => (TokenKind::Dot, 1),
            ('=', _) => (TokenKind::Equals, 1),
            ('+', _) => (TokenKind::Plus, 1),
            ('-', _) => (TokenKind::Minus, 1),
            ('*', _) => (TokenKind::Star, 1),
            ('/', _) => (TokenKind::Slash, 1),
            ('(', _) => (TokenKind::OpenParen, 1),
            (')', _) => (TokenKind::CloseParen, 1),
            (',', _) => (TokenKind::Comma, 1),
            ('@', _) => (TokenKind::At, 1),
            _ => {
                self.at += first.len_utf8();
                return Err(self.error(ErrorKind::UnexpectedCharacter(first), start));
            }
        };
        self.at += length;
        Ok(kind)
    }
}

/// A word of 64 digits, its four elements being eight bytes each, least significant byte first. The numbers may be
/// above the order of the field.
pub(crate) fn word_digits(digits: &str) -> Option<[u64; 4]> {
    let mut word = [0; 4];
    for (element, digits) in word.iter_mut().zip(digits.as_bytes().chunks(16)) {
        *element = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16)
            .ok()?
            .swap_bytes();
    }
    Some(word)
}

/// `[a-z][A-Za-z0-9_]*` or `_[a-z0-9][a-z0-9_]*`.
fn is_identifier(name: &str) -> bool {
    let lower = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    match name.as_bytes() {
        [b'a'..=b'z', ..] => true,
        [b'_', first, rest @ ..] => lower(*first) && rest.iter().all(|&c| lower(c) || c == b'_'),
        _ => false,
    }
}
