//! Options of IPv4 (RFC 791 section 3.1, and what IANA registered later).

use super::{
    ADDR, ALERT_OPTION, BROADCAST_OPTION, CIPSO_OPTION, DST, DST_HOST, Dotted, EMPTY_RT,
    EMPTY_RT_HOST, EOL_OPTION, EXTENDED_OPTION, HOST, LOOSE_OPTION, MTU_PROBE_OPTION,
    MTU_REPLY_OPTION, NOP, NOP_OPTION, OPT_ADDR, OPT_BEFORE, OPT_CLASS, OPT_COPY, OPT_FLAG,
    OPT_ID_NUMBER, OPT_LEN, OPT_LEN_INVALID, OPT_MIDDLE, OPT_MTU, OPT_NUMBER, OPT_OHC,
    OPT_ORIGINATOR, OPT_OVERFLOW, OPT_PADDING, OPT_PTR, OPT_QS_FUNC, OPT_QS_NONCE, OPT_QS_RATE,
    OPT_QS_RESERVED, OPT_QS_TTL, OPT_QS_TTL_DIFF, OPT_QS_UNUSED, OPT_RA, OPT_RHC, OPT_SID,
    OPT_TIME, OPT_TIME_ADDR, OPT_TOO_LONG, OPT_TYPE, QUICK_START_OPTION, REC_RT, REC_RT_HOST,
    RECORD_OPTION, SECURITY_OPTION, SID_OPTION, SRC_RT, SRC_RT_HOST, STRICT_OPTION, TIME_OPTION,
    TRACEROUTE_OPTION, security,
};
use crate::read::field::FieldId;
use crate::read::proto::expert::{Group, Severity};
use crate::read::proto::names::pick;
use crate::read::proto::text::plural;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Value};
use crate::read::walk::Walk;

pub(super) const WARNING: (Severity, Group) = (Severity::Warning, Group::Protocol);

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
        5 => "Extended security",
        6 => "Commercial IP security option",
        7 => "Record route",
        8 => "Stream identifier",
        9 => "Strict source route",
        10 => "Experimental Measurement",
        11 => "MTU probe",
        12 => "MTU Reply",
        13 => "Experimental Flow Control",
        14 => "Experimental Access Control",
        15 => "Ask Estrin",
        16 => "IMI Traffic Descriptor",
        17 => "Extended Internet Protocol",
        18 => "Traceroute",
        19 => "Address Extension",
        20 => "Router Alert",
        21 => "Selective Directed Broadcast",
        22 => "Unassigned",
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
        1..=0xffff => "Reserved",
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

/// What a Quick-Start option does (RFC 4782 section 3.1).
pub(crate) const fn quick_start(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Rate request",
        8 => "Rate report",
        _ => return None,
    })
}

/// Rates of Quick-Start (RFC 4782 section 3.1).
pub(crate) fn quick_start_rate(value: u64) -> Option<&'static str> {
    const NAMES: [&str; 16] = [
        "0 bit/s",
        "80 Kbit/s",
        "160 Kbit/s",
        "320 Kbit/s",
        "640 Kbit/s",
        "1.28 Mbit/s",
        "2.56 Mbit/s",
        "5.12 Mbit/s",
        "10.24 Mbit/s",
        "20.48 Mbit/s",
        "40.96 Mbit/s",
        "81.92 Mbit/s",
        "163.84 Mbit/s",
        "327.68 Mbit/s",
        "655.36 Mbit/s",
        "1.31072 Gbit/s",
    ];
    pick(value, &NAMES)
}

/// What an option is, by its whole type: its field, and its name in the heading.
const fn known(kind: u8) -> Option<(FieldId, &'static str)> {
    Some(match kind {
        7 => (RECORD_OPTION, "Record Route"),
        11 => (MTU_PROBE_OPTION, "MTU Probe"),
        12 => (MTU_REPLY_OPTION, "MTU Reply"),
        25 => (QUICK_START_OPTION, "Quick-Start"),
        68 => (TIME_OPTION, "Time Stamp"),
        82 => (TRACEROUTE_OPTION, "Traceroute"),
        130 => (SECURITY_OPTION, "Security"),
        131 => (LOOSE_OPTION, "Loose Source Route"),
        133 => (EXTENDED_OPTION, "Extended Security"),
        134 => (CIPSO_OPTION, "Commercial Security"),
        136 => (SID_OPTION, "Stream ID"),
        137 => (STRICT_OPTION, "Strict Source Route"),
        148 => (ALERT_OPTION, "Router Alert"),
        149 => (BROADCAST_OPTION, "Selective Directed Broadcast"),
        _ => return None,
    })
}

