//! The hash that steers: its short way against the long one, and how it spreads flows.

use capture_common::flow_hash::ring_of;
use proptest::prelude::*;

use super::build::{ethernet, ipv4, tcp};
use crate::dissect::{Addresses, Dissector, Layers, Net, Steering, Transport};
use crate::packet::{LinkType, Packet, PacketMeta, Timestamp};

fn packet(data: &[u8]) -> Packet<'_> {
    Packet {
        meta: PacketMeta {
            wire_len: data.len() as u32,
            link: LinkType::ETHERNET,
            ..PacketMeta::UNKNOWN
        },
        data,
    }
}

#[test]
fn a_plain_segment_has_a_short_way() {
    let frame = ethernet(0x0800, &ipv4(6, &tcp(5, 0x18, b"abc")));
    let mut steering = Steering::new(7);
    let long = steering.hash(&Dissector::default().dissect(&packet(&frame)), Timestamp(0));
    assert_eq!(steering.plain(LinkType::ETHERNET, &frame), Some(long));
    // A fragment, options, another protocol, another ethertype: not plain.
    for (at, value) in [(20, 0x20), (21, 1), (14, 0x46), (23, 17), (13, 1)] {
        let mut other = frame.clone();
        other[at] = value;
        assert_eq!(
            steering.plain(LinkType::ETHERNET, &other),
            None,
            "byte {at}"
        );
    }
    assert_eq!(steering.plain(LinkType::ETHERNET, &frame[..37]), None);
}

/// Of one client's connections in a row, none of eight shards gets a tenth more or less than its part, over
/// IPv4 and IPv6, and answers go where requests went.
#[test]
fn neighboring_flows_are_spread_evenly_and_both_directions_meet() {
    const SHARDS: u32 = 8;
    const EACH: u32 = 1000;
    let v4 = |last: u32| Addresses::V4 {
        src: u32::from_ne_bytes([10, 0, 0, last as u8]),
        dst: u32::from_ne_bytes([192, 0, 2, 1]),
    };
    let v6 = |last: u32| Addresses::V6 {
        src: [u64::from(0x0120_u16.to_be()), u64::from(last).to_be()],
        dst: [u64::from(0x0120_u16.to_be()), u64::MAX],
    };
    for seed in [0, 7, u64::MAX, 0x0123_4567_89ab_cdef] {
        let mut steering = Steering::new(seed);
        for addresses in [&v4 as &dyn Fn(u32) -> Addresses, &v6] {
            let mut shards = [0; SHARDS as usize];
            for number in 0..SHARDS * EACH {
                let addresses = addresses(number / 4000);
                let ports = (1024 + (number % 4000) as u16, 443);
                let hash = steering.hash(&segment(addresses, ports), Timestamp(0));
                let back = match addresses {
                    Addresses::V4 { src, dst } => Addresses::V4 { src: dst, dst: src },
                    Addresses::V6 { src, dst } => Addresses::V6 { src: dst, dst: src },
                };
                let answer = segment(back, (ports.1, ports.0));
                assert_eq!(steering.hash(&answer, Timestamp(0)), hash);
                shards[ring_of(hash, SHARDS) as usize] += 1;
            }
            let even = |packets: &u32| packets.abs_diff(EACH) <= EACH / 10;
            assert!(shards.iter().all(even), "{seed:x}: {shards:?}");
        }
    }
}

/// The layers of a segment between these ends.
fn segment(addresses: Addresses, (src_port, dst_port): (u16, u16)) -> Layers {
    let frame = ethernet(0x0800, &ipv4(6, &tcp(5, 0x18, b"abc")));
    let mut layers = Dissector::default().dissect(&packet(&frame));
    let (Net::Ip(ip), Transport::Tcp(tcp)) = (&mut layers.net, &mut layers.transport) else {
        panic!("it is TCP");
    };
    ip.addresses = addresses;
    (tcp.src_port, tcp.dst_port) = (src_port, dst_port);
    layers
}

proptest! {
    /// What the table tracks goes the same way, whichever way its hash was found.
    #[test]
    fn both_ways_lead_to_the_same_shard(
        changes in prop::collection::vec((0_usize..57, any::<u8>()), 0..4),
        len in 0_usize..58,
    ) {
        let mut frame = ethernet(0x0800, &ipv4(6, &tcp(5, 0x18, b"abc")));
        for (at, value) in changes {
            frame[at] = value;
        }
        frame.truncate(len.max(20));
        let packet = packet(&frame);
        let mut steering = Steering::new(7);
        let layers = Dissector::default().dissect(&packet);
        if let Some(short) = steering.plain(packet.meta.link, packet.data)
            && layers.malformed.is_none()
            && !layers.snapped
        {
            prop_assert_eq!(short, steering.hash(&layers, Timestamp(0)));
        }
    }
}
