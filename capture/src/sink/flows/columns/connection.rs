//! What is said once of a connection: which one it is, what became of it, how its handshake went.

use std::net::IpAddr;

use super::super::identity::{community_id, uid};
use super::super::value::{Short, Value};
use super::{Column, ColumnKind, Get, get, protocol_name};
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

const fn addr(
    name: &'static str,
    help: &'static str,
    get: fn(&FlowRecord) -> Option<IpAddr>,
) -> Column {
    Column::new(name, help, ColumnKind::Text, Get::Addr(get))
}

/// Which connection it is, and what became of it.
pub(super) const IDENTITY: &[Column] = &[
    Column::new(
        "start",
        "time of the first packet of this record",
        ColumnKind::Time,
        get!(Time, |r| Some(r.first_ts)),
    ),
    Column::new(
        "duration",
        "from the first packet of this record to the last",
        ColumnKind::Seconds,
        get!(Seconds, |r| Some(r.duration())),
    ),
    Column::new(
        "uid",
        "identifies the connection, in all its records, and again when the file is read again",
        ColumnKind::Text,
        Get::Unique(|r| Short::new(&uid(r))),
    ),
    Column::new(
        "community_id",
        "Community ID (version 1, seed 0), which other tools give the same connection",
        ColumnKind::Text,
        Get::Unique(|r| Short::new(&community_id(r))),
    ),
    Column::new(
        "id",
        "number of the connection's first packet; unique within a run",
        ColumnKind::U64,
        get!(Number, |r| Some(r.id.0)),
    ),
    Column::new(
        "part",
        "which of the connection's records this is, from 0; counts of all of them add up",
        ColumnKind::U32,
        get!(Number, |r| Some(r.part.into())),
    ),
    Column::new(
        "flow_start",
        "time of the connection's first packet, the same in all its records",
        ColumnKind::Time,
        get!(Time, |r| Some(r.flow_ts)),
    ),
    Column::new(
        "packet_sampling",
        "one of so many packets was captured, by chance; 1 is all",
        ColumnKind::U32,
        get!(Number, |r| Some(r.sampling.packets.into())),
    ),
    Column::new(
        "flow_sampling",
        "one of so many connections was captured; 1 is all",
        ColumnKind::U32,
        get!(Number, |r| Some(r.sampling.flows.into())),
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
    Column::new(
        "tunnel_id",
        "VXLAN or GENEVE network, GTP tunnel endpoint, GRE key; 0 where there is none",
        ColumnKind::U32,
        get!(Number, |r| r.tunnel.map(|tunnel| tunnel.id.into())),
    )
    .sometimes(),
    addr(
        "tunnel_src",
        "source of the innermost tunnel's outer header",
        |r| r.tunnel.and_then(|tunnel| tunnel.src),
    )
    .sometimes(),
    addr(
        "tunnel_dst",
        "destination of the innermost tunnel's outer header",
        |r| r.tunnel.and_then(|tunnel| tunnel.dst),
    )
    .sometimes(),
    Column::new(
        "tunnel_depth",
        "how many tunnels there are, one in the other; 0 for none",
        ColumnKind::U8,
        get!(Number, |r| Some(
            r.tunnel.map_or(0, |tunnel| tunnel.depth.into())
        )),
    ),
    text(
        "proto",
        "tcp, udp, icmp, icmp6, sctp…, or the IP protocol number",
        |r, _| {
            protocol_name(r.protocol).map_or_else(|| Value::Number(r.protocol.into()), Value::Text)
        },
    ),
    addr("initiator", "address of who began", |r| {
        Some(r.initiator.endpoint.addr)
    }),
    Column::new(
        "initiator_port",
        "port of who began; for ICMP the type",
        ColumnKind::U16,
        get!(Number, |r| Some(r.initiator.endpoint.port.into())),
    ),
    addr("responder", "address of the other end", |r| {
        Some(r.responder.endpoint.addr)
    }),
    Column::new(
        "responder_port",
        "port of the other end; for ICMP the type of the answer, or the code",
        ColumnKind::U16,
        get!(Number, |r| Some(r.responder.endpoint.port.into())),
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
        "end_reason",
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
    Column::new(
        "handshake_rtt",
        "from the SYN to the acknowledgment of the SYN-ACK",
        ColumnKind::Seconds,
        get!(Seconds, |r| handshake(r)
            .map(|[a, b]| Span(a.0.saturating_add(b.0)))),
    )
    .sometimes(),
    Column::new(
        "responder_rtt",
        "of that, from the SYN to the SYN-ACK: to the responder and back",
        ColumnKind::Seconds,
        get!(Seconds, |r| handshake(r)
            .map(|[to_responder, _]| to_responder)),
    )
    .sometimes(),
    Column::new(
        "initiator_rtt",
        "of that, from the SYN-ACK to its acknowledgment: to the initiator and back",
        ColumnKind::Seconds,
        get!(Seconds, |r| handshake(r)
            .map(|[_, to_initiator]| to_initiator)),
    )
    .sometimes(),
];

fn handshake(record: &FlowRecord) -> Option<[Span; 2]> {
    record.tcp.and_then(|tcp| tcp.handshake)
}
