//! `PPPoE` (RFC 2516), as by Wireshark's `packet-pppoe.c`.

use super::expert::{Group, Severity};
use super::ppp;
use super::text::Escaped;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    16, "pppoes", "PPPoES", "PPP-over-Ethernet Session";
    VERSION: "pppoe.version", "Version", Uint(8), Dec, mask = 0xf0;
    TYPE: "pppoe.type", "Type", Uint(8), Dec, mask = 0x0f;
    CODE: "pppoe.code", "Code", Uint(8), Hex, names = code_name;
    SESSION_ID: "pppoe.session_id", "Session ID", Uint(16), Hex;
    PAYLOAD_LENGTH: "pppoe.payload_length", "Payload Length", Uint(16), Dec;
    PAYLOAD_LENGTH_BAD: "pppoe.payload_length.bad", "Possible bad payload length", None;
}

/// Whether a length is not that of what is there: the shortest frames are padded, a frame check sequence
/// may follow, and control protocols do not count their padding.
fn is_bad(len: usize, there: usize, protocol: Option<u16>) -> bool {
    const LONGEST_PADDED: usize = 46;
    const FCS_LEN: usize = 4;
    const LCP: u16 = 0xc021;
    const IPCP: u16 = 0x8021;
    HEADER_LEN + there > LONGEST_PADDED
        && !matches!(protocol, Some(LCP | IPCP))
        && len != there
        && len + FCS_LEN != there
}

/// Discovery: how a session comes to be.
pub(crate) mod discovery {
    use crate::read::field::protocol;

    protocol! {
        38, "pppoed", "PPPoED", "PPP-over-Ethernet Discovery";
        TAGS: "pppoed.tags", "PPPoE Tags", None;
        TAG: "pppoed.tag", "Tag", Uint(16), Hex;
        TAG_LENGTH: "pppoed.tag_length", "Tag Length", Uint(16), Dec;
        UNKNOWN_DATA: "pppoed.tag.unknown_data", "Unknown Data", Bytes;
        SERVICE_NAME: "pppoed.tags.service_name", "Service-Name", String;
        AC_NAME: "pppoed.tags.ac_name", "AC-Name", String;
        HOST_UNIQ: "pppoed.tags.host_uniq", "Host-Uniq", Bytes;
        AC_COOKIE: "pppoed.tags.ac_cookie", "AC-Cookie", Bytes;
        GENERIC_ERROR: "pppoed.tags.generic_error", "Generic-Error", String;
    }
}

const fn code_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0x00 => "Session Data",
        0x07 => "Active Discovery Offer (PADO)",
        0x09 => "Active Discovery Initiation (PADI)",
        0x0a => "Active Discovery Session-Grant (PADG)",
        0x0b => "Active Discovery Session-Credit Response (PADC)",
        0x0c => "Active Discovery Quality (PADQ)",
        0x19 => "Active Discovery Request (PADR)",
        0x65 => "Active Discovery Session-confirmation (PADS)",
        0xa7 => "Active Discovery Terminate (PADT)",
        0xd3 => "Active Discovery Message (PADM)",
        0xd4 => "Active Discovery Network (PADN)",
        _ => return None,
    })
}

const HEADER_LEN: usize = 6;

/// The header, which both kinds have; gives the length of what follows.
fn header(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(u8, u16), Stop> {
    let first = region.u8(0)?;
    let place = region.place(0, 1);
    walk.tree
        .add(VERSION, place, Value::Uint((first >> 4).into()));
    walk.tree.add(TYPE, place, Value::Uint((first & 15).into()));
    let code = walk.u8(CODE, region, 1)?;
    walk.u16(SESSION_ID, region, 2)?;
    Ok((code, region.u16(4)?))
}

/// Dissects a packet of a session.
pub(crate) fn dissect_session(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("PPPoES");
    walk.columns.clear_info();
    walk.begin(THIS, &region, HEADER_LEN);
    let (code, len) = header(walk, &region)?;
    match code_name(code.into()) {
        Some(name) => walk.columns.set_info(format_args!("{name}")),
        None => walk.columns.set_info(format_args!("Unknown")),
    }
    let added = walk
        .tree
        .add(PAYLOAD_LENGTH, region.place(4, 2), Value::Uint(len.into()));
    let rest = region.rest(HEADER_LEN);
    let there = rest.reported();
    let len = usize::from(len);
    if is_bad(len, there, rest.u16(0).ok()) {
        walk.tree.label(
            added,
            format_args!("Payload Length: {len} [incorrect, should be {there}]"),
        );
        walk.expert(
            added,
            PAYLOAD_LENGTH_BAD,
            (Severity::Warning, Group::Malformed),
            format_args!("Possible bad payload length {len} != {there}"),
        );
    }
    walk.end();
    let outcome = ppp::dissect(walk, rest.part(0, len));
    // What is padding behind it is not told.
    walk.claimed = None;
    outcome
}

/// Dissects a packet of discovery.
pub(crate) fn dissect_discovery(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    use discovery as d;
    walk.columns.set_protocol("PPPoED");
    walk.columns.clear_info();
    walk.begin(d::THIS, &region, HEADER_LEN);
    let (code, len) = header(walk, &region)?;
    match code_name(code.into()) {
        Some(name) => walk.columns.set_info(format_args!("{name}")),
        None => walk.columns.set_info(format_args!("Unknown")),
    }
    walk.tree
        .add(PAYLOAD_LENGTH, region.place(4, 2), Value::Uint(len.into()));
    let len = usize::from(len);
    if len > 0 {
        walk.tree
            .add(d::TAGS, region.place(HEADER_LEN, len), Value::None);
        walk.tree.open();
        tags(walk, &region.part(HEADER_LEN, len))?;
        walk.tree.close();
    }
    walk.end();
    Ok(())
}

fn tags(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    use discovery as d;
    let mut at = 0;
    while at + 4 <= region.reported() {
        let (kind, len) = (region.u16(at)?, usize::from(region.u16(at + 2)?));
        if kind == 0 {
            break;
        }
        let bytes = region.slice(at + 4, len)?;
        let place = region.place(at + 4, len);
        let text = Escaped(bytes).to_string();
        match (kind, len) {
            (0x0101 | 0x0102 | 0x0203, 0) => {}
            (0x0101, _) => {
                walk.tree.add_text(d::SERVICE_NAME, place, &text);
            }
            (0x0102, _) => {
                walk.tree.add_text(d::AC_NAME, place, &text);
                walk.columns.append_info(format_args!(" AC-Name='{text}'"));
            }
            (0x0103, _) => {
                walk.tree.add(d::HOST_UNIQ, place, Value::Bytes);
            }
            (0x0104, _) => {
                walk.tree.add(d::AC_COOKIE, place, Value::Bytes);
            }
            (0x0203, _) => {
                walk.tree.add_text(d::GENERIC_ERROR, place, &text);
            }
            _ => {
                walk.tree.add(d::UNKNOWN_DATA, place, Value::Bytes);
            }
        }
        at += 4 + len;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Wireshark's packet-pppoe.c: fewer than 46 bytes are padded in Ethernet's shortest frame.
    #[test]
    fn padding_and_check_sequences_are_no_bad_lengths() {
        const IPV4: Option<u16> = Some(0x0021);
        assert!(!is_bad(38, 40, IPV4), "padded");
        assert!(is_bad(38, 44, IPV4));
        assert!(!is_bad(100, 104, IPV4), "a check sequence");
        assert!(is_bad(100, 90, IPV4));
        assert!(!is_bad(38, 44, Some(0xc021)), "LCP's padding");
    }
}
