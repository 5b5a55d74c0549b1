//! Information elements (IANA "IP Flow Information Export (IPFIX) Entities"): the number, the length
//! and the value of each that is exported.

use std::net::IpAddr;

use crate::flow::{EndReason, FlowRecord, Side};
use crate::packet::Timestamp;

/// What elements take their values from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) record: &'a FlowRecord,
    /// Name of the record's interface; empty if unknown.
    pub(super) iface: &'a str,
}

/// Of whom an element speaks (RFC 5103).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Of the initiator, or of the flow.
    Forward,
    /// Of the responder.
    Reverse,
}

impl Way {
    /// The private enterprise number that marks an element as reverse (RFC 5103 section 6.1).
    pub(super) const REVERSE_PEN: u32 = 29_305;

    const fn side<'a>(self, source: &Source<'a>) -> &'a Side {
        match self {
            Self::Forward => &source.record.initiator,
            Self::Reverse => &source.record.responder,
        }
    }
}

/// An element of a template: an element and of whom it speaks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) id: u16,
    pub(super) way: Way,
    /// Length of the value in bytes; [`VARIABLE`] if each value says its own.
    pub(super) len: u16,
    /// Appends the value.
    pub(super) put: fn(&Source<'_>, &mut Vec<u8>),
}

/// The length of elements whose values say how long they are (RFC 7011 section 7).
pub(super) const VARIABLE: u16 = u16::MAX;

