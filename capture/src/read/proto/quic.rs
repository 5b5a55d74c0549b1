//! QUIC (RFC 9000, RFC 9369), as far as it can be read without the keys that can be derived of a
//! connection's first packets: versions, kinds of packets, connection IDs.

use std::collections::BTreeMap;
use std::fmt;

use crate::read::field::protocol;
use crate::read::memory::Key;
use crate::read::proto::names::pick;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    29, "quic", "QUIC", "QUIC IETF";
    HEADER_FORM: "quic.header_form", "Header Form", Uint(8), Dec, mask = 0x80, names = form_name;
    FIXED_BIT: "quic.fixed_bit", "Fixed Bit", Bool, None, mask = 0x40;
    PACKET_TYPE: "quic.long.packet_type", "Packet Type", Uint(8), Dec, mask = 0x30, names = type_name;
    VERSION: "quic.version", "Version", Uint(32), Hex, names = version_name;
    DCIL: "quic.dcil", "Destination Connection ID Length", Uint(8), Dec;
    DCID: "quic.dcid", "Destination Connection ID", Bytes;
    SCIL: "quic.scil", "Source Connection ID Length", Uint(8), Dec;
    SCID: "quic.scid", "Source Connection ID", Bytes;
    TOKEN_LENGTH: "quic.token_length", "Token Length", Uint(64), Dec;
    LENGTH: "quic.length", "Length", Uint(64), Dec;
    REMAINING_PAYLOAD: "quic.remaining_payload", "Remaining Payload", Bytes;
    SUPPORTED_VERSION: "quic.supported_version", "Supported Version", Uint(32), Hex, names = version_name;
}

fn form_name(value: u64) -> Option<&'static str> {
    pick(value, &["Short Header", "Long Header"])
}

const fn type_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Initial",
        1 => "0-RTT",
        2 => "Handshake",
        3 => "Retry",
        _ => return None,
    })
}

const fn version_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Version Negotiation",
        1 => "1",
        0x6b33_43cf => "2",
        0xff00_001d => "draft-29",
        0xff00_0020 => "draft-32",
        _ => return None,
    })
}

/// How many conversations are remembered.
const MAX_CONVERSATIONS: usize = 1 << 16;
const INITIAL: u8 = 0;
const RETRY: u8 = 3;
const V2: u32 = 0x6b33_43cf;

/// The conversations that are QUIC, by the number of their UDP stream, with the lengths of the
/// connection IDs that each side wants to be sent.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    known: BTreeMap<u32, [Option<u8>; 2]>,
}

/// Whether this version can be: 1, 2, and drafts from 11 on.
const fn is_version(version: u32) -> bool {
    matches!(version, 1 | V2 | 0xff00_000b..=0xff00_0022 | 0x709a_50c4)
}

/// Bytes as the list shows them.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Dissects a datagram of the UDP stream `stream`, if it is QUIC.
pub(crate) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    stream: u32,
    [source, destination]: [u16; 2],
) -> Result<bool, Stop> {
    let Ok(first) = region.u8(0) else {
        return Ok(false);
    };
    let carrier = walk.carrier;
    let (_, direction) = Key::new((carrier.source, source), (carrier.destination, destination));
    let known = walk.memory.quic.known.get(&stream).copied();
    let is_long = first & 0x80 != 0;
    let has_version = is_long && region.u32(1).is_ok_and(is_version);
    if known.is_none() && (!has_version || region.reported() < 13) {
        return Ok(false);
    }
    if known.is_none() {
        if walk.memory.quic.known.len() >= MAX_CONVERSATIONS {
            walk.memory.quic.known.pop_first();
        }
        walk.memory.quic.known.insert(stream, [None; 2]);
    }
    walk.columns.set_protocol("QUIC");
    walk.columns.clear_info();
    let mut at = 0;
    let mut separator = "";
    while at < region.reported() {
        let rest = region.rest(at);
        let first = rest.u8(0)?;
        // What follows a packet and is none is padding.
        if at > 0 && first & 0x40 == 0 {
            break;
        }
        let len = if first & 0x80 == 0 {
            let lens = walk.memory.quic.known.get(&stream);
            let wanted = lens.and_then(|lens| lens[1 - direction.index()]);
            short(walk, &rest, wanted, separator)?;
            rest.reported()
        } else {
            let (len, scid_len) = long(walk, &rest, separator)?;
            if let Some(lens) = walk.memory.quic.known.get_mut(&stream) {
                lens[direction.index()] = Some(scid_len);
            }
            len
        };
        separator = ", ";
        at += len.max(1);
    }
    Ok(true)
}

