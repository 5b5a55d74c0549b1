//! Names and small pieces of text of TCP.

use crate::read::print::text::decimal;

/// Adds ` NAME=number`.
#[inline]
pub(super) fn number(out: &mut String, name: &str, value: u32) {
    out.push(' ');
    out.push_str(name);
    out.push('=');
    decimal(out, value);
}

/// Name of an option in the tree.
pub(super) fn option(kind: u8) -> &'static str {
    match kind {
        0 => "End of Option List (EOL)",
        1 => "No-Operation (NOP)",
        2 => "Maximum segment size",
        3 => "Window scale",
        4 => "SACK permitted",
        5 => "SACK",
        6 => "Echo",
        7 => "Echo reply",
        8 => "Timestamps",
        11 => "CC",
        12 => "CC.NEW",
        13 => "CC.ECHO",
        19 => "TCP MD5 signature",
        20 => "SCPS capabilities",
        21 => "Selective Negative Acknowledgment",
        22 => "SCPS record boundary",
        23 => "SCPS corruption experienced",
        27 => "Quick-Start",
        28 => "User Timeout",
        29 => "TCP AO",
        30 => "MPTCP",
        34 => "TCP Fast Open",
        76 => "Riverbed Probe",
        78 => "Riverbed Transparency",
        0xac | 0xae => "Accurate ECN",
        0xfd | 0xfe => "Experimental",
        _ => "Unknown",
    }
}

/// Names of the capabilities of SCPS.
pub(super) fn scps(vector: u8) -> Vec<&'static str> {
    let bits = [
        (0x80, "BETS"),
        (0x40, "SNACK1"),
        (0x20, "SNACK2"),
        (0x10, "COMP"),
        (0x08, "NLTS"),
        (0x07, "RESERVED"),
    ];
    bits.into_iter()
        .filter(|(bits, _)| vector & bits != 0)
        .map(|(_, name)| name)
        .collect()
}

/// Rates of Quick-Start (RFC 4782 section 3.1).
pub(super) const fn quick_start(rate: u8) -> &'static str {
    match rate {
        0 => "0 bit/s",
        1 => "80 Kbit/s",
        2 => "160 Kbit/s",
        3 => "320 Kbit/s",
        4 => "640 Kbit/s",
        5 => "1.28 Mbit/s",
        6 => "2.56 Mbit/s",
        7 => "5.12 Mbit/s",
        8 => "10.24 Mbit/s",
        9 => "20.48 Mbit/s",
        10 => "40.96 Mbit/s",
        11 => "81.92 Mbit/s",
        12 => "163.84 Mbit/s",
        13 => "327.68 Mbit/s",
        14 => "655.36 Mbit/s",
        15 => "1.31072 Gbit/s",
        _ => "Unknown",
    }
}
