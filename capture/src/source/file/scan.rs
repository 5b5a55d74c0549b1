//! What the two formats share: stepping over records in a window of bytes.
//!
//! A window is whatever part of the file is at hand, a block of it. A format steps from record to
//! record, and when the next one is not complete it says how many bytes it takes. Whether more can come
//! is the source's business, so there is one parser for files and pipes.

use super::Damage;
use super::slot::{Numbering, OptionBytes, Slot};
use crate::packet::{FrameNo, LinkType, PacketMeta, Timestamp};

/// The longest packet that is believed. Nobody captures longer ones, except where a "packet" is a
/// message of a bus: see [`max_cap_len`].
pub(super) const MAX_CAP_LEN: u32 = 16 << 20;

/// Where scanning a window stopped, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stopped {
    /// Offset in the window of the first byte that was not consumed.
    pub(super) at: usize,
    pub(super) why: Stop,
}

/// Why scanning stopped.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// As many packets as were asked for.
    Budget,
    /// The record is impossible.
    Damaged(Damage),
    /// The next record takes this many bytes at least, and the window has fewer.
    More { needed: usize, part: &'static str },
}

/// Which packets of a file get a slot. All are numbered.
pub trait Choice {
    /// Whether this one does, with these bytes. What is told of it is told by value: what lies in memory
    /// would have to be written there, for all the packets that nobody wants.
    fn wants(&mut self, link: LinkType, wire_len: u32, clock: Timestamp, data: &[u8]) -> bool;
}

/// All of them.
#[derive(Clone, Copy, Debug)]
pub struct All;

impl Choice for All {
    #[inline(always)]
    fn wants(&mut self, _: LinkType, _: u32, _: Timestamp, _: &[u8]) -> bool {
        true
    }
}

/// What a scan works on: the window, and where the slots go.
#[derive(Debug)]
pub(super) struct Scan<'a, C> {
    pub(super) window: &'a [u8],
    pub(super) numbering: &'a mut Numbering,
    pub(super) slots: &'a mut Vec<Slot>,
    pub(super) choice: &'a mut C,
}

impl<C: Choice> Scan<'_, C> {
    /// Numbers a packet, moves the clock, and stores its slot.
    #[inline(always)]
    pub(super) fn push(&mut self, meta: PacketMeta, offset: usize, cap_len: u32) {
        self.push_with(meta, offset, cap_len, OptionBytes::default());
    }

    /// The same with options behind the packet.
    #[inline(always)]
    pub(super) fn push_with(
        &mut self,
        mut meta: PacketMeta,
        offset: usize,
        cap_len: u32,
        options: OptionBytes,
    ) {
        let Numbering { frame, clock, .. } = self.numbering;
        *clock = meta.ts.max(*clock);
        meta.clock = *clock;
        meta.frame = *frame;
        *frame = FrameNo(frame.0 + 1);
        let data = self.window.get(offset..offset + cap_len as usize);
        let wanted = self.choice.wants(
            meta.link,
            meta.wire_len,
            meta.clock,
            data.unwrap_or_default(),
        );
        // Written in any case: nobody can guess what is wanted, least of all the branch predictor.
        let before = self.slots.len();
        self.slots.push(Slot {
            meta,
            offset,
            cap_len,
            options,
        });
        self.slots.truncate(before + usize::from(wanted));
    }
}

/// The order of the bytes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Big,
    Little,
}

impl ByteOrder {
    #[inline]
    pub(super) const fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Big => u16::from_be_bytes(bytes),
            Self::Little => u16::from_le_bytes(bytes),
        }
    }

    #[inline]
    pub(super) const fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Big => u32::from_be_bytes(bytes),
            Self::Little => u32::from_le_bytes(bytes),
        }
    }

    #[inline]
    pub(super) const fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            Self::Big => u64::from_be_bytes(bytes),
            Self::Little => u64::from_le_bytes(bytes),
        }
    }
}

/// `N` bytes of an array at a place that is known when compiling.
#[inline]
pub(super) const fn part<const AT: usize, const N: usize, const LEN: usize>(
    bytes: &[u8; LEN],
) -> [u8; N] {
    const { assert!(AT + N <= LEN, "the field lies within the header") };
    let mut field = [0; N];
    let mut index = 0;
    while index < N {
        field[index] = bytes[AT + index];
        index += 1;
    }
    field
}

/// The longest packet of a link type that is believed: the buses have messages of up to 128 MiB
/// (libpcap's `max_snaplen_for_dlt`), and 16 MiB is ample for everything else.
pub(super) const fn max_cap_len(link: LinkType) -> u32 {
    match link.0 {
        // USB_LINUX, USB_LINUX_MMAPPED, DBUS, USBPCAP.
        189 | 220 | 231 | 249 => 128 << 20,
        _ => MAX_CAP_LEN,
    }
}
