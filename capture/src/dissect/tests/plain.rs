//! The straight line against the walk through the layers, on whole packets and on damaged ones.

use etherparse::{PacketBuilder, TcpOptionElement};
use proptest::prelude::*;

use super::super::plain;
use super::{Checksums, Dissector, Layers, LinkType, Transport};
use crate::packet::{Packet, PacketMeta};

const CHECKSUMS: [Checksums; 3] = [
    Checksums::Ignore,
    Checksums::Validate,
    Checksums::ValidateUnlessPartial,
];

/// A segment with right checksums.
fn segment(flags: u8, options: usize, payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([192, 0, 2, 1], [198, 51, 100, 2], 64)
        .tcp(49152, 443, 1000, 8192);
    let builder = if flags & 1 != 0 {
        builder.syn()
    } else {
        builder
    };
    let builder = if flags & 2 != 0 {
        builder.fin()
    } else {
        builder
    };
    let builder = if flags & 4 != 0 {
        builder.ack(77)
    } else {
        builder
    };
    let kinds = [
        TcpOptionElement::MaximumSegmentSize(1460),
        TcpOptionElement::WindowScale(7),
        TcpOptionElement::SelectiveAcknowledgementPermitted,
        TcpOptionElement::Timestamp(1, 2),
    ];
    let mut out = Vec::new();
    builder
        .options(&kinds[..options.min(kinds.len())])
        .unwrap()
        .write(&mut out, payload)
        .unwrap();
    out
}

fn packet(data: &[u8], wire_len: usize) -> Packet<'_> {
    let meta = PacketMeta {
        link: LinkType::ETHERNET,
        wire_len: u32::try_from(wire_len).unwrap(),
        ..Packet::EMPTY.meta
    };
    Packet { meta, data }
}

/// What the walk finds.
fn walked(packet: &Packet<'_>, checksums: Checksums) -> Layers {
    let dissector = Dissector {
        checksums,
        ..Dissector::default()
    };
    let mut layers = Layers::EMPTY;
    dissector.walk(packet, checksums, &mut layers);
    layers
}

#[test]
fn whole_segments_take_the_straight_line() {
    for checksums in CHECKSUMS {
        for options in 0..=4 {
            for flags in 0..8 {
                let data = segment(flags, options, b"data");
                let packet = packet(&data, data.len());
                let mut layers = Layers::EMPTY;
                assert!(plain::dissect(&packet, checksums, &mut layers));
                assert_eq!(layers, walked(&packet, checksums));
                assert!(matches!(layers.transport, Transport::Tcp(_)));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Damage lies in the headers mostly, where the straight line has its conditions.
    #[test]
    fn what_is_found_is_what_the_walk_finds(
        flags in 0_u8..8,
        options in 0_usize..=4,
        payload in prop::collection::vec(any::<u8>(), 0..120),
        padding in 0_usize..20,
        damage in prop::collection::vec((0_usize..80, any::<u8>()), 0..3),
        cut in prop_oneof![3 => Just(usize::MAX), 1 => 0_usize..200],
        wire in prop_oneof![3 => Just(0_usize), 1 => 0_usize..300],
        before in any::<bool>(),
    ) {
        let mut data = segment(flags, options, &payload);
        data.resize(data.len() + padding, 0);
        let wire_len = if wire == 0 { data.len() } else { wire };
        for (place, byte) in damage {
            let place = place % data.len();
            data[place] = byte;
        }
        data.truncate(cut);
        let packet = packet(&data, wire_len);
        for checksums in CHECKSUMS {
            // Whatever lay there before must not shine through.
            let mut layers = if before {
                walked(&packet, Checksums::Validate)
            } else {
                Layers::EMPTY
            };
            let dissector = Dissector { checksums, ..Dissector::default() };
            dissector.dissect_into(&packet, &mut layers);
            prop_assert_eq!(layers, walked(&packet, checksums));
        }
    }
}
