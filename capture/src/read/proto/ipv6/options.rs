//! Options of IPv6, for every node on the way or for the destination (RFC 8200 section 4.2, and what IANA
//! registered later).

use super::extension::{self, HOPOPTS};
use super::{
    DSTOPTS_LEN, DSTOPTS_LEN_OCT, DSTOPTS_NXT, HOPOPTS_LEN, HOPOPTS_LEN_OCT, HOPOPTS_NOT_FIRST,
    HOPOPTS_NXT, JUMBO_PROHIBITED, JUMBO_TRUNCATED, OPT, OPT_ACTION, OPT_ALERT, OPT_CALIPSO_BITMAP,
    OPT_CALIPSO_CHECKSUM, OPT_CALIPSO_DOI, OPT_CALIPSO_LENGTH, OPT_CALIPSO_LEVEL, OPT_CHANGE,
    OPT_DATA, OPT_DEPRECATED, OPT_EXPERIMENTAL, OPT_HOME, OPT_ILNP, OPT_INVALID, OPT_JUMBO,
    OPT_LENGTH, OPT_LINE, OPT_LINE_LENGTH, OPT_MISMATCH, OPT_PAD1, OPT_PADN, OPT_PDM_LAST,
    OPT_PDM_RECEIVED, OPT_PDM_SCALE_RECEIVED, OPT_PDM_SCALE_SENT, OPT_PDM_SENT, OPT_PDM_THIS,
    OPT_PMTU_FLAG, OPT_PMTU_MIN, OPT_PMTU_RETURNED, OPT_REST, OPT_RPL_DOWN, OPT_RPL_FLAG,
    OPT_RPL_FORWARDING_ERROR, OPT_RPL_INSTANCE, OPT_RPL_RANK, OPT_RPL_RANK_ERROR, OPT_RPL_RESERVED,
    OPT_TEL, OPT_TPF, OPT_TYPE, OPT_UNKNOWN, OPT_UNKNOWN_DATA,
};
use crate::read::column::Address;
use crate::read::field::Protocol;
use crate::read::proto::expert::{Group, Severity};
use crate::read::proto::names::pick;
use crate::read::proto::text::ascii;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Value};
use crate::read::walk::Walk;

pub(super) fn yes(value: u64) -> Option<&'static str> {
    pick(value, &["No", "Yes"])
}

pub(super) const fn name(value: u64) -> Option<&'static str> {
    Some(match value {
        0x00 => "Pad1",
        0x01 => "PadN",
        0x04 => "Tunnel Encapsulation Limit",
        0x05 => "Router Alert",
        0x07 => "CALIPSO",
        0x08 => "SMF_DPD",
        0x0f => "Performance and Diagnostic Metrics",
        0x1e => "Experimental (0x1E)",
        0x26 => "Quick-Start",
        0x30 => "Path MTU Option",
        0x31 => "IOAM Option",
        0x3e => "Experimental (0x3E)",
        0x41 => "Tunnel Payload Forwarding (TPF) Information",
        0x5e => "Experimental (0x5E)",
        0x63 => "RPL Option",
        0x6d => "MPL Option",
        0x7e => "Experimental (0x7E)",
        0x8a => "Endpoint Identification",
        0x8b => "ILNP Nonce",
        0x8c => "Line-Identification Option",
        0x9e => "Experimental (0x9E)",
        0xbe => "Experimental (0xBE)",
        0xc2 => "Jumbo Payload",
        0xc9 => "Home Address",
        0xde => "Experimental (0xDE)",
        0xee => "IP_DFF",
        0xfe => "Experimental (0xFE)",
        _ => return None,
    })
}

pub(super) fn action(value: u64) -> Option<&'static str> {
    const NAMES: [&str; 4] = [
        "Skip and continue",
        "Discard",
        "Discard and send ICMP Parameter Problem",
        "Discard and send ICMP if not multicast",
    ];
    pick(value, &NAMES)
}

pub(super) fn alert(value: u64) -> Option<&'static str> {
    pick(value, &["MLD", "RSVP", "Active Network"])
}

