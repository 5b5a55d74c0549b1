//! ICMP (RFC 792), as by Wireshark's `packet-icmp.c`.

mod names;
pub(crate) mod pairs;

use names::{code_name, info_name, type_name};
use pairs::{Echo, Seen};

use super::checksum::{self, Sum};
use super::names::ip::checksum_status;
use super::{data, ip};
use crate::packet::Timestamp;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Value};
use crate::read::walk::{Piece, Quoted, Walk};

protocol! {
    8, "icmp", "ICMP", "Internet Control Message Protocol";
    TYPE: "icmp.type", "Type", Uint(8), Dec;
    CODE: "icmp.code", "Code", Uint(8), Dec;
    CHECKSUM: "icmp.checksum", "Checksum", Uint(16), Hex;
    CHECKSUM_STATUS: "icmp.checksum.status", "Checksum Status", Uint(8), Dec, names = checksum_status;
    UNUSED: "icmp.unused", "Unused", Bytes;
    RESERVED: "icmp.reserved", "Reserved", Bytes;
    LENGTH: "icmp.length", "Length", Uint(8), Dec;
    LENGTH_ORIGINAL: "icmp.length.original_datagram", "Length of original datagram", Uint(8), Dec;
    IDENT: "icmp.ident", "Identifier (BE)", Uint(16), DecHex;
    IDENT_LE: "icmp.ident_le", "Identifier (LE)", Uint(16), DecHex;
    SEQ: "icmp.seq", "Sequence Number (BE)", Uint(16), DecHex;
    SEQ_LE: "icmp.seq_le", "Sequence Number (LE)", Uint(16), DecHex;
    MTU: "icmp.mtu", "MTU of next hop", Uint(16), Dec;
    NUM_ADDRS: "icmp.num_addrs", "Number of addresses", Uint(8), Dec;
    ADDR_ENTRY_SIZE: "icmp.addr_entry_size", "Address entry size", Uint(8), Dec;
    LIFETIME: "icmp.lifetime", "Lifetime", Uint(16), Dec;
    POINTER: "icmp.pointer", "Pointer", Uint(32), Dec;
    ROUTER_ADDRESS: "icmp.router_address", "Router address", Ipv4;
    PREF_LEVEL: "icmp.pref_level", "Preference level", Int(32), Dec;
    ORIGINATE: "icmp.originate_timestamp", "Originate Timestamp", Uint(32), Dec;
    RECEIVE: "icmp.receive_timestamp", "Receive Timestamp", Uint(32), Dec;
    TRANSMIT: "icmp.transmit_timestamp", "Transmit Timestamp", Uint(32), Dec;
    ADDRESS_MASK: "icmp.address_mask", "Address Mask", Ipv4;
    REDIR_GW: "icmp.redir_gw", "Gateway Address", Ipv4;
    EXT: "icmp.ext", "ICMP Extensions", None;
    EXT_VERSION: "icmp.ext.version", "Version", Uint(8), Dec;
    EXT_RES: "icmp.ext.res", "Reserved", Uint(16), Hex, mask = 0x0fff;
    EXT_CHECKSUM: "icmp.ext.checksum", "Checksum", Uint(16), Hex;
    EXT_CHECKSUM_STATUS: "icmp.ext.checksum.status", "Checksum Status", Uint(8), Dec, names = checksum_status;
    EXT_LENGTH: "icmp.ext.length", "Length", Uint(16), Dec;
    EXT_CLASS: "icmp.ext.class", "Class", Uint(8), Dec;
    EXT_CTYPE: "icmp.ext.ctype", "C-Type", Uint(8), Dec;
    EXT_DATA: "icmp.ext.data", "Data", Bytes;
    MPLS_LABEL: "icmp.mpls.label", "Label", Uint(24), Dec, mask = 0xff_fff0;
    MPLS_EXP: "icmp.mpls.exp", "Experimental", Uint(24), Dec, mask = 0x0e;
    MPLS_S: "icmp.mpls.s", "Stack bit", Bool, None, mask = 0x01, bits = 24, names = super::names::set;
    MPLS_TTL: "icmp.mpls.ttl", "Time to live", Uint(8), Dec;
    NO_RESP: "icmp.no_resp", "No response seen", None;
    RESP_IN: "icmp.resp_in", "Response frame", FrameNumber;
    RESP_TO: "icmp.resp_to", "Request frame", FrameNumber;
    RESPTIME: "icmp.resptime", "Response time", Double;
    DATA_TIME: "icmp.data_time", "Timestamp from icmp data", AbsoluteTime;
    DATA_TIME_RELATIVE: "icmp.data_time_relative", "Timestamp from icmp data (relative)", RelativeTime;
    CHECKSUM_BAD: "icmp.checksum_bad", "Bad checksum", None;
    EXT_CHECKSUM_BAD: "icmp.ext.checksum_bad", "Bad checksum", None;
    RESP_NOT_FOUND: "icmp.resp_not_found", "Response not found", None;
}

