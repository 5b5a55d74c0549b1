//! What is fuzzed, and with what: one function of bytes for each thing that reads bytes of strangers.
//!
//! A target is a plain function, so that anything can drive it: `cargo xtask fuzz` (stable Rust, a
//! mutator that knows the formats, coverage as feedback, bounds on work and memory), libFuzzer
//! (`libfuzzer/`, nightly), and a plain test run, which replays the corpus.
//!
//! - `targets/` the functions
//! - `seeds/` captures and expressions to start from, made by code
//! - `mutate/` how inputs are changed
//! - `memory_file.rs` inputs for what wants a path
//! - `random.rs` numbers that are the same everywhere
//! - `corpus.rs` the committed inputs

#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a target says that something is wrong"
)]

pub mod corpus;
mod memory_file;
pub mod mutate;
pub mod random;
pub mod seeds;
pub mod targets;

pub use mutate::Shape;
pub use targets::{Bounds, TARGETS, Target};

/// Runs the target of this name on an input.
///
/// # Panics
///
/// When there is no such target, and when something is wrong.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").run)(input);
}
