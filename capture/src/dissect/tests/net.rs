//! IPv4 (RFC 791) and IPv6 (RFC 8200) with everything that can precede the transport header.

use std::net::{IpAddr, Ipv6Addr};

use proptest::prelude::*;

use super::build::{PORTS, V4, V4Header, V6, ethernet, ipv4, ipv6, ipv6_saying, tcp, udp};
use super::{Header, LinkType, Malformed, Net, Transport, frame, ip, layers_of, udp_found};
use crate::dissect::Fragment;

const FOUND: Transport = udp_found(3);

/// An extension header of `len` bytes, or of one word for a fragment header, with what comes next.
fn extension(kind: u8, next: u8, len: usize, payload: &[u8]) -> Vec<u8> {
    let units = match kind {
        // RFC 4302 section 2.2: in words of four bytes, minus 2.
        51 => len / 4 - 2,
        // RFC 8200 section 4.5: reserved.
        44 => 0,
        // RFC 8200 section 4.3, RFC 6275 section 6.1.1: in words of eight bytes, minus 1.
        _ => len / 8 - 1,
    };
    let mut bytes = vec![
        next,
        u8::try_from(units).expect("an extension header's length"),
    ];
    bytes.resize(len, 0);
    bytes.extend(payload);
    bytes
}

/// A fragment header (RFC 8200 section 4.5); the offset is in bytes.
fn fragment(next: u8, offset: u16, more: u16, id: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![next, 0];
    bytes.extend((offset | more).to_be_bytes());
    bytes.extend(id.to_be_bytes());
    bytes.extend(payload);
    bytes
}

fn malformed(data: &[u8]) -> Option<Malformed> {
    frame(data).malformed
}

#[test]
fn ipv4_options_are_stepped_over() {
    for ihl in 5..=15 {
        let header = V4Header {
            ihl,
            ..V4Header::of(17)
        };
        let layers = frame(&ethernet(0x0800, &header.before(&udp(b"abc"))));
        assert_eq!(layers.transport, FOUND);
        assert_eq!(ip(&layers).payload_len, 11);
        assert_eq!(ip(&layers).ip_len, u32::from(ihl) * 4 + 11);
    }
}

#[test]
fn addresses_are_the_packets() {
    let v4 = ip(&frame(&ethernet(0x0800, &ipv4(17, &udp(b"")))));
    assert_eq!(
        [v4.addresses.src(), v4.addresses.dst()],
        V4.map(IpAddr::from)
    );
    let v6 = ip(&frame(&ethernet(0x86dd, &ipv6(17, &udp(b"")))));
    assert_eq!(
        [v6.addresses.src(), v6.addresses.dst()],
        V6.map(|address| IpAddr::from(Ipv6Addr::from(address)))
    );
}

#[test]
fn ipv4_headers_that_cannot_be_are_malformed() {
    let good = V4Header::of(17);
    let payload = udp(b"abc");
    let version = V4Header { version: 6, ..good };
    assert_eq!(
        malformed(&ethernet(0x0800, &version.before(&payload))),
        Some(Malformed::Version)
    );
    let length = Some(Malformed::HeaderLength(Header::Ipv4));
    for ihl in 0..5 {
        let header = V4Header { ihl, ..good };
        assert_eq!(
            malformed(&ethernet(0x0800, &header.before(&payload))),
            length
        );
    }
    for total_len in [1, 19] {
        let header = V4Header {
            total_len: Some(total_len),
            ..good
        };
        assert_eq!(
            malformed(&ethernet(0x0800, &header.before(&payload))),
            length
        );
    }
    let header = V4Header {
        ihl: 6,
        total_len: Some(23),
        ..good
    };
    assert_eq!(
        malformed(&ethernet(0x0800, &header.before(&payload))),
        length
    );
}

#[test]
fn ipv6_behind_another_ethertype_is_malformed() {
    assert_eq!(
        malformed(&ethernet(0x86dd, &ipv4(17, &[0; 40]))),
        Some(Malformed::Version)
    );
}

#[test]
fn time_to_live_and_congestion_are_the_headers() {
    let mut v4 = ethernet(0x0800, &ipv4(17, &udp(b"")));
    // Type of service: code point 46, ECT(0).
    v4[15] = 46 << 2 | 2;
    v4[22] = 63;
    let mut v6 = ethernet(0x86dd, &ipv6(17, &udp(b"")));
    // Traffic class 0xbb: code point 46, CE.
    (v6[14], v6[15]) = (0x6b, 0xb0);
    v6[21] = 7;
    assert_eq!((ip(&frame(&v4)).ttl, ip(&frame(&v4)).ecn), (63, 2));
    assert_eq!((ip(&frame(&v6)).ttl, ip(&frame(&v6)).ecn), (7, 3));
}

