//! GTP-U (3GPP TS 29.281): user data of mobile networks.

use std::borrow::Cow;

use super::{brief, data, ip, ipv6};
use crate::read::field::protocol;
use crate::read::proto::names::pick;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    21, "gtp", "GTP", "GPRS Tunneling Protocol";
    FLAGS: "gtp.flags", "Flags", Uint(8), Hex;
    VERSION: "gtp.flags.version", "Version", Uint(8), Dec, mask = 0xe0, names = version_name;
    PAYLOAD: "gtp.flags.payload", "Protocol type", Uint(8), Dec, mask = 0x10, names = payload_name;
    RESERVED: "gtp.flags.reserved", "Reserved", Uint(8), Dec, mask = 0x08;
    FLAG_E: "gtp.flags.e", "Is Next Extension Header present?", Bool, None, mask = 0x04, names = yes;
    FLAG_S: "gtp.flags.s", "Is Sequence Number present?", Bool, None, mask = 0x02, names = yes;
    FLAG_PN: "gtp.flags.pn", "Is N-PDU number present?", Bool, None, mask = 0x01, names = yes;
    MESSAGE: "gtp.message", "Message Type", Uint(8), Hex, names = message_name;
    LENGTH: "gtp.length", "Length", Uint(16), Dec;
    TEID: "gtp.teid", "TEID", Uint(32), HexDec;
    SEQ_NUMBER: "gtp.seq_number", "Sequence number", Uint(16), HexDec;
    NPDU_NUMBER: "gtp.npdu_number", "N-PDU Number", Uint(8), Hex;
    NEXT: "gtp.next", "Next extension header type", Uint(8), Hex, names = next_name;
}

fn yes(value: u64) -> Option<&'static str> {
    pick(value, &["No", "Yes"])
}

const fn version_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "GTP release 97/98 version",
        1 => "GTP release 99 version",
        2 => "GTPv2-C",
        _ => return None,
    })
}

fn payload_name(value: u64) -> Option<&'static str> {
    pick(value, &["GTP'", "GTP"])
}

const fn message_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "Echo request",
        2 => "Echo response",
        3 => "Version not supported",
        4 => "Node alive request",
        5 => "Node alive response",
        6 => "Redirection request",
        7 => "Redirection response",
        16 => "Create PDP context request",
        17 => "Create PDP context response",
        18 => "Update PDP context request",
        19 => "Update PDP context response",
        20 => "Delete PDP context request",
        21 => "Delete PDP context response",
        26 => "Error indication",
        27 => "PDU notification request",
        28 => "PDU notification response",
        29 => "PDU notification reject request",
        30 => "PDU notification reject response",
        31 => "Supported extension header notification",
        32 => "Send routing information for GPRS request",
        33 => "Send routing information for GPRS response",
        48 => "Identification request",
        49 => "Identification response",
        50 => "SGSN context request",
        51 => "SGSN context response",
        52 => "SGSN context acknowledgement",
        240 => "Data record transfer request",
        241 => "Data record transfer response",
        254 => "End Marker",
        255 => "T-PDU",
        _ => return None,
    })
}

const fn next_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0x00 => "No more extension headers",
        0x20 => "Service Class Indicator",
        0x40 => "UDP Port number",
        0x84 | 0x85 => "PDU Session container",
        0xc0 => "PDCP PDU number",
        _ => return None,
    })
}

/// Its UDP port.
pub(crate) const PORT: u16 = 2152;

/// UDP port of its control messages.
const CONTROL_PORT: u16 = 2123;
/// UDP port of its older versions and of charging (GTP').
const PRIME_PORT: u16 = 3386;

const TPDU: u8 = 255;

/// Whether a port is one of its control messages.
pub(crate) const fn is_control(port: u16) -> bool {
    matches!(port, CONTROL_PORT | PRIME_PORT)
}

/// Dissects a control message: of the second version (3GPP TS 29.274), of charging or the first version
/// (29.060), or of the one before.
pub(crate) fn control(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    let flags = region.u8(0)?;
    match flags >> 5 {
        2 => return second(walk, &region),
        1 if flags & 0x10 != 0 => return dissect(walk, region),
        0 | 1 => {}
        _ => return data::dissect(walk, region),
    }
    const OLD_LEN: usize = 20;
    let kind = region.u8(1)?;
    let Some(name) = message_name(kind.into()) else {
        return data::dissect_outside(walk, region);
    };
    walk.columns.set_protocol("GTP");
    walk.columns.clear_info();
    walk.begin(THIS, &region, region.captured().len());
    walk.end();
    walk.columns.set_info(format_args!("{name}"));
    if kind != TPDU {
        return Ok(());
    }
    tunneled(walk, region.from(OLD_LEN)?)
}

