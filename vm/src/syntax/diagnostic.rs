//! What can be wrong with a source text, and how it is shown.

use std::fmt;
use std::sync::Arc;

use miette::{LabeledSpan, NamedSource, Severity};

use super::span::{Sources, Span};

/// What is wrong, with the data that names it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    // Tokens.
    /// A character that starts no token.
    #[error("unexpected character {0:?}")]
    UnexpectedCharacter(char),
    /// A `"` without its partner on the same line.
    #[error("unterminated string")]
    UnterminatedString,
    /// A word that is neither an identifier nor a constant's name.
    #[error("`{0}` is not a valid name")]
    InvalidName(String),
    /// A number above the order of the field.
    #[error("number too large for a field element")]
    LiteralTooLarge,
    /// A hexadecimal number with an odd number of digits, or none.
    #[error("a hexadecimal number needs an even number of digits, found {0}")]
    HexDigits(usize),
    /// A hexadecimal number with more than 16 but not 64 digits.
    #[error("a hexadecimal number has at most 16 digits, or exactly 64 for a word; found {0}")]
    HexLength(usize),
    /// A binary number without digits or with more than 32.
    #[error("a binary number has 1 to 32 digits, found {0}")]
    BinaryLength(usize),
    /// A documentation block above the limit.
    #[error("documentation of {0} bytes; at most 65535 are allowed")]
    DocsTooLong(usize),
    /// A source text above the limit.
    #[error("source text of {0} bytes is too large")]
    SourceTooLarge(usize),

    // Structure.
    /// A token that cannot stand here.
    #[error("unexpected {found}, expected {expected}")]
    UnexpectedToken {
        /// What stands there.
        found: String,
        /// What could stand there.
        expected: String,
    },
    /// The text ends inside a body.
    #[error("`{0}` has no matching `end`")]
    MissingEnd(&'static str),
    /// A documentation comment inside a body.
    #[error("documentation comment inside a body")]
    DocsInBody,
    /// A body without instructions.
    #[error("the body of `{0}` is empty")]
    EmptyBody(&'static str),
    /// A body of decorators only.
    #[error("the body of `{0}` contains only advice injectors or traces")]
    OnlyDecorators(&'static str),
    /// A body above the limit.
    #[error("a body has at most 65535 instructions")]
    BodyTooLong,
    /// A name that cannot be used for a procedure or module.
    #[error("`{0}` is a reserved word")]
    ReservedName(String),
    /// A program without `begin`.
    #[error("the program has no `begin`")]
    MissingBegin,
    /// `begin` in a library module.
    #[error("`begin` in a library module")]
    BeginInLibrary,
    /// `export` in a program.
    #[error("`export` in a program")]
    ExportInProgram,
    /// Something defined a second time.
    #[error("{what} `{name}` is defined twice")]
    Duplicate {
        /// `procedure`, `constant`, `import`, `attribute`, `key`, `entry point`.
        what: &'static str,
        /// Its name.
        name: String,
    },

    // Instructions and immediates.
    /// No such instruction.
    #[error("unknown instruction `{name}`")]
    UnknownInstruction {
        /// What was written.
        name: String,
        /// The nearest existing one.
        suggestion: Option<String>,
    },
    /// An operand is missing.
    #[error("`{instruction}` needs an operand: {expected}")]
    MissingOperand {
        /// The instruction.
        instruction: String,
        /// What it accepts.
        expected: String,
    },
    /// Too many operands.
    #[error("too many operands for `{instruction}`, which takes {limit}")]
    TooManyOperands {
        /// The instruction.
        instruction: String,
        /// How many it takes.
        limit: String,
    },
    /// An operand of the wrong form.
    #[error("`{instruction}` does not take {found} here, it takes {expected}")]
    OperandForm {
        /// The instruction.
        instruction: String,
        /// What was written.
        found: String,
        /// What it accepts.
        expected: String,
    },
    /// A number outside the range of an immediate.
    #[error("{value} is out of range for `{instruction}`: {min} to {max}")]
    OutOfRange {
        /// The instruction.
        instruction: String,
        /// The number.
        value: u64,
        /// Least accepted.
        min: u64,
        /// Greatest accepted.
        max: u64,
    },
    /// A division by the immediate 0.
    #[error("`{0}` by zero")]
    DivisionByZero(String),
    /// A local index at or above the declared count.
    #[error("local {index} does not exist: the procedure declares {declared}")]
    NoSuchLocal {
        /// The index used.
        index: u16,
        /// The declared count.
        declared: u16,
    },
    /// `caller` outside a kernel.
    #[error("`caller` is allowed in kernel modules only")]
    CallerOutsideKernel,
    /// `syscall` in a program without a kernel.
    #[error("`syscall` needs a kernel, and there is none")]
    NoKernel,
    /// What kernel code must not do.
    #[error("`{0}` is not allowed in a kernel")]
    InKernel(&'static str),
    /// What a program that is proven jointly must not do.
    #[error("`{0}` is not allowed in joint proofs: what it gives depends on the other runs")]
    InJoint(&'static str),

    // Constants.
    /// Division by zero in a constant.
    #[error("division by zero in a constant expression")]
    ConstantDivisionByZero,
    /// A constant that is not defined, or not yet.
    #[error("undefined constant `{name}`")]
    UndefinedConstant {
        /// What was written.
        name: String,
        /// The nearest existing one.
        suggestion: Option<String>,
    },

    // Names.
    /// A procedure that does not exist.
    #[error("undefined procedure `{name}`")]
    UndefinedProcedure {
        /// What was written.
        name: String,
        /// The nearest existing one.
        suggestion: Option<String>,
    },
    /// A procedure of another module that is not exported.
    #[error("procedure `{0}` is not exported")]
    NotExported(String),
    /// A module name that no `use` introduces.
    #[error("no `use` introduces the module `{name}`")]
    UndefinedModule {
        /// What was written.
        name: String,
        /// The nearest existing one.
        suggestion: Option<String>,
    },
    /// A module that the loader does not know.
    #[error("module `{0}` not found")]
    ModuleNotFound(String),
    /// A module of the standard library.
    #[error("`{0}`: the standard library is not available yet")]
    StandardLibrary(String),
    /// A module that cannot be read.
    #[error("cannot load the module `{module}`: {reason}")]
    ModuleLoad {
        /// The path.
        module: String,
        /// Why.
        reason: String,
    },
    /// Procedures that need each other.
    #[error("recursion: {0}")]
    Recursion(String),

    // Warnings.
    /// An import that nothing refers to.
    #[error("unused import `{0}`")]
    UnusedImport(String),
    /// Documentation that belongs to nothing.
    #[error("documentation comment that documents nothing")]
    StrayDocs,
}

impl ErrorKind {
    fn is_warning(&self) -> bool {
        matches!(self, Self::UnusedImport(_) | Self::StrayDocs)
    }

    fn code(&self) -> &'static str {
        match self {
            Self::UnexpectedCharacter(_) => "unexpected_character",
            Self::UnterminatedString => "unterminated_string",
            Self::InvalidName(_) => "invalid_name",
            Self::LiteralTooLarge => "literal_too_large",
            Self::HexDigits(_) | Self::HexLength(_) => "hex_length",
            Self::BinaryLength(_) => "binary_length",
            Self::DocsTooLong(_) => "docs_too_long",
            Self::SourceTooLarge(_) => "source_too_large",
            Self::UnexpectedToken { .. } => "unexpected_token",
            Self::MissingEnd(_) => "missing_end",
            Self::DocsInBody => "docs_in_body",
            Self::EmptyBody(_) => "empty_body",
            Self::OnlyDecorators(_) => "only_decorators",
            Self::BodyTooLong => "body_too_long",
            Self::ReservedName(_) => "reserved_name",
            Self::MissingBegin => "missing_begin",
            Self::BeginInLibrary => "begin_in_library",
            Self::ExportInProgram => "export_in_program",
            Self::Duplicate { .. } => "duplicate",
            Self::UnknownInstruction { .. } => "unknown_instruction",
            Self::MissingOperand { .. } => "missing_operand",
            Self::TooManyOperands { .. } => "too_many_operands",
            Self::OperandForm { .. } => "operand_form",
            Self::OutOfRange { .. } => "out_of_range",
            Self::DivisionByZero(_) => "division_by_zero",
            Self::NoSuchLocal { .. } => "no_such_local",
            Self::CallerOutsideKernel => "caller_outside_kernel",
            Self::NoKernel => "no_kernel",
            Self::InKernel(_) => "in_kernel",
            Self::InJoint(_) => "in_joint",
            Self::ConstantDivisionByZero => "constant_division_by_zero",
            Self::UndefinedConstant { .. } => "undefined_constant",
            Self::UndefinedProcedure { .. } => "undefined_procedure",
            Self::NotExported(_) => "not_exported",
            Self::UndefinedModule { .. } => "undefined_module",
            Self::ModuleNotFound(_) => "module_not_found",
            Self::StandardLibrary(_) => "standard_library",
            Self::ModuleLoad { .. } => "module_load",
            Self::Recursion(_) => "recursion",
            Self::UnusedImport(_) => "unused_import",
            Self::StrayDocs => "stray_docs",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::UnknownInstruction { suggestion: Some(name), .. }
            | Self::UndefinedConstant { suggestion: Some(name), .. }
            | Self::UndefinedProcedure { suggestion: Some(name), .. }
            | Self::UndefinedModule { suggestion: Some(name), .. } => Some(format!("did you mean `{name}`?")),
            Self::UndefinedConstant { .. } => {
                Some("a constant must be defined before the constants that use it".to_owned())
            }
            Self::InvalidName(_) => Some(
                "procedures and modules start with a lower-case letter, constants are all upper case; \
                 other procedure names must be quoted"
                    .to_owned(),
            ),
            Self::NoKernel => Some("give the module of the kernel with `--kernel`".to_owned()),
            Self::EmptyBody(_) => Some("write `nop` for a body that does nothing".to_owned()),
            Self::OnlyDecorators(_) => Some("add a `nop`".to_owned()),
            Self::Recursion(_) => {
                Some("procedures cannot recurse; use `while.true`, or `dynexec` with an address".to_owned())
            }
            Self::ExportInProgram => {
                Some("write `proc`; exported procedures belong in a module without `begin`".to_owned())
            }
            Self::MissingBegin => Some("a program is a `begin … end` block beside its procedures".to_owned()),
            Self::ReservedName(_) => Some("a procedure's name can be quoted".to_owned()),
            Self::UndefinedModule { name, .. } => {
                Some(format!("import it with `use.path::{name}`, or give its full path as in `exec.::path::{name}::f`"))
            }
            Self::DocsInBody => Some("use `#` for a comment".to_owned()),
            Self::HexDigits(_) => Some("pad the number with a 0".to_owned()),
            _ => None,
        }
    }
}

/// An error before the texts it points into are attached.
#[derive(Debug)]
pub(super) struct Raised(Box<Unattached>);

#[derive(Debug)]
struct Unattached {
    kind: ErrorKind,
    span: Span,
    notes: Vec<(Span, &'static str)>,
}

pub(super) type Result<T> = std::result::Result<T, Raised>;

impl Raised {
    pub(super) fn new(kind: ErrorKind, span: Span) -> Self {
        Self(Box::new(Unattached {
            kind,
            span,
            notes: Vec::new(),
        }))
    }

    /// Adds a second place, which is shown if it lies in the same text.
    pub(super) fn note(mut self, span: Span, text: &'static str) -> Self {
        self.0.notes.push((span, text));
        self
    }

    pub(super) fn attach(self, sources: &Sources) -> Diagnostic {
        let Unattached { kind, span, notes } = *self.0;
        let mut labels = vec![LabeledSpan::new_primary_with_span(None, span.range())];
        for (place, text) in notes {
            if place.source == span.source {
                labels.push(LabeledSpan::new_with_span(
                    Some(text.to_owned()),
                    place.range(),
                ));
            }
        }
        let source = sources.file(span.source).clone();
        Diagnostic(Box::new(Inner {
            kind,
            span,
            source,
            labels,
        }))
    }
}

/// An error or warning that points into a source text.
#[derive(Clone)]
pub struct Diagnostic(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    span: Span,
    source: Arc<NamedSource<String>>,
    labels: Vec<LabeledSpan>,
}

impl Diagnostic {
    /// What is wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Where it is wrong.
    pub fn span(&self) -> Span {
        self.0.span
    }

    /// The name of the text that [`Self::span`] lies in.
    pub fn source_name(&self) -> &str {
        self.0.source.name()
    }
}

impl fmt::Debug for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Span { start, end, .. } = self.0.span;
        write!(
            f,
            "Diagnostic({:?} at {}:{start}..{end})",
            self.0.kind,
            self.source_name()
        )
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)
    }
}

impl std::error::Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!("masm::{}", self.0.kind.code())))
    }

    fn severity(&self) -> Option<Severity> {
        Some(if self.0.kind.is_warning() {
            Severity::Warning
        } else {
            Severity::Error
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0
            .kind
            .help()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&*self.0.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.0.labels.iter().cloned()))
    }
}
