//! IEEE 802.15.4: what a frame is, who sends it and to whom.

use super::{name, names};
use crate::read::column::Address;
use crate::read::proto::data;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Whether the last two bytes are a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fcs {
    /// They are not.
    None,
    /// They are.
    Last,
}

/// How an end of a frame is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    None,
    Short,
    Extended,
}

impl Mode {
    const fn of(bits: u16) -> Option<Self> {
        match bits & 3 {
            0 => Some(Self::None),
            2 => Some(Self::Short),
            3 => Some(Self::Extended),
            _ => None,
        }
    }

    /// The address, and where it ends.
    fn read(self, region: &Region<'_>, at: usize) -> Result<(Option<String>, usize), Stop> {
        const EVERYBODY: u16 = 0xffff;
        Ok(match self {
            Self::None => (None, at),
            Self::Short => match u16::from_le_bytes(region.array(at)?) {
                EVERYBODY => (Some("Broadcast".into()), at + 2),
                address => (Some(format!("0x{address:04x}")), at + 2),
            },
            Self::Extended => {
                let bytes: [u8; 8] = region.array(at)?;
                let parts: Vec<_> = bytes
                    .iter()
                    .rev()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                (Some(parts.join(":")), at + 8)
            }
        })
    }
}

/// Which networks are named in a frame: that of the destination, that of the source.
fn networks(version: u16, kind: u16, ends: [Mode; 2], is_compressed: bool) -> [bool; 2] {
    let [destination, source] = ends.map(|mode| mode != Mode::None);
    if version < 2 {
        return [destination, source && !(is_compressed && destination)];
    }
    if kind > 3 {
        return [false; 2];
    }
    let both_extended = ends == [Mode::Extended; 2];
    match (destination, source) {
        (false, false) => [is_compressed, false],
        (true, false) => [!is_compressed, false],
        (false, true) => [false, !is_compressed],
        (true, true) if both_extended => [!is_compressed, false],
        (true, true) => [true, !is_compressed],
    }
}

/// Dissects a frame.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>, fcs: Fcs) -> Result<(), Stop> {
    const FCS_LEN: usize = 2;
    const HAS_NO_NUMBER: u16 = 0x0100;
    const IS_COMPRESSED: u16 = 0x40;
    name(walk, names::wpan::THIS, &region);
    let control = u16::from_le_bytes(region.array(0)?);
    let (kind, version) = (control & 7, control >> 12 & 3);
    let text = match kind {
        0 if version == 2 => "Enhanced Beacon",
        0 => "Beacon",
        1 => "Data",
        2 => "Ack",
        3 => "Command",
        5 => "Multipurpose",
        6 => "Fragment or Frak",
        7 => "Extended",
        _ => "Reserved",
    };
    walk.columns.set_info(format_args!("{text}"));
    let mut at = 2;
    if version != 2 || control & HAS_NO_NUMBER == 0 {
        region.u8(at)?;
        at += 1;
    }
    let (Some(destination), Some(source)) = (Mode::of(control >> 10), Mode::of(control >> 14))
    else {
        return Ok(());
    };
    if version == 3 || kind > 3 {
        return data::dissect(walk, region.rest(at));
    }
    let is_compressed = control & IS_COMPRESSED != 0;
    let has_network = networks(version, kind, [destination, source], is_compressed);
    at += if has_network[0] { 2 } else { 0 };
    // What stood there belongs to the layer around it.
    walk.columns.source = Address::None;
    walk.columns.destination = Address::None;
    let (address, end) = destination.read(&region, at)?;
    if let Some(address) = address {
        walk.columns.destination = Address::text(&address);
        walk.columns.append_info(format_args!(", Dst: {address}"));
    }
    at = end + if has_network[1] { 2 } else { 0 };
    let (address, end) = source.read(&region, at)?;
    if let Some(address) = address {
        walk.columns.source = Address::text(&address);
        walk.columns.append_info(format_args!(", Src: {address}"));
    }
    let len = region.reported().saturating_sub(end);
    let len = match fcs {
        Fcs::None => len,
        Fcs::Last => len.saturating_sub(FCS_LEN),
    };
    match len {
        0 => Ok(()),
        _ => data::dissect(walk, region.part(end, len)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compressed_frame_names_one_network() {
        let ends = [Mode::Short, Mode::Extended];
        // IEEE 802.15.4-2006 section 7.2.1.1.5; 802.15.4-2015 table 7-2.
        assert_eq!(networks(0, 1, ends, true), [true, false]);
        assert_eq!(networks(1, 1, ends, false), [true, true]);
        assert_eq!(networks(2, 1, [Mode::Extended; 2], false), [true, false]);
        assert_eq!(networks(2, 1, [Mode::Extended; 2], true), [false, false]);
    }
}
