//! Frames by the million: the library's generator, under the name that the suites and measurements know.
//!
//! The frames leave the kernel in live-frame test runs, which no socket can keep up with, so a test or
//! a benchmark of a capture engine has a sender that is faster than what it measures.

pub use capture::generate::{Generator, MacAddrs, OBJECT, Pass, Sent, Sink, Traffic};
