//! The short way to the flow hash against the long one.

use proptest::prelude::*;

use super::build::{ethernet, ipv4, tcp};
use crate::dissect::{Dissector, Steering};
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