const PAD1: u8 = 0x00;
const PADN: u8 = 0x01;
const TUNNEL_LIMIT: u8 = 0x04;
const ALERT: u8 = 0x05;
const CALIPSO: u8 = 0x07;
const SMF_DPD: u8 = 0x08;
const PDM: u8 = 0x0f;
const QUICK_START: u8 = 0x26;
const PMTU: u8 = 0x30;
const IOAM: u8 = 0x31;
const TPF: u8 = 0x41;
const RPL: u8 = 0x63;
const MPL: u8 = 0x6d;
const ENDPOINT: u8 = 0x8a;
const ILNP: u8 = 0x8b;
const LINE: u8 = 0x8c;
const JUMBO: u8 = 0xc2;
const HOME: u8 = 0xc9;
const DFF: u8 = 0xee;

/// Options of the hop-by-hop header, and of the destination's.
const OF_EACH: [u8; 10] = [
    ALERT,
    CALIPSO,
    SMF_DPD,
    QUICK_START,
    PMTU,
    IOAM,
    RPL,
    MPL,
    JUMBO,
    DFF,
];
const OF_DESTINATION: [u8; 6] = [TUNNEL_LIMIT, PDM, TPF, ILNP, LINE, HOME];

/// Dissects a header of options. Gives its length.
pub(super) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    protocol: &Protocol,
) -> Result<usize, Stop> {
    let is_hop_by_hop = protocol.number == HOPOPTS.number;
    let (words, fields) = if is_hop_by_hop {
        let fields = [HOPOPTS_NXT, HOPOPTS_LEN, HOPOPTS_LEN_OCT];
        ("IPv6 hop-by-hop options", fields)
    } else {
        let fields = [DSTOPTS_NXT, DSTOPTS_LEN, DSTOPTS_LEN_OCT];
        ("IPv6 destination options", fields)
    };
    extension::note(walk, words);
    // Right behind the packet's own header, or not (RFC 8200 section 4.1).
    let is_late = is_hop_by_hop && walk.protocols.numbers().last() != Some(&super::THIS.protocol);
    extension::enter(walk, protocol);
    // Nothing is told before the length is known.
    region.u8(1)?;
    let (len, [node, _]) = extension::begin(walk, region, protocol, fields)?;
    if is_late {
        walk.expert(
            node,
            HOPOPTS_NOT_FIRST,
            (Severity::Error, Group::Protocol),
            format_args!(
                "IPv6 Hop-by-Hop extension header must appear immediately after IPv6 header"
            ),
        );
    }
    let mut at = 2;
    while at < len {
        let kind = region.u8(at)?;
        let option_len = usize::from(region.u8(at + 1)?);
        let part = region.rest(at);
        let title = name(kind.into())
            .map_or_else(|| format!("Unknown IPv6 Option ({kind})"), str::to_owned);
        let added = walk
            .tree
            .add(OPT, part.place(0, 2 + option_len), Value::None);
        walk.tree.label(added, format_args!("{title}"));
        walk.tree.open();
        let place = part.place(0, 1);
        let node = walk.tree.add(OPT_TYPE, place, Value::Uint(kind.into()));
        if kind == PAD1 {
            walk.tree.add(OPT_PAD1, place, Value::None);
            walk.tree.close();
            at += 1;
            continue;
        }
        walk.tree.open();
        let other = match is_hop_by_hop {
            true if OF_DESTINATION.contains(&kind) => Some("a destination"),
            false if OF_EACH.contains(&kind) => Some("a hop-by-hop"),
            _ => None,
        };
        if let Some(other) = other {
            walk.expert(
                node,
                OPT_MISMATCH,
                (Severity::Warning, Group::Protocol),
                format_args!("{title} must use {other} options header"),
            );
        }
        walk.tree
            .add(OPT_ACTION, place, Value::Uint((kind >> 6).into()));
        walk.tree
            .add(OPT_CHANGE, place, Value::Bool(kind & 0x20 != 0));
        walk.tree
            .add(OPT_REST, place, Value::Uint((kind & 0x1f).into()));
        walk.tree.close();
        let length = walk
            .tree
            .add(OPT_LENGTH, part.place(1, 1), Value::Uint(option_len as u64));
        let nodes = Nodes {
            option: added,
            kind: node,
            length,
        };
        let used = option(walk, &part, (kind, option_len), nodes)?;
        let end = 2 + option_len;
        if used < end {
            let data = Region::part(&part, used, end - used);
            part.slice(used, end - used)?;
            let added = walk.bytes(OPT_UNKNOWN_DATA, &data);
            unknown(walk, added);
        }
        walk.tree.close();
        at += used.max(end);
    }
    walk.end();
    Ok(len)
}

