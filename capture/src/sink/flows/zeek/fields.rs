//! The fields of `conn.log`, in Zeek's order: one list, which both formats read.

use super::site;
use super::value::{Value, micros};
use crate::flow::{FlowRecord, Side};

/// A field: its name and type in the header, and how to get it from a record and its `uid`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) zeek_type: &'static str,
    pub(super) value: for<'a> fn(&'a FlowRecord, &'a str) -> Value<'a>,
}

/// All fields.
pub(super) const FIELDS: &[Field] = &[
    field("ts", "time", |r, _| Value::Micros(micros(r.first_ts))),
    field("uid", "string", |_, uid| Value::Text(uid)),
    field("id.orig_h", "addr", |r, _| host(&r.initiator)),
    field("id.orig_p", "port", |r, _| port(r, &r.initiator)),
    field("id.resp_h", "addr", |r, _| host(&r.responder)),
    field("id.resp_p", "port", |r, _| port(r, &r.responder)),
    field("proto", "enum", |r, _| Value::Text(transport(r.protocol))),
    field("service", "string", |_, _| Value::Unset),
    field("duration", "interval", |r, _| if_lasted(r, Value::Micros)),
    field("orig_bytes", "count", |r, _| {
        if_lasted(r, |_| payload(r, &r.initiator))
    }),
    field("resp_bytes", "count", |r, _| {
        if_lasted(r, |_| payload(r, &r.responder))
    }),
    field("conn_state", "string", |r, _| {
        Value::Text(r.conn_state.name())
    }),
    field("local_orig", "bool", |r, _| is_local(&r.initiator)),
    field("local_resp", "bool", |r, _| is_local(&r.responder)),
    field("missed_bytes", "count", |r, _| {
        Value::Count(r.initiator.missed_bytes + r.responder.missed_bytes)
    }),
    field("history", "string", |r, _| {
        if r.history.is_empty() {
            Value::Unset
        } else {
            Value::Text(r.history.as_str())
        }
    }),
    field("orig_pkts", "count", |r, _| {
        Value::Count(r.initiator.counts.packets)
    }),
    field("orig_ip_bytes", "count", |r, _| {
        Value::Count(r.initiator.counts.ip_bytes)
    }),
    field("resp_pkts", "count", |r, _| {
        Value::Count(r.responder.counts.packets)
    }),
    field("resp_ip_bytes", "count", |r, _| {
        Value::Count(r.responder.counts.ip_bytes)
    }),
    field("tunnel_parents", "set[string]", |_, _| Value::Unset),
    field("ip_proto", "count", |r, _| {
        Value::Count(u64::from(r.protocol))
    }),
];

const fn field(
    name: &'static str,
    zeek_type: &'static str,
    value: for<'a> fn(&'a FlowRecord, &'a str) -> Value<'a>,
) -> Field {
    Field {
        name,
        zeek_type,
        value,
    }
}

const fn host<'a>(side: &Side) -> Value<'a> {
    Value::Addr(side.endpoint.addr)
}

fn port<'a>(record: &FlowRecord, side: &Side) -> Value<'a> {
    Value::Count(if is_known(record.protocol) {
        u64::from(side.endpoint.port)
    } else {
        0
    })
}

fn payload<'a>(record: &FlowRecord, side: &Side) -> Value<'a> {
    Value::Count(if is_known(record.protocol) {
        side.payload_bytes
    } else {
        0
    })
}

fn is_local<'a>(side: &Side) -> Value<'a> {
    Value::Bool(site::is_local(side.endpoint.addr))
}

/// Whether Zeek looks into the protocol: what it does not know has neither ports nor payload.
const fn is_known(protocol: u8) -> bool {
    matches!(protocol, 1 | 6 | 17 | 58)
}

/// Zeek's `transport_proto`.
const fn transport(protocol: u8) -> &'static str {
    match protocol {
        1 | 58 => "icmp",
        6 => "tcp",
        17 => "udp",
        _ => "unknown_transport",
    }
}

/// Duration and payload are set only for connections that took any time (`set_conn` in Zeek's
/// script), which is a microsecond.
fn if_lasted<'a>(record: &FlowRecord, value: impl FnOnce(u64) -> Value<'a>) -> Value<'a> {
    match micros(record.last_ts).saturating_sub(micros(record.first_ts)) {
        0 => Value::Unset,
        duration => value(duration),
    }
}
