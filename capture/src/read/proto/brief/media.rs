//! RTCP (RFC 3550), by its first bytes.

use super::{name, names};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Whether a datagram looks like RTCP: its version, a kind that a report begins with, whole words.
pub(crate) fn is_rtcp(region: &Region<'_>) -> bool {
    let Some([first, kind]) = region.captured().first_chunk() else {
        return false;
    };
    first >> 6 == 2
        && matches!(kind, 200 | 201 | 203 | 204 | 206)
        && region.reported().is_multiple_of(4)
}

/// Dissects the packets of a datagram.
pub(crate) fn rtcp(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 4;
    name(walk, names::rtcp::THIS, region);
    let mut at = 0;
    while at < region.reported() {
        let (first, kind) = (region.u8(at)?, region.u8(at + 1)?);
        let Some(text) = packet_name(kind).filter(|_| first >> 6 == 2) else {
            break;
        };
        walk.columns.append_info(format_args!("{text}   "));
        let len = usize::from(region.u16(at + 2)?) * 4 + HEADER_LEN;
        region.slice(at, len)?;
        at += len;
    }
    Ok(())
}

const fn packet_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        192 => "Full Intra-frame Request (H.261)",
        193 => "Negative Acknowledgement (H.261)",
        194 => "SMPTE time-code mapping",
        195 => "Extended inter-arrival jitter report",
        200 => "Sender Report",
        201 => "Receiver Report",
        202 => "Source description",
        203 => "Goodbye",
        204 => "Application specific",
        205 => "Generic RTP Feedback",
        206 => "Payload-specific Feedback",
        207 => "Extended report (RFC 3611)",
        208 => "AVB RTCP packet (IEEE1733)",
        209 => "Receiver Summary Information",
        210 => "Port Mapping",
        _ => return None,
    })
}
