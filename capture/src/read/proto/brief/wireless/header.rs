//! What capturing stations put in front of a frame of IEEE 802.11: radiotap, Prism, AVS and PPI.

use super::Radio;
use crate::packet::LinkType;
use crate::read::proto::brief::{name_of, names};
use crate::read::proto::{data, frame};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Dissects a frame behind a radiotap header (radiotap.org).
pub(crate) fn radiotap(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const HAS_FCS: u8 = 0x10;
    const IS_PADDED: u8 = 0x20;
    walk.columns.set_protocol("802.11");
    walk.enter(names::radiotap::THIS);
    let len = usize::from(u16::from_le_bytes(region.array(2)?));
    walk.node(names::radiotap::THIS, &region, len);
    walk.end();
    let flags = radiotap_flags(&region, len)?;
    let rest = region.from(len)?;
    station(
        walk,
        rest,
        Radio {
            has_fcs: flags & HAS_FCS != 0,
            is_padded: flags & IS_PADDED != 0,
            ..Radio::default()
        },
    )
}

/// The flags of a radiotap header: behind the words that say what is there, and the time.
fn radiotap_flags(region: &Region<'_>, len: usize) -> Result<u8, Stop> {
    const HAS_TIME: u32 = 1;
    const HAS_FLAGS: u32 = 2;
    const HAS_MORE: u32 = 0x8000_0000;
    let present = u32::from_le_bytes(region.array(4)?);
    let mut at = 8;
    let mut word = present;
    while word & HAS_MORE != 0 && at + 4 <= len {
        word = u32::from_le_bytes(region.array(at)?);
        at += 4;
    }
    if present & HAS_FLAGS == 0 {
        return Ok(0);
    }
    if present & HAS_TIME != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    if at >= len {
        return Ok(0);
    }
    region.u8(at)
}

/// Dissects a frame of which nothing is known but its bytes.
pub(crate) fn bare(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    super::dissect(walk, region, Radio::default())
}

fn station(walk: &mut Walk<'_, '_>, rest: Region<'_>, radio: Radio) -> Result<(), Stop> {
    walk.begin(names::wlan_radio::THIS, &rest, 0);
    walk.end();
    super::dissect(walk, rest, radio)
}

/// Dissects a frame behind a header of Prism cards, or of AVS, which share a link type.
pub(crate) fn prism(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const AVS_COOKIE: u32 = 0x8021_1000;
    const LEN: usize = 144;
    let cookie = region.u32(0)?;
    if cookie & 0xffff_f000 == AVS_COOKIE {
        return avs(walk, region);
    }
    name_of(walk, names::prism::THIS, &region, LEN);
    // Numbers are in the byte order of the machine that captured.
    let len: [u8; 4] = region.array(4)?;
    let len = u32::from_le_bytes(len).min(u32::from_be_bytes(len)) as usize;
    walk.columns.clear_info();
    station(walk, region.from(len)?, Radio::default())
}

/// Dissects a frame behind an AVS header.
pub(crate) fn avs(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const LEN: usize = 64;
    name_of(walk, names::wlancap::THIS, &region, LEN);
    let len = region.u32(4)? as usize;
    station(walk, region.from(len)?, Radio::default())
}

/// Dissects a packet behind per-packet information, which tells its link type.
pub(crate) fn ppi(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const COMMON: u16 = 2;
    const HAS_FCS: u8 = 1;
    const COMMON_LEN: usize = 20;
    walk.enter(names::ppi::THIS);
    let len = usize::from(u16::from_le_bytes(region.array(2)?));
    let link = u32::from_le_bytes(region.array(4)?);
    walk.node(names::ppi::THIS, &region, len);
    walk.end();
    walk.columns.set_protocol("PPI");
    walk.columns
        .set_info(format_args!("PPI version 0, {len} bytes"));
    let mut flags = 0;
    let mut at = 8;
    while at + 4 <= len {
        let kind = u16::from_le_bytes(region.array(at)?);
        let field_len = usize::from(u16::from_le_bytes(region.array(at + 2)?));
        if kind == COMMON && field_len == COMMON_LEN {
            flags = region.u8(at + 4 + 8)?;
        }
        at += 4 + field_len;
    }
    let rest = region.from(len)?;
    let link = LinkType(u16::try_from(link).unwrap_or(u16::MAX));
    if link == LinkType::IEEE802_11 {
        let radio = Radio {
            has_fcs: flags & HAS_FCS != 0,
            ..Radio::default()
        };
        return station(walk, rest, radio);
    }
    walk.protocols.push(names::packet_data::THIS.protocol);
    // It may tell itself, at no length.
    if walk.protocols.is_full() {
        return data::dissect(walk, rest);
    }
    walk.columns.clear_info();
    frame::by_link_type(walk, link, rest)
}
