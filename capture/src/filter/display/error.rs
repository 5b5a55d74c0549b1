//! What is wrong with a filter, and where.

use std::fmt;

/// A range of bytes of the filter's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    pub(super) fn to(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

/// An error that does not know its text yet.
#[derive(Clone, Debug)]
pub(super) struct Located {
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Located {
    pub(super) fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn in_text(self, text: &str) -> FilterError {
        FilterError {
            text: text.to_owned(),
            located: self,
        }
    }
}

/// Why a display filter was not understood.
#[derive(Clone, Debug)]
pub struct FilterError {
    text: String,
    located: Located,
}

impl FilterError {
    /// The column, from 1, at which the trouble begins, in characters.
    #[must_use]
    pub fn column(&self) -> usize {
        let before = self.text.get(..self.located.span.start);
        before.map_or(0, |before| before.chars().count()) + 1
    }

    /// What is wrong, without the text.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.located.message
    }
}

impl std::error::Error for FilterError {}

/// The message, the filter, and a mark below the place.
impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Located {
            span,
            message,
            hint,
        } = &self.located;
        writeln!(f, "{message}")?;
        writeln!(f, "    {}", self.text)?;
        let marked = self.text.get(span.start..span.end).unwrap_or("");
        let width = marked.chars().count().max(1);
        write!(f, "    {:>column$}", '^', column = self.column())?;
        write!(f, "{:~<tail$}", "", tail = width - 1)?;
        if let Some(hint) = hint {
            write!(f, "\n{hint}")?;
        }
        Ok(())
    }
}
