//! What is wrong with an expression, and where.

use std::fmt;

use super::ast::Span;

/// Why an expression cannot be used: shown with the place in the expression, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError(Box<Place>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    text: String,
    span: Span,
    fault: Fault,
}

/// A problem whose place is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) problem: String,
    pub(crate) hint: Option<String>,
}

impl Fault {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn at(self, text: &str, span: Span) -> FilterError {
        FilterError(Box::new(Place {
            text: text.to_owned(),
            span,
            fault: self,
        }))
    }
}

impl FilterError {
    pub(crate) fn with_hint(mut self, hint: &str) -> Self {
        self.0.fault.hint = Some(hint.to_owned());
        self
    }

    /// What is wrong, without the place.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.0.fault.problem
    }

    /// What could be done about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.fault.hint.as_deref()
    }

    /// Bytes of the expression that are meant; empty where something is missing.
    #[must_use]
    pub fn span(&self) -> Span {
        self.0.span.clone()
    }
}

impl std::error::Error for FilterError {}

/// Characters of the expression that are shown before and after the place.
const AROUND: usize = 50;

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { text, span, fault } = &*self.0;
        f.write_str(&fault.problem)?;
        // Anything but printable characters would move the caret away from its place.
        let shown = |text: &str| -> String {
            text.chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect()
        };
        let before = shown(text.get(..span.start).unwrap_or_default());
        let meant = shown(text.get(span.clone()).unwrap_or_default());
        let after = shown(text.get(span.end..).unwrap_or_default());
        let skipped = before.chars().count().saturating_sub(AROUND);
        let lead = if skipped > 0 { "…" } else { "" };
        let before: String = before.chars().skip(skipped).collect();
        let (after, tail) = match after.char_indices().nth(AROUND) {
            Some((end, _)) => (after.get(..end).unwrap_or_default(), "…"),
            None => (after.as_str(), ""),
        };
        write!(f, "\n  {lead}{before}{meant}{after}{tail}")?;
        let column = lead.chars().count() + before.chars().count();
        let width = meant.chars().count().max(1);
        write!(f, "\n  {:column$}{:^<width$}", "", "")?;
        if let Some(hint) = &fault.hint {
            write!(f, "\n{hint}")?;
        }
        Ok(())
    }
}
