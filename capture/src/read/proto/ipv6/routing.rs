//! Routing headers of IPv6 (RFC 8200 section 4.4): types 0, 2 (RFC 6275) and 4 (RFC 8754).

use super::extension::{self, ROUTING};
use super::{
    MOBILE_HOME, MOBILE_RESERVED, ROUTING_ADDR, ROUTING_DATA, ROUTING_DEPRECATED,
    ROUTING_INVALID_LEFT, ROUTING_INVALID_LEN, ROUTING_LEN, ROUTING_LEN_OCT, ROUTING_MULTICAST,
    ROUTING_NXT, ROUTING_RESERVED, ROUTING_SEGLEFT, ROUTING_TYPE, ROUTING_UNDECODED, SEGMENT_ADDR,
    SEGMENT_FLAGS, SEGMENT_LAST, SEGMENT_TAG,
};
use crate::read::column::Address;
use crate::read::field::FieldId;
use crate::read::proto::expert::{Group, Severity};
use crate::read::region::{Region, Stop};
use crate::read::render::Ipv6;
use crate::read::tree::{Added, Value};
use crate::read::walk::Walk;

pub(super) const fn type_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Source Route",
        1 => "Nimrod",
        2 => "Type 2 Routing",
        3 => "RPL Source Route",
        4 => "Segment Routing",
        5 => "Compact Routing Header 16",
        6 => "Compact Routing Header 32",
        253 => "Experiment 1",
        254 => "Experiment 2",
        _ => return None,
    })
}

const MALFORMED: (Severity, Group) = (Severity::Error, Group::Malformed);
const WARNING: (Severity, Group) = (Severity::Warning, Group::Protocol);

/// What is known of a header when its type is.
#[derive(Clone, Copy, Debug)]
struct Begun {
    /// In units of 8 bytes behind the first one.
    units: u8,
    left: u8,
    len_node: Added,
    type_node: Added,
    left_node: Added,
}

