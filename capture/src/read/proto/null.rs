//! BSD loopback: four bytes that name the address family (`LINKTYPE_NULL` and `LINKTYPE_LOOP`).

use super::{data, ip, ipv6};
use crate::packet::LinkType;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    23, "null", "Null/Loopback", "Null/Loopback";
    FAMILY: "null.family", "Family", Uint(32), Dec, names = family_name;
    TYPE: "null.type", "Type", Uint(16), Hex;
}

const fn family_name(value: u64) -> Option<&'static str> {
    Some(match value {
        2 => "IP",
        7 => "OSI",
        16 => "Appletalk",
        23 => "Netware IPX/SPX",
        24 | 28 | 30 => "IPv6",
        _ => return None,
    })
}

/// Dissects a packet of the loopback interface.
pub(crate) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    link: LinkType,
) -> Result<(), Stop> {
    const HEADER_LEN: usize = 4;
    walk.columns.set_protocol("Null/Loopback");
    let bytes: [u8; HEADER_LEN] = region.array(0)?;
    let big = u32::from_be_bytes(bytes);
    // Families are small numbers: the writer's byte order shows.
    let swapped = big.swap_bytes();
    let family = if link == LinkType::LOOP || big & 0xffff_0000 == 0 {
        big
    } else {
        swapped
    };
    walk.begin(THIS, &region, HEADER_LEN);
    walk.tree.add(
        FAMILY,
        region.place(0, HEADER_LEN),
        Value::Uint(family.into()),
    );
    walk.end();
    let rest = region.rest(HEADER_LEN);
    match family {
        2 => ip::dissect(walk, rest),
        24 | 28 | 30 => ipv6::dissect(walk, rest),
        _ => data::dissect(walk, rest),
    }
}
