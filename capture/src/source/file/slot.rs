//! Where a packet lies in its block, and how the packets of several files are numbered.

use super::Block;
use super::options::PacketOptions;
use super::scan::ByteOrder;
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
    /// What follows them.
    pub(super) options: OptionBytes,
}

/// How many bytes of options lie behind a packet (and what fills it up to a multiple of four), and in
/// the highest bit their byte order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OptionBytes(u32);

impl OptionBytes {
    const BIG: u32 = 1 << 31;

    pub(super) const fn new(order: ByteOrder, len: usize) -> Self {
        let order = match order {
            ByteOrder::Big => Self::BIG,
            ByteOrder::Little => 0,
        };
        // Blocks are shorter by far.
        Self(len as u32 & !Self::BIG | order)
    }

    const fn order(self) -> ByteOrder {
        if self.0 & Self::BIG == 0 {
            ByteOrder::Little
        } else {
            ByteOrder::Big
        }
    }

    const fn len(self) -> usize {
        (self.0 & !Self::BIG) as usize
    }
}

const _: () = assert!(size_of::<Slot>() <= 64);

impl Slot {
    /// Of no packet, to fill arrays with.
    pub const EMPTY: Self = Self {
        meta: PacketMeta::UNKNOWN,
        offset: 0,
        cap_len: 0,
        options: OptionBytes(0),
    };

    /// What the file says of the packet beside what is in `meta`; `block` is the block that came with
    /// the slot.
    #[inline]
    #[must_use]
    pub fn options<'a>(&self, block: &'a Block) -> PacketOptions<'a> {
        let len = self.options.len();
        if len == 0 {
            return PacketOptions::default();
        }
        let start = self.offset + (self.cap_len as usize).next_multiple_of(4);
        let bytes = block.get(start..start + len).unwrap_or(&[]);
        PacketOptions::new(self.options.order(), bytes)
    }

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
