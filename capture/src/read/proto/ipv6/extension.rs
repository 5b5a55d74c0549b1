//! Extension headers of IPv6 and their options (RFC 8200 section 4).

use super::{
    DSTOPTS_LEN, DSTOPTS_LEN_OCT, DSTOPTS_NXT, FRAGHDR_IDENT, FRAGHDR_MORE, FRAGHDR_NXT,
    FRAGHDR_OFFSET, FRAGHDR_RESERVED, FRAGHDR_RESERVED_BITS, FRAGMENT as FRAGMENT_FIELD,
    FRAGMENT_COUNT, FRAGMENTS, HOPOPTS_LEN, HOPOPTS_LEN_OCT, HOPOPTS_NXT, MULTIPLE_TAILS, OPT,
    OPT_ACTION, OPT_ALERT, OPT_CHANGE, OPT_DATA, OPT_HOME, OPT_JUMBO, OPT_LENGTH, OPT_PAD1,
    OPT_PADN, OPT_REST, OPT_TEL, OPT_TYPE, OVERLAP, OVERLAP_CONFLICT, REASSEMBLED_DATA,
    REASSEMBLED_IN, REASSEMBLED_LEN, ROUTING_ADDR, ROUTING_DATA, ROUTING_LEN, ROUTING_LEN_OCT,
    ROUTING_NXT, ROUTING_SEGLEFT, ROUTING_TYPE, TOO_LONG,
};
use crate::read::column::Address;
use crate::read::field::{Base, Field, FieldId, Kind, Protocol};
use crate::read::proto::data;
use crate::read::proto::fragments::{self, Fragment, Outcome};
use crate::read::proto::names::pick;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Value};
use crate::read::walk::{Piece, Walk};

/// A header that stands below the packet's own in the tree, and is a protocol of its own in filters.
const fn header(number: u8, fields: &'static [Field; 1], title: &'static str) -> Protocol {
    Protocol {
        number,
        name: fields[0].name,
        short: title,
        title,
        fields,
    }
}

const fn only(name: &'static str, title: &'static str) -> [Field; 1] {
    [Field {
        name,
        title,
        kind: Kind::Protocol,
        base: Base::None,
        mask: 0,
        bits: 0,
        names: None,
    }]
}

/// Options for every node on the way.
pub(crate) static HOPOPTS: Protocol = header(
    34,
    &const { only("ipv6.hopopts", "IPv6 Hop-by-Hop Option") },
    "IPv6 Hop-by-Hop",
);
/// The way.
pub(crate) static ROUTING: Protocol = header(
    35,
    &const { only("ipv6.routing", "Routing Header for IPv6") },
    "IPv6 Routing",
);
/// What part of a packet it is.
pub(crate) static FRAGMENT: Protocol = header(
    36,
    &const { only("ipv6.fraghdr", "Fragment Header for IPv6") },
    "IPv6 Fragment",
);
/// Options for the destination.
pub(crate) static DSTOPTS: Protocol = header(
    37,
    &const { only("ipv6.dstopts", "Destination Options for IPv6") },
    "IPv6 Destination",
);

const fn of(protocol: &Protocol) -> FieldId {
    FieldId {
        protocol: protocol.number,
        index: 0,
    }
}

const HOP_BY_HOP: u8 = 0;
const ROUTE: u8 = 43;
const FRAGMENT_HEADER: u8 = 44;
/// Nothing follows.
pub(super) const NO_NEXT: u8 = 59;
const DESTINATION: u8 = 60;

/// Headers of one packet at most: more than that is an attempt to keep dissectors busy.
const MOST: usize = 32;

pub(super) fn yes(value: u64) -> Option<&'static str> {
    pick(value, &["No", "Yes"])
}

pub(super) const fn routing_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Source Route",
        1 => "Nimrod",
        2 => "Mobile IP",
        3 => "RPL Source Route",
        4 => "Segment Routing",
        253 => "Experiment 1",
        254 => "Experiment 2",
        _ => return None,
    })
}

pub(super) const fn option_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0x00 => "Pad1",
        0x01 => "PadN",
        0x04 => "Tunnel Encapsulation Limit",
        0x05 => "Router Alert",
        0x07 => "Calipso",
        0x08 => "SMF_DPD",
        0x0f => "PDM",
        0x23 => "RPL Option",
        0x26 => "Quick-Start",
        0x30 => "Path MTU Record",
        0x63 => "RPL Option",
        0x6d => "MPL Option",
        0x8b => "ILNP Nonce",
        0x8c => "Line-Identification",
        0xc2 => "Jumbo",
        0xc9 => "Home Address",
        _ => return None,
    })
}

