//! IEEE 802.11 data frames without a checksum, as access points send them on through GRE.

use std::fmt;

use super::{name_of, names};
use crate::read::column::Address;
use crate::read::proto::{data, llc};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Letters of the bits of the second byte of frame control, the highest first.
struct Flags(u8);

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (bit, letter) in ['o', 'p', 'm', 'P', 'R', 'M', 'F', 'T']
            .into_iter()
            .enumerate()
        {
            let is_set = self.0 & (0x80 >> bit) != 0;
            fmt::Write::write_char(f, if is_set { letter } else { '.' })?;
        }
        Ok(())
    }
}

const fn data_name(subtype: u8) -> &'static str {
    match subtype {
        0 => "Data",
        1 => "Data + CF-Ack",
        2 => "Data + CF-Poll",
        3 => "Data + CF-Ack + CF-Poll",
        4 => "Null function (No data)",
        5 => "Acknowledgement (No data)",
        6 => "CF-Poll (No data)",
        7 => "CF-Ack/Poll (No data)",
        8 => "QoS Data",
        9 => "QoS Data + CF-Acknowledgment",
        10 => "QoS Data + CF-Poll",
        11 => "QoS Data + CF-Ack + CF-Poll",
        12 => "QoS Null function (No data)",
        13 => "QoS (reserved)",
        14 => "QoS CF-Poll (No Data)",
        _ => "QoS CF-Ack + CF-Poll (No data)",
    }
}

/// Dissects a frame; management and control frames are only named.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const TO_AND_FROM: u8 = 3;
    const PROTECTED: u8 = 0x40;
    const ORDER: u8 = 0x80;
    const MORE_FRAGMENTS: u8 = 0x04;
    const AMSDU: u16 = 0x80;
    let (kind, flags) = (region.u8(0)?, region.u8(1)?);
    if kind & 0x0c != 0x08 {
        name_of(walk, names::wlan::THIS, &region, 24);
        return data::dissect(walk, region.rest(24));
    }
    let subtype = kind >> 4;
    let has_qos = subtype & 8 != 0;
    let mut len = 24;
    if flags & TO_AND_FROM == TO_AND_FROM {
        len += 6;
    }
    let qos = if has_qos {
        u16::from_le_bytes(region.array(len)?)
    } else {
        0
    };
    if has_qos {
        len += if flags & ORDER == 0 { 2 } else { 6 };
    }
    let (destination, source) = match flags & TO_AND_FROM {
        0 => (4, 10),
        1 => (16, 10),
        2 => (4, 16),
        _ => (16, 24),
    };
    walk.columns.source = Address::Ether(region.array(source)?);
    walk.columns.destination = Address::Ether(region.array(destination)?);
    name_of(walk, names::wlan::THIS, &region, len);
    let control = u16::from_le_bytes(region.array(22)?);
    let (sequence, fragment) = (control >> 4, control & 0xf);
    walk.columns.set_info(format_args!(
        "{}, SN={sequence}, FN={fragment}, Flags={}",
        data_name(subtype),
        Flags(flags)
    ));
    let rest = region.rest(len);
    let is_piece = fragment != 0 || flags & MORE_FRAGMENTS != 0;
    if subtype & 4 != 0 || rest.reported() == 0 {
        return Ok(());
    }
    if flags & PROTECTED != 0 || is_piece || walk.protocols.is_full() {
        return data::dissect(walk, rest);
    }
    if qos & AMSDU == 0 {
        return llc::dissect(walk, rest);
    }
    let mut at = 0;
    loop {
        let len = usize::from(rest.u16(at + 12)?);
        llc::dissect(walk, rest.part(at + 14, len))?;
        walk.claimed = None;
        at = (at + 14 + len).next_multiple_of(4);
        if rest.reported().saturating_sub(at) <= 14 {
            return Ok(());
        }
    }
}
