//! RADIUS (RFC 2865): what a datagram is, and its number.

use super::data;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

protocol! {
    61, "radius", "RADIUS", "RADIUS Protocol";
    CODE: "radius.code", "Code", Uint(8), Dec, names = code_name;
    ID: "radius.id", "Packet identifier", Uint(8), HexDec;
    LENGTH: "radius.length", "Length", Uint(16), Dec;
    AUTHENTICATOR: "radius.authenticator", "Authenticator", Bytes;
}

/// Ports of RADIUS, over UDP.
pub(crate) const PORTS: [u16; 5] = [1645, 1646, 1812, 1813, 3799];
const HEADER_LEN: usize = 20;

const fn code_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "Access-Request",
        2 => "Access-Accept",
        3 => "Access-Reject",
        4 => "Accounting-Request",
        5 => "Accounting-Response",
        6 => "Accounting-Status",
        7 => "Password-Request",
        8 => "Password-Ack",
        9 => "Password-Reject",
        10 => "Accounting-Message",
        11 => "Access-Challenge",
        12 => "Status-Server",
        13 => "Status-Client",
        21 => "Resource-Free-Request",
        22 => "Resource-Free-Response",
        23 => "Resource-Query-Request",
        24 => "Query_Response",
        25 => "Alternate-Resource-Reclaim-Request",
        26 => "NAS-Reboot-Request",
        27 => "NAS-Reboot-Response",
        29 => "Next-Passcode",
        30 => "New-Pin",
        31 => "Terminate-Session",
        32 => "Password-Expired",
        33 => "Event-Request",
        34 => "Event-Response",
        40 => "Disconnect-Request",
        41 => "Disconnect-ACK",
        42 => "Disconnect-NAK",
        43 => "CoA-Request",
        44 => "CoA-ACK",
        45 => "CoA-NAK",
        50 => "IP-Address-Allocate",
        51 => "IP-Address-Release",
        129 => "ALU-State-Request",
        130 => "ALU-State-Accept",
        131 => "ALU-State-Reject",
        132 => "ALU-State-Error",
        _ => return None,
    })
}

/// Dissects a datagram; what is none is data.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    let code = region.u8(0)?;
    let Some(name) = code_name(code.into()) else {
        return data::dissect(walk, region);
    };
    if usize::from(region.u16(2)?) < HEADER_LEN {
        return data::dissect(walk, region);
    }
    walk.columns.set_protocol("RADIUS");
    let id = region.u8(1)?;
    walk.columns.set_info(format_args!("{name} id={id}"));
    walk.begin(THIS, &region, region.captured().len());
    walk.u8(CODE, &region, 0)?;
    walk.u8(ID, &region, 1)?;
    walk.u16(LENGTH, &region, 2)?;
    region.slice(4, 16)?;
    let place = region.place(4, 16);
    walk.tree
        .add(AUTHENTICATOR, place, crate::read::Value::Bytes);
    walk.end();
    Ok(())
}
