//! `NetBIOS` names in datagrams (RFC 1002 section 4.2), as Wireshark's `packet-nbns.c` shows them.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use super::dns::{authoritative_name, available_name, desired_name, response_name, truncated_name};
use super::names::pick;
use super::text::Words;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    50, "nbns", "NBNS", "NetBIOS Name Service";
    ID: "nbns.id", "Transaction ID", Uint(16), Hex;
    FLAGS: "nbns.flags", "Flags", Uint(16), Hex;
    RESPONSE: "nbns.flags.response", "Response", Bool, None, mask = 0x8000, names = response_name;
    OPCODE: "nbns.flags.opcode", "Opcode", Uint(16), Dec, mask = 0x7800, names = opcode_name;
    AUTHORITATIVE: "nbns.flags.authoritative", "Authoritative", Bool, None, mask = 0x0400, names = authoritative_name;
    TRUNCATED: "nbns.flags.truncated", "Truncated", Bool, None, mask = 0x0200, names = truncated_name;
    RECDESIRED: "nbns.flags.recdesired", "Recursion desired", Bool, None, mask = 0x0100, names = desired_name;
    RECAVAIL: "nbns.flags.recavail", "Recursion available", Bool, None, mask = 0x0080, names = available_name;
    BROADCAST: "nbns.flags.broadcast", "Broadcast", Bool, None, mask = 0x0010, names = broadcast_name;
    RCODE: "nbns.flags.rcode", "Reply code", Uint(16), Dec, mask = 0x000f, names = rcode_name;
    QUERIES: "nbns.count.queries", "Questions", Uint(16), Dec;
    ANSWERS: "nbns.count.answers", "Answer RRs", Uint(16), Dec;
    AUTHORITIES: "nbns.count.auth_rr", "Authority RRs", Uint(16), Dec;
    ADDITIONAL: "nbns.count.add_rr", "Additional RRs", Uint(16), Dec;
    NAME: "nbns.name", "Name", String;
    TYPE: "nbns.type", "Type", Uint(16), Dec, names = type_name;
    CLASS: "nbns.class", "Class", Uint(16), Dec, names = class_name;
    TTL: "nbns.ttl", "Time to live", Uint(32), Dec;
    DATA_LENGTH: "nbns.data_length", "Data length", Uint(16), Dec;
    ADDRESS: "nbns.addr", "Addr", Ipv4;
}

/// Port of the name service, over UDP.
pub(crate) const PORT: u16 = 137;
const HEADER_LEN: usize = 12;
/// Bytes of a name, encoded in twice as many.
const NAME_LEN: usize = 16;

const fn opcode_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Name query",
        5 => "Registration",
        6 => "Release",
        7 => "Wait for acknowledgment",
        8 => "Refresh",
        9 => "Refresh (alternate opcode)",
        15 => "Multi-homed registration",
        _ => return None,
    })
}

fn broadcast_name(value: u64) -> Option<&'static str> {
    pick(value, &["Not a broadcast packet", "Broadcast packet"])
}

fn rcode_name(value: u64) -> Option<&'static str> {
    pick(
        value,
        &[
            "No error",
            "Request was invalidly formatted",
            "Server failure",
            "Requested name does not exist",
            "Request is not implemented",
            "Request was refused",
            "Name is owned by another node",
            "Name is in conflict",
        ],
    )
}

const fn type_name(value: u64) -> Option<&'static str> {
    Some(match value {
        32 => "NB",
        33 => "NBSTAT",
        _ => return None,
    })
}

fn class_name(value: u64) -> Option<&'static str> {
    (value == 1).then_some("IN")
}

