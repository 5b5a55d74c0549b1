//! `NetBIOS` datagrams (RFC 1002 section 4.4), and the announcements of Windows networks that they carry.

use super::{name, names};
use crate::read::proto::text::ascii;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Its port.
pub(crate) const PORT: u16 = 138;

/// Dissects a datagram.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    name(walk, names::nbdgm::THIS, region);
    let kind = region.u8(0)?;
    let text = match kind {
        0x10 => "Direct_unique datagram",
        0x11 => "Direct_group datagram",
        0x12 => "Broadcast datagram",
        0x13 => "Datagram error",
        0x14 => "Datagram query request",
        0x15 => "Datagram positive query response",
        0x16 => "Datagram negative query response",
        _ => {
            walk.columns
                .set_info(format_args!("Unknown message type (0x{kind:02X})"));
            return Ok(());
        }
    };
    walk.columns.set_info(format_args!("{text}"));
    if kind <= 0x12 {
        let at = after_name(region, after_name(region, 14)?)?;
        payload(walk, &region.from(at)?)?;
    }
    Ok(())
}

/// Where a name that begins at `at` ends: labels up to an empty one.
fn after_name(region: &Region<'_>, mut at: usize) -> Result<usize, Stop> {
    loop {
        let len = usize::from(region.u8(at)?);
        match len {
            0 => return Ok(at + 1),
            0xc0.. => return Ok(at + 2),
            _ => at += 1 + len,
        }
    }
}

/// A transaction of SMB to a mailslot ([MS-CIFS] 2.2.4.33, [MS-MAIL]).
fn payload(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const TRANSACTION: u8 = 0x25;
    const PARAMETERS: usize = 33;
    let bytes = region.captured();
    if !bytes.starts_with(b"\xffSMB") || bytes.get(4) != Some(&TRANSACTION) {
        return Ok(());
    }
    walk.columns.set_protocol("SMB");
    walk.columns.set_info(format_args!("Trans Request"));
    let slot = bytes
        .windows(16)
        .any(|window| window.eq_ignore_ascii_case(b"\\MAILSLOT\\BROWSE"));
    let slot_of_hosts = bytes
        .windows(15)
        .any(|window| window.eq_ignore_ascii_case(b"\\MAILSLOT\\LANMAN"));
    if !slot && !slot_of_hosts {
        return Ok(());
    }
    let at = usize::from(u16::from_le_bytes(region.array(PARAMETERS + 24)?));
    announcement(walk, &region.from(at)?)
}

/// An announcement ([MS-BRWS] section 2.2).
fn announcement(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const NAME_LEN: usize = 16;
    let kind = region.u8(0)?;
    let text = match kind {
        1 => "Host Announcement",
        2 => "Request Announcement",
        8 => "Browser Election Request",
        9 => "Get Backup List Request",
        10 => "Get Backup List Response",
        11 => "Become Backup Browser",
        12 => "Domain/Workgroup Announcement",
        13 => "Master Announcement",
        14 => "Reset Browser State Announcement",
        15 => "Local Master Announcement",
        _ => {
            walk.columns.set_protocol("BROWSER");
            walk.columns
                .set_info(format_args!("Unknown command:0x{kind:02x}"));
            return Ok(());
        }
    };
    walk.columns.set_protocol("BROWSER");
    walk.columns.set_info(format_args!("{text}"));
    match kind {
        1 | 12 | 15 => {
            let host = ascii(region.slice(6, NAME_LEN)?);
            walk.columns.append_info(format_args!(" {host}"));
            let types = u32::from_le_bytes(region.array(24)?);
            for (bit, name) in TYPES {
                if types >> bit & 1 != 0 {
                    walk.columns.append_info(format_args!(", {name}"));
                }
            }
        }
        2 => {
            let host = ascii(region.captured().get(2..).unwrap_or(&[]));
            walk.columns.append_info(format_args!(" {host}"));
        }
        _ => {}
    }
    Ok(())
}

/// Bits of a server's type ([MS-BRWS] 2.2.1), with what they say.
const TYPES: [(u32, &str); 25] = [
    (0, "Workstation"),
    (1, "Server"),
    (2, "SQL Server"),
    (3, "Domain Controller"),
    (4, "Backup Controller"),
    (5, "Time Source"),
    (6, "Apple Server"),
    (7, "Novell Server"),
    (8, "Domain Member Server"),
    (9, "Print Queue Server"),
    (10, "Dialin Server"),
    (11, "Xenix Server"),
    (12, "NT Workstation"),
    (13, "Windows for Workgroups"),
    (15, "NT Server"),
    (16, "Potential Browser"),
    (17, "Backup Browser"),
    (18, "Master Browser"),
    (19, "Domain Master Browser"),
    (20, "OSF"),
    (21, "VMS"),
    (22, "Windows 95 or above"),
    (23, "DFS server"),
    (30, "Local List Only"),
    (31, "Domain Enum"),
];

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 1002 section 4.1: labels, and pointers of two bytes.
    #[test]
    fn names_end_with_an_empty_label_or_a_pointer() {
        let bytes = [2, b'a', b'b', 0, 9];
        assert_eq!(after_name(&Region::new(0, &bytes, 5), 0), Ok(4));
        let bytes = [0xc0, 12, 9];
        assert_eq!(after_name(&Region::new(0, &bytes, 3), 0), Ok(2));
        assert!(after_name(&Region::new(0, &[5], 1), 0).is_err());
    }
}
