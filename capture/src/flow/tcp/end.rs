//! One end of a connection: what it sent, and what was acknowledged of it.
//!
//! Two views of the same segments live here side by side, because what people compare with disagrees:
//! Zeek's endpoint (`TCP_Endpoint`: where the stream starts, ends, and is acknowledged, in 64 bits) and
//! Wireshark's flow (`tcp_flow_t`: the next sequence number, and what the last segment said).

use super::analysis::{Analysis, Health};
use super::timing::Rtt;
use crate::dissect::TcpFlags;

/// State of an end as Zeek has it (`EndpointState` in `TCP_Endpoint.h`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum EndState {
    /// Nothing was heard of it.
    #[default]
    Inactive,
    /// Sent a SYN.
    SynSent,
    /// Sent a SYN-ACK before any SYN was seen.
    SynAckSent,
    /// Sends in the middle of a connection.
    Partial,
    /// The connection is open.
    Established,
    /// Sent a FIN.
    Closed,
    /// Sent a RST.
    Reset,
}

impl EndState {
    /// From the three bits in which a slot keeps it.
    pub(crate) const fn from_bits(bits: u32) -> Self {
        match bits & 7 {
            1 => Self::SynSent,
            2 => Self::SynAckSent,
            3 => Self::Partial,
            4 => Self::Established,
            5 => Self::Closed,
            6 => Self::Reset,
            _ => Self::Inactive,
        }
    }

    /// Nothing but SYNs so far.
    pub(crate) const fn is_handshake(self) -> bool {
        matches!(self, Self::Inactive | Self::SynSent | Self::SynAckSent)
    }
}

/// Number of a chain of islands; see `islands.rs`.
pub(crate) type Chain = u32;

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_field_names,
    reason = "the end of a stream is another thing than an end of a connection"
)]
pub(crate) struct End {
    pub(crate) state: EndState,
    /// The state before this one.
    pub(crate) prev: EndState,
    /// Its closing was noticed: everything that it sent before is delivered or given up.
    pub(crate) did_close: bool,
    /// Nothing more can come of it: it closed, and no data is pending.
    pub(crate) at_end: bool,
    /// It sent a FIN.
    pub(crate) fin: bool,
    /// What it sends is not put in order any more: too much of it is missing.
    pub(crate) unordered: bool,
    /// Sequence number of its SYN, or one before the first that was seen.
    pub(crate) start: u32,
    /// Behind the highest byte that it sent, and how often that wrapped around.
    pub(crate) last: u32,
    pub(crate) last_wraps: u32,
    /// Highest acknowledgment of what it sent, and how often that wrapped around.
    pub(crate) ack: u32,
    pub(crate) ack_wraps: u32,
    /// Behind its FIN, relative to `start`.
    pub(crate) fin_end: u64,
    /// Relative sequence numbers of the last SYN, FIN (behind its payload) and RST: their letters come
    /// again only for another one.
    pub(crate) last_syn: u64,
    pub(crate) last_fin: u64,
    pub(crate) last_rst: u64,
    /// Up to here, relative to `start`, everything is there or given up.
    pub(crate) delivered: u64,
    /// Up to here it was acknowledged, as far as putting in order is concerned.
    pub(crate) trimmed: u64,
    /// What came beyond a hole.
    pub(crate) islands: Chain,
    /// Bytes that were acknowledged and never seen.
    pub(crate) missed: u64,
    /// How often the letters T, W, G and C occurred.
    pub(crate) repeats: u32,
    pub(crate) zero_windows: u32,
    pub(crate) gaps: u32,
    pub(crate) bad_checksums: u32,
    /// Wireshark's view.
    pub(crate) analysis: Analysis,
    pub(crate) health: Health,
    pub(crate) rtt: Rtt,
    /// What it announced.
    pub(crate) mss: u16,
    pub(crate) scale: Option<u8>,
    pub(crate) sack_permitted: bool,
    pub(crate) timestamps: bool,
    pub(crate) ecn: bool,
    /// All flags that it ever set.
    pub(crate) flags: TcpFlags,
    /// Time to live of its first packet; 0 if there was none.
    pub(crate) ttl: u8,
}

impl End {
    /// No chain of islands.
    pub(crate) const NO_ISLANDS: Chain = u32::MAX;

