//! STUN and TURN (RFC 8489, RFC 8656), as Wireshark's `packet-stun.c` shows them in the list: by the
//! magic cookie, on any port.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::data;
use super::tcp::applications::{Application, each_pdu};
use super::text::{Escaped, up_to_zero};
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::render::Ipv6;
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    64, "stun", "STUN", "Session Traversal Utilities for NAT";
    TYPE: "stun.type", "Message Type", Uint(16), Hex;
    LENGTH: "stun.length", "Message Length", Uint(16), Dec;
    COOKIE: "stun.cookie", "Message Cookie", Bytes;
    ID: "stun.id", "Message Transaction ID", Bytes;
    ATTRIBUTE_TYPE: "stun.att.type", "Attribute Type", Uint(16), Hex;
    ATTRIBUTE_LENGTH: "stun.att.length", "Attribute Length", Uint(16), Dec;
}

/// STUN and TURN in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[3478],
    recognizes: Some(|region, _| begins_stream(region)),
    dissect: |walk, region, payload| {
        let len_of = |region: &Region<'_>| {
            let framing = framing(region);
            let (kind, len) = (region.u16(framing)?, usize::from(region.u16(framing + 2)?));
            Ok(Some(if kind & OF_CHANNEL == 0 {
                len + HEADER_LEN + framing
            } else {
                // Padded in streams.
                (len + CHANNEL_HEADER_LEN).next_multiple_of(4)
            }))
        };
        if begins_stream(&region) {
            walk.memory.tcp.belongs_to(payload, &APPLICATION);
        }
        let least = CHANNEL_HEADER_LEN;
        each_pdu(walk, region, payload, least, len_of, |walk, message| {
            let framing = framing(&message);
            if recognizes(&message.rest(framing)) {
                return dissect(walk, message.rest(framing));
            }
            if is_channel_data(&message, true) {
                return channel_data(walk, message);
            }
            data::dissect(walk, message)
        })
    },
};

const MAGIC: u32 = 0x2112_a442;
const HEADER_LEN: usize = 20;
/// Bits that only the number of a channel has.
const OF_CHANNEL: u16 = 0xc000;
const CHANNEL_HEADER_LEN: usize = 4;
/// The number of a channel in which Microsoft has several, behind eight bytes more.
const MULTIPLEXED: u16 = 0xff10;

/// Bytes before a message in a stream that tells lengths (RFC 4571), told by where the cookie is.
fn framing(region: &Region<'_>) -> usize {
    if region.u32(6) == Ok(MAGIC) { 2 } else { 0 }
}

/// Whether a stream of any port begins with a whole message.
fn begins_stream(region: &Region<'_>) -> bool {
    let at = framing(region);
    let (Ok(kind), Ok(len), Ok(cookie)) = (region.u16(at), region.u16(at + 2), region.u32(at + 4))
    else {
        return false;
    };
    kind & OF_CHANNEL == 0
        && cookie == MAGIC
        && region.captured().len() >= HEADER_LEN
        && region.reported() >= HEADER_LEN + at + usize::from(len)
}

/// Whether bytes between ends that speak STUN are data of a channel (RFC 8656 section 12.4).
fn is_channel_data(region: &Region<'_>, is_padded: bool) -> bool {
    let (Ok(kind), Ok(len)) = (region.u16(0), region.u16(2)) else {
        return false;
    };
    let len = CHANNEL_HEADER_LEN + usize::from(len);
    kind & OF_CHANNEL != 0
        && (kind & 0x8000 == 0 || kind == MULTIPLEXED)
        && (region.reported() == len.next_multiple_of(4) || !is_padded && region.reported() == len)
}

/// Names data of a channel.
fn channel_data(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("STUN");
    walk.columns
        .set_info(format_args!("ChannelData TURN Message"));
    walk.begin(THIS, &region, CHANNEL_HEADER_LEN);
    walk.end();
    let mut at = CHANNEL_HEADER_LEN;
    let mut len = usize::from(region.u16(2)?);
    if region.u16(0)? == MULTIPLEXED && len >= 8 {
        at += 8;
        len -= 8;
    }
    let inside = region.from(at)?.part(0, len);
    match super::brief::udp::in_channel(walk, &inside) {
        Some(outcome) => outcome,
        None => data::dissect(walk, inside),
    }
}

/// Dissects a datagram between ends of which it is known that they speak STUN, if it is of it.
pub(crate) fn known(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    stream: u32,
) -> Option<Result<(), Stop>> {
    if recognizes(region) {
        walk.memory.brief.speaks_stun(stream);
        return Some(dissect(walk, *region));
    }
    let is_known = walk.memory.brief.is_stun(stream);
    (is_known && is_channel_data(region, false)).then(|| channel_data(walk, *region))
}

