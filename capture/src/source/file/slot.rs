//! Where a packet lies in its block, and how the packets of several files are numbered.

use super::Block;
use crate::packet::{FrameNo, IfaceId, Packet, PacketMeta, Timestamp};

/// A packet of a block: one cache line, so that a burst of them stays in the first-level cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// What is known of the packet.
    pub meta: PacketMeta,
    /// Offset of its first byte in the block.
    pub offset: usize,
    /// Captured bytes.
    pub cap_len: u32,
}

const _: () = assert!(size_of::<Slot>() <= 64);

impl Slot {
    /// Of no packet, to fill arrays with.
    pub const EMPTY: Self = Self {
        meta: PacketMeta::UNKNOWN,
        offset: 0,
        cap_len: 0,
    };

    /// The packet, lent from its block.
    ///
    /// # Panics
    ///
    /// If `block` is not the block that came with the slot.
    #[inline]
    #[must_use]
    pub fn packet<'a>(&self, block: &'a Block) -> Packet<'a> {
        Packet {
            meta: self.meta,
            data: &block[self.offset..][..self.cap_len as usize],
        }
    }
}

/// What the first packet of a file is numbered from, so that several files read like one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbering {
    /// Number of the next packet.
    pub frame: FrameNo,
    /// Number of the next interface.
    pub iface: IfaceId,
    /// The largest timestamp so far.
    pub clock: Timestamp,
}

/// The numbering of a first file: packets from 1, interfaces from 0, no time has passed.
impl Default for Numbering {
    fn default() -> Self {
        Self {
            frame: FrameNo(1),
            iface: IfaceId(0),
            clock: Timestamp(0),
        }
    }
}