pub(super) fn action_name(value: u64) -> Option<&'static str> {
    const NAMES: [&str; 4] = [
        "Skip and continue",
        "Discard",
        "Discard, ICMP",
        "Discard, ICMP if not multicast",
    ];
    pick(value, &NAMES)
}

pub(super) const fn alert_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "MLD",
        1 => "RSVP",
        2 => "Active Networks",
        _ => return None,
    })
}

/// The length of a jumbogram, from the option that has to be there.
pub(super) fn jumbo_len(region: &Region<'_>) -> Option<usize> {
    let len = (usize::from(region.u8(1).ok()?) + 1) * 8;
    let mut at = 2;
    while at + 1 < len {
        let kind = region.u8(at).ok()?;
        if kind == 0 {
            at += 1;
            continue;
        }
        if kind == 0xc2 {
            return usize::try_from(region.u32(at + 2).ok()?).ok();
        }
        at += 2 + usize::from(region.u8(at + 1).ok()?);
    }
    None
}

/// Dissects the extension headers, and what is behind them. The tree stands below the packet.
pub(super) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    next: u8,
    hops: u8,
) -> Result<(), Stop> {
    let mut next = next;
    let mut rest = region;
    for _ in 0..MOST {
        let len = match next {
            HOP_BY_HOP => options(
                walk,
                &rest,
                &HOPOPTS,
                [HOPOPTS_NXT, HOPOPTS_LEN, HOPOPTS_LEN_OCT],
            )?,
            DESTINATION => options(
                walk,
                &rest,
                &DSTOPTS,
                [DSTOPTS_NXT, DSTOPTS_LEN, DSTOPTS_LEN_OCT],
            )?,
            ROUTE => routing(walk, &rest)?,
            FRAGMENT_HEADER => return fragment(walk, rest, hops),
            _ => break,
        };
        next = rest.u8(0)?;
        rest = rest.rest(len);
    }
    super::hand_on(walk, rest, next, hops)
}

/// Begins a header; its length is in units of 8 bytes behind the first one.
fn begin(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    protocol: &Protocol,
    [nxt, len_field, octets]: [FieldId; 3],
) -> Result<usize, Stop> {
    let len = (usize::from(region.u8(1)?) + 1) * 8;
    walk.begin(of(protocol), region, len.min(region.captured().len()));
    walk.u8(nxt, region, 0)?;
    walk.u8(len_field, region, 1)?;
    let added = walk
        .tree
        .add(octets, region.place(1, 1), Value::Uint(len as u64));
    walk.tree.set_generated(added);
    walk.tree.label(added, format_args!("Length: {len} bytes"));
    Ok(len)
}

fn options(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    protocol: &Protocol,
    fields: [FieldId; 3],
) -> Result<usize, Stop> {
    let len = begin(walk, region, protocol, fields)?;
    let mut at = 2;
    while at < len {
        let kind = region.u8(at)?;
        let name = option_name(kind.into()).unwrap_or("Unknown IPv6 Option");
        if kind == 0 {
            let added = walk.tree.add(OPT_PAD1, region.place(at, 1), Value::None);
            walk.tree.label(added, format_args!("Pad1"));
            at += 1;
            continue;
        }
        let option_len = usize::from(region.u8(at + 1)?);
        let part = region.part(at, 2 + option_len);
        let added = walk
            .tree
            .add(OPT, part.place(0, 2 + option_len), Value::None);
        walk.tree.label(added, format_args!("{name}"));
        walk.tree.open();
        option(walk, &part, kind)?;
        walk.tree.close();
        at += 2 + option_len;
    }
    walk.end();
    Ok(len)
}

fn option(walk: &mut Walk<'_, '_>, part: &Region<'_>, kind: u8) -> Result<(), Stop> {
    let place = part.place(0, 1);
    walk.tree.add(OPT_TYPE, place, Value::Uint(kind.into()));
    walk.tree.open();
    walk.tree
        .add(OPT_ACTION, place, Value::Uint((kind >> 6).into()));
    walk.tree
        .add(OPT_CHANGE, place, Value::Bool(kind & 0x20 != 0));
    walk.tree
        .add(OPT_REST, place, Value::Uint((kind & 0x1f).into()));
    walk.tree.close();
    let len = walk.u8(OPT_LENGTH, part, 1)?;
    match (kind, len) {
        (1, _) => {
            part.slice(2, len.into())?;
            walk.bytes(OPT_PADN, &part.rest(2));
        }
        (5, 2) => {
            walk.u16(OPT_ALERT, part, 2)?;
        }
        (4, 1) => {
            walk.u8(OPT_TEL, part, 2)?;
        }
        (0xc2, 4) => {
            walk.u32(OPT_JUMBO, part, 2)?;
        }
        // Where a mobile node comes from (RFC 6275 section 6.3): it stands for the source.
        (0xc9, 16) => {
            let home = part.array(2)?;
            walk.tree
                .add(OPT_HOME, part.place(2, 16), Value::Ipv6(home));
            walk.columns.source = Address::Ipv6(home);
            walk.carrier.source = Address::Ipv6(home);
        }
        (_, 1..) => {
            part.slice(2, len.into())?;
            walk.bytes(OPT_DATA, &part.rest(2));
        }
        _ => {}
    }
    Ok(())
}

