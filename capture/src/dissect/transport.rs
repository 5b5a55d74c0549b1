//! TCP (RFC 9293), UDP (RFC 768), UDP-Lite (RFC 3828), SCTP (RFC 9260), ICMP (RFC 792, RFC 4443).

use super::Beyond;
use super::cursor::Cursor;
use super::layers::{Header, Ip, Layers, Malformed, Tcp, TcpFlags, TcpOptions, Transport};

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

/// The transport header of `ip` at `at`.
#[inline(always)]
pub(super) fn descend(
    cursor: Cursor<'_>,
    at: usize,
    wire_len: u32,
    ip: &Ip,
    layers: &mut Layers,
) -> Result<(), Beyond> {
    const BEYOND: Beyond = Beyond(Header::Transport);
    let min_len = match ip.protocol {
        PROTO_TCP => 20,
        PROTO_UDP | PROTO_UDP_LITE => 8,
        PROTO_SCTP => 12,
        PROTO_ICMP | PROTO_ICMPV6 => 4,
        _ => {
            layers.transport = Transport::Other;
            return Ok(());
        }
    };
    if ip.fragment.is_some_and(|fragment| fragment.offset != 0) {
        return Ok(());
    }
    if ip.payload_len < min_len {
        // The first fragment of a datagram may end within the header; the rest is elsewhere.
        if ip.fragment.is_none() {
            layers.malformed = Some(Malformed::HeaderLength(Header::Transport));
        }
        return Ok(());
    }
    // Captured or not, there has to be room for it on the wire.
    if at as u32 + min_len > wire_len {
        layers.malformed = Some(Malformed::Truncated(Header::Transport));
        return Ok(());
    }
    match ip.protocol {
        PROTO_TCP => tcp(cursor, at, ip, layers),
        PROTO_ICMP | PROTO_ICMPV6 => {
            let kind = cursor.u8(at).ok_or(BEYOND)?;
            let code = cursor.u8(at + 1).ok_or(BEYOND)?;
            layers.transport = Transport::Icmp {
                kind,
                code,
                payload_len: ip.payload_len.saturating_sub(8),
            };
            Ok(())
        }
        _ => {
            let src_port = cursor.u16(at).ok_or(BEYOND)?;
            let dst_port = cursor.u16(at + 2).ok_or(BEYOND)?;
            layers.transport = Transport::Ports {
                src_port,
                dst_port,
                payload_len: ip.payload_len - min_len,
            };
            Ok(())
        }
    }
}

#[inline(always)]
fn tcp(cursor: Cursor<'_>, at: usize, ip: &Ip, layers: &mut Layers) -> Result<(), Beyond> {
    const BEYOND: Beyond = Beyond(Header::Transport);
    let fixed = Cursor::new(cursor.array::<20>(at).ok_or(BEYOND)?);
    let header_len = u32::from(fixed.u8(12).ok_or(BEYOND)? >> 4) * 4;
    if header_len < 20 || (header_len > ip.payload_len && ip.fragment.is_none()) {
        layers.malformed = Some(Malformed::HeaderLength(Header::Transport));
        return Ok(());
    }
    layers.transport = Transport::Tcp(Tcp {
        src_port: fixed.u16(0).ok_or(BEYOND)?,
        dst_port: fixed.u16(2).ok_or(BEYOND)?,
        seq: fixed.u32(4).ok_or(BEYOND)?,
        ack: fixed.u32(8).ok_or(BEYOND)?,
        flags: TcpFlags(fixed.u8(13).ok_or(BEYOND)?),
        window: fixed.u16(14).ok_or(BEYOND)?,
        payload_len: ip.payload_len.saturating_sub(header_len),
        captured: true,
        options: TcpOptions::default(),
    });
    Ok(())
}
