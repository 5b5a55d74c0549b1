//! The short way through the headers that nearly every packet has: Ethernet, perhaps a VLAN tag, IPv4
//! without options or IPv6 without extension headers, and a whole TCP segment or UDP datagram.
//!
//! Everything is at a place that is known beforehand, so one check of the length is enough, and nothing
//! needs to be brought together or kept from the verifier. What is only a little different goes the
//! long way ([`crate::headers`]), which says the same of a packet that is plain.

use capture_common::flow_hash::{combine, endpoint_v4, endpoint_v6, is_tunnel_port};

use crate::context::Context;
use crate::facts::Facts;
use crate::headers::{
    ETHERTYPE_IPV4, ETHERTYPE_IPV6, Header, MORE_FRAGMENTS, Net, OFFSET_MASK, PROTO_TCP, PROTO_UDP,
    Walk, is_tag,
};

/// Offset of the network header; a tag comes on top.
const NET_AT: usize = 14;
/// Length of a VLAN tag.
const TAG_LEN: usize = 4;
/// Offset of the transport header behind IPv4.
const PORTS_AT_V4: usize = NET_AT + 20;
/// Offset of the transport header behind IPv6.
const PORTS_AT_V6: usize = NET_AT + 40;
/// What has to be there of an IPv4 packet. A datagram may be shorter, on wires that do not pad frames
/// to 60 bytes; then it goes the long way.
const LEN_V4: usize = PORTS_AT_V4 + 20;
/// What has to be there of an IPv6 packet.
const LEN_V6: usize = PORTS_AT_V6 + 20;

/// A packet, and whether it is plain.
///
/// No `Option`, of which LLVM would keep the part that is not there in registers that hold nothing; the
/// verifier does not take that.
#[derive(Clone, Copy)]
pub(crate) struct Plain {
    /// So far before the network header as if there were no tag.
    start: *const u8,
    tag_len: usize,
    /// `Other` if the packet is not plain; then the rest says nothing.
    net: Net,
    protocol: u8,
    tcp_flags: u8,
}

/// Whose packet it is.
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    /// All 64 bits of the flow's hash.
    pub(crate) fingerprint: u64,
    /// It goes from the endpoint with the higher hash to that with the lower.
    reverse: u32,
    /// It is a tunnel's, whose ports say nothing.
    tunnel: bool,
}

/// `N` bytes at an address of the packet; `None` if there are fewer.
#[inline(always)]
fn header<const N: usize>(start: usize, end: usize) -> Option<Header<N>> {
    (start + N <= end).then_some(Header::new(start as *const u8))
}

impl Plain {
    /// The packet, which is taken for one that is not plain.
    #[inline(always)]
    pub(crate) fn never<C: Context>(ctx: &C) -> Self {
        Self {
            start: ctx.start() as *const u8,
            tag_len: 0,
            net: Net::Other,
            protocol: 0,
            tcp_flags: 0,
        }
    }

    /// The packet, which starts with an Ethernet header.
    #[inline(always)]
    pub(crate) fn new<C: Context>(ctx: &C) -> Self {
        match Self::find(ctx.start(), ctx.end()) {
            Some(plain) => plain,
            None => Self::never(ctx),
        }
    }

    #[inline(always)]
    fn find(mut start: usize, end: usize) -> Option<Self> {
        let mut first = header::<LEN_V4>(start, end)?;
        let mut ethertype = first.field::<u16, 12>();
        let mut tag_len = 0;
        if is_tag(ethertype) {
            tag_len = TAG_LEN;
            start += TAG_LEN;
            first = header(start, end)?;
            ethertype = first.field::<u16, 12>();
        }
        let plain = Self {
            start: start as *const u8,
            tag_len,
            net: Net::Other,
            protocol: 0,
            tcp_flags: 0,
        };
        match ethertype {
            ETHERTYPE_IPV4 => {
                let fragment = first.field::<u16, { NET_AT + 6 }>();
                if first.field::<u8, NET_AT>() != 0x45
                    || fragment & (MORE_FRAGMENTS | OFFSET_MASK) != 0
                {
                    return None;
                }
                let protocol = first.field::<u8, { NET_AT + 9 }>();
                let tcp_flags = whole::<LEN_V4, PORTS_AT_V4>(first, protocol, left_v4(first))?;
                Some(Self {
                    net: Net::Ipv4,
                    protocol,
                    tcp_flags,
                    ..plain
                })
            }
            ETHERTYPE_IPV6 => {
                let first = header::<LEN_V6>(start, end)?;
                if first.field::<u8, NET_AT>() >> 4 != 6 {
                    return None;
                }
                let protocol = first.field::<u8, { NET_AT + 6 }>();
                let tcp_flags = whole::<LEN_V6, PORTS_AT_V6>(first, protocol, left_v6(first))?;
                Some(Self {
                    net: Net::Ipv6,
                    protocol,
                    tcp_flags,
                    ..plain
                })
            }
            _ => None,
        }
    }

    /// Whether it is plain. Nothing else may be asked of it if it is not.
    #[inline(always)]
    pub(crate) fn is_plain(&self) -> bool {
        self.net != Net::Other
    }

    /// What is counted of it. The flow's hash is not in there: not everybody asks for it.
    #[inline(always)]
    pub(crate) fn walk(&self) -> Walk {
        Walk {
            net: self.net,
            protocol: self.protocol,
            tcp_flags: self.tcp_flags,
            ..Walk::new()
        }
    }

