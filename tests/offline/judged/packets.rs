//! Random packets of the layers below the applications: all options of IPv4, extension headers of IPv6,
//! ICMP, IGMP, ARP, neighbor discovery, fragments; whole, cut short by a snap length, and damaged.

use capture_tests::oracle::require;
use capture_tests::program::locate;

use super::{differences, expect_none, fields, setting, write};
use crate::capture_filter::random::Random;

pub(super) const START_NS: u64 = 1_700_000_000_000_000_000;

/// What packets are made of.
pub(super) struct Maker(pub(super) Random);

impl Maker {
    pub(super) fn byte(&mut self) -> u8 {
        self.0.next() as u8
    }

    pub(super) fn short(&mut self) -> u16 {
        self.0.next() as u16
    }

    pub(super) fn some(&mut self, most: usize) -> Vec<u8> {
        let len = self.0.below(most + 1);
        self.0.bytes(len)
    }

    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.0.below(choices.len())]
    }

    pub(super) fn address(&mut self) -> [u8; 4] {
        self.pick(&[
            [10, 0, 0, 1],
            [10, 0, 0, 2],
            [192, 168, 1, 10],
            [203, 0, 113, 9],
            [224, 0, 0, 1],
            [224, 0, 0, 251],
            [239, 1, 2, 3],
            [255; 4],
            [0; 4],
        ])
    }

    pub(super) fn address6(&mut self) -> [u8; 16] {
        let text = self.pick(&[
            "2001:db8::1",
            "2001:db8::2",
            "fe80::200:5eff:fe00:5301",
            "ff02::1",
            "ff02::1:ff00:1",
            "::",
            "64:ff9b::102:304",
            "2002:c000:204::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "fe80::5efe:192.0.2.1",
        ]);
        text.parse::<std::net::Ipv6Addr>().unwrap().octets()
    }

    fn udp(&mut self) -> Vec<u8> {
        // Nothing that looks like RTP, or like anything else that is known by its first bits.
        let mut payload = vec![0x3f];
        payload.extend(self.some(24));
        let mut bytes = vec![0x50, self.byte() & 15, 0x8b, self.byte() & 15];
        let len = match self.0.below(12) {
            0 => self.short() % 64,
            _ => 8 + payload.len() as u16,
        };
        bytes.extend(len.to_be_bytes());
        bytes.extend(self.short().to_be_bytes());
        [bytes, payload].concat()
    }

    pub(super) fn ipv4(&mut self, protocol: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
        let mut options = options.to_vec();
        options.resize(options.len().div_ceil(4) * 4, 0);
        let header_len = 20 + options.len();
        let total = (header_len + payload.len()) as u16;
        let mut bytes = vec![0x40 | (header_len / 4) as u8, 0];
        bytes.extend(total.to_be_bytes());
        bytes.extend(self.short().to_be_bytes());
        bytes.extend([0, 0, self.pick(&[1, 3, 64, 255]), protocol, 0, 0]);
        bytes.extend(self.address());
        bytes.extend(self.address());
        bytes.extend(options);
        let sum = checksum(&bytes);
        if !self.0.one_in(12) {
            bytes[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        [&bytes, payload].concat()
    }

    fn ipv6(&mut self, next: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x60, 0, 0, 0];
        bytes.extend((payload.len() as u16).to_be_bytes());
        bytes.extend([next, self.pick(&[1, 64, 255])]);
        bytes.extend(self.address6());
        bytes.extend(self.address6());
        [&bytes, payload].concat()
    }

    /// An option of IPv4.
    fn option(&mut self) -> Vec<u8> {
        const KINDS: [u8; 17] = [
            0, 1, 7, 11, 12, 25, 68, 82, 99, 130, 131, 133, 134, 136, 137, 148, 149,
        ];
        let kind = self.pick(&KINDS);
        if kind < 2 {
            return vec![kind];
        }
        let mut body = match kind {
            7 | 131 | 137 => {
                let mut body = vec![self.pick(&[4, 8, 12, 0, 5, 16])];
                for _ in 0..self.0.below(4) {
                    body.extend(self.address());
                }
                body
            }
            68 => {
                let flag = self.pick(&[0, 1, 2, 3]);
                let len = self.0.below(4) * if flag % 2 == 1 { 8 } else { 4 };
                [vec![self.pick(&[1, 4, 5, 6, 9]), flag], self.0.bytes(len)].concat()
            }
            25 => [vec![self.pick(&[0, 0x80, 0x10]) | 5], self.0.bytes(5)].concat(),
            130 => self
                .pick(&[
                    &[0xf1, 0x35, 0, 1, b'A', b'B', b'X', b'Y', b'Z'][..],
                    &[0x5a, 0x81, 0x80],
                    &[0xab, 0x01],
                    &[0x96],
                ])
                .to_vec(),
            134 => {
                let mut body = vec![0, 0, 0, 3];
                let tag: &[u8] = self.pick(&[
                    &[1, 6, 0, 4, 0xa0, 1][..],
                    &[2, 8, 0, 4, 0, 7, 1, 2],
                    &[5, 8, 0, 4, 0, 9, 0, 2],
                    &[7, 5, b'a', b'b', b'c'],
                    &[6, 6, 1, 2, 3, 4],
                    &[9, 4, 1, 2],
                ]);
                body.extend(tag);
                body
            }
            82 => self.0.bytes(10),
            149 => self.0.bytes(8),
            _ => self.0.bytes(2),
        };
        if self.0.one_in(12) {
            let len = self.0.below(body.len() + 1);
            body.truncate(len);
        }
        let len = match self.0.below(20) {
            0 => self.byte() % 48,
            _ => 2 + body.len() as u8,
        };
        [vec![kind, len], body].concat()
    }

    fn options(&mut self) -> Vec<u8> {
        let mut options = Vec::new();
        for _ in 0..=self.0.below(3) {
            let option = self.option();
            if options.len() + option.len() <= 40 {
                options.extend(option);
            }
        }
        options
    }

    fn icmp(&mut self) -> Vec<u8> {
        let kind = self.pick(&[
            0, 3, 3, 4, 5, 8, 8, 9, 10, 11, 12, 13, 14, 15, 17, 30, 42, 43,
        ]);
        let code = self.pick(&[0, 0, 1, 3, 4, 13, 16]);
        let mut bytes = vec![kind, code, 0, 0];
        match kind {
            3 | 4 | 5 | 11 | 12 => {
                let datagram = self.udp();
                let quoted = self.ipv4(17, &[], &datagram);
                bytes.extend([0, 0, 5, 0xdc]);
                bytes.extend(quoted);
            }
            9 => {
                bytes.extend([1, 2, 7, 8]);
                bytes.extend(self.0.bytes(8));
            }
            42 => {
                bytes.extend(self.0.bytes(4));
                let object = [&[0x20, 0, 0, 0, 0, 8, 3, 1][..], b"eth0"].concat();
                bytes.extend(object);
            }
            _ => bytes.extend(self.0.bytes(20)),
        }
        let sum = checksum(&bytes);
        if !self.0.one_in(10) {
            bytes[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        bytes
    }

    fn igmp(&mut self) -> Vec<u8> {
        let kind = self.pick(&[0x11, 0x11, 0x12, 0x16, 0x17, 0x22, 0x22, 0x1f, 0x03]);
        let mut bytes = vec![kind, self.pick(&[0, 100, 200]), 0, 0];
        match kind {
            0x22 => {
                bytes.extend([0, 0, 0, 2]);
                for _ in 0..2 {
                    bytes.extend([self.pick(&[1, 2, 3, 4, 5, 6, 7]), 0, 0, 1]);
                    bytes.extend(self.address());
                    bytes.extend(self.address());
                }
            }
            0x11 if self.0.one_in(2) => {
                bytes.extend(self.address());
                bytes.extend([self.byte(), self.byte(), 0, 1]);
                bytes.extend(self.address());
            }
            _ => {
                bytes.extend(self.address());
                bytes.extend(
                    self.0
                        .bytes(if (0x10..=0x20).contains(&kind) { 0 } else { 12 }),
                );
            }
        }
        let sum = checksum(&bytes);
        bytes[2..4].copy_from_slice(&sum.to_be_bytes());
        bytes
    }

    fn arp(&mut self) -> Vec<u8> {
        let mut bytes = vec![
            0,
            1,
            8,
            0,
            6,
            4,
            0,
            self.pick(&[1, 1, 2, 2, 3, 4, 8, 9, 25]),
        ];
        for _ in 0..2 {
            bytes.extend([2, 0, 0, 0, 0, self.pick(&[1, 2])]);
            bytes.extend(self.pick(&[[10, 0, 0, 1], [10, 0, 0, 2], [0; 4]]));
        }
        bytes
    }

    /// Extension headers, and what they carry.
    fn extended(&mut self) -> (u8, Vec<u8>) {
        let mut next = 17;
        let mut payload = self.udp();
        for _ in 0..self.0.below(3) {
            let kind = self.pick(&[0_u8, 60, 43, 43]);
            let body: Vec<u8> = if kind == 43 {
                let address = self.address6();
                let head: &[u8] = self.pick(&[&[2, 0, 1, 0, 0, 0, 0][..], &[2, 4, 1, 0, 0, 0, 7]]);
                [head, &address].concat()
            } else {
                let option: &[u8] = self.pick(&[
                    &[5, 2, 0, 0, 1, 0][..],
                    &[1, 4, 0, 0, 0, 0],
                    &[0, 4, 1, 9, 1, 0],
                    &[0x1e, 4, 1, 2, 3, 4],
                    &[0x11, 4, 1, 2, 3, 4],
                    &[0x30, 4, 5, 0xdc, 5, 0xdd],
                    &[0x63, 4, 0x80, 1, 2, 3],
                ]);
                [&[0], option].concat()
            };
            payload = [vec![next], body, payload].concat();
            next = kind;
        }
        (next, payload)
    }

    fn icmpv6(&mut self) -> Vec<u8> {
        let kind = self.pick(&[1, 2, 3, 4, 128, 129, 130, 131, 133, 134, 135, 136, 137, 143]);
        let mut bytes = vec![kind, self.pick(&[0, 0, 1, 3]), 0, 0];
        match kind {
            1..=4 => {
                bytes.extend([0, 0, 5, 0]);
                let datagram = self.udp();
                bytes.extend(self.ipv6(17, &datagram));
                return bytes;
            }
            133 => bytes.extend([0; 4]),
            134 => bytes.extend([64, self.byte(), 7, 8, 0, 0, 0, 0, 0, 0, 0, 0]),
            135 | 136 => {
                bytes.extend([self.byte() & 0xe0, 0, 0, 0]);
                bytes.extend(self.address6());
            }
            137 => {
                bytes.extend([0; 4]);
                bytes.extend(self.address6());
                bytes.extend(self.address6());
            }
            143 => {
                bytes.extend([0, 0, 0, 1, self.pick(&[1, 2, 3, 4, 5, 6]), 0, 0, 1]);
                bytes.extend(self.address6());
                bytes.extend(self.address6());
                return bytes;
            }
            _ => {
                bytes.extend(self.0.bytes(20));
                return bytes;
            }
        }
        for _ in 0..self.0.below(3) {
            let option: &[u8] = self.pick(&[
                &[1, 1, 2, 0, 0, 0, 0, 1][..],
                &[2, 1, 2, 0, 0, 0, 0, 2],
                &[5, 1, 0, 0, 0, 0, 5, 0xdc],
                &[14, 1, 1, 2, 3, 4, 5, 6],
                &[24, 1, 0, 8, 0, 0, 7, 8],
                &[31, 2, 0, 0, 0, 0, 7, 8, 2, b'd', b'e', 0, 0, 0, 0, 0],
            ]);
            bytes.extend(option);
        }
        bytes
    }

    /// A packet behind the header of a link without Ethernet.
    fn linked(&mut self, link: u32) -> Vec<u8> {
        let (kind, packet) = match self.packet() {
            // These links carry nothing but IP.
            (0x0806, _) if [LINK_NULL, LINK_RAW].contains(&link) => {
                let datagram = self.udp();
                (0x0800, self.ipv4(17, &[], &datagram))
            }
            found => found,
        };
        let mut bytes = Vec::new();
        match link {
            LINK_NULL => {
                let family = if kind == 0x86dd {
                    self.pick(&[24, 28, 30])
                } else {
                    2_u32
                };
                bytes.extend(family.to_le_bytes());
            }
            LINK_SLL => {
                bytes.extend([0, self.pick(&[0, 1, 2, 3, 4]), 0, 1, 0, 6, 2, 0, 0, 0, 0, 1]);
                bytes.extend([0; 2]);
                bytes.extend(kind.to_be_bytes());
            }
            LINK_SLL2 => {
                bytes.extend(kind.to_be_bytes());
                bytes.extend([0, 0, 0, 0, 0, self.byte(), 0, 1, self.pick(&[0, 1, 4]), 6]);
                bytes.extend([2, 0, 0, 0, 0, 1, 0, 0]);
            }
            _ => {}
        }
        [bytes, packet].concat()
    }

    fn frame(&mut self) -> Vec<u8> {
        let (kind, packet) = self.packet();
        let ends = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
        [&ends[..], &kind.to_be_bytes(), &packet].concat()
    }

    /// An `EtherType`, and a packet of it.
    pub(super) fn packet(&mut self) -> (u16, Vec<u8>) {
        match self.0.below(10) {
            0..3 => {
                let (options, datagram) = (self.options(), self.udp());
                (0x0800_u16, self.ipv4(17, &options, &datagram))
            }
            3 => {
                let message = self.icmp();
                (0x0800, self.ipv4(1, &[], &message))
            }
            4 => {
                let message = self.igmp();
                (0x0800, self.ipv4(2, &[0x94, 4, 0, 0], &message))
            }
            5 => (0x0806, self.arp()),
            6 | 7 => {
                let (next, payload) = self.extended();
                (0x86dd, self.ipv6(next, &payload))
            }
            _ => {
                let message = self.icmpv6();
                (0x86dd, self.ipv6(58, &message))
            }
        }
    }
}

/// `LINKTYPE_NULL`.
const LINK_NULL: u32 = 0;
/// `LINKTYPE_RAW`.
const LINK_RAW: u32 = 101;
/// `LINKTYPE_LINUX_SLL`.
const LINK_SLL: u32 = 113;
/// `LINKTYPE_LINUX_SLL2`.
const LINK_SLL2: u32 = 276;

pub(super) fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| match pair {
        [high, low] => u32::from(*high) << 8 | u32::from(*low),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    let sum: u32 = words.sum();
    let sum = (sum >> 16) + (sum & 0xffff);
    !(((sum >> 16) + sum) as u16)
}

/// The layers, with all fields that both know.
const LAYERS: [&str; 13] = [
    "frame",
    "eth",
    "vlan",
    "ieee8021ad",
    "null",
    "sll",
    "arp",
    "ip",
    "ipv6",
    "icmp",
    "icmpv6",
    "igmp",
    "llc",
];

/// What is not compared: names of vendors, of which each has a list of its own.
fn is_of_vendors(field: &str) -> bool {
    field.ends_with("oui_resolved")
}

/// A guess that only tshark makes of a payload that was cut: where only some of the first four bytes were
/// captured, it is of `WireGuard` to it, and those of a packet that is quoted may be of DNS; a trailer may
/// be a monitor's.
fn is_guess(protocols: &str) -> bool {
    [":wg", ":udp:dns", ":vssmonitoring"]
        .iter()
        .any(|end| protocols.ends_with(end))
}

#[test]
fn random_packets_are_told_as_by_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let mut maker = Maker(Random(setting("CAPTURE_JUDGED_SEED", 1)));
    let count = setting("CAPTURE_JUDGED_PACKETS", 4000) / 4;
    let packets: Vec<_> = (0..count)
        .map(|number| {
            let frame = maker.frame();
            let wire_len = frame.len() as u32;
            (START_NS + number * 1_000_000, frame, wire_len)
        })
        .collect();
    compare(&packets, &[]);
    let checked = [
        "-o",
        "ip.check_checksum:TRUE",
        "-o",
        "udp.check_checksum:TRUE",
    ];
    compare(&packets, &checked);
}

#[test]
fn packets_that_were_cut_short_are_told_as_by_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let mut maker = Maker(Random(setting("CAPTURE_JUDGED_SEED", 2)));
    let count = setting("CAPTURE_JUDGED_PACKETS", 4000) / 8;
    let packets: Vec<_> = (0..count)
        .map(|number| {
            let mut frame = maker.frame();
            let wire_len = frame.len() as u32;
            let len = 14 + maker.0.below(frame.len() - 13);
            frame.truncate(len);
            (START_NS + number * 1_000_000, frame, wire_len)
        })
        .collect();
    compare(&packets, &[]);
}

