//! What the dissector finds in a packet: plain values, no heap, no borrow.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The layers of one packet, down to the transport header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layers {
    /// VLAN identifiers from the outside in; `vlan_tags` of them are valid.
    pub vlans: [u16; 2],
    /// VLAN tags on the frame; more than two are counted but not kept.
    pub vlan_tags: u8,
    /// The innermost tunnel that the network layer was found in; `None` if it was found in none.
    pub tunnel: Option<Tunnel>,
    /// The network layer.
    pub net: Net,
    /// The transport layer; `Transport::None` unless `net` is IP and its header was found.
    pub transport: Transport,
    /// Why the packet's headers cannot be believed, if so.
    pub malformed: Option<Malformed>,
    /// A header that is on the wire was not captured, so the walk ended there.
    pub snapped: bool,
    /// What became of the transport layer's checksum.
    pub checksum: Checksum,
}

/// What a transport layer's checksum says: of TCP, UDP, ICMP and `ICMPv6`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// Nobody looked, or it cannot be said: not all bytes were captured, a fragment, a frame whose
    /// checksum the network card was left to fill in, a protocol without one.
    #[default]
    Unknown,
    /// It is right.
    Good,
    /// It is wrong.
    Bad,
}

/// What a packet travelled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tunnel {
    /// The innermost encapsulation.
    pub kind: TunnelKind,
    /// How many tunnels there are, one in the other.
    pub depth: u8,
    /// VXLAN or GENEVE network identifier, GTP tunnel endpoint identifier, GRE key; 0 where there is
    /// none.
    pub id: u32,
    /// Source of the innermost tunnel's outer header; `None` where that is not IP.
    pub src: Option<IpAddr>,
    /// Its destination.
    pub dst: Option<IpAddr>,
    /// Hash of the flows that carry the packet, the same in both directions: another one is another
    /// tunnel, in Zeek's sense.
    pub carrier: u32,
}

/// A kind of tunnel. MPLS labels and `PPPoE` sessions are looked behind and are no tunnels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TunnelKind {
    /// GRE (RFC 2784, RFC 2890), with ERSPAN and NVGRE.
    Gre,
    /// IP in IP (RFC 2003, RFC 2473, RFC 4213).
    IpInIp,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// GENEVE (RFC 8926).
    Geneve,
    /// GTP-U (3GPP TS 29.281).
    GtpU,
    /// Teredo (RFC 4380).
    Teredo,
}

impl TunnelKind {
    /// The word in the records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gre => "gre",
            Self::IpInIp => "ip-in-ip",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::GtpU => "gtp-u",
            Self::Teredo => "teredo",
        }
    }
}

impl Layers {
    /// Nothing found yet.
    pub(crate) const EMPTY: Self = Self {
        vlans: [0; 2],
        vlan_tags: 0,
        tunnel: None,
        checksum: Checksum::Unknown,
        net: Net::Other { ethertype: 0 },
        transport: Transport::None,
        malformed: None,
        snapped: false,
    };

    /// Makes it [`Self::EMPTY`]. One by one: of most fields only the tag is written.
    #[inline(always)]
    pub(crate) fn clear(&mut self) {
        self.vlans = [0; 2];
        self.vlan_tags = 0;
        self.tunnel = None;
        self.checksum = Checksum::Unknown;
        self.net = Net::Other { ethertype: 0 };
        self.transport = Transport::None;
        self.malformed = None;
        self.snapped = false;
    }
}

/// A network layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Net {
    /// ARP (RFC 826).
    Arp,
    /// IPv4 (RFC 791) or IPv6 (RFC 8200).
    Ip(Ip),
    /// Anything else.
    Other {
        /// Its `EtherType`, or 802.3 length; 0 where the link type has none.
        ethertype: u16,
    },
}

/// Both addresses of a packet, as they lie in it (network byte order, read as native integers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Addresses {
    /// IPv4.
    V4 {
        /// Source.
        src: u32,
        /// Destination.
        dst: u32,
    },
    /// IPv6, each as its two halves.
    V6 {
        /// Source.
        src: [u64; 2],
        /// Destination.
        dst: [u64; 2],
    },
}

/// An IPv4 address from the form in [`Addresses`].
#[must_use]
pub const fn ipv4(raw: u32) -> Ipv4Addr {
    let [a, b, c, d] = raw.to_ne_bytes();
    Ipv4Addr::new(a, b, c, d)
}

/// An IPv6 address from the form in [`Addresses`].
#[must_use]
pub fn ipv6(raw: [u64; 2]) -> Ipv6Addr {
    let mut octets = [0; 16];
    let (high, low) = octets.split_at_mut(8);
    high.copy_from_slice(&raw[0].to_ne_bytes());
    low.copy_from_slice(&raw[1].to_ne_bytes());
    Ipv6Addr::from(octets)
}

impl Addresses {
    /// The source address.
    #[must_use]
    pub fn src(&self) -> IpAddr {
        match *self {
            Self::V4 { src, .. } => ipv4(src).into(),
            Self::V6 { src, .. } => ipv6(src).into(),
        }
    }

    /// The destination address.
    #[must_use]
    pub fn dst(&self) -> IpAddr {
        match *self {
            Self::V4 { dst, .. } => ipv4(dst).into(),
            Self::V6 { dst, .. } => ipv6(dst).into(),
        }
    }
}

