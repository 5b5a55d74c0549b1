//! What is remembered from frame to frame: conversations, what waits to be put together, what waits
//! for an answer.
//!
//! Each protocol keeps its own part; all of them are bounded. With two passes, what the first one
//! learned is asked by frame number in the second.

/// Everything that dissectors remember.
#[derive(Debug, Default)]
pub struct Memory {
    /// Which time the file is read.
    pub pass: Pass,
}

/// Which time the file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pass {
    /// The only one, or the first of two.
    #[default]
    First,
    /// The second: everything is known.
    Second,
}