/// A packet with a short header: of that, only the connection ID can be read.
fn short(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    id_len: Option<u8>,
    separator: &str,
) -> Result<(), Stop> {
    walk.begin(THIS, region, region.captured().len());
    let first = region.u8(0)?;
    let place = region.place(0, 1);
    walk.tree.add(HEADER_FORM, place, Value::Uint(0));
    walk.tree
        .add(FIXED_BIT, place, Value::Bool(first & 0x40 != 0));
    walk.columns
        .append_info(format_args!("{separator}Protected Payload (KP0)"));
    let len = usize::from(id_len.unwrap_or(0));
    if len > 0 {
        let id = region.slice(1, len)?;
        walk.tree.add(DCID, region.place(1, len), Value::Bytes);
        walk.columns.append_info(format_args!(", DCID={}", Hex(id)));
    }
    walk.bytes(REMAINING_PAYLOAD, &region.rest(1 + len));
    walk.end();
    Ok(())
}

/// A packet with a long header. Gives its length, and that of its source's connection ID.
fn long(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    separator: &str,
) -> Result<(usize, u8), Stop> {
    let (first, version) = (region.u8(0)?, region.u32(1)?);
    let dcid_len = region.u8(5)?;
    let dcid = region.slice(6, dcid_len.into())?;
    let scid_at = 6 + usize::from(dcid_len);
    let scid_len = region.u8(scid_at)?;
    let scid = region.slice(scid_at + 1, scid_len.into())?;
    let mut at = scid_at + 1 + usize::from(scid_len);
    let added = walk.begin(THIS, region, region.captured().len());
    let place = region.place(0, 1);
    walk.tree.add(HEADER_FORM, place, Value::Uint(1));
    // Version 2 numbers its packets otherwise (RFC 9369 section 3.2).
    let kind = match (version, first >> 4 & 3) {
        (V2, kind) => (kind + 3) & 3,
        (_, kind) => kind,
    };
    if version != 0 {
        walk.tree
            .add(FIXED_BIT, place, Value::Bool(first & 0x40 != 0));
        walk.tree.add(PACKET_TYPE, place, Value::Uint(kind.into()));
    }
    walk.u32(VERSION, region, 1)?;
    walk.u8(DCIL, region, 5)?;
    if dcid_len > 0 {
        walk.tree
            .add(DCID, region.place(6, dcid_len.into()), Value::Bytes);
    }
    walk.u8(SCIL, region, scid_at)?;
    if scid_len > 0 {
        let place = region.place(scid_at + 1, scid_len.into());
        walk.tree.add(SCID, place, Value::Bytes);
    }
    let name = match version {
        0 => "Version Negotiation",
        _ => type_name(kind.into()).unwrap_or(""),
    };
    walk.columns.append_info(format_args!("{separator}{name}"));
    for (word, id) in [("DCID", dcid), ("SCID", scid)] {
        if !id.is_empty() {
            walk.columns
                .append_info(format_args!(", {word}={}", Hex(id)));
        }
    }
    let mut len = region.reported();
    if version == 0 {
        while at + 4 <= region.reported() {
            walk.u32(SUPPORTED_VERSION, region, at)?;
            at += 4;
        }
    } else if kind != RETRY {
        if kind == INITIAL {
            let (token_len, size) = number(region, at)?;
            let value = Value::Uint(token_len);
            walk.tree.add(TOKEN_LENGTH, region.place(at, size), value);
            let token_len = usize::try_from(token_len).unwrap_or(usize::MAX);
            at = at.saturating_add(size).saturating_add(token_len);
        }
        let (said, size) = number(region, at)?;
        walk.tree
            .add(LENGTH, region.place(at, size), Value::Uint(said));
        at += size;
        let said = usize::try_from(said).unwrap_or(usize::MAX);
        len = at.saturating_add(said).min(region.reported());
        walk.bytes(REMAINING_PAYLOAD, &region.part(at, len.saturating_sub(at)));
    }
    walk.tree.set_len(added, len as u32);
    walk.end();
    Ok((len, scid_len))
}

/// A number of variable length (RFC 9000 section 16), and how many bytes it has.
fn number(region: &Region<'_>, at: usize) -> Result<(u64, usize), Stop> {
    let first = region.u8(at)?;
    Ok(match first >> 6 {
        0 => (u64::from(first & 0x3f), 1),
        1 => (u64::from(region.u16(at)? & 0x3fff), 2),
        2 => (u64::from(region.u32(at)? & 0x3fff_ffff), 4),
        _ => (region.u64(at)? & 0x3fff_ffff_ffff_ffff, 8),
    })
}
