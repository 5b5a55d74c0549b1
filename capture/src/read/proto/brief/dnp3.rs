//! DNP 3.0 (IEEE 1815) over TCP and UDP: the function of the application layer, or of the link.

use super::{name, names};
use crate::read::proto::data;
use crate::read::proto::tcp::applications::{Application, Outcome, Payload, each_pdu};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Its port, over UDP too.
pub(crate) const PORT: u16 = 20000;
const HEADER_LEN: usize = 10;

/// DNP 3.0 in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[PORT],
    recognizes: None,
    dissect,
};

fn begins(region: &Region<'_>) -> bool {
    region.captured().starts_with(&[0x05, 0x64])
}

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    if !begins(&region) {
        return Ok(Outcome::NotMine);
    }
    let len_of = |region: &Region<'_>| Ok(Some(len_of(region)?));
    each_pdu(
        walk,
        region,
        payload,
        HEADER_LEN,
        len_of,
        |walk, message| one(walk, &message),
    )
}

/// Dissects a datagram.
pub(crate) fn datagram(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    if begins(&region) {
        one(walk, &region)
    } else {
        data::dissect(walk, region)
    }
}

/// Each 16 bytes of data have a checksum of two; the length counts five bytes of the header.
fn len_of(region: &Region<'_>) -> Result<usize, Stop> {
    let len = usize::from(region.u8(2)?);
    let data = len.saturating_sub(5);
    Ok(len + 5 + data.div_ceil(16) * 2)
}

/// The data without its checksums.
fn data_of(region: &Region<'_>) -> Vec<u8> {
    const BLOCK: usize = 16;
    const CHECKSUM: usize = 2;
    let body = region.captured().get(HEADER_LEN..).unwrap_or(&[]);
    body.chunks(BLOCK + CHECKSUM)
        .flat_map(|block| &block[..block.len().saturating_sub(CHECKSUM)])
        .copied()
        .collect()
}

fn one(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const PRIMARY: u8 = 0x40;
    const FIRST_AND_FINAL: u8 = 0xc0;
    name(walk, names::dnp3::THIS, region);
    let (len, control) = (region.u8(2)?, region.u8(3)?);
    let [destination, source] = [4, 6].map(|at| region.array(at).map(u16::from_le_bytes));
    let (destination, source) = (destination?, source?);
    let function = control & 0x0f;
    let text = link_function(function, control & PRIMARY != 0);
    let columns = &mut *walk.columns;
    columns.append_info(format_args!("from {source} to {destination}, len={len}, "));
    match text {
        Some(text) => columns.append_info(format_args!("{text}")),
        None => columns.append_info(format_args!("Unknown function ({function:#04x})")),
    }
    let body = data_of(region);
    let is_data = control & PRIMARY != 0 && matches!(function, 3 | 4);
    let [transport, _, code, objects @ ..] = body.as_slice() else {
        return Ok(());
    };
    if !is_data {
        return Ok(());
    }
    if transport & FIRST_AND_FINAL != FIRST_AND_FINAL {
        columns.append_info(format_args!(
            " (Application Layer Unreassembled fragment {})",
            transport & 0x3f
        ));
        return Ok(());
    }
    columns.clear_info();
    let between = if columns.info.is_empty() { "" } else { ", " };
    match application_function(*code) {
        Some(text) => columns.append_info(format_args!("{between}{text}")),
        None => columns.append_info(format_args!("{between}Unknown function ({code:#04x})")),
    }
    columns.fence();
    match code {
        1 => read(walk, objects),
        2 => write(walk, objects),
        _ => {}
    }
    Ok(())
}

/// Which objects are read: classes, or one group.
fn read(walk: &mut Walk<'_, '_>, objects: &[u8]) {
    const ALL_OBJECTS: u8 = 0x06;
    let mut classes = String::new();
    let mut rest = objects;
    while let [group, variation, qualifier, more @ ..] = rest {
        if *group == 60 {
            if let Some(class) = variation.checked_sub(1) {
                classes.push_str(&class.to_string());
            }
        } else {
            let text = group_name(*group).unwrap_or("Unknown Object Type");
            walk.columns.append_info(format_args!(", {text}"));
        }
        rest = match qualifier {
            &ALL_OBJECTS => more,
            0x00 | 0x08 => more.get(2..).unwrap_or(&[]),
            0x07 => more.get(1..).unwrap_or(&[]),
            0x01 => more.get(4..).unwrap_or(&[]),
            _ => &[],
        };
    }
    if !classes.is_empty() {
        let mut classes: Vec<_> = classes.into_bytes();
        classes.sort_unstable();
        classes.dedup();
        let classes = String::from_utf8_lossy(&classes);
        walk.columns.append_info(format_args!(", Class {classes}"));
    }
}

