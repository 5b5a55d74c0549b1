//! What is said once of a connection: which one it is, what became of it, how its handshake went.

use super::super::identity::{community_id, uid};
use super::super::value::{Short, Value};
use super::{Column, ColumnKind, Get, protocol_name};
use crate::flow::FlowRecord;
use crate::packet::Span;

const fn text(
    name: &'static str,
    help: &'static str,
    get: for<'a> fn(&'a FlowRecord, &'a str) -> Value<'a>,
) -> Column {
    Column::new(name, help, ColumnKind::Text, Get::Text(get))
}

const fn word(
    name: &'static str,
    help: &'static str,
    get: fn(&FlowRecord) -> Option<&'static str>,
) -> Column {
    Column::new(name, help, ColumnKind::Text, Get::Word(get))
}

const fn number(
    name: &'static str,
    help: &'static str,
    kind: ColumnKind,
    get: fn(&FlowRecord) -> Option<u64>,
) -> Column {
    Column::new(name, help, kind, Get::Number(get))
}

const fn seconds(
    name: &'static str,
    help: &'static str,
    get: fn(&FlowRecord) -> Option<Span>,
) -> Column {
    Column::new(name, help, ColumnKind::Seconds, Get::Seconds(get))
}

/// Which connection it is, and what became of it.
pub(super) const IDENTITY: &[Column] = &[
    Column::new(
        "start",
        "time of the first packet of this record",
        ColumnKind::Time,
        Get::Time(|r| r.first_ts),
    ),
    seconds(
        "duration",
        "from the first packet of this record to the last",
        |r| Some(r.duration()),
    ),
    Column::new(
        "uid",
        "identifies the connection, in all its records, and again when the file is read again",
        ColumnKind::Text,
        Get::Unique(|r, _| Value::Short(Short::new(&uid(r)))),
    ),
    Column::new(
        "community_id",
        "Community ID (version 1, seed 0), which other tools give the same connection",
        ColumnKind::Text,
        Get::Unique(|r, _| Value::Short(Short::new(&community_id(r)))),
    ),
    number(
        "id",
        "number of the connection's first packet; unique within a run",
        ColumnKind::U64,
        |r| Some(r.id.0),
    ),
    number(
        "part",
        "which of the connection's records this is, from 0; counts of all of them add up",
        ColumnKind::U32,
        |r| Some(r.part.into()),
    ),
    Column::new(
        "flow_start",
        "time of the connection's first packet, the same in all its records",
        ColumnKind::Time,
        Get::Time(|r| r.flow_ts),
    ),
    text(
        "iface",
        "interface of the first packet",
        |_, iface| match iface {
            "" => Value::Missing,
            iface => Value::Text(iface),
        },
    )
    .sometimes(),
    text(
        "vlan",
        "VLAN identifiers of the first packet from the outside in, joined by a dot",
        |r, _| match (r.vlan_tags, r.vlans) {
            (0, _) => Value::Missing,
            (1, [outer, _]) => Value::Vlans(outer, None),
            (_, [outer, inner]) => Value::Vlans(outer, Some(inner)),
        },
    )
    .sometimes(),
    word(
        "tunnel",
        "what the first packet travelled in: gre, ip-in-ip, vxlan, geneve, gtp-u, teredo",
        |r| r.tunnel.map(|tunnel| tunnel.kind.name()),
    )
    .sometimes(),
    number(
        "tunnel_id",
        "VXLAN or GENEVE network, GTP tunnel endpoint, GRE key; 0 where there is none",
        ColumnKind::U32,
        |r| r.tunnel.map(|tunnel| tunnel.id.into()),
    )
    .sometimes(),
    text(
        "tunnel_src",
        "source of the innermost tunnel's outer header",
        |r, _| {
            let addr = r.tunnel.and_then(|tunnel| tunnel.src);
            addr.map_or(Value::Missing, Value::Addr)
        },
    )
    .sometimes(),
    text(
        "tunnel_dst",
        "destination of the innermost tunnel's outer header",
        |r, _| {
            let addr = r.tunnel.and_then(|tunnel| tunnel.dst);
            addr.map_or(Value::Missing, Value::Addr)
        },
    )
    .sometimes(),
    number(
        "tunnel_depth",
        "how many tunnels there are, one in the other; 0 for none",
        ColumnKind::U8,
        |r| Some(r.tunnel.map_or(0, |tunnel| tunnel.depth.into())),
    ),
    text(
        "proto",
        "tcp, udp, icmp, icmp6, sctp…, or the IP protocol number",
        |r, _| {
            protocol_name(r.protocol).map_or_else(|| Value::Number(r.protocol.into()), Value::Text)
        },
    ),
    text("initiator", "address of who began", |r, _| {
        Value::Addr(r.initiator.endpoint.addr)
    }),
    number(
        "initiator_port",
        "port of who began; for ICMP the type",
        ColumnKind::U16,
        |r| Some(r.initiator.endpoint.port.into()),
    ),
    text("responder", "address of the other end", |r, _| {
        Value::Addr(r.responder.endpoint.addr)
    }),
    number(
        "responder_port",
        "port of the other end; for ICMP the type of the answer, or the code",
        ColumnKind::U16,
        |r| Some(r.responder.endpoint.port.into()),
    ),
    word("conn_state", "how it went, by Zeek's words", |r| {
        Some(r.conn_state.name())
    }),
    text(
        "history",
        "what happened in which order, by Zeek's letters: upper case for the initiator",
        |r, _| match r.history.as_str() {
            "" => Value::Missing,
            letters => Value::Text(letters),
        },
    )
    .sometimes(),
    word("outcome", "what became of it, in a word", |r| {
        Some(r.outcome.name())
    }),
    word(
        "end",
        "why the record was written: active, evicted, fin, idle, reset, shutdown",
        |r| Some(r.end.name()),
    ),
    word(
        "ended_by",
        "who sent the first FIN, or the RST if there was one",
        |r| r.ended_by.map(crate::flow::EndedBy::name),
    )
    .sometimes(),
];

/// Round trips of the handshake.
pub(super) const HANDSHAKE: &[Column] = &[
    seconds(
        "handshake_rtt",
        "from the SYN to the acknowledgment of the SYN-ACK",
        |r| handshake(r).map(|[a, b]| Span(a.0.saturating_add(b.0))),
    )
    .sometimes(),
    seconds(
        "responder_rtt",
        "of that, from the SYN to the SYN-ACK: to the responder and back",
        |r| handshake(r).map(|[to_responder, _]| to_responder),
    )
    .sometimes(),
    seconds(
        "initiator_rtt",
        "of that, from the SYN-ACK to its acknowledgment: to the initiator and back",
        |r| handshake(r).map(|[_, to_initiator]| to_initiator),
    )
    .sometimes(),
];

fn handshake(record: &FlowRecord) -> Option<[Span; 2]> {
    record.tcp.and_then(|tcp| tcp.handshake)
}
