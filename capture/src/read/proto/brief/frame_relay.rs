//! Frame Relay (ITU-T Q.922, RFC 2427): an address, and which protocol follows.

use super::{names, osi};
use crate::read::proto::{chdlc, data, ip, ipv6, llc, ppp};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// The control byte of RFC 2427.
const UNNUMBERED: u8 = 0x03;

/// Dissects a frame.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("FR");
    walk.columns.clear_info();
    walk.begin(
        names::frame_relay::THIS,
        &region,
        region.captured().len().min(4),
    );
    walk.end();
    let (circuit, at) = address(&region)?;
    walk.columns.set_info(format_args!("DLCI {circuit}"));
    let control = region.u8(at)?;
    if control == UNNUMBERED {
        return protocol(walk, &region, at + 1);
    }
    if circuit == 0 {
        let is_response = region.u8(0)? & 2 != 0;
        let text = llc::control_text(&region, at, is_response)?;
        walk.columns.append_info(format_args!(", {text}"));
        return data::dissect(walk, region.rest(at));
    }
    // Without it, the type of Cisco's HDLC may follow.
    if let Ok(kind) = region.u16(at)
        && chdlc::is_known(kind)
    {
        return chdlc::hand_on(walk, kind, region.rest(at + 2));
    }
    let identifier_at = if region.u8(at)? == 0 { at + 1 } else { at };
    let len = match region.u8(identifier_at)? & 3 {
        3 => 1,
        _ => 2,
    };
    match region.u8(identifier_at + len) {
        Ok(identifier) if osi::is_known(identifier) => {
            osi::by_identifier(walk, region.rest(identifier_at + len), identifier)
        }
        _ => data::dissect(walk, region.rest(at)),
    }
}

/// The number of the circuit, and where the address ends: seven bits each, the last one is odd.
fn address(region: &Region<'_>) -> Result<(u32, usize), Stop> {
    let first = region.u8(0)?;
    if first & 1 != 0 {
        return Ok((0, 1));
    }
    let second = region.u8(1)?;
    let mut circuit = u32::from(first & 0xfc) << 2 | u32::from(second >> 4);
    if second & 1 != 0 {
        return Ok((circuit, 2));
    }
    let mut at = 2;
    let mut byte = region.u8(at)?;
    if byte & 1 == 0 {
        circuit = circuit << 7 | u32::from(byte >> 1);
        at += 1;
        byte = region.u8(at)?;
        while byte & 1 == 0 {
            at += 1;
            byte = region.u8(at)?;
        }
    }
    const IS_CONTROL: u8 = 2;
    if byte & IS_CONTROL == 0 {
        circuit = circuit << 6 | u32::from(byte >> 2);
    }
    Ok((circuit, at + 1))
}

/// Dissects what an identifier of a network layer announces.
fn protocol(walk: &mut Walk<'_, '_>, region: &Region<'_>, at: usize) -> Result<(), Stop> {
    const SNAP: u8 = 0x80;
    const SIGNALING: u8 = 0x08;
    let at = if region.u8(at)? == 0 { at + 1 } else { at };
    let identifier = region.u8(at)?;
    let rest = region.rest(at + 1);
    match identifier {
        SNAP => llc::dissect_snap(walk, rest),
        SIGNALING => {
            walk.columns.set_protocol("Q.933");
            data::dissect(walk, rest)
        }
        0xcc => ip::dissect(walk, rest),
        0x8e => ipv6::dissect(walk, rest),
        0xcf => ppp::dissect(walk, rest),
        _ if osi::is_known(identifier) => osi::by_identifier(walk, region.rest(at), identifier),
        _ => data::dissect(walk, rest),
    }
}
