//! NTP (RFC 5905), as Wireshark's `packet-ntp.c` shows it.

use std::net::Ipv4Addr;

use super::text::Escaped;
use crate::packet::Timestamp;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::render::Moment;
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    26, "ntp", "NTP", "Network Time Protocol";
    FLAGS: "ntp.flags", "Flags", Uint(8), Hex;
    LI: "ntp.flags.li", "Leap Indicator", Uint(8), Dec, mask = 0xc0, names = leap_name;
    VN: "ntp.flags.vn", "Version number", Uint(8), Dec, mask = 0x38, names = version_name;
    MODE: "ntp.flags.mode", "Mode", Uint(8), Dec, mask = 0x07, names = mode_name;
    STRATUM: "ntp.stratum", "Peer Clock Stratum", Uint(8), Dec, names = stratum_name;
    PPOLL: "ntp.ppoll", "Peer Polling Interval", Uint(8), Dec;
    PRECISION: "ntp.precision", "Peer Clock Precision", Uint(8), Dec;
    ROOT_DELAY: "ntp.rootdelay", "Root Delay", Uint(32), Dec;
    ROOT_DISPERSION: "ntp.rootdispersion", "Root Dispersion", Uint(32), Dec;
    REFID: "ntp.refid", "Reference ID", Bytes;
    REFTIME: "ntp.reftime", "Reference Timestamp", AbsoluteTime;
    ORG: "ntp.org", "Origin Timestamp", AbsoluteTime;
    REC: "ntp.rec", "Receive Timestamp", AbsoluteTime;
    XMT: "ntp.xmt", "Transmit Timestamp", AbsoluteTime;
    KEYID: "ntp.keyid", "Key ID", Bytes;
    MAC: "ntp.mac", "Message Authentication Code", Bytes;
}

const fn leap_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "no warning",
        1 => "last minute of the day has 61 seconds",
        2 => "last minute of the day has 59 seconds",
        3 => "unknown (clock unsynchronized)",
        _ => return None,
    })
}

const fn version_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "NTP Version 1",
        2 => "NTP Version 2",
        3 => "NTP Version 3",
        4 => "NTP Version 4",
        0 | 5..=7 => "reserved",
        _ => return None,
    })
}

const fn mode_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "reserved",
        1 => "symmetric active",
        2 => "symmetric passive",
        3 => "client",
        4 => "server",
        5 => "broadcast",
        6 => "reserved for NTP control message",
        7 => "reserved for private use",
        _ => return None,
    })
}

#[expect(clippy::unnecessary_wraps, reason = "names of values have one form")]
const fn stratum_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "unspecified or invalid",
        1 => "primary reference",
        2..=15 => "secondary reference",
        16 => "unsynchronized",
        _ => "reserved",
    })
}

/// Name of a request of the private mode (`ntp_request.h` of the reference implementation).
const fn request_name(value: u8) -> &'static str {
    match value {
        0 => "PEER_LIST",
        1 => "PEER_LIST_SUM",
        2 => "PEER_INFO",
        3 => "PEER_STATS",
        4 => "SYS_INFO",
        5 => "SYS_STATS",
        6 => "IO_STATS",
        7 => "MEM_STATS",
        8 => "LOOP_INFO",
        9 => "TIMER_STATS",
        10 => "CONFIG",
        11 => "UNCONFIG",
        12 => "SET_SYS_FLAG",
        13 => "CLR_SYS_FLAG",
        14 => "MONITOR",
        15 => "NOMONITOR",
        16 => "GET_RESTRICT",
        17 => "RESADDFLAGS",
        18 => "RESSUBFLAGS",
        19 => "UNRESTRICT",
        20 => "MON_GETLIST",
        21 => "RESET_STATS",
        22 => "RESET_PEER",
        23 => "REREAD_KEYS",
        24 => "DO_DIRTY_HACK",
        25 => "DONT_DIRTY_HACK",
        26 => "TRUSTKEY",
        27 => "UNTRUSTKEY",
        28 => "AUTHINFO",
        29 => "TRAPS",
        30 => "ADD_TRAP",
        31 => "CLR_TRAP",
        32 => "REQUEST_KEY",
        33 => "CONTROL_KEY",
        34 => "GET_CTLSTATS",
        35 => "GET_LEAPINFO",
        36 => "GET_CLOCKINFO",
        37 => "SET_CLKFUDGE",
        38 => "GET_KERNEL",
        39 => "GET_CLKBUGINFO",
        41 => "SET_PRECISION",
        42 => "MON_GETLIST_1",
        43 => "HOSTNAME_ASSOCID",
        44 => "IF_STATS",
        45 => "IF_RELOAD",
        _ => "Unknown",
    }
}

/// Sources that clocks of stratum 1 name (RFC 5905 section 7.3, and others in use).
const SOURCES: &[(&[u8; 4], &str)] = &[
    (b"ACTS", "NIST telephone modem"),
    (b"CHU\0", "HF radio CHU Ottawa, Ontario"),
    (b"DCFa", "Legacy DCF77 reference clock"),
    (b"GPS\0", "Global Position System"),
    (b"LOCL", "uncalibrated local clock"),
    (b"PPS\0", "Generic pulse-per-second"),
];

/// Its UDP port.
pub(crate) const PORT: u16 = 123;

const CONTROL: u8 = 6;
const PRIVATE: u8 = 7;
/// Where the authenticator begins.
const HEADER_LEN: usize = 48;