#[test]
fn padding_does_not_belong_to_the_datagram() {
    // IEEE 802.3: frames have 60 bytes at least without the check sequence.
    for mut data in [
        ethernet(0x0800, &ipv4(17, &udp(b"a"))),
        ethernet(0x86dd, &ipv6(17, &udp(b"a"))),
    ] {
        let before = ip(&frame(&data));
        data.resize(data.len() + 17, 0);
        assert_eq!(ip(&frame(&data)), before);
        assert_eq!(before.payload_len, 9);
    }
}

#[test]
fn a_datagram_longer_than_its_frame_is_counted_as_it_says() {
    let header = V4Header {
        total_len: Some(1500),
        ..V4Header::of(17)
    };
    let layers = frame(&ethernet(0x0800, &header.before(&udp(b"abc"))));
    assert_eq!((ip(&layers).ip_len, ip(&layers).payload_len), (1500, 1480));
    assert_eq!((layers.transport, layers.malformed), (FOUND, None));
    assert!(ip(&layers).cut_short);
    let data = ethernet(0x86dd, &ipv6_saying(12, 17, &udp(b"abc")));
    assert!(ip(&frame(&data)).cut_short);
    // What was not captured was there.
    assert!(!ip(&layers_of(LinkType::ETHERNET, &data, data.len() + 1)).cut_short);
    assert!(!ip(&frame(&ethernet(0x0800, &ipv4(17, &udp(b"abc"))))).cut_short);
}

#[test]
fn a_length_of_zero_means_what_the_frame_holds() {
    let header = V4Header {
        total_len: Some(0),
        ..V4Header::of(6)
    };
    let data = ethernet(0x0800, &header.before(&tcp(5, 0x10, &[0; 100])));
    let layers = layers_of(LinkType::ETHERNET, &data, 70_000);
    assert_eq!(ip(&layers).ip_len, 70_000 - 14);
    assert_eq!(super::tcp(&layers).payload_len, 70_000 - 14 - 20 - 20);

    let data = ethernet(0x86dd, &ipv6_saying(0, 6, &tcp(5, 0x10, &[0; 100])));
    let layers = layers_of(LinkType::ETHERNET, &data, 190_000);
    assert_eq!(ip(&layers).ip_len, 190_000 - 14);
    assert_eq!(super::tcp(&layers).payload_len, 190_000 - 14 - 40 - 20);
}

#[test]
fn a_jumbogram_is_as_long_as_the_frame() {
    // RFC 2675 section 2: hop-by-hop, PadN of nothing is not needed, option 0xc2 of four bytes.
    let mut jumbo = vec![6, 0, 0xc2, 4, 0, 1, 0, 0];
    jumbo.extend(tcp(5, 0x10, &[0; 100]));
    let data = ethernet(0x86dd, &ipv6_saying(0, 0, &jumbo));
    let layers = layers_of(LinkType::ETHERNET, &data, 14 + 40 + 65_536);
    assert_eq!(ip(&layers).ip_len, 40 + 65_536);
    assert_eq!(super::tcp(&layers).payload_len, 65_536 - 8 - 20);
    assert_eq!(layers.malformed, None);
}

#[test]
fn ipv4_fragments_are_told_by_offset_and_flag() {
    const FOUND: Transport = udp_found(24);
    let body = udp(&[0; 24]);
    for (field, expected, transport) in [
        // Don't fragment, and the reserved bit, make no fragment.
        (0x4000, None, FOUND),
        (0x8000, None, FOUND),
        (0x2000, Some(0), FOUND),
        (0x2001, Some(8), Transport::None),
        (0x0004, Some(32), Transport::None),
        (0x1fff, Some(65_528), Transport::None),
    ] {
        let header = V4Header {
            fragment: field,
            id: 0xbeef,
            ..V4Header::of(17)
        };
        let layers = frame(&ethernet(0x0800, &header.before(&body)));
        let id = u32::from(0xbeef_u16.to_be());
        let expected = expected.map(|offset| Fragment {
            id,
            offset,
            more: field & 0x2000 != 0,
            at: 34,
            len: 32,
        });
        assert_eq!(ip(&layers).fragment, expected, "{field:#06x}");
        assert_eq!(layers.transport, transport, "{field:#06x}");
        assert_eq!(layers.malformed, None);
    }
}

#[test]
fn a_first_fragment_may_end_within_the_transport_header() {
    for protocol in [1, 6, 17, 132] {
        let header = V4Header {
            fragment: 0x2000,
            ..V4Header::of(protocol)
        };
        for len in 0..8 {
            let layers = frame(&ethernet(0x0800, &header.before(&tcp(5, 2, b"")[..len])));
            assert_eq!(layers.malformed, None, "{protocol}, {len} bytes");
            assert!(matches!(layers.net, Net::Ip(_)));
        }
    }
}