/// Dissects the options of a packet with this time to live.
pub(super) fn dissect(walk: &mut Walk<'_, '_>, region: &Region<'_>, ttl: u8) -> Result<(), Stop> {
    let len = region.reported();
    // None is shown where they were not all captured.
    region.slice(0, len)?;
    let place = region.place(0, len);
    let heading = walk
        .tree
        .heading(place, format_args!("Options: ({len} bytes)"));
    let mut names = String::new();
    walk.tree.open();
    let outcome = all(walk, region, ttl, (heading, &mut names));
    // Where it stops, the tree goes on where it is set back to.
    if outcome.is_ok() {
        walk.tree.close();
    }
    walk.tree
        .label(heading, format_args!("Options: ({len} bytes){names}"));
    outcome
}

fn all(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    ttl: u8,
    (heading, names): (Added, &mut String),
) -> Result<(), Stop> {
    let len = region.reported();
    let (mut at, mut nops) = (0, 0);
    while at < len {
        let kind = region.u8(at)?;
        if kind < 2 {
            if kind == 1 {
                nops = if nops == 0 || at % 4 != 0 {
                    nops + 1
                } else {
                    0
                };
                if nops == 4 {
                    walk.expert(
                        heading,
                        NOP,
                        WARNING,
                        format_args!("4 NOP in a row - a router may have removed some options"),
                    );
                }
            }
            let field = if kind == 0 { EOL_OPTION } else { NOP_OPTION };
            let part = region.part(at, 1);
            let added = walk.tree.add(field, part.place(0, 1), Value::Bytes);
            walk.tree
                .label(added, format_args!("{}", field.field().title));
            walk.tree.open();
            option_type(walk, &part, kind)?;
            walk.tree.close();
            at += 1;
            if kind == 0 {
                break;
            }
            continue;
        }
        let known = known(kind);
        let name = known.map_or_else(
            || format!("Unknown (0x{kind:02x})"),
            |(_, name)| name.to_owned(),
        );
        if at + 1 == len {
            invalid(
                walk,
                region.place(at, 1),
                format_args!("{name} (length byte past end of options)"),
            );
            return Ok(());
        }
        let option_len = usize::from(region.u8(at + 1)?);
        let s = plural(option_len);
        if option_len < 2 {
            invalid(
                walk,
                region.place(at, 2),
                format_args!("{name} (with too-short option length = {option_len} byte{s})"),
            );
            return Ok(());
        }
        if at + option_len > len {
            invalid(
                walk,
                region.place(at, len - at - 2),
                format_args!(
                    "{name} (option length = {option_len} byte{s} says option goes past end of options)"
                ),
            );
            return Ok(());
        }
        if let Some((field, name)) = known {
            long(walk, &region.part(at, option_len), (kind, field), ttl)?;
            names.push_str(", ");
            names.push_str(name);
        } else {
            walk.tree.heading(
                region.place(at, option_len),
                format_args!("{name} ({option_len} byte{s})"),
            );
        }
        at += option_len;
    }
    Ok(())
}

/// Says what is wrong with the length of an option that is not shown for it.
fn invalid(
    walk: &mut Walk<'_, '_>,
    place: crate::read::tree::Place,
    message: std::fmt::Arguments<'_>,
) {
    let added = walk.tree.heading(place, message);
    walk.expert(added, OPT_LEN_INVALID, WARNING, message);
}

fn option_type(walk: &mut Walk<'_, '_>, part: &Region<'_>, kind: u8) -> Result<(), Stop> {
    part.u8(0)?;
    let tree = &mut *walk.tree;
    let place = part.place(0, 1);
    tree.add(OPT_TYPE, place, Value::Uint(kind.into()));
    tree.open();
    tree.add(OPT_COPY, place, Value::Bool(kind & 0x80 != 0));
    tree.add(OPT_CLASS, place, Value::Uint((kind >> 5 & 3).into()));
    tree.add(OPT_NUMBER, place, Value::Uint((kind & 31).into()));
    tree.close();
    Ok(())
}

/// The length that an option has to have, if it has only one.
const fn fixed(kind: u8) -> Option<usize> {
    Some(match kind {
        11 | 12 | 136 | 148 => 4,
        25 => 8,
        82 => 12,
        _ => return None,
    })
}

