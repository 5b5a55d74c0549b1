//! The columns of a connection record: one list, which every format and the documentation read.

use crate::dissect::TcpFlags;
use crate::flow::{EndedBy, FlowRecord, Outcome, TcpState};
use crate::packet::Span;

use super::value::Value;

/// A column: its name, what it holds, and how to get it.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Name, as in a CSV header and a JSON object.
    pub name: &'static str,
    /// What it holds, with its unit.
    pub help: &'static str,
    pub(super) value: for<'a> fn(&'a FlowRecord, &'a str) -> Value<'a>,
}

/// All columns, in their order.
pub const COLUMNS: &[Column] = &[
    column(
        "start",
        "time of the first packet, RFC 3339 in UTC",
        |r, _| Value::Time(r.first_ts),
    ),
    column(
        "duration",
        "seconds from the first packet to the last",
        |r, _| Value::Seconds(r.duration()),
    ),
    column(
        "id",
        "number of the first packet; unique within a run",
        |r, _| Value::Number(r.id.0),
    ),
    column("iface", "interface of the first packet", |_, iface| {
        if iface.is_empty() {
            Value::Missing
        } else {
            Value::Text(iface)
        }
    }),
    column(
        "vlan",
        "VLAN identifiers of the first packet from the outside in, joined by a dot",
        |r, _| match (r.vlan_tags, r.vlans) {
            (0, _) => Value::Missing,
            (1, [outer, _]) => Value::Vlans(outer, None),
            (_, [outer, inner]) => Value::Vlans(outer, Some(inner)),
        },
    ),
    column(
        "proto",
        "tcp, udp, icmp, icmp6, sctp…, or the IP protocol number",
        |r, _| protocol_name(r.protocol).map_or_else(|| number(r.protocol), Value::Text),
    ),
    column("initiator", "address of who began", |r, _| {
        Value::Addr(r.initiator.endpoint.addr)
    }),
    column(
        "initiator_port",
        "port of who began; for ICMP the type",
        |r, _| number(r.initiator.endpoint.port),
    ),
    column("responder", "address of the other end", |r, _| {
        Value::Addr(r.responder.endpoint.addr)
    }),
    column(
        "responder_port",
        "port of the other end; for ICMP the type of the answer, or the code",
        |r, _| number(r.responder.endpoint.port),
    ),
    column("outcome", "what became of it, in a word", |r, _| {
        Value::Text(r.outcome.name())
    }),
    column(
        "end",
        "why the record was written: fin, reset, idle, evicted, shutdown",
        |r, _| Value::Text(r.end.name()),
    ),
    column(
        "ended_by",
        "who sent the first FIN, or the RST if there was one",
        |r, _| {
            r.ended_by
                .map_or(Value::Missing, |side| Value::Text(side.name()))
        },
    ),
    column(
        "initiator_packets",
        "packets that the initiator sent",
        |r, _| number(r.initiator.counts.packets),
    ),
    column(
        "responder_packets",
        "packets that the responder sent",
        |r, _| number(r.responder.counts.packets),
    ),
    column(
        "initiator_bytes",
        "bytes that the initiator sent, whole frames as Wireshark counts",
        |r, _| number(r.initiator.counts.wire_bytes),
    ),
    column(
        "responder_bytes",
        "bytes that the responder sent, whole frames as Wireshark counts",
        |r, _| number(r.responder.counts.wire_bytes),
    ),
    column(
        "initiator_ip_bytes",
        "the same from the IP header on, as Zeek and IPFIX count",
        |r, _| number(r.initiator.counts.ip_bytes),
    ),
    column(
        "responder_ip_bytes",
        "the same from the IP header on, as Zeek and IPFIX count",
        |r, _| number(r.responder.counts.ip_bytes),
    ),
    column(
        "initiator_flags",
        "TCP flags that the initiator ever set, of SFAPRUEC",
        |r, _| flags(r.tcp.map(|_| r.initiator.tcp.flags)),
    ),
    column(
        "responder_flags",
        "TCP flags that the responder ever set, of SFAPRUEC",
        |r, _| flags(r.tcp.map(|_| r.responder.tcp.flags)),
    ),
    column(
        "initiator_state",
        "the initiator's TCP state at the end (RFC 9293)",
        |r, _| state(r.tcp.map(|_| r.initiator.tcp.state)),
    ),
    column(
        "responder_state",
        "the responder's TCP state at the end (RFC 9293)",
        |r, _| state(r.tcp.map(|_| r.responder.tcp.state)),
    ),
    column(
        "handshake_rtt",
        "seconds from the SYN to the acknowledgment of the SYN-ACK",
        |r, _| {
            handshake(r, |[to_responder, to_initiator]| {
                Span(to_responder.0 + to_initiator.0)
            })
        },
    ),
    column(
        "responder_rtt",
        "of that, from the SYN to the SYN-ACK: to the responder and back",
        |r, _| handshake(r, |[to_responder, _]| to_responder),
    ),
    column(
        "initiator_rtt",
        "of that, from the SYN-ACK to its acknowledgment: to the initiator and back",
        |r, _| handshake(r, |[_, to_initiator]| to_initiator),
    ),
];

const fn column(
    name: &'static str,
    help: &'static str,
    value: for<'a> fn(&'a FlowRecord, &'a str) -> Value<'a>,
) -> Column {
    Column { name, help, value }
}

fn number<'a>(number: impl Into<u64>) -> Value<'a> {
    Value::Number(number.into())
}

fn state<'a>(state: Option<TcpState>) -> Value<'a> {
    state.map_or(Value::Missing, |state| Value::Text(state.name()))
}

fn flags<'a>(flags: Option<TcpFlags>) -> Value<'a> {
    flags.map_or(Value::Missing, Value::Flags)
}

fn handshake<'a>(record: &FlowRecord, part: impl FnOnce([Span; 2]) -> Span) -> Value<'a> {
    let spans = record.tcp.and_then(|tcp| tcp.handshake);
    spans.map_or(Value::Missing, |spans| Value::Seconds(part(spans)))
}

/// The name that records and people use for an IP protocol; `None` for those that go by number.
#[must_use]
pub const fn protocol_name(number: u8) -> Option<&'static str> {
    Some(match number {
        1 => "icmp",
        2 => "igmp",
        6 => "tcp",
        17 => "udp",
        47 => "gre",
        50 => "esp",
        58 => "icmp6",
        132 => "sctp",
        _ => return None,
    })
}

/// Whether a record is one that somebody who looks for trouble wants to see.
pub(super) const fn is_trouble(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Refused | Outcome::Reset | Outcome::HalfOpen | Outcome::Unanswered
    )
}

/// Who ended a flow, as one character of a table.
pub(super) const fn side_mark(side: Option<EndedBy>) -> &'static str {
    match side {
        Some(EndedBy::Initiator) => ">",
        Some(EndedBy::Responder) => "<",
        None => "",
    }
}
