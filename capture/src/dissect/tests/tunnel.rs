//! Packets in packets: every encapsulation as its specification draws it, whole, broken and cut off.

use std::net::IpAddr;

use super::build::{V4, V4Header, ethernet, ipv4, ipv6, ipv6_saying, tag, tcp, udp, udp_between};
use super::{Dissector, Layers, LinkType, Net, Tcp, Transport, Tunnels, frame, ip, layers_of};
use crate::dissect::{Tunnel, TunnelKind};
use crate::packet::{Packet, PacketMeta};

/// The packet that travels: IPv6, TCP, five bytes.
fn inner() -> Vec<u8> {
    ipv6(6, &tcp(5, 0x10, b"hello"))
}

/// The same in Ethernet, on VLAN 9.
fn inner_frame() -> Vec<u8> {
    ethernet(0x8100, &tag(9, 0x86dd, &inner()))
}

/// A datagram to this port, in IPv4, in Ethernet on VLAN 5.
fn over_udp(port: u16, payload: &[u8]) -> Vec<u8> {
    over(17, &udp_between([50_000, port], payload))
}

/// A payload in IPv4, in Ethernet on VLAN 5.
fn over(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ethernet(0x8100, &tag(5, 0x0800, &ipv4(protocol, payload)))
}

/// GRE (RFC 2784 section 2.1): flags and version, protocol type, then whatever the flags announce.
fn gre(flags: u16, protocol: u16, fields: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = flags.to_be_bytes().to_vec();
    bytes.extend(protocol.to_be_bytes());
    bytes.extend(fields);
    bytes.extend(payload);
    bytes
}

/// Bytes in front of a frame or packet.
fn with(header: &[u8], payload: &[u8]) -> Vec<u8> {
    [header, payload].concat()
}

