//! What routers tell each other: OSPF (RFC 2328, 5340), VRRP (RFC 5798), HSRP (RFC 2281), PIM (RFC 7761),
//! EIGRP (RFC 7868), BFD (RFC 5880).

use super::{name, names};
use crate::read::column::Address;
use crate::read::proto::{data, ip};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Dissects an OSPF packet.
pub(crate) fn ospf(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    name(walk, names::ospf::THIS, region);
    let kind = region.u8(1)?;
    let text = match kind {
        1 => "Hello Packet",
        2 => "DB Description",
        3 => "LS Request",
        4 => "LS Update",
        5 => "LS Acknowledge",
        _ => {
            walk.columns
                .set_info(format_args!("Unknown OSPF packet type: {kind}"));
            return Ok(());
        }
    };
    walk.columns.set_info(format_args!("{text}"));
    Ok(())
}

/// Dissects a VRRP packet.
pub(crate) fn vrrp(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    name(walk, names::vrrp::THIS, region);
    let version = region.u8(0)? >> 4;
    walk.columns
        .set_info(format_args!("Announcement (v{version})"));
    Ok(())
}

/// Dissects a PIM packet.
pub(crate) fn pim(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    name(walk, names::pim::THIS, region);
    let first = region.u8(0)?;
    if first >> 4 == 2 {
        walk.columns.set_protocol("PIMv2");
    }
    let text = match first & 0x0f {
        0 => "Hello",
        1 => "Register",
        2 => "Register-stop",
        3 => "Join/Prune",
        4 => "Bootstrap",
        5 => "Assert",
        6 => "Graft",
        7 => "Graft-Ack",
        8 => "Candidate-RP-Advertisement",
        9 => "State-Refresh",
        10 => "DF election",
        _ => "Unknown",
    };
    walk.columns.set_info(format_args!("{text}"));
    const REGISTER: u8 = 1;
    if first >> 4 == 2 && first & 0x0f == REGISTER {
        registered(walk, region.rest(8));
    }
    Ok(())
}

/// Dissects the packet that a router sends on: the list shows its addresses, but what PIM says.
fn registered(walk: &mut Walk<'_, '_>, packet: Region<'_>) {
    let before = walk.columns.clone();
    // What is wrong within is the sender's.
    let _within = match packet.captured().first().map(|first| first >> 4) {
        Some(4 | 6) if !walk.protocols.is_full() => ip::dissect_by_version(walk, packet),
        _ => Ok(()),
    };
    let ends = (walk.columns.source, walk.columns.destination);
    *walk.columns = before;
    (walk.columns.source, walk.columns.destination) = ends;
}

/// Dissects an EIGRP packet.
pub(crate) fn eigrp(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    name(walk, names::eigrp::THIS, region);
    let kind = region.u8(1)?;
    let text = match kind {
        1 => "Update",
        2 => "Request",
        3 => "Query",
        4 => "Reply",
        // Without numbers of its own it acknowledges.
        5 if region.u32(12)? != 0 => "Hello (Ack)",
        5 => "Hello",
        10 => "SIA-Query",
        11 => "SIA-Reply",
        _ => {
            walk.columns
                .set_info(format_args!("Unknown OpCode (0x{kind:x})"));
            return Ok(());
        }
    };
    walk.columns.set_info(format_args!("{text}"));
    Ok(())
}

/// Port of HSRP.
pub(crate) const HSRP_PORT: u16 = 1985;
/// The same over IPv6.
pub(crate) const HSRP_IPV6_PORT: u16 = 2029;

/// Dissects an HSRP packet of version 0, which goes to all routers; others are only named.
pub(crate) fn hsrp(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    match walk.carrier.destination {
        Address::Ipv4([224, 0, 0, 2]) => {}
        Address::Ipv4([224, 0, 0, 102]) => return hsrp2(walk, &region),
        Address::Ipv6(address) if address == ALL_HSRP => return hsrp2(walk, &region),
        _ => return data::dissect(walk, region),
    }
    name(walk, names::hsrp::THIS, &region);
    let (kind, state) = (region.u8(1)?, region.u8(2)?);
    let text = match kind {
        0 => "Hello",
        1 => "Coup",
        2 => "Resign",
        3 => "Advertise",
        _ => "Unknown",
    };
    walk.columns.set_info(format_args!("{text}"));
    if kind < 3 {
        let state = match state {
            0 => "Initial",
            1 => "Learn",
            2 => "Listen",
            4 => "Speak",
            8 => "Standby",
            16 => "Active",
            _ => "Unknown",
        };
        walk.columns.append_info(format_args!(" (state {state})"));
    } else if kind == 3 {
        let state = match region.u8(6)? {
            1 => "Dormant",
            2 => "Passive",
            3 => "Active",
            _ => "Unknown",
        };
        walk.columns.append_info(format_args!(" (state {state})"));
    }
    Ok(())
}