/// What STUN was before it had a cookie (RFC 3489): the names of its messages.
const fn classic_name(kind: u16) -> Option<&'static str> {
    Some(match kind {
        0x0001 => "Binding Request",
        0x0101 => "Binding Response",
        0x0111 => "Binding Error Response",
        0x0002 => "Shared Secret Request",
        0x0102 => "Shared Secret Response",
        0x1112 => "Shared Secret Error Response",
        0x0003 => "Allocate Request",
        0x0103 => "Allocate Response",
        0x0113 => "Allocate Error Response",
        0x0004 => "Send Request",
        0x0104 => "Send Response",
        0x0114 => "Send Error Response",
        0x0115 => "Data Indication",
        0x0006 => "Set Active Destination Request",
        0x0106 => "Set Active Destination Response",
        0x0116 => "Set Active Destination Error Response",
        _ => return None,
    })
}

/// Names a datagram that is one of the old messages.
pub(crate) fn classic(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Option<Result<(), Stop>> {
    /// The cookie of XMCP, which looks much the same.
    const OF_OTHERS: u32 = 0x7f5a_9bc7;
    let (kind, len) = (region.u16(0).ok()?, usize::from(region.u16(2).ok()?));
    let cookie = region.u32(4).ok()?;
    let name = classic_name(kind)?;
    if matches!(cookie, MAGIC | OF_OTHERS) || region.captured().len() != HEADER_LEN + len {
        return None;
    }
    super::brief::name(walk, super::brief::names::classicstun::THIS, region);
    walk.columns.set_info(format_args!("Message: {name}"));
    Some(Ok(()))
}

/// Whether a datagram is a message.
pub(crate) fn recognizes(region: &Region<'_>) -> bool {
    let (Ok(kind), Ok(len), Ok(cookie)) = (region.u16(0), region.u16(2), region.u32(4)) else {
        return false;
    };
    kind & OF_CHANNEL == 0
        && cookie == MAGIC
        && region.reported() == HEADER_LEN + usize::from(len)
        && method_number(kind) <= MOST_METHODS
}

const fn class(kind: u16) -> &'static str {
    match kind & 0x0110 {
        0x0000 => "Request",
        0x0010 => "Indication",
        0x0100 => "Success Response",
        _ => "Error Response",
    }
}

/// Methods above are kept free, to tell STUN from what else is sent between the same ends (RFC 7983).
const MOST_METHODS: u16 = 0xff;

const fn method_number(kind: u16) -> u16 {
    kind & 0xf | kind >> 1 & 0x70 | kind >> 2 & 0xf80
}

const fn method(kind: u16) -> Option<&'static str> {
    Some(match method_number(kind) {
        0x001 => "Binding",
        0x002 => "SharedSecret",
        0x003 => "Allocate",
        0x004 => "Refresh",
        0x006 => "Send",
        0x007 => "Data",
        0x008 => "CreatePermission",
        0x009 => "Channel-Bind",
        0x00a => "Connect",
        0x00b => "ConnectionBind",
        0x00c => "ConnectionAttempt",
        0x080 => "GooglePing",
        _ => return None,
    })
}

/// An address in an attribute.
struct End {
    v4: Option<Ipv4Addr>,
    v6: Option<Ipv6Addr>,
    port: u16,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.v4, self.v6) {
            (Some(address), _) => write!(f, "{address}:{}", self.port),
            (_, Some(address)) => write!(f, "{}:{}", Ipv6(address.octets()), self.port),
            _ => Ok(()),
        }
    }
}

/// Reads one, which may be hidden from translators by `mask`.
fn end(data: &Region<'_>, mask: [u8; 16]) -> Result<End, Stop> {
    let family = data.u8(1)?;
    let [a, b, c, d, ..] = mask;
    let port = data.u16(2)? ^ u16::from_be_bytes([a, b]);
    let mut found = End {
        v4: None,
        v6: None,
        port,
    };
    if family == 1 {
        let hidden = u32::from_be_bytes(data.array(4)?);
        let mask = u32::from_be_bytes([a, b, c, d]);
        found.v4 = Some(Ipv4Addr::from(hidden ^ mask));
    } else if family == 2 {
        let hidden = u128::from_be_bytes(data.array(4)?);
        found.v6 = Some(Ipv6Addr::from(hidden ^ u128::from_be_bytes(mask)));
    }
    Ok(found)
}

/// Dissects a datagram that is a message.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    let kind = region.u16(0)?;
    let (method, class) = (method(kind).unwrap_or("Unknown"), class(kind));
    walk.columns.set_protocol("STUN");
    walk.columns.set_info(format_args!("{method} {class}"));
    walk.begin(THIS, &region, region.captured().len());
    let added = walk
        .tree
        .add(TYPE, region.place(0, 2), Value::Uint(kind.into()));
    walk.tree.label(
        added,
        format_args!("Message Type: {kind:#06x} ({method} {class})"),
    );
    walk.u16(LENGTH, &region, 2)?;
    let mask: [u8; 16] = region.array(4)?;
    walk.tree.add(COOKIE, region.place(4, 4), Value::Bytes);
    walk.tree.add(ID, region.place(8, 12), Value::Bytes);
    let mut at = HEADER_LEN;
    while at + 4 <= region.reported() {
        let (kind, len) = (region.u16(at)?, usize::from(region.u16(at + 2)?));
        region.slice(at + 4, len)?;
        walk.u16(ATTRIBUTE_TYPE, &region, at)?;
        walk.tree.open();
        walk.u16(ATTRIBUTE_LENGTH, &region, at + 2)?;
        walk.tree.close();
        attribute(walk, &region.part(at + 4, len), kind, mask)?;
        at += 4 + len.next_multiple_of(4);
    }
    walk.end();
    Ok(())
}

