//! Linux cooked captures, versions 1 and 2 (`LINKTYPE_LINUX_SLL` and `LINKTYPE_LINUX_SLL2`).

use super::names::arp::hardware;
use super::names::ethertype::ethertype as ethertype_name;
use super::{data, eth, ethertype, gre, llc};
use crate::read::column::Address;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::vendor::Named;
use crate::read::walk::Walk;

protocol! {
    14, "sll", "SLL", "Linux cooked-mode capture";
    ETYPE: "sll.etype", "Protocol", Uint(16), Hex, names = ethertype_name;
    LTYPE: "sll.ltype", "Protocol", Uint(16), Hex, names = linux_type;
    GRETYPE: "sll.gretype", "Protocol", Uint(16), Hex, names = ethertype_name;
    IFINDEX: "sll.ifindex", "Interface index", Uint(32), Dec;
    HATYPE: "sll.hatype", "Link-layer address type", Uint(16), Dec, names = hardware;
    PKTTYPE: "sll.pkttype", "Packet type", Uint(16), Dec, names = packet_type;
    HALEN: "sll.halen", "Link-layer address length", Uint(16), Dec;
    SRC_ETH: "sll.src.eth", "Source", Ether;
    SRC_IPV4: "sll.src.ipv4", "Source", Ipv4;
    SRC_OTHER: "sll.src.other", "Source", Bytes;
    UNUSED: "sll.unused", "Unused", Bytes;
    TRAILER: "sll.trailer", "Trailer", Bytes;
}

const fn packet_type(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Unicast to us",
        1 => "Broadcast",
        2 => "Multicast",
        3 => "Unicast to another host",
        4 => "Sent by us",
        _ => return None,
    })
}

const fn linux_type(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "Raw 802.3",
        4 => "802.2 LLC",
        7 => "PPP (HDLC)",
        12 => "CAN",
        13 => "CAN FD",
        17 => "IrLAP",
        _ => return None,
    })
}

/// GRE over IP: the type is then what GRE has.
const IPGRE: u16 = 778;
/// Netlink messages come with this one.
const LLC: u16 = 4;

/// Where the fields of a version stand.
struct Places {
    header_len: usize,
    protocol: usize,
    ifindex: Option<usize>,
    hardware: usize,
    kind: (usize, usize),
    address_len: (usize, usize),
    address: usize,
}

/// Dissects version 1.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const PLACES: Places = Places {
        header_len: 16,
        protocol: 14,
        ifindex: None,
        hardware: 2,
        kind: (0, 2),
        address_len: (4, 2),
        address: 6,
    };
    cooked(walk, region, &PLACES, "Linux cooked capture v1")
}

/// Dissects version 2.
pub(crate) fn dissect_v2(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const PLACES: Places = Places {
        header_len: 20,
        protocol: 0,
        ifindex: Some(4),
        hardware: 8,
        kind: (10, 1),
        address_len: (11, 1),
        address: 12,
    };
    cooked(walk, region, &PLACES, "Linux cooked capture v2")
}

fn cooked(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    places: &Places,
    title: &str,
) -> Result<(), Stop> {
    walk.columns.set_protocol("SLL");
    walk.columns.clear_info();
    let added = walk.begin(THIS, &region, places.header_len);
    walk.tree.label(added, format_args!("{title}"));
    let number = |(at, len): (usize, usize)| match len {
        1 => region.u8(at).map(u16::from),
        _ => region.u16(at),
    };
    let (hardware_type, protocol) = (region.u16(places.hardware)?, region.u16(places.protocol)?);
    let (kind, len) = (number(places.kind)?, number(places.address_len)?);
    if let Some(name) = packet_type(kind.into()) {
        walk.columns.set_info(format_args!("{name}"));
    }
    let place = |(at, len): (usize, usize)| region.place(at, len);
    if let Some(ifindex) = places.ifindex {
        protocol_field(walk, &region, places.protocol, protocol, hardware_type);
        walk.u32(IFINDEX, &region, ifindex)?;
        walk.u16(HATYPE, &region, places.hardware)?;
        walk.tree
            .add(PKTTYPE, place(places.kind), Value::Uint(kind.into()));
    } else {
        walk.tree
            .add(PKTTYPE, place(places.kind), Value::Uint(kind.into()));
        walk.u16(HATYPE, &region, places.hardware)?;
    }
    walk.tree
        .add(HALEN, place(places.address_len), Value::Uint(len.into()));
    address(walk, &region, places.address, len.into())?;
    if places.ifindex.is_none() {
        protocol_field(walk, &region, places.protocol, protocol, hardware_type);
    }
    walk.end();
    let rest = region.rest(places.header_len);
    match protocol {
        _ if hardware_type == IPGRE => gre::hand_on(walk, protocol, rest),
        LLC => llc::dissect(walk, rest),
        0..=1535 => data::dissect(walk, rest),
        _ => {
            ethertype::dissect(walk, protocol, rest);
            if let Some(claimed) = walk.claimed.take() {
                eth::trailer(walk, added, &rest, claimed, TRAILER, eth::Fcs::None)?;
            }
            Ok(())
        }
    }
}

fn protocol_field(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    at: usize,
    protocol: u16,
    hardware_type: u16,
) {
    let field = match protocol {
        _ if hardware_type == IPGRE => GRETYPE,
        0..=1535 => LTYPE,
        _ => ETYPE,
    };
    let value = Value::Uint(protocol.into());
    walk.tree.add(field, region.place(at, 2), value);
}

/// The address that a frame came from, in its eight bytes.
fn address(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    at: usize,
    len: usize,
) -> Result<(), Stop> {
    const ROOM: usize = 8;
    let len = len.min(ROOM);
    match len {
        4 => {
            let address = region.array(at)?;
            walk.columns.source = Address::Ipv4(address);
            walk.tree
                .add(SRC_IPV4, region.place(at, 4), Value::Ipv4(address));
        }
        6 => {
            let address = region.array(at)?;
            walk.columns.source = Address::Ether(address);
            let names = walk.preferences.names;
            let added = walk
                .tree
                .add(SRC_ETH, region.place(at, 6), Value::Ether(address));
            walk.tree.label(
                added,
                format_args!(
                    "Source: {} ({})",
                    Named { address, names },
                    crate::read::render::Ether(address)
                ),
            );
        }
        0 => {}
        _ => {
            walk.bytes(SRC_OTHER, &region.part(at, len));
        }
    }
    if len < ROOM {
        walk.bytes(UNUSED, &region.part(at + len, ROOM - len));
    }
    Ok(())
}
