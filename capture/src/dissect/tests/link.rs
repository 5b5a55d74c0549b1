//! Link layers: where the network header begins, for every link type that is looked into.

use super::build::{ethernet, ipv4, ipv6, tag, udp};
use super::{Header, LinkType, Malformed, Net, Transport, frame, ip, layers_of};

const PORTS: Transport = Transport::Ports {
    src_port: 49152,
    dst_port: 443,
};

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
    ]
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
        // IEEE 802.11, into which nobody looks.
        (LinkType(105), vec![0x80; 40]),
    ] {
        let layers = layers_of(link, &bytes, bytes.len());
        assert!(matches!(layers.net, Net::Other { .. }), "{link}");
        assert_eq!((layers.malformed, layers.snapped), (None, false), "{link}");
    }
}
