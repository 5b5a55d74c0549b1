//! PFCP (3GPP TS 29.244): what a datagram is.

use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    62, "pfcp", "PFCP", "Packet Forwarding Control Protocol";
    VERSION: "pfcp.version", "Version", Uint(8), Dec, mask = 0xe0;
    TYPE: "pfcp.msg_type", "Message Type", Uint(8), Dec, names = type_name;
    LENGTH: "pfcp.length", "Length", Uint(16), Dec;
    SEID: "pfcp.seid", "SEID", Uint(64), Hex;
    SEQUENCE: "pfcp.seqno", "Sequence Number", Uint(24), Dec;
}

/// Port of PFCP, over UDP.
pub(crate) const PORT: u16 = 8805;
/// The header has the identifier of a session.
const HAS_SESSION: u8 = 1;

const fn type_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Reserved",
        1 => "PFCP Heartbeat Request",
        2 => "PFCP Heartbeat Response",
        3 => "PFCP PFD Management Request",
        4 => "PFCP PFD Management Response",
        5 => "PFCP Association Setup Request",
        6 => "PFCP Association Setup Response",
        7 => "PFCP Association Update Request",
        8 => "PFCP Association Update Response",
        9 => "PFCP Association Release Request",
        10 => "PFCP Association Release Response",
        11 => "PFCP Version Not Supported Response",
        12 => "PFCP Node Report Request",
        13 => "PFCP Node Report Response",
        14 => "PFCP Session Set Deletion Request",
        15 => "PFCP Session Set Deletion Response",
        16 => "PFCP Session Set Modification Request",
        17 => "PFCP Session Set Modification Response",
        50 => "PFCP Session Establishment Request",
        51 => "PFCP Session Establishment Response",
        52 => "PFCP Session Modification Request",
        53 => "PFCP Session Modification Response",
        54 => "PFCP Session Deletion Request",
        55 => "PFCP Session Deletion Response",
        56 => "PFCP Session Report Request",
        57 => "PFCP Session Report Response",
        _ => return None,
    })
}

/// Dissects a datagram.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("PFCP");
    walk.columns.clear_info();
    walk.begin(THIS, &region, region.captured().len());
    let flags = region.u8(0)?;
    let kind = region.u8(1)?;
    match type_name(kind.into()) {
        Some(name) => walk.columns.append_info(format_args!("{name}")),
        None => walk.columns.append_info(format_args!("Unknown")),
    }
    let version = Value::Uint((flags >> 5).into());
    walk.tree.add(VERSION, region.place(0, 1), version);
    walk.u8(TYPE, &region, 1)?;
    walk.u16(LENGTH, &region, 2)?;
    let mut at = 4;
    if flags & HAS_SESSION != 0 {
        let session = Value::Uint(region.u64(4)?);
        walk.tree.add(SEID, region.place(4, 8), session);
        at = 12;
    }
    let number = Value::Uint(region.u24(at)?.into());
    walk.tree.add(SEQUENCE, region.place(at, 3), number);
    walk.end();
    Ok(())
}
