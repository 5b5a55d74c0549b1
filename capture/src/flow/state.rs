//! What is kept of a flow while it lives.

use super::key::Direction;
use super::tcp::{Ending, TcpConnection};
use crate::dissect::Tcp;
use crate::packet::{FrameNo, IfaceId, Timestamp};

/// What went one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets.
    pub packets: u64,
    /// Bytes of whole frames, as on the wire without frame check sequence: what Wireshark counts.
    pub wire_bytes: u64,
    /// Bytes from the IP header on: what Zeek and IPFIX count.
    pub ip_bytes: u64,
}

/// A flow: 5-tuple, both directions.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// Number of its first packet; identifies the flow, on any number of shards.
    pub(crate) id: FrameNo,
    pub(crate) first_ts: Timestamp,
    /// The largest timestamp of its packets.
    pub(crate) last_ts: Timestamp,
    /// The source's clock at its last packet: what silence is measured from. It is later than
    /// `last_ts` where timestamps go back, as they do when a machine's clock is corrected.
    pub(crate) seen: Timestamp,
    pub(crate) counts: [Counts; 2],
    pub(crate) tcp: TcpConnection,
    pub(crate) vlans: [u16; 2],
    /// Interface of the first packet.
    pub(crate) iface: IfaceId,
    pub(crate) vlan_tags: u8,
    /// The direction in which the initiator sends.
    pub(crate) initiator: Direction,
}

/// How long a flow may be silent, and whether it goes first when room is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// TCP before the handshake is complete.
    TcpEmbryonic,
    /// TCP that is open.
    TcpOpen,
    /// TCP that is over; it stays for what still comes, such as the last acknowledgment again.
    TcpClosed,
    /// Not TCP, only one side was heard.
    Unanswered,
    /// Not TCP, both sides were heard.
    Answered,
}

impl Class {
    /// Whether flows of this class are evicted before the others.
    pub(crate) const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::TcpEmbryonic | Self::TcpClosed | Self::Unanswered
        )
    }
}

impl Flow {
    /// The flow that a packet begins; the packet itself is not counted yet.
    pub(crate) fn new(
        id: FrameNo,
        [ts, clock]: [Timestamp; 2],
        iface: IfaceId,
        initiator: Direction,
    ) -> Self {
        Self {
            id,
            first_ts: ts,
            last_ts: ts,
            seen: clock,
            counts: [Counts::default(); 2],
            tcp: TcpConnection::new(),
            vlans: [0; 2],
            iface,
            vlan_tags: 0,
            initiator,
        }
    }

    /// Counts a packet.
    #[inline(always)]
    pub(crate) fn on_packet(
        &mut self,
        direction: Direction,
        [ts, clock]: [Timestamp; 2],
        wire_len: u32,
        ip_len: u32,
        segment: Option<&Tcp>,
    ) {
        let counts = &mut self.counts[direction.index()];
        counts.packets += 1;
        counts.wire_bytes += u64::from(wire_len);
        counts.ip_bytes += u64::from(ip_len);
        if ts > self.last_ts {
            self.last_ts = ts;
        }
        self.seen = clock;
        if let Some(segment) = segment {
            self.tcp.on_segment(segment, direction, ts);
        }
    }

    pub(crate) fn counts(&self, direction: Direction) -> &Counts {
        &self.counts[direction.index()]
    }

    /// How the flow is treated by expiry and eviction now.
    #[inline(always)]
    pub(crate) fn class(&self, is_tcp: bool) -> Class {
        if !is_tcp {
            let [forward, reverse] = &self.counts;
            return if forward.packets == 0 || reverse.packets == 0 {
                Class::Unanswered
            } else {
                Class::Answered
            };
        }
        if self.tcp.ending() != Ending::Open && self.tcp.is_closed() {
            Class::TcpClosed
        } else if self.tcp.is_embryonic() {
            Class::TcpEmbryonic
        } else {
            Class::TcpOpen
        }
    }
}
