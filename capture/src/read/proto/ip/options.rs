//! Options of IPv4 (RFC 791 section 3.1, and what IANA registered later).

use super::{
    DST, Dotted, EMPTY_RT, NOP, OPT_ADDR, OPT_CLASS, OPT_COPY, OPT_DATA, OPT_FLAG, OPT_LEN,
    OPT_LEN_INVALID, OPT_MTU, OPT_NUMBER, OPT_OVERFLOW, OPT_PADDING, OPT_PTR, OPT_RA, OPT_SID,
    OPT_TIME, OPT_TIME_ADDR, OPT_TYPE, REC_RT, SRC_RT,
};
use crate::read::proto::expert::{Group, Severity};
use crate::read::proto::names::pick;
use crate::read::region::Region;
use crate::read::tree::{Added, Value};
use crate::read::walk::Walk;

pub(super) fn yes(value: u64) -> Option<&'static str> {
    pick(value, &["No", "Yes"])
}

pub(super) fn class(value: u64) -> Option<&'static str> {
    const RESERVED: &str = "Reserved for future use";
    pick(
        value,
        &["Control", RESERVED, "Debugging and measurement", RESERVED],
    )
}

pub(super) const fn number(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "End of Option List (EOL)",
        1 => "No-Operation (NOP)",
        2 => "Security",
        3 => "Loose source route",
        4 => "Time stamp",
        5 => "Extended Security (RFC 1108)",
        6 => "Commercial IP security",
        7 => "Record route",
        8 => "Stream identifier",
        9 => "Strict source route",
        10 => "Experimental Measurement",
        11 => "MTU probe",
        12 => "MTU Reply",
        13 => "Experimental Flow Control",
        14 => "Experimental Access Control",
        16 => "IMI Traffic Descriptor",
        17 => "Extended Inter. Proto",
        18 => "Traceroute",
        19 => "Address Extension",
        20 => "Router Alert",
        21 => "Selective Directed Broadcast",
        23 => "Dynamic Packet State",
        24 => "Upstream Multicast Packet",
        25 => "Quick-Start",
        30 => "RFC 3692-style experiment",
        _ => return None,
    })
}

pub(super) const fn alert(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Router shall examine packet",
        1..=0xfffe => "Reserved",
        _ => return None,
    })
}

pub(super) const fn time_flag(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Time stamps only",
        1 => "Time stamp and address",
        3 => "Time stamps for prespecified addresses",
        _ => return None,
    })
}

/// What an option is called in headings, by its whole type.
const fn title(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0 => "End of Options List (EOL)",
        1 => "No-Operation (NOP)",
        7 => "Record Route",
        11 => "MTU Probe",
        12 => "MTU Reply",
        25 => "Quick-Start",
        68 => "Time Stamp",
        82 => "Traceroute",
        130 => "Security",
        131 => "Loose Source Route",
        133 => "Extended Security (RFC 1108)",
        134 => "Commercial Security",
        136 => "Stream ID",
        137 => "Strict Source Route",
        148 => "Router Alert",
        149 => "Selective Directed Broadcast",
        _ => return None,
    })
}

/// Dissects the options of a packet.
pub(super) fn dissect(walk: &mut Walk<'_, '_>, region: &Region<'_>) {
    if !walk.tree.wants_any_of(super::THIS.protocol) {
        return;
    }
    let len = region.reported();
    let heading = walk
        .tree
        .heading(region.place(0, len), format_args!("Options: ({len} bytes)"));
    let mut names = String::new();
    let mut nops = 0;
    let mut at = 0;
    walk.tree.open();
    while at < region.captured().len() {
        let Ok(kind) = region.u8(at) else { break };
        nops = if kind == 1 { nops + 1 } else { 0 };
        let name = title(kind).unwrap_or("Unknown");
        if kind < 2 {
            single(walk, region, at, (kind, name), nops);
            at += 1;
            if kind == 0 {
                break;
            }
            continue;
        }
        let Ok(option_len) = region.u8(at + 1) else {
            break;
        };
        names.push_str(", ");
        names.push_str(name);
        let part = region.part(at, option_len.into());
        if option_len < 2 || at + usize::from(option_len) > len {
            let added = walk.tree.heading(
                region.place(at, 2),
                format_args!("IP Option - {name} (option length = {option_len})"),
            );
            walk.expert(
                added,
                OPT_LEN_INVALID,
                (Severity::Warning, Group::Protocol),
                format_args!("Invalid length for option"),
            );
            break;
        }
        long(walk, &part, (kind, name));
        at += usize::from(option_len);
    }
    walk.tree.close();
    walk.tree
        .label(heading, format_args!("Options: ({len} bytes){names}"));
}

/// An option that is one byte.
fn single(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    at: usize,
    (kind, name): (u8, &str),
    nops: u32,
) {
    let part = region.part(at, 1);
    let added = walk
        .tree
        .heading(part.place(0, 1), format_args!("IP Option - {name}"));
    walk.tree.open();
    option_type(walk, &part, kind);
    walk.tree.close();
    if nops == 4 {
        walk.expert(
            added,
            NOP,
            (Severity::Warning, Group::Protocol),
            format_args!("4 NOP in a row - a router may have removed some options"),
        );
    }
}