const ECHO_REPLY: u8 = 0;
const UNREACHABLE: u8 = 3;
const SOURCE_QUENCH: u8 = 4;
const REDIRECT: u8 = 5;
const ECHO: u8 = 8;
const ROUTER_ADVERTISEMENT: u8 = 9;
const TIME_EXCEEDED: u8 = 11;
const PARAMETER_PROBLEM: u8 = 12;

/// Dissects an ICMP message.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>, ttl: u8) -> Result<(), Stop> {
    const FIELDS: checksum::Fields = checksum::Fields {
        checksum: CHECKSUM,
        status: CHECKSUM_STATUS,
        calculated: checksum::Calculated::Nowhere,
        bad: CHECKSUM_BAD,
        hint: "",
    };
    walk.columns.set_protocol("ICMP");
    walk.columns.clear_info();
    walk.begin(THIS, &region, region.captured().len());
    let (kind, code) = (region.u8(0)?, region.u8(1)?);
    let name = info_name(kind);
    walk.columns.set_info(format_args!("{name:<20}"));
    if let Some(code) = code_name(kind, code) {
        walk.columns.append_info(format_args!(" ({code})"));
    }
    let added = walk
        .tree
        .add(TYPE, region.place(0, 1), Value::Uint(kind.into()));
    let name = type_name(kind);
    walk.tree
        .label(added, format_args!("Type: {kind} ({name})"));
    let added = walk
        .tree
        .add(CODE, region.place(1, 1), Value::Uint(code.into()));
    match code_name(kind, code) {
        Some(name) => walk
            .tree
            .label(added, format_args!("Code: {code} ({name})")),
        None => walk.tree.label(added, format_args!("Code: {code}")),
    }
    let sent = region.u16(2)?;
    let whole =
        !region.is_cut() && walk.carrier.piece == Piece::Whole && walk.carrier.quoted == Quoted::No;
    let folded = whole.then(|| Sum::default().add(region.captured()).fold());
    let (added, _) = walk.checksum(FIELDS, &region, 2, sent, folded);
    if !whole {
        let why = if walk.carrier.quoted == Quoted::No {
            "fragmented datagram"
        } else {
            "in ICMP error packet"
        };
        walk.tree.label(
            added,
            format_args!("Checksum: {sent:#06x} [unverified] [{why}]"),
        );
    }
    body(walk, &region, kind, code, ttl)
}

fn body(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    kind: u8,
    code: u8,
    ttl: u8,
) -> Result<(), Stop> {
    const HEADER_LEN: usize = 8;
    let rest = region.rest(HEADER_LEN);
    match kind {
        ECHO | ECHO_REPLY => echo(walk, region, kind, ttl),
        UNREACHABLE => {
            if code == 4 {
                unused(walk, region, 4, 2);
                walk.u16(MTU, region, 6)?;
            } else {
                extended(walk, region);
            }
            quote(walk, rest);
            Ok(())
        }
        SOURCE_QUENCH => {
            quote(walk, rest);
            Ok(())
        }
        TIME_EXCEEDED => {
            extended(walk, region);
            quote(walk, rest);
            Ok(())
        }
        PARAMETER_PROBLEM => {
            if code == 0 {
                let pointer = region.u8(4)?;
                walk.tree
                    .add(POINTER, region.place(4, 1), Value::Uint(pointer.into()));
                unused(walk, region, 5, 3);
            } else {
                unused(walk, region, 4, 4);
            }
            quote(walk, rest);
            Ok(())
        }
        REDIRECT => {
            let gateway = region.array(4)?;
            walk.tree
                .add(REDIR_GW, region.place(4, 4), Value::Ipv4(gateway));
            // A header and eight bytes (RFC 792); more is not looked at.
            quote(walk, rest.part(0, 28));
            Ok(())
        }
        ROUTER_ADVERTISEMENT => advertisement(walk, region),
        13..=16 => {
            identified(walk, region)?;
            walk.columns.append_info(format_args!(", ttl={ttl}"));
            if kind < 15 {
                for (field, at) in [(ORIGINATE, 8), (RECEIVE, 12), (TRANSMIT, 16)] {
                    time_of_day(walk, region, field, at)?;
                }
            }
            walk.end();
            Ok(())
        }
        17 | 18 => {
            identified(walk, region)?;
            walk.columns.append_info(format_args!(", ttl={ttl}"));
            let mask: [u8; 4] = region.array(8)?;
            let added = walk
                .tree
                .add(ADDRESS_MASK, region.place(8, 4), Value::Ipv4(mask));
            let [a, b, c, d] = mask;
            walk.tree
                .label(added, format_args!("Address Mask: {a}.{b}.{c}.{d}"));
            walk.end();
            Ok(())
        }
        _ => {
            walk.end();
            Ok(())
        }
    }
}

