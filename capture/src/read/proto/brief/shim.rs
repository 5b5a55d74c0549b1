//! Headers between Ethernet and what it carries: Cisco `FabricPath`, VN-Tag (IEEE 802.1Qbh), the network
//! service header (RFC 8300), `MACsec` (IEEE 802.1AE) and the Realtek switch protocols.

use super::{name_of, names};
use crate::read::proto::{data, eth, ethertype, ip, ipv6, mpls};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// `EtherType` of Cisco's data center Ethernet.
pub(crate) const FABRICPATH: u16 = 0x8903;
/// `EtherType` of VN-Tag.
pub(crate) const VNTAG: u16 = 0x8926;
/// `EtherType` of the network service header.
pub(crate) const NSH: u16 = 0x894f;
/// `EtherType` of `MACsec`.
pub(crate) const MACSEC: u16 = 0x88e5;

/// Dissects the frame within a `FabricPath` frame, whose own checksum is the last four bytes.
pub(crate) fn fabricpath(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 16;
    const FCS_LEN: usize = 4;
    name_of(walk, names::fabricpath::THIS, &region, HEADER_LEN);
    let len = region.reported().checked_sub(HEADER_LEN + FCS_LEN);
    let len = len.ok_or(Stop::Malformed)?;
    eth::dissect(walk, region.part(HEADER_LEN, len), eth::Fcs::None)
}

/// Dissects what follows a VN-Tag.
pub(crate) fn vntag(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const TAG_LEN: usize = 4;
    name_of(walk, names::vntag::THIS, &region, TAG_LEN);
    let kind = region.u16(TAG_LEN)?;
    ethertype::dissect(walk, kind, region.rest(TAG_LEN + 2));
    walk.claimed = None;
    Ok(())
}

/// Dissects what follows a network service header (RFC 8300 section 2.2).
pub(crate) fn nsh(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const WORD_LEN: usize = 4;
    let len = usize::from(region.u16(0)? & 0x3f) * WORD_LEN;
    name_of(walk, names::nsh::THIS, &region, len);
    walk.columns
        .set_info(format_args!("Network Service Header"));
    let next = region.u8(3)?;
    let rest = region.from(len)?;
    let outcome = match next {
        1 => ip::dissect(walk, rest),
        2 => ipv6::dissect(walk, rest),
        3 => eth::dissect(walk, rest, eth::Fcs::Perhaps),
        4 if !walk.protocols.is_full() => nsh(walk, rest),
        5 => mpls::dissect(walk, rest),
        _ => data::dissect(walk, rest),
    };
    // What is left over is not the frame's.
    walk.claimed = None;
    outcome
}

const ICV_LEN: usize = 16;

/// Where the security tag ends: it may name the channel.
const fn tag_len(control: u8) -> usize {
    const HAS_SCI: u8 = 0x20;
    if control & HAS_SCI == 0 { 6 } else { 14 }
}

/// Whether what follows its `EtherType` is a security tag of version 0, data and a check value.
pub(crate) fn is_macsec(region: &Region<'_>) -> bool {
    const VERSION: u8 = 0x80;
    let bytes = region.captured();
    let fits = |control: &u8| control & VERSION == 0 && bytes.len() > tag_len(*control) + ICV_LEN;
    bytes.first().is_some_and(fits)
}

/// Dissects what follows a security tag, if it is not encrypted.
pub(crate) fn macsec(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const ENCRYPTED_OR_CHANGED: u8 = 0x0c;
    let control = region.u8(0)?;
    let header_len = tag_len(control);
    name_of(walk, names::macsec::THIS, &region, header_len);
    walk.columns.set_info(format_args!("MACsec frame"));
    if control & ENCRYPTED_OR_CHANGED != 0 {
        let len = region.captured().len().saturating_sub(header_len + ICV_LEN);
        return data::dissect(walk, region.part(header_len, len));
    }
    let kind = region.u16(header_len)?;
    ethertype::dissect(walk, kind, region.rest(header_len + 2));
    walk.claimed = None;
    Ok(())
}