fn option_type(walk: &mut Walk<'_, '_>, part: &Region<'_>, kind: u8) {
    let tree = &mut *walk.tree;
    let place = part.place(0, 1);
    tree.add(OPT_TYPE, place, Value::Uint(kind.into()));
    tree.open();
    tree.add(OPT_COPY, place, Value::Bool(kind & 0x80 != 0));
    tree.add(OPT_CLASS, place, Value::Uint((kind >> 5 & 3).into()));
    tree.add(OPT_NUMBER, place, Value::Uint((kind & 31).into()));
    tree.close();
}

/// An option with a length.
fn long(walk: &mut Walk<'_, '_>, part: &Region<'_>, (kind, name): (u8, &str)) {
    let len = part.reported();
    let added = walk.tree.heading(
        part.place(0, len),
        format_args!("IP Option - {name} ({len} bytes)"),
    );
    walk.tree.open();
    option_type(walk, part, kind);
    walk.tree
        .add(OPT_LEN, part.place(1, 1), Value::Uint(len as u64));
    match (kind, len) {
        (7 | 131 | 137, 3..) => route(walk, part, kind),
        (68, 4..) => times(walk, part),
        (148, 4) => router_alert(walk, part, added),
        (136, 4) => {
            let _there = walk.u16(OPT_SID, part, 2);
        }
        (11 | 12, 4) => {
            let _there = walk.u16(OPT_MTU, part, 2);
        }
        (149, 6..) => {
            for at in (2..len).step_by(4) {
                if let Ok(address) = part.array(at) {
                    walk.tree
                        .add(OPT_ADDR, part.place(at, 4), Value::Ipv4(address));
                }
            }
        }
        (_, 3..) => {
            walk.bytes(OPT_DATA, &part.rest(2));
        }
        _ => {}
    }
    walk.tree.close();
}

fn router_alert(walk: &mut Walk<'_, '_>, part: &Region<'_>, added: Added) {
    if let Ok(value) = walk.u16(OPT_RA, part, 2) {
        let name = alert(value.into()).unwrap_or("Unknown");
        walk.tree.label(
            added,
            format_args!("IP Option - Router Alert (4 bytes): {name} ({value})"),
        );
    }
}

/// Where a packet goes in the end, if a source route says so and is not at its end.
pub(super) fn destination(region: &Region<'_>) -> Option<[u8; 4]> {
    let mut at = 0;
    loop {
        let kind = region.u8(at).ok()?;
        let len = match kind {
            0 => return None,
            1 => 1,
            _ => usize::from(region.u8(at + 1).ok()?).max(2),
        };
        if matches!(kind, 131 | 137) && len >= 7 && usize::from(region.u8(at + 2).ok()?) <= len {
            return region.array(at + 3 + (len - 7) / 4 * 4).ok();
        }
        at += len;
    }
}

/// Routes: where the packet was, is and goes, by the pointer.
fn route(walk: &mut Walk<'_, '_>, part: &Region<'_>, kind: u8) {
    let Ok(pointer) = walk.u8(OPT_PTR, part, 2) else {
        return;
    };
    let len = part.reported();
    let pointer = usize::from(pointer);
    let mut at = 3;
    while at + 4 <= len {
        let Ok(address) = part.array::<4>(at) else {
            return;
        };
        let passed = at + 1 < pointer;
        let next = at + 1 == pointer;
        let field = match kind {
            _ if passed => REC_RT,
            7 => EMPTY_RT,
            // The last one is where the packet goes in the end.
            _ if at + 8 > len => DST,
            _ => SRC_RT,
        };
        let added = walk
            .tree
            .add(field, part.place(at, 4), Value::Ipv4(address));
        if kind == 7 && next {
            let title = field.field().title;
            walk.tree.label(
                added,
                format_args!("{title}: {} <- (next)", Dotted(address)),
            );
        }
        at += 4;
    }
    if at < part.captured().len() {
        walk.bytes(OPT_PADDING, &part.rest(at));
    }
}

/// Time stamps, with the addresses of who set them or not.
fn times(walk: &mut Walk<'_, '_>, part: &Region<'_>) {
    let (Ok(_), Ok(flags)) = (walk.u8(OPT_PTR, part, 2), part.u8(3)) else {
        return;
    };
    let place = part.place(3, 1);
    walk.tree
        .add(OPT_OVERFLOW, place, Value::Uint((flags >> 4).into()));
    walk.tree
        .add(OPT_FLAG, place, Value::Uint((flags & 15).into()));
    let mut at = 4;
    while at + 4 <= part.captured().len() {
        if flags & 15 != 0 {
            let Ok(address) = part.array(at) else { return };
            walk.tree
                .add(OPT_TIME_ADDR, part.place(at, 4), Value::Ipv4(address));
            at += 4;
        }
        if walk.u32(OPT_TIME, part, at).is_err() {
            return;
        }
        at += 4;
    }
}
