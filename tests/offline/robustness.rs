//! Damaged input by the thousand: the entry points of the fuzz targets, in every plain test run.

use std::process::Command;

use capture::dissect::{Checksums, Dissector};
use capture::engine::{FileRun, FilesPlan, Outputs, Tracking};
use capture::flow::{Limits, Timeouts};
use capture::packet::{LinkType, Packet, PacketMeta};
use capture::sink::Existing;
use capture_tests::program;

use crate::fixture::{connections, file, pcap};

/// A generator of numbers that is the same everywhere (`SplitMix64`, Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % bound as u64) as usize
    }

    /// Changes a few bytes, mostly near the front, and perhaps cuts the end off.
    fn damage(&mut self, bytes: &mut Vec<u8>, front: usize) {
        const TELLING: [u8; 6] = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
        for _ in 0..=self.below(6) {
            let end = if self.below(4) > 0 { front } else { usize::MAX };
            let at = self.below(bytes.len().min(end));
            bytes[at] = match self.below(3) {
                0 => TELLING[self.below(TELLING.len())],
                1 => bytes[at] ^ 1 << self.below(8),
                _ => self.below(256) as u8,
            };
        }
        if self.below(4) == 0 {
            bytes.truncate(self.below(bytes.len()) + 1);
        }
    }
}

#[test]
fn damaged_packets_are_values_and_never_a_panic() {
    let frames = connections(9);
    let mut random = Random(1);
    for _ in 0..20_000 {
        let mut data = frames[random.below(frames.len())].1.clone();
        random.damage(&mut data, 60);
        let links = [
            0, 1, 9, 12, 51, 101, 104, 105, 107, 108, 109, 113, 127, 204, 228, 229, 239, 242, 276,
            281, 282, 284, 285,
        ];
        let meta = PacketMeta {
            link: LinkType(links[random.below(links.len())]),
            wire_len: (data.len() + random.below(3) * 40) as u32,
            ..Packet::EMPTY.meta
        };
        let dissector = Dissector {
            checksums: [Checksums::Ignore, Checksums::Validate][random.below(2)],
            ..Dissector::default()
        };
        let layers = dissector.dissect(&Packet { meta, data: &data });
        assert!(!(layers.snapped && meta.wire_len as usize == data.len()));
    }
}

#[test]
fn damaged_files_end_in_records_and_closed_books() {
    let folder = tempfile::tempdir().unwrap();
    let whole = pcap(&connections(6), 0);
    let mut random = Random(2);
    let dissector = Dissector {
        checksums: Checksums::Validate,
        ..Dissector::default()
    };
    for number in 0..2000 {
        let mut bytes = whole.clone();
        random.damage(&mut bytes, 200);
        let path = file(folder.path(), "damaged.pcap", &bytes);
        let plan = FilesPlan {
            filter: None,
            files: vec![path],
            tracking: Tracking {
                limits: Limits::flows(8),
                timeouts: Timeouts::default(),
                seed: number,
                dissector,
            },
            outputs: Outputs {
                packets: None,
                rotation: None,
                flows: None,
                existing: Existing::Refuse,
                buffer_bytes: 0,
            },
            workers: 1 + (number % 50 == 0) as usize,
        };
        // An error is an answer; a ledger that does not close is none.
        if let Ok(run) = FileRun::new(&plan, &mut |_| ()) {
            assert!(run.ledger.holds(), "{}", run.ledger);
        }
    }
}

/// Headers that carry their own kind, as often as a frame holds them.
fn nested() -> Vec<Vec<u8>> {
    const MOST: usize = 200_000;
    const ETHER: [u8; 12] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    let within = |front: &[u8], again: &[u8]| {
        let count = (MOST - front.len()) / again.len();
        [front, &again.repeat(count)].concat()
    };
    let ethernet = |ethertype: [u8; 2]| [&ETHER[..], &ethertype].concat();
    // Of IP, the length of each datagram has to fit.
    let ip = |header: &dyn Fn(usize) -> Vec<u8>, most: usize| {
        let mut datagram = Vec::new();
        let len = header(0).len();
        while datagram.len() + len <= most {
            let mut next = header(datagram.len());
            next.append(&mut datagram);
            datagram = next;
        }
        datagram
    };
    let ipv4 = |protocol: u8, between: &'static [u8]| {
        move |payload: usize| {
            let [high, low] = ((20 + between.len() + payload) as u16).to_be_bytes();
            let mut header = vec![0x45, 0, high, low, 0, 0, 0, 0, 64, protocol, 0, 0];
            header.extend([10, 0, 0, 1, 10, 0, 0, 2]);
            header.extend(between);
            header
        }
    };
    let ipv6 = |payload: usize| {
        let [high, low] = (payload as u16).to_be_bytes();
        let mut header = vec![0x60, 0, 0, 0, high, low, 41, 64];
        header.extend([0x20; 32]);
        header
    };
    let unreachable = &[3, 1, 0, 0, 0, 0, 0, 0];
    let gre_ip = &[0, 0, 0x08, 0];
    let most = usize::from(u16::MAX);
    vec![
        within(&ethernet([0x81, 0]), &[0, 1, 0x81, 0]),
        within(&ethernet([0x88, 0xa8]), &[0, 1, 0x88, 0xa8]),
        within(&ethernet([0x88, 0x47]), &[0, 1, 0, 64]),
        within(&[], &[&ethernet([0x88, 0x47])[..], &[0, 1, 1, 64]].concat()),
        within(&[], &ethernet([0x65, 0x58])),
        [ethernet([0x08, 0]), ip(&ipv4(4, &[]), most)].concat(),
        [ethernet([0x08, 0]), ip(&ipv4(47, gre_ip), most)].concat(),
        [ethernet([0x08, 0]), ip(&ipv4(1, unreachable), most)].concat(),
        [ethernet([0x86, 0xdd]), ip(&ipv6, most)].concat(),
        [
            ethernet([0x86, 0xdd]),
            ipv6(most),
            [60, 0, 1, 4, 0, 0, 0, 0].repeat(most / 8),
        ]
        .concat(),
    ]
}

#[test]
fn headers_within_headers_without_end_are_read_as_far_as_is_sensible() {
    let frames: Vec<_> = (0..).zip(nested()).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "nested.pcap", &pcap(&frames, 0));
    let program = program::locate().unwrap();
    for form in [&["-n"][..], &["-n", "-V"], &["-T", "json"], &["-n", "-2"]] {
        let output = Command::new(&program)
            .arg("read")
            .arg(&path)
            .args(form)
            .output()
            .unwrap();
        assert!(output.status.success(), "{form:?}: {:?}", output.status);
        if form == ["-n"] {
            let lines = String::from_utf8(output.stdout).unwrap();
            assert_eq!(lines.lines().count(), frames.len());
        }
    }
    let output = Command::new(&program)
        .args(["flows", "--format", "jsonl"])
        .arg(&path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{:?}", output.status);
}
