//! GRE (RFC 2784, 2890, and 2637 for PPTP), as by Wireshark's `packet-gre.c`.

use super::brief::{shim, wireless};
use super::{data, erspan, eth, ethertype, ppp};
use crate::read::field::protocol;
use crate::read::proto::names::pick;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Value};
use crate::read::walk::Walk;

protocol! {
    18, "gre", "GRE", "Generic Routing Encapsulation";
    FLAGS: "gre.flags_and_version", "Flags and Version", Uint(16), Hex;
    CHECKSUM_BIT: "gre.flags.checksum", "Checksum Bit", Bool, None, mask = 0x8000, names = yes;
    ROUTING_BIT: "gre.flags.routing", "Routing Bit", Bool, None, mask = 0x4000, names = yes;
    KEY_BIT: "gre.flags.key", "Key Bit", Bool, None, mask = 0x2000, names = yes;
    SEQUENCE_BIT: "gre.flags.sequence_number", "Sequence Number Bit", Bool, None, mask = 0x1000, names = yes;
    STRICT_BIT: "gre.flags.strict_source_route", "Strict Source Route Bit", Bool, None, mask = 0x0800, names = yes;
    RECURSION: "gre.flags.recursion_control", "Recursion control", Uint(16), Dec, mask = 0x0700;
    ACK_BIT: "gre.flags.ack", "Acknowledgment", Bool, None, mask = 0x0080, names = yes;
    RESERVED: "gre.flags.reserved", "Flags (Reserved)", Uint(16), Dec, mask = 0x00f8;
    RESERVED_V1: "gre.flags.reserved", "Flags (Reserved)", Uint(16), Dec, mask = 0x0078;
    VERSION: "gre.flags.version", "Version", Uint(16), Dec, mask = 0x0007, names = version_name;
    PROTO: "gre.proto", "Protocol Type", Uint(16), Hex, names = type_name;
    CHECKSUM: "gre.checksum", "Checksum", Uint(16), Hex;
    CHECKSUM_STATUS: "gre.checksum.status", "Checksum Status", Uint(8), Dec, names = super::names::ip::checksum_status;
    OFFSET: "gre.offset", "Offset", Uint(16), Dec;
    KEY: "gre.key", "Key", Uint(32), Hex;
    KEY_PAYLOAD_LENGTH: "gre.key.payload_length", "Payload Length", Uint(16), Dec;
    KEY_CALL_ID: "gre.key.call_id", "Call ID", Uint(16), Dec;
    SEQUENCE_NUMBER: "gre.sequence_number", "Sequence Number", Uint(32), Dec;
    ACK_NUMBER: "gre.ack_number", "Acknowledgment Number", Uint(32), Dec;
    CHECKSUM_BAD: "gre.checksum.incorrect", "Incorrect GRE Checksum", None;
}

fn yes(value: u64) -> Option<&'static str> {
    pick(value, &["No", "Yes"])
}

const fn version_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "GRE",
        1 => "Enhanced GRE",
        _ => return None,
    })
}

const PPP: u16 = 0x880b;
const ERSPAN: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;

const fn type_name(value: u64) -> Option<&'static str> {
    Some(match value as u16 {
        0x0000 => "Possible GRE keepalive packet",
        0x00fe => "OSI",
        0x0800 => "IP",
        0x2000 => "CDP (Cisco)",
        0x2001 => "NHRP",
        0x6400 => "MIKROTIK EoIP",
        0x6559 => "Frame Relay",
        0x8137 => "IPX",
        0x8200..=0x8370 | 0x9000 => "ARUBA WLAN",
        PPP => "PPP",
        ERSPAN => "ERSPAN",
        ERSPAN_III => "ERSPAN III",
        0x883e => "WCCP",
        0xb7ea => "Huawei GRE bonding",
        0xfeae => "AIROHIVE AP AP",
        0x0806 => "ARP",
        0x6558 => "Transparent Ethernet bridging",
        0x86dd => "IPv6",
        0x8847 => "MPLS label switched packet",
        0x8881 => "CDMA2000 A10 Unstructured byte stream",
        0x88d2 => "CDMA2000 A10 3GPP2 Packet",
        0x8909 => "CiscoMetaData",
        0x894f => "Network Service Header",
        _ => return None,
    })
}

/// Its UDP port (RFC 8086).
pub(crate) const PORT: u16 = 4754;

