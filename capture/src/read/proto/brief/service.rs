//! Services that announce or find each other: the service location protocol (RFC 2608), session
//! announcements (RFC 2974), Dropbox; and datagrams that only have a name.

use super::{name, names};
use crate::read::proto::data;
use crate::read::region::{Region, Stop};
use crate::read::render::Ipv6;
use crate::read::walk::Walk;

/// Port of the service location protocol.
pub(crate) const SRVLOC_PORT: u16 = 427;

/// Dissects a message of the service location protocol.
pub(crate) fn srvloc(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const FUNCTIONS: [&str; 11] = [
        "Service Request",
        "Service Reply",
        "Service Registration",
        "Service Deregister",
        "Service Acknowledge",
        "Attribute Request",
        "Attribute Reply",
        "DA Advertisement",
        "Service Type Request",
        "Service Type Reply",
        "SA Advertisement",
    ];
    name(walk, names::srvloc::THIS, region);
    let (version, function) = (region.u8(0)?, region.u8(1)?);
    match FUNCTIONS.get(usize::from(function).wrapping_sub(1)) {
        Some(text) => walk.columns.set_info(format_args!("{text}")),
        None => walk
            .columns
            .set_info(format_args!("Unknown Function ({function})")),
    }
    let id = region.u16(10)?;
    let text = if version < 2 {
        "V1 Transaction ID"
    } else {
        "V2 XID"
    };
    walk.columns.append_info(format_args!(", {text} - {id}"));
    Ok(())
}

/// Port of session announcements.
pub(crate) const SAP_PORT: u16 = 9875;

/// Dissects a session announcement.
pub(crate) fn sap(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const IS_IPV6: u8 = 0x10;
    const DELETES: u8 = 0x04;
    const ENCRYPTED_OR_COMPRESSED: u8 = 0x03;
    name(walk, names::sap::THIS, region);
    let flags = region.u8(0)?;
    let version = flags >> 5;
    let text = if flags & DELETES == 0 {
        "Announcement"
    } else {
        "Deletion"
    };
    walk.columns.set_info(format_args!("{text} (v{version})"));
    let address_len = if flags & IS_IPV6 == 0 { 4 } else { 16 };
    let at = 4 + address_len + usize::from(region.u8(1)?) * 4;
    let body = region.captured().get(at..).unwrap_or(&[]);
    let is_text = body.starts_with(b"v=") || body.starts_with(b"application/sdp\0");
    if flags & ENCRYPTED_OR_COMPRESSED == 0 && is_text {
        walk.columns.set_protocol("SAP/SDP");
    }
    Ok(())
}

/// Port of Dropbox's discovery.
pub(crate) const DROPBOX_PORT: u16 = 17500;

/// Dissects an announcement of Dropbox, which is JSON.
pub(crate) fn dropbox(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    if !region.captured().starts_with(b"{") {
        return data::dissect(walk, region);
    }
    name(walk, names::dropbox::THIS, &region);
    walk.columns.set_protocol("DB-LSP-DISC/JSON");
    walk.columns.set_info(format_args!(
        "Dropbox LAN sync Discovery Protocol, JavaScript Object Notation"
    ));
    Ok(())
}

/// `EtherType` of Realtek's switches.
pub(crate) const REALTEK: u16 = 0x8899;

/// Dissects what Realtek's switches tell each other.
pub(crate) fn realtek(walk: &mut Walk<'_, '_>, region: &Region<'_>) {
    const LOOP_DETECTION: [u8; 2] = [0x03, 0x23];
    name(walk, names::realtek::THIS, region);
    let first = region.captured().first();
    if first.is_some_and(|first| LOOP_DETECTION.contains(first)) {
        walk.columns.set_protocol("RLDP");
        walk.columns
            .set_info(format_args!("Network Loop Detection"));
    }
}

/// Dissects a datagram of the echo service, which is port 7 (RFC 862).
pub(crate) fn echo(walk: &mut Walk<'_, '_>, region: &Region<'_>, destination: u16) {
    const PORT: u16 = 7;
    name(walk, names::echo::THIS, region);
    let text = if destination == PORT {
        "Request"
    } else {
        "Response"
    };
    walk.columns.set_info(format_args!("{text}"));
}

/// Dissects a datagram of the character generator (RFC 864).
pub(crate) fn chargen(walk: &mut Walk<'_, '_>, region: &Region<'_>) {
    name(walk, names::chargen::THIS, region);
    walk.columns.set_info(format_args!("Chargen"));
}

/// Tells a datagram of sFlow (sFlow version 5): who samples, and how many samples there are.
pub(crate) fn sflow(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    name(walk, names::sflow::THIS, region);
    let version = region.u32(0)?;
    walk.columns.set_info(format_args!("V{version}"));
    let mut at = match region.u32(4)? {
        1 => {
            let agent = std::net::Ipv4Addr::from(region.array::<4>(8)?);
            walk.columns.append_info(format_args!(", agent {agent}"));
            12
        }
        2 => {
            let agent = Ipv6(region.array(8)?);
            walk.columns.append_info(format_args!(", agent {agent}"));
            24
        }
        _ => 8,
    };
    if version == 5 {
        let part = region.u32(at)?;
        walk.columns
            .append_info(format_args!(", sub-agent ID {part}"));
        at += 4;
    }
    let sequence = region.u32(at)?;
    walk.columns.append_info(format_args!(", seq {sequence}"));
    let samples = region.u32(at + 8)?;
    walk.columns
        .append_info(format_args!(", {samples} samples"));
    Ok(())
}

/// Tells a message of NAT-PMP (RFC 6886).
pub(crate) fn mapping(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const IS_ANSWER: u8 = 0x80;
    name(walk, names::pcp::THIS, region);
    walk.columns.set_protocol("NAT-PMP");
    let code = region.u8(1)?;
    let text = match code & !IS_ANSWER {
        0 => "External Address",
        1 => "Map UDP",
        2 => "Map TCP",
        _ => "Unknown",
    };
    let word = if code & IS_ANSWER == 0 {
        "Request"
    } else {
        "Response"
    };
    walk.columns.set_info(format_args!("{text} {word}"));
    Ok(())
}

/// Tells a message of a disk on Ethernet (`AoE`).
pub(crate) fn disk(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const IS_ANSWER: u8 = 0x08;
    name(walk, names::aoe::THIS, region);
    let (flags, command) = (region.u8(0)?, region.u8(5)?);
    let text = match command {
        0 => "Issue ATA Command",
        1 => "Query Config Information",
        _ => return Ok(()),
    };
    let word = if flags & IS_ANSWER == 0 {
        "Request"
    } else {
        "Response"
    };
    walk.columns.set_info(format_args!("{text} {word}"));
    Ok(())
}