/// The nodes of an option.
#[derive(Clone, Copy, Debug)]
struct Nodes {
    option: Added,
    kind: Added,
    length: Added,
}

fn unknown(walk: &mut Walk<'_, '_>, added: Added) {
    walk.expert(
        added,
        OPT_UNKNOWN,
        (Severity::Note, Group::Undecoded),
        format_args!("Unknown Data (not interpreted)"),
    );
}

/// Says that an option has a length that it must not have.
fn check_len(walk: &mut Walk<'_, '_>, kind: u8, len: usize, node: Added) {
    let (name, is_right) = match kind {
        JUMBO => ("Jumbo Payload: Invalid length", len == 4),
        RPL => ("RPL Option: Invalid length", len >= 4),
        TUNNEL_LIMIT => ("Tunnel Encapsulation Limit: Invalid length", len == 1),
        ALERT => ("Router alert: Invalid Length", len == 2),
        PMTU => ("PMTU Option: Invalid Length", len == 4),
        CALIPSO => ("CALIPSO: Invalid Length", len >= 8),
        PDM => ("PDM: Invalid length", len == 10),
        HOME => ("Home Address: Invalid length", len == 16),
        _ => return,
    };
    if !is_right {
        walk.expert(
            node,
            OPT_INVALID,
            (Severity::Error, Group::Malformed),
            format_args!("{name} ({len} bytes)"),
        );
    }
}

/// What an option says; gives where what is known of it ends.
fn option(
    walk: &mut Walk<'_, '_>,
    part: &Region<'_>,
    (kind, len): (u8, usize),
    nodes: Nodes,
) -> Result<usize, Stop> {
    check_len(walk, kind, len, nodes.length);
    Ok(match kind {
        PADN => {
            part.slice(2, len)?;
            walk.bytes(OPT_PADN, &part.part(2, len));
            2 + len
        }
        JUMBO => {
            let jumbo = part.u32(2)?;
            let added = walk
                .tree
                .add(OPT_JUMBO, part.place(2, 4), Value::Uint(jumbo.into()));
            jumbogram(walk, jumbo, nodes.option, added);
            6
        }
        RPL => {
            rpl(walk, part)?;
            6
        }
        TUNNEL_LIMIT => {
            walk.u8(OPT_TEL, part, 2)?;
            3
        }
        ALERT => {
            walk.u16(OPT_ALERT, part, 2)?;
            4
        }
        PMTU => {
            walk.u16(OPT_PMTU_MIN, part, 2)?;
            let word = part.u16(4)?;
            let returned = Value::Uint((word & 0xfffe).into());
            walk.tree.add(OPT_PMTU_RETURNED, part.place(4, 2), returned);
            walk.tree
                .add(OPT_PMTU_FLAG, part.place(5, 1), Value::Bool(word & 1 != 0));
            6
        }
        CALIPSO => {
            walk.u32(OPT_CALIPSO_DOI, part, 2)?;
            let bitmap = usize::from(walk.u8(OPT_CALIPSO_LENGTH, part, 6)?) * 4;
            walk.u8(OPT_CALIPSO_LEVEL, part, 7)?;
            let sum = part.u16(8)?;
            let place = part.place(8, 2);
            walk.tree
                .add(OPT_CALIPSO_CHECKSUM, place, Value::Uint(sum.into()));
            part.slice(10, bitmap)?;
            walk.bytes(OPT_CALIPSO_BITMAP, &part.part(10, bitmap));
            10 + bitmap
        }
        PDM => {
            walk.u8(OPT_PDM_SCALE_RECEIVED, part, 2)?;
            walk.u8(OPT_PDM_SCALE_SENT, part, 3)?;
            let rest = [OPT_PDM_THIS, OPT_PDM_LAST, OPT_PDM_RECEIVED, OPT_PDM_SENT];
            for (place, field) in rest.into_iter().enumerate() {
                walk.u16(field, part, 4 + 2 * place)?;
            }
            12
        }
        // Where a mobile node comes from (RFC 6275 section 6.3): it stands for the source.
        HOME => {
            let home = part.array(2)?;
            walk.tree
                .add(OPT_HOME, part.place(2, 16), Value::Ipv6(home));
            walk.columns.source = Address::Ipv6(home);
            walk.carrier.source = Address::Ipv6(home);
            18
        }
        ILNP => {
            part.slice(2, len)?;
            walk.bytes(OPT_ILNP, &part.part(2, len));
            2 + len
        }
        TPF => {
            walk.u32(OPT_TPF, part, 2)?;
            6
        }
        LINE => {
            let line = usize::from(walk.u8(OPT_LINE_LENGTH, part, 2)?);
            let text = ascii(part.slice(3, line)?);
            walk.tree.add_text(OPT_LINE, part.place(3, line), &text);
            3 + line
        }
        _ if kind & 0x1f == 0x1e => {
            part.slice(2, len)?;
            walk.bytes(OPT_EXPERIMENTAL, &part.part(2, len));
            2 + len
        }
        _ => {
            part.slice(2, len)?;
            let added = walk.bytes(OPT_DATA, &part.part(2, len));
            unknown(walk, added);
            if kind == ENDPOINT {
                walk.expert(
                    nodes.kind,
                    OPT_DEPRECATED,
                    (Severity::Note, Group::Deprecated),
                    format_args!("Option type is deprecated"),
                );
            }
            2 + len
        }
    })
}

