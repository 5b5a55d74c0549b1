//! What is asked of a packet's headers by whoever cuts it: more than what is counted.

use capture_common::cutoff::{CutEntry, CutHalf};

use crate::headers::Walk;

/// What the walk finds beyond what is counted: only what is cut needs it.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Facts {
    /// All 64 bits of the flow's hash.
    pub(crate) fingerprint: u64,
    /// TCP sequence number.
    pub(crate) seq: u32,
    /// Bytes of payload by the lengths in the headers.
    pub(crate) payload_len: u32,
    /// Bytes from the IP header on.
    pub(crate) ip_len: u32,
    /// Offset of the IP header.
    pub(crate) net_at: u32,
    /// Offset of the ports.
    pub(crate) ports_at: u32,
    /// Offset behind the transport header; behind the frame if there is nothing to leave out.
    pub(crate) headers_end: u32,
    /// Bits of `Self::*`.
    pub(crate) bits: u32,
    /// IP protocol number.
    pub(crate) protocol: u8,
    /// TCP flags; 0 if it is none.
    pub(crate) tcp_flags: u8,
    /// [`Net`](crate::headers::Net) as a number.
    pub(crate) net: u8,
    pub(crate) reserved: u8,
}

impl Facts {
    /// A whole TCP segment or UDP datagram that is no tunnel's: its flow can be cut short.
    pub(crate) const FOLLOWED: u32 = 1;
    /// It goes from the endpoint with the higher hash to that with the lower.
    pub(crate) const REVERSE: u32 = 2;

    /// Of a packet that is not IP.
    pub(crate) const NONE: Self = Self {
        fingerprint: 0,
        seq: 0,
        payload_len: 0,
        ip_len: 0,
        net_at: 0,
        ports_at: 0,
        headers_end: u32::MAX,
        bits: 0,
        protocol: 0,
        tcp_flags: 0,
        net: 0,
        reserved: 0,
    };

    /// Says whose packet it is, and whether its flow is followed: fragments are not, for only the first
    /// one says whose it is, nor is what cannot be believed, or says of itself to be longer than the frame.
    #[inline(always)]
    pub(crate) fn identify(
        &mut self,
        fingerprint: u64,
        reverse: u32,
        frame_len: usize,
        walk: &Walk,
    ) {
        self.fingerprint = fingerprint;
        self.protocol = walk.protocol;
        self.tcp_flags = walk.tcp_flags;
        self.net = walk.net as u8;
        if walk.fragment || walk.malformed || (self.net_at + self.ip_len) as usize > frame_len {
            self.bits = 0;
        }
        self.bits |= reverse * Self::REVERSE;
    }

    /// The half of whoever sent the packet. Which one it is changes with every packet, so nothing branches on it.
    #[inline(always)]
    pub(crate) fn half<'a>(&self, entry: &'a mut CutEntry) -> &'a mut CutHalf {
        let at = (self.bits & Self::REVERSE) / Self::REVERSE;
        // SAFETY: 0 or 1, of two.
        let half = unsafe { entry.halves.as_mut_ptr().add(at as usize) };
        // SAFETY: as above; the borrow is that of the entry.
        unsafe { &mut *half }
    }
}
