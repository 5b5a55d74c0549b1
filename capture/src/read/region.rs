//! The bytes that belong to a protocol: those that were captured, and how many there were.
//!
//! A read beyond what was captured stops the dissector; whether the packet was cut off or lies is
//! told apart by what it was on the wire. No read can panic.

use super::tree::Place;

/// Why a dissector cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The bytes were on the wire and not captured: `[Packet size limited during capture]`.
    Snapped,
    /// The protocol's own lengths contradict each other, or the packet ends within a header:
    /// `[Malformed Packet]`.
    Malformed,
    /// A fragment of what was put together without it:
    /// `[Reassembly error, …: New fragment overlaps old data (retransmission?)]`.
    OverlapsOld,
    /// A fragment that goes past its end: `[Reassembly error, …: New fragment past old data limits]`.
    PastOld,
}

/// Bytes of a protocol.
#[derive(Clone, Copy, Debug)]
pub struct Region<'b> {
    /// Those that were captured.
    bytes: &'b [u8],
    /// How many there were on the wire.
    reported: u32,
    /// Which buffer they lie in: 0 is the frame.
    pub(crate) source: u8,
    /// Offset of the first in that buffer.
    pub(crate) at: u32,
}

impl<'b> Region<'b> {
    /// A whole buffer. `reported` is at least what was captured.
    #[must_use]
    #[inline]
    pub const fn new(source: u8, bytes: &'b [u8], reported: u32) -> Self {
        Self {
            bytes,
            reported,
            source,
            at: 0,
        }
    }

    /// Bytes that were captured.
    #[must_use]
    #[inline]
    pub const fn captured(&self) -> &'b [u8] {
        self.bytes
    }

    /// Bytes on the wire.
    #[must_use]
    #[inline]
    pub const fn reported(&self) -> usize {
        self.reported as usize
    }

    /// Whether bytes on the wire were not captured.
    #[must_use]
    #[inline]
    pub const fn is_cut(&self) -> bool {
        self.bytes.len() < self.reported as usize
    }

    /// Why a read up to `end` fails.
    const fn stop(&self, end: usize) -> Stop {
        if end <= self.reported as usize {
            Stop::Snapped
        } else {
            Stop::Malformed
        }
    }

    /// `len` bytes at `offset`.
    ///
    /// # Errors
    ///
    /// When they are not all there.
    #[inline]
    pub fn slice(&self, offset: usize, len: usize) -> Result<&'b [u8], Stop> {
        let end = offset.saturating_add(len);
        self.bytes.get(offset..end).ok_or_else(|| self.stop(end))
    }

    /// `N` bytes at `offset`.
    ///
    /// # Errors
    ///
    /// When they are not all there.
    #[inline]
    pub fn array<const N: usize>(&self, offset: usize) -> Result<[u8; N], Stop> {
        let found = self.bytes.get(offset..).and_then(<[u8]>::first_chunk);
        found
            .copied()
            .ok_or_else(|| self.stop(offset.saturating_add(N)))
    }

    /// The byte at `offset`.
    ///
    /// # Errors
    ///
    /// When it is not there.
    #[inline]
    pub fn u8(&self, offset: usize) -> Result<u8, Stop> {
        self.array::<1>(offset).map(|[byte]| byte)
    }

    /// Two bytes at `offset`, the high one first.
    ///
    /// # Errors
    ///
    /// When they are not there.
    #[inline]
    pub fn u16(&self, offset: usize) -> Result<u16, Stop> {
        self.array(offset).map(u16::from_be_bytes)
    }

    /// Three bytes at `offset`, the high one first.
    ///
    /// # Errors
    ///
    /// When they are not there.
    #[inline]
    pub fn u24(&self, offset: usize) -> Result<u32, Stop> {
        self.array(offset)
            .map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// Four bytes at `offset`, the high one first.
    ///
    /// # Errors
    ///
    /// When they are not there.
    #[inline]
    pub fn u32(&self, offset: usize) -> Result<u32, Stop> {
        self.array(offset).map(u32::from_be_bytes)
    }

    /// Eight bytes at `offset`, the high one first.
    ///
    /// # Errors
    ///
    /// When they are not there.
    #[inline]
    pub fn u64(&self, offset: usize) -> Result<u64, Stop> {
        self.array(offset).map(u64::from_be_bytes)
    }

    /// What follows `offset`; empty if nothing does.
    #[must_use]
    #[inline]
    pub fn rest(&self, offset: usize) -> Self {
        Self {
            bytes: self.bytes.get(offset..).unwrap_or(&[]),
            reported: self.reported.saturating_sub(offset as u32),
            source: self.source,
            at: self.at.saturating_add(offset as u32),
        }
    }

    /// What follows `offset`.
    ///
    /// # Errors
    ///
    /// When `offset` is behind the end.
    pub fn from(&self, offset: usize) -> Result<Self, Stop> {
        self.slice(offset, 0).map(|_| self.rest(offset))
    }

    /// `len` bytes at `offset` as a region of their own: less if there are less, on the wire too.
    #[must_use]
    #[inline]
    pub fn part(&self, offset: usize, len: usize) -> Self {
        let rest = self.rest(offset);
        Self {
            bytes: rest.bytes.get(..len).unwrap_or(rest.bytes),
            reported: rest.reported.min(u32::try_from(len).unwrap_or(u32::MAX)),
            ..rest
        }
    }

    /// Where `len` bytes at `offset` lie.
    #[must_use]
    #[inline]
    pub fn place(&self, offset: usize, len: usize) -> Place {
        Place::of(self, offset, len)
    }
}
