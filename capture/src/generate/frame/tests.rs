//! Frames are what tools that were not written here take for sound.

use std::collections::BTreeMap;

use etherparse::{NetSlice, SlicedPacket, TransportSlice};

use super::*;
use crate::generate::Sizes;

/// All that the tests vary.
fn variants() -> Vec<Traffic> {
    let mut variants = Vec::new();
    for ip_version in [4, 6] {
        for protocol in [GeneratorSettings::TCP, GeneratorSettings::UDP] {
            for vlan in [0, 7] {
                for sizes in ["300", "imix", "80-1401"] {
                    let settings = GeneratorSettings {
                        flows: 7,
                        ip_version,
                        protocol,
                        vlan,
                        reset_share: 300,
                        open_share: 100,
                        unanswered_share: 100,
                        ..GeneratorSettings::UNPATCHED
                    };
                    let sizes: Sizes = sizes.parse().unwrap();
                    variants.push(Traffic::new(settings, &sizes).unwrap());
                }
            }
        }
    }
    variants
}

#[test]
fn all_checksums_and_lengths_are_right() {
    for traffic in variants() {
        let settings = traffic.settings;
        let mut frames = Frames::new(traffic).unwrap();
        for number in 0..2_000 {
            let frame = frames.make();
            let told = format!("{settings:?} frame {number}");
            assert!(frame.len() >= 60, "{told}");
            let packet = SlicedPacket::from_ethernet(frame).unwrap();
            let tag = packet.vlan_ids().first().map(|id| id.value());
            assert_eq!(tag, (settings.vlan != 0).then_some(7), "{told}");
            match (packet.net.unwrap(), packet.transport.unwrap()) {
                (NetSlice::Ipv4(net), TransportSlice::Tcp(tcp)) => {
                    let header = net.header().to_header();
                    assert_eq!(
                        header.header_checksum,
                        header.calc_header_checksum(),
                        "{told}"
                    );
                    let sum = tcp
                        .calc_checksum_ipv4(header.source, header.destination)
                        .unwrap();
                    assert_eq!(tcp.checksum(), sum, "{told}");
                }
                (NetSlice::Ipv4(net), TransportSlice::Udp(udp)) => {
                    let header = net.header().to_header();
                    assert_eq!(
                        header.header_checksum,
                        header.calc_header_checksum(),
                        "{told}"
                    );
                    let sum = udp
                        .to_header()
                        .calc_checksum_ipv4(&header, udp.payload())
                        .unwrap();
                    assert_eq!(udp.checksum(), sum, "{told}");
                }
                (NetSlice::Ipv6(net), TransportSlice::Tcp(tcp)) => {
                    let header = net.header().to_header();
                    let sum = tcp
                        .to_header()
                        .calc_checksum_ipv6(&header, tcp.payload())
                        .unwrap();
                    assert_eq!(tcp.checksum(), sum, "{told}");
                }
                (NetSlice::Ipv6(net), TransportSlice::Udp(udp)) => {
                    let header = net.header().to_header();
                    let sum = udp
                        .to_header()
                        .calc_checksum_ipv6(&header, udp.payload())
                        .unwrap();
                    assert_eq!(udp.checksum(), sum, "{told}");
                }
                other => panic!("{told}: {other:?}"),
            }
        }
    }
}

/// The plainest tracker: each side sends on where it left off, and acknowledges what came.
#[test]
fn every_byte_that_is_sent_follows_the_last_and_is_acknowledged() {
    for ip_version in [4, 6] {
        let settings = GeneratorSettings {
            flows: 5,
            session_frames: 200,
            ip_version,
            ..GeneratorSettings::UNPATCHED
        };
        let traffic = Traffic::new(settings, &"100-1400".parse().unwrap()).unwrap();
        let mut frames = Frames::new(traffic).unwrap();
        let mut next = BTreeMap::new();
        // A whole session of each flow, and more.
        for number in 0..5 * 300 {
            let frame = frames.make();
            let packet = SlicedPacket::from_ethernet(frame).unwrap();
            let Some(TransportSlice::Tcp(tcp)) = packet.transport else {
                panic!("frame {number} is no TCP");
            };
            let from = (tcp.source_port(), tcp.destination_port());
            let to = (from.1, from.0);
            let seq = tcp.sequence_number();
            if let Some(expected) = next.get(&from) {
                assert_eq!(seq, *expected, "frame {number}");
            } else {
                assert!(tcp.syn(), "frame {number}");
            }
            if tcp.ack() {
                assert_eq!(
                    Some(&tcp.acknowledgment_number()),
                    next.get(&to),
                    "frame {number}"
                );
            }
            let len = tcp.payload().len() as u32 + u32::from(tcp.syn()) + u32::from(tcp.fin());
            next.insert(from, seq.wrapping_add(len));
        }
        // Five whole sessions, and five that are not over.
        assert_eq!(next.len(), 20);
    }
}

#[test]
fn of_a_thousand_connections_each_share_is_exact() {
    let settings = GeneratorSettings {
        flows: 500,
        reset_share: 123,
        open_share: 45,
        unanswered_share: 6,
        ..GeneratorSettings::UNPATCHED
    };
    let mut frames = Frames::new(settings.into()).unwrap();
    // Three thousand connections.
    for _ in 0..3_000 * settings.session_frames {
        frames.make();
    }
    let made = frames.counters();
    assert_eq!(made.rst, 3 * 123);
    assert_eq!(made.syn_ack, 3 * (1000 - 6));
    // Each end sends a FIN.
    assert_eq!(made.fin, 3 * 2 * (1000 - 123 - 45 - 6));
    // A SYN of each, and of those that nobody answers one for each frame.
    assert_eq!(
        made.syn,
        3 * (1000 - 6 + 6 * u64::from(settings.session_frames))
    );
}

#[test]
fn addresses_of_a_net_take_turns_from_the_first_one_on() {
    let settings = GeneratorSettings {
        flows: 6,
        protocol: GeneratorSettings::UDP,
        src: 0x0a00_0002,
        src_bits: 2,
        dst: 0x0b00_0001,
        dst_bits: 1,
        ..GeneratorSettings::UNPATCHED
    };
    let mut frames = Frames::new(settings.into()).unwrap();
    let mut seen = Vec::new();
    for _ in 0..6 {
        let frame = frames.make();
        seen.push((
            frame[29],
            frame[33],
            u16::from_be_bytes([frame[34], frame[35]]),
        ));
    }
    let expected = [
        (2, 1, 32768),
        (3, 0, 32768),
        (0, 1, 32768),
        (1, 0, 32768),
        (2, 1, 32769),
        (3, 0, 32769),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_flood_stays_in_its_nets() {
    let settings = GeneratorSettings {
        syn_flood: 1,
        src: 0x0a01_0000,
        src_bits: 16,
        dst: 0xc0a8_0140,
        dst_bits: 3,
        ..GeneratorSettings::UNPATCHED
    };
    let mut frames = Frames::new(settings.into()).unwrap();
    let mut sources = BTreeMap::new();
    for _ in 0..10_000 {
        let frame = frames.make();
        assert_eq!(frame[26..28], [10, 1]);
        assert_eq!(frame[30..33], [192, 168, 1]);
        assert_eq!(frame[33] & !7, 0x40);
        assert_eq!(frame[47], 2, "SYN alone");
        *sources.entry([frame[28], frame[29]]).or_insert(0) += 1;
    }
    // Ten thousand out of 65,536 with repetition are 9,274 different ones on average.
    assert!((9_000..9_600).contains(&sources.len()), "{}", sources.len());
    assert_eq!(frames.counters().syn, 10_000);
}