/// Reads a name, which may be a pointer to one, as Wireshark writes it; gives its length.
fn name(region: &Region<'_>, at: usize, out: &mut String) -> Result<usize, Stop> {
    out.clear();
    let len = region.u8(at)?;
    let (start, size) = if len & 0xc0 == 0xc0 {
        (usize::from(region.u16(at)? & 0x3fff), 2)
    } else {
        (at, 0)
    };
    let len = usize::from(region.u8(start)?);
    if len != 2 * NAME_LEN {
        out.push_str(
            "Illegal NetBIOS name (1st character not between A and Z in first-level encoding)",
        );
        return Ok(if size > 0 { size } else { len + 2 });
    }
    let encoded = region.slice(start + 1, len)?;
    let mut plain = [0; NAME_LEN];
    for (byte, pair) in plain.iter_mut().zip(encoded.chunks_exact(2)) {
        *byte = pair[0].wrapping_sub(b'A') << 4 | pair[1].wrapping_sub(b'A') & 0x0f;
    }
    let [text @ .., kind] = plain;
    let end = text.iter().rposition(|byte| *byte != b' ');
    for byte in text.iter().take(end.map_or(0, |end| end + 1)) {
        // Writing to a string does not fail.
        let _infallible = match byte {
            b' '..=b'~' => write!(out, "{}", char::from(*byte)),
            byte => write!(out, "<{byte:02x}>"),
        };
    }
    let _infallible = write!(out, "<{kind:02x}>");
    // A scope can follow.
    let mut end = start + 1 + len;
    if size == 0 {
        loop {
            let label = region.u8(end)?;
            end += 1 + usize::from(label);
            if label == 0 {
                break;
            }
        }
    }
    Ok(if size > 0 { size } else { end - at })
}

/// Dissects a datagram of the name service.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("NBNS");
    walk.columns.clear_info();
    let flags = region.u16(2)?;
    let is_response = flags & 0x8000 != 0;
    let opcode = u64::from(flags >> 11 & 15);
    match opcode_name(opcode) {
        Some(name) => walk.columns.append_info(format_args!("{name}")),
        None => walk
            .columns
            .append_info(format_args!("Unknown operation ({opcode})")),
    }
    if is_response {
        walk.columns.append_info(format_args!(" response"));
        let rcode = u64::from(flags & 15);
        if rcode != 0 {
            match rcode_name(rcode) {
                Some(name) => walk.columns.append_info(format_args!(", {name}")),
                None => walk
                    .columns
                    .append_info(format_args!(", Unknown error ({rcode})")),
            }
        }
    }
    walk.begin(THIS, &region, region.captured().len());
    walk.u16(ID, &region, 0)?;
    show_flags(walk, &region, flags);
    let mut counts = [0; 4];
    for (place, field) in [QUERIES, ANSWERS, AUTHORITIES, ADDITIONAL]
        .into_iter()
        .enumerate()
    {
        counts[place] = walk.u16(field, &region, 4 + 2 * place)?;
    }
    let mut at = HEADER_LEN;
    let mut text = String::new();
    let titles = [
        "Queries",
        "Answers",
        "Authoritative nameservers",
        "Additional records",
    ];
    for (place, title) in titles.into_iter().enumerate() {
        if counts[place] == 0 {
            continue;
        }
        walk.tree
            .heading(region.place(at, 0), format_args!("{title}"));
        walk.tree.open();
        for _ in 0..counts[place] {
            // The list shows the answers of a response.
            let is_named = place == usize::from(is_response);
            at += record(walk, &region.rest(0), at, &mut text, place == 0, is_named)?;
        }
        walk.tree.close();
    }
    walk.end();
    Ok(())
}

