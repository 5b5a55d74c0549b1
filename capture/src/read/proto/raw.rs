//! Packets without a link layer (Wireshark's `packet-raw.c`).

use super::{data, ip, ipv6, ppp};
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

protocol! {
    33, "raw", "Raw", "Raw packet data";
}

/// How PPP in HDLC begins, which drivers have left before packets.
const HDLC: u16 = 0xff03;

/// Dissects a packet by its first bytes.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    let version = region.captured().first().map(|byte| byte >> 4);
    if region.captured().len() < 8 || !matches!(version, Some(4 | 6)) {
        walk.columns.set_protocol("N/A");
        walk.columns.set_info(format_args!("Raw packet data"));
    }
    for at in [0, 6, 1] {
        if region.u16(at)? == HDLC {
            return ppp::dissect_hdlc(walk, region.rest(at));
        }
    }
    if region.array(0) == Ok([0; 10]) {
        return ip::dissect(walk, region.rest(10));
    }
    match version {
        Some(4) => ip::dissect(walk, region),
        Some(6) => ipv6::dissect(walk, region),
        _ => data::dissect(walk, region),
    }
}
