//! One packet's visit to the table: what it says of its flow.

use super::key::{Address, Direction, Key};
use super::server_ports::{is_tcp_server, is_udp_server};
use super::state::{Content, Datagram, Step};
use super::tcp::Arrival;
use crate::dissect::{Checksum, Ip, Layers, PROTO_UDP, Tcp, TcpFlags, Transport};
use crate::packet::{PacketMeta, Timestamp};

/// One packet's visit to the table.
pub(super) struct Visit<'a> {
    pub(super) meta: &'a PacketMeta,
    pub(super) layers: &'a Layers,
    pub(super) direction: Direction,
    pub(super) hash: u32,
    /// Bytes that were left out of it at its flow's cutoff.
    pub(super) left_out: u32,
}

impl Visit<'_> {
    #[inline(always)]
    pub(super) fn segment(&self) -> Option<&Tcp> {
        match &self.layers.transport {
            Transport::Tcp(tcp) => Some(tcp),
            _ => None,
        }
    }

    /// The packet on its way into its flow, which began at `first`.
    #[inline(always)]
    pub(super) fn step<'a>(&'a self, ip: &'a Ip, is_tcp: bool, first: Timestamp) -> Step<'a> {
        Step {
            direction: self.direction,
            ts: self.meta.ts,
            clock: self.meta.clock,
            wire_len: self.meta.wire_len,
            ip_len: ip.ip_len,
            ttl: ip.ttl,
            content: self.content(ip, is_tcp, first),
        }
    }

    /// What it carries.
    #[inline(always)]
    fn content<'a>(&'a self, ip: &'a Ip, is_tcp: bool, first: Timestamp) -> Content<'a> {
        let checksum = self.layers.checksum;
        let datagram = |payload_len| {
            Content::Datagram(Datagram {
                payload_len,
                is_corrupt: checksum == Checksum::Bad,
                is_udp: ip.protocol == PROTO_UDP,
            })
        };
        match &self.layers.transport {
            Transport::Tcp(segment) => Content::Segment(Arrival {
                segment,
                ip,
                checksum,
                sender: self.direction,
                ts: self.meta.ts,
                since_first: self.meta.ts.since(first),
            }),
            _ if is_tcp => Content::Part,
            // Of a datagram in fragments, the one that completes it stands for all.
            Transport::Ports { payload_len: 0, .. } | Transport::Icmp { payload_len: 0, .. }
                if ip.fragment.is_some() =>
            {
                Content::Part
            }
            Transport::Ports { payload_len, .. } | Transport::Icmp { payload_len, .. } => {
                datagram(*payload_len)
            }
            Transport::None => Content::Part,
            Transport::Other => datagram(ip.payload_len),
        }
    }

    /// Whether the packet's sender answers, so that the other side is the originator: by
    /// well-known ports, where the beginning was not captured.
    pub(super) fn is_answer<A: Address>(&self, key: &Key<A>) -> bool {
        let (src, dst) = (
            key.port(self.direction),
            key.port(self.direction.opposite()),
        );
        let answers = match &self.layers.transport {
            Transport::Tcp(tcp) => {
                let syn = tcp.flags.has(TcpFlags::SYN);
                (!syn || tcp.flags.has(TcpFlags::ACK))
                    && is_tcp_server(src)
                    && (!is_tcp_server(dst) || !syn && src < dst)
            }
            Transport::Ports { .. } => {
                key.protocol() == PROTO_UDP && is_udp_server(src) && !is_udp_server(dst)
            }
            _ => false,
        };
        answers && !key.is_broadcast(self.direction.opposite())
    }
}

/// ICMP has no ports; as in Zeek (`ICMP4_counterpart`, `ICMP6_counterpart`), the type takes the
/// source's place, and the type of the expected answer, or else the code, the destination's. A request
/// and its answer then are one flow, and errors are flows of their own.
#[inline(never)]
pub(super) fn icmp_ports(protocol: u8, kind: u8, code: u8) -> (u16, u16) {
    // RFC 792, RFC 950, RFC 1256; RFC 4443, RFC 2710, RFC 4861, RFC 4620, RFC 6275.
    const PAIRS_V4: &[(u8, u8)] = &[(8, 0), (13, 14), (15, 16), (17, 18), (10, 9)];
    const PAIRS_V6: &[(u8, u8)] = &[
        (128, 129),
        (133, 134),
        (135, 136),
        (130, 131),
        (139, 140),
        (144, 145),
    ];
    let pairs = if protocol == 1 { PAIRS_V4 } else { PAIRS_V6 };
    for &(request, reply) in pairs {
        if kind == request {
            return (u16::from(request), u16::from(reply));
        }
        if kind == reply {
            return (u16::from(reply), u16::from(request));
        }
    }
    (u16::from(kind), u16::from(code))
}