fn show_flags(walk: &mut Walk<'_, '_>, region: &Region<'_>, flags: u16) {
    let is_response = flags & 0x8000 != 0;
    let place = region.place(2, 2);
    let tree = &mut *walk.tree;
    let node = tree.add(FLAGS, place, Value::Uint(flags.into()));
    if tree.labels() {
        let mut text = format!("Flags: {flags:#06x}");
        let opcode = opcode_name(u64::from(flags >> 11 & 15)).unwrap_or("Unknown operation");
        if is_response {
            text.push_str(", Response");
        }
        // Writing to a string does not fail.
        let _infallible = write!(text, ", Opcode: {opcode}");
        for (bit, name, of_response) in [
            (0x0400, ", Authoritative", true),
            (0x0200, ", Truncated", false),
            (0x0100, ", Recursion desired", false),
            (0x0080, ", Recursion available", true),
            (0x0010, ", Broadcast", false),
        ] {
            if flags & bit != 0 && (is_response || !of_response) {
                text.push_str(name);
            }
        }
        if is_response {
            let name = rcode_name(u64::from(flags & 15)).unwrap_or("Unknown error");
            let _infallible = write!(text, ", Reply code: {name}");
        }
        tree.label(node, format_args!("{text}"));
    }
    tree.open();
    let bit = |bit: u16| Value::Bool(flags & bit != 0);
    tree.add(RESPONSE, place, bit(0x8000));
    tree.add(OPCODE, place, Value::Uint(u64::from(flags >> 11 & 15)));
    if is_response {
        tree.add(AUTHORITATIVE, place, bit(0x0400));
    }
    tree.add(TRUNCATED, place, bit(0x0200));
    tree.add(RECDESIRED, place, bit(0x0100));
    if is_response {
        tree.add(RECAVAIL, place, bit(0x0080));
    }
    tree.add(BROADCAST, place, bit(0x0010));
    if is_response {
        tree.add(RCODE, place, Value::Uint(u64::from(flags & 15)));
    }
    tree.close();
}

/// A question or a record; gives its length.
fn record(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    at: usize,
    text: &mut String,
    is_question: bool,
    is_named: bool,
) -> Result<usize, Stop> {
    let name_len = name(region, at, text)?;
    let fixed = at + name_len;
    let (kind, class) = (region.u16(fixed)?, region.u16(fixed + 2)?);
    let shown = type_name(kind.into()).unwrap_or("Unknown");
    if is_named {
        walk.columns.append_info(format_args!(" {shown}"));
    }
    if is_question && is_named {
        walk.columns.append_info(format_args!(" {text}"));
    }
    let data_len = if is_question {
        0
    } else {
        usize::from(region.u16(fixed + 8)?)
    };
    let len = name_len + if is_question { 4 } else { 10 + data_len };
    let class_text = class_name(class.into()).unwrap_or("Unknown");
    let place = region.place(at, len);
    walk.tree.heading(
        place,
        format_args!("{text}: type {shown}, class {class_text}"),
    );
    walk.tree.open();
    let name_place = region.place(at, name_len);
    let added = walk.tree.add_text(NAME, name_place, text);
    if let Some(service) = service(text) {
        walk.tree
            .label(added, format_args!("Name: {text} ({service})"));
    }
    walk.u16(TYPE, region, fixed)?;
    walk.u16(CLASS, region, fixed + 2)?;
    if !is_question {
        let ttl = region.u32(fixed + 4)?;
        let place = region.place(fixed + 4, 4);
        let added = walk.tree.add(TTL, place, Value::Uint(ttl.into()));
        walk.tree
            .label(added, format_args!("Time to live: {}", Words(ttl)));
        walk.u16(DATA_LENGTH, region, fixed + 8)?;
        if kind == 32 {
            for entry in (0..data_len / 6 * 6).step_by(6) {
                let address = region.array::<4>(fixed + 10 + entry + 2)?;
                let place = region.place(fixed + 10 + entry + 2, 4);
                walk.tree.add(ADDRESS, place, Value::Ipv4(address));
                // The list shows the first one.
                if is_named && entry == 0 {
                    walk.columns
                        .append_info(format_args!(" {}", Ipv4Addr::from(address)));
                }
            }
        }
    }
    walk.tree.close();
    Ok(len)
}

/// What a name's last byte stands for.
fn service(name: &str) -> Option<&'static str> {
    let kind = name.strip_suffix('>')?;
    let kind = kind.get(kind.len().checked_sub(2)?..)?;
    if name.starts_with('*') {
        return None;
    }
    Some(match kind {
        "00" => "Workstation/Redirector",
        "01" => "Browser",
        "02" => "Workstation/Redirector",
        "03" => "Messenger service/Main name",
        "05" => "Forwarded name",
        "06" => "RAS Server service",
        "1b" => "Domain Master Browser",
        "1c" => "Domain Controllers",
        "1d" => "Local Master Browser",
        "1e" => "Browser Election Service",
        "1f" => "Net DDE Service",
        "20" => "Server service",
        "21" => "RAS client service",
        _ => return None,
    })
}
