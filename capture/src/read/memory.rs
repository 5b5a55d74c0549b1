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

impl Memory {
    /// Everything is known now: the files are read once more.
    pub fn begin_second_pass(&mut self) {
        self.pass = Pass::Second;
    }
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