/// The group of HSRP's routers, `ff02::66`.
const ALL_HSRP: [u8; 16] = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x66];

/// Dissects an HSRP packet of version 2, which is made of values with types.
fn hsrp2(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const GROUP: (u8, u8) = (1, 40);
    const INTERFACE: (u8, u8) = (2, 4);
    name(walk, names::hsrp::THIS, region);
    walk.columns.set_protocol("HSRPv2");
    let mut at = 0;
    while at < region.reported() {
        let (kind, len) = (region.u8(at)?, region.u8(at + 1)?);
        match (kind, len) {
            GROUP => {
                let text = match region.u8(at + 3)? {
                    0 => "Hello",
                    1 => "Coup",
                    2 => "Resign",
                    _ => "Unknown",
                };
                let state = match region.u8(at + 4)? {
                    0 => "Disabled",
                    1 => "Init",
                    2 => "Learn",
                    3 => "Listen",
                    4 => "Speak",
                    5 => "Standby",
                    6 => "Active",
                    _ => "Unknown",
                };
                walk.columns
                    .set_info(format_args!("{text} (state {state})"));
            }
            INTERFACE => {
                let (active, passive) = (region.u16(at + 2)?, region.u16(at + 4)?);
                walk.columns.set_info(format_args!(
                    "Interface State TLV (Act={active} Pass={passive})"
                ));
            }
            _ => {}
        }
        at += 2 + usize::from(len);
    }
    Ok(())
}

/// Ports of BFD control packets (RFC 5881, 5883).
pub(crate) const BFD_PORTS: [u16; 3] = [3784, 4784, 6784];

/// Dissects a BFD control packet of version 1.
pub(crate) fn bfd(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    name(walk, names::bfd::THIS, region);
    let (first, flags) = (region.u8(0)?, region.u8(1)?);
    let diagnostic = match first & 0x1f {
        0 => "No Diagnostic",
        1 => "Control Detection Time Expired",
        2 => "Echo Function Failed",
        3 => "Neighbor Signaled Session Down",
        4 => "Forwarding Plane Reset",
        5 => "Path Down",
        6 => "Concatenated Path Down",
        7 => "Administratively Down",
        8 => "Reverse Concatenated Path Down",
        9 => "Mis-Connectivity Defect",
        _ => "Unknown",
    };
    let state = match flags >> 6 {
        0 => "Admin Down",
        1 => "Down",
        2 => "Init",
        _ => "Up",
    };
    // The two bits of the state are not among the flags.
    let flags = flags & 0x3f;
    walk.columns.set_info(format_args!(
        "Diag: {diagnostic}, State: {state}, Flags: 0x{flags:02x}"
    ));
    Ok(())
}

/// Tells the messages of LDP (RFC 5036) in a datagram or a part of a stream.
pub(crate) fn ldp(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 10;
    name(walk, names::ldp::THIS, region);
    let mut unit = 0;
    while unit < region.reported() {
        let end = unit + 4 + usize::from(region.u16(unit + 2)?);
        let mut at = unit + HEADER_LEN;
        while at < end {
            let kind = region.u16(at)? & 0x7fff;
            let len = usize::from(region.u16(at + 2)?);
            if len < 4 {
                walk.columns
                    .append_info(format_args!("Bad Message Length "));
                return Ok(());
            }
            let text = match kind {
                0x0001 => "Notification",
                0x0100 => "Hello",
                0x0200 => "Initialization",
                0x0201 => "Keep Alive",
                0x0202 => "Capability",
                0x0300 => "Address",
                0x0301 => "Address Withdrawal",
                0x0400 => "Label Mapping",
                0x0401 => "Label Request",
                0x0402 => "Label Withdrawal",
                0x0403 => "Label Release",
                0x0404 => "Label Abort Request",
                _ => "",
            };
            match text {
                "" => walk
                    .columns
                    .append_info(format_args!("Unknown Message (0x{kind:04X}) ")),
                _ => walk.columns.append_info(format_args!("{text} Message ")),
            }
            region.slice(at, 4 + len)?;
            at += 4 + len;
        }
        unit = end;
    }
    Ok(())
}
