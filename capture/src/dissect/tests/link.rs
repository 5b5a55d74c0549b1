//! Link layers: where the network header begins, for every link type that is looked into.

use super::build::{ethernet, ipv4, ipv6, tag, udp};
use super::{Header, LinkType, Malformed, Net, Transport, frame, ip, layers_of, udp_found};

const PORTS: Transport = udp_found(3);

/// The payload that is behind every link header here.
fn v4() -> Vec<u8> {
    ipv4(17, &udp(b"abc"))
}

fn v6() -> Vec<u8> {
    ipv6(17, &udp(b"abc"))
}

#[test]
fn ethertypes_name_the_network_layer() {
    assert_eq!(frame(&ethernet(0x0800, &v4())).transport, PORTS);
    assert_eq!(frame(&ethernet(0x86dd, &v6())).transport, PORTS);
    assert_eq!(frame(&ethernet(0x0806, &[0; 28])).net, Net::Arp);
    // LLDP (IEEE 802.1AB), and an 802.3 length.
    for ethertype in [0x88cc, 0x0026] {
        let layers = frame(&ethernet(ethertype, &[0; 46]));
        assert_eq!(layers.net, Net::Other { ethertype });
        assert_eq!((layers.malformed, layers.snapped), (None, false));
    }
}

#[test]
fn vlan_tags_of_every_kind_are_looked_behind() {
    for tpid in [0x8100, 0x88a8, 0x9100] {
        // Priority 5, drop eligible, VLAN 100.
        let layers = frame(&ethernet(tpid, &tag(0xb064, 0x0800, &v4())));
        assert_eq!((layers.vlan_tags, layers.vlans), (1, [100, 0]));
        assert_eq!(layers.transport, PORTS);
    }
    let inner = tag(0x0fff, 0x86dd, &v6());
    let layers = frame(&ethernet(0x88a8, &tag(0x0001, 0x8100, &inner)));
    assert_eq!((layers.vlan_tags, layers.vlans), (2, [1, 4095]));
    assert_eq!(layers.transport, PORTS);
}

#[test]
fn four_tags_are_looked_behind_and_a_fifth_is_another_protocol() {
    let mut inside = v4();
    let mut ethertype = 0x0800;
    for (id, tpid) in [(4, 0x9100), (3, 0x8100), (2, 0x8100), (1, 0x88a8)] {
        inside = tag(id, ethertype, &inside);
        ethertype = tpid;
    }
    let layers = frame(&ethernet(ethertype, &inside));
    assert_eq!((layers.vlan_tags, layers.vlans), (4, [1, 2]));
    assert_eq!(layers.transport, PORTS);

    let layers = frame(&ethernet(0x8100, &tag(9, ethertype, &inside)));
    assert_eq!((layers.vlan_tags, layers.vlans), (4, [9, 1]));
    assert_eq!(layers.net, Net::Other { ethertype: 0x9100 });
    assert_eq!(layers.malformed, None);
}