fn unused(walk: &mut Walk<'_, '_>, region: &Region<'_>, offset: usize, len: usize) {
    walk.bytes(UNUSED, &region.part(offset, len));
}

/// What precedes a quoted packet whose length can be told (RFC 4884).
fn extended(walk: &mut Walk<'_, '_>, region: &Region<'_>) {
    let Ok(len) = region.u8(5) else { return };
    if len == 0 {
        unused(walk, region, 4, 4);
        return;
    }
    unused(walk, region, 4, 1);
    walk.tree
        .add(LENGTH, region.place(5, 1), Value::Uint(len.into()));
    let added = walk.tree.add(
        LENGTH_ORIGINAL,
        region.place(5, 1),
        Value::Uint(u64::from(len) * 4),
    );
    walk.tree.set_generated(added);
    unused(walk, region, 6, 2);
}

/// The packet that an error is about, as far as it has room: dissected below the error, and not shown
/// in the list.
fn quote(walk: &mut Walk<'_, '_>, region: Region<'_>) {
    let columns = std::mem::take(walk.columns);
    let (carrier, base, claimed) = (walk.carrier, walk.base, walk.claimed);
    walk.carrier.quoted = Quoted::Icmp;
    walk.base = walk.tree.depth();
    let current = walk.current;
    // Errors quote as much as they like: that there is no more is nobody's fault.
    let _cut = if region.captured().is_empty() {
        Ok(())
    } else {
        ip::dissect(walk, region)
    };
    walk.tree.set_depth(walk.base);
    (walk.carrier, walk.base, walk.claimed) = (carrier, base, claimed);
    walk.current = current;
    *walk.columns = columns;
    walk.end();
}

