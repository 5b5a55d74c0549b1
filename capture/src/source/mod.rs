//! Where packets come from.

pub mod file;
pub mod ring;