    /// Whose packet it is.
    #[inline(always)]
    pub(crate) fn identity(&self, seed: u64) -> Identity {
        if self.net == Net::Ipv4 {
            let header = Header::<LEN_V4>::new(self.start);
            let src = header.field::<u32, { NET_AT + 12 }>();
            let dst = header.field::<u32, { NET_AT + 16 }>();
            let (ports, tunnel) = self.ports::<LEN_V4, PORTS_AT_V4>(header);
            let src = endpoint_v4(seed, src, ports[0]);
            let dst = endpoint_v4(seed, dst, ports[1]);
            Identity::new(src, dst, self.protocol, tunnel)
        } else {
            let header = Header::<LEN_V6>::new(self.start);
            let src = header.field::<[u64; 2], { NET_AT + 8 }>();
            let dst = header.field::<[u64; 2], { NET_AT + 24 }>();
            let (ports, tunnel) = self.ports::<LEN_V6, PORTS_AT_V6>(header);
            let src = endpoint_v6(seed, src, ports[0]);
            let dst = endpoint_v6(seed, dst, ports[1]);
            Identity::new(src, dst, self.protocol, tunnel)
        }
    }

    /// Both ports as they lie in the packet, 0 if they are those of a tunnel; and whether they are.
    #[inline(always)]
    fn ports<const LEN: usize, const AT: usize>(&self, header: Header<LEN>) -> ([u16; 2], bool) {
        let src = header.inner::<u16, AT, 0>();
        let dst = header.inner::<u16, AT, 2>();
        if self.protocol == PROTO_UDP
            && (is_tunnel_port(u16::from_be(src)) || is_tunnel_port(u16::from_be(dst)))
        {
            ([0, 0], true)
        } else {
            ([src, dst], false)
        }
    }

    /// What is asked by whoever cuts it.
    #[inline(always)]
    pub(crate) fn facts(&self, identity: Identity, frame_len: u32) -> Facts {
        let mut facts = if self.net == Net::Ipv4 {
            let header = Header::<LEN_V4>::new(self.start);
            let left = left_v4(header);
            self.lengths::<LEN_V4, PORTS_AT_V4>(header, left, left + 20)
        } else {
            let header = Header::<LEN_V6>::new(self.start);
            let left = left_v6(header);
            self.lengths::<LEN_V6, PORTS_AT_V6>(header, left, left + 40)
        };
        if identity.tunnel {
            facts.payload_len = 0;
            facts.bits = 0;
        }
        facts.identify(
            identity.fingerprint,
            identity.reverse,
            frame_len as usize,
            &self.walk(),
        );
        facts
    }

    /// What the lengths in the headers say.
    #[inline(always)]
    fn lengths<const LEN: usize, const AT: usize>(
        &self,
        header: Header<LEN>,
        left: u32,
        ip_len: u32,
    ) -> Facts {
        let (seq, header_len, payload_len) = if self.protocol == PROTO_TCP {
            let header_len = tcp_header_len::<LEN, AT>(header);
            let seq = u32::from_be(header.inner::<u32, AT, 4>());
            (seq, header_len, left - header_len)
        } else {
            let said = u32::from(u16::from_be(header.inner::<u16, AT, 4>()));
            // A length of 0 is that of a jumbogram (RFC 2675 section 4).
            let len = if said == 0 { left } else { said };
            (0, 8, len.saturating_sub(8))
        };
        let tag_len = self.tag_len as u32;
        Facts {
            seq,
            payload_len,
            ip_len,
            net_at: NET_AT as u32 + tag_len,
            ports_at: AT as u32 + tag_len,
            headers_end: AT as u32 + tag_len + header_len,
            bits: Facts::FOLLOWED,
            ..Facts::NONE
        }
    }
}

impl Identity {
    /// Of a packet that is not plain.
    pub(crate) const UNKNOWN: Self = Self {
        fingerprint: 0,
        reverse: 0,
        tunnel: false,
    };

    /// Of a packet between these endpoints.
    #[inline(always)]
    fn new(src: u64, dst: u64, protocol: u8, tunnel: bool) -> Self {
        Self {
            fingerprint: combine(src, dst, protocol),
            reverse: is_more(src, dst),
            tunnel,
        }
    }
}

/// 1 if `a` is more than `b`, otherwise 0, without a branch: it is the borrow of `b - a`.
#[inline(always)]
pub(crate) fn is_more(a: u64, b: u64) -> u32 {
    (((!b & a) | ((!b | a) & b.wrapping_sub(a))) >> 63) as u32
}

/// Bytes that the IPv4 header leaves to the transport; more than 65,535 if it leaves less than none.
#[inline(always)]
fn left_v4(header: Header<LEN_V4>) -> u32 {
    u32::from(u16::from_be(header.field::<u16, { NET_AT + 2 }>())).wrapping_sub(20)
}

/// Bytes that the IPv6 header leaves to the transport.
#[inline(always)]
fn left_v6(header: Header<LEN_V6>) -> u32 {
    u32::from(u16::from_be(header.field::<u16, { NET_AT + 4 }>()))
}

/// The TCP flags of the segment or datagram whose header is at `AT`, 0 if it is a datagram; `None` if it
/// is neither, or not whole.
#[inline(always)]
fn whole<const LEN: usize, const AT: usize>(
    header: Header<LEN>,
    protocol: u8,
    left: u32,
) -> Option<u8> {
    let (header_len, tcp_flags) = match protocol {
        PROTO_TCP => {
            let header_len = tcp_header_len::<LEN, AT>(header);
            if header_len < 20 {
                return None;
            }
            (header_len, header.inner::<u8, AT, 13>())
        }
        PROTO_UDP => (8, 0),
        _ => return None,
    };
    // What is left is no more than 65,535 bytes, or nothing makes sense.
    (header_len <= left && u16::try_from(left).is_ok()).then_some(tcp_flags)
}

#[inline(always)]
fn tcp_header_len<const LEN: usize, const AT: usize>(header: Header<LEN>) -> u32 {
    u32::from(header.inner::<u8, AT, 12>() >> 4) * 4
}
