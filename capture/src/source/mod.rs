//! Where packets come from.
//!
//! A source lends bursts of packets that still lie where they came from: in the kernel's ring, or in
//! the block of a file.
//!
//! - `file/` pcap and pcapng files
//! - `ring/` the kernel's rings

pub mod file;
pub mod ring;

/// Packets of one burst at most: enough to hide the latency of memory, few enough for the
/// first-level cache.
pub const BURST: usize = 64;
