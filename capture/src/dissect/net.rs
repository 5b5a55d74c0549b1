//! IPv4 (RFC 791) and IPv6 (RFC 8200) with its extension headers.

use super::cursor::Cursor;
use super::layers::{Addresses, Fragment, Header, Ip, Layers, Malformed, Net};
use super::transport::{Payload, Piece};
use super::{Beyond, Checksums, Scope, checksum, transport};

/// IPv6 extension headers that are looked behind.
const MAX_EXTENSIONS: usize = 8;
/// Bytes of IPv6 extension headers that are believed: as many as the eBPF programs can step over, and
/// more than stacks accept.
const MAX_EXTENSIONS_LEN: u32 = 400;

const PROTO_HOP_BY_HOP: u8 = 0;
const PROTO_ROUTING: u8 = 43;
const PROTO_FRAGMENT: u8 = 44;
const PROTO_AUTH: u8 = 51;
const PROTO_DEST_OPTIONS: u8 = 60;
const PROTO_MOBILITY: u8 = 135;

const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_MASK: u16 = 0x1fff;

/// IPv4 at `at`.
#[inline(always)]
pub(super) fn ipv4(mut scope: Scope<'_>, at: usize, layers: &mut Layers) -> Result<(), Beyond> {
    const BEYOND: Beyond = Beyond(Header::Ipv4);
    let (cursor, wire_len) = (scope.cursor, scope.wire_len);
    // The fixed part at once, so that there is one bounds check.
    let fixed = cursor.array::<20>(at).ok_or(BEYOND)?;
    let fields = Cursor::new(fixed);
    let version_ihl = fields.u8(0).ok_or(BEYOND)?;
    let total_len = u32::from(fields.u16(2).ok_or(BEYOND)?);
    let id = fields.u16(4).ok_or(BEYOND)?;
    let fragment = fields.u16(6).ok_or(BEYOND)?;
    let protocol = fields.u8(9).ok_or(BEYOND)?;
    let src = fields.u32_raw(12).ok_or(BEYOND)?;
    let dst = fields.u32_raw(16).ok_or(BEYOND)?;

    let header_len = u32::from(version_ihl & 0x0f) * 4;
    if version_ihl >> 4 != 4 {
        layers.malformed = Some(Malformed::Version);
        return Ok(());
    }
    if header_len < 20 || (total_len < header_len && total_len != 0) {
        layers.malformed = Some(Malformed::HeaderLength(Header::Ipv4));
        return Ok(());
    }
    // A GSO frame above 64 KiB says 0 for its length.
    let ip_len = if total_len == 0 {
        scope.dissector.checksums = Checksums::Ignore;
        wire_len.saturating_sub(at as u32).max(header_len)
    } else {
        total_len
    };
    // In a tunnel, which knows how long it is, there is no excuse for less.
    let least = if scope.nested { ip_len } else { header_len };
    if at as u32 + least > wire_len {
        layers.malformed = Some(Malformed::Truncated(Header::Ipv4));
        return Ok(());
    }
    if scope.dissector.checksums != Checksums::Ignore {
        checksum::ipv4_header(cursor, at, header_len as usize, layers);
        if layers.malformed.is_some() {
            return Ok(());
        }
    }
    let next = at + header_len as usize;
    let offset = (fragment & OFFSET_MASK) << 3;
    let is_fragment = fragment & (MORE_FRAGMENTS | OFFSET_MASK) != 0;
    let payload_len = ip_len - header_len;
    // In place: a copy that waits for its parts is dear.
    layers.net = Net::Ip(Ip {
        addresses: Addresses::V4 { src, dst },
        protocol,
        ip_len,
        payload_len,
        cut_short: at as u32 + ip_len > wire_len,
        fragment: is_fragment.then_some(Fragment {
            id: u32::from(id.to_be()),
            offset,
            more: fragment & MORE_FRAGMENTS != 0,
            at: next as u32,
            len: payload_len,
        }),
        ttl: fields.u8(8).ok_or(BEYOND)?,
        ecn: fields.u8(1).ok_or(BEYOND)? & 3,
    });
    let payload = Payload {
        at: next,
        len: payload_len,
        protocol,
        piece: Piece::of(is_fragment, offset),
    };
    transport::descend(scope, payload, None, layers)
}

