//! Datagrams of IPv4 and IPv6 in random pieces: some overlap, contradict each other or the end, go
//! beyond it, come again, or belong to another datagram of the same number in another VLAN.

use capture_tests::oracle::require;

use super::packets::{Maker, START_NS, checksum, compare};
use super::setting;
use crate::capture_filter::random::Random;

/// What pieces are made of: a datagram of UDP.
fn datagram(maker: &mut Maker) -> Vec<u8> {
    let len = 8 * (2 + maker.0.below(6)) + maker.0.below(8);
    let mut bytes = vec![0x50, 1, 0x8b, 1];
    bytes.extend((len as u16).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.resize(len, maker.byte() | 0x80);
    bytes
}

/// A piece: where it begins, its bytes, and whether others follow.
type Piece = (usize, Vec<u8>, bool);

fn pieces(maker: &mut Maker, datagram: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < datagram.len() {
        let len = (8 * (1 + maker.0.below(3))).min(datagram.len() - at);
        let mut from = at;
        if from >= 8 && maker.0.one_in(5) {
            from -= 8;
        }
        let mut piece = datagram[from..at + len].to_vec();
        if maker.0.one_in(6) {
            let place = maker.0.below(piece.len());
            piece[place] ^= 0xff;
        }
        let mut more = at + len < datagram.len();
        if maker.0.one_in(16) {
            more = !more;
        }
        if more && piece.len().is_multiple_of(8) && maker.0.one_in(10) {
            piece.extend([0xee; 8]);
        }
        pieces.push((from, piece, more));
        at += len;
    }
    for _ in 0..maker.0.below(2) {
        let again = pieces[maker.0.below(pieces.len())].clone();
        pieces.push(again);
    }
    if maker.0.one_in(8) {
        pieces.push((8 * maker.0.below(12), Vec::new(), maker.0.one_in(2)));
    }
    for place in (1..pieces.len()).rev() {
        if maker.0.one_in(3) {
            let other = maker.0.below(place + 1);
            pieces.swap(place, other);
        }
    }
    pieces
}

fn in_ipv4(maker: &mut Maker, id: u16, ends: [[u8; 4]; 2], piece: &Piece) -> Vec<u8> {
    let (at, payload, more) = piece;
    let protocol = maker.pick(&[17, 17, 17, 17, 17, 253]);
    let mut bytes = vec![0x45, 0];
    bytes.extend((20 + payload.len() as u16).to_be_bytes());
    bytes.extend(id.to_be_bytes());
    bytes.extend(((*at as u16 / 8) | (u16::from(*more) << 13)).to_be_bytes());
    bytes.extend([64, protocol, 0, 0]);
    bytes.extend(ends.concat());
    let sum = checksum(&bytes);
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    [&bytes[..], payload].concat()
}

fn in_ipv6(maker: &mut Maker, id: u16, piece: &Piece) -> Vec<u8> {
    let (at, payload, more) = piece;
    let next = maker.pick(&[17, 17, 17, 17, 253]);
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend((8 + payload.len() as u16).to_be_bytes());
    bytes.extend([44, 64]);
    bytes.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    bytes.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    bytes.extend([next, 0]);
    bytes.extend((*at as u16 | u16::from(*more)).to_be_bytes());
    bytes.extend(u32::from(id).to_be_bytes());
    [&bytes[..], payload].concat()
}

#[test]
fn pieces_of_datagrams_are_put_together_as_by_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let mut maker = Maker(Random(setting("CAPTURE_JUDGED_SEED", 5)));
    let count = setting("CAPTURE_JUDGED_PACKETS", 4000) as usize / 4;
    let mut frames = Vec::new();
    while frames.len() < count {
        let mut waiting = Vec::new();
        // Several at once, whose pieces mix.
        for _ in 0..=maker.0.below(3) {
            let bytes = datagram(&mut maker);
            let id = maker.pick(&[1, 17, 252, 253, 0x1234]);
            let ends = maker.pick(&[
                [[10, 0, 0, 1], [203, 0, 113, 9]],
                [[198, 51, 100, 1], [203, 0, 113, 9]],
                [[169, 254, 1, 1], [169, 254, 1, 2]],
            ]);
            let tags = maker.0.below(3);
            let is_new = maker.0.one_in(3);
            for piece in pieces(&mut maker, &bytes) {
                let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
                for _ in 0..tags {
                    frame.extend([0x81, 0, 0, maker.pick(&[0, 1, 1, 1, 7])]);
                }
                if is_new {
                    frame.extend([0x86, 0xdd]);
                    frame.extend(in_ipv6(&mut maker, id, &piece));
                } else {
                    frame.extend([8, 0]);
                    frame.extend(in_ipv4(&mut maker, id, ends, &piece));
                }
                waiting.push(frame);
            }
        }
        for place in (1..waiting.len()).rev() {
            if maker.0.one_in(2) {
                waiting.swap(place, place - 1);
            }
        }
        frames.extend(waiting);
    }
    let packets: Vec<_> = (0..)
        .zip(frames)
        .map(|(number, mut frame): (u64, Vec<u8>)| {
            let wire_len = frame.len() as u32;
            if maker.0.one_in(40) {
                frame.truncate(frame.len() - 3);
            }
            (START_NS + number * 1_000_000, frame, wire_len)
        })
        .collect();
    compare(&packets, &[]);
    compare(&packets, &["-2"]);
}
