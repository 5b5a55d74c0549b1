//! Link layers that are rare in captures: FDDI, Token Ring, Solaris IPNET, Linux vsock, Juniper's own
//! headers, tags of switches.

use super::{name, name_of, names};
use crate::read::column::Address;
use crate::read::proto::{data, eth, ethertype, ip, ipv6, llc};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Dissects an FDDI frame: what is captured has the bits of addresses the other way round.
pub(crate) fn fddi(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 13;
    const IS_LLC: u8 = 0x50;
    name_of(walk, names::fddi::THIS, &region, HEADER_LEN);
    let control = region.u8(0)?;
    let swapped = |at: usize| {
        region
            .array(at)
            .map(|address: [u8; 6]| Address::Ether(address.map(u8::reverse_bits)))
    };
    walk.columns.destination = swapped(1)?;
    walk.columns.source = swapped(7)?;
    let rest = region.rest(HEADER_LEN);
    match control & 0xf0 {
        IS_LLC => llc::dissect(walk, rest),
        _ => data::dissect(walk, rest),
    }
}

/// Dissects a frame of Token Ring (IEEE 802.5), which may tell its route.
pub(crate) fn token_ring(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 14;
    const HAS_ROUTE: u8 = 0x80;
    name_of(walk, names::token_ring::THIS, &region, HEADER_LEN);
    walk.columns.destination = Address::Ether(region.array(2)?);
    let mut source: [u8; 6] = region.array(8)?;
    let has_route = source[0] & HAS_ROUTE != 0;
    source[0] &= !HAS_ROUTE;
    walk.columns.source = Address::Ether(source);
    let route_len = if has_route {
        usize::from(region.u8(HEADER_LEN)? & 0x1f)
    } else {
        0
    };
    let rest = region.rest(HEADER_LEN + route_len);
    match region.u8(1)? >> 6 {
        1 => llc::dissect(walk, rest),
        _ => data::dissect(walk, rest),
    }
}

/// Dissects a packet between the zones of Solaris.
pub(crate) fn ipnet(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 24;
    name_of(walk, names::ipnet::THIS, &region, HEADER_LEN);
    let family = region.u8(1)?;
    let len = region.u32(4)? as usize;
    region.from(HEADER_LEN)?;
    let rest = region.part(HEADER_LEN, len);
    match family {
        // Address families of Solaris.
        2 => ip::dissect(walk, rest),
        26 => ipv6::dissect(walk, rest),
        _ => data::dissect(walk, rest),
    }
}

/// Who has a context identifier of vsock.
fn context(number: u64) -> Address {
    match number {
        0 => Address::text("hypervisor"),
        1 => Address::text("local"),
        2 => Address::text("host"),
        0xffff_ffff => Address::text("any"),
        _ => Address::text(&number.to_string()),
    }
}

/// Dissects a packet of Linux's vsock monitor (`af_vsockmon.h`).
pub(crate) fn vsock(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const VIRTIO: u16 = 2;
    const HEADER_LEN: usize = 32;
    name(walk, names::vsock::THIS, region);
    let source = u64::from_le_bytes(region.array(0)?);
    let destination = u64::from_le_bytes(region.array(8)?);
    walk.columns.source = context(source);
    walk.columns.destination = context(destination);
    let operation = match u16::from_le_bytes(region.array(24)?) {
        1 => "Connect",
        2 => "Disconnect",
        3 => "Control",
        4 => "Payload",
        _ => "Unknown",
    };
    let transport = u16::from_le_bytes(region.array(26)?);
    let shown = match transport {
        1 => "No information",
        VIRTIO => "Virtio",
        _ => "Unknown",
    };
    walk.columns.set_info(format_args!("[{operation}] {shown}"));
    if transport != VIRTIO {
        return Ok(());
    }
    let half = |at: usize| region.array(HEADER_LEN + at).map(u16::from_le_bytes);
    let word = |at: usize| region.array(HEADER_LEN + at).map(u32::from_le_bytes);
    let kind = match half(28)? {
        1 => "Stream",
        2 => "Seqpacket",
        _ => "Unknown",
    };
    let operation = match half(30)? {
        0 => "Invalid",
        1 => "Request",
        2 => "Response",
        3 => "Reset",
        4 => "Shutdown",
        5 => "Data",
        6 => "Credit update",
        7 => "Credit request",
        _ => "Unknown",
    };
    let (room, taken) = (word(36)?, word(40)?);
    walk.columns.append_info(format_args!(
        ": {kind}, Op: {operation}, Buf alloc: {room}, Fwd cnt: {taken}"
    ));
    Ok(())
}

/// Where Juniper's header ends: it may be extended.
fn juniper_header(region: &Region<'_>) -> Result<(u8, usize), Stop> {
    const IS_EXTENDED: u8 = 0x80;
    region.u24(0)?;
    let flags = region.u8(3)?;
    if flags & IS_EXTENDED == 0 {
        return Ok((flags, 4));
    }
    Ok((flags, 6 + usize::from(region.u16(4)?)))
}

/// Dissects an Ethernet frame behind Juniper's header.
pub(crate) fn juniper(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const HAS_NO_LINK: u8 = 2;
    walk.columns.set_protocol("Juniper Ethernet");
    walk.begin(names::juniper::THIS, &region, 4);
    walk.end();
    let (flags, len) = juniper_header(&region)?;
    let rest = region.from(len)?;
    if flags & HAS_NO_LINK != 0 {
        return data::dissect(walk, rest);
    }
    walk.columns.clear_info();
    eth::dissect(walk, rest, eth::Fcs::Perhaps)
}

/// Names a cell behind Juniper's header.
pub(crate) fn juniper_atm(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("Juniper ATM1");
    walk.begin(names::juniper::THIS, &region, 4);
    walk.end();
    let (_, len) = juniper_header(&region)?;
    region.u32(len)?;
    data::dissect(walk, region.rest(len))
}

/// Dissects an Ethernet frame in which a switch puts a tag of so many bytes behind the addresses.
pub(crate) fn switch(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    tag_len: usize,
) -> Result<(), Stop> {
    const ADDRESSES_LEN: usize = 12;
    name_of(walk, eth::THIS, &region, ADDRESSES_LEN + tag_len + 2);
    walk.columns.destination = Address::Ether(region.array(0)?);
    walk.columns.source = Address::Ether(region.array(6)?);
    let at = ADDRESSES_LEN + tag_len;
    let kind = region.u16(at)?;
    let rest = region.rest(at + 2);
    if kind < 0x0600 {
        return llc::dissect(walk, rest);
    }
    ethertype::dissect(walk, kind, rest);
    walk.claimed = None;
    Ok(())
}

/// The same where the tag stands in front of all.
pub(crate) fn switch_in_front(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const TAG_LEN: usize = 4;
    eth::dissect(walk, region.from(TAG_LEN)?, eth::Fcs::None)
}