fn identified(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(u16, u16), Stop> {
    let both = |walk: &mut Walk<'_, '_>, field, little, offset| {
        let value = walk.u16(field, region, offset)?;
        let swapped = Value::Uint(value.swap_bytes().into());
        walk.tree.add(little, region.place(offset, 2), swapped);
        Ok(value)
    };
    let id = both(walk, IDENT, IDENT_LE, 4)?;
    let seq = both(walk, SEQ, SEQ_LE, 6)?;
    walk.columns.append_info(format_args!(
        " id=0x{id:04x}, seq={seq}/{}",
        seq.swap_bytes()
    ));
    Ok((id, seq))
}

fn echo(walk: &mut Walk<'_, '_>, region: &Region<'_>, kind: u8, ttl: u8) -> Result<(), Stop> {
    let (id, sequence) = identified(walk, region)?;
    walk.columns.append_info(format_args!(", ttl={ttl}"));
    if walk.carrier.quoted == Quoted::No {
        let echo = Echo::new(walk.carrier.source, walk.carrier.destination, id, sequence);
        pair(walk, echo, kind);
    }
    let rest = region.rest(8);
    let used = time_of_ping(walk, &rest);
    let rest = rest.rest(used);
    if rest.captured().is_empty() {
        walk.end();
        return Ok(());
    }
    let outcome = data::dissect_below(walk, rest);
    walk.end();
    outcome
}

/// Finds the request of a reply, and the other way round if that is known.
fn pair(walk: &mut Walk<'_, '_>, echo: Echo, kind: u8) {
    let seen = Seen {
        frame: walk.frame.number,
        time: walk.frame.packet.meta.ts,
    };
    if kind == ECHO {
        match walk.memory.echoes.request(echo, seen) {
            Some(reply) => {
                walk.tree.add_generated(RESP_IN, Value::Uint(reply));
                walk.columns
                    .append_info(format_args!(" (reply in {reply})"));
            }
            None if walk.memory.echoes.is_complete() => {
                no_response(walk);
            }
            None => {}
        }
        return;
    }
    if let Some(request) = walk.memory.echoes.reply(echo, seen.frame) {
        walk.tree.add_generated(RESP_TO, Value::Uint(request.frame));
        let ns = seen.time.0.wrapping_sub(request.time.0).cast_signed();
        #[expect(clippy::cast_precision_loss, reason = "shown with three decimals")]
        let ms = ns as f64 / 1e6;
        let added = walk.tree.add_generated(RESPTIME, Value::Double(ms));
        walk.tree
            .label(added, format_args!("Response time: {ms:.3} ms"));
        walk.columns
            .append_info(format_args!(" (request in {})", request.frame));
    }
}

fn no_response(walk: &mut Walk<'_, '_>) {
    use super::expert::{Group, Severity};
    let added = walk.tree.add_generated(NO_RESP, Value::None);
    walk.tree.label(added, format_args!("No response seen"));
    walk.columns
        .append_info(format_args!(" (no response found!)"));
    walk.expert(
        added,
        RESP_NOT_FOUND,
        (Severity::Warning, Group::Sequence),
        format_args!("No response seen to ICMP request"),
    );
}

/// `ping(8)` puts the time of sending in front of its data, in the order of its processor: seconds and
/// microseconds of 32 bits (of 64 bits, only the seconds are looked at). Gives how many bytes that were;
/// 0 if it does not look like a time.
fn time_of_ping(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> usize {
    const LEN: usize = 8;
    const SECONDS_IN_DAY: u64 = 24 * 60 * 60;
    let now = walk.frame.packet.meta.ts;
    let (Ok(secs), Ok(micros)) = (region.array::<4>(0), region.array::<4>(4)) else {
        return 0;
    };
    let orders: [fn([u8; 4]) -> u32; 2] = [u32::from_le_bytes, u32::from_be_bytes];
    let moments = orders.map(|order| (u64::from(order(secs)), u64::from(order(micros))));
    let near = |(secs, micros): &(u64, u64)| {
        now.secs().abs_diff(*secs) < SECONDS_IN_DAY && *micros < 1_000_000
    };
    let Some((secs, micros)) = moments.into_iter().find(near) else {
        return 0;
    };
    let sent = Timestamp::new(secs, micros * 1000);
    let place = region.place(0, LEN);
    walk.tree.add(DATA_TIME, place, Value::Time(sent));
    let ago = now.0.wrapping_sub(sent.0).cast_signed();
    let added = walk.tree.add(DATA_TIME_RELATIVE, place, Value::Span(ago));
    walk.tree.set_generated(added);
    LEN
}

fn time_of_day(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    field: crate::read::FieldId,
    at: usize,
) -> Result<(), Stop> {
    let ms = region.u32(at)?;
    let added: Added = walk
        .tree
        .add(field, region.place(at, 4), Value::Uint(ms.into()));
    let (secs, fraction) = (ms / 1000, ms % 1000);
    let (hour, minute, second) = (secs / 3600, secs / 60 % 60, secs % 60);
    let title = field.field().title;
    let plural = |count: u32| if count == 1 { "" } else { "s" };
    let mut text = String::new();
    use std::fmt::Write as _;
    if hour > 0 {
        // Writing to a string does not fail.
        let _infallible = write!(text, "{hour} hour{}, ", plural(hour));
    }
    if hour > 0 || minute > 0 {
        let _infallible = write!(text, "{minute} minute{}, ", plural(minute));
    }
    let _infallible = match fraction {
        0 => write!(text, "{second} second{}", plural(second)),
        _ => write!(text, "{second}.{fraction:03} seconds"),
    };
    walk.tree.label(
        added,
        format_args!("{title}: {ms} ({text} after midnight UTC)"),
    );
    Ok(())
}

fn advertisement(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    let count = walk.u8(NUM_ADDRS, region, 4)?;
    let size = walk.u8(ADDR_ENTRY_SIZE, region, 5)?;
    let lifetime = region.u16(6)?;
    let added = walk
        .tree
        .add(LIFETIME, region.place(6, 2), Value::Uint(lifetime.into()));
    walk.tree
        .label(added, format_args!("Lifetime: {lifetime} seconds"));
    if size == 2 {
        for entry in 0..usize::from(count) {
            let at = 8 + entry * 8;
            let address = region.array(at)?;
            walk.tree
                .add(ROUTER_ADDRESS, region.place(at, 4), Value::Ipv4(address));
            let preference = i64::from(region.u32(at + 4)?.cast_signed());
            walk.tree
                .add(PREF_LEVEL, region.place(at + 4, 4), Value::Int(preference));
        }
    }
    walk.end();
    Ok(())
}