const fn field(id: u16, len: u16, put: fn(&Source<'_>, &mut Vec<u8>)) -> Field {
    Field {
        id,
        way: Way::Forward,
        len,
        put,
    }
}

const fn reverse(id: u16, len: u16, put: fn(&Source<'_>, &mut Vec<u8>)) -> Field {
    Field {
        id,
        way: Way::Reverse,
        len,
        put,
    }
}

/// Which flow, and when.
pub(super) const IDENTITY: &[Field] = &[
    // flowId
    field(148, 8, |s, out| u64(s.record.id.0, out)),
    // flowStartNanoseconds, flowEndNanoseconds
    field(156, 8, |s, out| u64(ntp(s.record.first_ts), out)),
    field(157, 8, |s, out| u64(ntp(s.record.last_ts), out)),
    // flowStartMilliseconds, flowEndMilliseconds
    field(152, 8, |s, out| u64(s.record.first_ts.0 / 1_000_000, out)),
    field(153, 8, |s, out| u64(s.record.last_ts.0 / 1_000_000, out)),
    // protocolIdentifier
    field(4, 1, |s, out| out.push(s.record.protocol)),
];

/// `sourceIPv4Address`, `destinationIPv4Address`.
pub(super) const IPV4: &[Field] = &[
    field(8, 4, |s, out| v4(s.record.initiator.endpoint.addr, out)),
    field(12, 4, |s, out| v4(s.record.responder.endpoint.addr, out)),
];

/// `sourceIPv6Address`, `destinationIPv6Address`.
pub(super) const IPV6: &[Field] = &[
    field(27, 16, |s, out| v6(s.record.initiator.endpoint.addr, out)),
    field(28, 16, |s, out| v6(s.record.responder.endpoint.addr, out)),
];

/// `sourceTransportPort`, `destinationTransportPort`.
pub(super) const PORTS: &[Field] = &[
    field(7, 2, |s, out| u16(s.record.initiator.endpoint.port, out)),
    field(11, 2, |s, out| u16(s.record.responder.endpoint.port, out)),
];

/// `icmpTypeCodeIPv4`.
pub(super) const ICMP: &[Field] = &[field(32, 2, |s, out| u16(icmp(s.record), out))];

/// `icmpTypeCodeIPv6`.
pub(super) const ICMPV6: &[Field] = &[field(139, 2, |s, out| u16(icmp(s.record), out))];

/// What each side sent.
///
/// The responder's stand first: a collector that overlooks what marks an element as reverse keeps the
/// value that comes last.
pub(super) const VOLUME: &[Field] = &[
    // octetDeltaCount, packetDeltaCount, ipTTL
    reverse(1, 8, |s, out| octets(Way::Reverse, s, out)),
    reverse(2, 8, |s, out| packets(Way::Reverse, s, out)),
    reverse(192, 1, |s, out| ttl(Way::Reverse, s, out)),
    field(1, 8, |s, out| octets(Way::Forward, s, out)),
    field(2, 8, |s, out| packets(Way::Forward, s, out)),
    field(192, 1, |s, out| ttl(Way::Forward, s, out)),
];

/// `tcpControlBits` (RFC 7125).
pub(super) const TCP: &[Field] = &[
    reverse(6, 2, |s, out| flags(Way::Reverse, s, out)),
    field(6, 2, |s, out| flags(Way::Forward, s, out)),
];

/// How it ended, who began, and where it was seen.
pub(super) const CIRCUMSTANCES: &[Field] = &[
    // flowEndReason
    field(136, 1, |s, out| out.push(end_reason(s.record.end))),
    // biflowDirection: 1, the source is who began (RFC 5103 section 6.3)
    field(239, 1, |_, out| out.push(1)),
    // vlanId, dot1qCustomerVlanId
    field(58, 2, |s, out| u16(s.record.vlans[0], out)),
    field(245, 2, |s, out| u16(s.record.vlans[1], out)),
    // samplingPacketInterval, samplingPacketSpace: of so many packets in a row, and then left out; by chance
    // they are so on the average
    field(305, 4, |_, out| u32(1, out)),
    field(306, 4, |s, out| {
        u32(s.record.sampling.packets.saturating_sub(1), out);
    }),
    // samplingFlowInterval, samplingFlowSpacing (RFC 7014): the same of flows
    field(396, 8, |_, out| u64(1, out)),
    field(397, 8, |s, out| {
        u64(u64::from(s.record.sampling.flows).saturating_sub(1), out);
    }),
    // interfaceName
    field(82, VARIABLE, |s, out| text(s.iface, out)),
];

fn octets(way: Way, source: &Source<'_>, out: &mut Vec<u8>) {
    u64(way.side(source).counts.ip_bytes, out);
}

fn packets(way: Way, source: &Source<'_>, out: &mut Vec<u8>) {
    u64(way.side(source).counts.packets, out);
}

fn ttl(way: Way, source: &Source<'_>, out: &mut Vec<u8>) {
    out.push(way.side(source).initial_ttl);
}

fn flags(way: Way, source: &Source<'_>, out: &mut Vec<u8>) {
    u16(u16::from(way.side(source).tcp.flags.0), out);
}

/// Type and code: a record has the type for its first port, and for its second the type of the answer
/// or, where nothing answers, the code. Messages that are answered have code 0.
fn icmp(record: &FlowRecord) -> u16 {
    // RFC 792, RFC 950, RFC 1256; RFC 4443, RFC 2710, RFC 4861, RFC 4620.
    const ANSWERED_V4: [u16; 10] = [0, 8, 9, 10, 13, 14, 15, 16, 17, 18];
    const ANSWERED_V6: [u16; 10] = [128, 129, 130, 131, 133, 134, 135, 136, 139, 140];
    let answered = match record.initiator.endpoint.addr {
        IpAddr::V4(_) => ANSWERED_V4,
        IpAddr::V6(_) => ANSWERED_V6,
    };
    let kind = record.initiator.endpoint.port & 0xff;
    let code = if answered.contains(&kind) {
        0
    } else {
        record.responder.endpoint.port & 0xff
    };
    kind << 8 | code
}

/// IANA "flowEndReason".
const fn end_reason(end: EndReason) -> u8 {
    match end {
        EndReason::Idle => 1,
        EndReason::Active => 2,
        EndReason::Fin | EndReason::Reset => 3,
        EndReason::Shutdown => 4,
        EndReason::Evicted => 5,
    }
}

/// `dateTimeNanoseconds` (RFC 7011 section 6.1.10): seconds since 1900 and a binary fraction of a
/// second, rounded up so that whoever cuts it off after converting it back gets the same nanosecond.
const fn ntp(ts: Timestamp) -> u64 {
    /// From 1900 to 1970.
    const EPOCH_SECS: u64 = 2_208_988_800;
    // Counts on from 0 in 2036, as NTP does.
    let secs = ts.secs().wrapping_add(EPOCH_SECS) << 32;
    secs | ((ts.subsec_ns() as u64) << 32).div_ceil(1_000_000_000)
}

fn u16(number: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(&number.to_be_bytes());
}

fn u32(number: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&number.to_be_bytes());
}

fn u64(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&number.to_be_bytes());
}

/// The template is chosen by the initiator's address; both have one family.
fn v4(addr: IpAddr, out: &mut Vec<u8>) {
    let octets = match addr {
        IpAddr::V4(addr) => addr.octets(),
        IpAddr::V6(_) => [0; 4],
    };
    out.extend_from_slice(&octets);
}

fn v6(addr: IpAddr, out: &mut Vec<u8>) {
    let octets = match addr {
        IpAddr::V4(addr) => addr.to_ipv6_mapped().octets(),
        IpAddr::V6(addr) => addr.octets(),
    };
    out.extend_from_slice(&octets);
}

/// Text below 255 bytes (RFC 7011 section 7), cut off at a character; interfaces' names are short.
fn text(text: &str, out: &mut Vec<u8>) {
    let text = text
        .get(..text.floor_char_boundary(usize::from(u8::MAX) - 1))
        .unwrap_or_default();
    out.push(text.len() as u8);
    out.extend_from_slice(text.as_bytes());
}
