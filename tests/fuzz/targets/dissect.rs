//! Any bytes as a packet of any link type: the first byte chooses the link type, the second how much of the
//! packet was cut off, the rest is the packet.

use capture::dissect::{Checksums, Dissector, Fragments, Steering, Tunnels};
use capture::packet::{Packet, PacketMeta};

use crate::seeds::link_type;

pub(super) fn run(bytes: &[u8]) {
    let [link, more, data @ ..] = bytes else {
        return;
    };
    let meta = PacketMeta {
        link: link_type(*link),
        wire_len: data.len() as u32 + u32::from(*more),
        ..PacketMeta::UNKNOWN
    };
    let packet = Packet { meta, data };
    let mut steering = Steering::new(7);
    let mut all = [Tunnels::Inner, Tunnels::Outer].map(|tunnels| {
        let dissector = Dissector {
            checksums: Checksums::Validate,
            tunnels,
        };
        let layers = dissector.dissect(&packet);
        assert!(!layers.snapped || *more > 0, "nothing was cut off");
        assert!(
            layers.malformed.is_none() || !layers.snapped,
            "malformed and cut off"
        );
        layers
    });
    let hash = steering.hash(&all[0], meta.clock);
    assert_eq!(steering.hash(&all[0], meta.clock), hash);
    let mut fragments = Fragments::new();
    for layers in &mut all {
        fragments.follow(layers, &packet);
        fragments.follow(layers, &packet);
    }
}