/// An option with a length.
fn long(
    walk: &mut Walk<'_, '_>,
    part: &Region<'_>,
    (kind, field): (u8, FieldId),
    ttl: u8,
) -> Result<(), Stop> {
    if kind == 25 {
        // Looked at before anything is shown.
        part.u8(2)?;
    }
    let len = part.reported();
    part.slice(0, len)?;
    let title = field.field().title;
    let told = fixed(kind).unwrap_or(len);
    let added = walk.tree.add(field, part.place(0, len), Value::Bytes);
    walk.tree
        .label(added, format_args!("{title} ({told} bytes)"));
    walk.tree.open();
    option_type(walk, part, kind)?;
    let length = walk
        .tree
        .add(OPT_LEN, part.place(1, 1), Value::Uint(len as u64));
    if told != len {
        let name = known(kind).map_or("", |(_, name)| name);
        walk.expert(
            length,
            OPT_LEN_INVALID,
            WARNING,
            format_args!(
                "{name} (with option length = {len} byte{}; should be {told})",
                plural(len)
            ),
        );
    }
    match kind {
        7 | 131 | 137 => route(walk, part, kind)?,
        11 | 12 => {
            walk.u16(OPT_MTU, part, 2)?;
        }
        25 => quick_starting(walk, part, (added, title), ttl)?,
        68 => times(walk, part)?,
        82 => {
            walk.u16(OPT_ID_NUMBER, part, 2)?;
            walk.u16(OPT_OHC, part, 4)?;
            walk.u16(OPT_RHC, part, 6)?;
            let originator = Value::Ipv4(part.array(8)?);
            walk.tree.add(OPT_ORIGINATOR, part.place(8, 4), originator);
        }
        130 => security::basic(walk, part, added)?,
        133 => security::extended(walk, part)?,
        134 => security::commercial(walk, part)?,
        136 => {
            walk.u16(OPT_SID, part, 2)?;
        }
        148 => {
            let value = walk.u16(OPT_RA, part, 2)?;
            let name = alert(value.into()).unwrap_or("Unknown");
            walk.tree.label(
                added,
                format_args!("{title} ({told} bytes): {name} ({value})"),
            );
        }
        _ => broadcast(walk, part)?,
    }
    walk.tree.close();
    Ok(())
}

/// Addresses that a broadcast goes to (RFC 1770).
fn broadcast(walk: &mut Walk<'_, '_>, part: &Region<'_>) -> Result<(), Stop> {
    let len = part.reported();
    let mut at = 2;
    while at + 4 <= len {
        let address = Value::Ipv4(part.array(at)?);
        walk.tree.add(OPT_ADDR, part.place(at, 4), address);
        at += 4;
    }
    if at < len {
        walk.bytes(OPT_PADDING, &part.rest(at));
    }
    Ok(())
}

fn quick_starting(
    walk: &mut Walk<'_, '_>,
    part: &Region<'_>,
    (added, title): (Added, &str),
    ttl: u8,
) -> Result<(), Stop> {
    let command = part.u8(2)?;
    let (function, rate) = (command >> 4, command & 15);
    let place = part.place(2, 1);
    let name =
        quick_start(function.into()).map_or_else(|| format!("Unknown ({function})"), str::to_owned);
    let mut text = format!("{title} (8 bytes): {name} ({function})");
    walk.tree.label(added, format_args!("{text}"));
    walk.tree
        .add(OPT_QS_FUNC, place, Value::Uint(function.into()));
    if !matches!(function, 0 | 8) {
        return Ok(());
    }
    walk.tree.add(OPT_QS_RATE, place, Value::Uint(rate.into()));
    let rate = quick_start_rate(rate.into()).unwrap_or("Unknown");
    text.push_str(", ");
    text.push_str(rate);
    if function == 0 {
        let start = walk.u8(OPT_QS_TTL, part, 3)?;
        let difference = ttl.wrapping_sub(start);
        let node = walk.tree.add(
            OPT_QS_TTL_DIFF,
            part.place(3, 1),
            Value::Uint(difference.into()),
        );
        walk.tree.set_generated(node);
        walk.tree.label(
            added,
            format_args!("{text}, QS TTL {start}, QS TTL diff {difference}"),
        );
    } else {
        walk.tree.label(added, format_args!("{text}"));
        walk.u8(OPT_QS_UNUSED, part, 3)?;
    }
    let word = part.u32(4)?;
    let place = part.place(4, 4);
    walk.tree
        .add(OPT_QS_NONCE, place, Value::Uint((word >> 2).into()));
    walk.tree
        .add(OPT_QS_RESERVED, place, Value::Uint((word & 3).into()));
    Ok(())
}

/// Where a packet goes in the end, if a source route says so and is not at its end.
pub(super) fn destination(region: &Region<'_>) -> Result<Option<[u8; 4]>, Stop> {
    let len = region.reported();
    let mut at = 0;
    while at < len {
        let option_len = match region.u8(at)? {
            0 => return Ok(None),
            1 => {
                at += 1;
                continue;
            }
            _ if at + 1 == len => return Ok(None),
            _ => usize::from(region.u8(at + 1)?),
        };
        if option_len < 2 || at + option_len > len {
            return Ok(None);
        }
        if matches!(region.u8(at)?, 131 | 137) {
            let pointer = usize::from(region.u8(at + 2)?);
            if pointer < 4 || pointer % 4 != 0 || pointer > option_len {
                return Ok(None);
            }
            return region.array(at + option_len - 4).map(Some);
        }
        at += option_len;
    }
    Ok(None)
}