/// IPv6 at `at`.
#[inline(always)]
pub(super) fn ipv6(mut scope: Scope<'_>, at: usize, layers: &mut Layers) -> Result<(), Beyond> {
    const BEYOND: Beyond = Beyond(Header::Ipv6);
    let (cursor, wire_len) = (scope.cursor, scope.wire_len);
    let fixed = cursor.array::<40>(at).ok_or(BEYOND)?;
    let fields = Cursor::new(fixed);
    let version = fields.u8(0).ok_or(BEYOND)? >> 4;
    let said = u32::from(fields.u16(4).ok_or(BEYOND)?);
    let mut protocol = fields.u8(6).ok_or(BEYOND)?;
    let src = fields.u128_raw(8).ok_or(BEYOND)?;
    let dst = fields.u128_raw(24).ok_or(BEYOND)?;
    if version != 6 {
        layers.malformed = Some(Malformed::Version);
        return Ok(());
    }
    // A jumbogram (RFC 2675) and a GSO frame above 64 KiB say 0 for their length.
    let payload_len = if said == 0 {
        scope.dissector.checksums = Checksums::Ignore;
        wire_len.saturating_sub(at as u32 + 40)
    } else {
        said
    };
    // In a tunnel, which knows how long it is, there is no excuse for less.
    if scope.nested && at as u32 + 40 + payload_len > wire_len {
        layers.malformed = Some(Malformed::Truncated(Header::Ipv6));
        return Ok(());
    }
    let mut ip = Ip {
        addresses: Addresses::V6 { src, dst },
        protocol,
        ip_len: payload_len + 40,
        payload_len,
        cut_short: at as u32 + 40 + payload_len > wire_len,
        fragment: None,
        ttl: fields.u8(7).ok_or(BEYOND)?,
        ecn: fields.u8(1).ok_or(BEYOND)? >> 4 & 3,
    };
    let mut ends = ip.addresses;
    let mut next = at + 40;
    let mut extensions_len = 0;
    for _ in 0..MAX_EXTENSIONS {
        let len = match protocol {
            PROTO_HOP_BY_HOP | PROTO_ROUTING | PROTO_DEST_OPTIONS | PROTO_MOBILITY => {
                (u32::from(cursor.u8(next + 1).ok_or(BEYOND)?) + 1) * 8
            }
            PROTO_AUTH => (u32::from(cursor.u8(next + 1).ok_or(BEYOND)?) + 2) * 4,
            PROTO_FRAGMENT => {
                let field = cursor.u16(next + 2).ok_or(BEYOND)?;
                let id = cursor.u32_raw(next + 4).ok_or(BEYOND)?;
                // An atomic fragment (RFC 6946) is a whole datagram.
                if field & 0xfff9 != 0 {
                    ip.fragment = Some(Fragment {
                        id,
                        offset: field & 0xfff8,
                        more: field & 1 != 0,
                        at: next as u32 + 8,
                        len: ip.payload_len.saturating_sub(8),
                    });
                }
                8
            }
            _ => break,
        };
        if matches!(protocol, PROTO_ROUTING | PROTO_DEST_OPTIONS)
            && scope.dissector.checksums != Checksums::Ignore
        {
            detour(cursor.up_to(next, len as usize), protocol, &mut ends);
        }
        protocol = cursor.u8(next).ok_or(BEYOND)?;
        extensions_len += len;
        if len > ip.payload_len || extensions_len > MAX_EXTENSIONS_LEN {
            layers.malformed = Some(Malformed::HeaderLength(Header::Ipv6));
            return Ok(());
        }
        ip.payload_len -= len;
        next += len as usize;
        if next as u32 > wire_len {
            layers.malformed = Some(Malformed::Truncated(Header::Ipv6));
            return Ok(());
        }
        // What follows in a later fragment is the middle of something.
        if ip.fragment.is_some_and(|fragment| fragment.offset != 0) {
            break;
        }
    }
    ip.protocol = protocol;
    layers.net = Net::Ip(ip);
    let offset = ip.fragment.map_or(0, |fragment| fragment.offset);
    let payload = Payload {
        at: next,
        len: ip.payload_len,
        protocol,
        piece: Piece::of(ip.fragment.is_some(), offset),
    };
    transport::descend(scope, payload, Some(&ends), layers)
}

/// The addresses that checksums cover where a packet takes a detour: the last of a routing header (RFC
/// 8200 section 8.1; types 0, 2 and 4) and the home address (RFC 6275 section 6.3).
#[inline(never)]
fn detour(header: &[u8], kind: u8, ends: &mut Addresses) {
    const ROUTING_TYPE_0: u8 = 0;
    const ROUTING_TYPE_2: u8 = 2;
    const SEGMENT_ROUTING: u8 = 4;
    const PAD_1: u8 = 0;
    const HOME_ADDRESS: u8 = 201;

    let Addresses::V6 { src, dst } = ends else {
        return;
    };
    let cursor = Cursor::new(header);
    if kind == PROTO_ROUTING {
        let [_, words, routing, left, ..] = header else {
            return;
        };
        let at = match *routing {
            // The last one, and the only one.
            ROUTING_TYPE_0 | ROUTING_TYPE_2 if *words >= 2 && *words % 2 == 0 => {
                usize::from(*words) * 8 - 8
            }
            // RFC 8754 section 2: in reverse order.
            SEGMENT_ROUTING => 8,
            _ => return,
        };
        if *left > 0
            && let Some(last) = cursor.u128_raw(at)
        {
            *dst = last;
        }
        return;
    }
    let mut at = 2;
    while let Some(option) = cursor.u8(at) {
        if option == PAD_1 {
            at += 1;
            continue;
        }
        let Some(len) = cursor.u8(at + 1) else { return };
        if (option, len) == (HOME_ADDRESS, 16)
            && let Some(home) = cursor.u128_raw(at + 2)
        {
            *src = home;
        }
        at += 2 + usize::from(len);
    }
}