/// Dissects a GRE header and what follows it.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.enter(THIS);
    let (flags, kind) = (region.u16(0)?, region.u16(2)?);
    walk.columns.set_protocol("GRE");
    let added = walk.node(THIS, &region, 4);
    let name = type_name(kind.into());
    match name {
        Some(name) => walk.columns.set_info(format_args!("Encapsulated {name}")),
        None => walk
            .columns
            .set_info(format_args!("Encapsulated 0x{kind:04x} (unknown)")),
    }
    match name {
        Some(name) => walk.tree.label(
            added,
            format_args!("Generic Routing Encapsulation ({name})"),
        ),
        None => walk.tree.label(
            added,
            format_args!("Generic Routing Encapsulation (0x{kind:04x} - unknown)"),
        ),
    }
    bits(walk, &region, flags);
    walk.u16(PROTO, &region, 2)?;
    let at = optional(walk, &region, flags, kind)?;
    walk.tree.set_len(added, at as u32);
    walk.end();
    if flags & 7 == 1 && at >= region.reported() {
        return Ok(());
    }
    let rest = region.rest(at);
    // Mirrored frames without a sequence number have no header of their own.
    let outcome = if kind == ERSPAN && flags & 0x1000 == 0 {
        erspan::dissect_v1(walk, rest)
    } else {
        hand_on(walk, kind, rest)
    };
    walk.claimed = None;
    outcome
}

fn bits(walk: &mut Walk<'_, '_>, region: &Region<'_>, flags: u16) {
    let tree = &mut *walk.tree;
    let place = region.place(0, 2);
    tree.add(FLAGS, place, Value::Uint(flags.into()));
    tree.open();
    let bit = |tree: &mut crate::read::Tree, field, mask: u16| {
        tree.add(field, place, Value::Bool(flags & mask != 0));
    };
    bit(tree, CHECKSUM_BIT, 0x8000);
    bit(tree, ROUTING_BIT, 0x4000);
    bit(tree, KEY_BIT, 0x2000);
    bit(tree, SEQUENCE_BIT, 0x1000);
    bit(tree, STRICT_BIT, 0x0800);
    tree.add(RECURSION, place, Value::Uint((flags >> 8 & 7).into()));
    if flags & 7 == 1 {
        bit(tree, ACK_BIT, 0x0080);
        tree.add(RESERVED_V1, place, Value::Uint((flags >> 3 & 15).into()));
    } else {
        tree.add(RESERVED, place, Value::Uint((flags >> 3 & 31).into()));
    }
    tree.add(VERSION, place, Value::Uint((flags & 7).into()));
    tree.close();
}

/// The fields that bits announce; gives where they end.
fn optional(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    flags: u16,
    kind: u16,
) -> Result<usize, Stop> {
    use super::checksum::{Calculated, Fields, Sum};
    use super::expert::{Group, Severity};
    const FIELDS: Fields = Fields {
        checksum: CHECKSUM,
        status: CHECKSUM_STATUS,
        calculated: Calculated::Nowhere,
        bad: CHECKSUM_BAD,
        how: (Severity::Warning, Group::Protocol),
        hint: "",
        zero: 0,
    };
    let mut at = 4;
    if flags & 0xc000 != 0 {
        let sent = region.u16(at)?;
        let whole = (!region.is_cut()).then(|| Sum::default().add(region.captured()).fold());
        let folded = whole.filter(|_| flags & 0x8000 != 0);
        let _node: (Added, _) = walk.checksum(FIELDS, region, at, sent, folded);
        walk.u16(OFFSET, region, at + 2)?;
        at += 4;
    }
    if flags & 0x2000 != 0 {
        if flags & 7 == 1 && kind == PPP {
            walk.u16(KEY_PAYLOAD_LENGTH, region, at)?;
            walk.u16(KEY_CALL_ID, region, at + 2)?;
        } else {
            walk.u32(KEY, region, at)?;
        }
        at += 4;
    }
    if flags & 0x1000 != 0 {
        walk.u32(SEQUENCE_NUMBER, region, at)?;
        at += 4;
    }
    if flags & 7 == 1 && flags & 0x80 != 0 {
        walk.u32(ACK_NUMBER, region, at)?;
        at += 4;
    }
    if flags & 0x4000 != 0 {
        // Source routes: an address family, an offset, a length, and no length ends the list.
        loop {
            let len = usize::from(region.u8(at + 3)?);
            at += 4 + len;
            if len == 0 {
                break;
            }
        }
    }
    Ok(at)
}

/// Dissects what GRE carries.
pub(crate) fn hand_on(walk: &mut Walk<'_, '_>, kind: u16, rest: Region<'_>) -> Result<(), Stop> {
    match kind {
        PPP => ppp::dissect_hdlc(walk, rest),
        0x6558 => eth::dissect(walk, rest, eth::Fcs::None),
        ERSPAN => erspan::dissect(walk, rest),
        ERSPAN_III => erspan::dissect_v3(walk, rest),
        shim::NSH => shim::nsh(walk, rest),
        // Not every type of Ethernet's is one of GRE's: a tag is not (`gre.proto`).
        ethertype::IPV4 | ethertype::IPV6 | ethertype::ARP | 0x8847 | 0x8848 => {
            ethertype::hand_on(walk, kind, rest)
        }
        0x8200..=0x8370 if kind.is_multiple_of(16) => wireless::header::bare(walk, rest),
        _ => data::dissect(walk, rest),
    }
}
