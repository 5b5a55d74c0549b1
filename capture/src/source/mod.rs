//! Where packets come from.

pub mod file;
