//! Cisco HDLC: an address, a control byte and an `EtherType`.

use super::names::ethertype::ethertype as ethertype_name;
use super::{data, ethertype};
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

/// Dissects a frame.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 4;
    walk.columns.set_protocol("CHDLC");
    walk.begin(THIS, &region, HEADER_LEN);
    walk.u8(ADDRESS, &region, 0)?;
    walk.u8(CONTROL, &region, 1)?;
    let kind = walk.u16(PROTOCOL_FIELD, &region, 2)?;
    walk.end();
    let rest = region.rest(HEADER_LEN);
    if ethertype::is_known(kind) {
        return ethertype::hand_on(walk, kind, rest);
    }
    walk.columns.set_info(format_args!("Protocol 0x{kind:04x}"));
    data::dissect(walk, rest)
}
