//! Management frames of IEEE 802.11: how often a network is announced, and its name.

use std::fmt;

use crate::read::proto::text::Hex;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Length of what stands in front of the elements in a frame of this subtype, if there are any.
const fn fixed_len(subtype: u8) -> Option<usize> {
    Some(match subtype {
        0 => 4,
        1 | 3 => 6,
        2 => 10,
        4 => 0,
        5 | 8 => 12,
        _ => return None,
    })
}

/// The name of a network: text if it is printable, else its bytes.
struct Name<'b>(&'b [u8]);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match str::from_utf8(self.0) {
            Ok(text) if !text.chars().any(char::is_control) => write!(f, "\"{text}\""),
            _ => write!(f, "{}", Hex(self.0)),
        }
    }
}

/// Dissects the body of a management frame.
pub(super) fn dissect(walk: &mut Walk<'_, '_>, body: &Region<'_>, subtype: u8) -> Result<(), Stop> {
    const ACTION: u8 = 13;
    if let Some(len) = fixed_len(subtype) {
        if len == 12 {
            let interval = u16::from_le_bytes(body.array(8)?);
            walk.columns.append_info(format_args!(", BI={interval}"));
        }
        return elements(walk, &body.from(len)?);
    }
    // A station asks an access point for its neighbors.
    if subtype == ACTION && body.captured().starts_with(&[5, 4]) {
        return elements(walk, &body.from(3)?);
    }
    Ok(())
}

/// Looks for names among the elements.
fn elements(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const SSID: u8 = 0;
    const MESH_ID: u8 = 114;
    let mut at = 0;
    while at < region.reported() {
        let (kind, len) = (region.u8(at)?, usize::from(region.u8(at + 1)?));
        let value = region.slice(at + 2, len)?;
        match kind {
            SSID if len == 0 => walk
                .columns
                .append_info(format_args!(", SSID=Wildcard (Broadcast)")),
            SSID => walk
                .columns
                .append_info(format_args!(", SSID={}", Name(value))),
            MESH_ID if len > 0 => walk
                .columns
                .append_info(format_args!(", MESHID={}", Name(value))),
            _ => {}
        }
        at += 2 + len;
    }
    Ok(())
}
