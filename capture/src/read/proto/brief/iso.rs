//! ISO transport on TCP (RFC 1006, X.224), and what remote desktops carry in it: T.125 and RDP.

use super::{name, names};
use crate::read::FieldId;
use crate::read::proto::tcp::applications::{Application, Asking, Need, Outcome, Payload};
use crate::read::proto::text::Escaped;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

const RDP_PORT: u16 = 3389;
const PORTS: [u16; 1] = [102];

/// ISO transport in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &PORTS,
    recognizes: None,
    dissect,
};

/// Remote desktops: theirs if it looks like it, TLS if not.
pub(crate) static DESKTOP: Application = Application {
    ports: &[RDP_PORT],
    recognizes: None,
    dissect: desktop,
};

const HEADER_LEN: usize = 4;
const VERSION: u8 = 3;

fn desktop(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    let is_known = walk.memory.tcp.is_of(payload, &DESKTOP);
    let begins =
        region.captured().starts_with(&[VERSION, 0]) && region.u16(2).is_ok_and(|len| len >= 4);
    if !is_known && !begins {
        return Ok(Outcome::NotMine);
    }
    walk.memory.tcp.belongs_to(payload, &DESKTOP);
    dissect(walk, region, payload)
}

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    let can_ask = payload.asking == Asking::Possible;
    let mut at = 0;
    walk.columns.set_protocol("TPKT");
    walk.columns.clear_info();
    while at < region.reported() {
        let rest = region.rest(at);
        if rest.u8(0)? != VERSION {
            return continuation(walk, &region, &rest, payload);
        }
        if can_ask && rest.reported() < HEADER_LEN {
            let need = Need::Segment;
            return Ok(Outcome::More { at, need });
        }
        let len = usize::from(rest.u16(2)?);
        if len < HEADER_LEN {
            return Err(Stop::Malformed);
        }
        if can_ask && rest.reported() < len {
            let need = Need::Bytes((len - rest.reported()) as u32);
            return Ok(Outcome::More { at, need });
        }
        walk.begin(names::tpkt::THIS, &rest, HEADER_LEN);
        walk.end();
        walk.columns.set_protocol("TPKT");
        transport(walk, &rest.part(HEADER_LEN, len - HEADER_LEN), payload)?;
        at += len;
    }
    Ok(Outcome::Done)
}

/// What does not begin as it should: fast-path output of a remote desktop, or the middle of something.
fn continuation(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    rest: &Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    if is_fast_path(region) {
        name(walk, names::rdp::THIS, region);
        walk.columns.append_info(format_args!("Fast-Path PDU"));
        if payload.destination_port == RDP_PORT {
            inputs(walk, region)?;
        } else {
            updates(walk, region)?;
        }
        return Ok(Outcome::Done);
    }
    walk.begin(names::tpkt::THIS, rest, rest.captured().len());
    walk.end();
    walk.columns.set_protocol("TPKT");
    walk.columns.append_info(format_args!("Continuation"));
    Ok(Outcome::Done)
}

/// The length of a fast-path unit, and of its header ([MS-RDPBCGR] 2.2.8.1.2).
fn fast_path_len(bytes: &[u8]) -> Option<(usize, usize)> {
    let [_, first, second, ..] = *bytes else {
        return None;
    };
    let first_len = usize::from(first & 0x7f);
    Some(if first & 0x80 == 0 {
        (first_len, 2)
    } else {
        (first_len << 8 | usize::from(second), 3)
    })
}

fn is_fast_path(region: &Region<'_>) -> bool {
    let bytes = region.captured();
    let front = bytes.first().is_some_and(|byte| byte.trailing_zeros() >= 2);
    front && fast_path_len(bytes).is_some_and(|(len, _)| len > 0 && len == bytes.len())
}

/// The events that a client sends.
fn inputs(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const ENCRYPTED: u8 = 0x80;
    let first = region.u8(0)?;
    let (_, header_len) = fast_path_len(region.captured()).unwrap_or_default();
    let mut at = header_len + if first & ENCRYPTED == 0 { 0 } else { 8 };
    for _ in 0..first >> 2 & 0x0f {
        let (name, len) = match region.u8(at)? >> 5 {
            0 => (Some("Scancode"), 2),
            1 => (Some("Mouse"), 7),
            2 => (Some("MouseEx"), 7),
            3 => (Some("Sync"), 1),
            4 => (Some("Unicode"), 3),
            6 => (Some("QoE timestamp"), 5),
            _ => (None, 1),
        };
        if let Some(name) = name {
            walk.columns.append_info(format_args!(",{name}"));
        }
        at += len;
    }
    Ok(())
}

