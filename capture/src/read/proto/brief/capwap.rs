//! CAPWAP (RFC 5415): what access points tell their controller, and frames that they send on.

use super::{dtls, name, names, wireless};
use crate::read::column::Address;
use crate::read::proto::{data, eth};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Port of control messages.
pub(crate) const CONTROL_PORT: u16 = 5246;
/// Port of frames.
pub(crate) const DATA_PORT: u16 = 5247;

/// Whether the first byte announces DTLS.
const IS_SECURED: u8 = 1;
const SECURED_LEN: usize = 4;

/// Dissects a control message, or the DTLS around it.
pub(crate) fn control(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("CAPWAP-Control");
    walk.columns.clear_info();
    walk.begin(names::capwap::THIS, region, region.captured().len());
    walk.end();
    if region.u8(0)? & 0x0f == IS_SECURED {
        let stream = walk.memory.brief.datagram_stream;
        return dtls::records(walk, &region.rest(SECURED_LEN), stream);
    }
    let len = header_len(region)?;
    let kind = region.u32(len)?;
    let text = match kind {
        1 => "Discovery Request",
        2 => "Discovery Response",
        3 => "Join Request",
        4 => "Join Response",
        5 => "Configuration Status Request",
        6 => "Configuration Status Response",
        7 => "Configuration Update Request",
        8 => "Configuration Update Response",
        9 => "WTP Event Request",
        10 => "WTP Event Response",
        11 => "Change State Event Request",
        12 => "Change State Event Response",
        13 => "Echo Request",
        14 => "Echo Response",
        15 => "Image Data Request",
        16 => "Image Data Response",
        17 => "Reset Request",
        18 => "Reset Response",
        19 => "Primary Discovery Request",
        20 => "Primary Discovery Response",
        21 => "Data Transfer Request",
        22 => "Data Transfer Response",
        23 => "Clear Configuration Request",
        24 => "Clear Configuration Response",
        25 => "Station Configuration Request",
        26 => "Station Configuration Response",
        _ => "",
    };
    walk.columns
        .set_info(format_args!("CAPWAP-Control - {text}"));
    Ok(())
}

fn header_len(region: &Region<'_>) -> Result<usize, Stop> {
    Ok(usize::from(region.u8(1)? >> 3) * 4)
}

/// Dissects a frame that an access point sends on, or that it is to send.
pub(crate) fn frame(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const WIRELESS: u32 = 1;
    const IS_NATIVE: u32 = 0x100;
    const IS_FRAGMENT: u32 = 0x80;
    const IS_KEEPALIVE: u32 = 0x08;
    name(walk, names::capwap::THIS, region);
    walk.columns.set_protocol("CAPWAP-Data");
    if region.u8(0)? & 0x0f == IS_SECURED {
        let stream = walk.memory.brief.datagram_stream;
        return dtls::records(walk, &region.rest(SECURED_LEN), stream);
    }
    walk.columns.set_info(format_args!("CAPWAP-Data"));
    let len = header_len(region)?;
    let flags = region.u24(1)?;
    if flags & IS_KEEPALIVE != 0 {
        walk.columns.append_info(format_args!(" Keep-Alive"));
        return Ok(());
    }
    let rest = region.from(len)?;
    if flags & IS_FRAGMENT != 0 || walk.protocols.is_full() {
        return data::dissect(walk, rest);
    }
    // What is within has addresses of its own.
    walk.columns.source = Address::None;
    walk.columns.destination = Address::None;
    match (flags & IS_NATIVE != 0, flags >> 9 & 0x1f) {
        (false, _) => eth::dissect(walk, rest, eth::Fcs::None),
        (true, WIRELESS) => wireless::dissect(walk, rest, wireless::Radio::swapped()),
        (true, _) => data::dissect(walk, rest),
    }
}
