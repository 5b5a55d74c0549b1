//! Random Ethernet frames: tags of customers and providers, lengths in the place of an `EtherType`, LLC of
//! every form, padding, trailers and checksums; whole and cut short.

use capture_tests::oracle::require;

use super::packets::{Maker, START_NS, compare};
use super::setting;
use crate::capture_filter::random::Random;

/// LLC, with nothing that is an application's.
fn llc(maker: &mut Maker) -> Vec<u8> {
    let sap = maker.pick(&[0xaa, 0xaa, 0xaa, 0x00, 0x4e, 0x86, 0x02]);
    let from = if maker.0.one_in(6) { 0x00 } else { sap };
    let control = maker.pick(&[
        3, 3, 3, 3, 0x13, 0xaf, 0xbf, 0xe3, 0xf3, 0x7f, 0x6f, 0x63, 0x73, 0x43, 0x0f, 0x87, 0x01,
        0x05, 0x09, 0x0d, 0x00, 0x24, 0xff,
    ]);
    let is_response = maker.0.one_in(4);
    let mut bytes = vec![sap, from | u8::from(is_response), control];
    if control & 3 != 3 {
        bytes.push(maker.byte());
    }
    if sap == 0xaa && from == 0xaa && !is_response {
        let oui = maker.pick(&[
            [0, 0, 0],
            [0, 0, 0],
            [0, 0, 0xf8],
            [0, 0, 0x0c],
            [0xac, 0xde, 0x48],
        ]);
        bytes.extend(oui);
        if oui[0] == 0 && oui[2] != 0x0c {
            let (kind, packet) = maker.packet();
            bytes.extend(kind.to_be_bytes());
            bytes.extend(packet);
            return bytes;
        }
        bytes.extend([0x7f, 0x01]);
    }
    if control & 0xef == 0xaf && maker.0.one_in(2) {
        bytes.extend([0x81, maker.pick(&[1, 3, 7, 9]), 0x7e]);
    }
    bytes.extend(maker.some(12));
    bytes
}

fn frame(maker: &mut Maker) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    let tags = maker.0.below(5);
    for _ in 0..tags {
        let tag = maker.pick(&[0x8100, 0x8100, 0x8100, 0x9100, 0x88a8_u16]);
        frame.extend(tag.to_be_bytes());
        frame.extend(maker.short().to_be_bytes());
    }
    let is_provider = tags > 0 && frame[frame.len() - 4..][..2] == [0x88, 0xa8];
    match maker.0.below(10) {
        0 if tags == 0 => {
            frame.extend(maker.pick(&[1501_u16, 1535]).to_be_bytes());
            frame.extend(maker.some(30));
        }
        0..4 if !is_provider => {
            let packet = llc(maker);
            let len = match maker.0.below(8) {
                0 => packet.len() as u16 + 9,
                1 if packet.len() > 8 => packet.len() as u16 - 2,
                _ => packet.len() as u16,
            };
            frame.extend(len.to_be_bytes());
            frame.extend(packet);
        }
        4 => {
            let (kind, packet) = maker.packet();
            let kind = if maker.0.one_in(4) { 0x8100 } else { kind };
            let carried = [&[0, 0][..], &kind.to_be_bytes(), &packet].concat();
            frame.extend([8, 0]);
            frame.extend(maker.ipv4(47, &[], &carried));
        }
        _ => {
            let (kind, packet) = maker.packet();
            frame.extend(kind.to_be_bytes());
            frame.extend(packet);
        }
    }
    // Padding of zeros, of other bytes, beyond what is needed, a checksum.
    match maker.0.below(6) {
        0 if frame.len() < 60 => frame.resize(60, 0),
        1 if frame.len() < 60 => frame.resize(60, 0xee),
        2 if frame.len() < 64 => {
            frame.resize(60, 0);
            frame.extend(maker.0.bytes(4));
        }
        3 => frame.extend(maker.some(3)),
        4 if frame.len() < 60 => {
            frame.resize(60, 0);
            frame.extend([0x33; 12]);
        }
        _ => {}
    }
    frame
}

#[test]
fn tagged_and_padded_frames_are_told_as_by_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let mut maker = Maker(Random(setting("CAPTURE_JUDGED_SEED", 6)));
    let count = setting("CAPTURE_JUDGED_PACKETS", 4000) / 4;
    let packets: Vec<_> = (0..count)
        .map(|number| {
            let mut frame = frame(&mut maker);
            let wire_len = frame.len() as u32;
            if maker.0.one_in(4) {
                let len = 14 + maker.0.below(frame.len() - 13);
                frame.truncate(len);
            }
            (START_NS + number * 1_000_000, frame, wire_len)
        })
        .collect();
    compare(&packets, &[]);
}
