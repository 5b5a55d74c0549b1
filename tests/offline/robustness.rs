//! Damaged input by the thousand: the entry points of the fuzz targets, in every plain test run.

use capture::dissect::{Checksums, Dissector};
use capture::engine::{FileRun, FilesPlan, Outputs, Tracking};
use capture::flow::{Limits, Timeouts};
use capture::packet::{LinkType, Packet, PacketMeta};
use capture::sink::Existing;

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