/// What the list says of an attribute.
fn attribute(
    walk: &mut Walk<'_, '_>,
    data: &Region<'_>,
    kind: u16,
    mask: [u8; 16],
) -> Result<(), Stop> {
    let text = Escaped(up_to_zero(data.captured()));
    let columns = &mut *walk.columns;
    match kind {
        0x0001 => columns.append_info(format_args!(" MAPPED-ADDRESS: {}", end(data, [0; 16])?)),
        0x0006 => columns.append_info(format_args!(" user: {text}")),
        0x0009 => {
            let code = u32::from(data.u8(2)? & 7) * 100 + u32::from(data.u8(3)?);
            let reason = Escaped(up_to_zero(data.captured().get(4..).unwrap_or(&[])));
            columns.append_info(format_args!(" error-code: {code}"));
            if let Some(name) = error_name(code) {
                columns.append_info(format_args!(" ({name})"));
            }
            if data.reported() > 4 {
                columns.append_info(format_args!(" {reason}"));
            }
        }
        0x000d => columns.append_info(format_args!(" lifetime: {}", data.u32(0)?)),
        0x0010 => columns.append_info(format_args!(" bandwidth: {}", data.u32(0)?)),
        0x000c => columns.append_info(format_args!(" ChannelNumber={:#x}", data.u16(0)?)),
        0x0019 => match data.u8(0)? {
            17 => columns.append_info(format_args!(" UDP")),
            other => columns.append_info(format_args!(" Unknown ({other:#010x})")),
        },
        0x000e => columns.append_info(format_args!(
            " MS-ALTERNATE-SERVER: {}",
            end(data, [0; 16])?
        )),
        0x8023 => columns.append_info(format_args!(" ALTERNATE-SERVER: {}", end(data, [0; 16])?)),
        0x802b => columns.append_info(format_args!(" RESPONSE-ORIGIN: {}", end(data, [0; 16])?)),
        0x802c => columns.append_info(format_args!(" OTHER-ADDRESS: {}", end(data, [0; 16])?)),
        0x0012 => columns.append_info(format_args!(" XOR-PEER-ADDRESS: {}", end(data, mask)?)),
        0x0014 => columns.append_info(format_args!(" realm: {text}")),
        0x0015 => columns.append_info(format_args!(" with nonce")),
        0x0016 => columns.append_info(format_args!(" XOR-RELAYED-ADDRESS: {}", end(data, mask)?)),
        0x0020 | 0x8020 => {
            columns.append_info(format_args!(" XOR-MAPPED-ADDRESS: {}", end(data, mask)?));
        }
        _ => {}
    }
    Ok(())
}

const fn error_name(code: u32) -> Option<&'static str> {
    Some(match code {
        275 => "Success",
        300 => "Try Alternate",
        400 => "Bad Request",
        401 => "Unauthenticated",
        403 => "Forbidden",
        405 => "Mobility Forbidden",
        420 => "Unknown Attribute",
        437 => "Allocation Mismatch",
        438 => "Stale Nonce",
        440 => "Address Family not Supported",
        441 => "Wrong Credentials",
        442 => "Unsupported Transport Protocol",
        443 => "Peer Address Family Mismatch",
        446 => "Connection Already Exists",
        447 => "Connection Timeout or Failure",
        486 => "Allocation Quota Reached",
        487 => "Role Conflict",
        500 => "Server Error",
        508 => "Insufficient Capacity",
        600 => "Global Failure",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 5769 section 2.2: 192.0.2.1, port 32853.
    #[test]
    fn hidden_addresses_are_found() {
        let data = [0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
        let region = Region::new(0, &data, data.len() as u32);
        let mut mask = [0; 16];
        mask[..4].copy_from_slice(&MAGIC.to_be_bytes());
        let found = end(&region, mask).unwrap();
        assert_eq!(found.to_string(), "192.0.2.1:32853");
    }

    // RFC 8489 section 5.
    #[test]
    fn class_and_method_share_their_bits() {
        assert_eq!(
            (method(0x0101), class(0x0101)),
            (Some("Binding"), "Success Response")
        );
        assert_eq!(
            (method(0x0113), class(0x0113)),
            (Some("Allocate"), "Error Response")
        );
        assert_eq!(
            (method(0x0016), class(0x0016)),
            (Some("Send"), "Indication")
        );
    }
}