/// The updates that a server sends ([MS-RDPBCGR] 2.2.9.1.2.1).
fn updates(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const ENCRYPTED: u8 = 0x80;
    const COMPRESSION: u8 = 0xc0;
    let (len, header_len) = fast_path_len(region.captured()).unwrap_or_default();
    let mut at = header_len + if region.u8(0)? & ENCRYPTED == 0 { 0 } else { 8 };
    while at + 1 < len {
        let flags = region.u8(at)?;
        let name = match flags & 0x0f {
            0 => "Orders",
            1 => "Bitmap",
            2 => "Palette",
            3 => "Synchronize",
            4 => "Surface",
            5 => "NullPointer",
            6 => "DefaultPointer",
            8 => "PointerPosition",
            9 => "ColorPointer",
            10 => "CachedPointer",
            11 => "NewPointer",
            12 => "LargePointer",
            _ => "Unknown",
        };
        at += if flags & COMPRESSION == 0 { 1 } else { 2 };
        let size = usize::from(u16::from_le_bytes(region.array(at)?));
        walk.columns.append_info(format_args!(",{name}"));
        at += 2;
        region.slice(at, size)?;
        at += size;
    }
    Ok(())
}

/// A unit of the transport protocol (X.224 section 13).
fn transport(walk: &mut Walk<'_, '_>, region: &Region<'_>, payload: &Payload) -> Result<(), Stop> {
    const REQUEST: u8 = 0xe0;
    const CONFIRM: u8 = 0xd0;
    const DATA: u8 = 0xf0;
    /// What Siemens's controllers begin their messages with.
    const AUTOMATION: u8 = 0x32;
    let (len, kind) = (usize::from(region.u8(0)?), region.u8(1)?);
    walk.begin(
        names::cotp::THIS,
        region,
        (len + 1).min(region.captured().len()),
    );
    walk.end();
    walk.columns.set_protocol("COTP");
    let rest = region.rest(len + 1);
    match kind & 0xf0 {
        REQUEST | CONFIRM => {
            let (destination, source) = (region.u16(2)?, region.u16(4)?);
            let is_request = kind & 0xf0 == REQUEST;
            let variable = region.part(7, (len + 1).saturating_sub(7));
            if PORTS.contains(&payload.server_port) || !negotiation(walk, &variable, is_request)? {
                let word = if is_request { "CR" } else { "CC" };
                walk.columns.append_info(format_args!(
                    "{word} TPDU src-ref: 0x{source:04x} dst-ref: 0x{destination:04x}"
                ));
            }
        }
        DATA => {
            let number = region.u8(2)?;
            let is_last = number & 0x80 != 0;
            let eot = if is_last { " EOT" } else { "" };
            let is_automation = rest.captured().first() == Some(&AUTOMATION);
            if is_last && is_automation {
                name(walk, names::s7comm::THIS, &rest);
            } else if is_last && let Some(protocol) = session(rest.captured()) {
                name(walk, protocol, &rest);
            } else if !is_last || !conference(walk, &rest)? {
                walk.columns
                    .append_info(format_args!("DT TPDU ({}){eot}", number & 0x7f));
            }
        }
        _ => {}
    }
    Ok(())
}

/// What a unit of the session protocol (X.225) carries: in substations, messages of MMS.
fn session(bytes: &[u8]) -> Option<FieldId> {
    /// "Give tokens" and "data transfer", and presentation data of the context that MMS has.
    const DATA: [u8; 5] = [1, 0, 1, 0, 0x61];
    const CONTEXT: [u8; 4] = [2, 1, 3, 0xa0];
    match bytes {
        [0x0d | 0x0e, ..] => Some(names::ses::THIS),
        _ if bytes.starts_with(&DATA) => bytes
            .windows(CONTEXT.len())
            .take(16)
            .any(|part| part == CONTEXT)
            .then_some(names::mms::THIS),
        _ => None,
    }
}