/// An IP header, extension headers included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip {
    /// Source and destination.
    pub addresses: Addresses,
    /// Protocol number behind all extension headers (IANA "Assigned Internet Protocol Numbers").
    pub protocol: u8,
    /// Length of the datagram or fragment in bytes, its header included, as its header says; where
    /// that says 0 (GSO above 64 KiB), what the frame leaves to it.
    pub ip_len: u32,
    /// Bytes behind the IP header and its extension headers.
    pub payload_len: u32,
    /// The frame on the wire has no room for that length. Such a packet was cut down by whoever wrote
    /// it, or is wrong; Zeek does not count it (`truncated_IP_len`).
    pub cut_short: bool,
    /// `None` for a whole datagram.
    pub fragment: Option<Fragment>,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// Explicit congestion notification (RFC 3168): the two low bits of the type of service or
    /// traffic class.
    pub ecn: u8,
}

/// Where a fragment belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Identification, as it lies in the packet.
    pub id: u32,
    /// Offset in bytes; 0 for the first fragment.
    pub offset: u16,
    /// It is not the last one.
    pub more: bool,
    /// Where its data begins in the packet, bytes.
    pub at: u32,
    /// Length of its data, bytes: IPv6 extension headers behind the fragment header are a part of it.
    pub len: u32,
}

/// A transport layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// No header here: a later fragment, a first one that ends within the ports, or cut off.
    None,
    /// TCP (RFC 9293).
    Tcp(Tcp),
    /// UDP (RFC 768), UDP-Lite (RFC 3828) or SCTP (RFC 9260): ports and nothing else.
    Ports {
        /// Source port.
        src_port: u16,
        /// Destination port.
        dst_port: u16,
        /// Bytes of payload, as the UDP header says, or for the others as the IP header does.
        payload_len: u32,
    },
    /// ICMP (RFC 792) or `ICMPv6` (RFC 4443).
    Icmp {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
        /// Bytes behind the eight of the header, by the IP header's length.
        payload_len: u32,
    },
    /// A protocol without ports that this program looks at.
    Other,
}

/// A TCP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number; meaningless without the ACK flag.
    pub ack: u32,
    /// Control bits.
    pub flags: TcpFlags,
    /// Window as it lies in the header, not scaled.
    pub window: u16,
    /// Bytes of payload, by the IP header's length and not by what was captured.
    pub payload_len: u32,
    /// All of the payload was captured.
    pub captured: bool,
    /// Its options.
    pub options: TcpOptions,
}

/// The options of a TCP header, as far as flows want to know. Those that only a SYN carries are
/// looked for on segments with SYN only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpOptions {
    /// Maximum segment size (RFC 9293), bytes.
    pub mss: Option<u16>,
    /// Window scale (RFC 7323), the shift as it lies in the option.
    pub window_scale: Option<u8>,
    /// SACK permitted (RFC 2018).
    pub sack_permitted: bool,
    /// Timestamps (RFC 7323) are there.
    pub timestamps: bool,
}

impl Tcp {
    /// Sequence numbers that the segment occupies: payload, and one each for SYN and FIN (RFC 9293
    /// section 3.4).
    #[must_use]
    pub const fn seq_len(&self) -> u32 {
        self.payload_len
            + self.flags.has(TcpFlags::SYN) as u32
            + self.flags.has(TcpFlags::FIN) as u32
    }
}

/// TCP control bits (RFC 9293 section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// Finished sending.
    pub const FIN: Self = Self(0x01);
    /// Synchronize sequence numbers.
    pub const SYN: Self = Self(0x02);
    /// Reset the connection.
    pub const RST: Self = Self(0x04);
    /// Push.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgment field is significant.
    pub const ACK: Self = Self(0x10);
    /// The urgent pointer is significant.
    pub const URG: Self = Self(0x20);

    /// Whether all bits of `other` are set.
    #[must_use]
    #[inline(always)]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets of bits.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One letter a flag, in the order in which a connection shows them: `SA`, `SFAP`; `-` for none.
impl std::fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let letters: String = [1, 0, 4, 3, 2, 5, 6, 7]
            .into_iter()
            .zip("SFAPRUEC".chars())
            .filter(|(bit, _)| self.0 & 1 << bit != 0)
            .map(|(_, letter)| letter)
            .collect();
        f.pad(if letters.is_empty() { "-" } else { &letters })
    }
}

/// Why a packet's headers cannot be believed. What counts as malformed is the same here and in the
/// eBPF programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The frame ends, on the wire, within this header.
    Truncated(Header),
    /// The version in the IP header is not what the link layer announced.
    Version,
    /// The header's length field is below its minimum, or beyond what the layer above leaves.
    HeaderLength(Header),
    /// The IPv4 header's checksum is wrong; looked for only where checksums are validated.
    Checksum,
}

/// A header, to name where something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// The link layer, VLAN tags included.
    Link,
    /// IPv4.
    Ipv4,
    /// IPv6, extension headers included.
    Ipv6,
    /// The transport layer.
    Transport,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_print_as_letters() {
        assert_eq!(TcpFlags(0).to_string(), "-");
        assert_eq!(TcpFlags::SYN.with(TcpFlags::ACK).to_string(), "SA");
        assert_eq!(TcpFlags(0xff).to_string(), "SFAPRUEC");
    }

    #[test]
    fn addresses_keep_their_byte_order() {
        assert_eq!(
            ipv4(u32::from_ne_bytes([192, 0, 2, 1])),
            Ipv4Addr::new(192, 0, 2, 1)
        );
        let address: Ipv6Addr = "2001:db8::1".parse().unwrap();
        let octets = address.octets();
        let half =
            |at: usize| u64::from_ne_bytes(*octets.get(at..).unwrap().first_chunk().unwrap());
        assert_eq!(ipv6([half(0), half(8)]), address);
    }
}
