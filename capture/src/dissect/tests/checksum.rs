//! Checksums against those that etherparse computes, and against published packets.

use etherparse::PacketBuilder;
use proptest::prelude::*;

use super::build::{V6, ethernet, ipv6};
use super::{Checksum, Checksums, Dissector, Layers, LinkType, Malformed};
use crate::packet::{Packet, PacketDirection, PacketMeta};

fn checked(checksums: Checksums, data: &[u8], change: impl Fn(&mut PacketMeta)) -> Layers {
    let mut meta = PacketMeta {
        link: LinkType::ETHERNET,
        wire_len: data.len() as u32,
        ..Packet::EMPTY.meta
    };
    change(&mut meta);
    let dissector = Dissector {
        checksums,
        ..Dissector::default()
    };
    dissector.dissect(&Packet { meta, data })
}

fn validated(data: &[u8]) -> Checksum {
    checked(Checksums::Validate, data, |_| {}).checksum
}

/// Where the checksum is, behind Ethernet and IP.
fn field(kind: usize) -> usize {
    [16, 6, 2, 16, 6, 2][kind]
}

/// A packet with right checksums: TCP, UDP and ICMP over IPv4, then the same over IPv6.
fn packet(kind: usize, payload: &[u8]) -> (Vec<u8>, usize) {
    let ethernet = PacketBuilder::ethernet2([2; 6], [4; 6]);
    let (ip, header_len) = if kind < 3 {
        (ethernet.ipv4([192, 0, 2, 1], [198, 51, 100, 2], 64), 20)
    } else {
        (ethernet.ipv6(V6[0], V6[1], 64), 40)
    };
    let mut out = Vec::new();
    match kind {
        0 | 3 => ip.tcp(49152, 443, 1000, 8192).write(&mut out, payload),
        1 | 4 => ip.udp(49152, 443).write(&mut out, payload),
        2 => ip.icmpv4_echo_request(1, 2).write(&mut out, payload),
        _ => ip.icmpv6_echo_request(1, 2).write(&mut out, payload),
    }
    .unwrap();
    (out, 14 + header_len)
}

#[test]
fn an_rfc_1071_sum_is_good() {
    // ICMP needs no pseudo header: type 8, code 0, identifier 1, sequence 1, no data.
    // 0800 + 0001 + 0001 = 0802, whose complement is f7fd.
    let echo = [8, 0, 0xf7, 0xfd, 0, 1, 0, 1];
    let mut data = ethernet(0x0800, &super::build::ipv4(1, &echo));
    // 4500 + 001c + 4001 + c000 + 0201 + c633 + 6402 = 27153 -> 7155, whose complement is 8eaa.
    data[24..26].copy_from_slice(&[0x8e, 0xaa]);
    assert_eq!(validated(&data), Checksum::Good);
    data[41] = 2;
    assert_eq!(validated(&data), Checksum::Bad);
}

#[test]
fn nothing_is_said_of_what_nobody_looked_at() {
    for kind in 0..6 {
        let (mut data, at) = packet(kind, b"payload");
        data[at + field(kind)] ^= 1;
        let layers = |checksums, change: &dyn Fn(&mut PacketMeta)| {
            checked(checksums, &data, change).checksum
        };
        assert_eq!(layers(Checksums::Ignore, &|_| {}), Checksum::Unknown);
        assert_eq!(layers(Checksums::Validate, &|_| {}), Checksum::Bad);
        let outbound = |meta: &mut PacketMeta| meta.direction = Some(PacketDirection::Outbound);
        assert_eq!(layers(Checksums::Validate, &outbound), Checksum::Unknown);
        let inbound = |meta: &mut PacketMeta| meta.direction = Some(PacketDirection::Inbound);
        assert_eq!(layers(Checksums::Validate, &inbound), Checksum::Bad);
        assert_eq!(
            layers(Checksums::Validate, &|meta| meta.gso = true),
            Checksum::Unknown
        );
        // One byte of the payload was not captured.
        let cut = &data[..data.len() - 1];
        let meta = |meta: &mut PacketMeta| meta.wire_len += 1;
        assert_eq!(
            checked(Checksums::Validate, cut, meta).checksum,
            Checksum::Unknown
        );
    }
}