/// Every encapsulation: name, packet, kind, identifier.
#[expect(clippy::too_many_lines, reason = "a table")]
fn samples() -> Vec<(&'static str, Vec<u8>, TunnelKind, u32)> {
    use TunnelKind::{Geneve, Gre, GtpU, IpInIp, Teredo, Vxlan};
    let (packet, frame) = (inner(), inner_frame());
    let len = packet.len() as u16;
    // PPTP (RFC 2637 section 4.1): the key is the payload's length and the call.
    let call = |len: u16| [&len.to_be_bytes()[..], &[0, 77]].concat();
    // GTP-U (TS 29.281 section 5.1): flags, type, length of what follows the first eight bytes, TEID.
    let gtp = |flags: u8, more: &[u8]| {
        let mut bytes = vec![flags, 255];
        bytes.extend((len + more.len() as u16).to_be_bytes());
        bytes.extend(0x0102_0304_u32.to_be_bytes());
        bytes.extend(more);
        over_udp(2152, &with(&bytes, &packet))
    };
    let word = [0, 0, 0, 7];
    vec![
        ("6in4", over(41, &packet), IpInIp, 0),
        (
            "4in4",
            over(4, &ipv4(6, &tcp(5, 0x10, b"hello"))),
            IpInIp,
            0,
        ),
        ("GRE", over(47, &gre(0, 0x86dd, &[], &packet)), Gre, 0),
        (
            "GRE, key",
            over(47, &gre(0x2000, 0x86dd, &word, &packet)),
            Gre,
            7,
        ),
        (
            "GRE, checksum",
            over(47, &gre(0x8000, 0x86dd, &word, &packet)),
            Gre,
            0,
        ),
        (
            "GRE, sequence",
            over(47, &gre(0x1000, 0x86dd, &word, &packet)),
            Gre,
            0,
        ),
        (
            "GRE, everything",
            over(
                47,
                &gre(
                    0xb000,
                    0x86dd,
                    &[1, 2, 0, 0, 0, 0, 0, 7, 0, 0, 0, 9],
                    &packet,
                ),
            ),
            Gre,
            7,
        ),
        // NVGRE (RFC 7637 section 3.2): virtual subnet 0x010203, flow 4.
        (
            "NVGRE",
            over(47, &gre(0x2000, 0x6558, &[1, 2, 3, 4], &frame)),
            Gre,
            0x0102_0304,
        ),
        ("ERSPAN I", over(47, &gre(0, 0x88be, &[], &frame)), Gre, 0),
        (
            "ERSPAN II",
            over(
                47,
                &gre(
                    0x1000,
                    0x88be,
                    &word,
                    &with(&[0x10, 1, 2, 3, 0, 0, 0, 0], &frame),
                ),
            ),
            Gre,
            0,
        ),
        (
            "ERSPAN III",
            over(
                47,
                &gre(
                    0x1000,
                    0x22eb,
                    &word,
                    &with(&[0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &frame),
                ),
            ),
            Gre,
            0,
        ),
        (
            "ERSPAN III with a platform header",
            over(
                47,
                &gre(0x1000, 0x22eb, &word, &{
                    let mut header = [0; 20];
                    (header[0], header[11]) = (0x20, 1);
                    with(&header, &frame)
                }),
            ),
            Gre,
            0,
        ),
        (
            "PPTP",
            over(
                47,
                &gre(
                    0x3001,
                    0x880b,
                    &with(&call(len + 4), &word),
                    &with(&[0xff, 3, 0, 0x57], &packet),
                ),
            ),
            Gre,
            77,
        ),
        (
            "PPTP with an acknowledgment",
            over(
                47,
                &gre(
                    0x3081,
                    0x880b,
                    &with(&call(len + 1), &[0, 0, 0, 1, 0, 0, 0, 2]),
                    &with(&[0x57], &packet),
                ),
            ),
            Gre,
            77,
        ),
        (
            "GRE in UDP",
            over_udp(4754, &gre(0, 0x86dd, &[], &packet)),
            Gre,
            0,
        ),
        (
            "MPLS in GRE",
            over(47, &gre(0, 0x8847, &[], &with(&[0, 1, 1, 64], &packet))),
            Gre,
            0,
        ),
        // RFC 7348 section 5: flags, reserved, network identifier, reserved.
        (
            "VXLAN",
            over_udp(4789, &with(&[8, 0, 0, 0, 0, 0x30, 0x39, 0], &frame)),
            Vxlan,
            12345,
        ),
        (
            "VXLAN-GPE",
            over_udp(4790, &with(&[0x0c, 0, 0, 2, 0, 0x30, 0x39, 0], &packet)),
            Vxlan,
            12345,
        ),
        (
            "VXLAN-GPE, frame",
            over_udp(4790, &with(&[0x0c, 0, 0, 3, 0, 0x30, 0x39, 0], &frame)),
            Vxlan,
            12345,
        ),
        // RFC 8926 section 3.4: version and length of options, flags, protocol, identifier, reserved.
        (
            "GENEVE",
            over_udp(6081, &with(&[0, 0, 0x65, 0x58, 0, 0x30, 0x39, 0], &frame)),
            Geneve,
            12345,
        ),
        (
            "GENEVE, IP",
            over_udp(6081, &with(&[0, 0, 0x86, 0xdd, 0, 0x30, 0x39, 0], &packet)),
            Geneve,
            12345,
        ),
        (
            "GENEVE, options",
            over_udp(
                6081,
                &with(
                    &[2, 0, 0x65, 0x58, 0, 0, 1, 0, 1, 2, 0x80, 1, 9, 9, 9, 9],
                    &frame,
                ),
            ),
            Geneve,
            1,
        ),
        ("GTP-U", gtp(0x30, &[]), GtpU, 0x0102_0304),
        (
            "GTP-U, sequence",
            gtp(0x32, &[0, 1, 0, 0]),
            GtpU,
            0x0102_0304,
        ),
        // A PDU session container (TS 38.415) of four bytes, and another header of eight.
        (
            "GTP-U, extensions",
            gtp(
                0x34,
                &[0, 0, 0, 0x85, 1, 0x10, 9, 0x40, 2, 0, 0, 0, 0, 0, 0, 0],
            ),
            GtpU,
            0x0102_0304,
        ),
        ("Teredo", over_udp(3544, &packet), Teredo, 0),
        (
            "Teredo, answered",
            over(17, &udp_between([3544, 50_000], &packet)),
            Teredo,
            0,
        ),
        // RFC 4380 section 5.1.1: origin indication; authentication without identifier and value.
        (
            "Teredo, origin",
            over_udp(3544, &with(&[0, 0, 1, 2, 3, 4, 5, 6], &packet)),
            Teredo,
            0,
        ),
        (
            "Teredo, authentication and origin",
            over_udp(
                3544,
                &with(
                    &[
                        0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1, 2, 3, 4, 5, 6,
                    ],
                    &packet,
                ),
            ),
            Teredo,
            0,
        ),
    ]
}

/// The layers if nobody looks into tunnels.
fn outer(data: &[u8], wire_len: usize) -> Layers {
    let meta = PacketMeta {
        link: LinkType::ETHERNET,
        wire_len: wire_len as u32,
        ..Packet::EMPTY.meta
    };
    let dissector = Dissector {
        tunnels: Tunnels::Outer,
        ..Dissector::default()
    };
    dissector.dissect(&Packet { meta, data })
}

#[test]
fn the_inner_packet_counts_and_its_tunnel_is_noted() {
    for (name, data, kind, id) in samples() {
        let layers = frame(&data);
        let [src, dst] = V4.map(IpAddr::from);
        let expected = Tunnel {
            kind,
            depth: 1,
            id,
            src: Some(src),
            dst: Some(dst),
            carrier: layers.tunnel.map_or(0, |tunnel| tunnel.carrier),
        };
        assert_eq!(layers.tunnel, Some(expected), "{name}");
        assert_eq!(super::tcp(&layers).payload_len, 5, "{name}");
        assert!(super::tcp(&layers).captured, "{name}");
        assert_eq!(ip(&layers).protocol, 6, "{name}");
        let ip_len = if name == "4in4" { 45 } else { 65 };
        assert_eq!(ip(&layers).ip_len, ip_len, "{name}");
        // The VLAN is that of the frame on the wire.
        assert_eq!((layers.vlan_tags, layers.vlans), (1, [5, 0]), "{name}");
        assert_eq!((layers.malformed, layers.snapped), (None, false), "{name}");
    }
}

#[test]
fn nothing_is_looked_into_if_nobody_wants_it() {
    for (name, data, ..) in samples() {
        let layers = outer(&data, data.len());
        assert_eq!(layers.tunnel, None, "{name}");
        assert!(matches!(ip(&layers).protocol, 4 | 17 | 41 | 47), "{name}");
        assert!(
            matches!(layers.transport, Transport::Other | Transport::Ports { .. }),
            "{name}"
        );
    }
}

#[test]
fn a_tunnel_that_was_not_captured_as_far_as_its_ports_is_none() {
    for (name, data, ..) in samples() {
        let whole = frame(&data);
        // TCP's header ends five bytes before the packet does.
        let all_there = data.len() - 5;
        for len in 0..data.len() {
            let layers = layers_of(LinkType::ETHERNET, &data[..len], data.len());
            if len >= all_there {
                let Transport::Tcp(tcp) = layers.transport else {
                    panic!("{name}, {len} bytes: {layers:?}")
                };
                let captured = Layers {
                    transport: Transport::Tcp(Tcp {
                        captured: true,
                        ..tcp
                    }),
                    ..layers
                };
                assert!(!tcp.captured);
                assert_eq!(captured, whole, "{name}, {len} bytes");
            } else {
                assert_eq!(
                    layers,
                    outer(&data[..len], data.len()),
                    "{name}, {len} bytes"
                );
            }
        }
    }
}

#[test]
fn a_tunnel_whose_inside_is_cut_off_is_none() {
    for (name, data, ..) in samples() {
        for len in 0..data.len() {
            // The frame ended there on the wire, though its headers say otherwise.
            let layers = frame(&data[..len]);
            assert_eq!(layers, outer(&data[..len], len), "{name}, {len} bytes");
        }
    }
}

#[test]
fn padding_behind_a_tunnel_does_not_belong_to_it() {
    for (name, mut data, ..) in samples() {
        let layers = frame(&data);
        data.extend([0; 17]);
        assert_eq!(frame(&data), layers, "{name}");
    }
}

#[test]
fn what_a_tunnel_has_no_room_for_is_not_believed() {
    // The inner packet says one byte more than there is in the tunnel, and the frame has it.
    let packet = ipv6_saying(26, 6, &tcp(5, 0x10, b"hello"));
    for mut data in [
        over(41, &packet),
        over_udp(2152, &with(&[0x30, 255, 0, 65, 0, 0, 0, 1], &packet)),
    ] {
        data.push(0);
        assert_eq!(frame(&data).tunnel, None);
    }
}

#[test]
fn tunnels_in_tunnels_are_counted_and_four_are_enough() {
    let mut packet = inner();
    for depth in 1..=6 {
        packet = ipv6(41, &packet);
        let layers = frame(&ethernet(0x86dd, &packet));
        assert_eq!(layers.tunnel.map(|tunnel| tunnel.depth), Some(depth.min(4)));
        if depth > 4 {
            // What is in the fourth one, and not the TCP in the last.
            assert_eq!(ip(&layers).protocol, 41);
            assert_eq!(layers.transport, Transport::Other);
        } else {
            assert_eq!(ip(&layers).protocol, 6);
        }
    }
    // Of different kinds: the innermost one is named.
    let vxlan = ipv4(
        17,
        &udp_between([1, 4789], &with(&[8, 0, 0, 0, 0, 0, 1, 0], &inner_frame())),
    );
    let layers = frame(&over(47, &gre(0, 0x0800, &[], &vxlan)));
    let tunnel = layers.tunnel.unwrap();
    assert_eq!(
        (tunnel.kind, tunnel.depth, tunnel.id),
        (TunnelKind::Vxlan, 2, 1)
    );
}

#[test]
fn a_tunnel_in_a_tunnel_that_is_broken_leaves_the_first_one() {
    let layers = frame(&over(47, &gre(0, 0x86dd, &[], &ipv6(41, &[0x60; 30]))));
    assert_eq!(layers.tunnel.map(|tunnel| tunnel.depth), Some(1));
    assert_eq!(
        (ip(&layers).protocol, layers.transport),
        (41, Transport::Other)
    );
    assert_eq!(layers.malformed, None);
}

#[test]
fn other_traffic_on_the_ports_of_tunnels_is_what_it_is() {
    let frame_of_arp = ethernet(0x0806, &[0; 28]);
    for (name, data) in [
        (
            "no I flag",
            over_udp(4789, &with(&[0, 0, 0, 0, 0, 0, 1, 0], &inner_frame())),
        ),
        (
            "ARP",
            over_udp(4789, &with(&[8, 0, 0, 0, 0, 0, 1, 0], &frame_of_arp)),
        ),
        (
            "from the port",
            over(
                17,
                &udp_between([4789, 53], &with(&[8, 0, 0, 0, 0, 0, 1, 0], &inner_frame())),
            ),
        ),
        (
            "OAM",
            over_udp(4790, &with(&[0x0d, 0, 0, 2, 0, 0, 1, 0], &inner())),
        ),
        (
            "NSH",
            over_udp(4790, &with(&[0x0c, 0, 0, 4, 0, 0, 1, 0], &inner())),
        ),
        (
            "GENEVE 1",
            over_udp(6081, &with(&[0x40, 0, 0x86, 0xdd, 0, 0, 1, 0], &inner())),
        ),
        (
            "GTP echo",
            over_udp(2152, &[0x32, 1, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0]),
        ),
        (
            "GTP prime",
            over_udp(2152, &with(&[0x20, 255, 0, 65, 0, 0, 0, 1], &inner())),
        ),
        (
            "GTP, extension of no length",
            over_udp(
                2152,
                &with(
                    &[0x34, 255, 0, 73, 0, 0, 0, 1, 0, 0, 0, 0x85, 0, 0, 0, 0],
                    &inner(),
                ),
            ),
        ),
        (
            "Teredo, one byte more",
            over_udp(3544, &with(&inner(), &[0])),
        ),
        (
            "a client's own port",
            over_udp(3544, b"anything at all, but no IPv6 packet of that length"),
        ),
        (
            "GRE, routing",
            over(47, &gre(0x4000, 0x86dd, &[0; 4], &inner())),
        ),
        ("GRE 2", over(47, &gre(0x0002, 0x86dd, &[], &inner()))),
        (
            "PPTP, no sequence number",
            over(47, &gre(0x2081, 0x880b, &[0, 0, 0, 1, 0, 0, 0, 2], &[])),
        ),
        (
            "PPTP, encrypted",
            over(
                47,
                &gre(
                    0x3001,
                    0x880b,
                    &[0, 67, 0, 1, 0, 0, 0, 2],
                    &with(&[0, 0xfd], &inner()),
                ),
            ),
        ),
        ("4in4 of version 6", over(4, &inner())),
    ] {
        assert_eq!(frame(&data), outer(&data, data.len()), "{name}");
        assert_eq!(frame(&data).malformed, None, "{name}");
    }
}

#[test]
fn fragments_of_a_tunnel_are_not_looked_into() {
    let payload = with(&[8, 0, 0, 0, 0, 0, 1, 0], &inner_frame());
    let header = V4Header {
        fragment: 0x2000,
        ..V4Header::of(17)
    };
    let layers = frame(&ethernet(
        0x0800,
        &header.before(&udp_between([1, 4789], &payload)),
    ));
    assert_eq!(layers.tunnel, None);
    assert!(matches!(layers.net, Net::Ip(ip) if ip.fragment.is_some()));
    // But fragments in a tunnel are fragments.
    let inside = header.before(&udp(&[0; 24]));
    let layers = frame(&over(4, &inside));
    assert_eq!(
        layers.tunnel.map(|tunnel| tunnel.kind),
        Some(TunnelKind::IpInIp)
    );
    assert_eq!(ip(&layers).fragment.map(|fragment| fragment.len), Some(32));
}
