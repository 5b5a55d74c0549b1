//! TCP (RFC 9293), UDP (RFC 768), UDP-Lite (RFC 3828), SCTP (RFC 9260), ICMP (RFC 792, RFC 4443).

use super::cursor::Cursor;
use super::layers::{
    Addresses, Checksum, Header, Layers, Malformed, Tcp, TcpFlags, TcpOptions, Transport,
};
use super::{Beyond, Checksums, Scope, Tunnels, checksum, options, tunnel};

/// ICMP.
pub(crate) const PROTO_ICMP: u8 = 1;
/// TCP.
pub(crate) const PROTO_TCP: u8 = 6;
/// UDP.
pub(crate) const PROTO_UDP: u8 = 17;
/// `ICMPv6`.
pub(crate) const PROTO_ICMPV6: u8 = 58;
/// SCTP.
pub(crate) const PROTO_SCTP: u8 = 132;
/// UDP-Lite.
pub(crate) const PROTO_UDP_LITE: u8 = 136;

const BEYOND: Beyond = Beyond(Header::Transport);

/// What an IP header leaves to the transport layer.
#[derive(Clone, Copy)]
pub(super) struct Payload {
    /// Where it begins.
    pub(super) at: usize,
    /// Bytes of it.
    pub(super) len: u32,
    /// IP protocol number.
    pub(super) protocol: u8,
    pub(super) piece: Piece,
}

/// How much of a datagram a packet is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    Whole,
    /// The first fragment.
    First,
    /// A later fragment.
    Later,
}

impl Piece {
    #[inline(always)]
    pub(super) const fn of(is_fragment: bool, offset: u16) -> Self {
        match (is_fragment, offset) {
            (false, _) => Self::Whole,
            (true, 0) => Self::First,
            _ => Self::Later,
        }
    }
}

/// The transport header in `payload`, or the tunnel; `ends` are the addresses that checksums cover, if
/// they are not those of the IP header.
#[inline(always)]
pub(super) fn descend(
    scope: Scope<'_>,
    payload: Payload,
    ends: Option<&Addresses>,
    layers: &mut Layers,
) -> Result<(), Beyond> {
    let Payload { at, protocol, .. } = payload;
    let Some(min_len) = min_len(protocol) else {
        layers.transport = Transport::Other;
        if tunnel::is_protocol(protocol) && scope.dissector.tunnels == Tunnels::Inner {
            tunnel::by_protocol(scope, at, layers);
        }
        return Ok(());
    };
    if payload.piece == Piece::Later {
        return Ok(());
    }
    if payload.len < min_len {
        // The first fragment of a datagram may end within the header; the rest is elsewhere.
        if payload.piece == Piece::Whole {
            layers.malformed = Some(Malformed::HeaderLength(Header::Transport));
            return Ok(());
        }
        return split(scope, payload, layers);
    }
    // Captured or not, there has to be room for it on the wire.
    if at as u32 + min_len > scope.wire_len {
        layers.malformed = Some(Malformed::Truncated(Header::Transport));
        return Ok(());
    }
    match protocol {
        PROTO_TCP => tcp(scope.cursor, payload, layers)?,
        PROTO_ICMP | PROTO_ICMPV6 => {
            let kind = scope.cursor.u8(at).ok_or(BEYOND)?;
            let code = scope.cursor.u8(at + 1).ok_or(BEYOND)?;
            layers.transport = Transport::Icmp {
                kind,
                code,
                payload_len: payload.len.saturating_sub(8),
            };
        }
        PROTO_UDP => return udp(scope, payload, ends, layers),
        _ => {
            layers.transport = ports(scope.cursor, at, payload.len - min_len)?;
            return Ok(());
        }
    }
    if scope.dissector.checksums != Checksums::Ignore && layers.malformed.is_none() {
        checksum::transport(scope, at, ends, layers);
    }
    Ok(())
}

