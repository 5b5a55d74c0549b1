//! Extension headers of IPv6 and their options (RFC 8200 section 4).

use super::{
    FRAGHDR_IDENT, FRAGHDR_MORE, FRAGHDR_NXT, FRAGHDR_OFFSET, FRAGHDR_RESERVED,
    FRAGHDR_RESERVED_BITS, FRAGMENT as FRAGMENT_FIELD, FRAGMENT_COUNT, FRAGMENT_ERROR, FRAGMENTS,
    MULTIPLE_TAILS, OVERLAP, OVERLAP_CONFLICT, REASSEMBLED_DATA, REASSEMBLED_IN, REASSEMBLED_LEN,
    TOO_LONG, options, routing,
};
use crate::read::field::{Base, Field, FieldId, Kind, Protocol};
use crate::read::proto::data;
use crate::read::proto::fragments::{self, Fragment, Outcome};
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Value};
use crate::read::walk::{Piece, Walk};

/// A header that stands below the packet's own in the tree, and is a protocol of its own in filters.
const fn header(number: u16, fields: &'static [Field; 1], title: &'static str) -> Protocol {
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
        if kind == 0xc2 && region.u8(at + 1).ok()? == 4 {
            let len = usize::try_from(region.u32(at + 2).ok()?).ok()?;
            return (len > 0xffff).then_some(len);
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
            HOP_BY_HOP => options::dissect(walk, &rest, &HOPOPTS)?,
            DESTINATION => options::dissect(walk, &rest, &DSTOPTS)?,
            ROUTE => routing::dissect(walk, &rest)?,
            FRAGMENT_HEADER => return fragment(walk, rest, hops),
            _ => break,
        };
        next = rest.u8(0)?;
        rest = rest.rest(len);
    }
    super::hand_on(walk, rest, next, hops)
}

/// Enters a header, of which nothing is told yet.
pub(super) fn enter(walk: &mut Walk<'_, '_>, protocol: &Protocol) {
    walk.enter(of(protocol));
}

/// Begins a header, whose length is in units of 8 bytes behind the first one. Gives its length, and the
/// nodes of the header and of its length.
pub(super) fn begin(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    protocol: &Protocol,
    [nxt, len_field, octets]: [FieldId; 3],
) -> Result<(usize, [Added; 2]), Stop> {
    let node = walk.node(of(protocol), region, region.captured().len());
    walk.u8(nxt, region, 0)?;
    let units = region.u8(1)?;
    let len = (usize::from(units) + 1) * 8;
    let len_there = len.min(region.captured().len()) as u32;
    walk.tree.set_len(node, len_there);
    let len_node = walk
        .tree
        .add(len_field, region.place(1, 1), Value::Uint(units.into()));
    let added = walk
        .tree
        .add(octets, region.place(1, 1), Value::Uint(len as u64));
    walk.tree.set_generated(added);
    walk.tree.label(added, format_args!("Length: {len} bytes"));
    Ok((len, [node, len_node]))
}

/// Says in the list that there is a header of this kind, where nothing else is said.
pub(super) fn note(walk: &mut Walk<'_, '_>, words: &str) {
    let info = &mut walk.columns.info;
    if !info.is_empty() {
        info.push_str(" , ");
    }
    info.push_str(words);
}

fn fragment_fields(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<Added, Stop> {
    walk.enter(of(&FRAGMENT));
    region.slice(0, 8)?;
    let added = walk.node(of(&FRAGMENT), region, 8);
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
        error: FRAGMENT_ERROR,
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
    if offset == 0 && !more || rest.reported() == 0 {
        return dissect(walk, rest, next, hops);
    }
    let mut seen_in = None;
    if walk.preferences.ip_defragment && !rest.is_cut() {
        let fragment = Fragment {
            source: walk.carrier.source,
            destination: walk.carrier.destination,
            // Whatever they say follows (RFC 8200 section 4.5).
            id,
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
    } else if offset == 0 && !walk.preferences.ip_defragment {
        walk.carrier.piece = Piece::Fragment;
        return dissect(walk, rest, next, hops);
    }
    if let Some(frame) = seen_in {
        walk.tree.add_generated(REASSEMBLED_IN, Value::Uint(frame));
    }
    walk.end();
    data::dissect(walk, rest)
}
