//! From tokens to a [`Module`]: its items.

use std::collections::HashMap;

use super::body;
use super::constant::expression;
use super::diagnostic::{ErrorKind, Raised, Result};
use super::immediate::Radix;
use super::lexer::{docs_text, tokenize};
use super::loader::ModulePath;
use super::module::{Import, Module, RawProcedure, Reexport, Target, TargetKind};
use super::span::{SourceId, Span};
use super::token::{Token, TokenKind};

/// Parses one module.
pub(super) fn parse_module(text: &str, source: SourceId) -> Result<Module> {
    let tokens = tokenize(text, source)?;
    let mut parser = Parser {
        cursor: Cursor {
            text,
            tokens: &tokens,
            at: 0,
        },
        module: Module::default(),
        constant_spans: HashMap::new(),
    };
    parser.items()?;
    Ok(parser.module)
}

/// Names that cannot be used for procedures and modules unless quoted.
fn is_reserved(name: &str) -> bool {
    const RESERVED: [&str; 8] = [
        "if",
        "while",
        "true",
        "false",
        "use",
        "nop",
        "fri_ext2fold4",
        "rcomb_base",
    ];
    const INJECTORS: [&str; 12] = [
        "insert_hdword",
        "insert_hperm",
        "insert_mem",
        "push_ext2intt",
        "push_mapval",
        "push_mapvaln",
        "push_mtnode",
        "push_sig",
        "push_smtget",
        "push_smtpeek",
        "push_smtset",
        "push_u64div",
    ];
    RESERVED.contains(&name) || INJECTORS.contains(&name)
}

/// A position in the tokens.
pub(super) struct Cursor<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The current token; at the end, the end token for ever.
    pub(super) fn peek(&self) -> Token {
        self.tokens[self.at]
    }

    /// The token after the current one.
    pub(super) fn peek_second(&self) -> Token {
        self.tokens[(self.at + 1).min(self.tokens.len() - 1)]
    }

    /// The token before the current one.
    pub(super) fn previous(&self) -> Option<Token> {
        self.at.checked_sub(1).map(|before| self.tokens[before])
    }

    pub(super) fn advance(&mut self) -> Token {
        let token = self.peek();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    pub(super) fn text(&self, token: Token) -> &'a str {
        &self.text[token.span.range()]
    }

    /// Takes the current token if it is of this kind.
    pub(super) fn accept(&mut self, kind: TokenKind) -> Option<Token> {
        (self.peek().kind == kind).then(|| self.advance())
    }

    pub(super) fn expect(&mut self, kind: TokenKind, expected: &str) -> Result<Token> {
        self.accept(kind).ok_or_else(|| self.unexpected(expected))
    }

    /// Takes a decimal number in the range.
    pub(super) fn decimal(&mut self, what: &str, min: u64, max: u64) -> Result<u64> {
        let token = self.peek();
        let TokenKind::Number(value, Radix::Decimal) = token.kind else {
            return Err(self.unexpected("a decimal number"));
        };
        self.advance();
        if (min..=max).contains(&value) {
            return Ok(value);
        }
        Err(Raised::new(
            ErrorKind::OutOfRange {
                instruction: what.to_owned(),
                value,
                min,
                max,
            },
            token.span,
        ))
    }

    /// The error that the current token cannot stand here.
    pub(super) fn unexpected(&self, expected: &str) -> Raised {
        let token = self.peek();
        let next = self.peek_second();
        if (token.kind, next.kind) == (TokenKind::Constant, TokenKind::Name)
            && token.span.end == next.span.start
        {
            // A constant and an instruction by the letter, but meant as one name: `Foo`.
            let span = token.span.to(next.span);
            return Raised::new(
                ErrorKind::InvalidName(self.text[span.range()].to_owned()),
                span,
            );
        }
        let found = match token.kind.describe() {
            Some(kind) => kind.to_owned(),
            None => format!("`{}`", self.text(token)),
        };
        Raised::new(
            ErrorKind::UnexpectedToken {
                found,
                expected: expected.to_owned(),
            },
            token.span,
        )
    }

    /// A component of a path, or the name of a procedure without quotes.
    fn component(&mut self, expected: &str) -> Result<(String, Span)> {
        let token = self.expect(TokenKind::Name, expected)?;
        let name = self.text(token).to_owned();
        if is_reserved(&name) {
            return Err(Raised::new(ErrorKind::ReservedName(name), token.span));
        }
        Ok((name, token.span))
    }

    /// The name of a procedure, perhaps in quotes.
    fn procedure_name(&mut self) -> Result<(String, Span)> {
        match self.accept(TokenKind::QuotedName) {
            Some(token) => Ok((self.text(token).trim_matches('"').to_owned(), token.span)),
            None => self.component("a procedure name"),
        }
    }

    /// A procedure: `name`, `module::name`, `::path::name` or `0x` with 64 digits.
    pub(super) fn target(&mut self) -> Result<Target> {
        let token = self.peek();
        if let TokenKind::Word(root) = token.kind {
            self.advance();
            return Ok(Target {
                kind: TargetKind::Root(root),
                span: token.span,
            });
        }
        if self.accept(TokenKind::DoubleColon).is_some() {
            return self.absolute_target(token.span);
        }
        let (first, first_span) = self.procedure_name()?;
        if token.kind != TokenKind::Name || self.accept(TokenKind::DoubleColon).is_none() {
            return Ok(Target {
                kind: TargetKind::Local(first),
                span: first_span,
            });
        }
        let (name, span) = self.procedure_name()?;
        if self.peek().kind == TokenKind::DoubleColon {
            let expected = "the end of the name: a path of more than two parts starts with `::`";
            return Err(self.unexpected(expected).note(first_span, "this path"));
        }
        let kind = TargetKind::Imported {
            module: first,
            module_span: first_span,
            name,
        };
        Ok(Target {
            kind,
            span: first_span.to(span),
        })
    }

    fn absolute_target(&mut self, start: Span) -> Result<Target> {
        let mut path = vec![self.component("a module name")?.0];
        self.expect(TokenKind::DoubleColon, "`::`")?;
        loop {
            let quoted = self.peek().kind == TokenKind::QuotedName;
            let (name, span) = self.procedure_name()?;
            if quoted || self.accept(TokenKind::DoubleColon).is_none() {
                let kind = TargetKind::Absolute {
                    module: ModulePath::new(path),
                    name,
                };
                return Ok(Target {
                    kind,
                    span: start.to(span),
                });
            }
            path.push(name);
        }
    }
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    module: Module,
    constant_spans: HashMap<String, Span>,
}