fn write(walk: &mut Walk<'_, '_>, objects: &[u8]) {
    let [group, ..] = objects else {
        return;
    };
    let text = match group {
        50 => "Time and Date",
        51 => "Time and Date CTO",
        52 => "Time Delay",
        80 => "Internal Indications",
        _ => group_name(*group).unwrap_or("Unknown Object Type"),
    };
    walk.columns.append_info(format_args!(", {text}"));
}

const fn group_name(group: u8) -> Option<&'static str> {
    Some(match group {
        1 => "Binary Input",
        2 => "Binary Input Change",
        3 => "Double-bit Input",
        4 => "Double-bit Input Change",
        10 => "Binary Output",
        12 => "Binary Command",
        20 => "Counter",
        21 => "Frozen Counter",
        22 => "Counter Change",
        23 => "Frozen Counter Change",
        30 => "Analog Input",
        31 => "Frozen Analog Input",
        32 => "Analog Input Change",
        34 => "Analog Input Deadband",
        40 => "Analog Output",
        42 => "Analog Output Event",
        50 => "Time and Date",
        70 => "File Control",
        80 => "Internal Indications",
        110 => "Octet String",
        _ => return None,
    })
}

const fn link_function(function: u8, is_primary: bool) -> Option<&'static str> {
    Some(match (function, is_primary) {
        (0, true) => "Reset of Remote Link",
        (1, true) => "Reset of User Process",
        (2, true) => "Test Function For Link",
        (3, true) => "User Data",
        (4, true) => "Unconfirmed User Data",
        (9, true) => "Request Link Status",
        (0, false) => "ACK",
        (1, false) => "NACK",
        (11, false) => "Status of Link",
        (14, false) => "Link Service Not Functioning",
        (15, false) => "Link Service Not Used or Implemented",
        _ => return None,
    })
}

const fn application_function(code: u8) -> Option<&'static str> {
    Some(match code {
        0 => "Confirm",
        1 => "Read",
        2 => "Write",
        3 => "Select",
        4 => "Operate",
        5 => "Direct Operate",
        6 => "Direct Operate No Ack",
        7 => "Immediate Freeze",
        8 => "Immediate Freeze No Ack",
        9 => "Freeze and Clear",
        10 => "Freeze and Clear No ACK",
        11 => "Freeze With Time",
        12 => "Freeze With Time No ACK",
        13 => "Cold Restart",
        14 => "Warm Restart",
        15 => "Initialize Data",
        16 => "Initialize Application",
        17 => "Start Application",
        18 => "Stop Application",
        19 => "Save Configuration",
        20 => "Enable Spontaneous Messages",
        21 => "Disable Spontaneous Messages",
        22 => "Assign Classes",
        23 => "Delay Measurement",
        24 => "Record Current Time",
        25 => "Open File",
        26 => "Close File",
        27 => "Delete File",
        28 => "Get File Info",
        29 => "Authenticate File",
        30 => "Abort File",
        31 => "Activate Config",
        32 => "Authentication Request",
        33 => "Authentication Error",
        129 => "Response",
        130 => "Unsolicited Response",
        131 => "Authentication Response",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // IEEE 1815 section 9.2.4.1: 5 bytes of header counted, a checksum for each 16 bytes of data.
    #[test]
    fn blocks_have_checksums() {
        let bytes = [0x05, 0x64, 22, 0xc4, 1, 0, 2, 0, 0, 0];
        let region = Region::new(0, &bytes, 10);
        assert_eq!(len_of(&region), Ok(10 + 16 + 2 + 1 + 2));
        let mut bytes = bytes.to_vec();
        bytes.extend([7; 16]);
        bytes.extend([0xee; 2]);
        bytes.extend([8, 0xee, 0xee]);
        let region = Region::new(0, &bytes, bytes.len() as u32);
        let mut expected = vec![7; 16];
        expected.push(8);
        assert_eq!(data_of(&region), expected);
    }
}
