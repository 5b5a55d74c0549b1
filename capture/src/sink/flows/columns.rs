//! The columns of a connection record: one list, which every format and the documentation read.

use std::fmt::{self, Write as _};

use crate::flow::{EndedBy, FlowRecord, Outcome, TcpState};

/// A column: its name, what it holds, and how to get it.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Name, as in a CSV header and a JSON object.
    pub name: &'static str,
    /// What it holds, with its unit.
    pub help: &'static str,
    pub(super) value: fn(&FlowRecord, &str, &mut Value),
}

/// A value on its way into a file. Text is written into a buffer that is used again, so nothing is
/// allocated for a record.
#[derive(Debug, Default)]
pub(super) struct Value {
    kind: Kind,
    number: u64,
    text: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// Nothing is known.
    #[default]
    Missing,
    /// A whole number.
    Number,
    /// A number that is not whole, already in digits.
    Decimal,
    /// Text without anything that a format would have to escape, but for names of interfaces.
    Text,
}

/// A value as the formats see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View<'a> {
    /// Nothing is known.
    Missing,
    /// A whole number.
    Number(u64),
    /// Digits with a decimal point.
    Decimal(&'a str),
    /// Anything else.
    Text(&'a str),
}

impl Value {
    pub(super) fn clear(&mut self) {
        self.kind = Kind::Missing;
        self.text.clear();
    }

    pub(super) fn view(&self) -> View<'_> {
        match self.kind {
            Kind::Missing => View::Missing,
            Kind::Number => View::Number(self.number),
            Kind::Decimal => View::Decimal(&self.text),
            Kind::Text => View::Text(&self.text),
        }
    }

    fn number(&mut self, number: impl Into<u64>) {
        self.kind = Kind::Number;
        self.number = number.into();
    }

    fn decimal(&mut self, value: impl fmt::Display) {
        self.kind = Kind::Decimal;
        self.append(value);
    }

    fn text(&mut self, value: impl fmt::Display) {
        self.kind = Kind::Text;
        self.append(value);
    }

    fn append(&mut self, value: impl fmt::Display) {
        // Writing to a string does not fail.
        let _infallible = write!(self.text, "{value}");
    }
}