impl Parser<'_> {
    fn items(&mut self) -> Result<()> {
        let first = self.cursor.peek();
        if first.kind
            == (TokenKind::Docs {
                on_first_line: true,
            })
        {
            self.module.docs = Some(docs_text(self.cursor.text(first)));
            self.cursor.advance();
        }
        let mut procedure_spans = HashMap::new();
        let mut import_spans = HashMap::new();
        loop {
            let docs = self.docs();
            let attributes = self.attributes()?;
            let token = self.cursor.peek();
            let keyword = if token.kind == TokenKind::Name {
                self.cursor.text(token)
            } else {
                ""
            };
            if attributes && !matches!(keyword, "proc" | "export") {
                return Err(self
                    .cursor
                    .unexpected("`proc` or `export` after an attribute"));
            }
            match keyword {
                "use" | "" => self.stray(docs),
                "const" => {}
                "proc" | "export" => {
                    self.cursor.advance();
                    self.cursor.expect(TokenKind::Dot, "`.` and a name")?;
                    let text = docs.map(|token| docs_text(self.cursor.text(token)));
                    let (name, span) = if keyword == "proc" {
                        self.procedure(false, text)?
                    } else {
                        self.export(text)?
                    };
                    unique("procedure", name, span, &mut procedure_spans)?;
                    continue;
                }
                _ => {}
            }
            match keyword {
                "use" => {
                    let import = self.import()?;
                    unique(
                        "import",
                        import.name.clone(),
                        import.span,
                        &mut import_spans,
                    )?;
                    self.module.imports.push(import);
                }
                "const" => self.constant()?,
                "begin" => {
                    self.cursor.advance();
                    if let Some((first, _)) = &self.module.entry {
                        let kind = ErrorKind::Duplicate {
                            what: "entry point",
                            name: "begin".to_owned(),
                        };
                        return Err(
                            Raised::new(kind, token.span).note(*first, "first defined here")
                        );
                    }
                    let body = body::parse(&mut self.cursor, "begin", token.span)?;
                    self.module.entry = Some((token.span, body));
                }
                _ if token.kind == TokenKind::End => return Ok(()),
                _ => {
                    return Err(self
                        .cursor
                        .unexpected("`begin`, `proc`, `export`, `const` or `use`"));
                }
            }
        }
    }

    /// The last of the documentation blocks that stand here; the others document nothing.
    fn docs(&mut self) -> Option<Token> {
        let mut docs = None;
        while matches!(self.cursor.peek().kind, TokenKind::Docs { .. }) {
            let token = self.cursor.advance();
            let before = docs.replace(token);
            self.stray(before);
        }
        docs
    }

    fn stray(&mut self, docs: Option<Token>) {
        self.module
            .warnings
            .extend(docs.map(|token| Raised::new(ErrorKind::StrayDocs, token.span)));
    }

    /// Skips `@name` and `@name(…)`, which have no effect; true if there is one.
    fn attributes(&mut self) -> Result<bool> {
        let mut spans = HashMap::new();
        while self.cursor.accept(TokenKind::At).is_some() {
            let (name, span) = self.cursor.component("the name of an attribute")?;
            unique("attribute", name, span, &mut spans)?;
            if self.cursor.accept(TokenKind::OpenParen).is_none() {
                continue;
            }
            // A list of values, or a list of `name=value`.
            let mut keys = HashMap::new();
            let pairs = self.cursor.peek_second().kind == TokenKind::Equals;
            loop {
                if pairs {
                    let (name, span) = self.cursor.component("a name")?;
                    unique("key", name, span, &mut keys)?;
                    self.cursor.expect(TokenKind::Equals, "`=`")?;
                }
                self.attribute_value()?;
                if self.cursor.accept(TokenKind::Comma).is_none() {
                    break;
                }
            }
            self.cursor.expect(TokenKind::CloseParen, "`,` or `)`")?;
        }
        Ok(!spans.is_empty())
    }

    /// A name, a string that is no quoted name, or a number.
    fn attribute_value(&mut self) -> Result<()> {
        const EXPECTED: &str = "a name, a string with characters that no name has, or a number";
        match self.cursor.peek().kind {
            TokenKind::Name => self.cursor.component(EXPECTED).map(|_| ()),
            TokenKind::String
            | TokenKind::Number(_, Radix::Decimal | Radix::Hexadecimal)
            | TokenKind::Word(_) => {
                self.cursor.advance();
                Ok(())
            }
            _ => Err(self.cursor.unexpected(EXPECTED)),
        }
    }

    /// `use.path->name`, from `use`.
    fn import(&mut self) -> Result<Import> {
        let keyword = self.cursor.advance();
        self.cursor.expect(TokenKind::Dot, "`.` and a module")?;
        let (first, mut span) = self.cursor.component("a module name")?;
        let mut path = vec![first.clone()];
        let mut name = first;
        while self.cursor.accept(TokenKind::DoubleColon).is_some() {
            (name, span) = self.cursor.component("a module name")?;
            path.push(name.clone());
        }
        if self.cursor.accept(TokenKind::Arrow).is_some() {
            (name, span) = self.cursor.component("a name for the module")?;
        }
        Ok(Import {
            path: ModulePath::new(path),
            name,
            span: keyword.span.to(span),
        })
    }

    /// `const.NAME=expression`, from `const`.
    fn constant(&mut self) -> Result<()> {
        self.cursor.advance();
        self.cursor.expect(TokenKind::Dot, "`.` and a name")?;
        let token = self
            .cursor
            .expect(TokenKind::Constant, "the name of a constant, in capitals")?;
        let name = self.cursor.text(token).to_owned();
        self.cursor.expect(TokenKind::Equals, "`=`")?;
        let value = expression(&mut self.cursor, &self.module.constants)?;
        unique(
            "constant",
            name.clone(),
            token.span,
            &mut self.constant_spans,
        )?;
        self.module.constants.insert(name, value);
        Ok(())
    }

    /// `name`, the number of locals and the body, behind `proc.` or `export.`.
    fn procedure(&mut self, exported: bool, docs: Option<String>) -> Result<(String, Span)> {
        let (name, span) = self.cursor.procedure_name()?;
        let locals = match self.cursor.accept(TokenKind::Dot) {
            Some(_) => self
                .cursor
                .decimal("the number of locals", 0, u16::MAX.into())? as u16,
            None => 0,
        };
        let body = body::parse(
            &mut self.cursor,
            if exported { "export" } else { "proc" },
            span,
        )?;
        self.module.procedures.push(RawProcedure {
            name: name.clone(),
            span,
            exported,
            locals,
            docs,
            body,
        });
        Ok((name, span))
    }

    /// A procedure or another one's new name, behind `export.`.
    fn export(&mut self, docs: Option<String>) -> Result<(String, Span)> {
        let token = self.cursor.peek();
        let renames = match token.kind {
            TokenKind::DoubleColon | TokenKind::Word(_) => true,
            _ => self.cursor.peek_second().kind == TokenKind::DoubleColon,
        };
        if !renames {
            return self.procedure(true, docs);
        }
        let target = self.cursor.target()?;
        let (name, span) = match (&target.kind, self.cursor.accept(TokenKind::Arrow)) {
            (_, Some(_)) => self.cursor.procedure_name()?,
            (TargetKind::Imported { name, .. } | TargetKind::Absolute { name, .. }, None) => {
                (name.clone(), target.span)
            }
            (TargetKind::Local(_) | TargetKind::Root(_), None) => {
                return Err(self.cursor.unexpected("`->` and a name"));
            }
        };
        self.module.reexports.push(Reexport {
            name: name.clone(),
            span,
            target,
        });
        Ok((name, span))
    }
}

/// Notes that `name` is defined at `span`; an error if it is already.
fn unique(
    what: &'static str,
    name: String,
    span: Span,
    spans: &mut HashMap<String, Span>,
) -> Result<()> {
    match spans.get(&name) {
        Some(&first) => Err(Raised::new(ErrorKind::Duplicate { what, name }, span)
            .note(first, "first defined here")),
        None => {
            spans.insert(name, span);
            Ok(())
        }
    }
}