fn routing(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<usize, Stop> {
    let fields = [ROUTING_NXT, ROUTING_LEN, ROUTING_LEN_OCT];
    let len = begin(walk, region, &ROUTING, fields)?;
    let kind = walk.u8(ROUTING_TYPE, region, 2)?;
    walk.u8(ROUTING_SEGLEFT, region, 3)?;
    if matches!(kind, 0 | 2 | 4) {
        for at in (8..len).step_by(16) {
            if at + 16 > len {
                break;
            }
            let address = region.array(at)?;
            walk.tree
                .add(ROUTING_ADDR, region.place(at, 16), Value::Ipv6(address));
        }
    } else {
        walk.bytes(ROUTING_DATA, &region.part(4, len - 4));
    }
    walk.end();
    Ok(len)
}

fn fragment_fields(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<Added, Stop> {
    let added = walk.begin(of(&FRAGMENT), region, 8);
    walk.u8(FRAGHDR_NXT, region, 0)?;
    walk.u8(FRAGHDR_RESERVED, region, 1)?;
    let word = region.u16(2)?;
    let (offset, place) = (u32::from(word >> 3), region.place(2, 2));
    let node = walk
        .tree
        .add(FRAGHDR_OFFSET, place, Value::Uint(offset.into()));
    walk.tree.label(
        node,
        format_args!("Offset: {offset} ({} bytes)", offset * 8),
    );
    walk.tree.add(
        FRAGHDR_RESERVED_BITS,
        place,
        Value::Uint((word >> 1 & 3).into()),
    );
    walk.tree
        .add(FRAGHDR_MORE, place, Value::Bool(word & 1 != 0));
    walk.u32(FRAGHDR_IDENT, region, 4)?;
    walk.end();
    Ok(added)
}

fn fragment(walk: &mut Walk<'_, '_>, region: Region<'_>, hops: u8) -> Result<(), Stop> {
    const FIELDS: fragments::Fields = fragments::Fields {
        name: "IPv6",
        buffer: "Reassembled IPv6",
        fragments: FRAGMENTS,
        fragment: FRAGMENT_FIELD,
        overlap: OVERLAP,
        conflict: OVERLAP_CONFLICT,
        tails: MULTIPLE_TAILS,
        too_long: TOO_LONG,
        count: FRAGMENT_COUNT,
        len: REASSEMBLED_LEN,
        data: REASSEMBLED_DATA,
    };
    fragment_fields(walk, &region)?;
    let (next, word, id) = (region.u8(0)?, region.u16(2)?, region.u32(4)?);
    let (offset, more) = (u32::from(word & 0xfff8), word & 1 != 0);
    let rest = region.rest(8);
    walk.columns.set_info(format_args!(
        "IPv6 fragment (off={offset} more={} ident=0x{id:08x} nxt={next})",
        if more { 'y' } else { 'n' }
    ));
    if offset == 0 && !more {
        return dissect(walk, rest, next, hops);
    }
    let mut seen_in = None;
    if walk.preferences.ip_defragment && !rest.is_cut() && !rest.captured().is_empty() {
        let fragment = Fragment {
            source: walk.carrier.source,
            destination: walk.carrier.destination,
            id,
            // Fragments of IPv6 belong together whatever they say follows (RFC 8200 section 4.5).
            protocol: 0,
            offset,
            more,
        };
        let frame = walk.frame.number;
        match walk.memory.fragments.add(&fragment, frame, rest.captured()) {
            Outcome::Whole(datagram) => {
                let source = fragments::show(walk, &datagram, &FIELDS);
                let bytes = datagram.bytes;
                let together = Region::new(source, &bytes, bytes.len() as u32);
                return dissect(walk, together, next, hops);
            }
            Outcome::Later(later) => seen_in = later,
            Outcome::Alone => {}
        }
    } else if offset == 0 {
        walk.carrier.piece = Piece::Fragment;
        return dissect(walk, rest, next, hops);
    }
    if let Some(frame) = seen_in {
        walk.tree.add_generated(REASSEMBLED_IN, Value::Uint(frame));
    }
    walk.end();
    data::dissect(walk, rest)
}
