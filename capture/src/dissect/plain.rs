//! The packets that most traffic consists of, in a straight line: a TCP segment, whole, in an IPv4
//! datagram without options, in a bare Ethernet frame.
//!
//! What is found is what the walk through the layers finds, for the case in which that comes down to a
//! few comparisons; whatever is not such a packet is left to it. A property test holds both against each
//! other.

use super::cursor::Cursor;
use super::layers::{Addresses, Checksum, Ip, Layers, Net, Tcp, TcpFlags, TcpOptions, Transport};
use super::transport::PROTO_TCP;
use super::{Checksums, checksum, options};
use crate::packet::{LinkType, Packet};

/// Ethernet header.
const LINK: usize = 14;
/// With those of IPv4 and TCP, without options.
const HEADERS: usize = LINK + 20 + 20;
/// "More fragments", and the offset.
const FRAGMENT: u16 = 0x3fff;

/// Finds the layers of such a packet; false for any other, and then `layers` is as it was.
#[inline(always)]
pub(super) fn dissect(packet: &Packet<'_>, checksums: Checksums, layers: &mut Layers) -> bool {
    found(packet, checksums, layers).is_some()
}

#[inline(always)]
fn found(packet: &Packet<'_>, checksums: Checksums, layers: &mut Layers) -> Option<()> {
    let bytes = packet.data.first_chunk::<HEADERS>()?;
    let headers = Cursor::new(bytes);
    let total_len = u32::from(headers.u16(16)?);
    let header_len = u32::from(headers.u8(46)? >> 4) * 4;
    let end = LINK as u32 + total_len;
    let captured = end as usize <= packet.data.len();
    let plain = packet.meta.link == LinkType::ETHERNET
        && headers.u16(12)? == 0x0800
        && headers.u8(14)? == 0x45
        && headers.u16(20)? & FRAGMENT == 0
        && headers.u8(23)? == PROTO_TCP
        && header_len >= 20
        && total_len >= 20 + header_len
        && (captured || end <= packet.meta.wire_len);
    plain.then_some(())?;
    let (src, dst) = (headers.u32_raw(26)?, headers.u32_raw(30)?);
    let mut judged = Checksum::Unknown;
    if checksums != Checksums::Ignore {
        if !checksum::is_good_header(headers.array(LINK)?) {
            return None;
        }
        if let Some(segment) = packet.data.get(LINK + 20..end as usize) {
            let field = u16::from_ne_bytes(*headers.array(50)?);
            judged = checksum::segment(checksums, [src, dst], field, segment);
        }
    }
    let flags = TcpFlags(headers.u8(47)?);
    let tcp_options = if header_len == 20 {
        TcpOptions::default()
    } else {
        let cursor = Cursor::new(packet.data);
        options::of(flags, cursor, HEADERS, header_len as usize - 20)
    };
    layers.clear();
    layers.checksum = judged;
    layers.net = Net::Ip(Ip {
        addresses: Addresses::V4 { src, dst },
        protocol: PROTO_TCP,
        ip_len: total_len,
        payload_len: total_len - 20,
        cut_short: false,
        fragment: None,
        ttl: headers.u8(22)?,
        ecn: headers.u8(15)? & 3,
    });
    layers.transport = Transport::Tcp(Tcp {
        src_port: headers.u16(34)?,
        dst_port: headers.u16(36)?,
        seq: headers.u32(38)?,
        ack: headers.u32(42)?,
        flags,
        window: headers.u16(48)?,
        payload_len: total_len - 20 - header_len,
        captured,
        options: tcp_options,
    });
    Some(())
}