/// The pointer of a route, if it stands at the front of an address; says so if not.
fn points_to_address(
    walk: &mut Walk<'_, '_>,
    part: &Region<'_>,
) -> Result<(Added, Option<usize>), Stop> {
    let pointer = part.u8(2)?;
    let added = walk
        .tree
        .add(OPT_PTR, part.place(2, 1), Value::Uint(pointer.into()));
    if pointer < 4 {
        let message = format_args!("Pointer points before first address");
        walk.expert(added, OPT_BEFORE, WARNING, message);
        return Ok((added, None));
    }
    if pointer % 4 != 0 {
        let message = format_args!("Pointer points to middle of address");
        walk.expert(added, OPT_MIDDLE, WARNING, message);
        return Ok((added, None));
    }
    Ok((added, Some(pointer.into())))
}

/// Routes: where the packet was, is and goes, by the pointer.
fn route(walk: &mut Walk<'_, '_>, part: &Region<'_>, kind: u8) -> Result<(), Stop> {
    let (added, pointer) = points_to_address(walk, part)?;
    let Some(pointer) = pointer else {
        return Ok(());
    };
    let pointer_node = added;
    let len = part.reported();
    let mut at = 3;
    while at < len {
        if at + 4 > len {
            let message = format_args!("Suboption would go past end of option");
            walk.expert(pointer_node, OPT_TOO_LONG, WARNING, message);
            break;
        }
        let (passed, next) = (at + 1 < pointer, at + 1 == pointer);
        let (field, host) = match kind {
            _ if pointer > len => (REC_RT, REC_RT_HOST),
            7 if passed => (REC_RT, REC_RT_HOST),
            7 => (EMPTY_RT, EMPTY_RT_HOST),
            // The last one is where the packet goes in the end.
            _ if at + 4 == len => (DST, DST_HOST),
            _ if passed => (REC_RT, REC_RT_HOST),
            _ => (SRC_RT, SRC_RT_HOST),
        };
        let address = part.array::<4>(at)?;
        let place = part.place(at, 4);
        let added = walk.tree.add(field, place, Value::Ipv4(address));
        let is_destination = field == DST;
        if next && pointer <= len && !is_destination {
            let title = field.field().title;
            walk.tree.label(
                added,
                format_args!("{title}: {} <- (next)", Dotted(address)),
            );
        }
        if is_destination {
            walk.tree.add_hidden(ADDR, place, Value::Ipv4(address));
        }
        let hosts = [Some(host), is_destination.then_some(HOST)];
        for host in hosts.into_iter().flatten() {
            let text = format_args!("{}", Dotted(address));
            let hidden = walk.tree.add_formatted(host, place, text);
            walk.tree.set_hidden(hidden);
            walk.tree.set_generated(hidden);
        }
        at += 4;
    }
    Ok(())
}

fn too_long(walk: &mut Walk<'_, '_>, place: crate::read::tree::Place) {
    let message = format_args!("Suboption would go past end of option");
    let added = walk.tree.heading(place, message);
    walk.expert(added, OPT_TOO_LONG, WARNING, message);
}

/// Time stamps, with the addresses of who set them or not.
fn times(walk: &mut Walk<'_, '_>, part: &Region<'_>) -> Result<(), Stop> {
    let pointer = part.u8(2)?;
    let remark = match pointer {
        1 => " (header is full)",
        ..5 => " (points before first address)",
        value if (value - 1) & 3 != 0 => " (points to middle of field)",
        _ => "",
    };
    let added = walk
        .tree
        .add(OPT_PTR, part.place(2, 1), Value::Uint(pointer.into()));
    walk.tree
        .label(added, format_args!("Pointer: {pointer}{remark}"));
    let flags = part.u8(3)?;
    let place = part.place(3, 1);
    walk.tree
        .add(OPT_OVERFLOW, place, Value::Uint((flags >> 4).into()));
    walk.tree
        .add(OPT_FLAG, place, Value::Uint((flags & 15).into()));
    let with_address = matches!(flags & 15, 1 | 3);
    let step = if with_address { 8 } else { 4 };
    let len = part.reported();
    let mut at = 4;
    while at < len {
        if at + step > len {
            too_long(walk, part.place(at, len - at));
            break;
        }
        if with_address {
            let address = part.array(at)?;
            let added = walk
                .tree
                .add(OPT_TIME_ADDR, part.place(at, 4), Value::Ipv4(address));
            if address == [0; 4] {
                walk.tree.label(added, format_args!("Address: -"));
            }
        }
        walk.u32(OPT_TIME, part, at + step - 4)?;
        at += step;
    }
    Ok(())
}