/// The shortest header of a protocol, bytes; `None` if nobody looks at it.
pub(super) const fn min_len(protocol: u8) -> Option<u32> {
    Some(match protocol {
        PROTO_TCP => 20,
        PROTO_UDP | PROTO_UDP_LITE => 8,
        PROTO_SCTP => 12,
        PROTO_ICMP | PROTO_ICMPV6 => 4,
        _ => return None,
    })
}

#[inline(always)]
fn ports(cursor: Cursor<'_>, at: usize, payload_len: u32) -> Result<Transport, Beyond> {
    Ok(Transport::Ports {
        src_port: cursor.u16(at).ok_or(BEYOND)?,
        dst_port: cursor.u16(at + 2).ok_or(BEYOND)?,
        payload_len,
    })
}

/// A first fragment that ends within the header: its ports, if it has them.
#[cold]
fn split(scope: Scope<'_>, payload: Payload, layers: &mut Layers) -> Result<(), Beyond> {
    let at = payload.at;
    let has_ports = !matches!(payload.protocol, PROTO_ICMP | PROTO_ICMPV6);
    if has_ports && payload.len >= 4 {
        if at as u32 + 4 > scope.wire_len {
            layers.malformed = Some(Malformed::Truncated(Header::Transport));
            return Ok(());
        }
        layers.transport = ports(scope.cursor, at, 0)?;
    }
    Ok(())
}

#[inline(always)]
fn udp(
    scope: Scope<'_>,
    payload: Payload,
    ends: Option<&Addresses>,
    layers: &mut Layers,
) -> Result<(), Beyond> {
    let (cursor, at) = (scope.cursor, payload.at);
    let src_port = cursor.u16(at).ok_or(BEYOND)?;
    let dst_port = cursor.u16(at + 2).ok_or(BEYOND)?;
    layers.transport = Transport::Ports {
        src_port,
        dst_port,
        payload_len: udp_payload(cursor.u16(at + 4), payload.len),
    };
    if scope.dissector.checksums != Checksums::Ignore {
        checksum::transport(scope, at, ends, layers);
    }
    if tunnel::is_port(src_port, dst_port)
        && scope.dissector.tunnels == Tunnels::Inner
        && layers.checksum != Checksum::Bad
    {
        tunnel::by_port(scope, at, (src_port, dst_port), layers);
    }
    Ok(())
}

/// Bytes of payload by the length in the UDP header, as Zeek counts them. A length of 0 is that of a
/// jumbogram (RFC 2675 section 4), and one that was not captured is taken to be right.
pub(super) fn udp_payload(said: Option<u16>, ip_payload_len: u32) -> u32 {
    match said {
        None | Some(0) => ip_payload_len.saturating_sub(8),
        Some(len) => u32::from(len).saturating_sub(8),
    }
}

/// A TCP header.
#[inline(always)]
pub(super) fn tcp(cursor: Cursor<'_>, payload: Payload, layers: &mut Layers) -> Result<(), Beyond> {
    let Payload { at, len, piece, .. } = payload;
    let fixed = Cursor::new(cursor.array::<20>(at).ok_or(BEYOND)?);
    let header_len = u32::from(fixed.u8(12).ok_or(BEYOND)? >> 4) * 4;
    if header_len < 20 || (header_len > len && piece == Piece::Whole) {
        layers.malformed = Some(Malformed::HeaderLength(Header::Transport));
        return Ok(());
    }
    let flags = TcpFlags(fixed.u8(13).ok_or(BEYOND)?);
    let options_len = header_len as usize - 20;
    let options = if options_len == 0 {
        TcpOptions::default()
    } else {
        options::of(flags, cursor, at + 20, options_len)
    };
    layers.transport = Transport::Tcp(Tcp {
        src_port: fixed.u16(0).ok_or(BEYOND)?,
        dst_port: fixed.u16(2).ok_or(BEYOND)?,
        seq: fixed.u32(4).ok_or(BEYOND)?,
        ack: fixed.u32(8).ok_or(BEYOND)?,
        flags,
        window: fixed.u16(14).ok_or(BEYOND)?,
        payload_len: len.saturating_sub(header_len),
        captured: at + len as usize <= cursor.len(),
        options,
    });
    Ok(())
}
