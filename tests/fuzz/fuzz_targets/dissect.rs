//! Any bytes as a packet of any link type: the first two bytes choose, the rest is the packet.

#![no_main]

use capture::dissect::{Checksums, Dissector, Fragments, Steering};
use capture::packet::{LinkType, Packet, PacketMeta};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [link, more, data @ ..] = bytes else {
        return;
    };
    let links = [
        1, 0, 9, 12, 51, 101, 104, 105, 107, 108, 109, 113, 127, 204, 228, 229, 239, 242, 276, 281,
        282, 284, 285,
    ];
    let meta = PacketMeta {
        link: LinkType(links[usize::from(*link) % links.len()]),
        wire_len: data.len() as u32 + u32::from(*more),
        ..Packet::EMPTY.meta
    };
    let dissector = Dissector {
        checksums: Checksums::Validate,
        ..Dissector::default()
    };
    let packet = Packet { meta, data };
    let mut layers = dissector.dissect(&packet);
    assert!(!layers.snapped || *more > 0, "nothing was cut off");
    let mut steering = Steering::new(7);
    let hash = steering.hash(&layers, meta.clock);
    assert_eq!(steering.hash(&layers, meta.clock), hash);
    let mut fragments = Fragments::new();
    fragments.follow(&mut layers, &packet);
    fragments.follow(&mut layers, &packet);
});
