//! Packets that end anywhere: not captured any further, or really that short.

use super::build::{ethernet, ipv4, ipv6, tag, tcp, udp};
use super::{Header, Layers, LinkType, Malformed, Net, Tcp, Transport, frame, layers_of};

/// A packet, and where its headers end, from the outside in.
struct Sample {
    data: Vec<u8>,
    ends: Vec<(usize, Header)>,
}

/// Every chain of headers, with payload behind.
fn samples() -> Vec<Sample> {
    let transports: [(u8, Vec<u8>, usize); 6] = [
        (6, tcp(5, 0x10, b"payload"), 20),
        (17, udp(b"payload"), 8),
        (136, udp(b"payload"), 8),
        (132, udp(b"payload8"), 12),
        (1, vec![8, 0, 0, 0, 0, 1, 0, 1], 4),
        (58, vec![128, 0, 0, 0, 0, 1, 0, 1], 4),
    ];
    let mut samples = Vec::new();
    for (protocol, body, transport_len) in transports {
        let v4 = ipv4(protocol, &body);
        let v6 = ipv6(protocol, &body);
        // Hop-by-hop, then destination options of 16 bytes.
        let mut options = vec![60, 0, 1, 4, 0, 0, 0, 0, protocol, 1];
        options.extend([1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        options.extend(&body);
        let extended = ipv6(0, &options);
        for (data, link_len, net_len, net) in [
            (ethernet(0x0800, &v4), 14, 20, Header::Ipv4),
            (ethernet(0x8100, &tag(5, 0x0800, &v4)), 18, 20, Header::Ipv4),
            (ethernet(0x86dd, &v6), 14, 40, Header::Ipv6),
            (ethernet(0x86dd, &extended), 14, 64, Header::Ipv6),
        ] {
            samples.push(Sample {
                data,
                ends: vec![
                    (link_len, Header::Link),
                    (link_len + net_len, net),
                    (link_len + net_len + transport_len, Header::Transport),
                ],
            });
        }
    }
    samples
}

/// The same, but for what is said of the captured payload.
fn but_for_captured(layers: Layers) -> Layers {
    let transport = match layers.transport {
        Transport::Tcp(tcp) => Transport::Tcp(Tcp {
            captured: true,
            ..tcp
        }),
        other => other,
    };
    Layers {
        transport,
        ..layers
    }
}

#[test]
fn a_packet_that_ends_within_a_header_is_truncated_there() {
    for Sample { data, ends } in samples() {
        for len in 0..=data.len() {
            let layers = frame(&data[..len]);
            let within = ends.iter().find(|(end, _)| len < *end);
            let expected = within.map(|(_, header)| Malformed::Truncated(*header));
            assert_eq!(layers.malformed, expected, "{len} bytes of {data:02x?}");
            assert!(!layers.snapped);
        }
    }
}

#[test]
fn a_header_that_was_not_captured_is_snapped_and_not_malformed() {
    for Sample { data, ends } in samples() {
        let whole = frame(&data);
        for len in 0..=data.len() {
            let layers = layers_of(LinkType::ETHERNET, &data[..len], data.len());
            if let Transport::Tcp(tcp) = layers.transport {
                assert_eq!(tcp.captured, len == data.len());
            }
            let layers = but_for_captured(layers);
            assert_eq!(layers.malformed, None, "{len} bytes of {data:02x?}");
            let all_there = ends.iter().all(|(end, _)| len >= *end);
            if all_there {
                assert_eq!(layers, whole, "{len} bytes of {data:02x?}");
            }
            // A field that nobody needs (a checksum) may be missing, nothing else.
            if layers.snapped {
                assert!(!all_there);
                assert_eq!(layers.transport, Transport::None);
            } else {
                assert_eq!(layers.transport, whole.transport);
            }
        }
    }
}

#[test]
fn what_lies_before_the_cut_is_kept() {
    let data = ethernet(0x8100, &tag(5, 0x0800, &ipv4(6, &tcp(5, 0x10, b""))));
    let layers = layers_of(LinkType::ETHERNET, &data[..20], data.len());
    assert_eq!((layers.vlan_tags, layers.vlans), (1, [5, 0]));
    let layers = layers_of(LinkType::ETHERNET, &data[..40], data.len());
    assert!(matches!(layers.net, Net::Ip(ip) if ip.protocol == 6));
    assert!(layers.snapped);
}