/// Says what is wrong with the length of a jumbogram (RFC 2675 section 3).
fn jumbogram(walk: &mut Walk<'_, '_>, len: u32, option: Added, node: Added) {
    let how = (Severity::Warning, Group::Protocol);
    // A jumbogram goes beyond what the header itself could say.
    if walk
        .claimed
        .is_some_and(|claimed| (41..=40 + 0xffff).contains(&claimed))
    {
        walk.expert(
            option,
            JUMBO_PROHIBITED,
            how,
            format_args!(
                "When IPv6 payload length does not equal 0 a Jumbo Payload option must not be present"
            ),
        );
    }
    if len < 0x1_0000 {
        walk.expert(
            node,
            JUMBO_TRUNCATED,
            how,
            format_args!("Jumbo Payload option present and jumbo length < 65536"),
        );
    }
}

/// RFC 6553 section 3.
fn rpl(walk: &mut Walk<'_, '_>, part: &Region<'_>) -> Result<(), Stop> {
    const FLAGS: [(crate::read::FieldId, u8); 3] = [
        (OPT_RPL_DOWN, 0x80),
        (OPT_RPL_RANK_ERROR, 0x40),
        (OPT_RPL_FORWARDING_ERROR, 0x20),
    ];
    let bits = part.u8(2)?;
    let place = part.place(2, 1);
    let added = walk.tree.add(OPT_RPL_FLAG, place, Value::Uint(bits.into()));
    if walk.tree.labels() {
        let mut label = format!("Flag: {bits:#04x}");
        for (field, bit) in FLAGS {
            if bits & bit != 0 {
                label.push_str(", ");
                label.push_str(field.field().title);
            }
        }
        walk.tree.label(added, format_args!("{label}"));
    }
    walk.tree.open();
    for (field, bit) in FLAGS {
        walk.tree.add(field, place, Value::Bool(bits & bit != 0));
    }
    walk.tree
        .add(OPT_RPL_RESERVED, place, Value::Uint((bits & 0x1f).into()));
    walk.tree.close();
    walk.u8(OPT_RPL_INSTANCE, part, 3)?;
    walk.u16(OPT_RPL_RANK, part, 4)?;
    Ok(())
}