#[test]
fn udp_without_a_checksum_is_fine_over_ipv4_only() {
    for (kind, expected) in [(1, Checksum::Unknown), (4, Checksum::Bad)] {
        let (mut data, at) = packet(kind, b"payload");
        data[at + 6..at + 8].fill(0);
        assert_eq!(validated(&data), expected);
    }
    // RFC 6935: to a tunnel it is over IPv6, too.
    let (mut data, at) = packet(4, b"payload");
    data[at + 2..at + 4].copy_from_slice(&4789_u16.to_be_bytes());
    data[at + 6..at + 8].fill(0);
    assert_eq!(validated(&data), Checksum::Unknown);
}

#[test]
fn what_was_left_for_the_network_card_is_not_bad_if_asked() {
    // The pseudo header by hand: c000 + 0201 + c633 + 6402 + protocol + length.
    for (kind, field_at, sum) in [(0, 16, 0x1_ec36_u32 + 6 + 27), (1, 6, 0x1_ec36 + 17 + 15)] {
        let (mut data, at) = packet(kind, b"payload");
        let sum = (sum & 0xffff) + (sum >> 16);
        data[at + field_at..at + field_at + 2].copy_from_slice(&(sum as u16).to_be_bytes());
        assert_eq!(validated(&data), Checksum::Bad);
        let unless = checked(Checksums::ValidateUnlessPartial, &data, |_| {});
        assert_eq!(unless.checksum, Checksum::Unknown, "{kind}");
        data[at + field_at] ^= 1;
        let unless = checked(Checksums::ValidateUnlessPartial, &data, |_| {});
        assert_eq!(unless.checksum, Checksum::Bad, "{kind}");
    }
}

#[test]
fn a_wrong_ipv4_header_is_not_believed() {
    let (mut data, _) = packet(0, b"payload");
    data[24] ^= 1;
    let layers = checked(Checksums::Validate, &data, |_| {});
    assert_eq!(layers.malformed, Some(Malformed::Checksum));
    assert_eq!(checked(Checksums::Ignore, &data, |_| {}).malformed, None);
}

#[test]
fn fragments_and_lengths_of_zero_say_nothing() {
    let (mut data, _) = packet(0, b"payload");
    data[16..18].fill(0);
    data[54] ^= 1;
    let layers = checked(Checksums::Validate, &data, |_| {});
    assert_eq!(
        (layers.checksum, layers.malformed),
        (Checksum::Unknown, None)
    );
}

#[test]
fn a_checksum_covers_the_last_address_of_a_routing_header() {
    // The segment is summed for its final destination, 2001:db8::2, and goes to ::3 first.
    let (data, at) = packet(3, b"payload");
    let segment = &data[at..];
    // RFC 8200 section 4.4, type 0: next, length in words of eight bytes, type, segments left.
    let mut routing = vec![6, 2, 0, 1, 0, 0, 0, 0];
    routing.extend(V6[1]);
    routing.extend(segment);
    let mut packet = ethernet(0x86dd, &ipv6(43, &routing));
    packet[14 + 39] = 3;
    assert_eq!(validated(&packet), Checksum::Good);
    // None left: the header's own destination counts.
    packet[54 + 3] = 0;
    assert_eq!(validated(&packet), Checksum::Bad);
}

#[test]
fn a_checksum_covers_the_home_address() {
    let (data, at) = packet(3, b"payload");
    // RFC 6275 section 6.3: PadN of four bytes, type 201, length 16, address.
    let mut options = vec![6, 2, 1, 2, 0, 0, 201, 16];
    options.extend(V6[0]);
    options.extend(&data[at..]);
    let mut packet = ethernet(0x86dd, &ipv6(60, &options));
    packet[14 + 23] = 9;
    assert_eq!(validated(&packet), Checksum::Good);
}

proptest! {
    #[test]
    fn right_checksums_are_good_and_any_changed_bit_is_bad(
        kind in 0_usize..6,
        payload in prop::collection::vec(any::<u8>(), 0..1400),
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let (mut data, start) = packet(kind, &payload);
        prop_assert_eq!(validated(&data), Checksum::Good);
        let unless = checked(Checksums::ValidateUnlessPartial, &data, |_| {});
        prop_assert_eq!(unless.checksum, Checksum::Good);
        let header = [20, 8, 8, 20, 8, 8][kind];
        // Payload and checksum; other fields change what is covered.
        let field = start + field(kind);
        let places: Vec<_> = (field..field + 2).chain(start + header..data.len()).collect();
        data[places[at.index(places.len())]] ^= 1 << bit;
        // Without a checksum, UDP over IPv4 is fine.
        if kind != 1 || data[field..field + 2] != [0, 0] {
            prop_assert_eq!(validated(&data), Checksum::Bad);
        }
    }
}
