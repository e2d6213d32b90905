//! What the compiler refuses, beyond what the syntax already excludes.

use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};
use thiserror::Error;

use crate::syntax::{Sources, Span};

/// Why a program cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CompileErrorKind {
    #[error("`{0}` is not supported yet")]
    Unsupported(String),
    #[error("the program ends with {0} elements on the stack; at most 16 are allowed")]
    FinalDepth(usize),
    #[error("the stack grows beyond {0} elements")]
    StackTooDeep(usize),
    #[error("there is no such item: {0} are known here")]
    PickTooDeep(usize),
    #[error("the program unrolls to more than {0} operations")]
    TooLarge(usize),
}

impl CompileErrorKind {
    const fn help(&self) -> Option<&'static str> {
        match self {
            Self::FinalDepth(_) => Some("drop what is not an output before the end"),
            Self::TooLarge(_) => Some(
                "code that is used at many depths of the stack is compiled for each; let loops and procedures keep the depth",
            ),
            Self::PickTooDeep(_) => {
                Some("where branches or loops have left the depth open, only the top 16 are known")
            }
            Self::Unsupported(_) | Self::StackTooDeep(_) => None,
        }
    }
}

/// A refused program, with the place.
#[derive(Clone, Debug, Error)]
#[error("{kind}")]
pub struct CompileError {
    pub kind: CompileErrorKind,
    source_text: Arc<NamedSource<String>>,
    at: SourceSpan,
}

impl CompileError {
    pub(super) fn new(kind: CompileErrorKind, sources: &Sources, span: Span) -> Box<Self> {
        Box::new(Self {
            kind,
            source_text: Arc::clone(sources.file(span.source)),
            at: span.range().into(),
        })
    }
}

impl Diagnostic for CompileError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.kind
            .help()
            .map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&*self.source_text)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(
            miette::LabeledSpan::new_with_span(Some("here".to_owned()), self.at),
        )))
    }
}