fn second(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    brief::name(walk, brief::names::gtpv2::THIS, region);
    let text = match region.u8(1)? {
        1 => "Echo Request",
        2 => "Echo Response",
        3 => "Version Not Supported Indication",
        32 => "Create Session Request",
        33 => "Create Session Response",
        34 => "Modify Bearer Request",
        35 => "Modify Bearer Response",
        36 => "Delete Session Request",
        37 => "Delete Session Response",
        38 => "Change Notification Request",
        39 => "Change Notification Response",
        64 => "Modify Bearer Command",
        65 => "Modify Bearer Failure Indication",
        66 => "Delete Bearer Command",
        67 => "Delete Bearer Failure Indication",
        68 => "Bearer Resource Command",
        69 => "Bearer Resource Failure Indication",
        70 => "Downlink Data Notification Failure Indication",
        95 => "Create Bearer Request",
        96 => "Create Bearer Response",
        97 => "Update Bearer Request",
        98 => "Update Bearer Response",
        99 => "Delete Bearer Request",
        100 => "Delete Bearer Response",
        170 => "Release Access Bearers Request",
        171 => "Release Access Bearers Response",
        176 => "Downlink Data Notification",
        177 => "Downlink Data Notification Acknowledgement",
        _ => "Unknown",
    };
    walk.columns.set_info(format_args!("{text}"));
    Ok(())
}

/// Dissects the header and what is tunneled behind it.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    let (flags, kind) = (region.u8(0)?, region.u8(1)?);
    if flags >> 5 != 1 || flags & 0x10 == 0 {
        return data::dissect(walk, region);
    }
    walk.columns.set_protocol("GTP");
    let added = walk.begin(THIS, &region, 8);
    match message_name(kind.into()) {
        Some(name) => walk.columns.set_info(format_args!("{name}")),
        None => walk.columns.set_info(format_args!("Unknown")),
    }
    let place = region.place(0, 1);
    let tree = &mut *walk.tree;
    tree.add(FLAGS, place, Value::Uint(flags.into()));
    tree.open();
    tree.add(VERSION, place, Value::Uint((flags >> 5).into()));
    tree.add(PAYLOAD, place, Value::Uint((flags >> 4 & 1).into()));
    tree.add(RESERVED, place, Value::Uint((flags >> 3 & 1).into()));
    for (field, mask) in [(FLAG_E, 4), (FLAG_S, 2), (FLAG_PN, 1)] {
        tree.add(field, place, Value::Bool(flags & mask != 0));
    }
    tree.close();
    walk.u8(MESSAGE, &region, 1)?;
    walk.u16(LENGTH, &region, 2)?;
    walk.u32(TEID, &region, 4)?;
    let mut at = 8;
    if flags & 7 != 0 {
        if flags & 2 != 0 {
            walk.u16(SEQ_NUMBER, &region, 8)?;
        }
        if flags & 1 != 0 {
            walk.u8(NPDU_NUMBER, &region, 10)?;
        }
        let mut next = region.u8(11)?;
        if flags & 4 != 0 {
            walk.u8(NEXT, &region, 11)?;
        } else {
            next = 0;
        }
        at = 12;
        while next != 0 {
            let len = usize::from(region.u8(at)?) * 4;
            if len == 0 {
                return Err(Stop::Malformed);
            }
            next = walk.u8(NEXT, &region, at + len - 1)?;
            at += len;
        }
    }
    walk.tree.set_len(added, at as u32);
    walk.end();
    if kind != TPDU {
        return Ok(());
    }
    tunneled(walk, region.rest(at))
}

/// Dissects the packet that is tunneled.
fn tunneled(walk: &mut Walk<'_, '_>, rest: Region<'_>) -> Result<(), Stop> {
    let outcome = match rest.captured().first().map(|byte| byte >> 4) {
        Some(4) => ip::dissect(walk, rest),
        Some(6) => ipv6::dissect(walk, rest),
        _ => return data::dissect(walk, rest),
    };
    // The list names both.
    let inner = std::mem::take(&mut walk.columns.protocol);
    walk.columns.protocol = Cow::Owned(format!("GTP <{inner}>"));
    outcome
}
