//! Any bytes as a packet of any link type: the first two bytes choose, the rest is the packet.

#![no_main]

use capture::dissect::{FragmentTable, dissect, steering_hash};
use capture::packet::{LinkType, Packet, PacketMeta};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [link, more, data @ ..] = bytes else {
        return;
    };
    let links = [0, 1, 9, 101, 104, 108, 113, 228, 229, 276];
    let meta = PacketMeta {
        link: LinkType(links[usize::from(*link) % links.len()]),
        wire_len: data.len() as u32 + u32::from(*more),
        ..Packet::EMPTY.meta
    };
    let layers = dissect(&Packet { meta, data });
    assert!(!layers.snapped || *more > 0, "nothing was cut off");
    let mut fragments = FragmentTable::new();
    let hash = steering_hash(&layers, 7, &mut fragments);
    assert_eq!(steering_hash(&layers, 7, &mut fragments), hash);
});