/// Dissects a message.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("NTP");
    walk.columns.clear_info();
    let added = walk.begin(THIS, &region, region.captured().len());
    let flags = region.u8(0)?;
    let (leap, version, mode) = (flags >> 6, flags >> 3 & 7, flags & 7);
    let version_text = version_name(version.into()).unwrap_or("");
    let mode_text = match mode {
        CONTROL => "control",
        PRIVATE => "private",
        mode => mode_name(mode.into()).unwrap_or(""),
    };
    walk.columns
        .set_info(format_args!("{version_text}, {mode_text}"));
    walk.tree.label(
        added,
        format_args!("Network Time Protocol ({version_text}, {mode_text})"),
    );
    if mode == PRIVATE {
        let what = if flags & 0x80 == 0 {
            "Request"
        } else {
            "Response"
        };
        let code = request_name(region.u8(3)?);
        walk.columns.append_info(format_args!(", {what}, {code}"));
    }
    let place = region.place(0, 1);
    let node = walk.tree.add(FLAGS, place, Value::Uint(flags.into()));
    walk.tree.label(
        node,
        format_args!(
            "Flags: {flags:#04x}, Leap Indicator: {}, Version number: {version_text}, Mode: {}",
            leap_name(leap.into()).unwrap_or(""),
            mode_name(mode.into()).unwrap_or(""),
        ),
    );
    walk.tree.open();
    for (field, value) in [(LI, leap), (VN, version), (MODE, mode)] {
        walk.tree.add(field, place, Value::Uint(value.into()));
    }
    walk.tree.close();
    if mode != CONTROL && mode != PRIVATE {
        standard(walk, &region)?;
    }
    walk.end();
    Ok(())
}

fn standard(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    // The list needs nothing more, but a message that ends early is malformed.
    region.slice(0, HEADER_LEN)?;
    if !walk.tree.wants_any_of(THIS.protocol) {
        return Ok(());
    }
    let stratum = walk.u8(STRATUM, region, 1)?;
    let poll = region.u8(2)?;
    let node = walk
        .tree
        .add(PPOLL, region.place(2, 1), Value::Uint(poll.into()));
    if poll <= 17 {
        let seconds = 1_u32 << poll;
        walk.tree.label(
            node,
            format_args!("Peer Polling Interval: {poll} ({seconds} seconds)"),
        );
    } else {
        walk.tree.label(
            node,
            format_args!("Peer Polling Interval: invalid ({poll})"),
        );
    }
    let precision = region.u8(3)?;
    let node = walk
        .tree
        .add(PRECISION, region.place(3, 1), Value::Uint(precision.into()));
    let seconds = f64::from(precision.cast_signed()).exp2();
    walk.tree.label(
        node,
        format_args!("Peer Clock Precision: {seconds:8.6} seconds"),
    );
    for (field, at, is_signed) in [(ROOT_DELAY, 4, true), (ROOT_DISPERSION, 8, false)] {
        let raw = region.u32(at)?;
        let node = walk
            .tree
            .add(field, region.place(at, 4), Value::Uint(raw.into()));
        let whole = if is_signed {
            f64::from((raw >> 16) as i16)
        } else {
            f64::from(raw >> 16)
        };
        let seconds = whole + f64::from(raw & 0xffff) / 65_536.0;
        let title = field.field().title;
        walk.tree
            .label(node, format_args!("{title}: {seconds:8.6} seconds"));
    }
    let id = region.array::<4>(12)?;
    let node = walk.tree.add(REFID, region.place(12, 4), Value::Bytes);
    let known = SOURCES.iter().find(|(name, _)| **name == id);
    match known {
        _ if id == [0; 4] => walk.tree.label(node, format_args!("Reference ID: NULL")),
        Some((_, text)) if stratum <= 1 => {
            walk.tree.label(node, format_args!("Reference ID: {text}"));
        }
        None if stratum <= 1 => {
            let text = id.split(|byte| *byte == 0).next().unwrap_or(&[]);
            walk.tree.label(
                node,
                format_args!(
                    "Reference ID: Unidentified reference source '{}'",
                    Escaped(text)
                ),
            );
        }
        _ => walk
            .tree
            .label(node, format_args!("Reference ID: {}", Ipv4Addr::from(id))),
    }
    for (field, at) in [(REFTIME, 16), (ORG, 24), (REC, 32), (XMT, 40)] {
        let raw = region.u64(at)?;
        let time = moment(raw);
        let node = walk.tree.add(field, region.place(at, 8), Value::Time(time));
        let title = field.field().title;
        if raw == 0 {
            walk.tree.label(node, format_args!("{title}: NULL"));
        } else {
            walk.tree
                .label(node, format_args!("{title}: {}", Moment(time)));
        }
    }
    let left = region.rest(HEADER_LEN);
    if left.reported() >= 16 {
        walk.tree.add(KEYID, left.place(0, 4), Value::Bytes);
        let mac_len = left.captured().len().saturating_sub(4);
        walk.tree.add(MAC, left.place(4, mac_len), Value::Bytes);
    }
    Ok(())
}

/// A time as NTP counts it: seconds and their fraction since 1900, or since 2036 if the first bit is
/// not set (RFC 4330 section 3). What lies before 1970 is taken for 1970.
fn moment(raw: u64) -> Timestamp {
    const TO_1970: u64 = 2_208_988_800;
    const TO_2036: u64 = 2_085_978_496;
    const NS_PER_S: u64 = 1_000_000_000;
    if raw == 0 {
        return Timestamp(0);
    }
    let (secs, fraction) = (raw >> 32, raw & 0xffff_ffff);
    let unix = if secs & 0x8000_0000 == 0 {
        secs + TO_2036
    } else {
        secs.saturating_sub(TO_1970)
    };
    let ns = (fraction * NS_PER_S) >> 32;
    Timestamp(unix * NS_PER_S + ns.min(NS_PER_S - 1))
}
