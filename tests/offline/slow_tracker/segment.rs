//! Bytes to the few fields that matter, taken apart by hand.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(crate) const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;
pub(crate) const PSH: u8 = 0x08;
pub(crate) const ACK: u8 = 0x10;

/// What the first bytes of a packet are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Ethernet,
    Cooked,
    Raw,
}

/// A TCP segment, whole or cut off within its payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    /// Number of the packet in its file, from 1.
    pub(crate) frame: u64,
    /// Nanoseconds since the epoch.
    pub(crate) ns: u64,
    pub(crate) src: (IpAddr, u16),
    pub(crate) dst: (IpAddr, u16),
    pub(crate) wire_len: u32,
    /// Length of the datagram by its header.
    pub(crate) ip_len: u32,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: u8,
    pub(crate) window: u16,
    pub(crate) window_scale: Option<u8>,
    /// Payload by the IP header.
    pub(crate) len: u32,
    /// All of the payload is there.
    pub(crate) captured: bool,
    /// It was captured whole, and its checksum is wrong.
    pub(crate) bad_checksum: bool,
    /// The checksum of the IPv4 header is wrong.
    pub(crate) bad_ip_checksum: bool,
    /// The datagram says that it is longer than the frame.
    pub(crate) overlong: bool,
}

impl Segment {
    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// `None` for anything but a whole TCP header in a datagram that is not a fragment.
    pub(crate) fn parse(
        frame: u64,
        ns: u64,
        link: Link,
        data: &[u8],
        wire_len: u32,
    ) -> Option<Self> {
        let ip = match link {
            Link::Raw => data,
            Link::Ethernet => behind_tags(data, 12)?,
            Link::Cooked => behind_tags(data, 14)?,
        };
        let (src, dst, header_len, said) = match ip.first()? >> 4 {
            4 => v4(ip)?,
            6 => v6(ip)?,
            _ => return None,
        };
        let room = (wire_len as usize).saturating_sub(data.len() - ip.len());
        let ip_len = said.min(room);
        let tcp = ip.get(header_len..ip.len().min(ip_len))?;
        let tcp_len = ip_len.checked_sub(header_len)?;
        let data_offset = usize::from(tcp.get(12)? >> 4) * 4;
        if data_offset < 20 || data_offset > tcp.len() {
            return None;
        }
        let captured = tcp.len() == tcp_len;
        Some(Self {
            frame,
            ns,
            src: (src, be16(tcp, 0)?),
            dst: (dst, be16(tcp, 2)?),
            wire_len,
            ip_len: ip_len as u32,
            seq: be32(tcp, 4)?,
            ack: be32(tcp, 8)?,
            flags: *tcp.get(13)?,
            window: be16(tcp, 14)?,
            window_scale: window_scale(tcp.get(20..data_offset)?),
            len: (tcp_len - data_offset) as u32,
            captured,
            bad_checksum: captured && checksum(src, dst, tcp) != 0,
            bad_ip_checksum: src.is_ipv4() && sum(ip.get(..header_len)?) != 0,
            overlong: said > room,
        })
    }
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The IP datagram behind an `EtherType` at `at` and any VLAN tags.
fn behind_tags(data: &[u8], mut at: usize) -> Option<&[u8]> {
    loop {
        match be16(data, at)? {
            0x8100 | 0x88a8 | 0x9100 => at += 4,
            0x0800 | 0x86dd => return data.get(at + 2..),
            _ => return None,
        }
    }
}

fn v4(ip: &[u8]) -> Option<(IpAddr, IpAddr, usize, usize)> {
    let header_len = usize::from(ip.first()? & 15) * 4;
    let ip_len = usize::from(be16(ip, 2)?);
    let is_fragment = be16(ip, 6)? & 0x3fff != 0;
    if header_len < 20 || ip_len < header_len || is_fragment || *ip.get(9)? != 6 {
        return None;
    }
    let address = |at: usize| Some(IpAddr::from(Ipv4Addr::from_bits(be32(ip, at)?)));
    Some((address(12)?, address(16)?, header_len, ip_len))
}

fn v6(ip: &[u8]) -> Option<(IpAddr, IpAddr, usize, usize)> {
    let ip_len = usize::from(be16(ip, 4)?) + 40;
    let mut next = *ip.get(6)?;
    let mut at = 40;
    while matches!(next, 0 | 43 | 60) {
        next = *ip.get(at)?;
        at += usize::from(*ip.get(at + 1)?) * 8 + 8;
    }
    let address = |at: usize| {
        Some(IpAddr::from(Ipv6Addr::from(
            *ip.get(at..)?.first_chunk::<16>()?,
        )))
    };
    (next == 6).then_some((address(8)?, address(24)?, at, ip_len))
}

/// The window scale option (RFC 7323).
fn window_scale(mut options: &[u8]) -> Option<u8> {
    loop {
        match *options {
            [1, ..] => options = options.get(1..)?,
            [3, 3, shift, ..] => return Some(shift),
            [kind, len, ..] if kind != 0 && len >= 2 => {
                options = options.get(usize::from(len)..)?;
            }
            _ => return None,
        }
    }
}

/// 0 if the checksum is right (RFC 9293 section 3.1).
pub(crate) fn checksum(src: IpAddr, dst: IpAddr, tcp: &[u8]) -> u16 {
    let mut bytes = Vec::new();
    for address in [src, dst] {
        match address {
            IpAddr::V4(address) => bytes.extend(address.octets()),
            IpAddr::V6(address) => bytes.extend(address.octets()),
        }
    }
    bytes.extend((tcp.len() as u32).to_be_bytes());
    bytes.extend([0, 0, 0, 6]);
    bytes.extend(tcp);
    sum(&bytes)
}

/// The Internet checksum (RFC 1071): 0 over bytes with the right one among them.
pub(crate) fn sum(bytes: &[u8]) -> u16 {
    let mut sum: u64 = 0;
    for pair in bytes.chunks(2) {
        let low = pair.get(1).copied().unwrap_or(0);
        sum += u64::from(u16::from_be_bytes([pair[0], low]));
    }
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
