//! Where packets come from.
//!
//! A source lends bursts of packets that still lie where they came from: in the kernel's ring, in the
//! memory of an `AF_XDP` socket, or in the block of a file.
//!
//! - `file/` pcap and pcapng files
//! - `region.rs` memory that is mapped
//! - `ring/` the kernel's rings
//! - `xsk/` `AF_XDP` sockets

pub mod file;
mod region;
pub mod ring;
pub mod xsk;

use crate::packet::{Packet, Timestamp};

/// Packets of one burst at most: enough to hide the latency of memory, few enough for the
/// first-level cache.
pub const BURST: usize = 64;

/// What a poll of a source brought.
#[derive(Clone, Copy, Debug)]
pub struct Polled {
    /// Packets that were lent.
    pub packets: usize,
    /// Nothing was left when the source was looked at.
    pub drained: bool,
    /// No packet that comes later will have a smaller timestamp.
    pub watermark: Timestamp,
    /// Threads between the kernel and the source are still at work, so that it can get packets even
    /// if the kernel gives none any more.
    pub feeding: bool,
}

/// A source of a live capture, for one worker.
#[derive(Debug)]
pub enum LiveSource {
    /// A ring.
    Ring(ring::RingSource),
    /// `AF_XDP` sockets.
    Xsk(Box<xsk::XskSource>),
}

impl LiveSource {
    /// Lends the next burst to `on_burst`, unless there is none, with what the kernel tells in between of
    /// flows that it cuts short.
    pub fn poll(&mut self, on_burst: &mut impl FnMut(&[Packet<'_>], &[ring::Told])) -> Polled {
        match self {
            Self::Ring(ring) => ring.poll(on_burst),
            Self::Xsk(sockets) => sockets.poll(on_burst),
        }
    }

    /// Whether looking again is what brings packets, so that there is no point in a pause.
    #[must_use]
    pub fn is_busy_polling(&self) -> bool {
        match self {
            Self::Ring(_) => false,
            Self::Xsk(sockets) => sockets.is_busy_polling(),
        }
    }
}
