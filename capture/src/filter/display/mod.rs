//! Display filters: Wireshark's language, on the fields that dissectors find.
//!
//! The language is that of Wireshark 4.0 (`wireshark-filter(4)`), and `xor` of later versions. A field
//! can occur several times in a frame; a comparison holds if it does for any of them, but `!=` only if
//! it does for all.
//!
//! - `lexer.rs` words and signs
//! - `parser.rs` what was meant; `expression.rs` the form that it is given
//! - `check.rs` fields are looked up and literals get their types
//! - `literal.rs` text to values
//! - `evaluate.rs` whether a frame matches
//! - `datum.rs` values while they are worked with
//! - `error.rs` what is wrong, and where

mod check;
mod datum;
mod error;
mod evaluate;
mod expression;
mod lexer;
mod literal;
mod parser;
#[cfg(test)]
mod tests;

pub use error::FilterError;

use crate::read::tree::{Tree, Wanted};

/// A display filter that was understood.
#[derive(Clone, Debug)]
pub struct DisplayFilter {
    text: String,
    test: expression::Test,
    wanted: Wanted,
}

impl DisplayFilter {
    /// Understands a filter. An empty one matches everything.
    ///
    /// # Errors
    ///
    /// What is wrong, and in which column.
    pub fn new(text: &str) -> Result<Self, FilterError> {
        let located = |error: error::Located| error.in_text(text);
        let words = lexer::words(text).map_err(located)?;
        let parsed = parser::parse(&words, text.len()).map_err(located)?;
        let mut wanted = Wanted::none();
        let test = check::test(parsed, &mut wanted).map_err(located)?;
        Ok(Self {
            text: text.to_owned(),
            test,
            wanted,
        })
    }

    /// What was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The fields that it needs.
    #[must_use]
    pub const fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Whether a frame matches, whose fields are in `tree` and whose bytes are `frame`.
    #[must_use]
    pub fn matches(&self, tree: &Tree, frame: &[u8]) -> bool {
        evaluate::matches(&self.test, tree, frame)
    }
}
