//! What the suites and the demo share: namespaces with a wire between them, real traffic that says
//! what it did, frames by the million, the program under test, and the tools that check it.
//!
//! But for the generator, which is the library's, it does not depend on the `capture` library: what it
//! knows of the product is its command line and its files, as a user does.

mod echo;
#[cfg(feature = "generator")]
pub mod generator;
pub mod netns;
pub mod oracle;
pub mod program;
pub mod traffic;
