//! Cisco HDLC: an address, a control byte and an `EtherType`; and SLARP, which keeps the line alive.

use super::brief::{bare, name, names as brief_names, osi};
use super::names::ethertype::ethertype as ethertype_name;
use super::{data, ethertype, stp};
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

protocol! {
    41, "chdlc", "CHDLC", "Cisco HDLC";
    ADDRESS: "chdlc.address", "Address", Uint(8), Hex, names = address_name;
    CONTROL: "chdlc.control", "Control", Uint(8), Hex;
    PROTOCOL_FIELD: "chdlc.protocol", "Protocol", Uint(16), Hex, names = ethertype_name;
}

const fn address_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0x0f => "Unicast",
        0x8f => "Multicast",
        _ => return None,
    })
}

const SLARP: u16 = 0x8035;
const CISCO_DISCOVERY: u16 = 0x2000;
const SPANNING_TREE: u16 = 0x4242;
const OSI: u16 = 0xfefe;

/// Dissects a frame.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 4;
    walk.columns.set_protocol("CHDLC");
    walk.columns.clear_info();
    walk.columns.say_no_addresses();
    walk.begin(THIS, &region, HEADER_LEN);
    walk.u8(ADDRESS, &region, 0)?;
    walk.u8(CONTROL, &region, 1)?;
    let kind = walk.u16(PROTOCOL_FIELD, &region, 2)?;
    walk.end();
    hand_on(walk, kind, region.rest(HEADER_LEN))
}

/// Whether there is a dissector for what follows this type.
pub(crate) const fn is_known(kind: u16) -> bool {
    matches!(kind, CISCO_DISCOVERY | SPANNING_TREE | OSI) || ethertype::is_known(kind)
}

/// Dissects what follows a type.
pub(crate) fn hand_on(walk: &mut Walk<'_, '_>, kind: u16, rest: Region<'_>) -> Result<(), Stop> {
    // It looks for padding whatever it is.
    let first = rest.u8(0)?;
    match kind {
        SLARP => slarp(walk, &rest),
        CISCO_DISCOVERY => bare::cisco(walk, kind, &rest).unwrap_or(Ok(())),
        SPANNING_TREE => stp::dissect(walk, rest),
        OSI if osi::is_known(first) => osi::dissect(walk, rest),
        OSI => osi::dissect(walk, rest.rest(1)),
        _ if ethertype::is_known(kind) => ethertype::hand_on(walk, kind, rest),
        _ => {
            walk.columns.set_protocol_hex(kind);
            data::dissect(walk, rest)
        }
    }
}

fn slarp(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const KEEPALIVE: u32 = 2;
    name(walk, brief_names::slarp::THIS, region);
    let code = region.u32(0)?;
    match code {
        0 | 1 => {
            let text = if code == 0 { "Request" } else { "Reply" };
            let address = std::net::Ipv4Addr::from(region.array::<4>(4)?);
            let mask = std::net::Ipv4Addr::from(region.array::<4>(8)?);
            walk.columns
                .set_info(format_args!("{text}, from {address}, mask {mask}"));
        }
        KEEPALIVE => {
            let (outgoing, returned) = (region.u32(4)?, region.u32(8)?);
            walk.columns.set_info(format_args!(
                "Line keepalive, outgoing sequence {outgoing}, returned sequence {returned}"
            ));
            region.u16(12)?;
        }
        _ => walk
            .columns
            .set_info(format_args!("Unknown packet type 0x{code:08X}")),
    }
    Ok(())
}