/// What RDP negotiates when a connection is made ([MS-RDPBCGR] 2.2.1.1); whether it does.
fn negotiation(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    is_request: bool,
) -> Result<bool, Stop> {
    let bytes = region.captured();
    if is_request {
        let cookie = bytes.strip_prefix(b"Cookie: ").map(|_| {
            let end = bytes.windows(2).position(|two| two == b"\r\n");
            let end = end.unwrap_or(bytes.len());
            (&bytes[..end], end + 2)
        });
        let at = cookie.map_or(0, |(_, next)| next);
        let asks = bytes
            .get(at..)
            .is_some_and(|rest| rest.starts_with(&[1]) && rest.len() >= 4);
        if cookie.is_none() && !asks {
            return Ok(false);
        }
        name(walk, names::rdp::THIS, region);
        if let Some((text, _)) = cookie {
            walk.columns.append_info(format_args!("{}", Escaped(text)));
        }
        if asks {
            let between = if cookie.is_some() { ", " } else { "" };
            walk.columns
                .append_info(format_args!("{between}Negotiate Request"));
        }
        return Ok(true);
    }
    match bytes.first() {
        Some(2) => {
            name(walk, names::rdp::THIS, region);
            walk.columns.append_info(format_args!("Negotiate Response"));
        }
        Some(3) => {
            name(walk, names::rdp::THIS, region);
            let code = u32::from_le_bytes(region.array(4)?);
            let text = match code {
                1 => "TLS required by server",
                2 => "TLS not allowed by server",
                3 => "TLS certificate not on server",
                4 => "Inconsistent flags",
                5 => "Server requires Enhanced RDP Security with CredSSP",
                6 => {
                    "Server requires Enhanced RDP Security with TLS and certificate-based client authentication"
                }
                _ => "Unknown",
            };
            walk.columns
                .append_info(format_args!("Negotiate Failure, failureCode {text}"));
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// What is said of data that is sent: who encrypts, does so behind a header of flags
/// ([MS-RDPBCGR] 2.2.8.1.1.2).
fn secured(region: &Region<'_>) -> Result<&'static str, Stop> {
    const CHANNEL: u16 = 1003;
    const EXCHANGE: u16 = 0x0001;
    const CLIENT_INFO: u16 = 0x0040;
    let channel = region.u16(3)?;
    // The length has one byte or two.
    let at = if region.u8(6)? & 0x80 == 0 { 7 } else { 8 };
    let flags = u16::from_le_bytes(region.array(at)?);
    Ok(match flags {
        _ if channel != CHANNEL => "Virtual Channel PDU, [Encrypted]",
        flags if flags & EXCHANGE != 0 => "SecurityExchange",
        flags if flags & CLIENT_INFO != 0 => "ClientInfo, [Encrypted]",
        _ => "[Encrypted]",
    })
}

/// A unit of the conference protocol (T.125 section 7); whether it is one.
fn conference(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<bool, Stop> {
    let bytes = region.captured();
    let Some(first) = bytes.first() else {
        return Ok(false);
    };
    // Joins are numbered from the least user, which is 1001 less the number in the unit.
    let text = match first >> 2 {
        1 => "erectDomainRequest ",
        8 => "disconnectProviderUltimatum ",
        10 => "attachUserRequest ",
        11 => "attachUserConfirm ",
        14 => "channelJoinRequest",
        15 => "channelJoinConfirm",
        25 | 26 => {
            walk.begin(names::t125::THIS, region, bytes.len());
            walk.end();
            walk.columns.set_protocol("RDP");
            let between = if walk.columns.info.is_empty() {
                ""
            } else {
                ", "
            };
            let text = secured(region)?;
            walk.columns.append_info(format_args!("{between}{text}"));
            return Ok(true);
        }
        _ if bytes.starts_with(&[0x7f, 0x65]) || bytes.starts_with(&[0x7f, 0x66]) => {
            name(walk, names::t125::THIS, region);
            walk.columns.set_protocol("RDP");
            let text = if bytes[1] == 0x65 {
                "ClientData"
            } else {
                "ServerData "
            };
            walk.columns.append_info(format_args!("{text}"));
            return Ok(true);
        }
        _ => return Ok(false),
    };
    name(walk, names::t125::THIS, region);
    walk.columns.append_info(format_args!("{text}"));
    match first >> 2 {
        14 => {
            let channel = region.u16(3)?;
            walk.columns.append_info(format_args!(" {channel}"));
        }
        15 => {
            let channel = region.u16(4)?;
            walk.columns.append_info(format_args!(" {channel}"));
        }
        _ => {}
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    // [MS-RDPBCGR] 2.2.8.1.2: the length has one byte or two.
    #[test]
    fn fast_path_lengths_have_one_byte_or_two() {
        assert_eq!(fast_path_len(&[0, 5, 1, 2, 3]), Some((5, 2)));
        assert_eq!(fast_path_len(&[0, 0x81, 2, 0]), Some((258, 3)));
        let bytes = [0, 5, 1, 2, 3];
        assert!(is_fast_path(&Region::new(0, &bytes, 5)));
        assert!(!is_fast_path(&Region::new(0, &bytes[..4], 4)));
    }
}