#[test]
fn links_without_ethernet_are_told_as_by_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let mut maker = Maker(Random(setting("CAPTURE_JUDGED_SEED", 4)));
    let count = setting("CAPTURE_JUDGED_PACKETS", 4000) / 16;
    for link in [LINK_NULL, LINK_RAW, LINK_SLL, LINK_SLL2] {
        let packets: Vec<_> = (0..count)
            .map(|number| {
                let mut frame = maker.linked(link);
                let wire_len = frame.len() as u32;
                if link == LINK_RAW && maker.0.one_in(8) {
                    // Nothing that looks like IP.
                    for byte in &mut frame {
                        *byte |= 0x80;
                    }
                }
                if link == LINK_RAW && maker.0.one_in(8) {
                    frame.truncate(maker.0.below(24));
                }
                (START_NS + number * 1_000_000, frame, wire_len)
            })
            .collect();
        compare_on(link, &packets, &[]);
    }
}

pub(super) fn compare(packets: &[(u64, Vec<u8>, u32)], options: &[&str]) {
    compare_on(1, packets, options);
}

fn compare_on(link: u32, packets: &[(u64, Vec<u8>, u32)], options: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), link, packets);
    let mut asked = fields(&[&LAYERS[..], &["udp"]].concat(), &locate().unwrap());
    asked.push("_ws.col.Info".to_owned());
    asked.push("_ws.col.Protocol".to_owned());
    let excused =
        |protocols: &str, field: &str, _: [&str; 2]| is_of_vendors(field) || is_guess(protocols);
    expect_none(&differences(&file, options, &asked, excused), &file);
}
