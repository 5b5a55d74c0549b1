//! Capture files: pcap in both byte orders and units, pcapng with every block that has a meaning.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::Capture;

/// The byte order of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The lowest byte first.
    Little,
    /// The highest byte first.
    Big,
}

impl Order {
    fn u16(self, number: u16) -> [u8; 2] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }

    fn u32(self, number: u32) -> [u8; 4] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }
}

const START: u32 = 1_700_000_000;

/// A pcap file with microseconds.
#[must_use]
pub fn pcap(capture: &Capture, order: Order) -> Vec<u8> {
    classic(capture, order, 0xa1b2_c3d4)
}

/// A pcap file with nanoseconds, in which each packet was cut by a byte.
pub(super) fn nanoseconds(capture: &Capture) -> Vec<u8> {
    let mut cut = capture.clone();
    for frame in &mut cut.frames {
        frame.pop();
    }
    classic(&cut, Order::Big, 0xa1b2_3c4d)
}

fn classic(capture: &Capture, order: Order, magic: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(order.u32(magic));
    bytes.extend(order.u16(2));
    bytes.extend(order.u16(4));
    for word in [0, 0, 0x0004_0000, u32::from(capture.link)] {
        bytes.extend(order.u32(word));
    }
    for (number, frame) in capture.frames.iter().enumerate() {
        let len = frame.len() as u32;
        for word in [START, number as u32 * 1000, len, len] {
            bytes.extend(order.u32(word));
        }
        bytes.extend(frame);
    }
    bytes
}

/// A pcapng file being made.
struct Blocks {
    order: Order,
    bytes: Vec<u8>,
}

impl Blocks {
    fn new(order: Order) -> Self {
        let mut blocks = Self {
            order,
            bytes: Vec::new(),
        };
        blocks.section();
        blocks
    }

    fn section(&mut self) {
        let order = self.order;
        let mut body = Vec::new();
        body.extend(order.u32(0x1a2b_3c4d));
        body.extend(order.u16(1));
        body.extend(order.u16(0));
        body.extend([0xff; 8]);
        body.extend(self.options(&[(1, b"made by code"), (2, b"none"), (4, b"seeds")]));
        self.block(0x0a0d_0d0a, &body);
    }

    fn options(&self, options: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (code, value) in options {
            bytes.extend(self.order.u16(*code));
            bytes.extend(self.order.u16(value.len() as u16));
            bytes.extend(*value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes.extend([0; 4]);
        bytes
    }

    fn block(&mut self, kind: u32, body: &[u8]) {
        let len = (12 + body.len().next_multiple_of(4)) as u32;
        self.bytes.extend(self.order.u32(kind));
        self.bytes.extend(self.order.u32(len));
        self.bytes.extend(body);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.bytes.extend(self.order.u32(len));
    }

    fn interface(&mut self, link: u16, options: &[(u16, &[u8])]) {
        let mut body = Vec::new();
        body.extend(self.order.u16(link));
        body.extend(self.order.u16(0));
        body.extend(self.order.u32(0x0004_0000));
        body.extend(self.options(options));
        self.block(1, &body);
    }

    fn packet(&mut self, iface: u32, at: u32, frame: &[u8], options: &[(u16, &[u8])]) {
        let mut body = Vec::new();
        // Microseconds since 1970, in two halves.
        let time = u64::from(START) * 1_000_000 + u64::from(at);
        for word in [
            iface,
            (time >> 32) as u32,
            time as u32,
            frame.len() as u32,
            frame.len() as u32,
        ] {
            body.extend(self.order.u32(word));
        }
        body.extend(frame);
        body.resize(body.len().next_multiple_of(4), 0);
        if !options.is_empty() {
            body.extend(self.options(options));
        }
        self.block(6, &body);
    }
}

/// A pcapng file with an interface for each capture.
#[must_use]
pub fn pcapng(captures: &[Capture], order: Order) -> Vec<u8> {
    let mut blocks = Blocks::new(order);
    for (iface, capture) in captures.iter().enumerate() {
        blocks.interface(capture.link, &[(2, capture.name.as_bytes()), (9, &[6])]);
        for (number, frame) in capture.frames.iter().enumerate() {
            blocks.packet(iface as u32, number as u32 * 500, frame, &[]);
        }
    }
    blocks.bytes
}

/// A pcapng file with every block that has a meaning, in two sections.
pub(super) fn every_block() -> Vec<u8> {
    let frame = super::tcp::captures()[0].frames[0].clone();
    let mut blocks = Blocks::new(Order::Little);
    let order = blocks.order;
    // Time in units of 2^-10 s, an offset, a filter, a name, a MAC address.
    blocks.interface(
        1,
        &[
            (2, b"eth0"),
            (3, b"a card"),
            (6, &[2, 0, 0, 0, 0, 1]),
            (9, &[0x8a]),
            (11, b"\x00tcp"),
            (14, &[1, 0, 0, 0, 0, 0, 0, 0]),
        ],
    );
    blocks.packet(
        0,
        0,
        &frame,
        &[
            (1, b"a comment"),
            (2, &[1, 0, 0, 0]),
            (4, &[3, 0, 0, 0, 0, 0, 0, 0]),
            (6, &[1, 0, 0, 0]),
        ],
    );
    // A simple packet, an obsolete one.
    let mut simple = order.u32(frame.len() as u32).to_vec();
    simple.extend(&frame);
    blocks.block(3, &simple);
    let mut obsolete = [order.u16(0), order.u16(7)].concat();
    for word in [0, 5, frame.len() as u32, frame.len() as u32 + 9] {
        obsolete.extend(order.u32(word));
    }
    obsolete.extend(&frame);
    blocks.block(2, &obsolete);
    // Names of addresses, statistics, secrets, a block of somebody, an unknown one.
    let mut names = [order.u16(1), order.u16(9)].concat();
    names.extend(b"\x0a\x00\x00\x01one\0\0\0\0");
    names.extend([0; 4]);
    blocks.block(4, &names);
    let mut statistics = order.u32(0).to_vec();
    statistics.extend([0; 8]);
    statistics.extend(blocks.options(&[
        (4, &[9, 0, 0, 0, 0, 0, 0, 0]),
        (5, &[1, 0, 0, 0, 0, 0, 0, 0]),
    ]));
    blocks.block(5, &statistics);
    let mut secrets = order.u32(0x544c_534b).to_vec();
    secrets.extend(order.u32(8));
    secrets.extend(b"# none\n\n");
    blocks.block(10, &secrets);
    blocks.block(0xbad, b"\x00\x00\x00\x01what");
    blocks.block(0x4000_0000, b"");
    blocks.order = Order::Big;
    blocks.section();
    blocks.interface(101, &[(9, &[9])]);
    blocks.packet(0, 0, frame.get(14..).unwrap_or_default(), &[]);
    blocks.bytes
}

/// The same file, compressed.
pub(super) fn gzipped(file: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(file).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}
