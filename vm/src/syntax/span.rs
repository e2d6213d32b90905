//! Source texts and positions in them.

use std::ops::Range;
use std::sync::Arc;

use miette::NamedSource;

/// A source text of a [`Sources`] table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub(crate) u32);

/// A range of bytes in a source text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text.
    pub source: SourceId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// The smallest span that contains both; `other` must lie in the same source.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        debug_assert_eq!(self.source, other.source);
        Self {
            source: self.source,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The byte range.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The source texts of a program: its own, and those of the modules it uses.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Arc<NamedSource<String>>>,
}

impl Sources {
    /// Largest source text, in bytes, that is accepted.
    pub const MAX_BYTES: usize = u32::MAX as usize;

    /// Adds a text. The caller has checked its length against [`Self::MAX_BYTES`].
    pub(super) fn add(&mut self, name: &str, text: String) -> SourceId {
        let id = SourceId(self.files.len() as u32);
        self.files.push(Arc::new(NamedSource::new(name, text)));
        id
    }

    /// The text with its name, in the form that diagnostics show.
    pub fn file(&self, id: SourceId) -> &Arc<NamedSource<String>> {
        &self.files[id.0 as usize]
    }

    /// The text itself.
    pub fn text(&self, id: SourceId) -> &str {
        self.file(id).inner()
    }

    /// What stands at `span`.
    pub fn slice(&self, span: Span) -> &str {
        self.text(span.source).get(span.range()).unwrap_or_default()
    }

    /// Line and column of the start of `span`, both counted from 1; columns are characters.
    pub fn line_column(&self, span: Span) -> (usize, usize) {
        let before = &self.text(span.source)[..span.start as usize];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        )
    }

    /// The start of `span` as text, as in `program.masm:3:5`.
    pub fn locate(&self, span: Span) -> String {
        let (line, column) = self.line_column(span);
        format!("{}:{line}:{column}", self.file(span.source).name())
    }
}
