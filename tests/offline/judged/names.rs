//! Random messages of DNS: records of every type that has a name of its own in the list.

use capture_tests::oracle::require;

use super::packets::{Maker, START_NS};
use super::{differences, expect_none, setting, write};
use crate::capture_filter::random::Random;

impl Maker {
    /// A name, sometimes one that is as long as can be, or longer.
    fn domain(&mut self) -> Vec<u8> {
        let mut name = Vec::new();
        let (labels, most) = match self.0.below(12) {
            0 => (4, 63),
            1 => (0, 1),
            2 => (100 + self.0.below(30), 1),
            _ => (1 + self.0.below(4), 12),
        };
        for _ in 0..labels {
            let len = if most == 63 {
                58 + self.0.below(6)
            } else {
                1 + self.0.below(most)
            };
            name.push(len as u8);
            name.extend((0..len).map(|_| b'a' + self.byte() % 26));
        }
        name.push(0);
        name
    }

    /// The data of a record of a type.
    fn data(&mut self, kind: u16) -> Vec<u8> {
        let names = |this: &mut Self, count: usize| -> Vec<u8> {
            (0..count).flat_map(|_| this.domain()).collect()
        };
        match kind {
            1 => self.0.bytes(4),
            28 => self.0.bytes(16),
            2..=5 | 7..=9 | 12 | 23 | 39 => self.domain(),
            6 => [names(self, 2), self.0.bytes(20)].concat(),
            14 | 17 => names(self, 2),
            15 | 18 | 21 | 36 => [self.0.bytes(2), self.domain()].concat(),
            16 => vec![3, b'a', b'b', b'c', 1, b'd'],
            26 => [self.0.bytes(2), names(self, 2)].concat(),
            33 => [self.0.bytes(6), self.domain()].concat(),
            _ => vec![2, b'-', b'1', 2, b'+', b'1', 1, b' '],
        }
    }

    fn message(&mut self) -> Vec<u8> {
        const KINDS: [u16; 28] = [
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 21, 22, 23, 26, 27, 28, 33,
            36, 39, 253, 255,
        ];
        let (asked, count) = (self.pick(&KINDS), self.0.below(4) as u16);
        let mut bytes = self.short().to_be_bytes().to_vec();
        bytes.extend(if count > 0 {
            [0x81, 0x80]
        } else {
            [0x01, 0x00]
        });
        for number in [1, count, 0, 0] {
            bytes.extend(number.to_be_bytes());
        }
        bytes.extend(self.domain());
        bytes.extend(asked.to_be_bytes());
        bytes.extend([0, 1]);
        for _ in 0..count {
            let kind = self.pick(&KINDS[..26]);
            let data = self.data(kind);
            bytes.extend([0xc0, 0x0c]);
            bytes.extend(kind.to_be_bytes());
            bytes.extend([0, 1, 0, 0, 1, 0]);
            bytes.extend((data.len() as u16).to_be_bytes());
            bytes.extend(data);
        }
        bytes
    }
}

#[test]
fn random_names_and_records_are_listed_as_by_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let mut maker = Maker(Random(setting("CAPTURE_JUDGED_SEED", 12)));
    let count = setting("CAPTURE_JUDGED_PACKETS", 4000) / 4;
    let packets: Vec<_> = (0..count)
        .map(|number| {
            let message = maker.message();
            let mut datagram = vec![0, 53, 0x9c, 0x40];
            datagram.extend((8 + message.len() as u16).to_be_bytes());
            datagram.extend([0, 0]);
            datagram.extend(message);
            let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
            frame.extend(maker.ipv4(17, &[], &datagram));
            let len = frame.len() as u32;
            (START_NS + number * 1_000_000, frame, len)
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), 1, &packets);
    let asked = ["_ws.col.Protocol", "_ws.col.Info"].map(str::to_owned);
    let found = differences(&file, &[], &asked, |_, _, _| false);
    expect_none(&found, &file);
}
