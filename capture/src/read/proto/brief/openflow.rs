//! `OpenFlow` (ONF TS-001, TS-006): which message it is.

use super::{name, names};
use crate::read::proto::tcp::applications::{Application, Outcome, Payload, each_pdu};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// `OpenFlow` in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[6653],
    recognizes: Some(recognizes),
    dissect,
};

const HEADER_LEN: usize = 8;
/// Ports from before there was a registered one.
const OLD_PORTS: [u16; 2] = [6633, 6634];

/// What goes to an old port makes the stream known, in both directions.
fn recognizes(_: &Region<'_>, payload: &Payload) -> bool {
    OLD_PORTS.contains(&payload.destination_port)
}

const V1_0: [&str; 22] = [
    "HELLO",
    "ERROR",
    "ECHO_REQUEST",
    "ECHO_REPLY",
    "VENDOR",
    "FEATURES_REQUEST",
    "FEATURES_REPLY",
    "GET_CONFIG_REQUEST",
    "GET_CONFIG_REPLY",
    "SET_CONFIG",
    "PACKET_IN",
    "FLOW_REMOVED",
    "PORT_STATUS",
    "PACKET_OUT",
    "FLOW_MOD",
    "PORT_MOD",
    "STATS_REQUEST",
    "STATS_REPLY",
    "BARRIER_REQUEST",
    "BARRIER_REPLY",
    "QUEUE_GET_CONFIG_REQUEST",
    "QUEUE_GET_CONFIG_REPLY",
];

const V1_3: [&str; 30] = [
    "HELLO",
    "ERROR",
    "ECHO_REQUEST",
    "ECHO_REPLY",
    "EXPERIMENTER",
    "FEATURES_REQUEST",
    "FEATURES_REPLY",
    "GET_CONFIG_REQUEST",
    "GET_CONFIG_REPLY",
    "SET_CONFIG",
    "PACKET_IN",
    "FLOW_REMOVED",
    "PORT_STATUS",
    "PACKET_OUT",
    "FLOW_MOD",
    "GROUP_MOD",
    "PORT_MOD",
    "TABLE_MOD",
    "MULTIPART_REQUEST",
    "MULTIPART_REPLY",
    "BARRIER_REQUEST",
    "BARRIER_REPLY",
    "QUEUE_GET_CONFIG_REQUEST",
    "QUEUE_GET_CONFIG_REPLY",
    "ROLE_REQUEST",
    "ROLE_REPLY",
    "GET_ASYNC_REQUEST",
    "GET_ASYNC_REPLY",
    "SET_ASYNC",
    "METER_MOD",
];

const fn part_name(kind: u16) -> Option<&'static str> {
    Some(match kind {
        0 => "DESC",
        1 => "FLOW",
        2 => "AGGREGATE",
        3 => "TABLE",
        4 => "PORT_STATS",
        5 => "QUEUE",
        6 => "GROUP",
        7 => "GROUP_DESC",
        8 => "GROUP_FEATURES",
        9 => "METER",
        10 => "METER_CONFIG",
        11 => "METER_FEATURES",
        12 => "TABLE_FEATURES",
        13 => "PORT_DESC",
        0xffff => "EXPERIMENTER",
        _ => return None,
    })
}

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    if recognizes(&region, payload) {
        walk.memory.tcp.belongs_to(payload, &APPLICATION);
    }
    let len_of = |region: &Region<'_>| Ok(Some(usize::from(region.u16(2)?)));
    each_pdu(
        walk,
        region,
        payload,
        HEADER_LEN,
        len_of,
        |walk, message| one(walk, &message),
    )
}

fn one(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const MULTIPART: [u8; 2] = [18, 19];
    name(walk, names::openflow::THIS, region);
    let (version, kind) = (region.u8(0)?, region.u8(1)?);
    let table: &[&str] = match version {
        1 => &V1_0,
        4..=6 => &V1_3,
        _ => return Ok(()),
    };
    match table.get(usize::from(kind)) {
        Some(text) => walk.columns.append_info(format_args!("Type: OFPT_{text}")),
        None => walk
            .columns
            .append_info(format_args!("Type: Unknown type ({kind})")),
    }
    if version >= 4 && MULTIPART.contains(&kind) {
        let part = region.u16(HEADER_LEN)?;
        match part_name(part) {
            Some(text) => walk.columns.append_info(format_args!(", OFPMP_{text}")),
            None => walk.columns.append_info(format_args!(", Unknown ({part})")),
        }
    }
    Ok(())
}