/// The bytes before the network header, by link type and protocol.
#[expect(clippy::too_many_lines, reason = "a table")]
fn headers() -> Vec<(LinkType, Vec<u8>, Vec<u8>)> {
    // Packet type 0, ARPHRD_ETHER, address of six bytes and its padding.
    let sll = |ethertype: u16| {
        let mut bytes = vec![0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0];
        bytes.extend(ethertype.to_be_bytes());
        bytes
    };
    // Protocol, reserved, interface index, ARPHRD_ETHER, packet type, address length, address.
    let sll2 = |ethertype: u16| {
        let mut bytes = ethertype.to_be_bytes().to_vec();
        bytes.extend([0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
        bytes
    };
    vec![
        (LinkType::RAW, vec![], vec![]),
        (LinkType::IPV4, vec![], vec![]),
        (LinkType::IPV6, vec![], vec![]),
        // AF_INET is 2 everywhere; AF_INET6 is 10, 24, 28 or 30. Either byte order.
        (LinkType::NULL, vec![2, 0, 0, 0], vec![30, 0, 0, 0]),
        (LinkType::NULL, vec![0, 0, 0, 2], vec![0, 0, 0, 24]),
        (LinkType::LOOP, vec![0, 0, 0, 2], vec![0, 0, 0, 28]),
        (LinkType::LINUX_SLL, sll(0x0800), sll(0x86dd)),
        (LinkType::LINUX_SLL2, sll2(0x0800), sll2(0x86dd)),
        (
            LinkType::C_HDLC,
            vec![0x0f, 0, 8, 0],
            vec![0x8f, 0, 0x86, 0xdd],
        ),
        (LinkType::PPP, vec![0x00, 0x21], vec![0x00, 0x57]),
        (
            LinkType::PPP,
            vec![0xff, 0x03, 0x00, 0x21],
            vec![0xff, 0x03, 0x00, 0x57],
        ),
        // RFC 1661 section 6.5: a protocol field of one byte.
        (LinkType::PPP, vec![0x21], vec![0x57]),
        (
            LinkType::PPP_HDLC,
            vec![0xff, 0x03, 0x00, 0x21],
            vec![0xff, 0x03, 0x00, 0x57],
        ),
        (
            LinkType::PPP_WITH_DIR,
            vec![0, 0xff, 0x03, 0x00, 0x21],
            vec![1, 0xff, 0x03, 0x00, 0x57],
        ),
        // Version and type, code, session, length (which nothing depends on).
        (
            LinkType::PPP_ETHER,
            vec![0x11, 0, 0, 1, 0, 33, 0x00, 0x21],
            vec![0x11, 0, 0, 1, 0, 53, 0x00, 0x57],
        ),
        (LinkType::RAW_BSD, vec![], vec![]),
        (LinkType::RAW_OPENBSD, vec![], vec![]),
        (LinkType::ENC, vec![0; 12], vec![0; 12]),
        // RFC 2427 section 4: Q.922 address, UI, NLPID; then with SNAP and a pad; and Cisco's.
        (
            LinkType::FRELAY,
            vec![0x18, 0x41, 0x03, 0xcc],
            vec![0x18, 0x41, 0x03, 0x8e],
        ),
        (
            LinkType::FRELAY,
            vec![0x18, 0x41, 0x03, 0, 0x80, 0, 0, 0, 0x08, 0x00],
            vec![0x18, 0x41, 0x03, 0, 0x80, 0, 0, 0, 0x86, 0xdd],
        ),
        (
            LinkType::FRELAY,
            vec![0x18, 0x41, 0x08, 0x00],
            vec![0x18, 0x41, 0x86, 0xdd],
        ),
        (
            LinkType::IPOIB,
            behind(40, [0x08, 0x00, 0, 0]),
            behind(40, [0x86, 0xdd, 0, 0]),
        ),
        (
            LinkType::DSA_TAG_BRCM,
            behind(16, [0x08, 0x00]),
            behind(16, [0x86, 0xdd]),
        ),
        (
            LinkType::DSA_TAG_BRCM_PREPEND,
            behind(16, [0x08, 0x00]),
            behind(16, [0x86, 0xdd]),
        ),
        (
            LinkType::DSA_TAG_DSA,
            behind(16, [0x08, 0x00]),
            behind(16, [0x86, 0xdd]),
        ),
        (
            LinkType::DSA_TAG_EDSA,
            behind(20, [0x08, 0x00]),
            behind(20, [0x86, 0xdd]),
        ),
        // IEEE 802.11: data to the distribution system, and with quality of service from it.
        (
            LinkType::IEEE802_11,
            wlan(0x08, 0x01, 24, 0x0800),
            wlan(0x88, 0x02, 26, 0x86dd),
        ),
        // Between systems, with a fourth address; and with high throughput control.
        (
            LinkType::IEEE802_11,
            wlan(0x08, 0x03, 30, 0x0800),
            wlan(0x88, 0x82, 30, 0x86dd),
        ),
        (
            LinkType::IEEE802_11_RADIOTAP,
            radiotap(&wlan(0x08, 0x01, 24, 0x0800)),
            radiotap(&wlan(0x88, 0x01, 26, 0x86dd)),
        ),
    ]
}

/// So many bytes that nobody looks at, and the last ones.
fn behind<const N: usize>(len: usize, last: [u8; N]) -> Vec<u8> {
    let mut bytes = vec![0; len];
    bytes.extend(last);
    bytes
}

/// An IEEE 802.11 header (section 9.3.2) of this length, with LLC and SNAP behind.
fn wlan(kind: u8, flags: u8, len: usize, ethertype: u16) -> Vec<u8> {
    let mut bytes = vec![kind, flags];
    bytes.resize(len, 0);
    bytes.extend([0xaa, 0xaa, 0x03, 0, 0, 0]);
    bytes.extend(ethertype.to_be_bytes());
    bytes
}

/// A radiotap header (radiotap.org) without fields but a byte of padding.
fn radiotap(frame: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 9, 0, 0, 0, 0, 0, 0];
    bytes.extend(frame);
    bytes
}

#[test]
fn every_link_type_leads_to_ip() {
    for (link, before_v4, before_v6) in headers() {
        for (mut bytes, payload, header_len) in [(before_v4, v4(), 20), (before_v6, v6(), 40)] {
            bytes.extend(payload);
            let layers = layers_of(link, &bytes, bytes.len());
            assert_eq!(layers.transport, PORTS, "{link}");
            assert_eq!(ip(&layers).ip_len, header_len + 8 + 3, "{link}");
            assert_eq!((layers.malformed, layers.vlan_tags), (None, 0), "{link}");
        }
    }
}

#[test]
fn a_link_header_that_is_cut_off_is_told_from_one_that_was_not_captured() {
    for (link, before_v4, before_v6) in headers() {
        for header in [before_v4, before_v6] {
            for len in 0..header.len() {
                let layers = layers_of(link, &header[..len], len);
                let expected = Some(Malformed::Truncated(Header::Link));
                assert_eq!(
                    (layers.malformed, layers.snapped),
                    (expected, false),
                    "{link}"
                );
                let layers = layers_of(link, &header[..len], 100);
                assert_eq!((layers.malformed, layers.snapped), (None, true), "{link}");
            }
        }
    }
}

#[test]
fn cooked_captures_show_vlan_tags_too() {
    let mut bytes = vec![0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x81, 0x00];
    bytes.extend(tag(7, 0x0800, &v4()));
    let layers = layers_of(LinkType::LINUX_SLL, &bytes, bytes.len());
    assert_eq!((layers.vlan_tags, layers.vlans), (1, [7, 0]));
    assert_eq!(layers.transport, PORTS);
}

#[test]
fn what_is_not_ip_is_not_malformed() {
    for (link, bytes) in [
        // LCP (RFC 1661) with and without address and control.
        (LinkType::PPP, vec![0xc0, 0x21, 1, 1, 0, 4]),
        (LinkType::PPP, vec![0xff, 0x03, 0xc0, 0x21, 1, 1, 0, 4]),
        // SLARP.
        (LinkType::C_HDLC, vec![0x8f, 0, 0x80, 0x35, 0, 0, 0, 2]),
        // ISO on NULL: neither version 4 nor 6.
        (LinkType::NULL, vec![7, 0, 0, 0, 0x83, 0, 0, 0]),
        (LinkType::RAW, vec![0x00; 40]),
        // A beacon, a null function frame, and data that is encrypted.
        (LinkType::IEEE802_11, vec![0x80; 40]),
        (LinkType::IEEE802_11, vec![0x48; 40]),
        (LinkType::IEEE802_11, vec![0x08, 0x40, 0, 0, 0, 0, 0, 0]),
        // USB, into which nobody looks.
        (LinkType(189), vec![0x80; 64]),
    ] {
        let layers = layers_of(link, &bytes, bytes.len());
        assert!(matches!(layers.net, Net::Other { .. }), "{link}");
        assert_eq!((layers.malformed, layers.snapped), (None, false), "{link}");
    }
}

#[test]
fn netfilter_log_messages_are_searched_for_the_packet() {
    for (family, payload) in [(2, v4()), (10, v6())] {
        // Family, version, resource; a hardware protocol (type 1), a prefix of three bytes that is
        // padded (type 10), the packet (type 9): `linux/netfilter/nfnetlink_log.h`, little-endian.
        let mut bytes = vec![
            family, 0, 0, 42, 8, 0, 1, 0, 0, 0, 3, 0, 7, 0, 10, 0, 65, 66, 0, 0,
        ];
        bytes.extend((payload.len() as u16 + 4).to_le_bytes());
        bytes.extend([9, 0]);
        bytes.extend(payload);
        let layers = layers_of(LinkType::NFLOG, &bytes, bytes.len());
        assert_eq!(layers.transport, PORTS);
        // An attribute without end, and one that has none.
        bytes[4..6].fill(0);
        let layers = layers_of(LinkType::NFLOG, &bytes, bytes.len());
        assert_eq!(
            (layers.net, layers.malformed),
            (Net::Other { ethertype: 0 }, None)
        );
    }
}

#[test]
fn switch_tags_carry_the_vlan() {
    // Marvell's documentation of the 88E6xxx: bit 29 of the tag says that the frame was tagged, its low
    // twelve bits with what.
    let mut bytes = behind(12, [0xe0, 0x10, 0x05, 0x39, 0x08, 0x00]);
    bytes.extend(v4());
    let layers = layers_of(LinkType::DSA_TAG_DSA, &bytes, bytes.len());
    assert_eq!((layers.vlan_tags, layers.vlans), (1, [0x539, 0]));
    assert_eq!(layers.transport, PORTS);
}
