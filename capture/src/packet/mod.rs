//! The values that flow: a packet, borrowed for one call, and what is known about it.
//!
//! The bytes belong to whoever lends them: a slot of a kernel ring, a block read from
//! a pipe. Nothing here owns memory or knows where time comes from.

mod link_type;
mod time;

pub use link_type::LinkType;
pub use time::{Span, Timestamp};

/// Number of a packet: 1 for the first of a file, as Wireshark counts. Live, each worker counts for
/// itself, with its own number in the top 16 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameNo(pub u64);

/// Number of an interface, from 0, in the order in which a source names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IfaceId(pub u32);

/// Whether a packet came in or went out, where the source can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketDirection {
    /// Received by the host.
    Inbound,
    /// Sent by the host.
    Outbound,
}

/// What is known of a packet beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketMeta {
    /// Number of the packet.
    pub frame: FrameNo,
    /// When the packet was seen.
    pub ts: Timestamp,
    /// The largest timestamp that the source has given out so far, this packet's included. Expiry
    /// runs on it: it never goes back, and it is the same for any number of shards.
    pub clock: Timestamp,
    /// Length on the wire in bytes; the captured bytes can be fewer.
    pub wire_len: u32,
    /// Packets that were lost before this one, on the same interface, as far as the source knows.
    pub lost: u32,
    /// Interface of the source.
    pub iface: IfaceId,
    /// What the first bytes are.
    pub link: LinkType,
    /// Receive or transmit queue; `None` where the source does not know.
    pub queue: Option<u16>,
    /// `None` where the source does not know.
    pub direction: Option<PacketDirection>,
    /// The packet is a GSO super-frame: several segments that are cut apart later.
    pub gso: bool,
    /// Whether payload was left out on purpose.
    pub cut: PayloadCut,
}

/// Whether and why a packet's payload was left out, though there was nothing in the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PayloadCut {
    /// It was not.
    #[default]
    No,
    /// Only headers are wanted.
    HeadersOnly,
    /// Its flow is past its cutoff.
    AtCutoff,
}

/// A packet: its captured bytes, and what is known beside them.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// What is known beside the bytes.
    pub meta: PacketMeta,
    /// The captured bytes.
    pub data: &'a [u8],
}

impl PacketMeta {
    /// A packet of which nothing is known, for sources to start from.
    pub const UNKNOWN: Self = Self {
        frame: FrameNo(0),
        ts: Timestamp(0),
        clock: Timestamp(0),
        wire_len: 0,
        lost: 0,
        iface: IfaceId(0),
        link: LinkType::NULL,
        queue: None,
        direction: None,
        gso: false,
        cut: PayloadCut::No,
    };
}

impl Packet<'_> {
    /// A packet without bytes, to fill arrays with.
    pub const EMPTY: Packet<'static> = Packet {
        meta: PacketMeta::UNKNOWN,
        data: &[],
    };

    /// Asks for the memory of its headers, and of what a checksum covers of a short packet; the CPU
    /// notices by itself that more of a long one is going to be read.
    #[inline(always)]
    pub(crate) fn prefetch(&self) {
        const LINE: usize = 64;
        for line in self.data.chunks(LINE).take(4) {
            if let Some(first) = line.first() {
                crate::prefetch::read(first);
            }
        }
    }
}

/// Description of an interface that a source delivers packets of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Iface {
    /// Name, such as `eth0`; empty if unknown (classic pcap).
    pub name: String,
    /// Description; empty if there is none.
    pub description: String,
    /// Link type of its packets.
    pub link: LinkType,
    /// Bytes of a packet that are captured at most; 0 means no limit (as in pcapng).
    pub snap_len: u32,
    /// Decimals of a second that its timestamps have: 6 for microseconds, 9 for nanoseconds.
    pub decimals: u8,
}
