//! Panics, of any thread: where and why.

use std::fmt;
use std::panic;
use std::sync::{Mutex, PoisonError};

/// A panic.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    /// File and line.
    pub(super) place: String,
    message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked at {}: {}", self.place, self.message)
    }
}

/// The first one since somebody looked.
static FIRST: Mutex<Option<Problem>> = Mutex::new(None);

/// Notes panics instead of printing them.
pub(super) fn watch() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |location| {
            format!("{}:{}", location.file(), location.line())
        });
        let message = info.payload_as_str().unwrap_or_default().to_owned();
        let mut first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(Problem { place, message });
    }));
}

/// What was noted.
pub(super) fn take() -> Option<Problem> {
    FIRST.lock().unwrap_or_else(PoisonError::into_inner).take()
}
