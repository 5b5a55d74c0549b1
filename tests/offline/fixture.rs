//! Small captures made in memory: connections that open, talk and close, in classic pcap.

use std::path::{Path, PathBuf};

use etherparse::PacketBuilder;

/// A packet of a capture: microseconds since its start, and its bytes.
pub(crate) type Frame = (u64, Vec<u8>);

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// The client of connection `number` and its port.
pub(crate) fn client(number: u16) -> ([u8; 4], u16) {
    let [high, low] = number.to_be_bytes();
    ([10, 1, high, low], 40_000 + number)
}

const SERVER: ([u8; 4], u16) = ([10, 2, 0, 1], 443);

fn segment(
    number: u16,
    from_client: bool,
    numbers: [u32; 2],
    flags: u8,
    payload: &[u8],
) -> Vec<u8> {
    let (src, dst) = if from_client {
        (client(number), SERVER)
    } else {
        (SERVER, client(number))
    };
    let mut step = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
        .ipv4(src.0, dst.0, 64)
        .tcp(src.1, dst.1, numbers[0], 8192);
    if flags & FIN != 0 {
        step = step.fin();
    }
    if flags & SYN != 0 {
        step = step.syn();
    }
    if flags & RST != 0 {
        step = step.rst();
    }
    if flags & ACK != 0 {
        step = step.ack(numbers[1]);
    }
    let mut frame = Vec::new();
    step.write(&mut frame, payload).unwrap();
    frame
}

/// Connections that begin a millisecond after one another: every third is closed, reset or refused.
pub(crate) fn connections(count: u16) -> Vec<Frame> {
    let mut frames = Vec::new();
    for number in 0..count {
        let start = u64::from(number) * 1000;
        let mut at = start;
        let mut say = |from_client, numbers, flags, payload: &[u8]| {
            at += 137;
            frames.push((at, segment(number, from_client, numbers, flags, payload)));
        };
        say(true, [100, 0], SYN, b"");
        if number % 3 == 2 {
            say(false, [0, 101], RST | ACK, b"");
            continue;
        }
        say(false, [500, 101], SYN | ACK, b"");
        say(true, [101, 501], ACK, b"");
        say(true, [101, 501], ACK, &[0x2a; 300]);
        say(false, [501, 401], ACK, &[0x2b; 1000]);
        if number % 3 == 1 {
            say(false, [1501, 401], RST, b"");
            continue;
        }
        say(true, [401, 1501], FIN | ACK, b"");
        say(false, [1501, 402], FIN | ACK, b"");
        say(true, [402, 1502], ACK, b"");
    }
    // And some that are not TCP.
    for number in 0..count {
        let ends = (client(number), SERVER);
        let mut frame = Vec::new();
        PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
            .ipv4(ends.0.0, ends.1.0, 64)
            .udp(ends.0.1, 53)
            .write(&mut frame, b"question")
            .unwrap();
        frames.push((u64::from(number) * 1000 + 500, frame));
    }
    frames.sort_by_key(|(at, _)| *at);
    frames
}

/// A classic pcap file (little endian, microseconds, Ethernet) that starts so many seconds after
/// 2023-11-14T22:13:20Z.
pub(crate) fn pcap(frames: &[Frame], start_secs: u64) -> Vec<u8> {
    let mut bytes = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
    bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]);
    for (at, frame) in frames {
        let secs = 1_700_000_000 + start_secs + at / 1_000_000;
        let len = frame.len() as u32;
        for field in [secs as u32, (at % 1_000_000) as u32, len, len] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend(frame);
    }
    bytes
}

/// Puts a capture into a folder.
pub(crate) fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}
