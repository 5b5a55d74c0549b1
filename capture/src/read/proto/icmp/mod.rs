//! ICMP (RFC 792), as by Wireshark's `packet-icmp.c`.
//!
//! - `names.rs` names of types and codes
//! - `echo.rs` echoes; `pairs.rs` which reply answers which request
//! - `extension.rs` objects behind a quoted packet (RFC 4884)
//! - `mobile.rs` what agents of mobile nodes add to advertisements (RFC 5944)

pub(crate) mod echo;
pub(crate) mod extension;
mod mobile;
pub(crate) mod names;
pub(crate) mod pairs;

use names::{code_name, type_name};

use super::checksum::{self, Sum};
use super::expert::{Group, Severity};
use super::names::ip::checksum_status;
use super::text::{Milliseconds, Words};
use super::{data, ip};
use crate::read::field::{FieldId, protocol};
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
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
    EXT_CLASS: "icmp.ext.class", "Class", Uint(8), Dec, names = names::class;
    EXT_CTYPE: "icmp.ext.ctype", "C-Type", Uint(8), Dec;
    EXT_DATA: "icmp.ext.data", "Data", Bytes;
    MPLS_LABEL: "icmp.mpls.label", "Label", Uint(24), Dec, mask = 0xff_fff0;
    MPLS_EXP: "icmp.mpls.exp", "Experimental", Uint(24), Dec, mask = 0x0e;
    MPLS_S: "icmp.mpls.s", "Stack bit", Bool, None, mask = 0x01, bits = 24, names = super::names::set;
    MPLS_TTL: "icmp.mpls.ttl", "Time to live", Uint(8), Dec;
    MPLS_DATA: "icmp.mpls.data", "Data", Bytes;
    ROLE: "icmp.int_info.role", "Interface Role", Uint(8), Dec, mask = 0xc0, names = names::role;
    INFO_RESERVED: "icmp.int_info.reserved", "Reserved", Uint(8), Dec, mask = 0x30;
    HAS_INDEX: "icmp.int_info.ifindex", "ifIndex", Bool, None, mask = 0x08;
    HAS_ADDRESS: "icmp.int_info.ipaddr", "IP Address", Bool, None, mask = 0x04, names = names::present;
    HAS_NAME: "icmp.int_info.name_present", "Interface Name", Bool, None, mask = 0x02, names = names::present;
    HAS_MTU: "icmp.int_info.mtu_present", "MTU", Bool, None, mask = 0x01, names = names::present;
    INFO_INDEX: "icmp.int_info.index", "Interface Index", Uint(32), Dec;
    INFO_FAMILY: "icmp.int_info.afi", "Address Family Identifier", Uint(16), Dec;
    INFO_IPV4: "icmp.int_info.ipv4", "Source", Ipv4;
    INFO_IPV6: "icmp.int_info.ipv6", "Source", Ipv6;
    INFO_ADDRESS: "icmp.int_info.ipunknown", "Source", Bytes;
    INFO_NAME_LENGTH: "icmp.int_info.name_length", "Name Length", Uint(8), Dec;
    INFO_NAME: "icmp.int_info.name", "Name", String;
    INFO_MTU: "icmp.int_info.mtu", "Maximum Transmission Unit", Uint(32), Dec;
    PROBE_SEQ: "icmp.ext.echo.seq", "Sequence Number", Uint(8), DecHex;
    PROBE_RESERVED: "icmp.ext.echo.req.res", "Reserved", Uint(8), Hex, mask = 0xfe;
    PROBE_LOCAL: "icmp.ext.echo.req.local", "Local bit", Bool, None, mask = 0x01, names = super::names::set;
    PROBED_STATE: "icmp.ext.echo.rsp.state", "State", Uint(8), Dec, mask = 0xe0, names = names::state;
    PROBED_RESERVED: "icmp.ext.echo.rsp.res", "Reserved", Uint(8), Hex, mask = 0x18;
    PROBED_ACTIVE: "icmp.ext.echo.rsp.active", "Active bit", Bool, None, mask = 0x04, names = super::names::set;
    PROBED_IPV4: "icmp.ext.echo.rsp.ipv4", "IPv4 bit", Bool, None, mask = 0x02, names = super::names::set;
    PROBED_IPV6: "icmp.ext.echo.rsp.ipv6", "IPv6 bit", Bool, None, mask = 0x01, names = super::names::set;
    IDENT_NAME: "icmp.int_ident.name", "Name", String;
    IDENT_INDEX: "icmp.int_ident.index", "Interface Index", Uint(32), Dec;
    IDENT_FAMILY: "icmp.int_ident.afi", "Address Family Identifier", Uint(16), Dec, names = names::family;
    IDENT_LENGTH: "icmp.int_ident.addr_length", "Address Length", Uint(8), Dec;
    IDENT_RESERVED: "icmp.int_ident.reserved", "Reserved", Bytes;
    IDENT_IPV4: "icmp.int_ident.ipv4", "Address", Ipv4;
    IDENT_IPV6: "icmp.int_ident.ipv6", "Address", Ipv6;
    IDENT_ADDRESS: "icmp.int_ident.address", "Address", Bytes;
    MIP_TYPE: "icmp.mip.type", "Extension Type", Uint(8), Dec, names = names::mobile;
    MIP_LENGTH: "icmp.mip.length", "Length", Uint(8), Dec;
    MIP_PREFIX_LENGTH: "icmp.mip.prefixlength", "Prefix Length", Uint(8), Dec;
    MIP_SEQ: "icmp.mip.seq", "Sequence Number", Uint(16), Dec;
    MIP_LIFE: "icmp.mip.life", "Registration Lifetime", Uint(16), Dec;
    MIP_FLAGS: "icmp.mip.flags", "Flags", Uint(16), Hex;
    MIP_R: "icmp.mip.r", "Registration Required", Bool, None, mask = 0x8000, bits = 16;
    MIP_B: "icmp.mip.b", "Busy", Bool, None, mask = 0x4000, bits = 16;
    MIP_H: "icmp.mip.h", "Home Agent", Bool, None, mask = 0x2000, bits = 16;
    MIP_F: "icmp.mip.f", "Foreign Agent", Bool, None, mask = 0x1000, bits = 16;
    MIP_M: "icmp.mip.m", "Minimal Encapsulation", Bool, None, mask = 0x0800, bits = 16;
    MIP_G: "icmp.mip.g", "GRE", Bool, None, mask = 0x0400, bits = 16;
    MIP_V: "icmp.mip.v", "VJ Comp", Bool, None, mask = 0x0200, bits = 16;
    MIP_RT: "icmp.mip.rt", "Reverse tunneling", Bool, None, mask = 0x0100, bits = 16;
    MIP_U: "icmp.mip.u", "UDP tunneling", Bool, None, mask = 0x0080, bits = 16;
    MIP_X: "icmp.mip.x", "Revocation support", Bool, None, mask = 0x0040, bits = 16;
    MIP_RESERVED: "icmp.mip.reserved", "Reserved", Uint(16), Hex, mask = 0x003f;
    MIP_COA: "icmp.mip.coa", "Care-Of-Address", Ipv4;
    MIP_CHALLENGE: "icmp.mip.challenge", "Challenge", Bytes;
    MIP_CONTENT: "icmp.mip.content", "Content", Bytes;
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
const PROBE: u8 = 42;
const PROBE_REPLY: u8 = 43;

