//! Frames by hand, for headers that ordinary traffic between two hosts does not have.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Who sends and who receives; nobody in the lab, so that no stack answers.
pub(crate) const SRC_V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
pub(crate) const DST_V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);
pub(crate) const SRC_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
pub(crate) const DST_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 2);

pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;

pub(crate) const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;
pub(crate) const ACK: u8 = 0x10;

/// IEEE 802.3, with addresses that are nobody's.
pub(crate) fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame
}

/// IEEE 802.1Q: tags from the outside in, each with its type, in front of what `frame` has.
pub(crate) fn tagged(frame: &[u8], tags: &[(u16, u16)]) -> Vec<u8> {
    let mut out = frame[..12].to_vec();
    for (ethertype, vlan) in tags {
        out.extend(ethertype.to_be_bytes());
        out.extend(vlan.to_be_bytes());
    }
    out.extend(&frame[12..]);
    out
}

/// RFC 791; `fragment` are the 16 bits of flags and offset. `options` are whole words.
pub(crate) fn ipv4(
    protocol: u8,
    options: &[u8],
    (id, fragment): (u16, u16),
    payload: &[u8],
) -> Vec<u8> {
    let header_len = 20 + options.len();
    let total_len = (header_len + payload.len()) as u16;
    let mut packet = vec![0x40 | (header_len / 4) as u8, 0];
    packet.extend(total_len.to_be_bytes());
    packet.extend(id.to_be_bytes());
    packet.extend(fragment.to_be_bytes());
    packet.extend([64, protocol, 0, 0]);
    packet.extend(SRC_V4.octets());
    packet.extend(DST_V4.octets());
    packet.extend(options);
    packet.extend(payload);
    ethernet(0x0800, &packet)
}

/// RFC 8200; `payload` begins with the extension headers, `next` is the type of the first.
pub(crate) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((payload.len() as u16).to_be_bytes());
    packet.extend([next, 64]);
    packet.extend(SRC_V6.octets());
    packet.extend(DST_V6.octets());
    packet.extend(payload);
    ethernet(0x86dd, &packet)
}

/// RFC 9293 section 3.1, without options.
pub(crate) fn tcp(src_port: u16, dst_port: u16, flags: u8) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend(src_port.to_be_bytes());
    segment.extend(dst_port.to_be_bytes());
    segment.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 4, 0, 0, 0, 0, 0]);
    segment
}

/// RFC 768, without checksum.
pub(crate) fn udp(src_port: u16, dst_port: u16, data: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    datagram.extend(src_port.to_be_bytes());
    datagram.extend(dst_port.to_be_bytes());
    datagram.extend((8 + data.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(data);
    datagram
}

/// RFC 826: a request.
pub(crate) fn arp() -> Vec<u8> {
    let mut packet = vec![0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2];
    packet.extend(SRC_V4.octets());
    packet.extend([0; 6]);
    packet.extend(DST_V4.octets());
    ethernet(0x0806, &packet)
}
