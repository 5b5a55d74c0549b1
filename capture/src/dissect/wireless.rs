//! IEEE 802.11: data frames that are not encrypted, as far as IP behind their LLC header.

use super::layers::{Header, Layers};
use super::{Beyond, Scope, link};

/// Frame control, first byte: version, type and subtype.
const VERSION: u8 = 0x03;
const TYPE: u8 = 0x0c;
const TYPE_DATA: u8 = 0x08;
/// Subtype bits of data frames: no data at all, and quality of service.
const NO_DATA: u8 = 0x40;
const QOS: u8 = 0x80;

/// Frame control, second byte.
const BOTH_SYSTEMS: u8 = 0x03;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;

/// In the quality of service field: several packets in one frame.
const AGGREGATED: u8 = 0x80;

/// LLC (IEEE 802.2) and SNAP (IEEE 802) with an `EtherType` behind.
const SNAP: [u8; 6] = [0xaa, 0xaa, 0x03, 0, 0, 0];

/// An 802.11 frame at `at`. Of an aggregate nothing is looked at.
pub(super) fn descend(scope: Scope<'_>, at: usize, layers: &mut Layers) -> Result<(), Beyond> {
    const BEYOND: Beyond = Beyond(Header::Link);
    let cursor = scope.cursor;
    let kind = cursor.u8(at).ok_or(BEYOND)?;
    let flags = cursor.u8(at + 1).ok_or(BEYOND)?;
    if kind & VERSION != 0 || kind & TYPE != TYPE_DATA || kind & NO_DATA != 0 {
        return Ok(());
    }
    if flags & PROTECTED != 0 {
        return Ok(());
    }
    let mut at = at + 24;
    if flags & BOTH_SYSTEMS == BOTH_SYSTEMS {
        at += 6;
    }
    if kind & QOS != 0 {
        if cursor.u8(at).ok_or(BEYOND)? & AGGREGATED != 0 {
            return Ok(());
        }
        at += 2;
        if flags & ORDER != 0 {
            at += 4;
        }
    }
    if *cursor.array::<6>(at).ok_or(BEYOND)? != SNAP {
        return Ok(());
    }
    let ethertype = cursor.u16(at + 6).ok_or(BEYOND)?;
    link::by_ethertype(scope, ethertype, at + 8, layers)
}