/// All columns, in their order.
pub const COLUMNS: &[Column] = &[
    Column {
        name: "start",
        help: "time of the first packet, RFC 3339 in UTC",
        value: |r, _, v| v.text(r.first_ts),
    },
    Column {
        name: "duration",
        help: "seconds from the first packet to the last",
        value: |r, _, v| v.decimal(r.duration()),
    },
    Column {
        name: "id",
        help: "number of the first packet; unique within a run",
        value: |r, _, v| v.number(r.id.0),
    },
    Column {
        name: "iface",
        help: "interface of the first packet",
        value: |_, iface, v| {
            if !iface.is_empty() {
                v.text(iface);
            }
        },
    },
    Column {
        name: "vlan",
        help: "VLAN identifiers of the first packet from the outside in, joined by a dot",
        value: |r, _, v| match (r.vlan_tags, r.vlans) {
            (0, _) => {}
            (1, [outer, _]) => v.text(outer),
            (_, [outer, inner]) => v.text(format_args!("{outer}.{inner}")),
        },
    },
    Column {
        name: "proto",
        help: "tcp, udp, icmp, icmp6, sctp, or the IP protocol number",
        value: |r, _, v| protocol(r.protocol, v),
    },
    Column {
        name: "initiator",
        help: "address of who began",
        value: |r, _, v| v.text(r.initiator.addr),
    },
    Column {
        name: "initiator_port",
        help: "port of who began; for ICMP the type",
        value: |r, _, v| v.number(r.initiator.port),
    },
    Column {
        name: "responder",
        help: "address of the other end",
        value: |r, _, v| v.text(r.responder.addr),
    },
    Column {
        name: "responder_port",
        help: "port of the other end; for ICMP the type of the answer, or the code",
        value: |r, _, v| v.number(r.responder.port),
    },
    Column {
        name: "outcome",
        help: "what became of it, in a word",
        value: |r, _, v| v.text(r.outcome.name()),
    },
    Column {
        name: "end",
        help: "why the record was written: fin, reset, idle, evicted, shutdown",
        value: |r, _, v| v.text(r.end.name()),
    },
    Column {
        name: "ended_by",
        help: "who sent the first FIN, or the RST if there was one",
        value: |r, _, v| {
            if let Some(side) = r.ended_by {
                v.text(side.name());
            }
        },
    },
    Column {
        name: "initiator_packets",
        help: "packets that the initiator sent",
        value: |r, _, v| v.number(r.initiator_counts.packets),
    },
    Column {
        name: "responder_packets",
        help: "packets that the responder sent",
        value: |r, _, v| v.number(r.responder_counts.packets),
    },
    Column {
        name: "initiator_bytes",
        help: "bytes that the initiator sent, whole frames as Wireshark counts",
        value: |r, _, v| v.number(r.initiator_counts.wire_bytes),
    },
    Column {
        name: "responder_bytes",
        help: "bytes that the responder sent, whole frames as Wireshark counts",
        value: |r, _, v| v.number(r.responder_counts.wire_bytes),
    },
    Column {
        name: "initiator_ip_bytes",
        help: "bytes that the initiator sent from the IP header on, as Zeek and IPFIX count",
        value: |r, _, v| v.number(r.initiator_counts.ip_bytes),
    },
    Column {
        name: "responder_ip_bytes",
        help: "bytes that the responder sent from the IP header on, as Zeek and IPFIX count",
        value: |r, _, v| v.number(r.responder_counts.ip_bytes),
    },
    Column {
        name: "initiator_flags",
        help: "TCP flags that the initiator ever set, of SFAPRUEC",
        value: |r, _, v| {
            if let Some(tcp) = &r.tcp {
                v.text(tcp.initiator_flags);
            }
        },
    },
    Column {
        name: "responder_flags",
        help: "TCP flags that the responder ever set, of SFAPRUEC",
        value: |r, _, v| {
            if let Some(tcp) = &r.tcp {
                v.text(tcp.responder_flags);
            }
        },
    },
    Column {
        name: "initiator_state",
        help: "the initiator's TCP state at the end (RFC 9293)",
        value: |r, _, v| state(r.tcp.as_ref().map(|tcp| tcp.initiator_state), v),
    },
    Column {
        name: "responder_state",
        help: "the responder's TCP state at the end (RFC 9293)",
        value: |r, _, v| state(r.tcp.as_ref().map(|tcp| tcp.responder_state), v),
    },
    Column {
        name: "handshake_rtt",
        help: "seconds from the SYN to the acknowledgment of the SYN-ACK",
        value: |r, _, v| {
            if let Some([to_responder, to_initiator]) = r.tcp.and_then(|tcp| tcp.handshake) {
                v.decimal(crate::packet::Span(to_responder.0 + to_initiator.0));
            }
        },
    },
    Column {
        name: "responder_rtt",
        help: "of that, from the SYN to the SYN-ACK: to the responder and back",
        value: |r, _, v| {
            if let Some([to_responder, _]) = r.tcp.and_then(|tcp| tcp.handshake) {
                v.decimal(to_responder);
            }
        },
    },
    Column {
        name: "initiator_rtt",
        help: "of that, from the SYN-ACK to its acknowledgment: to the initiator and back",
        value: |r, _, v| {
            if let Some([_, to_initiator]) = r.tcp.and_then(|tcp| tcp.handshake) {
                v.decimal(to_initiator);
            }
        },
    },
];

fn state(state: Option<TcpState>, value: &mut Value) {
    if let Some(state) = state {
        value.text(state.name());
    }
}

fn protocol(number: u8, value: &mut Value) {
    match protocol_name(number) {
        Some(name) => value.text(name),
        None => value.text(number),
    }
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