    pub(crate) const NEW: Self = Self {
        state: EndState::Inactive,
        prev: EndState::Inactive,
        did_close: false,
        at_end: false,
        fin: false,
        unordered: false,
        start: 0,
        last: 0,
        last_wraps: 0,
        ack: 0,
        ack_wraps: 0,
        fin_end: 0,
        last_syn: 0,
        last_fin: 0,
        last_rst: 0,
        // Relative sequence numbers begin with 1, behind the SYN.
        delivered: 1,
        trimmed: 1,
        islands: Self::NO_ISLANDS,
        missed: 0,
        repeats: 0,
        zero_windows: 0,
        gaps: 0,
        bad_checksums: 0,
        analysis: Analysis::NEW,
        health: Health::NONE,
        rtt: Rtt::NONE,
        mss: 0,
        scale: None,
        sack_permitted: false,
        timestamps: false,
        ecn: false,
        flags: TcpFlags(0),
        ttl: 0,
    };

    /// Begins a stream at `start`; `last` is behind what this segment occupies.
    pub(super) fn restart(&mut self, start: u32, last: u32) {
        self.start = start;
        self.ack = start;
        self.last = last;
    }

    pub(super) fn enter(&mut self, state: EndState) {
        if state != self.state {
            self.prev = self.state;
            self.state = state;
        }
    }

    /// A sequence number of this end relative to its start, given how often it wrapped around.
    pub(crate) fn relative(&self, seq: u32, wraps: u32) -> u64 {
        (u64::from(wraps) << 32 | u64::from(seq)).wrapping_sub(u64::from(self.start))
    }

    /// Relative sequence number behind what it sent.
    pub(crate) fn relative_last(&self) -> u64 {
        self.relative(self.last, self.last_wraps)
    }

    /// Relative acknowledgment of what it sent.
    pub(crate) fn relative_ack(&self) -> u64 {
        self.relative(self.ack, self.ack_wraps)
    }

    /// A sequence number near `last` relative to the start; `None` if it lies before it.
    pub(super) fn relative_near(&self, seq: u32, last: u32, wraps: u32) -> Result<u64, u64> {
        let delta = seq.wrapping_sub(last).cast_signed();
        let wraps = if delta < 0 && wraps > 0 && seq > last {
            wraps - 1
        } else if delta > 0 && seq < last {
            wraps + 1
        } else {
            wraps
        };
        if wraps > 0 {
            return Ok(self.relative(seq, wraps));
        }
        let delta = seq.wrapping_sub(self.start).cast_signed();
        let relative = i64::from(delta).cast_unsigned();
        if delta < 0 {
            Err(relative)
        } else {
            Ok(relative)
        }
    }

    pub(super) fn advance_last(&mut self, last: u32) {
        self.last_wraps += u32::from(last < self.last);
        self.last = last;
    }

    pub(super) fn advance_ack(&mut self, ack: u32) {
        self.ack_wraps += u32::from(ack < self.ack);
        self.ack = ack;
    }

    /// Nothing but the SYN was acknowledged.
    pub(crate) fn nothing_acked(&self) -> bool {
        let acked = u64::from(self.ack_wraps) << 32 | u64::from(self.ack);
        let start = u64::from(self.start);
        acked == start || acked == start + 1
    }

    /// Payload that it sent, in bytes, by sequence numbers (`TCP_Endpoint::Size`).
    pub(crate) fn size(&self, peer: &Self) -> u64 {
        if self.prev == EndState::SynSent
            && self.state == EndState::Reset
            && peer.state == EndState::Inactive
            && !self.nothing_acked()
        {
            // A half-open connection that was found out: its numbers say nothing of data.
            return 0;
        }
        let last = u64::from(self.last_wraps) << 32 | u64::from(self.last);
        let ack = u64::from(self.ack_wraps) << 32 | u64::from(self.ack);
        let size = last.max(ack).wrapping_sub(u64::from(self.start));
        // Neither the SYN's octet nor the FIN's.
        let size = size.saturating_sub(1);
        size.saturating_sub(u64::from(self.fin))
    }

    /// Open, or closed after it was open (`is_clean` in `TCP_Reassembler.cc`).
    pub(super) const fn is_clean(&self) -> bool {
        matches!(
            (self.state, self.prev),
            (EndState::Established, _) | (EndState::Closed, EndState::Established)
        )
    }
}