#[test]
fn every_ipv6_extension_header_is_stepped_over() {
    for kind in [0, 43, 44, 51, 60, 135] {
        let lens: &[usize] = match kind {
            44 => &[8],
            51 => &[12, 24, 16],
            _ => &[8, 16, 40],
        };
        for &len in lens {
            let layers = frame(&ethernet(
                0x86dd,
                &ipv6(kind, &extension(kind, 17, len, &udp(b"abc"))),
            ));
            assert_eq!(layers.transport, FOUND, "{kind}");
            assert_eq!(ip(&layers).protocol, 17, "{kind}");
            assert_eq!(ip(&layers).payload_len, 11, "{kind}");
            assert_eq!(ip(&layers).ip_len as usize, 40 + len + 11, "{kind}");
        }
    }
}

/// So many destination options headers in a row, and UDP.
fn chain(count: usize) -> Vec<u8> {
    let mut next = 17;
    let mut bytes = udp(b"abc");
    for _ in 0..count {
        bytes = extension(60, next, 8, &bytes);
        next = 60;
    }
    ethernet(0x86dd, &ipv6(next, &bytes))
}

#[test]
fn eight_extension_headers_are_looked_behind_and_no_more() {
    assert_eq!(frame(&chain(8)).transport, FOUND);
    let layers = frame(&chain(9));
    assert_eq!(layers.transport, Transport::Other);
    assert_eq!((ip(&layers).protocol, layers.malformed), (60, None));
}

#[test]
fn an_extension_header_beyond_the_payload_is_malformed() {
    for (kind, len) in [(0, 16), (43, 16), (51, 20), (60, 16), (135, 16)] {
        let bytes = extension(kind, 17, len, &udp(b"abc"));
        // The payload ends within the extension header.
        let data = ethernet(0x86dd, &ipv6_saying(len as u16 - 1, kind, &bytes));
        assert_eq!(
            malformed(&data),
            Some(Malformed::HeaderLength(Header::Ipv6)),
            "{kind}"
        );
    }
}

#[test]
fn ipv6_fragments_are_told_by_offset_and_flag() {
    const FOUND: Transport = udp_found(24);
    let body = udp(&[0; 24]);
    let id = 0x0102_0304;
    for (offset, more, found, transport) in [
        (0, 1, true, FOUND),
        (8, 1, true, Transport::None),
        (65_528, 0, true, Transport::None),
        // RFC 6946: an atomic fragment is a whole datagram.
        (0, 0, false, FOUND),
    ] {
        let bytes = fragment(17, offset, more, id, &body);
        let layers = frame(&ethernet(0x86dd, &ipv6(44, &bytes)));
        let expected = found.then_some(Fragment {
            id: id.to_be(),
            offset,
            more: more != 0,
            at: 62,
            len: 32,
        });
        assert_eq!(ip(&layers).fragment, expected, "{offset} {more}");
        assert_eq!(layers.transport, transport, "{offset} {more}");
        assert_eq!((ip(&layers).protocol, layers.malformed), (17, None));
    }
}

#[test]
fn what_follows_in_a_later_fragment_is_not_taken_for_a_header() {
    // Bytes that would be a hop-by-hop header longer than the packet.
    let bytes = fragment(60, 64, 1, 1, &[17, 255, 0, 0, 0, 0, 0, 0]);
    let layers = frame(&ethernet(0x86dd, &ipv6(44, &bytes)));
    assert_eq!(layers.malformed, None);
    assert_eq!(layers.transport, Transport::Other);
}

#[test]
fn no_next_header_is_a_protocol_without_ports() {
    let layers = frame(&ethernet(0x86dd, &ipv6(59, &PORTS)));
    assert_eq!(
        (layers.transport, layers.malformed),
        (Transport::Other, None)
    );
    assert_eq!(ip(&layers).protocol, 59);
}

proptest! {
    /// Extension headers in any order and of any length are stepped over, as far as they fit into
    /// what stacks and the kernel side look at.
    #[test]
    fn extension_headers_come_in_any_order(
        kinds in prop::collection::vec((prop::sample::select(vec![0_u8, 43, 60, 135]), 1_usize..5), 0..8),
    ) {
        let mut next = 17;
        let mut bytes = udp(b"abc");
        for &(kind, words) in &kinds {
            bytes = extension(kind, next, words * 8, &bytes);
            next = kind;
        }
        let layers = frame(&ethernet(0x86dd, &ipv6(next, &bytes)));
        prop_assert_eq!(layers.transport, FOUND);
        prop_assert_eq!(ip(&layers).payload_len, 11);
    }
}