/// Dissects a routing header. Gives its length.
pub(super) fn dissect(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<usize, Stop> {
    extension::note(walk, "IPv6 routing");
    let fields = [ROUTING_NXT, ROUTING_LEN, ROUTING_LEN_OCT];
    extension::enter(walk, &ROUTING);
    let (len, [node, len_node]) = extension::begin(walk, region, &ROUTING, fields)?;
    let kind = region.u8(2)?;
    let name = type_name(kind.into()).map_or_else(|| format!("Unknown type {kind}"), str::to_owned);
    walk.tree
        .label(node, format_args!("{} ({name})", ROUTING.fields[0].title));
    let type_node = walk
        .tree
        .add(ROUTING_TYPE, region.place(2, 1), Value::Uint(kind.into()));
    let left = region.u8(3)?;
    let left_node = walk.tree.add(
        ROUTING_SEGLEFT,
        region.place(3, 1),
        Value::Uint(left.into()),
    );
    let begun = Begun {
        units: region.u8(1)?,
        left,
        len_node,
        type_node,
        left_node,
    };
    let part = region.part(0, len);
    let next = match kind {
        0 => source_route(walk, &part, begun)?,
        2 => home(walk, &part, begun)?,
        4 => segments(walk, &part, begun)?,
        _ => {
            part.slice(4, len - 4)?;
            let added = walk.bytes(ROUTING_DATA, &part.part(4, len - 4));
            walk.expert(
                added,
                ROUTING_UNDECODED,
                (Severity::Note, Group::Undecoded),
                format_args!("Undecoded IPv6 routing header field"),
            );
            None
        }
    };
    // It is where the packet goes in the end that the list and checksums speak of.
    if let (Some(next), true) = (next, left > 0) {
        walk.columns.destination = Address::Ipv6(next);
        walk.carrier.destination = Address::Ipv6(next);
    }
    walk.end();
    Ok(len)
}

fn address(
    walk: &mut Walk<'_, '_>,
    part: &Region<'_>,
    field: FieldId,
    (at, number): (usize, usize),
) -> Result<([u8; 16], Added), Stop> {
    let address = part.array(at)?;
    let added = walk
        .tree
        .add(field, part.place(at, 16), Value::Ipv6(address));
    walk.tree
        .label(added, format_args!("Address[{number}]: {}", Ipv6(address)));
    Ok((address, added))
}

fn no_multicast(walk: &mut Walk<'_, '_>, address: [u8; 16], added: Added) {
    if address[0] == 0xff {
        walk.expert(
            added,
            ROUTING_MULTICAST,
            WARNING,
            format_args!("Multicast addresses must not appear in the source route list"),
        );
    }
}

/// Type 0, which RFC 5095 withdrew. Gives the last address.
fn source_route(
    walk: &mut Walk<'_, '_>,
    part: &Region<'_>,
    begun: Begun,
) -> Result<Option<[u8; 16]>, Stop> {
    part.slice(4, 4)?;
    walk.bytes(ROUTING_RESERVED, &part.part(4, 4));
    if !begun.units.is_multiple_of(2) {
        walk.expert(
            begun.len_node,
            ROUTING_INVALID_LEN,
            MALFORMED,
            format_args!("IPv6 Routing Header extension header length must not be odd"),
        );
    }
    let count = usize::from(begun.units / 2);
    if usize::from(begun.left) > count {
        walk.expert(
            begun.left_node,
            ROUTING_INVALID_LEFT,
            WARNING,
            format_args!(
                "IPv6 Type 0 Routing Header segments left field must not exceed address count ({count})"
            ),
        );
    }
    let mut last = None;
    for number in 1..=count {
        let at = 8 + 16 * (number - 1);
        let (found, added) = address(walk, part, ROUTING_ADDR, (at, number))?;
        no_multicast(walk, found, added);
        last = Some(found);
    }
    walk.expert(
        begun.type_node,
        ROUTING_DEPRECATED,
        (Severity::Note, Group::Deprecated),
        format_args!("Routing header type is deprecated"),
    );
    Ok(last)
}

/// Where a mobile node is at home (RFC 6275 section 6.4).
fn home(
    walk: &mut Walk<'_, '_>,
    part: &Region<'_>,
    begun: Begun,
) -> Result<Option<[u8; 16]>, Stop> {
    part.slice(4, 4)?;
    walk.bytes(MOBILE_RESERVED, &part.part(4, 4));
    if begun.units != 2 {
        walk.expert(
            begun.len_node,
            ROUTING_INVALID_LEN,
            MALFORMED,
            format_args!("IPv6 Type 2 Routing Header extension header length must equal 2"),
        );
    }
    if begun.left != 1 {
        walk.expert(
            begun.left_node,
            ROUTING_INVALID_LEFT,
            WARNING,
            format_args!("IPv6 Type 2 Routing Header segments left field must equal 1"),
        );
    }
    let (found, added) = address(walk, part, MOBILE_HOME, (8, 1))?;
    no_multicast(walk, found, added);
    Ok(Some(found))
}

/// A list of segments, the last one first (RFC 8754 section 2). Gives that.
fn segments(
    walk: &mut Walk<'_, '_>,
    part: &Region<'_>,
    begun: Begun,
) -> Result<Option<[u8; 16]>, Stop> {
    let count = usize::from(walk.u8(SEGMENT_LAST, part, 4)?) + 1;
    walk.u8(SEGMENT_FLAGS, part, 5)?;
    part.slice(6, 2)?;
    walk.bytes(SEGMENT_TAG, &part.part(6, 2));
    if usize::from(begun.left) > count {
        walk.expert(
            begun.left_node,
            ROUTING_INVALID_LEFT,
            WARNING,
            format_args!(
                "IPv6 Type 4 Routing Header segments left field must not exceed address count ({count})"
            ),
        );
    }
    let last = if begun.left > 0 {
        Some(part.array(8)?)
    } else {
        None
    };
    for number in 0..count {
        address(walk, part, SEGMENT_ADDR, (8 + 16 * number, number))?;
    }
    Ok(last)
}