/// Dissects an ICMP message in a packet with this time to live.
pub(crate) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    ttl: Option<u8>,
) -> Result<(), Stop> {
    const FIELDS: checksum::Fields = checksum::Fields {
        checksum: CHECKSUM,
        status: CHECKSUM_STATUS,
        calculated: checksum::Calculated::Nowhere,
        bad: CHECKSUM_BAD,
        how: (Severity::Warning, Group::Checksum),
        hint: "",
        zero: 0,
    };
    walk.columns.set_protocol("ICMP");
    walk.columns.clear_info();
    walk.enter(THIS);
    let (kind, code) = (region.u8(0)?, region.u8(1)?);
    // The length of what is quoted, where there is one, is looked at first.
    let quoted_words = region.u8(5)?;
    let code_name = code_name(kind, code);
    let name = match (kind, code) {
        (ROUTER_ADVERTISEMENT, 0 | 16) => "Mobile IP Advertisement",
        _ => type_name(kind),
    };
    walk.columns.set_info(format_args!("{name:<20}"));
    if let Some(code) = &code_name {
        walk.columns.append_info(format_args!(" ({code})"));
    }
    walk.node(THIS, &region, region.captured().len());
    let added = walk
        .tree
        .add(TYPE, region.place(0, 1), Value::Uint(kind.into()));
    walk.tree
        .label(added, format_args!("Type: {kind} ({name})"));
    let added = walk
        .tree
        .add(CODE, region.place(1, 1), Value::Uint(code.into()));
    match code_name {
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
    second_word(walk, &region, (kind, code), quoted_words)?;
    if matches!(kind, ECHO | ECHO_REPLY | 13..=18)
        && let Some(ttl) = ttl
    {
        walk.columns.append_info(format_args!(", ttl={ttl}"));
    }
    body(walk, &region, (kind, code), quoted_words)?;
    walk.end();
    Ok(())
}

/// The four bytes behind the checksum.
fn second_word(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    (kind, code): (u8, u8),
    quoted_words: u8,
) -> Result<(), Stop> {
    match kind {
        ECHO | ECHO_REPLY | 13..=18 => {
            let (id, seq) = identified(walk, region)?;
            walk.columns.append_info(format_args!(
                " id=0x{id:04x}, seq={seq}/{}",
                seq.swap_bytes()
            ));
        }
        UNREACHABLE | TIME_EXCEEDED => {
            let is_mtu = kind == UNREACHABLE && code == 4;
            if quoted_words > 0 {
                unused(walk, region, 4, 1)?;
                quoted_len(walk, region, quoted_words);
            } else if is_mtu {
                unused(walk, region, 4, 2)?;
            } else {
                return unused(walk, region, 4, 4);
            }
            if is_mtu {
                walk.u16(MTU, region, 6)?;
            } else {
                unused(walk, region, 6, 2)?;
            }
        }
        PARAMETER_PROBLEM => {
            let pointer = region.u8(4)?;
            walk.tree
                .add(POINTER, region.place(4, 1), Value::Uint(pointer.into()));
            if quoted_words > 0 {
                quoted_len(walk, region, quoted_words);
                unused(walk, region, 6, 2)?;
            } else {
                unused(walk, region, 5, 3)?;
            }
        }
        REDIRECT => {
            let gateway = region.array(4)?;
            walk.tree
                .add(REDIR_GW, region.place(4, 4), Value::Ipv4(gateway));
        }
        ROUTER_ADVERTISEMENT => {
            walk.u8(NUM_ADDRS, region, 4)?;
            walk.u8(ADDR_ENTRY_SIZE, region, 5)?;
            let lifetime = region.u16(6)?;
            let added = walk
                .tree
                .add(LIFETIME, region.place(6, 2), Value::Uint(lifetime.into()));
            walk.tree.label(
                added,
                format_args!("Lifetime: {lifetime} ({})", Words(lifetime.into())),
            );
        }
        PROBE | PROBE_REPLY => probe(walk, region, kind)?,
        _ => {}
    }
    Ok(())
}

/// What follows.
fn body(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    (kind, code): (u8, u8),
    quoted_words: u8,
) -> Result<(), Stop> {
    const HEADER_LEN: usize = 8;
    let rest = region.rest(HEADER_LEN);
    match kind {
        UNREACHABLE | SOURCE_QUENCH | REDIRECT | TIME_EXCEEDED | PARAMETER_PROBLEM => {
            let quoted = usize::from(quoted_words) * 4;
            let len = region.reported();
            let total = |region: &Region<'_>| region.u16(HEADER_LEN + 2).map(usize::from);
            let is_whole = kind != REDIRECT && (quoted == 0 || len <= HEADER_LEN + quoted);
            let part = if is_whole {
                rest
            } else if kind == REDIRECT {
                // A header and eight bytes (RFC 792); more is not looked at.
                rest.part(0, usize::from(region.u8(HEADER_LEN)? & 15) * 4 + 8)
            } else if total(region)? > quoted {
                rest.part(0, usize::from(region.u8(HEADER_LEN)? & 15) * 4 + quoted)
            } else {
                rest
            };
            if region.is_cut() && region.captured().len() == HEADER_LEN {
                walk.enter(ip::THIS);
            }
            quote(walk, part)?;
            // Where a quoted packet is short, what is behind 128 bytes is not of it.
            if len > HEADER_LEN + 128 && total(region)? <= 128 {
                let at = HEADER_LEN + if quoted > 0 { quoted } else { 128 };
                extension::dissect(walk, &region.from(at)?)?;
            }
            Ok(())
        }
        ECHO | ECHO_REPLY => echo::dissect(walk, region, kind),
        ROUTER_ADVERTISEMENT => advertisement(walk, region, code),
        13 | 14 => {
            for (field, at) in [(ORIGINATE, 8), (RECEIVE, 12), (TRANSMIT, 16)] {
                time_of_day(walk, region, field, at)?;
            }
            Ok(())
        }
        17 | 18 => {
            let mask = Value::Ipv4(region.array(8)?);
            walk.tree.add(ADDRESS_MASK, region.place(8, 4), mask);
            Ok(())
        }
        PROBE if region.reported() > HEADER_LEN => extension::dissect(walk, &rest),
        _ => Ok(()),
    }
}

fn unused(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    offset: usize,
    len: usize,
) -> Result<(), Stop> {
    region.slice(offset, len)?;
    walk.bytes(UNUSED, &region.part(offset, len));
    Ok(())
}

/// How long the quoted packet is (RFC 4884 section 4).
fn quoted_len(walk: &mut Walk<'_, '_>, region: &Region<'_>, words: u8) {
    let place = region.place(5, 1);
    walk.tree.add(LENGTH, place, Value::Uint(words.into()));
    let bytes = Value::Uint(u64::from(words) * 4);
    let added = walk.tree.add(LENGTH_ORIGINAL, place, bytes);
    walk.tree.set_generated(added);
}

/// The packet that an error is about, as far as it has room: dissected below the error, and not shown
/// in the list.
fn quote(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    let columns = std::mem::take(walk.columns);
    let (carrier, base, claimed) = (walk.carrier, walk.base, walk.claimed);
    walk.carrier.quoted = Quoted::Icmp;
    walk.base = walk.tree.depth();
    let current = walk.current;
    let outcome = ip::dissect_by_version(walk, region);
    walk.tree.set_depth(walk.base);
    (walk.carrier, walk.base, walk.claimed) = (carrier, base, claimed);
    walk.current = current;
    *walk.columns = columns;
    match outcome {
        // Errors quote as much as they like: that there is no more is nobody's fault.
        Err(Stop::Malformed) | Ok(()) => Ok(()),
        Err(stop) => {
            walk.current = ip::THIS;
            Err(stop)
        }
    }
}

fn identified(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(u16, u16), Stop> {
    let id = both_orders(walk, region, (IDENT, IDENT_LE), 4)?;
    let seq = both_orders(walk, region, (SEQ, SEQ_LE), 6)?;
    Ok((id, seq))
}

fn both_orders(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    (field, little): (FieldId, FieldId),
    offset: usize,
) -> Result<u16, Stop> {
    let value = walk.u16(field, region, offset)?;
    let swapped = Value::Uint(value.swap_bytes().into());
    walk.tree.add(little, region.place(offset, 2), swapped);
    Ok(value)
}

/// A question about an interface, or the answer (RFC 8335).
fn probe(walk: &mut Walk<'_, '_>, region: &Region<'_>, kind: u8) -> Result<(), Stop> {
    both_orders(walk, region, (IDENT, IDENT_LE), 4)?;
    walk.u8(PROBE_SEQ, region, 6)?;
    let bits = region.u8(7)?;
    let place = region.place(7, 1);
    let tree = &mut *walk.tree;
    if kind == PROBE {
        tree.add(PROBE_RESERVED, place, Value::Uint((bits >> 1).into()));
        tree.add(PROBE_LOCAL, place, Value::Bool(bits & 1 != 0));
        return Ok(());
    }
    tree.add(PROBED_STATE, place, Value::Uint((bits >> 5).into()));
    tree.add(PROBED_RESERVED, place, Value::Uint((bits >> 3 & 3).into()));
    for (field, bit) in [(PROBED_ACTIVE, 4), (PROBED_IPV4, 2), (PROBED_IPV6, 1)] {
        tree.add(field, place, Value::Bool(bits & bit != 0));
    }
    Ok(())
}

/// Milliseconds since midnight, in the order of bytes in which they look like it.
fn time_of_day(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    field: FieldId,
    at: usize,
) -> Result<(), Stop> {
    let sent = region.u32(at)?;
    let added = walk
        .tree
        .add(field, region.place(at, 4), Value::Uint(sent.into()));
    let now = walk.frame.packet.meta.ts.0 / 1_000_000 % u64::from(MS_OF_DAY);
    let ms = likely_time(sent, now as u32);
    let title = field.field().title;
    walk.tree.label(
        added,
        format_args!("{title}: {sent} ({} after midnight UTC)", Milliseconds(ms)),
    );
    Ok(())
}

const MS_OF_DAY: u32 = 86_400_000;

/// Which of its two orders of bytes a time of day has; the high bit says that it is none (RFC 792).
fn likely_time(sent: u32, now: u32) -> u32 {
    let [big, little] = [sent, sent.swap_bytes()].map(|time| time & 0x7fff_ffff);
    match (big < MS_OF_DAY, little < MS_OF_DAY) {
        (true, false) => return big,
        (false, true) => return little,
        _ => {}
    }
    // After midnight, what was sent late on the day before is larger.
    let after = |time: u32| {
        let is_next_day = time < now && time <= MS_OF_DAY / 4 && now >= MS_OF_DAY - MS_OF_DAY / 4;
        let time = if is_next_day && big < MS_OF_DAY {
            time + MS_OF_DAY
        } else {
            time
        };
        time.wrapping_sub(now)
    };
    if after(big) < after(little) {
        big
    } else {
        little
    }
}

fn advertisement(walk: &mut Walk<'_, '_>, region: &Region<'_>, code: u8) -> Result<(), Stop> {
    let (count, size) = (usize::from(region.u8(4)?), region.u8(5)?);
    if size != 2 {
        return data::dissect_below(walk, region.rest(8));
    }
    for entry in 0..count {
        let at = 8 + entry * 8;
        let address = region.array(at)?;
        walk.tree
            .add(ROUTER_ADDRESS, region.place(at, 4), Value::Ipv4(address));
        let preference = i64::from(region.u32(at + 4)?.cast_signed());
        walk.tree
            .add(PREF_LEVEL, region.place(at + 4, 4), Value::Int(preference));
    }
    if matches!(code, 0 | 16) {
        mobile::dissect(walk, &region.rest(8 + count * 8))?;
    }
    Ok(())
}
